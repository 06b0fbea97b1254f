#!/usr/bin/env python3
"""Is every event there exactly once after a follower that calls Python, its workers, or both were killed over and over? `make kafka-kills-python`.

    bench/kafka/broker.sh PYTHON bench/kafka/kills_python.py [--n 300000] [--kills 50] [--seed 1] [--dsql bin/dsql]

PYTHON has confluent-kafka, pyarrow and duckdb==1.5.6. Events come while `dsql run --follow` calls a function for each; at random moments its worker, it
itself, or both get SIGKILL. In the end each (partition, offset) stands in the stream once with what the function gives, the counts of
dsql.version_rows are those of the rows, and no process is left. Exit code 1 when anything differs."""
import argparse, glob, os, random, signal, subprocess, sys, tempfile, threading, time
import duckdb
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from events import produce
from kills import Follower

SCRIPT = """CREATE SOURCE events_in (id VARCHAR, amount DOUBLE, customer_id BIGINT) FROM KAFKA (brokers '%s', topic '%s', format json, batch_time '50ms');
CREATE FUNCTION mark(customer BIGINT) RETURNS BIGINT LANGUAGE python AS $$
def mark(customer):
    return customer * 2 + 1
$$;
CREATE STREAM events RULES (SET marked = mark(customer_id)) AS SELECT *, 0::BIGINT AS marked, _meta."partition" AS part, _meta."offset" AS off FROM events_in;
"""
MARK = 'DSQL_KILLS_MARK'
PARTITIONS = 4


def marked(mark):
    """The workers and others that have the mark in their environment and aren't dead."""
    workers, others = [], []
    for path in glob.glob('/proc/[0-9]*'):
        try:
            with open(path + '/environ', 'rb') as f:
                if mark.encode() not in f.read():
                    continue
            with open(path + '/stat', 'rb') as f:
                if f.read().rpartition(b')')[2].split()[0] == b'Z':
                    continue
            with open(path + '/cmdline', 'rb') as f:
                (workers if b'import os, sys' in f.read() else others).append(int(os.path.basename(path)))
        except OSError:
            pass
    return workers, others


def gone(mark):
    """Waits until nothing with the mark is left."""
    until = time.monotonic() + 20
    while left := sum(marked(mark), []):
        if time.monotonic() > until:
            sys.exit('processes are left: %s' % left)
        time.sleep(0.02)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--n', type=int, default=300_000); a.add_argument('--kills', type=int, default=50); a.add_argument('--dsql', default='bin/dsql')
    a.add_argument('--seed', type=int, default=1); a.add_argument('--rate', type=int, default=6_000, help='events a second')
    o = a.parse_args(); dsql, brokers, rnd = os.path.abspath(o.dsql), os.environ['DSQL_KAFKA'], random.Random(o.seed)
    topic, mark = 'kills-python-%d' % os.getpid(), '%s=%d-%d' % (MARK, os.getpid(), rnd.getrandbits(60))
    with tempfile.TemporaryDirectory() as d:
        with open(d + '/s.sql', 'w') as f:
            f.write(SCRIPT % (brokers, topic))
        produce(topic, 0, PARTITIONS)
        producer = threading.Thread(target=produce, args=(topic, o.n, PARTITIONS), kwargs={'rate': o.rate}, daemon=True)
        producer.start()
        os.environ[MARK], os.environ['DSQL_PYTHON'] = mark.split('=')[1], sys.executable
        run, began, killed = Follower(dsql, 's.sql', 'killed.duckdb', d), time.monotonic(), {'worker': 0, 'dsql': 0, 'both': 0}
        for _ in range(o.kills):
            time.sleep(rnd.uniform(0.2, 2 * o.n / o.rate / o.kills))
            what = rnd.choice(list(killed))
            if what != 'dsql':
                workers = marked(mark)[0]
                for pid in workers:
                    os.kill(pid, signal.SIGKILL)
                killed[what] += len(workers) > 0
            if what != 'worker':
                run.end(signal.SIGKILL, -signal.SIGKILL)
                gone(mark)
                killed['dsql'] += what == 'dsql'
                run.start()
            run.check()
        producer.join()
        run.end(signal.SIGTERM, 0, -signal.SIGTERM)
        gone(mark)
        subprocess.run([dsql, 'run', 's.sql', '--db', 'killed.duckdb'], cwd=d, check=True, capture_output=True)
        gone(mark)
        con = duckdb.connect(d + '/killed.duckdb', read_only=True)
        wrong = []
        for what, query, want in (
                ('rows of the stream', 'SELECT count(*) FROM events', (o.n,)),
                ('different (partition, offset)', 'SELECT count(*) FROM (SELECT DISTINCT part, off FROM events)', (o.n,)),
                ('different ids', 'SELECT count(DISTINCT id) FROM events', (o.n,)),
                ('rows that the function gave something else', 'SELECT count(*) FROM events WHERE marked IS DISTINCT FROM customer_id * 2 + 1', (0,)),
                ('rows and written of dsql.version_rows', "SELECT sum(rows_in)::BIGINT, sum(written)::BIGINT FROM dsql.version_rows WHERE name = 'events'", (o.n, o.n)),
                ('rejects', 'SELECT count(*) FROM dsql.rejects', (0,))):
            got = con.execute(query).fetchone()
            print('%-50s %s' % (what, ', '.join(map(str, got))), flush=True)
            if got != want:
                wrong.append('%s: %s, wanted %s' % (what, got, want))
        print('%d events in %.0f s; killed: %s; %d versions' % (o.n, time.monotonic() - began, killed, con.execute('SELECT count(*) FROM dsql.versions').fetchone()[0]))
    if wrong:
        sys.exit('\n'.join(['WRONG'] + wrong))
    print('every event is there exactly once, and no process is left')


if __name__ == '__main__':
    main()
