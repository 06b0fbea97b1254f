"""The job of bench/kafka_speed.py in quixstreams, with a sink that writes batches of 50,000 into DuckDB. TOPIC OUT N

N is what passes the filter: quixstreams counts what comes out, and would wait for ever for what it dropped."""
import os, sys, time
from datetime import datetime
import duckdb, pyarrow as pa
from quixstreams import Application
from quixstreams.sinks import BatchingSink

topic, out, n = sys.argv[1], sys.argv[2], int(sys.argv[3])


class DuckDB(BatchingSink):
    def __init__(self):
        super().__init__()
        self.con = duckdb.connect(out)
        self.con.execute('CREATE TABLE events(id VARCHAR, customer_id BIGINT, email VARCHAR, amount DOUBLE, status VARCHAR, ts TIMESTAMP, city VARCHAR, zip VARCHAR)')

    def write(self, batch):
        rows = pa.Table.from_pylist([i.value for i in batch])
        self.con.execute('INSERT INTO events SELECT * FROM rows')


app = Application(broker_address=os.environ['DSQL_KAFKA'], consumer_group='quix-%s' % time.time(), auto_offset_reset='earliest', commit_every=50_000,
                  commit_interval=5, loglevel='WARNING')
events = app.dataframe(app.topic(topic, value_deserializer='json'))
events = events.filter(lambda e: e['amount'] >= 0)
events = events.apply(lambda e: {'id': e['id'], 'customer_id': e['customer_id'], 'email': e['email'].lower(), 'amount': e['amount'], 'status': e['status'],
                                 'ts': datetime.fromisoformat(e['ts'][:-1]), 'city': e['address']['city'], 'zip': e['address']['zip']})
sink = DuckDB()
events.sink(sink)
app.run(count=n)
print(sink.con.execute('SELECT count(*) FROM events').fetchone()[0])
