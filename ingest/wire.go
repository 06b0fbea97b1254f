package ingest

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
)

// wire says what a JSON value means that doesn't say it itself: a number that counts days or microseconds, bytes as base64. It comes from
// the schema that Debezium's messages carry, or from a column's FORMAT, and converts as the same type of Avro does.
type wire struct {
	form wireForm
	t    *schemaType
}

type wireForm uint8

const (
	wireNumber   wireForm = iota // a whole number with a meaning
	wireBase64                   // bytes
	wireBits                     // bytes of a number, the lowest first, without a sign
	wireVariable                 // {"scale": 2, "value": base64}: a decimal that has its scale with it
	wireJSON                     // a text that holds JSON
	wireISODate                  // a date with a Z behind it
)

var (
	plainBytes = &schemaType{kind: kindBytes}
	wholeBytes = &schemaType{kind: kindBytes, logical: logicalDecimal, precision: 38}
)

// base64Format is the wire of FORMAT base64 or base64_decimal(scale); nil: it is another FORMAT.
func base64Format(format string) *wire {
	if format == "base64" {
		return &wire{wireBase64, plainBytes}
	}
	digits, ok := strings.CutPrefix(format, "base64_decimal(")
	scale, err := strconv.Atoi(strings.TrimSuffix(digits, ")"))
	if !ok || !strings.HasSuffix(digits, ")") || err != nil || scale < 0 || scale > 38 {
		return nil
	}
	return &wire{wireBase64, &schemaType{kind: kindBytes, logical: logicalDecimal, precision: 38, scale: scale}}
}

// takes says whether the wire's meaning matters to a column. VARCHAR takes JSON scalars as they stand there, but for decimals.
func (x *wire) takes(c *column, from origin) bool {
	text := c.id == duck.TypeVarchar
	switch x.form {
	case wireNumber:
		return from == fromNumber && c.id >= duck.TypeDate && c.id <= duck.TypeTimestampTZ &&
			(x.t.logical == logicalTime) == (c.id == duck.TypeTime)
	case wireBase64:
		return from == fromText && !(text && x.t.logical == logicalNone)
	case wireISODate:
		return from == fromText && !text
	}
	return from == fromText && !text
}

// wired converts a token of a column with a wire that takes it.
func (w *writer) wired(c *column, row int, tok []byte, stable bool) fault {
	switch x := c.wire; x.form {
	case wireNumber:
		n, err := strconv.ParseInt(string(tok), 10, 64)
		if err != nil {
			return wrong
		}
		if x.t.scale == 9 && x.t.logical == logicalTime { // DuckDB's TIME has microseconds
			if n%1000 != 0 {
				return losing
			}
			n /= 1000
		}
		return w.typed(x.t, c, row, schemaScalar{n: n})
	case wireISODate:
		if n := len(tok); n > 10 && tok[n-1] == 'Z' && !slices.Contains(tok, ':') {
			tok = tok[:n-1]
		}
		return w.plain(c, row, tok, fromText, stable)
	case wireBits:
		b, f := w.base64(tok)
		if f != fine || c.id == duck.TypeBlob {
			return w.orBlob(f, c, row, b)
		}
		slices.Reverse(b)
		return w.typed(wholeBytes, c, row, schemaScalar{b: slices.Insert(b, 0, 0)})
	default:
		b, f := w.base64(tok)
		if f != fine || c.id == duck.TypeBlob {
			return w.orBlob(f, c, row, b)
		}
		return w.typed(x.t, c, row, schemaScalar{b: b})
	}
}

// base64 reads base64, with or without its padding, into memory that stays.
func (w *writer) base64(tok []byte) ([]byte, fault) {
	for len(tok) > 0 && tok[len(tok)-1] == '=' {
		tok = tok[:len(tok)-1]
	}
	n := base64.RawStdEncoding.DecodedLen(len(tok))
	to := w.slab.Alloc(n)
	if to == nil && n > 0 {
		return nil, noRoom
	}
	if _, err := base64.RawStdEncoding.Decode(to, tok); err != nil {
		return nil, wrong
	}
	return to[:n:n], fine
}

func (w *writer) orBlob(f fault, c *column, row int, b []byte) fault {
	if f == fine {
		w.vecs[c.vec].PutBytes(row, b)
	}
	return f
}

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
	b, f := d.w.base64(value)
	if f != fine {
		return f, true
	}
	return d.w.typed(&schemaType{kind: kindBytes, logical: logicalDecimal, precision: 38, scale: scale}, c, row, schemaScalar{b: b}), true
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

// members calls f for the fields of the object at i, with where their values begin and end; false where it is none. Keys are as they stand
// there.
func (s *jsonScanner) members(f func(key []byte, from, to int)) bool {
	s.ws()
	if !s.is('{') {
		return false
	}
	s.ws()
	if s.is('}') {
		return true
	}
	for {
		if !s.is('"') {
			return false
		}
		from := s.i
		if _, ok := s.str(); !ok {
			return false
		}
		key := s.b[from : s.i-1]
		if !s.colon() {
			return false
		}
		from = s.i
		if !s.skip(0) {
			return false
		}
		f(key, from, s.i)
		s.ws()
		if s.is('}') {
			return true
		}
		if !s.is(',') {
			return false
		}
		s.ws()
	}
}
