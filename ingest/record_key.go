package ingest

import (
	"context"

	"dsql/engine/duck"
)

// The key of a record gives the columns FROM KEY.

// keyColumn is a column FROM KEY; path: from the key as JSON.
type keyColumn struct {
	field int
	col   *column
	path  bool
}

// bytes says that the column takes the key as it is.
func (k *keyColumn) bytes() bool { return !k.path && k.col.id == duck.TypeBlob }

// newKeys prepares the columns FROM KEY.
func (r *topicRecords) newKeys(f *Format) {
	l := r.l
	root, parts := &slot{obj: newObject()}, []*column(nil)
	for i, fd := range l.fields {
		if !fd.Key {
			continue
		}
		k := &keyColumn{field: i, col: l.columns[i], path: fd.Path != nil}
		r.keys = append(r.keys, k)
		if k.path {
			root.path(fd.Path).take(k.col)
			if f.KeyBelow != "" {
				root.path(append([]string{f.KeyBelow}, fd.Path...)).take(k.col)
			}
			parts = append(parts, k.col)
		}
	}
	if len(parts) > 0 {
		r.text = l.dialect.Topics.JSON(Columns{&l.w, root, parts, &nameSet{}})
	}
	if f.Keys != nil && len(r.keys) > 0 {
		whole, all := slot{obj: root.obj}, []*column(nil)
		for _, k := range r.keys {
			if k.bytes() {
				continue
			}
			if all = append(all, k.col); !k.path {
				whole.take(k.col)
			}
		}
		r.binary = f.Keys(l, Columns{&l.w, &whole, all, &nameSet{}})
	}
}

// prepareKey sees whether a record's key is one of a registry's serialisers.
func (r *topicRecords) prepareKey(ctx context.Context, rec *Record) error {
	if r.inKey = false; r.binary == nil || rec.Key == nil {
		return nil
	}
	header := rec.header(keySchemaHeader)
	if _, ok := schemaID(rec.Key); !ok && header == nil {
		return nil
	}
	r.inKey = true
	return r.binary.prepare(ctx, rec.Key, header)
}

// key writes the columns FROM KEY. prepareKey has been called with the record.
func (r *topicRecords) key(c *duck.Chunk, key []byte, row int, lenient bool) (why string, set int, full bool) {
	if r.inKey && key != nil {
		if why, set, full = r.binary.decode(key, row, lenient); why != "" {
			why = "the key: " + why
		}
		for _, k := range r.keys {
			switch {
			case k.bytes():
				c.Vecs[k.col.vec].PutBytes(row, key)
			case lenient && set == 0:
				c.SetNull(k.col.node, row)
			}
		}
		return why, set, full
	}
	text := key
	if r.binary == nil && key != nil {
		text = plainJSON(key)
	}
	paths := false
	for _, k := range r.keys {
		switch {
		case key == nil:
			c.SetNull(k.col.node, row)
		case k.path:
			paths = true
		default:
			tok := text
			if k.col.id == duck.TypeBlob {
				tok = key
			}
			f := r.l.w.bytes(k.col, row, tok)
			switch {
			case f == fine:
				set++
				continue
			case why == "" && f != noRoom:
				why = "the key: " + f.reason(k.col, tok, false)
			}
			full = full || f == noRoom
			c.SetNull(k.col.node, row)
		}
	}
	if !paths {
		return why, set, full
	}
	wrong, n, noRoom := r.text.decode(text, row, lenient)
	if wrong != "" && why == "" {
		why = "the key: " + wrong
	}
	return why, set + n, full || noRoom
}
