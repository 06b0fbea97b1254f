package main

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const twoParts = `
CREATE SOURCE ev (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}'@options@);
CREATE STREAM s FROM ev;
`

// with puts options into a script.
func with(script, options string) string { return strings.Replace(script, "@options@", options, 1) }

// junk puts a batch of n records into a partition that says it is packed by gzip, and isn't.
func (k *kafka) junk(partition int32, n int) {
	k.t.Helper()
	b := kmsg.RecordBatch{PartitionLeaderEpoch: -1, Magic: 2, Attributes: 1, LastOffsetDelta: int32(n - 1), ProducerID: -1, ProducerEpoch: -1,
		FirstSequence: -1, NumRecords: int32(n), Records: []byte("no gzip")}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 5000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = k.topic
	m, err := k.adm.Metadata(k.ctx(), k.topic)
	k.must(err)
	t.TopicID = m.Topics[k.topic].ID
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, raw
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	res, err := k.cl.Broker(int(m.Topics[k.topic].Partitions[partition].Leader)).Request(k.ctx(), req)
	k.must(err)
	k.must(kerr.ErrorForCode(res.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode))
}

func (k *kafka) to(partition int32, values ...string) {
	k.t.Helper()
	for _, v := range values {
		k.record(&kgo.Record{Partition: partition, Value: []byte(v)})
	}
}

// A batch that can't be read: the run takes all else and ends with an error, or goes over it with a gap. Never does it stand still.
func TestKafkaBadBatch(t *testing.T) {
	for _, c := range []struct{ name, options string }{{"fail", ""}, {"skip", ", on_bad_batch skip"},
		{"group", ", on_bad_batch skip, group '{topic}'"}} {
		t.Run(c.name, func(t *testing.T) {
			k := newKafka(t, 2, true)
			k.script(with(twoParts, c.options))
			k.to(0, `{"id":1}`)
			k.junk(0, 3)
			k.to(0, `{"id":2}`)
			k.to(1, `{"id":1000}`)
			if c.name == "fail" {
				k.fails(1, "partition 0: the batch at offset 1 can't be read")
				k.is("SELECT id FROM s ORDER BY id", "1\n1000")
				k.to(1, `{"id":1001}`)
				k.fails(1, "[bad-batch]")
				k.is("SELECT id FROM s ORDER BY id", "1\n1000\n1001")
				k.is("SELECT count(*) FROM dsql.gaps", "0")
				k.script(with(twoParts, ", on_bad_batch skip"))
			}
			k.runs()
			k.is("SELECT count(*) FROM s WHERE id < 100", "2")
			k.is("SELECT partition, from_offset, to_offset FROM dsql.gaps", "0|1|4")
			k.is("SELECT next_offset FROM dsql.offsets WHERE partition = 0", "5")
			k.runs()
			k.is("SELECT count(*) FROM dsql.gaps", "1")
		})
	}
}

func TestKafkaBadBatchFollows(t *testing.T) {
	for name, options := range map[string]string{"fail": ", batch_time '10ms'", "skip": ", on_bad_batch skip, batch_time '10ms'"} {
		t.Run(name, func(t *testing.T) {
			k := newKafka(t, 2, true)
			k.script(with(twoParts, options))
			k.to(0, `{"id":1}`)
			f := k.follow()
			f.sees(`"event":"version"`, 1)
			k.junk(0, 1)
			if name == "fail" {
				f.cmd.Wait()
				if code := f.cmd.ProcessState.ExitCode(); code != 1 {
					t.Errorf("exit code %d\n%s", code, f.said())
				}
				return
			}
			f.sees("bad-batch", 1)
			k.to(0, `{"id":2}`)
			f.sees(`"event":"version"`, 2)
			if code := f.ends(syscall.SIGTERM); code != 0 {
				t.Errorf("exit code %d\n%s", code, f.said())
			}
			k.is("SELECT from_offset, to_offset FROM dsql.gaps", "1|2")
			k.is("SELECT id FROM s ORDER BY id", "1\n2")
		})
	}
}

// SIGTERM ends a run that waits for its first end, with or without --follow.
func TestKafkaStopsWhileItWaits(t *testing.T) {
	for name, want := range map[string]int{"--follow": 0, "--dry-run=false": 130} {
		t.Run(name, func(t *testing.T) {
			k := newKafka(t, 1, true)
			k.script(with(twoParts, ""))
			k.to(0, `{"id":1}`)
			asked := make(chan struct{})
			var before atomic.Bool
			k.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
				k.fake.KeepControl()
				if !before.Swap(true) {
					close(asked)
				}
				return req.ResponseKind(), nil, true // nothing, for ever
			})
			f := k.start("run", "s.sql", name)
			<-asked
			if code := f.ends(syscall.SIGTERM); code != want {
				t.Errorf("exit code %d, want %d\n%s", code, want, f.said())
			}
		})
	}
}

// Brokers that go away before the first end was reached: that is told at once, not with the next batch.
func TestKafkaWarnsWhileItCatchesUp(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(with(twoParts, ""))
	k.to(0, `{"id":1}`)
	k.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		go k.fake.Close()
		return nil, nil, false
	})
	f := k.follow()
	f.sees("broker-unreachable", 1)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
}
