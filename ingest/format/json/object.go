package json

import (
	"slices"
	"strconv"

	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
)

// The members of an object, and the columns that they are for.

// object follows the object at i along o.
func (d *Decoder) object(o *convert.Object, row int) bool {
	base := len(d.folded)
	d.Serial++
	this := d.Serial
	ok := d.fields(o, this, row)
	if len(d.folded) > base {
		ok = ok && d.unfold(d.folded[base:], this, row)
		d.folded = d.folded[:base]
	}
	return ok
}

// unfold gives the fields that waited to their slots. One whose slot has a value under its own name is one that nobody declared.
func (d *Decoder) unfold(fields []foldedField, this uint64, row int) bool {
	end := d.At
	fields = slices.DeleteFunc(fields, func(f foldedField) bool {
		if f.slot.Mark != this {
			return false
		}
		d.Unknown++
		d.names.Add(d.Text[f.from:f.to])
		return true
	})
	for _, f := range fields {
		if f.slot.Mark == this {
			d.named(f.slot, f.from, f.to)
			return false
		}
		f.slot.Mark = this
		if d.At = f.value; !d.member(f.slot, row) {
			return false
		}
	}
	d.At = end
	return true
}

// fields follows the fields of the object at i.
func (d *Decoder) fields(o *convert.Object, this uint64, row int) bool {
	d.At++
	d.Space()
	if d.Is('}') {
		return true
	}
	for n := 0; ; n++ {
		if !d.Is('"') {
			return d.syntax()
		}
		start := d.At
		k, ok := d.key(o, n)
		if !ok {
			return d.syntax()
		}
		keyEnd := d.At - 1
		if !d.Colon() {
			return d.syntax()
		}
		switch {
		case k < 0:
			if k == unknownField {
				d.Unknown++
			} else {
				d.folded = append(d.folded, foldedField{o.Slots[otherCase-k], start, keyEnd, d.At})
			}
			if !d.Skip(0) {
				return d.syntax()
			}
		default:
			s := o.Slots[k]
			if s.Mark == this {
				d.named(s, start, keyEnd)
				return false
			}
			s.Mark = this
			if !d.member(s, row) {
				return false
			}
		}
		d.Space()
		if d.Is('}') {
			return true
		}
		if !d.Is(',') {
			return d.syntax()
		}
		d.Space()
	}
}

// named is the failure of a field named twice.
func (d *Decoder) named(s *convert.Slot, from, to int) {
	if d.Fault == convert.Fine {
		d.Fault, d.tok = convert.Twice, d.Text[from:to]
		if d.col = s.Col; d.col == nil {
			d.col = &convert.Column{Name: jsontext.Excerpt(d.tok, false), Node: &duck.Node{}}
		}
	}
}

// What key gives beside the number of a slot: a field that nobody declared, and from otherCase downwards the slots whose name it has
// in another case.
const (
	unknownField = -1
	otherCase    = -2
)

// key reads a key after its opening quote and gives its slot.
func (d *Decoder) key(o *convert.Object, n int) (int, bool) {
	if n < len(o.Order) {
		l := &o.Order[n]
		if e := d.At + len(l.Key); e <= len(d.Text) && string(d.Text[d.At:e]) == l.Key {
			d.At = e
			return l.Slot, true
		}
	}
	start := d.At
	escaped, ok := d.Str()
	if !ok {
		return 0, false
	}
	k := d.Text[start : d.At-1]
	if escaped {
		d.w.Buf = jsontext.Unescape(d.w.Buf[:0], k)
		k = d.w.Buf
	}
	i, found := o.ByName[string(k)]
	if !found {
		d.lower = convert.AppendLower(d.lower[:0], k)
		if i, found = o.AnyCase()[string(d.lower)]; found {
			i = otherCase - i
		} else {
			i = unknownField
			d.names.Add(k)
		}
	}
	if !escaped && n <= len(o.Order) && n < 256 && o.Budget > 0 {
		o.Budget--
		o.Order = append(o.Order[:n], convert.Learned{Key: string(k) + `"`, Slot: i})
	}
	return i, true
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
