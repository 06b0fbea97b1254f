package program

import (
	"context"
	"slices"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/journal"
	"dsql/sql"
	"dsql/sql/code"
)

// Several files may have a program's rows among them, each written by a run of its own: see kind.Share. A source is divided by its files or
// partitions; one that feeds a journal is read whole by all, and each takes the rows of its own keys, by their bucket. What would come out
// otherwise for that is refused.

// storedShare finds which share the file is.
func (p *Program) storedShare(ctx context.Context, c *duck.Conn) error {
	number, of, err := catalog.Share(ctx, c)
	if p.Env.Share = nil; err == nil && of > 0 {
		p.Env.Share = &kind.Share{Number: number, Of: of, Whole: p.whole}
	}
	return err
}

// takeShare makes a file that has nothing yet a share, and finds where another was meant.
func (p *Program) takeShare(ctx context.Context, c *duck.Conn, said *kind.Share, db string) error {
	have := p.Env.Share
	switch {
	case said == nil, have != nil && have.Same(said):
		return nil
	case have != nil:
		return sql.Errorf(code.WrongShare, "%s is share %d of %d, and not %d of %d", db, have.Number, have.Of, said.Number, said.Of).
			WithHint("their number stays as it is: `dsql merge` makes one file of them, or begin with new ones")
	}
	n, err := c.Int(ctx, duck.SQL("SELECT (SELECT count(*) FROM dsql.versions) + (SELECT count(*) FROM dsql.declarations)"))
	if err != nil {
		return err
	}
	if n > 0 {
		return sql.Errorf(code.WrongShare, "%s has all of its sources, and not share %d of %d", db, said.Number, said.Of).
			WithHint("begin with a new file: --db FILE")
	}
	p.Env.Share = &kind.Share{Number: said.Number, Of: said.Of, Whole: p.whole}
	return nil
}

// whole: a source feeds a journal, so that each share reads all of it.
func (p *Program) whole(source string) bool {
	of := p.SourceOf(source)
	return of != nil && slices.ContainsFunc(p.Nodes, func(n *Node) bool { return n.Keyed() && n.takes(of) })
}

func (n *Node) takes(of *Node) bool {
	return slices.ContainsFunc(n.Inputs, func(in *Input) bool { return in.Of == of })
}

// Own are the rows of rel, which a journal's query gives, that are the share's.
func (n *Node) Own(s *kind.Share, rel *duck.Query) *duck.Query {
	bucket, _, _ := journal.Bucket(n.keyColumns(), s.Of)
	return duck.SQL("(SELECT * FROM {rel} WHERE {bucket} = {n})", duck.Args{"rel": rel, "bucket": bucket, "n": s.Number - 1})
}

// keyColumns are a journal's keys with their types.
func (n *Node) keyColumns() (out []duck.Column) {
	for _, k := range n.Obj.(kind.Keyed).KeyNames() {
		if i := slices.IndexFunc(n.Cols, func(c duck.Column) bool { return sql.Same(c.Name, k) }); i >= 0 {
			out = append(out, n.Cols[i])
		}
	}
	return out
}

// shared finds what a share would do otherwise than one file that has all; told: in statements of the script, too, which is run for shares. What
// is not selected counts: the file declares it all the same.
func (p *Program) shared(ctx context.Context, c *duck.Conn, told bool) error {
	if p.Env.Share == nil {
		return nil
	}
	errs := Collect(nil, p.Spread(ctx, c, onMerged))
	for _, n := range p.Nodes {
		d := n.Obj.Decl()
		if _, watches := n.Obj.(kind.Watcher); watches {
			errs = append(errs, d.Errorf(code.NotSpread, "%s measures versions, and those of a share have some of the rows", n.Name).WithHint(onMerged))
		}
		if _, ok := n.Destination(); !ok {
			continue
		}
		errs = Collect(errs, n.readsWhole())
		if _, total := n.Total(); n.Keyed() && !total {
			errs = Collect(errs, p.sharedKeys(ctx, c, n))
			continue
		}
		for _, in := range n.Inputs {
			if _, source := in.Of.Source(); source && p.whole(in.Of.Name) {
				errs = append(errs, readAt(d, in.Of.Name).Errorf(code.NotSpread, "%s takes rows of %s as they come, and a journal takes those of its keys",
					n.Name, in.Of.Name).WithHint("declare the source twice: once for each of them"))
			}
		}
	}
	if told {
		errs = append(errs, p.sharedStatements()...)
	}
	return errs.Err()
}

const onMerged = "leave it out here, and declare it over the file that dsql merge makes"

// readsWhole refuses what reads other destinations beside its new rows, and what is judged of some rows of a batch.
func (n *Node) readsWhole() error {
	d := n.Obj.Decl()
	for _, of := range append(slices.Clone(n.whole), n.beside...) {
		if _, stores := of.Destination(); stores {
			return readAt(d, of.Name).Errorf(code.NotSpread, "%s reads %s, of which a share has some of the rows", n.Name, of.Name).
				WithHint("join with a table that the script makes of a file; or " + onMerged)
		}
	}
	dest, _ := n.Destination()
	if checks := dest.Chain().Checks; len(checks) > 0 && n.ofKeys() {
		return checks[0].Errorf(code.NotSpread, "a check of %s is about a batch, and a share has the rows of some keys of it", n.Name).
			WithHint("check what the source gives in a stream over a source of its own; or " + onMerged)
	}
	if v := d.Arg("REJECT LIMIT"); v != nil && n.ofKeys() {
		return d.At(v.Span).Errorf(code.NotSpread, "REJECT LIMIT of %s is about a batch, and a share has the rows of some keys of it", n.Name).
			WithHint("give the source one, whose records all shares read")
	}
	return nil
}

// ofKeys: n's rows are those of some keys.
func (n *Node) ofKeys() bool {
	return n.Keyed() || slices.ContainsFunc(n.Inputs, func(in *Input) bool { return in.Of.ofKeys() })
}

// readAt is where a declaration names what it reads: its name where it isn't found.
func readAt(d *sql.Decl, name string) sql.Place {
	for _, t := range sql.Tokens(d.Src, d.Span) {
		if said := sql.NameOf(t.Span.Of(d.Src)); IsName(t) && t.Span.Start >= d.NameAt.End &&
			(sql.Same(said, name) || len(said) > len(name) && sql.Same(said[:len(name)+1], name+"_")) {
			return d.At(t.Span)
		}
	}
	return d.At(d.NameAt)
}

// sharedKeys refuses a journal whose rows no share could tell to be its own.
func (p *Program) sharedKeys(ctx context.Context, c *duck.Conn, n *Node) error {
	d, keys := n.Obj.Decl(), n.keyColumns()
	if _, at, ok := journal.Bucket(keys, 1); !ok {
		return d.At(d.Arg("KEYS").Names[at].Span).Errorf(code.NotSpread, "a key of type %s has no text that goes for all values that equal it, "+
			"and so no bucket", keys[at].Type).WithHint("make one of it in the query of " + n.Name + ": a number, a text")
	}
	for i, k := range n.Obj.(kind.Keyed).KeyNames() {
		if slices.ContainsFunc(n.Rules.Sets(), func(set string) bool { return sql.Same(set, k) }) {
			return d.At(d.Arg("KEYS").Names[i].Span).Errorf(code.NotSpread, "a SET of %s changes %s, and whose row it is goes by that", n.Name, k).
				WithHint("compute the key in the query of " + n.Name)
		}
	}
	for _, in := range n.Inputs {
		_, source := in.Of.Source()
		if !source {
			return readAt(d, in.Of.Name).Errorf(code.NotSpread, "%s keeps keys of %s, of whose rows a share has some of any key", n.Name, in.Of.Name).
				WithHint("let it read the source itself")
		}
		if g, ok := in.Of.Obj.(kind.Grouped); ok && g.Grouped() {
			return in.Of.Obj.Decl().Errorf(code.NotSpread, "the group of %s gives each process some partitions, and %s needs all events of a key",
				in.Of.Name, n.Name).WithHint("leave the group out: each process reads all partitions then, and takes its own keys")
		}
		if post, ok := in.Of.Obj.(kind.Poster); ok && post.Posts() {
			return in.Of.Obj.Decl().Errorf(code.NotSpread, "each process reads all of %s for %s, and would send what is rejected of it to its reject_topic",
				in.Of.Name, n.Name).WithHint("leave reject_topic out: what is rejected is in each file")
		}
		known, err := c.Routines(ctx, in.Query(empty(in.Of)).String())
		if err != nil {
			return err
		}
		for name := range known {
			if known.Any(name, func(r duck.Routine) bool { return r.Stability == "CONSISTENT_WITHIN_QUERY" }) {
				return readAt(d, name).Errorf(code.NotSpread, "%s gives %s another value in each process", name, n.Name).
					WithHint("make the value of what the row has; _meta.timestamp is when its record was written")
			}
		}
	}
	return nil
}

// sharedStatements are DuckDB's of the script that every process would run: what they write outside, and what they make of some of the rows.
func (p *Program) sharedStatements() (errs sql.List) {
	for _, st := range p.Stmts {
		if st.Decl != nil || Shows(st) {
			continue
		}
		if what := LeavesFile(st); what != "" && what != "ATTACH" && what != "INSTALL" {
			errs = append(errs, st.At(st.Span).Errorf(code.NotSpread, "%s would be done by every process, each over the other's", what).
				WithHint("leave it out here, and do it over the file that dsql merge makes"))
			continue
		}
		for _, t := range sql.Tokens(st.Src, st.Span) {
			n := p.Relation(sql.NameOf(t.Span.Of(st.Src)))
			if n == nil || !IsName(t) {
				continue
			}
			if _, stores := n.Destination(); stores {
				errs = append(errs, st.At(t.Span).Errorf(code.NotSpread, "this reads %s, of which a share has some of the rows", n.Name).
					WithHint("leave it out here, and do it over the file that dsql merge makes"))
				break
			}
		}
	}
	return errs
}
