package json

import (
	"strconv"

	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
	"dsql/ingest/schema"
)

// variable converts the object at i, a decimal that has its scale with it.
func (d *Decoder) variable(c *convert.Column, row int) (convert.Fault, bool) {
	start := d.At
	if !d.Skip(0) {
		return convert.BadJSON, false
	}
	in := jsontext.Scanner{Text: d.Text[start:d.At]}
	scale, value := -1, []byte(nil)
	in.Members(func(key []byte, from, to int) {
		tok := in.Text[from:to]
		switch string(key) {
		case "scale":
			if n, err := strconv.Atoi(string(tok)); err == nil && n >= 0 && n < 1000 {
				scale = n
			}
		case "value":
			if len(tok) >= 2 && tok[0] == '"' {
				value = tok[1 : len(tok)-1]
			}
		}
	})
	if scale < 0 || value == nil {
		return convert.Wrong, true
	}
	b, f := schema.DecodeBase64(d.w, value)
	if f != convert.Fine {
		return f, true
	}
	t := schema.Type{Kind: schema.KindBytes, Logical: schema.LogicalDecimal, Precision: 38, Scale: scale}
	return t.Put(d.w, c, row, schema.Scalar{Bytes: b}), true
}

// inner takes the JSON that the string at i holds.
func (d *Decoder) inner(c *convert.Column, row int) convert.Outcome {
	start := d.At
	d.At++
	escaped, ok := d.Str()
	if !ok {
		d.syntax()
		return convert.Failed
	}
	tok := d.Text[start+1 : d.At-1]
	if escaped {
		d.w.Buf = jsontext.Unescape(d.w.Buf[:0], tok)
		if tok, ok = d.w.Keep(d.w.Buf); !ok {
			return d.fail(convert.NoRoom, c, start)
		}
	}
	if !jsontext.Valid(tok) {
		return d.fail(convert.Wrong, c, start)
	}
	d.w.Vecs[c.Vec].PutBytes(row, tok)
	return convert.IsSet
}
