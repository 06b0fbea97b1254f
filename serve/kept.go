package serve

import (
	"container/list"
	"sync"
)

// kept are answers of endpoints, as they were written, for as long as the state of the file that they are of lasts: those that were asked
// for last, up to a number of bytes.
type kept struct {
	mu    sync.Mutex
	by    map[string]*list.Element
	last  list.List // of *keptAnswer, that asked for last first
	bytes int
}

// keptAnswer is one: its key says the endpoint as it was declared, what was asked, and how.
type keptAnswer struct {
	key     string
	epoch   uint64
	version int64
	body    []byte
}

// How much is kept: an answer costs some bytes more than its text.
const (
	mostKeptAnswers = 32 << 20
	mostKeptAnswer  = 32 << 10
	keptOverhead    = 256
)

func newKept() *kept { return &kept{by: map[string]*list.Element{}} }

// get is the answer of a state; nil: there is none.
func (k *kept) get(key string, epoch uint64) *keptAnswer {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.by[key]
	if e == nil {
		return nil
	}
	a, ok := e.Value.(*keptAnswer)
	if !ok || a.epoch != epoch {
		return nil
	}
	k.last.MoveToFront(e)
	return a
}

// put keeps an answer, in the place of one of another state.
func (k *kept) put(a *keptAnswer) {
	if len(a.body) > mostKeptAnswer {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.by[a.key]; e != nil {
		k.drop(e)
	}
	k.by[a.key] = k.last.PushFront(a)
	k.bytes += a.size()
	for k.bytes > mostKeptAnswers {
		k.drop(k.last.Back())
	}
}

func (k *kept) drop(e *list.Element) {
	if a, ok := k.last.Remove(e).(*keptAnswer); ok {
		delete(k.by, a.key)
		k.bytes -= a.size()
	}
}

func (a *keptAnswer) size() int { return len(a.key) + len(a.body) + keptOverhead }
