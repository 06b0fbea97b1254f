#!/usr/bin/env python3
"""How fast does `dsql run` land a topic, beside what people write by hand and beside quixstreams? `make bench-kafka`.

    bench/kafka/broker.sh PYTHON bench/kafka_speed.py [--n 1000000] [--rounds 5] [--quix 5] [--dsql bin/dsql]

PYTHON has confluent-kafka, orjson, pyarrow, duckdb==1.5.6 and quixstreams. A million JSON events of 250 bytes: negative amounts are
dropped, e-mails lower-cased, times parsed, columns typed, the address a struct. Each side is a whole process that writes a new
DuckDB file, in turn; dsql also converts strictly, keeps its place in the file, and counts. The peers do none of the three. Wanted: 3 times the
records/s and half the CPU of confluent_py, 600 MB at most, 10 times quixstreams; with bad records half of dsql's own speed."""
import argparse, os, statistics, sys, tempfile
import duckdb
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + '/kafka']
from events import produce, kept
from turns import timed

SOURCE = """CREATE SOURCE events_in (id VARCHAR, customer_id BIGINT, email VARCHAR, amount DOUBLE, status VARCHAR, ts TIMESTAMP, address STRUCT(city VARCHAR, zip VARCHAR))
  FROM KAFKA (brokers '%s', topic '%s', format json, start earliest);
"""
RULES = SOURCE + 'CREATE STREAM events RULES (SET email = lower(email), CONSTRAINT positive EXPECT (amount >= 0) ON VIOLATION DROP) FROM events_in;\n'
WHERE = SOURCE + 'CREATE STREAM events AS SELECT * REPLACE (lower(email) AS email) FROM events_in WHERE amount >= 0;\n'


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--n', type=int, default=1_000_000); a.add_argument('--rounds', type=int, default=5); a.add_argument('--dsql', default='bin/dsql')
    a.add_argument('--quix', type=int, default=5, help='rounds in which quixstreams takes part: it is slow')
    o = a.parse_args(); dsql, brokers = os.path.abspath(o.dsql), os.environ['DSQL_KAFKA']
    with tempfile.TemporaryDirectory() as d:
        topics = {'p4': (4, 0), 'p1': (1, 0), 'bad01': (4, 0.001), 'bad100': (4, 1)}
        name = lambda topic: '%s-%d' % (topic, os.getpid())
        for topic, (partitions, bad) in topics.items():
            produce(name(topic), o.n, partitions, bad)
        want = {topic: sum(kept(i) for i in range(o.n)) if not bad else None for topic, (_, bad) in topics.items()}

        def run(side, topic, cmd):
            out = os.path.join(d, side + '.duckdb')
            for suffix in ('', '.wal'):
                if os.path.exists(out + suffix):
                    os.remove(out + suffix)
            got = timed(cmd, d)
            con = duckdb.connect(out, read_only=True)
            rows = con.execute('SELECT count(*) FROM events').fetchone()[0]
            rejects = con.execute('SELECT count(*) FROM dsql.rejects').fetchone()[0] if cmd[0] == dsql else 0
            con.close()
            # A bad record would have been kept or dropped: with the rejects the sum lies between.
            if want[topic] is not None and (rows, rejects) != (want[topic], 0) or topic == 'bad100' and (rows, rejects) != (0, o.n) or topic == 'bad01' and not 0 < rejects < o.n / 500:
                sys.exit('%s of %s: %d rows, %d rejects' % (side, topic, rows, rejects))
            return got

        def script(side, text, topic):
            with open(os.path.join(d, side + '.sql'), 'w') as f:
                f.write(text % (brokers, name(topic)))
            return lambda: run(side, topic, [dsql, 'run', side + '.sql'])

        def peer(side, n=o.n):
            return lambda: run(side, 'p4', [sys.executable, '%s/kafka/peers/%s.py' % (HERE, side), name('p4'), '%s/%s.duckdb' % (d, side), str(n)])
        sides = {'dsql': script('rules', RULES, 'p4'), 'confluent_py': peer('confluent_py'), 'confluent_sql': peer('confluent_sql'), 'quix': peer('quix', want['p4']),
                 'dsql WHERE': script('by_where', WHERE, 'p4'), 'dsql 1 partition': script('one', RULES, 'p1'),
                 'dsql 0.1% bad': script('bad01', RULES, 'bad01'), 'dsql 100% bad': script('bad100', RULES, 'bad100')}
        got = {side: [] for side in sides}
        print('%d events, %d rounds, load %s' % (o.n, o.rounds, open('/proc/loadavg').read().split()[0]), flush=True)
        for i in range(o.rounds):
            for side, once in sides.items():
                if side != 'quix' or i < o.quix:
                    got[side].append(once())
        median = {side: [statistics.median(x) for x in zip(*rows)] for side, rows in got.items() if rows}
        print('%-18s %10s %8s %8s %8s   wall of each round' % ('', 'records/s', 'wall s', 'CPU s', 'peak MB'))
        for side, (wall, cpu, mb) in median.items():
            print('%-18s %10.0f %8.2f %8.2f %8.0f   %s' % (side, o.n / wall, wall, cpu, max(r[2] for r in got[side]), ' '.join('%.2f' % r[0] for r in got[side])))
        me, failed = median['dsql'], False

        def wanted(text, is_, ok):
            nonlocal failed
            failed |= not ok
            print('%-58s %7.3f  %s' % (text, is_, 'ok' if ok else 'MISSED'))
        wanted('records/s, times confluent_py (>= 3)', r := median['confluent_py'][0] / me[0], r >= 3)
        wanted('CPU seconds, share of confluent_py (<= 0.5)', r := me[1] / median['confluent_py'][1], r <= 0.5)
        wanted('records/s, times confluent_sql', median['confluent_sql'][0] / me[0], True)
        if 'quix' in median:
            wanted('records/s, times quixstreams (>= 10)', r := median['quix'][0] / me[0], r >= 10)
        wanted('peak MB (<= 600)', r := max(x[2] for x in got['dsql']), r <= 600)
        wanted('0.1% bad, share of own speed (>= 0.5)', r := me[0] / median['dsql 0.1% bad'][0], r >= 0.5)
        wanted('100% bad, share of own speed (>= 0.5)', r := me[0] / median['dsql 100% bad'][0], r >= 0.5)
        return failed


if __name__ == '__main__':
    sys.exit(main())
