package journal

import (
	"context"
	"slices"
	"strings"
	"testing"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// bench is a journal in a database of its own.
type bench struct {
	t       testing.TB
	db      *duck.DB
	c       *duck.Conn
	j       *Journal
	version int64
	trace   func(duck.Traced)
}

func newBench(t testing.TB, path string, trace ...func(duck.Traced)) *bench {
	t.Helper()
	b := &bench{t: t}
	if len(trace) > 0 {
		b.trace = trace[0]
	}
	b.openFile(path)
	t.Cleanup(b.close)
	if err := catalog.Migrate(t.Context(), b.c); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) openFile(path string) {
	b.t.Helper()
	var err error
	if b.db, err = duck.Open(context.Background(), path, duck.Options{Threads: 1, Trace: b.trace}); err != nil {
		b.t.Fatal(err)
	}
	b.c = b.db.Writer()
}

func (b *bench) close() {
	if err := b.db.Close(); err != nil {
		b.t.Error(err)
	}
}

// parse compiles CREATE JOURNAL.
func parse(text string) (*Journal, error) {
	stmts, err := sql.Parse(sql.NewSource("test.sql", text), []*sql.Syntax{Kind.Syntax})
	if err != nil {
		return nil, err
	}
	o, err := Kind.Compile(stmts[0].Decl)
	if err != nil {
		return nil, err
	}
	return o.(*Journal), nil
}

// declare compiles and defines a journal for rows of these columns ("id BIGINT, name VARCHAR").
func (b *bench) declare(text, columns string) error {
	b.t.Helper()
	j, err := parse(text)
	if err != nil {
		return err
	}
	if err := b.c.Update(b.t.Context(), func(tx *duck.Tx) error { return j.Define(b.t.Context(), tx, b.columns(columns)) }); err != nil {
		return err
	}
	b.j = j
	return nil
}

func (b *bench) mustDeclare(text, columns string) {
	b.t.Helper()
	if err := b.declare(text, columns); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) columns(text string) []duck.Column {
	b.t.Helper()
	b.exec("CREATE OR REPLACE TEMP TABLE shape (" + text + ")")
	return b.describe("shape")
}

func (b *bench) describe(table string) []duck.Column {
	b.t.Helper()
	cols, err := b.c.Describe(b.t.Context(), duck.SQL("FROM "+table), sql.Place{})
	if err != nil {
		b.t.Fatal(err)
	}
	return slices.DeleteFunc(cols, func(c duck.Column) bool { return c.Name == "_row" || c.Name == "_meta" })
}

// write hands the rows of a query to the journal, in a version of its own.
func (b *bench) write(query string, edit ...func(*kind.Accepted)) (kind.Counts, error) {
	b.t.Helper()
	b.exec("CREATE OR REPLACE TEMP TABLE incoming AS " + query)
	acc := &kind.Accepted{Version: b.version + 1, Columns: b.describe("incoming"), Rows: duck.SQL("(SELECT * FROM incoming)")}
	for _, f := range edit {
		f(acc)
	}
	return b.take(acc)
}

func (b *bench) take(acc *kind.Accepted) (n kind.Counts, err error) {
	b.t.Helper()
	return b.step(func(ctx context.Context, tx *duck.Tx, _ int64) (kind.Counts, error) {
		return b.j.Write(ctx, tx, acc)
	})
}

// step makes a version.
func (b *bench) step(f func(ctx context.Context, tx *duck.Tx, v int64) (kind.Counts, error)) (n kind.Counts, err error) {
	b.t.Helper()
	ctx, v := b.t.Context(), b.version+1
	err = b.c.Update(ctx, func(tx *duck.Tx) (err error) {
		if err = tx.Run(ctx, duck.SQL("INSERT INTO dsql.versions (version, committed_at) VALUES ({v}, now()::TIMESTAMP)",
			duck.Args{"v": v})); err == nil {
			n, err = f(ctx, tx, v)
		}
		return err
	})
	if err == nil {
		b.version = v
	}
	return n, err
}

func (b *bench) mustWrite(query string, edit ...func(*kind.Accepted)) kind.Counts {
	b.t.Helper()
	n, err := b.write(query, edit...)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bench) exec(text string) {
	b.t.Helper()
	if _, err := b.c.Exec(b.t.Context(), duck.SQL(text)); err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
}

// rows are a query's rows as text, ordered: columns are separated by |, NULL is \N.
func (b *bench) rows(query string) []string {
	b.t.Helper()
	cols, err := b.c.Describe(b.t.Context(), duck.SQL(query), sql.Place{})
	if err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	names := numbered("c", len(cols))
	text := duck.SQL(`SELECT array_to_string([{coalesce(names::VARCHAR, '\N')}], '|') FROM ({q}) x({names})`,
		duck.Args{"names": duck.Names(names), "q": duck.SQL(query)})
	out, err := duck.Select(b.t.Context(), b.c, text, func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
	slices.Sort(out)
	return out
}

// expect compares a query's rows, as b.rows gives them, with a text of lines.
func (b *bench) expect(query, want string) {
	b.t.Helper()
	var lines []string
	for _, l := range strings.Split(want, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	slices.Sort(lines)
	if got := b.rows(query); !slices.Equal(got, lines) {
		b.t.Errorf("%s\ngot:\n  %s\nwant:\n  %s", query, strings.Join(got, "\n  "), strings.Join(lines, "\n  "))
	}
}

// count is b.rows of one number.
func (b *bench) count(query string) string {
	b.t.Helper()
	return strings.Join(b.rows(query), " ")
}
