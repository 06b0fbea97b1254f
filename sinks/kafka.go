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
	"dsql/engine"
	"dsql/sql"
)

// IDHeader is the header that names a record: file/input/sink/version/row, rows counted from 1 in each version. No other row of any file has
// the same: of the file stands its id, and the input because another FROM begins with its own versions.
const IDHeader = "dsql-id"

var kafkaOptions = []option{
	{name: "connection", doc: "the CREATE CONNECTION that says how the cluster is reached"},
	{name: "brokers", doc: "host:port of the cluster's brokers, instead of a connection"},
	{name: "topic", doc: "the topic; it must be there"},
	{name: "key", doc: "the column whose text is the record's key: records of one key keep their order (without it records have no key)"},
	{name: "format", doc: "json: the row as one object"},
	{name: "mode", doc: "append: a record for each change, with change_type; upsert: the row as it is now, by its key, and a tombstone for one that is gone (default where key is that of the journal)"},
}

// kafka is a compiled CREATE SINK … INTO KAFKA.
type kafka struct {
	declared
	topic  string
	key    sql.Name // "": none
	mode   string   // append, upsert; "": as the key says
	upsert bool     // found by Bind
	limits limits
}

// limits of what is held in memory and of patience.
type limits struct {
	records, bytes int
	retries        int           // of a record that the brokers refuse for the moment; some 20 seconds
	giveUp         time.Duration // without any record taken
}

var defaults = limits{records: 20_000, bytes: 32 << 20, retries: 10, giveUp: 20 * time.Second}

func compileKafka(d declared, options []sql.Option) (engine.Object, error) {
	s := &kafka{declared: d, limits: defaults}
	var errs sql.List
	fail := func(at sql.Span, code, msg, hint string) { errs = append(errs, d.fail(at, code, msg, hint)) }
	for _, o := range options {
		switch {
		case o.Kind == sql.OptNone:
			fail(o.At, "missing-value", o.Name+" needs a value", "write "+o.Name+" '…'")
		case o.Kind == sql.OptEnv && o.Name != "brokers":
			fail(o.Value, "no-env", "only brokers may be read from the environment", "write the value itself, or put it into a CREATE CONNECTION")
		case o.Name == "" || o.Kind == sql.OptList || o.Kind == sql.OptNumber:
			fail(o.Value, "expected-value", "a name or a text belongs here", "write topic 'scores', key flight_id")
		}
	}
	if _, bad := d.format("json"); bad != nil {
		errs = append(errs, bad)
	}
	conn, byName := d.given["connection"]
	_, direct := d.given["brokers"]
	switch {
	case byName && direct:
		fail(conn.At, "contradicting-options", "connection and brokers exclude each other", "remove one of them")
	case !byName && !direct:
		fail(d.at, "missing-option", "INTO KAFKA needs connection or brokers", "add brokers 'host:9092', or connection name")
	}
	if o, ok := d.given["topic"]; !ok {
		fail(d.at, "missing-option", "INTO KAFKA needs a topic", "add topic 'name'")
	} else if n := names(o); n != nil {
		s.topic = n[0].Text
	}
	if o, ok := d.given["key"]; ok && len(names(o)) == 1 {
		s.key = names(o)[0]
	}
	if o, ok := d.given["mode"]; ok {
		if s.mode = strings.ToLower(o.Text); s.mode != "append" && s.mode != "upsert" {
			fail(o.Value, "bad-choice", o.Text+" is no mode", "write mode append or mode upsert")
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// Bind finds the key's column and the connection. The brokers are not asked: a check needs none.
func (s *kafka) Bind(_ context.Context, _ *engine.Conn, env *engine.Env, cols []engine.Column, keys []string) error {
	var errs sql.List
	add := func(err error) {
		var e *sql.Error
		if errors.As(err, &e) {
			errs = append(errs, e)
		}
	}
	if s.key.Text != "" {
		_, err := s.column(s.key, "key", cols)
		add(err)
	}
	byKey := len(keys) == 1 && strings.EqualFold(keys[0], s.key.Text)
	if s.upsert = byKey && s.mode != "append"; s.mode == "upsert" && !byKey {
		o, hint := s.given["mode"], "write mode append, or leave mode out"
		if len(keys) == 1 {
			hint = "add key " + keys[0]
		}
		add(s.fail(o.At, "no-upsert", "upsert needs a journal with one key, and that key", hint))
	}
	_, err := s.connection(env)
	add(err)
	return errs.Err()
}

func (s *kafka) connection(env *engine.Env) (*connect.Connection, error) {
	if o, ok := s.given["brokers"]; ok {
		return connect.Brokers(s.decl.Src, o), nil
	}
	return connect.Find(env, s.decl.Src, names(s.given["connection"])[0])
}

// Explain is what EXPLAIN SINK shows.
func (s *kafka) Explain(cols []engine.Column) string {
	key := "none"
	if c, err := s.column(s.key, "key", cols); err == nil {
		key = c.Name
	}
	value := "the row as JSON: " + strings.Join(engine.ColumnNames(cols), ", ")
	if s.upsert {
		value = "the row as it is then as JSON: " + strings.Join(engine.ColumnNames(cols[1:]), ", ") + "; null when it is gone"
	}
	return fmt.Sprintf("1. each row of each version of %s, once it is committed, as a record of the topic %s\n     key    %s\n     value  %s\n     header %s = <file>/%s/%s/<version>/<row>\n2. all acknowledged by all replicas in sync\n3. the place in dsql.places: a transaction of its own\n",
		s.Input().Text, s.topic, key, value, IDHeader, s.Input().Text, s.decl.Name)
}

// kafkaOutlet is a producer on one topic.
type kafkaOutlet struct {
	s    *kafka
	c    *engine.Conn
	o    engine.SinkOptions
	conn *connect.Connection
	cl   *kgo.Client

	keyAt    int      // index of the key's column, -1: none
	fields   [][]byte // {"a":  ,"b":  …
	blob     bool     // the key is binary
	exact    bool     // the key is JSON text as it is
	acked    atomic.Int64
	slow     *kgo.Client // one record at a time, see sendSlowly
	opts     []kgo.Opt
	env      *engine.Env
	rejected []engine.RefusedRow
}

// Open connects and sees that the topic is there: the client must not make one of a name that is misspelt.
func (s *kafka) Open(ctx context.Context, c *engine.Conn, env *engine.Env, o engine.SinkOptions) (engine.Outlet, error) {
	conn, err := s.connection(env)
	if err != nil {
		return nil, err
	}
	batch := int32(usualBatch)
	opts := []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DefaultProduceTopic(s.topic), kgo.MaxBufferedRecords(s.limits.records), kgo.MaxBufferedBytes(s.limits.bytes),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return batch })} // asked when the first record is produced
	if !o.Follow {
		opts = append(opts, kgo.RecordRetries(s.limits.retries))
	}
	k := &kafkaOutlet{s: s, c: c, o: o, conn: conn, keyAt: -1, env: env}
	k.shape()
	k.opts = opts
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
		b := bytes.NewBufferString(",")
		if i == 0 || i == 1 && k.s.upsert { // change_type is no part of the state
			b = bytes.NewBufferString("{")
		}
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		_ = e.Encode(c.Name) // a string can't fail
		k.fields = append(k.fields, append(bytes.TrimSuffix(b.Bytes(), []byte("\n")), ':'))
		if strings.EqualFold(c.Name, k.s.key.Text) {
			k.keyAt, k.blob, k.exact = i, c.Type == "BLOB", c.Type == "JSON"
		}
	}
}

var errStuck = errors.New("no record was taken for a while")

// Write sends the rows of a version and waits until all are acknowledged. Memory is bounded by what the client buffers: Produce waits.
func (k *kafkaOutlet) Write(ctx context.Context, version int64, rows *engine.Query) (n int64, err error) {
	k.rejected = nil
	n, err = k.write(ctx, version, rows, k.send)
	var e *sql.Error
	if !errors.As(err, &e) || !(k.s.rejects && e.Code == "record-too-large" || e.Code == "record-refused") {
		return n, err
	}
	if k.slow == nil { // a batch was refused: for which row?
		if k.slow, err = k.conn.Dial(ctx, k.env, append(k.opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.ProducerLinger(0))...); err != nil {
			return 0, interrupted(ctx, err)
		}
	}
	return k.write(ctx, version, rows, k.sendSlowly)
}

type sending func(ctx context.Context, cancel context.CancelCauseFunc, version int64, rows *engine.Query) (int64, error)

func (k *kafkaOutlet) write(ctx context.Context, version int64, rows *engine.Query, send sending) (n int64, err error) {
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
func (k *kafkaOutlet) send(ctx context.Context, cancel context.CancelCauseFunc, version int64, rows *engine.Query) (n int64, err error) {
	res, err := k.c.Query(ctx, rows, engine.Place{Src: k.s.decl.Src, Span: k.s.at})
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
				cancel(&refusal{err, string(r.Headers[0].Value), len(r.Value)})
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
func (k *kafkaOutlet) sendSlowly(ctx context.Context, cancel context.CancelCauseFunc, version int64, rows *engine.Query) (n int64, err error) {
	if err := k.cl.Flush(ctx); err != nil { // what is on its way must not come behind what follows
		return 0, err
	}
	res, err := k.c.Query(ctx, rows, engine.Place{Src: k.s.decl.Src, Span: k.s.at})
	if err != nil {
		return 0, err
	}
	defer res.Close()
	var refused []engine.RefusedRow
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
		var e *sql.Error
		if why := k.explain(ctx, &refusal{err, string(rec.Headers[0].Value), len(rec.Value)}); !errors.As(why, &e) || !k.s.rejects || e.Code != "record-too-large" && e.Code != "record-refused" {
			cancel(&refusal{err, string(rec.Headers[0].Value), len(rec.Value)})
			return 0, err
		}
		refused = append(refused, engine.RefusedRow{Data: string(k.row(res)), Reason: e.Msg})
	}
	k.rejected = refused
	return n - int64(len(refused)), errors.Join(ctx.Err(), res.Err())
}

// id names a row of a version.
func (k *kafkaOutlet) id(version, row int64) string {
	return fmt.Sprintf("%s/%s/%s/%d/%d", k.o.File, k.s.Input().Text, k.s.decl.Name, version, row)
}

// row is all of a row as JSON.
func (k *kafkaOutlet) row(res *engine.Result) []byte {
	value := []byte{'{'}
	for i := range k.o.Columns {
		if i > 0 {
			value = append(value, ',')
		}
		name, _ := json.Marshal(k.o.Columns[i].Name) // a string can't fail
		value = append(append(append(value, name...), ':'), res.JSON(i)...)
	}
	return append(value, '}')
}

// record is a row as a record; nil: an upsert doesn't need it.
func (k *kafkaOutlet) record(res *engine.Result, id string) *kgo.Record {
	fields, gone := k.fields, false
	if k.s.upsert {
		change := string(res.JSON(0))
		if change == `"update_before"` {
			return nil
		}
		gone = change == `"delete"`
	}
	value := make([]byte, 0, 64*len(fields))
	rec := &kgo.Record{Headers: []kgo.RecordHeader{{Key: IDHeader, Value: []byte(id)}}}
	for i, f := range fields {
		if i == 0 && k.s.upsert {
			continue
		}
		v := res.JSON(i)
		value = append(append(value, f...), v...)
		if i == k.keyAt {
			rec.Key = k.key(v)
		}
	}
	if rec.Value = append(value, '}'); gone {
		rec.Value = nil
	}
	return rec
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
			k.o.Warn(k.s.fail(k.s.decl.NameAt, "sink-stuck", fmt.Sprintf("the brokers have taken no record of %s for %s; the run waits for them", k.s.topic, k.s.limits.giveUp), "check the cluster; nothing is lost"))
		}
	}
}

// Recorded does nothing: the brokers keep what they have.
func (k *kafkaOutlet) Recorded(int64) error { return nil }

func (k *kafkaOutlet) Rejected() []engine.RefusedRow { return k.rejected }

func (k *kafkaOutlet) Close() error {
	k.cl.Close()
	if k.slow != nil {
		k.slow.Close()
	}
	return nil
}
