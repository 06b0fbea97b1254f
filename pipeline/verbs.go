package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// verb runs SHOW, DESCRIBE, EXPLAIN and DROP of a kind.
func (r *runner) verb(ctx context.Context, d *sql.Decl) error {
	if v, ok := verbOf(d.Syntax); ok {
		if err := r.conn.Update(ctx, func(tx *engine.Tx) error { return v.Run(ctx, tx, d) }); err != nil {
			return err
		}
		if n := r.p.find(strings.ToLower(d.Syntax.Keyword), d.Name); n != nil && d.Syntax.Verb == "ALTER" {
			r.emit(Changed{Change{Action: "change", Kind: n.kind, Name: n.name, What: []string{strings.TrimSpace(d.Text())}}})
		}
		return nil
	}
	var q *engine.Query
	switch d.Syntax.Verb {
	case "DROP":
		return r.drop(ctx, d)
	case "REPLAY REJECTS":
		return r.replayRejects(ctx, d)
	case "REPLAY":
		return r.replaySource(ctx, d)
	case "ROLLBACK", "REBUILD", "VACUUM":
		if err := errors.Join(r.sink(ctx), r.brokenSinks()); err != nil { // what is due may be gone afterwards
			return err
		}
		if err := r.maintain(ctx, d); err != nil {
			return err
		}
		return r.sink(ctx)
	case "RESUME":
		return r.resume(ctx, d)
	case "RELEASE HOLD", "DISCARD HOLD":
		return r.decide(ctx, d)
	case "SHOW":
		k, _ := kindByWord(d.Syntax.Keyword)
		q = r.p.show(strings.ToLower(k.Syntax.Keyword))
		if w := d.Arg("WHERE"); w != nil {
			q = engine.SQL("SELECT * FROM ({q}) WHERE ({w})", engine.Args{"q": q, "w": engine.User(d.Src, w.Exprs[0])})
		}
	case "DESCRIBE":
		n, err := r.named(ctx, d)
		if err != nil {
			return err
		}
		if o, ok := n.obj.(interface {
			Describe(context.Context, *engine.Conn) (*engine.Query, error)
		}); ok {
			if q, err = o.Describe(ctx, r.conn); err != nil {
				return err
			}
			break
		}
		q = engine.SQL("SELECT unnest({names}) AS column_name, unnest({types}) AS column_type", engine.Args{
			"names": texts(engine.ColumnNames(n.cols)), "types": engine.SQL("[{t}]", engine.Args{"t": engine.Each(", ", n.cols, func(c engine.Column) *engine.Query { return engine.Lit(c.Type) })})})
	case "EXPLAIN":
		n, err := r.named(ctx, d)
		if err != nil {
			return err
		}
		text, err := r.p.explain(ctx, r.conn, n)
		if err != nil {
			return err
		}
		q = engine.SQL("SELECT unnest(string_split({text}, chr(10))) AS explain", engine.Args{"text": strings.TrimRight(text, "\n")})
	}
	res, err := r.conn.Query(ctx, q, engine.Place{Src: d.Src, Span: d.Span})
	if err != nil {
		return err
	}
	r.emit(Queried{Result: res})
	if err := res.Err(); err != nil {
		return err
	}
	return res.Close()
}

// named is the declared node of a verb, bound: where nothing is run, with all that it reads.
func (r *runner) named(ctx context.Context, d *sql.Decl) (*node, error) {
	kind := strings.ToLower(d.Syntax.Keyword)
	n := r.p.find(kind, d.Name)
	if n == nil {
		return nil, r.p.notDeclared(kind, sql.Name{Text: d.Name, Span: d.NameAt}, d)
	}
	if n.bound {
		return n, nil
	}
	return n, r.conn.Scratch(ctx, func(tx *engine.Tx) error {
		for _, m := range ordered([]*node{n}, (*node).needs) {
			if m.bound {
				continue
			}
			if err := r.p.bind(ctx, tx, m); err != nil {
				return err
			}
		}
		return r.p.chain(ctx, tx, n)
	})
}

func texts(s []string) *engine.Query {
	return engine.SQL("[{t}]", engine.Args{"t": engine.Each(", ", s, func(x string) *engine.Query { return engine.Lit(x) })})
}

// show lists a kind's declarations with their text.
func (p *program) show(kind string) *engine.Query {
	if kind == "model" {
		return engine.SQL("SELECT name, version, format, inputs, outputs, tags, in_use, created FROM dsql.models ORDER BY name, version")
	}
	rows := []*engine.Query{engine.SQL("SELECT NULL::VARCHAR AS name, NULL::VARCHAR AS reads, NULL::VARCHAR AS text WHERE false")}
	for _, n := range p.nodes {
		if n.kind != kind {
			continue
		}
		var reads []string
		for _, m := range n.reads() {
			reads = append(reads, m.name)
		}
		rows = append(rows, engine.SQL("SELECT {name}, {reads}, {text}", engine.Args{"name": n.name, "reads": strings.Join(reads, ", "), "text": n.text()}))
	}
	return engine.Join(" UNION ALL ", rows...)
}

// explain is the ordered chain of a declaration and the SQL that it compiles to.
func (p *program) explain(ctx context.Context, c *engine.Conn, n *node) (string, error) {
	var b strings.Builder
	d := n.obj.Decl()
	fmt.Fprintf(&b, "%s %s\n", d.Syntax.Keyword, n.name)
	for _, c := range n.cols {
		fmt.Fprintf(&b, "  %s %s\n", c.Name, c.Type)
	}
	if s, ok := n.sink(); ok {
		b.WriteString(s.Explain(n.cols))
	}
	if e, ok := n.obj.(interface{ Explain() string }); ok {
		b.WriteString(e.Explain())
	}
	if _, ok := n.destination(); !ok {
		return b.String(), nil
	}
	for _, in := range n.inputs {
		rel := engine.Ident("new rows of " + in.of.name)
		fmt.Fprintf(&b, "1. SELECT  the new rows of %s%s\n%s\n", in.of.name, wholeText(n), indent(in.query(rel).String()))
		if n.rules != nil {
			if text := n.rules.Explain(engine.SQL("({q})", engine.Args{"q": in.query(rel)})); text != "" {
				fmt.Fprintf(&b, "2. RULES\n%s\n", indent(text))
			}
		}
	}
	if n.quality != nil {
		if text := n.quality.Explain(); text != "" {
			fmt.Fprintf(&b, "3. METRICS and CHECKS\n%s\n", indent(text))
		}
	}
	fmt.Fprintf(&b, "4. write, version, places, COMMIT: one transaction\n")
	if s, ok := n.obj.(speaker); ok {
		text, err := s.Statements(ctx, c, n.cols)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s\n", indent(text))
	}
	return b.String(), nil
}

// speaker is a destination that tells the statements of its write.
type speaker interface {
	Statements(ctx context.Context, c *engine.Conn, in []engine.Column) (string, error)
}

func wholeText(n *node) string {
	if len(n.whole) == 0 {
		return ""
	}
	var names []string
	for _, w := range n.whole {
		names = append(names, w.name)
	}
	return "; read whole: " + strings.Join(names, ", ")
}

func indent(s string) string {
	return "     " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n     ")
}

// Explain is EXPLAIN for the command line: of one declaration, or (name "") of all in the script.
func Explain(ctx context.Context, o Options, name string) (string, error) {
	stmts, err := parse(ctx, o.Scripts)
	if err != nil {
		return "", err
	}
	db, err := engine.Open(ctx, existing(o.DB), engine.Options{SearchPath: o.Dir})
	if err != nil {
		return "", err
	}
	defer db.Close()
	p, err := rehearse(ctx, db.Writer(), o, stmts, opened{fresh: existing(o.DB) == ""})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, n := range p.nodes {
		if name == "" && n.stmt >= 0 || sql.Same(n.name, name) {
			text, err := p.explain(ctx, db.Writer(), n)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
		}
	}
	if b.Len() == 0 && name != "" {
		var names []string
		for _, n := range p.nodes {
			names = append(names, n.name)
		}
		e := &sql.Error{Code: "unknown-name", Msg: "nothing named " + name + " is declared"}
		if near := sql.Nearest(name, names); near != "" {
			e.Hint = "did you mean " + near + "?"
		}
		return "", e
	}
	return b.String(), nil
}
