package run

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/look"
	"dsql/pipeline/program"
	"dsql/quality"
	"dsql/sql"
	"dsql/sql/code"
)

// runner is a run in progress.
type runner struct {
	look.Viewer
	progress
	refreshed  bool                   // the script has a REFRESH
	last       bool                   // nobody goes on with the file behind it: sinks keep nothing waiting
	aside      sql.List               // files that can't be read
	leaves     map[*program.Node]bool // sources of which files wait
	outlets    map[*program.Node]kind.Outlet
	posts      map[*program.Node]*post
	lines      map[*program.Node]*duck.Conn // that errands read by
	whispers   whispers
	deliveries map[*program.Node]*delivery // on their way
	watches    map[*program.Node]kind.Watch
	alerts     alerts
	file       identity
	selected   map[*program.Node]bool      // what the run is to bring up to date; nil: all
	broken     map[*program.Node]error     // sinks that write nothing more in this run
	again      map[*program.Node]time.Time // when sinks are tried again whose place outside is away
	told       map[*program.Node]*kind.Reminder
	gathers    map[*program.Node]bool // sinks that have versions waiting
	reading    kind.Progress          // of the source in hand
	session    session
	rehearsed  map[*program.Node]calls // what destinations call outside of DuckDB, once it was asked
	sum        event.Finished
	copied     int64 // the version that the snapshot has
	uncopied   bool  // the last could not be written, and that was told
	copy       os.FileInfo
	copiedAt   time.Time // when it was made
	original   *os.File  // what it is a copy of

	erased  map[*program.Node]bool // destinations that keys were erased from
	leftOut map[*program.Node]bool // that rows of such keys were left out was told

	sources *sources                         // how far they are read
	aheads  map[*program.Node]*kind.Reminder // that times are ahead of the clock
}

func newRunner(ctx context.Context, p *program.Program, c *duck.Conn, o program.Options) (*runner, error) {
	r := &runner{Viewer: look.Viewer{Program: p, Conn: c, Options: o}, progress: newProgress(), leaves: map[*program.Node]bool{},
		watches: map[*program.Node]kind.Watch{}, gathers: map[*program.Node]bool{}, posts: map[*program.Node]*post{},
		rehearsed: map[*program.Node]calls{},
		leftOut:   map[*program.Node]bool{}, sources: newSources(),
		aheads: map[*program.Node]*kind.Reminder{}}
	var err error
	if r.selected, err = p.Selected(o.Select); err != nil {
		return nil, err
	}
	if err := r.loadPlaces(ctx); err != nil {
		return nil, err
	}
	if err := r.loadErased(ctx); err != nil {
		return nil, err
	}
	return r, r.loadGuarded(ctx)
}

func (r *runner) stopped() bool {
	select {
	case <-r.Options.Stop:
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
	if err := r.watch(ctx, false); err != nil {
		return err
	}
	if err := r.alert(ctx); err != nil {
		return err
	}
	return r.sink(ctx)
}

var refreshVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "REFRESH", NoName: true,
		Head: []sql.Clause{{Arg: sql.ArgNameList, Doc: "destinations to bring up to date; without names all of them"}},
		Doc: "Takes in what is new in the sources, up to the end seen when it starts. A script that declares something and has no REFRESH " +
			"ends with one.",
		Example: "REFRESH"},
	Check: func(p *program.Program, d *sql.Decl) error {
		var errs sql.List
		for _, name := range refreshed(d) {
			if n := p.Relation(name.Text); n == nil {
				errs = append(errs, p.NotDeclared("relation", name, d))
			} else if _, src := n.Source(); src {
				errs = append(errs, d.At(name.Span).Errorf(code.RefreshSource, "%s is a source; REFRESH takes destinations", name.Text).
					WithHint("name the streams or journals that read it, or none for all"))
			}
		}
		return errs.Err()
	},
	Run: action(func(r *runner, ctx context.Context, d *sql.Decl) error {
		r.refreshed = true
		return r.bring(ctx, r.picked(refreshed(d)))
	}),
}

// refreshed are the names in REFRESH, nil for all.
func refreshed(d *sql.Decl) []sql.Name {
	if v := d.Arg("#0"); v != nil {
		return v.Names
	}
	return nil
}

// bring brings destinations up to date: what stored tables have for them first, then each source to the end seen now.
func (r *runner) bring(ctx context.Context, wanted map[*program.Node]bool) error {
	left := r.inOrder(wanted)
	if err := r.catchUp(ctx, wanted, left); err != nil {
		return err
	}
	for len(left) > 0 && !r.stopped() {
		s := left[0]
		left = left[1:]
		if err := r.read(ctx, s, wanted, kind.ReadOptions{}); err != nil {
			return err
		}
		if err := r.catchUp(ctx, wanted, left); err != nil {
			return err
		}
	}
	if err := r.closeIdle(ctx); err != nil {
		return err
	}
	return r.watch(ctx, true)
}

// wanted are the destinations of these names, all of them without names.
func (r *runner) wanted(names []sql.Name) map[*program.Node]bool {
	out := map[*program.Node]bool{}
	for _, n := range r.Program.Sorted() {
		if _, ok := n.Destination(); ok && n.Bound && (len(names) == 0 ||
			slices.ContainsFunc(names, func(x sql.Name) bool { return sql.Same(x.Text, n.Name) })) {
			out[n] = true
		}
	}
	return out
}

// picked are those of wanted that the run is to bring up to date.
func (r *runner) picked(names []sql.Name) map[*program.Node]bool {
	out := r.wanted(names)
	if r.selected != nil {
		maps.DeleteFunc(out, func(n *program.Node, _ bool) bool { return !r.selected[n] })
	}
	return out
}

// catchUp gives each destination what the tables that it reads already have, one destination a version. One that reads whole what a
// source that is left has news for waits for it.
func (r *runner) catchUp(ctx context.Context, wanted map[*program.Node]bool, left []*program.Node) error {
	if err := r.sink(ctx); err != nil { // a run may have ended between a version and its sinks
		return err
	}
	waits := r.waiting(wanted, left)
	for _, n := range r.Program.Sorted() {
		if !wanted[n] || waits[n] {
			continue
		}
		behind := slices.ContainsFunc(n.Inputs, func(in *program.Input) bool {
			_, stored := in.Of.Destination()
			return stored && r.behind(edge{n, in.Of})
		})
		if !behind {
			continue
		}
		if err := r.attempt(ctx, work{active: append([]*program.Node{n}, r.totals(n)...)}); err != nil {
			return err
		}
		if r.stopped() {
			return nil
		}
	}
	return nil
}

// waiting are the destinations that read whole what sources that are left feed, and those that read them.
func (r *runner) waiting(wanted map[*program.Node]bool, left []*program.Node) map[*program.Node]bool {
	out := map[*program.Node]bool{}
	for _, s := range left {
		reach := r.downstream(s, wanted)
		for _, n := range r.Program.Sorted() {
			out[n] = out[n] || !reach[n] && slices.ContainsFunc(n.Aside(), func(w *program.Node) bool { return reach[w] })
		}
	}
	for _, n := range r.Program.Sorted() {
		out[n] = out[n] || slices.ContainsFunc(n.Needs(), func(m *program.Node) bool { return out[m] })
	}
	return out
}

// downstream are the wanted destinations that new rows of n reach, n's own readers first.
func (r *runner) downstream(n *program.Node, wanted map[*program.Node]bool) map[*program.Node]bool {
	out := map[*program.Node]bool{}
	for _, d := range r.Program.Sorted() {
		_, stores := d.Destination() // a sink gets its rows behind the version
		for _, in := range d.Inputs {
			if stores && wanted[d] && (in.Of == n || out[in.Of]) {
				out[d] = true
			}
		}
	}
	return out
}

// inOrder are the sources in the order in which they are read: those that feed what others read whole go first.
func (r *runner) inOrder(wanted map[*program.Node]bool) []*program.Node {
	var all []*program.Node
	reach := map[*program.Node]map[*program.Node]bool{}
	for _, n := range r.Program.Nodes {
		if _, ok := n.Source(); ok {
			if reach[n] = r.downstream(n, wanted); len(reach[n]) > 0 {
				all = append(all, n)
			}
		}
	}
	before := func(a, b *program.Node) bool { // some destination fed by b reads whole what a feeds
		for d := range reach[b] {
			for _, w := range d.Aside() {
				if reach[a][w] && !reach[b][w] {
					return true
				}
			}
		}
		return false
	}
	first := slices.DeleteFunc(slices.Clone(all), func(n *program.Node) bool { // what it feeds is read whole where it isn't fed by n
		for d := range wanted {
			if !reach[n][d] && slices.ContainsFunc(d.Aside(), func(w *program.Node) bool { return reach[n][w] }) {
				return false
			}
		}
		return true
	})
	return program.Ordered(append(first, all...), func(n *program.Node) []*program.Node {
		return slices.DeleteFunc(slices.Clone(all), func(m *program.Node) bool { return m == n || !before(m, n) })
	})
}

// read takes one source to its end.
func (r *runner) read(ctx context.Context, s *program.Node, wanted map[*program.Node]bool, o kind.ReadOptions) error {
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
func (r *runner) open(ctx context.Context, s *program.Node, wanted map[*program.Node]bool, o kind.ReadOptions) (kind.Reader, error) {
	if o.Destinations == nil {
		for _, d := range r.Program.Sorted() {
			if wanted[d] && slices.ContainsFunc(d.Inputs, func(in *program.Input) bool { return in.Of == s }) {
				o.Destinations = append(o.Destinations, d.Name)
			}
		}
	}
	o.Headers = r.headers(s, o.Destinations)
	r.reading = kind.Progress{Source: s.Name}
	o.Stop = r.Options.Stop
	if o.Warn == nil {
		o.Warn = r.Warn
	}
	o.Aside, o.Waits = r.setAside, func() { r.leaves[s] = true }
	if o.Follow {
		o.Aside = o.Warn
	}
	o.Progress = func(p kind.Progress) {
		r.reading = p
		r.Emit(event.ReadProgress{Progress: p})
	}
	g := &growing{r: r, s: s, o: o}
	return g, g.open(ctx)
}

// headers are the conditions of destinations on the headers of a source's records.
func (r *runner) headers(s *program.Node, destinations []string) map[string][]kind.HeaderTest {
	out := map[string][]kind.HeaderTest{}
	for _, d := range r.Program.Sorted() {
		for i, in := range d.Inputs {
			if in.Of == s && slices.Contains(destinations, d.Name) && i == 0 && len(d.Inputs) == 1 {
				out[d.Name] = in.Headers()
			}
		}
	}
	return out
}

// drain takes what a reader has, to its end.
func (r *runner) drain(ctx context.Context, s *program.Node, rd kind.Reader, wanted map[*program.Node]bool) error {
	for !r.stopped() {
		in, err := rd.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			r.sources.end(s.Name)
			return nil
		case errors.Is(err, kind.ErrIdle): // the run is to end
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
func (r *runner) take(ctx context.Context, s *program.Node, in *kind.Input, wanted map[*program.Node]bool) error {
	defer in.Release()
	var active []*program.Node
	reached := map[*program.Node]bool{}
	for _, d := range r.Program.Sorted() {
		_, total := d.Total() // in step with what it reads, whether it is wanted or not
		for _, i := range d.Inputs {
			if total && d.Bound && reached[i.Of] || wanted[d] && (i.Of == s && slices.Contains(in.Destinations, d.Name) || reached[i.Of]) {
				reached[d] = true
			}
		}
		if reached[d] {
			active = append(active, d)
		}
	}
	err := r.attempt(ctx, work{in: in, active: active})
	if errors.Is(err, kind.ErrAgain) {
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
	r.sources = r.sources.with(in)
	return r.snapshot(ctx, false)
}
