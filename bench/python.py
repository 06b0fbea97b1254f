"""Functions in Python beside DuckDB's own Python functions, in turn: whole processes, CPU of all of them, medians.

python3 bench/python.py --dsql bin/dsql [--rows 1000000] [--turns 5]; DSQL_PYTHON has numpy, pandas, pyarrow and duckdb."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

import turns

parser = argparse.ArgumentParser()
parser.add_argument("--dsql", default="bin/dsql")
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--turns", type=int, default=5)
args = parser.parse_args()
DSQL = os.path.abspath(args.dsql)
PYTHON = os.environ.get("DSQL_PYTHON", sys.executable)
os.environ["DSQL_PYTHON"] = PYTHON
work = tempfile.mkdtemp(prefix="bench-python-")
os.chdir(work)
COLUMNS = "abcdef"
subprocess.run([PYTHON, "-c", f"""
import duckdb
c = duckdb.connect('rows.duckdb')
c.execute("CREATE TABLE t AS SELECT i AS id, {', '.join(f'random() * 100 AS {x}' for x in COLUMNS)}, 'name ' || i AS name FROM range({args.rows}) r(i)")
"""], check=True)

NUMPY = "def f(a{h}, b{h}, c{h}, d{h}, e{h}, f{h}):\n    return np.sqrt(a * b + c * d) + e / (f + 1)\n"
JOBS = {
    "numpy, 1M x 6": (
        "CREATE FUNCTION f(" + ", ".join(f"{x} DOUBLE" for x in COLUMNS) + ") RETURNS DOUBLE LANGUAGE python AS $$\nimport numpy as np\n"
        + NUMPY.format(h=": np.ndarray") + "$$;",
        "import numpy as np, pyarrow as pa\ndef f(a, b, c, d, e, g):\n    a, b, c, d, e, g = (x.to_numpy() for x in (a, b, c, d, e, g))\n    return pa.array(np.sqrt(a * b + c * d) + e / (g + 1))\n"
        "con.create_function('f', f, ['DOUBLE'] * 6, 'DOUBLE', type='arrow')", "f(a, b, c, d, e, f)", args.rows),
    "row, three DOUBLE": (
        "CREATE FUNCTION f(a DOUBLE, b DOUBLE, c DOUBLE) RETURNS DOUBLE LANGUAGE python AS $$\ndef f(a, b, c):\n    return a * b + c\n$$;",
        "def f(a, b, c):\n    return a * b + c\ncon.create_function('f', f, ['DOUBLE'] * 3, 'DOUBLE')", "f(a, b, c)", args.rows),
    "row, one VARCHAR": (
        "CREATE FUNCTION f(name VARCHAR) RETURNS VARCHAR LANGUAGE python AS $$\ndef f(name):\n    return name.upper()\n$$;",
        "def f(name):\n    return name.upper()\ncon.create_function('f', f, ['VARCHAR'], 'VARCHAR')", "f(name)", args.rows),
    "pandas, first call": (
        "CREATE FUNCTION f(a DOUBLE) RETURNS DOUBLE LANGUAGE python AS $$\nimport pandas as pd\ndef f(a: pd.Series):\n    return a * 2\n$$;",
        None, "f(a)", 1),
}


def measured(command):
    return turns.timed(command, work)[:2]


def fresh(name):
    subprocess.run(["cp", "rows.duckdb", name], check=True)


print("job | wall | CPU | of the peer's wall | CPU")
for job, (declare, create, call, rows) in JOBS.items():
    with open("job.sql", "w") as f:
        f.write(f"{declare}\nCREATE OR REPLACE TABLE o AS SELECT id, {call} AS h FROM t LIMIT {rows};\n")
    with open("job.py", "w") as f:
        f.write(f"import duckdb\ncon = duckdb.connect('peer.duckdb')\n{create}\ncon.execute('CREATE OR REPLACE TABLE o AS SELECT id, {call} AS h FROM t LIMIT {rows}')\n")
    ours, theirs = [], []
    for _ in range(args.turns):
        fresh("ours.duckdb")
        ours.append(measured([DSQL, "run", "-q", "--db", "ours.duckdb", "job.sql"]))
        if create:
            fresh("peer.duckdb")
            theirs.append(measured([PYTHON, "job.py"]))
    wall, cpu = (statistics.median(x[i] for x in ours) for i in (0, 1))
    line = f"{job} | {wall:.2f} s | {cpu:.2f} s"
    if theirs:
        pw, pc = (statistics.median(x[i] for x in theirs) for i in (0, 1))
        line += f" | {wall / pw:.2f} | {cpu / pc:.2f} (of {pw:.2f} s, {pc:.2f} s)"
        same = subprocess.run([PYTHON, "-c", "import duckdb; c = duckdb.connect('ours.duckdb'); c.execute(\"ATTACH 'peer.duckdb' AS p\"); "
                               "print(c.sql('SELECT count(*) FROM o FULL JOIN p.o q USING (id) WHERE o.h IS DISTINCT FROM q.h').fetchone()[0])"],
                              check=True, capture_output=True, text=True).stdout.strip()
        assert same == "0", f"{job}: {same} rows differ"
    print(line, flush=True)
