"""extension.py DSQL EXTENSION [PYTHON]: a file of models that DSQL makes is read by this Python's own DuckDB with the extension loaded, and every
score is bit for bit what DSQL stored. PYTHON is one with numpy, pandas and pyarrow, for a model in Python."""
import json, os, shutil, subprocess, sys, tempfile, time
import duckdb

dsql, extension = (os.path.abspath(p) for p in sys.argv[1:3])
python = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
models = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'models')
work = tempfile.mkdtemp(prefix='dsql-extension-')
os.chdir(work)
failed = []


def check(name, ok, *more):
    if not ok:
        failed.append(name)
        print('FAILED', name, *more)


def run(script, name='s'):
    with open(name + '.sql', 'w') as f:
        f.write(script)
    r = subprocess.run([dsql, 'run', '-q', name + '.sql', '--db', 'm.duckdb'], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr


def connect(path='m.duckdb', read_only=True, load=True, **config):
    c = duckdb.connect(path, read_only=read_only, config={'allow_unsigned_extensions': 'true', **config})
    if load:
        c.execute(f"LOAD '{extension}'")
    return c


def rows(c, sql):
    return c.execute(sql).fetchall()


def one(c, sql):
    return rows(c, sql)[0]


def error(c, sql):
    try:
        rows(c, sql)
    except duckdb.Error as e:
        return str(e)
    return ''


CASES = [('lgb_binary', ''), ('lgb_categorical', ''), ('lgb_frame', ''), ('lgb_frame', 'CONTRIB'), ('lgb_multiclass', ''), ('lgb_dart', ''), ('lgb_lambdarank', ''),
         ('lgb_odd_names', ''), ('lgb_multiclass', 'RAW'), ('lgb_multiclass', 'LABEL'), ('lgb_multiclass', 'LEAF'),
         ('xgb_binary_logistic', ''), ('xgb_binary_logistic', 'CONTRIB'), ('xgb_softprob', ''), ('xgb_softprob', 'LEAF'), ('xgb_frame_json', ''),
         ('xgb_frame_ubj', ''), ('xgb_multi_target', ''), ('xgb_gblinear', ''), ('onnx_tree', ''), ('onnx_tree', 'LABEL'), ('onnx_stacking', ''),
         ('onnx_svc_multi', ''), ('onnx_tree_missing', ''), ('onnx_xgboost_multi', ''), ('onnx_text_matrix', '')]
ROWS = 5000


def file_of(case):
    return next(os.path.join(models, case, f) for f in os.listdir(os.path.join(models, case)) if f.startswith('model.'))


def name_of(case, output):
    return case + output.lower()


def values(inputs):
    """Arguments made of a row's number i: some are NULL, some no number."""
    out = []
    for k, (_, kind) in enumerate(inputs):
        h = f"hash(i, {k})"
        if kind == 'VARCHAR':
            out.append(f"CASE WHEN {h} % 7 > 0 THEN ['a', 'b', 'c', 'red', 'green', 'a long text of one', ''][1 + ({h} // 8 % 7)::INTEGER] END")
        else:
            out.append(f"CASE WHEN {h} % 11 = 0 THEN 'nan'::DOUBLE WHEN {h} % 7 > 0 THEN ({h} // 8 % 2000)::DOUBLE / 100 - 10 END")
    return ', '.join(out)


def inputs_of():
    with duckdb.connect('m.duckdb', read_only=True) as c:
        return {n: [(i['name'], i['type']) for i in json.loads(x)] for n, x in rows(c, 'SELECT name, inputs FROM dsql.models ORDER BY version')}


def same_scores():
    run(';\n'.join(f"CREATE MODEL {name_of(*c)} FROM '{file_of(c[0])}'" + (f" OUTPUT {c[1]}" if c[1] else '') for c in CASES))
    ins = inputs_of()
    for n in list(ins):
        run(f"CREATE TABLE scores_{n} AS SELECT i, {n}({values(ins[n])}) AS v FROM range({ROWS}) t(i)", 'scores')
    explained = ['lgb_frame', 'xgb_binary_logistic', 'xgb_softprob']
    for n in explained:
        run(f"CREATE TABLE reasons_{n} AS SELECT i, {n}_reasons(row, 3) AS v FROM (SELECT i, {struct(ins[n])} AS row FROM range({ROWS}) t(i))", 'scores')
    for threads in ('1', '4'):
        with connect(threads=threads) as c:
            for n, these in ins.items():
                got = one(c, f"SELECT count(*), count(v) FROM scores_{n} WHERE {n}({values(these)}) IS NOT DISTINCT FROM v")
                check(f'scores of {n}', got[0] == ROWS and got[1] > 100, got)
                by = one(c, f"SELECT count(*) FROM scores_{n} WHERE {n.upper()}_V1({values(these)}) IS NOT DISTINCT FROM v")
                check(f'scores of {n}_v1', by[0] == ROWS, by)
            for n in explained:
                got = one(c, f"SELECT count(*), count(v) FROM (SELECT *, {struct(ins[n])} AS row FROM reasons_{n}) WHERE {n}_reasons(row, 3) = v")
                check(f'reasons of {n}', got == (ROWS, ROWS), got)
                check(f'reasons of NULL {n}', rows(c, f"SELECT {n}_reasons({struct(ins[n])}, NULL) FROM range(3) t(i)") == [(None,)] * 3)


def struct(inputs):
    quoted = [n.replace('"', '""') for n, _ in inputs]
    alone = [values([i]) for i in inputs]
    return '{' + ', '.join(f'"{q}": {v}' for q, v in zip(quoted, alone)) + '}'


def versions():
    shutil.copy(file_of('lgb_binary'), 'late.txt')
    run("CREATE MODEL Late FROM 'late.txt'")
    shutil.copy(file_of('lgb_dart'), 'late.txt')
    run("CREATE MODEL late FROM 'late.txt'")
    args = values(inputs_of()['Late'])
    both = f"SELECT sum(LATE({args})), sum(late_v1({args})), sum(late_v2({args})) FROM range(500) t(i)"
    with connect() as c:
        now, v1, v2 = one(c, both)
        check('the newest is in use', now == v2 != v1, now, v1, v2)
    r = subprocess.run([dsql, 'exec', '-q', '--db', 'm.duckdb', 'ALTER MODEL late USE VERSION 1'], capture_output=True, text=True)
    check('nothing holds the file', r.returncode == 0, r.stderr)
    with connect(read_only=False) as c:
        now, v1, v2 = one(c, both)
        check('USE VERSION', now == v1 != v2, now, v1, v2)
        flags = one(c, "SELECT late(true, false, NULL, 1, 2::SMALLINT, 3.5) = late(1, 0, NULL, 1, 2, 3.5)")
        check('a BOOLEAN is a number', flags == (True,), flags)
        check('a text is none', 'dsql_number(VARCHAR' in error(c, "SELECT late('a'::VARCHAR, 1, 1, 1, 1, 1)"))
        check('too many', error(c, "SELECT late(1, 2, 3, 4, 5, 6, 7)") != '')
        c.execute(f"CREATE TABLE mine AS SELECT late({args}) AS p FROM range(10) t(i)")
        check('written', one(c, 'SELECT count(p) FROM mine') == (10,))
        c.execute('DROP TABLE mine')


def attached():
    shutil.copy('m.duckdb', 'other.duckdb')
    args = values(inputs_of()['Late'])
    with connect(':memory:', False, load=False) as c:
        c.execute("""ATTACH 'm.duckdb' AS "a ""b" (READ_ONLY); ATTACH 'other.duckdb' AS other (READ_ONLY)""")
        c.execute(f"LOAD '{extension}'; LOAD '{extension}'")
        got = one(c, f"""SELECT sum("a ""b".late({args})) = sum(other.late_v1({args})) FROM range(500) t(i)""")
        check('attached', got == (True,), got)
    with connect() as c, connect('other.duckdb') as d:
        one_of, two_of = (rows(x, f"SELECT late({args}) FROM range(9) t(i)") for x in (c, d))
        check('two databases in a process', one_of == two_of, one_of, two_of)
def loaded():
    """Files by dsql_load: attached behind LOAD, by path or name, not attached at all, and once more when they have more."""
    with duckdb.connect('plain.duckdb') as c:
        c.execute('CREATE TABLE t (a INTEGER)')
    subprocess.run([dsql, 'run', '-q', '-', '--db', 'empty.duckdb'], input='SELECT 1', text=True, check=True, capture_output=True)
    args = values(inputs_of()['Late'])
    scores = f"SELECT sum(m.late({args})), sum(m.late_v1({args})) FROM range(500) t(i)"
    with connect() as c:
        versions, want = one(c, 'SELECT count(*) FROM dsql.models')[0], one(c, scores.replace('m.', ''))
    with connect(':memory:', False) as c:
        c.execute("ATTACH 'm.duckdb' AS m (READ_ONLY)")
        check('not yet', 'Did you mean "dsql_load"' in error(c, scores), error(c, scores))
        for call in ("SELECT dsql_load('m.duckdb')", f"CALL dsql_load('{work}/./m.duckdb')", "FROM dsql_load('M')", "SELECT dsql_load('m.duckdb')"):
            check(call, rows(c, call) == [(versions,)], error(c, call))
        check('attached later', one(c, scores) == want, one(c, scores), want)
    with connect('plain.duckdb', False) as c:
        check('not attached', rows(c, "SELECT dsql_load('m.duckdb')") == [(versions,)] and rows(c, 'SHOW DATABASES') == [('plain',)])
        run(f"CREATE MODEL newer FROM '{file_of('lgb_dart')}'")  # it doesn't hold the file
        c.execute("ATTACH 'm.duckdb' AS m (READ_ONLY)")
        check('and attached then', one(c, scores) == want)
        newer = "SELECT m.newer(1, 2, 3, 4, 5, 6)"
        check('a newer model', error(c, newer) != '' and rows(c, "CALL dsql_load('m')") == [(versions + 1,)] and error(c, newer) == '', error(c, newer))
        c.execute('BEGIN')
        check('in a transaction', rows(c, "SELECT dsql_load(f) FROM (VALUES ('m.duckdb'), ('m')) t(f)") == [(versions + 1,)] * 2)
        c.execute('COMMIT')
        for call, says in [("SELECT dsql_load('nowhere.duckdb')", 'does not exist'), ("CALL dsql_load('nowhere.duckdb')", 'does not exist'),
                           ("CALL dsql_load('plain.duckdb')", 'there are no models in plain.duckdb'), ("SELECT dsql_load('s.sql')", 'not a valid DuckDB'),
                           ("CALL dsql_load('empty.duckdb')", 'there are no models in empty.duckdb'), ("CALL dsql_load(NULL)", 'wants the path'),
                           ("SELECT dsql_load(NULL)", 'wants the path'), ("SELECT dsql_load('it''s \"q\"')", 'does not exist')]:
            check(call, says in error(c, call), error(c, call))
        check('none stays', [d for d, in rows(c, 'SHOW DATABASES')] == ['m', 'plain'], rows(c, 'SHOW DATABASES'))
    r = subprocess.run([sys.executable, '-c', "import duckdb; duckdb.connect('plain.duckdb')"], capture_output=True, text=True)
    check('nothing holds that', r.returncode == 0, r.stderr)


def unusable():
    if python:
        os.makedirs('py')
        with open('py/model.py', 'w') as f:
            f.write('def predict(batch):\n    return batch["a"] * 2\n')
        run(f"CREATE MODEL in_python FROM 'py' FORMAT python (python '{python}') INPUT (a DOUBLE);")
    shutil.copy('m.duckdb', 'damaged.duckdb')
    with duckdb.connect('damaged.duckdb') as c:
        c.execute("UPDATE dsql.models SET file = file[:2000] WHERE name = 'lgb_multiclass'")
        c.execute("UPDATE dsql.models SET inputs = 'no JSON' WHERE name = 'lgb_frame'")
    with connect('damaged.duckdb') as c:
        if python:
            check('in Python', 'the model in_python is scored by Python' in error(c, 'SELECT in_python(1)'), error(c, 'SELECT in_python(1)'))
        ins = inputs_of()
        for n, what in [('lgb_multiclass', 'the model lgb_multiclass: LightGBM model'), ('lgb_frame', 'version 1 of the model lgb_frame is damaged')]:
            said = error(c, f"SELECT {n}({values(ins[n])}) FROM range(3) t(i)")
            check(f'damaged {n}', what in said, said)
        check('others go on', one(c, f"SELECT count(xgb_softprob({values(ins['xgb_softprob'])})) FROM range(9) t(i)") == (9,))
    with duckdb.connect('damaged.duckdb') as c:
        c.execute("DELETE FROM dsql.models WHERE name <> 'lgb_binary'; UPDATE dsql.models SET inputs = replace(inputs, 'name\":\"', 'name\":\"x')")
    with connect(':memory:', False, load=False) as c:
        c.execute("ATTACH 'm.duckdb' AS a (READ_ONLY); ATTACH 'damaged.duckdb' AS b (READ_ONLY)")
        said = error(c, f"LOAD '{extension}'")
        check('one file, other arguments', 'has other arguments than that of a' in said, said)
    without = duckdb.connect('m.duckdb', read_only=True)
    check('unsigned', 'allow_unsigned_extensions' in error(without, f"LOAD '{extension}'") or 'signature' in error(without, f"LOAD '{extension}'"))
    without.close()


try:
    for part in (same_scores, versions, attached, loaded, unusable):
        began = time.time()
        part()
        print(f'duckdb {duckdb.__version__} {part.__name__} {time.time() - began:.1f} s')
finally:
    shutil.rmtree(work, ignore_errors=True)
sys.exit(1 if failed else 0)
