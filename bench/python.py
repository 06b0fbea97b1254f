"""Functions and models in Python beside DuckDB's own Python functions and the library itself, in turn: whole processes, CPU of all of them.

python3 bench/python.py --dsql bin/dsql [--rows 1000000] [--turns 5] [--only forest]

DSQL_PYTHON has numpy, pandas, pyarrow, duckdb and scikit-learn. Wanted, of the peer's CPU: 1.0 for a numpy function and functions of rows, 1.1 for
a forest in a destination's chain beside one predict over all rows, 1.5 for it in a plain query; and 1.2 s for the first call of a function that
imports pandas. What a job gives is compared with what the peer gives, bit for bit."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

import turns

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dsql", default="bin/dsql")
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--turns", type=int, default=5)
parser.add_argument("--only", default="", help="jobs with this in their name")
args = parser.parse_args()
DSQL = os.path.abspath(args.dsql)
PYTHON = os.environ.get("DSQL_PYTHON", sys.executable)
os.environ["DSQL_PYTHON"] = PYTHON
work = tempfile.mkdtemp(prefix="bench-python-")
os.chdir(work)
COLUMNS, FEATURES = "abcdef", [f"x{i}" for i in range(30)]
subprocess.run([PYTHON, "-c", f"""
import duckdb
c = duckdb.connect("rows.duckdb")
c.execute("SET enable_progress_bar = false")
c.execute("CREATE TABLE t AS SELECT i AS id, {', '.join(f'random() * 100 AS {x}' for x in COLUMNS)}, 'name ' || i AS name FROM range({args.rows}) r(i)")
"""], check=True)

# A forest of 100 trees over 30 columns, as scikit-learn grows it from 20,000 rows.
TRAIN = f"""
import joblib, duckdb, numpy as np
from sklearn.ensemble import RandomForestRegressor
names = {FEATURES}
c = duckdb.connect()
c.execute("SET enable_progress_bar = false; SELECT setseed(0.5)")
c.execute("COPY (SELECT i AS id, {', '.join(f'random() AS {x}' for x in FEATURES)} FROM range({args.rows}) r(i)) TO 'features.parquet'")
rows = c.execute("SELECT {', '.join(FEATURES)} FROM 'features.parquet' ORDER BY id LIMIT 20000").df()
y = rows.x0 * rows.x1 + np.sin(6 * rows.x2) + rows.x3 + np.random.default_rng(1).normal(size=len(rows)) / 10
joblib.dump(RandomForestRegressor(n_estimators=100, max_depth=8, n_jobs=-1, random_state=0).fit(rows, y), 'forest.joblib')
"""
FOREST = f"""
import duckdb, joblib
con = duckdb.connect('peer.duckdb')
model = joblib.load('forest.joblib').set_params(n_jobs=1)
rows = con.execute("FROM 'features.parquet'").df()
h = model.predict(rows[{FEATURES}])
out = rows[['id']].assign(h=h)
con.execute('CREATE OR REPLACE TABLE o AS FROM out')
"""
MODEL = "CREATE MODEL forest FROM 'forest.joblib' FORMAT sklearn (workers %d);\n"
SOURCE = f"CREATE SOURCE s (id BIGINT, {', '.join(f'{x} DOUBLE' for x in FEATURES)}) FROM FILES ('features.parquet');\n"
CALL = f"SELECT id, forest({', '.join(FEATURES)}) AS h FROM "


def function(name, parameters, body, before="", annotation="", returns="DOUBLE"):
    """The declaration, and the same for DuckDB's own."""
    hints = ", ".join(p.split()[0] + annotation for p in parameters)
    return (f"CREATE FUNCTION {name}({', '.join(parameters)}) RETURNS {returns} LANGUAGE python AS $$\n"
            f"{before}def {name}({hints}):\n    return {body}\n$$;\n")


def own(text):
    return f"import duckdb\ncon = duckdb.connect('peer.duckdb')\n{text}\n"


SIX = [f"{x} DOUBLE" for x in COLUMNS]
ROOT = "np.sqrt(a * b + c * d) + e / ({f} + 1)"
TABLE = "CREATE OR REPLACE TABLE o AS SELECT id, %s AS h FROM t LIMIT %d;\n"


def same(call, create, rows=args.rows):
    return own(f"{create}\ncon.execute('CREATE OR REPLACE TABLE o AS SELECT id, {call} AS h FROM t LIMIT {rows}')")


# By name: what dsql runs; what the peer runs, None: nothing; the most of the peer's CPU (without one: seconds of it) that is wanted.
JOBS = {
    "numpy, 6 columns": (
        function("f", SIX, ROOT.format(f="f"), "import numpy as np\n", ": np.ndarray") + TABLE % ("f(a, b, c, d, e, f)", args.rows),
        same("f(a, b, c, d, e, f)", "import numpy as np, pyarrow as pa\ndef f(a, b, c, d, e, g):\n    a, b, c, d, e, g = (x.to_numpy() for x in (a, b, c, d, e, g))\n"
             f"    return pa.array({ROOT.format(f='g')})\ncon.create_function('f', f, ['DOUBLE'] * 6, 'DOUBLE', type='arrow')"), 1.0),
    "row, three DOUBLE": (
        function("f", ["a DOUBLE", "b DOUBLE", "c DOUBLE"], "a * b + c") + TABLE % ("f(a, b, c)", args.rows),
        same("f(a, b, c)", "def f(a, b, c):\n    return a * b + c\ncon.create_function('f', f, ['DOUBLE'] * 3, 'DOUBLE')"), 1.0),
    "row, one VARCHAR": (
        function("f", ["name VARCHAR"], "name.upper()", returns="VARCHAR") + TABLE % ("f(name)", args.rows),
        same("f(name)", "def f(name):\n    return name.upper()\ncon.create_function('f', f, ['VARCHAR'], 'VARCHAR')"), 1.0),
    "pandas, first call": (function("f", ["a DOUBLE"], "a * 2", "import pandas as pd\n", ": pd.Series") + TABLE % ("f(a)", 1), None, 1.2),
    "declared, not called": (function("f", ["a DOUBLE"], "a * 2", "import pandas as pd\n", ": pd.Series")
                             + "CREATE VIEW v AS SELECT f(a) AS h FROM t;\n", None, 0.5),
    "forest in a stream, 1 worker": (MODEL % 1 + SOURCE + f"CREATE STREAM o AS {CALL}s;\n", FOREST, 1.1),
    "forest in a stream, 2 workers": (MODEL % 2 + SOURCE + f"CREATE STREAM o AS {CALL}s;\n", FOREST, 1.1),
    "forest in a query, 1 worker": (MODEL % 1 + f"CREATE OR REPLACE TABLE o AS {CALL}'features.parquet';\n", FOREST, 1.5),
    "forest in a query, 2 workers": (MODEL % 2 + f"CREATE OR REPLACE TABLE o AS {CALL}'features.parquet';\n", FOREST, 1.5),
}


def fresh(name):
    for path in (name, name + ".wal"):
        if os.path.exists(path):
            os.remove(path)
    subprocess.run(["cp", "rows.duckdb", name], check=True)


def differ():
    """How many rows the two have not alike."""
    out = subprocess.run([PYTHON, "-c", "import duckdb; c = duckdb.connect('ours.duckdb'); c.execute(\"ATTACH 'peer.duckdb' AS p\"); "
                          "print(c.sql('SELECT count(*) FROM o FULL JOIN p.o q USING (id) WHERE o.h IS DISTINCT FROM q.h').fetchone()[0])"],
                         check=True, capture_output=True, text=True)
    return int(out.stdout)


def medians(measured):
    return [statistics.median(x[i] for x in measured) for i in (0, 1)]


jobs = {name: job for name, job in JOBS.items() if args.only in name}
if any("forest" in name for name in jobs):
    subprocess.run([PYTHON, "-c", TRAIN], check=True)
print(f"{args.rows} rows, {args.turns} turns, load {open('/proc/loadavg').read().split()[0]}")
print(f"{'job':30} {'wall':>7} {'CPU':>7}   of the peer's: {'wall':>5} {'CPU':>5}")
missed = False
for name, (ours_sql, peer_py, most) in jobs.items():
    for path, text in {"job.sql": ours_sql, "job.py": peer_py or ""}.items():
        with open(path, "w") as f:
            f.write(text)
    ours, theirs = [], []
    for _ in range(args.turns):
        fresh("ours.duckdb")
        ours.append(turns.timed([DSQL, "run", "-q", "--db", "ours.duckdb", "job.sql"], work)[:2])
        if peer_py:
            fresh("peer.duckdb")
            theirs.append(turns.timed([PYTHON, "job.py"], work)[:2])
    wall, cpu = medians(ours)
    line, is_ = f"{name:30} {wall:5.2f} s {cpu:5.2f} s", cpu
    if theirs:
        is_ = statistics.median(a[1] / b[1] for a, b in zip(ours, theirs))
        line += f"                  {statistics.median(a[0] / b[0] for a, b in zip(ours, theirs)):5.2f} {is_:5.2f}  (of {medians(theirs)[0]:.2f} s, {medians(theirs)[1]:.2f} s)"
        if n := differ():
            sys.exit(f"{name}: {n} rows differ")
    missed |= is_ > most
    print(line + f"  wanted {most}" + ("" if is_ <= most else ": MISSED"), flush=True)
sys.exit(missed)
