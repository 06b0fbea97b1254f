"""The job of bench/windows.py in bytewax, one worker. TOPIC OUT N"""
import os, sys
from datetime import datetime, timedelta, timezone
import orjson
from bytewax import operators as op
from bytewax.operators import windowing as win
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

topic, out, START = sys.argv[1], open(sys.argv[2], 'w'), 1767225600000


class Part(StatelessSinkPartition):
    def write_batch(self, items):
        for k, (w, (n, s)) in items:
            out.write(f'{k},{START + w * 60000},{n},{s / n!r}\n')


class Sink(DynamicSink):
    def build(self, *_):
        return Part()


def read(m):
    e = orjson.loads(m.value)
    return e['key'], (datetime.fromtimestamp(e['ts'] / 1000, timezone.utc), e['amount'])


flow = Dataflow('windows')
s = op.map('read', op.input('in', flow, KafkaSource([os.environ['DSQL_KAFKA']], [topic], tail=False, batch_size=10000)), read)
w = win.fold_window('fold', s, win.EventClock(lambda x: x[0], wait_for_system_duration=timedelta(minutes=1)),
                    win.TumblingWindower(length=timedelta(minutes=1), align_to=datetime(2026, 1, 1, tzinfo=timezone.utc)),
                    lambda: (0, 0.0), lambda a, x: (a[0] + 1, a[1] + x[1]), lambda a, b: (a[0] + b[0], a[1] + b[1]))
op.output('out', w.down, Sink())
run_main(flow)
out.close()
