package serve

import (
	"context"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"dsql/engine/duck"
	"dsql/serve/quack"
	"dsql/sql"
	"dsql/sql/code"
)

// Strangers share DuckDB's memory and its temporary files with the writer. Sorts, joins and groups go to temporary files where memory is
// short; what can't go there (lists, long texts, exact quantiles) is watched while strangers run, and they are stopped, one after the
// other, before it takes what is kept for the writer. What DuckDB doesn't count is bounded below it: see duck.AllowLarge.

// bounds are those of a file.
type bounds struct {
	conn    *duck.Conn // looks; one goroutine at a time
	base    int64      // what the process has beside
	quack   *quack.Server
	stopped *atomic.Int64

	mu      sync.Mutex
	running map[*stranger]bool // longer than a moment
	ended   chan struct{}      // closed when nobody watches any more; nil: nobody does
	closed  bool
	trimmed time.Time
	last    time.Time // somebody was stopped
}

// stranger is a statement of theirs, or a part of its rows, that runs.
type stranger struct {
	began time.Time
	stop  context.CancelCauseFunc
	told  *refusal // why it was stopped
	over  bool
}

const (
	glanceEvery = 10 * time.Millisecond
	glanceOpen  = 200 * time.Millisecond // while only open results hold something
	dies        = 200 * time.Millisecond // so long one that was stopped has before the next is
	trimEvery   = time.Second
	longestEnd  = 5 * time.Second // the writer waits so long for those that it stops
	reservedOf  = 4               // a quarter of memory, and of temporary files, is the writer's
	leastSpare  = 256 << 20       // for what DuckDB doesn't count
)

// What those are told who are stopped.
var (
	errNoMemory = noRoom("the query needed more memory than is left beside the writer")
	errNoFiles  = noRoom("the query needed more room for temporary files than is left beside the writer")
)

func noRoom(what string) *refusal {
	return &refusal{http.StatusServiceUnavailable, sql.Errorf(code.NoRoom, "%s", what).WithHint(askForLess)}
}

const askForLess = "ask for fewer rows, columns or groups at a time, or let whoever runs the server raise --memory-limit or --temp-limit"

func newBounds(ctx context.Context, db *duck.DB, q *quack.Server, stopped *atomic.Int64) (*bounds, error) {
	c, err := db.Reader(ctx)
	if err != nil {
		return nil, err
	}
	m, err := c.Memory(ctx)
	return &bounds{conn: c, base: max(duck.Resident()-m.Used, 0), quack: q, stopped: stopped, running: map[*stranger]bool{}}, err
}

// run runs what a stranger asks, which stop ends, behind others and within bounds.
func (b *bounds) run(stop context.CancelCauseFunc, f func() error) error {
	x := &stranger{began: time.Now(), stop: stop}
	err := behind(f, func() { b.add(x) })
	b.mu.Lock()
	defer b.mu.Unlock()
	x.over = true
	if delete(b.running, x); err != nil && x.told != nil {
		return x.told
	}
	return err
}

// add watches one that takes longer than a moment.
func (b *bounds) add(x *stranger) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if x.over || b.closed {
		return
	}
	if b.running[x] = true; b.ended == nil {
		b.ended = make(chan struct{})
		go b.watch()
	}
}

// close ends it; nobody runs any more.
func (b *bounds) close() {
	b.mu.Lock()
	b.closed = true
	ended := b.ended
	b.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// watch looks until nobody runs, and nothing is open.
func (b *bounds) watch() {
	for {
		b.look()
		b.mu.Lock()
		wait := glanceEvery
		if len(b.running) == 0 {
			if open, _ := b.quack.Open(); open == 0 || b.closed {
				close(b.ended)
				b.ended = nil
				duck.AllowAll()
				b.mu.Unlock()
				return
			}
			wait = glanceOpen
		}
		b.mu.Unlock()
		time.Sleep(wait)
	}
}

// look stops somebody where there is too little room.
func (b *bounds) look() {
	m, err := b.conn.Memory(context.Background())
	var why *refusal
	switch {
	case err != nil, m.Limit > 0 && m.Pinned > m.Limit-m.Limit/reservedOf: // to look needs next to none
		why = errNoMemory
	case m.TempLimit > 0 && m.Temp > m.TempLimit-m.TempLimit/reservedOf:
		why = errNoFiles
	}
	if has := duck.Resident(); has > 0 && m.Limit > 0 {
		most := b.base + m.Limit + max(m.Limit/8, leastSpare)
		if has > most-leastSpare/4 && time.Since(b.trimmed) > trimEvery { // it may be free
			duck.TrimMemory()
			b.trimmed, has = time.Now(), duck.Resident()
		}
		duck.AllowLarge(most-has, most+max(m.Limit/reservedOf, leastSpare)-has)
		if has > most {
			why = errNoMemory
		}
	}
	if why != nil {
		b.stop(why)
	}
}

// stop ends who has run for longest; where nobody runs, what is open and wasn't asked for longest.
func (b *bounds) stop(why *refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.last) < dies {
		return
	}
	var oldest *stranger
	for x := range b.running {
		if x.told == nil && (oldest == nil || x.began.Before(oldest.began)) {
			oldest = x
		}
	}
	switch {
	case oldest != nil:
		oldest.told = why
		oldest.stop(why)
	case len(b.running) > 0 || !b.quack.Shed(why.err): // those that were stopped have some way to go
		return
	}
	b.last = time.Now()
	b.stopped.Add(1)
}

// clear stops all that strangers run and have open, because the writer found no room.
func (b *bounds) clear() (n int) {
	b.mu.Lock()
	for x := range b.running {
		n++
		x.told = errNoMemory
		x.stop(errNoMemory)
	}
	b.mu.Unlock()
	for b.quack.Shed(errNoMemory.err) {
		n++
	}
	b.stopped.Add(int64(n))
	for until := time.Now().Add(longestEnd); time.Now().Before(until); time.Sleep(glanceEvery) {
		b.mu.Lock()
		left := len(b.running)
		b.mu.Unlock()
		if left == 0 {
			break
		}
	}
	return n
}

// tempLimit is how much temporary files may take: so much that a disk isn't filled by strangers.
func tempLimit(o Options) int64 {
	if o.Limits.Temp > 0 {
		return o.Limits.Temp
	}
	return freeOn(filepath.Dir(o.DB)) / 2
}
