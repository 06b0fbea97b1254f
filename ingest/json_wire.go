package ingest

import "strconv"

// variable converts the object at i, a decimal that has its scale with it.
func (d *jsonDecoder) variable(c *column, row int) (fault, bool) {
	start := d.i
	if !d.skip(0) {
		return badJSON, false
	}
	in := jsonScanner{b: d.b[start:d.i]}
	scale, value := -1, []byte(nil)
	in.members(func(key []byte, from, to int) {
		tok := in.b[from:to]
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
		return wrong, true
	}
	b, f := base64Of(d.w, value)
	if f != fine {
		return f, true
	}
	t := schemaType{kind: kindBytes, logical: logicalDecimal, precision: 38, scale: scale}
	return t.put(d.w, c, row, schemaScalar{b: b}), true
}

// inner takes the JSON that the string at i holds.
func (d *jsonDecoder) inner(c *column, row int) outcome {
	start := d.i
	d.i++
	escaped, ok := d.str()
	if !ok {
		d.syntax()
		return failed
	}
	tok := d.b[start+1 : d.i-1]
	if escaped {
		d.w.buf = unescape(d.w.buf[:0], tok)
		if tok, ok = d.w.keep(d.w.buf); !ok {
			return d.fail(noRoom, c, start)
		}
	}
	if !validJSON(tok) {
		return d.fail(wrong, c, start)
	}
	d.w.vecs[c.vec].PutBytes(row, tok)
	return isSet
}
