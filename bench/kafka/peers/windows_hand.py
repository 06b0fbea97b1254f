"""The job of bench/windows.py by hand: confluent-kafka, JSON by DuckDB, a table of counts and sums that is upserted. TOPIC OUT N [BATCH]"""
import os, sys, time
import duckdb, pyarrow as pa
from confluent_kafka import Consumer, TopicPartition

topic, out, n, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int((sys.argv + ['50000'])[4])
file = out + '.duckdb'
if os.path.exists(file):
    os.remove(file)
con = duckdb.connect(file)
con.execute('CREATE TABLE r (key VARCHAR, minute BIGINT, n BIGINT, s DOUBLE, PRIMARY KEY (key, minute))')
c = Consumer({'bootstrap.servers': os.environ['DSQL_KAFKA'], 'group.id': 'hand-%s' % time.time(), 'auto.offset.reset': 'earliest', 'enable.auto.commit': False})
c.assign([TopicPartition(topic, p, 0) for p in range(4)])
seen = 0
while seen < n:
    records = c.consume(size, 1.0)
    if not records:
        continue
    batch = pa.table({'v': pa.array([m.value() for m in records], pa.binary()).cast(pa.string())})
    con.execute("""INSERT INTO r SELECT j.key, j.ts // 60000 * 60000 AS minute, count(*), sum(j.amount)
      FROM (SELECT from_json(v, '{"key":"VARCHAR","ts":"BIGINT","amount":"DOUBLE"}') j FROM batch) GROUP BY ALL
      ON CONFLICT DO UPDATE SET n = r.n + excluded.n, s = r.s + excluded.s""")
    seen += len(records)
con.execute("COPY (SELECT key, minute, n, s / n FROM r) TO '%s' (header false)" % out)
