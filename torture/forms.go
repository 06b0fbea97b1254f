package torture

import (
	"fmt"
	"slices"
	"strings"
)

// form is a form of a destination's query: its text, its columns and what it makes of new rows, side by side. A new one is an entry of
// forms, and a word in the generator's list.
type form struct {
	// from: the relation with STREAM where it needs that; "" where it stands in Dim's place
	text   func(w *writer, d *Decl, from string) string
	cols   func(in []string) []string
	rows   func(m *Model, d *Decl, in []Rec) []Rec
	need   []string // columns that it names
	before string   // a statement that must stand before it
	kind   string   // feature that switches it on
}

func same(in []string) []string { return in }

var forms map[string]form

func init() { // not in the declaration: what a form means asks the model, which asks for forms
	forms = map[string]form{
		"": {text: func(w *writer, d *Decl, from string) string {
			if strings.HasPrefix(from, "STREAM ") {
				return "AS SELECT * FROM " + from
			}
			return "FROM " + from
		}, cols: same, rows: func(_ *Model, _ *Decl, in []Rec) []Rec { return in }},

		"star": {text: func(_ *writer, _ *Decl, from string) string { return "AS SELECT * FROM " + from }, cols: same,
			rows: func(_ *Model, _ *Decl, in []Rec) []Rec { return in }},

		"where": {kind: "where", need: []string{"b"}, text: func(_ *writer, _ *Decl, from string) string {
			return "AS SELECT * FROM " + from + " WHERE b IS NULL OR b > 2"
		}, cols: same,
			rows: func(_ *Model, _ *Decl, in []Rec) []Rec {
				return filter(in, func(r Rec) bool { n, ok := r.Row.num("b"); return !ok || n > 2 })
			}},

		"plus": {need: []string{"b"}, text: func(_ *writer, _ *Decl, from string) string { return "AS SELECT *, b * 2 AS b2 FROM " + from },
			cols: func(in []string) []string { return append(slices.Clone(in), "b2") },
			rows: each(func(r Rec) Rec {
				r.Row = r.Row.with("b2", onNum("b", func(n int64) Value { return n * 2 })(r.Row))
				return r
			})},

		"replace": {need: []string{"b"}, text: func(_ *writer, _ *Decl, from string) string {
			return "AS SELECT * REPLACE (coalesce(b, 0) AS b) FROM " + from
		}, cols: same,
			rows: each(func(r Rec) Rec {
				r.Row = r.Row.with("b", orElse(r.Row["b"], int64(0)))
				r.Absent = filter(r.Absent, func(c string) bool { return c != "b" })
				return r
			})},

		"some": {need: []string{"b"}, text: func(w *writer, d *Decl, from string) string {
			return "AS SELECT " + strings.Join(last("b", declared(w.m.columns(d.From[0]))), ", ") + " FROM " + from
		}, cols: func(in []string) []string { return last("b", declared(in)) },
			rows: each(func(r Rec) Rec { r.Row = r.Row.without(names(extras)); return r })},

		"score": {kind: "score", need: []string{"b"}, before: "CREATE MODEL risk FROM '" + modelFile + "';\n",
			text: func(_ *writer, _ *Decl, from string) string { return "AS SELECT *, risk(b::DOUBLE) AS p FROM " + from },
			cols: func(in []string) []string { return append(slices.Clone(in), "p") },
			rows: each(func(r Rec) Rec { r.Row = r.Row.with("p", score(r.Row)); return r })},

		"group": {kind: "group", need: []string{"a", "b"},
			text: func(_ *writer, _ *Decl, from string) string {
				return "AS SELECT a, count(*)::INTEGER AS n, sum(b)::INTEGER AS b FROM " + from + " GROUP BY a"
			},
			cols: func([]string) []string { return []string{"a", "n", "b"} },
			rows: func(_ *Model, _ *Decl, in []Rec) []Rec {
				groups, order := map[string][]Row{}, []string{}
				for _, r := range in {
					k := textOf(r.Row["a"])
					if groups[k] == nil {
						order = append(order, k)
					}
					groups[k] = append(groups[k], r.Row)
				}
				var out []Rec
				for _, k := range order {
					g := groups[k]
					out = append(out, Rec{Row: Row{"a": g[0]["a"], "n": int64(len(g)), "b": aggs["sum(b)"].of(g)}})
				}
				return out
			}},

		pairsForm: pairsOf,

		"join":         dimension("join", "%s d ON d.id = s.id"),
		"join_history": dimension("join_history", "%s_history d ON d.id = s.id AND d.valid_to IS NULL"),
	}
}

// dimension is a query that reads a journal whole: each row gets a of the open version of its id.
func dimension(kind, on string) form {
	return form{kind: kind, need: []string{"id"},
		text: func(w *writer, d *Decl, _ string) string {
			return "AS SELECT s.*, d.a AS da FROM STREAM " + w.name(d.From[0]) + " s LEFT JOIN " + fmt.Sprintf(on, w.name(d.Dim))
		},
		cols: func(in []string) []string { return append(slices.Clone(in), "da") },
		rows: func(m *Model, d *Decl, in []Rec) []Rec {
			of := map[string]Value{}
			for _, s := range m.dests[low(d.Dim)].open() {
				of[textOf(s.row["id"])] = s.row["a"]
			}
			return each(func(r Rec) Rec { r.Row = r.Row.with("da", of[textOf(r.Row["id"])]); return r })(m, d, in)
		}}
}

func each(f func(Rec) Rec) func(*Model, *Decl, []Rec) []Rec {
	return func(_ *Model, _ *Decl, in []Rec) []Rec {
		out := make([]Rec, len(in))
		for i, r := range in {
			out[i] = f(r)
		}
		return out
	}
}

// last puts a column behind the others.
func last(col string, cols []string) []string {
	return append(filter(cols, func(c string) bool { return c != col }), col)
}

// query is what a destination's query makes of new rows.
func (m *Model) query(d *Decl, in []Rec) []Rec { return forms[d.Form].rows(m, d, in) }
