#!/usr/bin/env python3
"""Is every event there exactly once after `dsql run --follow` was killed over and over? `make kafka-kills`.

    bench/kafka/broker.sh PYTHON bench/kafka/kills.py [--n 1000000] [--kills 30] [--seed 1] [--dsql bin/dsql]

PYTHON has confluent-kafka and duckdb==1.5.6. Events go to 4 partitions while a run that follows them is killed with SIGKILL at
random moments and started again; a stream and a journal read the source. In the end every (partition, offset) stands in the
stream once, the counts of dsql.version_rows are those of the rows, and the journal and its history equal those of a run that nobody
killed. Exit code 1 when anything differs."""
import argparse, os, random, signal, subprocess, sys, tempfile, threading, time
import duckdb
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from events import produce

SCRIPT = """CREATE SOURCE events_in (id VARCHAR, customer_id BIGINT, amount DOUBLE, status VARCHAR, ts TIMESTAMP) FROM KAFKA (brokers '%s', topic '%s', format json, batch_time '100ms');
CREATE STREAM events RULES (CONSTRAINT positive EXPECT (amount >= 0) ON VIOLATION WARN) AS SELECT *, _meta."partition" AS part, _meta."offset" AS off FROM events_in;
CREATE JOURNAL customers KEYS (customer_id) SEQUENCE BY (ts, id) COLUMNS (amount, status) FROM events_in;
"""
PARTITIONS = 4


class Follower:
    """`dsql run --follow` of a script, which can be killed; it must never end by itself."""

    def __init__(self, dsql, script, db, cwd):
        self.cmd, self.cwd, self.log = [dsql, 'run', script, '--db', db, '--follow'], cwd, os.path.join(cwd, db + '.log')
        self.start()

    def start(self):
        with open(self.log, 'ab') as log:
            self.p = subprocess.Popen(self.cmd, cwd=self.cwd, stdout=log, stderr=log)

    def end(self, sig, *codes):
        """Sends the signal and waits; the exit code has to be one of these."""
        self.check()
        self.p.send_signal(sig)
        if (got := self.p.wait()) not in codes:
            self.fail('ended with %d at signal %d' % (got, sig))

    def check(self):
        if (got := self.p.poll()) is not None:
            self.fail('ended by itself, exit code %d' % got)

    def fail(self, what):
        with open(self.log, errors='replace') as log:
            sys.exit('dsql %s:\n%s' % (what, log.read()[-2000:]))

    def killed(self):
        self.end(signal.SIGKILL, -signal.SIGKILL)
        self.start()


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--n', type=int, default=1_000_000); a.add_argument('--kills', type=int, default=30); a.add_argument('--dsql', default='bin/dsql')
    a.add_argument('--seed', type=int, default=1); a.add_argument('--rate', type=int, default=12_000, help='events a second')
    o = a.parse_args(); dsql, brokers, rnd = os.path.abspath(o.dsql), os.environ['DSQL_KAFKA'], random.Random(o.seed)
    topic = 'kills-%d' % os.getpid()
    with tempfile.TemporaryDirectory() as d:
        with open(d + '/s.sql', 'w') as f:
            f.write(SCRIPT % (brokers, topic))
        produce(topic, 0, PARTITIONS)
        producer = threading.Thread(target=produce, args=(topic, o.n, PARTITIONS), kwargs={'rate': o.rate}, daemon=True)
        producer.start()
        run, began = Follower(dsql, 's.sql', 'killed.duckdb', d), time.monotonic()
        for _ in range(o.kills):
            time.sleep(rnd.uniform(0.2, 2 * o.n / o.rate / o.kills))       # from before the first batch up to in the middle of any
            run.killed()
        producer.join()
        run.end(signal.SIGTERM, 0, -signal.SIGTERM)                           # the latter: it had just been started
        produced = time.monotonic() - began
        subprocess.run([dsql, 'run', 's.sql', '--db', 'killed.duckdb'], cwd=d, check=True, capture_output=True)      # what is left, to the end
        subprocess.run([dsql, 'run', 's.sql', '--db', 'whole.duckdb'], cwd=d, check=True, capture_output=True)

        wrong = []
        con = duckdb.connect(d + '/killed.duckdb', read_only=True)
        con.execute("ATTACH '%s/whole.duckdb' AS whole (READ_ONLY)" % d)
        one = lambda sql: con.execute(sql).fetchone()

        def same(what, got, want):
            print('%-66s %s' % (what, got), flush=True)
            if got != want:
                wrong.append('%s: %s, wanted %s' % (what, got, want))
        same('rows of the stream', one('SELECT count(*) FROM events')[0], o.n)
        same('different (partition, offset)', one('SELECT count(*) FROM (SELECT DISTINCT part, off FROM events)')[0], o.n)
        same('different ids', one('SELECT count(DISTINCT id) FROM events')[0], o.n)
        same('partitions; missing offsets', one('SELECT count(*), sum(m) FROM (SELECT max(off) + 1 - count(*) AS m FROM events GROUP BY part)'), (PARTITIONS, 0))
        same('dsql.version_rows of the source: records, rows, bad and skipped', one("SELECT sum(rows_in)::BIGINT, sum(written)::BIGINT, coalesce(sum(bad), 0)::BIGINT + coalesce(sum(skipped), 0)::BIGINT FROM dsql.version_rows WHERE kind = 'source'"), (o.n, o.n, 0))
        same('dsql.version_rows of stream and journal: rows, written', one("SELECT sum(rows_in)::BIGINT, sum(written)::BIGINT FROM dsql.version_rows WHERE name IN ('events', 'customers')"), (2 * o.n, 2 * o.n))
        same('versions whose account does not close', one("""SELECT count(*) FROM (SELECT version, name, rows_in - coalesce(written, 0) - coalesce(rejected, 0) - coalesce(dropped, 0) - coalesce(bad, 0) - coalesce(skipped, 0) AS open
            FROM dsql.version_rows WHERE rows_in IS NOT NULL) WHERE open <> 0""")[0], 0)
        same('rows of the stream by version, not as in dsql.version_rows', one("""SELECT count(*) FROM (SELECT _version AS version, count(*) AS n FROM events GROUP BY 1) t
            FULL JOIN (FROM dsql.version_rows WHERE name = 'events' AND written > 0) v USING (version) WHERE n IS DISTINCT FROM written""")[0], 0)
        same('rejects', one('SELECT count(*) FROM dsql.rejects')[0], 0)
        for table in ('customers', 'customers_history'):
            cols = ', '.join(c[0] for c in con.execute('DESCRIBE ' + table).fetchall() if not c[0].startswith('_'))
            same('rows of %s that only one of the two runs has' % table, one(f"""SELECT count(*) FROM ((SELECT {cols} FROM {table} EXCEPT ALL SELECT {cols} FROM whole.{table})
                UNION ALL (SELECT {cols} FROM whole.{table} EXCEPT ALL SELECT {cols} FROM {table}))""")[0], 0)
        print('%d events in %.0f s, %d kills; %d versions; %d versions of %d customers' % (o.n, produced, o.kills, one('SELECT count(*) FROM dsql.versions')[0], one('SELECT count(*) FROM customers_history')[0], one('SELECT count(*) FROM customers')[0]))
    if wrong:
        sys.exit('\n'.join(['WRONG'] + wrong))
    print('every event is there exactly once')


if __name__ == '__main__':
    main()
