package program

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// What belongs to the script alone: parameters, tests.

// keep compiles such a statement.
func (p *Program) keep(k kind.Kind, d *sql.Decl) error {
	obj, err := k.Compile(d)
	if err != nil {
		return err
	}
	for _, o := range p.scripted {
		if other := o.Decl(); other.Syntax == d.Syntax && sql.Same(other.Name, d.Name) {
			return Twice(other, d)
		}
	}
	p.scripted = append(p.scripted, obj)
	return nil
}

// Twice is what is wrong with a second declaration of a name; nil where it is like the first.
func Twice(first, second *sql.Decl) error {
	if FingerprintOf(first.Text()) == FingerprintOf(second.Text()) {
		return nil
	}
	return second.Errorf(code.DeclaredTwice, "%s %s is declared twice, and not alike", second.Syntax.Keyword, second.Name).
		WithHint("keep one of the two").WithNote(first.Place(), "first declared here")
}

// ofScript are those of a kind.
func (p *Program) ofScript(k kind.Kind) (out []*sql.Decl) {
	for _, o := range p.scripted {
		if o.Decl().Syntax == k.Syntax {
			out = append(out, o.Decl())
		}
	}
	return out
}

// checkScripted finds what is wrong with them.
func (p *Program) checkScripted(ctx context.Context, c *duck.Conn) (errs sql.List) {
	for _, o := range p.scripted {
		if of, ok := o.(kind.Checked); ok {
			errs = Collect(errs, of.Check(ctx, c, p.Relations))
		}
	}
	return errs
}

// Relations: see kind.Relations.
func (p *Program) Relations(name string) (cols []duck.Column, is string, sources []string) {
	for _, n := range p.Nodes {
		if _, ok := n.Source(); ok {
			sources = append(sources, n.Name)
		}
	}
	if n := p.Relation(name); n != nil {
		return n.Cols, n.Kind, sources
	}
	return nil, "", sources
}
