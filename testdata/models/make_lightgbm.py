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
lgb_case('deep', y=z, num_leaves=120, min_data_in_leaf=1, rounds=1, learning_rate=1)
ci = inputs('categories', XC, EDGE, (3, 4))
lgb_case('categorical', X=XC, y=z, inp=ci, cat=[3, 4], min_data_per_group=5, cat_smooth=1, max_cat_to_onehot=4)
lgb_case('categorical_onehot', X=XC, y=yb, inp=ci, cat=[3, 4], objective='binary', max_cat_to_onehot=100)
lgb_case('categorical_multiclass', X=XC, y=ym, inp=ci, cat=[3, 4], objective='multiclass', num_class=3, rounds=2)
odd = ['plain', 'with blank', "a'b", 'x=y', 'größe', 'Ünï.%-/']
lgb_case('odd_names', y=z, inp=inputs('odd', XM, EDGE, names=odd), feat=odd, rounds=2)

def frame(third, new=()):
    """a data frame with categories of text and of numbers, and rows of it as inputs"""
    r = np.random.default_rng(3)
    F = pd.DataFrame(dict(a=XM[:, 0], plan=pd.Categorical(np.array(['basic', 'pro', third])[r.integers(0, 3, N)]), b=XM[:, 1], code=pd.Categorical(np.array([10, 20, -5])[r.integers(0, 3, N)])))
    y = np.nan_to_num(F.a) + (F.plan == 'pro') * 2. + (F.code == 10) * 1.5
    I = F.iloc[:A.rows].copy(); I.loc[0, 'plan'] = np.nan; I.loc[1, 'code'] = np.nan
    for i, v in enumerate(new): I['plan'] = I.plan.cat.add_categories(v); I.loc[3 + i, 'plan'] = v
    kind = 'frame' + '_new' * bool(new)
    rows = [['' if isinstance(v, float) and math.isnan(v) else v for v in row] for row in I.astype(object).to_numpy().tolist()]
    path_ = f'inputs/{kind}.csv'
    with open(path(os.path.dirname(path_), os.path.basename(path_)), 'w') as f:   # a missing text is an empty field without quotes
        f.write('a,plan,b,code\n' + ''.join(','.join(v if v == '' else text(v) for v in r) + '\n' for r in rows))
    return F, y, I, (path_, I, ['a', 'plan', 'b', 'code'], ['DOUBLE', 'VARCHAR', 'DOUBLE', 'DOUBLE'])

if wanted('lgb_frame'):
    F, y, I, inp = frame('größe', new=['unseen'])
    b = lgb.train(dict(verbose=-1, num_threads=1, num_leaves=6, min_data_per_group=5, cat_smooth=1), lgb.Dataset(F, y), A.rounds)
    s = b.model_to_string()   # categories are saved after the parameters
    s = s[:s.index('\nfeature_importances:')] + '\n\nparameters:\n[categorical_feature: 1,3]\nend of parameters\n\npandas_categorical:' + json.dumps(b.pandas_categorical) + '\n'
    open(path('lgb_frame', 'model.txt'), 'w').write(s); b = lgb.Booster(model_str=s)
    case('lgb_frame', 'lightgbm-text', 'model.txt', inp, [('raw', b.predict(I, raw_score=True)), ('pred', b.predict(I))], (1e-12, 1e-12), raw_exact=True)
