package json

import (
	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
)

// foldedField is a field whose name is a slot's but for its case, where its value begins. The slot's own name goes first, so it waits
// for the end of its object.
type foldedField struct {
	slot            *convert.Slot
	from, to, value int // its key, its value
}

// Decoder writes JSON values into vectors in one pass: the text is followed along the declared columns and nothing is kept in
// between. It goes on with the next field after one that does not convert only when lenient.
type Decoder struct {
	jsontext.Scanner
	w       *convert.Writer
	Root    *convert.Slot
	Columns []*convert.Column // all that root leads to
	Lenient bool
	Unknown int64
	names   *convert.NameSet // of unknown fields
	folded  []foldedField
	lower   []byte // scratch

	Serial uint64 // counts objects
	Scope  uint64 // the record or STRUCT in hand
	Set    int    // how many of its columns have a value

	Fault convert.Fault // the first of the record
	col   *convert.Column
	tok   []byte
}

// NewDecoder makes a decoder of objects. There must be one alone of the same columns: they are marked by what it counts.
func NewDecoder(to convert.Columns) *Decoder {
	return &Decoder{w: to.W, Root: to.Root, Columns: to.All, names: to.Names}
}

func (d *Decoder) NullRest(cols []*convert.Column, row int) {
	for _, c := range cols {
		if c.Mark != d.Scope {
			d.w.Chunk.SetNull(c.Node, row)
		}
	}
}

// fail notes the first fault of a record: c's value begins at from and ends at i.
func (d *Decoder) fail(f convert.Fault, c *convert.Column, from int) convert.Outcome {
	if d.Fault == convert.Fine {
		d.Fault, d.col, d.tok = f, c, d.Text[from:max(from, min(d.At, len(d.Text)))]
	}
	return convert.Failed
}

// syntax is the failure of a text that is no JSON; i says where.
func (d *Decoder) syntax() bool { d.fail(convert.BadJSON, nil, 0); return false }

// Reason is what a reject says of the record. base is added to byte positions.
func (d *Decoder) Reason(base int) string {
	switch d.Fault {
	case convert.BadJSON:
		return d.Problem(base)
	case convert.NoObject:
		return "not an object: " + jsontext.Excerpt(d.tok, false)
	}
	return d.Fault.Reason(d.col, d.tok, false)
}

// pass steps over a value that did not convert, where the decoder is lenient and the text allows it.
func (d *Decoder) pass(start int) bool {
	if !d.Lenient || d.Fault == convert.BadJSON || d.Fault == convert.NoRoom {
		return false
	}
	d.At = start
	return d.Skip(0)
}
