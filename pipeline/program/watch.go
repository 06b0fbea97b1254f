package program

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// Watcher is what measures the versions of a destination.
func (n *Node) Watcher() (kind.Watcher, bool) { w, ok := n.Obj.(kind.Watcher); return w, ok }

// bindWatcher checks a watcher against the rows that it will see.
func (p *Program) bindWatcher(ctx context.Context, tx *duck.Tx, n *Node, w kind.Watcher) error {
	of := n.Inputs[0].Of
	if !of.Bound { // its own errors are told
		return nil
	}
	d, _ := of.Destination()
	n.Cols = d.NewColumns(of.Cols)
	err := w.Bind(ctx, tx.Conn, n.Cols, of.Changes())
	n.Bound = err == nil
	return err
}
