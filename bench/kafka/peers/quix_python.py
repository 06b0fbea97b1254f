"""The job of bench/kafka_python.py in quixstreams: the function runs for batches of 50,000 in a sink that writes into DuckDB. TOPIC OUT N"""
import os, sys, time
from datetime import datetime
import duckdb, pandas as pd
from quixstreams import Application
from quixstreams.sinks import BatchingSink
sys.path.insert(0, os.getcwd())
from risk import risk

topic, out, n = sys.argv[1], sys.argv[2], int(sys.argv[3])


class DuckDB(BatchingSink):
    def __init__(self):
        super().__init__()
        self.con = duckdb.connect(out)
        self.con.execute('CREATE TABLE events(id VARCHAR, customer_id BIGINT, email VARCHAR, amount DOUBLE, status VARCHAR, ts TIMESTAMP, city VARCHAR, zip VARCHAR, risk DOUBLE)')

    def write(self, batch):
        rows = pd.DataFrame.from_records([i.value for i in batch])
        rows['risk'] = risk(rows.amount, rows.status)
        self.con.execute('INSERT INTO events SELECT * FROM rows')


app = Application(broker_address=os.environ['DSQL_KAFKA'], consumer_group='quix-%s' % time.time(), auto_offset_reset='earliest', commit_every=50_000,
                  commit_interval=5, loglevel='WARNING')
events = app.dataframe(app.topic(topic, value_deserializer='json'))
events = events.apply(lambda e: {'id': e['id'], 'customer_id': e['customer_id'], 'email': e['email'], 'amount': float(e['amount']), 'status': e['status'],
                                 'ts': datetime.fromisoformat(e['ts'][:-1]), 'city': e['address']['city'], 'zip': e['address']['zip']})
sink = DuckDB()
events.sink(sink)
app.run(count=n)
