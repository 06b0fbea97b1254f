package schema

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/convert"
)

// Wire says what a JSON value means that doesn't say it itself: a number that counts days or microseconds, bytes as base64. It comes from
// the schema that Debezium's messages carry, or from a column's FORMAT, and converts as the same type of Avro does.
type Wire struct {
	Form Form
	Type *Type
}

type Form uint8

const (
	wirePlain    Form = iota // what it says
	WireNumber               // a whole number with a meaning
	WireBase64               // bytes
	WireBits                 // bytes of a number, the lowest first, without a sign
	WireVariable             // {"scale": 2, "value": base64}: a decimal that has its scale with it
	WireJSON                 // a text that holds JSON
	WireISODate              // a date with a Z behind it
)

var (
	PlainBytes = &Type{Kind: KindBytes}
	WholeBytes = &Type{Kind: KindBytes, Logical: LogicalDecimal, Precision: 38}
)

// Base64 is the wire of FORMAT base64 or base64_decimal(scale); nil: it is another FORMAT.
func Base64(format string) *Wire {
	if format == "base64" {
		return &Wire{Form: WireBase64, Type: PlainBytes}
	}
	digits, ok := strings.CutPrefix(format, "base64_decimal(")
	scale, err := strconv.Atoi(strings.TrimSuffix(digits, ")"))
	if !ok || !strings.HasSuffix(digits, ")") || err != nil || scale < 0 || scale > 38 {
		return nil
	}
	return &Wire{Form: WireBase64, Type: &Type{Kind: KindBytes, Logical: LogicalDecimal, Precision: 38, Scale: scale}}
}

// Takes says whether the wire's meaning matters to a column. VARCHAR takes JSON scalars as they stand there, but for decimals.
func (x *Wire) Matters(c *convert.Column, from convert.Origin) bool {
	text := c.ID == duck.TypeVarchar
	switch x.Form {
	case WireNumber:
		return from == convert.FromNumber && c.ID >= duck.TypeDate && c.ID <= duck.TypeTimestampTZ &&
			(x.Type.Logical == LogicalTime) == (c.ID == duck.TypeTime)
	case WireBase64:
		return from == convert.FromText && !(text && x.Type.Logical == LogicalNone)
	case WireISODate:
		return from == convert.FromText && !text
	}
	return from == convert.FromText && !text
}

// FormOf is how the values of a column are written.
func FormOf(c *convert.Column) Form {
	if x, ok := c.Wire.(*Wire); ok {
		return x.Form
	}
	return wirePlain
}

// Put converts a token of a column that the wire takes.
func (x *Wire) Put(w *convert.Writer, c *convert.Column, row int, tok []byte, stable bool) convert.Fault {
	switch x.Form {
	case WireNumber:
		n, err := strconv.ParseInt(string(tok), 10, 64)
		if err != nil {
			return convert.Wrong
		}
		if x.Type.Scale == 9 && x.Type.Logical == LogicalTime { // DuckDB's TIME has microseconds
			if n%1000 != 0 {
				return convert.Losing
			}
			n /= 1000
		}
		return x.Type.Put(w, c, row, Scalar{Int: n})
	case WireISODate:
		if n := len(tok); n > 10 && tok[n-1] == 'Z' && !slices.Contains(tok, ':') {
			tok = tok[:n-1]
		}
		return w.Plain(c, row, tok, convert.FromText, stable)
	case WireBits:
		b, f := DecodeBase64(w, tok)
		if f != convert.Fine || c.ID == duck.TypeBlob {
			return orBlob(w, f, c, row, b)
		}
		slices.Reverse(b)
		return WholeBytes.Put(w, c, row, Scalar{Bytes: slices.Insert(b, 0, 0)})
	default:
		b, f := DecodeBase64(w, tok)
		if f != convert.Fine || c.ID == duck.TypeBlob {
			return orBlob(w, f, c, row, b)
		}
		return x.Type.Put(w, c, row, Scalar{Bytes: b})
	}
}

// DecodeBase64 reads base64 in either of its alphabets, with or without its padding, into memory that stays.
func DecodeBase64(w *convert.Writer, tok []byte) ([]byte, convert.Fault) {
	for len(tok) > 0 && tok[len(tok)-1] == '=' {
		tok = tok[:len(tok)-1]
	}
	n := base64.RawStdEncoding.DecodedLen(len(tok))
	to := w.Slab.Alloc(n)
	if to == nil && n > 0 {
		return nil, convert.NoRoom
	}
	alphabet := base64.RawStdEncoding
	if bytes.ContainsAny(tok, "-_") {
		alphabet = base64.RawURLEncoding
	}
	if _, err := alphabet.Decode(to, tok); err != nil {
		return nil, convert.Wrong
	}
	return to[:n:n], convert.Fine
}

func orBlob(w *convert.Writer, f convert.Fault, c *convert.Column, row int, b []byte) convert.Fault {
	if f == convert.Fine {
		w.Vecs[c.Vec].PutBytes(row, b)
	}
	return f
}
