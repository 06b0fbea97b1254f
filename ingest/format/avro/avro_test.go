package avro

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/format/formattest"
	"dsql/ingest/schema"
)

func texts(schemas ...string) schema.Source { return formattest.SchemasOf(sr.TypeAvro, schemas...) }

func avroLanding(t testing.TB, c *duck.Conn, fields []batch.Field, lim batch.Limits, schemas schema.Source) *batch.Landing {
	return formattest.SchemaLanding(t, c, &Format, fields, lim, schemas)
}

func landAvro(t testing.TB, c *duck.Conn, fields []batch.Field, schemas schema.Source, values ...[]byte) formattest.Landed {
	return formattest.LandSchema(t, c, &Format, fields, schemas, values...)
}

// framed is a value in the wire format.
func encoded(t testing.TB, schema, value string) []byte {
	t.Helper()
	codec, err := goavro.NewCodec(schema)
	if err != nil {
		t.Fatal(schema, err)
	}
	native, _, err := codec.NativeFromTextual([]byte(value))
	if err != nil {
		t.Fatal(schema, value, err)
	}
	b, err := codec.BinaryFromNative(nil, native)
	if err != nil {
		t.Fatal(schema, value, err)
	}
	return b
}

// Each line: the type of the field v, its bytes in hexadecimal or its value in Avro's JSON, the declared type, and what becomes of
// it; ! a part of the reason.
const avroConversions = `
"null" | null | INTEGER | NULL
"boolean" | true | BOOLEAN | true
"boolean" | false | VARCHAR | false
"boolean" | true | INTEGER | !v: true is no INTEGER
"boolean" | x02 | BOOLEAN | !a boolean of 2
"int" | 2147483647 | INTEGER | 2147483647
"int" | -1 | UTINYINT | !v: -1 is out of range for UTINYINT
"int" | 200 | TINYINT | !v: 200 is out of range for TINYINT
"int" | 12 | DECIMAL(4,2) | 12.00
"int" | 120 | DECIMAL(4,2) | !v: 120 is out of range for DECIMAL(4,2)
"int" | x8080808010 | BIGINT | !more than 32 bits
"long" | -9223372036854775808 | BIGINT | -9223372036854775808
"long" | -9223372036854775808 | HUGEINT | -9223372036854775808
"long" | -9223372036854775808 | VARCHAR | -9223372036854775808
"long" | 3000000000 | INTEGER | !v: 3000000000 is out of range for INTEGER
"long" | 3000000000 | DOUBLE | 3000000000.0
"long" | 5 | JSON | 5
"long" | 5 | TIMESTAMP | !v: the number 5 is no TIMESTAMP without FORMAT
"long" | 5 | BLOB | !v: 5 is no BLOB
"long" | 5 | INTEGER[] | !v: 5 is no LIST
"long" | xffffffffffffffffff7f | BIGINT | !more than 64 bits
"float" | 1.5 | FLOAT | 1.5
"float" | 0.5 | DOUBLE | 0.5
"float" | x0000c07f | FLOAT | nan
"float" | x3333b33f | VARCHAR | 1.4
"double" | 12 | INTEGER | 12
"double" | 12.5 | INTEGER | !v: 12.5 has digits that INTEGER would lose
"double" | 1e300 | BIGINT | !v: 1e+300 is out of range for BIGINT
"double" | 1e300 | FLOAT | !v: 1e+300 is out of range for FLOAT
"double" | 0.1 | DECIMAL(3,2) | 0.10
"double" | 0.125 | DECIMAL(3,2) | !v: 0.125 has digits that DECIMAL(3,2) would lose
"double" | 1000000 | VARCHAR | 1000000
"double" | x000000000000f07f | DOUBLE | inf
"double" | x000000000000f0ff | VARCHAR | -inf
"double" | x000000000000f07f | INTEGER | !v: inf is no INTEGER
"double" | x000000000000f87f | JSON | "nan"
"bytes" | "ab\u00ff" | BLOB | ab\xFF
"bytes" | "ab" | VARCHAR | ab
"bytes" | "a\u00ff" | VARCHAR | !v: 2 bytes is no VARCHAR
"bytes" | "a\u00ff\"" | JSON | "aÿ\""
"bytes" | "abcd" | INTEGER | !v: 4 bytes is no INTEGER
"string" | "" | VARCHAR | 
"string" | "ü and more than twelve" | VARCHAR | ü and more than twelve
"string" | x02ff | VARCHAR | !v: text that is no UTF-8 is no VARCHAR
"string" | "12.0" | INTEGER | 12
"string" | "abc" | INTEGER | !v: "abc" is no INTEGER
"string" | "a\\x41" | BLOB | a\x5Cx41
"string" | "{\"a\": 1}" | JSON | {"a": 1}
"string" | "{a" | JSON | !v: "{a" is no JSON
"string" | "2024-01-02T10:11:12+02:00" | TIMESTAMP | 2024-01-02 08:11:12
"string" | "b" | ENUM('a', 'b') | b
{"type":"enum","name":"e","symbols":["red","a_symbol_of_more_than_twelve"]} | "a_symbol_of_more_than_twelve" | VARCHAR | a_symbol_of_more_than_twelve
{"type":"enum","name":"e","symbols":["red","green"]} | "green" | ENUM('green') | green
{"type":"enum","name":"e","symbols":["red","green"]} | "red" | ENUM('green') | !v: "red" is no ENUM
{"type":"enum","name":"e","symbols":["red","green"]} | x04 | VARCHAR | !symbol 2 of an enum of 2
{"type":"fixed","name":"f","size":3} | "abc" | BLOB | abc
{"type":"array","items":"int"} | [1, 2] | INTEGER[] | [1, 2]
{"type":"array","items":"int"} | [] | INTEGER[] | []
{"type":"array","items":"int"} | x03040406020800 | INTEGER[] | [2, 3, 4]
{"type":"array","items":"int"} | [1, 2] | VARCHAR | [1,2]
{"type":"array","items":"int"} | [1] | INTEGER | !v: an array is no INTEGER
{"type":"array","items":"int"} | [1, 300] | TINYINT[] | !v[]: 300 is out of range for TINYINT
{"type":"array","items":["null","string"]} | [null, {"string": "x"}] | VARCHAR[] | [NULL, x]
{"type":"array","items":"null"} | [null, null] | VARCHAR[] | [NULL, NULL]
{"type":"array","items":"null"} | x808080808080808001 | VARCHAR[] | !more than 1000 items without bytes
{"type":"array","items":"null"} | x808080808080808001 | JSON | !more than 1000 items without bytes
{"type":"array","items":"int"} | xfeffffffffffffffff01 | INTEGER[] | !it ends in
{"type":"array","items":"int"} | x01ffffffffffffffffff01 | INTEGER[] | !a block of
{"type":"array","items":"int"} | x0110 | INTEGER[] | !a block of 8 bytes, and 0 are left
{"type":"map","values":"int"} | {"a": 1} | MAP(VARCHAR, INTEGER) | {a=1}
{"type":"map","values":"int"} | x0402610202610400 | MAP(VARCHAR, INTEGER) | !a is named twice
{"type":"map","values":"int"} | x0202ff0200 | MAP(VARCHAR, INTEGER) | !a key that is no UTF-8
{"type":"map","values":"int"} | {"7": 1} | MAP(INTEGER, VARCHAR) | {7=1}
{"type":"map","values":"int"} | {"x": 1} | MAP(INTEGER, VARCHAR) | !v.key: "x" is no INTEGER
{"type":"map","values":"int"} | {"a": 1} | STRUCT(a BIGINT, b BIGINT) | {'a': 1, 'b': NULL}
{"type":"map","values":"int"} | {"a\"": 1} | JSON | {"a\"":1}
{"type":"record","name":"r","fields":[{"name":"A","type":"int"},{"name":"b","type":["null","string"]}]} | {"A": 1, "b": null} | ` +
	`STRUCT(a INTEGER, b VARCHAR, c DATE) | {'a': 1, 'b': NULL, 'c': NULL}
{"type":"record","name":"r","fields":[{"name":"A","type":"int"},{"name":"b","type":["null","string"]}]} | {"A": 1, ` +
	`"b": {"string": "x"}} | VARCHAR | {"A":1,"b":"x"}
{"type":"record","name":"r","fields":[]} | {} | JSON | {}
{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]} | {"a": 1} | INTEGER | !v: a record is no INTEGER
{"type":"record","name":"r","fields":[{"name":"a","type":"long"}]} | {"a": 5000000000} | STRUCT(a INTEGER) | !v.a: 5000000000 is out of range for INTEGER
["null","int"] | null | INTEGER | NULL
["int","null"] | {"int": 3} | INTEGER | 3
["null","int","string"] | {"string": "4"} | INTEGER | 4
["null","int","string"] | {"string": "x"} | INTEGER | !v: "x" is no INTEGER
["null","int"] | x04 | INTEGER | !type 2 of a union of 2
["null","int"] | x01 | INTEGER | !type -1 of a union of 2
{"type":"int","logicalType":"date"} | 19724 | DATE | 2024-01-02
{"type":"int","logicalType":"date"} | -719529 | VARCHAR | 0002-12-31 (BC)
{"type":"int","logicalType":"date"} | 19724 | TIMESTAMP | 2024-01-02 00:00:00
{"type":"int","logicalType":"date"} | 19724 | INTEGER | 19724
{"type":"int","logicalType":"date"} | 19724 | TIME | !v: 2024-01-02 is no TIME
{"type":"int","logicalType":"time-millis"} | 36672500 | TIME | 10:11:12.5
{"type":"int","logicalType":"time-millis"} | -1 | TIME | !v: -1 is out of range for TIME
{"type":"int","logicalType":"time-millis"} | 36672500 | VARCHAR | 10:11:12.5
{"type":"int","logicalType":"time-millis"} | 36672500 | TIMESTAMP | !v: 10:11:12.5 is no TIMESTAMP
{"type":"long","logicalType":"time-micros"} | 86400000001 | TIME | !out of range
{"type":"long","logicalType":"timestamp-millis"} | 1704190272123 | TIMESTAMP | 2024-01-02 10:11:12.123
{"type":"long","logicalType":"timestamp-millis"} | -1 | TIMESTAMP | 1969-12-31 23:59:59.999
{"type":"long","logicalType":"timestamp-millis"} | 1704190272123 | TIMESTAMP_S | !v: 2024-01-02 10:11:12.123 has digits that TIMESTAMP_S would lose
{"type":"long","logicalType":"timestamp-millis"} | 1704190272123 | DATE | !v: 2024-01-02 10:11:12.123 has a time of day
{"type":"long","logicalType":"timestamp-millis"} | 1704153600000 | DATE | 2024-01-02
{"type":"long","logicalType":"timestamp-millis"} | 9223372036854775807 | TIMESTAMP | !v: 9223372036854775807 is out of range
{"type":"long","logicalType":"timestamp-millis"} | 1704190272123 | BIGINT | 1704190272123
{"type":"long","logicalType":"timestamp-millis"} | 1704190272123 | VARCHAR | 2024-01-02 10:11:12.123
{"type":"long","logicalType":"timestamp-millis"} | 1704190272123 | JSON | "2024-01-02 10:11:12.123"
{"type":"long","logicalType":"timestamp-micros"} | 1704190272123456 | TIMESTAMP | 2024-01-02 10:11:12.123456
{"type":"long","logicalType":"timestamp-micros"} | 9223372036854775807 | TIMESTAMP | !out of range
{"type":"long","logicalType":"timestamp-micros"} | 1704190272123456 | TIMESTAMP_MS | !would lose
{"type":"long","logicalType":"local-timestamp-micros"} | 1704190272123456 | TIMESTAMP WITH TIME ZONE | 2024-01-02 10:11:12.123456+00
{"type":"long","logicalType":"timestamp-nanos"} | 1704190272123456789 | TIMESTAMP_NS | 2024-01-02 10:11:12.123456789
{"type":"long","logicalType":"timestamp-nanos"} | 1704190272123456789 | TIMESTAMP | !v: 2024-01-02 10:11:12.123456789 has digits that TIMESTAMP would lose
{"type":"long","logicalType":"timestamp-nanos"} | 1704190272123456000 | TIMESTAMP | 2024-01-02 10:11:12.123456
{"type":"long","logicalType":"no-such-type"} | 7 | INTEGER | 7
{"type":"bytes","logicalType":"decimal","precision":5,"scale":2} | x0404d2 | DECIMAL(5,2) | 12.34
{"type":"bytes","logicalType":"decimal","precision":5,"scale":2} | x02fe | DECIMAL(5,2) | -0.02
{"type":"bytes","logicalType":"decimal","precision":5,"scale":2} | x0404d2 | DECIMAL(5,1) | !v: 12.34 has digits that DECIMAL(5,1) would lose
{"type":"bytes","logicalType":"decimal","precision":5,"scale":2} | x0404d8 | DECIMAL(5,1) | 12.4
{"type":"bytes","logicalType":"decimal","precision":5,"scale":2} | x0404d2 | DECIMAL(3,2) | !v: 12.34 is out of range for DECIMAL(3,2)
{"type":"bytes","logicalType":"decimal","precision":5,"scale":2} | x0404d2 | DOUBLE | 12.34
{"type":"bytes","logicalType":"decimal","precision":5,"scale":2} | x0404b0 | INTEGER | 12
{"type":"bytes","logicalType":"decimal","precision":5,"scale":2} | x0404d2 | INTEGER | !would lose
{"type":"bytes","logicalType":"decimal","precision":5,"scale":2} | x0404d2 | VARCHAR | 12.34
{"type":"bytes","logicalType":"decimal","precision":5,"scale":2} | x0205 | JSON | 0.05
{"type":"bytes","logicalType":"decimal","precision":38} | x204b3b4ca85a86c47a098a223fffffffff | DECIMAL(38,0) | 99999999999999999999999999999999999999
{"type":"bytes","logicalType":"decimal","precision":38} | x204b3b4ca85a86c47a098a224000000000 | DECIMAL(38,0) | ` +
	`!v: 100000000000000000000000000000000000000 is out of range
{"type":"bytes","logicalType":"decimal","precision":60} | x22ff00000000000000000000000000000000 | VARCHAR | -340282366920938463463374607431768211456
{"type":"bytes","logicalType":"decimal","precision":60} | x22ff00000000000000000000000000000000 | DECIMAL(38,0) | ` +
	`!v: -340282366920938463463374607431768211456 is out of range
{"type":"fixed","name":"f","size":3,"logicalType":"decimal","precision":5,"scale":2} | x0004d2 | DECIMAL(9,4) | 12.3400
{"type":"bytes","logicalType":"decimal","precision":1,"scale":2} | x0205 | BLOB | \x05
{"type":"string","logicalType":"uuid"} | "00112233-4455-6677-8899-aabbccddeeff" | UUID | 00112233-4455-6677-8899-aabbccddeeff
{"type":"fixed","name":"f","size":16,"logicalType":"uuid"} | x00112233445566778899aabbccddeeff | UUID | 00112233-4455-6677-8899-aabbccddeeff
{"type":"fixed","name":"f","size":16,"logicalType":"uuid"} | xf0112233445566778899aabbccddeeff | VARCHAR | f0112233-4455-6677-8899-aabbccddeeff
{"type":"fixed","name":"f","size":16,"logicalType":"uuid"} | xf0112233445566778899aabbccddeeff | INTEGER | !is no INTEGER
{"type":"fixed","name":"f","size":12,"logicalType":"duration"} | x0100000002000000ac0d0000 | VARCHAR | 1 months 2 days 3.500 seconds
{"type":"fixed","name":"f","size":12,"logicalType":"duration"} | x0100000002000000ac0d0000 | BLOB | \x01\x00\x00\x00\x02\x00\x00\x00\xAC\x0D\x00\x00`

func TestAvroConversions(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	for _, line := range strings.Split(strings.TrimSpace(avroConversions), "\n") {
		p := strings.SplitN(line, " | ", 4)
		schema := `{"type":"record","name":"top","fields":[{"name":"v","type":` + p[0] + `}]}`
		var value []byte
		if hex, ok := strings.CutPrefix(p[1], "x"); ok {
			fmt.Sscanf(hex, "%x", &value)
		} else {
			value = encoded(t, schemaWithoutLogical.Replace(schema), `{"v": `+p[1]+`}`)
		}
		got := landAvro(t, c, []batch.Field{{Name: "v", Type: duck.Type(p[2])}}, texts(schema), formattest.Framed(0, value))
		formattest.Compare(t, line, []string{p[1] + " -> " + p[3]}, []formattest.Landed{got})
	}
}

// goavro takes the plain values of a logical type when it doesn't know of it.
var schemaWithoutLogical = strings.NewReplacer("logicalType", "l")

func TestAvroPathsAndNames(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	schema := `{"type":"record","name":"n.s.Order","fields":[
		{"name":"ID","type":"long"},
		{"name":"address","type":["null",{"type":"record","name":"Address","fields":[{"name":"city","type":"string"},{"name":"zip",` +
		`"type":"string"},{"name":"next","type":["null","Address"]}]}]},
		{"name":"tags","type":{"type":"map","values":"string"}},
		{"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[{"name":"sku","type":"string"},{"name":"n","type":"int"}]}}},
		{"name":"note","type":"string"}]}`
	fields := []batch.Field{{Name: "id", Type: "BIGINT"}, {Name: "id_text", Type: "VARCHAR", Path: []string{"ID"}},
		{Name: "city", Type: "VARCHAR", Path: []string{"address", "city"}},
		{Name: "far", Type: "VARCHAR", Path: []string{"address", "next", "city"}},
		{Name: "address", Type: "STRUCT(zip VARCHAR)"}, {Name: "colour", Type: "VARCHAR", Path: []string{"tags", "colour"}},
		{Name: "second", Type: "VARCHAR", Path: []string{"lines", "1", "sku"}}, {Name: "lines", Type: "STRUCT(n INTEGER, sku VARCHAR)[]"},
		{Name: "gone", Type: "DATE"}, {Name: "under", Type: "VARCHAR", Path: []string{"note", "x"}}}
	got := landAvro(t, c, fields, texts(schema),
		formattest.Framed(0, encoded(t, schema,
			`{"ID": 1, "address": {"n.s.Address": {"city": "Oslo", "zip": "0150", "next": {"n.s.Address": {"city": "Lima", "zip": "1", `+
				`"next": null}}}}, "tags": {"size": "L", "colour": "red"}, "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}], "note": "x"}`)),
		formattest.Framed(0, encoded(t, schema, `{"ID": 2, "address": null, "tags": {}, "lines": [], "note": ""}`)))
	want := []string{"1|1|Oslo|Lima|{'zip': 0150}|red|b|[{'n': 1, 'sku': a}, {'n': 2, 'sku': b}]|NULL|NULL",
		"2|2|NULL|NULL|NULL|NULL|NULL|[]|NULL|NULL"}
	if diff := cmp.Diff(want, got.Rows); diff != "" || len(got.Reasons) > 0 {
		t.Error(diff, got.Reasons)
	}
	// a record's size tag and note; in the STRUCT of the address city and next, and in the paths' addresses zip twice and next once
	if got.In.Unknown == 0 {
		t.Error("no unknown fields are counted")
	}
}

func TestAvroRejects(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	fields := []batch.Field{{Name: "a", Type: "INTEGER"}, {Name: "b", Type: "VARCHAR"}, {Name: "l", Type: "INTEGER[]"}}
	schema := `{"type":"record","name":"r","fields":[{"name":"a","type":"long"},{"name":"b","type":"string"},{"name":"l","type":{"type":"array","items":"long"}}]}`
	deep := `{"type":"record","name":"r","fields":[{"name":"x","type":["null","r"]}]}`
	good := encoded(t, schema, `{"a": 1, "b": "a text of more than twelve", "l": [1, 2]}`)
	schemas := texts(schema, `"string"`, `{"type":"record"}`, deep, `{"type":"record","name":"r","fields":[{"name":"r","type":"r"}]}`,
		`["null", `+schema+`]`, `{"type":"record","name":"r","fields":[{"name":"a","type":"x.y"}]}`)
	want := []string{
		"bad_record: no Avro with a schema id: 2 bytes <none>",
		`bad_record: no Avro with a schema id: it begins with "{"a":", not with a zero byte <none>`,
		"bad_record: unknown schema id 99 <none>",
		"bad_record: schema id 1: it is a string, not a record <none>",
		"bad_record: schema id 2: a type record without a name <none>",
		"bad_record: no Avro of its schema: more than 1000 levels <none>",
		"bad_record: schema id 4: the record r is always in itself <none>",
		"bad_record: schema id 6: field a of r: the type x.y isn't defined <none>",
		`bad_record: no Avro of its schema: 1 bytes follow the value {"a":1,"b":"a text of more than twelve","l":[1,2]}`,
		`bad_record: no Avro of its schema: it ends in an array, at byte 36 {"a":1,"b":"a text of more than twelve","l":null}`,
		`bad_record: no Avro of its schema: it ends in a string, at byte 12 {"a":1,"b":null,"l":null}`,
		`bad_record: a: 3000000000 is out of range for INTEGER {"a":null,"b":"x","l":[1,null]}`,
		`bad_record: no Avro of its schema: a string of length -1 at byte 7 {"a":1,"b":null,"l":null}`,
		"bad_record: an empty value <none>",
	}
	got := landAvro(t, c, fields, schemas, []byte{0, 1}, []byte(`{"a": 1}`), formattest.Framed(99, good), formattest.Framed(1, []byte{0}),
		formattest.Framed(2, good), formattest.Framed(3, append(slicesRepeat(2, 5000), 0)), formattest.Framed(4, good),
		formattest.Framed(6, good),
		formattest.Framed(0, append(good[:len(good):len(good)], 7)), formattest.Framed(0, good[:len(good)-1]), formattest.Framed(0, good[:7]),
		formattest.Framed(0, encoded(t, schema, `{"a": 3000000000, "b": "x", "l": [1, 3000000000]}`)), formattest.Framed(0, []byte{2, 1}),
		[]byte{}, formattest.Framed(5, append([]byte{2}, good...)))
	var is []string
	for i, r := range got.Reasons {
		is = append(is, r+" "+got.Data[i])
	}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1|a text of more than twelve|[1, 2]"}, got.Rows); diff != "" {
		t.Error(diff)
	}
}

func slicesRepeat(b byte, n int) []byte { return []byte(strings.Repeat(string(rune(b)), n)) }

// A registry is asked once for an id that it knows, and again after a while for one that it doesn't.
func TestAvroAsksOnce(t *testing.T) {
	t.Parallel()
	asked := map[uint32]int{}
	known := texts(`{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}`)
	l := avroLanding(t, formattest.Memory(t), []batch.Field{{Name: "a", Type: "INTEGER"}}, batch.Limits{},
		func(ctx context.Context, n schema.Name) (*schema.Text, error) {
			asked[n.ID]++
			if n.ID == 9 {
				return nil, errors.New("down")
			}
			return known(ctx, n)
		})
	b, err := l.Take(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	add := func(id int) error {
		_, err := b.Add(context.Background(), &batch.Record{Topic: "t", Value: formattest.Framed(id, []byte{2})})
		return err
	}
	for range 3 {
		for _, id := range []int{0, 7} {
			if err := add(id); err != nil {
				t.Fatal(err)
			}
		}
	}
	d, ok := l.Decoder().(*decoder)
	if !ok {
		t.Fatal("no decoder of Avro")
	}
	d.plans.Now = func() time.Time { return time.Now().Add(schema.AskAgain) }
	if err := add(7); err != nil {
		t.Fatal(err)
	}
	if err := add(9); err == nil || err.Error() != "down" {
		t.Error(err)
	}
	if diff := cmp.Diff(map[uint32]int{0: 1, 7: 2, 9: 1}, asked); diff != "" || b.Records() != 7 {
		t.Error(diff, b.Records())
	}
}

func TestAvroColumns(t *testing.T) {
	t.Parallel()
	schema := `{"type":"record","name":"r","fields":[{"name":"i","type":["null","int"]},{"name":"t","type":{"type":"long",` +
		`"logicalType":"timestamp-millis"}},{"name":"ns","type":{"type":"long","logicalType":"timestamp-nanos"}},
		{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},{"name":"day","type":{"type":"int",` +
		`"logicalType":"date"}},{"name":"clock","type":{"type":"int","logicalType":"time-millis"}},
		{"name":"u","type":{"type":"string","logicalType":"uuid"}},{"name":"m","type":{"type":"map","values":"double"}},{"name":"l",` +
		`"type":{"type":"array","items":{"type":"record","name":"x","fields":[{"name":"the name","type":"float"},{"name":"b","type":"boolean"}]}}},
		{"name":"e","type":{"type":"enum","name":"en","symbols":["a"]}},{"name":"f","type":{"type":"fixed","name":"fx","size":2}},` +
		`{"name":"n","type":["int","long"]},{"name":"num","type":["null","int","double"]},{"name":"s","type":["int","string"]},{"name":"any",` +
		`"type":["null","string","x"]},{"name":"self","type":["null","r"]}]}`
	cols, err := columnsOf(schema)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range cols {
		got = append(got, c.Name+" "+string(c.Type))
	}
	want := []string{"i INTEGER", "t TIMESTAMP", "ns TIMESTAMP_NS", "d DECIMAL(9,2)", "day DATE", "clock TIME", "u UUID",
		"m MAP(VARCHAR, DOUBLE)", `l STRUCT("the name" FLOAT, "b" BOOLEAN)[]`, "e VARCHAR", "f BLOB", "n BIGINT", "num DOUBLE", "s VARCHAR",
		"any JSON", "self JSON"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := formattest.Memory(t).NewLayout(cols); err != nil {
		t.Error(err)
	}
	if _, err := columnsOf(`"int"`); err == nil {
		t.Error("an int has no columns")
	}
}

func columnsOf(schema string) ([]duck.Column, error) {
	t, err := Parse(schema, nil)
	if err != nil {
		return nil, err
	}
	return t.Columns()
}
