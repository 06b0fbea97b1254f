package main

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// Messages of Protocol Buffers are read by the schema they were written with: an older one without a field, another message of the file.
// One that isn't good is a reject with what was understood of it, and its bytes are replayed once the declaration takes them.
func TestKafkaProtobuf(t *testing.T) {
	k := newKafka(t, 1, false)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message Order { int64 id = 1; }`})
	reg.SeedSchema("v", 2, 2, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; import "google/protobuf/timestamp.proto"; ` +
		`message Customer { uint64 number = 1; }
		message Order { int64 id = 1; optional string city = 2; repeated double prices = 3; google.protobuf.Timestamp placed_at = 4; int32 extra = 5; }`})
	source := func(id string) {
		k.script("CREATE CONNECTION c TO KAFKA (brokers '" + k.brokers + "', schema_registry '" + reg.URL() + "');\n" +
			"CREATE SOURCE s (id " + id + ", city VARCHAR, prices DOUBLE[], placed TIMESTAMP FROM '$.placedAt') FROM KAFKA (connection c, topic '" +
			k.topic + "', format protobuf);\nCREATE STREAM d FROM s;")
	}
	source("INTEGER")
	const id1, id2 = "\x00\x00\x00\x00\x01\x00", "\x00\x00\x00\x00\x02\x02\x02"
	k.put(id1+"\x08\x01", id2+"\x22\x02\x08\x3c\x1a\x08\x00\x00\x00\x00\x00\x00\xe0\x3f\x12\x04Oslo\x08\x02\x28\x07", id2,
		id2+"\x08\x80\x80\x80\x80\x80\x01\x12\x04Rome", "\x00\x00\x00\x00\x09\x00", "{}", id2+"\x08")
	k.runs()
	k.is("SELECT id, city, prices, placed FROM d ORDER BY id", "0|NULL|[]|NULL\n1|NULL|NULL|NULL\n2|Oslo|[0.5]|1970-01-01 00:01:00")
	k.is(`SELECT meta."offset", reason, data->>'city' FROM dsql.rejects ORDER BY 1`, `3|bad_record: id: 34359738368 is out of range for INTEGER|Rome
4|bad_record: unknown schema id 9|NULL
5|bad_record: no Protobuf with a schema id: 2 bytes|NULL
6|bad_record: no Protobuf of its schema: Order ends in its field 1|NULL`)

	text, code := k.dsql("inspect", "kafka://"+k.brokers+"/"+k.topic, "--schema-registry", reg.URL())
	if code != 0 || !strings.Contains(text,
		"  id BIGINT,\n  city VARCHAR,\n  prices DOUBLE[],\n  placed_at TIMESTAMP_NS,\n  extra INTEGER\n) FROM KAFKA (connection ") ||
		!strings.Contains(text, "format protobuf") {
		t.Errorf("exit code %d\n%s\n%s", code, text, k.lastErrOutput)
	}
}
