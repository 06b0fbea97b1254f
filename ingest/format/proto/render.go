package proto

import (
	"encoding/base64"
	"math"
	"unicode/utf8"

	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
	"dsql/ingest/schema"
)

// render appends a value as JSON, as protojson writes it with proto names and default values: a field that isn't there and could be is
// left out, bytes are base64. But numbers of 64 bits are numbers, and times are DuckDB's texts.
func (d *decoder) render(t *schema.Type, occ []occurrence, depth int) bool {
	if !d.MayRender(depth) {
		return false
	}
	base := len(d.occ)
	defer func() { d.occ = d.occ[:base] }()
	t, occ, ok := d.open(t, occ)
	if !ok {
		return false
	}
	switch t.Kind {
	case schema.KindNull:
		d.Text = append(d.Text, "null"...)
		return true
	case schema.KindUnion:
		k, occ, ok := d.branch(t, occ)
		if ok && k < 0 {
			d.Text = append(d.Text, "null"...)
			return true
		}
		return ok && d.render(t.Branches[k], occ, depth+1)
	case schema.KindRecord:
		return d.object(t, occ, depth)
	case schema.KindArray:
		d.Text = append(d.Text, '[')
		first := true
		ok := d.elements(t, occ, func(o []occurrence) bool {
			d.comma(&first)
			return d.render(t.Elem, o, depth+1)
		})
		d.Text = append(d.Text, ']')
		return ok
	case schema.KindMap:
		d.Text = append(d.Text, '{')
		first := true
		ok := d.entries(t, occ, func(key schema.Scalar, value []occurrence) bool {
			d.comma(&first)
			t.Proto.Key.Text(d.W, key)
			d.Text = append(jsontext.AppendString(d.Text, d.W.Buf), ':')
			return d.render(t.Elem, value, depth+1)
		})
		d.Text = append(d.Text, '}')
		return ok
	}
	return d.plain(t, occ)
}

func (d *decoder) comma(first *bool) {
	if !*first {
		d.Text = append(d.Text, ',')
	}
	*first = false
}

func (d *decoder) object(t *schema.Type, occ []occurrence, depth int) bool {
	b, ok := d.body(occ)
	at := len(d.occ)
	if !ok || !d.scan(t, b, nil) {
		return false
	}
	end := len(d.occ)
	d.Text = append(d.Text, '{')
	first := true
	for i, f := range t.Fields {
		from := at
		for at < end && d.occ[at].field == int32(i) {
			at++
		}
		if at == from && f.Proto.Absent != schema.AbsentZero {
			if f.Proto.Absent == schema.AbsentError {
				return d.Broken("the required field %s isn't there", f.Name)
			}
			continue
		}
		d.comma(&first)
		d.Text = append(jsontext.AppendString(d.Text, f.Name), ':')
		if !d.render(f.Type, d.occ[from:at], depth+1) {
			return false
		}
	}
	d.Text = append(d.Text, '}')
	return true
}

// plain appends a scalar.
func (d *decoder) plain(t *schema.Type, occ []occurrence) bool {
	t, s, ok := d.scalar(t, occ)
	if !ok {
		return false
	}
	switch {
	case t.Kind == schema.KindString && !utf8.Valid(s.Bytes):
		return d.Broken("text that is no UTF-8")
	case t.Kind == schema.KindBytes && t.Logical == schema.LogicalNone:
		d.Text = append(d.Text, '"')
		d.Text = base64.StdEncoding.AppendEncode(d.Text, s.Bytes)
		d.Text = append(d.Text, '"')
		return true
	}
	if f := t.Text(d.W, s); f != convert.Fine {
		return d.Broken("%s that no text has", t.What())
	}
	number := t.Kind == schema.KindBoolean || t.Kind == schema.KindInt || t.Kind == schema.KindUint || t.Kind == schema.KindLong ||
		t.Kind == schema.KindUlong ||
		t.Logical == schema.LogicalDecimal ||
		(t.Kind == schema.KindFloat || t.Kind == schema.KindDouble) && !math.IsNaN(s.Float) && !math.IsInf(s.Float, 0)
	if number {
		d.Text = append(d.Text, d.W.Buf...)
	} else {
		d.Text = jsontext.AppendString(d.Text, d.W.Buf)
	}
	return true
}
