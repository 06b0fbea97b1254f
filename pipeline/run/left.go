package run

import (
	"context"

	"dsql/engine/kind"
)

// What a run leaves.

// left are the files that a run leaves: of sources that said so, of all where it was stopped. What can't be looked at was told when
// it was to be read.
func (r *runner) left(ctx context.Context, stopped bool) (out []kind.WaitingFile) {
	for _, n := range r.Program.Nodes {
		if n.Bound && (stopped || r.leaves[n]) {
			files, _ := r.Waits(ctx, n)
			out = append(out, files...)
		}
	}
	return out
}
