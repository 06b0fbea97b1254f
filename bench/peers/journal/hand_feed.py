"""A feed of changes by hand, with a log of events, so that any order and repeats do no harm: hand_feed.py FILE.duckdb EVENTS.parquet [init]

What someone who knows DuckDB well would write: new events into the log, the histories of their keys computed anew."""
import sys

import duckdb

COLUMNS = 'name, email, city, tier, balance, score'
db, events = sys.argv[1:3]
con = duckdb.connect(db)
con.execute('SET threads = 2')
if len(sys.argv) > 3:
    con.execute(f"CREATE TABLE ev AS SELECT 'I' AS op, id, updated_at AS ts, {COLUMNS} FROM '{events}'")
    con.execute(f'CREATE TABLE j AS SELECT id, {COLUMNS}, ts AS valid_from, NULL::TIMESTAMP AS valid_to FROM ev')
    sys.exit()
key, image = 'PARTITION BY id ORDER BY ts', f'row(gone, {COLUMNS})'
con.execute('BEGIN')
con.execute(f"""CREATE TEMP TABLE n AS SELECT op, id, updated_at AS ts, {COLUMNS}
    FROM (SELECT *, row_number() OVER (PARTITION BY id, updated_at) AS r FROM '{events}' WHERE id IS NOT NULL AND updated_at IS NOT NULL) x
    WHERE r = 1 AND NOT EXISTS (SELECT 1 FROM ev e WHERE e.id = x.id AND e.ts = x.updated_at)""")
con.execute('INSERT INTO ev SELECT * FROM n')
con.execute('DELETE FROM j WHERE id IN (SELECT id FROM n)')
con.execute(f"""INSERT INTO j WITH
    e AS (SELECT ev.*, op = 'D' AS gone FROM ev SEMI JOIN n USING (id)),
    m AS (SELECT *, {image} IS DISTINCT FROM lag({image}) OVER ({key}) AND NOT (gone AND lag(gone) OVER ({key}) IS NULL) AS changed FROM e),
    z AS (SELECT *, lead(ts) OVER ({key}) AS until FROM m WHERE changed)
    SELECT id, {COLUMNS}, ts, until FROM z WHERE NOT gone""")
con.execute('COMMIT')
