package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// alter brings tables made for one definition in line with a compatible one. have becomes what they are afterwards.
func (j *Journal) alter(ctx context.Context, tx *duck.Tx, have, want *definition) error {
	l, older := j.layout(have), have.Layout < layoutNow
	words, before, empty := len(l.starts()), len(have.Columns), false
	for i, c := range have.Keys {
		t := want.Keys[index(want.Keys, c.Name)].Type
		if err := j.retype(ctx, tx, c.Name, c.Type, t, "now", "past", "mem"); err != nil {
			return err
		}
		have.Keys[i].Type = wider(c.Type, t)
	}
	for i, c := range have.Columns {
		k := index(want.Columns, c.Name)
		if k < 0 {
			continue
		}
		t := want.Columns[k].Type
		if err := j.retype(ctx, tx, c.Name, c.Type, t, "now", "past", "mem"); err != nil {
			return err
		}
		have.Columns[i].Type = wider(c.Type, t)
	}
	for i, o := range have.Sequence {
		t := want.Sequence[i].Type
		for _, x := range []struct {
			column string
			in     []string
		}{{l.from[i], []string{"now", "past"}}, {l.to[i], []string{"now", "past"}}, {l.seq[i], []string{"mem", "state"}}} {
			if err := j.retype(ctx, tx, x.column, o.Type, t, x.in...); err != nil {
				return err
			}
		}
		have.Sequence[i].Type, have.Sequence[i].Text = wider(o.Type, t), want.Sequence[i].Text
	}
	if have.SCD == 1 {
		for i := range have.Sparse {
			if err := j.retypeTo(ctx, tx, since(i), l.pointType(), "now", "past"); err != nil {
				return err
			}
		}
	}
	for _, c := range want.Columns {
		if index(have.Columns, c.Name) >= 0 {
			continue
		}
		if err := l.addColumn(ctx, tx, []string{"now", "past", "mem"}, c.Name, c.Type.SQL()); err != nil {
			return err
		}
		have.Columns = append(have.Columns, c)
	}
	l.cols = duck.ColumnNames(have.Columns)
	if have.Feed && have.SCD == 2 && len(have.Columns) > before {
		some, err := tx.Int(ctx, duck.SQL(string(tables.CountSome), l.words))
		if err != nil {
			return err
		}
		if l.extend(before); some > 0 {
			l.allow(l.cols[before:])
		}
		empty = some == 0
	}
	l = j.layout(have)
	if err := j.provide(ctx, tx, l, words, empty); err != nil {
		return err
	}
	if l.moving() {
		if err := l.images(ctx, tx); err != nil {
			return err
		}
	}
	return l.show(ctx, tx, j.decl.Place(), older)
}

// compatible refuses what stored data can't follow.
func (j *Journal) compatible(have, want *definition) error {
	mode := func(d *definition) string {
		if d.Feed {
			return "a feed (SEQUENCE BY)"
		}
		return "loads of the whole table (SNAPSHOT)"
	}
	names := func(cols []duck.Column) string { return strings.Join(duck.ColumnNames(cols), ", ") }
	switch {
	case have.Feed != want.Feed:
		return j.rebuildNeeded(j.decl.NameAt,
			fmt.Sprintf("journal %s was made from %s, and would be from %s now", j.decl.Name, mode(have), mode(want)))
	case have.SCD != want.SCD:
		return j.rebuildNeeded(j.decl.NameAt,
			fmt.Sprintf("journal %s is stored as SCD type %d, and would be as type %d now", j.decl.Name, have.SCD, want.SCD))
	}
	alike := len(have.Keys) == len(want.Keys)
	for _, k := range have.Keys {
		alike = alike && index(want.Keys, k.Name) >= 0
	}
	if !alike {
		return j.rebuildNeeded(j.decl.Arg("KEYS").Span,
			fmt.Sprintf("the keys of journal %s are (%s), and would be (%s) now: what it stores is by key",
				j.decl.Name, names(have.Keys), names(want.Keys)))
	}
	if have.Feed {
		if !slices.EqualFunc(have.Sequence, want.Sequence, func(a, b order) bool { return sql.Fingerprint(a.Text) == sql.Fingerprint(b.Text) }) {
			text := func(d *definition) string {
				var out []string
				for _, o := range d.Sequence {
					out = append(out, o.Text)
				}
				return strings.Join(out, ", ")
			}
			return j.rebuildNeeded(j.decl.Arg("SEQUENCE BY").Span, fmt.Sprintf(
				"journal %s orders its events by (%s), and would by (%s) now: what it stores is in the old order",
				j.decl.Name, text(have), text(want)))
		}
	}
	now := slices.Concat(want.Keys, want.Columns)
	for _, c := range slices.Concat(have.Keys, have.Columns) {
		if i := index(now, c.Name); i >= 0 {
			if err := j.fits(c, now[i].Type); err != nil {
				return err
			}
		}
	}
	for i, o := range have.Sequence {
		if err := j.fits(duck.Column{Name: "the sequence", Type: o.Type}, want.Sequence[i].Type); err != nil {
			return err
		}
	}
	return nil
}

// fits refuses a type that neither holds what is stored nor is held by its column.
func (j *Journal) fits(stored duck.Column, in duck.Type) error {
	if in.Widens(stored.Type) || stored.Type.Widens(in) {
		return nil
	}
	e := j.rebuildNeeded(j.decl.NameAt, fmt.Sprintf(
		"%s is stored as %s in journal %s, and would be %s now, which doesn't hold all of it, in its order",
		stored.Name, stored.Type, j.decl.Name, in))
	e.Hint = fmt.Sprintf("cast it to %s in the query; or %s", stored.Type, e.Hint)
	return e
}

// wider is the type that a stored column has after rows of type in came to it.
func wider(stored, in duck.Type) duck.Type {
	if in.Widens(stored) {
		return stored
	}
	return in
}

// retype widens a stored column where its rows have become wider. A narrower type fits as it is.
func (j *Journal) retype(ctx context.Context, tx *duck.Tx, name string, stored, in duck.Type, of ...string) error {
	if in.Widens(stored) {
		return nil
	}
	return j.retypeTo(ctx, tx, name, in, of...)
}

func (j *Journal) retypeTo(ctx context.Context, tx *duck.Tx, name string, typ duck.Type, of ...string) error {
	for _, t := range of {
		q := duck.SQL(string(tables.Retype), duck.Args{"table": j.table("__" + t), "column": duck.Ident(name), "type": typ})
		if err := tx.Run(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// images gives the events that are remembered without one (N) their own: a journal whose untracked columns move inside a row
// can't read it off the row any more.
func (l *layout) images(ctx context.Context, tx *duck.Tx) error {
	n, err := tx.Int(ctx, duck.SQL(string(tables.CountBare), l.words))
	if err != nil || n == 0 {
		return err
	}
	own := func() []*duck.Query { return l.ownImage("m", l.seq, "h") }
	return tx.Run(ctx, duck.SQL(string(tables.Images), l.words, duck.Args{"own_inside": own}))
}
