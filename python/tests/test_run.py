import datetime
import decimal
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import uuid

import pytest

import dsql

SCRIPT = """
CREATE SOURCE orders_in (id BIGINT, qty INTEGER) FROM FILES ('in/*.csv');
CREATE STREAM orders RULES (CONSTRAINT sane EXPECT (qty > 0), CONSTRAINT few EXPECT (qty < 100) ON VIOLATION DROP) FROM orders_in;
CREATE STREAM large AS SELECT id FROM STREAM orders WHERE qty > 10;
REFRESH;
SELECT id, qty FROM orders ORDER BY id;
SELECT count(*) AS n FROM large;
"""


@pytest.fixture
def orders(own_folder):
    (own_folder / "in").mkdir()
    (own_folder / "in" / "1.csv").write_text("id,qty\n1,5\n2,0\n3,50\n4,500\nx,1\n")
    (own_folder / "orders.sql").write_text(SCRIPT)
    return own_folder


def test_accounts(orders):
    events = []
    run = dsql.run("orders.sql", db="o.duckdb", on_event=events.append)
    assert [v.version for v in run.versions] == [1]
    v = run.versions[0]
    assert (v.source, v.records, v.bad) == ("orders_in", 5, 1)
    assert {r.name: (r.kind, r.rows_in, r.written, r.rejected, r.dropped) for r in v.rows} == {
        "orders": ("stream", 4, 2, 1, 1), "large": ("stream", 1, 1, 0, 0)}
    assert (run.records, run.written, run.rejected, run.dropped, run.bad) == (5, 3, 1, 1, 1)
    assert [r.rows for r in run.results] == [[(1, 5), (3, 50)], [(1,)]]
    assert [c.action for c in run.changes] == ["create"] * 3
    assert [e["event"] for e in events][-1] == "finished" and "time" in events[0]
    again = dsql.run(pathlib.Path("orders.sql"), db=pathlib.Path("o.duckdb"))
    assert (again.versions, again.records, len(again.results)) == ([], 0, 2)


def test_flags(orders):
    run = dsql.run("orders.sql", dry_run=True)
    assert {c.name for c in run.changes} == {"orders_in", "orders", "large"}
    assert not (orders / "orders.duckdb").exists()
    dsql.run("orders.sql", trace="all.sql", dry_run=False)
    assert "CREATE" in (orders / "all.sql").read_text()


def test_errors_have_places(orders):
    (orders / "bad.sql").write_text("SELECT 1;\nCREATE STREAM s RULS (x) FROM t;\nCREATE STREAM u FORM t;")
    with pytest.raises(dsql.Error) as e:
        dsql.run("bad.sql")
    x = e.value
    assert (x.file, x.line, x.exit_code) == ("bad.sql", 2, 2)
    assert x.hint and x.code and len(x.errors) == 2
    assert "^" in str(x) and "bad.sql:2:17: error: " in str(x)
    assert x._render_traceback_() == str(x).split("\n")


def test_what_was_committed_before_an_error(orders):
    with pytest.raises(dsql.Error) as e:
        dsql.run(text=SCRIPT + "SELECT error('no more');", db="o.duckdb", name="cell [3]")
    assert (e.value.file, e.value.exit_code) == ("cell [3]", 1)
    assert e.value.run.written == 3 and [len(r) for r in e.value.run.results] == [2, 1]


def test_a_gate_that_is_closed(orders):
    with pytest.raises(dsql.Error) as e:
        dsql.run(text="CREATE SOURCE i FROM FILES ('in/*.csv'); CREATE STREAM s CHECKS (CHECK none EXPECT (count(*) = 0)) FROM i;", db="o.duckdb")
    assert e.value.exit_code == 3 and e.value.code


def test_warnings(orders):
    run = dsql.run(text="CREATE SOURCE i FROM FILES ('in/*.csv'); CREATE STREAM s CHECKS (CHECK none EXPECT (count(*) = 0) ON FAILURE WARN) "
                   "FROM i;", db="o.duckdb")
    assert len(run.warnings) == 1 and "none" in run.warnings[0].message and run.warnings[0].line == 1


def test_wrong_calls(own_folder):
    with pytest.raises(TypeError):
        dsql.run()
    with pytest.raises(dsql.Error) as e:
        dsql.run("nowhere.sql")
    assert (e.value.code, e.value.exit_code) == ("no-file", 4)
    with pytest.raises(dsql.Error) as e:
        dsql.run(text="SELECT 1", db="x.duckdb", no_such_flag=1)
    assert e.value.exit_code == 80 and "no-such-flag" in str(e.value)


def test_types(own_folder):
    row = dsql.run(db="t.duckdb", text="""SELECT 1::TINYINT, 170141183460469231731687303715884105727::HUGEINT, 'nan'::DOUBLE, '-infinity'::FLOAT,
        0.1::DOUBLE, 12345678901234567890.123456789::DECIMAL(38,9), 7::DECIMAL(4,0), true, 'it''s "so"', '\\x00\\xFFa\\x5C'::BLOB,
        DATE '2026-03-01', 'infinity'::DATE, TIMESTAMP '2026-03-01 12:00:00.123456', TIMESTAMP_NS '2026-03-01 12:00:00.123456789',
        TIMESTAMPTZ '2026-03-01 12:00:00+00', TIME '01:02:03.5', INTERVAL '-3 days 04:05:06', INTERVAL '2 months',
        'f47ac10b-58cc-4372-a567-0e02b2c3d479'::UUID, 'b'::ENUM('a', 'b'), [DATE '2026-03-01', NULL], {'a b': 1.5::DECIMAL(3,1), 'c': [NULL]},
        MAP {2: DATE '2026-03-01'}, [1, 2]::INTEGER[2], NULL, union_value(k := DATE '2026-03-01'), '[1.10]'::JSON""").results[0].rows[0]
    assert str(row[2]) == "nan"
    day = datetime.date(2026, 3, 1)
    utc = row[14]
    assert row[:2] + row[3:14] == (
        1, 2**127 - 1, float("-inf"), 0.1, decimal.Decimal("12345678901234567890.123456789"), decimal.Decimal(7), True, 'it\'s "so"', b"\0\xffa\\",
        day, "infinity", datetime.datetime(2026, 3, 1, 12, 0, 0, 123456), "2026-03-01 12:00:00.123456789")
    assert utc == datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)
    assert row[15:] == (
        datetime.time(1, 2, 3, 500000), datetime.timedelta(days=-3, hours=4, minutes=5, seconds=6), "2 months",
        uuid.UUID("f47ac10b-58cc-4372-a567-0e02b2c3d479"), "b", [day, None], {"a b": decimal.Decimal("1.5"), "c": [None]},
        {2: day}, [1, 2], None, day, [decimal.Decimal("1.10")])
    assert isinstance(row[6], decimal.Decimal) and isinstance(row[4], float)


def test_frames(own_folder):
    pandas = pytest.importorskip("pandas")
    f = dsql.run(db="t.duckdb", text="""SELECT * FROM (VALUES (1::BIGINT, 9007199254740993::BIGINT, 1.5::DOUBLE, 'a', DATE '2026-03-01',
        TIMESTAMPTZ '2026-03-01 12:00:00+00', true, 5::HUGEINT, INTERVAL 2 DAYS, 'x'::ENUM('y', 'x'), 'infinity'::DATE),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, 6, NULL, NULL, NULL)) t(i, j, d, s, day, tz, b, h, iv, e, far)""").results[0].df()
    assert [str(t) for t in f.dtypes][:4] == ["int64", "Int64", "float64", "str"]
    assert f.j[0] == 9007199254740993 and f.j.isna()[1]
    assert str(f.day.dtype) == "datetime64[us]" and f.day[0] == pandas.Timestamp("2026-03-01")
    assert str(f.tz.dtype) == "datetime64[us, UTC]" and str(f.h.dtype) == "int64" and str(f.b.dtype) == "boolean"
    assert f.iv[0] == pandas.Timedelta(days=2) and list(f.e.cat.categories) == ["y", "x"] and f.far[0] == "infinity"
    empty = dsql.run(db="t.duckdb", text="SELECT 1 AS a, 'x' AS b WHERE false").results[0]
    assert len(empty) == 0 and list(empty.df().columns) == ["a", "b"] and str(empty.df().a.dtype) == "int32"


def test_two_columns_of_a_name(own_folder):
    result = dsql.run(db="t.duckdb", text="SELECT 1 AS a, 2 AS a").results[0]
    assert [c.name for c in result.columns] == ["a", "a_1"] and list(result) == [(1, 2)] and result.dicts() == [{"a": 1, "a_1": 2}]


def test_an_interrupt_ends_a_run_after_its_batch(orders):
    """As Ctrl-C in a notebook: the program gets one, whatever group it is sent to, and what it has is committed."""
    code = textwrap.dedent("""
        import dsql, os, signal
        def told(e):
            if e["event"] == "waiting":
                os.kill(os.getpid(), signal.SIGINT)
        try:
            dsql.run("orders.sql", db="o.duckdb", follow=True, on_event=told)
        except KeyboardInterrupt:
            print("interrupted")
    """)
    p = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert p.stdout == "interrupted\n", p.stderr
    assert dsql.run(text="SELECT count(*) FROM orders", db="o.duckdb").results[0].rows == [(2,)]


def test_what_a_listener_raises_ends_the_run(orders):
    def told(e):
        if e["event"] == "waiting":
            raise ValueError("enough")
    with pytest.raises(ValueError):
        dsql.run("orders.sql", db="o.duckdb", follow=True, on_event=told)
    assert dsql.run("orders.sql", db="o.duckdb").versions == []  # the file is free again


def test_the_program_of_this_environment():
    assert os.path.samefile(os.path.dirname(dsql.program()), os.path.dirname(sys.executable))
    said = subprocess.run([dsql.program(), "version"], capture_output=True, text=True).stdout
    assert said.startswith("dsql ")


def test_connect(orders):
    duckdb = pytest.importorskip("duckdb")
    dsql.run("orders.sql", db="o.duckdb")
    with dsql.connect("o.duckdb") as c:
        assert c.sql("SELECT count(*) FROM orders_at(1)").fetchall() == [(2,)]
        with pytest.raises(duckdb.Error):
            c.sql("CREATE TABLE t (a INTEGER)")


def test_connect_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ImportError, match="dsql.connect needs the package duckdb: pip install duckdb"):
        dsql.connect("x.duckdb")


def test_nothing_is_imported_that_is_not_needed():
    code = "import sys, dsql; print(sorted({'pandas', 'numpy', 'duckdb', 'pyarrow', 'IPython', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
