package kafka

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/connect"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql/code"
)

// What of a source is rejected goes to its reject_topic: the record as it was, and behind its own headers those that Kafka Connect gives
// dead letters.

// Posts says whether the source has a reject_topic.
func (s *Source) Posts() bool { return s.rejectTopic.Text != "" }

// letters is a producer of rejects.
type letters struct {
	s    *Source
	file string
	conn *connect.Connection
	cl   *kgo.Client
}

// letterTime is how long the brokers may take none.
const letterTime = 20 * time.Second

// letterRetries are of a record that the brokers refuse for the moment: some 20 seconds.
const letterRetries = 10

var errNoneTaken = errors.New("no record was taken for a while")

// to is the reject_topic.
func (s *Source) to(conn *connect.Connection) connect.Topic {
	return connect.Topic{Name: s.rejectTopic.Text, At: s.Stmt.At(s.rejectTopic.Span), Conn: conn}
}

// lookForRejects sees that the reject_topic is there.
func (s *Source) lookForRejects(ctx context.Context, conn *connect.Connection, cl *kgo.Client) error {
	if !s.Posts() {
		return nil
	}
	return s.to(conn).Look(ctx, kadm.NewClient(cl))
}

// OpenPost connects.
func (s *Source) OpenPost(ctx context.Context, env *kind.Env, file string) (kind.Post, error) {
	conn, err := s.dial(env)
	if err != nil {
		return nil, err
	}
	batch := int32(connect.UsualBatch)
	cl, err := conn.Dial(ctx, env, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DefaultProduceTopic(s.rejectTopic.Text),
		kgo.MaxBufferedRecords(20_000),
		kgo.MaxBufferedBytes(32<<20), kgo.RecordRetries(letterRetries),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return batch })) // asked when the first record is produced
	if err != nil {
		return nil, err
	}
	if err := s.lookForRejects(ctx, conn, cl); err != nil {
		cl.Close()
		return nil, err
	}
	batch = s.to(conn).LargestBatch(ctx, kadm.NewClient(cl))
	return &letters{s, file, conn, cl}, nil
}

// Send sends the rejects behind one. Rows that a check holds back, which come again, are none.
func (l *letters) Send(ctx context.Context, c *duck.Conn, after, last int64) error {
	rows, err := c.Rows(ctx, duck.SQL(`SELECT id, reason, rule, destination, meta.topic, meta."partition", meta."offset", epoch_ms(meta."timestamp"),
			meta."key", payload,
			to_json(list_transform(meta.headers, lambda h: {'k': h."key", 'v': hex(h."value")}))::VARCHAR
		FROM dsql.rejects WHERE id > {after} AND id <= {last} AND source = {source} AND meta.topic IS NOT NULL
			AND NOT starts_with(reason, 'check:')
		ORDER BY id`, duck.Args{"after": after, "last": last, "source": l.s.Stmt.Name}))
	if err != nil {
		return err
	}
	defer rows.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stuck := time.AfterFunc(letterTime, func() { cancel(l.refused(ctx, 0, errNoneTaken)) })
	defer stuck.Stop()
	var once sync.Once
	for ctx.Err() == nil && rows.Next() {
		rec, id, err := l.letter(rows.Scan)
		if err != nil {
			return err
		}
		l.cl.Produce(ctx, rec, func(_ *kgo.Record, err error) {
			if err == nil {
				stuck.Reset(letterTime)
			} else {
				once.Do(func() { cancel(l.refused(ctx, id, err)) })
			}
		})
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil && ctx.Err() == nil { // a query that is open keeps the file from being checkpointed
		return err
	}
	if err := l.cl.Flush(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}

// letter makes a record of a row.
func (l *letters) letter(scan func(...any) error) (rec *kgo.Record, id int64, err error) {
	var reason string
	var rule, destination, headers *string
	var topic string
	var partition int32
	var offset int64
	var ms *int64
	rec = &kgo.Record{}
	if err := scan(&id, &reason, &rule, &destination, &topic, &partition, &offset, &ms, &rec.Key, &rec.Value, &headers); err != nil {
		return nil, 0, err
	}
	if ms != nil {
		rec.Timestamp = time.UnixMilli(*ms)
	}
	if headers != nil {
		var hs []struct {
			K string
			V *string
		}
		if err := json.Unmarshal([]byte(*headers), &hs); err != nil {
			return nil, 0, err
		}
		for _, h := range hs {
			header := kgo.RecordHeader{Key: h.K}
			if h.V != nil {
				header.Value, _ = hex.DecodeString(*h.V) // DuckDB's hex()
			}
			rec.Headers = append(rec.Headers, header)
		}
	}
	add := func(key, value string) {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	class, _, _ := strings.Cut(reason, ":")
	stage := "TRANSFORMATION"
	switch {
	case strings.HasPrefix(reason, "bad_record: the key"):
		stage = "KEY_CONVERTER"
	case destination == nil:
		stage = "VALUE_CONVERTER"
	}
	const errorsOf = "__connect.errors."
	add(errorsOf+"topic", topic)
	add(errorsOf+"partition", strconv.Itoa(int(partition)))
	add(errorsOf+"offset", strconv.FormatInt(offset, 10))
	add(errorsOf+"connector.name", l.s.Stmt.Name)
	add(errorsOf+"task.id", "0")
	add(errorsOf+"stage", stage)
	add(errorsOf+"class.name", "dsql")
	add(errorsOf+"exception.class.name", class)
	add(errorsOf+"exception.message", reason)
	add(errorsOf+"exception.stacktrace", "")
	if destination != nil {
		add("dsql-destination", *destination)
	}
	if rule != nil {
		add("dsql-rule", *rule)
	}
	add("dsql-id", l.file+"/dsql.rejects/"+l.s.Stmt.Name+"/"+strconv.FormatInt(id, 10))
	return rec, id, nil
}

// refused says why a reject wasn't taken.
func (l *letters) refused(ctx context.Context, id int64, err error) error {
	at := l.s.Stmt.At(l.s.rejectTopic.Span)
	const stays = "the reject stays in dsql.rejects, and the next run goes on from here"
	var broker *kerr.Error
	errors.As(err, &broker)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, kerr.MessageTooLarge):
		return at.Errorf(code.RecordTooLarge, "reject %d is larger than the topic %s takes", id, l.s.rejectTopic.Text).
			WithHint("raise the topic's max.message.bytes; " + stays).WithCause(err)
	case errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed):
		return l.s.to(l.conn).Denied(err)
	case broker != nil && !broker.Retriable:
		return at.Errorf(code.RecordRefused, "the brokers refuse reject %d: %s: %s", id, broker.Message, broker.Description).
			WithHint("see the topic's settings; " + stays).WithCause(err)
	case broker != nil:
		return at.Errorf(code.SinkStuck, "the brokers don't take records of %s: %s", l.s.rejectTopic.Text, broker.Description).
			WithHint("check the cluster; " + stays).WithCause(err)
	case errors.Is(err, errNoneTaken) || errors.Is(err, kgo.ErrRecordRetries):
		return at.Errorf(code.SinkStuck, "the brokers have taken no record of %s for %s", l.s.rejectTopic.Text, letterTime).
			WithHint("check the cluster; " + stays).WithCause(err)
	}
	return l.conn.Unreachable(err)
}

func (l *letters) Close() error {
	l.cl.Close()
	return nil
}
