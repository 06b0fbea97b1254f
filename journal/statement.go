package journal

import (
	"context"
	"reflect"
	"strings"

	"dsql/engine/duck"
)

// statement is one of a .sql file: a template of duck.SQL over the journal's words (see words) and what the code gives with it.
type statement string

// statements reads the text of a .sql file into the fields of a struct, one for each statement. Behind
//
//	-- name: remember_openings
//
// and lines of comment stands that of the field RememberOpenings. That they are the same ones is checked at once, for all files.
func statements[T any](text string) (out T) {
	v := reflect.ValueOf(&out).Elem()
	fields := make(map[string]reflect.Value, v.NumField()) // FieldByName would look through all of them for each
	for i := range v.NumField() {
		fields[v.Type().Field(i).Name] = v.Field(i)
	}
	_, text, more := strings.Cut("\n"+text, nameLine)
	for one := ""; more; {
		one, text, more = strings.Cut(text, nameLine)
		name, about, _ := strings.Cut(one, "\n")
		body := about
		for strings.HasPrefix(body, "--") {
			_, body, _ = strings.Cut(body, "\n")
		}
		field, known := fields[fieldOf(name)]
		if !known || field.String() != "" {
			panic("journal: no field, or two statements, for -- name: " + name)
		}
		about, body = about[:len(about)-len(body)], strings.TrimSpace(body)
		field.SetString(body)
		comments[statement(body)] = about
	}
	for name, field := range fields {
		if field.String() == "" {
			panic("journal: no statement for " + name)
		}
	}
	return out
}

const nameLine = "\n-- name: "

// fieldOf is remember_openings as RememberOpenings.
func fieldOf(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		switch {
		case name[i] == '_':
		case i == 0 || name[i-1] == '_':
			b = append(b, name[i]-'a'+'A')
		default:
			b = append(b, name[i])
		}
	}
	return string(b)
}

// comments are the lines of comment above statements, for Statements.
var comments = map[statement]string{}

// temps are the temporary tables of a writer, each made by the statement of its name.
type temps struct {
	Batch, Groups, Twins, Again, Open, Late, Folded                 temp // of events: feed.sql, order.sql
	Role                                                            temp // fast.sql
	Old, Oldmem, Known, New, Conflict, Touched, Line, Built, Change temp // fold.sql, line.sql
	Wanted                                                          temp
	Merged                                                          temp // current.sql
	Truncates                                                       temp // truncate.sql
	Diff, Distinct, Doubled                                         temp // snapshot.sql
	Back, Backmem                                                   temp // rollback.sql
}

// temp is a temporary table; one that isn't made yet has no name.
type temp struct {
	word string
	name *duck.Query
}

func (t *temp) made() bool { return t.name != nil }

// query is the table in a statement.
func (t *temp) query() *duck.Query {
	if !t.made() {
		panic("journal: the temporary table " + t.word + " is used before it is made")
	}
	return t.name
}

// words adds the tables to a vocabulary.
func (t *temps) words(a duck.Args) {
	v := reflect.ValueOf(t).Elem()
	for i := range v.NumField() {
		if x, ok := v.Field(i).Addr().Interface().(*temp); ok {
			x.word = strings.ToLower(v.Type().Field(i).Name)
			a[x.word] = x.query
		}
	}
}

// sql fills a statement with the journal's words, the temporary tables and the version at hand beside its own arguments.
func (w *writer) sql(s statement, a ...duck.Args) *duck.Query {
	return duck.SQL(string(s), append([]duck.Args{w.words}, a...)...)
}

// make keeps the result of a query in a temporary table.
func (w *writer) make(ctx context.Context, t *temp, query statement, a ...duck.Args) error {
	q := w.sql(query, a...)
	t.name = duck.Ident("temp", w.name+"__"+t.word)
	w.made = append(w.made, t.name)
	_, err := w.exec(ctx, query, w.sql("CREATE OR REPLACE TEMP TABLE {table} AS {query}", duck.Args{"table": t.name, "query": q}))
	return err
}

// run runs a statement and returns how many rows it changed.
func (w *writer) run(ctx context.Context, s statement, a ...duck.Args) (int64, error) {
	return w.exec(ctx, s, w.sql(s, a...))
}

func (w *writer) exec(ctx context.Context, s statement, q *duck.Query) (int64, error) {
	if w.listing != nil {
		w.listing.add(s, q)
		return 1, nil
	}
	return w.tx.ExecAt(ctx, q, w.j.decl.Place())
}

// all runs statements one after the other.
func (w *writer) all(ctx context.Context, a duck.Args, all ...statement) error {
	for _, s := range all {
		if _, err := w.run(ctx, s, a); err != nil {
			return err
		}
	}
	return nil
}

// scan reads the one row of a query.
func (w *writer) scan(ctx context.Context, s statement, a duck.Args, dest ...any) error {
	q := w.sql(s, a)
	if w.listing != nil {
		w.listing.add(s, q)
		w.listing.answer(dest...)
		return nil
	}
	_, err := w.tx.Scan(ctx, q, dest...)
	return err
}

// number reads the one number of a query.
func (w *writer) number(ctx context.Context, s statement) (n int64, err error) {
	err = w.scan(ctx, s, nil, &n)
	return n, err
}
