package sinks

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
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

func refused(r *kgo.Record, err error) *refusal {
	return &refusal{err, string(r.Headers[0].Value), len(r.Value)}
}

func (r *refusal) Error() string { return r.id + ": " + r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// look sees that the topic is there.
func (s *kafka) look(ctx context.Context, conn *connect.Connection, adm *kadm.Client) error {
	ctx, cancel := context.WithTimeout(ctx, connect.Patience)
	defer cancel()
	m, err := adm.Metadata(ctx, s.topic)
	if err == nil {
		err = m.Topics[s.topic].Err
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.InvalidTopicException):
		e := s.noTopic(err)
		if all, lerr := adm.ListTopics(ctx); lerr == nil {
			e.Hint = sql.DidYouMean(s.topic, all.Names(), e.Hint)
		}
		return e
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return s.denied(conn, err)
	}
	return conn.Unreachable(err)
}

// refusedf is an error of what is outside, at the topic's name.
func (s *kafka) refusedf(err error, c code.Code, format string, args ...any) *sql.Error {
	return s.decl.At(s.given["topic"].Value).Errorf(c, format, args...).WithCause(err)
}

func (s *kafka) noTopic(err error) *sql.Error {
	return s.refusedf(err, code.UnknownTopic, "there is no topic %s", s.topic).
		WithHint("create it, or check its name; dsql creates none")
}

func (s *kafka) denied(conn *connect.Connection, err error) *sql.Error {
	e := conn.Denied(err, "write to", "WRITE", "topic", s.topic)
	if e.Hint += "; brokers answer so too where there is no such topic"; errors.Is(err, kerr.ClusterAuthorizationFailed) {
		e.Hint = "brokers before 2.8 want IDEMPOTENT_WRITE on the cluster, too; " + e.Hint
	}
	e.Src, e.Span = s.decl.Src, s.given["topic"].Value
	return e
}

const stays = "what is committed stays, and the next run goes on from here"

// explain says why records were not taken. The place has not moved: the version comes again.
func (k *kafkaOutlet) explain(ctx context.Context, err error) error {
	s := k.s
	var r *refusal
	errors.As(err, &r)
	var broker *kerr.Error
	errors.As(err, &broker)
	switch {
	case errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge):
		return s.refusedf(err, code.RecordTooLarge, "the record %s is larger than the topic %s takes: its value has %d bytes", r.id, s.topic,
			r.bytes).
			WithHint("raise the topic's max.message.bytes, select less, or add ON ROW ERROR REJECT; " + stays)
	case errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID):
		return s.noTopic(err)
	case errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed):
		return s.denied(k.conn, err)
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
