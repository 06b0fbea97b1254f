package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fieldTopic is a line of topics.jsonl: with partitions a topic, with deleted_to records that are taken away, else a record.
type fieldTopic struct {
	Topic      string
	Partitions int32
	Config     map[string]string
	DeletedTo  int64 `json:"deleted_to"`

	Partition int32
	Key       *string // what isn't there is null; key_hex and value_hex are bytes
	KeyHex    *string `json:"key_hex"`
	fieldValue
	Timestamp   int64 // milliseconds
	Compression string
	Headers     []struct {
		Key string
		fieldValue
	}
}

type fieldValue struct {
	Value    *string
	ValueHex *string `json:"value_hex"`
}

func (v fieldValue) bytes(t *testing.T) []byte { return fieldBytes(t, v.Value, v.ValueHex) }

func fieldBytes(t *testing.T, text, digits *string) []byte {
	switch {
	case text != nil:
		return []byte(*text)
	case digits == nil:
		return nil
	}
	b, err := hex.DecodeString(*digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var fieldCodecs = map[string]kgo.CompressionCodec{"": kgo.NoCompression(), "none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}

// fieldBrokers starts a cluster with a case's topics, and gives what the environment says of it; nothing for a case without topics.
func fieldBrokers(t *testing.T, dir string) []string {
	f, err := os.Open(filepath.Join(dir, "topics.jsonl"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	brokers := fake.ListenAddrs()[0]
	clients := map[string]*kgo.Client{}
	client := func(compression string) *kgo.Client {
		codec, ok := fieldCodecs[compression]
		if !ok {
			t.Fatalf("no compression %s", compression)
		}
		if clients[compression] == nil {
			cl, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cl.Close)
			clients[compression] = cl
		}
		return clients[compression]
	}
	for in := bufio.NewScanner(f); in.Scan(); {
		var l fieldTopic
		d := json.NewDecoder(strings.NewReader(in.Text()))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%v: %s", err, in.Text())
		}
		switch {
		case l.Partitions > 0:
			config := map[string]*string{}
			for k, v := range l.Config {
				config[k] = &v
			}
			_, err = kadm.NewClient(client("")).CreateTopic(t.Context(), l.Partitions, 1, config, l.Topic)
		case l.DeletedTo > 0:
			err = fake.DeleteRecords(l.Topic, l.Partition, l.DeletedTo)
		default:
			r := &kgo.Record{Topic: l.Topic, Partition: l.Partition, Key: fieldBytes(t, l.Key, l.KeyHex), Value: l.bytes(t)}
			if l.Timestamp > 0 {
				r.Timestamp = time.UnixMilli(l.Timestamp)
			}
			for _, h := range l.Headers {
				r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.bytes(t)})
			}
			err = client(l.Compression).ProduceSync(t.Context(), r).FirstErr()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return []string{"BROKERS=" + brokers}
}
