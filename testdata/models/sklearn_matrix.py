"""scikit-learn's estimators beside dsql's own scoring of them, 10,000 rows each: raw values, labels, averages, probabilities.

    V/bin/pip install scikit-learn==1.5.2 pandas pyarrow
    V/bin/python sklearn_matrix.py --dsql ../../bin/dsql [--only forest] [--rows 10000]

Prints a line a model: how many values differ in a bit, and the largest difference by what is allowed. Fails where one is too large, where a model isn't scored by
dsql itself, or where a label differs.
"""
import argparse, os, subprocess, sys, tempfile, warnings
A = argparse.ArgumentParser()
A.add_argument('--dsql', required=True); A.add_argument('--only', default=''); A.add_argument('--rows', type=int, default=10000); A = A.parse_args()
warnings.filterwarnings('ignore'); os.environ.setdefault('OMP_NUM_THREADS', '1')
import joblib, numpy as np, pandas as pd, sklearn
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import *
from sklearn.impute import SimpleImputer
from sklearn.linear_model import *
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import *
from sklearn.tree import *
V = tuple(int(x) for x in sklearn.__version__.split('.')[:2])
dsql = os.path.abspath(A.dsql)
os.chdir(tempfile.mkdtemp())
env = {**os.environ, 'DSQL_PYTHON': sys.executable}
rng = np.random.default_rng(0); N, F = 4000, 10
NAMES = [f'c{i}' for i in range(F)]

def data(nan=False, cat=False):
    X = rng.normal(size=(N, F)); T = rng.normal(size=(A.rows, F)); T[:50] *= 1e6
    for M in (X, T):
        M[:, 3] = np.round(M[:, 3], 1)
        if cat: M[:, 5] = rng.integers(0, 40, len(M)); M[:, 6] = rng.integers(0, 5, len(M))
    z = X[:, 0] + X[:, 1] * X[:, 2] + (X[:, 5] % 3 == 1) + rng.normal(size=N) * .3
    T[50:150] = X[:100]; T[150:200, 3] = -0.0; T[200:220] = 5e-324
    if nan:
        for M in (X, T): M[rng.random(M.shape) < .05] = np.nan
        T[300:310] = np.nan
    if cat: T[400:600, 5] = rng.integers(-3, 300, 200); T[600:650, 6] = 2.5
    return pd.DataFrame(X, columns=NAMES), pd.DataFrame(T, columns=NAMES), z

def texts(rows, z=None):
    f = pd.DataFrame({'plan': rng.choice(['pro', 'básic', 'a "b"', 'free', 'rare'], rows, p=[.4, .3, .2, .09, .01]), 'zone': rng.choice(['x', 'y', 'z'], rows),
                      'level': rng.integers(0, 7, rows).astype(float), 'age': rng.normal(size=rows) * 12 + 40, 'income': np.exp(rng.normal(size=rows)) * 3e4})
    f.loc[rng.random(rows) < .1, 'age'] = np.nan; f.loc[rng.random(rows) < .05, 'income'] = np.nan
    return f

jobs = []
def later(name, model, T, inputs, judge):
    """Has dsql score the rows by and by: judge is told what it gives, prediction, and where there is one label and raw."""
    k = len(jobs)
    joblib.dump(model, f'm{k}.joblib'); T.assign(_i=range(len(T))).to_parquet(f'rows{k}.parquet', index=False)
    outputs = ['prediction'] + (['label'] if hasattr(model, 'classes_') else []) + (['raw'] if hasattr(model, 'decision_function') else [])
    jobs.append((name, list(T.columns), inputs, outputs, judge))

def flush():
    sql = ''
    for k, (name, columns, inputs, outputs, _) in enumerate(jobs):
        args = ', '.join(f'"{c}"' for c in columns)
        sql += ''.join(f"CREATE MODEL m{k}_{o} FROM 'm{k}.joblib' FORMAT sklearn {inputs} OUTPUT {o};\n" for o in outputs)
        sql += f"COPY (SELECT {', '.join(f'm{k}_{o}({args}) AS {o}' for o in outputs)} FROM 'rows{k}.parquet' ORDER BY _i) TO 'out{k}.parquet';\nEXPLAIN MODEL m{k}_prediction;\n"
    open('s.sql', 'w').write(sql)
    if os.path.exists('m.duckdb'): os.remove('m.duckdb')
    p = subprocess.run([dsql, 'run', '-q', 's.sql', '--db', 'm.duckdb'], env=env, capture_output=True, text=True)
    if p.returncode: sys.exit(f'{p.stdout}{p.stderr}')
    for k, (name, _, _, outputs, judge) in enumerate(jobs):
        way = p.stdout.split(f'MODEL m{k}_prediction\n')[1].split('\n')[0]
        if 'itself' not in way: failed.append(name); print(f'{name:52} {way}'); continue
        got = pd.read_parquet(f'out{k}.parquet')
        judge({o: np.stack(got[o].to_list()) if got[o].dtype == object and not isinstance(got[o][0], str) else got[o].to_numpy() for o in outputs})
    jobs.clear()

failed = []
def compare(name, what, got, want, allowed):
    """allowed: how far apart values may be, relative to scale; 0 is to the last bit."""
    want = np.asarray(want); got = np.asarray(got)
    if want.shape != got.shape: failed.append(name); return f'{what}: {got.shape} for {want.shape}'
    if want.dtype.kind != 'f' or what == 'label':
        n = int((got != want).sum()); failed.extend([name] * (n > 0))
        return f'{what} {n}'
    g, w = got.astype('f8'), want.astype('f8')
    n = int((g.view('i8') != w.view('i8')).sum()); worst = float(np.max(np.abs(g - w) / np.maximum(np.abs(w), 1e-300))) if n else 0.0
    bad = n > 0 if allowed == 0 else worst > allowed
    if bad: failed.append(name)
    return f'{what} {n}/{g.size} ({worst:.0e})' + (' TOO FAR' if bad else '')

def check(name, model, X, y, T, inputs='', exact=('prediction', 'raw')):
    if A.only not in name: return
    try: model.fit(X, y)
    except Exception as e: print(f'{name:52} not in this version: {str(e)[:80]}'); return
    try: want = model.predict_proba(T) if hasattr(model, 'predict_proba') else model.predict(T)
    except ValueError as e:
        if 'NaN' not in str(e): raise
        print(f'{name:52} takes no missing values'); return
    wants = {'prediction': want, 'label': model.predict(T), 'raw': model.decision_function(T) if hasattr(model, 'decision_function') else None}
    later(name, model, T, inputs, lambda got: print(f'{name:52} ' + ', '.join(compare(name, o, got[o], wants[o], 0 if o in exact else 1e-14) for o in got), flush=True))

def target(z, kind, n=2):
    if kind == 'value': return z
    if kind == 'positive': return np.exp(z / 2)
    if n == 2: return (z > np.median(z)).astype(int)
    return np.digitize(z, np.quantile(z, np.arange(1, n) / n))

def trees():
    for nan in (False, True):
        s = ' NaN' if nan else ''
        X, T, z = data(nan)
        y2, y3, y12 = target(z, 'class'), target(z, 'class', 3), target(z, 'class', 12)
        C, R = DecisionTreeClassifier, DecisionTreeRegressor
        check('tree classifier' + s, C(max_depth=9), X, y2, T); check('tree classifier 3 weights' + s, C(min_samples_leaf=7, class_weight='balanced'), X, y3, T)
        check('tree classifier full' + s, C(), X, y12, T); check('tree regressor' + s, R(max_depth=9), X, z, T); check('tree regressor full poisson' + s, R(criterion='poisson'), X, target(z, 'positive'), T)
        check('tree extra' + s, ExtraTreeRegressor(max_depth=8), X, z, T); check('tree stump' + s, R(max_depth=1), X, z, T); check('tree leaf' + s, R(min_samples_leaf=N), X, z, T)
        C, R = RandomForestClassifier, RandomForestRegressor
        check('forest classifier 2' + s, C(60, min_samples_leaf=3), X, y2, T); check('forest classifier 12' + s, C(40, min_samples_leaf=3), X, y12, T)
        check('forest classifier texts' + s, C(20, max_leaf_nodes=31), X, np.array(['late', 'ärly', 'fine'])[y3], T); check('forest classifier bool' + s, C(20, max_depth=6), X, y2 > 0, T)
        check('forest classifier negative' + s, C(20, max_depth=6), X, y2 * 10 - 5, T); check('forest classifier float' + s, C(20, max_depth=6), X, y3 * 2.0 - 1, T)
        check('forest regressor' + s, R(60, min_samples_leaf=3), X, z, T); check('forest regressor full' + s, R(30), X, z, T)
        check('forest extra 3' + s, ExtraTreesClassifier(60, min_samples_leaf=3), X, y3, T); check('forest extra regressor' + s, ExtraTreesRegressor(60, min_samples_leaf=2, bootstrap=True), X, z, T)
        H, R = HistGradientBoostingClassifier, HistGradientBoostingRegressor; soft = ('raw',)
        check('hist classifier 2' + s, H(max_iter=60), X, y2, T); check('hist classifier 3' + s, H(max_iter=40), X, y3, T, exact=soft); check('hist classifier 12' + s, H(max_iter=20), X, y12, T, exact=soft)
        check('hist classifier texts' + s, H(max_iter=20), X, np.array(['no', 'yes'])[y2], T); check('hist regressor' + s, R(max_iter=60), X, z, T); check('hist regressor deep' + s, R(max_iter=20, max_leaf_nodes=None), X, z, T)
        for l in ('poisson', 'gamma'): check(f'hist regressor {l}' + s, R(loss=l, max_iter=40), X, target(z, 'positive'), T, exact=())
        check('hist regressor quantile' + s, R(loss='quantile', quantile=.9, max_iter=40), X, z, T); check('hist regressor absolute' + s, R(loss='absolute_error', max_iter=40), X, z, T)
        X, T, z = data(nan, cat=True); y2, y3 = target(z, 'class'), target(z, 'class', 3)
        check('hist categories' + s, H(max_iter=60, categorical_features=[5, 6]), X, y2, T); check('hist categories 3' + s, H(max_iter=20, categorical_features=[6, 5]), X, y3, T, exact=soft)
        check('hist categories regressor' + s, R(max_iter=60, categorical_features=[5, 6]), X, z, T)
    X, T, z = data(); y2, y3, y12 = target(z, 'class'), target(z, 'class', 3), target(z, 'class', 12); C, R = GradientBoostingClassifier, GradientBoostingRegressor
    check('boosting 2', C(n_estimators=60), X, y2, T); check('boosting 3', C(n_estimators=40), X, y3, T, exact=('raw',)); check('boosting 12', C(n_estimators=15), X, y12, T, exact=('raw',))
    check('boosting exponential', C(loss='exponential', n_estimators=40), X, y2, T); check('boosting init zero', C(init='zero', n_estimators=40, subsample=.5), X, y2, T)
    for l in ('squared_error', 'absolute_error', 'huber', 'quantile'): check('boosting ' + l, R(loss=l, n_estimators=40), X, z, T)
    check('boosting regressor init zero', R(init='zero', n_estimators=30, max_depth=7), X, z, T)

def pipelines():
    X, T, z = data(True); y2, y3 = target(z, 'class'), target(z, 'class', 3)
    for s in ('mean', 'median', 'most_frequent', 'constant'):
        check('pipeline imputer ' + s, make_pipeline(SimpleImputer(strategy=s, add_indicator=True), RandomForestRegressor(20, max_depth=8)), X, z, T)
    Y = X.copy(); Y['c4'] = np.nan
    check('pipeline imputer empty column', make_pipeline(SimpleImputer(add_indicator=True), RandomForestClassifier(20, max_depth=8)), Y, y3, T)
    check('pipeline imputer -1', make_pipeline(SimpleImputer(missing_values=-1), RandomForestClassifier(20, max_depth=8)), X.fillna(-1), y3, T.fillna(-1))
    check('pipeline standard', make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=30)), X, z, T); check('pipeline standard parts', make_pipeline(StandardScaler(with_mean=False), MinMaxScaler(), HistGradientBoostingClassifier(max_iter=30)), X, y2, T)
    check('pipeline minmax clip', make_pipeline(SimpleImputer(), MinMaxScaler((-1, 2), clip=True), ExtraTreesClassifier(30, max_depth=9)), X, y3, T)
    check('pipeline nested', make_pipeline(make_pipeline(SimpleImputer(), 'passthrough'), make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=30))), X, y2, T)
    X, T = texts(N), texts(A.rows); z = X.age.fillna(40) / 10 + (X['plan'] == 'pro') * 3 - (X.level % 3) + rng.normal(size=N); y2, y3 = target(z, 'class'), target(z, 'class', 3)
    four = ['plan', 'level', 'age', 'income']; one = make_column_transformer((OneHotEncoder(handle_unknown='ignore'), ['plan', 'level']), (SimpleImputer(), ['age', 'income']))
    check('pipeline onehot', make_pipeline(one, RandomForestClassifier(30, max_depth=9)), X[four], y3, T[four]); check('pipeline onehot hist', make_pipeline(make_column_transformer((OneHotEncoder(drop='if_binary', sparse_output=False), ['zone', 'level']), remainder='drop'), HistGradientBoostingRegressor(max_iter=20)), X[['zone', 'level']], z, T[['zone', 'level']])
    check('pipeline onehot infrequent', make_pipeline(ColumnTransformer([('a', OneHotEncoder(min_frequency=100, handle_unknown='infrequent_if_exist', sparse_output=False), ['plan', 'zone']), ('b', make_pipeline(SimpleImputer(strategy='median'), StandardScaler()), ['age', 'income'])], remainder='passthrough'), GradientBoostingRegressor(n_estimators=30)), X, z, T)
    check('pipeline onehot drop first', make_pipeline(make_column_transformer((OneHotEncoder(drop='first', sparse_output=False), ['plan', 'zone']), (MinMaxScaler(), ['age'])), HistGradientBoostingClassifier(max_iter=20)), X[['plan', 'zone', 'age']], y2, T[['plan', 'zone', 'age']])
    U = T.copy(); U.loc[::7, 'plan'] = 'never seen'; U.loc[::11, 'level'] = 77
    check('pipeline ordinal', make_pipeline(make_column_transformer((OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=-1), ['plan', 'level', 'zone']), remainder='passthrough'), HistGradientBoostingClassifier(max_iter=30, categorical_features=[0])), X, y2, U)
    check('pipeline unknown ignored', make_pipeline(one, RandomForestClassifier(30, max_depth=9)), X[four], y3, U[four])
    P, Q = X.copy(), U.copy()
    for f in (P, Q): f.loc[::13, 'zone'] = None
    check('pipeline imputed texts', make_pipeline(make_column_transformer((make_pipeline(SimpleImputer(missing_values=None if pd.__version__ < '3' else np.nan, strategy='most_frequent'), OneHotEncoder(handle_unknown='ignore')), ['zone']), (SimpleImputer(add_indicator=True), ['age', 'income'])), RandomForestRegressor(30, max_depth=9)), P[['zone', 'age', 'income']], z, Q[['zone', 'age', 'income']])
    if V >= (1, 4): check('hist categories of texts', HistGradientBoostingClassifier(max_iter=30, categorical_features=['plan', 'zone', 'level']), P, y2, Q)
    D = P.assign(plan=P['plan'].astype('category'), zone=P.zone.astype('category'))
    if V >= (1, 6): check('hist categories from_dtype', HistGradientBoostingRegressor(max_iter=30), D, z, Q)

def linear():
    for f in (1, 2, 30):
        X = pd.DataFrame(rng.normal(size=(N, f)), columns=[f'x{i}' for i in range(f)]); T = pd.DataFrame(rng.normal(size=(A.rows, f)) * 3, columns=X.columns); y = X @ rng.normal(size=f) + rng.normal(size=N)
        for m in (LinearRegression(), Ridge(), Lasso(alpha=.01), ElasticNet(alpha=.01), LinearRegression(fit_intercept=False)):
            m.fit(X, y); size = np.abs(T.to_numpy() * np.ravel(m.coef_)).sum(1) + abs(m.intercept_)
            linear_check(f'linear {type(m).__name__} {f}', m, X, y, T, size)
        for k in (2, 3):
            y2 = np.digitize(y, np.quantile(y, np.arange(1, k) / k)); m = LogisticRegression(C=.5).fit(X, y2)
            linear_check(f'linear LogisticRegression {f} of {k}', m, X, y2, T, np.abs(T.to_numpy()).max(1) * np.abs(m.coef_).sum() + np.abs(m.intercept_).max())
        linear_check(f'linear liblinear {f}', LogisticRegression(solver='liblinear'), X, y > 0, T, None)
    X, T = texts(N), texts(A.rows); z = X.age.fillna(40) / 10 + (X['plan'] == 'pro') * 3 + rng.normal(size=N)
    prep = make_column_transformer((OneHotEncoder(handle_unknown='ignore'), ['plan', 'zone']), (make_pipeline(SimpleImputer(), StandardScaler()), ['age', 'income']))
    X, T = X.drop(columns='level'), T.drop(columns='level')
    linear_check('linear pipeline', make_pipeline(prep, LogisticRegression()), X, np.where(z > 5, 'out', 'in'), T, None)

def linear_check(name, m, X, y, T, size):
    """Sums follow BLAS' order: 1e-12 of the sum of |x·w|; probabilities follow them."""
    if A.only not in name: return
    m.fit(X, y); wants = {'label': m.predict(T), 'prediction': m.predict_proba(T) if hasattr(m, 'predict_proba') else m.predict(T), 'raw': m.decision_function(T) if hasattr(m, 'decision_function') else None}
    def judge(got):
        said = []
        for o, w in ((o, wants[o]) for o in got):
            if o == 'label': n = int((got[o] != w).sum()); said.append(f'label {n}'); failed.extend([name] * (n > 0)); continue
            scale = np.ones(len(T)) * 10 if size is None else np.maximum(size, 1e-9)
            d = np.abs(got[o] - w); d = d.max(1) if d.ndim == 2 else d; worst = float(np.max(d / scale)); failed.extend([name] * (worst > 1e-12)); said.append(f'{o} {worst:.0e}')
        print(f'{name:52} ' + ', '.join(said), flush=True)
    later(name, m, T, '', judge)

print(f'scikit-learn {sklearn.__version__}, numpy {np.__version__}, pandas {pd.__version__}')
for part in trees, pipelines, linear: part(); flush()
if failed: sys.exit('TOO FAR: ' + ', '.join(dict.fromkeys(failed)))
