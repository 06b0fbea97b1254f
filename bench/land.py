#!/usr/bin/env python3
"""How fast does `dsql run` land a CSV file, beside DuckDB's own CREATE TABLE AS SELECT * FROM read_csv with the same types?

    bench/land.py [--rows 1000000] [--rounds 5] [--dsql bin/dsql]

Both sides are whole processes of the same binary (DuckDB's side is a script of one plain statement), in turn, each into a new
file. dsql converts strictly, counts, records the file and commits a version for every batch. Prints medians and their ratio."""
import argparse, os, resource, statistics, subprocess, tempfile, time

TYPES = dict(id='BIGINT', customer='BIGINT', email='VARCHAR', amount='DOUBLE', price='DECIMAL(10,2)', qty='INTEGER', paid='BOOLEAN', day='DATE', created_at='TIMESTAMP')
MAKE = """COPY (SELECT i AS id, (i * 7919) % 50000 AS customer, 'customer' || (i % 50000) || '@example.com' AS email, round((i * 37 % 100003) / 7.0, 3) AS amount,
  ((i * 31 % 99991) / 100.0)::DECIMAL(10,2) AS price, (i % 9 + 1)::INTEGER AS qty, i % 3 = 0 AS paid, DATE '2025-01-01' + (i % 365)::INTEGER AS day,
  TIMESTAMP '2025-01-01' + INTERVAL (i) SECOND AS created_at FROM range({n}) t(i)) TO '{f}' (FORMAT csv, HEADER true);"""

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--rows', type=int, default=1_000_000); a.add_argument('--rounds', type=int, default=5); a.add_argument('--dsql', default='bin/dsql')
    o = a.parse_args(); dsql = os.path.abspath(o.dsql)
    with tempfile.TemporaryDirectory() as d:
        def script(name, text):
            with open(os.path.join(d, name), 'w') as f: f.write(text)
        os.mkdir(d + '/in')
        script('make.sql', MAKE.format(n=o.rows, f='in/big.csv'))
        subprocess.run([dsql, 'run', 'make.sql'], cwd=d, check=True, capture_output=True)
        script('landed.sql', 'CREATE SOURCE s (%s) FROM FILES (\'in/*.csv\', format csv, header true);\nCREATE STREAM t FROM s;\n' % ', '.join('%s %s' % x for x in TYPES.items()))
        script('plain.sql', "CREATE TABLE t AS SELECT * FROM read_csv('in/big.csv', header = true, columns = {%s});\n" % ', '.join("'%s': '%s'" % x for x in TYPES.items()))
        wall, cpu = {'landed': [], 'plain': []}, {'landed': [], 'plain': []}
        for _ in range(o.rounds + 1):
            for side in wall:
                for suffix in ('', '.wal'):
                    try: os.remove('%s/%s.duckdb%s' % (d, side, suffix))
                    except FileNotFoundError: pass
                before = resource.getrusage(resource.RUSAGE_CHILDREN); t = time.perf_counter()
                subprocess.run([dsql, 'run', side + '.sql'], cwd=d, check=True, capture_output=True)
                t = time.perf_counter() - t; after = resource.getrusage(resource.RUSAGE_CHILDREN)
                wall[side].append(t); cpu[side].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        size = os.path.getsize(d + '/in/big.csv') / 1e6
        med = lambda x: statistics.median(x[1:])                       # the first round warms the page cache
        print('%d rows, %.0f MB, %d rounds' % (o.rows, size, o.rounds))
        for side in wall: print('%-7s %.3f s wall, %.2f s CPU, %.0f rows/s (%s)' % ({'landed': 'dsql', 'plain': 'DuckDB'}[side], med(wall[side]), med(cpu[side]), o.rows / med(wall[side]), ' '.join('%.2f' % x for x in wall[side][1:])))
        print('dsql lands at %.2f of the speed of DuckDB (wanted: at least 0.60)' % (med(wall['plain']) / med(wall['landed'])))
if __name__ == '__main__': main()
