package ingest

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
)

// schemasOf is a schemaSource of texts at hand, without references.
func schemasOf(kind sr.SchemaType, texts ...string) schemaSource {
	return func(_ context.Context, n schemaName) (*schemaText, error) {
		if n.byGUID || int(n.id) >= len(texts) {
			return nil, noSchema("unknown schema " + n.String())
		}
		return &schemaText{kind, texts[n.id], nil}, nil
	}
}

// schemaLanding is a landing of records in a format with schemas.
func schemaLanding(t testing.TB, c *duck.Conn, format string, fields []Field, lim Limits, schemas schemaSource) *Landing {
	t.Helper()
	d := Dialect{Format: formatNamed(format), Topics: &Topics{Values: schemas, JSON: jsonKeys}}
	l, err := NewLanding(c, "src", fields, d, lim)
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
func filled(t testing.TB, l *Landing, values ...[]byte) *Buffer {
	t.Helper()
	b, err := l.Take(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if ok, err := b.Add(context.Background(), &Record{Topic: "t", Offset: int64(i), Value: v}); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	return b
}

// landSchema decodes values into one batch.
func landSchema(t testing.TB, c *duck.Conn, format string, fields []Field, schemas schemaSource, values ...[]byte) landed {
	t.Helper()
	b := filled(t, schemaLanding(t, c, format, fields, Limits{}, schemas), values...)
	defer b.Release()
	return show(t, c, fields, b.Input())
}

// takesAnything adds a value twice: both are taken or rejected with a reason, and DuckDB can read every value.
func takesAnything(t *testing.T, c *duck.Conn, l *Landing, value []byte) {
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

// withoutGarbage says that a record of a known schema is decoded without an allocation.
func withoutGarbage(t *testing.T, l *Landing, value []byte) {
	t.Helper()
	b := filled(t, l, value)
	defer b.Release()
	rec := &Record{Topic: "t", Value: value}
	add := func() {
		rec.Offset++
		if ok, err := b.Add(context.Background(), rec); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if n := testing.AllocsPerRun(1000, add); n > 0 || b.bad.total > 0 {
		t.Errorf("%v allocations a record, %d bad", n, b.bad.total)
	}
}

// benchRecords decodes good records, batch after batch.
func benchRecords(b *testing.B, l *Landing, value func(i int) []byte) {
	const n = 100_000
	recs, size := make([]Record, n), 0
	for i := range recs {
		recs[i] = Record{Topic: "t", Offset: int64(i), Value: value(i)}
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
		if buf.bad.total != 0 {
			b.Fatal(buf.Input().BadCount)
		}
		buf.Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}
