package run

import (
	"context"
	"time"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/pipeline/program"
)

// What of a source was rejected goes to its reject_topic as versions go to sinks: behind the commit, with a place of its own, the id of the
// last reject, in dsql.places.

// rejectsTable is what such a place is in.
const rejectsTable = "dsql.rejects"

// postFromNow lets a source that is declared anew begin behind the rejects of one that had its name: those were its own to send.
func postFromNow(ctx context.Context, tx *transaction, n *program.Node) error {
	if p, ok := n.Obj.(kind.Poster); !ok || !p.Posts() || n.Stored != nil {
		return nil
	}
	return tx.Run(ctx, duck.SQL("INSERT INTO dsql.places SELECT {d}, {i}, max(id) FROM dsql.rejects WHERE source = {d} HAVING count(*) > 0",
		duck.Args{"d": n.Name, "i": rejectsTable}))
}

// post is how far a source's rejects are sent, and where to.
type post struct {
	open  kind.Post // nil: it isn't
	last  int64
	under *sending // nil: nothing is on its way
}

// sending is one Send.
type sending struct {
	*errand
	open kind.Post // nil: it couldn't be opened
	upTo int64
}

// post sends what was rejected since.
func (r *runner) post(ctx, within context.Context) error {
	if r.Options.DB == "" { // a test
		return nil
	}
	for _, n := range r.Program.Nodes {
		p, ok := n.Obj.(kind.Poster)
		if !ok || !n.Bound || !p.Posts() || r.broken[n] != nil || time.Now().Before(r.again[n]) {
			continue
		}
		if err := r.postOf(ctx, within, n, p); err != nil && within.Err() == nil {
			if err := r.failedSink(n, err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *runner) postOf(ctx, within context.Context, n *program.Node, p kind.Poster) error {
	a := duck.Args{"d": n.Name, "i": rejectsTable}
	to := r.posts[n]
	if to == nil {
		last, err := r.Conn.Int(within, duck.SQL("SELECT max(version) FROM dsql.places WHERE destination = {d} AND input = {i}", a))
		if err != nil {
			return err
		}
		to = &post{last: last}
		r.posts[n] = to
	}
	if to.under == nil {
		a["last"] = to.last
		upTo, err := r.Conn.Int(within, duck.SQL("SELECT coalesce(max(id), {last}) FROM dsql.rejects WHERE id > {last} AND source = {d}", a))
		if err != nil || upTo == to.last {
			return err
		}
		if to.under, err = r.send(ctx, n, p, to, upTo); err != nil {
			return err
		}
	}
	s := to.under
	if !r.wait(n, s.errand, time.Now().Add(turnTime), false) {
		return nil
	}
	to.under, to.open = nil, s.open
	if s.err != nil {
		return s.err
	}
	if err := fault.Fault(within, "rejects-posted"); err != nil {
		return err
	}
	a["last"] = s.upTo
	err := r.Conn.Update(within, func(tx *duck.Tx) error {
		return tx.Run(within, duck.SQL("DELETE FROM dsql.places WHERE destination = {d} AND input = {i}", a),
			duck.SQL("INSERT INTO dsql.places VALUES ({d}, {i}, {last})", a))
	})
	if err == nil {
		to.last = s.upTo
		r.thereAgain(n)
	}
	return err
}

// send begins to send the rejects up to one.
func (r *runner) send(ctx context.Context, n *program.Node, p kind.Poster, to *post, upTo int64) (*sending, error) {
	line, err := r.line(ctx, n)
	if err != nil {
		return nil, err
	}
	s, last := &sending{open: to.open, upTo: upTo}, to.last
	s.errand = r.start(ctx, func(ctx context.Context) (err error) {
		ctx, done := kind.UntilStop(ctx, r.Options.Stop, 0) // what is cut short comes again
		defer done()
		if s.open == nil {
			if s.open, err = p.OpenPost(ctx, r.Program.Env, r.file.id); err != nil {
				s.open = nil
				return err
			}
		}
		return s.open.Send(ctx, line, last, upTo)
	})
	return s, nil
}

// posted waits for the rejects of a source that are on their way: afterwards none will be sent that isn't in the file then.
func (r *runner) posted(ctx context.Context, n *program.Node) error {
	to := r.posts[n]
	if to == nil || to.under == nil {
		return nil
	}
	r.wait(n, to.under.errand, time.Time{}, true)
	p, _ := n.Obj.(kind.Poster)
	if err := r.postOf(ctx, ctx, n, p); err != nil {
		return r.failedSink(n, err)
	}
	return ctx.Err()
}

// closePost ends what a source has open.
func (r *runner) closePost(n *program.Node) error {
	to := r.posts[n]
	if to == nil {
		return nil
	}
	if s := to.under; s != nil {
		s.giveUp()
		to.under, to.open = nil, s.open
	}
	open := to.open
	if to.open = nil; open == nil {
		return nil
	}
	return open.Close()
}
