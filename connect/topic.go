package connect

import (
	"context"
	"errors"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"dsql/sql"
	"dsql/sql/code"
)

// Topic is a topic that is written to, and where a script names it.
type Topic struct {
	Name string
	At   sql.Place
	Conn *Connection
}

// Look sees that it is there: a client must not make one of a name that is misspelt.
func (t Topic) Look(ctx context.Context, adm *kadm.Client) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	m, err := adm.Metadata(ctx, t.Name)
	if err == nil {
		err = m.Topics[t.Name].Err
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.InvalidTopicException):
		e := t.Missing(err)
		if all, lerr := adm.ListTopics(ctx); lerr == nil {
			e.Hint = sql.DidYouMean(t.Name, all.Names(), e.Hint)
		}
		return e
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return t.Denied(err)
	}
	return t.Conn.Unreachable(err)
}

// Missing is the error of a topic that isn't there.
func (t Topic) Missing(err error) *sql.Error {
	return t.At.Errorf(code.UnknownTopic, "there is no topic %s",
		t.Name).WithHint("create it, or check its name; dsql creates none").WithCause(err)
}

// Denied is the error of a login that may not write to it.
func (t Topic) Denied(err error) *sql.Error {
	e := t.Conn.Denied(err, "write to", "WRITE", "topic", t.Name)
	if e.Hint += "; brokers answer so too where there is no such topic"; errors.Is(err, kerr.ClusterAuthorizationFailed) {
		e.Hint = "brokers before 2.8 want IDEMPOTENT_WRITE on the cluster, too; " + e.Hint
	}
	e.Src, e.Span = t.At.Src, t.At.Span
	return e
}

// UsualBatch is the client's own limit of a batch in bytes, a little below the brokers' default.
const UsualBatch = 1_000_012

// LargestBatch is what it takes: a record that is larger is refused, and batches are cut to it. Where the login may not ask it is the
// client's default.
func (t Topic) LargestBatch(ctx context.Context, adm *kadm.Client) int32 {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	confs, err := adm.DescribeTopicConfigs(ctx, t.Name)
	if err != nil {
		return UsualBatch
	}
	for _, conf := range confs {
		for _, c := range conf.Configs {
			if n, err := strconv.Atoi(c.MaybeValue()); c.Key == "max.message.bytes" && err == nil && n >= 512 {
				return int32(min(n, 1<<30))
			}
		}
	}
	return UsualBatch
}
