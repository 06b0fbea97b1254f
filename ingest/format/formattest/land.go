// Package formattest is what tests of formats share: it lands texts and values, and shows what became of them.
package formattest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
)

// Memory opens a database in memory.
func Memory(t testing.TB) *duck.Conn {
	t.Helper()
	db, err := duck.Open(context.Background(), "", duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db.Writer()
}

// Landed is what a text became: the rows as DuckDB prints them, the reasons of the bad records, and the counts.
type Landed struct {
	Rows, Lines                       []string
	Reasons, BadLines, Payloads, Data []string
	In                                *kind.Input
}

// Land reads a text into as many batches as it takes.
func Land(t testing.TB, c *duck.Conn, fields []batch.Field, d batch.Dialect, lim batch.Limits, info batch.FileInfo,
	text string) (out []Landed) {
	t.Helper()
	l, err := batch.NewLanding(c, "src", fields, d, lim)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.Open(strings.NewReader(text), batch.Pos{}, info)
	if err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		b, err := l.Take(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if more, err = b.Fill(context.Background(), f); err != nil {
			t.Fatal(err)
		}
		out = append(out, show(t, c, fields, b.Input()))
		b.Release()
	}
	if f.Pos().Byte != int64(len(text)) {
		t.Errorf("ended at byte %d of %d", f.Pos().Byte, len(text))
	}
	return out
}

func show(t testing.TB, c *duck.Conn, fields []batch.Field, in *kind.Input) Landed {
	t.Helper()
	out := Landed{In: in}
	one := func(q *duck.Query) (list []string) {
		list, err := duck.Select(context.Background(), c, q, func(row func(...any) error) (string, error) {
			var s *string
			err := row(&s)
			if s == nil {
				return "<none>", err
			}
			return *s, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	cols := duck.Each(" || '|' || ", fields, func(f batch.Field) *duck.Query {
		return duck.SQL("coalesce({c}::VARCHAR, 'NULL')", duck.Args{"c": duck.Ident(f.Name)})
	})
	a := duck.Args{"cols": cols, "rows": in.Rows, "id": in.RowID}
	out.Lines = one(duck.SQL("SELECT _meta.line::VARCHAR FROM {rows} ORDER BY {id}", a))
	out.Rows = one(duck.SQL("SELECT {cols} FROM {rows} ORDER BY {id}", a))
	if in.Bad != nil {
		a["bad"] = in.Bad
		out.Reasons = one(duck.SQL("SELECT reason FROM {bad} ORDER BY {id}", a))
		out.BadLines = one(duck.SQL("SELECT _meta.line::VARCHAR FROM {bad} ORDER BY {id}", a))
		out.Payloads = one(duck.SQL("SELECT coalesce(TRY(decode(_payload)), _payload::VARCHAR) FROM {bad} ORDER BY {id}", a))
		out.Data = one(duck.SQL("SELECT data::VARCHAR FROM {bad} ORDER BY {id}", a))
	}
	if got := fmt.Sprint(len(out.Rows), " ", len(out.Reasons)); got != fmt.Sprint(in.Good, " ", in.BadCount) ||
		in.Records != in.Good+in.BadCount {
		t.Errorf("counts %d = %d + %d, relations have %s", in.Records, in.Good, in.BadCount, got)
	}
	return out
}

func CheckRecords(t *testing.T, want string, got Landed) {
	t.Helper()
	var g []string
	for i, r := range got.Reasons {
		g = append(g, got.BadLines[i]+"! "+r)
	}
	for i, r := range got.Rows {
		g = append(g, got.Lines[i]+": "+r)
	}
	var w []string
	if want != "" {
		w = splitRecords(want)
	}
	if len(g) != len(w) {
		t.Fatalf("got %q, want %q", g, w)
	}
	for _, w := range w {
		found := false
		for _, g := range g {
			line, reason, bad := strings.Cut(w, "! ")
			if bad {
				found = found || strings.HasPrefix(g, line+"! bad_record: ") && strings.Contains(g, reason)
			} else {
				found = found || g == w
			}
		}
		if !found {
			t.Errorf("no %q in %q", w, g)
		}
	}
}

// splitRecords splits before every number with a colon or exclamation mark at a line's start: values may hold line ends.
func splitRecords(s string) (out []string) {
	for _, line := range strings.SplitAfter(s, "\n") {
		n := strings.TrimLeft(line, "0123456789")
		if len(n) < len(line) && (strings.HasPrefix(n, ": ") || strings.HasPrefix(n, "! ")) {
			out = append(out, line)
		} else {
			out[len(out)-1] += line
		}
	}
	for i := range out[:len(out)-1] {
		out[i] = strings.TrimSuffix(out[i], "\n")
	}
	return out
}

var Ab = []batch.Field{{Name: "a", Type: "INTEGER"}, {Name: "b", Type: "VARCHAR"}}

// Compare holds results, good and bad ones in their order, against "input -> result" lines.
func Compare(t testing.TB, name string, want []string, batches []Landed) {
	t.Helper()
	if len(batches) != 1 {
		t.Fatalf("%s: %d batches", name, len(batches))
	}
	got := batches[0]
	for _, w := range want {
		in, w, _ := strings.Cut(w, " -> ")
		part, bad := strings.CutPrefix(w, "!")
		if bad {
			if len(got.Reasons) == 0 {
				t.Fatalf("%s: %s: taken, want a fault", name, in)
			}
			if r := got.Reasons[0]; !strings.HasPrefix(r, "bad_record: ") || !strings.Contains(r, part) {
				t.Errorf("%s: %s: %s, want %s", name, in, r, part)
			}
			got.Reasons = got.Reasons[1:]
			continue
		}
		if len(got.Rows) == 0 {
			t.Fatalf("%s: %s: bad (%s), want %s", name, in, got.Reasons, w)
		}
		if got.Rows[0] != w {
			t.Errorf("%s: %s: %s, want %s", name, in, got.Rows[0], w)
		}
		got.Rows = got.Rows[1:]
	}
}

// FuzzFields have a column for each way of decoding.
var FuzzFields = []batch.Field{{Name: "i", Type: "BIGINT"}, {Name: "s", Type: "VARCHAR"}, {Name: "d", Type: "DECIMAL(20,3)"},
	{Name: "f", Type: "DOUBLE"}, {Name: "t", Type: "TIMESTAMP"}, {Name: "b", Type: "BLOB"},
	{Name: "l", Type: "STRUCT(a VARCHAR, b INTEGER[])[]"}, {Name: "m", Type: "MAP(VARCHAR, DATE)"}, {Name: "j", Type: "JSON"},
	{Name: "e", Type: "INTEGER", Format: "epoch_ms"}}
