package kafka

import (
	"context"
	"io"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// readAhead reads the work, stretch by stretch.
func (r *feed) readAhead(ctx context.Context) {
	defer r.running.Done()
	r.end = io.EOF
	defer close(r.ahead)
	defer r.wake()
	for i := range r.work {
		x := &r.work[i]
		if len(x.open()) == 0 && !(x.last && (r.o.Follow || r.s.group != "")) {
			continue
		}
		p := &poller{r: r, x: x, at: maps.Clone(x.from), changed: positions{}, ends: map[topicPartition]int64{}, follow: x.last && r.o.Follow}
		if err := p.read(ctx); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			r.end = r.s.reachError(r.connection, err)
			return
		}
	}
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
		p.r.group = newMembership(ctx)
		opts = append(opts, p.inGroup()...)
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
