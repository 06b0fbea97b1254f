package run

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

var vacuumVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "VACUUM",
		Doc: "Gives up superseded rows that RETAIN VERSIONS no longer keeps; never events, nor what a reader or sink has still to take."},
	On:    program.OnDestinations,
	Check: program.Targets,
	Plan:  &program.Planned{Action: "VACUUM", Touches: vacuumed},
	Run:   maintain((*runner).vacuum),
}

// vacuum gives up what no version that RETAIN VERSIONS keeps shows, and nothing that a reader or sink hasn't seen.
func (r *runner) vacuum(ctx context.Context, d *sql.Decl, n *program.Node, dest kind.Destination) error {
	retain := dest.Chain().Retain
	if retain == nil {
		return d.Errorf(code.NoRetention, "%s keeps all versions", n.Name).
			WithHint("declare it with RETAIN VERSIONS INTERVAL 90 DAYS, say")
	}
	v, ok := dest.(kind.Vacuumer)
	if !ok { // an append-only table has no superseded rows
		return nil
	}
	oldest, err := r.Conn.Int(ctx,
		duck.SQL("SELECT max(version) FROM dsql.versions WHERE committed_at <= {now} - ({i})",
			duck.Args{"now": duck.Now, "i": duck.User(dest.Decl().Src, retain.Exprs[0])}))
	if oldest = min(oldest, r.unseen(n)); err != nil || oldest == 0 {
		return err
	}
	return r.Conn.Update(ctx, func(tx *duck.Tx) error {
		_, err := v.Vacuum(ctx, tx, oldest)
		return err
	})
}

// unseen is the version up to which all that are behind in reading n have come: what changed later is still to be handed on. One that
// has read nothing yet starts with what it finds.
func (r *runner) unseen(n *program.Node) int64 {
	out := r.version
	for e, v := range r.places {
		if e.input == n && v > 0 && r.behind(e) {
			out = min(out, v)
		}
	}
	return out
}
