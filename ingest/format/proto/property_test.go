package proto

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/engine/invariants"
	"dsql/ingest/batch"
	"dsql/ingest/format/formattest"
	jsonformat "dsql/ingest/format/json"
)

// protoGen is a type of a field, the column that takes its values, and how to draw one: in the text format and as JSON has it.
type protoGen struct {
	decl, duckdb string
	presence     bool // a message: a field of it may not be there
	zero         any
	draw         func(t *rapid.T) (text string, js any)
}

func numbers[T any](gen *rapid.Generator[T], zero T, duckdb string, decls ...string) (out []protoGen) {
	for _, decl := range decls {
		out = append(out, protoGen{decl, duckdb, false, zero, func(t *rapid.T) (string, any) {
			v := gen.Draw(t, "v")
			return formattest.Shown(v), v
		}})
	}
	return out
}

func protoScalarGens() []protoGen {
	at := rapid.Map(rapid.Int64Range(-6e16, 2e17), func(us int64) time.Time { return time.UnixMicro(us).UTC() })
	moment := func(v time.Time) string {
		s, ns := v.Unix(), v.Nanosecond()
		return fmt.Sprintf("{seconds: %d nanos: %d}", s, ns)
	}
	quoted := func(b []byte) string {
		var s strings.Builder
		for _, c := range b {
			fmt.Fprintf(&s, `\x%02x`, c)
		}
		return `"` + s.String() + `"`
	}
	out := []protoGen{
		{"string", "VARCHAR", false, "", func(t *rapid.T) (string, any) { v := rapid.String().Draw(t, "v"); return quoted([]byte(v)), v }},
		{"string", "DATE", false, "", func(t *rapid.T) (string, any) {
			v := rapid.SampledFrom([]string{"2024-02-29", "2023-02-29", "x", "2024-01-01 10:00"}).Draw(t, "v")
			return quoted([]byte(v)), v
		}},
		{"bytes", "BLOB", false, "", func(t *rapid.T) (string, any) {
			v := rapid.SliceOf(rapid.Byte()).Draw(t, "v")
			return quoted(v), formattest.EscapedBlob(v)
		}},
		{"Colour", "VARCHAR", false, "none", func(t *rapid.T) (string, any) {
			v := rapid.SampledFrom([]string{"none", "more_than_twelve_bytes", "below"}).Draw(t, "v")
			return v, v
		}},
		{"Colour", "TINYINT", false, 0, func(t *rapid.T) (string, any) {
			v := rapid.SampledFrom([]string{"none", "more_than_twelve_bytes", "below"}).Draw(t, "v")
			return v, map[string]int{"none": 0, "more_than_twelve_bytes": 200, "below": -1}[v]
		}},
		{"google.protobuf.Timestamp", "TIMESTAMP", true, "1970-01-01", func(t *rapid.T) (string, any) {
			v := at.Draw(t, "at")
			return moment(v), v.Format("2006-01-02T15:04:05.999999")
		}},
		{"google.protobuf.Timestamp", "DATE", true, "1970-01-01", func(t *rapid.T) (string, any) {
			v := at.Draw(t, "at").Truncate(12 * time.Hour)
			return moment(v), v.Format("2006-01-02 15:04:05")
		}},
		{"google.protobuf.Duration", "DECIMAL(18,6)", true, 0, func(t *rapid.T) (string, any) {
			us := rapid.Int64Range(-1e15, 1e15).Draw(t, "us")
			return fmt.Sprintf("{seconds: %d nanos: %d}", us/1e6, us%1e6*1000), json.Number(fmt.Sprintf("%de-6", us))
		}},
		{"google.protobuf.Int64Value", "BIGINT", true, 0, func(t *rapid.T) (string, any) {
			v := rapid.Int64().Draw(t, "v")
			return fmt.Sprintf("{value: %d}", v), v
		}},
		{"google.protobuf.StringValue", "VARCHAR", true, "", func(t *rapid.T) (string, any) {
			v := rapid.String().Draw(t, "v")
			return "{value: " + quoted([]byte(v)) + "}", v
		}},
	}
	out = append(out, numbers(rapid.Bool(), false, "BOOLEAN", "bool")...)
	for _, to := range []string{"INTEGER", "SMALLINT", "DECIMAL(9,3)", "VARCHAR"} {
		out = append(out, numbers(rapid.Int32(), 0, to, "int32", "sint32", "sfixed32")...)
	}
	for _, to := range []string{"BIGINT", "UBIGINT", "DOUBLE", "VARCHAR"} {
		out = append(out, numbers(rapid.Int64(), 0, to, "int64", "sint64", "sfixed64")...)
		out = append(out, numbers(rapid.Uint64(), 0, to, "uint64", "fixed64")...)
		out = append(out, numbers(rapid.Uint32(), 0, to, "uint32", "fixed32")...)
	}
	for _, to := range []string{"DOUBLE", "BIGINT", "DECIMAL(38,6)"} {
		out = append(out, numbers(rapid.Float64(), 0, to, "double")...)
	}
	out = append(out, numbers(formattest.Singles(), 0, "FLOAT", "double")...)
	return append(out, numbers(rapid.Float32(), 0, "FLOAT", "float")...)
}

var drawnScalars = protoScalarGens()

// drawProto makes a type, and adds the messages that it needs to defs.
func drawProto(t *rapid.T, defs *[]string, depth int) protoGen {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "scalar") > 0 {
		return rapid.SampledFrom(drawnScalars).Draw(t, "of")
	}
	of, other := drawProto(t, defs, depth-1), drawProto(t, defs, depth-1)
	name := fmt.Sprintf("M%d", len(*defs))
	keys := map[string]string{"string": `"a key"`, "sint64": "-5", "fixed32": "5"}
	key := rapid.SampledFrom([]string{"string", "sint64", "fixed32"}).Draw(t, "key")
	*defs = append(*defs, fmt.Sprintf("message %s { optional %s skipped = 7; %s x = 3; repeated %s l = 2; map<%s, %s> m = 900; oneof o { "+
		"int32 one = 10; string two = 11; } }",
		name, other.decl, of.decl, of.decl, key, other.decl))
	duckdb := fmt.Sprintf("STRUCT(l %s[], gone DATE, x %s, m MAP(VARCHAR, %s), one INTEGER, two VARCHAR)", of.duckdb, of.duckdb, other.duckdb)
	zero := func() map[string]any {
		js := map[string]any{"l": []any{}, "m": map[string]any{}}
		if !of.presence {
			js["x"] = of.zero
		}
		return js
	}
	return protoGen{name, duckdb, true, zero(), func(t *rapid.T) (string, any) {
		var s strings.Builder
		js := zero()
		if rapid.Bool().Draw(t, "x") {
			text, v := of.draw(t)
			fmt.Fprintf(&s, "x: %s ", text)
			js["x"] = v
		}
		if rapid.Bool().Draw(t, "skipped") {
			text, _ := other.draw(t)
			fmt.Fprintf(&s, "skipped: %s ", text)
		}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			text, v := of.draw(t)
			fmt.Fprintf(&s, "l: %s ", text)
			js["l"] = append(js["l"].([]any), v)
		}
		if rapid.Bool().Draw(t, "entry") { // one: the order of more is anyone's
			text, v := other.draw(t)
			fmt.Fprintf(&s, "m: {key: %s value: %s} ", keys[key], text)
			js["m"] = map[string]any{strings.Trim(keys[key], `"`): v}
		}
		switch rapid.IntRange(0, 2).Draw(t, "oneof") {
		case 0:
			s.WriteString("one: 0 ")
			js["one"] = 0
		case 1:
			s.WriteString(`two: "2" `)
			js["two"] = "2"
		}
		return "{" + s.String() + "}", js
	}}
}

// shuffled is the message with its fields in another order: those of one number stay in theirs.
func shuffled(t *rapid.T, message []byte) []byte {
	byField := map[protowire.Number][][]byte{}
	var order []protowire.Number
	for len(message) > 0 {
		num, typ, n := protowire.ConsumeTag(message)
		n += protowire.ConsumeFieldValue(num, typ, message[n:])
		byField[num] = append(byField[num], message[:n])
		order = append(order, num)
		message = message[n:]
	}
	var out []byte
	for _, num := range rapid.Permutation(order).Draw(t, "order") {
		out = append(out, byField[num][0]...)
		byField[num] = byField[num][1:]
	}
	return out
}

// What Google's library writes, in any order of the fields, is decoded to what the JSON decoder makes of the same values, and what
// one rejects the other rejects.
func TestProtoAgreesWithJSON(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	rapid.Check(t, func(rt *rapid.T) {
		var fields []batch.Field
		var gens []protoGen
		defs := []string{"enum Colour { none = 0; more_than_twelve_bytes = 200; below = -1; }"}
		top := ""
		for i := range rapid.IntRange(1, 6).Draw(rt, "fields") {
			g := drawProto(rt, &defs, 2)
			name := fmt.Sprintf("f%d", i)
			top += fmt.Sprintf("%s %s = %d; ", g.decl, name, rapid.IntRange(1, 40).Draw(rt, "number")*10+i)
			if gens = append(gens, g); rapid.IntRange(0, 4).Draw(rt, "declared") > 0 {
				fields = append(fields, batch.Field{Name: name, Type: duck.Type(g.duckdb)})
			}
		}
		schema := protoHead + "message top { " + top + "}" + strings.Join(defs, "\n")
		fields = append(fields, batch.Field{Name: "missing", Type: "INTEGER"})
		var lines strings.Builder
		var values [][]byte
		for range rapid.IntRange(1, 4).Draw(rt, "records") {
			text, js := "", map[string]any{}
			for i, g := range gens {
				name := fmt.Sprintf("f%d", i)
				if rapid.IntRange(0, 3).Draw(rt, "absent") == 0 {
					if !g.presence {
						js[name] = g.zero
					}
					continue
				}
				s, v := g.draw(rt)
				text += name + ": " + s + " "
				js[name] = v
			}
			values = append(values, protoFramed(0, "\x00", shuffled(rt, protoEncoded(t, schema, []int{0}, text))))
			line, err := json.Marshal(js)
			if err != nil {
				rt.Fatal(err)
			}
			lines.Write(append(line, '\n'))
		}
		want := formattest.Land(t, c, fields, batch.Dialect{Format: &jsonformat.Format}, batch.Limits{}, batch.FileInfo{}, lines.String())[0]
		got := landProto(t, c, fields, protos(schema), values...)
		if diff := cmp.Diff(want.Rows, got.Rows); diff != "" {
			rt.Fatalf("%s\n%s%s\n%v\n%v", schema, lines.String(), diff, want.Reasons, got.Reasons)
		}
	})
}

var fuzzProto = protoHead + `message top { optional int64 i = 1; string s = 2; confluent.type.Decimal d = 3; double f = 4; ` +
	`google.protobuf.Timestamp t = 5; repeated top skipped = 6; bytes b = 7;
	message El { string a = 1; repeated int32 b = 2; } repeated El l = 8; map<string, google.protobuf.Timestamp> m = 9; ` +
	`oneof o { top j = 10; google.protobuf.Struct k = 12; } Colour e = 11; }
	enum Colour { y = 0; x = 1; }`

// Any bytes are taken or rejected with a reason, and DuckDB can read every value.
func FuzzProto(f *testing.F) {
	c := formattest.Memory(f)
	fields := append([]batch.Field(nil), formattest.FuzzFields...)
	fields[len(fields)-1] = batch.Field{Name: "e", Type: "VARCHAR"}
	fields = append(fields, batch.Field{Name: "struct", Type: "JSON", Path: []string{"k"}})
	l := formattest.SchemaLanding(f, c, &Format, fields, batch.Limits{Bytes: 1 << 20}, protos(fuzzProto))
	short := protoEncoded(f, fuzzProto, []int{0},
		`i: 7 s: "a text of some length" d: {value: "\001\002" scale: 3} f: 0.5 t: {seconds: 1704190272 nanos: 123000000} `+
			`b: "ab" l: {a: "x" b: [1, 2]} m: {key: "k" value: {}} j: {s: "x" skipped: {}} e: x`)
	other := protoEncoded(f, fuzzProto, []int{0},
		`skipped: {} k: {fields: {key: "a" value: {list_value: {values: [{}, {number_value: 1}, {null_value: NULL_VALUE}]}}}}`)
	for _, s := range [][]byte{nil, {8, 14}, short, short[:20], append(short[:len(short):len(short)], 0),
		append(short[:len(short):len(short)], other...), other, {0x33, 0x08, 0x01, 0x34}, {0x52, 0x02, 0x52, 0x00, 0x52, 0x02, 0x08, 0x01}} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value []byte) { formattest.TakesAnything(t, c, l, protoFramed(0, "\x00", value)) })
}

const protoOrders = `syntax = "proto3"; import "google/protobuf/timestamp.proto"; enum Status { open = 0; paid = 1; }
	message Order { int64 id = 1; int32 customer = 2; string email = 3; double amount = 4; string price = 5; Status status = 6; ` +
	`google.protobuf.Timestamp created_at = 7; repeated string tags = 8; map<string, int32> m = 9; }`

func protoOrder(i int) []byte {
	b := protowire.AppendVarint([]byte{0x08}, uint64(i))
	b = protowire.AppendVarint(append(b, 0x10), uint64(i%50000))
	b = protowire.AppendString(append(b, 0x1a), fmt.Sprintf("customer%d@example.com", i%50000))
	b = protowire.AppendFixed64(append(b, 0x21), 0x4045000000000000)
	b = protowire.AppendString(append(b, 0x2a), fmt.Sprintf("%d.%02d", i%1000, i%100))
	b = protowire.AppendVarint(append(b, 0x30), uint64(i&1))
	at := protowire.AppendVarint([]byte{0x08}, uint64(1704190272+i))
	at = protowire.AppendVarint(append(at, 0x10), 123456000)
	b = protowire.AppendBytes(append(b, 0x3a), at)
	return protoFramed(0, "\x00", append(b, 0x42, 1, 'a', 0x42, 1, 'b'))
}

// Records of a known schema are decoded without garbage.
func TestProtoAllocations(t *testing.T) {
	if invariants.Enabled {
		t.Skip("what is checked is allocated")
	}
	c := formattest.Memory(t)
	l := formattest.SchemaLanding(t, c, &Format,
		append([]batch.Field{{Name: "text", Type: "VARCHAR", Path: []string{"tags"}}, {Name: "m", Type: "VARCHAR"}},
			formattest.AvroOrderFields...), batch.Limits{}, protos(protoOrders))
	formattest.WithoutGarbage(t, l, protoOrder(12345))
}

func BenchmarkProto(b *testing.B) {
	l := formattest.SchemaLanding(b, formattest.Memory(b), &Format, formattest.AvroOrderFields, batch.Limits{}, protos(protoOrders))
	formattest.BenchRecords(b, l, protoOrder)
}
