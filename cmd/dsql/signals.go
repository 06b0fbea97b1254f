package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// signals are Ctrl-C and SIGTERM. The first ends the command at once and rolls back, but where the command works in batches it asks
// to end after the batch in hand, and the second rolls that back. One more ends the process, whatever it does.
type signals struct {
	stop    chan struct{}
	ended   atomic.Bool            // it was SIGTERM
	each    atomic.Pointer[func()] // not nil: each Ctrl-C is for it, and ends nothing else
	batches atomic.Pointer[func()] // says that the command will stop; nil: it doesn't work in batches, or was told already
}

func (s *streams) watchSignals() (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(context.Background())
	s.signals = &signals{stop: make(chan struct{})}
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case sig := <-ch:
				if each := s.signals.each.Load(); each != nil && sig == os.Interrupt {
					(*each)()
					continue
				}
				s.signals.ended.Store(sig == syscall.SIGTERM)
			}
			tell := s.signals.batches.Swap(nil)
			if tell == nil {
				signal.Stop(ch)
				cancel()
				return
			}
			(*tell)()
			close(s.signals.stop)
		}
	}()
	return ctx, func() {
		signal.Stop(ch)
		cancel()
	}
}

// batchEnd is closed by the first signal, after a call of tell: the command works in batches, and ends after the one in hand.
func (s *streams) batchEnd(tell func()) <-chan struct{} {
	s.signals.batches.Store(&tell)
	return s.signals.stop
}
