"""The job of bench/kafka_speed.py by hand, transformed in SQL: confluent-kafka, pyarrow, DuckDB's from_json. TOPIC OUT N [BATCH]"""
import os, sys, time
import duckdb, pyarrow as pa
from confluent_kafka import Consumer

topic, out, n, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int((sys.argv + ['50000'])[4])
con = duckdb.connect(out)
con.execute('CREATE TABLE events(id VARCHAR, customer_id BIGINT, email VARCHAR, amount DOUBLE, status VARCHAR, ts TIMESTAMP, city VARCHAR, zip VARCHAR)')
INSERT = """INSERT INTO events SELECT j.id, j.customer_id, lower(j.email), j.amount, j.status, j.ts::TIMESTAMP, j.address.city, j.address.zip FROM (
  SELECT from_json(v, '{"id":"VARCHAR","customer_id":"BIGINT","email":"VARCHAR","amount":"DOUBLE","status":"VARCHAR","ts":"VARCHAR","address":{"city":"VARCHAR","zip":"VARCHAR"}}') j
  FROM batch) WHERE j.amount >= 0"""
c = Consumer({'bootstrap.servers': os.environ['DSQL_KAFKA'], 'group.id': 'sql-%s' % time.time(), 'auto.offset.reset': 'earliest', 'enable.auto.commit': False})
c.subscribe([topic])
seen = 0
while seen < n:
    records = c.consume(size, timeout=1.0)
    if not records:
        continue
    batch = pa.table({'v': pa.array([m.value() for m in records], pa.binary()).cast(pa.string())})
    con.execute(INSERT)
    c.commit(asynchronous=False)
    seen += len(records)
print(con.execute('SELECT count(*) FROM events').fetchone()[0])
