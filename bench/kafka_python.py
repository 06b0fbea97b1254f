#!/usr/bin/env python3
"""A topic with one SET by a pandas function, beside quixstreams with the same function. `make bench-kafka-python`.

    bench/kafka/broker.sh PYTHON bench/kafka_python.py [--n 1000000] [--rounds 5] [--dsql bin/dsql]

PYTHON has confluent-kafka, pandas, pyarrow, duckdb==1.5.6 and quixstreams; the function runs in it for both. A million JSON events of 250 bytes go into
a new DuckDB file, whole processes in turn. quixstreams calls the function for batches of 50,000, in its sink, which is faster than for each event.
What both wrote is compared row by row. Wanted: three times the records a second."""
import argparse, os, statistics, sys, tempfile
import duckdb
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + '/kafka']
from events import produce
from turns import timed

FUNCTION = """import pandas as pd

def risk(amount: pd.Series, status: pd.Series):
    weight = status.map({'new': 1.5, 'paid': 0.5, 'void': 3.0}).fillna(1.0)
    return (amount.clip(lower=0) / 100) ** 0.5 * weight
"""
SCRIPT = f"""CREATE SOURCE events_in (id VARCHAR, customer_id BIGINT, email VARCHAR, amount DOUBLE, status VARCHAR, ts TIMESTAMP, address STRUCT(city VARCHAR, zip VARCHAR))
  FROM KAFKA (brokers '%s', topic '%s', format json, start earliest);
CREATE FUNCTION risk(amount DOUBLE, status VARCHAR) RETURNS DOUBLE LANGUAGE python AS $$
{FUNCTION}$$;
CREATE STREAM events RULES (SET risk = risk(amount, status)) AS SELECT *, NULL::DOUBLE AS risk FROM events_in;
"""


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--n', type=int, default=1_000_000); a.add_argument('--rounds', type=int, default=5); a.add_argument('--dsql', default='bin/dsql')
    o = a.parse_args(); dsql, brokers = os.path.abspath(o.dsql), os.environ['DSQL_KAFKA']
    topic = 'python-%d' % os.getpid()
    with tempfile.TemporaryDirectory() as d:
        produce(topic, o.n)
        for name, text in {'s.sql': SCRIPT % (brokers, topic), 'risk.py': FUNCTION}.items():
            with open(os.path.join(d, name), 'w') as f:
                f.write(text)
        sides = {'dsql': [dsql, 'run', 's.sql', '--db', 'ours.duckdb'],
                 'quixstreams': [sys.executable, HERE + '/kafka/peers/quix_python.py', topic, 'quixstreams.duckdb', str(o.n)]}
        got = {side: [] for side in sides}
        print('%d events, %d rounds, load %s' % (o.n, o.rounds, open('/proc/loadavg').read().split()[0]), flush=True)
        for _ in range(o.rounds):
            for side, cmd in sides.items():
                for suffix in ('', '.wal'):
                    path = '%s/%s.duckdb%s' % (d, 'ours' if side == 'dsql' else side, suffix)
                    if os.path.exists(path):
                        os.remove(path)
                got[side].append(timed(cmd, d, env={'DSQL_PYTHON': sys.executable}))
        con = duckdb.connect(d + '/ours.duckdb', read_only=True)
        con.execute("ATTACH '%s/quixstreams.duckdb' AS q (READ_ONLY)" % d)
        rows, differ = con.execute('SELECT count(*), count(*) FILTER (e.risk IS DISTINCT FROM q.risk) FROM events e FULL JOIN q.events q USING (id)').fetchone()
        if (rows, differ) != (o.n, 0):
            sys.exit('%d rows of %d, %d differ' % (rows, o.n, differ))
        for side, runs in got.items():
            wall = statistics.median(r[0] for r in runs)
            print('%-12s %9.0f records/s, %.2f s CPU, %.0f MB peak   wall %s' % (side, o.n / wall, statistics.median(r[1] for r in runs),
                                                                              max(r[2] for r in runs), ' '.join('%.2f' % r[0] for r in runs)))
        ratio = statistics.median(q[0] / m[0] for m, q in zip(got['dsql'], got['quixstreams']))
        print('records/s, times quixstreams (>= 3): %.2f %s' % (ratio, 'ok' if ratio >= 3 else 'MISSED'))
        return ratio < 3


if __name__ == '__main__':
    sys.exit(main())
