package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"dsql/engine"
	"dsql/quality"
	"dsql/sql"
)

// runner is a run in progress.
type runner struct {
	verdicts verdicts // of the transaction in hand
	told     sql.List // warnings of it
	p        *program
	conn     *engine.Conn
	o        Options
	version  int64           // the last committed
	rejected map[*node]int64 // rows rejected in this run, by source or destination
	places   map[edge]int64  // how far a destination or sink has read a stored table
	latest   map[*node]int64 // the last version that wrote a destination
	guarded  map[*node]bool  // a guard may hold back a load of it
	reshaped map[*node]bool  // emptied by a new declaration: a REBUILD … FROM SOURCE is to fill it
	decided  decision        // what is to become of the load that a guard holds back
	aside    sql.List        // files that can't be read
	leaves   map[*node]bool  // sources of which files wait
	outlets  map[*node]engine.Outlet
	file     identity
	broken   map[*node]error     // sinks that write nothing more in this run
	again    map[*node]time.Time // when sinks are tried again whose place outside is away
	progress engine.Progress
	session  session
	sum      Finished
	copied   int64 // the version that the snapshot has
	uncopied bool  // the last could not be written, and that was told
	copy     os.FileInfo
	copiedAt time.Time // when it was made
	original *os.File  // what it is a copy of
}

func newRunner(ctx context.Context, p *program, c *engine.Conn, o Options) (*runner, error) {
	r := &runner{p: p, conn: c, o: o, rejected: map[*node]int64{}, places: map[edge]int64{}, latest: map[*node]int64{}, guarded: map[*node]bool{}, reshaped: map[*node]bool{}, leaves: map[*node]bool{}}
	if err := r.loadPlaces(ctx); err != nil {
		return nil, err
	}
	return r, r.loadGuarded(ctx)
}

func (r *runner) emit(e Event)      { r.o.emit(e) }
func (r *runner) warn(e *sql.Error) { r.emit(Warned{e}) }

func (r *runner) stopped() bool {
	select {
	case <-r.o.Stop:
		return true
	default:
		return false
	}
}

func asFailure(err error) (*quality.Failure, bool) {
	var f *quality.Failure
	ok := errors.As(err, &f)
	return f, ok
}

// attempt is batch, and then what sinks get of it.
func (r *runner) attempt(ctx context.Context, w work) error {
	if err := r.batch(ctx, w); err != nil {
		return err
	}
	return r.sink(ctx)
}

// refresh brings destinations up to date: what stored tables have for them first, then each source to the end seen now.
func (r *runner) refresh(ctx context.Context, names []sql.Name) error {
	return r.bring(ctx, r.wanted(names))
}

func (r *runner) bring(ctx context.Context, wanted map[*node]bool) error {
	left := r.sources(wanted)
	if err := r.catchUp(ctx, wanted, left); err != nil {
		return err
	}
	for len(left) > 0 && !r.stopped() {
		s := left[0]
		left = left[1:]
		if err := r.read(ctx, s, wanted, engine.ReadOptions{}); err != nil {
			return err
		}
		if err := r.catchUp(ctx, wanted, left); err != nil {
			return err
		}
	}
	return nil
}

// wanted are the destinations of these names, all of them without names.
func (r *runner) wanted(names []sql.Name) map[*node]bool {
	out := map[*node]bool{}
	for _, n := range r.p.sorted() {
		if _, ok := n.destination(); ok && n.bound && (len(names) == 0 || slices.ContainsFunc(names, func(x sql.Name) bool { return sql.Same(x.Text, n.name) })) {
			out[n] = true
		}
	}
	return out
}

// catchUp gives each destination what the tables that it reads already have, one destination a version. One that reads whole what a
// source that is left has news for waits for it.
func (r *runner) catchUp(ctx context.Context, wanted map[*node]bool, left []*node) error {
	if err := r.sink(ctx); err != nil { // a run may have ended between a version and its sinks
		return err
	}
	waits := r.waiting(wanted, left)
	for _, n := range r.p.sorted() {
		if !wanted[n] || waits[n] {
			continue
		}
		behind := slices.ContainsFunc(n.inputs, func(in *input) bool {
			_, stored := in.of.destination()
			return stored && r.behind(edge{n, in.of})
		})
		if !behind {
			continue
		}
		if err := r.attempt(ctx, work{active: []*node{n}}); err != nil {
			return err
		}
		if r.stopped() {
			return nil
		}
	}
	return nil
}

// waiting are the destinations that read whole what sources that are left feed, and those that read them.
func (r *runner) waiting(wanted map[*node]bool, left []*node) map[*node]bool {
	out := map[*node]bool{}
	for _, s := range left {
		reach := r.downstream(s, wanted)
		for _, n := range r.p.sorted() {
			out[n] = out[n] || !reach[n] && slices.ContainsFunc(n.aside(), func(w *node) bool { return reach[w] })
		}
	}
	for _, n := range r.p.sorted() {
		out[n] = out[n] || slices.ContainsFunc(n.needs(), func(m *node) bool { return out[m] })
	}
	return out
}

// downstream are the wanted destinations that new rows of n reach, n's own readers first.
func (r *runner) downstream(n *node, wanted map[*node]bool) map[*node]bool {
	out := map[*node]bool{}
	for _, d := range r.p.sorted() {
		_, stores := d.destination() // a sink gets its rows behind the version
		for _, in := range d.inputs {
			if stores && wanted[d] && (in.of == n || out[in.of]) {
				out[d] = true
			}
		}
	}
	return out
}

// sources in the order in which they are read: those that feed what others read whole go first.
func (r *runner) sources(wanted map[*node]bool) []*node {
	var all []*node
	reach := map[*node]map[*node]bool{}
	for _, n := range r.p.nodes {
		if _, ok := n.source(); ok {
			if reach[n] = r.downstream(n, wanted); len(reach[n]) > 0 {
				all = append(all, n)
			}
		}
	}
	before := func(a, b *node) bool { // some destination fed by b reads whole what a feeds
		for d := range reach[b] {
			for _, w := range d.aside() {
				if reach[a][w] && !reach[b][w] {
					return true
				}
			}
		}
		return false
	}
	first := slices.DeleteFunc(slices.Clone(all), func(n *node) bool { // what it feeds is read whole where it isn't fed by n
		for d := range wanted {
			if !reach[n][d] && slices.ContainsFunc(d.aside(), func(w *node) bool { return reach[n][w] }) {
				return false
			}
		}
		return true
	})
	return ordered(append(first, all...), func(n *node) []*node {
		return slices.DeleteFunc(slices.Clone(all), func(m *node) bool { return m == n || !before(m, n) })
	})
}

// read takes one source to its end.
func (r *runner) read(ctx context.Context, s *node, wanted map[*node]bool, o engine.ReadOptions) error {
	rd, err := r.open(ctx, s, wanted, o)
	if err != nil {
		return r.unlessStopped(err)
	}
	defer rd.Close()
	return r.drain(ctx, s, rd, wanted)
}

// unlessStopped is the error, or nil where it is that the run was asked to end.
func (r *runner) unlessStopped(err error) error {
	if r.stopped() && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// open begins to read a source for those of the wanted destinations that take its new rows, or for those that o names.
func (r *runner) open(ctx context.Context, s *node, wanted map[*node]bool, o engine.ReadOptions) (engine.Reader, error) {
	if o.Destinations == nil {
		for _, d := range r.p.sorted() {
			if wanted[d] && slices.ContainsFunc(d.inputs, func(in *input) bool { return in.of == s }) {
				o.Destinations = append(o.Destinations, d.name)
			}
		}
	}
	r.progress = engine.Progress{Source: s.name}
	o.Stop = r.o.Stop
	if o.Warn == nil {
		o.Warn = r.warn
	}
	o.Aside, o.Waits = r.setAside, func() { r.leaves[s] = true }
	if o.Follow {
		o.Aside = o.Warn
	}
	o.Progress = func(p engine.Progress) {
		r.progress = p
		r.emit(ReadProgress{p})
	}
	g := &growing{r: r, s: s, o: o}
	return g, g.open(ctx)
}

// drain takes what a reader has, to its end.
func (r *runner) drain(ctx context.Context, s *node, rd engine.Reader, wanted map[*node]bool) error {
	for !r.stopped() {
		in, err := rd.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, engine.ErrIdle): // the run is to end
			continue
		case err == nil:
			err = r.take(ctx, s, in, wanted)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take runs a batch of a source through all that it reaches.
func (r *runner) take(ctx context.Context, s *node, in *engine.Input, wanted map[*node]bool) error {
	defer in.Release()
	var active []*node
	reached := map[*node]bool{}
	for _, d := range r.p.sorted() {
		for _, i := range d.inputs {
			if wanted[d] && (i.of == s && slices.Contains(in.Destinations, d.name) || reached[i.of]) {
				reached[d] = true
			}
		}
		if reached[d] {
			active = append(active, d)
		}
	}
	err := r.attempt(ctx, work{in: in, active: active})
	if errors.Is(err, engine.ErrAgain) {
		r.leaves[s] = true
		return nil
	}
	if err != nil && in.Blame != nil && ctx.Err() == nil {
		if blamed, failed := in.Blame(ctx); failed != nil || blamed {
			return failed
		}
	}
	if err != nil {
		return err
	}
	return r.snapshot(ctx, false)
}

// setAside keeps the error of a file that can't be read: the run ends with it, once all else is done.
func (r *runner) setAside(e *sql.Error) {
	for _, known := range r.aside {
		if known.Msg == e.Msg {
			return
		}
	}
	r.aside = append(r.aside, e)
}

// notRead are the errors of the files that were set aside, nil where there are none.
func (r *runner) notRead() error {
	if len(r.aside) == 0 {
		return nil
	}
	n := min(len(r.aside), maxNotRead)
	out := slices.Clone(r.aside[:n])
	if more := len(r.aside) - n; more > 0 {
		out = append(out, &sql.Error{Code: "unreadable", Exit: sql.ExitUnreachable, Msg: fmt.Sprintf("%d more files can't be read", more), Hint: "`dsql status` lists what is set aside, and dsql.files has why"})
	}
	return out
}

// maxNotRead is how many files are told of one by one.
const maxNotRead = 10
