package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// memory opens a database in memory.
func memory(t testing.TB) *duck.Conn {
	t.Helper()
	db, err := duck.Open(context.Background(), "", duck.Options{})
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
	in                                *kind.Input
}

// land reads a text into as many batches as it takes.
func land(t testing.TB, c *duck.Conn, fields []Field, d Dialect, lim Limits, info FileInfo, text string) (out []landed) {
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

func show(t testing.TB, c *duck.Conn, fields []Field, in *kind.Input) landed {
	t.Helper()
	out := landed{in: in}
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
	cols := duck.Each(" || '|' || ", fields, func(f Field) *duck.Query {
		return duck.SQL("coalesce({c}::VARCHAR, 'NULL')", duck.Args{"c": duck.Ident(f.Name)})
	})
	a := duck.Args{"cols": cols, "rows": in.Rows, "id": in.RowID}
	out.lines = one(duck.SQL("SELECT _meta.line::VARCHAR FROM {rows} ORDER BY {id}", a))
	out.rows = one(duck.SQL("SELECT {cols} FROM {rows} ORDER BY {id}", a))
	if in.Bad != nil {
		a["bad"] = in.Bad
		out.reasons = one(duck.SQL("SELECT reason FROM {bad} ORDER BY {id}", a))
		out.badLines = one(duck.SQL("SELECT _meta.line::VARCHAR FROM {bad} ORDER BY {id}", a))
		out.payloads = one(duck.SQL("SELECT coalesce(TRY(decode(_payload)), _payload::VARCHAR) FROM {bad} ORDER BY {id}", a))
		out.data = one(duck.SQL("SELECT data::VARCHAR FROM {bad} ORDER BY {id}", a))
	}
	if got := fmt.Sprint(len(out.rows), " ", len(out.reasons)); got != fmt.Sprint(in.Good, " ", in.BadCount) || in.Records != in.Good+in.BadCount {
		t.Errorf("counts %d = %d + %d, relations have %s", in.Records, in.Good, in.BadCount, got)
	}
	return out
}
