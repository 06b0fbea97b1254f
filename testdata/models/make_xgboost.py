# Part of make.py.
def xgb_case(name, X=XM, y=z, rounds=None, ext='json', inp=None, names=None, types=None, label=None, train=None, keep=False, group=None, **params):
    name = 'xgb_' + name
    inp = inp or inputs('single', XM, EDGE)
    if not wanted(name): return
    if 'enable_categorical' in params: params.pop('enable_categorical'); cat = True
    else: cat = False
    d = lambda X, y=None: xgb.DMatrix(X, y, feature_names=names, feature_types=types, enable_categorical=cat)
    dm = d(X, y)
    if group: dm.set_group(group)
    if train: train(dm)
    p = {**dict(max_depth=3, eta=.5, nthread=1, seed=1, verbosity=0), **params}
    b = xgb.train(p, dm, rounds or A.rounds)
    f = path(name, 'model.' + ext); b.save_model(f)
    if not keep and ext == 'json':   # statistics are no part of the model: the files stay small without them
        m = json.load(open(f))
        g = m['learner']['gradient_booster']; g = g.get('gbtree', g)
        for t in g['model'].get('trees', []):
            for k in ('loss_changes', 'sum_hessian', 'parents') + (() if 'leaf_weights' in t else ('base_weights',)): t[k] = [0 if k == 'parents' else 0.] * len(t[k])
        small = json.dumps(m, separators=(',', ':'), ensure_ascii=False)
        xgb.Booster(model_file=bytearray(small, 'utf8')); open(f, 'w').write(small)
    b = xgb.Booster(model_file=f)
    raw, pred = b.predict(d(inp[1]), output_margin=True), b.predict(d(inp[1]))
    outs = [('raw', raw), ('pred', pred)]
    if label: outs.append(('label', label(pred)))
    case(name, 'xgboost-' + ext, 'model.' + ext, inp, outs, (2e-6, 2e-5), raw_exact=True)

over = lambda p: (p > .5).astype(int)
for o, y, lab in [('reg:squarederror', z, None), ('reg:squaredlogerror', yp, None), ('reg:logistic', y01, None), ('reg:pseudohubererror', z, None), ('reg:absoluteerror', z, None), ('binary:logistic', yb, over), ('binary:logitraw', yb, lambda p: (p > 0).astype(int)), ('binary:hinge', yb, over), ('count:poisson', yp, None), ('reg:gamma', yp, None), ('reg:tweedie', yp, None)]:
    xgb_case(o.replace(':', '_'), y=y, objective=o, label=lab)
xgb_case('cox', y=np.where(yb, yp, -yp), objective='survival:cox')
xgb_case('aft', y=yp, objective='survival:aft', train=lambda d: (d.set_float_info('label_lower_bound', yp), d.set_float_info('label_upper_bound', np.where(yb, yp, np.inf))))
xgb_case('softprob', y=ym, objective='multi:softprob', num_class=3, rounds=2, label=lambda p: p.argmax(1))
xgb_case('softmax', y=ym, objective='multi:softmax', num_class=3, rounds=2, label=lambda p: p.astype(int))
xgb_case('softprob_ubj', y=ym, objective='multi:softprob', num_class=3, rounds=2, ext='ubj')
for o in ('ndcg', 'pairwise', 'map'):
    xgb_case('rank_' + o, y=yb if o == 'map' else ym, objective='rank:' + o, group=[30] * 20, rounds=2)
xgb_case('quantile', objective='reg:quantileerror', quantile_alpha=[.1, .5, .9], rounds=2)
xgb_case('quantile_one', objective='reg:quantileerror', quantile_alpha=.3, ext='ubj')
Y2 = np.column_stack([z, yp])
xgb_case('multi_target', y=Y2, objective='reg:squarederror', rounds=3)
xgb_case('multi_target_ubj', y=Y2, objective='reg:squarederror', rounds=3, ext='ubj')
xgb_case('vector_leaf', y=Y2, objective='reg:squarederror', multi_strategy='multi_output_tree', tree_method='hist', rounds=3)
xgb_case('vector_leaf_ubj', y=Y2, objective='reg:squarederror', multi_strategy='multi_output_tree', tree_method='hist', rounds=3, ext='ubj')
xgb_case('vector_leaf_softprob', y=ym, objective='multi:softprob', num_class=3, multi_strategy='multi_output_tree', tree_method='hist', rounds=3)
xgb_case('multi_label', y=np.column_stack([yb, ym > 1]), objective='binary:logistic', rounds=2)
xgb_case('dart', booster='dart', rate_drop=.5, one_drop=1, objective='binary:logistic', y=yb)
xgb_case('dart_multi', booster='dart', rate_drop=.5, objective='multi:softprob', num_class=3, y=ym, rounds=3, ext='ubj')
xgb_case('gblinear', booster='gblinear', objective='reg:squarederror', y=z, max_depth=None, X=X)
xgb_case('gblinear_logistic', booster='gblinear', objective='binary:logistic', y=yb, max_depth=None, X=X, ext='ubj')
xgb_case('gblinear_softprob', booster='gblinear', objective='multi:softprob', num_class=3, y=ym, max_depth=None, X=X)
xgb_case('parallel', num_parallel_tree=3, subsample=.5, colsample_bynode=.6, rounds=2)
xgb_case('forest', num_parallel_tree=4, subsample=.5, eta=1, rounds=1, objective='binary:logistic', y=yb, ext='ubj')
xgb_case('base_score', base_score=.25, objective='binary:logistic', y=yb)
xgb_case('base_score_poisson', base_score=2, objective='count:poisson', y=yp)
xgb_case('lossguide', grow_policy='lossguide', max_leaves=7, max_depth=0, tree_method='hist')
xgb_case('exact_prune', tree_method='exact', gamma=5, max_depth=4, keep=True)
xgb_case('monotone', monotone_constraints='(1,0,0,0,0,-1)', interaction_constraints='[[0,1],[2,3,4,5]]')
xgb_case('stump', max_depth=1)
xgb_case('leaf_only', y=np.full(N, 3.), rounds=2)
ci = inputs('categories_single', XC, EDGE, (3, 4), [np.nan, 0, 3.7, 31, 32, 63, 64, 69, 70, 200])
ct = ['q', 'q', 'q', 'c', 'c']
xgb_case('categorical', X=XC, y=z, inp=ci, types=ct, enable_categorical=True, max_cat_to_onehot=1, max_depth=4)
xgb_case('categorical_onehot', X=XC, y=yb, inp=ci, types=ct, enable_categorical=True, objective='binary:logistic', max_cat_to_onehot=100, ext='ubj')
odd = ['plain', 'with blank', "a'b", 'x=y', 'größe "q"', 'back\\slash']
xgb_case('odd_names', inp=inputs('odd_single', XM, EDGE, names=odd), names=odd, rounds=2)
xgb_case('odd_names_ubj', inp=inputs('odd_single', XM, EDGE, names=odd), names=odd, rounds=2, ext='ubj')

def xgb_early(name, sklearn):
    """trained with early stopping: the booster's predict takes all trees, the scikit-learn interface's the best ones"""
    name = 'xgb_' + name; inp = inputs('single', XM, EDGE)
    if not wanted(name): return
    noise = rng.normal(size=N) * 3
    m = xgb.XGBRegressor(n_estimators=25, max_depth=3, learning_rate=.8, early_stopping_rounds=5, n_jobs=1, random_state=1)
    m.fit(XM[:300], (z + noise)[:300], eval_set=[(XM[300:], z[300:])], verbose=False)
    f = path(name, 'model.ubj')
    if sklearn: m.save_model(f); p = m.predict(inp[1]); r = m.predict(inp[1], output_margin=True)
    else:
        m.get_booster().save_model(f); b = xgb.Booster(model_file=f); p = b.predict(xgb.DMatrix(inp[1])); r = b.predict(xgb.DMatrix(inp[1]), output_margin=True)
    case(name, 'xgboost-ubj', 'model.ubj', inp, [('raw', r), ('pred', p)], (2e-6, 2e-5))
xgb_early('early_booster', False)
xgb_early('early_sklearn', True)
for ext in ('json', 'ubj'):
    if wanted('xgb_frame_' + ext):
        F, y, I, inp = frame('team, x')   # ASCII: before 3.4 XGBoost stores other text damaged
        b = xgb.train(dict(max_depth=3, eta=.5, nthread=1, max_cat_to_onehot=1), xgb.DMatrix(F, y, enable_categorical=True), A.rounds)
        f = path('xgb_frame_' + ext, 'model.' + ext); b.save_model(f); b = xgb.Booster(model_file=f); d = xgb.DMatrix(I, enable_categorical=True)
        case('xgb_frame_' + ext, 'xgboost-' + ext, 'model.' + ext, inp, [('raw', b.predict(d, output_margin=True)), ('pred', b.predict(d))], (2e-6, 2e-5), raw_exact=True)
