"""Makes the model cases of this folder: small models of every objective and booster with what their own library
predicts, listed in manifest.json.

    pip install lightgbm==4.7.0 xgboost==3.2.0 scikit-learn skl2onnx onnxmltools onnxruntime pandas
    python make.py [folder] [--rows N] [--rounds N]

Inputs are shared by models of the same columns. In inputs an empty field is NULL or NaN; in expected.csv raw* is the
margin, label the class, anything else the prediction; a line without characters is a row of one missing value.
"""
import argparse, json, math, os, sys, warnings
warnings.filterwarnings('ignore')
import numpy as np, pandas as pd
import lightgbm as lgb, xgboost as xgb

A = argparse.ArgumentParser()
A.add_argument('out', nargs='?', default=os.path.dirname(os.path.abspath(__file__)))
A.add_argument('--rows', type=int, default=14)
A.add_argument('--rounds', type=int, default=3)
A.add_argument('--only', default='')
A = A.parse_args()
rng = np.random.default_rng(7)
N = 600
CASES, SHARED, TYPES = [], {}, {}

# The training data: f0..f5 numeric with gaps, f3 whole numbers with many zeros, c0 and c1 categories.
X = rng.normal(size=(N, 6)) * [1, 5, .1, 1, 100, 1]
X[:, 3] = rng.poisson(.7, N)
C = np.column_stack([rng.integers(0, 9, N), rng.integers(0, 70, N)]).astype(float)
z = np.sin(2 * X[:, 0]) + X[:, 1] / 5 - (X[:, 2] * 10) ** 2 * .3 + .4 * X[:, 3] + rng.normal(size=9)[C[:, 0].astype(int)] + .7 * rng.normal(size=70)[C[:, 1].astype(int)]
XM = X.copy(); XM[rng.random(X.shape) < .1] = np.nan
XC = np.column_stack([XM[:, :3], C])
yb, ym, yp = (z > 0).astype(int), np.digitize(z, [-1, .8]), np.exp(np.clip(z / 2, -3, 2))
EDGE = [np.nan, 0., -0., 1e-36, -1e-36, 1e-34, 5e-324, 1e-45, 1e30, -1e30, 1e38, -1e38]
CAT_EDGE = [np.nan, -1, -.5, 3.7, 31, 32, 63, 64, 69, 70, 999, 1e6]

def inputs(kind, X, edge=(), cat=(), cat_edge=CAT_EDGE, names=None):
    """rows of X, some with edge values planted; the first is missing throughout, the second zero"""
    if kind in SHARED: return SHARED[kind]
    r = np.random.default_rng(len(SHARED)); I = X[r.choice(len(X), A.rows, replace=False)].astype(float)
    I = np.round(I, 4)
    for i in range(len(I) // 2):
        for j in r.choice(X.shape[1], 2, replace=False):
            pool = cat_edge if j in cat else edge
            if len(pool): I[i, j] = pool[r.integers(0, len(pool))]
    if len(edge): I[0] = np.nan; I[1] = 0
    names = names or [f'f{i}' for i in range(X.shape[1])]
    SHARED[kind] = (f'inputs/{kind}.csv', I, names, ['DOUBLE'] * len(names))
    write(SHARED[kind][0], names, I.tolist())
    return SHARED[kind]

def text(v):
    if isinstance(v, str): return '"' + v.replace('"', '""') + '"' if v == '' or any(c in v for c in ',"\n') else v
    digits = str(v) if isinstance(v, np.float32) else repr(float(v))   # the shortest that tell a number from others of its type
    v = float(v)
    return '' if math.isnan(v) else ('inf' if v > 0 else '-inf') if math.isinf(v) else str(int(v)) if v == int(v) and abs(v) < 1e15 and math.copysign(1, v) > 0 else digits

def write(path, cols, rows):
    path = os.path.join(A.out, path); os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(','.join(text(c) for c in cols) + '\n')
        for r in rows: f.write(','.join(text(v) for v in r) + '\n')

def case(name, fmt, file, inp, outs, tol, **kw):
    cols, mats = [], []; TYPES[inp[0]] = inp[3]
    for c, a in outs:
        a = np.asarray(a); a = a if a.ndim > 1 else a.reshape(-1, 1)
        cols += [c] if a.shape[1] == 1 else [f'{c}_{k}' for k in range(a.shape[1])]
        mats.append([[v if isinstance(v, (str, np.float32)) else float(v) for v in r] for r in a])
    write(f'{name}/expected.csv', cols, [sum(rs, []) for rs in zip(*mats)])
    CASES.append(dict(name=name, format=fmt, model=f'{name}/{file}', inputs=inp[0], expected=f'{name}/expected.csv', rows=len(inp[1]), abs_tol=tol[0], rel_tol=tol[1], **kw))

def path(name, file):
    os.makedirs(os.path.join(A.out, name), exist_ok=True)
    return os.path.join(A.out, name, file)

def wanted(name): return A.only in name

exec(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'make_lightgbm.py')).read())
exec(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'make_xgboost.py')).read())
exec(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'make_onnx.py')).read())
import sklearn, onnxruntime
json.dump(dict(made_with=dict(lightgbm=lgb.__version__, xgboost=xgb.__version__, sklearn=sklearn.__version__, onnxruntime=onnxruntime.__version__), inputs=TYPES, models=CASES), open(os.path.join(A.out, 'manifest.json'), 'w'), separators=(',', ':'))
print(len(CASES), 'cases')
