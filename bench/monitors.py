#!/usr/bin/env python3
"""What monitors measure beside scikit-learn, scipy and numpy, on random tables with ties, NULL, NaN, one class, constants and nothing.

    python bench/monitors.py --dsql bin/dsql [--tables 200] [--seed 1]
    python bench/monitors.py --write testdata/monitors --tables 24      # the cases that go test holds dsql against

Needs numpy, scipy and scikit-learn. All must agree to 1e-9.
"""
import argparse, csv, math, os, random, subprocess, sys, tempfile
import numpy as np
from scipy.spatial.distance import jensenshannon
from sklearn import metrics
from sklearn.calibration import calibration_curve

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, '..', 'testdata', 'models', 'lgb_frame', 'model.txt')  # its inputs: a, plan, b, code
SCRIPT = """CREATE MODEL m FROM '%s';
CREATE SOURCE base_in (id INTEGER, a DOUBLE, plan VARCHAR, b DOUBLE, code DOUBLE, g VARCHAR, p DOUBLE) FROM FILES ('base.csv', format csv, header true);
CREATE SOURCE rows_in (id INTEGER, a DOUBLE, plan VARCHAR, b DOUBLE, code DOUBLE, g VARCHAR, p DOUBLE) FROM FILES ('rows.csv', format csv, header true);
CREATE SOURCE late_in (id INTEGER, y %s) FROM FILES ('outcomes.csv', format csv, header true);
CREATE STREAM base FROM base_in;
CREATE STREAM scores FROM rows_in;
CREATE STREAM outcomes FROM late_in;
CREATE MONITOR health ON MODEL m FROM scores PREDICTION p BY (g) ACTUALS (SELECT id, y FROM outcomes) ON (id) BASELINE (FROM base);
"""


def value(rnd, kind):
    if kind == 'constant':
        return 3.0
    if kind == 'ties':
        return float(rnd.randint(0, 4))
    if kind == 'holes' and rnd.random() < 0.3:
        return rnd.choice([None, math.nan])
    if kind == 'empty':
        return None
    return rnd.gauss(0, 1) * 10 ** rnd.randint(-3, 3) if kind == 'wild' else rnd.gauss(0, 1)


KINDS = ['plain', 'ties', 'holes', 'constant', 'wild', 'empty']


def table(rnd, n, kinds, shift, classes):
    rows = []
    for i in range(n):
        p = rnd.random() if classes else rnd.gauss(5, 2)
        if kinds['p'] == 'ties':
            p = round(p, 1)
        elif kinds['p'] == 'constant':
            p = 0.25
        elif kinds['p'] == 'holes' and rnd.random() < 0.1:
            p = rnd.choice([None, math.nan])
        row = {'id': i, 'plan': rnd.choice(['x', 'y', 'z', None, 'ä'] + ['new'] * shift), 'g': rnd.choice(['aa', 'bb']), 'p': p}
        for c in ('a', 'b', 'code'):
            v = value(rnd, kinds[c])
            row[c] = None if v is None else v + shift * 0.5
        rows.append(row)
    return rows


def numbers(rows, c):
    return np.array([r[c] for r in rows if r[c] is not None and not math.isnan(r[c])], dtype=float)


def shares(rows, base, c):
    """counts of a column's values in the bins of the baseline, of both; None where it has none"""
    if c == 'plan':
        had = sorted({r[c] for r in base if r[c] is not None})
        def count(rs):
            out = [sum(r[c] == l for r in rs) for l in had]
            return np.array(out + [sum(r[c] is not None for r in rs) - sum(out)], dtype=float)
        return count(rows), count(base)
    b = numbers(base, c)
    if len(b) == 0:
        return np.array([float(len(numbers(rows, c)))]), np.zeros(1)
    edges = np.unique(np.percentile(b, range(10, 100, 10)))
    def count(rs):
        return np.bincount(np.searchsorted(edges, numbers(rs, c), side='left'), minlength=len(edges) + 1).astype(float)
    return count(rows), count(base)


def expected(rows, base, outcomes, classes):
    """{metric: value}; a NULL is None"""
    out = {}
    for suffix, part in [('', rows)] + [('[%s]' % g, [r for r in rows if r['g'] == g]) for g in ('aa', 'bb')]:
        if not part:
            continue
        for c in ('a', 'plan', 'b', 'code', 'p'):
            name = ('score' if c == 'p' else c) + suffix
            now, was = shares(part, base, c)
            n = now.sum()
            known = n > 0 and was.sum() > 0
            if known:
                p, q = now / n, was / was.sum()
                both = (p > 0) | (q > 0)
                P, Q = np.where(p[both] == 0, 0.0001, p[both]), np.where(q[both] == 0, 0.0001, q[both])
                out['psi_' + name], out['js_' + name] = float(np.sum((P - Q) * np.log(P / Q))), float(jensenshannon(p, q))
            else:
                out['psi_' + name] = out['js_' + name] = None
            out['missing_' + name] = 1 - n / len(part)
            if c == 'plan':
                out['unseen_' + name] = now[-1] / n if known else None
            else:
                v, b = numbers(part, c), numbers(base, c)
                out['outside_' + name] = float(((v < b.min()) | (v > b.max())).mean()) if known else None
        y, p = [], []
        for r in part:
            o = outcomes.get(r['id'])
            if o is not None and r['p'] is not None and not math.isnan(r['p']):
                y.append(float(o)); p.append(r['p'])
        if not y:
            continue
        y, p = np.array(y), np.array(p)
        if classes:
            out['brier' + suffix] = metrics.brier_score_loss(y, p, pos_label=1)
            out['log_loss' + suffix] = metrics.log_loss(y, p, labels=[0, 1])
            out['auc' + suffix] = metrics.roc_auc_score(y, p) if len(set(y)) == 2 else None
            said = p >= 0.5
            out['precision' + suffix] = metrics.precision_score(y, said) if said.any() else None
            out['recall' + suffix] = metrics.recall_score(y, said) if y.any() else None
            share, mean = calibration_curve(y, p, n_bins=10)
            bins = np.unique(np.searchsorted(np.linspace(0, 1, 11)[1:-1], p))
            for b, s in zip(bins, share):
                out['calibration_%d%s' % (b, suffix)] = s
        else:
            out['mae' + suffix], out['rmse' + suffix] = metrics.mean_absolute_error(y, p), math.sqrt(metrics.mean_squared_error(y, p))
            out['r2' + suffix] = metrics.r2_score(y, p) if len(y) > 1 else None
            out['bias' + suffix] = float(np.mean(p - y))
    drifts = {'drift_' + n: None if out['psi_' + n] is None else out['psi_' + n] / 0.2 for n in ('a', 'plan', 'b', 'code', 'score')}
    return out | drifts | {'drifted': sum(d is not None and d > 1 for d in drifts.values())}


def write(path, rows, cols):
    def text(v):
        return '' if v is None else '"%s"' % v if isinstance(v, str) else str(v).lower() if isinstance(v, bool) else repr(v)
    with open(path, 'w') as f:
        f.write(','.join(cols) + '\n')
        for r in rows:
            f.write(','.join(text(r[c]) for c in cols) + '\n')


def make(seed, dir):
    rnd = random.Random(seed)
    classes = seed % 2 == 0
    kinds = {c: rnd.choice(KINDS) for c in ('a', 'b', 'code', 'p')}
    base = table(rnd, rnd.choice([1, 2, 15, 200]), kinds, 0, classes)
    rows = table(rnd, rnd.choice([1, 3, 40, 300]), kinds, rnd.choice([0, 0, 1, 3]), classes)
    rate = rnd.choice([0, 0.3, 0.3, 1])
    outcomes = {}
    for r in rows:
        if rnd.random() < 0.8:
            outcomes[r['id']] = (rnd.random() < rate) if classes else rnd.choice([5.0, rnd.gauss(5, 2)])
    os.makedirs(dir, exist_ok=True)
    cols = ['id', 'a', 'plan', 'b', 'code', 'g', 'p']
    write(os.path.join(dir, 'base.csv'), base, cols)
    write(os.path.join(dir, 'rows.csv'), rows, cols)
    write(os.path.join(dir, 'outcomes.csv'), [{'id': k, 'y': v} for k, v in outcomes.items()], ['id', 'y'])
    return expected(rows, base, outcomes, classes), 'BOOLEAN' if classes else 'DOUBLE'


def differences(want, dir, dsql, kind):
    with open(os.path.join(dir, 's.sql'), 'w') as f:
        f.write(SCRIPT % (os.path.abspath(MODEL), kind))
    run = subprocess.run([dsql, 'run', 's.sql', '--quiet'], cwd=dir, capture_output=True, text=True)
    if run.returncode:
        return [run.stderr]
    ask = subprocess.run([dsql, 'query', "SELECT metric, value FROM dsql.metrics WHERE destination = 'health'", '--db', 's.duckdb', '-o', 'csv'],
                         cwd=dir, capture_output=True, text=True, check=True)
    got = {r['metric']: None if r['value'] in ('', 'NULL') else float(r['value']) for r in csv.DictReader(ask.stdout.splitlines())}
    out = ['%s: %r, not %r' % (k, got.get(k, 'absent'), want.get(k, 'absent')) for k in sorted(set(got) | set(want))
           if k not in got or k not in want or (got[k] is None) != (want[k] is None)
           or got[k] is not None and abs(got[k] - want[k]) > 1e-9 * max(1, abs(want[k]))]
    return out


def main():
    a = argparse.ArgumentParser()
    a.add_argument('--dsql', default='bin/dsql')
    a.add_argument('--tables', type=int, default=200)
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--write')
    a = a.parse_args()
    wrong = 0
    for seed in range(a.seed, a.seed + a.tables):
        with tempfile.TemporaryDirectory() as tmp:
            dir = os.path.join(a.write, '%03d' % seed) if a.write else tmp
            want, kind = make(seed, dir)
            if a.write:
                with open(os.path.join(dir, 'want.csv'), 'w') as f:
                    f.write('metric,value\n' + ''.join('%s,%s\n' % (k, '' if v is None else repr(float(v))) for k, v in sorted(want.items())))
                continue
            diff = differences(want, dir, os.path.abspath(a.dsql), kind)
            wrong += bool(diff)
            for d in diff[:8]:
                print(seed, d)
    if not a.write:
        print('%d tables, %d differ' % (a.tables, wrong))
    sys.exit(wrong > 0)


main()
