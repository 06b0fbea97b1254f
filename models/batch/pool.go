package batch

import "sync"

// Pool keeps what is needed for a call until the next one, as sync.Pool does: calls come from several threads.
type Pool[T any] struct {
	pool sync.Pool
	make func() *T
}

// NewPool has make for calls that find nothing.
func NewPool[T any](make func() *T) *Pool[T] { return &Pool[T]{make: make} }

// Get is one that nobody else has until it is Put back.
func (p *Pool[T]) Get() *T {
	if x, ok := p.pool.Get().(*T); ok {
		return x
	}
	return p.make()
}

// Put gives one back.
func (p *Pool[T]) Put(x *T) { p.pool.Put(x) }
