"""Customers for the journal benchmarks, the same with every version of DuckDB: customers.py FOLDER [rows]

cust1.parquet has a million rows of 8 columns; cust2.parquet is the same table a load later; cdc2.parquet is that step as a feed of
events. Of 100,000 keys that were touched 50,000 really changed, 10,000 are new, 5,000 are gone, 35,000 have a new updated_at only."""
import os
import sys

CITIES = "['Oslo', 'Lima', 'Pune', 'Kyiv', 'Rome', 'Bonn', 'Cork', 'Nice', 'Graz', 'Bari']"


def row(i):
    return f"""{i} AS id, 'name_' || (({i} * 7919) % 1000003) AS name, 'user' || {i} || '@ex' || ({i} % 97) || '.com' AS email,
        pick({CITIES}, {i}, 1) AS city, pick(['free', 'basic', 'pro', 'gold'], {i}, 2) AS tier, round(u({i}, 3) * 10000, 2) AS balance,
        CASE WHEN u({i}, 4) < 0.05 THEN NULL ELSE floor(u({i}, 5) * 1000)::INT END AS score,
        TIMESTAMP '2024-01-01' + INTERVAL (floor(u({i}, 6) * 86400 * 300)) SECOND AS updated_at"""


def connect():
    """A connection with the macros u(i, s), uniform in [0, 1) from an integer hash in plain arithmetic, and pick(list, i, s)."""
    import duckdb
    con = duckdb.connect()
    con.execute('SET threads = 2; SET preserve_insertion_order = true')
    con.execute("""CREATE MACRO u(i, s) AS ((((i::HUGEINT * 2654435761 + s::HUGEINT * 40503 * 65537 + 12345) * 6364136223846793005 + 1442695040888963407)
        % 18446744073709551616) // 4294967296)::DOUBLE / 4294967296.0""")
    con.execute('CREATE MACRO pick(l, i, s) AS l[1 + floor(u(i, s) * len(l))::INT]')
    return con


def make(folder, rows=1_000_000):
    if all(os.path.exists(f'{folder}/{f}.parquet') for f in ('cust1', 'cust2', 'cdc2')):
        return
    os.makedirs(folder, exist_ok=True)
    con = connect()
    changed, new, gone, touched = rows // 20, rows // 100, rows // 200, rows * 35 // 1000
    con.execute(f"COPY (SELECT {row('i')} FROM range(1, {rows} + 1) t(i) ORDER BY i) TO '{folder}/cust1.parquet'")
    con.execute(f"""COPY (WITH a AS (SELECT *, (id * 387420489) % {rows} AS k FROM '{folder}/cust1.parquet')  -- k: a permutation
        SELECT id, name,
            CASE WHEN k < {changed} AND k % 5 = 0 THEN 'new_' || email ELSE email END AS email,
            CASE WHEN k < {changed} AND k % 5 = 1 THEN 'Moved' || (k % 10) ELSE city END AS city,
            CASE WHEN k < {changed} AND k % 5 = 2 THEN tier || '+' ELSE tier END AS tier,
            CASE WHEN k < {changed} AND k % 5 = 3 THEN balance + 1.5 ELSE balance END AS balance,
            CASE WHEN k < {changed} AND k % 5 = 4 THEN CASE WHEN score IS NULL THEN 7 WHEN k % 10 = 4 THEN NULL ELSE score + 1 END ELSE score END AS score,
            CASE WHEN k < {changed + touched} THEN TIMESTAMP '2025-01-01' + INTERVAL (k % 86400) SECOND ELSE updated_at END AS updated_at
        FROM a WHERE NOT (k >= {changed + touched} AND k < {changed + touched + gone})
        UNION ALL SELECT * REPLACE (TIMESTAMP '2025-01-01' + INTERVAL (id % 86400) SECOND AS updated_at) FROM (SELECT {row('i')} FROM range({rows} + 1, {rows} + {new} + 1) t(i))
        ORDER BY id) TO '{folder}/cust2.parquet'""")
    con.execute(f"""COPY (SELECT CASE WHEN b.id IS NULL THEN 'D' WHEN a.id IS NULL THEN 'I' ELSE 'U' END AS op, coalesce(b.id, a.id) AS id,
            b.name, b.email, b.city, b.tier, b.balance, b.score, coalesce(b.updated_at, TIMESTAMP '2025-01-02') AS updated_at
        FROM '{folder}/cust1.parquet' a FULL JOIN '{folder}/cust2.parquet' b USING (id) WHERE a.id IS NULL OR b.id IS NULL OR a.updated_at <> b.updated_at
        ORDER BY u(coalesce(b.id, a.id), 9)) TO '{folder}/cdc2.parquet'""")


if __name__ == '__main__':
    make(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
