package serve

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"dsql/engine/kind"
	"dsql/pipeline/program"
	pageview "dsql/pipeline/view"
)

// How many records of topics wait is known to the brokers alone. They are asked beside the pages, while somebody looks at these: no page
// waits for a broker.

const (
	lagEvery  = 5 * time.Second
	lagWithin = 10 * time.Second // brokers have to answer
	looksFor  = time.Minute      // somebody who asked for a page looks at it for so long
)

// lags are what the brokers said last, by source.
type lags struct {
	mu    sync.Mutex
	known map[string]int64
	turn  uint64 // counts what they said that was new
	asked time.Time
}

func (l *lags) last() (map[string]int64, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known, l.turn
}

// looked: somebody asks for a page.
func (l *lags) looked() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Now()
}

func (l *lags) wanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.asked) < looksFor
}

func (l *lags) said(known map[string]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !maps.Equal(known, l.known) {
		l.known = known
		l.turn++
	}
}

// askLags goes on until the server ends.
func (s *server) askLags(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.halt:
			cancel()
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(lagEvery)
	defer tick.Stop()
	for {
		if s.pages.watchers.Load() > 0 || s.lags.wanted() {
			s.askLag(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// askLag asks once. Where that fails nothing is known.
func (s *server) askLag(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lagWithin)
	defer cancel()
	s.use.RLock()
	defer s.use.RUnlock()
	s.pages.mu.Lock()
	p := s.pages.program
	s.pages.mu.Unlock()
	if p == nil || !slices.ContainsFunc(p.Nodes, func(n *program.Node) bool { _, ok := n.Obj.(kind.Lagging); return ok }) {
		return
	}
	c, err := s.file.db.Reader(ctx)
	if err != nil {
		return
	}
	defer c.Close()
	known, err := pageview.Lags(ctx, p, c)
	if err != nil {
		known = nil
	}
	s.lags.said(known)
}
