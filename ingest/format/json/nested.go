package json

import (
	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
	"dsql/ingest/schema"
)

// nested converts an object or array into a STRUCT, LIST or MAP.
func (d *Decoder) nested(c *convert.Column, row int) convert.Outcome {
	start := d.At
	open := byte('{')
	if c.ID == duck.TypeList {
		open = '['
	}
	if d.Text[start] != open {
		if !d.Skip(0) {
			d.syntax()
			return convert.Failed
		}
		return d.fail(convert.Wrong, c, start)
	}
	ok := true
	switch c.ID {
	case duck.TypeStruct:
		scope, set := d.Scope, d.Set
		d.Serial++
		d.Scope, d.Set = d.Serial, 0
		if ok = d.object(c.Fields, row); ok && d.Set < len(c.Children) {
			d.NullRest(c.Children, row)
		}
		d.Scope, d.Set = scope, set
	case duck.TypeList:
		ok = d.list(c, row)
	case duck.TypeMap:
		ok = d.entries(c, row)
	}
	if !ok {
		return convert.Failed
	}
	return convert.IsSet
}

// abandon makes the elements of a list that was not finished NULL: DuckDB casts whole child vectors, also what no list points at.
func (d *Decoder) abandon(c *convert.Column, at, n int) {
	for r := at; r < at+n; r++ {
		d.w.Chunk.SetNull(c.Node.Children[0], r)
	}
}

// list converts the array at i.
func (d *Decoder) list(c *convert.Column, row int) (ok bool) {
	at, n := 0, 0
	defer func() {
		if !ok {
			d.abandon(c, at, n)
		}
	}()
	elem := c.Children[0]
	d.At++
	d.Space()
	for !d.Is(']') {
		if n > 0 {
			if !d.Is(',') {
				return d.syntax()
			}
			d.Space()
		}
		r := d.w.Chunk.Append(c.Node)
		if n++; n == 1 {
			at = r
		}
		if !d.element(elem, r) {
			return false
		}
		d.Space()
	}
	d.w.Vecs[c.Vec].PutList(row, at, n)
	return true
}

// element converts a value that stands in a list or map.
func (d *Decoder) element(c *convert.Column, row int) bool {
	start := d.At
	switch d.Value(c, row) {
	case convert.IsSet:
		return true
	case convert.Failed:
		if !d.pass(start) {
			return false
		}
	}
	d.w.Chunk.SetNull(c.Node, row)
	return true
}

// entries converts the object at i into a MAP.
func (d *Decoder) entries(c *convert.Column, row int) (ok bool) {
	at, n := 0, 0
	defer func() {
		if !ok {
			d.abandon(c, at, n)
		}
	}()
	key, val := c.Children[0], c.Children[1]
	seen := map[string]bool{}
	d.At++
	d.Space()
	for !d.Is('}') {
		if n > 0 {
			if !d.Is(',') {
				return d.syntax()
			}
			d.Space()
		}
		start := d.At
		if !d.Is('"') {
			return d.syntax()
		}
		escaped, ok := d.Str()
		if !ok {
			return d.syntax()
		}
		k := d.Text[start+1 : d.At-1]
		if escaped {
			d.w.Buf = jsontext.Unescape(d.w.Buf[:0], k)
			k = d.w.Buf
		}
		r := d.w.Chunk.Append(c.Node)
		if n++; n == 1 {
			at = r
		}
		if seen[string(k)] {
			d.named(&convert.Slot{}, start+1, d.At-1)
			return false
		}
		seen[string(k)] = true
		if f := d.w.Scalar(key, r, k, convert.FromText, !escaped); f != convert.Fine {
			d.fail(f, key, start)
			return false
		}
		if !d.Colon() {
			return d.syntax()
		}
		if !d.element(val, r) {
			return false
		}
		d.Space()
	}
	d.w.Vecs[c.Vec].PutList(row, at, n)
	return true
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
