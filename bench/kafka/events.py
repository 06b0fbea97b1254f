#!/usr/bin/env python3
"""Produces `orders` events of about 250 bytes by librdkafka, the same values every time.

    bench/kafka/events.py TOPIC [--n 1000000] [--partitions 4] [--bad 0.001] [--compression lz4] [--first 0] [--rate 20000]

Needs confluent-kafka and DSQL_KAFKA, the broker's address (see broker.sh). Makes the topic where it isn't there. An event:

    {"id":"o000000000007","customer_id":1234,"email":"Customer1234@Example.com","amount":56.78,"status":"paid",
     "ts":"2026-01-01T00:00:07.000Z","address":{"city":"Oslo","zip":"00007"},"note":"…"}

One in twenty amounts is negative. A bad event has an amount that is no number ("n/a"). Event i goes to partition i % partitions."""
import argparse, os, sys, time

STATUS, CITIES = ('new', 'paid', 'shipped', 'done', 'void'), ('Oslo', 'Lima', 'Pune', 'Kyiv', 'Rome', 'Jena')
NOTE = 'left at the door, second bell; call before noon when it rains or snows'


def mixed(i):
    """A fixed number in [0, 2^32) that looks random."""
    i = (i * 2654435761 + 12345) & 0xffffffff
    return (i ^ i >> 15) * 2246822519 & 0xffffffff


def amount_of(i):
    m = mixed(i ^ 0x5bd1e995)                                                # not bound to the customer
    return m % 50000 - (50000 if m % 20 == 0 else 0)


def event(i, bad=0.0):
    m = mixed(i)
    cents = amount_of(i)
    amount = '"n/a"' if mixed(i + 7) < bad * 4294967296 else '%.2f' % (cents / 100)
    t = i // 1000
    return (f'{{"id":"o{i:012d}","customer_id":{m % 50000},"email":"Customer{m % 50000}@Example.com","amount":{amount},"status":"{STATUS[m % 5]}",'
            f'"ts":"2026-01-01T{t // 3600 % 24:02d}:{t // 60 % 60:02d}:{t % 60:02d}.{i % 1000:03d}Z","address":{{"city":"{CITIES[m % 6]}","zip":"{m % 99999:05d}"}},"note":"{NOTE[:40 + m % 30]}"}}').encode()


def kept(i):
    """Is event i, when it isn't bad, one whose amount isn't negative?"""
    return amount_of(i) >= 0


def make_topic(topic, partitions):
    from confluent_kafka.admin import AdminClient, NewTopic
    from confluent_kafka import KafkaException, KafkaError
    admin = AdminClient({'bootstrap.servers': os.environ['DSQL_KAFKA'], 'log_level': 3})       # the futures die with it
    try:
        admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result()
    except KafkaException as e:
        if e.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def produce(topic, n, partitions=4, bad=0.0, compression='lz4', first=0, rate=0):
    """Events first … first+n-1; returns when the broker has them all. rate: at most so many a second."""
    from confluent_kafka import Producer
    make_topic(topic, partitions)
    failed = []
    p = Producer({'bootstrap.servers': os.environ['DSQL_KAFKA'], 'compression.type': compression, 'linger.ms': 20, 'batch.size': 500_000,
                  'queue.buffering.max.messages': 500_000, 'enable.idempotence': True, 'log_level': 3, 'on_delivery': lambda err, _: err and failed.append(err)})
    began = time.monotonic()
    for i in range(first, first + n):
        while True:
            try:
                p.produce(topic, event(i, bad), partition=i % partitions)
                break
            except BufferError:
                p.poll(0.1)
        if i % 1000 == 0:
            p.poll(0)
            while rate and (ahead := (i - first) / rate - (time.monotonic() - began)) > 0:
                p.poll(ahead)
    p.flush()
    if failed:
        sys.exit('not delivered: %d, the first because: %s' % (len(failed), failed[0]))


if __name__ == '__main__':
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('topic'); a.add_argument('--n', type=int, default=1_000_000); a.add_argument('--partitions', type=int, default=4)
    a.add_argument('--bad', type=float, default=0.0, help='share of bad events, 0 … 1'); a.add_argument('--first', type=int, default=0)
    a.add_argument('--compression', default='lz4', choices=['none', 'lz4', 'zstd', 'snappy', 'gzip']); a.add_argument('--rate', type=int, default=0, help='at most so many a second')
    o = a.parse_args()
    produce(o.topic, o.n, o.partitions, o.bad, o.compression, o.first, o.rate)
