// Package stream is the append-only destination: a table of all accepted rows with the version that brought each, and views of
// it at any version. It owns the table's layout and how it changes with the declaration; what rows are accepted is the chain's
// business.
package stream

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/engine/watermark"
	"dsql/sql"
	"dsql/sql/code"
)

// Kind is CREATE STREAM.
var Kind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "STREAM", Plural: "STREAMS",
		Clauses: append(append([]sql.Clause{retainClause}, kind.ChainClauses...), watermark.Clause),
		Body: []sql.Clause{
			{Keyword: "AS", Arg: sql.ArgQuery,
				Doc: "the query whose rows are stored; it reads the new rows of the relation marked STREAM, or else of the first in its FROM"},
			{Keyword: "FROM", Arg: sql.ArgNameList, Doc: "one input, or several with the same columns"},
		},
		Doc: "An append-only table: each batch adds its accepted rows, with the version in `_version`.",
		Example: `CREATE SOURCE readings_in (sensor VARCHAR, celsius DOUBLE) FROM FILES ('in/*.csv', format csv);
CREATE STREAM readings
  RULES (CONSTRAINT sane EXPECT (celsius BETWEEN -80 AND 80))
  AS SELECT sensor, celsius, celsius * 9 / 5 + 32 AS fahrenheit FROM readings_in`,
	},
	Role: kind.Stores,
	Compile: func(d *sql.Decl) (kind.Object, error) {
		o, err := watermark.Compile(d, d.Arg("WATERMARK"))
		return &Stream{decl: d, chain: kind.CompileChain(d), retain: d.Arg(retainClause.Keyword), options: o}, err
	},
}

// Stream is a compiled CREATE STREAM.
type Stream struct {
	decl  *sql.Decl
	chain *kind.Chain
	// retain is RETAIN: how long rows of closed windows are kept.
	retain *sql.Value
	// reshape: the script fills it again from its inputs, so that its columns may take other types.
	reshape bool
	options watermark.Options
}

// Watermark says how the watermarks of two STREAMs go on that its query joins, and where that is written; nil: it isn't.
func (s *Stream) Watermark() (watermark.Options, *sql.Value) {
	return s.options, s.decl.Arg("WATERMARK")
}

func (s *Stream) Decl() *sql.Decl    { return s.decl }
func (s *Stream) Chain() *kind.Chain { return s.chain }

// stored are the stream's columns in the file, without _version; none when it isn't there.
func (s *Stream) stored(ctx context.Context, tx *duck.Tx) ([]duck.Column, error) {
	cols, err := tx.Table(ctx, s.decl.Name)
	return slices.DeleteFunc(cols, func(c duck.Column) bool { return c.Name == catalog.VersionColumn }), err
}

// Define creates the table, or adds the columns it lacks. A column that the declaration no longer has stays, and is NULL in new
// rows. A column of another type is refused: stored rows would have to change.
func (s *Stream) Define(ctx context.Context, tx *duck.Tx, in []duck.Column) error {
	if err := kind.Unreserved(s.decl, in, catalog.VersionColumn, "_row", "_rule"); err != nil {
		return err
	}
	if err := s.retainable(in); err != nil || tx.Alone {
		return err
	}
	have, err := s.stored(ctx, tx)
	if err != nil {
		return err
	}
	table := duck.Args{"t": duck.Ident(s.decl.Name)}
	replaced := s.reshape && len(retyped(have, in)) > 0
	if replaced {
		if err := s.replace(ctx, tx); err != nil {
			return err
		}
		have = nil
	}
	if len(have) == 0 {
		cols := duck.Each(", ", in, func(c duck.Column) *duck.Query {
			return duck.SQL("{n} {t}", duck.Args{"n": duck.Ident(c.Name), "t": c.Type})
		})
		if _, err := tx.ExecAt(ctx, duck.SQL("CREATE TABLE {t} ({cols}, _version BIGINT)", table, duck.Args{"cols": cols}),
			s.decl.Place()); err != nil {
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
		return s.decl.Errorf(code.StreamRebuildNeeded, "stream %s stores %s", s.decl.Name, strings.Join(other, "; ")).
			WithHint(fmt.Sprintf("cast in the SELECT to what is stored, or add REBUILD STREAM %s FROM SOURCE behind it: what is stored goes, "+
				"versions too, and all that its inputs still have is taken in anew", s.decl.Name))
	}
	tables := []*duck.Query{duck.Ident(s.decl.Name)}
	eras, err := s.eras(ctx, tx)
	if err != nil {
		return err
	}
	if len(eras) > 0 {
		tables = append(tables, s.past())
	}
	changed := false
	for _, c := range in {
		i := slices.IndexFunc(have, func(h duck.Column) bool { return strings.EqualFold(h.Name, c.Name) })
		if i >= 0 {
			continue
		}
		for _, t := range tables {
			add := duck.SQL("ALTER TABLE {t} ADD COLUMN {n} {type}", duck.Args{"t": t, "n": duck.Ident(c.Name), "type": c.Type})
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
func retyped(have, in []duck.Column) (out []string) {
	for _, c := range in {
		if i := slices.IndexFunc(have, func(h duck.Column) bool { return strings.EqualFold(h.Name, c.Name) }); i >= 0 && have[i].Type != c.Type {
			out = append(out, fmt.Sprintf("%s as %s, and it would be %s now", c.Name, have[i].Type, c.Type))
		}
	}
	return out
}

// Reshaped is the stream where the script fills it again from its inputs (REBUILD STREAM … FROM SOURCE).
func (s *Stream) Reshaped() kind.Object {
	out := *s
	out.reshape = true
	return &out
}

// Changed says what becomes of what is stored under a new declaration; anew: it goes, and is taken in anew.
func (s *Stream) Changed(_ kind.Object, was, now []duck.Column) (what []string, anew bool) {
	switch other := retyped(was, now); {
	case len(other) == 0:
		return []string{"stored rows stay as they are; new rows follow the new text"}, false
	case s.reshape:
		return []string{"what it stores goes, versions too, and REBUILD STREAM " + s.decl.Name +
			" FROM SOURCE takes in anew all that its inputs still have"}, true
	}
	return []string{"stored rows stay as they are"}, false
}

// Write appends the accepted rows.
func (s *Stream) Write(ctx context.Context, tx *duck.Tx, b *kind.Accepted) (kind.Counts, error) {
	if err := fault.Fault(ctx, "stream-before-insert"); err != nil {
		return kind.Counts{}, err
	}
	if err := s.pack(ctx, tx, b); err != nil {
		return kind.Counts{}, err
	}
	n, err := tx.ExecAt(ctx, duck.SQL("INSERT INTO {t} ({cols}, _version) SELECT {cols}, {v} FROM {rows}", duck.Args{
		"t": duck.Ident(s.decl.Name), "cols": duck.Names(duck.ColumnNames(b.Columns)), "v": b.Version, "rows": b.Rows}), s.decl.Place())
	if err != nil {
		return kind.Counts{}, err
	}
	return kind.Counts{Written: n, Added: n}, fault.Fault(ctx, "stream-after-insert")
}

// New are the rows that versions (from, to] brought.
func (s *Stream) New(from, to int64) *duck.Query {
	return duck.SQL("(SELECT * EXCLUDE (_version) FROM {t} WHERE _version > {from} AND _version <= {to})",
		duck.Args{"t": duck.Ident(s.decl.Name), "from": from, "to": to})
}

// NewColumns are the stream's own.
func (s *Stream) NewColumns(in []duck.Column) []duck.Column { return in }

// InOrder are the rows that versions brought, as they came.
func (s *Stream) InOrder(from, to int64, cols []duck.Column) *duck.Query {
	order := duck.SQL(" ORDER BY _version, rowid")
	// the user's own; a scan is in order
	if slices.ContainsFunc(cols, func(c duck.Column) bool { return strings.EqualFold(c.Name, "rowid") }) {
		order = duck.SQL("")
	}
	return duck.SQL("SELECT {cols} FROM {t} WHERE _version > {from} AND _version <= {to}{order}", duck.Args{
		"cols": duck.Names(duck.ColumnNames(cols)), "t": duck.Ident(s.decl.Name), "from": from, "to": to, "order": order})
}

// beside are tables of what an outer join keeps (pipeline/program/waiting.go).
var beside = []string{"__waiting_left", "__waiting_right", "__too_late"}

// Drop removes what Define made, and what a join keeps beside it.
func (s *Stream) Drop(ctx context.Context, tx *duck.Tx) error {
	for _, m := range macros {
		if err := tx.Run(ctx, duck.SQL("DROP MACRO TABLE IF EXISTS {m}", duck.Args{"m": duck.Ident(s.decl.Name + m)})); err != nil {
			return err
		}
	}
	for _, t := range beside {
		if err := tx.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {t}", duck.Args{"t": duck.Ident(s.decl.Name + t)})); err != nil {
			return err
		}
	}
	if err := watermark.Forget(ctx, tx, s.decl.Name); err != nil {
		return err
	}
	a := duck.Args{"t": duck.Ident(s.decl.Name), "past": s.past(), "d": s.decl.Name}
	return tx.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {t}", a), duck.SQL("DROP TABLE IF EXISTS {past}", a),
		duck.SQL("DELETE FROM dsql.eras WHERE destination = {d}", a))
}

// Beside: see kind.Beside.
func (s *Stream) Beside() []kind.Table {
	out := []kind.Table{{Table: s.decl.Name + "__past", What: "rows of the key in older versions, as the stream was turned back"}}
	for _, t := range beside[:2] {
		out = append(out, kind.Table{Table: s.decl.Name + t, What: "rows of the key that wait for one to be joined with"})
	}
	return out
}

// Diff tells what differs between two versions.
func (s *Stream) Diff(v1, v2 int64) *duck.Query {
	return duck.SQL("{f}({v1}, {v2})", duck.Args{"f": duck.Ident(s.decl.Name + "_diff"), "v1": v1, "v2": v2})
}

// Stamped: see kind.Mover.
func (s *Stream) Stamped(cols []duck.Column) *duck.Query {
	return duck.SQL("(SELECT {cols}, _version AS {v} FROM {t})", duck.Args{"cols": duck.Names(duck.ColumnNames(cols)),
		"v": duck.Ident(watermark.VersionColumn), "t": duck.Ident(s.decl.Name)})
}

// Moved: see kind.Mover.
func (s *Stream) Moved(from, to int64, cols []duck.Column) *duck.Query {
	return duck.SQL("(SELECT {cols} FROM {f}({from}, {to}))", duck.Args{"f": duck.Ident(s.decl.Name + "_changes"), "from": from, "to": to,
		"cols": duck.Each(", ", cols, func(c duck.Column) *duck.Query {
			if !sql.Same(c.Name, "change_type") {
				return duck.Ident(c.Name)
			}
			return duck.SQL("{was} AS {c}", duck.Args{"was": duck.Ident(duck.FreeName("change_type_1", cols)), "c": duck.Ident(c.Name)})
		})})
}

// Came: see kind.Adder. An era that begins among the versions moved rows.
func (s *Stream) Came(ctx context.Context, tx *duck.Tx, from, to int64, cols []duck.Column) (*duck.Query, error) {
	a := duck.Args{"d": s.decl.Name, "t": duck.Ident(s.decl.Name), "from": from, "to": to, "cols": duck.Names(duck.ColumnNames(cols)),
		"v": duck.Ident(watermark.VersionColumn)}
	turned, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.eras WHERE destination = {d} AND since > {from}", a))
	if err != nil || turned > 0 {
		return nil, err
	}
	return duck.SQL("(SELECT {cols}, _version AS {v} FROM {t} WHERE _version > {from} AND _version <= {to})", a), nil
}

// Stores is the table's name.
func (s *Stream) Stores() string { return s.decl.Name }

// Located: see kind.Located.
func (s *Stream) Located() (string, *duck.Query) { return s.decl.Name, nil }

// macros are those over the table.
var macros = []string{"_at", "_as_of", "_changes", "_diff"}

// Makes are the names of what stands beside the table; name__past once the stream was turned back, others where it is an outer join.
func (s *Stream) Makes() (out []string) {
	for _, m := range slices.Concat([]string{"__past"}, beside, macros) {
		out = append(out, s.decl.Name+m)
	}
	return out
}
