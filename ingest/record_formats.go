package ingest

import (
	"cmp"
	"encoding/binary"
	"unicode/utf8"

	"dsql/engine/duck"
)

// jsonValue decodes values that are JSON objects.
type jsonValue struct{ d *jsonDecoder }

func (j *jsonValue) unknown() int64 { return j.d.unknown }

func (j *jsonValue) decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	return j.d.whole(plainJSON(value), row, lenient)
}

// plainJSON is the value without the five bytes that serialisers with a schema registry put before the text: a zero, which no JSON
// begins with, and the schema's number.
func plainJSON(value []byte) []byte {
	if len(value) > 5 && value[0] == 0 && binary.BigEndian.Uint32(value[1:]) > 0 {
		return value[5:]
	}
	return value
}

// whole decodes a text that is one object and nothing else.
func (d *jsonDecoder) whole(text []byte, row int, lenient bool) (why string, set int, full bool) {
	d.jsonScanner = jsonScanner{b: text}
	d.lenient, d.unknown = lenient, 0
	d.ws()
	ok := d.record(row)
	if lenient {
		return "", d.set, false
	}
	if ok {
		d.ws()
		ok = d.i == len(d.b) || d.syntax()
	}
	if ok {
		return "", d.set, false
	}
	return d.reason(0), 0, d.fault == noRoom
}

// rawValue gives the value as it is to the one column that there is.
type rawValue struct{ l *Landing }

func (*rawValue) unknown() int64 { return 0 }

func (r *rawValue) decode(value []byte, row int, _ bool) (why string, set int, full bool) {
	for _, i := range r.l.values {
		c := r.l.columns[i]
		f := r.l.w.bytes(c, row, value)
		switch {
		case f == noRoom:
			return "", 0, true
		case f != fine:
			r.l.w.chunk.SetNull(c.node, row)
			return f.reason(c, value, true), 0, false
		}
		set++
	}
	return "", set, false
}

// bytes converts a whole value or key, which lies in the slab: a BLOB takes it as it is, another type its text.
func (w *writer) bytes(c *column, row int, value []byte) fault {
	if c.id == duck.TypeBlob {
		w.vecs[c.vec].PutBytes(row, value)
		return fine
	}
	if c.id >= duck.TypeStruct || !utf8.Valid(value) {
		return wrong
	}
	return w.scalar(c, row, value, fromText, true)
}

// csvValue decodes values that are one line of CSV; its fields are the declared columns, in order.
type csvValue struct{ c *csvDecoder }

func newCSVValue(l *Landing) *csvValue {
	c := newCSVDecoder(&File{l: l})
	c.width = len(l.values)
	c.setDelim(cmp.Or(l.dialect.Delim, ","))
	for at, i := range l.values {
		c.targets = append(c.targets, l.target(at, i))
	}
	return &csvValue{c}
}

func (v *csvValue) unknown() int64 { return v.c.unknown }

func (v *csvValue) decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	c := v.c
	size := c.split(value, true)
	rec := value[:c.end]
	switch {
	case lenient && (c.broken != "" || size < len(value)):
		return "", 0, false
	case lenient:
		return "", c.salvage(rec, row), false
	case c.broken != "":
		return c.broken, 0, false
	case size < len(value):
		return "more than one line", 0, false
	}
	if why = c.check(rec); why != "" {
		return why, 0, false
	}
	at, f := c.convert(rec, row)
	if f == fine {
		return "", len(c.targets), false
	}
	return c.reason(at, f, rec), 0, f == noRoom
}
