package run

import (
	"fmt"
	"slices"
	"strings"

	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// A user's own DROP and CREATE OR REPLACE may take away what a declaration stores or reads: every later run would end with an error.

// refuseDrop is the error of a statement of the user that does so; nil for all others, and where the script makes it again.
func (r *runner) refuseDrop(st sql.Stmt) error {
	if w := program.Opening(st); w != "DROP" && w != "CREATE" {
		return nil
	}
	toks := sql.Tokens(st.Src, st.Span)
	word := func(i int) string {
		if i < len(toks) {
			return strings.ToUpper(toks[i].Span.Of(st.Src))
		}
		return ""
	}
	i := 1
	drop := word(0) == "DROP"
	if !drop {
		if word(0) != "CREATE" || word(1) != "OR" || word(2) != "REPLACE" {
			return nil
		}
		i = 3
	}
	if !slices.Contains([]string{"TABLE", "VIEW", "MACRO", "FUNCTION"}, word(i)) {
		return nil
	}
	table := word(i) == "TABLE"
	for i++; slices.Contains([]string{"TABLE", "IF", "NOT", "EXISTS"}, word(i)); i++ {
	}
	if i >= len(toks) || !program.IsName(toks[i]) {
		return nil
	}
	at := toks[i].Span
	schema, name := "", sql.NameOf(at.Of(st.Src))
	for word(i+1) == "." && i+2 < len(toks) {
		i += 2
		schema, name, at = name, sql.NameOf(toks[i].Span.Of(st.Src)), at.To(toks[i].Span)
	}
	return r.dropped(st, at, schema, name, drop, table)
}

func (r *runner) dropped(st sql.Stmt, at sql.Span, schema, name string, drop, table bool) error {
	main := schema == "" && (r.session.home == "" || r.session.together) || sql.Same(schema, "main")
	if !main { // another schema's
		return nil
	}
	for _, n := range r.Program.Nodes {
		if _, ok := n.Destination(); !ok || n.Stored == nil {
			continue
		}
		m, _ := n.Obj.(kind.Maker)
		made := m != nil && slices.ContainsFunc(m.Makes(), func(x string) bool { return sql.Same(x, name) })
		if made && drop && !table && !sql.Same(n.Name, name) { // a view or macro: the next run makes it again
			return nil
		}
		if sql.Same(n.Name, name) || made {
			return st.At(at).Errorf(code.InUse, "%s belongs to %s %s, which is declared", name, n.Kind, n.Name).
				WithHint(fmt.Sprintf("DROP %s %s takes the declaration with all that it stores", strings.ToUpper(n.Kind), n.Name))
		}
		if drop && n.Others[sql.KeyOf(name)] && !r.madeAgain(st, name) {
			return st.At(at).Errorf(code.InUse, "%s %s reads %s", n.Kind, n.Name, name).
				WithHint(fmt.Sprintf("make it again in the same script, or first run: DROP %s %s", strings.ToUpper(n.Kind), n.Name))
		}
	}
	return nil
}

// madeAgain: a statement behind st makes a table, view or macro of the name.
func (r *runner) madeAgain(st sql.Stmt, name string) bool {
	behind := false
	for _, s := range r.Program.Stmts {
		if made, _ := program.Created(s); behind && sql.Same(made, name) {
			return true
		}
		behind = behind || s.Src == st.Src && s.Span == st.Span
	}
	return false
}
