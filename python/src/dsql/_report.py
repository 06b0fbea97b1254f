"""What ``dsql report`` draws of a file, in a notebook or as a file."""

from __future__ import annotations

import html
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ._program import program


@dataclass(frozen=True)
class Report:
    """One HTML page that needs no network. A notebook shows it; ``save`` writes it."""

    html: str = field(repr=False)
    height: int = 640

    def save(self, path: str | os.PathLike[str]) -> None:
        Path(path).write_text(self.html, encoding="utf-8")

    def _repr_html_(self) -> str:
        """A frame of its own, without scripts: the page's styles don't reach the notebook, nor the notebook's the page."""
        return (f'<iframe sandbox srcdoc="{html.escape(self.html)}" width="100%" height="{self.height}" '
                'style="border: 0" title="dsql report"></iframe>')


def report(db: str | os.PathLike[str], *, select: str | Sequence[str] = (), key: str | Sequence[str] = ()) -> Report:
    """Draws what there is to see of a DuckDB file: what needs a look, what feeds what, its objects. select draws objects alone; with key,
    the life of a key of the journal selected (a value for each key column). ValueError says what the program refuses.

    >>> import dsql
    >>> run = dsql.run(text="CREATE TABLE t AS SELECT 42 AS n", db="report.duckdb")
    >>> dsql.report("report.duckdb").save("report.html")
    """
    args = [program(), "report", "--file=-", f"--db={os.fspath(db)}"]
    args += [f"--select={s}" for s in _several(select)] + [f"--key={k}" for k in _several(key)]
    done = subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise ValueError(done.stderr.strip())
    return Report(done.stdout)


def _several(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names
