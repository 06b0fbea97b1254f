"""Results as pandas DataFrames: no value changes on the way."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from ._types import INTEGERS, Column, parse

if TYPE_CHECKING:
    import pandas

_sizes = {"TINYINT": "int8", "SMALLINT": "int16", "INTEGER": "int32", "BIGINT": "int64", "UTINYINT": "uint8", "USMALLINT": "uint16",
          "UINTEGER": "uint32", "UBIGINT": "uint64", "HUGEINT": "int64", "UHUGEINT": "uint64", "BIGNUM": "int64", "VARINT": "int64"}


def frame(columns: tuple[Column, ...], rows: list[tuple]) -> pandas.DataFrame:
    try:
        import pandas
    except ImportError as e:
        raise ImportError("a result as a DataFrame needs the package pandas: pip install pandas") from e
    values = list(zip(*rows)) or [()] * len(columns)
    return pandas.DataFrame({c.name: _series(pandas, c.type, v) for c, v in zip(columns, values)})


def _series(pandas: Any, type_text: str, values: tuple) -> Any:
    t = parse(type_text)
    missing = None in values
    if t.name in INTEGERS:  # a sum of BIGINT is a HUGEINT
        dtype = _sizes[t.name]
        try:
            return pandas.array(values, dtype=dtype.replace("i", "I", 1).replace("u", "U", 1) if missing else dtype)
        except OverflowError:
            return pandas.Series(values, dtype=object)
    if t.name == "BOOLEAN":
        return pandas.array(values, dtype="boolean" if missing else "bool")
    if t.name in ("DOUBLE", "FLOAT"):
        return pandas.array(values, dtype="float64" if t.name == "DOUBLE" else "float32")
    if t.name == "ENUM":
        return pandas.Categorical(values, categories=list(t.words), ordered=True)
    if t.name == "TIMESTAMP_NS":
        return pandas.Series(pandas.to_datetime(pandas.Series(values, dtype=object)).astype("datetime64[ns]"))
    if t.name in ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "INTERVAL") and not any(isinstance(v, str) for v in values):
        kind = "timedelta64[us]" if t.name == "INTERVAL" else "datetime64[us]"
        return pandas.Series(values, dtype=object).astype(kind)
    if t.name == "TIMESTAMP WITH TIME ZONE" and not any(isinstance(v, str) for v in values):
        utc = tuple(None if v is None else v.astimezone(datetime.timezone.utc) for v in values)
        return pandas.Series(utc, dtype="datetime64[us, UTC]")
    if t.name == "VARCHAR":
        return pandas.Series(values, dtype="str")
    return pandas.Series(values, dtype=object)
