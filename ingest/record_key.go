package ingest

import (
	"context"

	"dsql/engine/duck"
)

// The key of a record gives the columns FROM KEY.

// keyDecoder is a decoder of keys with a schema.
type keyDecoder interface {
	valueDecoder
	preparer
}

// keyColumn is a column FROM KEY; path: from the key as JSON.
type keyColumn struct {
	field int
	col   *column
	path  bool
}

// bytes says that the column takes the key as it is.
func (k *keyColumn) bytes() bool { return !k.path && k.col.id == duck.TypeBlob }

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
	d := &r.keyJSON
	d.jsonScanner = jsonScanner{b: text}
	d.lenient, d.unknown = lenient, 0
	d.ws()
	ok := d.record(row)
	if ok {
		d.ws()
		ok = d.i == len(text) || d.syntax()
	}
	if !ok && why == "" {
		why = "the key: " + d.reason(0)
	}
	if !ok && lenient && d.set == 0 {
		d.nullRest(d.columns, row)
	}
	return why, set + d.set, full || !ok && d.fault == noRoom
}
