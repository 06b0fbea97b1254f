package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/engine/kind"
	"dsql/ingest/batch"
)

// poller reads one stretch.
type poller struct {
	r      *feed
	x      *stretchToRead
	cl     *kgo.Client
	follow bool

	mu      sync.Mutex // the callbacks of a group change these too
	at      positions
	buf     *batch.Buffer
	changed positions                // those of the buffer's records, behind them
	began   time.Time                // when the buffer got its first record
	reached bool                     // the end that was seen at first
	ends    map[topicPartition]int64 // that brokers told since then, while it follows

	rec    batch.Record
	looked time.Time
	came   time.Time                // the last record
	moved  time.Time                // a position last moved without a record
	away   time.Time                // since when the brokers don't answer
	lost   map[topicPartition]error // to be looked at, and why
	sick   sickness
	waits  kind.Reminder   // for a schema registry
	told   kind.Reminder   // of brokers that are away
	fatal  error           // guarded by mu
	ctx    context.Context // of the reading, for the callbacks of a group
}

// Limits of what the client holds beside the batches: larger fetches cost memory and win nothing.
const (
	fetchBytes          = 4 << 20
	fetchPartitionBytes = 1 << 20
	pollRecords         = 8192
	maxBatch            = 1 << 30 // what a batch may take: as the broker has it, and unpacked
)

// lag is batch_time with --follow.
const lag = time.Second

// problem is an error of a partition.
func (p *poller) problem(tp topicPartition, err error) {
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed):
	case errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.GroupAuthorizationFailed):
		p.fail(p.r.s.denied(p.r.connection, tp.topic, err))
	case tp.topic != "":
		if p.lost == nil {
			p.lost = map[topicPartition]error{}
		}
		p.lost[tp] = err
	}
}

// fail ends the reading at the next step.
func (p *poller) fail(err error) {
	if p.fatal == nil {
		p.fatal = err
	}
}

// add begins to consume partitions at positions.
func (p *poller) add(at positions) {
	m := map[string]map[int32]kgo.Offset{}
	for tp, pos := range at {
		if !p.follow && pos.next >= p.x.to[tp] {
			continue
		}
		if m[tp.topic] == nil {
			m[tp.topic] = map[int32]kgo.Offset{}
		}
		m[tp.topic][tp.partition] = kgo.NewOffset().At(pos.next).WithEpoch(pos.epoch)
	}
	p.cl.AddConsumePartitions(m)
}

// patience is how long a poll may wait.
func (p *poller) patience() time.Duration {
	if p.buf != nil && p.buf.Records() > 0 {
		return 50 * time.Millisecond
	}
	return 500 * time.Millisecond
}

// done says, once, that all was read up to the end that was seen at first.
func (p *poller) done() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reached || p.r.group != nil && !p.r.group.joined() {
		return len(p.sick.dead) > 0
	}
	for tp, pos := range p.at {
		if pos.next < p.x.to[tp] && p.sick.dead[tp] == nil {
			return false
		}
	}
	return true
}

// ripe says that a batch has been filled for long enough.
func (p *poller) ripe() bool {
	wait := p.r.quiet
	if wait == 0 {
		if wait = lag; !p.follow {
			return false
		}
	}
	return p.buf != nil && p.buf.Records() > 0 && time.Since(p.began) >= wait
}

// flushLocked hands over what there is. Positions that only control records moved go with the next batch, or are sent when none comes.
func (p *poller) flushLocked(ctx context.Context) error {
	if p.buf == nil || p.buf.Records() == 0 {
		return nil
	}
	p.buf.Names = p.r.landing.UnknownNames()
	b := topicBatch{work: p.x, buf: p.buf, places: p.changed, ended: p.ended()}
	p.buf, p.changed = nil, positions{}
	if p.r.group != nil {
		p.r.group.sent()
	}
	return p.send(ctx, b)
}

// ended says of each partition whether it is read to the end that is known of it.
func (p *poller) ended() map[kind.Part]bool {
	out := make(map[kind.Part]bool, len(p.at))
	for tp, pos := range p.at {
		out[kind.Part{Source: p.r.s.Stmt.Name, Topic: tp.topic, Partition: tp.partition}] = p.x.last && pos.next >= max(p.x.to[tp], p.ends[tp])
	}
	return out
}

func (p *poller) send(ctx context.Context, b topicBatch) error {
	p.r.wake()
	for {
		select {
		case p.r.ahead <- b:
			return nil
		case <-ctx.Done():
			if b.buf != nil {
				b.buf.Release()
			}
			return ctx.Err()
		case <-time.After(100 * time.Millisecond): // the receiver may have looked just before
			p.r.wake()
		}
	}
}

// sendPlaces hands over positions that no record moved: those behind markers of transactions, aborted records and holes.
func (p *poller) sendPlaces(ctx context.Context) error {
	b := topicBatch{work: p.x, places: p.changed}
	if p.changed = (positions{}); p.x.replay {
		return nil
	}
	return p.send(ctx, b)
}

// note keeps a position, for the file with the buffer in hand.
func (p *poller) note(tp topicPartition, pos position) {
	if old := p.at[tp]; old.next != pos.next {
		p.at[tp], p.changed[tp] = pos, pos
		p.moved = time.Now()
	}
}
