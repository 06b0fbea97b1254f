package ingest

import (
	"encoding/base64"
	"math"
	"unicode/utf8"
)

// render appends a value as JSON, as protojson writes it with proto names and default values: a field that isn't there and could be is
// left out, bytes are base64. But numbers of 64 bits are numbers, and times are DuckDB's texts.
func (d *protoDecoder) render(t *schemaType, occ []occurrence, depth int) bool {
	if !d.mayRender(depth) {
		return false
	}
	base := len(d.occ)
	defer func() { d.occ = d.occ[:base] }()
	t, occ, ok := d.open(t, occ)
	if !ok {
		return false
	}
	switch t.kind {
	case kindNull:
		d.text = append(d.text, "null"...)
		return true
	case kindUnion:
		k, occ, ok := d.branch(t, occ)
		if ok && k < 0 {
			d.text = append(d.text, "null"...)
			return true
		}
		return ok && d.render(t.branches[k], occ, depth+1)
	case kindRecord:
		return d.object(t, occ, depth)
	case kindArray:
		d.text = append(d.text, '[')
		first := true
		ok := d.elements(t, occ, func(o []occurrence) bool {
			d.comma(&first)
			return d.render(t.elem, o, depth+1)
		})
		d.text = append(d.text, ']')
		return ok
	case kindMap:
		d.text = append(d.text, '{')
		first := true
		ok := d.entries(t, occ, func(key schemaScalar, value []occurrence) bool {
			d.comma(&first)
			t.proto.key.text(d.w, key)
			d.text = append(appendJSON(d.text, d.w.buf), ':')
			return d.render(t.elem, value, depth+1)
		})
		d.text = append(d.text, '}')
		return ok
	}
	return d.plain(t, occ)
}

func (d *protoDecoder) comma(first *bool) {
	if !*first {
		d.text = append(d.text, ',')
	}
	*first = false
}

func (d *protoDecoder) object(t *schemaType, occ []occurrence, depth int) bool {
	b, ok := d.body(occ)
	at := len(d.occ)
	if !ok || !d.scan(t, b, nil) {
		return false
	}
	end := len(d.occ)
	d.text = append(d.text, '{')
	first := true
	for i, f := range t.fields {
		from := at
		for at < end && d.occ[at].field == int32(i) {
			at++
		}
		if at == from && f.proto.absent != absentZero {
			if f.proto.absent == absentError {
				return d.bad("the required field %s isn't there", f.name)
			}
			continue
		}
		d.comma(&first)
		d.text = append(appendJSON(d.text, f.name), ':')
		if !d.render(f.t, d.occ[from:at], depth+1) {
			return false
		}
	}
	d.text = append(d.text, '}')
	return true
}

// plain appends a scalar.
func (d *protoDecoder) plain(t *schemaType, occ []occurrence) bool {
	t, s, ok := d.scalar(t, occ)
	if !ok {
		return false
	}
	switch {
	case t.kind == kindString && !utf8.Valid(s.b):
		return d.bad("text that is no UTF-8")
	case t.kind == kindBytes && t.logical == logicalNone:
		d.text = append(d.text, '"')
		d.text = base64.StdEncoding.AppendEncode(d.text, s.b)
		d.text = append(d.text, '"')
		return true
	}
	if f := t.text(d.w, s); f != fine {
		return d.bad("%s that no text has", t.what())
	}
	number := t.kind == kindBoolean || t.kind == kindInt || t.kind == kindUint || t.kind == kindLong || t.kind == kindUlong ||
		t.logical == logicalDecimal ||
		(t.kind == kindFloat || t.kind == kindDouble) && !math.IsNaN(s.f) && !math.IsInf(s.f, 0)
	if number {
		d.text = append(d.text, d.w.buf...)
	} else {
		d.text = appendJSON(d.text, d.w.buf)
	}
	return true
}
