"""A million rows of 30 columns scored into a table: dsql's function beside DuckDB, pandas, LightGBM and back, in turn.

    pip install lightgbm pandas numpy pyarrow duckdb==1.5.6
    python sql.py --dsql ../../bin/dsql [--rows 1000000] [--repeat 5] [--dir /tmp/dsql-bench-models]

500 trees of 31 leaves, which compare.py trains and keeps in --dir. Times are of the statements alone: Python's is without its imports
and loading, dsql's that of its process less the median of those that score no row. Both use two threads. Medians; CPU seconds and the memory at its
peak are the whole processes'.
"""
import argparse, os, statistics, subprocess, sys, time
A = argparse.ArgumentParser()
A.add_argument('--dsql', required=True); A.add_argument('--rows', type=int, default=1000000); A.add_argument('--repeat', type=int, default=5)
A.add_argument('--dir', default='/tmp/dsql-bench-models'); A.add_argument('--peer', action='store_true', help=argparse.SUPPRESS); A.add_argument('--make', action='store_true', help=argparse.SUPPRESS); A = A.parse_args()
db, model = os.path.join(A.dir, 'sql.duckdb'), os.path.join(A.dir, 'lightgbm_31.txt')
F = [f'f{i}' for i in range(30)]

if A.peer:
    import duckdb, lightgbm as lgb, pandas
    c = duckdb.connect(db); c.execute('SET threads = 2'); b = lgb.Booster(model_file=model)
    t = time.perf_counter()
    df = c.execute('SELECT * FROM t').df()
    df['s'] = b.predict(df[F], raw_score=True, num_threads=2)
    c.register('d', df[['id', 's']]); c.execute('CREATE OR REPLACE TABLE peer AS SELECT * FROM d')
    print(time.perf_counter() - t)
    sys.exit()

if A.make:
    import duckdb, numpy as np, pyarrow as pa
    c = duckdb.connect(db); rng = np.random.default_rng(1); n = A.rows
    X = rng.normal(size=(n, 30)); X[:, 25:] = rng.integers(0, [8, 20, 60, 200, 1000], (n, 5))
    t = pa.table({'id': np.arange(n)} | {f: pa.array(X[:, i], mask=rng.random(n) < (.05 if i < 25 else 0)) for i, f in enumerate(F)})
    c.execute('CREATE TABLE t AS SELECT * FROM t'); c.close()
    sys.exit()

# This process stays small: a child's peak of memory counts what it had of its parent's when it was forked.
if not os.path.exists(model): sys.exit(f'{model} is missing: run compare.py --only lightgbm_31 first')
if not os.path.exists(db): subprocess.run([sys.executable, __file__, '--dsql', '', '--dir', A.dir, '--rows', str(A.rows), '--make'], check=True)
def script(name, where):
    p = os.path.join(A.dir, name)
    with open(p, 'w') as f:
        f.write(f"SET threads = 2;\nCREATE MODEL score FROM '{os.path.abspath(model)}' INPUT ({', '.join(x + ' DOUBLE' for x in F)}) OUTPUT raw;\nCREATE OR REPLACE TABLE own AS SELECT id, score({', '.join(F)}) AS s FROM t{where};\n")
    return p
score, nothing = script('score.sql', ''), script('nothing.sql', ' WHERE false')

def run(*cmd):
    t = time.perf_counter(); p = subprocess.Popen(cmd, stdout=subprocess.PIPE, text=True); out = p.stdout.read()
    _, status, use = os.wait4(p.pid, 0)
    if status: sys.exit(f'{cmd}: failed')
    return time.perf_counter() - t, use.ru_maxrss / 1024, use.ru_utime + use.ru_stime, out

own, peer, least = [], [], []   # (seconds, MiB, CPU seconds)
run(A.dsql, 'run', '-q', nothing, '--db', db)   # takes the model into the file
for _ in range(A.repeat):
    least.append(run(A.dsql, 'run', '-q', nothing, '--db', db)[0])
    own.append(run(A.dsql, 'run', '-q', score, '--db', db)[:3])
    _, m, cpu, out = run(sys.executable, __file__, '--dsql', '', '--dir', A.dir, '--peer'); peer.append((float(out), m, cpu))
own = [(t - statistics.median(least), m, cpu) for t, m, cpu in own]
import duckdb
n, wrong = duckdb.connect(db).execute('SELECT count(*), count(*) FILTER (own.s IS DISTINCT FROM peer.s) FROM own JOIN peer USING (id)').fetchone()
if wrong or n == 0: sys.exit(f'{wrong} of {n} scores differ')
print(f'{n} rows, bit for bit the same; load average {os.getloadavg()[0]:.1f}')
mid = lambda runs, i: statistics.median(r[i] for r in runs)
for name, runs in ('dsql', own), ('pandas and LightGBM', peer):
    print(f'{name:22} {mid(runs, 0):7.2f} s {n / mid(runs, 0):10.0f} rows/s   best {n / min(r[0] for r in runs):10.0f} rows/s  {mid(runs, 2):7.2f} CPU-s {max(r[1] for r in runs):6.0f} MiB')
print(f'{mid(peer, 0) / mid(own, 0):.1f} times the rows, {mid(peer, 2) / mid(own, 2):.1f} times less CPU')
