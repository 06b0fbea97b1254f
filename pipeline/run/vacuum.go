package run

import (
	"context"
	"fmt"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/engine/watermark"
	"dsql/internal/plural"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

var vacuumVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "VACUUM",
		Doc: "Gives up superseded rows that RETAIN VERSIONS no longer keeps, and of a stream with RETAIN rows of windows that all its rollups have " +
			"closed; never events, nor what a reader or sink has still to take."},
	On:    program.OnDestinations,
	Check: program.Targets,
	Plan:  &program.Planned{Action: "VACUUM", Touches: vacuumed},
	Run:   maintain((*runner).vacuum),
}

// vacuum gives up what no version that RETAIN VERSIONS keeps shows, and rows that RETAIN doesn't keep; nothing that a reader or sink hasn't
// seen.
func (r *runner) vacuum(ctx context.Context, d *sql.Decl, n *program.Node, dest kind.Destination) error {
	retain := dest.Chain().Retain
	keeper, retains := retaining(n)
	if retains {
		if err := r.giveUp(ctx, d, n, keeper); err != nil {
			return err
		}
	}
	if retain == nil && !retains {
		return d.Errorf(code.NoRetention, "%s keeps all versions", n.Name).
			WithHint("declare it with RETAIN VERSIONS INTERVAL 90 DAYS, say")
	}
	v, ok := dest.(kind.Vacuumer)
	if !ok || retain == nil {
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

// retaining is a destination that gives up rows.
func retaining(n *program.Node) (kind.Retainer, bool) {
	k, ok := n.Obj.(kind.Retainer)
	return k, ok && k.Retains() != nil
}

// giveUp is VACUUM of rows whose windows all that takes them in event time has closed for long enough.
func (r *runner) giveUp(ctx context.Context, d *sql.Decl, n *program.Node, k kind.Retainer) error {
	users, err := r.closers(d, n)
	if err != nil {
		return err
	}
	var gone int64
	err = r.Conn.Update(ctx, func(inner *duck.Tx) error {
		tx := &transaction{Tx: inner, progress: r.progress.clone()}
		keep := duck.User(n.Obj.Decl().Src, k.Retains().Exprs[0])
		var needed []*duck.Query
		for _, m := range users {
			t, err := r.timed(ctx, tx, m)
			if err != nil {
				return err
			}
			q, err := t.Retain(ctx, inner, t.clock, keep, k.Numbered(), r.version)
			if err != nil {
				return err
			}
			needed = append(needed, q)
		}
		gone, err = k.GiveUp(ctx, inner, needed, min(r.latest[n], r.unseen(n)))
		return err
	})
	if err == nil && gone > 0 {
		r.Emit(event.Changed{Change: event.Change{Action: "change", Kind: n.Kind, Name: n.Name,
			What: []string{fmt.Sprintf("%s of closed windows given up", plural.Of(gone, "row"))}}})
	}
	return err
}

// closers are those that take the rows of n in event time; all that looks for older rows of it has to be one of them.
func (r *runner) closers(d *sql.Decl, n *program.Node) (out []*program.Node, err error) {
	keeps := func(m *program.Node, why string) error {
		return d.Errorf(code.NoRetention, "%s keeps all its rows: %s %s %s", n.Name, m.Kind, m.Name, why).
			WithHint("RETAIN gives up what all that reads a stream has closed; a second stream of the same rows may be kept whole")
	}
	for _, m := range r.Program.Nodes {
		for _, in := range m.Inputs {
			u, inTime := m.Obj.(watermark.User)
			_, total := m.Total()
			switch {
			case in.Of != n:
			case m.Join() != nil || in.SeesPast():
				return nil, keeps(m, "looks for older rows of it")
			case !total:
			case !m.Bound || !inTime || in != m.Inputs[0]:
				return nil, keeps(m, "computes its groups of all of them")
			case u.Holds() != "":
				return nil, keeps(m, u.Holds())
			default:
				out = append(out, m)
			}
		}
	}
	if len(out) == 0 {
		return nil, d.Errorf(code.NoRetention, "%s keeps all its rows: no rollup closes windows of it", n.Name).
			WithHint("RETAIN gives up rows of closed windows: CREATE ROLLUP … LATENESS INTERVAL 10 MINUTES AS … FROM STREAM " + n.Name)
	}
	return out, nil
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
