package pyfunc

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"dsql/engine/duck"
)

// Param is an argument of a function.
type Param struct {
	Name string
	Type duck.Type
}

// Spec is all that makes a function.
type Spec struct {
	Name     string    `json:"name"`
	Code     Code      `json:"code"`
	Params   []Param   `json:"params"`
	Returns  duck.Type `json:"returns"`
	Volatile bool      `json:"volatile,omitempty"`
	OnError  string    `json:"on_error,omitempty"` // FAIL (""), NULL or REJECT
	Options  Options   `json:"options"`
	// Rows is how many a call is given at once where it can be; 0: gatheredRows.
	Rows int64 `json:"-"`
	// Data is what the text finds under the name DATA, asked for when a worker loads it; nil: nothing.
	Data func() (string, error) `json:"-"`
}

// Function is a function that can be called.
type Function struct {
	Spec
	Native string // its name in DuckDB
	id     int64
	host   *host

	mu      sync.Mutex
	at      Place // where its text stands now
	in, out *duck.Arrow
	inAt    *duck.Arrow // with the row's number before the arguments
	opened  error
	once    sync.Once
	failed  tally
	pace    pace
}

// host is what the functions of one database share.
type host struct {
	db    *duck.DB
	print io.Writer

	mu        sync.Mutex
	pools     map[string]*pool
	functions map[string]*Function // by name in DuckDB
	rejected  map[int64]string     // rows by number, and why
	conn      *duck.Conn
}

var hosts struct {
	sync.Mutex
	of map[*duck.DB]*host
}

// hostOf is the database's: its workers end with it.
func hostOf(db *duck.DB) *host {
	hosts.Lock()
	defer hosts.Unlock()
	if h := hosts.of[db]; h != nil {
		return h
	}
	if hosts.of == nil {
		hosts.of = map[*duck.DB]*host{}
	}
	h := &host{db: db, print: os.Stderr, pools: map[string]*pool{}, functions: map[string]*Function{}}
	hosts.of[db] = h
	db.OnClose(func() {
		hosts.Lock()
		delete(hosts.of, db)
		hosts.Unlock()
		h.close()
	})
	return h
}

func (h *host) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range h.pools {
		wg.Go(p.close)
	}
	wg.Wait()
	for _, f := range h.functions {
		for _, a := range []*duck.Arrow{f.in, f.inAt, f.out} {
			if a != nil {
				a.Close()
			}
		}
	}
}

// pool is that of the options; what modules a function has counts too, since a process has one of a name.
func (h *host) pool(f *Function) (*pool, error) {
	key, err := json.Marshal(struct {
		Options
		Modules map[string]module
	}{f.Options, f.Code.Modules})
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.pools[string(key)]
	if p == nil {
		o := f.Options
		o.Cores = runtime.NumCPU()
		if o.Workers == 0 {
			o.Workers = o.Cores
		}
		p = newPool(o, h.print)
		h.pools[string(key)] = p
	}
	return p, nil
}

var ids atomic.Int64

// Register makes the function callable by its native name, which says what it is. What DuckDB was told in a transaction that is rolled back
// it forgets, so it is told each time.
func (s Spec) Register(c *duck.Conn, native string, at Place) (*Function, error) {
	h := hostOf(c.DB)
	h.mu.Lock()
	f := h.functions[native]
	h.mu.Unlock()
	if f == nil {
		f = &Function{Spec: s, Native: native, host: h, id: ids.Add(1)}
	}
	f.mu.Lock()
	f.at = at
	f.mu.Unlock()
	if err := c.Register(duck.Function{Name: native, Params: f.carried(), Returns: carried(f.Returns), Call: f.call, Volatile: s.Volatile,
		Outside: true}); err != nil {
		return nil, err
	}
	if s.OnError == "REJECT" {
		if err := c.Register(duck.Function{Name: f.nativeAt(), Params: append([]duck.Type{"BIGINT"}, f.carried()...), Returns: carried(f.Returns),
			Call: f.callAt, Volatile: s.Volatile, Outside: true}); err != nil {
			return nil, err
		}
	}
	h.mu.Lock()
	h.functions[native] = f
	h.mu.Unlock()
	return f, nil
}

// carried are the types that the arguments are handed over as.
func (f *Function) carried() []duck.Type {
	out := make([]duck.Type, len(f.Params))
	for i, p := range f.Params {
		out[i] = carried(p.Type)
	}
	return out
}

// open makes what its values are handed over by, at the first call.
func (f *Function) open() error {
	f.once.Do(func() { f.opened = f.host.open(f) })
	return f.opened
}

// open works on a connection of its own: that of the statement is busy.
func (h *host) open(f *Function) (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ctx := context.Background()
	if h.conn == nil {
		if h.conn, err = h.db.Reader(ctx); err != nil {
			return err
		}
	}
	if len(f.Params) > 0 {
		if f.in, err = h.conn.Arrow(ctx, f.carried()); err != nil {
			return err
		}
	}
	if f.OnError == "REJECT" {
		if f.inAt, err = h.conn.Arrow(ctx, append([]duck.Type{"BIGINT"}, f.carried()...)); err != nil {
			return err
		}
	}
	f.out, err = h.conn.Arrow(ctx, []duck.Type{carried(f.Returns)})
	return err
}

// call is one of DuckDB's: up to 2,048 rows.
func (f *Function) call(call *duck.Call) error {
	failed, err := f.compute(call, 0, f.OnError == "NULL")
	if aheadOf(call.Context()).rehearsing() == nil {
		f.failed.add(failed)
	}
	return err
}

func (f *Function) nativeAt() string { return f.Native + "_at" }

// callAt is call with the numbers of the rows: those that fail are noted.
func (f *Function) callAt(call *duck.Call) error {
	ids, valid := call.Ints(0)
	failed, err := f.compute(call, 1, true)
	if err != nil || len(failed) == 0 {
		return err
	}
	r := aheadOf(call.Context()).rehearsing()
	f.host.mu.Lock()
	defer f.host.mu.Unlock()
	if r != nil {
		for _, row := range failed {
			r.failed[ids[row.Row]] = true
		}
		return nil
	}
	if f.host.rejected == nil {
		f.host.rejected = map[int64]string{}
	}
	for _, row := range failed {
		if duck.IsNull(valid, row.Row) {
			return f.error(f.Name+": "+firstLine(row.Text), "its row can't be told from others, so that it can't be rejected")
		}
		if _, twice := f.host.rejected[ids[row.Row]]; !twice {
			f.host.rejected[ids[row.Row]] = "function: " + f.Name + ": " + firstLine(row.Text)
		}
	}
	return nil
}

const stoppedName = "dsql_stopped"

// Stopped is the name of a function of a row's number: 1 where a function with ON ERROR REJECT has failed for it, as far as it was called.
var Stopped = duck.Ident(stoppedName)

func (h *host) stopped(call *duck.Call) error {
	ids, valid := call.Ints(0)
	out := call.OutInts()
	r := aheadOf(call.Context()).rehearsing()
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range call.N {
		out[i] = 0
		if duck.IsNull(valid, i) {
			continue
		}
		_, failed := h.rejected[ids[i]]
		if r != nil {
			failed = r.failed[ids[i]]
		}
		if failed {
			out[i] = 1
		}
	}
	return nil
}

// hostIfAny is that of a file in which functions were made, nil for another.
func hostIfAny(db *duck.DB) *host {
	hosts.Lock()
	defer hosts.Unlock()
	return hosts.of[db]
}

// Rejected are the rows that functions with ON ERROR REJECT failed for since it was last asked: their numbers, and why.
func Rejected(db *duck.DB) map[int64]string {
	h := hostIfAny(db)
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.rejected
	h.rejected = nil
	return out
}

// compute gives the call its result, of its arguments from the first-th on. With skip rows that fail are NULL, and given.
func (f *Function) compute(call *duck.Call, first int, skip bool) ([]failedRow, error) {
	if err := f.open(); err != nil {
		return nil, err
	}
	in := newArgs(call.N)
	from := f.in
	if first > 0 {
		from = f.inAt
	}
	if from != nil {
		if err := call.Arguments(from, in.frame, first); err != nil {
			return nil, err
		}
	}
	a := aheadOf(call.Context())
	if a == nil || len(f.Params) == 0 {
		return f.direct(call, in, skip)
	}
	return a.compute(f, call, in, skip)
}

// direct has a worker compute the call.
func (f *Function) direct(call *duck.Call, in args, skip bool) ([]failedRow, error) {
	pieces, err := f.ask(call.Context(), []args{in}, skip)
	in.done()
	if err != nil {
		return nil, f.explain(err)
	}
	return pieces[0].failed, call.Result(f.out, pieces[0].words, pieces[0].block)
}

// setup is what a worker is told of the function.
func (f *Function) setup() ([]byte, error) {
	names, params := make([]string, len(f.Params)), make([]*Type, len(f.Params))
	for i, p := range f.Params {
		names[i], params[i] = p.Name, told(p.Type)
	}
	at := f.place()
	s := map[string]any{"id": f.id, "name": f.Name, "entry": f.Code.Entry, "params": params, "names": names,
		"returns": told(f.Returns),
		"path":    f.Code.folders(f.Options.Dir)}
	modules := map[string]any{}
	for name, m := range f.Code.Modules {
		modules[name] = []any{m.Path, m.Text, m.Package}
	}
	s["modules"] = modules
	if f.Data != nil {
		data, err := f.Data()
		if err != nil {
			return nil, err
		}
		s["data"] = data
	}
	if f.Code.Module != "" {
		s["module"] = f.Code.Module
	} else {
		s["text"], s["file"], s["line"], s["stem"] = f.Code.Text, at.file(), at.line(), stemOf(at.file())
	}
	return json.Marshal(s)
}

func (f *Function) place() Place {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}
