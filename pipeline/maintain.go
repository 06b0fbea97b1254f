package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"dsql/engine"
	"dsql/sql"
)

// destinationVerbs are the statements on what destinations store, for a kind's keyword.
func destinationVerbs(keyword string) []*sql.Syntax {
	return []*sql.Syntax{
		{Verb: "ROLLBACK", Keyword: keyword, Clauses: []sql.Clause{{Keyword: "TO VERSION", Arg: sql.ArgInt, Required: true, Doc: "the version to go back to"}},
			Doc: "Makes a new version that equals an old one. What came later is forgotten; places stay, so it isn't read again."},
		{Verb: "REBUILD", Keyword: keyword, Clauses: []sql.Clause{{Keyword: "FROM SOURCE", Arg: sql.ArgNone, Doc: "empty it and fill it again from all that its inputs still have, in one new version"}},
			Doc: "Recomputes what is stored from what is remembered, or from its inputs. What reads it keeps what it has."},
		{Verb: "VACUUM", Keyword: keyword, Doc: "Gives up superseded rows that RETAIN VERSIONS no longer keeps; never events."},
	}
}

// target is the destination that a verb names.
func (p *program) target(d *sql.Decl) (*node, engine.Destination, error) {
	n := p.relation(d.Name)
	if n != nil {
		if dest, ok := n.destination(); ok && (d.Syntax.Keyword == "" || sql.Same(n.kind, d.Syntax.Keyword)) {
			return n, dest, nil
		}
	}
	kind := strings.ToLower(d.Syntax.Keyword)
	if kind == "" {
		kind = "relation"
	}
	return nil, nil, p.notDeclared(kind, sql.Name{Text: d.Name, Span: d.NameAt}, d)
}

// newVersion runs f in a transaction of a new version, and writes its account where f doesn't.
func (r *runner) newVersion(ctx context.Context, n *node, origin string, accounted bool, f func(tx *engine.Tx, v int64) (engine.Counts, error)) error {
	began := time.Now()
	e := BatchCommitted{Version: r.version + 1, Origin: origin}
	err := r.conn.Update(ctx, func(tx *engine.Tx) error {
		if err := tx.Run(ctx, engine.SQL("INSERT INTO dsql.versions VALUES ({v}, {now})", engine.Args{"now": engine.Now, "v": e.Version})); err != nil {
			return err
		}
		c, err := f(tx, e.Version)
		if err != nil {
			return placed(err, n)
		}
		row := DestinationRows{Kind: n.kind, Name: n.name, In: c.Written + c.Rejected, Counts: c}
		e.Rows = append(e.Rows, row)
		if accounted {
			return nil
		}
		return r.account(ctx, tx, row, e.Version, origin)
	})
	if err != nil {
		return err
	}
	r.version = e.Version
	r.latest[n] = e.Version
	r.sum.Versions++
	e.Took = time.Since(began)
	r.emit(e)
	return nil
}

// rollbacker, rebuilder and vacuumer are what a destination may be able to do beside writing.
type rollbacker interface {
	Rollback(ctx context.Context, tx *engine.Tx, to, version int64) (engine.Counts, error)
}

type rebuilder interface {
	Rebuild(ctx context.Context, tx *engine.Tx, version int64) (engine.Counts, error)
}

type vacuumer interface {
	Vacuum(ctx context.Context, tx *engine.Tx, oldest int64) (int64, error)
}

type emptier interface {
	Empty(ctx context.Context, tx *engine.Tx, version int64) error
}

// maintain runs ROLLBACK, REBUILD and VACUUM.
func (r *runner) maintain(ctx context.Context, d *sql.Decl) error {
	n, dest, err := r.p.target(d)
	if err != nil {
		return err
	}
	switch d.Syntax.Verb {
	case "ROLLBACK":
		to := d.Arg("TO VERSION")
		if to.Int < 0 || to.Int > r.version {
			return &sql.Error{Src: d.Src, Span: to.Span, Code: "no-version", Exit: sql.ExitFailed, Msg: fmt.Sprintf("there is no version %d: the newest is %d", to.Int, r.version), Hint: "dsql.versions lists them"}
		}
		return r.newVersion(ctx, n, fmt.Sprintf("rollback to version %d", to.Int), false, func(tx *engine.Tx, v int64) (engine.Counts, error) {
			c, err := dest.(rollbacker).Rollback(ctx, tx, to.Int, v)
			return c, err
		})
	case "REBUILD":
		if d.Arg("FROM SOURCE") != nil {
			return r.refill(ctx, n, dest)
		}
		b, ok := dest.(rebuilder)
		if !ok {
			return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "nothing-remembered", Msg: "a stream remembers nothing beside its rows", Hint: "REBUILD STREAM " + n.name + " FROM SOURCE fills it again from its inputs"}
		}
		return r.newVersion(ctx, n, "rebuild", false, func(tx *engine.Tx, v int64) (engine.Counts, error) { return b.Rebuild(ctx, tx, v) })
	}
	return r.vacuum(ctx, d, n, dest)
}

// vacuum gives up what no version that RETAIN VERSIONS keeps shows.
func (r *runner) vacuum(ctx context.Context, d *sql.Decl, n *node, dest engine.Destination) error {
	retain := dest.Decl().Arg("RETAIN VERSIONS")
	if retain == nil {
		return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "no-retention", Msg: n.name + " keeps all versions", Hint: "declare it with RETAIN VERSIONS INTERVAL 90 DAYS, say"}
	}
	v, ok := dest.(vacuumer)
	if !ok { // an append-only table has no superseded rows
		return nil
	}
	oldest, err := r.conn.Int(ctx, engine.SQL("SELECT max(version) FROM dsql.versions WHERE committed_at <= {now} - ({i})", engine.Args{"now": engine.Now, "i": engine.User(dest.Decl().Src, retain.Exprs[0])}))
	if err != nil || oldest == 0 {
		return err
	}
	return r.conn.Update(ctx, func(tx *engine.Tx) error {
		_, err := v.Vacuum(ctx, tx, oldest)
		return err
	})
}

// refill is REBUILD … FROM SOURCE: the destination is emptied and takes all that its inputs still have, in one transaction.
func (r *runner) refill(ctx context.Context, n *node, dest engine.Destination) error {
	e, ok := dest.(emptier)
	if !ok {
		return fmt.Errorf("%s can't be emptied", n.name)
	}
	r.undo = nil
	err := r.newVersion(ctx, n, "rebuild from source", true, func(tx *engine.Tx, v int64) (engine.Counts, error) {
		var c engine.Counts
		if err := e.Empty(ctx, tx, v); err != nil {
			return c, err
		}
		if err := r.unread(ctx, tx, n); err != nil {
			return c, err
		}
		for _, in := range n.inputs {
			rows, err := r.refillInput(ctx, tx, n, in, v)
			if c = add(c, rows); err != nil {
				return c, err
			}
		}
		for _, m := range r.p.nodes { // those that read it keep what they have
			for _, in := range m.inputs {
				if in.of == n {
					if err := r.moved(ctx, tx, edge{m, n}, v); err != nil {
						return c, err
					}
				}
			}
		}
		return c, nil
	})
	if err != nil {
		for i := len(r.undo) - 1; i >= 0; i-- {
			r.undo[i]()
		}
	}
	return err
}

func (r *runner) refillInput(ctx context.Context, tx *engine.Tx, n *node, in *input, v int64) (engine.Counts, error) {
	var c engine.Counts
	src, ok := in.of.source()
	if !ok {
		e := BatchCommitted{Version: v}
		rows, err := r.destination(ctx, tx, work{}, n, &e)
		return rows.Counts, err
	}
	rd, err := src.Open(ctx, r.conn, r.p.env, in.of.cols, engine.ReadOptions{Destinations: []string{n.name}, Everything: true, Warn: r.warn, NeedMeta: r.p.mentionsMeta(in.of)})
	if err != nil {
		return c, err
	}
	defer rd.Close()
	for {
		batch, err := rd.Next(ctx)
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
		batch.Again = true // its bad records are in dsql.rejects already
		e := BatchCommitted{Version: v}
		rows, err := r.destination(ctx, tx, work{in: batch}, n, &e)
		c = add(c, rows.Counts)
		if err == nil {
			err = batch.Commit(ctx, tx, v)
		}
		batch.Release()
		if err != nil {
			return c, err
		}
	}
}
