// Package program makes of a script and a file the program that is to be run: the list of kinds (kinds.go), the graph of what reads what,
// every declaration bound and checked in a rehearsal, and what would change. It writes nothing but declarations.
package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/quality"
	"dsql/rules"
	"dsql/sql"
	"dsql/sql/code"
)

// Program is a script joined with what the file already declares.
type Program struct {
	Language *Language
	Stmts    []sql.Stmt
	Env      *kind.Env
	Nodes    []*Node          // in order of declaration: those of the file first, then the script's
	plan     []event.Change   // what the check found that a run would do
	there    map[sql.Key]bool // tables and views that were in the file at the start
	fresh    bool             // there was no file at the start
	words    map[string]int   // those of the script, once they were counted
	claimed  *claims          // names that the user may have something of, once they were asked for
	doubts   []*sql.Error     // what the check found that is right and may not be meant
	scripted []kind.Object    // of the script alone
	skip     map[int]bool     // statements whose shape can't be made in a scratch transaction
}

// Node is one declaration and what is known of it.
type Node struct {
	Kind, Name  string // kind in lower case: "stream"; the name as it was first declared, which is what the system tables have
	Obj         kind.Object
	Stmt        int // index of its statement in the script; -1 when it stands in the file only
	Fingerprint string
	Stored      *StoredDecl // what the file has, nil for a new one

	Cols    []duck.Column // source: its columns; destination: the ones it stores
	Inputs  []*Input
	whole   []*Node          // destinations that its query reads whole
	beside  []*Node          // what the rest of its text reads or calls
	around  map[*Node]bool   // those of beside that read it too
	Others  map[sql.Key]bool // the user's own tables, views and macros that it reads
	Bound   bool
	lost    bool        // what it stores was
	missing string      // what of it was dropped by something else
	stale   string      // what has changed though the text hasn't: a model's file
	Carries []respelled // sources that it read under another name

	Rules   *rules.Program
	Quality *quality.Program
}

// Input is one relation whose new rows a destination takes.
type Input struct {
	Of    *Node
	body  *body         // nil: FROM name
	Plain bool          // the query gives the same rows however often it runs
	Meta  bool          // it hands _meta on
	Dated bool          // it hands _version on, which a journal's changes have
	total kind.Total    // what takes all of the relation's rows, and not the new ones
	state []duck.Column // of these
	join  *Join         // what its rows are joined by with those of another input
	past  *past         // what its query sees beside the new rows
	calls []call
	tried bool
}

// Query is the destination's query over rel, a FROM-item of the new rows.
func (in *Input) Query(rel *duck.Query) *duck.Query {
	if in.total != nil {
		return in.total.Query(rel)
	}
	if in.body == nil {
		return duck.SQL("SELECT * FROM {rel}", duck.Args{"rel": rel})
	}
	return in.body.query(rel)
}

type StoredDecl struct {
	Kind, Name, Body, Fingerprint string
	Pinned                        []duck.Column
	Born                          int64       // the newest version when it was declared; a run knows it
	Obj                           kind.Object // compiled from Body
}

// Born: versions after this one are the declaration's own. What stands under its name in older ones is of another, which was dropped.
func (n *Node) Born() int64 {
	if n.Stored == nil {
		return 0
	}
	return n.Stored.Born
}

func (n *Node) Source() (kind.Source, bool) { s, ok := n.Obj.(kind.Source); return s, ok }
func (n *Node) Destination() (kind.Destination, bool) {
	d, ok := n.Obj.(kind.Destination)
	return d, ok
}

// Text is the declaration's, without its secrets.
func (n *Node) Text() string {
	if o, ok := n.Obj.(kind.Redacted); ok {
		return o.Stored()
	}
	return n.Obj.Decl().Spelt()
}

// tell lets declarations find each other.
func (p *Program) tell(env *kind.Env) {
	env.Declared = func(kind, name string) kind.Object {
		if n := p.Find(kind, name); n != nil {
			return n.Obj
		}
		return nil
	}
	env.Names = func(kind string) (names []string) {
		for _, n := range p.Nodes {
			if n.Kind == kind {
				names = append(names, n.Name)
			}
		}
		return names
	}
}

func (p *Program) Relation(name string) *Node {
	for _, n := range p.Nodes {
		if n.Relation() && sql.Same(n.Name, name) {
			return n
		}
	}
	return nil
}

// Collect adds the script errors inside err to the list; another error goes in as one without a place.
func Collect(l sql.List, err error) sql.List {
	var list sql.List
	var one *sql.Error
	switch {
	case err == nil:
	case errors.As(err, &list):
		l = append(l, list...)
	case errors.As(err, &one):
		l = append(l, one)
	default:
		l = append(l, sql.Errorf(code.Failed, "%s", err).WithCause(err))
	}
	return l
}

// Load compiles the script's declarations and those that the file has beside them, and finds who reads whom.
func (l *Language) Load(ctx context.Context, c *duck.Conn, stmts []sql.Stmt, env *kind.Env, was Opened) (*Program, error) {
	p := &Program{Language: l, Stmts: slices.Clone(stmts), Env: env, fresh: was.Fresh}
	p.tell(env)
	if err := p.storedShare(ctx, c); err != nil {
		return nil, err
	}
	stored, err := storedDeclarations(ctx, c)
	if err != nil {
		return nil, err
	}
	for i := range stored {
		n, err := l.compileStored(&stored[i])
		if err != nil {
			return nil, err
		}
		p.Nodes = append(p.Nodes, n)
	}
	var errs sql.List
	for i, st := range stmts {
		if st.Decl == nil || p.Language.Verb(st.Decl) != nil {
			continue
		}
		if k, _ := p.Language.Kind(st.Decl); k.Scripted {
			errs = Collect(errs, p.keep(k, st.Decl))
			continue
		}
		errs = Collect(errs, p.declare(i, st.Decl))
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

// FingerprintOf tells one declaration from another of the same name. OR REPLACE and IF NOT EXISTS say nothing: each declaration is both.
func FingerprintOf(text string) string {
	f := sql.Fingerprint(text)
	if rest, ok := strings.CutPrefix(f, "create or replace "); ok {
		f = "create " + rest
	}
	if w := strings.SplitN(f, " ", 6); len(w) == 6 && slices.Equal(w[2:5], []string{"if", "not", "exists"}) {
		f = w[0] + " " + w[1] + " " + w[5]
	}
	return f
}

// handOver gives DuckDB the DROP of what it knows and dsql doesn't, where the two share a word: FUNCTION.
func (p *Program) handOver() {
	for i, st := range p.Stmts {
		if st.Decl == nil || p.effect(st.Decl) != Drops {
			continue
		}
		k, ok := p.Language.Kind(st.Decl)
		if ok && k.Syntax.OnlyWith != "" && p.Find(strings.ToLower(k.Syntax.Keyword), st.Decl.Name) == nil {
			p.Stmts[i].Decl = nil
		}
	}
}

// reshape tells destinations that the script fills them again from their inputs, once it has declared them.
func (p *Program) reshape() {
	for i, st := range p.Stmts {
		if st.Decl == nil || p.effect(st.Decl) != Refills {
			continue
		}
		if n := p.Find(strings.ToLower(st.Decl.Syntax.Keyword), st.Decl.Name); n != nil && n.Stmt >= 0 && n.Stmt < i {
			if o, ok := n.Obj.(kind.Reshaper); ok {
				n.Obj = o.Reshaped()
			}
		}
	}
}

// declare compiles a statement of the script. It takes the place of what the file has under its name, and has its spelling.
func (p *Program) declare(i int, d *sql.Decl) error {
	k, _ := p.Language.Kind(d)
	if old := p.Find(strings.ToLower(k.Syntax.Keyword), d.Name); old != nil {
		d = d.Respelt(old.Obj.Decl())
	}
	obj, err := k.Compile(d)
	if err != nil {
		return err
	}
	n := &Node{Kind: strings.ToLower(k.Syntax.Keyword), Name: d.Name, Obj: obj, Stmt: i, Fingerprint: FingerprintOf(d.Text())}
	for j, old := range p.Nodes {
		if !sql.Same(old.Name, n.Name) || old.Kind != n.Kind && !(old.Exclusive() && n.Exclusive()) {
			continue
		}
		if old.Kind != n.Kind {
			e := d.Errorf(code.NameTaken, "%s is a %s already", d.Name, old.Kind).
				WithHint(fmt.Sprintf("choose another name, or first run: DROP %s %s", strings.ToUpper(old.Kind), d.Name))
			if old.Stmt >= 0 {
				e.WithNote(old.Obj.Decl().Place(), "declared here")
			}
			return e
		}
		if old.Stmt >= 0 {
			if old.Fingerprint == n.Fingerprint {
				return nil
			}
			return d.Errorf(code.DeclaredTwice, "%s %s is declared twice, and not alike", d.Syntax.Keyword, d.Name).
				WithHint("keep one of the two").WithNote(old.Obj.Decl().Place(), "first declared here")
		}
		n.Stored = old.Stored
		p.Nodes = append(slices.Delete(p.Nodes, j, j+1), n)
		return nil
	}
	p.Nodes = append(p.Nodes, n)
	return n.nameable()
}

// resolve finds what each destination reads, and refuses unknown names and cycles.
func (p *Program) resolve(ctx context.Context, c *duck.Conn) error {
	scope, err := p.scope(ctx, c)
	if err != nil {
		return err
	}
	var errs sql.List
	for _, n := range p.Nodes {
		if s, ok := n.Sink(); ok {
			errs = Collect(errs, p.resolveReader(n, s.Input()))
		} else if w, ok := n.Watcher(); ok {
			errs = Collect(errs, p.resolveReader(n, w.Input()))
			errs = Collect(errs, scope.beside(ctx, n, w.Decl(), nil))
		} else if d, ok := n.Destination(); ok {
			errs = Collect(errs, scope.resolve(ctx, n, d))
		} else if _, ok := n.Obj.(kind.Reading); ok {
			errs = Collect(errs, scope.beside(ctx, n, n.Obj.Decl(), nil))
		}
		if o, ok := n.Obj.(kind.Caller); ok {
			for _, name := range o.Calls() {
				if m := scope.of(name); m != nil && m.callable() && !slices.Contains(n.beside, m) {
					n.beside = append(n.beside, m)
				}
			}
		}
		if o, ok := n.Obj.(kind.Referrer); ok {
			for _, name := range o.Refers() {
				if m := p.exclusive(name); m != nil {
					n.beside = append(n.beside, m)
				}
			}
		}
	}
	if err := errs.Err(); err != nil {
		return err
	}
	p.rings()
	return p.cycle()
}

// exclusive is the node of the name space that all share that have places.
func (p *Program) exclusive(name string) *Node {
	for _, n := range p.Nodes {
		if n.Exclusive() && sql.Same(n.Name, name) {
			return n
		}
	}
	return nil
}

// unknown is the error for a name that no declaration has.
func (p *Program) unknown(d *sql.Decl, name sql.Name) *sql.Error {
	if next := sql.Tokens(d.Src, sql.Span{Start: name.Span.End, End: d.Span.End}); sql.Same(name.Text, "STREAM") && len(next) > 0 {
		if t := next[0]; IsName(t) && !duck.Reserved(t.Span.Of(d.Src)) { // the mark of what isn't known
			name = sql.Name{Text: sql.NameOf(t.Span.Of(d.Src)), Span: t.Span}
		}
	}
	var names []string
	for _, n := range p.Nodes {
		if n.Relation() && n.Obj.Decl() != d {
			names = append(names, n.Name)
		}
	}
	return d.At(name.Span).Errorf(code.UnknownRelation, "there is no source, stream or journal %s, and %s %s takes new rows of one",
		name.Text, d.Syntax.Keyword, d.Name).WithHint(sql.DidYouMean(name.Text, names,
		sql.Listed("declared are: ", names, "declare it first: CREATE SOURCE "+name.Text+" (…) FROM FILES (…)")))
}
