package run

import (
	"context"
	"errors"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/plural"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

var eraseVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "ERASE KEY", NoName: true,
		Head: []sql.Clause{{Arg: sql.ArgParen, Required: true, Doc: "(value, …): a value for each column of KEYS"},
			{Keyword: "FROM JOURNAL", Arg: sql.ArgName, Required: true, Doc: "the journal"}},
		Doc: "Takes all that a journal has of a key out of the file: its state, history and events in every version, and what was rejected of it. Rows of the " +
			"key are left out from then on, wherever they come from. It shows what was erased, and what else may still hold the key.",
		Example: "ERASE KEY (17) FROM JOURNAL customers"},
	Check: func(p *program.Program, d *sql.Decl) error {
		_, err := eraser(p, d)
		return err
	},
	Plan: &program.Planned{Action: "ERASE KEY", On: eraser, Touches: erasable},
	Run:  action((*runner).erase),
}

var admitVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "ADMIT KEY", NoName: true,
		Head: []sql.Clause{{Arg: sql.ArgParen, Required: true, Doc: "(value, …): a value for each column of KEYS"},
			{Keyword: "TO JOURNAL", Arg: sql.ArgName, Required: true, Doc: "the journal"}},
		Doc:     "Takes rows of a key in again that was erased: those that come from then on.",
		Example: "ADMIT KEY (17) TO JOURNAL customers"},
	Check: func(p *program.Program, d *sql.Decl) error {
		_, err := eraser(p, d)
		return err
	},
	Run: action((*runner).admit),
}

// erasable is the plan of ERASE KEY.
func erasable(ctx context.Context, _ *program.Program, tx *duck.Tx, d *sql.Decl, n *program.Node) ([]string, error) {
	_, values, err := keyValues(ctx, tx.Conn, d, n)
	if err != nil {
		return nil, err
	}
	e, _ := n.Obj.(kind.Eraser)
	rows, err := e.Erase(ctx, tx, values)
	return []string{plural.Of(rows, "row") + " of its history and events, in every version"}, err
}

// holding is a line of what ERASE KEY shows.
type holding struct {
	place string
	rows  *duck.Query // NULL: they can't be counted
	what  string
}

// erase is ERASE KEY (…) FROM JOURNAL name: in a version that has the key no more, which what reads the journal takes; then all of it goes.
func (r *runner) erase(ctx context.Context, d *sql.Decl) error {
	n, keys, values, err := r.keyOf(ctx, d)
	if err != nil {
		return err
	}
	e, _ := n.Obj.(kind.Eraser)
	err = r.newVersion(ctx, n, "erase", false, func(tx *transaction, rows *event.DestinationRows) (err error) {
		if rows.Removed, err = e.Retract(ctx, tx.Tx, values, tx.version); err != nil {
			return err
		}
		a := duck.Args{"d": n.Name, "now": duck.Now, "v": tx.version, "salt": duck.SQL("coalesce({s}, uuid()::VARCHAR)", duck.Args{"s": saltOf(n)})}
		a["hash"] = hashOf(duck.SQL("s"), values)
		return tx.Run(ctx, duck.SQL(`INSERT INTO dsql.erased SELECT {d}, {hash} AS h, s, {now}, {v} FROM (SELECT {salt} AS s)
			WHERE h NOT IN (SELECT key_hash FROM dsql.erased WHERE destination = {d})`, a))
	})
	if err != nil {
		return err
	}
	r.erased[n] = true
	if err := r.toldAll(ctx, d, n); err != nil {
		return err
	}
	var all, rejects int64
	err = r.update(ctx, func(tx *transaction) (err error) {
		if all, err = e.Erase(ctx, tx.Tx, values); err == nil {
			rejects, err = r.eraseRejects(ctx, tx, n, keys, values)
		}
		return err
	})
	if err != nil {
		return err
	}
	done := []holding{{n.Kind + " " + n.Name, duck.Lit(all), "erased: its state, history and events, in every version"},
		{"dsql.rejects", duck.Lit(rejects), "erased"}}
	still, err := r.stillHold(ctx, n, keys, values)
	if err != nil {
		return err
	}
	rows := duck.Each(", ", append(done, still...), func(h holding) *duck.Query {
		return duck.SQL("({p}, {r}::BIGINT, {w})", duck.Args{"p": h.place, "r": h.rows, "w": h.what})
	})
	return r.AnswerWith(ctx, d, duck.SQL("FROM (VALUES {rows}) t(place, rows, what)", duck.Args{"rows": rows}))
}

// toldAll lets all that reads the journal see the key go: the rows that say so are about to be taken out.
func (r *runner) toldAll(ctx context.Context, d *sql.Decl, n *program.Node) error {
	if err := r.catchUp(ctx, r.downstream(n, r.wanted(nil)), nil); err != nil {
		return err
	}
	if err := errors.Join(r.watch(ctx, true), r.sinkAll(ctx)); err != nil {
		return err
	}
	for _, s := range r.underWay() { // rejects that are about to be taken out, too
		if err := r.posted(ctx, s); err != nil {
			return err
		}
	}
	for _, m := range r.Program.Nodes {
		for _, in := range m.Inputs {
			if in.Of == n && r.behind(edge{m, n}) {
				return d.At(d.Arg("FROM JOURNAL").Span).Errorf(code.NotTold, "%s %s hasn't taken yet that the key goes", m.Kind, m.Name).
					WithHint("run the statement again when it can: so far the key is out of the state, and not out of the history")
			}
		}
	}
	return nil
}

// eraseRejects takes what was rejected of the key out: of the journal, and of the sources that it reads; and rows that show why a check
// failed.
func (r *runner) eraseRejects(ctx context.Context, tx *transaction, n *program.Node, keys []duck.Column, values []*duck.Query) (int64, error) {
	a := duck.Args{"d": n.Name, "is": isKey(keys, values, inData)}
	rows, err := tx.Exec(ctx, duck.SQL("DELETE FROM dsql.rejects WHERE destination = {d} AND {is}", a))
	if err != nil {
		return 0, err
	}
	for _, in := range n.Inputs {
		if _, source := in.Of.Source(); !source {
			continue
		}
		of := in.Names(keys)
		bad, err := tx.Exec(ctx, duck.SQL("DELETE FROM dsql.rejects WHERE destination IS NULL AND source = {s} AND {is}",
			duck.Args{"s": in.Of.Name, "is": isKey(of, values, inData)}))
		if err != nil {
			return 0, err
		}
		rows += bad
	}
	return rows, tx.Run(ctx, duck.SQL("DELETE FROM dsql.check_rows WHERE destination = {d} AND {is}", a),
		duck.SQL(`UPDATE dsql.holds SET rows = (SELECT count(*) FROM dsql.rejects r WHERE r.id BETWEEN first_reject AND last_reject)
			WHERE destination = {d} AND first_reject IS NOT NULL`, a))
}

// isKey is a condition: columns have the values of the key.
func isKey(keys []duck.Column, values []*duck.Query, column func(duck.Column) *duck.Query) *duck.Query {
	var parts []*duck.Query
	for i, k := range keys {
		parts = append(parts, duck.SQL("coalesce({c} = {v}, false)", duck.Args{"c": column(k), "v": values[i]}))
	}
	return duck.Join(" AND ", parts...)
}

// stillHold is what else may hold the key: what the journal reads and what reads it, sinks, copies.
func (r *runner) stillHold(ctx context.Context, n *program.Node, keys []duck.Column, values []*duck.Query) (out []holding, err error) {
	unknown := duck.Lit(nil)
	for _, m := range r.Program.Sorted() {
		above := program.Reaches(n, m)
		if m == n || !above && !program.Reaches(m, n) && !r.shares(n, m) {
			continue
		}
		title := m.Kind + " " + m.Name
		if _, ok := m.Source(); ok {
			if above {
				out = append(out, holding{title, unknown, "its files or topics stay as they are; rows of the key are left out of " + n.Name})
				if out, err = r.rejectsOf(ctx, out, duck.SQL("destination IS NULL AND source = {s} AND {unknown}", duck.Args{"s": m.Name,
					"unknown": duck.Each(" AND ", keys, func(k duck.Column) *duck.Query {
						return duck.SQL("{c} IS NULL", duck.Args{"c": inData(k)})
					})}), m, "bad records whose key isn't known"); err != nil {
					return nil, err
				}
			}
			continue
		}
		if _, ok := m.Sink(); ok {
			out = append(out, holding{title, unknown, "what it wrote stays where it is"})
			continue
		}
		if _, ok := m.Destination(); !ok {
			continue
		}
		h := holding{title, unknown, "has no column of the key, and may have been made of it"}
		if rows, err := r.rowsOf(ctx, m, keys, values); err != nil {
			return nil, err
		} else if rows != nil {
			h.rows, h.what = rows, "rows of the key"
			if _, ok := m.Obj.(kind.Eraser); ok {
				h.what = "rows of the key: ERASE KEY (…) FROM JOURNAL " + m.Name
			}
		}
		if out, err = r.besideOf(ctx, append(out, h), m, keys, values); err != nil {
			return nil, err
		}
		if out, err = r.rejectsOf(ctx, out, duck.SQL("destination = {d} AND {is}", duck.Args{"d": m.Name, "is": isKey(keys, values, inData)}), m,
			"rejects of the key"); err != nil {
			return nil, err
		}
	}
	return append(out, holding{"copies of the file", unknown, "those of --snapshot until they are renewed, and backups"}), nil
}

// rejectsOf adds a line where some rejects meet a condition.
func (r *runner) rejectsOf(ctx context.Context, out []holding, where *duck.Query, m *program.Node, what string) ([]holding, error) {
	n, err := r.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.rejects WHERE {where}", duck.Args{"where": where}))
	if n > 0 {
		out = append(out, holding{"dsql.rejects of " + m.Kind + " " + m.Name, duck.Lit(n), what})
	}
	return out, err
}

// shares: both read a source, at once or through others.
func (r *runner) shares(n, m *program.Node) bool {
	for _, s := range r.Program.Nodes {
		if _, source := s.Source(); source && program.Reaches(n, s) && program.Reaches(m, s) {
			return true
		}
	}
	return false
}

// rowsOf counts the rows of a key in a destination that has columns of its names; nil: it has none.
func (r *runner) rowsOf(ctx context.Context, m *program.Node, keys []duck.Column, values []*duck.Query) (*duck.Query, error) {
	of := m.Name
	cols, err := r.Conn.Table(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if !slices.ContainsFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, k.Name) }) {
			return nil, nil
		}
	}
	if _, ok := m.Obj.(kind.Keyed); ok {
		if e, err := r.Conn.Entry(ctx, of+"_history"); err != nil {
			return nil, err
		} else if e != duck.Nothing {
			of += "_history"
		}
	}
	n, err := r.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM {t} WHERE {is}", duck.Args{"t": duck.Ident(of), "is": isKey(keys, values, asKey)}))
	return duck.Lit(n), err
}

// asKey is a column as a key's type has it.
func asKey(c duck.Column) *duck.Query {
	return duck.SQL("TRY_CAST({c} AS {t})", duck.Args{"c": duck.Ident(c.Name), "t": c.Type})
}

// besideOf adds lines for the tables beside a destination's own: kind.Beside says what is in them.
func (r *runner) besideOf(ctx context.Context, out []holding, m *program.Node, keys []duck.Column, values []*duck.Query) ([]holding, error) {
	b, ok := m.Obj.(kind.Beside)
	if !ok {
		return out, nil
	}
	for _, t := range b.Beside() {
		cols, err := r.Conn.Table(ctx, t.Table)
		if err != nil {
			return nil, err
		}
		var of []duck.Column
		for _, k := range keys {
			name := k.Name
			for column, shows := range t.Shows {
				if sql.Same(shows, k.Name) {
					name = column
				}
			}
			if slices.ContainsFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, name) }) {
				of = append(of, duck.Column{Name: name, Type: k.Type})
			}
		}
		if len(of) < len(keys) {
			continue
		}
		n, err := r.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM {t} WHERE {is}",
			duck.Args{"t": duck.Ident(t.Table), "is": isKey(of, values, asKey)}))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, holding{t.Table + " of " + m.Kind + " " + m.Name, duck.Lit(n), t.What})
		}
	}
	return out, nil
}

// admit is ADMIT KEY (…) TO JOURNAL name.
func (r *runner) admit(ctx context.Context, d *sql.Decl) error {
	n, _, values, err := r.keyOf(ctx, d)
	if err != nil {
		return err
	}
	rows := int64(0)
	err = r.Conn.Update(ctx, func(tx *duck.Tx) (err error) {
		rows, err = tx.Exec(ctx, duck.SQL("DELETE FROM dsql.erased WHERE destination = {d} AND key_hash = {hash}",
			duck.Args{"d": n.Name, "hash": hashOf(saltOf(n), values)}))
		return err
	})
	if err == nil && rows == 0 {
		r.Warn(d.Errorf(code.ErasedKey, "this key was not erased from %s, and nothing was done", n.Name).
			WithHint("dsql.erased has the keys that were, as hashes"))
		return nil
	}
	if err == nil {
		r.Emit(event.Changed{Change: event.Change{Action: "change", Kind: n.Kind, Name: n.Name,
			What: []string{"a key that was erased is taken in again"}}})
	}
	return err
}
