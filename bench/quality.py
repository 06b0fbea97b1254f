#!/usr/bin/env python3
"""Twelve checks on five million rows: dsql's CHECKS … OVER TABLE beside one hand-written scan, Soda, dbt's tests and Great
Expectations, whole processes in turn.

    pip install duckdb==1.5.6
    bench/quality.py DATA [--rounds 5] [--dsql bin/dsql] [--soda VENV] [--dbt VENV] [--gx VENV]

DATA is a folder for the orders (bench/orders.py makes them). Everybody finds five million orders and one landed in a DuckDB file.
dsql does more in the time measured: it lands that one order, from a file of its own, and keeps the metrics and verdicts. A peer
is left out without its virtual environment: with soda-core-duckdb, with dbt-core<1.12 and dbt-duckdb, with great_expectations and
duckdb-engine; each with duckdb==1.5.6."""
import argparse, os, shutil, sys, tempfile
import duckdb
import orders
from turns import in_turn, timed

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, 'peers', 'quality')
CUSTOMERS = "CREATE TABLE customers_ref AS FROM '{data}/customers_ref.parquet';"
SCRIPT = """CREATE SOURCE s (order_id BIGINT, customer_id BIGINT, status VARCHAR, amount DOUBLE, qty INTEGER, sku VARCHAR, country VARCHAR, created_at TIMESTAMP) FROM FILES ('in/*.parquet', batch_rows 6000000);
CREATE STREAM orders
  METRICS (mean_amount = avg(amount) OVER TABLE)
  CHECKS (
    CHECK row_count EXPECT (count(*) BETWEEN 4000000 AND 6000000) OVER TABLE,
    CHECK nulls     EXPECT (null_ratio(amount) < 0.02) OVER TABLE,
    CHECK ids       EXPECT (is_unique(order_id)) OVER TABLE,
    CHECK statuses  EXPECT (status IN ('new', 'paid', 'shipped', 'done', 'void')) OVER TABLE,
    CHECK qty       EXPECT (qty BETWEEN 1 AND 9) OVER TABLE,
    CHECK sku       EXPECT (regexp_full_match(sku, 'SKU-[0-9]{5}')) OVER TABLE,
    CHECK fresh     EXPECT (max(created_at) > TIMESTAMP '2025-06-29') OVER TABLE,
    CHECK customers EXPECT (orphans(customer_id, customers_ref.id) <= 100) OVER TABLE,
    CHECK drift     EXPECT (abs(mean_amount / previous(mean_amount) - 1) < 0.01) OVER TABLE,
    CHECK columns   EXPECT ((SELECT count(*) FROM duckdb_columns() WHERE table_name = 'orders' AND column_name <> '_version') = 8),
    CHECK copies    EXPECT (duplicate_ratio(order_id) < 0.001) OVER TABLE,
    CHECK voided    EXPECT (count(*) FILTER (status = 'void' AND amount > 499.99) < 1000) OVER TABLE
  )
  FROM s;
"""


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('data')
    a.add_argument('--rounds', type=int, default=5)
    a.add_argument('--dsql', default='bin/dsql')
    for peer in ('soda', 'dbt', 'gx'):
        a.add_argument('--' + peer, metavar='VENV')
    o = a.parse_args()
    data, dsql = os.path.abspath(o.data), os.path.abspath(o.dsql)
    orders.make(data)
    with tempfile.TemporaryDirectory() as d:
        base, peers = os.path.join(d, 'base'), os.path.join(d, 'peers')
        shutil.copytree(PEERS, peers)
        os.makedirs(base + '/in')
        with open(base + '/q.sql', 'w') as f:
            f.write(SCRIPT)
        with open(base + '/customers.sql', 'w') as f:
            f.write(CUSTOMERS.format(data=data))
        shutil.copy(data + '/orders.parquet', base + '/in/1.parquet')
        timed([dsql, 'run', '-q', '--db', 'q.duckdb', 'customers.sql'], base)
        timed([dsql, 'run', '-q', 'q.sql'], base)
        duckdb.execute(f"COPY (SELECT * REPLACE (5000001::BIGINT AS order_id) FROM '{data}/orders.parquet' LIMIT 1) TO '{base}/in/2.parquet' (FORMAT parquet)")
        con = duckdb.connect(peers + '/w.duckdb')
        con.execute(f"""CREATE TABLE orders AS FROM read_parquet('{base}/in/*.parquet');
            CREATE TABLE customers_ref AS FROM '{data}/customers_ref.parquet'; CREATE TABLE orders_prev AS FROM '{data}/orders_prev.parquet'""")
        con.close()

        def land():
            shutil.rmtree(d + '/run', ignore_errors=True)
            shutil.copytree(base, d + '/run')
            return timed([dsql, 'run', '-q', 'q.sql'], d + '/run')

        # No peer may spend its time on calling home; Soda reads that from its folder in HOME only.
        os.makedirs(peers + '/.soda')
        with open(peers + '/.soda/config.yml', 'w') as f:
            f.write('send_anonymous_usage_stats: false\n')
        quiet = dict(HOME=peers, GX_ANALYTICS_ENABLED='false', DO_NOT_TRACK='1', DBT_SEND_ANONYMOUS_USAGE_STATS='false')
        peer = lambda cmd: lambda: timed(cmd, peers, quiet)
        sides = {'dsql': land, 'hand-written': peer([sys.executable, 'hand.py'])}
        if o.soda:
            sides['soda'] = peer([o.soda + '/bin/soda', 'scan', '-d', 'dq', '-c', 'soda_config.yml', 'soda.yml'])
        if o.dbt:
            sides['dbt test'] = peer([o.dbt + '/bin/dbt', '--no-use-colors', 'test', '--project-dir', 'dbt', '--profiles-dir', 'dbt'])
        if o.gx:
            sides['great expectations'] = peer([o.gx + '/bin/python', 'gx.py'])
        ratio = in_turn(sides, o.rounds)
        verdicts = duckdb.connect(d + '/run/q.duckdb', read_only=True).execute('SELECT count(*), count(*) FILTER (verdict = $$pass$$) FROM dsql.checks WHERE version = 2').fetchone()
        if verdicts != (12, 12):
            sys.exit('%d checks of dsql, %d passed; wanted 12 of 12' % verdicts)
        print('dsql takes %.2f of the time of the hand-written scan' % ratio('dsql', 'hand-written'))
        for name in list(sides)[2:]:
            print('%s takes %.1f times as long as dsql' % (name, ratio(name, 'dsql')))


if __name__ == '__main__':
    main()
