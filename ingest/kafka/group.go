package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Grouped: the brokers say which partitions a member reads.
func (s *Source) Grouped() bool { return s.group != "" }

// inGroup are the options of a client that reads as a member of the source's group.
func (p *poller) inGroup() []kgo.Opt {
	s := p.r.s
	opts := []kgo.Opt{kgo.ConsumerGroup(s.group), kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(10 * time.Second), kgo.HeartbeatInterval(2 * time.Second), kgo.RebalanceTimeout(2 * time.Minute),
		kgo.MetadataMaxAge(lookEvery),
		kgo.AdjustFetchOffsetsFn(p.begin), kgo.OnPartitionsAssigned(p.r.group.onAssigned), kgo.OnPartitionsRevoked(p.onRevoked),
		kgo.OnPartitionsLost(p.onLost)}
	if s.topics != nil {
		return append(opts, kgo.ConsumeRegex(), kgo.ConsumeTopics(s.topics.String()))
	}
	return append(opts, kgo.ConsumeTopics(s.topic))
}

// begin decides where partitions that come to this member go on.
func (p *poller) begin(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	c, err := p.r.s.look(p.ctx, p.r.env, p.r.connection, p.r.admin)
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

// onRevoked gives partitions up: what was read of them goes into the file first. No poll runs meanwhile.
func (p *poller) onRevoked(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	p.mu.Lock()
	if err := p.flushLocked(p.ctx); err != nil && !errors.Is(err, context.Canceled) {
		p.fail(err)
	}
	p.forget(gone)
	p.mu.Unlock()
	p.r.group.settle()
}

// onLost: the group has given them to others already. What was read is kept: a journal takes it twice, a stream's coordinates tell.
func (p *poller) onLost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(gone)
}

func (p *poller) forget(gone map[string][]int32) {
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
