package pyfunc

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"dsql/engine/duck"
)

// DuckDB hands a function the rows of one vector, up to 2,048. Many libraries take as long for these as for ten times as many. Where dsql
// owns the statement, what functions are asked for in it is computed ahead, many vectors at a time: the statement is rehearsed, its rows
// thrown away, while the arguments that calls come with are gathered and sent to workers; when it runs, each call finds by its arguments
// what they gave. One that finds nothing is computed as it comes, so that nothing hangs on both runs being alike: a function is pure.
//
// What a call gives isn't known yet in the rehearsal, and NULL stands for it. So what DuckDB computes of those rows from there on is
// nothing, and calls that come then (whose arguments, or whether they come at all, may hang on it) aren't taken: a chunk begins where the
// rows come from (Mark), goes through the statement on one thread, and the first call that isn't known yet is the last of it. The next
// rehearsal knows that one, and takes those behind it.

// Ahead is what was computed for the statements whose context has it.
type Ahead struct {
	mu        sync.Mutex
	found     map[asked]*piece // nil: it failed, and is computed once more where the statement asks for it
	size      int
	rehearsal *rehearsal // that is going on
}

// asked is a call by its arguments.
type asked struct {
	of
	rows int
	a, b uint64 // of all that the arguments are
}

var seedA, seedB = maphash.MakeSeed(), maphash.MakeSeed()

const (
	gatheredRows  = 16 << 10 // of a request
	gatheredBytes = 16 << 20
	mostAhead     = 512 << 20 // bytes of results that are kept; what comes then is computed as it comes
	shareOfLimit  = 8         // a request with many rows may take so much of the time that a call has
)

type aheadKey struct{}

// WithAhead gives a context whose statements find in it what was computed ahead. It must be closed.
func WithAhead(ctx context.Context) (context.Context, *Ahead) {
	a := &Ahead{found: map[asked]*piece{}}
	return context.WithValue(ctx, aheadKey{}, a), a
}

func aheadOf(ctx context.Context) *Ahead {
	a, _ := ctx.Value(aheadKey{}).(*Ahead)
	return a
}

// Close forgets what was computed.
func (a *Ahead) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.found {
		if p != nil {
			p.block.Free()
		}
	}
	a.found = nil
}

// markName is the function that rows are marked by.
const markName = "dsql_marked"

// Mark are the rows of a FROM-item, each chunk of which begins here.
func Mark(rel *duck.Query) *duck.Query {
	return duck.SQL("(SELECT * FROM {rel} WHERE {mark}() = 1)", duck.Args{"rel": rel, "mark": duck.Ident(markName)})
}

// register makes known Mark's function, and Stopped.
func register(c *duck.Conn) error {
	if err := c.Register(duck.Function{Name: stoppedName, Params: []duck.Type{"BIGINT"}, Returns: "BIGINT", Volatile: true, Outside: true,
		Call: hostOf(c.DB).stopped}); err != nil {
		return err
	}
	return c.Register(duck.Function{Name: markName, Returns: "BIGINT", Volatile: true, Outside: true, Call: func(call *duck.Call) error {
		if a := aheadOf(call.Context()); a != nil {
			a.begin(call.Thread())
		}
		for i, out := 0, call.OutInts(); i < call.N; i++ {
			out[i] = 1
		}
		return nil
	}})
}

// rehearsal is one run of a statement for what it calls.
type rehearsal struct {
	ctx     context.Context
	flows   map[uintptr]bool // by thread: a chunk goes through it, and all of it is known; false: not all
	waiting map[of]*gathered
	taken   int            // calls
	failed  map[int64]bool // rows that calls known by now failed for, by number
	trial   bool           // all is computed as it comes, and what fails is told
	sent    sync.WaitGroup
	slots   chan struct{}
}

// of are calls that may go to a worker together.
type of struct {
	f    *Function
	skip bool
}

// gathered are those that wait for others.
type gathered struct {
	calls []asked
	args  []args
	rows  int
	bytes int
}

// Rehearse computes ahead what a query's calls give, where the context has an Ahead. Its rows come through Mark. depth is how many calls a
// row may go through. An error may be one that the statement itself doesn't have.
func Rehearse(ctx context.Context, c *duck.Conn, q *duck.Query, depth int) error {
	a := aheadOf(ctx)
	if a == nil {
		return nil
	}
	for range depth {
		r := &rehearsal{ctx: ctx, flows: map[uintptr]bool{}, failed: map[int64]bool{}, waiting: map[of]*gathered{}, slots: make(chan struct{}, mostSent)}
		a.set(r)
		err := runAll(ctx, c, q)
		a.set(nil)
		for o := range r.waiting {
			a.send(r, o)
		}
		r.sent.Wait()
		if err != nil || r.taken == 0 {
			return err
		}
	}
	return nil
}

// runAll computes all columns of a query, in the order that a statement which keeps them has: so chunks come as they will then.
func runAll(ctx context.Context, c *duck.Conn, q *duck.Query) error {
	return c.Run(ctx, duck.SQL("SELECT last(1), count(COLUMNS(*)) FROM ({q})", duck.Args{"q": q}))
}

// Try runs a query to see for which rows functions fail: Rejected has them. What its calls give is found by what the context is for.
func Try(ctx context.Context, c *duck.Conn, q *duck.Query) error {
	if a := aheadOf(ctx); a != nil {
		a.set(&rehearsal{trial: true})
		defer a.set(nil)
	}
	return runAll(ctx, c, q)
}

func (a *Ahead) set(r *rehearsal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rehearsal = r
}

// mostSent is how many requests of a rehearsal wait for workers.
const mostSent = 4

func (a *Ahead) begin(thread uintptr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rehearsal != nil {
		a.rehearsal.flows[thread] = true
	}
}

// compute gives a call its result: what was found, in a rehearsal NULL for what wasn't.
func (a *Ahead) compute(f *Function, call *duck.Call, in args, skip bool) ([]failedRow, error) {
	k := asked{of: of{f, skip}, rows: in.rows, a: hashOfArgs(seedA, in), b: hashOfArgs(seedB, in)}
	a.mu.Lock()
	p, known := a.found[k]
	r := a.rehearsal
	if p == nil && !skip { // that none failed is as good
		k.skip = true
		if p = a.found[k]; p != nil && len(p.failed) > 0 {
			p = nil
		}
		k.skip = false
	}
	if p != nil {
		block := p.block.Part(0, len(p.block.Bytes()))
		a.mu.Unlock()
		in.done()
		return p.failed, call.Result(f.out, p.words, block)
	}
	if r == nil {
		a.mu.Unlock()
		return f.direct(call, in, skip)
	}
	if r.trial {
		a.mu.Unlock()
		return a.direct(k, call, in)
	}
	thread := call.Thread()
	whole, marked := r.flows[thread]
	if !marked { // what these rows come of isn't the batch, a subquery say, and is known
		a.mu.Unlock()
		return a.direct(k, call, in)
	}
	full := false
	if whole && !known && a.size < mostAhead {
		full = a.gather(k, in)
	}
	r.flows[thread] = false
	a.mu.Unlock()
	if full {
		a.send(r, k.of)
	}
	call.Nulls(carried(f.Returns))
	return nil, nil
}

// direct has a worker compute a call, and keeps what it gave.
func (a *Ahead) direct(k asked, call *duck.Call, in args) ([]failedRow, error) {
	pieces, err := k.f.ask(call.Context(), []args{in}, k.skip)
	in.done()
	if err != nil {
		return nil, k.f.explain(err)
	}
	p := pieces[0]
	block := p.block.Part(0, len(p.block.Bytes()))
	a.mu.Lock()
	if a.found[k] != nil { // by another thread
		p.block.Free()
	} else {
		a.found[k] = &p
		a.size += len(block.Bytes())
	}
	a.mu.Unlock()
	return p.failed, call.Result(k.f.out, p.words, block)
}

func hashOfArgs(seed maphash.Seed, in args) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.Write(bytesOf(in.frame.Words))
	h.Write(in.frame.Body)
	return h.Sum64()
}

// rehearsing is the rehearsal that goes on: what fails in it is told when it counts.
func (a *Ahead) rehearsing() *rehearsal {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.rehearsal; r != nil && !r.trial {
		return r
	}
	return nil
}

// gather takes a call in, and says whether there are enough now; a.mu is held.
func (a *Ahead) gather(k asked, in args) bool {
	r := a.rehearsal
	r.taken++
	g := r.waiting[k.of]
	if g == nil {
		g = &gathered{}
		r.waiting[k.of] = g
	}
	a.found[k] = nil // not again
	g.calls, g.args, g.rows, g.bytes = append(g.calls, k), append(g.args, in), g.rows+in.rows, g.bytes+len(in.frame.Body)
	return int64(g.rows) >= k.f.pace.rows(k.f.Rows, k.f.Options.Timeout) || g.bytes >= gatheredBytes
}

// send has a worker compute what was gathered. It waits while too many do.
func (a *Ahead) send(r *rehearsal, o of) {
	a.mu.Lock()
	g := r.waiting[o]
	delete(r.waiting, o)
	a.mu.Unlock()
	if g == nil {
		return
	}
	r.slots <- struct{}{}
	r.sent.Go(func() {
		defer func() { <-r.slots }()
		began := time.Now()
		pieces, err := o.f.ask(r.ctx, g.args, o.skip)
		for _, c := range g.args {
			c.done()
		}
		o.f.pace.took(g.rows, time.Since(began))
		if err != nil { // the statement asks once more, and says what is wrong
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		for i := range pieces {
			a.found[g.calls[i]] = &pieces[i]
			a.size += len(pieces[i].block.Bytes())
		}
	})
}

// pace is how long a function takes for a row, so that a request with many stays far from a time limit that was set with few in mind.
type pace struct{ row atomic.Int64 }

func (p *pace) took(rows int, d time.Duration) { p.row.Store(max(1, int64(d)/int64(rows))) }

// rows are how many of those that are wanted.
func (p *pace) rows(wanted int64, limit time.Duration) int64 {
	if wanted == 0 {
		wanted = gatheredRows
	}
	row := p.row.Load()
	switch {
	case limit == 0:
		return wanted
	case row == 0: // one vector, to know it
		return 1
	}
	return min(wanted, int64(limit)/shareOfLimit/row)
}
