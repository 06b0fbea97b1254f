"""The job of bench/kafka_speed.py by hand, transformed in Python: confluent-kafka, orjson, pyarrow, DuckDB. TOPIC OUT N [BATCH]"""
import os, sys, time
from datetime import datetime
import duckdb, orjson, pyarrow as pa
from confluent_kafka import Consumer

topic, out, n, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int((sys.argv + ['10000'])[4])
con = duckdb.connect(out)
con.execute('CREATE TABLE events(id VARCHAR, customer_id BIGINT, email VARCHAR, amount DOUBLE, status VARCHAR, ts TIMESTAMP, city VARCHAR, zip VARCHAR)')
c = Consumer({'bootstrap.servers': os.environ['DSQL_KAFKA'], 'group.id': 'py-%s' % time.time(), 'auto.offset.reset': 'earliest', 'enable.auto.commit': False})
c.subscribe([topic])
seen = 0
while seen < n:
    records = c.consume(size, timeout=1.0)
    if not records:
        continue
    rows = []
    for m in records:
        if m.error():
            raise Exception(m.error())
        e = orjson.loads(m.value())
        if e['amount'] < 0:
            continue
        rows.append({'id': e['id'], 'customer_id': e['customer_id'], 'email': e['email'].lower(), 'amount': e['amount'], 'status': e['status'],
                     'ts': datetime.fromisoformat(e['ts'][:-1]), 'city': e['address']['city'], 'zip': e['address']['zip']})
    batch = pa.Table.from_pylist(rows)
    con.execute('INSERT INTO events SELECT * FROM batch')
    c.commit(asynchronous=False)
    seen += len(records)
print(con.execute('SELECT count(*) FROM events').fetchone()[0])
