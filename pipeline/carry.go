package pipeline

import (
	"context"
	"fmt"
	"slices"

	"dsql/engine"
)

// Places of files and topics hang on the source's name. A destination that read a source which has another name now, and is otherwise the
// same, goes on where it was: its places go over to the new name.

// continuing is a source that can say whether it reads what another reads.
type continuing interface {
	Continues(other engine.Object) bool
}

// respelled is a source that a destination read under another name.
type respelled struct{ was, now *node }

// carried finds the sources of a destination that have another name now.
func (p *program) carried(ctx context.Context, c *engine.Conn, n *node) (out []respelled, err error) {
	if _, ok := n.destination(); !ok || n.stored == nil || n.stored.Fingerprint == n.fingerprint {
		return nil, nil
	}
	known, err := engine.Select(ctx, c, engine.SQL("SELECT source FROM dsql.offsets WHERE destination = {d} UNION SELECT source FROM dsql.files WHERE destination = {d}", engine.Args{"d": n.name}),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err != nil || len(known) == 0 {
		return nil, err
	}
	for _, name := range known {
		was := p.find("source", name)
		if was == nil || slices.ContainsFunc(n.inputs, func(in *input) bool { return in.of == was }) {
			continue
		}
		for _, in := range n.inputs {
			s, ok := in.of.obj.(continuing)
			if ok && !slices.Contains(known, in.of.name) && s.Continues(was.obj) && !slices.ContainsFunc(out, func(r respelled) bool { return r.now == in.of }) {
				out = append(out, respelled{was, in.of})
				break
			}
		}
	}
	return out, nil
}

// carry moves the places.
func (p *program) carry(ctx context.Context, tx *engine.Tx, n *node) error {
	for _, r := range n.carries {
		a := engine.Args{"was": r.was.name, "now": r.now.name, "d": n.name}
		if err := tx.Run(ctx, engine.SQL("UPDATE dsql.offsets SET source = {now} WHERE source = {was} AND destination = {d}", a),
			engine.SQL("UPDATE dsql.files SET source = {now} WHERE source = {was} AND destination = {d}", a)); err != nil {
			return err
		}
	}
	return nil
}

func (r respelled) String() string {
	return fmt.Sprintf("goes on in %s where it was in %s: both read the same", r.now.name, r.was.name)
}
