package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/ingest/batch"
	"dsql/sql"
	"dsql/sql/code"
)

// take adds what was polled to batches.
func (p *poller) take(ctx context.Context, fs kgo.Fetches) error {
	var failed error
	fs.EachPartition(func(f kgo.FetchTopicPartition) {
		tp := topicPartition{f.Topic, f.Partition}
		if p.follow && f.LastStableOffset > p.ends[tp] {
			p.ends[tp] = f.LastStableOffset
		}
		if failed != nil || len(f.Records) == 0 {
			return
		}
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

// put adds a record; a full buffer is sent before.
func (p *poller) put(ctx context.Context, tp topicPartition, pos position, rec *kgo.Record) error {
	p.rec = recordOf(rec, p.rec.Headers[:0])
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
		if !p.buf.Full() && !passes(&p.rec, p.x.headers) {
			p.buf.Skip(&p.rec)
			return nil
		}
		added, err := p.buf.Add(ctx, &p.rec)
		if err != nil {
			if err = p.r.s.Placed(err, p.r.s.Stmt.NameAt); !p.follow {
				return err
			}
			if err = p.waitForRegistry(ctx, tp, pos, err); err != nil {
				return err
			}
			continue
		}
		p.waits.Over()
		if added {
			if p.r.s.OnNew == "FAIL" {
				if names := p.r.landing.UnknownNames(); len(names) > 0 {
					return p.r.s.NewFields(fmt.Sprintf("the record at %s[%d] offset %d", tp.topic, tp.partition, rec.Offset), names)
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

// recordOf is a record as the client gives it; headers is room for its headers.
func recordOf(rec *kgo.Record, headers []batch.RecordHeader) batch.Record {
	for _, h := range rec.Headers {
		headers = append(headers, batch.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return batch.Record{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Time: rec.Timestamp, Key: rec.Key, Value: rec.Value,
		Headers: headers}
}

// waitForRegistry waits a moment where err is that the registry can't be reached: a run that follows waits as long as it takes.
func (p *poller) waitForRegistry(ctx context.Context, tp topicPartition, pos position, err error) error {
	var e *sql.Error
	if !errors.As(err, &e) || e.Code != code.RegistryUnreachable {
		return err
	}
	if p.note(tp, pos); p.waits.Due(time.Now()) {
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
