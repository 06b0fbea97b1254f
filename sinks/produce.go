package sinks

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/connect"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// kafkaOutlet is a producer on one topic.
type kafkaOutlet struct {
	s    *kafka
	c    *duck.Conn
	o    kind.SinkOptions
	conn *connect.Connection
	cl   *kgo.Client

	shape    shape
	acked    atomic.Int64
	slow     *kgo.Client // one record at a time, see sendSlowly
	opts     []kgo.Opt
	env      *kind.Env
	rejected []kind.RefusedRow

	// of transactions
	born   string         // of this declaration
	looked bool           // the brokers were asked what they have
	have   kadm.Offset    // the version that they noted last, and what it is of; At -1: none
	leave  map[int64]bool // rows that are refused

	numbers []int64 // of rows that come again, nil: they are all of a version
	fenced  bool    // the brokers may have one open that was to be aborted
}

// Open connects and sees that the topic is there: the client must not make one of a name that is misspelt.
func (s *kafka) Open(ctx context.Context, c *duck.Conn, env *kind.Env, o kind.SinkOptions) (kind.Outlet, error) {
	conn, err := s.connection(env)
	if err != nil {
		return nil, err
	}
	batch := int32(connect.UsualBatch)
	opts := []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DefaultProduceTopic(s.topic),
		kgo.MaxBufferedRecords(s.limits.records), kgo.MaxBufferedBytes(s.limits.bytes),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return batch })} // asked when the first record is produced
	if !o.Follow {
		opts = append(opts, kgo.RecordRetries(s.limits.retries))
	}
	k := &kafkaOutlet{s: s, c: c, o: o, conn: conn, env: env, opts: opts, shape: s.shapeOf(o.Columns)}
	if s.transactional {
		k.opts = append(k.opts, k.transactionOptions()...)
	}
	if k.cl, err = conn.Dial(ctx, env, k.opts...); err != nil {
		return nil, interrupted(ctx, err)
	}
	adm := kadm.NewClient(k.cl)
	if err := s.to(conn).Look(ctx, adm); err != nil {
		k.cl.Close()
		return nil, interrupted(ctx, err)
	}
	batch = s.to(conn).LargestBatch(ctx, adm)
	if s.reg != nil {
		if err := k.register(ctx); err != nil {
			k.cl.Close()
			return nil, err
		}
	}
	return k, nil
}

var errStuck = errors.New("no record was taken for a while")

// Write sends the rows of a version and waits until all are acknowledged. Memory is bounded by what the client buffers: Produce waits.
func (k *kafkaOutlet) Write(ctx context.Context, version int64, rows *duck.Query) (n int64, err error) {
	k.rejected, rows = nil, k.shape.query(rows, k.o.Columns)
	if k.s.transactional {
		return k.whole(ctx, version, rows)
	}
	n, err = k.write(ctx, version, rows, k.send)
	if !(k.s.rejects && sql.HasCode(err, code.RecordTooLarge) || sql.HasCode(err, code.RecordRefused)) ||
		!k.s.rejects && errors.As(err, new(*unfit)) {
		return n, err
	}
	return k.slowly(ctx, version, rows) // a batch was refused: for which row?
}

// slowly sends the rows one by one.
func (k *kafkaOutlet) slowly(ctx context.Context, version int64, rows *duck.Query) (n int64, err error) {
	if k.slow == nil {
		opts := append(k.opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.ProducerLinger(0))
		if k.slow, err = k.conn.Dial(ctx, k.env, opts...); err != nil {
			return 0, interrupted(ctx, err)
		}
	}
	return k.write(ctx, version, rows, k.sendSlowly)
}

// Rewrite is Rewriter's.
func (k *kafkaOutlet) Rewrite(ctx context.Context, version int64, rows *duck.Query, numbers []int64, _ int64) (n int64, err error) {
	k.rejected, k.numbers, rows = nil, numbers, k.shape.query(rows, k.o.Columns)
	defer func() { k.numbers = nil }()
	if !k.s.transactional {
		return k.slowly(ctx, version, rows)
	}
	ctx, end := kind.UntilStop(ctx, k.o.Stop, abortTime/6)
	defer end()
	n, refused, err := k.discover(ctx, version, rows)
	if err != nil || n == 0 {
		return n, err
	}
	return k.transact(ctx, version, rows, refused)
}

type sending func(ctx context.Context, cancel context.CancelCauseFunc, version int64, rows *duck.Query) (int64, error)

func (k *kafkaOutlet) write(ctx context.Context, version int64, rows *duck.Query, send sending) (n int64, err error) {
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		n, err = send(within, cancel, version, rows)
	}()
	k.watch(done, cancel)
	switch {
	case err == nil:
		return n, nil
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case within.Err() != nil:
		return 0, k.explain(ctx, context.Cause(within))
	}
	return 0, err
}

// send ends early, with an error, when ctx is cancelled: by itself with the first record that is refused.
func (k *kafkaOutlet) send(ctx context.Context, cancel context.CancelCauseFunc, version int64, rows *duck.Query) (n int64, err error) {
	res, err := k.c.Query(ctx, rows, k.s.decl.At(k.s.at))
	if err != nil {
		return 0, err
	}
	defer res.Close()
	for row := int64(1); ctx.Err() == nil && res.Next(); row++ {
		if k.leave[row] {
			continue
		}
		n++
		rec, err := k.record(res, k.id(version, row))
		if err != nil {
			cancel(err)
			break
		}
		if rec == nil {
			continue
		}
		k.cl.Produce(ctx, rec, func(r *kgo.Record, err error) {
			k.acked.Add(1)
			if err != nil {
				cancel(refusalOf(r, err))
			}
		})
	}
	// brokers may be waited for below, and a query that is open keeps the file from being checkpointed
	if err := errors.Join(ctx.Err(), res.Err(), res.Close()); err != nil {
		return 0, err
	}
	if err := k.cl.Flush(ctx); err != nil {
		return 0, err
	}
	return n, ctx.Err() // the last record may be the one
}

// sendSlowly sends one record after the other, each in a batch of its own: the brokers refuse whole batches. Those that they refuse are
// rejected; records of a key keep their order.
func (k *kafkaOutlet) sendSlowly(ctx context.Context, cancel context.CancelCauseFunc, version int64, rows *duck.Query) (n int64,
	err error) {
	if err := k.cl.Flush(ctx); err != nil { // what is on its way must not come behind what follows
		return 0, err
	}
	res, err := k.c.Query(ctx, rows, k.s.decl.At(k.s.at))
	if err != nil {
		return 0, err
	}
	defer res.Close()
	var rejected []kind.RefusedRow
	for ctx.Err() == nil && res.Next() {
		n++
		rec, why := k.record(res, k.id(version, n))
		if why == nil && rec == nil {
			continue
		}
		if why == nil {
			err := k.slow.ProduceSync(ctx, rec).FirstErr()
			if k.acked.Add(1); err == nil {
				continue
			}
			why = refusalOf(rec, err)
		}
		var e *sql.Error
		if told := k.explain(ctx, why); !k.s.rejects || !ofRow(told) || !errors.As(told, &e) {
			cancel(why)
			return 0, why
		}
		rejected = append(rejected, kind.RefusedRow{Data: string(k.shape.object(res, 0)), Reason: e.Msg, Number: n})
	}
	k.rejected = rejected
	return n - int64(len(rejected)), errors.Join(ctx.Err(), res.Err())
}

// buffered is how many records are on their way.
func (k *kafkaOutlet) buffered() int64 {
	n := k.cl.BufferedProduceRecords()
	if k.slow != nil {
		n += k.slow.BufferedProduceRecords()
	}
	return n
}

// watch waits for a write, and ends it when the brokers take nothing for a while. A run that follows waits for them, and says so.
func (k *kafkaOutlet) watch(done <-chan struct{}, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(max(k.s.limits.giveUp/40, time.Millisecond))
	defer tick.Stop()
	last, since, told := k.acked.Load(), time.Now(), kind.Reminder{}
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		if n := k.acked.Load(); n != last || k.buffered() == 0 {
			last, since, told = n, time.Now(), kind.Reminder{}
			continue
		}
		select {
		case <-k.o.Stop: // what moves has a while to end
			cancel(errStuck)
		default:
		}
		switch late := time.Since(since) > k.s.limits.giveUp; {
		case late && !k.o.Follow:
			cancel(errStuck)
		case late && told.Due(time.Now()):
			msg := fmt.Sprintf("the brokers have taken no record of %s for %s; the run waits for them", k.s.topic,
				time.Since(since).Round(time.Second))
			k.o.Warn(k.s.decl.At(k.s.decl.NameAt).Errorf(code.SinkStuck, "%s", msg).
				WithHint("check the cluster; nothing is lost"))
		}
	}
}

// Recorded does nothing: the brokers keep what they have.
func (k *kafkaOutlet) Recorded(int64) error { return nil }

func (k *kafkaOutlet) Rejected() []kind.RefusedRow { return k.rejected }

func (k *kafkaOutlet) Close() error {
	k.cl.Close()
	if k.slow != nil {
		k.slow.Close()
	}
	return nil
}
