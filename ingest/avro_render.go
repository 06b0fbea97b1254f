package ingest

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// render appends the value at i as JSON: records and maps as objects, a union's value as it is, bytes as Avro's own JSON has them
// (a code point a byte), what has a logical type as its text. nan and inf become strings.
func (d *avroDecoder) render(t *schemaType, depth int) bool {
	if !d.mayRender(depth) {
		return false
	}
	switch t.kind {
	case kindNull:
		d.text = append(d.text, "null"...)
		return true
	case kindUnion:
		k, ok := d.branch(t)
		return ok && d.render(t.branches[k], depth+1)
	case kindRecord:
		for i, f := range t.fields {
			d.text = appendJSON(append(d.text, "{,"[min(i, 1)]), f.name)
			d.text = append(d.text, ':')
			if !d.render(f.t, depth+1) {
				return false
			}
		}
		if len(t.fields) == 0 {
			d.text = append(d.text, '{')
		}
		d.text = append(d.text, '}')
		return true
	case kindArray:
		d.text = append(d.text, '[')
		ok := d.blocks(t, func(k int) bool {
			if k > 0 {
				d.text = append(d.text, ',')
			}
			return d.render(t.elem, depth+1)
		})
		d.text = append(d.text, ']')
		return ok
	case kindMap:
		d.text = append(d.text, '{')
		first := true
		ok := d.entries(t, func(key []byte) bool {
			if !first {
				d.text = append(d.text, ',')
			}
			first = false
			d.text = append(appendJSON(d.text, key), ':')
			return d.render(t.elem, depth+1)
		})
		d.text = append(d.text, '}')
		return ok
	}
	s, ok := d.scalar(t)
	if !ok {
		return false
	}
	switch {
	case t.kind == kindString && !utf8.Valid(s.b):
		return d.bad("text that is no UTF-8 at byte %d", d.i)
	case t.logical == logicalNone && (t.kind == kindBytes || t.kind == kindFixed):
		d.text = append(d.text, '"')
		for _, c := range s.b {
			d.text = appendJSONRune(d.text, rune(c))
		}
		d.text = append(d.text, '"')
		return true
	}
	f := t.text(d.w, s)
	switch {
	case f != fine: // a time that no text has: the number that it is
		d.text = strconv.AppendInt(d.text, s.n, 10)
	case t.kind == kindBoolean, t.kind == kindFloat || t.kind == kindDouble, t.logical == logicalDecimal,
		t.logical == logicalNone && (t.kind == kindInt || t.kind == kindLong):
		if t.logical == logicalNone && (math.IsNaN(s.f) || math.IsInf(s.f, 0)) {
			d.text = appendJSON(d.text, d.w.buf)
		} else {
			d.text = append(d.text, d.w.buf...)
		}
	default:
		d.text = appendJSON(d.text, d.w.buf)
	}
	return true
}
