#!/usr/bin/env python3
"""Do Confluent's own deserialisers read what sinks write with a schema registry? A part of `make kafka-test`.

    bench/kafka/broker.sh PYTHON bench/kafka/registered.py [--dsql bin/dsql]

PYTHON has confluent-kafka[avro,json,protobuf,schemaregistry]; with grpcio-tools, too, Protobuf is read. The registry is one of away.py's. Exit code 1
when anything differs."""
import argparse, base64, datetime, decimal, json, os, subprocess, sys, tempfile, uuid
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from away import Registry
try:
    import grpc_tools
    from grpc_tools import protoc
except ImportError:
    protoc = None

SCRIPT = """CREATE CONNECTION c TO KAFKA (brokers '%s', schema_registry 'http://127.0.0.1:%d');
CREATE SOURCE f (id BIGINT, n INTEGER, price DECIMAL(9, 2), huge HUGEINT, x DOUBLE, f FLOAT, b BLOB, day DATE, t TIME, seen TIMESTAMP, u UUID, ok BOOLEAN,
  tags VARCHAR[], m MAP(VARCHAR, INTEGER), s STRUCT(a INTEGER, b VARCHAR[])) FROM FILES ('in.jsonl', format json);
CREATE STREAM st FROM f;
"""
ROW = {'id': 1, 'n': -5, 'price': -12.34, 'huge': 12345678901234567890123, 'x': 1.5, 'f': 0.25, 'b': 'hi', 'day': '2026-01-31', 't': '12:00:00.5',
       'seen': '2026-01-01 10:00:00.123456', 'u': '550e8400-e29b-41d4-a716-446655440000', 'ok': True, 'tags': ['a', 'b'], 'm': {'k': 1}, 's': {'a': 7, 'b': ['z']}}
AVRO = ROW | {'price': decimal.Decimal('-12.34'), 'huge': decimal.Decimal(ROW['huge']), 'b': b'hi', 'day': datetime.date(2026, 1, 31), 't': datetime.time(12, 0, 0, 500000),
              'seen': datetime.datetime(2026, 1, 1, 10, 0, 0, 123456, datetime.timezone.utc), 'u': uuid.UUID(ROW['u'])}
NONE = dict.fromkeys(ROW) | {'id': 2}
DECIMAL = 'syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }'


def compiled(folder, text, *out):
    """What protoc makes of a schema."""
    os.makedirs(folder + '/confluent/type', exist_ok=True)
    for name, body in (('order.proto', text), ('confluent/type/decimal.proto', DECIMAL)):
        with open(os.path.join(folder, name), 'w') as f:
            f.write(body)
    if protoc.main(['protoc', '-I' + folder, '-I' + os.path.join(os.path.dirname(grpc_tools.__file__), '_proto'), *out, 'order.proto', 'confluent/type/decimal.proto']):
        sys.exit('protoc does not take\n' + text)


class Serialised(Registry):
    """Gives Protobuf's schemas as descriptors, too, as Confluent's client asks for them."""

    def descriptor(self, text):
        from google.protobuf import descriptor_pb2
        with tempfile.TemporaryDirectory() as d:
            compiled(d, text, '--descriptor_set_out=' + d + '/o')
            files = descriptor_pb2.FileDescriptorSet()
            with open(d + '/o', 'rb') as f:
                files.ParseFromString(f.read())
        return base64.b64encode(next(f for f in files.file if f.name == 'order.proto').SerializeToString()).decode()


def protobuf(folder, text, registry):
    """The deserialiser of a schema, and what it gives as a dict like ROW."""
    from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
    compiled(folder, text, '--python_out=' + folder)
    sys.path.insert(0, folder)
    import order_pb2
    read = ProtobufDeserializer(order_pb2.Order, {'use.deprecated.format': False}, registry)

    def plain(value, ctx):
        m, number = read(value, ctx), lambda d: int.from_bytes(d.value, 'big', signed=True) / 10 ** d.scale
        out = {k: getattr(m, k) for k in ('id', 'n', 'x', 'f', 'day', 't', 'u', 'ok')}
        return out | {'price': number(m.price), 'huge': int.from_bytes(m.huge.value, 'big', signed=True), 'b': m.b.decode(), 'tags': list(m.tags), 'm': dict(m.m),
                      'seen': m.seen.ToDatetime().isoformat(' '), 's': {'a': m.s.a, 'b': list(m.s.b)}} if m.HasField('n') else NONE | {'id': m.id}
    return plain


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--dsql', default='bin/dsql')
    dsql, brokers, registry, wrong = os.path.abspath(a.parse_args().dsql), os.environ['DSQL_KAFKA'], Serialised(), []
    topics = {f: '%s-%d' % (f, os.getpid()) for f in ['avro', 'json_schema'] + ['protobuf'] * (protoc is not None)}
    admin = AdminClient({'bootstrap.servers': brokers})
    for f in admin.create_topics([NewTopic(t, 1, 1) for t in topics.values()]).values():
        f.result()
    client = SchemaRegistryClient({'url': 'http://127.0.0.1:%d' % registry.port})
    with tempfile.TemporaryDirectory() as d:
        with open(d + '/s.sql', 'w') as f:
            f.write(SCRIPT % (brokers, registry.port))
            for fmt, topic in topics.items():
                f.write("CREATE SINK k_%s INTO KAFKA (connection c, topic '%s', key id, format %s, record 'shop.Order') FROM st;\n" % (fmt, topic, fmt))
        with open(d + '/in.jsonl', 'w') as f:
            f.write(json.dumps(ROW) + '\n{"id":2}\n')
        subprocess.run([dsql, 'run', 's.sql', '--quiet'], cwd=d, check=True)
        for fmt, topic in topics.items():
            c = Consumer({'bootstrap.servers': brokers, 'group.id': topic, 'auto.offset.reset': 'earliest'})
            c.subscribe([topic])
            for want in (AVRO if fmt == 'avro' else ROW, NONE):
                m = c.poll(30)
                if m is None or m.error():
                    sys.exit('%s: no record: %s' % (fmt, m and m.error()))
                text = registry.schemas[int.from_bytes(m.value()[1:5], 'big') - 1]
                read = {'avro': lambda: AvroDeserializer(client), 'json_schema': lambda: JSONDeserializer(text), 'protobuf': lambda: protobuf(d, text, client)}[fmt]()
                got = read(m.value(), SerializationContext(topic, MessageField.VALUE))
                if got != want:
                    wrong.append('%s: %s, wanted %s' % (fmt, got, want))
                if fmt == 'avro' and (key := read(m.key(), SerializationContext(topic, MessageField.KEY))) != want['id']:
                    wrong.append('the key in Avro: %r' % key)
            c.close()
    if wrong:
        sys.exit('\n'.join(['WRONG'] + wrong))
    print("Confluent's deserialisers read %s as they were written%s" % (', '.join(topics), '' if protoc else '; Protobuf is skipped, there is no grpcio-tools'))


if __name__ == '__main__':
    main()
