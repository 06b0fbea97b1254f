"""Random models of LightGBM and XGBoost with what their own libraries say that inputs add (pred_contrib) and which leaves rows reach:
contrib.jsonl.gz, a case a line, for TestContributions in models. Depths of 1 to 12, categories, NaN, several classes, 1 to 500 trees.

Some of LightGBM's are there as ONNX too, with their counts as hit rates.

    pip install lightgbm==4.7.0 xgboost==3.2.0 onnx
    python make_contrib.py [--models 200]
"""
import argparse, base64, gzip, json, math, os, re, warnings
warnings.filterwarnings('ignore')
import numpy as np, lightgbm as lgb, xgboost as xgb
A = argparse.ArgumentParser(); A.add_argument('--models', type=int, default=200); A.add_argument('--rows', type=int, default=4)
A.add_argument('--out', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), 'contrib.jsonl.gz')); A = A.parse_args()
DROP = 'leaf_weight', 'internal_value', 'internal_weight', 'split_gain', 'tree_sizes'

def short(b):
    """the model's text without what isn't part of it"""
    s = b.model_to_string(); s = s[:s.index('\nfeature_importances:')] + '\n'
    return '\n'.join(l for l in s.split('\n') if not l.startswith(DROP))

def num(v): return None if math.isnan(v) else float(np.format_float_positional(v, unique=True)) if isinstance(v, np.float32) else float(v)

def onnx_of(b, classifier):
    """LightGBM's trees as an ensemble of ONNX"""
    from onnx import helper as h
    d = b.dump_model(); k = d['num_tree_per_iteration']; a = {x: [] for x in 'nodeids treeids featureids values modes truenodeids falsenodeids missing_value_tracks_true hitrates'.split()}; leaves = {x: [] for x in 'treeids nodeids ids weights'.split()}
    for t, tree in enumerate(d['tree_info']):
        stack, free = [(tree['tree_structure'], 0)], 1
        while stack:
            n, i = stack.pop(); inner = 'split_index' in n
            row = dict(nodeids=i, treeids=t, featureids=n['split_feature'] if inner else 0, values=n['threshold'] if inner else 0., modes='BRANCH_LEQ' if inner else 'LEAF', truenodeids=free if inner else 0, falsenodeids=free + 1 if inner else 0,
                       missing_value_tracks_true=int(inner and n['default_left']), hitrates=float(n['internal_count'] if inner else n.get('leaf_count', 1)))
            if inner and n['missing_type'] != 'NaN': row['missing_value_tracks_true'] = int(0 <= n['threshold'])
            for x in a: a[x].append(row[x])
            if inner: stack += [(n['right_child'], free + 1), (n['left_child'], free)]; free += 2
            else:
                for x, v in zip(leaves, (t, i, t % k, n['leaf_value'])): leaves[x].append(v)
    order = sorted(range(len(a['nodeids'])), key=lambda i: (a['treeids'][i], a['nodeids'][i])); attrs = {'nodes_' + x: [v[i] for i in order] for x, v in a.items()}
    prefix = 'class' if classifier else 'target'; attrs |= {f'{prefix}_{x}': v for x, v in leaves.items()}
    F = len(d['feature_names']); X, Y = h.make_tensor_value_info('X', 1, [None, F]), h.make_tensor_value_info('Y', 1, [None, k])
    if classifier: node = h.make_node('TreeEnsembleClassifier', ['X'], ['label', 'Y'], domain='ai.onnx.ml', classlabels_int64s=list(range(k)), post_transform='SOFTMAX', **attrs)
    else: node = h.make_node('TreeEnsembleRegressor', ['X'], ['Y'], domain='ai.onnx.ml', n_targets=k, **attrs)
    return h.make_model(h.make_graph([node], 'trees', [X], [Y]), opset_imports=[h.make_opsetid('', 15), h.make_opsetid('ai.onnx.ml', 3)]).SerializeToString()

cases = []
def add(name, file, I, contrib, leaf):
    flat = lambda a: [[num(v) for v in row] for row in np.asarray(a).reshape(len(I), -1)]
    cases.append(dict(name=name, model=base64.b64encode(file).decode(), rows=flat(I), contrib=flat(contrib), leaf=[[int(v) for v in row] for row in np.asarray(leaf).reshape(len(I), -1)]))

for k in range(A.models):
    r = np.random.default_rng([11, k]); pick = lambda *a: a[int(r.integers(0, len(a)))]
    n, p = int(r.integers(50, 400)), int(r.integers(1, 7)); depth = 1 + k // 2 % 12; xgboost = k % 2 == 1
    trees = 500 if k % 40 < 2 else int(pick(1, 2, 5, 12)); trees_depth = min(depth, 2) if trees == 500 else depth
    if trees_depth > 6: n = 150
    X = np.round(r.normal(size=(n, p)), 2)
    cats = [j for j in range(p) if r.random() < .25]
    for j in cats: X[:, j] = r.integers(0, pick(3, 20), n)
    if r.random() < .7: X[r.random(X.shape) < .2] = math.nan
    z = np.nan_to_num(X) @ r.normal(size=p) + np.sin(3 * np.nan_to_num(X[:, 0])) + r.normal(size=n) * .3
    kind = pick('regression', 'binary', 'multi'); y = z if kind == 'regression' else (z > 0).astype(int) if kind == 'binary' else np.digitize(z, np.quantile(z, [.3, .7]))
    if kind == 'multi': trees = min(trees, 100)
    I = X[r.integers(0, n, A.rows)].copy(); I[0] = math.nan
    if not xgboost:
        q = dict(verbose=-1, num_threads=1, deterministic=True, max_depth=trees_depth, num_leaves=min(2 ** trees_depth, 40), min_data_in_leaf=1, min_sum_hessian_in_leaf=0, min_data_per_group=1, learning_rate=.1, cat_smooth=1, zero_as_missing=bool(r.random() < .1),
                 boosting=pick('gbdt', 'gbdt', 'dart', 'rf'), objective=dict(regression='regression', binary='binary', multi='multiclass')[kind], seed=k)
        if q['boosting'] == 'rf': q.update(bagging_freq=1, bagging_fraction=.6)
        if kind == 'multi': q['num_class'] = 3
        try: b = lgb.train(q, lgb.Dataset(X, y, categorical_feature=cats or 'auto'), trees)
        except lgb.basic.LightGBMError: continue
        s = short(b); b = lgb.Booster(model_str=s); file, contrib, leaf = s.encode(), b.predict(I, pred_contrib=True), b.predict(I, pred_leaf=True)
    else:
        types = ['c' if j in cats else 'q' for j in range(p)]; d = lambda x, y=None: xgb.DMatrix(x, y, feature_types=types, enable_categorical=True, nthread=1)
        q = dict(nthread=1, verbosity=0, seed=k, max_depth=trees_depth, max_leaves=40, grow_policy='lossguide', eta=.1, tree_method='hist', max_cat_to_onehot=int(pick(1, 100)), booster=pick('gbtree', 'gbtree', 'dart'), min_child_weight=0.1,
                 objective=dict(regression='reg:squarederror', binary='binary:logistic', multi='multi:softprob')[kind])
        if q['booster'] == 'dart': q['rate_drop'] = .3
        if kind == 'multi': q['num_class'] = 3
        b = xgb.train(q, d(X, y), trees); file = bytes(b.save_raw('ubj')); contrib, leaf = b.predict(d(I), pred_contribs=True), b.predict(d(I), pred_leaf=True)
    name = f'{k}_depth{trees_depth}_trees{trees}_{kind}'; add(('xgboost_' if xgboost else 'lightgbm_') + name, file, I, contrib, leaf)
    if not xgboost and not cats and trees < 100 and not q['zero_as_missing']:
        add('onnx_' + name, onnx_of(b, kind == 'multi'), I, contrib, np.full((len(I), b.num_trees()), -1))
with open(A.out, 'wb') as raw, gzip.GzipFile(fileobj=raw, mode='wb', mtime=0, compresslevel=9) as f:
    for c in cases: f.write(json.dumps(c, separators=(',', ':')).encode() + b'\n')
print(len(cases), 'cases', os.path.getsize(A.out), 'bytes')
