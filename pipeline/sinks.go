package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dsql/engine"
	"dsql/sql"
)

// A sink gets what was committed, and only then: when its turn comes the version stands in the file. It takes one version at a time,
// in order; behind each a small transaction of its own notes the place in dsql.places. A crash between the two gives it the same version
// again. No version is made by that.

func (n *node) sink() (engine.Sink, bool) { s, ok := n.obj.(engine.Sink); return s, ok }

// exclusive: dsql.places knows destinations and sinks by their names alone, so they share one name space with sources.
func (n *node) exclusive() bool {
	_, ok := n.sink()
	return ok || n.relation()
}

// resolveSink finds the destination that a sink reads.
func (p *program) resolveSink(n *node, s engine.Sink) error {
	name, d := s.Input(), s.Decl()
	of := p.relation(name.Text)
	if of != nil {
		if _, ok := of.destination(); ok {
			n.inputs = append(n.inputs, &input{of: of, plain: true})
			return nil
		}
		return &sql.Error{Src: d.Src, Span: name.Span, Code: "sink-source", Msg: name.Text + " is a source: it stores nothing, and a sink writes what is stored",
			Hint: fmt.Sprintf("store it first: CREATE STREAM … FROM %s, and write that", name.Text)}
	}
	var names []string
	for _, m := range p.nodes {
		if _, ok := m.destination(); ok {
			names = append(names, m.name)
		}
	}
	e := &sql.Error{Src: d.Src, Span: name.Span, Code: "unknown-relation", Msg: fmt.Sprintf("there is no stream or journal %s, and SINK %s writes the new rows of one", name.Text, d.Name), Hint: "declare it first: CREATE STREAM " + name.Text + " FROM …"}
	if near := sql.Nearest(name.Text, names); near != "" {
		e.Hint = "did you mean " + near + "?"
	} else if len(names) > 0 {
		e.Hint = "declared are: " + strings.Join(names, ", ")
	}
	return e
}

// bindSink finds the columns that a sink gets.
func (p *program) bindSink(ctx context.Context, tx *engine.Tx, n *node, s engine.Sink) error {
	of := n.inputs[0].of
	if !of.bound { // its own errors are told
		return nil
	}
	d, _ := of.destination()
	n.cols = d.NewColumns(of.cols)
	err := s.Bind(ctx, tx.Conn, p.env, n.cols)
	n.bound = err == nil
	return err
}

// hurry is how long a sink may go on with the version in hand when the run was asked to end. What it hasn't written then comes again.
const hurry = 5 * time.Second

// sink brings every sink up to date. One that fails doesn't keep the others back.
func (r *runner) sink(ctx context.Context) error {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	var errs sql.List
	watched := false
	for _, n := range r.p.nodes {
		s, ok := n.sink()
		if !ok || !n.bound || !r.behind(edge{n, n.inputs[0].of}) {
			continue
		}
		if !watched {
			watched = true
			go r.endSoon(within, cancel)
		}
		if err := r.sinkTo(within, n, s); err != nil && within.Err() == nil {
			errs = collect(errs, err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errs.Err()
}

// endSoon cancels a while after the run was asked to end.
func (r *runner) endSoon(ctx context.Context, cancel func()) {
	select {
	case <-ctx.Done():
		return
	case <-r.o.Stop:
	}
	select {
	case <-ctx.Done():
	case <-time.After(hurry):
		cancel()
	}
}

// sinkTo writes what one sink hasn't got.
func (r *runner) sinkTo(ctx context.Context, n *node, s engine.Sink) error {
	of := n.inputs[0].of
	e := edge{n, of}
	d, _ := of.destination()
	due, err := engine.Select(ctx, r.conn, engine.SQL("SELECT DISTINCT version FROM dsql.version_rows WHERE version > {from} AND kind = {kind} AND name = {name} ORDER BY version",
		engine.Args{"from": r.places[e], "kind": of.kind, "name": of.name}), func(row func(...any) error) (v int64, err error) { return v, row(&v) })
	if err != nil || len(due) == 0 {
		return err
	}
	out, err := r.outlet(ctx, n, s, e)
	if err != nil {
		return err
	}
	for i, v := range due {
		began := time.Now()
		rows, err := out.Write(ctx, v, d.InOrder(v, n.cols))
		if err != nil {
			return err
		}
		if err := engine.Fault(ctx, "sink-written"); err != nil {
			return err
		}
		if rows == 0 && i < len(due)-1 {
			continue // noted with the next
		}
		if err := r.recordSink(ctx, e, v); err != nil {
			return err
		}
		if err := out.Recorded(v); err != nil {
			return err
		}
		if rows > 0 {
			r.sum.Sunk += rows
			r.emit(SinkWritten{Sink: n.name, Version: v, Rows: rows, Took: time.Since(began)})
		}
	}
	return nil
}

// outlet opens a sink once a run.
func (r *runner) outlet(ctx context.Context, n *node, s engine.Sink, e edge) (engine.Outlet, error) {
	if out, ok := r.outlets[n]; ok {
		return out, nil
	}
	_, had := r.places[e]
	out, err := s.Open(ctx, r.conn, r.p.env, engine.SinkOptions{Columns: n.cols, First: !had, Follow: r.o.Follow, Warn: r.warn})
	if err != nil {
		return nil, err
	}
	if r.outlets == nil {
		r.outlets = map[*node]engine.Outlet{}
	}
	r.outlets[n] = out
	return out, nil
}

// recordSink notes how far a sink is.
func (r *runner) recordSink(ctx context.Context, e edge, v int64) error {
	return r.update(ctx, func(tx *engine.Tx) error {
		if err := r.moved(ctx, tx, e, v); err != nil {
			return err
		}
		return engine.Fault(ctx, "sink-before-place")
	})
}

// closeOutlet ends what a sink has open.
func (r *runner) closeOutlet(n *node) error {
	out, ok := r.outlets[n]
	if !ok {
		return nil
	}
	delete(r.outlets, n)
	return out.Close()
}

// closeOutlets does so for all of them.
func (r *runner) closeOutlets() error {
	var errs []error
	for n := range r.outlets {
		errs = append(errs, r.closeOutlet(n))
	}
	return errors.Join(errs...)
}
