"""A DuckDB connection on a file of dsql."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(db: str | os.PathLike[str]) -> duckdb.DuckDBPyConnection:
    """Opens a file, reading only: its tables, views and macros (``orders_at(3)``, ``dsql.rejects``) are there. It needs the package duckdb.

    Models and Python functions are called by dsql's own process: use ``dsql.run`` for those.

    >>> import dsql
    >>> run = dsql.run(text="CREATE TABLE t AS SELECT 42 AS n", db="connect.duckdb")
    >>> with dsql.connect("connect.duckdb") as c:
    ...     c.sql("FROM t").fetchall()
    [(42,)]
    """
    try:
        import duckdb
    except ImportError as e:
        raise ImportError("dsql.connect needs the package duckdb: pip install duckdb") from e
    return duckdb.connect(os.fspath(db), read_only=True)
