package avro

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
	"dsql/ingest/schema"
)

// render appends the value at i as JSON: records and maps as objects, a union's value as it is, bytes as Avro's own JSON has them
// (a code point a byte), what has a logical type as its text. nan and inf become strings.
func (d *decoder) render(t *schema.Type, depth int) bool {
	if !d.MayRender(depth) {
		return false
	}
	switch t.Kind {
	case schema.KindNull:
		d.Text = append(d.Text, "null"...)
		return true
	case schema.KindUnion:
		k, ok := d.branch(t)
		return ok && d.render(t.Branches[k], depth+1)
	case schema.KindRecord:
		for i, f := range t.Fields {
			d.Text = jsontext.AppendString(append(d.Text, "{,"[min(i, 1)]), f.Name)
			d.Text = append(d.Text, ':')
			if !d.render(f.Type, depth+1) {
				return false
			}
		}
		if len(t.Fields) == 0 {
			d.Text = append(d.Text, '{')
		}
		d.Text = append(d.Text, '}')
		return true
	case schema.KindArray:
		d.Text = append(d.Text, '[')
		ok := d.blocks(t, func(k int) bool {
			if k > 0 {
				d.Text = append(d.Text, ',')
			}
			return d.render(t.Elem, depth+1)
		})
		d.Text = append(d.Text, ']')
		return ok
	case schema.KindMap:
		d.Text = append(d.Text, '{')
		first := true
		ok := d.entries(t, func(key []byte) bool {
			if !first {
				d.Text = append(d.Text, ',')
			}
			first = false
			d.Text = append(jsontext.AppendString(d.Text, key), ':')
			return d.render(t.Elem, depth+1)
		})
		d.Text = append(d.Text, '}')
		return ok
	}
	s, ok := d.scalar(t)
	if !ok {
		return false
	}
	switch {
	case t.Kind == schema.KindString && !utf8.Valid(s.Bytes):
		return d.Broken("text that is no UTF-8 at byte %d", d.i)
	case d.raw && (t.Kind == schema.KindInt || t.Kind == schema.KindLong):
		d.Text = strconv.AppendInt(d.Text, s.Int, 10)
		return true
	case d.raw && (t.Kind == schema.KindBytes || t.Kind == schema.KindFixed):
		d.Text = append(base64.StdEncoding.AppendEncode(append(d.Text, '"'), s.Bytes), '"')
		return true
	case t.Logical == schema.LogicalNone && (t.Kind == schema.KindBytes || t.Kind == schema.KindFixed):
		d.Text = append(d.Text, '"')
		for _, c := range s.Bytes {
			d.Text = jsontext.AppendRune(d.Text, rune(c))
		}
		d.Text = append(d.Text, '"')
		return true
	}
	f := t.Text(d.W, s)
	switch {
	case f != convert.Fine: // a time that no text has: the number that it is
		d.Text = strconv.AppendInt(d.Text, s.Int, 10)
	case t.Kind == schema.KindBoolean, t.Kind == schema.KindFloat || t.Kind == schema.KindDouble, t.Logical == schema.LogicalDecimal,
		t.Logical == schema.LogicalNone && (t.Kind == schema.KindInt || t.Kind == schema.KindLong):
		if t.Logical == schema.LogicalNone && (math.IsNaN(s.Float) || math.IsInf(s.Float, 0)) {
			d.Text = jsontext.AppendString(d.Text, d.W.Buf)
		} else {
			d.Text = append(d.Text, d.W.Buf...)
		}
	default:
		d.Text = jsontext.AppendString(d.Text, d.W.Buf)
	}
	return true
}
