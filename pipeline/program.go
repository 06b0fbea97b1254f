package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dsql/engine"
	"dsql/quality"
	"dsql/rules"
	"dsql/sql"
)

// program is a script joined with what the file already declares.
type program struct {
	stmts   []sql.Stmt
	env     *engine.Env
	nodes   []*node          // in order of declaration: those of the file first, then the script's
	plan    []Change         // what the check found that a run would do
	there   map[sql.Key]bool // tables and views that were in the file at the start
	fresh   bool             // there was no file at the start
	claimed *claims          // names that the user may have something of, once they were asked for
	doubts  []*sql.Error     // what the check found that is right and may not be meant
	skip    map[int]bool     // statements whose shape can't be made in a scratch transaction
}

// node is one declaration and what is known of it.
type node struct {
	kind, name  string // kind in lower case: "stream"; the name as it was first declared, which is what the system tables have
	obj         engine.Object
	stmt        int // index of its statement in the script; -1 when it stands in the file only
	fingerprint string
	stored      *storedDecl // what the file has, nil for a new one

	cols    []engine.Column // source: its columns; destination: the ones it stores
	inputs  []*input
	whole   []*node          // destinations that its query reads whole
	beside  []*node          // what the rest of its text reads or calls
	around  map[*node]bool   // those of beside that read it too
	others  map[sql.Key]bool // the user's own tables, views and macros that it reads
	bound   bool
	lost    bool        // what it stores was
	missing string      // what of it was dropped by something else
	stale   string      // what has changed though the text hasn't: a model's file
	carries []respelled // sources that it read under another name

	rules   *rules.Program
	quality *quality.Program
}

// input is one relation whose new rows a destination takes.
type input struct {
	of    *node
	body  *body // nil: FROM name
	plain bool  // the query gives the same rows however often it runs
	meta  bool  // it hands _meta on
	dated bool  // it hands _version on, which a journal's changes have
}

// query is the destination's query over rel, a FROM-item of the new rows.
func (in *input) query(rel *engine.Query) *engine.Query {
	if in.body == nil {
		return engine.SQL("SELECT * FROM {rel}", engine.Args{"rel": rel})
	}
	return in.body.query(rel)
}

type storedDecl struct {
	Kind, Name, Body, Fingerprint string
	Pinned                        []engine.Column
	Born                          int64         // the newest version when it was declared; a run knows it
	obj                           engine.Object // compiled from Body
}

// born: versions after this one are the declaration's own. What stands under its name in older ones is of another, which was dropped.
func (n *node) born() int64 {
	if n.stored == nil {
		return 0
	}
	return n.stored.Born
}

func (n *node) source() (engine.Source, bool) { s, ok := n.obj.(engine.Source); return s, ok }
func (n *node) destination() (engine.Destination, bool) {
	d, ok := n.obj.(engine.Destination)
	return d, ok
}

// text is the declaration's, without its secrets.
func (n *node) text() string {
	if o, ok := n.obj.(interface{ Stored() string }); ok {
		return o.Stored()
	}
	return n.obj.Decl().Spelt()
}

func (n *node) relation() bool {
	_, s := n.source()
	_, d := n.destination()
	return s || d
}

// tell lets declarations find each other.
func (p *program) tell(env *engine.Env) {
	env.Declared = func(kind, name string) engine.Object {
		if n := p.find(kind, name); n != nil {
			return n.obj
		}
		return nil
	}
	env.Names = func(kind string) (names []string) {
		for _, n := range p.nodes {
			if n.kind == kind {
				names = append(names, n.name)
			}
		}
		return names
	}
}

// find is the node of a kind; relation that of a source or destination: these share one name space.
func (p *program) find(kind, name string) *node {
	for _, n := range p.nodes {
		if n.kind == kind && sql.Same(n.name, name) {
			return n
		}
	}
	return nil
}

func (p *program) relation(name string) *node {
	for _, n := range p.nodes {
		if n.relation() && sql.Same(n.name, name) {
			return n
		}
	}
	return nil
}

// parse reads scripts into one list of statements. Where something is wrong, DuckDB's grammar is asked about its own statements and about
// the expressions in rules and checks too, so that all errors are told at once.
func parse(ctx context.Context, scripts []*sql.Source) ([]sql.Stmt, error) {
	var stmts []sql.Stmt
	var errs sql.List
	for _, src := range scripts {
		s, err := sql.Parse(src, syntaxes)
		errs = collect(errs, err)
		stmts = append(stmts, s...)
	}
	if len(errs) == 0 {
		return stmts, nil
	}
	db, err := engine.Open(ctx, "", engine.Options{})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	for _, st := range stmts {
		if st.Broken || imports(st) {
			continue
		}
		if st.Decl == nil {
			errs = collect(errs, db.Writer().Parse(st.Src, st.Span))
			continue
		}
		for _, list := range []string{"RULES", "METRICS", "CHECKS", "#0"} {
			for _, item := range itemsOf(st.Decl, list) {
				errs = collect(errs, parseItem(db.Writer(), item))
			}
		}
	}
	return stmts, errs.Err()
}

func itemsOf(d *sql.Decl, list string) []*sql.Decl {
	if v := d.Arg(list); v != nil {
		return v.Items
	}
	return nil
}

// parseItem asks DuckDB's grammar about the expression of a rule, a metric or a check.
func parseItem(c *engine.Conn, item *sql.Decl) error {
	for _, key := range []string{"EXPECT", "="} {
		if v := item.Arg(key); v != nil && !v.Expr && len(v.Exprs) > 0 {
			return c.ParseExpr(item.Src, v.Exprs[0])
		}
	}
	return nil
}

// collect adds the script errors inside err to the list; another error goes in as one without a place.
func collect(l sql.List, err error) sql.List {
	var list sql.List
	var one *sql.Error
	switch {
	case err == nil:
	case errors.As(err, &list):
		l = append(l, list...)
	case errors.As(err, &one):
		l = append(l, one)
	default:
		l = append(l, &sql.Error{Code: "failed", Msg: err.Error(), Exit: sql.ExitFailed, Err: err})
	}
	return l
}

// load compiles the script's declarations and those that the file has beside them, and finds who reads whom.
func load(ctx context.Context, c *engine.Conn, stmts []sql.Stmt, env *engine.Env, was opened) (*program, error) {
	p := &program{stmts: stmts, env: env, fresh: was.fresh}
	p.tell(env)
	stored, err := storedDeclarations(ctx, c)
	if err != nil {
		return nil, err
	}
	for i := range stored {
		n, err := compileStored(&stored[i])
		if err != nil {
			return nil, err
		}
		p.nodes = append(p.nodes, n)
	}
	var errs sql.List
	for i, st := range stmts {
		if st.Decl == nil || st.Decl.Syntax.Verb != "" {
			continue
		}
		errs = collect(errs, p.declare(i, st.Decl))
	}
	if err := errs.Err(); err != nil {
		return p, err
	}
	p.handOver()
	p.reshape()
	if err := p.apart(); err != nil {
		return p, err
	}
	return p, p.resolve(ctx, c)
}

// fingerprintOf tells one declaration from another of the same name. OR REPLACE and IF NOT EXISTS say nothing: each declaration is both.
func fingerprintOf(text string) string {
	f := sql.Fingerprint(text)
	if rest, ok := strings.CutPrefix(f, "create or replace "); ok {
		f = "create " + rest
	}
	if w := strings.SplitN(f, " ", 6); len(w) == 6 && slices.Equal(w[2:5], []string{"if", "not", "exists"}) {
		f = w[0] + " " + w[1] + " " + w[5]
	}
	return f
}

// handOver gives DuckDB the DROP FUNCTION of a macro that it knows and dsql doesn't.
func (p *program) handOver() {
	for i, st := range p.stmts {
		if st.Decl != nil && st.Decl.Syntax.Verb == "DROP" && st.Decl.Syntax.Keyword == "FUNCTION" && p.find("function", st.Decl.Name) == nil {
			p.stmts[i].Decl = nil
		}
	}
}

// reshape tells destinations that the script fills them again from their inputs, once it has declared them.
func (p *program) reshape() {
	for i, st := range p.stmts {
		if st.Decl == nil || st.Decl.Syntax.Verb != "REBUILD" || st.Decl.Arg("FROM SOURCE") == nil {
			continue
		}
		if n := p.find(strings.ToLower(st.Decl.Syntax.Keyword), st.Decl.Name); n != nil && n.stmt >= 0 && n.stmt < i {
			if o, ok := n.obj.(interface{ Reshape() }); ok {
				o.Reshape()
			}
		}
	}
}

// declare compiles a statement of the script. It takes the place of what the file has under its name, and has its spelling.
func (p *program) declare(i int, d *sql.Decl) error {
	k, _ := kindOf(d.Syntax)
	if old := p.find(strings.ToLower(k.Syntax.Keyword), d.Name); old != nil {
		d.Respell(old.obj.Decl())
	}
	obj, err := k.Compile(d)
	if err != nil {
		return err
	}
	n := &node{kind: strings.ToLower(k.Syntax.Keyword), name: d.Name, obj: obj, stmt: i, fingerprint: fingerprintOf(d.Text())}
	for j, old := range p.nodes {
		if !sql.Same(old.name, n.name) || old.kind != n.kind && !(old.exclusive() && n.exclusive()) {
			continue
		}
		if old.kind != n.kind {
			e := &sql.Error{Src: d.Src, Span: d.NameAt, Code: "name-taken", Msg: fmt.Sprintf("%s is a %s already", d.Name, old.kind), Hint: fmt.Sprintf("choose another name, or first run: DROP %s %s", strings.ToUpper(old.kind), d.Name)}
			if old.stmt >= 0 {
				e.Note = []sql.Note{{Src: old.obj.Decl().Src, Span: old.obj.Decl().NameAt, Msg: "declared here"}}
			}
			return e
		}
		if old.stmt >= 0 {
			if old.fingerprint == n.fingerprint {
				return nil
			}
			return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "declared-twice", Msg: fmt.Sprintf("%s %s is declared twice, and not alike", d.Syntax.Keyword, d.Name), Hint: "keep one of the two", Note: []sql.Note{{Src: old.obj.Decl().Src, Span: old.obj.Decl().NameAt, Msg: "first declared here"}}}
		}
		n.stored = old.stored
		p.nodes = append(slices.Delete(p.nodes, j, j+1), n)
		return nil
	}
	p.nodes = append(p.nodes, n)
	return n.nameable()
}

func storedDeclarations(ctx context.Context, c *engine.Conn) ([]storedDecl, error) {
	return engine.Select(ctx, c, engine.SQL("SELECT kind, name, body, fingerprint, coalesce(pinned, '[]') FROM dsql.declarations ORDER BY rowid"),
		func(row func(...any) error) (d storedDecl, err error) {
			var pinned string
			if err := row(&d.Kind, &d.Name, &d.Body, &d.Fingerprint, &pinned); err != nil {
				return d, err
			}
			d.Fingerprint = fingerprintOf(d.Fingerprint) // an older dsql kept the case of quoted names, and OR REPLACE
			return d, json.Unmarshal([]byte(pinned), &d.Pinned)
		})
}

// compileStored reads a declaration back from the file.
func compileStored(s *storedDecl) (*node, error) {
	src := sql.NewSource("("+s.Kind+" "+s.Name+" in the file)", s.Body)
	stmts, err := sql.Parse(src, syntaxes)
	if err == nil && (len(stmts) != 1 || stmts[0].Decl == nil) {
		err = fmt.Errorf("%s: not a declaration", src.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("the file's declaration of %s %s can't be read: %w", s.Kind, s.Name, err)
	}
	d := stmts[0].Decl
	k, _ := kindOf(d.Syntax)
	d.Name = s.Name // what an older dsql kept may be spelt otherwise
	obj, err := k.Compile(d)
	if err != nil {
		return nil, err
	}
	if o, ok := obj.(interface{ Keep() }); ok { // what it was made of is in the file too
		o.Keep()
	}
	s.obj = obj
	return &node{kind: s.Kind, name: s.Name, obj: obj, stmt: -1, fingerprint: s.Fingerprint, stored: s}, nil
}

// resolve finds what each destination reads, and refuses unknown names and cycles.
func (p *program) resolve(ctx context.Context, c *engine.Conn) error {
	scope, err := p.scope(ctx, c)
	if err != nil {
		return err
	}
	var errs sql.List
	for _, n := range p.nodes {
		if s, ok := n.sink(); ok {
			errs = collect(errs, p.resolveSink(n, s))
		} else if d, ok := n.destination(); ok {
			errs = collect(errs, scope.resolve(ctx, n, d))
		}
	}
	if err := errs.Err(); err != nil {
		return err
	}
	p.rings()
	return p.cycle()
}

// unknown is the error for a name that no declaration has.
func (p *program) unknown(d *sql.Decl, name sql.Name) *sql.Error {
	var names []string
	for _, n := range p.nodes {
		if n.relation() && n.obj.Decl() != d {
			names = append(names, n.name)
		}
	}
	e := &sql.Error{Src: d.Src, Span: name.Span, Code: "unknown-relation", Msg: fmt.Sprintf("there is no source, stream or journal %s, and %s %s takes new rows of one", name.Text, d.Syntax.Keyword, d.Name)}
	if near := sql.Nearest(name.Text, names); near != "" {
		e.Hint = "did you mean " + near + "?"
	} else if len(names) > 0 {
		e.Hint = "declared are: " + strings.Join(names, ", ")
	} else {
		e.Hint = "declare it first: CREATE SOURCE " + name.Text + " (…) FROM FILES (…)"
	}
	return e
}
