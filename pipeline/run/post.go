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

// post is how far a source's rejects are sent, and where to.
type post struct {
	kind.Post // nil: it isn't open
	last      int64
}

// post sends what was rejected since.
func (r *runner) post(ctx context.Context) error {
	if r.Options.DB == "" { // a test
		return nil
	}
	for _, n := range r.Program.Nodes {
		p, ok := n.Obj.(kind.Poster)
		if !ok || !n.Bound || !p.Posts() || r.broken[n] != nil || time.Now().Before(r.again[n]) {
			continue
		}
		if err := r.postOf(ctx, n, p); err != nil && ctx.Err() == nil {
			if err := r.failedSink(n, err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *runner) postOf(ctx context.Context, n *program.Node, p kind.Poster) error {
	a := duck.Args{"d": n.Name, "i": rejectsTable}
	to := r.posts[n]
	if to == nil {
		last, err := r.Conn.Int(ctx, duck.SQL("SELECT max(version) FROM dsql.places WHERE destination = {d} AND input = {i}", a))
		if err != nil {
			return err
		}
		to = &post{last: last}
		r.posts[n] = to
	}
	a["last"] = to.last
	upTo, err := r.Conn.Int(ctx, duck.SQL("SELECT coalesce(max(id), {last}) FROM dsql.rejects WHERE id > {last} AND source = {d}", a))
	if err != nil || upTo == to.last {
		return err
	}
	if to.Post == nil {
		within, done := kind.UntilStop(ctx, r.Options.Stop, 0)
		to.Post, err = p.OpenPost(within, r.Program.Env, r.file.id)
		if done(); err != nil {
			to.Post = nil
			return err
		}
	}
	within, done := kind.UntilStop(ctx, r.Options.Stop, 0) // what is cut short comes again
	err = to.Send(within, r.Conn, to.last, upTo)
	if done(); err != nil {
		return err
	}
	if err := fault.Fault(ctx, "rejects-posted"); err != nil {
		return err
	}
	a["last"] = upTo
	err = r.Conn.Update(ctx, func(tx *duck.Tx) error {
		return tx.Run(ctx, duck.SQL("DELETE FROM dsql.places WHERE destination = {d} AND input = {i}", a),
			duck.SQL("INSERT INTO dsql.places VALUES ({d}, {i}, {last})", a))
	})
	if err == nil {
		to.last = upTo
		r.thereAgain(n)
	}
	return err
}

// closePost ends what a source has open.
func (r *runner) closePost(n *program.Node) error {
	to := r.posts[n]
	if to == nil || to.Post == nil {
		return nil
	}
	open := to.Post
	to.Post = nil
	return open.Close()
}
