"""Loads of a whole table by hand: hand_snap.py FILE.duckdb LOAD.parquet TIME

One join of the load with the open rows; what differs is closed and added."""
import sys

import duckdb

COLUMNS = ('name', 'email', 'city', 'tier', 'balance', 'score')
db, load, at = sys.argv[1:4]
con = duckdb.connect(db)
con.execute('SET threads = 2')
con.execute('BEGIN')
con.execute(f"CREATE TABLE IF NOT EXISTS j AS SELECT *, TIMESTAMP '{at}' AS valid_from, NULL::TIMESTAMP AS valid_to FROM '{load}' LIMIT 0")
if con.execute('SELECT count(*) FROM j').fetchone()[0] == 0:
    con.execute(f"INSERT INTO j SELECT *, TIMESTAMP '{at}', NULL FROM '{load}'")
else:
    differs = ' OR '.join(f'j.{c} IS DISTINCT FROM s.{c}' for c in COLUMNS)
    con.execute(f"""CREATE TEMP TABLE ch AS SELECT s.*, j.rid FROM (SELECT *, rowid AS rid FROM j WHERE valid_to IS NULL) j
        FULL JOIN (SELECT * FROM '{load}' WHERE id IS NOT NULL) s ON j.id = s.id WHERE s.id IS NULL OR j.id IS NULL OR {differs}""")
    con.execute(f"UPDATE j SET valid_to = TIMESTAMP '{at}' FROM ch WHERE j.rowid = ch.rid")
    con.execute(f"INSERT INTO j SELECT * EXCLUDE (rid), TIMESTAMP '{at}', NULL FROM ch WHERE id IS NOT NULL")
con.execute('COMMIT')
