package json

import (
	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
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
