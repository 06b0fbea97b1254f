package program

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// A sink among the declarations: what it reads, and the columns that it gets.

func (n *Node) Sink() (kind.Sink, bool) { s, ok := n.Obj.(kind.Sink); return s, ok }

// Exclusive: dsql.places knows what reads and what is read by their names alone, so all share one name space.
func (n *Node) Exclusive() bool {
	_, sink := n.Sink()
	_, watcher := n.Watcher()
	return sink || watcher || n.Relation()
}

// resolveReader finds the destination that a sink or watcher reads.
func (p *Program) resolveReader(n *Node, name sql.Name) error {
	d := n.Obj.Decl()
	of := p.Relation(name.Text)
	if of != nil {
		if _, ok := of.Destination(); ok {
			n.Inputs = append(n.Inputs, &Input{Of: of, Plain: true})
			return nil
		}
		return d.At(name.Span).Errorf(code.SinkSource, "%s is a source: it stores nothing, and a %s reads what is stored", name.Text, n.Kind).
			WithHint(fmt.Sprintf("store it first: CREATE STREAM … FROM %s, and read that", name.Text))
	}
	var names []string
	for _, m := range p.Nodes {
		if _, ok := m.Destination(); ok {
			names = append(names, m.Name)
		}
	}
	e := d.At(name.Span).Errorf(code.UnknownRelation, "there is no stream or journal %s, and %s %s reads the new rows of one", name.Text,
		d.Syntax.Keyword, d.Name).
		WithHint("declare it first: CREATE STREAM " + name.Text + " FROM …")
	if near := sql.Nearest(name.Text, names); near != "" {
		e.Hint = "did you mean " + near + "?"
	} else if len(names) > 0 {
		e.Hint = "declared are: " + strings.Join(names, ", ")
	}
	return e
}

// bindSink finds the columns that a sink gets.
func (p *Program) bindSink(ctx context.Context, tx *duck.Tx, n *Node, s kind.Sink) error {
	of := n.Inputs[0].Of
	if !of.Bound { // its own errors are told
		return nil
	}
	d, _ := of.Destination()
	n.Cols = d.NewColumns(of.Cols)
	var keys []string
	if k, ok := d.(kind.Keyed); ok {
		keys = k.KeyNames()
	}
	err := s.Bind(ctx, tx.Conn, p.Env, n.Cols, keys)
	n.Bound = err == nil
	return err
}
