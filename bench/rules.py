#!/usr/bin/env python3
"""Ten SETs and ten CONSTRAINTs on five million rows: dsql's RULES beside SQL by hand, whole processes in turn.

    pip install duckdb==1.5.6
    bench/rules.py DATA [--rounds 5] [--dsql bin/dsql]

DATA is a folder for the orders (bench/orders.py makes them). Both sides start with the five million orders as a table of a DuckDB
file and write the clean ones into a second one, in one new version: dsql as a stream that reads a stream. The SQL by hand is one
CREATE TABLE AS SELECT … WHERE, which loses the rows that break a rule; a second one keeps them, with the name of the rule, in a
table of their own. dsql does that too, with their reason and the row as JSON, and counts each rule and keeps the account."""
import argparse, os, shutil, sys, tempfile
import duckdb
import orders
from turns import in_turn, timed

SETS = [('status', "lower(trim(status))"), ('country', "upper(trim(country))"), ('sku', "replace(sku, 'SKU-', 'S')"), ('amount', "coalesce(amount, 0)"), ('amount', "round(amount * 1.25, 2)"),
        ('qty', "least(qty, 8)"), ('customer_id', "customer_id + 1000000"), ('created_at', "date_trunc('minute', created_at)"), ('country', "CASE country WHEN 'IT' THEN 'ITA' ELSE country END"), ('status', "nullif(status, 'void')")]
CONSTRAINTS = [('has_id', "order_id IS NOT NULL"), ('qty_range', "qty BETWEEN 1 AND 9"), ('amount_low', "amount >= 0"), ('amount_high', "amount < 620"), ('known_status', "status IN ('new', 'paid', 'shipped', 'done')"),
               ('known_country', "country IN ('NO', 'PE', 'IN', 'UA', 'ITA', 'DE')"), ('sku_form', "regexp_full_match(sku, 'S[0-9]{5}')"), ('since', "created_at >= TIMESTAMP '2025-06-01 02:00:00'"), ('until', "created_at < TIMESTAMP '2025-07-01'"), ('customer', "customer_id > 1000000")]
LAND = """CREATE SOURCE s (order_id BIGINT, customer_id BIGINT, status VARCHAR, amount DOUBLE, qty INTEGER, sku VARCHAR, country VARCHAR, created_at TIMESTAMP) FROM FILES ('in/*.parquet', batch_rows 6000000);
CREATE STREAM orders FROM s;
"""


def chain():
    rules = ['SET %s = %s' % s for s in SETS] + ['CONSTRAINT %s EXPECT (%s)' % c for c in CONSTRAINTS]
    return 'CREATE STREAM clean RULES (\n  %s\n) FROM orders;\n' % ',\n  '.join(rules)


def by_hand(keep):
    """The same as one query; the SETs are layers, as a column is set twice."""
    rel = 'orders'
    for column, value in SETS:
        rel = '(SELECT * REPLACE (%s AS %s) FROM %s)' % (value, column, rel)
    if not keep:
        return ['CREATE TABLE clean AS SELECT * EXCLUDE (_version), 1 AS _version FROM %s WHERE %s' % (rel, ' AND '.join('(%s) IS NOT FALSE' % c for _, c in CONSTRAINTS))]
    rule = 'CASE %s END' % ' '.join("WHEN NOT (%s) THEN '%s'" % (c, name) for name, c in CONSTRAINTS)
    return ['CREATE TABLE clean AS SELECT * EXCLUDE (_version, _rule), 1 AS _version FROM (SELECT *, %s AS _rule FROM %s) WHERE _rule IS NULL' % (rule, rel),
            'CREATE TABLE rejects AS SELECT * EXCLUDE (_version) FROM (SELECT *, %s AS _rule FROM %s) WHERE _rule IS NOT NULL' % (rule, rel)]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('data')
    a.add_argument('--rounds', type=int, default=5)
    a.add_argument('--dsql', default='bin/dsql')
    o = a.parse_args()
    data, dsql = os.path.abspath(o.data), os.path.abspath(o.dsql)
    orders.make(data)
    with tempfile.TemporaryDirectory() as d:
        base = d + '/base'
        os.makedirs(base + '/in')
        os.symlink(data + '/orders.parquet', base + '/in/1.parquet')
        for name, text in (('land.sql', LAND), ('rules.sql', chain())):
            with open('%s/%s' % (base, name), 'w') as f:
                f.write(text)
        for name, keep in (('hand.py', False), ('hand_keep.py', True)):
            with open('%s/%s' % (base, name), 'w') as f:
                f.write("import duckdb\ncon = duckdb.connect('r.duckdb', config={'threads': 2})\n")
                f.writelines('con.execute(%r)\n' % q for q in by_hand(keep))
        timed([dsql, 'run', '-q', '--db', 'r.duckdb', 'land.sql'], base)

        def side(cmd, folder):
            def run():
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(base, folder, symlinks=True)
                return timed(cmd, folder)
            return run

        ratio = in_turn({'dsql': side([dsql, 'run', '-q', '--db', 'r.duckdb', 'rules.sql'], d + '/dsql'), 'hand-written': side([sys.executable, 'hand.py'], d + '/hand'),
                          'by hand, all kept': side([sys.executable, 'hand_keep.py'], d + '/keep')}, o.rounds)
        con = duckdb.connect()
        for name in ('dsql', 'hand', 'keep'):
            con.execute("ATTACH '%s/%s/r.duckdb' AS %s (READ_ONLY)" % (d, name, name))
        columns = 'order_id, customer_id, status, amount, qty, sku, country, created_at'
        for other in ('hand', 'keep'):
            differ = con.execute(f'SELECT count(*) FROM ((SELECT {columns} FROM dsql.main.clean EXCEPT ALL SELECT {columns} FROM {other}.main.clean) UNION ALL (SELECT {columns} FROM {other}.main.clean EXCEPT ALL SELECT {columns} FROM dsql.main.clean))').fetchone()[0]
            if differ:
                sys.exit('%d rows differ from those of dsql' % differ)
        clean, rejected, kept = con.execute('SELECT (SELECT count(*) FROM dsql.main.clean), (SELECT count(*) FROM dsql.dsql.rejects), (SELECT count(*) FROM keep.main.rejects)').fetchone()
        if rejected != kept:
            sys.exit('dsql rejected %d rows, by hand %d' % (rejected, kept))
        print('%d rows written, %d rejected' % (clean, rejected))
        print('dsql takes %.2f of the time of one CREATE TABLE AS, and %.2f of that of two, which keep what is rejected too' % (ratio('dsql', 'hand-written'), ratio('dsql', 'by hand, all kept')))


if __name__ == '__main__':
    main()
