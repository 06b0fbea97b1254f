#!/usr/bin/env python3
"""What `dsql experiment` tells, beside scipy, on random tables with units in several variants, NULLs, ties in time, constants and nothing.

    python bench/experiments.py --dsql bin/dsql [--tables 200] [--seed 1]
    python bench/experiments.py --write testdata/experiments.json --tables 40      # the cases that go test holds dsql against

Needs numpy and scipy. All must agree to 1e-9.
"""
import argparse, csv, json, math, os, random, subprocess, sys, tempfile
import numpy as np
from scipy import stats

VARIANTS = [('control', 50), ('offer', 30), ('none', 0), ('big', 20)]
SCRIPT = """CREATE EXPERIMENT e VARIANTS (%s)
  EXPOSURES (SELECT unit, variant, seen FROM exposures)
  METRIC bought (SELECT unit, value > 0, came FROM orders)
  METRIC revenue (SELECT unit, value, came FROM orders);
CREATE TABLE exposures AS FROM read_csv('exposures.csv', header = true, auto_detect = false, columns = {unit: 'VARCHAR', variant: 'VARCHAR', seen: 'TIMESTAMP'});
CREATE TABLE orders AS FROM read_csv('orders.csv', header = true, auto_detect = false, columns = {unit: 'VARCHAR', value: 'DOUBLE', came: 'TIMESTAMP'});
"""


def when(rnd):
    return '2026-01-01 %02d:%02d:00' % (rnd.randint(8, 11), rnd.randint(0, 59))


def table(rnd, most):
    """exposures (unit, variant, seen) and orders (unit, value, came), None for NULL"""
    n = rnd.choice([k for k in (0, 1, 2, 5, 30, 60, 400) if k <= most])
    live = [v for v, w in VARIANTS if w]
    crossing, holes = rnd.choice([0, 0, 0.05]), rnd.choice([0, 0, 0.05])
    hole = lambda x: None if rnd.random() < holes else x
    exposures, orders = [], []
    for u in range(n):
        mine = rnd.choices(live, [5, 3, 2])[0]
        for _ in range(rnd.choice([1, 1, 1, 3])):
            v = rnd.choice(live + ['strange']) if rnd.random() < crossing else mine
            exposures.append((hole('u%d' % u), hole(v), hole(when(rnd))))
    kind = rnd.choice(['plain', 'constant', 'wild', 'negative', 'empty'])
    for _ in range(0 if kind == 'empty' else n * 2):
        x = {'plain': rnd.choice([0.0, 0.0, rnd.gauss(20, 5)]), 'constant': 1.0, 'wild': rnd.gauss(0, 1) * 10 ** rnd.randint(-3, 6), 'negative': -rnd.random()}[kind]
        x = rnd.choice([math.nan, math.inf, None]) if rnd.random() < holes else x
        orders.append((hole('u%d' % rnd.randrange(n + 3)), x, hole(when(rnd))))
    return exposures, orders


def number(x):
    return None if x is None or not math.isfinite(x) else float(x)


def wanted(exposures, orders):
    units, bad = {}, 0
    for u, v, t in exposures:
        if u is None or v is None or t is None:
            bad += 1
            continue
        first, seen = units.setdefault(u, [t, set()])
        units[u][0] = min(first, t)
        seen.add(v)
    declared = [v for v, _ in VARIANTS]
    crossed = sum(len(s) > 1 for _, s in units.values())
    mine = {u: next(iter(s)) for u, (_, s) in units.items() if len(s) == 1}
    unknown = sum(v not in declared for v in mine.values())
    counts = [sum(v == d for v in mine.values()) for d in declared]
    live = [(c, w) for c, (_, w) in zip(counts, VARIANTS) if w]
    total = sum(c for c, _ in live)
    p = stats.chisquare([c for c, _ in live], [w * total / sum(w for _, w in live) for _, w in live]).pvalue if total else None
    out = {'crossed': crossed, 'unknown': unknown, 'bad': bad, 'p': number(p), 'units': counts, 'metrics': {}}
    for metric in ('bought', 'revenue'):
        value = dict.fromkeys(mine, 0.0)
        for u, x, t in orders:
            if u in mine and t is not None and t >= units[u][0] and x is not None:
                if metric == 'bought':
                    value[u] = max(value[u], float(math.isnan(x) or x > 0))   # DuckDB: NaN is the greatest number
                elif math.isfinite(x):
                    value[u] += x
        groups = [np.array([value[u] for u, v in mine.items() if v == d]) for d in declared]
        rows = []
        for i, g in enumerate(groups):
            row = [float(g.mean()) if len(g) else None, None, None, None, None]
            a = groups[0]
            if i and len(g) and len(a):
                row[1] = float(g.mean() - a.mean())
                if len(g) > 1 and len(a) > 1 and a.var() + g.var() > 0:
                    t = stats.ttest_ind(g, a, equal_var=False)
                    ci = t.confidence_interval()
                    row[2:] = [number(ci.low), number(ci.high), number(t.pvalue)]
            rows.append(row)
        out['metrics'][metric] = rows
    return out


def near(a, b, scale=1.0):
    return a is None and b is None or a is not None and b is not None and abs(a - b) <= 1e-9 * max(scale, abs(a), abs(b))


def told(dsql, folder, exposures, orders):
    for name, head, rows in (('exposures', 'unit,variant,seen', exposures), ('orders', 'unit,value,came', orders)):
        with open(folder + '/%s.csv' % name, 'w', newline='') as f:
            f.write(head + '\n')
            csv.writer(f, lineterminator='\n').writerows([['' if x is None else x for x in r] for r in rows])
    with open(folder + '/s.sql', 'w') as f:
        f.write(SCRIPT % ', '.join('"%s" %d' % v for v in VARIANTS))
    for args in (['run', '-q', 's.sql', '--db', 'x.duckdb'], ['experiment', '-o', 'json', '--db', 'x.duckdb', 'e']):
        r = subprocess.run([dsql] + args, cwd=folder, capture_output=True, text=True)
        if r.returncode:
            sys.exit(r.stderr)
    got = json.loads(r.stdout)
    s = got['split'][0]
    return {'crossed': s['in_several_variants'], 'unknown': s['in_unknown_variants'], 'bad': s['incomplete_exposures'], 'p': s['p'],
            'units': [v['units'] for v in got['variants']],
            'metrics': {m: [[r[k] for k in ('mean', 'difference', 'low', 'high', 'p')] for r in got['metrics'] if r['metric'] == m] for m in ('bought', 'revenue')}}


def alike(got, want):
    if any(got[k] != want[k] for k in ('crossed', 'unknown', 'bad', 'units')) or not near(got['p'], want['p']):
        return False
    return all(near(a, b, abs(w[0] or 0)) for m in want['metrics'] for g, w in zip(got['metrics'][m], want['metrics'][m]) for a, b in zip(g, w))


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--dsql', default='bin/dsql'); a.add_argument('--tables', type=int, default=200); a.add_argument('--seed', type=int, default=1); a.add_argument('--write')
    o = a.parse_args()
    rnd, bad, cases = random.Random(o.seed), 0, []
    for i in range(o.tables):
        exposures, orders = table(rnd, 30 if o.write else 400)
        want = wanted(exposures, orders)
        if o.write:
            cases.append({'exposures': exposures, 'orders': [[u, None if x is None else repr(x), t] for u, x, t in orders], 'want': want})
            continue
        with tempfile.TemporaryDirectory() as d:
            got = told(os.path.abspath(o.dsql), d, exposures, orders)
        if not alike(got, want):
            bad += 1
            print('table %d of seed %d:\n  dsql  %s\n  scipy %s' % (i, o.seed, got, want))
    if o.write:
        with open(o.write, 'w') as f:
            json.dump(cases, f, separators=(',', ':'))
        return
    print('%d tables, %d differ' % (o.tables, bad))
    sys.exit(bad > 0)


main()
