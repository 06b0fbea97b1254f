"""A forest of scikit-learn's scored by dsql, beside its own predict_proba with n_jobs=1: CPU a row on one thread, in turn.

    pip install scikit-learn numpy
    python forests.py [--rows 20000] [--repeat 3] [--dir /tmp/dsql-bench-forests]

100 trees, 30 columns with missing values, two classes. Both sides give the same bits, or it fails. Trains once (kept in --dir).
"""
import argparse, os, re, statistics, subprocess, sys, time
A = argparse.ArgumentParser()
A.add_argument('--rows', type=int, default=20000); A.add_argument('--repeat', type=int, default=3); A.add_argument('--dir', default='/tmp/dsql-bench-forests'); A = A.parse_args()
os.environ['OMP_NUM_THREADS'] = '1'
import joblib, numpy as np, sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
here = os.path.dirname(os.path.abspath(__file__)); root = os.path.join(here, '..', '..')
os.makedirs(A.dir, exist_ok=True)
py = {'__name__': 'tables'}
exec(compile('\n\n'.join(open(os.path.join(root, 'python/src/dsql', f)).read() for f in ('_model.py', '_tables.py', '_steps.py')), 'tables', 'exec'), py)
rng = np.random.default_rng(5); P, N = 30, 40000
X = rng.normal(size=(N, P)); y = (np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] - X[:, 3] ** 2 * .3 + X[:, 4:20] @ rng.normal(size=16) * .3 + rng.normal(size=N) > 0).astype(int)
X[rng.random(X.shape) < .05] = np.nan
R = X[rng.choice(N, A.rows)]
np.ascontiguousarray(R.T).tofile(os.path.join(A.dir, 'rows.f64'))
MODELS = {'forest, 31 leaves': RandomForestClassifier(100, max_leaf_nodes=31), 'forest, 64 leaves': RandomForestClassifier(100, max_leaf_nodes=64),
          'forest, 250 leaves': RandomForestClassifier(100, max_leaf_nodes=250), 'forest, unlimited': RandomForestClassifier(100), 'hist, 31 leaves': HistGradientBoostingClassifier(max_iter=100)}

def ready(name, model):
    path = os.path.join(A.dir, name.replace(', ', '_').replace(' ', '_'))
    if not os.path.exists(path + '.joblib'): joblib.dump(model.fit(X, y), path + '.joblib')
    model = joblib.load(path + '.joblib')
    with open(path + '.tables', 'wb') as f: f.write(py['tables_of'](model, [f'x{i}' for i in range(P)], False))
    return path + '.tables', model

KERNELS = 'avx512', 'avx2', 'sse2', 'go'
def own(path, kernel):
    """CPU in µs a row, ms to load, the results; None: this machine hasn't that kernel."""
    env = {**os.environ, 'MODEL_BENCH': path, 'MODEL_BENCH_ROWS': os.path.join(A.dir, 'rows.f64'), 'MODEL_BENCH_OUT': os.path.join(A.dir, 'out.f64'), 'GOMAXPROCS': '1', 'MODEL_BENCH_THREADS': '1'}
    o = subprocess.run(['go', 'test', '-run', 'xxx', '-bench', f'BenchmarkFile/{kernel}$', '-benchtime', '0.4s', '.'], cwd=os.path.join(root, 'models'), env=env, capture_output=True, text=True)
    m = re.search(r'([\d.e+]+) cpu-µs\s+([\d.e+]+) load-ms', o.stdout)
    if o.returncode: sys.exit(o.stdout + o.stderr)
    return (float(m[1]), float(m[2]), np.fromfile(os.path.join(A.dir, 'out.f64'))) if m else None

print(f'scikit-learn {sklearn.__version__}: CPU µs a row\n{"model":20} {"library":>8} ' + ' '.join(f'{k:>15}' for k in KERNELS) + '  load ms   MB')
for name, model in MODELS.items():
    path, model = ready(name, model); lib, ours, load = [], {}, []
    if hasattr(model, 'n_jobs'): model.n_jobs = 1
    for _ in range(A.repeat):
        t = time.process_time(); want = model.predict_proba(R); lib.append((time.process_time() - t) / A.rows * 1e6)
        for k in KERNELS:
            got = own(path, k)
            if not got: continue
            if not np.array_equal(got[2].view('i8'), want.ravel().view('i8')): sys.exit(f'{name}, {k}: other values')
            ours.setdefault(k, []).append(got[0]); load.append(got[1])
    base = statistics.median(lib)
    print(f'{name:20} {base:8.2f} ' + ' '.join(f'{statistics.median(ours[k]):7.3f} {base / statistics.median(ours[k]):6.1f}x' if k in ours else ' ' * 15 for k in KERNELS) + f' {statistics.median(load):8.1f} {os.path.getsize(path) / 1e6:6.1f}', flush=True)
