package ingest

import (
	"dsql/engine/duck"
)

// nested converts an object or array into a STRUCT, LIST or MAP.
func (d *jsonDecoder) nested(c *column, row int) outcome {
	start := d.i
	open := byte('{')
	if c.id == duck.TypeList {
		open = '['
	}
	if d.b[start] != open {
		if !d.skip(0) {
			d.syntax()
			return failed
		}
		return d.fail(wrong, c, start)
	}
	ok := true
	switch c.id {
	case duck.TypeStruct:
		scope, set := d.scope, d.set
		d.serial++
		d.scope, d.set = d.serial, 0
		if ok = d.object(c.fields, row); ok && d.set < len(c.children) {
			d.nullRest(c.children, row)
		}
		d.scope, d.set = scope, set
	case duck.TypeList:
		ok = d.list(c, row)
	case duck.TypeMap:
		ok = d.entries(c, row)
	}
	if !ok {
		return failed
	}
	return isSet
}

// abandon makes the elements of a list that was not finished NULL: DuckDB casts whole child vectors, also what no list points at.
func (d *jsonDecoder) abandon(c *column, at, n int) {
	for r := at; r < at+n; r++ {
		d.w.chunk.SetNull(c.node.Children[0], r)
	}
}

// list converts the array at i.
func (d *jsonDecoder) list(c *column, row int) (ok bool) {
	at, n := 0, 0
	defer func() {
		if !ok {
			d.abandon(c, at, n)
		}
	}()
	elem := c.children[0]
	d.i++
	d.ws()
	for !d.is(']') {
		if n > 0 {
			if !d.is(',') {
				return d.syntax()
			}
			d.ws()
		}
		r := d.w.chunk.Append(c.node)
		if n++; n == 1 {
			at = r
		}
		if !d.element(elem, r) {
			return false
		}
		d.ws()
	}
	d.w.vecs[c.vec].PutList(row, at, n)
	return true
}

// element converts a value that stands in a list or map.
func (d *jsonDecoder) element(c *column, row int) bool {
	start := d.i
	switch d.value(c, row) {
	case isSet:
		return true
	case failed:
		if !d.pass(start) {
			return false
		}
	}
	d.w.chunk.SetNull(c.node, row)
	return true
}

// entries converts the object at i into a MAP.
func (d *jsonDecoder) entries(c *column, row int) (ok bool) {
	at, n := 0, 0
	defer func() {
		if !ok {
			d.abandon(c, at, n)
		}
	}()
	key, val := c.children[0], c.children[1]
	seen := map[string]bool{}
	d.i++
	d.ws()
	for !d.is('}') {
		if n > 0 {
			if !d.is(',') {
				return d.syntax()
			}
			d.ws()
		}
		start := d.i
		if !d.is('"') {
			return d.syntax()
		}
		escaped, ok := d.str()
		if !ok {
			return d.syntax()
		}
		k := d.b[start+1 : d.i-1]
		if escaped {
			d.w.buf = unescape(d.w.buf[:0], k)
			k = d.w.buf
		}
		r := d.w.chunk.Append(c.node)
		if n++; n == 1 {
			at = r
		}
		if seen[string(k)] {
			d.named(&slot{}, start+1, d.i-1)
			return false
		}
		seen[string(k)] = true
		if f := d.w.scalar(key, r, k, fromText, !escaped); f != fine {
			d.fail(f, key, start)
			return false
		}
		if !d.colon() {
			return d.syntax()
		}
		if !d.element(val, r) {
			return false
		}
		d.ws()
	}
	d.w.vecs[c.vec].PutList(row, at, n)
	return true
}
