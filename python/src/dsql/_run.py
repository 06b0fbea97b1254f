"""Runs of scripts, and what they tell."""

from __future__ import annotations

import decimal
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._program import execute
from ._types import Column, converter, parse

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Problem:
    """An error or a warning. file, line and column (from 1) are its place in the script; line is 0 where it has none."""

    code: str
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    text: str = field(default="", repr=False)  # as the command shows it, with the line and a caret

    def __str__(self) -> str:
        return self.text.rstrip("\n") or self.message


class Error(Exception):
    """What ended a run. Its fields are those of the first problem; ``errors`` has all of a script, ``exit_code`` is the command's, and
    ``run`` what was committed before.

    >>> import dsql
    >>> try:
    ...     dsql.run(text="SELECT nme FROM (SELECT 1 AS name)", db="errors.duckdb", name="names.sql")
    ... except dsql.Error as e:
    ...     print(e.file, e.line, e.column, e.code, e.exit_code)
    names.sql 1 8 duckdb-binder 1
    """

    def __init__(self, errors: Sequence[Problem], exit_code: int, run: Run):
        super().__init__("\n".join(map(str, errors)))
        self.errors, self.exit_code, self.run = tuple(errors), exit_code, run
        first = self.errors[0]
        self.code, self.message, self.hint = first.code, first.message, first.hint
        self.file, self.line, self.column = first.file, first.line, first.column

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the places are in SQL, not in Python."""
        return str(self).split("\n")


@dataclass(frozen=True)
class Rows:
    """The account of a destination in a version: rows_in = written + rejected + dropped."""

    kind: str
    name: str
    rows_in: int
    written: int
    rejected: int
    dropped: int


@dataclass(frozen=True)
class Version:
    """A committed version, and what it did: records = rows + bad + skipped."""

    version: int
    source: str
    origin: str
    records: int
    bad: int
    skipped: int
    unknown: int
    seconds: float
    rows: tuple[Rows, ...]


@dataclass(frozen=True)
class Change:
    """What became of a declaration: created, changed or rebuilt."""

    action: str
    kind: str
    name: str
    what: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The rows of a SELECT: values of Python by the columns' types. Decimals and large integers keep their digits; a time that Python
    doesn't have (infinity, nanoseconds) and an interval with months stay text.

    >>> import dsql
    >>> result = dsql.run(text="SELECT 1.50 AS price, DATE '2026-03-01' AS day", db="values.duckdb").results[0]
    >>> result.rows
    [(Decimal('1.50'), datetime.date(2026, 3, 1))]
    >>> result.dicts()[0]["price"]
    Decimal('1.50')
    """

    columns: tuple[Column, ...]
    rows: list[tuple] = field(repr=False)

    def __iter__(self) -> Iterator[tuple]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def dicts(self) -> list[dict[str, Any]]:
        """Each row by its columns' names."""
        names = [c.name for c in self.columns]
        return [dict(zip(names, row)) for row in self.rows]

    def df(self) -> pandas.DataFrame:
        """The rows as a DataFrame. Integers with NULLs are pandas' own that can be missing: none turns into a float."""
        from ._frames import frame

        return frame(self.columns, self.rows)


@dataclass
class Run:
    """What a run did: its versions with their accounts, the results of its SELECTs, and the sums."""

    versions: list[Version] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)  # files that weren't taken yet: source, path, why, until
    records: int = 0
    written: int = 0
    rejected: int = 0
    dropped: int = 0
    bad: int = 0
    skipped: int = 0
    unknown: int = 0
    sunk: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    db: str = ""  # the DuckDB file

    def _repr_html_(self) -> str | None:
        """What a notebook shows: the report of the destinations that the run wrote to."""
        from ._report import report

        names = dict.fromkeys(r.name for v in self.versions for r in v.rows)
        try:
            return report(self.db, select=list(names))._repr_html_() if names else None
        except (OSError, ValueError):  # the file is gone, or in use: the account alone
            return None

    def __repr__(self) -> str:
        counts = {"version": len(self.versions), "record": self.records, "row": self.written}
        text = "{}, {}, {} written".format(*(f"{n:,} {word}{'s' * (n != 1)}" for word, n in counts.items()))
        text += "".join(f", {n:,} {what}" for what in ("bad", "rejected", "dropped", "skipped") if (n := getattr(self, what)))
        return f"<dsql.Run: {text}, {len(self.results)} results>"


@dataclass
class _Listener:
    """Reads the events of a run, a line each."""

    on_event: Callable[[dict[str, Any]], None] | None
    run: Run = field(default_factory=Run)
    errors: list[Problem] = field(default_factory=list)
    columns: list[tuple[Column, ...]] = field(default_factory=list)
    other: list[str] = field(default_factory=list)  # lines that are no events: of a command line that can't be read

    def line(self, text: str) -> None:
        try:
            e = json.loads(text)
            kind = e.pop("event")
        except (ValueError, TypeError, AttributeError, KeyError):
            self.other.append(text)
            return
        if self.on_event is not None:
            self.on_event({"event": kind, **e})
        e.pop("time", None)
        take = getattr(self, "_" + kind, None)
        if take is not None:
            take(e)

    def _version(self, e: dict[str, Any]) -> None:
        rows = tuple(Rows(r["kind"], r["name"], r["in"], r["written"], r["rejected"], r["dropped"]) for r in e.pop("rows"))
        self.run.versions.append(_made(Version, {**e, "rows": rows}))

    def _declaration(self, e: dict[str, Any]) -> None:
        self.run.changes.append(_made(Change, {**e, "what": tuple(e["what"])}))

    def _result(self, e: dict[str, Any]) -> None:
        self.columns.append(tuple(Column(c["name"], c["type"]) for c in e["columns"]))

    def _warning(self, e: dict[str, Any]) -> None:
        self.run.warnings.append(_made(Problem, e))

    def _error(self, e: dict[str, Any]) -> None:
        self.errors.append(_made(Problem, e))

    def _finished(self, e: dict[str, Any]) -> None:
        for name in Run.__dataclass_fields__:
            if name in e and name != "versions":
                setattr(self.run, name, e[name])


def _made(cls: Any, fields: dict[str, Any]) -> Any:
    """A newer program may tell more than this module knows."""
    return cls(**{k: v for k, v in fields.items() if k in cls.__dataclass_fields__})


def run(script: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None, *, db: str | os.PathLike[str] | None = None,
        text: str | None = None, name: str | None = None, on_event: Callable[[dict[str, Any]], None] | None = None,
        **flags: Any) -> Run:
    """Runs a script (a file, several, or a text) on a DuckDB file, as ``dsql run`` does, and returns its account. ``dsql.Error`` is raised
    where it fails; what was committed before stays.

    db is the script's name with .duckdb by default; a text needs one, and name is what its errors call it. The other arguments are flags of
    the command: ``dry_run=True``, ``trace="all.sql"``, ``set={"day": "2026-03-01"}``. on_event is called with each event as it happens
    (docs/cli.md lists their fields). An interrupt (Ctrl-C) ends the run after the batch in hand.

    >>> import dsql, pathlib
    >>> _ = pathlib.Path("people.csv").write_text("id,name\\n1,Ada\\n2,Grace\\nx,Joan\\n")
    >>> _ = pathlib.Path("people.sql").write_text('''
    ...     CREATE SOURCE people_in (id BIGINT, name VARCHAR) FROM FILES ('people.csv');
    ...     CREATE STREAM people FROM people_in;
    ...     REFRESH;
    ...     SELECT id, name FROM people ORDER BY id;''')
    >>> run = dsql.run("people.sql", db="people.duckdb")
    >>> run
    <dsql.Run: 1 version, 3 records, 2 rows written, 1 bad, 1 results>
    >>> run.versions[0].rows
    (Rows(kind='stream', name='people', rows_in=2, written=2, rejected=0, dropped=0),)
    >>> run.results[0].rows
    [(1, 'Ada'), (2, 'Grace')]
    """
    if (script is None) == (text is None):
        raise TypeError("dsql.run takes a script or text=…")
    scripts = ["-"] if script is None else [script] if isinstance(script, (str, os.PathLike)) else script
    args = ["run", *map(os.fspath, scripts), "--output", "json", "--events", "jsonl"]
    args += _flags({"db": db, "stdin_filename": name, **flags})
    listener = _Listener(on_event)
    listener.run.db = os.path.abspath(db or os.path.splitext(os.fspath(scripts[0]))[0] + ".duckdb")
    code, out = execute(args, text, listener.line)
    listener.run.results = _results(listener.columns, out)
    if code == 130 and not listener.errors:
        raise KeyboardInterrupt
    if code != 0:
        said = "".join(listener.other)
        raise Error(listener.errors or [Problem("usage" if code == 80 else "failed", said.strip() or f"dsql ended with exit code {code}")],
                    code, listener.run)
    return listener.run


def _flags(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        flag = "--" + key.replace("_", "-")
        if isinstance(value, Mapping):
            yield from (f"{flag}={k}={v}" for k, v in value.items())
        elif value is True:
            yield flag
        elif value is not None and value is not False:
            yield f"{flag}={os.fspath(value) if isinstance(value, os.PathLike) else value}"


def _results(columns: list[tuple[Column, ...]], out: str) -> list[Result]:
    """The arrays that the program printed, one for each result that it told of. The last may have been cut off by an error."""
    results, at = [], 0
    for cols in columns:
        types = [parse(c.type) for c in cols]
        exact = decimal.Decimal if any(t.holds("DECIMAL") or t.holds("JSON") for t in types) else None
        try:
            records, at = json.JSONDecoder(parse_float=exact).raw_decode(out, at)
        except ValueError:
            break
        while out[at:at + 1].isspace():
            at += 1
        convert = [converter(t) for t in types]
        names = [c.name for c in cols]
        results.append(Result(cols, [tuple(_value(r[n], f) for n, f in zip(names, convert)) for r in records]))
    return results


def _value(v: Any, convert: Callable[[Any], Any] | None) -> Any:
    return v if v is None or convert is None else convert(v)
