package format

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/format/formattest"
	"dsql/ingest/format/json"
)

func recordLanding(t testing.TB, c *duck.Conn, format string, fields []batch.Field, limits batch.Limits) *batch.Landing {
	t.Helper()
	d := batch.Dialect{Format: Named(format), Topics: &batch.Topics{JSON: json.Keys}}
	l, err := batch.NewLanding(c, "s", fields, d, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	if err := l.Topic("a topic with a name"); err != nil {
		t.Fatal(err)
	}
	return l
}

// A record of a topic is read as the same line of a file is: the same values, the same reasons.
func TestRecordsAreReadAsLines(t *testing.T) {
	c := formattest.Memory(t)
	fields := []batch.Field{{Name: "i", Type: "BIGINT"}, {Name: "s", Type: "VARCHAR"}, {Name: "d", Type: "DECIMAL(9,2)"},
		{Name: "l", Type: "STRUCT(a VARCHAR, b INTEGER[])[]"}}
	lines, err := batch.NewLanding(c, "s", fields, batch.Dialect{Format: &json.Format}, batch.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer lines.Close()
	records := recordLanding(t, c, "json", fields, batch.Limits{})
	value := rapid.SampledFrom([]string{`1`, `-7.50`, `"12"`, `"text that is longer"`, `null`, `[{"a":"x","b":[1,2]},null]`, `[{"b":[1.5]}]`,
		`{"a":1}`, `true`, `"\u00e9\n"`, `1e400`, `"\ud800"`})
	read := func(rt *rapid.T, in *kind.Input) string {
		rows, err := duck.Select(context.Background(), c,
			duck.SQL("SELECT coalesce(i::VARCHAR, '-') || '|' || coalesce(s, '-') || '|' || coalesce(d::VARCHAR, '-') || '|' || "+
				"coalesce(l::VARCHAR, '-') FROM {rows}", duck.Args{"rows": in.Rows}),
			func(row func(...any) error) (s string, err error) { return s, row(&s) })
		if err != nil {
			rt.Fatal(err)
		}
		if in.Bad != nil {
			bad, err := duck.Select(context.Background(), c,
				duck.SQL("SELECT reason || '|' || coalesce(data::VARCHAR, '-') || '|' || decode(_payload) FROM {bad}", duck.Args{"bad": in.Bad}),
				func(row func(...any) error) (s string, err error) { return s, row(&s) })
			if err != nil {
				rt.Fatal(err)
			}
			rows = append(rows, bad...)
		}
		return strings.Join(rows, "\n")
	}
	rapid.Check(t, func(rt *rapid.T) {
		var all []string
		for range rapid.IntRange(1, 8).Draw(rt, "records") {
			all = append(all, fmt.Sprintf(`{"i":%s,"s":%s,"d":%s,"l":%s,"more":%s}`, value.Draw(rt, "i"), value.Draw(rt, "s"), value.Draw(rt, "d"),
				value.Draw(rt, "l"), value.Draw(rt, "more")))
		}
		f, err := lines.Open(strings.NewReader(strings.Join(all, "\n")), batch.Pos{}, batch.FileInfo{})
		if err != nil {
			rt.Fatal(err)
		}
		a, _ := lines.Take(context.Background())
		defer a.Release()
		if _, err := a.Fill(context.Background(), f); err != nil {
			rt.Fatal(err)
		}
		b, _ := records.Take(context.Background())
		defer b.Release()
		for i, text := range all {
			if ok, err := b.Add(context.Background(), &batch.Record{Topic: "a topic with a name", Offset: int64(i), Value: []byte(text)}); !ok ||
				err != nil {
				rt.Fatal(ok, err)
			}
		}
		if want, got := read(rt, a.Input()), read(rt, b.Input()); got != want {
			rt.Fatalf("records:\n%s\nlines:\n%s", got, want)
		}
	})
}

// Whatever a record holds: no panic, it is a row or a reject, and DuckDB can read it. Small batches take it in the end too.
func FuzzRecord(f *testing.F) {
	for _, s := range []string{"", `{"i":1}`, `{"before":null,"after":{"i":1,"l":[{"a":"x"}]},"op":"c"}`,
		`{"payload":{"op":"d","before":{"i":2}}}`, "1,a,2.5,3", `1,"a`, "\x00\x00\x00\x00\x01{}", `{"op":`, "\xff\xfe",
		`{"after":[],"op":"u","i":{}}`} {
		f.Add([]byte(s), []byte(`{"id":1}`), "h", false)
	}
	c := formattest.Memory(f)
	fields := append([]batch.Field(nil), formattest.FuzzFields...)
	fields[len(fields)-1].Type = "TIMESTAMP"
	keyed := append([]batch.Field{{Name: "k", Type: "BIGINT", Key: true, Path: []string{"id"}}, {Name: "whole", Type: "VARCHAR", Key: true}},
		fields...)
	all := []*batch.Landing{recordLanding(f, c, "json", keyed, batch.Limits{}), recordLanding(f, c, "debezium", keyed, batch.Limits{}),
		recordLanding(f, c, "csv", keyed, batch.Limits{}),
		recordLanding(f, c, "raw", append(keyed[:2:2], batch.Field{Name: "v", Type: "VARCHAR"}), batch.Limits{}),
		recordLanding(f, c, "json", keyed, batch.Limits{Bytes: 64})}
	f.Fuzz(func(t *testing.T, value, key []byte, header string, tombstone bool) {
		rec := &batch.Record{Topic: "a topic with a name", Partition: 3, Offset: 9, Time: time.Unix(1, 0), Key: key, Value: value,
			Headers: []batch.RecordHeader{{Key: header, Value: value}, {Key: "none", Value: nil}}}
		if tombstone {
			rec.Value = nil
		}
		for _, l := range all {
			b, err := l.Take(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if ok, err := b.Add(context.Background(), rec); err != nil || !ok && b.Records() == 0 {
					t.Fatal(ok, err)
				}
			}
			in := b.Input()
			wrong := recordsAdd(c, in)
			b.Release()
			if wrong != "" {
				t.Fatal(wrong)
			}
		}
	})
}

// recordsAdd reads all values of a batch and holds the counts against the relations.
func recordsAdd(c *duck.Conn, in *kind.Input) string {
	bad := in.Bad
	if bad == nil {
		bad = duck.SQL("(SELECT NULL AS reason, NULL AS data WHERE false)")
	}
	var rows, bads, raws, read int64
	_, err := c.Scan(context.Background(), duck.SQL(`SELECT r, b, p, rs + bs FROM (SELECT count(*) AS r, coalesce(sum(len(x::VARCHAR)), `+
		`0)::BIGINT AS rs FROM {rows} x),
		(SELECT count(*) AS b, coalesce(sum(len(data::VARCHAR) + len(reason)), 0)::BIGINT AS bs FROM {bad} WHERE reason LIKE 'bad_record: %'),
		(SELECT count(*) AS p FROM {raw} WHERE _meta."offset" = 9 AND len(_meta.headers) IN (0, `+
		`2) AND (_payload IS NULL) = _meta.tombstone)`, duck.Args{"raw": in.Raw, "rows": in.Rows, "bad": bad}), &rows, &bads, &raws, &read)
	if err != nil || rows != in.Good || bads != in.BadCount || raws != in.Records || in.Records != in.Good+in.BadCount {
		return fmt.Sprintf("%v: %d = %d + %d, relations have %d, %d and %d", err, in.Records, in.Good, in.BadCount, raws, rows, bads)
	}
	return ""
}
