package pyfunc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"dsql/engine/duck"
)

// Options say how the workers of a function run. Functions with the same options and modules share them.
type Options struct {
	Python  string        `json:"python,omitempty"`  // as declared; "": see findPython
	Env     string        `json:"env,omitempty"`     // the variable that Python is read from
	Workers int           `json:"workers,omitempty"` // at most; 0: as many as DuckDB has threads
	Timeout time.Duration `json:"timeout,omitempty"` // of a call; 0: none
	Memory  int64         `json:"memory,omitempty"`  // bytes of data of a worker; 0: no limit
	Dir     string        `json:"dir,omitempty"`     // the script's folder: paths start there
	Pool    string        `json:"pool,omitempty"`    // those of another pool are other processes
	Cores   int           `json:"-"`
}

// pool is workers that are alike. It has one slot at first. Another is added where it pays for what a process costs to start, which is seconds
// for a large library: where calls waited while the workers computed for several times as long, or did nothing for so long that they must be
// waiting for something else.
type pool struct {
	o       Options
	print   io.Writer
	free    chan *worker // slots: a worker that is idle, or nil where none was started
	mu      sync.Mutex
	slots   int
	waiting int           // calls
	busy    time.Duration // CPU of calls while others waited
	idle    time.Duration // what these calls waited for something else than a processor
	cost    time.Duration // CPU that a worker took to start, and to load what it has
	told    time.Time     // when a call ended
	closed  bool
}

const (
	slotCost = 4 // times what a worker costs, and at least
	slotBusy = 500 * time.Millisecond
	slotIdle = 5 * time.Second
)

func newPool(o Options, print io.Writer) *pool {
	p := &pool{o: o, print: print, free: make(chan *worker, max(1, o.Workers)), slots: 1}
	p.free <- nil
	return p
}

// take waits for a slot.
func (p *pool) take(ctx context.Context) (*worker, error) {
	select {
	case w := <-p.free:
		return w, nil
	default:
	}
	p.mu.Lock()
	wait := p.patience()
	more := p.slots < p.o.Workers
	p.waiting++
	p.mu.Unlock()
	t := time.NewTimer(wait)
	defer t.Stop()
	enough := t.C
	if !more {
		enough = nil
	}
	defer func() {
		p.mu.Lock()
		p.waiting--
		p.mu.Unlock()
	}()
	for {
		select {
		case w := <-p.free:
			return w, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-enough:
			p.mu.Lock()
			if left := wait - time.Since(p.told); left > 0 { // calls end, and what they took isn't much yet
				p.mu.Unlock()
				t.Reset(left)
				continue
			}
			enough = nil
			more := p.slots < p.o.Workers
			if more {
				p.slots++
			}
			p.mu.Unlock()
			if more {
				return nil, nil
			}
		}
	}
}

// patience is how long a call waits before another worker is started.
func (p *pool) patience() time.Duration {
	wait := max(slotIdle, slotCost*p.cost) // a call that goes on has told nothing yet
	if p.busy > max(slotBusy, slotCost*p.cost) || p.idle > wait {
		return 0
	}
	return wait
}

// give hands a slot back, with its worker where that can go on.
func (p *pool) give(w *worker) {
	if w != nil && !w.alive() {
		w.kill()
		w = nil
	}
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if closed && w != nil {
		w.close()
		w = nil
	}
	p.free <- w
}

// close ends the workers. Calls that are going on end theirs.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	for {
		select {
		case w := <-p.free:
			if w != nil {
				w.close()
			}
		default:
			return
		}
	}
}

// answer is what a call gave: a frame, and the rows that failed where those were to be skipped.
type answer struct {
	rows   int
	words  []int64
	block  *duck.Block
	failed []failedRow
	cpu    time.Duration
	idle   time.Duration
}

// failedRow is one for which the function gave an error.
type failedRow struct {
	Row  int
	Text string
}

func (f *failedRow) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&f.Row, &f.Text})
}

// wrong is what a worker says went wrong.
type wrong struct {
	Kind      string   `json:"kind"` // load, entry, signature, argument, raised, returned, worker
	Text      string   `json:"text"`
	Traceback string   `json:"traceback"`
	Frames    []frame  `json:"frames"`
	Row       *int     `json:"row"`
	Arguments []string `json:"arguments"`
	Hint      string   `json:"hint"`
	Module    string   `json:"module"` // that isn't installed
	Names     []string `json:"names"`  // of the functions that are there
	Memory    bool     `json:"memory"`

	rows       int
	executable string
}

func (w *wrong) Error() string { return w.Text }

// frame of a traceback.
type frame struct {
	File     string
	Line     int
	Name     string
	From, To *int // columns, where they are known
}

func (f *frame) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&f.File, &f.Line, &f.Name, &f.From, &f.To})
}

// ended is a worker that died, and the one in its place too.
type ended struct{ how string }

func (e *ended) Error() string { return e.how }

// call sends a batch to a worker. One that dies is started again, once.
func (p *pool) call(ctx context.Context, f *Function, req [][]byte, rows int) (a answer, err error) {
	w, err := p.take(ctx)
	if err != nil {
		return a, err
	}
	defer func() { p.give(w) }()
	for try := 1; ; try++ {
		if w == nil {
			if w, err = p.begin(ctx); err != nil {
				return a, err
			}
		}
		a, err = w.call(ctx, f, req, rows)
		switch {
		case errors.Is(err, errDied):
			how := w.died()
			w.kill()
			w = nil
			if try == 2 {
				return a, &ended{how}
			}
		case errors.Is(err, errTimeout), errors.Is(err, errFrame), ctx.Err() != nil:
			w.kill()
			w = nil
			return a, err
		default:
			p.used(a.cpu, a.idle, w.cost)
			return a, err
		}
	}
}

// used notes what a call took, and what its worker cost.
func (p *pool) used(cpu, idle, cost time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = time.Now()
	if p.cost = max(p.cost, cost); p.waiting > 0 {
		p.busy += cpu
		p.idle += idle
	}
}

// begin starts a worker.
func (p *pool) begin(ctx context.Context) (*worker, error) {
	o := p.o
	var err error
	if o.Python, err = findPython(o); err != nil {
		return nil, err
	}
	w, err := start(ctx, o, p.print)
	if errors.Is(err, errDied) { // somebody may have ended it
		w, err = start(ctx, o, p.print)
	}
	if err != nil {
		return nil, cantStart(o, err)
	}
	if w.hello.Missing != "" {
		w.close()
		return nil, noModule(o, w.hello)
	}
	return w, nil
}

// call loads the function where the worker doesn't have it yet.
func (w *worker) call(ctx context.Context, f *Function, req [][]byte, rows int) (a answer, err error) {
	w.output.begin(f.Name)
	if !w.loaded[f.id] {
		setup, err := f.setup()
		if err != nil {
			return a, err
		}
		h, _, j, err := w.ask(ctx, time.Now().Add(startTime), [][]byte{message(header{opLoad, f.id, 0, 0, 0, 0, int64(len(setup))}, setup)}, nil)
		if err != nil {
			return a, err
		}
		if h[0] != 0 {
			return a, w.wrong(j, rows)
		}
		w.loaded[f.id], w.cost = true, time.Duration(h[5])
	}
	var deadline time.Time
	if f.Options.Timeout > 0 {
		deadline = time.Now().Add(f.Options.Timeout)
	}
	h, b, j, err := w.ask(ctx, deadline, req, &a.words)
	if err != nil {
		return a, err
	}
	a.block, a.rows, a.cpu, a.idle = b, int(h[1]), time.Duration(h[5]), time.Duration(h[6])
	if h[0] != 0 {
		b.Free()
		return a, w.wrong(j, rows)
	}
	if len(j) > 0 {
		var text struct{ Failed []failedRow }
		if err := json.Unmarshal(j, &text); err != nil {
			b.Free()
			return a, fmt.Errorf("%w: %w", errFrame, err)
		}
		a.failed = text.Failed
	}
	return a, nil
}

func (w *worker) wrong(j []byte, rows int) error {
	e := &wrong{rows: rows, executable: w.hello.executable(w.cmd.Path)}
	if err := json.Unmarshal(j, e); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	return e
}
