"""``%%dsql`` in IPython and notebooks."""

from __future__ import annotations

import os
import sys
from typing import Any

from ._run import Run, run


class Cells:
    """Runs cells. The DuckDB file that one names is that of the next ones, too."""

    def __init__(self, shell: Any):
        self.shell = shell
        self.db = os.environ.get("DSQL_DB") or "notebook.duckdb"

    def dsql(self, line: str, cell: str) -> Any:
        """``%%dsql [db]`` runs the cell's script on a DuckDB file (the one that was named last, at first notebook.duckdb), which is open
        only meanwhile. Python functions in it see this interpreter's packages. Results are shown as DataFrames; the last is the cell's
        value, ``_``."""
        self.db = line.strip().strip("'\"") or self.db
        done = run(text=cell, db=self.db, name=f"cell [{self._number()}]")
        for w in done.warnings:
            print(w, file=sys.stderr)
        if done.versions or done.waiting:
            print(_account(done), file=sys.stderr)
        frames = [r.df() for r in done.results]
        from IPython.display import display

        for f in frames[:-1]:
            display(f)
        return frames[-1] if frames else None

    def _number(self) -> int:
        """That of the cell, as its prompt shows it: IPython counts on before it runs one, or behind it, by its version."""
        return len(self.shell.user_ns["In"]) - 1


def _account(done: Run) -> str:
    """What the cell's run did, a line a destination."""
    sums: dict[str, list[int]] = {}
    for v in done.versions:
        for r in v.rows:
            s = sums.setdefault(r.name, [0, 0, 0])
            s[0] += r.written
            s[1] += r.rejected
            s[2] += r.dropped
    lines = []
    for name, counts in sums.items():
        said = [f"{n:,} {word}" for n, word in zip(counts, ("written", "rejected", "dropped")) if n or word == "written"]
        lines.append(f"{name}: {', '.join(said)}")
    if done.bad:
        lines.append(f"{done.bad:,} bad records (dsql.rejects)")
    lines += [f"waiting: {w['path']}, until {w['until']} ({w['why']})" for w in done.waiting]
    return "\n".join(lines)


def register(shell: Any) -> None:
    shell.register_magic_function(Cells(shell).dsql, "cell", "dsql")
