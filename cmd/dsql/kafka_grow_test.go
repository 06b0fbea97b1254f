package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// A field that nobody declared becomes a column before the first record that has it is taken: nothing of it is lost, whichever batch
// it comes in, and nothing is taken twice.
func TestKafkaAddsColumns(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script("CREATE SOURCE s (id BIGINT, city VARCHAR FROM '$.address.city', o STRUCT(a INTEGER)) FROM KAFKA (brokers '" + k.brokers + "', topic '" + k.topic + "', batch_rows 2) ON SCHEMA CHANGE ADD COLUMNS;\n" +
		"CREATE STREAM d FROM s;\nCREATE STREAM few AS SELECT id FROM STREAM d;\n" +
		"CREATE JOURNAL j KEYS (id) SEQUENCE BY _meta.offset FROM s;\nCREATE SINK files INTO FILES ('out', format json) FROM d;")
	k.put(`{"id": 1, "address": {"city": "Oslo", "zip": 5}}`, `{"id": 2, "o": {"a": 1, "b": 2}}`, `{"id": 3}`, `{"id": 4, "price": 1.5}`, `{"id": 5, "price": 2, "since": "2024-01-02 10:00:00"}`,
		`{"id": 6, "price": "none"}`, `not json`, `{"id": 8, "tags": ["x"], "point": {"x": 1, "y": null}}`)
	k.runs()
	if !strings.Contains(k.lastErrOutput, "2 bad") || !strings.Contains(k.lastErrOutput, "2 values of undeclared fields left out of s: b, zip") {
		t.Error(k.lastErrOutput)
	}
	const rows = "1|Oslo|NULL|NULL|NULL|NULL\n2|NULL|NULL|NULL|NULL|NULL\n3|NULL|NULL|NULL|NULL|NULL\n4|NULL|1.5|NULL|NULL|NULL\n5|NULL|2.0|2024-01-02 10:00:00|NULL|NULL\n8|NULL|NULL|NULL|[x]|{'x': 1, 'y': NULL}"
	k.is("SELECT id, city, price, since, tags, point FROM d ORDER BY id", rows)
	k.is("SELECT id, city, price, since, tags, point FROM j ORDER BY id", rows)
	k.is("SELECT count(*) FROM few", "6")
	k.is("SELECT reason FROM dsql.rejects WHERE meta.\"offset\" = 5", `bad_record: price: "none" is no DOUBLE`)
	k.is("SELECT count(*), count(point) FROM read_json('"+k.dir+"/out/**/*.json', union_by_name = true)", "6|1")
	k.is("SELECT count(*) FROM dsql.version_rows WHERE rows_in <> written + coalesce(rejected, 0) + coalesce(dropped, 0) + coalesce(bad, 0) + coalesce(skipped, 0)", "0")
	k.put(`{"id": 9, "price": 3, "colour": "red"}`) // the next run knows the columns, and finds one more
	k.runs()
	k.is("SELECT id, price, colour FROM d WHERE id > 6 ORDER BY id", "8|NULL|NULL\n9|3.0|red")

	k.put(`{"id": 10, "_version": 7}`) // a field that no table can have stops the run, and loses nothing
	k.fails(2, "_version")
	k.is("SELECT count(*) FROM d", "7")
}

// With schemas the types are the schema's. A run that follows goes on with the new columns.
func TestKafkaAddsColumnsOfSchemas(t *testing.T) {
	k := newKafka(t, 1, false)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message Order { int64 id = 1; }`})
	reg.SeedSchema("v", 2, 2, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message Order { int64 id = 1; optional string city = 2; map<string, int32> counts = 3; }`})
	k.script("CREATE CONNECTION c TO KAFKA (brokers '" + k.brokers + "', schema_registry '" + reg.URL() + "');\n" +
		"CREATE SOURCE s (id BIGINT) FROM KAFKA (connection c, topic '" + k.topic + "', format protobuf) ON SCHEMA CHANGE ADD COLUMNS;\nCREATE STREAM d FROM s;")
	f := k.follow()
	k.put("\x00\x00\x00\x00\x01\x00\x08\x01")
	f.sees(`"event":"version"`, 1)
	k.put("\x00\x00\x00\x00\x02\x00\x08\x02\x12\x04Oslo\x1a\x05\x0a\x01a\x10\x07")
	f.sees(`"event":"version"`, 2)
	k.put("\x00\x00\x00\x00\x01\x00\x08\x03", "\x00\x00\x00\x00\x02\x00\x08\x04")
	f.sees(`"event":"version"`, 3)
	f.ends(syscall.SIGTERM)
	k.is("SELECT id, city, counts FROM d ORDER BY id", "1|NULL|NULL\n2|Oslo|{a=7}\n3|NULL|NULL\n4|NULL|{}")
	k.runs()
	k.is("SELECT count(*) FROM d", "4")
	if text, code := k.dsql("query", "--db", "s.duckdb", "DESCRIBE SOURCE s"); code != 0 || !strings.Contains(text, "MAP(VARCHAR, INTEGER)") {
		t.Error(code, text)
	}
}
