package program

import (
	"context"
	"fmt"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// Places of files and topics hang on the source's name. A destination that read a source which has another name now, and is otherwise the
// same, goes on where it was: its places go over to the new name.

// respelled is a source that a destination read under another name.
type respelled struct{ was, now *Node }

// Carried finds the sources of a destination that have another name now.
func (p *Program) Carried(ctx context.Context, c *duck.Conn, n *Node) (out []respelled, err error) {
	if _, ok := n.Destination(); !ok || n.Stored == nil || n.Stored.Fingerprint == n.Fingerprint {
		return nil, nil
	}
	known, err := duck.Select(ctx, c,
		duck.SQL("SELECT source FROM dsql.offsets WHERE destination = {d} UNION SELECT source FROM dsql.files WHERE destination = {d}",
			duck.Args{"d": n.Name}),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err != nil || len(known) == 0 {
		return nil, err
	}
	for _, name := range known {
		was := p.SourceOf(name)
		if was == nil || slices.ContainsFunc(n.Inputs, func(in *Input) bool { return in.Of == was }) {
			continue
		}
		for _, in := range n.Inputs {
			s, ok := in.Of.Obj.(kind.Continuer)
			if ok && !slices.Contains(known, in.Of.Name) && s.Continues(was.Obj) &&
				!slices.ContainsFunc(out, func(r respelled) bool { return r.now == in.Of }) {
				out = append(out, respelled{was, in.Of})
				break
			}
		}
	}
	return out, nil
}

// Carry moves the places.
func (p *Program) Carry(ctx context.Context, tx *duck.Tx, n *Node) error {
	for _, r := range n.Carries {
		a := duck.Args{"was": r.was.Name, "now": r.now.Name, "d": n.Name}
		if err := tx.Run(ctx, duck.SQL("UPDATE dsql.offsets SET source = {now} WHERE source = {was} AND destination = {d}", a),
			duck.SQL("UPDATE dsql.files SET source = {now} WHERE source = {was} AND destination = {d}", a)); err != nil {
			return err
		}
	}
	return nil
}

func (r respelled) String() string {
	return fmt.Sprintf("goes on in %s where it was in %s: both read the same", r.now.Name, r.was.Name)
}
