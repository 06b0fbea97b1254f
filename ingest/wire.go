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
	wirePlain    wireForm = iota // what it says
	wireNumber                   // a whole number with a meaning
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

// formOf is how the values of a column are written.
func formOf(c *column) wireForm {
	if x, ok := c.wire.(*wire); ok {
		return x.form
	}
	return wirePlain
}

// put converts a token of a column that the wire takes.
func (x *wire) put(w *writer, c *column, row int, tok []byte, stable bool) fault {
	switch x.form {
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
		return x.t.put(w, c, row, schemaScalar{n: n})
	case wireISODate:
		if n := len(tok); n > 10 && tok[n-1] == 'Z' && !slices.Contains(tok, ':') {
			tok = tok[:n-1]
		}
		return w.plain(c, row, tok, fromText, stable)
	case wireBits:
		b, f := base64Of(w, tok)
		if f != fine || c.id == duck.TypeBlob {
			return orBlob(w, f, c, row, b)
		}
		slices.Reverse(b)
		return wholeBytes.put(w, c, row, schemaScalar{b: slices.Insert(b, 0, 0)})
	default:
		b, f := base64Of(w, tok)
		if f != fine || c.id == duck.TypeBlob {
			return orBlob(w, f, c, row, b)
		}
		return x.t.put(w, c, row, schemaScalar{b: b})
	}
}

// base64Of reads base64, with or without its padding, into memory that stays.
func base64Of(w *writer, tok []byte) ([]byte, fault) {
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

func orBlob(w *writer, f fault, c *column, row int, b []byte) fault {
	if f == fine {
		w.vecs[c.vec].PutBytes(row, b)
	}
	return f
}
