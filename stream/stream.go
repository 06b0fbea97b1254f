// Package stream is the append-only destination: a table of all accepted rows with the version that brought each, and views of
// it at any version. It owns the table's layout and how it changes with the declaration; what rows are accepted is the chain's
// business.
package stream

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// Kind is CREATE STREAM.
var Kind = engine.Kind{
	Syntax: &sql.Syntax{
		Keyword: "STREAM", Plural: "STREAMS",
		Clauses: engine.ChainClauses,
		Body: []sql.Clause{
			{Keyword: "AS", Arg: sql.ArgQuery, Doc: "the query whose rows are stored; it reads the new rows of the relation marked STREAM, or else of the first in its FROM"},
			{Keyword: "FROM", Arg: sql.ArgNameList, Doc: "one input, or several with the same columns"},
		},
		Doc: "An append-only table: each batch adds its accepted rows, with the version in `_version`.",
		Example: `CREATE SOURCE readings_in (sensor VARCHAR, celsius DOUBLE) FROM FILES ('in/*.csv', format csv);
CREATE STREAM readings
  RULES (CONSTRAINT sane EXPECT (celsius BETWEEN -80 AND 80))
  AS SELECT sensor, celsius, celsius * 9 / 5 + 32 AS fahrenheit FROM readings_in`,
	},
	Compile: func(d *sql.Decl) (engine.Object, error) {
		return &Stream{decl: d, chain: engine.CompileChain(d)}, nil
	},
}

// Stream is a compiled CREATE STREAM.
type Stream struct {
	decl   *sql.Decl
	chain  *engine.Chain
	packed bool // pack has been here
	// reshape: the script fills it again from its inputs, so that its columns may take other types.
	reshape bool
}

func (s *Stream) Decl() *sql.Decl      { return s.decl }
func (s *Stream) Chain() *engine.Chain { return s.chain }

// stored are the stream's columns in the file, without _version; none when it isn't there.
func (s *Stream) stored(ctx context.Context, tx *engine.Tx) ([]engine.Column, error) {
	cols, err := tx.Table(ctx, s.decl.Name)
	return slices.DeleteFunc(cols, func(c engine.Column) bool { return c.Name == engine.VersionColumn }), err
}

// Define creates the table, or adds the columns it lacks. A column that the declaration no longer has stays, and is NULL in new
// rows. A column of another type is refused: stored rows would have to change.
func (s *Stream) Define(ctx context.Context, tx *engine.Tx, in []engine.Column) error {
	if err := reserved(s.decl, in); err != nil {
		return err
	}
	have, err := s.stored(ctx, tx)
	if err != nil {
		return err
	}
	table := engine.Args{"t": engine.Ident(s.decl.Name)}
	replaced := s.reshape && len(retyped(have, in)) > 0
	if replaced {
		if err := s.replace(ctx, tx); err != nil {
			return err
		}
		have = nil
	}
	if len(have) == 0 {
		cols := engine.Each(", ", in, func(c engine.Column) *engine.Query {
			return engine.SQL("{n} {t}", engine.Args{"n": engine.Ident(c.Name), "t": engine.Type(c.Type)})
		})
		if _, err := tx.ExecAt(ctx, engine.SQL("CREATE TABLE {t} ({cols}, _version BIGINT)", table, engine.Args{"cols": cols}), engine.At(s.decl)); err != nil {
			return err
		}
		if !replaced {
			return s.views(ctx, tx, in, nil)
		}
		if err := s.aside(ctx, tx); err != nil {
			return err
		}
		return s.viewsAnew(ctx, tx, in)
	}
	if other := retyped(have, in); len(other) > 0 {
		return &sql.Error{Src: s.decl.Src, Span: s.decl.NameAt, Code: "stream-rebuild-needed", Msg: fmt.Sprintf("stream %s stores %s", s.decl.Name, strings.Join(other, "; ")),
			Hint: fmt.Sprintf("cast in the SELECT to what is stored, or add REBUILD STREAM %s FROM SOURCE behind it: what is stored goes, versions too, and all that its inputs still have is taken in anew", s.decl.Name)}
	}
	tables := []*engine.Query{engine.Ident(s.decl.Name)}
	eras, err := s.eras(ctx, tx)
	if err != nil {
		return err
	}
	if len(eras) > 0 {
		tables = append(tables, s.past())
	}
	changed := false
	for _, c := range in {
		i := slices.IndexFunc(have, func(h engine.Column) bool { return strings.EqualFold(h.Name, c.Name) })
		if i >= 0 {
			continue
		}
		for _, t := range tables {
			add := engine.SQL("ALTER TABLE {t} ADD COLUMN {n} {type}", engine.Args{"t": t, "n": engine.Ident(c.Name), "type": engine.Type(c.Type)})
			if err := tx.Run(ctx, add); err != nil {
				return err
			}
		}
		have, changed = append(have, c), true
	}
	if changed {
		return s.views(ctx, tx, have, eras)
	}
	return nil
}

// retyped are the columns that would change their type.
func retyped(have, in []engine.Column) (out []string) {
	for _, c := range in {
		if i := slices.IndexFunc(have, func(h engine.Column) bool { return strings.EqualFold(h.Name, c.Name) }); i >= 0 && have[i].Type != c.Type {
			out = append(out, fmt.Sprintf("%s as %s, and it would be %s now", c.Name, have[i].Type, c.Type))
		}
	}
	return out
}

// Reshape says that the script fills the stream again from its inputs (REBUILD STREAM … FROM SOURCE).
func (s *Stream) Reshape() { s.reshape = true }

// Changed says what becomes of what is stored under a new declaration; anew: it goes, and is taken in anew.
func (s *Stream) Changed(_ engine.Object, was, now []engine.Column) (what []string, anew bool) {
	switch other := retyped(was, now); {
	case len(other) == 0:
		return []string{"stored rows stay as they are; new rows follow the new text"}, false
	case s.reshape:
		return []string{"what it stores goes, versions too, and REBUILD STREAM " + s.decl.Name + " FROM SOURCE takes in anew all that its inputs still have"}, true
	}
	return []string{"stored rows stay as they are"}, false
}

// reserved refuses column names that dsql needs for itself.
func reserved(d *sql.Decl, in []engine.Column) error {
	seen := map[string]bool{}
	for _, c := range in {
		l := strings.ToLower(c.Name)
		if l == engine.VersionColumn || l == "_row" || l == "_rule" {
			return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "reserved-column", Msg: fmt.Sprintf("the query of %s has a column %s, a name that dsql uses itself", d.Name, c.Name), Hint: "give it another name with AS"}
		}
		if seen[l] {
			return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "duplicate-column", Msg: fmt.Sprintf("the query of %s has two columns %s", d.Name, c.Name), Hint: "give one of them another name with AS, or leave it out with EXCLUDE"}
		}
		seen[l] = true
	}
	return nil
}

// Write appends the accepted rows.
func (s *Stream) Write(ctx context.Context, tx *engine.Tx, b *engine.Accepted) (engine.Counts, error) {
	if err := engine.Fault(ctx, "stream-before-insert"); err != nil {
		return engine.Counts{}, err
	}
	if err := s.pack(ctx, tx, b); err != nil {
		return engine.Counts{}, err
	}
	n, err := tx.ExecAt(ctx, engine.SQL("INSERT INTO {t} ({cols}, _version) SELECT {cols}, {v} FROM {rows}", engine.Args{
		"t": engine.Ident(s.decl.Name), "cols": engine.Names(engine.ColumnNames(b.Columns)), "v": b.Version, "rows": b.Rows}), engine.At(s.decl))
	if err != nil {
		return engine.Counts{}, err
	}
	return engine.Counts{Written: n, Added: n}, engine.Fault(ctx, "stream-after-insert")
}

// New are the rows that versions (from, to] brought.
func (s *Stream) New(from, to int64) *engine.Query {
	return engine.SQL("(SELECT * EXCLUDE (_version) FROM {t} WHERE _version > {from} AND _version <= {to})", engine.Args{"t": engine.Ident(s.decl.Name), "from": from, "to": to})
}

// NewColumns are the stream's own.
func (s *Stream) NewColumns(in []engine.Column) []engine.Column { return in }

// InOrder are the rows that a version brought, as they came.
func (s *Stream) InOrder(version int64, cols []engine.Column) *engine.Query {
	order := engine.SQL(" ORDER BY rowid")
	if slices.ContainsFunc(cols, func(c engine.Column) bool { return strings.EqualFold(c.Name, "rowid") }) { // the user's own; a scan is in order
		order = engine.SQL("")
	}
	return engine.SQL("SELECT {cols} FROM {t} WHERE _version = {v}{order}", engine.Args{"cols": engine.Names(engine.ColumnNames(cols)), "t": engine.Ident(s.decl.Name), "v": version, "order": order})
}

// Drop removes what Define made.
func (s *Stream) Drop(ctx context.Context, tx *engine.Tx) error {
	for _, m := range macros {
		if err := tx.Run(ctx, engine.SQL("DROP MACRO TABLE IF EXISTS {m}", engine.Args{"m": engine.Ident(s.decl.Name + m)})); err != nil {
			return err
		}
	}
	a := engine.Args{"t": engine.Ident(s.decl.Name), "past": s.past(), "d": s.decl.Name}
	return tx.Run(ctx, engine.SQL("DROP TABLE IF EXISTS {t}", a), engine.SQL("DROP TABLE IF EXISTS {past}", a),
		engine.SQL("DELETE FROM dsql.eras WHERE destination = {d}", a))
}

// Stores is the table's name.
func (s *Stream) Stores() string { return s.decl.Name }

// macros are those over the table.
var macros = []string{"_at", "_as_of", "_changes", "_diff"}

// Makes are the names of what stands beside the table; name__past once the stream was turned back.
func (s *Stream) Makes() (out []string) {
	for _, m := range append([]string{"__past"}, macros...) {
		out = append(out, s.decl.Name+m)
	}
	return out
}
