package run

import (
	"context"
	"maps"
	"slices"

	"dsql/engine/kind"
	"dsql/ingest"
	"dsql/pipeline/program"
	"dsql/sql"
)

// replaySource is REPLAY SOURCE name FROM ….
func (r *runner) replaySource(ctx context.Context, d *sql.Decl) error {
	n := r.Program.Find("source", d.Name)
	if n == nil {
		return r.Program.NotDeclared("source", sql.Name{Text: d.Name, Span: d.NameAt}, d)
	}
	again := kind.ReadOptions{Replay: &kind.Replay{}}
	if v := d.Arg("FROM TIMESTAMP"); v != nil {
		t, ok := ingest.ParseTime(v.Text)
		if !ok {
			return &sql.Error{Src: d.Src, Span: v.Span, Code: "bad-time", Msg: v.Text + " is no time",
				Hint: "write FROM TIMESTAMP '2026-01-31 12:00:00', in UTC"}
		}
		again.Replay.Since = &t
	}
	wanted, reached := r.wanted(nil), map[*program.Node]bool{}
	for _, m := range r.Program.Sorted() {
		if wanted[m] && m.Keyed() && slices.ContainsFunc(m.Inputs, func(in *program.Input) bool { return in.Of == n }) {
			again.Destinations = append(again.Destinations, m.Name)
			reached[m] = true
			maps.Copy(reached, r.downstream(m, wanted)) // what its changes reach, however far
		}
	}
	if len(reached) > 0 {
		if err := r.read(ctx, n, reached, again); err != nil || r.stopped() {
			return err
		}
	}
	return r.read(ctx, n, wanted, kind.ReadOptions{})
}
