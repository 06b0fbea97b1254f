#!/usr/bin/env python3
"""Do two members of a group miss an event when one of them is killed over and over? `make kafka-group`.

    bench/kafka/broker.sh PYTHON bench/kafka/group.py [--n 300000] [--kills 10] [--seed 1] [--dsql bin/dsql]

PYTHON has confluent-kafka and duckdb==1.5.6. Two files share 8 partitions by `group 'g'`; one of the two runs is killed with
SIGKILL at random and started again while events come. In the end the union of the two files has every (partition, offset), and no file has one
twice; what both have (a member was killed between its file's commit and the group's) is counted and shown. Exit code 1 when
anything is wrong."""
import argparse, os, random, signal, sys, tempfile, threading, time
import duckdb
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from events import produce
from kills import Follower

SCRIPT = """CREATE SOURCE events_in (id VARCHAR, customer_id BIGINT, amount DOUBLE) FROM KAFKA (brokers '%s', topic '%s', format json, group '%s', batch_time '100ms');
CREATE STREAM events AS SELECT id, _meta."partition" AS part, _meta."offset" AS off FROM events_in;
"""
PARTITIONS = 8


def group_lag(group, topic, partitions=PARTITIONS):
    """What kafka-consumer-groups shows: the end less the committed offset, by partition."""
    from confluent_kafka import Consumer, TopicPartition
    c = Consumer({'bootstrap.servers': os.environ['DSQL_KAFKA'], 'group.id': group, 'log_level': 3})
    try:
        parts = [TopicPartition(topic, i) for i in range(partitions)]
        return {t.partition: c.get_watermark_offsets(t, timeout=20)[1] - max(t.offset, 0) for t in c.committed(parts, timeout=20)}
    finally:
        c.close()


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--n', type=int, default=300_000); a.add_argument('--kills', type=int, default=10); a.add_argument('--dsql', default='bin/dsql')
    a.add_argument('--seed', type=int, default=1); a.add_argument('--rate', type=int, default=5_000, help='events a second')
    o = a.parse_args(); dsql, brokers, rnd = os.path.abspath(o.dsql), os.environ['DSQL_KAFKA'], random.Random(o.seed)
    topic = group = 'group-%d' % os.getpid()
    with tempfile.TemporaryDirectory() as d:
        with open(d + '/s.sql', 'w') as f:
            f.write(SCRIPT % (brokers, topic, group))
        produce(topic, 0, PARTITIONS)
        producer = threading.Thread(target=produce, args=(topic, o.n, PARTITIONS), kwargs={'rate': o.rate}, daemon=True)
        producer.start()
        members = [Follower(dsql, 's.sql', name + '.duckdb', d) for name in ('one', 'two')]
        for _ in range(o.kills):
            time.sleep(rnd.uniform(0.5, 2 * o.n / o.rate / o.kills))
            members[0].killed()
            members[1].check()
        producer.join()
        deadline = time.monotonic() + 120
        while sum((lag := group_lag(group, topic)).values()) and time.monotonic() < deadline:
            for m in members:
                m.check()
            time.sleep(1)
        for m in members:
            m.end(signal.SIGTERM, 0)

        con = duckdb.connect()
        for name in ('one', 'two'):
            con.execute("ATTACH '%s/%s.duckdb' AS %s (READ_ONLY)" % (d, name, name))
        number = lambda sql: con.execute(sql).fetchone()[0]
        wrong = []

        def same(what, got, want):
            print('%-66s %s' % (what, got), flush=True)
            if got != want:
                wrong.append('%s: %s, wanted %s' % (what, got, want))
        both = '(SELECT part, off FROM one.events UNION ALL SELECT part, off FROM two.events)'
        for name in ('one', 'two'):
            same('twice in the file of member %s' % name, number(f'SELECT count(*) - count(DISTINCT (part, off)) FROM {name}.events'), 0)
        same('different (partition, offset) in both files', number(f'SELECT count(DISTINCT (part, off)) FROM {both}'), o.n)
        same('different ids in both files', number('SELECT count(DISTINCT id) FROM (SELECT id FROM one.events UNION ALL SELECT id FROM two.events)'), o.n)
        same('lag of the group', sum(lag.values()), 0)
        print('%d events, %d kills: one has %d rows, two %d, both %d' % (o.n, o.kills, number('SELECT count(*) FROM one.events'), number('SELECT count(*) FROM two.events'),
              number('SELECT count(*) FROM (SELECT part, off FROM one.events INTERSECT SELECT part, off FROM two.events)')))
    if wrong:
        sys.exit('\n'.join(['WRONG'] + wrong))
    print('no event is missing')


if __name__ == '__main__':
    main()
