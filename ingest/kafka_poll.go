package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/sql"
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
func (r *kafkaReader) readAhead(ctx context.Context) {
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
	r      *kafkaReader
	x      *stretchToRead
	cl     *kgo.Client
	follow bool

	mu      sync.Mutex // the callbacks of a group change these too
	at      positions
	buf     *Buffer
	changed positions // those of the buffer's records, behind them
	began   time.Time // when the buffer got its first record
	reached bool      // the end that was seen at first

	rec    Record
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
	opts := []kgo.Opt{kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxWait(500 * time.Millisecond), kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.MaxDecompressBatchBytes(int(min(max(p.r.landing.limits.Bytes, maxBatch), 1<<31-1))), kgo.BrokerMaxReadBytes(maxBatch)}
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
		p.fail(&sql.Error{Src: p.r.s.decl.Src, Span: p.r.s.topicAt, Code: "not-authorised", Exit: sql.ExitUnreachable, Msg: "this login may not read " + tp.topic + ": " + err.Error(), Hint: "ask for the rights READ on the topic and on the group"})
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

// take adds what was polled to batches.
func (p *poller) take(ctx context.Context, fs kgo.Fetches) error {
	var failed error
	fs.EachPartition(func(f kgo.FetchTopicPartition) {
		if failed != nil || len(f.Records) == 0 {
			return
		}
		tp := topicPartition{f.Topic, f.Partition}
		pos, ok := p.at[tp]
		if !ok {
			return // no longer ours
		}
		p.came = time.Now()
		end := int64(1<<63 - 1)
		if !p.follow {
			end = p.x.to[tp]
		}
		if failed = p.r.landing.Topic(f.Topic); failed != nil {
			return
		}
		for _, rec := range f.Records {
			switch {
			case rec.Offset >= end:
				p.note(tp, pos)
				return
			case rec.Offset < pos.next: // another topic of that name
				p.problem(tp, &kgo.ErrDataLoss{Topic: tp.topic, Partition: tp.partition})
				p.note(tp, pos)
				return
			}
			if !rec.Attrs.IsControl() {
				if failed = p.put(ctx, tp, pos, rec); failed != nil {
					return
				}
			}
			pos.next, pos.epoch = rec.Offset+1, rec.LeaderEpoch
		}
		p.note(tp, pos)
	})
	return failed
}

// note keeps a position, for the file with the buffer in hand.
func (p *poller) note(tp topicPartition, pos position) {
	if old := p.at[tp]; old.next != pos.next {
		p.at[tp], p.changed[tp] = pos, pos
		p.moved = time.Now()
	}
}

// put adds a record; a full buffer is sent before.
func (p *poller) put(ctx context.Context, tp topicPartition, pos position, rec *kgo.Record) error {
	p.rec = Record{Topic: tp.topic, Partition: rec.Partition, Offset: rec.Offset, Time: rec.Timestamp, Key: rec.Key, Value: rec.Value, Headers: p.rec.Headers[:0]}
	for _, h := range rec.Headers {
		p.rec.Headers = append(p.rec.Headers, RecordHeader{h.Key, h.Value})
	}
	for {
		if p.buf == nil {
			var err error
			if p.buf, err = p.r.landing.Take(ctx); err != nil {
				return err
			}
			p.began = time.Now()
		}
		if p.buf.Records() == 0 {
			p.began = time.Now()
		}
		added, err := p.buf.Add(ctx, &p.rec)
		if err != nil {
			if err = p.r.s.placed(err); !p.follow {
				return err
			}
			if err = p.waitForRegistry(ctx, tp, pos, err); err != nil {
				return err
			}
			continue
		}
		p.waits = false
		if added {
			if p.r.s.onNew == "FAIL" {
				if names := p.r.landing.unknownNames(); len(names) > 0 {
					return p.r.s.newFields(fmt.Sprintf("the record at %s[%d] offset %d", tp.topic, tp.partition, rec.Offset), names)
				}
			}
			return nil
		}
		p.note(tp, pos)
		if err := p.flushLocked(ctx); err != nil {
			return err
		}
	}
}

// waitForRegistry waits a moment where err is that the registry can't be reached: a run that follows waits as long as it takes.
func (p *poller) waitForRegistry(ctx context.Context, tp topicPartition, pos position, err error) error {
	var e *sql.Error
	if !errors.As(err, &e) || e.Code != "registry-unreachable" {
		return err
	}
	if p.note(tp, pos); !p.waits {
		p.waits = true
		w := *e
		w.Hint = "waiting for it; the run goes on when it is back"
		p.r.warn(&w)
	}
	if err := p.flushLocked(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(lookQuiet):
		return nil
	}
}

// finish is flush at the end: positions that only control records moved are noted too.
func (p *poller) finish(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.flushLocked(ctx); err != nil || len(p.changed) == 0 {
		return err
	}
	return p.sendPlaces(ctx)
}

// sendPlaces hands over positions that no record moved: those behind markers of transactions, aborted records and holes.
func (p *poller) sendPlaces(ctx context.Context) error {
	b := topicBatch{work: p.x, places: p.changed}
	if p.changed = (positions{}); p.x.replay {
		return nil
	}
	return p.send(ctx, b)
}

// flushLocked hands over what there is. Positions that only control records moved go with the next batch, or are sent when none comes.
func (p *poller) flushLocked(ctx context.Context) error {
	if p.buf == nil || p.buf.Records() == 0 {
		return nil
	}
	p.buf.names = p.r.landing.unknownNames()
	b := topicBatch{work: p.x, buf: p.buf, places: p.changed}
	p.buf, p.changed = nil, positions{}
	if p.r.group != nil {
		p.r.group.sent()
	}
	return p.send(ctx, b)
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

// unknownNames are fields that no column takes, as far as the records have shown any.
func (l *Landing) unknownNames() []string { return l.json.names.list }
