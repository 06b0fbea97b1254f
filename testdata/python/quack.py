"""Clients of quack that others wrote, against `dsql serve`: quack.py PORT TOKEN. What is wrong is printed, and ends it with 1."""
import glob, importlib.util, sys, threading
import adbc_driver_quack.dbapi, duckdb
port, token = sys.argv[1:]
wrong = []


def same(what, got, want):
    if got != want: wrong.append(f'{what}: {got!r}\n  want {want!r}')


def fails(what, f, why):
    try: wrong.append(f'{what} is taken: {f()!r}')
    except Exception as e:
        if why not in str(e): wrong.append(f'{what}: {e}\n  want {why}')


def remote(q): return "FROM d.query('" + q.replace("'", "''") + "')"


c = duckdb.connect()
for e in ('httpfs', 'quack'):  # quack needs httpfs
    home = importlib.util.find_spec('duckdb_extension_' + e).submodule_search_locations[0]
    c.execute(f"LOAD '{glob.glob(home + '/extensions/*/*.duckdb_extension')[0]}'")
attach = f"ATTACH 'quack:127.0.0.1:{port}' AS d (TOKEN '%s', DISABLE_SSL true)"
fails('a wrong token', lambda: c.execute(attach % 'wrong').fetchall(), 'there is no such token')
c.execute(attach % token)
rows = lambda q: c.execute(q).fetchall()
# Tables, views, macros; the schema dsql.
same('a table', rows('SELECT id, delay FROM d.flights ORDER BY ALL LIMIT 2'), [('A', 1.5), ('A', 2.5)])
same('a view', rows('FROM d.late'), [('C', 30.0)])
same('a journal', rows("SELECT id, delay FROM d.newest WHERE id = 'A'"), [('A', 2.5)])
same('a macro', rows(remote('SELECT twice(21) AS x')), [(42,)])
same('a table macro', rows(remote("SELECT count(*) FROM newest_at(1)")), [(3,)])
same('a table of dsql', rows('SELECT version FROM d.dsql.versions'), [(1,)])
same('EXPLAIN', len(rows(remote('EXPLAIN SELECT 1'))), 1)
same('LIMIT', len(rows('FROM d.many LIMIT 5')), 5)
same('many rows', rows('SELECT count(*), sum(i), min(s), max(s) FROM d.many'), [(300000, 44999850000, '0', '99999')])
same('in order', rows('SELECT count(*) FROM (SELECT i, row_number() OVER () - 1 AS n FROM d.many) WHERE i <> n'), [(0,)])
# What all types are in the client, and what they are through the server.
TYPES = """SELECT [1, NULL, 3] l, {'a': NULL, 'b': [1.5::DECIMAL(5,2)]} s, map{'k': 1} m, 'x'::BLOB bl, 'a'::ENUM('a', 'b') e, [1, 2, 3]::INT[3] a,
  '00000000-0000-0000-0000-000000000001'::UUID u, (-1)::HUGEINT h, '{}'::JSON j, INTERVAL 3 DAY i, TIMESTAMP '2020-01-01' t, NULL n, union_value(x := 1) un,
  '101'::BIT bi, 1e30::FLOAT f, true b, '2020-01-01 01:00:00+02'::TIMESTAMPTZ tz, TIME '12:00' ti, DATE '0044-03-15 (BC)' d,
  [[{'x': 'a text that is long', 'y': NULL}], NULL, []] nest, ''::VARCHAR em, -3::TINYINT t2, 18446744073709551615::UBIGINT ub,
  123456789012345678901234567890::BIGNUM bn, '12:00:00.5'::TIME_NS tn, '11:00:00+02'::TIMETZ tt, 'POINT(1 2)'::GEOMETRY g, {'a': [1, 2], 'b': 'x'}::VARIANT v,
  5::UHUGEINT uh, 1::DECIMAL(38,3) dd, 2.5::DECIMAL(9,1) d9, 2.5::DECIMAL(15,1) d15, TIMESTAMP_S '2020-01-01' ts, TIMESTAMP_MS '2020-01-01' tm,
  TIMESTAMP_NS '2020-01-01' tns, row(1, 'x') r FROM range(3)"""
same('all types', rows(remote(TYPES)), rows(TYPES))
same('their names', c.execute(remote('SELECT * FROM (' + TYPES + ') LIMIT 0')).description, c.execute(TYPES).description)
NESTED = """SELECT i, CASE WHEN i % 3 > 0 THEN 's' || i END s, CASE WHEN i % 5 > 0 THEN [i, NULL, i + 1] END l,
  {'a': i, 'b': CASE WHEN i % 7 > 0 THEN i::VARCHAR END} st, CASE WHEN i % 11 > 0 THEN [{'x': [i], 'y': map {i: 'v'}}] END n FROM range(50000) t(i)"""
c.execute('CREATE TEMP TABLE a AS ' + remote(NESTED)); c.execute('CREATE TEMP TABLE b AS ' + NESTED)
same('nested', rows('SELECT count(*) FROM (FROM a EXCEPT ALL FROM b)') + rows('SELECT count(*) FROM a'), [(0,), (50000,)])
# Refusals, with places.
fails('an unknown column', lambda: rows(remote('SELECT 1,\n nope FROM flights')), 'query:2:2: error: referenced column "nope" not found')
fails('a file', lambda: rows(remote("FROM read_csv('/etc/passwd')")), 'hint: read tables that are there')
for q in ("INSERT INTO d.flights VALUES ('Z', 1, NULL, 1)", 'CREATE TABLE d.x AS SELECT 1 AS a', 'DROP TABLE d.flights', 'DELETE FROM d.flights',
          remote('DROP TABLE flights'), remote('SELECT 1; SELECT 2'), remote('SET threads = 1')):
    fails(q, lambda: rows(q), '')
same('behind refusals', rows('SELECT count(*) FROM d.flights'), [(4,)])
# Several threads with cursors of one connection, which share a session.
def work(n):
    k = c.cursor()
    for _ in range(3): same(f'thread {n}', k.execute(f"SELECT count(i) FROM d.query('FROM many WHERE i % 4 = {n}')").fetchall(), [(75000,)])
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads: t.start()
for t in threads: t.join()
# An interrupt, which the client takes between two messages.
timer = threading.Timer(0.5, c.interrupt); timer.start()
fails('an endless statement', lambda: rows("SELECT count(i) FROM d.query('SELECT i FROM range(1000000000000) t(i)')"), 'Interrupted')
same('behind an interrupt', rows('SELECT count(*) FROM d.flights'), [(4,)])
c.execute('DETACH d')
# Another client, in Go and with Arrow.
for autocommit in (False, True):
    with adbc_driver_quack.dbapi.connect(f'quack://127.0.0.1:{port}', db_kwargs={'adbc.quack.token': token}, autocommit=autocommit) as a, a.cursor() as k:
        k.execute("SELECT 1 AS a, 'x' AS b, [1, 2] AS l, {'s': 1.5::DECIMAL(5,2)} AS s"); row = k.fetch_arrow_table().to_pylist()[0]
        same('Arrow', (row['a'], row['b'], row['l'], str(row['s']['s'])), (1, 'x', [1, 2], '1.50'))
        k.execute('FROM many'); same('rows by Arrow', k.fetch_arrow_table().num_rows, 300000)
        same('the schema', a.adbc_get_table_schema('late').names, ['id', 'delay'])
        objects = a.adbc_get_objects(depth='tables', catalog_filter='s', db_schema_filter='main').read_all().to_pylist()
        same('objects', 'flights' in str(objects), True)
        fails('an unknown column', lambda: k.execute('SELECT nope'), 'query:1:8')
print('\n'.join(wrong)); sys.exit(bool(wrong))
