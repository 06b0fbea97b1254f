package journal

import (
	"dsql/engine/duck"
)

// The words of statements: what the placeholders in .sql files stand for.
//
//	keys, cols              of the journal; tracked, untracked: the columns by what their change does
//	seq                     of events: _s0 …; from, to: of rows, valid_from…, valid_to…; ends: _t0 …, where rows end
//	bits, marks             what events said, and rows show (layout.go); all_said: the bits of an event that says all
//	key_types, types        of keys and cols; seq_types: of seq
//	key1, from1, to1        the first of each
//	now, past, mem, state   the journal's tables; those of temps by their names
//	v, t                    the version at hand; the time of a load
//
// What else there is for a batch stands in speak; what a single statement needs beside is given where it is run.

// vocabulary are those that follow from the layout.
func (l *layout) vocabulary(tables duck.Args) duck.Args {
	names := func(names []string) []*duck.Query {
		return each(names, func(n string) *duck.Query { return duck.Ident(n) })
	}
	return tables.With(duck.Args{
		"keys": names(l.keys), "cols": names(l.cols), "tracked": names(l.tracked), "untracked": names(l.untracked),
		"seq": names(l.seq), "from": names(l.from), "to": names(l.to), "ends": names(numbered("_t", len(l.seq))),
		"bits": func() duck.Names { return l.bits() }, "marks": func() duck.Names { return l.marks() }, "all_said": l.allSaid,
		"key_types": func() []*duck.Query { return types(l.Keys) },
		"types":     func() []*duck.Query { return types(l.Columns) },
		"seq_types": func() []*duck.Query {
			return each(l.Sequence, func(o order) *duck.Query { return o.Type.SQL() })
		},
		"key1":  func() *duck.Query { return duck.Ident(l.keys[0]) },
		"from1": duck.Ident(l.from[0]), "to1": duck.Ident(l.to[0]),
	})
}

// speak adds the words of a batch.
func (w *writer) speak() {
	for word, f := range map[string]any{
		"columns": w.columns, "sequence": w.sequence, "deleted": w.deleted, "saying": w.saying, "arrival": w.arrival, "lateness": w.lateness,
		"rows": func() *duck.Query { return w.b.Rows }, "v": w.v, "not_newer": w.when(&w.known, feed.SomeNotNewer, "false"),
		// of the fast path
		"moved": func() *duck.Query { return w.moved(w.tracked) }, "unversioned": w.unversioned,
		"values": func() []*duck.Query { return each(w.cols, w.value) },
		"own":    func() []*duck.Query { return w.ownImage("o", w.from, "o") },
		// of the line
		"tracked_filled":   func() []*duck.Query { return each(w.tracked, w.filled) },
		"untracked_filled": func() []*duck.Query { return each(w.untracked, w.filled) },
		"gaps":             func() duck.Names { return numbered("_f", len(w.gaps())) }, "fills": w.fills,
		"lasts": func() duck.Names { return numbered("_l", len(w.untracked)) },
		// of what is known
		"own_opening": func() []*duck.Query { return w.ownImage("h", w.from, "h") },
		"own_inside":  func() []*duck.Query { return w.ownImage("r", w.seq, "h") },
		"normal_bits": w.normalBits,
		"before":      w.whenLate(line.Before, ""), "believed": w.whenLate(line.Believed, "{old}"), "or_known": w.whenLate(fold.OrKnown, ""),
		// of rows that show the image of their opening
		"raw": w.when(&w.Raw, fast.Raw, ""), "was_raw": w.when(&w.Raw, "o._raw = 1", "true"),
		"and_raw": w.when(&w.Raw, "AND h._raw = 1", ""), "openings": w.when(&w.Raw, line.Openings, ""),
		// the rows h of the batch's keys, of late keys
		"found_open":  w.found("{now}", "{groups}", "h._v_close = 0 AND h._v_to = 0"),
		"found_known": w.found("{mem}", "{groups}", "h._v_to = 0"),
		"found_now":   w.found("{now}", fold.LateKeys, "h._v_to = 0"), "found_past": w.found("{past}", fold.LateKeys, "h._v_to = 0"),
		"found_mem": w.found("{mem}", fold.LateKeys, "h._v_to = 0"),
		// of loads
		"closing": func() *duck.Query {
			if w.SCD == 1 {
				return duck.Lit("gone")
			}
			return duck.Lit("close")
		},
		"given": func() duck.Names { return w.given(w.cols) }, "given_types": w.givenTypes, "lacking": w.lacks,
		"old_names":        func() duck.Names { return numbered("_j", len(w.cols)) },
		"new_values":       func() []*duck.Query { return each(w.cols, w.loadValue) },
		"tracked_differ":   func() *duck.Query { return w.loadDiffers(w.given(w.tracked)) },
		"untracked_differ": func() *duck.Query { return w.loadDiffers(w.given(w.untracked)) },
	} {
		w.words[word] = f
	}
	w.temp.words(w.words)
}

// when is one fragment or another.
func (w *writer) when(is *bool, then, otherwise statement) func() *duck.Query {
	return func() *duck.Query {
		if *is {
			return w.sql(then)
		}
		return w.sql(otherwise)
	}
}

// whenLate is a fragment for batches with late keys.
func (w *writer) whenLate(then, otherwise statement) func() *duck.Query {
	return func() *duck.Query {
		late := w.late > 0
		return w.when(&late, then, otherwise)()
	}
}

func (w *writer) found(table, keys, where statement) func() *duck.Query {
	return func() *duck.Query { return w.lookup(table, w.sql(keys), where) }
}

// words are those of the journal's tables alone.
func (j *Journal) words() duck.Args {
	return duck.Args{"now": j.table("__now"), "past": j.table("__past"), "mem": j.table("__mem"), "state": j.table("__state"),
		"definition": j.table("__definition")}
}

func each[T any](items []T, f func(T) *duck.Query) []*duck.Query {
	out := make([]*duck.Query, len(items))
	for i, x := range items {
		out[i] = f(x)
	}
	return out
}

func types(cols []duck.Column) []*duck.Query {
	return each(cols, func(c duck.Column) *duck.Query { return c.Type.SQL() })
}
