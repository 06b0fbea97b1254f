package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/declare"
	"dsql/ingest/format"
	"dsql/ingest/format/debezium"
	"dsql/ingest/format/json"
	"dsql/ingest/jsontext"
	"dsql/ingest/registry"
	"dsql/ingest/schema"
	"dsql/sql"
	"dsql/sql/code"
)

// How much of a topic `dsql inspect` looks at: its newest records.
const (
	inspectRecords = 2000
	inspectTime    = 5 * time.Second
)

// Inspect looks at the newest records of a topic.
func Inspect(ctx context.Context, c *duck.Conn, env *kind.Env, brokers, topic, registry string, samples *declare.Samples) (string, error) {
	text := fmt.Sprintf("CREATE SOURCE s (v BLOB) FROM KAFKA (brokers %s, topic %s, format raw)", declare.Quote(brokers), declare.Quote(topic))
	d, err := declare.Parsed(text, Clause)
	if err != nil {
		return "", err
	}
	co := &declare.Compiler{Src: d.Src}
	s := Compile(co, co.Declaration(d), d.Arg("FROM KAFKA"), samples)
	if err := co.Errs.Err(); err != nil {
		return "", err
	}
	recs, err := s.newest(ctx, env)
	if err != nil {
		return "", err
	}
	from := func(format string) string {
		return fmt.Sprintf("FROM KAFKA (brokers %s, topic %s, format %s)", declare.Quote(brokers), declare.Quote(topic), format)
	}
	name := declare.SourceName(topic)
	if len(recs) == 0 {
		return "", sql.Errorf(code.NothingToInfer, "the topic %s holds no records to look at", topic).
			WithHint("write some, or declare the columns by hand").WithExit(code.ExitFailed)
	}
	format, lines := sampleFormat(recs)
	if rec := newestWithSchema(recs); rec != nil && format == "raw" && registry != "" {
		cols, format, err := ofRegistry(ctx, registry, rec)
		if err != nil {
			return "", err
		}
		text, err := declare.Create(ctx, c, name, cols, nil, fmt.Sprintf("FROM KAFKA (connection %s_kafka, topic %s, format %s)", name,
			declare.Quote(topic), format))
		return fmt.Sprintf("%sCREATE CONNECTION %s_kafka TO KAFKA (brokers %s, schema_registry %s);\n", keyNote(recs), name,
			declare.Quote(brokers),
			declare.Quote(registry)) + text, err
	}
	if format == "raw" {
		col := duck.Column{Name: "value", Type: "BLOB"}
		if allText(recs) {
			col.Type = "VARCHAR"
		}
		text, err := declare.Create(ctx, c, name, []duck.Column{col}, nil, from("raw"))
		return keyNote(recs) + text, err
	}
	dir, err := declare.SampleFile(lines)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	cols, err := samples.Infer(ctx, c, filepath.Join(dir, declare.SampleName))
	if err != nil {
		return "", err
	}
	if format == "debezium" {
		debezium.Types(json.Line(recs[len(recs)-1].Value), cols)
		cols = append(cols, duck.Column{Name: "op", Type: "VARCHAR"}, duck.Column{Name: "ts_ms", Type: "BIGINT"})
	}
	notes, err := timeNotes(ctx, c, filepath.Join(dir, declare.SampleName), cols)
	if err != nil {
		return "", err
	}
	if text, err = declare.Create(ctx, c, name, cols, notes, from(format)); err != nil {
		return "", err
	}
	return keyNote(recs) + text, nil
}

// newest reads the last records of each partition.
func (s *Source) newest(ctx context.Context, env *kind.Env) ([]*kgo.Record, error) {
	cl, err := s.brokers.Dial(ctx, env, kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	seen, err := s.look(ctx, env, s.brokers, cl)
	if err != nil {
		return nil, s.reachError(s.brokers, err)
	}
	from, left := map[string]map[int32]kgo.Offset{s.topic: {}}, int64(0)
	each := int64(max(inspectRecords/max(len(seen.partitions), 1), 10))
	for tp, e := range seen.partitions {
		if e.end > e.start {
			at := max(e.start, e.end-each)
			from[tp.topic][tp.partition] = kgo.NewOffset().At(at)
			left += e.end - at
		}
	}
	if left == 0 {
		return nil, nil
	}
	cl.AddConsumePartitions(from)
	within, cancel := context.WithTimeout(ctx, inspectTime)
	defer cancel()
	var out []*kgo.Record
	for int64(len(out)) < left && within.Err() == nil {
		fs := cl.PollRecords(within, inspectRecords)
		fs.EachRecord(func(r *kgo.Record) { out = append(out, r) })
		for _, e := range fs.Errors() {
			if errors.Is(e.Err, kerr.TopicAuthorizationFailed) {
				return nil, s.denied(s.brokers, e.Topic, e.Err)
			}
		}
	}
	return out, ctx.Err()
}

// sampleFormat says how the values are written, and gives those that are JSON as lines.
func sampleFormat(recs []*kgo.Record) (format string, lines [][]byte) {
	values, events := 0, 0
	for _, r := range recs {
		if r.Value == nil {
			continue
		}
		values++
		text := json.Line(r.Value)
		if text == nil {
			continue
		}
		if row := debezium.Row(text); row != nil {
			events++
			text = row
		}
		lines = append(lines, text)
	}
	switch {
	case len(lines) == 0 || len(lines) < values/2:
		return "raw", nil
	case events == len(lines):
		return "debezium", lines
	}
	return "json", lines
}

// newestWithSchema is the last record whose value is in the format of a schema registry's serialisers.
func newestWithSchema(recs []*kgo.Record) (newest *batch.Record) {
	for _, k := range recs {
		r := recordOf(k, nil)
		_, framed := schema.ID(r.Value)
		if r.Value != nil && (framed || r.Header(schema.ValueHeader) != nil) && (newest == nil || !r.Time.Before(newest.Time)) {
			newest = &r
		}
	}
	return newest
}

// ofRegistry are the columns that the schema of a record's value has in a registry, and the format of such values.
func ofRegistry(ctx context.Context, url string, rec *batch.Record) (cols []duck.Column, of string, err error) {
	cl, err := sr.NewClient(sr.URLs(url), sr.UserAgent("dsql"))
	if err != nil {
		return nil, "", err
	}
	in := schema.NewDecoder(convert.Columns{}, 0, "value")
	name, rest, ok := in.Named(rec.Value, rec.Header(schema.ValueHeader))
	if !ok {
		return nil, "", errors.New(in.Why)
	}
	s, err := registry.Schemas(cl, registry.ValueSubject(rec.Topic))(ctx, name)
	if err != nil {
		return nil, "", err
	}
	for _, f := range format.All {
		if f.Registered == nil || f.Registered.Type != s.Kind {
			continue
		}
		t, err := f.Registered.Record(ctx, s, rest)
		if err != nil {
			return nil, "", err
		}
		cols, err = t.Columns()
		return cols, f.Name, err
	}
	return nil, "", fmt.Errorf("schema %s is of %s, which no format of a source takes", name, s.Kind)
}

func allText(recs []*kgo.Record) bool {
	for _, r := range recs {
		if !utf8.Valid(r.Value) {
			return false
		}
	}
	return true
}

// keyNote is a comment on the records' keys.
func keyNote(recs []*kgo.Record) string {
	for _, r := range recs {
		if r.Key == nil {
			continue
		}
		k := jsontext.Excerpt(r.Key, true)
		if jsontext.Valid(r.Key) && r.Key[0] == '{' {
			return "-- The records have keys: " + k + ". A column takes a part of it by FROM KEY '$.name'.\n"
		}
		return "-- The records have keys: " + k + ". A column takes it by FROM KEY.\n"
	}
	return ""
}

// timeNotes finds whole numbers that look like times.
func timeNotes(ctx context.Context, c *duck.Conn, file string, cols []duck.Column) (map[string]string, error) {
	notes := map[string]string{}
	for _, col := range cols {
		if col.Type != "BIGINT" || col.Name == "ts_ms" {
			continue
		}
		var lo, hi int64
		a := duck.Args{"c": duck.Ident(col.Name), "f": file}
		q := duck.SQL("SELECT coalesce(min({c}), 0), coalesce(max({c}), 0) FROM read_json_auto({f})", a)
		if _, err := c.Scan(ctx, q, &lo, &hi); err != nil {
			return nil, err
		}
		for _, u := range []struct {
			unit  string
			scale int64
		}{{"epoch_s", 1}, {"epoch_ms", 1e3}, {"epoch_us", 1e6}} {
			if lo >= 946_684_800*u.scale && hi <= 4_102_444_800*u.scale { // 2000 to 2100
				notes[col.Name] = "a time? TIMESTAMP FORMAT " + u.unit
			}
		}
	}
	return notes, nil
}
