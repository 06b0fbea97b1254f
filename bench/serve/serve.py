"""One row at a time scored over HTTP at 16 clients: `dsql serve` beside FastAPI with LightGBM, in turn.

    python -m venv V && V/bin/pip install fastapi 'uvicorn[standard]' lightgbm numpy
    V/bin/python serve.py --dsql ../../bin/dsql [--clients 16] [--seconds 5] [--rounds 3] [--dir /tmp/dsql-bench-serve]

500 trees of 31 leaves. The client is a Go program (load/), the same for both. Medians of the rounds. Exit code 1 where dsql does not answer five
times as many requests, its p99 is more than a third, or it takes 150 MB or more.
"""
import argparse, json, os, random, statistics, subprocess, sys, time, urllib.request
A = argparse.ArgumentParser()
A.add_argument('--dsql', required=True); A.add_argument('--clients', type=int, default=16); A.add_argument('--seconds', type=float, default=5)
A.add_argument('--rounds', type=int, default=3); A.add_argument('--dir', default='/tmp/dsql-bench-serve'); A = A.parse_args()
here = os.path.dirname(os.path.abspath(__file__)); dsql = os.path.abspath(A.dsql)
os.makedirs(A.dir, exist_ok=True); os.chdir(A.dir)
if not os.path.exists('lgb31.txt'):
    import lightgbm as lgb, numpy as np
    rng = np.random.default_rng(5); X = rng.normal(size=(50_000, 30)); z = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + rng.normal(size=len(X))
    X[rng.random(X.shape) < .05] = np.nan
    lgb.train(dict(objective='binary', num_leaves=31, learning_rate=.05, verbose=-1, seed=1, num_threads=1), lgb.Dataset(X, z > 0), 500).save_model('lgb31.txt')
with open('serve.sql', 'w') as f: f.write(f"CREATE MODEL score FROM 'lgb31.txt' INPUT ({', '.join(f'f{i} DOUBLE' for i in range(30))});\n")
body = {f'f{i}': random.gauss(0, 1) for i in range(30)}; body['f3'] = None; body = json.dumps(body)
subprocess.run(['go', 'build', '-o', os.path.abspath('load'), './bench/serve/load'], cwd=os.path.join(here, '..', '..'), check=True)


def side(cmd, port, path):
    log = open(f'{port}.log', 'wb')
    p = subprocess.Popen(cmd, stdout=log, stderr=log)
    url = f'http://127.0.0.1:{port}{path}'
    for _ in range(300):
        try:
            req = urllib.request.Request(url, body.encode(), {'Content-Type': 'application/json'}); return p, url, json.load(urllib.request.urlopen(req))
        except OSError: time.sleep(.1)
    sys.exit(f'{cmd}: no answer, see {A.dir}/{port}.log')


def memory(p):
    """The most that it took, or where the machine doesn't keep that what it takes now."""
    peak = [int(line.split()[1]) for line in open(f'/proc/{p.pid}/status') if line.startswith('VmHWM')]
    return peak[0] / 1024 if peak else int(open(f'/proc/{p.pid}/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2 ** 20


uvicorn = [sys.executable, '-m', 'uvicorn', '--app-dir', here, '--log-level', 'warning', 'app:app', '--port']
sides = {
    'dsql serve': side([dsql, 'serve', 'serve.sql', '--listen', '127.0.0.1:18431', '--log-format', 'none'], 18431, '/v1/models/score/predict'),
    'FastAPI': side(uvicorn + ['18432'], 18432, '/predict'), 'FastAPI async': side(uvicorn + ['18433'], 18433, '/predict_async')}
try:
    a, b = sides['dsql serve'][2]['predictions'][0], sides['FastAPI'][2]['score']
    if abs(a - b) > 1e-12: sys.exit(f'they differ: {a} and {b}')
    got = {name: [] for name in sides}
    for _ in range(A.rounds):
        for name, (p, url, _) in sides.items():
            out = subprocess.run(['./load', url, body, str(A.clients), str(A.seconds)], capture_output=True, text=True, check=True).stdout
            got[name].append(json.loads(out))
    print(f"load {open('/proc/loadavg').read().split()[0]}, {A.clients} clients")
    m = {name: {k: statistics.median(r[k] for r in rows) for k in ('rate', 'p50', 'p99')} for name, rows in got.items()}
    for name, x in m.items(): print('%-14s %7.0f requests/s, p50 %6.2f ms, p99 %7.2f ms, %4.0f MB' % (name, x['rate'], x['p50'], x['p99'], memory(sides[name][0])))
    best = max((x['rate'], name) for name, x in m.items() if name != 'dsql serve')[1]; own, peer = m['dsql serve'], m[best]
    rate, p99, mb = own['rate'] / peer['rate'], own['p99'] / peer['p99'], memory(sides['dsql serve'][0])
    print('beside %s: %.1f times the requests, p99 %.2f of its, %.0f MB' % (best, rate, p99, mb))
finally:
    for p, _, _ in sides.values(): p.terminate()
sys.exit(0 if rate >= 5 and p99 <= 1 / 3 and mb < 150 else 1)
