package encode

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/format/formattest"
	protoformat "dsql/ingest/format/proto"
	"dsql/sql"
)

// of is an encoder of a query's rows, and its columns.
func of(t *testing.T, c *duck.Conn, format, query string, prior *sr.Schema) (*Encoder, []duck.Column, error) {
	t.Helper()
	cols, err := c.Describe(context.Background(), duck.Text(query), sql.Place{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := Forms[format].Row("shop.Order", cols, prior)
	return e, cols, err
}

// What a format can't hold is told with the column and why.
func TestUnfit(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	for _, x := range []struct{ format, query, want string }{
		{"avro", "SELECT 100000000000000000000000000000000000000::HUGEINT AS a", "a: a whole number of more than 38 digits"},
		{"avro", "SELECT -100000000000000000000000000000000000000::HUGEINT AS a", "a: a whole number of more than 38 digits"},
		{"protobuf", "SELECT 340282366920938463463374607431768211455::UHUGEINT AS a", "a: a whole number of more than 38 digits"},
		{"avro", "SELECT [{'b': 'infinity'::DATE}] AS a", "a.b: a time that is infinite"},
		{"avro", "SELECT '-infinity'::TIMESTAMP AS a", "a: a time that is infinite"},
		{"avro", "SELECT '290000-01-01'::TIMESTAMP_S AS a", ""},
		{"avro", "SELECT make_timestamp_ns(9223372036854775806) AS a", ""},
		{"protobuf", "SELECT 'infinity'::TIMESTAMPTZ AS a", "a: a time that is infinite"},
		{"protobuf", "SELECT '10000-01-01'::TIMESTAMP AS a", "a: a time outside of the years 1 to 9999, which Protobuf's Timestamp has"},
		{"protobuf", "SELECT '0001-01-01 (BC)'::TIMESTAMP AS a", "a: a time outside of the years 1 to 9999, which Protobuf's Timestamp has"},
		{"protobuf", "SELECT '0001-01-01'::TIMESTAMP AS a, '9999-12-31 23:59:59.999999'::TIMESTAMP AS b", ""},
		{"protobuf", "SELECT [1, NULL] AS a", "a: a list with NULL in it, which Protobuf doesn't know"},
		{"protobuf", "SELECT ['', NULL] AS a", "a: a list with NULL in it, which Protobuf doesn't know"},
		{"protobuf", "SELECT [[1], NULL] AS a", "a: a list with NULL in it, which Protobuf doesn't know"},
		{"protobuf", "SELECT MAP {'x': NULL::INTEGER} AS a", "a: a map with NULL in it, which Protobuf doesn't know"},
		{"protobuf", "SELECT NULL::INTEGER[] AS a, NULL::STRUCT(b INTEGER[]) AS b", ""},
	} {
		e, cols, err := of(t, c, x.format, x.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = encoded(t, c, e, cols, duck.Text(x.query))
		var u *Unfit
		switch {
		case x.want == "" && err != nil:
			t.Errorf("%s: %v", x.query, err)
		case x.want != "" && (!errors.As(err, &u) || err.Error() != x.want):
			t.Errorf("%s: %v, want %s", x.query, err, x.want)
		}
	}
}

// Columns whose names no schema takes.
func TestWrongColumns(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	for _, x := range []struct{ format, query, want string }{
		{"avro", `SELECT 1 AS "dep delay"`, `"dep delay" is no name in Avro: letters, digits and _ alone`},
		{"protobuf", `SELECT {'größe': 1} AS a`, `"größe" is no name in Protobuf: letters, digits and _ alone`},
		{"avro", `SELECT row(1, 2) AS a`, "a is a STRUCT without names, and Avro knows no such"},
		{"protobuf", `SELECT 1 AS dep_delay, 2 AS "depDelay"`, "Protobuf has no such message: "},
		{"json_schema", `SELECT 1 AS "dep delay", row(1) AS b`, ""},
	} {
		_, _, err := of(t, c, x.format, x.query, nil)
		var w *Wrong
		if x.want == "" && err != nil || x.want != "" && (!errors.As(err, &w) || !strings.HasPrefix(err.Error(), x.want)) {
			t.Errorf("%s: %v, want %s", x.query, err, x.want)
		}
	}
}

// The schemas of a row with a bit of everything.
func TestSchemas(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	const query = `SELECT 1::BIGINT AS id, 1.5::DECIMAL(10,2) AS price, TIMESTAMP '2026-01-01' AS at, ['a'] AS tags,
		{'city': 'Oslo', 'zip': [[1]]} AS address, MAP {'k': 1.5::DOUBLE} AS m`
	for format, want := range map[string]string{
		"avro": `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":["null","long"],"default":null},` +
			`{"name":"price","type":["null",{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}],"default":null},` +
			`{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},` +
			`{"name":"tags","type":["null",{"type":"array","items":["null","string"]}],"default":null},` +
			`{"name":"address","type":["null",{"type":"record","name":"Order_address","fields":[` +
			`{"name":"city","type":["null","string"],"default":null},{"name":"zip","type":["null",{"type":"array","items":["null",` +
			`{"type":"array","items":["null","int"]}]}],"default":null}]}],"default":null},` +
			`{"name":"m","type":["null",{"type":"map","values":["null","double"]}],"default":null}]}`,
		"protobuf": `syntax = "proto3";
package shop;

import "confluent/type/decimal.proto";
import "google/protobuf/timestamp.proto";
message Order {
  optional int64 id = 1;
  optional .confluent.type.Decimal price = 2;
  optional .google.protobuf.Timestamp at = 3;
  repeated string tags = 4;
  optional Address address = 5;
  map<string, double> m = 6;
  message Address {
    optional string city = 1;
    repeated Zip zip = 2;
    message Zip {
      repeated int32 items = 1;
    }
  }
}
`,
		"json_schema": `{"$schema":"http://json-schema.org/draft-07/schema#","additionalProperties":false,"properties":{` +
			`"address":{"oneOf":[{"type":"null"},{"additionalProperties":false,"properties":{"city":{"oneOf":[{"type":"null"},{"type":"string"}]},` +
			`"zip":{"oneOf":[{"type":"null"},{"items":{"oneOf":[{"type":"null"},{"items":{"oneOf":[{"type":"null"},{"type":"integer"}]},` +
			`"type":"array"}]},"type":"array"}]}},"type":"object"}]},"at":{"oneOf":[{"type":"null"},{"type":"string"}]},` +
			`"id":{"oneOf":[{"type":"null"},{"type":"integer"}]},"m":{"oneOf":[{"type":"null"},{"additionalProperties":{"oneOf":[{"type":"null"},` +
			`{"type":"number"},{"enum":["NaN","Infinity","-Infinity"]}]},"type":"object"}]},` +
			`"price":{"oneOf":[{"type":"null"},{"type":"number"}]},` +
			`"tags":{"oneOf":[{"type":"null"},{"items":{"oneOf":[{"type":"null"},{"type":"string"}]},"type":"array"}]}},` +
			`"title":"shop.Order","type":"object"}`,
	} {
		e, _, err := of(t, c, format, query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, e.Schema.Schema); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
}

// Fields of Protobuf keep the numbers that they had, wherever their columns stand; those of columns that are gone are not given again.
func TestProtobufNumbersStay(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	var prior *sr.Schema
	for _, x := range []struct{ query, want string }{
		{"SELECT 1 AS a, 'x' AS b, {'p': 1, 'q': [{'z': 1}]} AS s", "a=1 b=2 s=3 p=1 q=2 z=1"},
		{"SELECT true AS new, {'q': [{'y': 2, 'z': 1}], 'r': 2} AS s, 1 AS a", "reserved=2 new=4 s=3 a=1 reserved=1 q=2 r=3 y=2 z=1"},
		{"SELECT 1 AS a, 2 AS b", "reserved=2, 3, 4 a=1 b=5"},
		{"SELECT 1 AS a", "reserved=2, 3, 4, 5 a=1"},
		{"SELECT 1 AS a, 5 AS c", "reserved=2, 3, 4, 5 a=1 c=6"},
	} {
		e, _, err := of(t, c, "protobuf", x.query, prior)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.SplitSeq(e.Schema.Schema, "\n") {
			line = strings.TrimSuffix(strings.TrimSpace(line), ";")
			if rest, ok := strings.CutPrefix(line, "reserved "); ok {
				got = append(got, "reserved="+rest)
			} else if name, n, ok := strings.Cut(line, " = "); ok && !strings.HasPrefix(line, "syntax") {
				words := strings.Fields(name)
				got = append(got, words[len(words)-1]+"="+n)
			}
		}
		if text := strings.Join(got, " "); text != x.want {
			t.Errorf("%s: %s, want %s\n%s", x.query, text, x.want, e.Schema.Schema)
		}
		prior = &e.Schema
	}
	other := &sr.Schema{Type: sr.TypeProtobuf, Schema: "syntax = \"proto3\"; import \"elsewhere.proto\"; message X { reserved 1 to 9; }"}
	if _, _, err := of(t, c, "protobuf", "SELECT 1 AS a", other); err != nil {
		t.Error(err)
	}
	other.Schema = "syntax = \"proto3\"; message X { reserved 1 to 9, 19; int32 b = 3000; }"
	e, _, err := of(t, c, "protobuf", "SELECT 1 AS a, 2 AS b", other)
	if err != nil || !strings.Contains(e.Schema.Schema, "reserved 1 to 9, 19;\n  optional int32 a = 3001;\n  optional int32 b = 3000;") {
		t.Error(err, e.Schema.Schema)
	}
}

// A list in a list, or a map in a map, is a message with `items`.
func TestProtobufListsInLists(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	const query = "SELECT [[1, 2], [], [3]] AS a, MAP {'x': MAP {'y': 1}, 'z': MAP {}} AS m, [MAP {'k': [1]}] AS b, 'x' AS c"
	e, cols, err := of(t, c, "protobuf", query, nil)
	if err != nil {
		t.Fatal(err)
	}
	records, err := encoded(t, c, e, cols, duck.Text(query))
	if err != nil {
		t.Fatal(err)
	}
	fields := []batch.Field{{Name: "a", Type: "STRUCT(items INTEGER[])[]"}, {Name: "m", Type: "MAP(VARCHAR, STRUCT(items MAP(VARCHAR, INTEGER)))"},
		{Name: "b", Type: "JSON"}, {Name: "c", Type: "VARCHAR"}}
	got := formattest.LandSchema(t, c, &protoformat.Format, fields, formattest.SchemasOf(e.Schema.Type, e.Schema.Schema), records...)
	want := []string{`[{'items': [1, 2]}, {'items': []}, {'items': [3]}]|{x={'items': {y=1}}, z={'items': {}}}|` +
		`[{"items":{"k":{"items":[1]}}}]|x`}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Error(diff, got.Reasons, e.Schema.Schema)
	}
}

// A key of one column is its value alone in Avro and JSON Schema, and a message in Protobuf.
func TestKeysOfOneColumn(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	cols := []duck.Column{{Name: "id", Type: "UUID"}}
	rows := duck.SQL("SELECT '550e8400-e29b-41d4-a716-446655440000'::UUID AS id")
	for format, want := range map[string][2]string{
		"avro": {`{"type":"string","logicalType":"uuid"}`, "\x00\x00\x00\x00\x00\x48550e8400-e29b-41d4-a716-446655440000"},
		"protobuf": {"syntax = \"proto3\";\n\nmessage Order_key {\n  optional string id = 1;\n}\n",
			"\x00\x00\x00\x00\x00\x00\x0a\x24550e8400-e29b-41d4-a716-446655440000"},
		"json_schema": {`{"type":"string"}`, ""},
	} {
		e, err := Forms[format].One("Order_key", cols[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		if e.Schema.Schema != want[0] {
			t.Errorf("%s: %s", format, e.Schema.Schema)
		}
		if e.IsJSON() {
			continue
		}
		if got, err := encoded(t, c, e, cols, rows); err != nil || string(got[0]) != want[1] {
			t.Errorf("%s: %q, %v", format, got, err)
		}
	}
}

// Another library reads the values that were written.
func TestGoavroReads(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	const query = `SELECT -2::TINYINT AS t, 1e30::FLOAT AS f, -1.25::DECIMAL(5,2) AS d, 'ö' AS s, DATE '1969-12-31' AS day,
		TIMESTAMP '1970-01-01 00:00:00.000001' AS at, [1, NULL] AS l, MAP {1: 'x'} AS m, {'a': true, 'b': NULL::INTEGER} AS r, NULL::BLOB AS n`
	e, cols, err := of(t, c, "avro", query, nil)
	if err != nil {
		t.Fatal(err)
	}
	records, err := encoded(t, c, e, cols, duck.Text(query))
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.ReplaceAll(e.Schema.Schema, "logicalType", "l") // as they stand
	codec, err := goavro.NewCodec(plain)
	if err != nil {
		t.Fatal(err)
	}
	native, _, err := codec.NativeFromBinary(records[0][5:])
	if err != nil {
		t.Fatal(err)
	}
	branch := func(name string, v any) any { return map[string]any{name: v} }
	want := map[string]any{"t": branch("int", int32(-2)), "f": branch("float", float32(1e30)), "d": branch("bytes", []byte{0x83}),
		"s": branch("string", "ö"), "day": branch("int", int32(-1)), "at": branch("long", int64(1)),
		"l": branch("array", []any{branch("int", int32(1)), nil}), "m": branch("map", map[string]any{"1": branch("string", "x")}),
		"r": branch("shop.Order_r", map[string]any{"a": branch("boolean", true), "b": nil}), "n": nil}
	if diff := cmp.Diff(want, native); diff != "" {
		t.Error(diff)
	}
}
