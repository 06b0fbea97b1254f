package run

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/look"
	"dsql/pipeline/program"
	"dsql/sql"
)

// Verbs is the list of statements that act on what is declared, but for those of one kind alone. A new verb is one line here.
var Verbs = []*program.Verb{
	refreshVerb,
	replayRejectsVerb,
	replaySourceVerb,
	resumeVerb,
	releaseVerb,
	discardVerb,
	dropVerb,
	look.Describe,
	look.Explain,
	rollbackVerb,
	rebuildVerb,
	vacuumVerb,
	eraseVerb,
	admitVerb,
	look.Show,
}

// Language is dsql's.
var Language = program.NewLanguage(program.Kinds, Verbs)

// action runs a verb that takes rows in, or changes what is stored.
type action func(*runner, context.Context, *sql.Decl) error

// Reads: it writes.
func (action) Reads() bool { return false }

// verb runs a statement on what is declared.
func (r *runner) verb(ctx context.Context, d *sql.Decl) error {
	switch run := r.Program.Language.Verb(d).Run.(type) {
	case action:
		return run(r, ctx, d)
	case look.Action:
		return run(&r.Viewer, ctx, d)
	case kind.Action:
		return r.ofKind(ctx, d, run)
	default:
		return fmt.Errorf("nobody runs %s", d.Syntax.Title())
	}
}

// ofKind runs a verb that a kind has of its own.
func (r *runner) ofKind(ctx context.Context, d *sql.Decl, run kind.Action) error {
	if err := r.Conn.Update(ctx, func(tx *duck.Tx) error { return run(ctx, tx, d) }); err != nil {
		return err
	}
	if n, err := r.Program.Declared(d); err == nil {
		r.Emit(event.Changed{Change: event.Change{Action: "change", Kind: n.Kind, Name: n.Name, What: []string{strings.TrimSpace(d.Text())}}})
	}
	return nil
}
