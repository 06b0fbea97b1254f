package program

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// What a declaration reads is all that its text names: relations in its query, in subqueries of rules, metrics, checks and baselines,
// by helpers (orphans, map_value), through the views and macros that destinations make (j_history, j_as_of) and through the user's own.
// DuckDB's parser says what a text names (refs.go); here names are followed to declarations.

// scope knows what a name leads to.
type scope struct {
	p      *Program
	conn   *duck.Conn
	made   map[sql.Key]*Node  // what declarations are called and what they make
	text   map[sql.Key]string // the user's views and macros: what they are made of
	listed bool               // text has all views, not the script's alone
	macros map[sql.Key]string // those of the file, once they were asked for
	leads  map[sql.Key]lead   // what views and macros lead to
}

func (p *Program) scope(ctx context.Context, c *duck.Conn) (*scope, error) {
	s := &scope{p: p, conn: c, made: map[sql.Key]*Node{}, text: map[sql.Key]string{}, leads: map[sql.Key]lead{}}
	for _, n := range p.Nodes {
		if m, ok := n.Obj.(kind.Maker); ok {
			for _, name := range m.Makes() {
				s.made[sql.KeyOf(name)] = n
			}
		}
		if v, ok := n.Obj.(kind.Versioned); ok {
			for _, name := range v.Versions() {
				s.made[sql.KeyOf(name)] = n
			}
		}
	}
	for _, n := range p.Nodes {
		if n.Relation() || n.callable() {
			s.made[sql.KeyOf(n.Name)] = n
		}
	}
	p.there = map[sql.Key]bool{}
	for _, n := range p.Nodes {
		if m, ok := n.Obj.(kind.Maker); ok && n.Stored != nil {
			for _, name := range []string{n.Name, m.Stores()} {
				e, err := c.Entry(ctx, name)
				if p.there[sql.KeyOf(name)] = e != duck.Nothing; err != nil {
					return nil, err
				}
			}
		}
	}
	all := !c.InTransaction() // where each name would be asked for by two statements
	for _, st := range p.Stmts {
		name, text := Created(st)
		if text != "" {
			s.text[sql.KeyOf(name)] = text
		}
		all = all || text != "" || leavesMain(st)
	}
	if all {
		return s, s.list(ctx)
	}
	return s, nil
}

// leavesMain: behind the statement names may lead elsewhere than they do.
func leavesMain(st sql.Stmt) bool {
	if st.Decl != nil {
		return false
	}
	switch Opening(st) {
	case "USE":
		return true
	case "SET", "RESET", "PRAGMA":
		text := strings.ToLower(st.Span.Of(st.Src))
		return strings.Contains(text, "search_path") || strings.Contains(text, "schema")
	}
	return false
}

// of is what declares a name, nil where none does: what makes it, or the model whose version it is.
func (s *scope) of(name string) *Node {
	if n := s.made[sql.KeyOf(name)]; n != nil {
		return n
	}
	if n := s.made[sql.KeyOf(modelOf(name))]; n != nil && n.called(name) {
		return n
	}
	return nil
}

// list reads the file's views. DuckDB makes all of its own for that, which takes longer than all else of a run without news.
func (s *scope) list(ctx context.Context) error {
	if s.listed || s.p.fresh {
		return nil
	}
	s.listed = true
	views, err := duck.Select(ctx, s.conn, duck.SQL("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal"), ScanPair)
	for _, v := range views {
		if key := sql.KeyOf(v[0]); s.text[key] == "" {
			s.text[key] = definition(v[1])
		}
	}
	return err
}

func (n *Node) outside(env *kind.Env) bool {
	o, ok := n.Obj.(kind.Outside)
	return ok && o.Outside(env)
}

// callable: SQL calls it by its name.
func (n *Node) callable() bool {
	_, ok := n.Obj.(kind.Callable)
	return ok
}

func ScanPair(row func(...any) error) (p [2]string, err error) { return p, row(&p[0], &p[1]) }

// resolve finds what a destination reads.
func (s *scope) resolve(ctx context.Context, n *Node, d kind.Destination) error {
	ch, decl := d.Chain(), d.Decl()
	var errs sql.List
	for _, name := range ch.From {
		if of := s.p.Relation(name.Text); of != nil {
			n.Inputs = append(n.Inputs, &Input{Of: of, Plain: true})
		} else {
			errs = append(errs, s.p.unknown(decl, name))
		}
	}
	if ch.Body != nil {
		errs = Collect(errs, s.query(ctx, n, decl, ch.Body.Exprs[0]))
	}
	n.alsoReads()
	return Collect(errs, s.beside(ctx, n, decl, ch.Body)).Err()
}

// beside finds what a declaration's text names, but for its body.
func (s *scope) beside(ctx context.Context, n *Node, decl *sql.Decl, body *sql.Value) error {
	var errs sql.List
	for _, text := range s.p.texts(decl, body, nil) {
		found, err := s.read(ctx, text)
		errs = Collect(errs, err)
		n.alongside(found)
	}
	for _, in := range n.Inputs {
		in.Plain = in.Plain && (in.body == nil || !n.callsOutside(s.p.Env))
	}
	return errs.Err()
}

// callsOutside: some of its text calls what costs more than to keep what it gives.
func (n *Node) callsOutside(env *kind.Env) bool {
	return slices.ContainsFunc(n.beside, func(m *Node) bool { return m.outside(env) })
}

// Query finds what a destination's query reads: the new rows of one relation, and others whole.
func (s *scope) query(ctx context.Context, n *Node, decl *sql.Decl, sp sql.Span) error {
	b, err := s.analyze(ctx, decl.Src, sp)
	if err != nil {
		return err
	}
	var errs sql.List
	if b.other >= 0 {
		errs = Collect(errs, s.join(n, decl, b))
	}
	for i, r := range b.reads {
		of := s.p.Relation(r.name)
		if b.other >= 0 && (i == b.fresh || i == b.other) {
			continue
		}
		if i == b.fresh {
			if of == nil {
				errs = append(errs, s.p.unknown(decl, sql.Name{Text: r.name, Span: r.at}))
				continue
			}
			n.Inputs = append(n.Inputs, &Input{Of: of, body: b, Plain: b.plain})
			continue
		}
		if of == nil || slices.Contains(n.whole, of) {
			continue
		}
		if _, src := of.Source(); src {
			errs = append(errs, decl.At(r.at).Errorf(code.SourceReadWhole,
				"%s is a source: only its new rows can be read, and this query reads those of %s", of.Name, b.reads[b.fresh].name).
				WithHint(fmt.Sprintf("put it first or write STREAM %s, or store it: CREATE STREAM … FROM %s", of.Name, of.Name)))
			continue
		}
		n.whole = append(n.whole, of)
	}
	if some, err := s.mentions(ctx, sp.Of(decl.Src)); !some || err != nil {
		return errors.Join(errs.Err(), err)
	}
	found, err := s.follow(ctx, slices.DeleteFunc(b.names, func(r ref) bool { return r.table && s.p.Relation(r.name) != nil }))
	for _, m := range found.nodes { // by views and macros
		if _, ok := m.Destination(); ok && !slices.Contains(n.whole, m) {
			n.whole = append(n.whole, m)
		}
	}
	n.alongside(found)
	return errors.Join(errs.Err(), err)
}

// alongside notes what a destination's text reads or calls beside what its query reads.
func (n *Node) alongside(found lead) {
	for name := range found.names {
		if n.Others == nil {
			n.Others = map[sql.Key]bool{}
		}
		n.Others[name] = true
	}
	for _, m := range found.nodes {
		if _, source := m.Source(); source || m == n || slices.Contains(n.whole, m) || slices.Contains(n.beside, m) {
			continue
		}
		n.beside = append(n.beside, m)
	}
}

// Texts are the expressions and queries of a declaration, beside the body, and those of the lists that it applies.
func (p *Program) texts(d *sql.Decl, body *sql.Value, seen []*sql.Decl) (out []string) {
	if slices.Contains(seen, d) {
		return nil
	}
	seen = append(seen, d)
	if d.Syntax.Keyword == "APPLY" {
		for _, kind := range []string{"rules", "checks"} {
			if list := p.Find(kind, d.Name); list != nil {
				out = append(out, p.texts(list.Obj.Decl(), nil, seen)...)
			}
		}
	}
	for _, keyword := range slices.Sorted(maps.Keys(d.Args)) {
		v := d.Args[keyword]
		if v == body {
			continue
		}
		for _, sp := range v.Exprs {
			out = append(out, sp.Of(d.Src))
		}
		for _, item := range v.Items {
			out = append(out, p.texts(item, nil, seen)...)
		}
	}
	return out
}

// read is what a text reads.
func (s *scope) read(ctx context.Context, text string) (lead, error) {
	if some, err := s.mentions(ctx, text); !some || err != nil {
		return lead{}, err
	}
	src := sql.NewSource("", text)
	if toks := sql.Tokens(src, sql.Span{End: len(text)}); len(toks) == 2 && sql.Same(toks[0].Span.Of(src), "EXPR") {
		return s.follow(ctx, tokenRefs(text))
	}
	refs, err := s.refs(ctx, text)
	if err != nil {
		return lead{}, err
	}
	return s.follow(ctx, refs)
}

// reading are words without which an expression reads no table.
var reading = map[string]bool{"from": true, "orphans": true, "map_value": true}

// mentions says whether some word of a text may lead to a table or declaration; only then it is parsed.
func (s *scope) mentions(ctx context.Context, text string) (some bool, err error) {
	src := sql.NewSource("", text)
	toks := sql.Tokens(src, sql.Span{End: len(text)})
	for i, t := range toks {
		word := t.Span.Of(src)
		switch t.Kind {
		case sql.String: // map_value(k, 'codes'), query_table('j'), EXPR 'f(x)'
			if inner, err := sql.Unquote(word); err == nil && inner != word {
				in, err := s.mentions(ctx, inner)
				if some = some || in; err != nil {
					return false, err
				}
			}
		case sql.Word, sql.Quoted:
			name := sql.NameOf(word)
			key := sql.KeyOf(name)
			if err := s.know(ctx, name, qualifiers(src, toks[:i])); err != nil {
				return false, err
			}
			if i+1 < len(toks) && toks[i+1].Span.Of(src) == "(" && !common[string(key)] && s.of(name) == nil {
				if err := s.ask(ctx); err != nil {
					return false, err
				}
			}
			some = some || reading[string(key)] || s.of(name) != nil || s.text[key] != "" || s.macros[key] != ""
		}
	}
	return some, nil
}

// know reads the file's views where a name is that of one, there or in a database that is attached.
func (s *scope) know(ctx context.Context, name string, before []string) error {
	if key := sql.KeyOf(name); s.listed || s.of(name) != nil || s.text[key] != "" {
		return nil
	}
	e, err := s.conn.Entry(ctx, name, before...)
	if err != nil || e != duck.AView {
		return err
	}
	return s.list(ctx)
}

// qualifiers are the names that stand before one, each with a dot.
func qualifiers(src *sql.Source, toks []sql.Token) (out []string) {
	for n := len(toks); n >= 2 && toks[n-1].Span.Of(src) == "." && IsName(toks[n-2]); n -= 2 {
		out = append([]string{sql.NameOf(toks[n-2].Span.Of(src))}, out...)
	}
	return out
}

// lead is what names lead to: declarations, and the user's own tables, views and macros on the way.
type lead struct {
	nodes []*Node
	names map[sql.Key]bool
}

func (l *lead) add(m lead) {
	for _, n := range m.nodes {
		if !slices.Contains(l.nodes, n) {
			l.nodes = append(l.nodes, n)
		}
	}
	if l.names == nil {
		l.names = map[sql.Key]bool{}
	}
	maps.Copy(l.names, m.names)
}

// follow finds what names lead to.
func (s *scope) follow(ctx context.Context, refs []ref) (out lead, err error) {
	for _, r := range refs {
		found, err := s.lead(ctx, r)
		if err != nil {
			return out, err
		}
		out.add(found)
	}
	return out, nil
}

func (s *scope) lead(ctx context.Context, r ref) (lead, error) {
	key := sql.KeyOf(r.name)
	if n := s.of(r.name); n != nil {
		if n.callable() && !r.call {
			return lead{}, nil
		}
		return lead{nodes: []*Node{n}}, nil
	}
	if found, ok := s.leads[key]; ok {
		return found, nil
	}
	text := s.text[key]
	if text == "" {
		text = s.macros[key]
	}
	own := lead{names: map[sql.Key]bool{key: true}}
	if text == "" {
		if !r.table {
			own = lead{} // a function of DuckDB's, mostly
		}
		return own, nil
	}
	s.leads[key] = own // a macro may name itself
	refs, err := s.refs(ctx, text)
	if err != nil {
		return own, err
	}
	found, err := s.follow(ctx, refs)
	own.add(found)
	s.leads[key] = own
	return own, err
}

// ask reads the file's macros: DuckDB lists all its functions for it, which takes some 15 ms.
func (s *scope) ask(ctx context.Context) error {
	if s.macros != nil || s.p.fresh { // what the script itself makes is in s.text
		return nil
	}
	made, err := duck.Select(ctx, s.conn, duck.SQL(`SELECT function_name, macro_definition FROM duckdb_functions()
		WHERE NOT internal AND macro_definition IS NOT NULL`), ScanPair)
	s.macros = map[sql.Key]string{}
	for _, m := range made {
		s.macros[sql.KeyOf(m[0])] += m[1] // one name may have several, by their arguments
	}
	return errors.Join(err, s.list(ctx)) // they may read views
}
