package run

import (
	"context"
	"maps"
	"slices"

	"dsql/engine/kind"
	"dsql/ingest/declare"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

var replaySourceVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "REPLAY",
		Body: []sql.Clause{
			{Keyword: "FROM EARLIEST", Arg: sql.ArgNone, Doc: "from the first record that the source still has"},
			{Keyword: "FROM TIMESTAMP", Arg: sql.ArgString,
				Doc: "from a time on, in UTC: of a topic by the records' times, of files by when they were last changed"},
		},
		Doc:     "Reads a source again. Journals absorb what they have seen; a stream takes only records past those that it has.",
		Example: "REPLAY SOURCE readings_in FROM EARLIEST"},
	On:    program.OnSources,
	Check: program.Declared,
	Plan:  &program.Planned{Action: "REPLAY", Touches: readAgain},
	Run:   action((*runner).replaySource),
}

// replaySource is REPLAY SOURCE name FROM ….
func (r *runner) replaySource(ctx context.Context, d *sql.Decl) error {
	n, err := r.Program.Declared(d)
	if err != nil {
		return err
	}
	again := kind.ReadOptions{Replay: &kind.Replay{}}
	if v := d.Arg("FROM TIMESTAMP"); v != nil {
		t, ok := declare.ParseTime(v.Text)
		if !ok {
			return d.At(v.Span).Errorf(code.BadTime, "%s is no time", v.Text).
				WithHint("write FROM TIMESTAMP '2026-01-31 12:00:00', in UTC")
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
