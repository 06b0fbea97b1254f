"""DuckDB's types as the program writes them, and Python values of what it prints as JSON."""

from __future__ import annotations

import datetime
import decimal
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column of a result: its name, and its type as DuckDB writes it."""

    name: str
    type: str


@dataclass(frozen=True)
class Type:
    """A type: its name in capitals, and what stands in it. A LIST's element, a MAP's key and value have no names."""

    name: str
    parts: tuple[tuple[str, Type], ...] = ()
    words: tuple[str, ...] = ()  # an ENUM's, or a DECIMAL's width and scale

    def holds(self, name: str) -> bool:
        return self.name == name or any(t.holds(name) for _, t in self.parts)


_token = re.compile(r"""\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[(),\[\]]|[^\s(),\[\]"']+)""")


@dataclass
class _Parser:
    text: str
    tokens: list[str] = field(default_factory=list)
    at: int = 0

    def __post_init__(self) -> None:
        self.tokens = _token.findall(self.text) + [""]

    def take(self, want: str) -> bool:
        if self.tokens[self.at] != want:
            return False
        self.at += 1
        return True

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def type(self) -> Type:
        words = [self.next().upper()]
        while self.tokens[self.at] not in ("", "(", ")", "[", "]", ","):  # TIMESTAMP WITH TIME ZONE
            words.append(self.next().upper())
        t = self.arguments(" ".join(words))
        while self.take("["):
            self.take(self.tokens[self.at] if self.tokens[self.at] != "]" else "")
            self.take("]")
            t = Type("LIST", (("", t),))
        return t

    def arguments(self, name: str) -> Type:
        parts: list[tuple[str, Type]] = []
        words: list[str] = []
        if self.take("("):
            while not self.take(")") and self.tokens[self.at] != "":
                if name in ("STRUCT", "UNION"):
                    parts.append((_bare(self.next()), self.type()))
                elif name == "MAP":
                    parts.append(("", self.type()))
                else:
                    words.append(_bare(self.next()))
                self.take(",")
        return Type(name, tuple(parts), tuple(words))


def _bare(token: str) -> str:
    """A name or text without its quotes."""
    quote = token[:1]
    return token[1:-1].replace(quote * 2, quote) if quote in ('"', "'") and len(token) > 1 else token


def parse(text: str) -> Type:
    """The type that a text of DuckDB's means.

    >>> parse('STRUCT("a b" INTEGER[], m MAP(VARCHAR, DATE))').parts[0]
    ('a b', Type(name='LIST', parts=(('', Type(name='INTEGER', parts=(), words=())),), words=()))
    """
    return _Parser(text).type()


INTEGERS = frozenset(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
                      "BIGNUM", "VARINT"))

_days = re.compile(r"(?:(-?\d+) days? ?)?(?:(-?)(\d+):(\d\d):(\d\d(?:\.\d+)?))?")


def _interval(text: str) -> Any:
    """A timedelta; an interval with months or years, which is none, stays text."""
    m = _days.fullmatch(text)
    if not m:
        return text
    days, sign, hours, minutes, seconds = m.groups()
    d = datetime.timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) + datetime.timedelta(
        microseconds=int(decimal.Decimal(seconds or 0) * 1_000_000))
    return datetime.timedelta(days=int(days or 0)) + (-d if sign else d)


def _text_where_out_of_range(make: Callable[[str], Any]) -> Callable[[Any], Any]:
    def convert(v: str) -> Any:
        try:
            return make(v)
        except ValueError:  # infinity, or a year that Python doesn't have
            return v
    return convert


def _blob(text: str) -> bytes:
    parts = re.findall(r"\\x[0-9A-Fa-f]{2}|.", text, re.S)
    return b"".join(bytes([int(p[2:], 16)]) if p.startswith("\\x") else p.encode("latin-1") for p in parts)


_exact = decimal.Context(prec=40)


def _decimal(scale: str) -> Callable[[Any], decimal.Decimal]:
    """All digits of the type: JSON leaves zeros at the end out."""
    unit = decimal.Decimal(1).scaleb(-int(scale))
    return lambda v: decimal.Decimal(v).quantize(unit, context=_exact)


_plain: dict[str, Callable[[Any], Any]] = {
    "DOUBLE": float, "FLOAT": float, "UUID": uuid.UUID, "BLOB": _blob, "INTERVAL": _interval,
    "DATE": _text_where_out_of_range(datetime.date.fromisoformat), "TIME": _text_where_out_of_range(datetime.time.fromisoformat),
    "TIME WITH TIME ZONE": _text_where_out_of_range(datetime.time.fromisoformat),
    **{t: _text_where_out_of_range(datetime.datetime.fromisoformat)
       for t in ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP WITH TIME ZONE")},
}


def converter(t: Type) -> Callable[[Any], Any] | None:
    """What makes a value of what json gives for it; None where that is the value already. NULL is None everywhere."""
    if t.name == "LIST":
        each = converter(t.parts[0][1])
        return None if each is None else lambda v: [None if x is None else each(x) for x in v]
    if t.name == "MAP":
        key, value = _key(t.parts[0][1]), _nullable(converter(t.parts[1][1]))
        return lambda v: {key(k): value(x) for k, x in v.items()}
    if t.name in ("STRUCT", "UNION"):
        parts = {name: _nullable(converter(part)) for name, part in t.parts}
        if t.name == "UNION":
            return lambda v: next((parts[k](x) for k, x in v.items()), None)
        return lambda v: {k: parts[k](x) if k in parts else x for k, x in v.items()}
    if t.name == "DECIMAL" and len(t.words) == 2:
        return _decimal(t.words[1])
    return _plain.get(t.name)


def _nullable(f: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    if f is None:
        return lambda v: v
    return lambda v: None if v is None else f(v)


def _key(t: Type) -> Callable[[str], Any]:
    """A MAP's key, which is text in JSON whatever its type."""
    if t.name in INTEGERS:
        return int
    if t.name == "BOOLEAN":
        return lambda k: k == "true"
    if t.name == "DECIMAL":
        return _decimal(t.words[1])
    return _plain.get(t.name, lambda k: k)
