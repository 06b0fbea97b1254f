# Part of make.py.
def lgb_case(name, X=XM, y=z, rounds=None, inp=None, cat='auto', weight=None, group=None, feat=None, version=None, **params):
    name = 'lgb_' + name
    inp = inp or inputs('numeric', XM, EDGE + [np.inf, -np.inf])
    if not wanted(name): return
    ds = lgb.Dataset(X, y, weight=weight, group=group, categorical_feature=cat, feature_name=feat or 'auto', free_raw_data=False)
    p = {**dict(verbose=-1, num_threads=1, deterministic=True, force_row_wise=True, num_leaves=6, min_data_in_leaf=5, seed=1), **params}
    b = lgb.train(p, ds, rounds or A.rounds)
    s = b.model_to_string()
    # Importances and parameters are no part of the model: the files stay small without them.
    s = s[:s.index('\nfeature_importances:')] + '\n'
    if version: s = s.replace('version=v4', 'version=' + version)
    s = '\n'.join(l for l in s.split('\n') if not l.startswith(('leaf_weight', 'leaf_count', 'internal_', 'split_gain', 'tree_sizes')))
    open(path(name, 'model.txt'), 'w').write(s)
    b = lgb.Booster(model_str=s)
    outs = [('raw', b.predict(inp[1], raw_score=True)), ('pred', b.predict(inp[1]))]
    obj = params.get('objective', 'regression')
    if obj == 'binary': outs.append(('label', (outs[1][1] > .5).astype(int)))
    if obj in ('multiclass', 'multiclassova'): outs.append(('label', outs[1][1].argmax(1)))
    case(name, 'lightgbm-text', 'model.txt', inp, outs, (1e-12, 1e-12), raw_exact=True)

y01 = 1 / (1 + np.exp(-z))
for o, y in [('regression', z), ('regression_l1', z), ('huber', z), ('fair', z), ('quantile', z), ('mape', z + 3), ('poisson', yp), ('gamma', yp), ('tweedie', yp), ('cross_entropy', y01), ('cross_entropy_lambda', y01), ('binary', yb)]:
    lgb_case(o, y=y, objective=o)
lgb_case('sqrt', y=z ** 3, objective='regression', reg_sqrt=True)
lgb_case('sigmoid', y=yb, objective='binary', sigmoid=.7)
lgb_case('multiclass', y=ym, objective='multiclass', num_class=3, rounds=3)
lgb_case('ova', y=ym, objective='multiclassova', num_class=3, sigmoid=1.3, rounds=3)
lgb_case('lambdarank', y=ym, objective='lambdarank', group=[30] * 20)
lgb_case('xendcg', y=ym, objective='rank_xendcg', group=[30] * 20)
lgb_case('custom', y=z, objective=lambda p, d: (p - d.get_label(), np.ones(len(p))))
lgb_case('rf', y=z, boosting='rf', bagging_freq=1, bagging_fraction=.6, feature_fraction=.7)
lgb_case('rf_binary', y=yb, objective='binary', boosting='rf', bagging_freq=1, bagging_fraction=.6)
lgb_case('rf_multiclass', y=ym, objective='multiclass', num_class=3, boosting='rf', bagging_freq=1, bagging_fraction=.6, rounds=3)
lgb_case('dart', y=z, boosting='dart', drop_rate=.5)
lgb_case('goss', y=yb, objective='binary', data_sample_strategy='goss')
lgb_case('no_missing', X=X, y=z)                                     # missing type None: NaN is 0
lgb_case('zero_as_missing', X=X, y=z, zero_as_missing=True)
lgb_case('use_missing_false', X=XM, y=z, use_missing=False)
lgb_case('linear', X=XM, y=z, linear_tree=True, objective='regression')
lgb_case('linear_binary', X=XM, y=yb, linear_tree=True, objective='binary')
lgb_case('stump', y=z, num_leaves=2)
lgb_case('constant', y=np.full(N, 2.5), rounds=2)
lgb_case('constant_linear', X=np.zeros_like(X), y=z, linear_tree=True, rounds=2)
lgb_case('version3', y=z, version='v3')
lgb_case('deep', y=z, num_leaves=200, min_data_in_leaf=1, rounds=1, learning_rate=1)
ci = inputs('categories', XC, EDGE, (3, 4))
lgb_case('categorical', X=XC, y=z, inp=ci, cat=[3, 4], min_data_per_group=5, cat_smooth=1, max_cat_to_onehot=4)
lgb_case('categorical_onehot', X=XC, y=yb, inp=ci, cat=[3, 4], objective='binary', max_cat_to_onehot=100)
lgb_case('categorical_multiclass', X=XC, y=ym, inp=ci, cat=[3, 4], objective='multiclass', num_class=3, rounds=2)
odd = ['plain', 'with blank', "a'b", 'x=y', 'größe', 'Ünï.%-/']
lgb_case('odd_names', y=z, inp=inputs('odd', XM, EDGE, names=odd), feat=odd, rounds=2)
