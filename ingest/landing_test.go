package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"dsql/engine"
)

// memory opens a database in memory.
func memory(t testing.TB) *engine.Conn {
	t.Helper()
	db, err := engine.Open(context.Background(), "", engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db.Writer()
}

// landed is what a text became: the rows as DuckDB prints them, the reasons of the bad records, and the counts.
type landed struct {
	rows, lines                       []string
	reasons, badLines, payloads, data []string
	in                                *engine.Input
}

// land reads a text into as many batches as it takes.
func land(t testing.TB, c *engine.Conn, fields []Field, d Dialect, lim Limits, info FileInfo, text string) (out []landed) {
	t.Helper()
	l, err := NewLanding(c, "src", fields, d, lim)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.Open(strings.NewReader(text), Pos{}, info)
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

func show(t testing.TB, c *engine.Conn, fields []Field, in *engine.Input) landed {
	t.Helper()
	out := landed{in: in}
	one := func(q *engine.Query) (list []string) {
		list, err := engine.Select(context.Background(), c, q, func(row func(...any) error) (string, error) {
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
	cols := engine.Each(" || '|' || ", fields, func(f Field) *engine.Query {
		return engine.SQL("coalesce({c}::VARCHAR, 'NULL')", engine.Args{"c": engine.Ident(f.Name)})
	})
	a := engine.Args{"cols": cols, "rows": in.Rows, "id": in.RowID}
	out.lines = one(engine.SQL("SELECT _meta.line::VARCHAR FROM {rows} ORDER BY {id}", a))
	out.rows = one(engine.SQL("SELECT {cols} FROM {rows} ORDER BY {id}", a))
	if in.Bad != nil {
		a["bad"] = in.Bad
		out.reasons = one(engine.SQL("SELECT reason FROM {bad} ORDER BY {id}", a))
		out.badLines = one(engine.SQL("SELECT _meta.line::VARCHAR FROM {bad} ORDER BY {id}", a))
		out.payloads = one(engine.SQL("SELECT coalesce(TRY(decode(_payload)), _payload::VARCHAR) FROM {bad} ORDER BY {id}", a))
		out.data = one(engine.SQL("SELECT data::VARCHAR FROM {bad} ORDER BY {id}", a))
	}
	if got := fmt.Sprint(len(out.rows), " ", len(out.reasons)); got != fmt.Sprint(in.Good, " ", in.BadCount) || in.Records != in.Good+in.BadCount {
		t.Errorf("counts %d = %d + %d, relations have %s", in.Records, in.Good, in.BadCount, got)
	}
	return out
}
