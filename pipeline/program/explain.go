package program

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// What EXPLAIN, DESCRIBE and SHOW say of declarations.

// Show lists a kind's declarations.
func (p *Program) Show(k kind.Kind) *duck.Query {
	if k.List != nil {
		return k.List
	}
	if k.Scripted {
		return k.Shown(p.ofScript(k))
	}
	rows := []*duck.Query{duck.SQL("SELECT NULL::VARCHAR AS name, NULL::VARCHAR AS reads, NULL::VARCHAR AS text WHERE false")}
	for _, n := range p.Nodes {
		if !sql.Same(n.Kind, k.Syntax.Keyword) {
			continue
		}
		var reads []string
		for _, m := range n.reads() {
			reads = append(reads, m.Name)
		}
		rows = append(rows, duck.SQL("SELECT {name}, {reads}, {text}",
			duck.Args{"name": n.Name, "reads": strings.Join(reads, ", "), "text": n.Text()}))
	}
	return duck.Join(" UNION ALL ", rows...)
}

// Explain is the ordered chain of a declaration and the SQL that it compiles to.
func (p *Program) Explain(ctx context.Context, c *duck.Conn, n *Node) (string, error) {
	var b strings.Builder
	d := n.Obj.Decl()
	fmt.Fprintf(&b, "%s %s\n", d.Syntax.Keyword, n.Name)
	for _, c := range n.Cols {
		fmt.Fprintf(&b, "  %s %s\n", c.Name, c.Type)
	}
	if s, ok := n.Sink(); ok {
		b.WriteString(s.Explain(n.Cols))
	}
	if e, ok := n.Obj.(kind.Explainer); ok {
		text, err := e.Explain(ctx, c, p.stored)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	if _, ok := n.Destination(); !ok {
		return b.String(), nil
	}
	for _, in := range n.selects() {
		fmt.Fprintf(&b, "1. SELECT  %s%s\n%s\n", in.of, wholeText(n), indent(in.query.String()))
		if n.Rules != nil {
			if text := n.Rules.Explain(duck.SQL("({q})", duck.Args{"q": in.query})); text != "" {
				fmt.Fprintf(&b, "2. RULES\n%s\n", indent(text))
			}
		}
	}
	if n.Quality != nil {
		if text := n.Quality.Explain(); text != "" {
			fmt.Fprintf(&b, "3. METRICS and CHECKS\n%s\n", indent(text))
		}
	}
	if j := n.Join(); j != nil && j.outer != nil && n.Stored != nil {
		now, err := (&Waiting{Join: j, n: n}).now(ctx, c)
		if err != nil {
			return "", err
		}
		b.WriteString(now)
	}
	fmt.Fprintf(&b, "4. write, version, places, COMMIT: one transaction\n")
	if s, ok := n.Obj.(kind.Speaker); ok {
		text, err := s.Statements(ctx, c, n.Cols)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s\n", indent(text))
	}
	return b.String(), nil
}

// selecting is what a query is over, in words, and the query with these in it.
type selecting struct {
	of    string
	query *duck.Query
}

func (n *Node) selects() (out []selecting) {
	if j := n.Join(); j != nil {
		return []selecting{{j.words(), j.body.query(duck.Ident("rows of "+j.sides[0].Of.Name), duck.Ident("rows of "+j.sides[1].Of.Name))}}
	}
	inputs, which := n.Inputs, "the new rows of "
	if _, total := n.Total(); total {
		inputs, which = inputs[:1], "all rows of "
	}
	for _, in := range inputs {
		rel := duck.Ident(strings.TrimPrefix(which, "the ") + in.Of.Name)
		of := which + in.Of.Name
		if in.past != nil {
			of += in.past.words()
		}
		out = append(out, selecting{of, in.Query(rel)})
	}
	return out
}

// stored is what stores rows under a name, with its columns.
func (p *Program) stored(name string) (kind.Object, []duck.Column) {
	for _, n := range p.Nodes {
		if _, ok := n.Destination(); ok && sql.Same(n.Name, name) {
			return n.Obj, n.Cols
		}
	}
	return nil, nil
}

func wholeText(n *Node) string {
	if len(n.whole) == 0 {
		return ""
	}
	var names []string
	for _, w := range n.whole {
		names = append(names, w.Name)
	}
	return "; read whole: " + strings.Join(names, ", ")
}

func indent(s string) string {
	return "     " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n     ")
}

// Explain is EXPLAIN for the command line: of one declaration, or (name "") of all in the script.
func Explain(ctx context.Context, o Options, name string) (string, error) {
	stmts, err := o.Statements(ctx)
	if err != nil {
		return "", err
	}
	db, err := duck.Open(ctx, Existing(o.DB), duck.Options{SearchPath: o.Dir})
	if err != nil {
		return "", err
	}
	defer db.Close()
	p, err := Rehearse(ctx, db.Writer(), o, stmts, Opened{Fresh: Existing(o.DB) == ""})
	if err != nil {
		return "", err
	}
	selected, err := p.Selected(o.Select)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, n := range p.Nodes {
		if selected != nil && !selected[n] {
			continue
		}
		if name == "" && n.Stmt >= 0 || sql.Same(n.Name, name) {
			text, err := p.Explain(ctx, db.Writer(), n)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
		}
	}
	if b.Len() == 0 && name != "" {
		return "", p.nothingNamed(name)
	}
	return b.String(), nil
}
