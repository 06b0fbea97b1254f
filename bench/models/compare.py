"""Scoring on one thread, dsql against the libraries themselves: the same models, the same rows, in turn.

    pip install lightgbm xgboost onnxruntime numpy pandas
    python compare.py [--rows 20000] [--repeat 5] [--dir /tmp/dsql-bench-models]

What inputs add (OUTPUT contrib) is measured in CPU time too, on one thread and on two. Trains the models once (kept in --dir), checks that both sides agree, and prints rows a second and their ratio: the
medians of --repeat rounds, one after the other.
"""
import argparse, json, os, re, statistics, subprocess, sys, time
A = argparse.ArgumentParser()
A.add_argument('--rows', type=int, default=20000); A.add_argument('--repeat', type=int, default=5); A.add_argument('--dir', default='/tmp/dsql-bench-models')
A.add_argument('--only', default=''); A.add_argument('--overlay', default=''); A = A.parse_args()
os.environ['OMP_NUM_THREADS'] = '1'
import numpy as np, lightgbm as lgb, xgboost as xgb
os.makedirs(A.dir, exist_ok=True)
rng = np.random.default_rng(5)
P, N = 30, 60000
X = rng.normal(size=(N, P)); X[:, 25:] = rng.integers(0, [8, 20, 60, 200, 1000], (N, 5))
z = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] - X[:, 3] ** 2 * .3 + X[:, 4:20] @ rng.normal(size=16) * .3 + rng.normal(size=1000)[X[:, 29].astype(int)] * .5 + rng.normal(size=N)
M = X.copy(); M[rng.random(X.shape) < .05] = np.nan; M[:, 25:] = X[:, 25:]
y = (z > 0).astype(int)
cat = list(range(25, 30))
types = ['c' if j in cat else 'q' for j in range(P)]

def lightgbm(name, leaves, **k):
    p = os.path.join(A.dir, name + '.txt')
    if not os.path.exists(p):
        cats = k.pop('cat', 'auto')
        lgb.train(dict(objective='binary', num_leaves=leaves, min_data_in_leaf=5, learning_rate=.05, verbose=-1, num_threads=0, **k), lgb.Dataset(M, y, categorical_feature=cats), 500).save_model(p)
    b = lgb.Booster(model_file=p)
    return p, lambda x: b.predict(x, num_threads=1)

def xgboost(name, ext='ubj', cats=False, **k):
    p = os.path.join(A.dir, f'{name}.{ext}')
    d = lambda x, y=None: xgb.DMatrix(x, y, feature_types=types if cats else None, enable_categorical=cats, nthread=1)
    if not os.path.exists(p):
        xgb.train(dict(objective='binary:logistic', eta=.05, tree_method='hist', **k), d(M, y), 500).save_model(p)
    b = xgb.Booster(model_file=p); b.set_param({'nthread': 1})
    return p, lambda x: b.predict(d(x))

MODELS = {
    'lightgbm_31': lambda n: lightgbm(n, 31), 'lightgbm_255': lambda n: lightgbm(n, 255),
    'lightgbm_31_categorical': lambda n: lightgbm(n, 31, cat=cat, min_data_per_group=5), 'lightgbm_255_categorical': lambda n: lightgbm(n, 255, cat=cat, min_data_per_group=5),
    'xgboost_depth6': lambda n: xgboost(n, max_depth=6), 'xgboost_depth6_json': lambda n: xgboost(n, 'json', max_depth=6), 'xgboost_depth8': lambda n: xgboost(n, max_depth=8),
    'xgboost_depth6_categorical': lambda n: xgboost(n, cats=True, max_depth=6),
}
R = M[rng.choice(N, A.rows)]
np.ascontiguousarray(R.T).tofile(os.path.join(A.dir, 'rows.f64'))
ready = {n: f(n) for n, f in MODELS.items() if A.only in n}

KERNELS = 'avx512', 'avx2', 'sse2', 'go'
def go(path, kernel, output='', threads=1, rows='rows.f64'):
    env = {**os.environ, 'MODEL_BENCH': path, 'MODEL_BENCH_ROWS': os.path.join(A.dir, rows), 'MODEL_BENCH_OUT': os.path.join(A.dir, 'out.f64'), 'GOMAXPROCS': str(threads), 'MODEL_BENCH_OUTPUT': output, 'MODEL_BENCH_THREADS': str(threads)}
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'models')
    o = subprocess.run(['go', 'test'] + (['-overlay', A.overlay] if A.overlay else []) + ['-run', 'xxx', '-bench', 'BenchmarkFile/' + kernel + '$', '-benchtime', '0.4s', '.'], cwd=here, env=env, capture_output=True, text=True)
    m = re.search(r'([\d.e+]+) cpu-µs\s+([\d.e+]+) load-ms.*?([\d.e+]+) one-µs\s+([\d.e+]+) rows/s', o.stdout)
    if o.returncode: sys.exit(o.stdout + o.stderr)
    if not m: return None   # a kernel that this machine doesn't have
    return float(m[4]), float(m[2]), float(m[3]), np.fromfile(os.path.join(A.dir, 'out.f64')), float(m[1])

print(f'{"model":28} {"library":>10} ' + ' '.join(f'{k:>22}' for k in KERNELS) + '   load ms  one row µs')
for n, (path, predict) in ready.items():
    lib, own, load, one = [], {}, [], []
    for _ in range(A.repeat):
        t = time.perf_counter(); want = predict(R); lib.append(A.rows / (time.perf_counter() - t))
        for k in KERNELS:
            one_run = go(path, k)
            if not one_run: continue
            r, l, o, got, _ = one_run; own.setdefault(k, []).append(r); load.append(l); one.append(o)
            worst = np.abs(got - want).max()
            if not worst < (1e-12 if n.startswith('lightgbm') else 2e-6): sys.exit(f'{n}: off by {worst}')
    base = statistics.median(lib)
    print(f'{n:28} {base:10.0f} ' + ' '.join(f'{statistics.median(own[k]):12.0f} {statistics.median(own[k]) / base:7.1f}x ' if k in own else ' ' * 22 for k in KERNELS) + f'  {statistics.median(load):7.1f}  {statistics.median(one):8.1f}', flush=True)

print(f'\nOUTPUT contrib: CPU µs a row, and rows a second\n{"model":14} {"threads":>7} {"library":>18} ' + ' '.join(f'{k:>28}' for k in KERNELS))
for n, few in (('lightgbm_31', 200), ('lightgbm_255', 20)):
    if n not in ready: continue
    path, b = ready[n][0], lgb.Booster(model_file=ready[n][0])
    C = R[:2048]; np.ascontiguousarray(C.T).tofile(os.path.join(A.dir, 'contrib.f64'))
    for threads in 1, 2:
        lib, own = [], {}
        for _ in range(A.repeat):
            t, c = time.perf_counter(), time.process_time(); want = b.predict(C[:few * threads], pred_contrib=True, num_threads=threads)
            lib.append(((time.process_time() - c) / len(want) * 1e6, len(want) / (time.perf_counter() - t)))
            for k in KERNELS:
                one_run = go(path, k, 'contrib', threads, 'contrib.f64')
                if not one_run: continue
                got = one_run[3].reshape(len(C), -1)[:len(want)]; own.setdefault(k, []).append((one_run[4], one_run[0]))
                worst = (np.abs(got - want).max(1) / np.abs(want).sum(1)).max()
                if not worst < 1e-12: sys.exit(f'{n}: contributions are off by {worst}')
        m = lambda a: [statistics.median(v) for v in zip(*a)]; base = m(lib)
        print(f'{n:14} {threads:7} {base[0]:9.0f} {base[1]:8.0f} ' + ' '.join(f'{m(own[k])[0]:7.1f} {base[0] / m(own[k])[0]:5.0f}x {m(own[k])[1]:8.0f} {m(own[k])[1] / base[1]:4.0f}x ' for k in KERNELS if k in own), flush=True)
