#!/usr/bin/env python3
"""Five million orders for bench/quality.py and bench/rules.py, the same bytes every time.

    pip install duckdb==1.5.6
    bench/orders.py DATA

Writes into the folder DATA, where they aren't there yet: orders.parquet (order_id, customer_id, status, amount, qty, sku, country,
created_at; 1% of the amounts are NULL), customers_ref.parquet (a million ids, of which two are missing, so that eleven orders are
orphans) and orders_prev.parquet (what a run before measured)."""
import os, sys
import duckdb

ROWS, CUSTOMERS = 5_000_000, 1_000_000


def make(out):
    os.makedirs(out, exist_ok=True)
    paths = [os.path.join(out, name + '.parquet') for name in ('orders', 'customers_ref', 'orders_prev')]
    if all(map(os.path.exists, paths)):
        return
    orders, customers, previous = paths
    con = duckdb.connect(config={'threads': 2, 'TimeZone': 'UTC'})
    # u(i, s) is uniform in [0, 1): plain arithmetic, which no version of DuckDB computes differently, as its hash() may be.
    con.execute("""CREATE MACRO u(i, s) AS ((((i::HUGEINT * 2654435761 + s::HUGEINT * 40503 * 65537 + 12345) * 6364136223846793005
        + 1442695040888963407) % 18446744073709551616) // 4294967296)::DOUBLE / 4294967296.0""")
    con.execute('CREATE MACRO pick(l, i, s) AS l[1 + floor(u(i, s) * len(l))::INT]')
    con.execute(f"""COPY (SELECT i AS order_id, 1 + floor(u(i, 11) * {CUSTOMERS})::BIGINT AS customer_id,
        pick(['new', 'paid', 'shipped', 'done', 'void'], i, 12) AS status, CASE WHEN u(i, 13) < 0.01 THEN NULL ELSE round(u(i, 14) * 500, 2) END AS amount,
        1 + floor(u(i, 15) * 9)::INT AS qty, 'SKU-' || lpad((floor(u(i, 16) * 99999)::INT)::VARCHAR, 5, '0') AS sku,
        pick(['NO', 'PE', 'IN', 'UA', 'IT', 'DE'], i, 17) AS country, TIMESTAMP '2025-06-01' + INTERVAL (floor(u(i, 18) * 86400 * 30)) SECOND AS created_at
        FROM range(1, {ROWS} + 1) t(i)) TO '{orders}' (FORMAT parquet)""")
    con.execute(f"COPY (SELECT i AS id FROM range(1, {CUSTOMERS} + 1) t(i) WHERE i NOT IN (17, 4242)) TO '{customers}' (FORMAT parquet)")
    con.execute(f"COPY (SELECT count(*) AS n, avg(amount) * 0.995 AS avg_amount FROM '{orders}') TO '{previous}' (FORMAT parquet)")


if __name__ == '__main__':
    make(sys.argv[1])
