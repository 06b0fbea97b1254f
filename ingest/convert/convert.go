// Package convert owns the conversion of tokens into values of columns without loss, and how the fields of a record find their columns.
// It writes into the vectors of one chunk; what a record is, and what becomes of one that doesn't convert, is none of its business.
package convert

import (
	"bytes"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/ingest/jsontext"
)

// Conversion without loss. A value either becomes a column's value and nothing of it is gone, or it is a fault and its record is
// bad. The forms that are taken are DuckDB's casts of text, without those that lose something or guess (two-digit years, digits
// behind underscores, hexadecimal).

// Scalar converts a token into row of a column that is no STRUCT, LIST or MAP. stable says that tok lies in the slab.
func (w *Writer) Scalar(c *Column, row int, tok []byte, from Origin, stable bool) Fault {
	if c.Wire != nil && c.Wire.Matters(c, from) {
		return c.Wire.Put(w, c, row, tok, stable)
	}
	return w.Plain(c, row, tok, from, stable)
}

// Plain converts a token that means what it says.
func (w *Writer) Plain(c *Column, row int, tok []byte, from Origin, stable bool) Fault {
	v := &w.Vecs[c.Vec]
	switch c.ID {
	case duck.TypeVarchar:
	case duck.TypeJSON: // CSV only: a JSON value never comes here
		if !jsontext.Valid(tok) {
			return Wrong
		}
	case duck.TypeBoolean:
		b, ok := parseBool(tok)
		if !ok && from == FromNumber {
			x, isNumber := fastDouble(tok)
			b, ok = x == 1, isNumber && (x == 0 || x == 1)
		}
		if !ok {
			return Wrong
		}
		duck.Put(v, row, b)
		return Fine
	case duck.TypeBlob:
		escaped := bytes.IndexByte(tok, '\\') >= 0
		b, ok := parseBlob(w.Buf[:0], tok) // tok may be w.buf: what is read stays ahead of what is written
		if !ok || from != FromText {
			return Wrong
		}
		if w.Buf = b; escaped {
			tok, stable = b, false
		}
	case duck.TypeUUID:
		x, ok := parseUUID(tok)
		if !ok {
			return Wrong
		}
		duck.Put(v, row, x)
		return Fine
	case duck.TypeEnum:
		i, ok := c.labels[string(tok)]
		if !ok {
			return Wrong
		}
		switch c.Node.Size {
		case 1:
			duck.Put(v, row, uint8(i))
		case 2:
			duck.Put(v, row, uint16(i))
		default:
			duck.Put(v, row, i)
		}
		return Fine
	case duck.TypeDate, duck.TypeTime, duck.TypeTimestamp, duck.TypeTimestampS, duck.TypeTimestampMS, duck.TypeTimestampNS,
		duck.TypeTimestampTZ:
		if from == FromLiteral {
			return Wrong
		}
		return c.putTime(v, row, tok, from)
	default:
		if from == FromLiteral {
			return Wrong
		}
		return c.putNumber(v, row, tok)
	}
	if !stable {
		var ok bool
		if tok, ok = w.Keep(tok); !ok {
			return NoRoom
		}
	}
	v.PutBytes(row, tok)
	return Fine
}

// parseBool takes what DuckDB's cast takes: true, t, yes, y, 1 and their opposites, in any case.
func parseBool(s []byte) (value, ok bool) {
	switch len(s) {
	case 1:
		switch s[0] {
		case 't', 'T', 'y', 'Y', '1':
			return true, true
		case 'f', 'F', 'n', 'N', '0':
			return false, true
		}
	case 2:
		return false, s[0]|0x20 == 'n' && s[1]|0x20 == 'o'
	case 3:
		return true, s[0]|0x20 == 'y' && s[1]|0x20 == 'e' && s[2]|0x20 == 's'
	case 4:
		return true, bytes.EqualFold(s, []byte("true"))
	case 5:
		return false, bytes.EqualFold(s, []byte("false"))
	}
	return false, false
}

// parseBlob reads DuckDB's text form of a BLOB: ASCII bytes stand for themselves, \xAB for any byte.
func parseBlob(to, s []byte) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 0x80:
			return to, false
		case c != '\\':
			to = append(to, c)
		default:
			if i+3 >= len(s) || s[i+1] != 'x' {
				return to, false
			}
			hi, ok1 := jsontext.HexDigit(s[i+2])
			lo, ok2 := jsontext.HexDigit(s[i+3])
			if !ok1 || !ok2 {
				return to, false
			}
			to = append(to, hi<<4|lo)
			i += 3
		}
	}
	return to, true
}

// parseUUID reads 32 hexadecimal digits, with or without the four dashes, and braces around them.
func parseUUID(s []byte) (duck.Int128, bool) {
	if len(s) > 2 && s[0] == '{' && s[len(s)-1] == '}' {
		s = s[1 : len(s)-1]
	}
	dashes := len(s) == 36
	if !dashes && len(s) != 32 {
		return duck.Int128{}, false
	}
	var hi, lo uint64
	for i, c := range s {
		if dashes && (i == 8 || i == 13 || i == 18 || i == 23) {
			if c != '-' {
				return duck.Int128{}, false
			}
			continue
		}
		d, ok := jsontext.HexDigit(c)
		if !ok {
			return duck.Int128{}, false
		}
		hi, lo = hi<<4|lo>>60, lo<<4|uint64(d)
	}
	return duck.Int128{Lo: lo, Hi: int64(hi ^ 1<<63)}, true // DuckDB turns the first bit so that UUIDs sort as numbers
}

// Bytes converts a whole value or key, which lies in the slab: a BLOB takes it as it is, another type its text.
func (w *Writer) Bytes(c *Column, row int, value []byte) Fault {
	if c.ID == duck.TypeBlob {
		w.Vecs[c.Vec].PutBytes(row, value)
		return Fine
	}
	if c.ID >= duck.TypeStruct || !utf8.Valid(value) {
		return Wrong
	}
	return w.Scalar(c, row, value, FromText, true)
}
