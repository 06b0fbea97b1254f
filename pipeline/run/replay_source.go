package run

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

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
	On: program.OnSources,
	Check: func(p *program.Program, d *sql.Decl) error {
		_, err := since(d)
		return errors.Join(program.Declared(p, d), err)
	},
	Plan: &program.Planned{Action: "REPLAY", Touches: readAgain},
	Run:  action((*runner).replaySource),
}

// replaySource is REPLAY SOURCE name FROM ….
func (r *runner) replaySource(ctx context.Context, d *sql.Decl) error {
	n, err := r.Program.Declared(d)
	if err != nil {
		return err
	}
	from, err := since(d)
	if err != nil {
		return err
	}
	again := kind.ReadOptions{Replay: &kind.Replay{Since: from}}
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

// since is the time that FROM TIMESTAMP names; nil: there is none.
func since(d *sql.Decl) (*time.Time, error) {
	v := d.Arg("FROM TIMESTAMP")
	if v == nil {
		return nil, nil
	}
	t, ok := declare.ParseTime(v.Text)
	if !ok {
		return nil, d.At(v.Span).Errorf(code.BadTime, "%s is no time", v.Text).WithHint("write FROM TIMESTAMP '2026-01-31 12:00:00', in UTC")
	}
	return &t, nil
}
