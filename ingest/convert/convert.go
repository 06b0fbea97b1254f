// Package convert owns the conversion of tokens into values of columns without loss, and how the fields of a record find their columns.
// It writes into the vectors of one chunk; what a record is, and what becomes of one that doesn't convert, is none of its business.
package convert

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/ingest/jsontext"
)

// Conversion without loss. A value either becomes a column's value and nothing of it is gone, or it is a fault and its record is
// bad. The forms that are taken are DuckDB's casts of text, without those that lose something or guess (two-digit years, digits
// behind underscores, hexadecimal).

// Fault is why a value does not become a column's value.
type Fault uint8

const (
	Fine       Fault = iota
	Wrong            // not of that type
	OutOfRange       // a number or time that the type doesn't reach
	Losing           // digits that the type doesn't have room for
	aNumber          // a number for a time, without a FORMAT that says what it counts
	notMidnight
	Twice  // named twice in one object
	NoRoom // the batch is full; nothing is wrong with the value
	NoObject
	BadJSON // the record, or the text of a nested column, is not JSON
)

// Origin is what kind of token a value was.
type Origin uint8

const (
	FromText    Origin = iota // a CSV field or a JSON string
	FromNumber                // a JSON number
	FromLiteral               // JSON true or false
)

// Column is a declared column, or a part of a nested one, with all that its conversion needs.
type Column struct {
	Node         *duck.Node
	ID           duck.TypeID
	Name         string // in reasons: address.city
	Vec          int
	Epoch        epoch        // with FORMAT epoch_…
	Pattern      *timePattern // with a strptime pattern
	width, Scale int          // DECIMAL
	Point        byte         // decimal separator of CSV, 0 for a dot
	Thousands    byte         // between the thousands of CSV, 0 for nothing
	Format       Meaning      // with FORMAT base64…
	Wire         Meaning      // by the schema of the message in hand, else format; nil: values mean what they say
	Children     []*Column    // STRUCT: its fields; LIST: the element; MAP: key and value
	Fields       *Object      // STRUCT: the children by name
	labels       map[string]uint32
	Mark         uint64 // the object that gave it a value last
}

// Meaning is what values mean that don't say it themselves: a number that counts days, bytes as base64.
type Meaning interface {
	// Takes says whether that matters to a column.
	Matters(c *Column, from Origin) bool
	// Put converts a token of a column that it matters to.
	Put(w *Writer, c *Column, row int, tok []byte, stable bool) Fault
}

// Writer converts values into the vectors of one chunk.
type Writer struct {
	Chunk *duck.Chunk
	Vecs  []duck.Vector
	Slab  *duck.Slab
	Buf   []byte // scratch
}

// Use has the writer write into a chunk, and keep strings in a slab.
func (w *Writer) Use(c *duck.Chunk, s *duck.Slab) { w.Chunk, w.Vecs, w.Slab = c, c.Vecs, s }

// Keep copies a string that isn't in the slab to where DuckDB can point at it.
func (w *Writer) Keep(s []byte) ([]byte, bool) {
	if len(s) <= 12 {
		return s, true
	}
	k := w.Slab.Alloc(len(s))
	copy(k, s)
	return k, k != nil
}

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

func trim(s []byte) []byte {
	for len(s) > 0 && s[0] <= ' ' && space(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && s[len(s)-1] <= ' ' && space(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

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

// Reason says in a reject why a value is none of its column.
func (f Fault) Reason(c *Column, tok []byte, quote bool) string {
	x := jsontext.Excerpt(tok, quote)
	t := c.Node.Word()
	switch f {
	case OutOfRange:
		return fmt.Sprintf("%s: %s is out of range for %s", c.Name, x, t)
	case Losing:
		return fmt.Sprintf("%s: %s has digits that %s would lose", c.Name, x, t)
	case aNumber:
		return fmt.Sprintf("%s: the number %s is no %s without FORMAT %s", c.Name, x, t, EpochWords)
	case notMidnight:
		return fmt.Sprintf("%s: %s has a time of day, which %s would lose", c.Name, x, t)
	case Twice:
		return fmt.Sprintf("%s is named twice", c.Name)
	}
	if c.Pattern != nil {
		return fmt.Sprintf("%s: %s is not of FORMAT '%s'", c.Name, x, c.Pattern.text)
	}
	return fmt.Sprintf("%s: %s is no %s", c.Name, x, t)
}

type Outcome uint8

const (
	Failed Outcome = iota
	IsNull
	IsSet
)

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

// NewColumn compiles a node with all below it.
func NewColumn(n *duck.Node, name string) *Column {
	c := &Column{Node: n, ID: n.ID, Name: name, Vec: n.Vec, width: int(n.Width), Scale: int(n.Scale)}
	switch n.ID {
	case duck.TypeEnum:
		c.labels = make(map[string]uint32, len(n.Labels))
		for i, s := range n.Labels {
			c.labels[s] = uint32(i)
		}
	case duck.TypeStruct:
		c.Fields = NewObject()
		for _, ch := range n.Children {
			f := NewColumn(ch, name+"."+ch.Name)
			c.Fields.at(ch.Name).Take(f)
			c.Children = append(c.Children, f)
		}
	case duck.TypeList:
		c.Children = []*Column{NewColumn(n.Children[0], name+"[]")}
	case duck.TypeMap:
		for _, ch := range n.Children[0].Children {
			c.Children = append(c.Children, NewColumn(ch, name+"."+ch.Name))
		}
	}
	return c
}
