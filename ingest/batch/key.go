package batch

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/schema"
)

// The key of a record gives the columns FROM KEY.

// bytes says that the column takes the key as it is.
func (k *keyColumn) bytes() bool { return !k.path && k.col.ID == duck.TypeBlob }

// newKeys prepares the columns FROM KEY.
func (r *topicRecords) newKeys(f *Format) {
	l := r.l
	root, parts := &convert.Slot{Obj: convert.NewObject()}, []*convert.Column(nil)
	for i, fd := range l.Fields {
		if !fd.Key {
			continue
		}
		k := &keyColumn{field: i, col: l.Compiled[i], path: fd.Path != nil}
		r.keys = append(r.keys, k)
		if k.path {
			root.Path(fd.Path).Take(k.col)
			if f.KeyBelow != "" {
				root.Path(append([]string{f.KeyBelow}, fd.Path...)).Take(k.col)
			}
			parts = append(parts, k.col)
		}
	}
	if len(parts) > 0 {
		r.text = l.Dialect.Topics.JSON(convert.Columns{W: &l.Writer, Root: root, All: parts, Names: &convert.NameSet{}})
	}
	topics := l.Dialect.Topics
	if topics.Keys == nil || !slices.ContainsFunc(r.keys, func(k *keyColumn) bool { return !k.bytes() }) {
		return
	}
	r.registered = &registeredKeys{kinds: schema.Kinds(topics.Keys), by: map[sr.SchemaType]KeyDecoder{}, lax: f.Registered == nil}
	for _, format := range topics.Formats {
		whole, all := convert.Slot{Obj: root.Obj}, []*convert.Column(nil)
		for _, k := range r.keys {
			if k.bytes() {
				continue
			}
			if all = append(all, k.col); !k.path {
				whole.Take(k.col)
			}
		}
		d := format.Keys(l, convert.Columns{W: &l.Writer, Root: &whole, All: all, Names: &convert.NameSet{}})
		if r.registered.by[format.Registered.Type] = d; format == f || r.registered.own == nil {
			r.registered.own = d
		}
	}
}

// prepareKey sees whether a record's key is one of a registry's serialisers.
func (r *topicRecords) prepareKey(ctx context.Context, rec *Record) (err error) {
	if r.binary = nil; r.registered == nil || rec.Key == nil {
		return nil
	}
	header := rec.Header(schema.KeyHeader)
	if r.binary, err = r.registered.of(ctx, rec.Key, header); err != nil || r.binary == nil {
		return err
	}
	return r.binary.Prepare(ctx, rec.Key, header)
}

// key writes the columns FROM KEY. prepareKey has been called with the record.
func (r *topicRecords) key(c *duck.Chunk, key []byte, row int, lenient bool) (why string, set int, full bool) {
	if r.binary != nil && key != nil {
		if why, set, full = r.binary.Decode(key, row, lenient); why != "" {
			why = "the key: " + why
		}
		for _, k := range r.keys {
			switch {
			case k.bytes():
				c.Vecs[k.col.Vec].PutBytes(row, key)
			case lenient && set == 0:
				c.SetNull(k.col.Node, row)
			}
		}
		return why, set, full
	}
	text := schema.Unframed(key)
	paths := false
	for _, k := range r.keys {
		switch {
		case key == nil:
			c.SetNull(k.col.Node, row)
		case k.path:
			paths = true
		default:
			tok := text
			if k.col.ID == duck.TypeBlob {
				tok = key
			}
			f := r.l.Writer.Bytes(k.col, row, tok)
			switch {
			case f == convert.Fine:
				set++
				continue
			case why == "" && f != convert.NoRoom:
				why = "the key: " + f.Reason(k.col, tok, false)
			}
			full = full || f == convert.NoRoom
			c.SetNull(k.col.Node, row)
		}
	}
	if !paths {
		return why, set, full
	}
	wrong, n, noRoom := r.text.Decode(text, row, lenient)
	if wrong != "" && why == "" {
		why = "the key: " + wrong
	}
	return why, set + n, full || noRoom
}
