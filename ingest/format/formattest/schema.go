package formattest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/schema"
)

// SchemasOf is a Source of texts at hand, without references.
func SchemasOf(kind sr.SchemaType, texts ...string) schema.Source {
	return func(_ context.Context, n schema.Name) (*schema.Text, error) {
		if n.ByGUID || int(n.ID) >= len(texts) {
			return nil, schema.NoSchema("unknown schema " + n.String())
		}
		return &schema.Text{Kind: kind, Text: texts[n.ID]}, nil
	}
}

// SchemaLanding is a landing of records in a format with schemas.
func SchemaLanding(t testing.TB, c *duck.Conn, format *batch.Format, fields []batch.Field, lim batch.Limits,
	schemas schema.Source) *batch.Landing {
	t.Helper()
	d := batch.Dialect{Format: format, Topics: &batch.Topics{Values: schemas}}
	l, err := batch.NewLanding(c, "src", fields, d, lim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	if err := l.Topic("t"); err != nil {
		t.Fatal(err)
	}
	return l
}

// filled is a buffer with values, which it must have room for.
func filled(t testing.TB, l *batch.Landing, values ...[]byte) *batch.Buffer {
	t.Helper()
	b, err := l.Take(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if ok, err := b.Add(context.Background(), &batch.Record{Topic: "t", Offset: int64(i), Value: v}); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	return b
}

// LandSchema decodes values into one batch.
func LandSchema(t testing.TB, c *duck.Conn, format *batch.Format, fields []batch.Field, schemas schema.Source, values ...[]byte) Landed {
	t.Helper()
	b := filled(t, SchemaLanding(t, c, format, fields, batch.Limits{}, schemas), values...)
	defer b.Release()
	return show(t, c, fields, b.Input())
}

// TakesAnything adds a value twice: both are taken or rejected with a reason, and DuckDB can read every value.
func TakesAnything(t *testing.T, c *duck.Conn, l *batch.Landing, value []byte) {
	b := filled(t, l, value, value)
	defer b.Release()
	in := b.Input()
	q := duck.SQL("SELECT count(x::VARCHAR) FROM {rows} x", duck.Args{"rows": in.Rows})
	if in.Bad != nil {
		q = duck.SQL("SELECT count(reason || coalesce(data::VARCHAR, '')) FROM {bad} WHERE reason LIKE 'bad_record: %'", duck.Args{"bad": in.Bad})
	}
	if n, err := c.Int(context.Background(), q); err != nil || n != 2 {
		t.Fatal(n, err)
	}
}

// WithoutGarbage says that a record of a known schema is decoded without an allocation.
func WithoutGarbage(t *testing.T, l *batch.Landing, value []byte) {
	t.Helper()
	b := filled(t, l, value)
	defer b.Release()
	rec := &batch.Record{Topic: "t", Value: value}
	add := func() {
		rec.Offset++
		if ok, err := b.Add(context.Background(), rec); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if n := testing.AllocsPerRun(1000, add); n > 0 || b.Bad() > 0 {
		t.Errorf("%v allocations a record, %d bad", n, b.Bad())
	}
}

// BenchRecords decodes good records, batch after batch.
func BenchRecords(b *testing.B, l *batch.Landing, value func(i int) []byte) {
	const n = 100_000
	recs, size := make([]batch.Record, n), 0
	for i := range recs {
		recs[i] = batch.Record{Topic: "t", Offset: int64(i), Value: value(i)}
		size += len(recs[i].Value)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		buf, err := l.Take(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		for i := range recs {
			if ok, err := buf.Add(context.Background(), &recs[i]); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
		if buf.Bad() != 0 {
			b.Fatal(buf.Input().BadCount)
		}
		buf.Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}

// Framed is a value in the wire format.
func Framed(id int, value []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), value...)
}

// Varint is a zigzag one.
func Varint(n int64) []byte { return binary.AppendUvarint(nil, uint64(n<<1)^uint64(n>>63)) }

var AvroOrderFields = []batch.Field{{Name: "id", Type: "BIGINT"}, {Name: "customer", Type: "INTEGER"}, {Name: "email", Type: "VARCHAR"},
	{Name: "amount", Type: "DOUBLE"}, {Name: "price", Type: "DECIMAL(10,2)"}, {Name: "status", Type: "VARCHAR"},
	{Name: "created_at", Type: "TIMESTAMP"}, {Name: "tags", Type: "VARCHAR[]"}}

func Shown(v any) string { b, _ := json.Marshal(v); return string(b) }

func EscapedBlob(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		fmt.Fprintf(&s, `\x%02X`, c)
	}
	return s.String()
}

// Singles are doubles that become the same FLOAT as doubles and by their texts. One that lies just between two FLOATs goes to the even
// one, and its shortest text, which is another number, may go to the other: both are right.
func Singles() *rapid.Generator[float64] {
	return rapid.Float64().Filter(func(x float64) bool {
		y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', -1, 64), 32)
		return err != nil || y == float64(float32(x)) || math.IsNaN(x)
	})
}
