package batch

import (
	"bytes"
	"context"
	"fmt"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/ingest/schema"
)

// newRecords prepares a landing for records of topics instead of files.
func (l *Landing) newRecords(meta map[string]*duck.Node) {
	r := &topicRecords{l: l, topics: map[string][]byte{}}
	h := meta["headers"]
	entry := h.Children[0]
	r.meta = topicMeta{meta["topic"], meta["partition"], meta["offset"], meta["timestamp"], meta["key"], h, entry.Children[0],
		entry.Children[1], meta["tombstone"]}
	l.records = r
	r.newKeys(l.Dialect.Format)
}

// Add decodes a record into the batch, as a good one or a bad one. It is false when the batch has no room for it: then it belongs
// into the next. An error
// is one of what the decoder needs beside the record: a schema registry that doesn't answer.
func (b *Buffer) Add(ctx context.Context, rec *Record) (bool, error) {
	if b.Full() {
		return false, nil
	}
	r := b.l.records
	if p, ok := r.values.(preparer); ok && rec.Value != nil {
		if err := p.Prepare(ctx, rec.Value, rec.Header(schema.ValueHeader)); err != nil {
			return false, err
		}
	}
	if err := r.prepareKey(ctx, rec); err != nil {
		return false, err
	}
	return b.decode(r, rec), nil
}

func (b *Buffer) decode(r *topicRecords, rec *Record) bool {
	s := b.slab
	from, top := len(s.Bytes()), s.Top()
	value, key, ok := r.copyIn(s, rec)
	undo := func() bool {
		s.Cut(from)
		s.Free(top)
		return false
	}
	if !ok {
		if b.Records() > 0 {
			return undo()
		}
		undo()
		return b.tooLarge(rec)
	}
	why, skip, room := b.take(rec, value, key)
	if skip {
		undo()
		b.Skip(rec)
		return true
	}
	if why != "" && room {
		room = b.reject(rec, value, key, why)
	}
	if !room {
		if b.Records() > 0 {
			return undo()
		}
		undo()
		return b.tooLarge(rec)
	}
	return true
}

// copyIn puts a record's value and key where DuckDB can point at them.
func (r *topicRecords) copyIn(s *duck.Slab, rec *Record) (value, key []byte, ok bool) {
	n := len(rec.Value) + len(rec.Key)
	room := s.Room(n)
	if len(room) < n {
		return nil, nil, false
	}
	copy(room, rec.Value)
	copy(room[len(rec.Value):], rec.Key)
	s.Add(n)
	if rec.Value != nil {
		value = room[:len(rec.Value):n]
	}
	if rec.Key != nil {
		key = room[len(rec.Value):]
	}
	return value, key, true
}

// take decodes a record as a good one. why says what is wrong with it; skip, that it says nothing of rows; room is false when the batch has
// none.
func (b *Buffer) take(rec *Record, value, key []byte) (why string, skip, room bool) {
	l, r := b.l, b.l.records
	row := b.Begin(nil)
	chunk, full := l.Writer.Chunk, false
	if value == nil {
		l.nullValues(chunk, row)
	} else if why, _, full = r.values.Decode(value, row, false); why != "" && !full {
		if len(value) == 0 {
			why = "an empty value"
		}
	}
	if r.skipped != nil && why == "" && !full && value != nil && r.skipped() {
		b.Undo()
		return "", true, true
	}
	if why == "" && !full {
		full = !b.fits(value)
	}
	if why == "" && !full && len(r.keys) > 0 {
		why, _, full = r.key(chunk, key, row, false)
	}
	if why == "" && !full {
		full = !r.coordinates(chunk, row, rec, key, value)
	}
	if why != "" || full {
		b.Undo()
		return why, false, !full
	}
	if value != nil {
		b.Unknown += r.values.Unknown()
	}
	b.took(&b.good)
	b.stretch(rec)
	return "", false, true
}

// Skip counts a record that gives nobody a row.
func (b *Buffer) Skip(rec *Record) {
	b.skipped++
	b.stretch(rec)
}

// fits says whether the record that was decoded last may stand beside the good ones of the batch.
func (b *Buffer) fits(value []byte) bool {
	m, ok := b.l.records.values.(marking)
	switch {
	case !ok:
		return true
	case value == nil:
		return !b.marks.Truncate
	case b.good.total == 0:
		b.marks = m.Marked()
	}
	return b.marks == m.Marked()
}

// reject adds a record as a bad one.
func (b *Buffer) reject(rec *Record, value, key []byte, why string) bool {
	l, r := b.l, b.l.records
	read := func(row int) (set int) {
		if _, binary := r.values.(preparer); value != nil && (binary || utf8.Valid(value)) {
			_, set, _ = r.values.Decode(value, row, true)
		}
		if set == 0 {
			l.nullValues(l.Writer.Chunk, row)
		}
		_, keys, _ := r.key(l.Writer.Chunk, key, row, true)
		return set + keys
	}
	if !b.refuse(nil, why, read, func(c *duck.Chunk, row int) bool { return r.coordinates(c, row, rec, key, value) }) {
		return false
	}
	b.stretch(rec)
	return true
}

// tooLarge rejects a record that no batch has room for; its first bytes are kept.
func (b *Buffer) tooLarge(rec *Record) bool {
	cut := *rec
	cut.Headers = nil
	room := min(GiantBytes, int(b.l.Limits.Bytes)/2)
	cut.Value, cut.Key = rec.Value[:min(len(rec.Value), room)], rec.Key[:min(len(rec.Key), room)]
	if rec.Value == nil {
		cut.Value = nil
	}
	value, key, ok := b.l.records.copyIn(b.slab, &cut)
	if !ok {
		return false
	}
	if !utf8.Valid(key) { // cut in the middle of a rune, or no text at all: columns from the key are NULL
		key = nil
	}
	return b.reject(&cut, value, key, b.l.TooLarge())
}

// coordinates writes _meta and the value's bytes; it is false when there is no room for the headers.
func (r *topicRecords) coordinates(c *duck.Chunk, row int, rec *Record, key, value []byte) bool {
	v, m := c.Vecs, &r.meta
	if payload := r.l.meta.payload; value == nil {
		c.SetNull(payload, row)
	} else {
		v[payload.Vec].PutBytes(row, value)
	}
	v[m.topic.Vec].PutBytes(row, r.topics[rec.Topic])
	duck.Put(&v[m.partition.Vec], row, rec.Partition)
	duck.Put(&v[m.offset.Vec], row, rec.Offset)
	if rec.Time.IsZero() {
		c.SetNull(m.timestamp, row)
	} else {
		duck.Put(&v[m.timestamp.Vec], row, rec.Time.UnixMicro())
	}
	if rec.Key == nil {
		c.SetNull(m.key, row)
	} else {
		v[m.key.Vec].PutBytes(row, key)
	}
	duck.Put(&v[m.tombstone.Vec], row, rec.Value == nil)
	at := 0
	for i, h := range rec.Headers {
		e := c.Append(m.headers)
		if i == 0 {
			at = e
		}
		name := []byte(h.Key)
		if !utf8.Valid(name) {
			name = bytes.ToValidUTF8(name, []byte("\uFFFD"))
		}
		k, ok := r.l.Writer.Keep(name)
		if !ok {
			return false
		}
		v[m.headerKey.Vec].PutBytes(e, k)
		if h.Value == nil {
			c.SetNull(m.headerValue, e)
			continue
		}
		val, ok := r.l.Writer.Keep(h.Value)
		if !ok {
			return false
		}
		v[m.headerValue.Vec].PutBytes(e, val)
	}
	v[m.headers.Vec].PutList(row, at, len(rec.Headers))
	return true
}

// Additions are Adding's, where the values come with schemas.
func (l *Landing) Additions() (cols []duck.Column, all bool) {
	if d, ok := l.records.values.(Adding); ok {
		return d.Additions()
	}
	return nil, false
}

// Topic makes a topic's name known; before its records are added.
func (l *Landing) Topic(name string) error {
	r := l.records
	if r.topics[name] != nil {
		return nil
	}
	p := l.strings.Alloc(len(name))
	if p == nil {
		return fmt.Errorf("too many topics: there is no room for the name of %s", name)
	}
	copy(p, name)
	r.topics[name] = p
	return nil
}

// Decoder is what decodes the values of records.
func (l *Landing) Decoder() ValueDecoder { return l.records.values }
