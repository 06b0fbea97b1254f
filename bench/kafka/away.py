#!/usr/bin/env python3
"""Is nothing lost while the schema registry, and then a sink's topic, are away for two minutes each? `make kafka-away`.

    bench/kafka/broker.sh PYTHON bench/kafka/away.py [--seconds 120] [--rate 50] [--dsql bin/dsql]

PYTHON has confluent-kafka. `dsql run --follow` reads a topic in Avro and one in JSON, and has a sink in Avro and one in JSON. The registry (one of
this script's own) refuses connections while records of a schema come that has to be asked for; later the topic of the Avro sink is deleted, and
made again. Each time: warnings are counted, JSON must go through all the while, SIGTERM must end the run within a second, and another run is
there when things come back. In the end each record has come out of the sinks. Exit code 1 when anything is wrong."""
import argparse, http.server, json, os, re, signal, subprocess, sys, tempfile, threading, time
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kills import Follower

SCRIPT = """CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry 'http://127.0.0.1:{port}');
CREATE SOURCE a (id BIGINT) FROM KAFKA (connection c, topic '{t}-in-avro', format avro, batch_time '100ms');
CREATE SOURCE j (id BIGINT) FROM KAFKA (connection c, topic '{t}-in-json', batch_time '100ms');
CREATE STREAM sa FROM a;
CREATE STREAM sj FROM j;
CREATE SINK oa INTO KAFKA (connection c, topic '{t}-out-avro', key id, format avro) FROM sa;
CREATE SINK oj INTO KAFKA (connection c, topic '{t}-out-json', key id) FROM sj;
"""


class Registry:
    """What a registry has to do here: keep schemas by number, and go away."""

    def __init__(self):
        self.schemas, self.kinds, self.port = [], [], 0
        self.add('{"type":"record","name":"e","fields":[{"name":"id","type":"long"}]}')
        self.add('{"type":"record","name":"e","doc":"again","fields":[{"name":"id","type":"long"}]}')
        self.back()

    def add(self, text, kind='AVRO'):
        if text not in self.schemas:
            self.schemas.append(text); self.kinds.append(kind)
        return self.schemas.index(text) + 1

    def back(self):
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, code, body):
                text = json.dumps(body).encode()
                self.send_response(code); self.send_header('Content-Type', 'application/vnd.schemaregistry.v1+json'); self.send_header('Content-Length', str(len(text)))
                self.end_headers(); self.wfile.write(text)

            def do_GET(self):
                m = re.match(r'/schemas/ids/(\d+)', self.path)
                if m and int(m[1]) <= len(registry.schemas):
                    text, kind = registry.schemas[int(m[1]) - 1], registry.kinds[int(m[1]) - 1]
                    if 'format=serialized' in self.path and kind == 'PROTOBUF':
                        text = registry.descriptor(text)
                    self.answer(200, {'schema': text, 'schemaType': kind})
                else:
                    self.answer(404, {'error_code': 40403, 'message': 'no such schema'})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                self.answer(200, {'id': registry.add(body['schema'], body.get('schemaType', 'AVRO'))})

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def away(self):
        self.server.shutdown(); self.server.server_close()


class Tail:
    """What comes out of a sink's topic, also of one that is deleted and made again."""

    def __init__(self, brokers, topic, read):
        self.ids, self.twice, self.read, self.names = set(), 0, read, set()
        self.c = Consumer({'bootstrap.servers': brokers, 'group.id': topic, 'auto.offset.reset': 'earliest', 'log_level': 0, 'topic.metadata.refresh.interval.ms': 1000,
                           'allow.auto.create.topics': False})
        self.c.subscribe([topic])
        threading.Thread(target=self.go, daemon=True).start()

    def go(self):
        while True:
            m = self.c.poll(0.2)
            if m is None or m.error():
                continue
            name = dict(m.headers())['dsql-id']
            self.twice += name in self.names
            self.names.add(name); self.ids.add(self.read(m.value()))


def zigzag(n):
    n, out = 2 * n, b''
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def unzigzag(b):
    n = sum((c & 127) << 7 * i for i, c in enumerate(b))
    return n >> 1


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--seconds', type=float, default=120); a.add_argument('--rate', type=float, default=50, help='records a second, of each kind')
    a.add_argument('--dsql', default='bin/dsql')
    o = a.parse_args(); dsql, brokers, t = os.path.abspath(o.dsql), os.environ['DSQL_KAFKA'], 'away-%d' % os.getpid()
    wrong, registry, admin = [], Registry(), AdminClient({'bootstrap.servers': brokers})

    def create(*names):
        for f in admin.create_topics([NewTopic('%s-%s' % (t, n), 1, 1) for n in names]).values():
            f.result()
    create('in-avro', 'in-json', 'out-avro', 'out-json')
    tails = {'avro': Tail(brokers, t + '-out-avro', lambda v: unzigzag(v[6:])), 'json': Tail(brokers, t + '-out-json', lambda v: json.loads(v)['id'])}
    state = {'schema': 1, 'n': 0, 'go': True}

    def produce():
        p = Producer({'bootstrap.servers': brokers, 'linger.ms': 5})
        while state['go']:
            state['n'] += 1
            p.produce(t + '-in-avro', b'\0' + state['schema'].to_bytes(4, 'big') + zigzag(state['n']))
            p.produce(t + '-in-json', json.dumps({'id': state['n']}))
            p.poll(0); time.sleep(1 / o.rate)
        p.flush()

    def until(what, seconds):
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def whole():
        n = state['n'] - o.rate  # but for the last second's
        return until(lambda: all(len(tail.ids) >= n for tail in tails.values()), 60)

    with tempfile.TemporaryDirectory() as d:
        with open(d + '/s.sql', 'w') as f:
            f.write(SCRIPT.format(brokers=brokers, port=registry.port, t=t))
        producer = threading.Thread(target=produce, daemon=True)
        producer.start()
        run = Follower(dsql, 's.sql', 'f.duckdb', d)

        def phase(name, go, back):
            if not whole():
                run.fail('%s: not all had come before' % name)
            size, n = os.path.getsize(run.log), state['n']
            go(); began = time.monotonic()
            time.sleep(o.seconds)
            with open(run.log) as log:
                log.seek(size)
                lines = [line for line in log if 'warning' in line]
            late = state['n'] - len(tails['json'].ids)
            if late > 3 * o.rate:
                wrong.append('%s: JSON is %d records behind' % (name, late))
            if not 1 <= len(lines) <= o.seconds // 60 + 2:
                wrong.append('%s: %d warnings: %s' % (name, len(lines), ''.join(lines[:5])))
            asked = time.monotonic()
            run.end(signal.SIGTERM, 0)
            took = time.monotonic() - asked
            if took > 1:
                wrong.append('%s: SIGTERM took %.2f s' % (name, took))
            run.start(); time.sleep(3)
            back(); came = time.monotonic()
            if not whole():
                run.fail('%s: not all have come since it is back' % name)
            print('%s away for %.0f s: %d warnings, SIGTERM %.2f s, JSON %d of %d records behind, all there %.1f s after it is back' %
                  (name, came - began, len(lines), took, late, state['n'] - n, time.monotonic() - came))

        until(lambda: state['n'] > 5 * o.rate, 60)                             # the run has been at the end of both

        def ask_anew():
            registry.away(); state['schema'] = 2

        def gone():
            for f in admin.delete_topics([t + '-out-avro']).values():
                f.result()
        phase('the registry', ask_anew, registry.back)
        phase("the sink's topic", gone, lambda: create('out-avro'))
        state['go'] = False; producer.join()
        for k, tail in tails.items():
            if not until(lambda: len(tail.ids) == state['n'], 60):
                wrong.append('%s: %d of %d records' % (k, len(tail.ids), state['n']))
        run.end(signal.SIGTERM, 0)
    if wrong:
        sys.exit('\n'.join(['WRONG'] + wrong))
    print('%d records each, none missing; with an id that had come before: %d in Avro, %d in JSON' % (state['n'], tails['avro'].twice, tails['json'].twice))


if __name__ == '__main__':
    main()
