package kafka

import (
	"context"
	"errors"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/ingest/batch"
)

// Limits of what the client holds beside the batches: larger fetches cost memory and win nothing.
const (
	fetchBytes          = 4 << 20
	fetchPartitionBytes = 1 << 20
	pollRecords         = 8192
	maxBatch            = 1 << 30 // what a batch may take: as the broker has it, and unpacked
)

// lag is batch_time with --follow.
const lag = time.Second

// open are the partitions of a stretch that have something to be read.
func (x *stretchToRead) open() []topicPartition {
	var out []topicPartition
	for tp, p := range x.from {
		if p.next < x.to[tp] {
			out = append(out, tp)
		}
	}
	return out
}

// readAhead reads the work, stretch by stretch.
func (r *reader) readAhead(ctx context.Context) {
	defer r.running.Done()
	r.end = io.EOF
	defer close(r.ahead)
	defer r.wake()
	for i := range r.work {
		x := &r.work[i]
		if len(x.open()) == 0 && !(x.last && (r.o.Follow || r.s.group != "")) {
			continue
		}
		p := &poller{r: r, x: x, at: maps.Clone(x.from), changed: positions{}, follow: x.last && r.o.Follow}
		if err := p.read(ctx); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			r.end = r.s.reachError(r.connection, err)
			return
		}
	}
}

// poller reads one stretch.
type poller struct {
	r      *reader
	x      *stretchToRead
	cl     *kgo.Client
	follow bool

	mu      sync.Mutex // the callbacks of a group change these too
	at      positions
	buf     *batch.Buffer
	changed positions // those of the buffer's records, behind them
	began   time.Time // when the buffer got its first record
	reached bool      // the end that was seen at first

	rec    batch.Record
	looked time.Time
	came   time.Time                // the last record
	moved  time.Time                // a position last moved without a record
	away   time.Time                // since when the brokers don't answer
	lost   map[topicPartition]error // to be looked at, and why
	sick   sickness
	waits  bool            // for a schema registry, which was told
	fatal  error           // guarded by mu
	ctx    context.Context // of the reading, for the callbacks of a group
}

func (p *poller) read(ctx context.Context) error {
	defer func() {
		if p.buf != nil {
			p.buf.Release()
		}
	}()
	opts := []kgo.Opt{kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxWait(500 * time.Millisecond), kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.MaxDecompressBatchBytes(int(min(max(p.r.landing.Limits.Bytes, maxBatch), 1<<31-1))), kgo.BrokerMaxReadBytes(maxBatch)}
	if p.ctx = ctx; p.r.s.group != "" && p.x.last {
		p.r.group = newMembership(p)
		opts = append(opts, p.r.group.options()...)
		p.at = positions{}
	}
	base, err := p.r.connection.Kafka(p.r.env)
	if err != nil {
		return err
	}
	if p.cl, err = kgo.NewClient(append(base, opts...)...); err != nil {
		return err
	}
	defer p.cl.CloseAllowingRebalance()
	if p.r.group != nil {
		p.r.group.use(p.cl)
	} else {
		p.add(p.at)
	}
	p.looked, p.came = time.Now(), time.Now()
	for {
		if err := p.step(ctx); err != nil {
			return err
		}
		if !p.done() {
			continue
		}
		if err := p.finish(ctx); err != nil {
			return err
		}
		if err := p.sick.errors(); err != nil || !p.follow { // what could be read was handed over
			return err
		}
		p.reached = true
		if err := p.send(ctx, topicBatch{work: p.x, atEnd: true}); err != nil {
			return err
		}
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

// step polls once and takes what came.
func (p *poller) step(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, p.patience())
	fs := p.cl.PollRecords(within, pollRecords)
	cancel()
	if p.r.group != nil {
		defer p.cl.AllowRebalance()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	fs.EachError(func(topic string, partition int32, err error) { p.problem(topicPartition{topic, partition}, err) })
	err := p.take(ctx, fs)
	p.sick.polls++
	switch {
	case err != nil:
	case p.ripe():
		err = p.flushLocked(ctx)
	case p.reached && (p.buf == nil || p.buf.Records() == 0) && len(p.changed) > 0 && time.Since(p.moved) > lag:
		err = p.sendPlaces(ctx)
	}
	if err == nil {
		err = p.fatal
	}
	p.mu.Unlock()
	if err != nil {
		return err
	}
	return p.watch(ctx)
}

// patience is how long a poll may wait.
func (p *poller) patience() time.Duration {
	if p.buf != nil && p.buf.Records() > 0 {
		return 50 * time.Millisecond
	}
	return 500 * time.Millisecond
}

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
