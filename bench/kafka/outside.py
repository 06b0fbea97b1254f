#!/usr/bin/env python3
"""Does dsql read what librdkafka wrote in each compression, and show the lag that librdkafka sees? A part of `make kafka-test`.

    bench/kafka/broker.sh PYTHON bench/kafka/outside.py [--dsql bin/dsql]

PYTHON has confluent-kafka and duckdb==1.5.6. Exit code 1 when anything differs."""
import argparse, json, os, subprocess, sys, tempfile
import duckdb
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from events import event, produce
from group import group_lag

N, PARTITIONS = 5000, 3
SCRIPT = """CREATE SOURCE events_in (id VARCHAR, customer_id BIGINT, email VARCHAR, amount DOUBLE, status VARCHAR, ts TIMESTAMP, address STRUCT(city VARCHAR, zip VARCHAR))
  FROM KAFKA (brokers '%s', topic '%s', format json);
CREATE STREAM events FROM events_in;
"""


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--dsql', default='bin/dsql')
    dsql, wrong = os.path.abspath(a.parse_args().dsql), []

    def same(what, got, want):
        if got != want:
            wrong.append('%s: %s, wanted %s' % (what, got, want))
    with tempfile.TemporaryDirectory() as d:
        def run(*args):
            p = subprocess.run([dsql, *args], cwd=d, capture_output=True, text=True)
            if p.returncode:
                sys.exit('dsql %s: exit code %d\n%s' % (' '.join(args), p.returncode, p.stderr))
            return p.stdout
        written = sorted((e['id'], e['customer_id'], e['email'], float(e['amount']), e['status'], e['ts'][:-1].replace('T', ' '), e['address']['city'], e['address']['zip'])
                         for e in (json.loads(event(i)) for i in range(N)))
        for compression in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
            topic = '%s-%d' % (compression, os.getpid())
            with open('%s/%s.sql' % (d, compression), 'w') as f:
                f.write(SCRIPT % (os.environ['DSQL_KAFKA'], topic))
            produce(topic, N, PARTITIONS, compression=compression)
            run('run', compression + '.sql')
            con = duckdb.connect('%s/%s.duckdb' % (d, compression), read_only=True)
            read = con.execute("SELECT id, customer_id, email, amount, status, strftime(ts, '%Y-%m-%d %H:%M:%S.%g'), address.city, address.zip FROM events ORDER BY id").fetchall()
            con.close()
            same('rows of %s' % compression, read == written, True)
        produce(topic, 1000, PARTITIONS, first=N)
        shown = {r['partition']: r['lag'] for r in map(json.loads, filter(None, run('status', '--db', 'zstd.duckdb', '--output', 'jsonl').splitlines())) if 'lag' in r}
        same('lag of dsql status', shown, group_lag('dsql.zstd.events_in', topic, PARTITIONS))
        same('lag in all', sum(shown.values()), 1000)
    if wrong:
        sys.exit('\n'.join(['WRONG'] + wrong))
    print('five compressions read, and the lag of %s is that of the group' % shown)


if __name__ == '__main__':
    main()
