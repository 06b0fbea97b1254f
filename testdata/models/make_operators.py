"""What onnxruntime makes of small graphs of one operator each, over shapes, broadcasts, axes and attributes: operators.jsonl.gz, a case a
line, for TestOperators in models/onnx.

    pip install onnx==1.23.2 onnxruntime==1.32.0
    python make_operators.py

A row of numbers is reshaped to the operator's own shape, so that every case has rows; the result is taken as rows of float.
"""
import base64, gzip, itertools, json, math, os, sys
import numpy as np, onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper as nh
ort.set_default_logger_severity(4)
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'operators.jsonl.gz')
ROWS, cases, refused = 3, [], {}
r = np.random.default_rng(5)
num = lambda v: None if math.isnan(v) else 'inf' if v == math.inf else '-inf' if v == -math.inf else float(str(np.float32(v)))

def save(name, model, rows, text=False):
    s = model.SerializeToString()
    try: want = ort.InferenceSession(s).run(None, {model.graph.input[0].name: rows})[0]
    except Exception as e: refused[name] = str(e).strip()[-400:]; return
    want = np.asarray(want, np.float32).reshape(len(rows), -1)
    cases.append(dict(name=name, model=base64.b64encode(s).decode(), rows=rows.tolist() if text else [[num(v) for v in x] for x in rows], want=[[num(v) for v in x] for x in want]))

def values(n, kind='plain'):
    v = r.normal(size=(ROWS, n)).astype(np.float32) * 2
    if kind == 'plain' and n > 3: v[0, :3] = [0, -0., 7.5]
    if kind == 'ints': v = r.integers(-5, 120, (ROWS, n)).astype(np.float32)
    return np.round(v, 3)

def case(op, shape, consts=(), attrs=None, opset=20, domain='', before=None, after=None, kind='plain', outputs=1, ml=3, nodes=None, functions=(), x=None):
    """shape is a row's; consts are further inputs; before and after are kinds that the input is cast to, and the result from"""
    n = int(np.prod(shape)); body, inits = [], [nh.from_array(np.array([-1, *shape], np.int64), 'shape')]
    body.append(h.make_node('Reshape', ['X', 'shape'], ['x'])); at = 'x'
    if before: body.append(h.make_node('Cast', [at], ['cast'], to=before)); at = 'cast'
    ins = [at]
    for i, c in enumerate(consts):
        if c is None: ins.append('')
        else: inits.append(nh.from_array(c, f'c{i}')); ins.append(f'c{i}')
    body += nodes or [h.make_node(op, ins, ['y'] + [f'extra{i}' for i in range(outputs - 1)], domain=domain, **(attrs or {}))]
    last = 'y'
    if after: body.append(h.make_node('Cast', ['y'], ['z'], to=T.FLOAT)); last = 'z'
    g = h.make_graph(body, 'g', [h.make_tensor_value_info('X', T.FLOAT, [None, n])], [h.make_tensor_value_info(last, T.FLOAT, None)], inits)
    sets = [h.make_opsetid('', opset), h.make_opsetid('ai.onnx.ml', ml)] + [h.make_opsetid('own', 1)] * bool(functions)
    m = h.make_model(g, opset_imports=sets, ir_version=10, functions=list(functions))
    a = '_'.join(f'{k}{v}' for k, v in (attrs or {}).items() if not isinstance(v, (list, T)) or len(str(v)) < 20); name = f'{op}_{"x".join(map(str, shape))}_{a}_v{opset}_{len(cases)}'
    save(name, m, values(n, kind) if x is None else x)

f = lambda *s: np.round(r.normal(size=s), 3).astype(np.float32)
# Normalisations
for shape, ax, n in [((4,), -1, (4,)), ((4,), 1, (4,)), ((2, 3), -1, (3,)), ((2, 3), 1, (2, 3)), ((2, 3), 2, (3,)), ((2, 2, 3), 2, (2, 3)), ((2, 2, 3), -2, (2, 3)), ((2, 3), -1, (1,)), ((2, 3), 1, (3,)), ((5,), -1, ())]:
    for bias, eps in ((True, 1e-5), (False, 1e-2)):
        case('LayerNormalization', shape, [f(*n), *([f(*n)] if bias else [])], dict(axis=ax, epsilon=eps), 17)
    case('RMSNormalization', shape, [f(*n)], dict(axis=ax, epsilon=1e-3), 23)
for shape in ((4, 3), (2, 5), (4, 2, 3), (3, 1)):
    c = shape[0]
    case('InstanceNormalization', shape, [f(c), f(c)], dict(epsilon=1e-3), 20)
    if shape[1] > 1: case('InstanceNormalization', shape, [f(c), f(c)])
    for g in (1, 2, c):
        if c % g == 0: case('GroupNormalization', shape, [f(c), f(c)], dict(num_groups=g), 21); case('GroupNormalization', shape, [f(g), f(g)], dict(num_groups=g, epsilon=.01), 18)
for shape, axes in (((4,), [1]), ((2, 3), [1, 2]), ((2, 3), [2]), ((2, 2, 3), [2, 3]), ((2, 2, 3), [1, 3]), ((2, 3), [-1])): case('MeanVarianceNormalization', shape, [], dict(axes=axes), 13)
for shape, ax in (((4,), -1), ((4,), 1), ((2, 3), 1), ((2, 3), 2), ((2, 3), -2)):
    for v in (11, 13): case('Hardmax', shape, [], dict(axis=ax), v)
# Activations
for shape in ((5,), (2, 3)):
    for a in ('none', 'tanh'): case('Gelu', shape, [], dict(approximate=a), 20)
    case('HardSwish', shape, [], {}, 14); case('Mish', shape, [], {}, 18); case('HardSigmoid', shape); case('HardSigmoid', shape, [], dict(alpha=.5, beta=.1)); case('Selu', shape); case('Selu', shape, [], dict(alpha=2., gamma=.5))
    case('Celu', shape); case('Celu', shape, [], dict(alpha=2.)); case('ThresholdedRelu', shape); case('ThresholdedRelu', shape, [], dict(alpha=-.5)); case('Swish', shape, [], {}, 24); case('Swish', shape, [], dict(alpha=.3), 24)
for shape, s in (((4,), (4,)), ((4,), (1,)), ((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3), (1, 2, 3)), ((2, 3), (1,)), ((2, 3), (2, 3))): case('PRelu', shape, [f(*s)], {}, 16)
# Pad, Conv
for mode in ('constant', 'reflect', 'edge', 'wrap'):
    for shape, pads in (((4,), [0, 2, 0, 1]), ((4,), [0, 0, 0, 3]), ((2, 3), [0, 1, 2, 0, 1, 2]), ((3, 3), [0, 0, 1, 0, 2, 0]), ((4,), [0, -1, 0, 2]), ((5,), [0, -1, 0, -2])):
        if min(pads) < 0 and mode != 'constant': continue
        v = 19 if mode == 'wrap' else 18
        case('Pad', shape, [np.array(pads, np.int64)], dict(mode=mode), v)
        if mode == 'constant': case('Pad', shape, [np.array(pads, np.int64), np.float32(1.5)], dict(mode=mode), v); case('Pad', shape, [], dict(mode=mode, pads=pads, value=-2.), 10)
case('Pad', (2, 3), [np.array([1, 2], np.int64), None, np.array([2], np.int64)], {}, 18); case('Pad', (2, 3), [np.array([1, 0, 0, 1], np.int64), np.float32(9), np.array([-1, 1], np.int64)], {}, 18)
for (c, l), out, k in (((1, 5), 2, 2), ((2, 6), 2, 3), ((4, 7), 4, 1), ((3, 4), 1, 4)):
    for kw in (dict(), dict(pads=[1, 1]), dict(pads=[2, 0], strides=[2]), dict(dilations=[2], pads=[2, 2]), dict(auto_pad='SAME_UPPER'), dict(auto_pad='SAME_LOWER', strides=[2]), dict(auto_pad='VALID')):
        if l + sum(kw.get('pads', [0, 0])) < (k - 1) * kw.get('dilations', [1])[0] + 1: continue
        case('Conv', (c, l), [f(out, c, k), f(out)], dict(kernel_shape=[k], **kw), 13)
case('Conv', (4, 5), [f(4, 2, 2)], dict(group=2), 13); case('Conv', (4, 5), [f(4, 1, 3), f(4)], dict(group=4, pads=[1, 1]), 13); case('Conv', (4, 5), [f(8, 2, 2)], dict(group=2, strides=[2]), 13)
# Quantisation
for dt in (np.uint8, np.int8, np.uint16, np.int16):
    for shape, ax, n in (((4,), 1, ()), ((4,), 1, (4,)), ((2, 3), 1, (2,)), ((2, 3), -1, (3,))):
        s, z = np.abs(f(*n)) * .1 + np.float32(.05), r.integers(0, 20, n).astype(dt)
        for zero in (True, False):
            if not zero and dt != np.uint8: continue
            zs = [z] if zero else []; s = np.asarray(s, np.float32)
            case('QuantizeLinear', shape, [s, *zs], dict(axis=ax), 21, after=T.FLOAT)
            case('DequantizeLinear', shape, [s, *zs], dict(axis=ax), 21, before=h.np_dtype_to_tensor_dtype(np.dtype(dt)), kind='ints')
case('DequantizeLinear', (3,), [np.float32(.3)], {}, 21, before=T.INT32, kind='ints')
for bs in (2, 3): n = (1, 6 // bs); s = np.repeat(np.abs(f(*n)) + np.float32(.1), 3, 0).reshape(3, -1); case('QuantizeLinear', (6,), [s, r.integers(0, 9, s.shape).astype(np.uint8)], dict(axis=1, block_size=bs), 21, after=T.FLOAT)
# float16
for op in ('Add', 'Mul', 'Div'): case(op, (4,), [f(4).astype(np.float16)], {}, 14, before=T.FLOAT16, after=T.FLOAT)
case('MatMul', (4,), [f(4, 3).astype(np.float16)], {}, 13, before=T.FLOAT16, after=T.FLOAT)
for op in ('Sigmoid', 'Tanh', 'Exp', 'Relu', 'Sqrt', 'Abs'): case(op, (4,), [], {}, 13, before=T.FLOAT16, after=T.FLOAT)
case('Softmax', (4,), [], {}, 13, before=T.FLOAT16, after=T.FLOAT)
for op, n, attrs in (('Add', 4, {}), ('MatMul', (4, 3), {}), ('LayerNormalization', 4, {}), ('PRelu', 4, {})):   # from float16 to float16
    w = nh.from_array(f(*np.atleast_1d(n)).astype(np.float16), 'w'); g = h.make_graph([h.make_node(op, ['X', 'w'], ['t'], **attrs), h.make_node('Sigmoid', ['t'], ['y'])], 'g', [h.make_tensor_value_info('X', T.FLOAT16, [None, 4])], [h.make_tensor_value_info('y', T.FLOAT16, None)], [w])
    save(f'half_{op}', h.make_model(g, opset_imports=[h.make_opsetid('', 17)], ir_version=10), values(4).astype(np.float16))
# Functions
own = h.make_function('own', 'Scaled', ['a', 'b'], ['c'], [h.make_node('Mul', ['a', 'b'], ['t']), h.make_node('LeakyRelu', ['t'], ['c'])], [h.make_opsetid('', 20)])
own.node[1].attribute.add(name='alpha', ref_attr_name='slope', type=1); own.attribute_proto.append(h.make_attribute('slope', .25))
twice = h.make_function('own', 'Twice', ['a', 'b'], ['c'], [h.make_node('Scaled', ['a', 'b'], ['t'], domain='own', slope=.5), h.make_node('Scaled', ['t', 'b'], ['c'], domain='own')], [h.make_opsetid('', 20), h.make_opsetid('own', 1)])
k2 = nh.from_array(f(4), 'k2')
for fn, attrs in (('Scaled', {}), ('Scaled', dict(slope=.7)), ('Twice', {})):
    case(fn, (4,), [f(4)], attrs, 20, domain='own', functions=[own, twice])
case('Chain', (4,), [f(4)], {}, 20, functions=[own, twice], nodes=[h.make_node('Scaled', ['x', 'c0'], ['u'], domain='own'), h.make_node('Twice', ['u', 'c0'], ['y'], domain='own')])
# TreeEnsemble 5
def ensemble(k, trees, features=4, depth=3, modes=(0,), dtype=np.float32, **attrs):
    a = {x: [] for x in 'featureids splits modes truenodeids trueleafs falsenodeids falseleafs missing_value_tracks_true'.split()}; leaves, roots, members = [], [], []
    def grow(d):
        i = len(a['modes'])
        for v in a.values(): v.append(0)
        m = int(r.choice(modes)); a['featureids'][i] = int(r.integers(features)); a['modes'][i] = m; a['splits'][i] = float(np.round(r.normal(), 1)); a['missing_value_tracks_true'][i] = int(r.integers(2))
        if m == 6: members.extend([*map(float, r.choice(6, r.integers(1, 4), replace=False)), math.nan])
        for side in ('true', 'false'):
            if d > 1 and r.random() < .8: a[side + 'nodeids'][i], a[side + 'leafs'][i] = grow(d - 1), 0
            else: a[side + 'nodeids'][i], a[side + 'leafs'][i] = len(leaves), 1; leaves.append((int(r.integers(k)), float(np.round(r.normal(), 3))))
        return i
    for _ in range(trees): roots.append(grow(depth))
    if members: attrs['membership_values'] = nh.from_array(np.array(members, dtype))
    return dict(n_targets=k, tree_roots=roots, leaf_targetids=[l for l, _ in leaves], leaf_weights=nh.from_array(np.array([w for _, w in leaves], dtype)), nodes_featureids=a['featureids'], nodes_splits=nh.from_array(np.array(a['splits'], dtype)), nodes_modes=nh.from_array(np.array(a['modes'], np.uint8)),
                nodes_truenodeids=a['truenodeids'], nodes_trueleafs=a['trueleafs'], nodes_falsenodeids=a['falsenodeids'], nodes_falseleafs=a['falseleafs'], nodes_missing_value_tracks_true=a['missing_value_tracks_true'], **attrs)
for k, trees, modes, kw in ((1, 1, (0,), {}), (1, 3, (0, 1, 2, 3), {}), (3, 4, (0, 3), {}), (1, 3, (4, 5, 0), {}), (1, 3, (0, 6), {}), (2, 3, (6,), {}), (1, 4, (0,), dict(aggregate_function=0)), (1, 4, (0,), dict(aggregate_function=2)), (1, 4, (0,), dict(aggregate_function=3)), (3, 4, (1,), dict(post_transform=1)), (3, 4, (1,), dict(post_transform=2)), (2, 4, (0,), dict(post_transform=3))):
    x = np.round(r.normal(size=(ROWS * 4, 4)), 1).astype(np.float32); x = np.abs(np.round(x * 2)) if 6 in modes else x; x[0, 1] = math.nan; x[1] = math.nan
    case('TreeEnsemble', (4,), [], ensemble(k, trees, modes=modes, **kw), 20, domain='ai.onnx.ml', ml=5, x=x)
x = np.round(r.normal(size=(6, 4)), 1).astype(np.float32); case('TreeEnsemble', (4,), [], ensemble(1, 3, modes=(0, 1), dtype=np.float64), 20, domain='ai.onnx.ml', ml=5, before=T.DOUBLE, after=T.FLOAT, x=x)
# TfIdfVectorizer
for mode in ('TF', 'IDF', 'TFIDF'):
    for lo, hi, skip in ((1, 1, 0), (1, 2, 0), (2, 2, 0), (1, 3, 1), (2, 3, 2), (1, 2, 5)):
        pool, counts, idx = [2, 3, 5, 7], [0, 4, 10], [0, 4, 2, 3, 1, 5, 6]
        pool += [5, 6, 7, 8, 6, 7]; pool += [5, 6, 7]; idx.append(7)
        n = 4 + 3 + 1; w = [float(np.round(v, 2)) for v in r.random(n)]
        x = r.integers(2, 9, (ROWS, 6)).astype(np.float32); x[1] = [5, 6, 7, 8, 6, 7]
        case('TfIdfVectorizer', (6,), [], dict(mode=mode, min_gram_length=lo, max_gram_length=hi, max_skip_count=skip, ngram_counts=counts, ngram_indexes=idx, pool_int64s=pool, weights=w), 9, before=T.INT64, x=x)
words = np.array([['the', 'cat', 'sat', 'on'], ['cat', 'the', 'the', 'cat'], ['Cat', '', 'x', 'sat']], object)
def texts(name, nodes, x, shape, opset=20):
    g = h.make_graph(nodes, 'g', [h.make_tensor_value_info('X', T.STRING, shape)], [h.make_tensor_value_info('y', T.FLOAT, None)])
    save(f'{name}_{len(cases)}', h.make_model(g, opset_imports=[h.make_opsetid('', opset), h.make_opsetid('ai.onnx.ml', 3)], ir_version=10), x, True)
for mode in ('TF', 'IDF', 'TFIDF'):
    texts('TfIdfVectorizer_text', [h.make_node('TfIdfVectorizer', ['X'], ['y'], mode=mode, min_gram_length=1, max_gram_length=2, max_skip_count=1, ngram_counts=[0, 3], ngram_indexes=[1, 0, 2, 3, 4], pool_strings=['cat', 'the', 'on', 'the', 'cat', 'cat', 'sat'], weights=[.5, 2., 1.5, .25, 3.])], words, [None, 4])
enc = lambda a: h.make_node('LabelEncoder', [a], ['y'], domain='ai.onnx.ml', keys_strings=['the', 'THE', 'cat', 'Cat', 'CAT', 'größe', 'GRÖSSE', 'GRÖßE', ''], values_floats=[1., 2., 3., 4., 5., 6., 7., 8., 9.], default_float=-1.)
one = np.array(['the', 'Cat', 'größe', 'zzz', ''], object)
for action in ('NONE', 'LOWER', 'UPPER'):
    for cs in (0, 1): texts(f'StringNormalizer_{action}', [h.make_node('StringNormalizer', ['X'], ['n'], case_change_action=action, is_case_sensitive=cs, locale='C.UTF-8'), enc('n')], one, [None])
# Graphs whose rows depend on each other, which onnxruntime runs and dsql refuses
def mixed(op, nodes, inits=(), kind=T.FLOAT, dims=(None, 4), opset=20):
    g = h.make_graph(nodes, 'g', [h.make_tensor_value_info('X', kind, dims)], [h.make_tensor_value_info('y', T.FLOAT, None)], list(inits))
    cases.append(dict(name=f'mixed_{op}', mixed=True, model=base64.b64encode(h.make_model(g, opset_imports=[h.make_opsetid('', opset), h.make_opsetid('ai.onnx.ml', 3)], ir_version=10).SerializeToString()).decode()))
mixed('MeanVarianceNormalization', [h.make_node('Reshape', ['X', 's'], ['x']), h.make_node('MeanVarianceNormalization', ['x'], ['y'])], [nh.from_array(np.array([-1, 1, 2, 2], np.int64), 's')])
mixed('LayerNormalization', [h.make_node('LayerNormalization', ['X', 'w'], ['y'], axis=0)], [nh.from_array(f(1, 4), 'w')])
mixed('Hardmax', [h.make_node('Hardmax', ['X'], ['y'], axis=0)]); mixed('Hardmax_flat', [h.make_node('Hardmax', ['X'], ['y'], axis=0)], opset=11)
mixed('Pad', [h.make_node('Pad', ['X', 'p'], ['y'], mode='wrap')], [nh.from_array(np.array([1, 0, -1, 0], np.int64), 'p')])
mixed('Conv', [h.make_node('Unsqueeze', ['X', 'a'], ['x']), h.make_node('Transpose', ['x'], ['t'], perm=[0, 2, 1]), h.make_node('Conv', ['t', 'w'], ['u'], pads=[1, 1]), h.make_node('Squeeze', ['u', 'a'], ['v']), h.make_node('Transpose', ['v'], ['y'], perm=[1, 0])], [nh.from_array(np.array([0], np.int64), 'a'), nh.from_array(f(4, 4, 3), 'w')])
mixed('QuantizeLinear', [h.make_node('ReduceMax', ['X'], ['s'], keepdims=0), h.make_node('QuantizeLinear', ['X', 's'], ['q']), h.make_node('DequantizeLinear', ['q', 's'], ['y'])])
mixed('StringNormalizer', [h.make_node('StringNormalizer', ['X'], ['n'], stopwords=['the']), enc('n')], kind=T.STRING, dims=[None])
mixed('TfIdfVectorizer', [h.make_node('TfIdfVectorizer', ['X'], ['y'], mode='TF', min_gram_length=1, max_gram_length=1, max_skip_count=0, ngram_counts=[0], ngram_indexes=[0], pool_strings=['a'])], kind=T.STRING, dims=[None])
with open(OUT, 'wb') as raw, gzip.GzipFile(fileobj=raw, mode='wb', mtime=0, compresslevel=9) as z:
    for c in cases: z.write(json.dumps(c, separators=(',', ':')).encode() + b'\n')
print(len(cases), 'cases', os.path.getsize(OUT), 'bytes')
for k, v in refused.items(): print('onnxruntime refuses', k, v, file=sys.stderr)
