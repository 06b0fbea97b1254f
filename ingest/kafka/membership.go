package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// membership is a source's part in a consumer group: each member has a file of its own and some of the partitions. A partition is
// given up only when all that was read of it is in the file and the group knows it, so the next member begins right behind. The
// place in the file wins where it is further than the group's: a member that was killed in between reads nothing twice.
type membership struct {
	mu       sync.Mutex
	settled  *sync.Cond
	cl       *kgo.Client
	assigned bool
	inFlight int // batches that were handed over and are not in the file
	over     bool
}

func newMembership(ctx context.Context) *membership {
	m := &membership{}
	m.settled = sync.NewCond(&m.mu)
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		m.over = true
		m.mu.Unlock()
		m.settled.Broadcast()
	})
	return m
}

func (m *membership) use(cl *kgo.Client) {
	m.mu.Lock()
	m.cl = cl
	m.mu.Unlock()
}

func (m *membership) joined() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.assigned
}

func (m *membership) sent() {
	m.mu.Lock()
	m.inFlight++
	m.mu.Unlock()
}

func (m *membership) written() {
	m.mu.Lock()
	m.inFlight--
	m.mu.Unlock()
	m.settled.Broadcast()
}

// commit tells the group how far the file is.
func (m *membership) commit(ctx context.Context, at positions) {
	m.mu.Lock()
	cl := m.cl
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cl.CommitOffsetsSync(ctx, groupOffsets(at), nil) // what it can't be told now it is told with the next batch
}

func groupOffsets(at positions) map[string]map[int32]kgo.EpochOffset {
	out := map[string]map[int32]kgo.EpochOffset{}
	for tp, p := range at {
		if out[tp.topic] == nil {
			out[tp.topic] = map[int32]kgo.EpochOffset{}
		}
		out[tp.topic][tp.partition] = kgo.EpochOffset{Epoch: p.epoch, Offset: p.next}
	}
	return out
}

// settle waits until all that was handed over is in the file.
func (m *membership) settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.inFlight > 0 && !m.over {
		m.settled.Wait()
	}
}

func (m *membership) onAssigned(context.Context, *kgo.Client, map[string][]int32) {
	m.mu.Lock()
	m.assigned = true
	m.mu.Unlock()
}
