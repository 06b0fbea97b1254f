package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// A user's own DROP and CREATE OR REPLACE may take away what a declaration stores or reads: every later run would end with an error.

// refuseDrop is the error of a statement of the user that does so; nil for all others, and where the script makes it again.
func (r *runner) refuseDrop(st sql.Stmt) error {
	if w := opening(st); w != "DROP" && w != "CREATE" {
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
	if i >= len(toks) || !isName(toks[i]) {
		return nil
	}
	at := toks[i].Span
	schema, name := "", unquoteName(at.Of(st.Src))
	for word(i+1) == "." && i+2 < len(toks) {
		i += 2
		schema, name, at = name, unquoteName(toks[i].Span.Of(st.Src)), at.To(toks[i].Span)
	}
	return r.dropped(st, at, schema, name, drop, table)
}

func (r *runner) dropped(st sql.Stmt, at sql.Span, schema, name string, drop, table bool) error {
	main := schema == "" && (r.session.home == "" || r.session.together) || sql.Same(schema, "main")
	if !main { // another schema's
		return nil
	}
	e := &sql.Error{Src: st.Src, Span: at, Code: "in-use", Exit: sql.ExitFailed}
	for _, n := range r.p.nodes {
		if _, ok := n.destination(); !ok || n.stored == nil {
			continue
		}
		m, _ := n.obj.(engine.Maker)
		made := m != nil && slices.ContainsFunc(m.Makes(), func(x string) bool { return sql.Same(x, name) })
		if made && drop && !table && !sql.Same(n.name, name) { // a view or macro: the next run makes it again
			return nil
		}
		if sql.Same(n.name, name) || made {
			e.Msg = fmt.Sprintf("%s belongs to %s %s, which is declared", name, n.kind, n.name)
			e.Hint = fmt.Sprintf("DROP %s %s takes the declaration with all that it stores", strings.ToUpper(n.kind), n.name)
			return e
		}
		if drop && n.others[sql.KeyOf(name)] && !r.madeAgain(st, name) {
			e.Msg = fmt.Sprintf("%s %s reads %s", n.kind, n.name, name)
			e.Hint = fmt.Sprintf("make it again in the same script, or first run: DROP %s %s", strings.ToUpper(n.kind), n.name)
			return e
		}
	}
	return nil
}

// madeAgain: a statement behind st makes a table, view or macro of the name.
func (r *runner) madeAgain(st sql.Stmt, name string) bool {
	behind := false
	for _, s := range r.p.stmts {
		if made, _ := created(s); behind && sql.Same(made, name) {
			return true
		}
		behind = behind || s.Src == st.Src && s.Span == st.Span
	}
	return false
}

// gone notes that what a declaration of the file stores was dropped by something else: an error, unless the script fills it again from its
// inputs or drops the declaration. Views alone are made again.
func (p *program) gone(n *node) error {
	m, ok := n.obj.(engine.Maker)
	switch {
	case !ok || n.stored == nil || p.there[sql.KeyOf(n.name)] && p.there[sql.KeyOf(m.Stores())]:
		return nil
	case p.there[sql.KeyOf(m.Stores())]:
		n.missing = "its view is gone and is made again"
		return nil
	}
	n.lost, n.missing = true, "its table is gone and is made again, empty"
	for _, st := range p.stmts {
		d := st.Decl
		if d == nil || !sql.Same(d.Name, n.name) || !sql.Same(d.Syntax.Keyword, n.kind) {
			continue
		}
		if d.Syntax.Verb == "DROP" || d.Syntax.Verb == "REBUILD" && d.Arg("FROM SOURCE") != nil {
			return nil
		}
	}
	d := n.obj.Decl()
	return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "table-gone",
		Msg: fmt.Sprintf("the table %s of %s %s is gone: something else dropped it", m.Stores(), n.kind, n.name),
		Hint: fmt.Sprintf("REBUILD %s %s FROM SOURCE, in this script, fills it again from what its inputs still have; DROP %[1]s %[2]s gives it up",
			strings.ToUpper(n.kind), n.name)}
}

// made notes that the file has it all again.
func (p *program) made(n *node) {
	if m, ok := n.obj.(engine.Maker); ok {
		p.there[sql.KeyOf(n.name)], p.there[sql.KeyOf(m.Stores())] = true, true
	}
	n.lost, n.missing = false, ""
}
