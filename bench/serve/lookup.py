"""A row of a journal of a million keys found by its key, and scored, in one request: `dsql serve` alone; with --kafka HOST:PORT while it follows a
topic that 50,000 events a second come to and somebody groups all of it.

    python lookup.py --dsql ../../bin/dsql [--keys 1000000] [--seconds 5] [--rounds 5] [--dir /tmp/dsql-bench-lookup] [--kafka 127.0.0.1:9092]

The model is the demo's, 40 trees of 7 inputs. Medians of the rounds. Needs Go for the client (load/); with --kafka a Python with confluent-kafka.
"""
import argparse, csv, json, os, random, statistics, subprocess, sys, threading, time, urllib.request
A = argparse.ArgumentParser()
A.add_argument('--dsql', required=True); A.add_argument('--keys', type=int, default=1_000_000); A.add_argument('--seconds', type=float, default=5)
A.add_argument('--rounds', type=int, default=5); A.add_argument('--dir', default='/tmp/dsql-bench-lookup'); A.add_argument('--kafka')
A.add_argument('--events', type=int, default=50_000, help='a second'); A = A.parse_args()
here = os.path.dirname(os.path.abspath(__file__)); dsql = os.path.abspath(A.dsql); top = os.path.join(here, '..', '..')
model = os.path.join(top, 'demo', 'files', 'models', 'late.txt')
os.makedirs(A.dir, exist_ok=True); os.chdir(A.dir)
subprocess.run(['go', 'build', '-o', os.path.abspath('load'), './bench/serve/load'], cwd=top, check=True)
names = next(line for line in open(model) if line.startswith('feature_names=')).strip().split('=')[1].split(' ')
inputs = ', '.join(names)
if not os.path.exists('keys.txt'):
    rnd = random.Random(1)
    keys = ['%012x' % rnd.getrandbits(48) for _ in range(A.keys)]
    with open('rows.csv', 'w', newline='') as f:
        w = csv.writer(f); w.writerow(['id', 'seq'] + names)
        for k in keys: w.writerow([k, 1] + [rnd.randrange(0, 100) for _ in names])
    with open('keys.txt', 'w') as f: f.write('\n'.join(keys))
declared = ', '.join(f'{n} DOUBLE' for n in names)
script = f"""CREATE MODEL late FROM '{model}';
CREATE SOURCE rows (id VARCHAR, seq BIGINT, {declared}) FROM FILES ('rows.csv');
CREATE JOURNAL flights KEYS (id) SEQUENCE BY seq FROM rows;
CREATE ENDPOINT risk (id VARCHAR) AS SELECT id, seq, late({inputs}) AS risk FROM flights WHERE id = $id;
"""
if A.kafka:
    topic = 'lookup%d' % time.time()
    script += f"""CREATE CONNECTION k TO KAFKA (brokers '{A.kafka}');
CREATE SOURCE events (n BIGINT, k VARCHAR, v DOUBLE) FROM KAFKA (connection k, topic '{topic}', format json);
CREATE STREAM landed FROM events;
"""
for f in os.listdir('.'):
    if '.duckdb' in f: os.remove(f)
with open('s.sql', 'w') as f: f.write(script)
PORT = 18461; base = f'http://127.0.0.1:{PORT}'


def load(url, body, clients, n=0, rate=0, seconds=A.seconds):
    out = subprocess.run(['./load', url, body, str(clients), str(seconds), 'keys.txt', str(n)] + ([str(rate)] if rate else []), capture_output=True, text=True)
    if out.returncode: sys.exit(out.stderr)
    return json.loads(out.stdout)


def ask(path, body=None):
    return urllib.request.urlopen(urllib.request.Request(base + path, body and body.encode(), {'Content-Type': 'application/json'})).read()


stop = threading.Event()


def produce():
    from confluent_kafka import Producer
    p, n, began = Producer({'bootstrap.servers': A.kafka, 'linger.ms': 20, 'queue.buffering.max.messages': 1_000_000}), 0, time.time()
    while not stop.is_set():
        while n < (time.time() - began) * A.events:
            p.produce(topic, b'{"n":%d,"k":"%d","v":%d.5}' % (n, n % 1000, n)); n += 1
        p.poll(0); time.sleep(.005)
    p.flush()


def strange():
    while not stop.is_set(): ask('/v1/query', '{"sql": "SELECT count(*), sum(v) FROM (SELECT k, sum(v) AS v FROM landed GROUP BY k)"}')


if A.kafka:
    from confluent_kafka.admin import AdminClient, NewTopic
    admin = AdminClient({'bootstrap.servers': A.kafka}); admin.create_topics([NewTopic(topic, 4)])[topic].result()
server = subprocess.Popen([dsql, 'serve', 's.sql', '--listen', f'127.0.0.1:{PORT}', '--log-format', 'none', '-q'] + (['--follow'] if A.kafka else []))
try:
    for _ in range(3000):
        try:
            if b'"version":0' not in ask('/v1/status') and ask('/readyz'): break
        except OSError: pass
        time.sleep(.1)
    url, body = base + '/v1/endpoints/risk', '{"id":"KEY"}'
    got = {}
    load(url, body, 16, 10_000, seconds=6 * A.seconds)  # hot keys are those that were asked for
    for what in ('warm', *range(A.rounds)):
        one = {'random keys': load(url, body, 16), '10,000 hot keys': load(url, body, 16, 10_000), '/healthz, 200/s': load(base + '/healthz', '', 16, 0, 200),
            'random keys, 200/s': load(url, body, 16, 0, 200)}
        if what == 'warm' and A.kafka:
            threading.Thread(target=produce, daemon=True).start(); threading.Thread(target=strange, daemon=True).start(); time.sleep(3)
        elif what != 'warm':
            for k, v in one.items(): got.setdefault(k, []).append(v)
    m = {k: {x: statistics.median(r[x] for r in rows) for x in ('rate', 'p50', 'p99')} for k, rows in got.items()}
    print(f"load {open('/proc/loadavg').read().split()[0]}, {A.keys} keys, 16 clients" + (f', {A.events} events/s and a GROUP BY beside' if A.kafka else ''))
    for k, x in m.items(): print('%-20s %6.0f requests/s, p50 %6.2f ms, p99 %7.2f ms' % (k, x['rate'], x['p50'], x['p99']))
    more = statistics.median(a['p99'] - b['p99'] for a, b in zip(got['random keys, 200/s'], got['/healthz, 200/s']))
    print('p99 at 200/s above /healthz: %.1f ms' % more)
    ways = [line for line in ask('/metrics').decode().splitlines() if line.startswith('dsql_lookups_total') or line.startswith('dsql_records_total')]
    print(*ways, sep='\n')
finally:
    stop.set(); server.terminate(); server.wait()
ok = more <= 15 if A.kafka else m['random keys']['rate'] >= 500 and m['10,000 hot keys']['rate'] >= 1500 and more <= 5
sys.exit(0 if ok else 1)
