package ingest

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"dsql/engine/duck"
)

// Conversion without loss. A value either becomes a column's value and nothing of it is gone, or it is a fault and its record is
// bad. The forms that are taken are DuckDB's casts of text, without those that lose something or guess (two-digit years, digits
// behind underscores, hexadecimal).

// fault is why a value does not become a column's value.
type fault uint8

const (
	fine       fault = iota
	wrong            // not of that type
	outOfRange       // a number or time that the type doesn't reach
	losing           // digits that the type doesn't have room for
	aNumber          // a number for a time, without a FORMAT that says what it counts
	notMidnight
	twice  // named twice in one object
	noRoom // the batch is full; nothing is wrong with the value
	noObject
	badJSON // the record, or the text of a nested column, is not JSON
)

// origin is what kind of token a value was.
type origin uint8

const (
	fromText    origin = iota // a CSV field or a JSON string
	fromNumber                // a JSON number
	fromLiteral               // JSON true or false
)

// column is a declared column, or a part of a nested one, with all that its conversion needs.
type column struct {
	node         *duck.Node
	id           duck.TypeID
	name         string // in reasons: address.city
	vec          int
	epoch        epoch        // with FORMAT epoch_…
	pattern      *timePattern // with a strptime pattern
	width, scale int          // DECIMAL
	point        byte         // decimal separator of CSV, 0 for a dot
	thousands    byte         // between the thousands of CSV, 0 for nothing
	format       Meaning      // with FORMAT base64…
	wire         Meaning      // by the schema of the message in hand, else format; nil: values mean what they say
	children     []*column    // STRUCT: its fields; LIST: the element; MAP: key and value
	fields       *object      // STRUCT: the children by name
	labels       map[string]uint32
	mark         uint64 // the object that gave it a value last
}

// Meaning is what values mean that don't say it themselves: a number that counts days, bytes as base64.
type Meaning interface {
	// takes says whether that matters to a column.
	takes(c *column, from origin) bool
	// put converts a token of a column that it matters to.
	put(w *writer, c *column, row int, tok []byte, stable bool) fault
}

// writer converts values into the vectors of one chunk.
type writer struct {
	chunk *duck.Chunk
	vecs  []duck.Vector
	slab  *duck.Slab
	buf   []byte // scratch
}

// use has the writer write into a chunk, and keep strings in a slab.
func (w *writer) use(c *duck.Chunk, s *duck.Slab) { w.chunk, w.vecs, w.slab = c, c.Vecs, s }

// keep copies a string that isn't in the slab to where DuckDB can point at it.
func (w *writer) keep(s []byte) ([]byte, bool) {
	if len(s) <= 12 {
		return s, true
	}
	k := w.slab.Alloc(len(s))
	copy(k, s)
	return k, k != nil
}

// scalar converts a token into row of a column that is no STRUCT, LIST or MAP. stable says that tok lies in the slab.
func (w *writer) scalar(c *column, row int, tok []byte, from origin, stable bool) fault {
	if c.wire != nil && c.wire.takes(c, from) {
		return c.wire.put(w, c, row, tok, stable)
	}
	return w.plain(c, row, tok, from, stable)
}

// plain converts a token that means what it says.
func (w *writer) plain(c *column, row int, tok []byte, from origin, stable bool) fault {
	v := &w.vecs[c.vec]
	switch c.id {
	case duck.TypeVarchar:
	case duck.TypeJSON: // CSV only: a JSON value never comes here
		if !validJSON(tok) {
			return wrong
		}
	case duck.TypeBoolean:
		b, ok := parseBool(tok)
		if !ok && from == fromNumber {
			x, isNumber := fastDouble(tok)
			b, ok = x == 1, isNumber && (x == 0 || x == 1)
		}
		if !ok {
			return wrong
		}
		duck.Put(v, row, b)
		return fine
	case duck.TypeBlob:
		escaped := bytes.IndexByte(tok, '\\') >= 0
		b, ok := parseBlob(w.buf[:0], tok) // tok may be w.buf: what is read stays ahead of what is written
		if !ok || from != fromText {
			return wrong
		}
		if w.buf = b; escaped {
			tok, stable = b, false
		}
	case duck.TypeUUID:
		x, ok := parseUUID(tok)
		if !ok {
			return wrong
		}
		duck.Put(v, row, x)
		return fine
	case duck.TypeEnum:
		i, ok := c.labels[string(tok)]
		if !ok {
			return wrong
		}
		switch c.node.Size {
		case 1:
			duck.Put(v, row, uint8(i))
		case 2:
			duck.Put(v, row, uint16(i))
		default:
			duck.Put(v, row, i)
		}
		return fine
	case duck.TypeDate, duck.TypeTime, duck.TypeTimestamp, duck.TypeTimestampS, duck.TypeTimestampMS, duck.TypeTimestampNS,
		duck.TypeTimestampTZ:
		if from == fromLiteral {
			return wrong
		}
		return c.putTime(v, row, tok, from)
	default:
		if from == fromLiteral {
			return wrong
		}
		return c.putNumber(v, row, tok)
	}
	if !stable {
		var ok bool
		if tok, ok = w.keep(tok); !ok {
			return noRoom
		}
	}
	v.PutBytes(row, tok)
	return fine
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
			hi, ok1 := hexDigit(s[i+2])
			lo, ok2 := hexDigit(s[i+3])
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
		d, ok := hexDigit(c)
		if !ok {
			return duck.Int128{}, false
		}
		hi, lo = hi<<4|lo>>60, lo<<4|uint64(d)
	}
	return duck.Int128{Lo: lo, Hi: int64(hi ^ 1<<63)}, true // DuckDB turns the first bit so that UUIDs sort as numbers
}

// reason says in a reject why a value is none of its column.
func (f fault) reason(c *column, tok []byte, quote bool) string {
	x := excerpt(tok, quote)
	t := c.node.Type
	switch f {
	case outOfRange:
		return fmt.Sprintf("%s: %s is out of range for %s", c.name, x, t)
	case losing:
		return fmt.Sprintf("%s: %s has digits that %s would lose", c.name, x, t)
	case aNumber:
		return fmt.Sprintf("%s: the number %s is no %s without FORMAT %s", c.name, x, t, epochWords)
	case notMidnight:
		return fmt.Sprintf("%s: %s has a time of day, which %s would lose", c.name, x, t)
	case twice:
		return fmt.Sprintf("%s is named twice", c.name)
	}
	if c.pattern != nil {
		return fmt.Sprintf("%s: %s is not of FORMAT '%s'", c.name, x, c.pattern.text)
	}
	return fmt.Sprintf("%s: %s is no %s", c.name, x, t)
}

type outcome uint8

const (
	failed outcome = iota
	isNull
	isSet
)

// bytes converts a whole value or key, which lies in the slab: a BLOB takes it as it is, another type its text.
func (w *writer) bytes(c *column, row int, value []byte) fault {
	if c.id == duck.TypeBlob {
		w.vecs[c.vec].PutBytes(row, value)
		return fine
	}
	if c.id >= duck.TypeStruct || !utf8.Valid(value) {
		return wrong
	}
	return w.scalar(c, row, value, fromText, true)
}

// newColumn compiles a node with all below it.
func newColumn(n *duck.Node, name string) *column {
	c := &column{node: n, id: n.ID, name: name, vec: n.Vec, width: int(n.Width), scale: int(n.Scale)}
	switch n.ID {
	case duck.TypeEnum:
		c.labels = make(map[string]uint32, len(n.Labels))
		for i, s := range n.Labels {
			c.labels[s] = uint32(i)
		}
	case duck.TypeStruct:
		c.fields = newObject()
		for _, ch := range n.Children {
			f := newColumn(ch, name+"."+ch.Name)
			c.fields.at(ch.Name).take(f)
			c.children = append(c.children, f)
		}
	case duck.TypeList:
		c.children = []*column{newColumn(n.Children[0], name+"[]")}
	case duck.TypeMap:
		for _, ch := range n.Children[0].Children {
			c.children = append(c.children, newColumn(ch, name+"."+ch.Name))
		}
	}
	return c
}
