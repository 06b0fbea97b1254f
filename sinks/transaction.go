package sinks

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// A transactional sink sends each version in one transaction, and in the same one the brokers note the version, as an offset of a consumer
// group of the sink's own. A run that ended behind the transaction, and before its place was in the file, finds it there: the version isn't
// sent again.

// Limits of transactions: brokers abort one that is open for longer, and allow 15 minutes unless they are told otherwise.
const (
	transactionTime = 5 * time.Minute
	abortTime       = 3 * time.Second // of the wait for an abort, where brokers are away
)

// versionPartition is the partition of the topic that the version is noted under.
const versionPartition = 0

// transactionalID names the sink to the brokers, as producer and as group. Whoever comes later under the same name fences those before.
func (k *kafkaOutlet) transactionalID() string { return "dsql." + k.o.File + "." + k.s.decl.Name }

// transactionOptions are those of a client with transactions.
func (k *kafkaOutlet) transactionOptions() []kgo.Opt {
	v := kversion.Stable() // later versions of this request stand for transactions that only consumers of the client have
	v.SetMaxKeyVersion(int16(kmsg.TxnOffsetCommit), 4)
	return []kgo.Opt{kgo.TransactionalID(k.transactionalID()), kgo.TransactionTimeout(transactionTime), kgo.MaxVersions(v)}
}

// whole sends a version in a transaction.
func (k *kafkaOutlet) whole(ctx context.Context, version int64, rows *duck.Query) (n int64, err error) {
	ctx, end := kind.UntilStop(ctx, k.o.Stop, abortTime/6) // a version that is cut short is aborted, and comes again
	defer end()
	done, some, err := k.noted(ctx, version)
	if err != nil {
		return 0, k.within(ctx, err)
	}
	if done && !some {
		return k.c.Int(ctx, duck.SQL("SELECT count(*) FROM ({rows})", duck.Args{"rows": rows}))
	}
	var refused map[int64]bool
	if !done {
		n, err = k.transact(ctx, version, rows, nil)
		if err == nil || !k.s.rejects || !ofRow(err) {
			return n, err
		}
	}
	if n, refused, err = k.discover(ctx, version, rows); err != nil || done {
		return n, err
	}
	return k.transact(ctx, version, rows, refused)
}

// transact sends the rows but for those that are refused.
func (k *kafkaOutlet) transact(ctx context.Context, version int64, rows *duck.Query, refused map[int64]bool) (n int64, err error) {
	if err := k.begin(ctx); err != nil {
		return 0, err
	}
	k.leave = refused
	before := k.acked.Load()
	n, err = k.write(ctx, version, rows, k.send)
	if err == nil && k.acked.Load() > before && k.numbers == nil {
		err = k.within(ctx, k.note(ctx, version, len(refused) > 0))
	}
	if err == nil {
		err = fault.Fault(ctx, "sink-uncommitted")
	}
	if err == nil {
		err = k.within(ctx, k.cl.EndTransaction(ctx, kgo.TryCommit))
	}
	if err != nil {
		k.abort(ctx)
		return 0, err
	}
	return n, nil
}

// begin begins a transaction.
func (k *kafkaOutlet) begin(ctx context.Context) error {
	if err := k.reopened(ctx); err != nil {
		return err
	}
	return k.within(ctx, k.cl.BeginTransaction())
}

// abort takes back what was sent. Where the brokers can't be told they find out by themselves.
func (k *kafkaOutlet) abort(ctx context.Context) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	if k.cl.AbortBufferedRecords(within) != nil || k.cl.EndTransaction(within, kgo.TryAbort) != nil {
		k.fenced = true
	}
}

// discover finds the rows that the brokers refuse, one record in a batch, in transactions that are aborted: a record that is refused ends
// the one it is in, and none is open for longer than brokers allow.
func (k *kafkaOutlet) discover(ctx context.Context, version int64, rows *duck.Query) (n int64, refused map[int64]bool, err error) {
	res, err := k.c.Query(ctx, rows, k.s.decl.At(k.s.at))
	if err != nil {
		return 0, nil, err
	}
	defer res.Close()
	var rejected []kind.RefusedRow
	refused = map[int64]bool{}
	open, began := false, time.Time{}
	defer func() {
		if open {
			k.abort(ctx)
		}
	}()
	for i := int64(1); ctx.Err() == nil && res.Next(); i++ {
		if open && time.Since(began) > k.s.limits.tried {
			open = false
			k.abort(ctx)
		}
		if !open {
			if err := k.begin(ctx); err != nil {
				return 0, nil, err
			}
			open, began = true, time.Now()
		}
		rec, why := k.record(res, k.id(version, i))
		if rec != nil && why == nil {
			if err := k.cl.ProduceSync(ctx, rec).FirstErr(); err != nil {
				why, open = refusalOf(rec, err), false
				k.abort(ctx)
			}
		}
		if why == nil {
			n++
			continue
		}
		var e *sql.Error
		if told := k.within(ctx, why); !ofRow(told) || !errors.As(told, &e) {
			return 0, nil, told
		}
		refused[i] = true
		rejected = append(rejected, kind.RefusedRow{Data: string(k.shape.object(res, 0)), Reason: e.Msg, Number: i})
	}
	k.rejected = rejected
	return n, refused, errors.Join(context.Cause(ctx), res.Err())
}

// noted says whether the brokers have the version, and whether rows of it were refused.
func (k *kafkaOutlet) noted(ctx context.Context, version int64) (done, some bool, err error) {
	if err := k.reopened(ctx); err != nil {
		return false, false, err
	}
	if !k.looked {
		if err := k.look(ctx); err != nil {
			return false, false, err
		}
	}
	same := k.have.At == version
	some = same && k.have.Metadata == k.born+someRefused
	return some || same && k.have.Metadata == k.born, some, nil
}

// look asks the brokers for the version that they noted last. Those that have no rows may be between it and the file's place.
func (k *kafkaOutlet) look(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(kadm.RequireStable(ctx), k.s.limits.giveUp)
	defer cancel()
	if err := again(ctx, func() error { // it ends what was left open
		_, _, err := k.cl.ProducerID(ctx)
		return err
	}); err != nil {
		return err
	}
	if k.born, err = k.birth(ctx); err != nil {
		return err
	}
	var all kadm.OffsetResponses
	err = again(ctx, func() error {
		all, err = kadm.NewClient(k.cl).FetchOffsets(ctx, k.transactionalID())
		return err
	})
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return err
	}
	have, ok := all.Lookup(k.s.topic, versionPartition)
	if !ok {
		have.At = -1
	}
	k.have, k.looked = have.Offset, have.Err == nil
	return have.Err
}

// someRefused stands behind the declaration in the note of a version of which rows were refused.
const someRefused = " refused"

// birth tells this declaration of the sink from one that was dropped, which began with the same versions.
func (k *kafkaOutlet) birth(ctx context.Context) (s string, err error) {
	_, err = k.c.Scan(ctx, duck.SQL("SELECT coalesce(max(epoch_us(declared_at)), 0)::VARCHAR FROM dsql.declarations "+
		"WHERE kind = 'sink' AND lower(name) = lower({name})", duck.Args{"name": k.s.decl.Name}), &s)
	return s, err
}

// note lets the brokers note a version in the transaction.
func (k *kafkaOutlet) note(ctx context.Context, version int64, some bool) error {
	ctx, cancel := context.WithTimeout(ctx, k.s.limits.giveUp)
	defer cancel()
	id, epoch, err := k.cl.ProducerID(ctx)
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.Group, add.ProducerID, add.ProducerEpoch = k.transactionalID(), k.transactionalID(), id, epoch
	if err := again(ctx, func() error {
		answer, err := add.RequestWith(ctx, k.cl)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(answer.ErrorCode)
	}); err != nil {
		return err
	}
	meta := k.born
	if some {
		meta += someRefused
	}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.Group, commit.ProducerID, commit.ProducerEpoch = add.TransactionalID, add.Group, id, epoch
	p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = versionPartition, version, -1, &meta
	t := kmsg.NewTxnOffsetCommitRequestTopic()
	t.Topic, t.Partitions = k.s.topic, append(t.Partitions, p)
	commit.Topics = append(commit.Topics, t)
	return again(ctx, func() error {
		answer, err := commit.RequestWith(ctx, k.cl)
		if err != nil {
			return err
		}
		for _, t := range answer.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// again tries for as long as the brokers say that it is too early.
func again(ctx context.Context, try func() error) error {
	for {
		var answer *kerr.Error
		if err := try(); !errors.As(err, &answer) || !answer.Retriable {
			return err
		}
		select {
		case <-ctx.Done():
			return answer
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// within explains an error of a transaction.
func (k *kafkaOutlet) within(ctx context.Context, err error) error {
	s := k.s
	at := s.given["transactional"].At
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, new(*sql.Error)):
		return err
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return s.place(k.conn.Denied(err, "write as", "WRITE", "transactional-id", k.transactionalID()), at)
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return s.place(k.conn.Denied(err, "commit to", "READ", "group", k.transactionalID()), at)
	case errors.Is(err, kerr.InvalidTransactionTimeout):
		return s.decl.At(at).Errorf(code.RecordRefused, "the brokers allow no transactions of %s", transactionTime).
			WithHint("raise transaction.max.timeout.ms, whose default is 15 minutes").WithCause(err)
	}
	return k.explain(ctx, err)
}

// place puts an error of the connection where the sink says what it is about.
func (s *kafka) place(e *sql.Error, at sql.Span) *sql.Error {
	e.Src, e.Span = s.decl.Src, at
	return e
}

// reopened is the outlet with a client of its own again, where the brokers didn't hear that a transaction was aborted.
func (k *kafkaOutlet) reopened(ctx context.Context) error {
	if !k.fenced {
		return nil
	}
	cl, err := k.conn.Dial(ctx, k.env, k.opts...)
	if err != nil {
		return interrupted(ctx, err)
	}
	k.cl.Close()
	k.cl, k.fenced, k.looked = cl, false, false
	return nil
}
