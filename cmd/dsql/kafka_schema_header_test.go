package main

import (
	"encoding/hex"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

func guidText(t *testing.T, reg *srfake.Registry, subject string, version int) string {
	t.Helper()
	s, ok := reg.GetSchema(subject, version)
	if !ok || len(s.GUID) != 36 {
		t.Fatalf("%v %q", ok, s.GUID)
	}
	return s.GUID
}

// guid is what a header says of a version of a subject's schema: a one, and its GUID.
func guid(t *testing.T, reg *srfake.Registry, subject string, version int) string {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(guidText(t, reg, subject, version), "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	return "\x01" + string(b)
}

// headed is a record whose schemas stand in headers: names and values in turn.
func headed(key, value string, headers ...string) *kgo.Record {
	r := &kgo.Record{Key: []byte(key), Value: []byte(value)}
	if key == "" {
		r.Key = nil
	}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	return r
}

const keyHeader, valueHeader = "__key_schema_id", "__value_schema_id"

// Serialisers may name the schema in a header, by its number or its GUID, and leave the value as it is. The header goes before what seems
// to stand in front of the value; what it says that can't be is a reject, which is read by its header when it comes again.
func TestKafkaSchemaHeaders(t *testing.T) {
	k := newKafka(t, 1, false)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeAvro,
		Schema: `{"type":"record","name":"o","fields":[{"name":"id","type":"long"},{"name":"city","type":["null","string"]}]}`})
	reg.SeedSchema("v", 2, 2, sr.Schema{Type: sr.TypeAvro,
		Schema: `{"type":"record","name":"o","fields":[{"name":"city","type":"string"},{"name":"id","type":"int"}]}`})
	reg.SeedSchema("p", 1, 3, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message M { int32 a = 1; }`})
	reg.SeedSchema("k", 1, 4, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"key","fields":[{"name":"part","type":"long"}]}`})
	source := func(id string) {
		k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.URL() + "');\n" +
			"CREATE SOURCE s (id " + id + ", city VARCHAR, part BIGINT FROM KEY '$.part', whole BLOB FROM KEY) FROM KAFKA (connection c, topic " +
			"'{topic}', format avro);\n" +
			"CREATE STREAM d AS SELECT * REPLACE (id::INTEGER AS id), _meta.\"offset\" AS n FROM s;")
	}
	source("TINYINT")
	v1, v2, key := guid(t, reg, "v", 1), guid(t, reg, "v", 2), guid(t, reg, "k", 1)
	id1, id2, key4 := "\x00\x00\x00\x00\x01", "\x00\x00\x00\x00\x02", "\x00\x00\x00\x00\x04"
	for _, r := range []*kgo.Record{
		headed("", "\x02\x02\x08Oslo", valueHeader, v1),
		headed("", id1+"\x04\x00"),
		headed("", "\x08Lima\x06", valueHeader, id2, "other", v1),
		headed("\x0e", "\x08Rome\x08", keyHeader, key, valueHeader, v2),
		headed(key4+"\x10", "\x0a\x00", valueHeader, v1),
		headed("", "\x08Bonn\x0c", valueHeader, v1, valueHeader, v2),        // the last of a name
		headed("", "\x00\x00", valueHeader, v1),                             // no name of a schema, though it begins with a zero
		headed("", id1+"\x04\x00", valueHeader, v1),                         // twice: the header goes before
		headed("", "\x90\x4e\x00", valueHeader, v1),                         // 5000
		headed("\x0e", "\x90\x4e\x00", keyHeader, key, valueHeader, v1),     // with a key
		headed("", "\x02\x00", valueHeader, "\x01"+strings.Repeat("z", 16)), // unknown
		headed("", "\x02\x00", valueHeader, "\x00\x00\x00\x00\x09"),
		headed("", "\x02\x00", valueHeader, "\x02\x00\x00\x00\x01"),
		headed("", "\x02\x00", valueHeader, ""),
		headed("", "\x02\x00", valueHeader, v1+"\x00"),
		headed("", "\x02\x00", valueHeader, guid(t, reg, "p", 1)),
		headed("\x0e\x0e", "\x02\x00", keyHeader, key, valueHeader, v1),
		headed("", "\x02\x00", keyHeader, v1),
	} {
		k.record(r)
	}
	gone := headed("\x0e", "", keyHeader, key)
	gone.Value = nil
	k.record(gone)
	empty := headed("", id1+"\x10\x00", valueHeader, "")
	empty.Headers[0].Value = nil // says nothing
	k.record(empty)
	k.runs()
	k.is("SELECT n, id, city, part, hex(whole) FROM d ORDER BY n", `0|1|Oslo|NULL|NULL
1|2|NULL|NULL|NULL
2|3|Lima|NULL|NULL
3|4|Rome|7|0E
4|5|NULL|8|000000000410
5|6|Bonn|NULL|NULL
6|0|NULL|NULL|NULL
18|NULL|NULL|7|0E
19|8|NULL|NULL|NULL`)
	const rejected = `SELECT meta."offset", reason FROM dsql.rejects WHERE replayed_at IS NULL ORDER BY 1`
	lasting := `10|bad_record: unknown schema GUID 7a7a7a7a-7a7a-7a7a-7a7a-7a7a7a7a7a7a
11|bad_record: unknown schema id 9
12|bad_record: no Avro with a schema id: the header for it has the 5 bytes 0200000001
13|bad_record: no Avro with a schema id: the header for it has the 0 bytes 
14|bad_record: no Avro with a schema id: 1 bytes follow it in its header
15|bad_record: schema GUID ` + guidText(t, reg, "p", 1) + ` is of PROTOBUF, not of AVRO
16|bad_record: the key: no Avro of its schema: 1 bytes follow the value
17|bad_record: no Avro with a schema id: 2 bytes`
	k.is(rejected, "7|bad_record: no Avro of its schema: 5 bytes follow the value\n8|bad_record: id: 5000 is out of range for "+
		"TINYINT\n9|bad_record: id: 5000 is out of range for TINYINT\n"+lasting)
	k.is("SELECT hex(payload) FROM dsql.rejects WHERE meta.\"offset\" = 8", "904E00")

	source("SMALLINT")
	k.runs()
	if _, code := k.dsql("exec", "REPLAY REJECTS FROM s"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, k.lastErrOutput)
	}
	k.is("SELECT n, id, city, part, hex(whole) FROM d WHERE n IN (7, 8, 9) ORDER BY n", "8|5000|NULL|NULL|NULL\n9|5000|NULL|7|0E")
	k.is(rejected, "7|bad_record: no Avro of its schema: 5 bytes follow the value\n"+lasting)

	k.record(headed("", "\x08Lima\x06", valueHeader, v2))
	text, code := k.dsql("inspect", "kafka://"+k.brokers+"/"+k.topic, "--schema-registry", reg.URL())
	if code != 0 || !strings.Contains(text, "  city VARCHAR,\n  id INTEGER\n) FROM KAFKA (connection ") {
		t.Errorf("exit code %d\n%s\n%s", code, text, k.lastErrOutput)
	}
}

// In Protobuf the numbers of the message stand behind the schema's name, in the header; JSON is read without asking the registry.
func TestKafkaSchemaHeadersOthers(t *testing.T) {
	k := newKafka(t, 1, false)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("p", 1, 1, sr.Schema{Type: sr.TypeProtobuf,
		Schema: `syntax = "proto3"; message Customer { uint64 number = 1; } message Order { int64 id = 1; }`})
	k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.URL() + "');\n" +
		"CREATE SOURCE s (id SMALLINT, number BIGINT) FROM KAFKA (connection c, topic '{topic}', format protobuf);\nCREATE STREAM d FROM s;")
	p := guid(t, reg, "p", 1)
	for _, r := range []*kgo.Record{
		headed("", "\x08\x01", valueHeader, p+"\x02\x02"),
		headed("", "\x08\x02", valueHeader, p+"\x00"),
		headed("", "\x08\x03", valueHeader, "\x00\x00\x00\x00\x01\x02\x02"),
		headed("", "\x00\x00\x00\x00\x01\x02\x02\x08\x04"),
		headed("", "\x08\x05", valueHeader, p+"\x02\x02"),
		headed("", "", valueHeader, p+"\x02\x02"), // a message of nothing
		headed("", "\x08\x06", valueHeader, p),
		headed("", "\x08\x06", valueHeader, p+"\x02\x02\x02"),
		headed("", "\x08\x06", valueHeader, p+"\x02\x0a"),
		headed("", "\x00\x00\x00\x00\x01\x02\x02\x08\x04", valueHeader, p+"\x02\x02"),
	} {
		k.record(r)
	}
	k.runs()
	k.is("SELECT id, number FROM d ORDER BY ALL", "0|NULL\n1|NULL\n3|NULL\n4|NULL\n5|NULL\nNULL|2")
	k.is(`SELECT meta."offset", reason FROM dsql.rejects ORDER BY 1`, `6|bad_record: no Protobuf with a schema id: the numbers of its message can't be read
7|bad_record: no Protobuf with a schema id: 1 bytes follow it in its header
8|bad_record: schema GUID `+guidText(t, reg, "p", 1)+`: it has no message [5]
9|bad_record: no Protobuf of its schema: no tag of a field at byte 0 of Order`)

	k.args = []string{"--db", "json.duckdb"}
	k.create(k.topic+"-json", 1)
	k.script("CREATE SOURCE j (id BIGINT FROM KEY '$.id', n BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}-json');\nCREATE STREAM " +
		"t FROM j;")
	r := headed(`{"id":1}`, `{"n":2}`, keyHeader, p, valueHeader, p)
	r.Topic = k.topic + "-json"
	k.record(r)
	k.runs()
	k.is("SELECT id, n FROM t", "1|2")
}

// A registry that is away when a GUID is looked up is waited for; one that knows no GUIDs, as those before Confluent's 8.0, makes a reject.
func TestKafkaSchemaHeaderRegistry(t *testing.T) {
	k := newKafka(t, 1, true)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"o","fields":[{"name":"id","type":"long"}]}`})
	const away, old = 1, 2
	var is atomic.Int32
	reg.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case is.Load() == away:
			http.Error(w, `{"error_code":50301,"message":"starting"}`, http.StatusServiceUnavailable)
		case is.Load() == old && strings.HasPrefix(r.URL.Path, "/schemas/guids/"):
			http.Error(w, `{"error_code":404,"message":"HTTP 404 Not Found"}`, http.StatusNotFound)
		default:
			return false
		}
		return true
	})
	k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.URL() +
		"');\nCREATE SOURCE a (id BIGINT) FROM KAFKA (connection c, topic '{topic}', format avro, batch_time '10ms');\nCREATE STREAM s FROM a;")
	is.Store(old)
	k.record(headed("", "\x02", valueHeader, guid(t, reg, "v", 1)))
	k.put("\x00\x00\x00\x00\x01\x04")
	k.runs()
	k.is("SELECT id FROM s", "2")
	k.is("SELECT reason FROM dsql.rejects",
		"bad_record: schema GUID "+guidText(t, reg, "v", 1)+": the registry knows no schemas by GUID (Confluent's does from 8.0 on)")

	is.Store(away)
	f := k.follow()
	k.record(headed("", "\x06", valueHeader, guid(t, reg, "v", 1)))
	f.sees("registry-unreachable", 1)
	is.Store(0)
	f.sees(`"event":"version"`, 1)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	k.is("SELECT id FROM s ORDER BY id", "2\n3")
	if _, code := k.dsql("exec", "REPLAY REJECTS FROM a"); code != 0 { // it is newer now
		t.Fatalf("exit code %d\n%s", code, k.lastErrOutput)
	}
	k.is("SELECT id FROM s ORDER BY id", "1\n2\n3")
}

// Where a registry isn't asked by GUIDs and answers with them, a schema is found among those of the topic.
func TestKafkaSchemaHeaderSubject(t *testing.T) {
	k := newKafka(t, 1, true)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	for v, field := range []string{"id", "n", "other"} {
		reg.SeedSchema(k.topic+"-value", v+1, v+1,
			sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"o","fields":[{"name":"` + field + `","type":"long"}]}`})
	}
	var asked atomic.Int32
	reg.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/schemas/guids/") {
			asked.Add(1)
			return false
		}
		http.Error(w, `{"error_code":404,"message":"HTTP 404 Not Found"}`, http.StatusNotFound)
		return true
	})
	k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.URL() + "');\n" +
		"CREATE SOURCE a (id BIGINT, n BIGINT) FROM KAFKA (connection c, topic '{topic}', format avro);\nCREATE STREAM s FROM a;")
	k.record(headed("", "\x02", valueHeader, guid(t, reg, k.topic+"-value", 1)))
	k.record(headed("", "\x04", valueHeader, guid(t, reg, k.topic+"-value", 2)))
	for i := range 20 {
		k.record(headed("", "\x06", valueHeader, "\x01"+strings.Repeat(string(rune('a'+i)), 16)))
	}
	k.runs()
	k.is("SELECT id, n FROM s ORDER BY ALL", "1|NULL\nNULL|2")
	k.is("SELECT count(*) FROM dsql.rejects WHERE reason LIKE '%the registry knows no schemas by GUID%'", "20")
	if n := asked.Load(); n > 20 { // six a look
		t.Errorf("the registry was asked %d times", n)
	}
}
