package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
)

// incoming is what a destination's inputs have for it.
func (r *runner) incoming(ctx context.Context, tx *transaction, w work, n *program.Node, inputs []*program.Input, v int64) (out []fresh,
	err error) {
	if j := n.Join(); j != nil && len(inputs) > 0 {
		return r.pairs(ctx, tx, w, n, j, v)
	}
	for _, in := range inputs {
		b := fresh{in: in, replay: w.replays()}
		if _, source := in.Of.Source(); source {
			if w.in == nil || w.in.Source != in.Of.Name || !slices.Contains(w.in.Destinations, n.Name) {
				continue
			}
			b.rel, b.input, b.origin = w.in.Rows, w.in, w.in.Origin
			if n.Keyed() {
				b.of = r.Program.Env.Share
			}
		} else {
			from := tx.places[edge{n, in.Of}]
			if !tx.behind(edge{n, in.Of}) {
				continue
			}
			of, _ := in.Of.Destination()
			b.in, b.rel = in.New(of, from, v)
			b.origin, b.takes = versionsOf(in.Of, from, v), []*program.Node{in.Of}
		}
		out = append(out, b)
	}
	return out, nil
}

func versionsOf(n *program.Node, from, to int64) string {
	return fmt.Sprintf("%s versions %d–%d", n.Name, from+1, to)
}

// pairs are those that new rows of either side of a join make.
func (r *runner) pairs(ctx context.Context, tx *transaction, w work, n *program.Node, j *program.Join, v int64) ([]fresh, error) {
	b := fresh{in: j.Computed(), replay: w.replays()}
	var taken [2]int64
	var behind [2]bool
	var origins []string
	for i, in := range j.Inputs() {
		e := edge{n, in.Of}
		if taken[i], behind[i] = tx.places[e], tx.behind(e); behind[i] && !slices.Contains(b.takes, in.Of) {
			b.takes, origins = append(b.takes, in.Of), append(origins, versionsOf(in.Of, taken[i], v))
		}
	}
	idle := w.idle && w.active[0] == n
	if len(b.takes) == 0 && !idle {
		return nil, nil
	}
	var err error
	if b.origin = strings.Join(origins, ", "); idle {
		b.origin = idleOrigin
	}
	if j.Outer() {
		b.rel, b.late, err = r.outerPairs(ctx, tx, w, n, taken, behind)
	} else {
		b.rel, err = j.Pairs(ctx, tx.Tx, taken, behind, v)
	}
	return []fresh{b}, err
}

// fresh is new rows of a destination: of one input, or of two that are joined.
type fresh struct {
	in     *program.Input
	rel    *duck.Query
	input  *kind.Input // nil where the rows come from a stored table
	origin string
	takes  []*program.Node // stored tables that are read up to the version
	held   *hold           // these rows were held back, and somebody decided about them
	replay bool            // they are rejects that come back, or what reads these gets of them
	late   int64           // rows that came too late
	of     *kind.Share     // whose rows are taken of what the query gives; nil: all
}
