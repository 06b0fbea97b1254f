package run

import (
	"context"
	"errors"
	"strings"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
)

// verb runs a statement on what is declared.
func (r *runner) verb(ctx context.Context, d *sql.Decl) error {
	if v, ok := program.VerbOf(d.Syntax); ok {
		if err := r.Conn.Update(ctx, func(tx *duck.Tx) error { return v.Run(ctx, tx, d) }); err != nil {
			return err
		}
		if n := r.Program.Find(strings.ToLower(d.Syntax.Keyword), d.Name); n != nil && d.Syntax.Verb == "ALTER" {
			r.Emit(event.Changed{Change: event.Change{Action: "change", Kind: n.Kind, Name: n.Name, What: []string{strings.TrimSpace(d.Text())}}})
		}
		return nil
	}
	switch d.Syntax.Verb {
	case "DROP":
		return r.drop(ctx, d)
	case "REPLAY REJECTS":
		return r.replayRejects(ctx, d)
	case "REPLAY":
		return r.replaySource(ctx, d)
	case "ROLLBACK", "REBUILD", "VACUUM":
		if err := errors.Join(r.sink(ctx), r.brokenSinks()); err != nil { // what is due may be gone afterwards
			return err
		}
		if err := r.maintain(ctx, d); err != nil {
			return err
		}
		return r.sink(ctx)
	case "RESUME":
		return r.resume(ctx, d)
	case "RELEASE HOLD", "DISCARD HOLD":
		return r.decide(ctx, d)
	}
	return r.Answer(ctx, d)
}
