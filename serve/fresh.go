package serve

import (
	"sync"
	"time"
)

// Fresh is something that is read from files again and again, so that what they say holds soon after they have changed.
type Fresh[T any] struct {
	mu     sync.Mutex
	value  T
	read   func() (T, error)
	warn   func(error)
	asked  time.Time
	failed string // what was told last
}

// FreshFor is how long what was read is taken for what the files say.
const FreshFor = 2 * time.Second

// NewFresh begins with what was read. Where read fails the value stays, and warn is told once.
func NewFresh[T any](value T, read func() (T, error), warn func(error)) *Fresh[T] {
	return &Fresh[T]{value: value, read: read, warn: warn, asked: time.Now()}
}

// Get is the value.
func (f *Fresh[T]) Get() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.asked) < FreshFor {
		return f.value
	}
	f.asked = time.Now()
	switch value, err := f.read(); {
	case err == nil:
		f.value, f.failed = value, ""
	case err.Error() != f.failed:
		f.failed = err.Error()
		f.warn(err)
	}
	return f.value
}
