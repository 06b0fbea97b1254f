"""Small models of CatBoost with what the library gives for rows, for TestCatBoost (models/catboost_test.go).

    V/bin/pip install catboost==1.2.10 pandas; V/bin/python make_catboost.py

Writes catboost.jsonl.gz: first the tables of rows, then a line a model, as .cbm and as JSON. Of raw scores, labels and leaves there are
hashes over all rows (the same bits), of predictions and contributions the numbers of some rows.
"""
import base64, gzip, hashlib, json, os, tempfile, warnings
warnings.filterwarnings('ignore')
import catboost, numpy as np, pandas as pd
from catboost import CatBoost, CatBoostClassifier, CatBoostRanker, CatBoostRegressor, Pool

here = os.path.dirname(os.path.abspath(__file__)); rng = np.random.default_rng(7); N = 1000
inf, nan = np.inf, np.nan
pack = lambda a: base64.b64encode(np.ascontiguousarray(a, '<f8').tobytes()).decode()
digest = lambda b: hashlib.sha256(b).hexdigest()[:16]

def numbers(missing):
    f = pd.DataFrame(np.round(rng.normal(size=(N, 5)), 3), columns=list('abcde')); f['d'] = np.round(f.d * 2); f['e'] = rng.integers(0, 3, N).astype(float)
    if missing: f = f.mask(rng.random(f.shape) < .1)
    return f

def edges(f):
    f.iloc[0] = [0., -0., 5e-324, 1., 2.]; f.iloc[1] = [1e30, -1e30, 1e-40, -1., inf]; f.iloc[2] = [inf, -inf, 3.4028234663852886e38, -3.4028234663852886e38, 1e300]
    f.iloc[3] = [-1e300, 1e-46, -1e-46, 16777217., 0.5]; f.iloc[4] = [.1, .3, .7, 1e-45, -1e-45]
    return f

words = ['pro', 'bäsic', 'a "b", c', 'free', '', 'x' * 20, 'with more than thirty-two bytes in it, so', 'é' * 40, '123456789']
train, holes = numbers(False), numbers(True)
rows = {'numbers': edges(numbers(False)), 'holes': edges(numbers(True))}
for i in range(5, 60):  # each alone missing, and all
    rows['holes'].iloc[i] = nan if i == 5 else rows['holes'].iloc[i]
mixed = lambda: numbers(True)[list('ab')].assign(plan=rng.choice(words, N), level=rng.integers(0, 6, N), on=rng.choice(['yes', 'no'], N))
trainm = mixed(); rows['mixed'] = mixed(); rows['mixed'].loc[:20, 'plan'] = 'never seen'; rows['mixed'].loc[21:30, 'level'] = 77
CATS = ['plan', 'level', 'on']
score = lambda f: f.a.fillna(.5) * 2 + np.sin(3 * f.b.fillna(1)) + (f['level'] + 2 * (f.plan == 'pro') - (f.plan == words[6]) if 'level' in f else f.d.fillna(1) + (f.e == 1)) * .5 + rng.normal(size=N) * .3
out = []

def give(m, X):
    loss = m.get_all_params().get('loss_function', '').split(':')[0]
    if loss in ('Logloss', 'CrossEntropy', 'MultiClass', 'MultiClassOneVsAll', 'MultiLogloss', 'MultiCrossEntropy'): return m.predict(X, prediction_type='Probability', thread_count=1)
    if loss in ('Poisson', 'Tweedie'): return m.predict(X, prediction_type='Exponent', thread_count=1)
    if loss == 'RMSEWithUncertainty': return m.predict(X, prediction_type='RMSEWithUncertainty', thread_count=1)
    return m.predict(X, prediction_type='RawFormulaVal', thread_count=1)

def case(name, m, X, y, table, after=None, **fit):
    cats = [c for c in CATS if c in X]
    m.fit(X, y, **({'cat_features': cats} if cats else {}), **fit)
    if after: m = after(m) or m
    with tempfile.TemporaryDirectory() as d:
        m.save_model(d + '/m.cbm'); m.save_model(d + '/m.json', format='json', **({'pool': Pool(X, y, cat_features=cats)} if cats else {}))
        cbm, text = open(d + '/m.cbm', 'rb').read(), json.load(open(d + '/m.json'))
    m = CatBoost().load_model(blob=cbm)
    T = rows[table][list(X.columns)].copy()
    borders = [(i, b) for i, f in enumerate(text['features_info'].get('float_features', [])) for b in f['borders']]
    extra = []
    for i, b in [borders[k] for k in rng.permutation(len(borders))[:12]]:
        b = float(np.float32(b)); up = float(np.nextafter(np.float32(b), np.float32(inf)))
        if not np.isfinite(b) or not np.isfinite(up): continue
        for v in (b, np.nextafter(b, inf), np.nextafter(b, -inf), (b + up) / 2, np.nextafter((b + up) / 2, inf), up):
            r = T.iloc[int(rng.integers(40, N))].copy(); r.iloc[text['features_info']['float_features'][i]['flat_feature_index']] = v; extra.append(r)
    A = pd.concat([T, pd.DataFrame(extra, columns=X.columns).astype(T.dtypes)], ignore_index=True) if extra else T
    for c in [c for c in X.columns if c not in cats]: A[c] = A[c].astype(float)
    P = Pool(A, cat_features=cats) if cats else A
    raw = m.predict(P, prediction_type='RawFormulaVal', thread_count=1); p = give(m, P)
    o = dict(name=name, cbm=base64.b64encode(cbm).decode(), table=table, columns=list(X.columns), cats=cats, extra=[[None if isinstance(v, float) and np.isnan(v) else v for v in r] for r in A.iloc[N:].values.tolist()],
             raw=digest(np.ascontiguousarray(raw, '<f8').tobytes()), some_raw=pack(raw[:5]), width=1 if raw.ndim == 1 else raw.shape[1],
             prediction=pack(p[::7]), predictions=1 if p.ndim == 1 else p.shape[1], leaves=digest(m.calc_leaf_indexes(P).astype('<i4').tobytes()), some_leaves=m.calc_leaf_indexes(P)[:3].tolist())
    del text['model_info']['output_options']; text['model_info'].pop('training', 0)
    if len(out) % 2 or 'one_hot' in name: o['json'] = json.dumps(text, ensure_ascii=False, separators=(',', ':'))
    loss = m.get_all_params().get('loss_function', '').split(':')[0]
    if loss in ('Logloss', 'CrossEntropy', 'MultiClass', 'MultiClassOneVsAll'):
        lab = np.asarray(m.predict(P, prediction_type='Class', thread_count=1)).reshape(len(A)); kind = np.asarray(m.classes_).dtype.kind
        lab = [repr(float(v)) if kind == 'f' else str(v).lower() if kind == 'b' else str(int(v)) if kind == 'i' else str(v) for v in lab]
        o['labels'] = digest('\n'.join(lab).encode()); o['some_labels'] = lab[:5]; o['label_type'] = {'f': 'DOUBLE', 'b': 'BOOLEAN', 'i': 'BIGINT'}.get(kind, 'VARCHAR')
    if name not in ('scaled', 'monotone'):  # it refuses a scale; and leaves out leaves without training rows, which have values here
        shap = m.get_feature_importance(Pool(A.iloc[:25], cat_features=cats), type='ShapValues', thread_count=1)
        if shap[..., 0].shape == raw[:25].shape and abs(shap.sum(-1) - raw[:25]).max() < 1e-9: o['contrib'] = pack(shap)  # of some trees its own make no raw score
    out.append(o); print(name, len(cbm), len(A), loss)

kw = dict(verbose=0, allow_writing_files=False, thread_count=1, random_seed=3)
def R(**p): return CatBoostRegressor(**{**dict(iterations=12, depth=4, learning_rate=.3), **p, **kw})
def C(**p): return CatBoostClassifier(**{**dict(iterations=12, depth=4, learning_rate=.3), **p, **kw})
y = score(train); yh = score(holes); ym = score(trainm); two = (yh > 1).astype(int); three = np.digitize(yh, [0, 1.5])
case('regression', R(), train, y, 'numbers')
case('one_tree', R(iterations=1), train, y, 'numbers')
case('stumps', R(depth=1, iterations=30), train, y, 'numbers')
case('deep', R(depth=9, iterations=4), train, y, 'numbers')
case('many', R(iterations=150, depth=3), train, y, 'numbers')
case('one_input', R(), train[['a']], y, 'numbers')
case('missing', R(), holes, yh, 'holes')
case('missing_max', R(nan_mode='Max'), holes, yh, 'holes')
case('missing_forbidden', R(nan_mode='Forbidden'), train, y, 'holes')
case('missing_unseen', R(), train, y, 'holes')
case('few_borders', R(border_count=3), holes, yh, 'holes')
case('many_borders', R(border_count=1000, depth=6), holes, yh, 'holes')
case('constant', R(iterations=2, allow_const_label=True, bootstrap_type='No'), train, np.full(N, 2.5), 'numbers')
case('no_average', R(boost_from_average=False), train, y, 'numbers')
case('rsm', R(rsm=.5, bootstrap_type='Bernoulli', subsample=.6), holes, yh, 'holes')
case('ordered', R(boosting_type='Ordered'), holes, yh, 'holes')
case('shrink', R(model_shrink_rate=.1), train, y, 'numbers')
case('langevin', R(langevin=True, model_shrink_rate=.1), train, y, 'numbers')
case('monotone', R(monotone_constraints=[1, 0, 0, 0, 0]), train, y, 'numbers')
case('scaled', R(), train, y, 'numbers', after=lambda m: m.set_scale_and_bias(.7, -3.25))
case('shrunk', R(iterations=20), train, y, 'numbers', after=lambda m: m.shrink(ntree_start=2, ntree_end=9))
case('early', R(iterations=60), train, y, 'numbers', eval_set=(holes.fillna(0), yh), early_stopping_rounds=3)
for loss in ('MAE', 'Quantile:alpha=0.3', 'LogLinQuantile', 'MAPE', 'Huber:delta=1', 'Expectile:alpha=0.4', 'Lq:q=3', 'LogCosh'): case('loss_' + loss.split(':')[0].lower(), R(loss_function=loss, iterations=6, depth=3), train, abs(y) + .1, 'numbers')
case('poisson', R(loss_function='Poisson'), train, np.floor(abs(y)), 'numbers')
case('tweedie', R(loss_function='Tweedie:variance_power=1.5'), train, abs(y), 'numbers')
case('multi_quantile', R(loss_function='MultiQuantile:alpha=0.1,0.5,0.9'), holes, yh, 'holes')
case('multi_rmse', R(loss_function='MultiRMSE'), holes, np.c_[yh, -yh], 'holes')
case('uncertainty', R(loss_function='RMSEWithUncertainty'), holes, yh, 'holes')
case('survival', R(loss_function='SurvivalAft', iterations=5), train, np.c_[abs(y) + 1, abs(y) + 2], 'numbers')
case('binary', C(), holes, two, 'holes')
case('cross_entropy', C(loss_function='CrossEntropy'), holes, two * .8 + .1, 'holes')
case('threshold', C(), holes, two, 'holes', after=lambda m: m.set_probability_threshold(.3))
case('booleans', C(), holes, two.astype(bool), 'holes')
case('words', C(), holes, np.array(['no', 'yés'])[two], 'holes')
case('digits', C(), holes, np.array(['10', '9'])[two], 'holes')
case('floats', C(), holes, two * .5, 'holes')
case('negatives', C(), holes, two * 7 - 3, 'holes')
case('weights', C(auto_class_weights='Balanced'), holes, two, 'holes')
case('three', C(), holes, three, 'holes')
case('three_words', C(), holes, np.array(['low', 'mid', 'high'])[three], 'holes')
case('three_floats', C(), holes, three * .5, 'holes')
case('ova', C(loss_function='MultiClassOneVsAll'), holes, three * 10, 'holes')
case('multilabel', C(loss_function='MultiLogloss'), holes, np.c_[two, yh > 0], 'holes')
case('ranker', CatBoostRanker(loss_function='YetiRank', iterations=8, depth=3, **kw), train, np.floor(abs(y)), 'numbers', group_id=np.arange(N) // 10)
for policy in ('Depthwise', 'Lossguide'):
    low = policy.lower()
    case(low, R(grow_policy=policy), train, y, 'numbers')
    case(low + '_deep', R(grow_policy=policy, depth=8, iterations=5, **({'max_leaves': 60} if policy == 'Lossguide' else {})), holes, yh, 'holes')
    case(low + '_binary', C(grow_policy=policy), holes, two, 'holes')
    case(low + '_three', C(grow_policy=policy), holes, three, 'holes')
case('one_hot', C(one_hot_max_size=20), trainm, (ym > 1).astype(int), 'mixed')
case('one_hot_regression', R(one_hot_max_size=20, iterations=40), trainm, ym, 'mixed')
case('one_hot_three', C(one_hot_max_size=20, iterations=20), trainm, np.digitize(ym, [0, 2]), 'mixed')
case('one_hot_lossguide', R(one_hot_max_size=20, grow_policy='Lossguide'), trainm, ym, 'mixed')
case('one_hot_alone', R(one_hot_max_size=20, depth=3), trainm[CATS], ym, 'mixed')
with open(os.path.join(here, 'catboost.jsonl.gz'), 'wb') as f, gzip.GzipFile(fileobj=f, mode='wb', mtime=0) as g:
    clean = lambda t: [[None if isinstance(v, float) and np.isnan(v) else str(v) if isinstance(v, float) and np.isinf(v) else v for v in r] for r in t.values.tolist()]
    g.write((json.dumps({'tables': {k: dict(columns=list(t.columns), rows=clean(t)) for k, t in rows.items()}}) + '\n').encode())
    for o in out: g.write((json.dumps(o, ensure_ascii=False) + '\n').encode())
