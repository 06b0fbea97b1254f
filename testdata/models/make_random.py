"""Random models of LightGBM and XGBoost, with what their own libraries predict for rows on and beside their thresholds, NaN,
infinities and tiny values. Makes a folder of cases as make.py does, to be kept nowhere:

    python make_random.py /tmp/random --models 200 --seed 1
    MODEL_CASES=/tmp/random go test ./models -run TestCases
"""
import argparse, csv, json, math, os, re, warnings
warnings.filterwarnings('ignore')
import numpy as np, lightgbm as lgb, xgboost as xgb
A = argparse.ArgumentParser()
A.add_argument('out'); A.add_argument('--models', type=int, default=100); A.add_argument('--seed', type=int, default=1); A.add_argument('--rows', type=int, default=300); A = A.parse_args()
EDGE = [math.nan, 0., -0., 1e-36, -1e-36, 1.0000000180025095e-35, -1.0000000180025095e-35, 1.1e-35, 5e-324, 1e-45, 1e30, -1e30, 1e300, -1e300, math.inf, -math.inf]
CASES = []

def text(v):
    if isinstance(v, np.float32): return '' if math.isnan(v) else str(v)
    v = float(v); return '' if math.isnan(v) else repr(v)

def write(path, head, rows):
    with open(path, 'w', newline='') as f: w = csv.writer(f, lineterminator='\n'); w.writerow(head); w.writerows([[text(v) for v in r] for r in rows])

def case(name, fmt, file, I, raw, pred, tol, more):
    cols = [np.asarray(a) for a in (raw, pred, *[a for a in more if a is not None])]; cols = [a.reshape(len(I), -1) for a in cols]
    names = ['raw', 'pred'] + [n for n, a in zip(('leaf', 'contrib'), more) if a is not None]
    head = [p if a.shape[1] == 1 else f'{p}_{k}' for p, a in zip(names, cols) for k in range(a.shape[1])]
    write(f'{A.out}/{name}/inputs.csv', [f'f{i}' for i in range(I.shape[1])], I); write(f'{A.out}/{name}/expected.csv', head, [[v for a in r for v in a] for r in zip(*cols)])
    CASES.append(dict(name=name, format=fmt, model=f'{name}/{file}', inputs=f'{name}/inputs.csv', expected=f'{name}/expected.csv', rows=len(I), feature_types=['DOUBLE'] * I.shape[1], abs_tol=tol[0], rel_tol=tol[1], raw_exact=True))

def rows(r, X, cats, thresholds, single):
    """rows of the training data, with thresholds of the model, their neighbours and edges planted"""
    I = X[r.integers(0, len(X), A.rows)].copy(); f = np.float32 if single else np.float64
    for i in range(A.rows):
        for j in range(X.shape[1]):
            u = r.random()
            if j in cats:
                if u < .2: I[i, j] = r.choice([math.nan, 0., 3.7, 31., 63., 64.] + ([] if single else [-1., -.5, 1e6, 999.]))
            elif u < .3 and thresholds.get(j): t = f(r.choice(thresholds[j])); I[i, j] = r.choice([t, np.nextafter(t, f(-np.inf)), np.nextafter(t, f(np.inf))])
            elif u < .45: I[i, j] = r.choice(EDGE if not single else [e for e in EDGE if not math.isinf(e) and abs(e) < 1e38 or math.isnan(e)])
    return I

for k in range(A.models):
    r = np.random.default_rng([A.seed, k]); n, p = int(r.integers(100, 1500)), int(r.integers(1, 9)); single = k % 2 == 1
    X = np.round(r.normal(size=(n, p)) * 10. ** r.integers(-3, 4, p), int(r.integers(0, 6)))
    if r.random() < .2: X *= 1e-33
    cats = [j for j in range(p) if r.random() < .25]
    for j in cats: X[:, j] = r.integers(0, r.choice([3, 20, 60 if single else 300]), n)
    if r.random() < .7: X[r.random(X.shape) < r.random() * .4] = math.nan
    if r.random() < .2: X[r.random(X.shape) < .5] = 0
    z = np.nan_to_num(X) @ (r.normal(size=p) / (np.nanstd(X, 0) + 1e-300)) + r.normal(size=n); classes = int(r.integers(2, 5))
    kind = r.choice(['regression', 'binary', 'multi']); y = z if kind == 'regression' else (z > 0).astype(int) if kind == 'binary' else np.digitize(z, np.quantile(z, np.arange(1, classes) / classes))
    rounds, name = int(r.integers(1, 30)), f'random_{k}'; os.makedirs(f'{A.out}/{name}', exist_ok=True); thresholds = {}
    pick = lambda *a: a[int(r.integers(0, len(a)))]
    if not single:
        q = dict(verbose=-1, num_threads=1, deterministic=True, num_leaves=int(pick(2, 7, 31, 255, 700)), min_data_in_leaf=int(pick(1, 5, 20)), max_bin=int(pick(3, 63, 255, 2000)), learning_rate=pick(.05, .3, 1.), use_missing=bool(r.random() < .85), zero_as_missing=bool(r.random() < .15), min_data_per_group=int(pick(1, 50)), cat_smooth=1, max_cat_to_onehot=int(pick(1, 4, 100)),
                 objective=dict(regression=pick('regression', 'huber', 'quantile'), binary=pick('binary', 'cross_entropy'), multi=pick('multiclass', 'multiclassova'))[kind], boosting=pick('gbdt', 'gbdt', 'dart', 'rf'), linear_tree=bool(r.random() < .15), seed=k)
        if q['boosting'] == 'rf': q.update(bagging_freq=1, bagging_fraction=.6)
        if kind == 'multi': q['num_class'] = classes
        if q['linear_tree'] and q['objective'] not in ('regression', 'binary'): q['linear_tree'] = False
        try: b = lgb.train(q, lgb.Dataset(X, y, categorical_feature=cats or 'auto'), rounds)
        except lgb.basic.LightGBMError: continue
        f = f'{A.out}/{name}/model.txt'; b.save_model(f); b = lgb.Booster(model_file=f)
        for tree in open(f).read().split('\nTree=')[1:]:
            get = lambda key: (re.search(rf'^{key}=(.*)$', tree, re.M) or [0, ''])[1].split()
            for j, t, d in zip(get('split_feature'), get('threshold'), get('decision_type')):
                if not int(d) & 1: thresholds.setdefault(int(j), []).append(float(t))
        I = rows(r, X, cats, thresholds, single)
        case(name, 'lightgbm-text', 'model.txt', I, b.predict(I, raw_score=True), b.predict(I), (1e-12, 1e-12), (b.predict(I, pred_leaf=True), None if q['linear_tree'] else b.predict(I, pred_contrib=True)))
    else:
        ext = pick('json', 'ubj'); types = ['c' if j in cats else 'q' for j in range(p)]; X = X.astype(np.float32)
        d = lambda x, y=None: xgb.DMatrix(x, y, feature_types=types, enable_categorical=True, nthread=1)
        q = dict(nthread=1, verbosity=0, seed=k, max_depth=int(pick(1, 3, 6, 12)), eta=pick(.05, .3, 1.), tree_method='hist', max_bin=int(pick(4, 256, 2000)), max_cat_to_onehot=int(pick(1, 4, 100)), booster=pick('gbtree', 'gbtree', 'dart'), num_parallel_tree=int(pick(1, 1, 3)), subsample=pick(1., .6),
                 objective=dict(regression=pick('reg:squarederror', 'reg:absoluteerror', 'reg:pseudohubererror'), binary=pick('binary:logistic', 'binary:logitraw', 'binary:hinge', 'reg:logistic'), multi=pick('multi:softprob', 'multi:softmax'))[kind])
        if q['booster'] == 'dart': q.update(rate_drop=.4)
        if kind == 'multi': q['num_class'] = classes; q['multi_strategy'] = pick('one_output_per_tree', 'multi_output_tree') if q['booster'] == 'gbtree' and not cats and q['objective'] == 'multi:softprob' else 'one_output_per_tree'
        b = xgb.train(q, d(X, y), rounds); f = f'{A.out}/{name}/model.{ext}'; b.save_model(f); b = xgb.Booster(model_file=f)
        if q.get('multi_strategy') != 'multi_output_tree':
            for _, s in b.trees_to_dataframe().iterrows():
                if s.Feature != 'Leaf' and not isinstance(s.Category, list): thresholds.setdefault(int(s.Feature[1:]), []).append(float(s.Split))
        I = rows(r, X.astype(float), cats, thresholds, single)
        if cats: I[:, cats] = np.where(I[:, cats] > np.nanmax(X[:, cats], 0), np.nan, I[:, cats])   # XGBoost refuses others
        case(name, 'xgboost-' + ext, 'model.' + ext, I, b.predict(d(I), output_margin=True), b.predict(d(I)), (2e-6, 2e-5), (b.predict(d(I), pred_leaf=True), None if q.get('multi_strategy') == 'multi_output_tree' else b.predict(d(I), pred_contribs=True)))

json.dump(dict(models=CASES), open(f'{A.out}/manifest.json', 'w'))
print(len(CASES), 'cases')
