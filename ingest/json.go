package ingest

import (
	"slices"
	"strconv"

	"dsql/engine/duck"
)

// jsonDecoder writes JSON values into vectors in one pass: the text is followed along the declared columns and nothing is kept in
// between. It goes on with the next field after one that does not convert only when lenient.
type jsonDecoder struct {
	jsonScanner
	w       *writer
	root    *slot
	columns []*column // all that root leads to
	lenient bool
	unknown int64
	names   *nameSet // of unknown fields
	folded  []foldedField
	lower   []byte // scratch

	serial uint64 // counts objects
	scope  uint64 // the record or STRUCT in hand
	set    int    // how many of its columns have a value

	fault fault // the first of the record
	col   *column
	tok   []byte
}

// newJSON makes a decoder of objects. There must be one alone of the same columns: they are marked by what it counts.
func newJSON(to Columns) *jsonDecoder {
	return &jsonDecoder{w: to.W, root: to.Root, columns: to.All, names: to.Names}
}

// jsonFormat is JSON: objects one behind the other, or in an array.
var jsonFormat = Format{
	Name: "json", Endings: []string{".json", ".jsonl", ".ndjson"}, Inferred: true, Offsets: true,
	Files: func(_ *duck.Conn, l *Landing) (Opener, error) {
		d := newJSON(l.Columns())
		return func(f *File, from Pos) (Cutter, error) { return openJSON(d, f, from) }, nil
	},
	Values: func(l *Landing) (valueDecoder, error) {
		return &jsonValue{newJSON(l.Columns())}, nil
	},
	Object: jsonLine,
}

// jsonKeys decodes keys that are JSON.
func jsonKeys(to Columns) valueDecoder { return &jsonValue{newJSON(to)} }

// record decodes the object at i into a row. When it returns false the row is half written.
func (d *jsonDecoder) record(row int) bool {
	d.fault, d.why, d.set, d.folded = fine, "", 0, d.folded[:0]
	d.serial++
	d.scope = d.serial
	ok := false
	if d.i < len(d.b) && d.b[d.i] == '{' {
		ok = d.member(d.root, row)
	} else {
		start := d.i
		if d.skip(0) {
			d.fault, d.tok = noObject, d.b[start:d.i]
		} else {
			d.syntax()
		}
	}
	if (ok || d.lenient) && d.set < len(d.columns) {
		d.nullRest(d.columns, row)
	}
	return ok
}

func (d *jsonDecoder) nullRest(cols []*column, row int) {
	for _, c := range cols {
		if c.mark != d.scope {
			d.w.chunk.SetNull(c.node, row)
		}
	}
}

// fail notes the first fault of a record: c's value begins at from and ends at i.
func (d *jsonDecoder) fail(f fault, c *column, from int) outcome {
	if d.fault == fine {
		d.fault, d.col, d.tok = f, c, d.b[from:max(from, min(d.i, len(d.b)))]
	}
	return failed
}

// syntax is the failure of a text that is no JSON; i says where.
func (d *jsonDecoder) syntax() bool { d.fail(badJSON, nil, 0); return false }

// reason is what a reject says of the record. base is added to byte positions.
func (d *jsonDecoder) reason(base int) string {
	switch d.fault {
	case badJSON:
		return d.problem(base)
	case noObject:
		return "not an object: " + excerpt(d.tok, false)
	}
	return d.fault.reason(d.col, d.tok, false)
}

// member gives the value at i to those who want it.
func (d *jsonDecoder) member(s *slot, row int) bool {
	start := d.i
	if s.col != nil {
		if !d.take(s.col, row) {
			return false
		}
		for _, c := range s.more {
			if d.i = start; !d.take(c, row) {
				return false
			}
		}
		if s.obj == nil {
			return true
		}
		d.i = start
	}
	switch {
	case d.i < len(d.b) && d.b[d.i] == '{':
		return d.object(s.obj, row)
	case d.i < len(d.b) && d.b[d.i] == '[':
		return d.elements(s.obj, row)
	case d.i < len(d.b) && d.b[d.i] != 'n': // there is nothing below a scalar: the paths find no field
		d.unknown++
	}
	return d.skip(0) || d.syntax()
}

// take converts the value at i for a column of the record or STRUCT in hand.
func (d *jsonDecoder) take(c *column, row int) bool {
	start := d.i
	switch d.value(c, row) {
	case isSet:
		c.mark = d.scope
		d.set++
		return true
	case isNull:
		return true
	}
	return d.pass(start)
}

// pass steps over a value that did not convert, where the decoder is lenient and the text allows it.
func (d *jsonDecoder) pass(start int) bool {
	if !d.lenient || d.fault == badJSON || d.fault == noRoom {
		return false
	}
	d.i = start
	return d.skip(0)
}

// foldedField is a field whose name is a slot's but for its case, where its value begins. The slot's own name goes first, so it waits
// for the end of its object.
type foldedField struct {
	slot            *slot
	from, to, value int // its key, its value
}

// object follows the object at i along o.
func (d *jsonDecoder) object(o *object, row int) bool {
	base := len(d.folded)
	d.serial++
	this := d.serial
	ok := d.fields(o, this, row)
	if len(d.folded) > base {
		ok = ok && d.unfold(d.folded[base:], this, row)
		d.folded = d.folded[:base]
	}
	return ok
}

// unfold gives the fields that waited to their slots. One whose slot has a value under its own name is one that nobody declared.
func (d *jsonDecoder) unfold(fields []foldedField, this uint64, row int) bool {
	end := d.i
	fields = slices.DeleteFunc(fields, func(f foldedField) bool {
		if f.slot.mark != this {
			return false
		}
		d.unknown++
		d.names.add(d.b[f.from:f.to])
		return true
	})
	for _, f := range fields {
		if f.slot.mark == this {
			d.named(f.slot, f.from, f.to)
			return false
		}
		f.slot.mark = this
		if d.i = f.value; !d.member(f.slot, row) {
			return false
		}
	}
	d.i = end
	return true
}

// fields follows the fields of the object at i.
func (d *jsonDecoder) fields(o *object, this uint64, row int) bool {
	d.i++
	d.ws()
	if d.is('}') {
		return true
	}
	for n := 0; ; n++ {
		if !d.is('"') {
			return d.syntax()
		}
		start := d.i
		k, ok := d.key(o, n)
		if !ok {
			return d.syntax()
		}
		keyEnd := d.i - 1
		if !d.colon() {
			return d.syntax()
		}
		switch {
		case k < 0:
			if k == unknownField {
				d.unknown++
			} else {
				d.folded = append(d.folded, foldedField{o.slots[otherCase-k], start, keyEnd, d.i})
			}
			if !d.skip(0) {
				return d.syntax()
			}
		default:
			s := o.slots[k]
			if s.mark == this {
				d.named(s, start, keyEnd)
				return false
			}
			s.mark = this
			if !d.member(s, row) {
				return false
			}
		}
		d.ws()
		if d.is('}') {
			return true
		}
		if !d.is(',') {
			return d.syntax()
		}
		d.ws()
	}
}

// named is the failure of a field named twice.
func (d *jsonDecoder) named(s *slot, from, to int) {
	if d.fault == fine {
		d.fault, d.tok = twice, d.b[from:to]
		if d.col = s.col; d.col == nil {
			d.col = &column{name: excerpt(d.tok, false), node: &duck.Node{}}
		}
	}
}

// What key gives beside the number of a slot: a field that nobody declared, and from otherCase downwards the slots whose name it has
// in another case.
const (
	unknownField = -1
	otherCase    = -2
)

// key reads a key after its opening quote and gives its slot.
func (d *jsonDecoder) key(o *object, n int) (int, bool) {
	if n < len(o.order) {
		l := &o.order[n]
		if e := d.i + len(l.key); e <= len(d.b) && string(d.b[d.i:e]) == l.key {
			d.i = e
			return l.slot, true
		}
	}
	start := d.i
	escaped, ok := d.str()
	if !ok {
		return 0, false
	}
	k := d.b[start : d.i-1]
	if escaped {
		d.w.buf = unescape(d.w.buf[:0], k)
		k = d.w.buf
	}
	i, found := o.byName[string(k)]
	if !found {
		d.lower = appendLower(d.lower[:0], k)
		if i, found = o.anyCase()[string(d.lower)]; found {
			i = otherCase - i
		} else {
			i = unknownField
			d.names.add(k)
		}
	}
	if !escaped && n <= len(o.order) && n < 256 && o.budget > 0 {
		o.budget--
		o.order = append(o.order[:n], learned{string(k) + `"`, i})
	}
	return i, true
}

// elements follows the array at i along the slots of o that are numbers.
func (d *jsonDecoder) elements(o *object, row int) bool {
	d.i++
	d.ws()
	if d.is(']') {
		return true
	}
	for n := 0; ; n++ {
		if k, ok := o.byName[strconv.Itoa(n)]; ok {
			if !d.member(o.slots[k], row) {
				return false
			}
		} else if !d.skip(0) {
			return d.syntax()
		}
		d.ws()
		if d.is(']') {
			return true
		}
		if !d.is(',') {
			return d.syntax()
		}
		d.ws()
	}
}

// value converts the value at i into a row of c. It does not mark NULL.
func (d *jsonDecoder) value(c *column, row int) outcome {
	start := d.i
	if start >= len(d.b) {
		d.syntax()
		return failed
	}
	first := d.b[start]
	if first == 'n' {
		if !d.lit("null") {
			d.syntax()
			return failed
		}
		return isNull
	}
	var f fault
	switch {
	case c.id >= duck.TypeStruct:
		return d.nested(c, row)
	case first == '{' && c.wire != nil && formOf(c) == wireVariable && c.id != duck.TypeVarchar && c.id != duck.TypeJSON:
		var ok bool
		if f, ok = d.variable(c, row); !ok {
			d.syntax()
			return failed
		}
	case first == '"' && c.id == duck.TypeJSON && c.wire != nil && formOf(c) == wireJSON:
		return d.inner(c, row)
	case c.id == duck.TypeJSON || c.id == duck.TypeVarchar && (first == '{' || first == '['):
		if !d.skip(0) {
			d.syntax()
			return failed
		}
		d.w.vecs[c.vec].PutBytes(row, d.b[start:d.i])
		return isSet
	case first == '"':
		d.i++
		escaped, ok := d.str()
		if !ok {
			d.syntax()
			return failed
		}
		tok := d.b[start+1 : d.i-1]
		if escaped {
			d.w.buf = unescape(d.w.buf[:0], tok)
			f = d.w.scalar(c, row, d.w.buf, fromText, false)
		} else {
			f = d.w.scalar(c, row, tok, fromText, true)
		}
	case first == '-' || first-'0' <= 9:
		if !d.number() {
			d.syntax()
			return failed
		}
		f = d.w.scalar(c, row, d.b[start:d.i], fromNumber, true)
	case first == 't' || first == 'f':
		if !d.skip(0) {
			d.syntax()
			return failed
		}
		f = d.w.scalar(c, row, d.b[start:d.i], fromLiteral, true)
	default:
		if !d.skip(0) {
			d.syntax()
			return failed
		}
		f = wrong // an object or array for a scalar
	}
	if f != fine {
		return d.fail(f, c, start)
	}
	return isSet
}
