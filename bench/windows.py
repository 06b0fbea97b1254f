#!/usr/bin/env python3
"""Counts and averages by key and minute, of events of which 1% come up to half an hour late. `make bench-windows`.

    bench/kafka/broker.sh PYTHON bench/windows.py [--n 1000000] [--keys 10000] [--rounds 3] [--peers hand,bytewax,quix] [--groups 5000000]

PYTHON has confluent-kafka, duckdb==1.5.6, pyarrow and orjson, and bytewax[kafka] and quixstreams where these are to take part. Each side is a
whole process that reads the topic from its beginning, in turn: dsql with a ROLLUP that merges (DECIMAL) and with one that computes anew
(DOUBLE), a table of sums that is upserted by hand, and stream processors with a grace of a minute. Told is the time, and how many groups differ
from the query over all events. Then, without a topic, what it costs to touch 1,000 groups of --groups: CPU of a version with the rollup less
CPU of one without. Wanted: 3 times the records/s of the best stream processor, no slower than by hand; 60 ms in the newest windows, 150 at random."""
import argparse, os, random, statistics, sys, tempfile
import duckdb
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + '/kafka']
from turns import timed

START = 1767225600000
SCRIPT = """CREATE SOURCE events_in (key VARCHAR, ts TIMESTAMP FORMAT epoch_ms, amount %s)
  FROM KAFKA (brokers '%s', topic '%s', format json, start earliest);
CREATE STREAM events FROM events_in;
CREATE ROLLUP r AS SELECT key, tumble(ts, INTERVAL 1 MINUTE) AS minute, count(*) AS n, avg(amount) AS a FROM STREAM events GROUP BY ALL;
"""
PEERS = {'hand': 'windows_hand', 'bytewax': 'windows_bytewax', 'quix': 'windows_quix'}


def produce(topic, n, keys, truth):
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic
    brokers = os.environ['DSQL_KAFKA']
    admin = AdminClient({'bootstrap.servers': brokers})
    for f in admin.create_topics([NewTopic(topic, 4, 1, config={'retention.ms': '-1'})]).values():
        f.result()
    p = Producer({'bootstrap.servers': brokers, 'linger.ms': 50, 'batch.size': 500000, 'queue.buffering.max.messages': 2000000, 'compression.type': 'lz4'})
    r, rows = random.Random(7), []
    for i in range(n):
        k, ts = r.randrange(keys), START + i * 3600_000 // n
        if r.random() < 0.01:
            ts -= r.randrange(60_000, 1800_000)
        cents = r.randrange(100_000)
        rows.append((k, ts // 60000 * 60000, cents))
        p.produce(topic, (f'{{"id":{i},"key":"k{k:05d}","ts":{ts},"amount":{cents / 100:.2f},"status":"paid","email":"user{k}@example.com","note":"{"x" * 60}",'
                          '"address":{"city":"Oslo","zip":"0150","street":"Karl Johans gate 22"}}').encode(), key=f'k{k:05d}')
        if i % 10000 == 0:
            p.poll(0)
    p.flush()
    import pyarrow as pa
    t = pa.table({'k': [x[0] for x in rows], 'minute': [x[1] for x in rows], 'cents': [x[2] for x in rows]})
    duckdb.execute("COPY (SELECT printf('k%%05d', k) AS key, minute, count(*) AS n, avg(cents) / 100 AS a FROM t GROUP BY ALL) TO '%s'" % truth)


def compared(truth, csv):
    """How a side's answer differs from the batch answer: of a group the last line counts."""
    return duckdb.sql("""WITH r AS (SELECT key, minute, last(n ORDER BY o) AS n, last(a ORDER BY o) AS a FROM (SELECT *, row_number() OVER () AS o
        FROM read_csv('%s', columns = {'key': 'VARCHAR', 'minute': 'BIGINT', 'n': 'BIGINT', 'a': 'DOUBLE'}, header = false)) GROUP BY ALL)
        SELECT count(*) FILTER (r.n IS NULL), count(*) FILTER (t.n IS NULL), count(*) FILTER (r.n <> t.n OR abs(r.a - t.a) > 1e-9), count(t.n)
        FROM '%s' t FULL JOIN r USING (key, minute)""" % (csv, truth)).fetchone()


def topic(o, d, dsql):
    name, truth = 'windows-%d' % os.getpid(), d + '/truth.parquet'
    produce(name, o.n, o.keys, truth)

    def ours(side, typ):
        with open('%s/%s.sql' % (d, side), 'w') as f:
            f.write(SCRIPT % (typ, os.environ['DSQL_KAFKA'], name))

        def run():
            for suffix in ('', '.wal'):
                if os.path.exists('%s/%s.duckdb%s' % (d, side, suffix)):
                    os.remove('%s/%s.duckdb%s' % (d, side, suffix))
            got = timed([dsql, 'run', '-q', side + '.sql'], d)
            con = duckdb.connect('%s/%s.duckdb' % (d, side), read_only=True)
            con.execute("COPY (SELECT key, epoch_ms(minute), n, a FROM r) TO '%s/%s.csv' (header false)" % (d, side))
            con.close()
            return got
        return run
    sides = {'dsql': ours('merged', 'DECIMAL(10, 2)'), 'dsql DOUBLE': ours('anew', 'DOUBLE')}
    files = {'dsql': 'merged', 'dsql DOUBLE': 'anew'}
    for peer in filter(None, o.peers.split(',')):
        sides[peer] = lambda peer=peer: timed([sys.executable, '%s/kafka/peers/%s.py' % (HERE, PEERS[peer]), name, '%s/%s.csv' % (d, peer), str(o.n)], d)
    got = {side: [] for side in sides}
    print('%d events, %d keys, load %s' % (o.n, o.keys, open('/proc/loadavg').read().split()[0]), flush=True)
    for _ in range(o.rounds):
        for side, once in sides.items():
            got[side].append(once())
    print('%-12s %10s %8s %8s %8s   groups missing, too many, wrong' % ('', 'records/s', 'wall s', 'CPU s', 'peak MB'))
    for side, rows in got.items():
        wall, cpu, _ = [statistics.median(x) for x in zip(*rows)]
        missing, more, wrong, of = compared(truth, '%s/%s.csv' % (d, files.get(side, side)))
        print('%-12s %10.0f %8.2f %8.2f %8.0f   %s' % (side, o.n / wall, wall, cpu, max(r[2] for r in rows), 'equal: %d groups' % of
              if missing + more + wrong == 0 else '%d, %d, %d of %d' % (missing, more, wrong, of)), flush=True)
    times = lambda peer, what: statistics.median(p[what] / m[what] for p, m in zip(got[peer], got['dsql']))
    for peer in sides:
        if peer != 'dsql':
            print('dsql beside %-12s %5.2f times the records/s, 1/%.2f of the CPU' % (peer, times(peer, 0), times(peer, 1)), flush=True)


def touched(o, d, dsql):
    """1,000 groups of many, in versions of 1,000 rows: those of the newest windows, and any."""
    keys = 10_000
    minutes = o.groups // keys
    row = "SELECT 'k' || lpad((%s)::VARCHAR, 5, '0') AS key, TIMESTAMP '2026-01-01' + to_minutes((%s)::BIGINT) AS ts, (hash(i) %% 100000) / 100 AS amount FROM range(%d) t(i)"
    text = """CREATE SOURCE events_in (key VARCHAR, ts TIMESTAMP, amount DECIMAL(10, 2)) FROM FILES ('in/*.parquet');
CREATE STREAM events FROM events_in;
"""
    for side, more in (('stream', ''), ('rollup', 'CREATE ROLLUP r AS SELECT key, tumble(ts, INTERVAL 1 MINUTE) AS minute, count(*) AS n, avg(amount) AS a FROM STREAM events GROUP BY ALL;\n')):
        os.makedirs('%s/%s/in' % (d, side))
        with open('%s/%s/s.sql' % (d, side), 'w') as f:
            f.write(text + more)
    at, cost = 0, {}

    def batches(n, key, minute, rows):
        nonlocal at
        for _ in range(n):
            at += 1
            for side in ('stream', 'rollup'):
                duckdb.execute("SELECT setseed(%f)" % (at / 1000))
                duckdb.execute("COPY (%s) TO '%s/%s/in/%05d.parquet'" % (row % ('(%s)::BIGINT' % key, '(%s)' % minute, rows), d, side, at))
        return {side: timed([dsql, 'run', '-q', 's.sql'], '%s/%s' % (d, side)) for side in ('stream', 'rollup')}
    batches(1, 'i %% %d' % keys, 'i // %d' % keys, o.groups)
    for where, minute in (('newest windows', '%d - 1 - i %% 2' % minutes), ('random', 'floor(random() * %d)' % minutes)):
        n = 20
        each = []
        for _ in range(o.rounds):
            got = batches(n, 'floor(random() * %d)' % keys, minute, 1000)
            each.append([(got['rollup'][i] - got['stream'][i]) * 1000 / n for i in (0, 1)])
        wall, cpu = [statistics.median(x) for x in zip(*each)]
        print('1,000 groups of %d, %-15s %7.0f ms, %6.0f ms CPU a version' % (o.groups, where, wall, cpu), flush=True)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--n', type=int, default=1_000_000); a.add_argument('--keys', type=int, default=10_000); a.add_argument('--rounds', type=int, default=3)
    a.add_argument('--peers', default='hand'); a.add_argument('--groups', type=int, default=5_000_000); a.add_argument('--dsql', default='bin/dsql')
    o = a.parse_args(); dsql = os.path.abspath(o.dsql)
    with tempfile.TemporaryDirectory() as d:
        if o.n:
            topic(o, d, dsql)
        if o.groups:
            touched(o, d, dsql)


main()
