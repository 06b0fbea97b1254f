package avro

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"
	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/engine/invariants"
	"dsql/ingest/batch"
	"dsql/ingest/format/formattest"
	jsonformat "dsql/ingest/format/json"
)

// avroGen is a type of a schema, the column that takes its values, and how to draw one: as goavro wants it and as JSON has it.
type avroGen struct {
	schema any
	union  string // its name in a union
	duckdb string
	draw   func(t *rapid.T) (native, js any)
}

func logical(kind, name string) map[string]any { return map[string]any{"type": kind, "l": name} }

// avroScalars are made afresh for each schema: names may stand in one once only.
func avroScalars(names *int) []avroGen {
	*names++
	name := fmt.Sprintf("n%d", *names)
	at := func(t *rapid.T) time.Time { return time.UnixMicro(rapid.Int64Range(-6e16, 2e17).Draw(t, "at")).UTC() }
	return []avroGen{
		{"boolean", "boolean", "BOOLEAN", func(t *rapid.T) (any, any) { v := rapid.Bool().Draw(t, "v"); return v, v }},
		{"boolean", "boolean", "VARCHAR", func(t *rapid.T) (any, any) { v := rapid.Bool().Draw(t, "v"); return v, v }},
		{"int", "int", "INTEGER", func(t *rapid.T) (any, any) { v := rapid.Int32().Draw(t, "v"); return v, v }},
		{"int", "int", "SMALLINT", func(t *rapid.T) (any, any) { v := rapid.Int32().Draw(t, "v"); return v, v }},
		{"int", "int", "DECIMAL(9,3)", func(t *rapid.T) (any, any) { v := rapid.Int32().Draw(t, "v"); return v, v }},
		{"long", "long", "BIGINT", func(t *rapid.T) (any, any) { v := rapid.Int64().Draw(t, "v"); return v, v }},
		{"long", "long", "UBIGINT", func(t *rapid.T) (any, any) { v := rapid.Int64().Draw(t, "v"); return v, v }},
		{"long", "long", "DOUBLE", func(t *rapid.T) (any, any) { v := rapid.Int64().Draw(t, "v"); return v, v }},
		{"long", "long", "VARCHAR", func(t *rapid.T) (any, any) { v := rapid.Int64().Draw(t, "v"); return v, v }},
		{"float", "float", "FLOAT", func(t *rapid.T) (any, any) { v := rapid.Float32().Draw(t, "v"); return v, v }},
		{"float", "float", "VARCHAR", func(t *rapid.T) (any, any) {
			v := rapid.Float32().Draw(t, "v")
			return v, json.Number(formattest.Shown(v))
		}},
		{"double", "double", "DOUBLE", func(t *rapid.T) (any, any) { v := rapid.Float64().Draw(t, "v"); return v, v }},
		{"double", "double", "DECIMAL(38,6)", func(t *rapid.T) (any, any) { v := rapid.Float64().Draw(t, "v"); return v, v }},
		{"double", "double", "BIGINT", func(t *rapid.T) (any, any) { v := rapid.Float64().Draw(t, "v"); return v, v }},
		{"double", "double", "FLOAT", func(t *rapid.T) (any, any) { v := formattest.Singles().Draw(t, "v"); return v, v }},
		{"string", "string", "VARCHAR", func(t *rapid.T) (any, any) { v := rapid.String().Draw(t, "v"); return v, v }},
		{"string", "string", "DATE", func(t *rapid.T) (any, any) {
			v := rapid.SampledFrom([]string{"2024-02-29", "2023-02-29", "", "x", "2024-01-01 10:00"}).Draw(t, "v")
			return v, v
		}},
		{"bytes", "bytes", "BLOB", func(t *rapid.T) (any, any) {
			v := rapid.SliceOf(rapid.Byte()).Draw(t, "v")
			return v, formattest.EscapedBlob(v)
		}},
		{map[string]any{"type": "fixed", "name": name, "size": 13}, name, "BLOB", func(t *rapid.T) (any, any) {
			v := rapid.SliceOfN(rapid.Byte(), 13, 13).Draw(t, "v")
			return v, formattest.EscapedBlob(v)
		}},
		{map[string]any{"type": "enum", "name": name, "symbols": []string{"a", "more_than_twelve_bytes"}}, name, "VARCHAR",
			func(t *rapid.T) (any, any) {
				v := rapid.SampledFrom([]string{"a", "more_than_twelve_bytes"}).Draw(t, "v")
				return v, v
			}},
		{logical("int", "date"), "int", "DATE", func(t *rapid.T) (any, any) {
			v := rapid.Int32Range(-700_000, 2_900_000).Draw(t, "v")
			return v, time.Unix(int64(v)*86400, 0).UTC().Format("2006-01-02")
		}},
		{logical("int", "date"), "int", "VARCHAR", func(t *rapid.T) (any, any) {
			v := rapid.Int32Range(-700_000, 2_900_000).Draw(t, "v")
			return v, time.Unix(int64(v)*86400, 0).UTC().Format("2006-01-02")
		}},
		{logical("int", "time-millis"), "int", "TIME", func(t *rapid.T) (any, any) {
			v := rapid.Int32Range(0, 86399999).Draw(t, "v")
			return v, time.UnixMilli(int64(v)).UTC().Format("15:04:05.999")
		}},
		{logical("long", "timestamp-millis"), "long", "TIMESTAMP", func(t *rapid.T) (any, any) {
			v := at(t).Truncate(time.Millisecond)
			return v.UnixMilli(), v.Format("2006-01-02T15:04:05.999")
		}},
		{logical("long", "timestamp-micros"), "long", "VARCHAR", func(t *rapid.T) (any, any) {
			v := at(t)
			return v.UnixMicro(), v.Format("2006-01-02 15:04:05.999999")
		}},
		{logical("long", "timestamp-micros"), "long",
			rapid.SampledFrom([]string{"TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMP WITH TIME ZONE", "DATE"}).Example(*names),
			func(t *rapid.T) (any, any) {
				v := at(t)
				return v.UnixMicro(), v.Format("2006-01-02T15:04:05.999999")
			}},
		{map[string]any{"type": "bytes", "l": "decimal", "precision": 60, "scale": 4}, "bytes",
			rapid.SampledFrom([]string{"DECIMAL(12,5)", "DECIMAL(38,4)", "DECIMAL(20,2)", "VARCHAR", "DOUBLE", "HUGEINT"}).Example(*names),
			func(t *rapid.T) (any, any) {
				n := new(big.Int).Mul(big.NewInt(rapid.Int64().Draw(t, "n")),
					new(big.Int).Exp(big.NewInt(10), big.NewInt(rapid.Int64Range(0, 30).Draw(t, "e")), nil))
				return twos(n), json.Number(new(big.Rat).SetFrac(n, big.NewInt(10000)).FloatString(4))
			}},
	}
}

// shown is a float as encoding/json has it.
// twos is a number in big-endian two's complement.
func twos(n *big.Int) []byte {
	size := n.BitLen()/8 + 1
	m := new(big.Int).Set(n)
	if n.Sign() < 0 {
		m.Add(m, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return m.FillBytes(make([]byte, size))
}

// drawType makes a type with scalars at the ends.
func drawType(t *rapid.T, names *int, depth int) avroGen {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth == 0 || kind > 5 {
		return rapid.SampledFrom(avroScalars(names)).Draw(t, "scalar")
	}
	of := drawType(t, names, depth-1)
	switch kind {
	case 0, 1:
		return avroGen{map[string]any{"type": "array", "items": of.schema}, "array", of.duckdb + "[]", func(t *rapid.T) (any, any) {
			native, js := []any{}, []any{}
			for range rapid.IntRange(0, 3).Draw(t, "n") {
				n, j := of.draw(t)
				native, js = append(native, n), append(js, j)
			}
			return native, js
		}}
	case 2:
		return avroGen{map[string]any{"type": "map", "values": of.schema}, "map", "MAP(VARCHAR, " + of.duckdb + ")", func(t *rapid.T) (any, any) {
			native, js := map[string]any{}, map[string]any{}
			if rapid.Bool().Draw(t, "entry") { // one: the order of more is anyone's
				native["a key ü"], js["a key ü"] = of.draw(t)
			}
			return native, js
		}}
	case 3:
		*names++
		name := fmt.Sprintf("n%d", *names)
		other := drawType(t, names, depth-1)
		schema := map[string]any{"type": "record", "name": name,
			"fields": []any{map[string]any{"name": "skipped", "type": other.schema}, map[string]any{"name": "x", "type": of.schema}}}
		return avroGen{schema, name, "STRUCT(gone DATE, x " + of.duckdb + ")", func(t *rapid.T) (any, any) {
			o, _ := other.draw(t)
			n, j := of.draw(t)
			return map[string]any{"x": n, "skipped": o}, map[string]any{"x": j}
		}}
	}
	if list, ok := of.schema.([]any); ok && list != nil {
		return of
	}
	schema := []any{"null", of.schema}
	if kind == 5 {
		schema = []any{of.schema, "null"}
	}
	return avroGen{schema, "", of.duckdb, func(t *rapid.T) (any, any) {
		if rapid.Bool().Draw(t, "null") {
			return nil, nil
		}
		n, j := of.draw(t)
		return map[string]any{of.union: n}, j
	}}
}

// What goavro writes is decoded to what the JSON decoder makes of the same values, and what one rejects the other rejects.
func TestAvroAgreesWithJSON(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	rapid.Check(t, func(rt *rapid.T) {
		names := 0
		var fields []batch.Field
		var gens []avroGen
		list := []any{}
		for i := range rapid.IntRange(1, 6).Draw(rt, "fields") {
			g := drawType(rt, &names, 2)
			name := fmt.Sprintf("f%d", i)
			list = append(list, map[string]any{"name": name, "type": g.schema})
			if gens = append(gens, g); rapid.IntRange(0, 4).Draw(rt, "declared") > 0 {
				fields = append(fields, batch.Field{Name: name, Type: duck.Type(g.duckdb)})
			}
		}
		fields = append(fields, batch.Field{Name: "missing", Type: "INTEGER"})
		plain, err := json.Marshal(map[string]any{"type": "record", "name": "top", "fields": list})
		if err != nil {
			rt.Fatal(err)
		}
		codec, err := goavro.NewCodec(string(plain))
		if err != nil {
			rt.Fatal(string(plain), err)
		}
		var lines strings.Builder
		var values [][]byte
		for range rapid.IntRange(1, 4).Draw(rt, "records") {
			native, js := map[string]any{}, map[string]any{}
			for i, g := range gens {
				name := fmt.Sprintf("f%d", i)
				native[name], js[name] = g.draw(rt)
			}
			b, err := codec.BinaryFromNative(nil, native)
			if err != nil {
				rt.Fatal(string(plain), native, err)
			}
			values = append(values, formattest.Framed(0, b))
			line, err := json.Marshal(js)
			if err != nil {
				rt.Fatal(err)
			}
			lines.Write(append(line, '\n'))
		}
		want := formattest.Land(t, c, fields, batch.Dialect{Format: &jsonformat.Format}, batch.Limits{}, batch.FileInfo{}, lines.String())[0]
		got := landAvro(t, c, fields, texts(strings.ReplaceAll(string(plain), `"l":`, `"logicalType":`)), values...)
		if diff := cmp.Diff(want.Rows, got.Rows); diff != "" {
			rt.Fatalf("%s\n%s%s\n%v\n%v", plain, lines.String(), diff, want.Reasons, got.Reasons)
		}
	})
}

var fuzzSchema = `{"type":"record","name":"top","fields":[{"name":"i","type":["null","long"]},{"name":"s","type":"string"},{"name":"d",` +
	`"type":{"type":"bytes","logicalType":"decimal","precision":20,"scale":3}},{"name":"f","type":"double"},
	{"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"skipped","type":{"type":"array","items":["null",` +
	`"top"]}},{"name":"b","type":{"type":"fixed","name":"fx","size":2}},
	{"name":"l","type":{"type":"array","items":{"type":"record","name":"e","fields":[{"name":"a","type":"string"},{"name":"b",` +
	`"type":{"type":"array","items":"int"}}]}}},{"name":"m","type":{"type":"map","values":{"type":"int","logicalType":"date"}}},
	{"name":"j","type":["null","top",{"type":"array","items":"null"}]},{"name":"e","type":{"type":"enum","name":"en","symbols":["y","x"]}}]}`

// Any bytes are taken or rejected with a reason, and DuckDB can read every value.
func FuzzAvro(f *testing.F) {
	c := formattest.Memory(f)
	fields := append([]batch.Field(nil), formattest.FuzzFields...)
	fields[len(fields)-1] = batch.Field{Name: "e", Type: "VARCHAR"}
	l := avroLanding(f, c, fields, batch.Limits{Bytes: 1 << 20}, texts(fuzzSchema))
	short := encoded(f, schemaWithoutLogical.Replace(fuzzSchema),
		`{"i":{"long":7},"s":"a text of some length","d":"\u0001\u0002","f":0.5,"t":1704190272123,"skipped":[],"b":"ab","l":[{"a":"x",`+
			`"b":[1,2]}],"m":{"k":19724},"j":{"array":[null]},"e":"x"}`)
	for _, s := range [][]byte{nil, {2, 14}, short, short[:20], append(short, 0), append(formattest.Varint(0), formattest.Varint(-1)...),
		append(formattest.Varint(1), formattest.Varint(1<<62)...)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value []byte) { formattest.TakesAnything(t, c, l, formattest.Framed(0, value)) })
}

const orderSchema = `{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"customer","type":"int"},` +
	`{"name":"email","type":["null","string"]},{"name":"amount","type":"double"},{"name":"price","type":{"type":"bytes",` +
	`"logicalType":"decimal","precision":10,"scale":2}},
	{"name":"status","type":{"type":"enum","name":"Status","symbols":["open","paid"]}},{"name":"created_at","type":{"type":"long",` +
	`"logicalType":"timestamp-micros"}},{"name":"tags","type":{"type":"array","items":"string"}}]}`

func avroOrder(i int) []byte {
	b := append(formattest.Varint(int64(i)), formattest.Varint(int64(i%50000))...)
	email := fmt.Sprintf("customer%d@example.com", i%50000)
	b = append(append(append(b, formattest.Varint(1)...), formattest.Varint(int64(len(email)))...), email...)
	b = binary.LittleEndian.AppendUint64(b, 0x4045000000000000)
	b = append(b, 4, byte(i>>8)&0x7f, byte(i), byte(i&1)<<1)
	b = append(b, formattest.Varint(1704190272123456+int64(i))...)
	return formattest.Framed(0, append(b, 4, 2, 'a', 2, 'b', 0))
}

// Records of a known schema are decoded without garbage.
func TestAvroAllocations(t *testing.T) {
	if invariants.Enabled {
		t.Skip("what is checked is allocated")
	}
	c := formattest.Memory(t)
	l := avroLanding(t, c, append([]batch.Field{{Name: "text", Type: "VARCHAR", Path: []string{"tags"}}, {Name: "m", Type: "VARCHAR"}},
		formattest.AvroOrderFields...), batch.Limits{}, texts(orderSchema))
	formattest.WithoutGarbage(t, l, avroOrder(12345))
}

func BenchmarkAvro(b *testing.B) {
	l := avroLanding(b, formattest.Memory(b), formattest.AvroOrderFields, batch.Limits{}, texts(orderSchema))
	formattest.BenchRecords(b, l, avroOrder)
}
