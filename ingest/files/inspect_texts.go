package files

import (
	"context"
	dbsql "database/sql"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/declare"
	"dsql/ingest/names"
)

// What the texts of a sample show: what stands for NULL, and how times are written.

// sampleTexts are the VARCHAR columns of a file's beginning.
type sampleTexts struct {
	rows  *duck.Query
	names []string
	done  func()
}

// nulls are those of the texts that stand for nothing that a column has.
func (t *sampleTexts) nulls(ctx context.Context, c *duck.Conn) ([]string, error) {
	if len(t.names) == 0 {
		return nil, nil
	}
	return whichOf(ctx, c, t.rows, nulls, func(n string) *duck.Query {
		is := duck.Each(" OR ", t.names, func(x string) *duck.Query {
			return duck.SQL("{c} = {n}", duck.Args{"c": duck.Ident(x), "n": n})
		})
		return duck.SQL("bool_or({is})", duck.Args{"is": is})
	})
}

// times are the patterns that all values of a column are of; none where it has no value. One value tells most of them apart.
func (t *sampleTexts) times(ctx context.Context, c *duck.Conn, name string) (fit []writtenTime, err error) {
	a := duck.Args{"c": duck.Ident(name), "rows": t.rows}
	fit = writtenTimes
	for _, rows := range []*duck.Query{duck.SQL("(SELECT {c} FROM {rows} WHERE {c} IS NOT NULL LIMIT 1)", a), t.rows} {
		fit, err = whichOf(ctx, c, rows, fit, func(p writtenTime) *duck.Query {
			return duck.SQL("bool_and(try_strptime({c}, {p}) IS NOT NULL) FILTER ({c} IS NOT NULL)", a, duck.Args{"p": p.pattern})
		})
		if err != nil || len(fit) == 0 {
			return nil, err
		}
	}
	return fit, nil
}

// whichOf are those of all for which a test over rows holds.
func whichOf[T any](ctx context.Context, c *duck.Conn, rows *duck.Query, all []T, test func(T) *duck.Query) (out []T, err error) {
	holds, dest := make([]dbsql.NullBool, len(all)), make([]any, len(all))
	for i := range holds {
		dest[i] = &holds[i]
	}
	_, err = c.Scan(ctx, duck.SQL("SELECT {tests} FROM {rows}", duck.Args{"tests": duck.Each(", ", all, test), "rows": rows}), dest...)
	for i, x := range all {
		if holds[i].Bool {
			out = append(out, x)
		}
	}
	return out, err
}

func (s *session) textsOf(ctx context.Context, c *duck.Conn, f file, cols []duck.Column) (*sampleTexts, error) {
	t := &sampleTexts{}
	for _, x := range cols {
		if x.Type == "VARCHAR" && !names.Has(s.pattern.Captures, x.Name) {
			t.names = append(t.names, x.Name)
		}
	}
	l, err := batch.NewLanding(c, s.Stmt.Name, s.fields(cols), s.effective(), batch.Limits{Rows: proofRows, Bytes: 16 << 20})
	if err != nil {
		return nil, s.Placed(err, s.patternAt)
	}
	in, b, err := s.firstRecords(ctx, l, f)
	if err != nil {
		l.Close()
		return nil, err
	}
	t.rows = b.Input().Rows
	t.done = func() {
		b.Release()
		in.Close()
		l.Close()
	}
	return t, nil
}

type writtenTime struct{ typ, pattern string }

// writtenTimes are ways that times are written in, beside ISO's.
var writtenTimes = []writtenTime{
	{"DATE", "%b %d %Y"}, {"DATE", "%B %d %Y"}, {"DATE", "%b %d, %Y"}, {"DATE", "%B %d, %Y"}, {"DATE", "%d %b %Y"}, {"DATE", "%d %B %Y"},
	{"DATE", "%d-%b-%Y"}, {"DATE", "%a, %d %b %Y"},
	{"DATE", "%d.%m.%Y"}, {"DATE", "%d/%m/%Y"}, {"DATE", "%m/%d/%Y"}, {"DATE", "%d-%m-%Y"}, {"DATE", "%m-%d-%Y"},
	{"TIMESTAMP", "%d.%m.%Y %H:%M"}, {"TIMESTAMP", "%d.%m.%Y %H:%M:%S"}, {"TIMESTAMP", "%d/%m/%Y %H:%M"}, {"TIMESTAMP", "%d/%m/%Y %H:%M:%S"},
	{"TIMESTAMP", "%m/%d/%Y %H:%M"}, {"TIMESTAMP", "%m/%d/%Y %H:%M:%S"},
	{"TIMESTAMP", "%m/%d/%Y %I:%M %p"}, {"TIMESTAMP", "%m/%d/%Y %I:%M:%S %p"}, {"TIMESTAMP", "%d %b %Y %H:%M:%S"},
	{"TIMESTAMP", "%b %d %Y %H:%M"}, {"TIMESTAMP", "%b %d %Y %H:%M:%S"}, {"TIMESTAMP", "%a %b %d %H:%M:%S %Y"},
}

// timeFormats gives columns of text whose values all are times of one way of writing that type, with FORMAT. Where there are two ways
// (days and months up to 12) it says so.
func (s *session) timeFormats(ctx context.Context, c *duck.Conn, f file, cols []duck.Column, notes map[string]string) error {
	t, err := s.textsOf(ctx, c, f, cols)
	if err != nil {
		return err
	}
	defer t.done()
	for i, col := range cols {
		if !slices.Contains(t.names, col.Name) {
			continue
		}
		fit, err := t.times(ctx, c, col.Name)
		if err != nil {
			return err
		}
		if len(fit) == 0 {
			continue
		}
		p := fit[0]
		var other []string
		for _, q := range fit[1:] {
			if q.typ == p.typ && q.pattern[:2] != p.pattern[:2] {
				other = append(other, declare.Quote(q.pattern))
			}
		}
		if len(other) > 0 {
			notes[col.Name] = fmt.Sprintf("a time? %s FORMAT %s or %s", p.typ, declare.Quote(p.pattern), strings.Join(other, " or "))
			continue
		}
		cols[i].Type = duck.Type(p.typ + " FORMAT " + declare.Quote(p.pattern)) // as it will be declared
	}
	return nil
}

// nulls are texts that stand for nothing in many files.
var nulls = []string{"NA", "N/A", "#N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "nil", `\N`, "-", "--", ".", "?"}
