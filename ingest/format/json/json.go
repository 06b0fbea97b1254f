// Package json is the format json: objects one behind the other, in an array, or each the value of a record.
package json

import (
	"strconv"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
	"dsql/ingest/schema"
)

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

// Format is JSON: objects one behind the other, or in an array.
var Format = batch.Format{
	Name: "json", Endings: []string{".json", ".jsonl", ".ndjson"}, Inferred: true, Offsets: true,
	Files: func(_ *duck.Conn, l *batch.Landing) (batch.Opener, error) {
		d := NewDecoder(l.Columns())
		return func(f *batch.File, from batch.Pos) (batch.Cutter, error) { return open(d, f, from) }, nil
	},
	Values: func(l *batch.Landing) (batch.ValueDecoder, error) {
		return &value{NewDecoder(l.Columns())}, nil
	},
	Object: Line,
}

// Keys decodes keys that are JSON.
func Keys(to convert.Columns) batch.ValueDecoder { return &value{NewDecoder(to)} }

// Record decodes the object at i into a row. When it returns false the row is half written.
func (d *Decoder) Record(row int) bool {
	d.Fault, d.Why, d.Set, d.folded = convert.Fine, "", 0, d.folded[:0]
	d.Serial++
	d.Scope = d.Serial
	ok := false
	if d.At < len(d.Text) && d.Text[d.At] == '{' {
		ok = d.member(d.Root, row)
	} else {
		start := d.At
		if d.Skip(0) {
			d.Fault, d.tok = convert.NoObject, d.Text[start:d.At]
		} else {
			d.syntax()
		}
	}
	if (ok || d.Lenient) && d.Set < len(d.Columns) {
		d.NullRest(d.Columns, row)
	}
	return ok
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

// member gives the value at i to those who want it.
func (d *Decoder) member(s *convert.Slot, row int) bool {
	start := d.At
	if s.Col != nil {
		if !d.take(s.Col, row) {
			return false
		}
		for _, c := range s.More {
			if d.At = start; !d.take(c, row) {
				return false
			}
		}
		if s.Obj == nil {
			return true
		}
		d.At = start
	}
	switch {
	case d.At < len(d.Text) && d.Text[d.At] == '{':
		return d.object(s.Obj, row)
	case d.At < len(d.Text) && d.Text[d.At] == '[':
		return d.elements(s.Obj, row)
	case d.At < len(d.Text) && d.Text[d.At] != 'n': // there is nothing below a scalar: the paths find no field
		d.Unknown++
	}
	return d.Skip(0) || d.syntax()
}

// take converts the value at i for a column of the record or STRUCT in hand.
func (d *Decoder) take(c *convert.Column, row int) bool {
	start := d.At
	switch d.Value(c, row) {
	case convert.IsSet:
		c.Mark = d.Scope
		d.Set++
		return true
	case convert.IsNull:
		return true
	}
	return d.pass(start)
}

// pass steps over a value that did not convert, where the decoder is lenient and the text allows it.
func (d *Decoder) pass(start int) bool {
	if !d.Lenient || d.Fault == convert.BadJSON || d.Fault == convert.NoRoom {
		return false
	}
	d.At = start
	return d.Skip(0)
}

// elements follows the array at i along the slots of o that are numbers.
func (d *Decoder) elements(o *convert.Object, row int) bool {
	d.At++
	d.Space()
	if d.Is(']') {
		return true
	}
	for n := 0; ; n++ {
		if k, ok := o.ByName[strconv.Itoa(n)]; ok {
			if !d.member(o.Slots[k], row) {
				return false
			}
		} else if !d.Skip(0) {
			return d.syntax()
		}
		d.Space()
		if d.Is(']') {
			return true
		}
		if !d.Is(',') {
			return d.syntax()
		}
		d.Space()
	}
}

// Value converts the value at i into a row of c. It does not mark NULL.
func (d *Decoder) Value(c *convert.Column, row int) convert.Outcome {
	start := d.At
	if start >= len(d.Text) {
		d.syntax()
		return convert.Failed
	}
	first := d.Text[start]
	if first == 'n' {
		if !d.Lit("null") {
			d.syntax()
			return convert.Failed
		}
		return convert.IsNull
	}
	var f convert.Fault
	switch {
	case c.ID >= duck.TypeStruct:
		return d.nested(c, row)
	case first == '{' && c.Wire != nil && schema.FormOf(c) == schema.WireVariable && c.ID != duck.TypeVarchar && c.ID != duck.TypeJSON:
		var ok bool
		if f, ok = d.variable(c, row); !ok {
			d.syntax()
			return convert.Failed
		}
	case first == '"' && c.ID == duck.TypeJSON && c.Wire != nil && schema.FormOf(c) == schema.WireJSON:
		return d.inner(c, row)
	case c.ID == duck.TypeJSON || c.ID == duck.TypeVarchar && (first == '{' || first == '['):
		if !d.Skip(0) {
			d.syntax()
			return convert.Failed
		}
		d.w.Vecs[c.Vec].PutBytes(row, d.Text[start:d.At])
		return convert.IsSet
	case first == '"':
		d.At++
		escaped, ok := d.Str()
		if !ok {
			d.syntax()
			return convert.Failed
		}
		tok := d.Text[start+1 : d.At-1]
		if escaped {
			d.w.Buf = jsontext.Unescape(d.w.Buf[:0], tok)
			f = d.w.Scalar(c, row, d.w.Buf, convert.FromText, false)
		} else {
			f = d.w.Scalar(c, row, tok, convert.FromText, true)
		}
	case first == '-' || first-'0' <= 9:
		if !d.Number() {
			d.syntax()
			return convert.Failed
		}
		f = d.w.Scalar(c, row, d.Text[start:d.At], convert.FromNumber, true)
	case first == 't' || first == 'f':
		if !d.Skip(0) {
			d.syntax()
			return convert.Failed
		}
		f = d.w.Scalar(c, row, d.Text[start:d.At], convert.FromLiteral, true)
	default:
		if !d.Skip(0) {
			d.syntax()
			return convert.Failed
		}
		f = convert.Wrong // an object or array for a scalar
	}
	if f != convert.Fine {
		return d.fail(f, c, start)
	}
	return convert.IsSet
}
