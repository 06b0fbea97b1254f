package proto

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/format/formattest"
	"dsql/ingest/schema"
)

func protos(schemas ...string) schema.Source {
	return formattest.SchemasOf(sr.TypeProtobuf, schemas...)
}

func landProto(t testing.TB, c *duck.Conn, fields []batch.Field, schemas schema.Source, values ...[]byte) formattest.Landed {
	return formattest.LandSchema(t, c, &Format, fields, schemas, values...)
}

// protoEncoded is a value of a message, given as text, as Google's library writes it.
func protoEncoded(t testing.TB, schema string, path []int, text string) []byte {
	t.Helper()
	file, err := parse(context.Background(), schema, nil)
	if err != nil {
		t.Fatal(schema, err)
	}
	m, err := message(file, path)
	if err != nil {
		t.Fatal(schema, err)
	}
	v := dynamicpb.NewMessage(m)
	if err := (prototext.UnmarshalOptions{AllowPartial: true, Resolver: dynamicpb.NewTypes(nil)}).Unmarshal([]byte(text), v); err != nil {
		t.Fatal(schema, text, err)
	}
	b, err := (proto.MarshalOptions{AllowPartial: true, Deterministic: true}).Marshal(v)
	if err != nil {
		t.Fatal(schema, text, err)
	}
	return b
}

// protoFramed is a message in the wire format; at are the numbers, as they are written: "\x00" the first message.
func protoFramed(id int, at string, value []byte) []byte {
	return formattest.Framed(id, append([]byte(at), value...))
}

const protoHead = `syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; ` +
	`import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto";
	import "confluent/type/decimal.proto"; import "confluent/meta.proto";
	`

const protoTail = `
	enum E { none = 0; a_symbol_of_more_than_twelve = 1; low = -1; }
	message R { int32 A = 1; optional string b = 2; R next = 3; repeated int32 l = 4; oneof o { int32 x = 5; string y = 6; } }
	message R0 {}`

// Each line: the field v, its value in the text format or its bytes in hexadecimal, the declared type, and what becomes of it; ! a part
// of the reason.
const protoConversions = `
bool | true | BOOLEAN | true
bool | | BOOLEAN | false
bool | x0802 | BOOLEAN | true
optional bool | | BOOLEAN | NULL
bool | true | INTEGER | !v: true is no INTEGER
int32 | 2147483647 | INTEGER | 2147483647
int32 | -1 | BIGINT | -1
int32 | -1 | UTINYINT | !v: -1 is out of range for UTINYINT
int32 | 12 | DECIMAL(4,2) | 12.00
int32 | | VARCHAR | 0
int32 | x0880808080808080808001 | INTEGER | 0
int32 | x088080808010 | INTEGER | 0
int32 | x08 | INTEGER | !top ends in its field 1
int32 | x08ffffffffffffffffff7f | INTEGER | !top ends in its field 1
int32 | x0a0105 | INTEGER | !an int is written as a value of another type
int32 | x0d01000000 | INTEGER | !an int is written as a value of another type
int32 | x0801080308f901 | INTEGER | 249
int32 | x10011a02616208072801 | INTEGER | 7
int32 | x1301140807 | INTEGER | !top ends in its field 2
int32 | x1308011408071b | INTEGER | !top ends in its field 3
int32 | x1308011b08011c140807 | INTEGER | 7
int32 | x00 | INTEGER | !no tag of a field at byte 0 of top
int32 | x0f | INTEGER | !top ends in its field 1
sint32 | -2147483648 | INTEGER | -2147483648
sint32 | 5 | JSON | 5
sfixed32 | -7 | INTEGER | -7
uint32 | 4294967295 | INTEGER | !v: 4294967295 is out of range for INTEGER
uint32 | 4294967295 | UINTEGER | 4294967295
fixed32 | 4294967295 | DOUBLE | 4294967295.0
int64 | -9223372036854775808 | HUGEINT | -9223372036854775808
int64 | 3000000000 | INTEGER | !v: 3000000000 is out of range for INTEGER
int64 | 5 | TIMESTAMP | !v: the number 5 is no TIMESTAMP without FORMAT
int64 | 5 | BLOB | !v: 5 is no BLOB
int64 | 5 | INTEGER[] | !v: 5 is no LIST
sint64 | -9223372036854775808 | BIGINT | -9223372036854775808
sfixed64 | -1 | VARCHAR | -1
uint64 | 18446744073709551615 | UBIGINT | 18446744073709551615
uint64 | 18446744073709551615 | BIGINT | !v: 18446744073709551615 is out of range for BIGINT
uint64 | 18446744073709551615 | VARCHAR | 18446744073709551615
uint64 | 18446744073709551615 | JSON | 18446744073709551615
uint64 | 18446744073709551615 | DOUBLE | 1.8446744073709552e+19
fixed64 | 7 | UBIGINT | 7
fixed64 | 7 | DECIMAL(3,1) | 7.0
float | 1.4 | VARCHAR | 1.4
float | nan | FLOAT | nan
float | | DOUBLE | 0.0
double | 12 | INTEGER | 12
double | 12.5 | INTEGER | !v: 12.5 has digits that INTEGER would lose
double | 1e300 | FLOAT | !v: 1e+300 is out of range for FLOAT
double | inf | JSON | "inf"
bytes | "ab\377" | BLOB | ab\xFF
bytes | "ab" | VARCHAR | ab
bytes | "\377" | VARCHAR | !v: 1 bytes is no VARCHAR
bytes | "\377\376" | JSON | "//4="
bytes | | BLOB | 
string | "ü and more than twelve" | VARCHAR | ü and more than twelve
string | | VARCHAR | 
string | x0a01ff | VARCHAR | !v: text that is no UTF-8 is no VARCHAR
string | "12.0" | INTEGER | 12
string | "abc" | INTEGER | !v: "abc" is no INTEGER
string | "{\"a\": 1}" | JSON | {"a": 1}
string | "2024-01-02T10:11:12+02:00" | TIMESTAMP | 2024-01-02 08:11:12
string | x0a05616263 | VARCHAR | !top ends in its field 1
string | x0a01610a0162 | VARCHAR | b
E | a_symbol_of_more_than_twelve | VARCHAR | a_symbol_of_more_than_twelve
E | low | INTEGER | -1
E | low | UTINYINT | !v: -1 is out of range for UTINYINT
E | | VARCHAR | none
E | x0807 | VARCHAR | 7
E | low | ENUM('low') | low
E | none | ENUM('low') | !v: "none" is no ENUM
E | low | JSON | "low"
repeated int32 | [1, 2] | INTEGER[] | [1, 2]
repeated int32 | x080108020a020304 | INTEGER[] | [1, 2, 3, 4]
repeated int32 | x0a02ff01 | VARCHAR | [255]
repeated int32 | x0a02ffff | INTEGER[] | !a packed list ends in a number
repeated int32 | | INTEGER[] | []
repeated int32 | | VARCHAR | []
repeated int32 | [1, 300] | TINYINT[] | !v[]: 300 is out of range for TINYINT
repeated int32 | [1] | INTEGER | !v: an array is no INTEGER
repeated double | [1, 0.5] | DOUBLE[] | [1.0, 0.5]
repeated string | ["a", "", "b"] | VARCHAR[] | [a, '', b]
repeated string | ["a", "\""] | JSON | ["a","\""]
repeated R | [{A: 1 l: [1, 2]}, {}] | STRUCT(A INTEGER, l INTEGER[])[] | [{'A': 1, 'l': [1, 2]}, {'A': 0, 'l': []}]
map<string, int32> | {key: "a" value: 1} | MAP(VARCHAR, INTEGER) | {a=1}
map<string, int32> | x0a0508010a0161 | MAP(VARCHAR, INTEGER) | {a=0}
map<string, int32> | x0a030a01610a050a01611002 | MAP(VARCHAR, INTEGER) | {a=2}
map<string, int32> | x0a020801 | MAP(VARCHAR, INTEGER) | !a string is written as a value of another type
map<string, int32> | x0a00 | MAP(VARCHAR, INTEGER) | {''=0}
map<string, int32> | x0a030a01ff | MAP(VARCHAR, INTEGER) | !a key that is no UTF-8
map<string, int32> | | MAP(VARCHAR, INTEGER) | {}
map<string, int32> | | JSON | {}
map<string, int32> | {key: "a" value: 1} | STRUCT(a BIGINT, b BIGINT) | {'a': 1, 'b': NULL}
map<string, int32> | {key: "x" value: 1} | MAP(INTEGER, VARCHAR) | !v.key: "x" is no INTEGER
map<int64, R> | {key: -5 value: {A: 1}} | MAP(BIGINT, STRUCT(A INTEGER)) | {-5={'A': 1}}
map<bool, string> | {key: true value: "x"} | MAP(BOOLEAN, VARCHAR) | {true=x}
map<bool, string> | {key: true value: "x"} | VARCHAR | {"true":"x"}
R | {A: 1 b: ""} | STRUCT(a INTEGER, b VARCHAR, c DATE) | {'a': 1, 'b': '', 'c': NULL}
R | {A: 1} | VARCHAR | {"A":1,"l":[]}
R | {b: "x" next: {A: 5}} | JSON | {"A":0,"b":"x","next":{"A":5,"l":[]},"l":[]}
R | {x: 0} | STRUCT(x INTEGER, y VARCHAR) | {'x': 0, 'y': NULL}
R | x0a0528073201610a00 | STRUCT(x INTEGER, y VARCHAR) | {'x': NULL, 'y': a}
R | x0a053201612807 | STRUCT(x INTEGER, y VARCHAR) | {'x': 7, 'y': NULL}
R | x0a0208010a021a000a041a020805 | JSON | {"A":1,"next":{"A":5,"l":[]},"l":[]}
R | x0a022001220120 | STRUCT(l INTEGER[]) | {'l': [1]}
R | x0801 | STRUCT(l INTEGER[]) | !a message is written as a number
R | | STRUCT(A INTEGER) | NULL
R | {} | STRUCT(A INTEGER, l INTEGER[]) | {'A': 0, 'l': []}
R | {} | INTEGER | !v: a record is no INTEGER
R | {A: 500} | STRUCT(A TINYINT) | !v.A: 500 is out of range for TINYINT
R0 | {} | JSON | {}
google.protobuf.Timestamp | {seconds: 1704190272 nanos: 123000000} | TIMESTAMP | 2024-01-02 10:11:12.123
google.protobuf.Timestamp | {seconds: 1704190272 nanos: 123456789} | TIMESTAMP_NS | 2024-01-02 10:11:12.123456789
google.protobuf.Timestamp | {seconds: 1704190272 nanos: 123456789} | TIMESTAMP | !v: 2024-01-02 10:11:12.123456789 has digits that TIMESTAMP would lose
google.protobuf.Timestamp | {seconds: 1704153600} | DATE | 2024-01-02
google.protobuf.Timestamp | {} | VARCHAR | 1970-01-01 00:00:00
google.protobuf.Timestamp | {seconds: -1} | JSON | "1969-12-31 23:59:59"
google.protobuf.Timestamp | {seconds: 9223372036854775807} | TIMESTAMP | !out of range
google.protobuf.Timestamp | {seconds: 9223372036854775807} | JSON | !that no text has
google.protobuf.Timestamp | {nanos: -5} | TIMESTAMP | !google.protobuf.Timestamp of 0 seconds and -5 nanoseconds
google.protobuf.Timestamp | {seconds: 1} | BIGINT | !is no BIGINT
google.protobuf.Timestamp | | TIMESTAMP | NULL
google.protobuf.Duration | {seconds: -1 nanos: -500000000} | DOUBLE | -1.5
google.protobuf.Duration | {seconds: 3} | INTEGER | 3
google.protobuf.Duration | {nanos: 1} | DECIMAL(12,9) | 0.000000001
google.protobuf.Duration | {seconds: 90 nanos: 500000000} | VARCHAR | 90.5 seconds
google.protobuf.Int64Value | {value: 5} | BIGINT | 5
google.protobuf.Int64Value | {} | BIGINT | 0
google.protobuf.Int64Value | | BIGINT | NULL
google.protobuf.Int64Value | {value: 5} | JSON | 5
google.protobuf.StringValue | {value: "x"} | VARCHAR | x
repeated google.protobuf.DoubleValue | [{value: 0.5}, {}] | DOUBLE[] | [0.5, 0.0]
google.protobuf.Struct | {fields: {key: "a" value: {list_value: {values: [{null_value: NULL_VALUE}, {number_value: 1.5}, ` +
	`{bool_value: true}, {string_value: "x"}]}}}} | JSON | {"a":[null,1.5,true,"x"]}
google.protobuf.Struct | {fields: {key: "a" value: {number_value: 2}}} | STRUCT(a INTEGER, b VARCHAR) | {'a': 2, 'b': NULL}
google.protobuf.Struct | {fields: {key: "a" value: {struct_value: {}}}} | MAP(VARCHAR, JSON) | {a='{}'}
google.protobuf.Struct | {fields: {key: "a" value: {string_value: "x"}}} | MAP(VARCHAR, VARCHAR) | {a=x}
google.protobuf.Value | {} | JSON | NULL
google.protobuf.Value | {null_value: NULL_VALUE} | VARCHAR | NULL
google.protobuf.Value | x0a020900 | JSON | !google.protobuf.Value ends in its field 1
google.protobuf.ListValue | {values: [{number_value: 1}, {}]} | DOUBLE[] | [1.0, NULL]
confluent.type.Decimal | {value: "\004\322" precision: 5 scale: 2} | DECIMAL(9,2) | 12.34
confluent.type.Decimal | {value: "\377" scale: 1} | VARCHAR | -0.1
confluent.type.Decimal | {value: "\001" scale: -1} | DOUBLE | !confluent.type.Decimal of scale -1`

func TestProtoConversions(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	for _, line := range strings.Split(strings.TrimSpace(protoConversions), "\n") {
		p := strings.Split(line, "|")
		for i := range p {
			p[i] = strings.TrimSpace(p[i])
		}
		schema := protoHead + "message top { " + p[0] + " v = 1; }" + protoTail
		var value []byte
		if hex, ok := strings.CutPrefix(p[1], "x"); ok {
			fmt.Sscanf(hex, "%x", &value)
		} else if p[1] != "" {
			value = protoEncoded(t, schema, []int{0}, "v: "+p[1])
		}
		got := landProto(t, c, []batch.Field{{Name: "v", Type: duck.Type(p[2])}}, protos(schema), protoFramed(0, "\x00", value))
		formattest.Compare(t, line, []string{p[1] + " -> " + p[3]}, []formattest.Landed{got})
	}
}

func TestProtoPathsAndNames(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	schema := `syntax = "proto2"; package n.s; import "google/protobuf/struct.proto";
		message Unused { message In { optional int32 a = 1; } }
		message Order {
			required int64 order_ID = 1;
			message Address { optional string city = 1; optional string zip = 2; optional Address next = 3; }
			optional Address address = 2; map<string, string> tags = 3; optional google.protobuf.Struct more = 1500;
			repeated group Line = 5 { optional string sku = 1; optional int32 n = 2 [default = 7]; }
			optional string note = 6; extensions 100 to 199; }`
	fields := []batch.Field{{Name: "id", Type: "BIGINT", Path: []string{"orderid"}},
		{Name: "id_text", Type: "VARCHAR", Path: []string{"order_ID"}}, {Name: "city", Type: "VARCHAR", Path: []string{"address", "city"}},
		{Name: "far", Type: "VARCHAR", Path: []string{"address", "next", "city"}},
		{Name: "address", Type: "STRUCT(zip VARCHAR)"}, {Name: "colour", Type: "VARCHAR", Path: []string{"tags", "colour"}},
		{Name: "second", Type: "VARCHAR", Path: []string{"line", "1", "sku"}}, {Name: "line", Type: "STRUCT(n INTEGER, sku VARCHAR)[]"},
		{Name: "gone", Type: "DATE"}, {Name: "under", Type: "VARCHAR", Path: []string{"note", "x"}},
		{Name: "deep", Type: "INTEGER", Path: []string{"more", "a", "1"}}}
	text := []string{
		`order_ID: 1 address: {city: "Oslo" zip: "0150" next: {city: "Lima"}} tags: {key: "size" value: "L"} ` +
			`tags: {key: "colour" value: "red"} Line: {sku: "a" n: 1} Line: {sku: "b"} ` +
			`note: "x" more: {fields: {key: "a" value: {list_value: {values: [{}, {number_value: 3}]}}}}`,
		`order_ID: 2`,
		`note: "none"`,
	}
	var values [][]byte
	for _, s := range text {
		values = append(values, protoFramed(0, "\x02\x02", protoEncoded(t, schema, []int{1}, s)))
	}
	values = append(values, protoFramed(0, "\x00", nil), protoFramed(0, "\x04\x00\x02", nil), protoFramed(0, "\x02\x06", nil),
		protoFramed(0, "\x03", nil), protoFramed(0, "", nil))
	got := landProto(t, c, fields, protos(schema), values...)
	want := []string{"1|1|Oslo|Lima|{'zip': 0150}|red|b|[{'n': 1, 'sku': a}, {'n': NULL, 'sku': b}]|NULL|NULL|3",
		"2|2|NULL|NULL|NULL|NULL|NULL|[]|NULL|NULL|NULL", "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL"}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Error(diff)
	}
	reasons := []string{"bad_record: no Protobuf of its schema: the required field order_ID isn't there",
		"bad_record: schema id 0: it has no message [0 1]", "bad_record: schema id 0: it has no message [3]",
		"bad_record: no Protobuf with a schema id: the numbers of its message can't be read",
		"bad_record: no Protobuf with a schema id: the numbers of its message can't be read"}
	if diff := cmp.Diff(reasons, got.Reasons); diff != "" {
		t.Error(diff)
	}
	// size of the tags and note's x; in the STRUCT of the address city and next, on the paths through it zip
	if got.In.Unknown != 5 {
		t.Error(got.In.Unknown)
	}
}
