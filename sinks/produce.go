package sinks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
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

	keyAt    int      // index of the key's column, -1: none
	names    [][]byte // "a":  "b":  …
	blob     bool     // the key is binary
	exact    bool     // the key is JSON text as it is
	acked    atomic.Int64
	slow     *kgo.Client // one record at a time, see sendSlowly
	opts     []kgo.Opt
	env      *kind.Env
	rejected []kind.RefusedRow
}

// Open connects and sees that the topic is there: the client must not make one of a name that is misspelt.
func (s *kafka) Open(ctx context.Context, c *duck.Conn, env *kind.Env, o kind.SinkOptions) (kind.Outlet, error) {
	conn, err := s.connection(env)
	if err != nil {
		return nil, err
	}
	batch := int32(usualBatch)
	opts := []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DefaultProduceTopic(s.topic),
		kgo.MaxBufferedRecords(s.limits.records), kgo.MaxBufferedBytes(s.limits.bytes),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return batch })} // asked when the first record is produced
	if !o.Follow {
		opts = append(opts, kgo.RecordRetries(s.limits.retries))
	}
	k := &kafkaOutlet{s: s, c: c, o: o, conn: conn, keyAt: -1, env: env, opts: opts}
	k.shape()
	if k.cl, err = conn.Dial(ctx, env, opts...); err != nil {
		return nil, interrupted(ctx, err)
	}
	adm := kadm.NewClient(k.cl)
	if err := s.look(ctx, conn, adm); err != nil {
		k.cl.Close()
		return nil, interrupted(ctx, err)
	}
	batch = s.largestBatch(ctx, adm)
	return k, nil
}

// usualBatch is the client's own limit of a batch in bytes, a little below the brokers' default.
const usualBatch = 1_000_012

// largestBatch is what the topic takes: a record that is larger is refused, and batches are cut to it. Where the login may not ask it is
// the client's default.
func (s *kafka) largestBatch(ctx context.Context, adm *kadm.Client) int32 {
	ctx, cancel := context.WithTimeout(ctx, connect.Patience)
	defer cancel()
	confs, err := adm.DescribeTopicConfigs(ctx, s.topic)
	if err != nil {
		return usualBatch
	}
	for _, conf := range confs {
		for _, c := range conf.Configs {
			if n, err := strconv.Atoi(c.MaybeValue()); c.Key == "max.message.bytes" && err == nil && n >= 512 {
				return int32(min(n, 1<<30))
			}
		}
	}
	return usualBatch
}

// shape prepares for the columns.
func (k *kafkaOutlet) shape() {
	for i, c := range k.o.Columns {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(c.Name) // a string can't fail
		k.names = append(k.names, append(bytes.TrimSuffix(b.Bytes(), []byte("\n")), ':'))
		if strings.EqualFold(c.Name, k.s.key.Text) {
			k.keyAt, k.blob, k.exact = i, c.Type == "BLOB", c.Type == "JSON"
		}
	}
}

var errStuck = errors.New("no record was taken for a while")

// Write sends the rows of a version and waits until all are acknowledged. Memory is bounded by what the client buffers: Produce waits.
func (k *kafkaOutlet) Write(ctx context.Context, version int64, rows *duck.Query) (n int64, err error) {
	k.rejected = nil
	n, err = k.write(ctx, version, rows, k.send)
	if !(k.s.rejects && sql.HasCode(err, code.RecordTooLarge) || sql.HasCode(err, code.RecordRefused)) {
		return n, err
	}
	if k.slow == nil { // a batch was refused: for which row?
		opts := append(k.opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.ProducerLinger(0))
		if k.slow, err = k.conn.Dial(ctx, k.env, opts...); err != nil {
			return 0, interrupted(ctx, err)
		}
	}
	return k.write(ctx, version, rows, k.sendSlowly)
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
	for ctx.Err() == nil && res.Next() {
		n++
		rec := k.record(res, k.id(version, n))
		if rec == nil {
			continue
		}
		k.cl.Produce(ctx, rec, func(r *kgo.Record, err error) {
			k.acked.Add(1)
			if err != nil {
				cancel(refused(r, err))
			}
		})
	}
	if err := errors.Join(ctx.Err(), res.Err()); err != nil {
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
		rec := k.record(res, k.id(version, n))
		if rec == nil {
			continue
		}
		err := k.slow.ProduceSync(ctx, rec).FirstErr()
		k.acked.Add(1)
		if err == nil {
			continue
		}
		why := refused(rec, err)
		var e *sql.Error
		if told := k.explain(ctx, why); !k.s.rejects || !sql.HasCode(told, code.RecordTooLarge, code.RecordRefused) || !errors.As(told, &e) {
			cancel(why)
			return 0, err
		}
		row, _ := k.object(res, 0)
		rejected = append(rejected, kind.RefusedRow{Data: string(row), Reason: e.Msg})
	}
	k.rejected = rejected
	return n - int64(len(rejected)), errors.Join(ctx.Err(), res.Err())
}

// id names a row of a version.
func (k *kafkaOutlet) id(version, row int64) string {
	return fmt.Sprintf("%s/%s/%s/%d/%d", k.o.File, k.s.Input().Text, k.s.decl.Name, version, row)
}

// record is a row as a record; nil: an upsert doesn't need it.
func (k *kafkaOutlet) record(res *duck.Result, id string) *kgo.Record {
	from, gone := 0, false
	if k.s.upsert {
		change := string(res.JSON(0))
		if change == `"update_before"` {
			return nil
		}
		from, gone = 1, change == `"delete"` // change_type is no part of the state
	}
	rec := &kgo.Record{Headers: []kgo.RecordHeader{{Key: IDHeader, Value: []byte(id)}}}
	if rec.Value, rec.Key = k.object(res, from); gone {
		rec.Value = nil
	}
	return rec
}

// object is a row from a column on as JSON, and its key.
func (k *kafkaOutlet) object(res *duck.Result, from int) (value, key []byte) {
	value = append(make([]byte, 0, 64*len(k.names)), '{')
	for i := from; i < len(k.names); i++ {
		if i > from {
			value = append(value, ',')
		}
		v := res.JSON(i)
		value = append(append(value, k.names[i]...), v...)
		if i == k.keyAt {
			key = k.key(v)
		}
	}
	return append(value, '}'), key
}

// key is a JSON value as a record's key: a string without its quotes, bytes as they are, anything else as its JSON; NULL is no key.
func (k *kafkaOutlet) key(v []byte) []byte {
	if string(v) == "null" {
		return nil
	}
	var text string
	if k.exact || v[0] != '"' || json.Unmarshal(v, &text) != nil {
		return bytes.Clone(v)
	}
	if k.blob {
		return unescape(text)
	}
	return []byte(text)
}

// unescape reads DuckDB's text of a BLOB, in which \xAB stands for all bytes but printable ASCII.
func unescape(text string) []byte {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if b, err := strconv.ParseUint(text[i+2:i+4], 16, 8); err == nil {
				out, i = append(out, byte(b)), i+3
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
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
	last, since, told := k.acked.Load(), time.Now(), false
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		if n := k.acked.Load(); n != last || k.buffered() == 0 {
			last, since, told = n, time.Now(), false
			continue
		}
		switch late := time.Since(since) > k.s.limits.giveUp; {
		case late && !k.o.Follow:
			cancel(errStuck)
		case late && !told:
			told = true
			msg := fmt.Sprintf("the brokers have taken no record of %s for %s; the run waits for them", k.s.topic, k.s.limits.giveUp)
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
