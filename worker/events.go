package worker

import (
	"context"
	"errors"
	"slices"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/journal"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// What a journal holds of a key hangs on all events of the key. So a process that has a piece of the rows hands the events on, each batch by
// the bucket of their keys, and whoever does a bucket has all those of a key.

// events stands for a destination with keys: its events, as its rules let them through.
type events struct {
	kind.Destination
	of   kind.Object
	said *sql.Decl // the whole declaration
	keys []string
}

// Unsettled: see kind.Unsettled.
func (e *events) Unsettled() []string { return e.keys }

// Undivided is the destination's.
func (e *events) Undivided() *sql.Error {
	d := e.Decl()
	if u, ok := e.of.(kind.Undivided); ok {
		if n, ok := e.of.(kind.Needy); ok && u.Undivided() == nil && n.Needs(catalog.MetaColumn) {
			return d.Errorf(code.NotSpread, "%s is ordered by _meta, which its events don't hand on", d.Name).
				WithHint("select what it needs of _meta as a column: _meta.offset AS at_offset")
		}
		return u.Undivided()
	}
	return d.Errorf(code.NotSpread, "%s %s can't be made of pieces", d.Syntax.Keyword, d.Name).WithHint("run it on one machine")
}

// keyColumns are the keys with their types.
func (e *events) keyColumns(cols []duck.Column) []duck.Column {
	out := make([]duck.Column, len(e.keys))
	for i, k := range e.keys {
		out[i] = cols[slices.IndexFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, k) })]
	}
	return out
}

// bucketed refuses keys that have no bucket.
func (e *events) bucketed(cols []duck.Column) error {
	keys := e.keyColumns(cols)
	_, at, ok := journal.Bucket(keys, 1)
	if ok {
		return nil
	}
	d := e.Decl()
	return d.At(d.Arg("KEYS").Names[at].Span).Errorf(code.NotSpread, "a key of type %s has no text that goes for all values that equal it, and so no bucket",
		keys[at].Type).WithHint("make one of it in the query of " + d.Name + ": a number, a text")
}

// unmade is the error of a statement of the script that reads what only the file of a journal has: its history, its versions.
func (p *plan) unmade(err error) error {
	var e *sql.Error
	if !duck.IsMissing(err) || !errors.As(err, &e) || e.Src == nil ||
		!slices.ContainsFunc(p.Declarations, func(d program.Declaration) bool { return len(d.Keys) > 0 }) {
		return err
	}
	return sql.Place{Src: e.Src, Span: e.Span}.Errorf(code.NotSpread, "%s; what a journal makes is in the files of its buckets alone", e.Msg).
		WithHint("leave the statement out of the script that is spread, and run it over those").WithCause(err)
}

// events answers with the events that a batch has for a journal: all of them, or a bucket after the other, each in order. A column that the
// batch's file doesn't have isn't there: nothing is said of it.
func (w *Worker) events(ctx context.Context, t *header, n *program.Node, e *events, in *kind.Input, out *answers) error {
	a, cols := answer{Task: t.Task, Kind: "rows", Name: n.Name, Keys: e.Unsettled()}, slices.Clone(n.Cols)
	for _, from := range n.Inputs {
		if from.Of == t.source {
			absent := n.Absent(from, in, in.Absent)
			cols = slices.DeleteFunc(cols, func(c duck.Column) bool { return slices.Contains(absent, c.Name) })
		}
	}
	if t.Buckets == 0 {
		return send(ctx, w.trial.Conn, out, []part{{a, -1}}, e.InOrder(0, 1<<62, cols), cols)
	}
	bucket, _, _ := journal.Bucket(e.keyColumns(n.Cols), t.Buckets)
	q := duck.Args{"b": bucket, "t": duck.Ident(n.Name), "cols": duck.Names(duck.ColumnNames(cols))}
	parts, err := duck.Select(ctx, w.trial.Conn, duck.SQL("SELECT {b}, count(*) FROM {t} GROUP BY ALL ORDER BY ALL", q),
		func(row func(...any) error) (part, error) {
			p := part{answer: a}
			return p, row(&p.Bucket, &p.rows)
		})
	if err != nil {
		return err
	}
	return send(ctx, w.trial.Conn, out, parts, duck.SQL("SELECT {cols} FROM {t} ORDER BY {b}, _version, rowid", q), cols)
}
