package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// Records of Avro are read by the schema they were written with; one that isn't good is a reject with what was understood of it, and
// a registry that is gone stops the run without a loss.
func TestKafkaAvro(t *testing.T) {
	k := newKafka(t, 1, false)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeAvro,
		Schema: `{"type":"record","name":"o","fields":[{"name":"id","type":"long"},{"name":"city","type":["null","string"]}]}`})
	reg.SeedSchema("v", 2, 2, sr.Schema{Type: sr.TypeAvro,
		Schema: `{"type":"record","name":"o","fields":[{"name":"city","type":"string"},{"name":"id","type":"int"},{"name":"extra","type":"int"}]}`})
	source := func(url string) {
		k.script("CREATE CONNECTION c TO KAFKA (brokers '" + k.brokers + "', schema_registry '" + url + "');\n" +
			"CREATE SOURCE s (id INTEGER, city VARCHAR) FROM KAFKA (connection c, topic '" + k.topic + "', format avro);\nCREATE STREAM d FROM s;")
	}
	source(reg.URL())
	k.put("\x00\x00\x00\x00\x01\x02\x02\x08Oslo", "\x00\x00\x00\x00\x02\x08Lima\x04\x06", "\x00\x00\x00\x00\x01\x06\x00",
		"\x00\x00\x00\x00\x01\x80\x80\x80\x80\x80\x02\x02\x08Rome", "\x00\x00\x00\x00\x09\x02", "{}")
	k.runs()
	k.is("SELECT id, city FROM d ORDER BY id", "1|Oslo\n2|Lima\n3|NULL")
	k.is(`SELECT meta."offset", reason, data FROM dsql.rejects ORDER BY 1`, `3|bad_record: id: 34359738368 is out of range for INTEGER|{"id":null,"city":"Rome"}
4|bad_record: unknown schema id 9|NULL
5|bad_record: no Avro with a schema id: 2 bytes|NULL`)

	gone := srfake.New()
	gone.Close()
	source(gone.URL())
	k.put("\x00\x00\x00\x00\x01\x08\x00")
	k.fails(4, "the schema registry can't be reached")
	k.is("SELECT count(*) FROM d", "3")
	source(reg.URL())
	k.runs()
	k.is("SELECT max(id) FROM d", "4")

	k.put("\x00\x00\x00\x00\x02\x08Lima\x04\x06")
	text, code := k.dsql("inspect", "kafka://"+k.brokers+"/"+k.topic, "--schema-registry", reg.URL())
	if code != 0 || !strings.Contains(text, "  city VARCHAR,\n  id INTEGER,\n  extra INTEGER\n) FROM KAFKA (connection ") {
		t.Errorf("exit code %d\n%s\n%s", code, text, k.lastErrOutput)
	}
}

// Keys that a registry's serialisers wrote: Avro's records and single values, of tombstones too; JSON with the schema's number before it.
func TestKafkaRegistryKeys(t *testing.T) {
	k := newKafka(t, 1, true)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"o","fields":[{"name":"city","type":"string"}]}`})
	reg.SeedSchema("k", 1, 2, sr.Schema{Type: sr.TypeAvro,
		Schema: `{"type":"record","name":"key","fields":[{"name":"id","type":"long"},{"name":"part","type":"string"}]}`})
	reg.SeedSchema("l", 1, 3, sr.Schema{Type: sr.TypeAvro, Schema: `"long"`})
	k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.URL() + "');\n" +
		"CREATE SOURCE a (id BIGINT FROM KEY '$.id', whole VARCHAR FROM KEY, raw BLOB FROM KEY, city VARCHAR) FROM KAFKA (connection c, topic " +
		"'{topic}', format avro) ON SCHEMA CHANGE FAIL;\nCREATE STREAM s AS SELECT *, _meta.tombstone AS gone FROM a;")
	key := func(b string) *kgo.Record {
		return &kgo.Record{Key: []byte(b), Value: []byte("\x00\x00\x00\x00\x01\x08Oslo")}
	}
	k.record(key("\x00\x00\x00\x00\x02\x0e\x02x"))
	k.record(key("\x00\x00\x00\x00\x03\x10"))
	k.record(key("12"))
	k.record(key("\x00\x00\x00\x00\x09\x10"))
	gone := key("\x00\x00\x00\x00\x02\x0e\x02x")
	gone.Value = nil
	k.record(gone)
	k.runs()
	k.is("SELECT id, whole, city, gone FROM s ORDER BY ALL",
		"7|{\"id\":7,\"part\":\"x\"}|Oslo|false\n7|{\"id\":7,\"part\":\"x\"}|NULL|true\nNULL|8|Oslo|false")
	k.is("SELECT reason FROM dsql.rejects ORDER BY ALL", "bad_record: the key: not an object: 12\nbad_record: the key: unknown schema id 9")

	k.args = []string{"--db", "json.duckdb"}
	k.create(k.topic+"-json", 1)
	k.script("CREATE SOURCE j (id BIGINT FROM KEY '$.id', whole VARCHAR FROM KEY, n BIGINT) FROM KAFKA (brokers '{brokers}', topic " +
		"'{topic}-json');\nCREATE STREAM t FROM j;")
	for _, r := range []*kgo.Record{{Key: []byte("\x00\x00\x00\x00\x05{\"id\":1}"), Value: []byte("\x00\x00\x00\x00\x06{\"n\":2}")},
		{Key: []byte("\x00\x00\x00\x00\x05{\"id\":1}")}} {
		r.Topic = k.topic + "-json"
		k.record(r)
	}
	k.runs()
	k.is("SELECT id, whole, n FROM t ORDER BY ALL", "1|{\"id\":1}|2\n1|{\"id\":1}|NULL")
}

// A key is read by the kind of its own schema, whatever format values have: messages, Avro, JSON; one of no schema is a text where values
// need no registry. A header names its schema, too.
func TestKafkaRegistryKeysOfEveryKind(t *testing.T) {
	k := newKafka(t, 1, true)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	const message = `syntax = "proto3"; message Other { string x = 1; } message Key { int64 id = 1; string part = 2; }`
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message V { int32 n = 1; }`})
	reg.SeedSchema("p", 1, 2, sr.Schema{Type: sr.TypeProtobuf, Schema: message})
	reg.SeedSchema("a", 1, 3, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"key","fields":[{"name":"id","type":"long"}]}`})
	reg.SeedSchema("j", 1, 4, sr.Schema{Type: sr.TypeJSON, Schema: `{"type":"object"}`})
	const at = "\x00\x00\x00\x00"
	for format, value := range map[string]string{"protobuf": at + "\x01\x00\x08\x05", "json": `{"n":5}`} {
		topic := k.topic + "." + format
		k.create(topic, 1)
		k.args = []string{"--db", format + ".duckdb"}
		k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.URL() + "');\n" +
			"CREATE SOURCE a (id BIGINT FROM KEY '$.id', whole VARCHAR FROM KEY, raw BLOB FROM KEY, n INTEGER) FROM KAFKA (connection c, topic '" +
			topic + "', format " + format + ");\nCREATE STREAM s AS SELECT *, octet_length(raw) AS bytes, _meta.tombstone AS gone FROM a;")
		for _, key := range []string{at + "\x02\x02\x02\x08\x07\x12\x01x", at + "\x03\x10", at + "\x04{\"id\":9}", `{"id":10}`,
			at + "\x07{\"id\":11}", at + "\x02\x02\x02\x08"} {
			k.record(&kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)})
		}
		r := headed("\x08\x0c", value, "__key_schema_id", at+"\x02\x02\x02")
		r.Topic = topic
		if format == "protobuf" {
			r.Value = nil
		}
		k.record(r)
		k.runs()
		rows, bad := `7|{"id":7,"part":"x"}|12|5|false
8|{"id":8}|6|5|false
9|{"id":9}|13|5|false
10|{"id":10}|9|5|false
`, "bad_record: the key: no Protobuf of its schema: Key ends in its field 1"
		if format == "json" {
			rows += "11|{\"id\":11}|14|5|false\n12|{\"id\":12,\"part\":\"\"}|2|5|false"
		} else {
			rows, bad = rows+"12|{\"id\":12,\"part\":\"\"}|2|NULL|true", "bad_record: the key: unknown schema id 7\n"+bad
		}
		k.is("SELECT id, whole, bytes, n, gone FROM s ORDER BY id", rows)
		k.is("SELECT reason FROM dsql.rejects ORDER BY id", bad)
	}
}

// A registry that is away while a run follows is waited for, and said once; others go on.
func TestKafkaWaitsForRegistry(t *testing.T) {
	k := newKafka(t, 1, true)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"o","fields":[{"name":"id","type":"long"}]}`})
	reg.SeedSchema("v", 2, 2, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"o","fields":[{"name":"id","type":"int"}]}`})
	var away atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Error(w, `{"error_code":50301,"message":"starting"}`, http.StatusServiceUnavailable)
			return
		}
		res, err := http.Get(reg.URL() + r.URL.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
		io.Copy(w, res.Body)
	}))
	t.Cleanup(proxy.Close)
	k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + proxy.URL +
		"');\nCREATE SOURCE a (id BIGINT) FROM KAFKA (connection c, topic '{topic}', format avro, batch_time '10ms');\nCREATE STREAM s FROM a;\n" +
		"CREATE SOURCE others (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}.others', batch_time '10ms');\nCREATE STREAM o FROM others;")
	k.create(k.topic+".others", 1)
	k.put("\x00\x00\x00\x00\x01\x02")
	f := k.follow()
	f.sees(`"event":"version"`, 1)
	away.Store(true)
	k.put("\x00\x00\x00\x00\x02\x04")
	f.sees("registry-unreachable", 1)
	k.record(&kgo.Record{Topic: k.topic + ".others", Value: []byte(`{"id":3}`)})
	f.sees(`"event":"version"`, 2)
	away.Store(false)
	f.sees(`"event":"version"`, 3)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	k.is("SELECT id FROM s ORDER BY id", "1\n2")
}
