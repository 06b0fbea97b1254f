package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// membership is a source's part in a consumer group: each member has a file of its own and some of the partitions. A partition is
// given up only when all that was read of it is in the file and the group knows it, so the next member begins right behind. The
// place in the file wins where it is further than the group's: a member that was killed in between reads nothing twice.
type membership struct {
	p *poller

	mu       sync.Mutex
	settled  *sync.Cond
	cl       *kgo.Client
	assigned bool
	inFlight int // batches that were handed over and are not in the file
	over     bool
}

func newMembership(p *poller) *membership {
	m := &membership{p: p}
	m.settled = sync.NewCond(&m.mu)
	context.AfterFunc(p.ctx, func() {
		m.mu.Lock()
		m.over = true
		m.mu.Unlock()
		m.settled.Broadcast()
	})
	return m
}

func (m *membership) options() []kgo.Opt {
	s := m.p.r.s
	opts := []kgo.Opt{kgo.ConsumerGroup(s.group), kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(10 * time.Second), kgo.HeartbeatInterval(2 * time.Second), kgo.RebalanceTimeout(2 * time.Minute),
		kgo.MetadataMaxAge(lookEvery),
		kgo.AdjustFetchOffsetsFn(m.begin), kgo.OnPartitionsAssigned(m.onAssigned), kgo.OnPartitionsRevoked(m.onRevoked),
		kgo.OnPartitionsLost(m.onLost)}
	if s.topics != nil {
		return append(opts, kgo.ConsumeRegex(), kgo.ConsumeTopics(s.topics.String()))
	}
	return append(opts, kgo.ConsumeTopics(s.topic))
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

// begin decides where partitions that come to this member go on.
func (m *membership) begin(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	p := m.p
	c, err := p.r.s.look(p.ctx, p.r.connection, p.r.admin)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	moved := positions{}
	var gaps []gap
	for topic, partitions := range offsets {
		for partition, o := range partitions {
			tp := topicPartition{topic, partition}
			at, known := p.x.from[tp]
			if !known { // one that came after the run began
				at = position{next: c.partitions[tp].start, epoch: -1, fresh: true}
			}
			if committed := o.EpochOffset(); committed.Offset >= 0 && (at.fresh || committed.Offset > at.next) {
				at = position{next: committed.Offset, epoch: committed.Epoch}
			}
			if at.topicID == "" {
				at.topicID, at.cluster = c.partitions[tp].topicID, c.id
			}
			at.fresh = false
			now, lost, err := p.r.s.judge(tp, at, c)
			if err != nil {
				p.fail(err)
				return nil, err
			}
			if lost != nil {
				moved[tp], gaps = now, append(gaps, *lost)
				p.r.warn(p.r.s.lossWarning(*lost))
			}
			p.at[tp] = now
			partitions[partition] = kgo.NewOffset().At(now.next).WithEpoch(now.epoch)
		}
	}
	if len(moved) > 0 {
		err = p.send(p.ctx, topicBatch{work: p.x, places: moved, gaps: gaps})
	}
	return offsets, err
}

func (m *membership) onAssigned(context.Context, *kgo.Client, map[string][]int32) {
	m.mu.Lock()
	m.assigned = true
	m.mu.Unlock()
}

// onRevoked gives partitions up: what was read of them goes into the file first. No poll runs meanwhile.
func (m *membership) onRevoked(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	p := m.p
	p.mu.Lock()
	if err := p.flushLocked(p.ctx); err != nil && !errors.Is(err, context.Canceled) {
		p.fail(err)
	}
	m.forget(gone)
	p.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.inFlight > 0 && !m.over {
		m.settled.Wait()
	}
}

// onLost: the group has given them to others already. What was read is kept: a journal takes it twice, a stream's coordinates tell.
func (m *membership) onLost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	m.p.mu.Lock()
	defer m.p.mu.Unlock()
	m.forget(gone)
}

func (m *membership) forget(gone map[string][]int32) {
	p := m.p
	for topic, partitions := range gone {
		for _, partition := range partitions {
			tp := topicPartition{topic, partition}
			if at, ok := p.at[tp]; ok {
				p.x.from[tp] = at
				delete(p.at, tp)
			}
		}
	}
}
