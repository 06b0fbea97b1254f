# Part of make.py.
import onnx, onnx.helper, onnxruntime as ort
make_attribute = onnx.helper.make_attribute
def plain_attribute(key, value, *a, **k):   # skl2onnx 1.20 hands numpy bools to onnx 1.22 and later, which refuses them
    if isinstance(value, (list, tuple)): value = [int(v) if isinstance(v, (bool, np.bool_, np.integer)) else v for v in value]
    return make_attribute(key, value, *a, **k)
onnx.helper.make_attribute = plain_attribute
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, DoubleTensorType, StringTensorType, Int64TensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes
from sklearn.pipeline import make_pipeline, Pipeline, FeatureUnion
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.preprocessing import *
from sklearn.impute import SimpleImputer, KNNImputer
from sklearn.linear_model import *
from sklearn.tree import *
from sklearn.ensemble import *
from sklearn.svm import *
from sklearn.neighbors import *
from sklearn.neural_network import *
from sklearn.naive_bayes import *
from sklearn.cluster import *
from sklearn.mixture import GaussianMixture
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import *
from sklearn.calibration import CalibratedClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

XF = np.round(X, 2).astype(np.float32)
XMF = XM.astype(np.float32)
yt = np.array(['low', 'mid', 'high'])[ym]
yw = np.array([3, 7])[yb]

def onnx_inputs(kind, X, edge=(), **k): return inputs('onnx_' + kind, X, edge, **k)

def values(outs, order=None):
    """the outputs of onnxruntime as columns: the first of floats (of a ZipMap its values) and the first of labels"""
    cols = []
    for o in outs:
        if isinstance(o, list): o = np.array([[r[k] for k in r] for r in o])
        o = np.asarray(o)
        label = o.dtype.kind not in 'f'
        if any((c == 'label') == label for c, _ in cols): continue
        if o.shape[0] == 1 and o.size == A.rows: o = o.reshape(-1, 1)
        cols.append(('label' if label else 'p', o.astype(object) if o.dtype.kind in 'OUS' else o))
    return cols

def run(o, feeds):
    so = ort.SessionOptions(); so.intra_op_num_threads = 1; so.inter_op_num_threads = 1
    return ort.InferenceSession(o.SerializeToString(), so, providers=['CPUExecutionProvider']).run(None, feeds)

def onnx_add(name, o, inp, feeds, tol=(2e-6, 2e-5)):
    outs = values(run(o, feeds))
    plain = [n for n in o.graph.node if any(a.name == 'post_transform' for a in n.attribute)]
    if plain and not any(n.op_type == 'ZipMap' for n in o.graph.node) and [n for n in o.graph.node if n.output[0] == o.graph.output[-1].name or o.graph.output[-1].name in n.output] == plain[-1:]:
        r = onnx.load_from_string(o.SerializeToString())   # the same without the transform: OUTPUT raw
        for n in r.graph.node:
            for a in n.attribute:
                if a.name == 'post_transform': a.s = b'NONE'
        outs.append(('raw', [v for c, v in values(run(r, feeds)) if c == 'p'][0]))
    open(path(name, 'model.onnx'), 'wb').write(o.SerializeToString())
    case(name, 'onnx', 'model.onnx', inp, outs, tol, ops=sorted({n.op_type for n in o.graph.node}))

def sk(name, model, X=None, y=None, kind='numeric', edge=EDGE[1:], options=None, tol=(2e-6, 2e-5), dtype=np.float32, opset=None):
    name = 'onnx_' + name
    if not wanted(name): return
    Xt = XF if X is None else X
    if X is None and not len(edge): kind = 'plain'
    inp = onnx_inputs(kind, Xt, edge)
    try:
        model.fit(Xt.astype(dtype), y) if y is not None else model.fit(Xt.astype(dtype))
        o = to_onnx(model, Xt[:1].astype(dtype), options={id(model): options} if options else None, target_opset=opset)
        onnx_add(name, o, inp, {'X': inp[1].astype(dtype)}, tol)
    except Exception as e: print('left out', name, type(e).__name__, str(e).split('\n')[0][:200])

plain = dict(zipmap=False)
big = (1e-4, 1e-5)   # sums of large values in float32
MOD = [e for e in EDGE[1:] if abs(e) < 1e20]
sk('logreg', LogisticRegression(), y=yb, options=plain, edge=MOD, kind='moderate')
sk('logreg_zipmap', LogisticRegression(), y=yb, edge=MOD, kind='moderate')
sk('logreg_zipmap_text', LogisticRegression(), y=yt, edge=MOD, kind='moderate')
sk('logreg_zipmap_columns', LogisticRegression(), y=ym, options=dict(zipmap='columns'), edge=MOD, kind='moderate')
sk('logreg_multi', LogisticRegression(), y=ym, options=plain, edge=MOD, kind='moderate')
sk('logreg_text_binary', LogisticRegression(), y=np.array(['no', 'yes'])[yb], options=plain, edge=MOD, kind='moderate')
sk('logreg_labels', LogisticRegression(), y=yw, options=plain, edge=MOD, kind='moderate')
sk('logreg_raw', LogisticRegression(), y=ym, options=dict(zipmap=False, raw_scores=True), edge=())
sk('logreg_ovr', OneVsRestClassifier(LogisticRegression()), y=ym, options=plain, edge=())
sk('linear', LinearRegression(), y=z, edge=())
sk('linear_double', LinearRegression(), y=z, edge=(), dtype=np.float64)
sk('linear_multi', LinearRegression(), y=Y2, edge=())
sk('ridge', make_pipeline(PolynomialFeatures(2, include_bias=False), Ridge()), y=z, edge=(), tol=big)
sk('lasso', make_pipeline(RobustScaler(), Lasso(.01)), y=z, edge=())
sk('poisson', PoissonRegressor(), y=yp, edge=())
sk('sgd', make_pipeline(StandardScaler(), SGDClassifier(loss='log_loss', random_state=1)), y=yb, edge=())
sk('sgd_hinge', make_pipeline(StandardScaler(), SGDClassifier(random_state=1)), y=ym, edge=())
sk('perceptron', make_pipeline(StandardScaler(), Perceptron()), y=yb, edge=())
for n, s in [('standard', StandardScaler()), ('minmax', MinMaxScaler()), ('maxabs', MaxAbsScaler()), ('robust', RobustScaler()), ('minmax_clip', MinMaxScaler(clip=True)), ('normalizer', Normalizer()), ('normalizer_l1', Normalizer('l1')), ('normalizer_max', Normalizer('max')), ('binarizer', Binarizer(threshold=.5)), ('kbins', KBinsDiscretizer(4, encode='onehot-dense', subsample=None, quantile_method='averaged_inverted_cdf')), ('kbins_ordinal', KBinsDiscretizer(4, encode='ordinal', strategy='uniform', subsample=None)), ('power', PowerTransformer()), ('quantile', QuantileTransformer(n_quantiles=9)), ('pca', PCA(3)), ('kbest', SelectKBest(k=3)), ('function', FunctionTransformer())]:
    sk('scaler_' + n, make_pipeline(s, LogisticRegression()), y=yb, options=plain, edge=())
for st in ('mean', 'median', 'most_frequent'):
    sk('imputer_' + st, make_pipeline(SimpleImputer(strategy=st), LogisticRegression()), X=XMF, y=yb, kind='missing', options=plain, edge=[np.nan, 0])
sk('imputer_constant', make_pipeline(SimpleImputer(strategy='constant', fill_value=-1), DecisionTreeClassifier(max_depth=4, random_state=1)), X=XMF, y=yb, kind='missing', options=plain, edge=[np.nan, 0])
sk('tree', DecisionTreeClassifier(max_depth=5, random_state=1), y=ym, options=plain)
sk('tree_binary', DecisionTreeClassifier(max_depth=4, random_state=1), y=yb)
sk('tree_missing', DecisionTreeClassifier(max_depth=4, random_state=1), X=XMF, y=yb, kind='missing', edge=[np.nan, 0], options=plain)
sk('tree_regressor', DecisionTreeRegressor(max_depth=5, random_state=1), y=z)
sk('tree_regressor_multi', DecisionTreeRegressor(max_depth=4, random_state=1), y=Y2)
sk('forest', RandomForestClassifier(5, max_depth=4, random_state=1), y=ym, options=plain)
sk('forest_binary', RandomForestClassifier(5, max_depth=4, random_state=1), y=yb)
sk('forest_text', RandomForestClassifier(4, max_depth=4, random_state=1), y=yt)
sk('forest_labels', RandomForestClassifier(4, max_depth=4, random_state=1), y=yw, options=plain)
sk('forest_regressor', RandomForestRegressor(5, max_depth=4, random_state=1), y=z)
sk('extra_trees', ExtraTreesClassifier(5, max_depth=4, random_state=1), y=ym, options=plain)
sk('gbc', GradientBoostingClassifier(n_estimators=5, max_depth=3, random_state=1), y=yb, options=plain)
sk('gbc_multi', GradientBoostingClassifier(n_estimators=3, max_depth=3, random_state=1), y=ym, options=plain)
sk('gbr', GradientBoostingRegressor(n_estimators=5, max_depth=3, random_state=1), y=z)
sk('hist_gbc', HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=6), X=XMF, y=yb, kind='missing', edge=EDGE, options=plain)
sk('hist_gbc_multi', HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=6), X=XMF, y=ym, kind='missing', edge=EDGE, options=plain)
sk('hist_gbr', HistGradientBoostingRegressor(max_iter=5, max_leaf_nodes=6), X=XMF, y=z, kind='missing', edge=EDGE)
sk('ada', AdaBoostClassifier(n_estimators=3, random_state=1), y=yb, options=plain)
sk('ada_multi', AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=3, random_state=1), y=ym, options=plain)
sk('ada_regressor', AdaBoostRegressor(n_estimators=3, random_state=1), y=z)
sk('bagging', BaggingClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=3, random_state=1), y=yb, options=plain)
sk('bagging_regressor', BaggingRegressor(DecisionTreeRegressor(max_depth=3), n_estimators=3, random_state=1), y=z)
sk('voting', VotingClassifier([('a', LogisticRegression()), ('b', DecisionTreeClassifier(max_depth=3))], voting='soft', flatten_transform=False), y=yb, options=plain, edge=())
sk('voting_hard', VotingClassifier([('a', LogisticRegression()), ('b', DecisionTreeClassifier(max_depth=3)), ('c', GaussianNB())], flatten_transform=False), y=yb, edge=())
sk('voting_regressor', VotingRegressor([('a', LinearRegression()), ('b', DecisionTreeRegressor(max_depth=3))]), y=z, edge=())
sk('stacking', StackingClassifier([('a', LogisticRegression()), ('b', DecisionTreeClassifier(max_depth=3))]), y=yb, options=plain, edge=())
sk('stacking_regressor', StackingRegressor([('a', LinearRegression()), ('b', DecisionTreeRegressor(max_depth=3))]), y=z, edge=())
sk('calibrated', CalibratedClassifierCV(LogisticRegression(), cv=2), y=yb, options=plain, edge=())
sk('calibrated_isotonic', CalibratedClassifierCV(LogisticRegression(), cv=2, method='isotonic'), y=yb, options=plain, edge=())
sc = lambda m: make_pipeline(StandardScaler(), m)
sk('mlp', sc(MLPClassifier((5,), max_iter=60, random_state=1)), y=yb, options=plain, edge=())
sk('mlp_multi', sc(MLPClassifier((5, 4), activation='tanh', max_iter=60, random_state=1)), y=yt, options=plain, edge=())
sk('mlp_zipmap', sc(MLPClassifier((4,), activation='logistic', max_iter=60, random_state=1)), y=ym, edge=())
sk('mlp_regressor', sc(MLPRegressor(hidden_layer_sizes=(5,), max_iter=60, random_state=1)), y=z, edge=())
sk('svc_linear', LinearSVC(), y=yb, edge=())
sk('svc_linear_multi', LinearSVC(), y=ym, edge=())
sk('svr_linear', sc(LinearSVR()), y=z, edge=())
S = slice(0, 120)
def svm(name, m, y, **k): sk(name, sc(m), X=XF[S], y=y[S], kind='small', edge=(), **k)
svm('svc', SVC(), yb, options=plain)
svm('svc_raw', SVC(kernel='linear'), yb, options=dict(zipmap=False, raw_scores=True))
svm('svc_proba', SVC(probability=True, random_state=1), yb, options=plain)
svm('svc_proba_multi', SVC(probability=True, kernel='poly', random_state=1), ym, options=plain)
svm('svc_multi', SVC(kernel='sigmoid'), yt, options=plain)
svm('nusvc', NuSVC(nu=.2), yb, options=plain)
svm('svr', SVR(), z)
svm('one_class', OneClassSVM(), z, tol=big)
K = slice(0, 60)
def knn(name, m, y, **k): sk(name, m, X=XF[K], y=y[K], kind='tiny', edge=(), **k)
knn('knn', KNeighborsClassifier(3), yb, options=plain)
knn('knn_multi', KNeighborsClassifier(3), yt)
knn('knn_regressor', KNeighborsRegressor(3), z)
knn('knn_distance', KNeighborsRegressor(3, weights='distance'), z)
knn('knn_manhattan', KNeighborsClassifier(3, p=1, metric='minkowski'), yb, options=plain)
knn('lof', LocalOutlierFactor(5, novelty=True), z)
sk('nb', GaussianNB(), y=ym, options=plain, edge=())
sk('nb_bernoulli', BernoulliNB(), y=yb, options=plain, edge=())
sk('nb_multinomial', MultinomialNB(), X=np.abs(XF), y=ym, kind='positive', options=plain, edge=())
sk('lda', LinearDiscriminantAnalysis(), y=ym, options=plain, edge=())
sk('qda', QuadraticDiscriminantAnalysis(), y=ym, options=plain, edge=())
sk('isolation', IsolationForest(n_estimators=3, max_samples=16, random_state=1), opset={'': 15, 'ai.onnx.ml': 3})
sk('kmeans', KMeans(3, n_init=1, random_state=1), edge=())
sk('gmm', GaussianMixture(2, random_state=1), X=XF[:, :3], kind='three', edge=())
sk('multi_output', MultiOutputRegressor(LinearRegression()), y=Y2, edge=())
sk('union', make_pipeline(FeatureUnion([('a', StandardScaler()), ('b', PCA(2))]), LogisticRegression()), y=yb, options=plain, edge=())
sk('gpr', GaussianProcessRegressor(), X=XF[K], y=z[K], kind='tiny', edge=())

# Columns of their own, with text.
plans, regions = np.array(['basic', 'pro', 'team', 'größe']), np.array(['eu', 'us', 'apac'])
D = pd.DataFrame(dict(age=XF[:, 0], income=np.abs(XF[:, 4]), visits=X[:, 3].astype(np.int64), plan=plans[rng.integers(0, 4, N)], region=regions[rng.integers(0, 3, N)]))
yd = ((D.plan == 'pro').astype(int) + (D.region == 'eu') + (D.age > 0) > 1).astype(int).to_numpy()
def mixed_inputs(cols):
    kind = 'onnx_mixed_' + '_'.join(cols)
    if kind not in SHARED:
        I = D[cols].iloc[:A.rows].copy()
        if 'plan' in cols: I['plan'] = I['plan'].astype(object); I.iloc[2, cols.index('plan')] = 'unseen'
        SHARED[kind] = (f'inputs/{kind}.csv', I, cols, ['VARCHAR' if c in ('plan', 'region') else 'DOUBLE' for c in cols])
        write(SHARED[kind][0], cols, I.values.tolist())
    return SHARED[kind]
def mixed(name, steps, final, cols=('age', 'income', 'plan', 'region'), y=yd, options=None, tol=(2e-6, 2e-5)):
    name = 'onnx_' + name
    if not wanted(name): return
    cols = list(cols); inp = mixed_inputs(cols)
    m = Pipeline([('ct', ColumnTransformer(steps)), ('m', final)]).fit(D[cols], y)
    types = [(c, StringTensorType([None, 1]) if c in ('plan', 'region') else Int64TensorType([None, 1]) if c == 'visits' else FloatTensorType([None, 1])) for c in cols]
    f = {c: inp[1][[c]].to_numpy().astype(object if c in ('plan', 'region') else np.int64 if c == 'visits' else np.float32) for c in cols}
    try: onnx_add(name, to_onnx(m, initial_types=types, options={id(m): options} if options else None), inp, f, tol)
    except Exception as e: print('left out', name, type(e).__name__, str(e).split('\n')[0][:200])
num, cat = ['age', 'income'], ['plan', 'region']
mixed('mixed', [('n', StandardScaler(), num), ('c', OneHotEncoder(handle_unknown='ignore'), cat)], LogisticRegression(), options=plain)
mixed('mixed_zipmap', [('n', MinMaxScaler(), num), ('c', OneHotEncoder(handle_unknown='ignore'), cat)], LogisticRegression(), y=np.array(['no', 'yes'])[yd])
mixed('mixed_ordinal', [('n', 'passthrough', num), ('c', OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=-1), cat)], RandomForestClassifier(4, max_depth=4, random_state=1), options=plain)
mixed('mixed_drop', [('c', OneHotEncoder(handle_unknown='ignore', sparse_output=False), cat), ('n', RobustScaler(), ['income'])], GradientBoostingRegressor(n_estimators=4), y=z)
mixed('mixed_ints', [('n', StandardScaler(), ['visits', 'age']), ('c', OneHotEncoder(handle_unknown='ignore'), cat)], LogisticRegression(), cols=('age', 'visits', 'plan', 'region'), options=plain)
mixed('mixed_nested', [('n', Pipeline([('i', SimpleImputer()), ('s', StandardScaler())]), num), ('c', Pipeline([('o', OneHotEncoder(handle_unknown='ignore'))]), cat)], MLPClassifier((4,), max_iter=30, random_state=1), options=plain)
mixed('mixed_target_encoder', [('n', StandardScaler(), num), ('c', TargetEncoder(random_state=1), cat)], LogisticRegression(), options=plain)
mixed('mixed_first_category', [('n', 'passthrough', num), ('c', OneHotEncoder(drop='first', handle_unknown='ignore'), cat)], LinearRegression(), y=z)

def text_input(name, enc, y, final):
    """one tensor of all text columns"""
    name = 'onnx_' + name
    if not wanted(name): return
    inp = mixed_inputs(cat); m = make_pipeline(enc, final).fit(D[cat].to_numpy(), y)
    o = to_onnx(m, initial_types=[('X', StringTensorType([None, 2]))], options={id(m): plain})
    onnx_add(name, o, inp, {'X': inp[1].to_numpy().astype(object)})
text_input('text_matrix', OneHotEncoder(handle_unknown='ignore'), yd, LogisticRegression())
text_input('text_matrix_ordinal', OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=9), yd, DecisionTreeClassifier(max_depth=4, random_state=1))

# Models of other libraries, by onnxmltools.
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
for c, conv, alias, shape in [(lgb.LGBMClassifier, convert_lightgbm, 'LightGbmLGBMClassifier', calculate_linear_classifier_output_shapes), (lgb.LGBMRegressor, convert_lightgbm, 'LightGbmLGBMRegressor', calculate_linear_regressor_output_shapes), (xgb.XGBClassifier, convert_xgboost, 'XGBoostXGBClassifier', calculate_linear_classifier_output_shapes), (xgb.XGBRegressor, convert_xgboost, 'XGBoostXGBRegressor', calculate_linear_regressor_output_shapes)]:
    update_registered_converter(c, alias, shape, conv, options={'nocl': [True, False], 'zipmap': [True, False, 'columns']} if 'Classifier' in alias else None)
small = dict(n_estimators=4, n_jobs=1, random_state=1)
old = {'': 15, 'ai.onnx.ml': 3}
L = lambda c, **k: c(num_leaves=6, verbose=-1, **small, **k)
sk('lightgbm', L(lgb.LGBMClassifier), X=XMF, y=yb, kind='missing', edge=EDGE, options=plain, opset=old)
sk('lightgbm_multi', L(lgb.LGBMClassifier), X=XMF, y=ym, kind='missing', edge=EDGE, opset=old)
sk('lightgbm_regressor', L(lgb.LGBMRegressor), X=XMF, y=z, kind='missing', edge=EDGE, opset=old)
sk('lightgbm_rf', L(lgb.LGBMRegressor, boosting_type='rf', subsample=.5, subsample_freq=1), X=XMF, y=z, kind='missing', edge=EDGE, opset=old)
sk('lightgbm_poisson', L(lgb.LGBMRegressor, objective='poisson'), X=XMF, y=yp, kind='missing', edge=EDGE, opset=old)
sk('lightgbm_categorical', lgb.LGBMClassifier(num_leaves=6, verbose=-1, categorical_feature=[3], min_data_per_group=5, cat_smooth=1, **small), X=XF, y=yb, edge=(), kind='counts', opset=old, options=plain)
sk('xgboost', xgb.XGBClassifier(max_depth=3, **small), X=XMF, y=yb, kind='missing', edge=EDGE, options=plain, opset=old)
sk('xgboost_multi', xgb.XGBClassifier(max_depth=3, **small), X=XMF, y=ym, kind='missing', edge=EDGE, opset=old)
sk('xgboost_regressor', xgb.XGBRegressor(max_depth=3, **small), X=XMF, y=z, kind='missing', edge=EDGE, opset=old)

# Tree ensembles by hand: the modes, aggregations and combinations of classes that converters don't write.
from onnx import TensorProto as T
def by_hand(name, op, kind=np.float32, **attrs):
    name = 'onnx_hand_' + name
    if not wanted(name): return
    modes = attrs.pop('modes', ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GT', 'BRANCH_GTE'])
    k = dict(nodes_nodeids=[], nodes_treeids=[], nodes_featureids=[], nodes_values=[], nodes_modes=[], nodes_truenodeids=[], nodes_falsenodeids=[], nodes_missing_value_tracks_true=[])
    for t in range(3):
        for i in range(7):
            leaf = i > 2
            for key, v in zip(k, (i, t, (t + i) % 3, 0. if leaf else [0., 1., -1.][(t + i) % 3], 'LEAF' if leaf else modes[(t * 3 + i) % len(modes)], 0 if leaf else 2 * i + 1, 0 if leaf else 2 * i + 2, (t + i) % 2)): k[key].append(v)
    leaves = [(t, i) for t in range(3) for i in range(3, 7)]
    ids = attrs.pop('ids', [0])
    p = 'class' if 'Classifier' in op else 'target'
    w = attrs.pop('weights', [.1, .2, .3, .05])
    entries = [(t, i, c, w[(t + i + c) % len(w)]) for t, i in leaves for c in ids]
    k.update({p + '_treeids': [e[0] for e in entries], p + '_nodeids': [e[1] for e in entries], p + '_ids': [e[2] for e in entries], p + '_weights': [e[3] for e in entries]})
    outs = ['label', 'score'] if p == 'class' else ['score']
    elem = {np.float32: T.FLOAT, np.float64: T.DOUBLE, np.int64: T.INT64}[kind]
    label = T.STRING if 'classlabels_strings' in attrs else T.INT64
    g = onnx.helper.make_graph([onnx.helper.make_node(op, ['X'], outs, domain='ai.onnx.ml', **k, **attrs)], 'g', [onnx.helper.make_tensor_value_info('X', elem, [None, 3])],
        [onnx.helper.make_tensor_value_info(o, label if o == 'label' else T.FLOAT, None) for o in outs])
    o = onnx.helper.make_model(g, opset_imports=[onnx.helper.make_opsetid('ai.onnx.ml', 1)], ir_version=8)
    whole = kind == np.int64
    inp = onnx_inputs('hand_int' if whole else 'hand', np.round(XF[:, :3] * [1, .3, 10]) if whole else XF[:, :3] * np.float32([1, .3, 10]), () if whole else EDGE + [1., -1.])
    onnx_add(name, o, inp, {'X': inp[1].astype(kind)})
C, R = 'TreeEnsembleClassifier', 'TreeEnsembleRegressor'
two = dict(classlabels_int64s=[3, 7])
by_hand('binary', C, **two)
by_hand('binary_negative', C, weights=[.1, -.2, .3, -.4], post_transform='LOGISTIC', **two)
by_hand('binary_text', C, classlabels_strings=['no', 'yes'])
by_hand('binary_one', C, ids=[1], post_transform='LOGISTIC', **two)
by_hand('binary_base', C, base_values=[.3], weights=[.1, -.2, .3, -.4], post_transform='LOGISTIC', **two)
by_hand('binary_base_two', C, base_values=[.3, -.1], post_transform='LOGISTIC', **two)
by_hand('both', C, ids=[0, 1], **two)
by_hand('both_base', C, ids=[0, 1], base_values=[.3, -.1], **two)
by_hand('both_softmax', C, ids=[0, 1], post_transform='SOFTMAX', weights=[1., -2., .5], **two)
by_hand('three', C, ids=[0, 1, 2], classlabels_int64s=[5, 6, 9], post_transform='SOFTMAX', weights=[1., -2., .5, 3.])
by_hand('three_zero', C, ids=[0, 2], classlabels_int64s=[5, 6, 9], post_transform='SOFTMAX_ZERO', weights=[1., 2., .5, 3.])
by_hand('three_base', C, ids=[0, 2], classlabels_int64s=[5, 6, 9], base_values=[.1, 2., .3])
by_hand('equal', R, modes=['BRANCH_EQ', 'BRANCH_NEQ', 'BRANCH_LEQ'], n_targets=1)
by_hand('average', R, aggregate_function='AVERAGE', base_values=[.5], n_targets=1)
by_hand('min', R, aggregate_function='MIN', n_targets=1)
by_hand('max', R, aggregate_function='MAX', n_targets=1, weights=[-.1, -.2, .3])
by_hand('targets', R, ids=[0, 1], n_targets=2, base_values=[.5, -.5], post_transform='LOGISTIC')
by_hand('int64', C, kind=np.int64, **two)

# Operators one by one, joined into a few graphs: what each makes of the rows is a few columns of the output.
class Soup:
    def __init__(self, name, opset=18, ints=False):
        self.name, self.opset, self.nodes, self.init, self.cols, self.ints = 'onnx_ops_' + name, opset, [], [], [], ints
    def const(self, v, dtype=None):
        v = np.array(v, dtype or (np.int64 if np.asarray(v).dtype.kind in 'iu' else np.float32)); n = f'c{len(self.init)}'
        self.init.append(onnx.numpy_helper.from_array(v, n)); return n
    def op(self, op, ins=('X',), outs=1, domain='', **k):
        ins = [i if isinstance(i, str) else self.const(i) for i in ins]
        names = [f'{op}{len(self.nodes)}_{i}' for i in range(outs)]
        self.nodes.append(onnx.helper.make_node(op, ins, names, domain=domain, **k)); return names[0] if outs == 1 else names
    def show(self, v, cast=True):
        """adds a value whose first axis is the rows"""
        if cast: v = self.op('Cast', [v], to=T.FLOAT)
        self.cols.append(self.op('Reshape', [v, [-1 if self.cols is None else 0, -1]]))
    def save(self, X, edge=()):
        if not wanted(self.name): return
        self.nodes.append(onnx.helper.make_node('Concat', self.cols, ['out'], axis=1))
        kind = T.INT64 if self.ints else T.FLOAT
        g = onnx.helper.make_graph(self.nodes, 'g', [onnx.helper.make_tensor_value_info('X', kind, [None, X.shape[1]])], [onnx.helper.make_tensor_value_info('out', T.FLOAT, None)], initializer=self.init)
        o = onnx.helper.make_model(g, opset_imports=[onnx.helper.make_opsetid('', self.opset), onnx.helper.make_opsetid('ai.onnx.ml', 3)], ir_version=8)
        inp = onnx_inputs('ops_ints' if self.ints else 'ops' + ('_edge' if len(edge) else ''), X, edge)
        onnx_add(self.name, o, inp, {'X': inp[1].astype(np.int64 if self.ints else np.float32)})

XO = np.round(rng.normal(size=(N, 4)) * 2, 2)
s = Soup('unary')
for o in 'Abs Neg Exp Floor Ceil Round Sigmoid Tanh Erf Relu Sin Cos Tan Atan Sinh Cosh Softplus Softsign Sign Reciprocal LeakyRelu Elu Identity Dropout'.split(): s.show(s.op(o))
p = s.op('Abs'); s.show(s.op('Sqrt', [p])); s.show(s.op('Log', [p])); u = s.op('Div', [s.op('Sin'), np.float32(1.5)]); s.show(s.op('Asin', [u])); s.show(s.op('Acos', [u]))
for o in 'IsNaN IsInf'.split(): s.show(s.op(o))
s.show(s.op('Binarizer', domain='ai.onnx.ml', threshold=.1))
s.show(s.op('Not', [s.op('IsNaN')])); s.show(s.op('Clip', ['X', np.float32(-1), np.float32(1)])); s.show(s.op('Clip', ['X', '', np.float32(.5)]))
s.save(XO)
s = Soup('edge')
for o in 'Abs Neg Floor Ceil Relu Sign IsNaN IsInf'.split(): s.show(s.op(o))
s.show(s.op('IsInf', detect_negative=0)); s.show(s.op('Clip', ['X', np.float32(-1), np.float32(1)])); s.show(s.op('Where', [s.op('IsNaN'), np.float32(7), 'X'])); s.show(s.op('Less', ['X', np.float32(0)])); s.show(s.op('Equal', ['X', np.float32(0)])); s.show(s.op('Max', ['X', np.float32(0)])); s.show(s.op('Min', ['X', np.float32(0)]))
s.show(s.op('Normalizer', domain='ai.onnx.ml', norm='L1'))
s.save(XO, EDGE)
s = Soup('binary')
b, c = np.float32([[1.5, -2, .5, 3]]), np.float32([[[2], [-1]]])
for o in 'Add Sub Mul Div'.split(): s.show(s.op(o, ['X', b])); s.show(s.op(o, [b, 'X'])); s.show(s.op(o, ['X', np.float32(2)]))
s.show(s.op('Pow', [s.op('Abs'), np.float32(1.5)])); s.show(s.op('Pow', ['X', np.int64(2)])); s.show(s.op('Mod', ['X', b], fmod=1))
for o in 'Less LessOrEqual Greater GreaterOrEqual Equal'.split(): s.show(s.op(o, ['X', b]))
l, g = s.op('Less', ['X', b]), s.op('Greater', ['X', np.float32(0)])
for o in 'And Or Xor'.split(): s.show(s.op(o, [l, g]))
s.show(s.op('Where', [l, 'X', b])); s.show(s.op('Sum', ['X', b, np.float32(1)])); s.show(s.op('Mean', ['X', b])); s.show(s.op('Max', ['X', b, np.float32(0)])); s.show(s.op('Min', ['X', b, np.float32(0)]))
three = s.op('Unsqueeze', ['X', [1]]); s.show(s.op('Add', [three, c])); s.show(s.op('Mul', [s.op('Unsqueeze', ['X', [2]]), np.float32([[[2, 3]]])])); s.show(s.op('Sub', [s.op('Unsqueeze', ['X', [2]]), three]))
s.save(XO)
s = Soup('shape')
s.show(s.op('Transpose', [s.op('Unsqueeze', ['X', [1]])], perm=[0, 2, 1])); s.show(s.op('Transpose', [s.op('Transpose')], perm=[1, 0])); s.show(s.op('Flatten')); s.show(s.op('Squeeze', [s.op('Unsqueeze', ['X', [1]]), [1]]))
for st, en, ax, sp in [([1], [3], [1], [1]), ([-1], [-9], [1], [-1]), ([0], [100], [1], [2]), ([3], [0], [1], [-2])]: s.show(s.op('Slice', ['X', st, en, ax, sp]))
s.show(s.op('Gather', ['X', [[3, 0], [-1, 1]]], axis=1)); s.show(s.op('Gather', ['X', np.int64(2)], axis=1)); s.show(s.op('ArrayFeatureExtractor', ['X', [2, 0]], domain='ai.onnx.ml'))
a, b2 = s.op('Split', ['X', [1, 3]], outs=2, axis=1); s.show(a); s.show(b2); s.show(s.op('Concat', [b2, a, 'X'], axis=1))
s.show(s.op('Tile', ['X', [1, 2]])); s.show(s.op('Expand', [s.op('Unsqueeze', ['X', [1]]), [1, 3, 1]])); s.show(s.op('Reshape', ['X', [0, 2, 2]]))
v, i = s.op('TopK', ['X', [3]], outs=2); s.show(v); s.show(i); v, i = s.op('TopK', ['X', [2]], outs=2, largest=0); s.show(v); s.show(i)
s.show(s.op('ArgMax', axis=1)); s.show(s.op('ArgMin', axis=1, keepdims=0)); s.show(s.op('CumSum', ['X', np.int64(1)])); s.show(s.op('CumSum', ['X', np.int64(1)], reverse=1, exclusive=1))
n = s.op('Shape'); s.show(s.op('GatherElements', ['X', s.op('ArgMax', axis=1)], axis=1)); s.show(s.op('ConstantOfShape', [n], value=onnx.helper.make_tensor('v', T.FLOAT, [1], [2.5])))
s.show(s.op('OneHot', [s.op('ArgMax', axis=1, keepdims=0), np.int64(4), np.float32([-1, 5])])); s.show(s.op('OneHot', [s.op('ArgMin', axis=1, keepdims=0), np.int64(4), np.float32([0, 1])], axis=1))
s.show(s.op('ScatterElements', ['X', s.op('ArgMax', axis=1), s.op('ReduceSum', ['X', [1]])], axis=1)); s.show(s.op('Mul', ['X', s.op('Cast', [s.op('Range', [np.int64(1), np.int64(9), np.int64(2)])], to=T.FLOAT)]))
s.show(s.op('GatherND', ['X', s.op('Concat', [s.op('Reshape', [s.op('Range', [np.int64(0), s.op('Gather', [n, np.int64(0)]), np.int64(1)]), [-1, 1]]), s.op('ArgMax', axis=1)], axis=1)]))
def branch(op): return onnx.helper.make_graph([onnx.helper.make_node(op, ['X'], [op + '_out'])], op, [], [onnx.helper.make_tensor_value_info(op + '_out', T.FLOAT, None)])
for limit in (1e6, -1e6): s.show(s.op('If', [s.op('Less', [s.op('ReduceMax', keepdims=0), np.float32(limit)])], then_branch=branch('Exp' if limit > 0 else 'Sin'), else_branch=branch('Abs' if limit > 0 else 'Neg')))
s.show(s.op('MatMul', ['X', s.op('EyeLike', [np.float32(np.zeros((4, 4)))], k=1)])); s.show(s.op('FeatureVectorizer', ['X', a], domain='ai.onnx.ml', inputdimensions=[4, 1]))
s.save(XO)
s = Soup('reduce')
for o in 'ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp'.split(): s.show(s.op(o, ['X', [1]])); s.show(s.op(o, [s.op('Reshape', ['X', [0, 2, 2]]), [-1]], keepdims=0))
s.show(s.op('ReduceLogSum', [s.op('Abs'), [1]])); s.show(s.op('Mul', ['X', s.op('ReduceMax', [np.float32([[1, 4], [3, 2]])], keepdims=0)]))
for o in 'Softmax LogSoftmax'.split(): s.show(s.op(o)); s.show(s.op(o, [s.op('Reshape', ['X', [0, 2, 2]])], axis=1))
s.show(s.op('LpNormalization')); s.show(s.op('LpNormalization', p=1)); s.show(s.op('BatchNormalization', ['X', np.float32([1, 2, .5, 1]), np.float32([0, 1, 0, 1]), np.float32([.1, .2, .3, .4]), np.float32([1, 2, 3, 4])]))
s.save(XO)
s = Soup('linear')
W, V = np.float32(rng.normal(size=(4, 3))), np.float32(rng.normal(size=(3, 4)))
s.show(s.op('MatMul', ['X', W])); s.show(s.op('Gemm', ['X', V, np.float32([1, 2, 3])], transB=1, alpha=.5, beta=2.)); s.show(s.op('Gemm', [s.op('Transpose'), W], transA=1)); s.show(s.op('MatMul', [s.op('Reshape', ['X', [0, 2, 2]]), np.float32([[1, 2, 3], [4, 5, 6]])])); s.show(s.op('MatMul', ['X', np.float32([1, 2, 3, 4])]))
s.show(s.op('MatMul', [s.op('Reshape', ['X', [0, 2, 2]]), s.op('Reshape', ['X', [0, 2, 2]])])); s.show(s.op('LinearRegressor', domain='ai.onnx.ml', coefficients=W.T.ravel().tolist(), intercepts=[1., 2., 3.], targets=3))
for k, par in [('LINEAR', [0., 0., 0.]), ('RBF', [.3, 0., 3.]), ('POLY', [.2, 1., 2.]), ('SIGMOID', [.1, .2, 3.])]: s.show(s.op('SVMRegressor', domain='ai.onnx.ml', kernel_type=k, kernel_params=par, coefficients=[1., -.5, .25], support_vectors=V.ravel().tolist(), n_supports=3, rho=[.5]))
s.show(s.op('SVMRegressor', domain='ai.onnx.ml', coefficients=[1., -.5, .25, 2.], rho=[.5], n_supports=0, one_class=1, kernel_params=[0., 0., 0.]))
_, z1 = s.op('SVMClassifier', domain='ai.onnx.ml', outs=2, coefficients=W.T.ravel().tolist(), rho=[.5], classlabels_ints=[1, 2, 3], kernel_params=[0., 0., 0.], post_transform='SOFTMAX'); s.show(z1)
s.save(XO)
s = Soup('ints', ints=True)
for o in 'Abs Neg Sign'.split(): s.show(s.op(o))
for o in 'Add Sub Mul Mod Min Max'.split(): s.show(s.op(o, ['X', [3, -2, 5, 7]]))
s.show(s.op('Div', ['X', [3, 2, 5, 7]])); s.show(s.op('Pow', ['X', [0, 1, 2, 3]])); s.show(s.op('Clip', ['X', np.int64(-1), np.int64(2)])); s.show(s.op('Where', [s.op('Less', ['X', np.int64(1)]), 'X', [1, 2, 3, 4]]))
s.show(s.op('Cast', to=T.INT32)); s.show(s.op('Cast', [s.op('Cast', to=T.BOOL)], to=T.FLOAT)); s.show(s.op('Cast', [s.op('Cast', [s.op('Mul', ['X', [300, 1, 1, 1]])], to=T.UINT8)], to=T.INT64)); s.show(s.op('ReduceSum', ['X', [1]])); s.show(s.op('ReduceMax', ['X', [1]])); s.show(s.op('ArgMax', axis=1)); s.show(s.op('CumSum', ['X', np.int64(1)]))
s.show(s.op('LabelEncoder', domain='ai.onnx.ml', keys_int64s=[-1, 0, 2], values_floats=[.5, 1.5, 2.5], default_float=-9.)); s.show(s.op('OneHotEncoder', domain='ai.onnx.ml', cats_int64s=[-1, 0, 2]))
t = s.op('LabelEncoder', domain='ai.onnx.ml', keys_int64s=[-1, 0, 2], values_strings=['a', 'b', 'c']); s.show(s.op('LabelEncoder', [t], domain='ai.onnx.ml', keys_strings=['a', 'c'], values_int64s=[10, 30], default_int64=-3));
s.show(s.op('CategoryMapper', [s.op('CategoryMapper', domain='ai.onnx.ml', cats_int64s=[0, 1], cats_strings=['no', 'yes'], default_string='?')], domain='ai.onnx.ml', cats_int64s=[5, 6], cats_strings=['no', 'yes'], default_int64=7))
s.show(s.op('Cast', [s.op('Cast', [s.op('Cast', to=T.STRING)], to=T.FLOAT)], to=T.FLOAT)); s.show(s.op('Scaler', domain='ai.onnx.ml', offset=[1.], scale=[.5])); s.show(s.op('Imputer', domain='ai.onnx.ml', imputed_value_int64s=[9], replaced_value_int64=0))
s.show(s.op('Normalizer', [s.op('Cast', to=T.FLOAT)], domain='ai.onnx.ml', norm='L2'))
s.save(np.round(XO))
s = Soup('opset9', opset=9)   # attributes that became inputs later
s.show(s.op('Squeeze', [s.op('Unsqueeze', axes=[1])], axes=[1])); s.show(s.op('Slice', starts=[1], ends=[3], axes=[1])); s.show(s.op('ReduceSum', axes=[1], keepdims=1)); s.show(s.op('Clip', min=-1., max=1.)); a, b2 = s.op('Split', outs=2, axis=1); s.show(b2); s.show(a); s.show(s.op('Softmax')); s.show(s.op('TopK', outs=2, k=2)[0])
s.save(XO)
