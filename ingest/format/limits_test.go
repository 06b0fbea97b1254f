package format

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/format/csv"
	"dsql/ingest/format/formattest"
	"dsql/ingest/format/json"
)

// A record that is larger than a batch may be is a bad record with its first bytes; those before and behind it land.
func TestRecordTooLarge(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	lim := batch.Limits{Bytes: 100 << 10}
	long := strings.Repeat("long ", 100<<10)
	for _, k := range []struct {
		name, text, payload, want string
		d                         batch.Dialect
	}{
		{"csv", "1,x\n2," + long + "\n3,z\n", "2," + long, "1: 1|x\n2! record_too_large\n3: 3|z",
			batch.Dialect{Format: &csv.Format, Header: batch.HeaderNo}},
		{"csv, at the end", "1,x\n2," + long, "2," + long, "1: 1|x\n2! record_too_large",
			batch.Dialect{Format: &csv.Format, Header: batch.HeaderNo}},
		{"csv, a quote that nothing closes", "1,x\n2,\"y\n" + strings.Repeat("3,z\n", 50<<10), "2,\"y",
			"1: 1|x\n2! a quote is not closed\n51202: 3|z", batch.Dialect{Format: &csv.Format, Header: batch.HeaderNo}},
		{"lines", "{\"a\":1}\n{\"b\":\"" + long + "\"}\n{\"a\":3}\n", "{\"b\":\"" + long, "1: 1|NULL\n2! record_too_large\n3: 3|NULL",
			batch.Dialect{Format: &json.Format}},
		{"lines, at the end", "{\"a\":1}\n{\"b\":\"" + long + "\"}", "{\"b\":\"" + long, "1: 1|NULL\n2! record_too_large",
			batch.Dialect{Format: &json.Format}},
		{"lines, over several", "{\"a\":1}\n{\"b\":\n\"" + long + "\",\n\"z\":[{}]}\n{\"a\":3}\n", "{\"b\":\n\"" + long,
			"1: 1|NULL\n2! record_too_large\n5: 3|NULL", batch.Dialect{Format: &json.Format}},
		{"array", "[{\"a\":1},\n{\"z\":[\"]\\\"}" + long + "\",\n{}],\"b\":2},\n{\"a\":3}]", "{\"z\":[\"]\\\"}" + long,
			"1: 1|NULL\n2! record_too_large\n4: 3|NULL", batch.Dialect{Format: &json.Format}},
		{"array, the first", "[{\"b\":\"" + long + "\"},\n{\"a\":3}]", "{\"b\":\"" + long, "1! record_too_large\n2: 3|NULL",
			batch.Dialect{Format: &json.Format}},
		{"array, at the end", "[{\"a\":1},{\"b\":\"" + long, "{\"b\":\"" + long, "1: 1|NULL\n1! record_too_large\n1! the array does not end",
			batch.Dialect{Format: &json.Format}},
		{"array that goes wrong", "[{\"a\":1},\n{\"a\":x " + long + long + "\n]", "{\"a\":x " + long, "1: 1|NULL\n2! unexpected \"x\" at byte 15",
			batch.Dialect{Format: &json.Format}},
	} {
		var all formattest.Landed
		for _, l := range formattest.Land(t, c, formattest.Ab, k.d, lim, batch.FileInfo{}, k.text) {
			if len(l.Rows) > 1000 { // of many equal ones the last will do
				l.Rows, l.Lines = l.Rows[len(l.Rows)-1:], l.Lines[len(l.Lines)-1:]
			}
			all.Rows, all.Lines = append(all.Rows, l.Rows...), append(all.Lines, l.Lines...)
			all.Reasons, all.BadLines, all.Payloads = append(all.Reasons, l.Reasons...), append(all.BadLines, l.BadLines...),
				append(all.Payloads, l.Payloads...)
		}
		if strings.HasPrefix(k.name, "csv, a quote") {
			last := len(all.Rows) - 1
			all.Rows, all.Lines = []string{all.Rows[0], all.Rows[last]}, []string{all.Lines[0], all.Lines[last]}
		}
		t.Run(k.name, func(t *testing.T) {
			formattest.CheckRecords(t, k.want, all)
			if want := k.payload[:min(len(k.payload), batch.GiantBytes)]; all.Payloads[0] != want {
				t.Errorf("payload of %d bytes, %q…; want %d", len(all.Payloads[0]), all.Payloads[0][:min(20, len(all.Payloads[0]))], len(want))
			}
		})
	}
}

// A batch is cut when its bytes are used up, those of the file or those of values that are written anew.
func TestBytesCutBatches(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	line := strings.Repeat("x", 9999) + "\n"
	got := formattest.Land(t, c, formattest.Ab[1:], batch.Dialect{Format: &csv.Format, Header: batch.HeaderNo}, batch.Limits{Bytes: 100_000},
		batch.FileInfo{}, strings.Repeat(line, 25))
	if len(got) != 3 || got[0].In.Records != 10 || got[1].In.Records != 10 || got[2].In.Records != 5 {
		t.Errorf("%d batches, the first of %d records", len(got), got[0].In.Records)
	}
	// four columns of one value that has an escape: 1 MiB has room for two records' worth of them.
	four := []batch.Field{formattest.Ab[1], {Name: "c", Type: "VARCHAR", Path: []string{"b"}},
		{Name: "d", Type: "VARCHAR", Path: []string{"b"}}, {Name: "e", Type: "VARCHAR", Path: []string{"b"}}}
	rec := func(n int) string { return `{"b":"\t` + strings.Repeat("y", n) + `"}` + "\n" }
	got = formattest.Land(t, c, four, batch.Dialect{Format: &json.Format}, batch.Limits{Bytes: 1 << 20}, batch.FileInfo{},
		strings.Repeat(rec(100_000), 5)+rec(300_000)+rec(10))
	var sizes []string
	for _, g := range got {
		sizes = append(sizes, fmt.Sprint(g.In.Good, "+", g.In.BadCount))
	}
	if s := strings.Join(sizes, " "); s != "2+0 2+0 1+0 1+1" {
		t.Errorf("batches of %s", s)
	}
	if r := got[3].Reasons[0]; !strings.HasPrefix(r, "bad_record: record_too_large") || got[3].Rows[0][:5] != "\tyyyy" {
		t.Error(r)
	}
}

// A full buffer says whether anything is left, however much white space that takes to find out, and reading goes on from a place
// far behind what Open reads, with readers that can seek and others.
func TestGoOn(t *testing.T) {
	t.Parallel()
	l := map[string]*batch.Landing{}
	c := formattest.Memory(t)
	for _, format := range []string{"csv", "json"} {
		var err error
		if l[format], err = batch.NewLanding(c, "s", formattest.Ab, batch.Dialect{Format: Named(format), Skip: 1},
			batch.Limits{Rows: 10_000}); err != nil {
			t.Fatal(err)
		}
		defer l[format].Close()
	}
	space := strings.Repeat("\n\n", 70<<10)
	for _, k := range []struct{ name, format, text string }{
		{"csv", "csv", "skipped\n" + "a,b\n" + strings.Repeat("1,some text\n", 20_000) + space},
		{"lines", "json", strings.Repeat("{\"a\":1}\n", 20_000) + space},
		{"array", "json", space + "[" + strings.Repeat("{\"a\":1},\n", 19_999) + "{\"a\":1}" + space + "]" + space},
	} {
		for _, seek := range []bool{true, false} {
			pos, batches := batch.Pos{}, 0
			for more := true; more; batches++ {
				var r io.Reader = strings.NewReader(k.text)
				if !seek {
					r = iotest.HalfReader(r)
				}
				f, err := l[k.format].Open(r, pos, batch.FileInfo{})
				if err != nil {
					t.Fatal(err)
				}
				b, err := l[k.format].Take(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if more, err = b.Fill(t.Context(), f); err != nil || b.Records() != 10_000 || b.Bad() != 0 {
					t.Fatalf("%s: %v, %d records, %d bad", k.name, err, b.Records(), b.Bad())
				}
				pos = f.Pos()
				b.Release()
			}
			if want := (batch.Pos{Byte: int64(len(k.text)), Line: int64(strings.Count(k.text, "\n")) + 1}); batches != 2 || pos != want {
				t.Errorf("%s: %d batches, ended at %v, want %v", k.name, batches, pos, want)
			}
		}
	}
}

func TestFillErrors(t *testing.T) {
	t.Parallel()
	l, err := batch.NewLanding(formattest.Memory(t), "s", formattest.Ab, batch.Dialect{Format: &csv.Format, Header: batch.HeaderNo},
		batch.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	broken := errors.New("the disk is gone")
	text := strings.Repeat("1,x\n", 100_000)
	r := func() *batch.File {
		f, err := l.Open(struct{ *failing }{&failing{s: strings.NewReader(text), err: broken}}, batch.Pos{}, batch.FileInfo{Path: "f.csv"})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	b, _ := l.Take(t.Context())
	if _, err := b.Fill(t.Context(), r()); !errors.Is(err, broken) || !strings.Contains(err.Error(), "reading f.csv") {
		t.Errorf("got %v", err)
	}
	b.Release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b, _ = l.Take(t.Context())
	if _, err := b.Fill(ctx, r()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := l.Take(t.Context()); err != nil { // the other buffer
		t.Fatal(err)
	}
	if _, err := l.Take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a third buffer: %v", err)
	}
	if _, err := l.Open(iotest.ErrReader(broken), batch.Pos{}, batch.FileInfo{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// failing gives what it has, then an error.
type failing struct {
	s   *strings.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.s.Len() == 0 {
		return 0, f.err
	}
	return f.s.Read(p)
}

// One buffer is filled while the other is read on several threads, over and over; for the race detector, and for what is used again.
func TestBuffersTakeTurns(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	ctx := t.Context()
	fields := []batch.Field{{Name: "id", Type: "BIGINT"}, {Name: "s", Type: "VARCHAR"}, {Name: "l", Type: "VARCHAR[]"}}
	l, err := batch.NewLanding(c, "s", fields, batch.Dialect{Format: &json.Format}, batch.Limits{Rows: 5000})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	const n = 40_000
	for i := range n {
		if i%10 == 3 {
			fmt.Fprintf(&text, "{\"id\":\"bad %d\",\"l\":[\"x\"]}\n", i)
		} else {
			fmt.Fprintf(&text, "{\"id\":%d,\"s\":\"a \\\"quoted\\\" text %d\",\"l\":[\"element %d of the list\",null]}\n", i, i, i)
		}
	}
	f, err := l.Open(strings.NewReader(text.String()), batch.Pos{}, batch.FileInfo{Path: "f"})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan *batch.Buffer, 1)
	go func() {
		defer close(ready)
		for more := true; more; {
			b, err := l.Take(ctx)
			if err == nil {
				more, err = b.Fill(ctx, f)
			}
			if err != nil {
				t.Error(err)
				return
			}
			ready <- b
		}
	}()
	if err := c.Run(ctx, duck.SQL("CREATE TABLE t (id BIGINT, s VARCHAR, l VARCHAR[])"),
		duck.SQL("CREATE TABLE r (reason VARCHAR, data JSON)")); err != nil {
		t.Fatal(err)
	}
	for b := range ready {
		in := b.Input()
		if err := c.Run(ctx, duck.SQL("INSERT INTO t SELECT * EXCLUDE (_meta) FROM {rows}", duck.Args{"rows": in.Rows}),
			duck.SQL("INSERT INTO r SELECT reason, data FROM {bad}", duck.Args{"bad": in.Bad})); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	l.Close()
	for q, want := range map[string]int64{
		"SELECT count(*) FROM t WHERE s = 'a \"quoted\" text ' || id AND l = ['element ' || id || ' of the list', NULL]": n * 9 / 10,
		"SELECT count(DISTINCT id) FROM t": n * 9 / 10,
		"SELECT count(*) FROM r WHERE reason LIKE 'bad_record: id: \"bad %\" is no BIGINT' AND data::VARCHAR = " +
			"'{\"id\":null,\"s\":null,\"l\":[\"x\"]}'": n / 10,
	} {
		if got, err := c.Int(ctx, duck.SQL(q)); got != want || err != nil {
			t.Errorf("%s: %d, %v; want %d", q, got, err, want)
		}
	}
}
