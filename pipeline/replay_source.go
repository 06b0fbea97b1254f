package pipeline

import (
	"context"
	"slices"

	"dsql/engine"
	"dsql/ingest"
	"dsql/sql"
)

var replaySourceSyntax = &sql.Syntax{Verb: "REPLAY", Keyword: "SOURCE",
	Body: []sql.Clause{
		{Keyword: "FROM EARLIEST", Arg: sql.ArgNone, Doc: "from the first record that the source still has"},
		{Keyword: "FROM TIMESTAMP", Arg: sql.ArgString, Doc: "from a time on, in UTC: of a topic by the records' times, of files by when they were last changed"},
	},
	Doc:     "Reads a source again. Journals absorb what they have seen; a stream takes only records past those that it has.",
	Example: "REPLAY SOURCE readings_in FROM EARLIEST"}

// replaySource is REPLAY SOURCE name FROM ….
func (r *runner) replaySource(ctx context.Context, d *sql.Decl) error {
	n := r.p.find("source", d.Name)
	if n == nil {
		return r.p.notDeclared("source", sql.Name{Text: d.Name, Span: d.NameAt}, d)
	}
	again := &engine.Replay{}
	if v := d.Arg("FROM TIMESTAMP"); v != nil {
		t, ok := ingest.ParseTime(v.Text)
		if !ok {
			return &sql.Error{Src: d.Src, Span: v.Span, Code: "bad-time", Msg: v.Text + " is no time", Hint: "write FROM TIMESTAMP '2026-01-31 12:00:00', in UTC"}
		}
		again.Since = &t
	}
	wanted := r.wanted(nil)
	journals := map[*node]bool{}
	for m := range wanted {
		if m.kind == "journal" && slices.ContainsFunc(m.inputs, func(in *input) bool { return in.of == n }) {
			journals[m] = true
		}
	}
	if len(journals) > 0 {
		for m := range r.downstream(n, wanted) { // what a journal's changes reach
			if slices.ContainsFunc(m.inputs, func(in *input) bool { return journals[in.of] }) {
				journals[m] = true
			}
		}
		if err := r.readAgain(ctx, n, journals, again); err != nil || r.stopped() {
			return err
		}
	}
	return r.read(ctx, n, wanted)
}

func (r *runner) readAgain(ctx context.Context, n *node, journals map[*node]bool, again *engine.Replay) error {
	rd, err := r.open(ctx, n, journals, engine.ReadOptions{Replay: again})
	if err != nil {
		return err
	}
	defer rd.Close()
	return r.drain(ctx, n, rd, journals)
}
