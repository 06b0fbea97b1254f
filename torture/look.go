package torture

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// look reads a file through DuckDB alone.
type look struct {
	b   *Bench
	m   *Model
	ctx context.Context
	db  *duck.DB
	c   *duck.Conn
}

// table is a result or what it should be: all values as DuckDB's texts, in no order.
type table struct {
	cols []string
	rows [][]string
}

func (t *table) add(values ...Value) {
	row := make([]string, len(values))
	for i, v := range values {
		row[i] = textOf(v)
	}
	t.rows = append(t.rows, row)
}

// look opens the file, nil when there is none.
func (b *Bench) look(ctx context.Context) (*look, error) {
	if _, err := os.Stat(filepath.Join(b.dir, b.db)); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	db, err := duck.Open(ctx, filepath.Join(b.dir, b.db), duck.Options{ReadOnly: true, SearchPath: b.dir, Threads: 1})
	if err != nil {
		return nil, err
	}
	return &look{b, b.model, ctx, db, db.Writer()}, nil
}

func (l *look) Close() error { return l.db.Close() }

// rows are a query's rows as texts.
func (l *look) rows(query string) (*table, error) {
	src := sql.NewSource("ask", query)
	q := duck.SQL("SELECT COLUMNS(*)::VARCHAR FROM ({q})", duck.Args{"q": duck.User(src, sql.Span{End: len(query)})})
	rows, err := l.c.Rows(l.ctx, q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &table{}
	if t.cols, err = rows.Columns(); err != nil {
		return nil, err
	}
	for rows.Next() {
		cells, to := make([]dbsql.NullString, len(t.cols)), make([]any, len(t.cols))
		for i := range cells {
			to[i] = &cells[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		row := make([]string, len(cells))
		for i, c := range cells {
			row[i] = either(c.Valid, c.String, null)
		}
		t.rows = append(t.rows, row)
	}
	return t, rows.Err()
}

// newest is the file's newest version, 0 without any.
func (l *look) newest() (int, error) {
	n, err := l.c.Int(l.ctx, duck.SQL("SELECT max(version) FROM dsql.versions"))
	if duck.IsMissing(err) {
		return 0, nil
	}
	return int(n), err
}

// ask holds a query's rows against those that should be there.
func (l *look) ask(kind, query string, want *table) error {
	got, err := l.rows(query)
	if err != nil {
		return &Difference{Kind: kind, Text: query + "\n  fails: " + err.Error(), ask: query, want: want}
	}
	want.cols = got.cols
	return differ(kind, query, got, want)
}

func differ(kind, query string, got, want *table) error {
	more, less := apart(got.rows, want.rows), apart(want.rows, got.rows)
	if len(more) == 0 && len(less) == 0 {
		return nil
	}
	return &Difference{Kind: kind, ask: query, want: want,
		Text: fmt.Sprintf("%s\n  gives %d rows, should give %d; too many:\n%s  missing:\n%s", query, len(got.rows), len(want.rows), show(more),
			show(less))}
}

// apart are the rows of a that b doesn't have, each as often as it is more.
func apart(a, b [][]string) [][]string {
	n := map[string]int{}
	for _, r := range b {
		n[strings.Join(r, "\x1f")]++
	}
	var out [][]string
	for _, r := range a {
		if k := strings.Join(r, "\x1f"); n[k] > 0 {
			n[k]--
		} else {
			out = append(out, r)
		}
	}
	return out
}

func show(rows [][]string) string {
	slices.SortFunc(rows, slices.Compare)
	var b strings.Builder
	for i, r := range rows {
		if i == 6 {
			fmt.Fprintf(&b, "    … %d more\n", len(rows)-i)
			break
		}
		b.WriteString("    " + strings.Join(r, ", ") + "\n")
	}
	return b.String()
}
