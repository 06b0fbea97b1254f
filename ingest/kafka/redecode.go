package kafka

import (
	"context"
	"encoding/hex"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
)

// Redecode decodes records of topics, as many as a batch has room for.
func (s *Source) Redecode(ctx context.Context, c *duck.Conn, env *kind.Env, cols []duck.Column,
	records []kind.BadRecord) (*kind.Redecoded, error) {
	conn, err := s.dial(env)
	if err != nil {
		return nil, err
	}
	l, err := s.land(c, conn, cols)
	if err != nil {
		return nil, err
	}
	out := &kind.Redecoded{ID: duck.SQL(`_meta."offset"`), Close: l.Close}
	b, err := l.Take(ctx)
	if err == nil {
		err = l.Topic("")
	}
	runs := map[topicPartition]*batch.Run{}
	for i := 0; err == nil && i < len(records); i++ {
		rec := records[i]
		var ok bool
		if ok, err = b.Add(ctx, &batch.Record{Offset: rec.ID, Time: rec.Time, Key: rec.Key, Value: rec.Payload, Headers: headersOf(rec)}); !ok {
			break
		}
		at := topicPartition{rec.Topic, rec.Partition}
		if runs[at] == nil {
			runs[at] = &batch.Run{Topic: rec.Topic, Partition: rec.Partition, First: rec.Offset, Next: rec.Offset}
		}
		runs[at].First, runs[at].Next = min(runs[at].First, rec.Offset), max(runs[at].Next, rec.Offset+1)
		out.Took++
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	in := b.Input()
	var all []*batch.Run
	for _, tp := range sortedPartitions(runs) {
		all = append(all, runs[tp])
	}
	in.Source, in.RowID = s.Stmt.Name, batch.RecordID(all)
	out.Input = in
	return out, nil
}

func headersOf(rec kind.BadRecord) (out []batch.RecordHeader) {
	for _, h := range rec.Headers {
		var value []byte
		if h.Value != nil {
			value, _ = hex.DecodeString(*h.Value)
		}
		out = append(out, batch.RecordHeader{Key: h.Key, Value: value})
	}
	return out
}
