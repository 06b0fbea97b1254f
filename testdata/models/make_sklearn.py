"""Tables of small estimators of scikit-learn, with rows and what the library gives for them, for TestCases (models/cases_test.go).

    V/bin/pip install scikit-learn==1.5.2 pandas; V/bin/python make_sklearn.py      # in turn with each version; 1.9.1 makes most cases

Writes sklearn/manifest.json and a folder a case, named by the version. sklearn_matrix.py tries many more.
"""
import json, os, warnings
warnings.filterwarnings('ignore'); os.environ['OMP_NUM_THREADS'] = '1'
import numpy as np, pandas as pd, sklearn
from sklearn.calibration import CalibratedClassifierCV as Calibrated
from sklearn.compose import make_column_transformer
from sklearn.ensemble import *
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import *
from sklearn.svm import LinearSVC
from sklearn.tree import *
here = os.path.dirname(os.path.abspath(__file__)); out = os.path.join(here, 'sklearn'); os.makedirs(os.path.join(out, 'inputs'), exist_ok=True)
code = '\n\n'.join(open(os.path.join(here, '../../python/src/dsql', f)).read() for f in ('_model.py', '_tables.py', '_steps.py'))
py = {'__name__': 'tables'}; exec(compile(code, 'tables', 'exec'), py)
V = '.'.join(sklearn.__version__.split('.')[:2]); new = V == '1.9'
path = os.path.join(out, 'manifest.json'); manifest = json.load(open(path)) if os.path.exists(path) else {'models': []}
manifest['models'] = [m for m in manifest['models'] if not m['name'].startswith(V + '_')]
rng = np.random.default_rng(1); N = 400
NUMBERS = ['a', 'b', 'c', 'd']

def numbers(n, missing):
    f = pd.DataFrame(np.round(rng.normal(size=(n, 4)), 3), columns=NUMBERS); f['c'] = np.round(f.c, 1); f['d'] = rng.integers(0, 6, n).astype(float)
    if missing: f[NUMBERS[:3]] = f[NUMBERS[:3]].mask(rng.random((n, 3)) < .1)
    return f

def frame(n):
    return numbers(n, True)[['a', 'b']].assign(plan=rng.choice(['pro', 'bäsic', 'a "b", c', 'free'], n), level=rng.integers(0, 4, n).astype(float))

def rows_of(name, make):
    """The same rows for all versions."""
    file = os.path.join(out, 'inputs', name + '.csv')
    if not os.path.exists(file): make().to_csv(file, index=False)
    return pd.read_csv(file, keep_default_na=False, na_values=[''], float_precision='round_trip')

full, holes, texts = numbers(N, False), numbers(N, True), frame(N)

def edges(f):
    f.iloc[0] = [0.0, -0.0, 5e-324, 1.0]; f.iloc[1] = [1e30, -1e30, 1e-40, -1.0]; f.iloc[2] = [0.1, 0.3, 16777217.0, 2.5]
    return f

T = {'full': rows_of('full', lambda: edges(numbers(90, False))), 'holes': rows_of('holes', lambda: edges(numbers(90, True))), 'texts': rows_of('texts', lambda: frame(90))}
def y_of(f): return f.a.fillna(0) * 2 + np.sin(3 * f.b.fillna(1)) + (f['level'] if 'level' in f else f.d) % 3 + rng.normal(size=len(f)) * .2

def case(name, model, train, rows, y, exact=True):
    model.fit(train, y); X = T[rows]; name = f'{V}_{name}'; classes = hasattr(model, 'classes_')
    data = py['tables_of'](model, list(train.columns), True)
    os.makedirs(os.path.join(out, name), exist_ok=True); open(os.path.join(out, name, 'model.tables'), 'wb').write(data)
    want = {}
    p = model.predict_proba(X) if classes else model.predict(X)
    for k, v in enumerate(np.atleast_2d(p.T)): want[f'p{k}'] = [repr(float(x)) for x in v]
    if hasattr(model, 'decision_function'):
        for k, v in enumerate(np.atleast_2d(model.decision_function(X).T)): want[f'raw{k}'] = [repr(float(x)) for x in v]
    if classes: want['label'] = [str(int(c)) if isinstance(c, (bool, np.bool_)) else str(c) for c in model.predict(X)]
    if hasattr(model, 'apply'):
        leaves = np.asarray(model.apply(X)).reshape(len(X), -1)
        for k in range(leaves.shape[1]): want[f'leaf{k}'] = [str(int(x)) for x in leaves[:, k]]
    pd.DataFrame(want).to_csv(os.path.join(out, name, 'expected.csv'), index=False)
    manifest['models'].append({'name': name, 'format': 'sklearn', 'model': f'{name}/model.tables', 'inputs': f'inputs/{rows}.csv', 'expected': f'{name}/expected.csv', 'rows': len(X),
                               'feature_types': ['VARCHAR' if c == 'plan' else 'DOUBLE' for c in train.columns], 'abs_tol': 0 if exact is True else 1e-15, 'rel_tol': 0 if exact is True else exact or 1e-14, 'raw_exact': isinstance(exact, bool)})

z, zh, zt = y_of(full), y_of(holes), y_of(texts)
three = lambda v: np.digitize(v, np.quantile(v, [.3, .6])); two = lambda v: v > np.median(v)
tree_holes = tuple(int(x) for x in V.split('.')) >= (1, 4)
case('forest_regressor', RandomForestRegressor(6, max_depth=4, random_state=0), full, 'full', z)
case('forest_words', RandomForestClassifier(5, max_depth=4, random_state=0), holes if tree_holes else full, 'holes' if tree_holes else 'full', np.array(['late', 'ärly, so', 'fine'])[three(zh if tree_holes else z)])
case('boosting', GradientBoostingClassifier(n_estimators=8, random_state=0), full, 'full', two(z)); case('boosting_3', GradientBoostingClassifier(n_estimators=4, random_state=0), full, 'full', three(z) * 5 - 3, exact=False)
case('hist', HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=12), holes, 'holes', two(zh)); case('hist_categories', HistGradientBoostingRegressor(max_iter=8, max_leaf_nodes=12, categorical_features=[3]), holes, 'holes', zh)
prepare = lambda: make_column_transformer((OneHotEncoder(handle_unknown='ignore', drop='if_binary'), ['plan']), (SimpleImputer(add_indicator=True), ['a', 'b']), (OrdinalEncoder(), ['level']))
case('pipeline', make_pipeline(prepare(), StandardScaler(with_mean=False), RandomForestClassifier(4, max_depth=4, random_state=0)), texts, 'texts', two(zt))
calibrated = lambda: make_pipeline(prepare(), StandardScaler(with_mean=False), RandomForestClassifier(4, max_depth=3, random_state=0))
if V in ('1.3', '1.9'):
    case('calibrated', Calibrated(calibrated(), cv=2), texts, 'texts', np.array(['no', 'yés'])[two(zt) * 1])
    case('calibrated_isotonic', Calibrated(HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=6), cv=2, method='isotonic'), holes, 'holes', three(zh) * 5 - 3)
    case('calibrated_margins', Calibrated(make_pipeline(StandardScaler(), LinearSVC()), cv=2, method='isotonic', ensemble=False), full, 'full', two(z), exact=1e-9)
if new:
    case('calibrated_temperature', Calibrated(RandomForestClassifier(4, max_depth=4, random_state=0), cv=2, method='temperature'), holes, 'holes', np.array(['no', 'yés'])[two(zh) * 1], exact=1e-13)
    case('calibrated_temperature_3', Calibrated(HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=6), cv=2, method='temperature'), holes, 'holes', three(zh), exact=1e-13)
    case('calibrated_temperature_margins', Calibrated(make_pipeline(StandardScaler(), LinearSVC()), cv=2, method='temperature', ensemble=False), full, 'full', two(z), exact=1e-9)
    case('calibrated_temperature_trees', Calibrated(DecisionTreeClassifier(max_depth=4, random_state=0), cv=3, method='temperature'), full, 'full', three(z), exact=1e-13)
    case('quantile', QuantileRegressor(quantile=.8, alpha=0), full, 'full', z, exact=1e-9); case('hist_quantile', HistGradientBoostingRegressor(loss='quantile', quantile=.1, max_iter=5, max_leaf_nodes=6), holes, 'holes', zh)
    case('boosting_quantile', GradientBoostingRegressor(loss='quantile', alpha=.9, n_estimators=5), full, 'full', z)
    case('tree', DecisionTreeRegressor(max_depth=5), holes, 'holes', zh); case('tree_float', DecisionTreeClassifier(max_depth=4), full, 'full', three(z) * 2.0 - 3); case('extra', ExtraTreesRegressor(4, max_depth=5, random_state=0), full, 'full', z)
    case('boosting_exponential', GradientBoostingClassifier(loss='exponential', n_estimators=6), full, 'full', two(z)); case('boosting_huber', GradientBoostingRegressor(loss='huber', n_estimators=8), full, 'full', z)
    case('hist_poisson', HistGradientBoostingRegressor(loss='poisson', max_iter=6, max_leaf_nodes=8), holes, 'holes', np.exp(zh / 3), exact=False); case('hist_words', HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=8, categorical_features=['plan', 'level']), texts, 'texts', three(zt), exact=False)
    case('minmax', make_pipeline(SimpleImputer(strategy='median'), MinMaxScaler((-1, 2), clip=True), GradientBoostingRegressor(n_estimators=5)), holes, 'holes', zh)
    case('linear', LinearRegression(), full, 'full', z, exact=1e-9); case('logistic', make_pipeline(prepare(), LogisticRegression()), texts, 'texts', three(zt), exact=1e-9); case('logistic_2', LogisticRegression(), full[['a', 'b', 'c', 'd']], 'full', two(z), exact=1e-9)
manifest['models'].sort(key=lambda m: m['name'])
json.dump(manifest, open(path, 'w'), indent=0); print(f'{V}: {sum(m["name"].startswith(V) for m in manifest["models"])} cases')
