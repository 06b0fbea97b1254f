package kafka

import (
	"cmp"
	"context"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/sql/code"
)

// What a test gives in the place of a topic.

// Topic is where records stand in.
func (s *Source) Topic() string { return cmp.Or(s.topic, "given") }

// Loads: records come one by one.
func (s *Source) Loads() bool { return false }

// Captures: topics have no paths.
func (s *Source) Captures(string) (map[string]string, bool) { return nil, false }

// Given decodes the lines of a text as the values of records of partition 0. No broker and no registry is asked.
func (s *Source) Given(ctx context.Context, c *duck.Conn, _ *kind.Env, cols []duck.Column, text, _ string, first int64) (
	in *kind.Input, done func(), err error) {
	if s.format.Registered != nil {
		return nil, nil, s.Stmt.Errorf(code.BadTest, "the records of %s are bytes that a schema registry explains", s.Stmt.Name).
			WithHint("give rows: AS (VALUES …) or AS (SELECT …)")
	}
	l, err := s.land(c, nil, cols)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	b, err := l.Take(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err = l.Topic(s.Topic()); err != nil {
		return nil, nil, err
	}
	run := &batch.Run{Topic: s.Topic(), First: first, Next: first}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if line = strings.TrimSuffix(line, "\r"); line == "" {
			continue
		}
		ok, err := b.Add(ctx, &batch.Record{Topic: s.Topic(), Offset: run.Next, Time: time.Now().UTC(), Value: []byte(line)})
		if err != nil {
			return nil, nil, s.Placed(err, s.Stmt.NameAt)
		}
		if !ok {
			return nil, nil, s.Stmt.Errorf(code.BadTest, "this is too much for one batch of %s", s.Stmt.Name).WithHint("give a part of it")
		}
		run.Next++
	}
	in = b.Input()
	in.Source, in.RowID = s.Stmt.Name, batch.RecordID([]*batch.Run{run})
	return in, l.Close, s.BadRecords(ctx, c, in)
}
