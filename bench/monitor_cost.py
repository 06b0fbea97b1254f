#!/usr/bin/env python3
"""What a monitor costs: a stream that scores rows of 30 inputs, with a monitor beside it and without, and Evidently's drift report of the same rows.

    python bench/monitor_cost.py --dsql bin/dsql [--rows 1000000] [--rounds 5] [--evidently PYTHON]

Needs numpy, lightgbm and pyarrow; PYTHON has evidently and pyarrow. The first tenth of the rows is the baseline. dsql's sides read the same Parquet
file, score it, and write a new file; Evidently's reads it and makes a report of drift of all columns, as data of its own. Wanted: at most
1.25 times the time of the stream alone, and what the monitor adds at most a twentieth of Evidently's."""
import argparse, os, sys, tempfile
import numpy as np
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from turns import in_turn, timed

COLS = ['x%02d' % i for i in range(30)]
REPORT = """
import sys, pyarrow.parquet as pq
from evidently import Report
from evidently.presets import DataDriftPreset
t = pq.read_table(sys.argv[1]).to_pandas()
n = len(t) // 10
r = Report([DataDriftPreset(drift_share=0.5, method='psi')]).run(t.iloc[n:], t.iloc[:n])
r.json()
"""


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--dsql', default='bin/dsql'); a.add_argument('--rows', type=int, default=1_000_000); a.add_argument('--rounds', type=int, default=5); a.add_argument('--evidently')
    o = a.parse_args(); dsql = os.path.abspath(o.dsql)
    import lightgbm, pyarrow as pa, pyarrow.parquet as pq
    rnd = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as d:
        x = {c: rnd.normal(i, 1 + i / 10, o.rows) for i, c in enumerate(COLS)}
        x['x00'] = np.round(x['x00'], 1); x['x01'][::7] = np.nan
        head = np.stack([x[c][:20000] for c in COLS], 1)
        lightgbm.train({'objective': 'binary', 'num_leaves': 31, 'verbose': -1, 'num_threads': 1}, lightgbm.Dataset(head, head[:, 2] > 2, feature_name=COLS), 100).save_model(d + '/m.txt')
        pq.write_table(pa.table({'id': np.arange(o.rows), **x}), d + '/rows.parquet')
        plain = """CREATE MODEL risk FROM 'm.txt';
CREATE SOURCE rows_in (id BIGINT, %s) FROM FILES ('rows.parquet', format parquet);
CREATE STREAM scores AS SELECT *, risk(%s) AS p FROM rows_in;
""" % (', '.join(c + ' DOUBLE' for c in COLS), ', '.join(COLS))
        scripts = {'plain': plain, 'watched': plain + "CREATE MONITOR health ON MODEL risk FROM scores PREDICTION p BASELINE (FROM scores WHERE id < %d);\n" % (o.rows // 10)}
        for name, text in scripts.items():
            with open(d + '/%s.sql' % name, 'w') as f:
                f.write(text)
        with open(d + '/report.py', 'w') as f:
            f.write(REPORT)

        def side(name):
            def run():
                for s in ('', '.wal'):
                    if os.path.exists(d + '/x.duckdb' + s):
                        os.remove(d + '/x.duckdb' + s)
                return timed([dsql, 'run', '-q', name + '.sql', '--db', 'x.duckdb'], d)
            return run
        sides = {'plain': side('plain'), 'watched': side('watched')}
        if o.evidently:
            sides['evidently'] = lambda: timed([o.evidently, 'report.py', 'rows.parquet'], d)
        got = {}
        def noted(name, run):
            def once():
                r = run(); got.setdefault(name, []).append(r); return r
            return once
        ratio = in_turn({k: noted(k, v) for k, v in sides.items()}, o.rounds)
        print('watched by plain: %.2f of its time, CPU %.2f' % (ratio('watched', 'plain'), min(r[1] for r in got['watched']) / min(r[1] for r in got['plain'])))
        if o.evidently:
            adds = lambda i: min(r[i] for r in got['watched']) - min(r[i] for r in got['plain'])
            print('evidently by what the monitor adds: %.0f times its time, %.0f its CPU' % (min(r[0] for r in got['evidently']) / adds(0), min(r[1] for r in got['evidently']) / adds(1)))


main()
