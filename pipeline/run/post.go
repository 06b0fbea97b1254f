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

// post is an open Post, and how far it is.
type post struct {
	kind.Post
	last int64
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
	open := r.posts[n]
	a := duck.Args{"d": n.Name, "i": rejectsTable}
	last := int64(0)
	var err error
	if open != nil {
		last = open.last
	} else if last, err = r.Conn.Int(ctx,
		duck.SQL("SELECT max(version) FROM dsql.places WHERE destination = {d} AND input = {i}", a)); err != nil {
		return err
	}
	a["last"] = last
	if some, err := r.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.rejects WHERE id > {last} AND source = {d}", a)); err != nil ||
		some == 0 {
		return err
	}
	if open == nil {
		ctx, done := kind.UntilStop(ctx, r.Options.Stop, 0)
		to, err := p.OpenPost(ctx, r.Program.Env, r.file.id)
		done()
		if err != nil {
			return err
		}
		open = &post{to, last}
		if r.posts == nil {
			r.posts = map[*program.Node]*post{}
		}
		r.posts[n] = open
	}
	within, done := kind.UntilStop(ctx, r.Options.Stop, 0) // what is cut short comes again
	_, upTo, err := open.Send(within, r.Conn, last)
	if done(); err != nil || upTo == last {
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
		open.last = upTo
		r.thereAgain(n)
	}
	return err
}

// closePost ends what a source has open.
func (r *runner) closePost(n *program.Node) error {
	p := r.posts[n]
	if p == nil {
		return nil
	}
	delete(r.posts, n)
	return p.Close()
}
