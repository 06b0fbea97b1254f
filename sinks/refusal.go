package sinks

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/connect"
	"dsql/sql"
	"dsql/sql/code"
)

// refusal is a record that the client or a broker did not take, by its id.
type refusal struct {
	err   error
	id    string
	bytes int // of its value
}

func refusalOf(r *kgo.Record, err error) *refusal {
	return &refusal{err, string(r.Headers[0].Value), len(r.Value)}
}

func (r *refusal) Error() string { return r.id + ": " + r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// ofRow says whether an error, as it is told, is a record's own, so that others may be taken.
func ofRow(err error) bool {
	return errors.As(err, new(*refusal)) && !isOne(err, fencing...) && !isOne(err, ending...) && !errors.Is(err, kerr.InvalidTransactionTimeout) &&
		sql.HasCode(err, code.RecordTooLarge, code.RecordRefused)
}

// What brokers have against a transactional producer, whatever the record: another came under its name, or they have ended its transaction.
var (
	fencing = []error{kerr.ProducerFenced, kerr.InvalidProducerEpoch}
	ending  = []error{kerr.InvalidTxnState, kerr.InvalidProducerIDMapping}
)

func isOne(err error, of ...error) bool {
	return slices.ContainsFunc(of, func(e error) bool { return errors.Is(err, e) })
}

// to is the topic as the sink names it.
func (s *kafka) to(conn *connect.Connection) connect.Topic {
	return connect.Topic{Name: s.topic, At: s.decl.At(s.given["topic"].Value), Conn: conn}
}

// refusedf is an error of what is outside, at the topic's name.
func (s *kafka) refusedf(err error, c code.Code, format string, args ...any) *sql.Error {
	return s.decl.At(s.given["topic"].Value).Errorf(c, format, args...).WithCause(err)
}

const stays = "what is committed stays, and the next run goes on from here"

// explain says why records were not taken. The place has not moved: the version comes again.
func (k *kafkaOutlet) explain(ctx context.Context, err error) error {
	s := k.s
	var r *refusal
	errors.As(err, &r)
	var broker *kerr.Error
	errors.As(err, &broker)
	var row *unfit
	at := s.decl.At(s.given["transactional"].At)
	switch {
	case s.transactional && isOne(err, fencing...):
		return at.Errorf(code.RecordRefused, "another process writes as the sink %s of this file", s.decl.Name).
			WithHint(fmt.Sprintf("a file is written by one process; is there a copy of it? (Brokers answer so, too, where a version took longer than "+
				"%s.)", transactionTime)).WithCause(err)
	case s.transactional && isOne(err, ending...):
		return at.Errorf(code.RecordRefused, "the brokers have ended the transaction of the sink %s: %s", s.decl.Name, broker.Description).
			WithHint(fmt.Sprintf("a version that takes longer than %s is too large for a transaction; %s", transactionTime, stays)).WithCause(err)
	case broker != nil && r == nil && !broker.Retriable:
		return s.refusedf(err, code.RecordRefused, "the brokers refuse a transaction: %s: %s", broker.Message, broker.Description).
			WithHint("see the brokers' logs; " + stays)
	case errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge):
		return s.refusedf(err, code.RecordTooLarge, "the record %s is larger than the topic %s takes: its value has %d bytes", r.id, s.topic,
			r.bytes).
			WithHint("raise the topic's max.message.bytes, select less, or add ON ROW ERROR REJECT; " + stays)
	case errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID):
		return s.to(k.conn).Missing(err)
	case errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed):
		return s.to(k.conn).Denied(err)
	case errors.As(err, &row):
		return s.decl.At(row.at).Errorf(code.RecordRefused, "the record %s %s", r.id, row.why).
			WithHint("change the column in the stream, or add ON ROW ERROR REJECT; " + stays).WithCause(err)
	case broker != nil && !broker.Retriable:
		return s.refusedf(err, code.RecordRefused, "the brokers refuse the record %s: %s: %s", r.id, broker.Message, broker.Description).
			WithHint("see the topic's settings, or add ON ROW ERROR REJECT; " + stays)
	case broker != nil:
		return s.refusedf(err, code.SinkStuck, "the brokers don't take records of %s: %s: %s", s.topic, broker.Message, broker.Description).
			WithHint("check the cluster; " + stays)
	}
	if gone := k.conn.Reach(ctx, k.cl); gone != nil {
		return interrupted(ctx, gone)
	}
	if errors.Is(err, errStuck) || errors.Is(err, kgo.ErrRecordRetries) || errors.Is(err, kgo.ErrRecordTimeout) {
		return s.refusedf(err, code.SinkStuck, "the brokers have taken no record of %s for %s", s.topic, s.limits.giveUp).
			WithHint("check the cluster; " + stays)
	}
	return k.conn.Unreachable(err)
}
