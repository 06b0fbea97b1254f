package ingest

import (
	"slices"
	"strconv"

	"dsql/engine"
)

// object is how the fields of a JSON object find their columns.
type object struct {
	slots  []*slot
	byName map[string]int
	order  []learned // what came after what in the records before: most name their fields in one order
	budget int       // how many keys may still be learned: records without an order must not cost more
}

type learned struct {
	key  string // with the closing quote, so that one comparison decides
	slot int    // -1 for a field that nobody declared
}

// slot is what becomes of one field.
type slot struct {
	col  *column
	more []*column // columns that take the same value
	obj  *object   // paths that go on below: by key, or by index where the value is an array
	mark uint64    // the object that named it last
}

func newObject() *object { return &object{byName: map[string]int{}, budget: 1000} }

// at is the slot of a key, made when it is new.
func (o *object) at(key string) *slot {
	i, ok := o.byName[key]
	if !ok {
		i = len(o.slots)
		o.byName[key] = i
		o.slots = append(o.slots, &slot{})
	}
	return o.slots[i]
}

func (s *slot) take(c *column) {
	if s.col == nil {
		s.col = c
	} else {
		s.more = append(s.more, c)
	}
}

// path makes the slot that a path leads to.
func (s *slot) path(steps []string) *slot {
	for _, step := range steps {
		if s.obj == nil {
			s.obj = newObject()
		}
		s = s.obj.at(step)
	}
	return s
}

// jsonDecoder writes JSON values into vectors in one pass: the text is followed along the declared columns and nothing is kept in
// between. It goes on with the next field after one that does not convert only when lenient.
type jsonDecoder struct {
	jsonScanner
	w       *writer
	root    slot
	columns []*column // all that root leads to
	lenient bool
	unknown int64
	names   nameSet // of unknown fields

	serial uint64 // counts objects
	scope  uint64 // the record or STRUCT in hand
	set    int    // how many of its columns have a value

	fault fault // the first of the record
	col   *column
	tok   []byte
}

type outcome uint8

const (
	failed outcome = iota
	isNull
	isSet
)

// record decodes the object at i into a row. When it returns false the row is half written.
func (d *jsonDecoder) record(row int) bool {
	d.fault, d.why, d.set = fine, "", 0
	d.serial++
	d.scope = d.serial
	ok := false
	if d.i < len(d.b) && d.b[d.i] == '{' {
		ok = d.member(&d.root, row)
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

// object follows the object at i along o.
func (d *jsonDecoder) object(o *object, row int) bool {
	d.serial++
	this := d.serial
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
		if k < 0 {
			d.unknown++
			if !d.skip(0) {
				return d.syntax()
			}
		} else {
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
			d.col = &column{name: excerpt(d.tok, false), node: &engine.Node{}}
		}
	}
}

// key reads a key after its opening quote and gives its slot, -1 for none.
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
		i = -1
		d.names.add(k)
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
	case c.id >= engine.TypeStruct:
		return d.nested(c, row)
	case c.id == engine.TypeJSON || c.id == engine.TypeVarchar && (first == '{' || first == '['):
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

// nested converts an object or array into a STRUCT, LIST or MAP.
func (d *jsonDecoder) nested(c *column, row int) outcome {
	start := d.i
	open := byte('{')
	if c.id == engine.TypeList {
		open = '['
	}
	if d.b[start] != open {
		if !d.skip(0) {
			d.syntax()
			return failed
		}
		return d.fail(wrong, c, start)
	}
	ok := true
	switch c.id {
	case engine.TypeStruct:
		scope, set := d.scope, d.set
		d.serial++
		d.scope, d.set = d.serial, 0
		if ok = d.object(c.fields, row); ok && d.set < len(c.children) {
			d.nullRest(c.children, row)
		}
		d.scope, d.set = scope, set
	case engine.TypeList:
		ok = d.list(c, row)
	case engine.TypeMap:
		ok = d.entries(c, row)
	}
	if !ok {
		return failed
	}
	return isSet
}

// abandon makes the elements of a list that was not finished NULL: DuckDB casts whole child vectors, also what no list points at.
func (d *jsonDecoder) abandon(c *column, at, n int) {
	for r := at; r < at+n; r++ {
		d.w.chunk.SetNull(c.node.Children[0], r)
	}
}

// list converts the array at i.
func (d *jsonDecoder) list(c *column, row int) (ok bool) {
	at, n := 0, 0
	defer func() {
		if !ok {
			d.abandon(c, at, n)
		}
	}()
	elem := c.children[0]
	d.i++
	d.ws()
	for !d.is(']') {
		if n > 0 {
			if !d.is(',') {
				return d.syntax()
			}
			d.ws()
		}
		r := d.w.chunk.Append(c.node)
		if n++; n == 1 {
			at = r
		}
		if !d.element(elem, r) {
			return false
		}
		d.ws()
	}
	d.w.vecs[c.vec].PutList(row, at, n)
	return true
}

// element converts a value that stands in a list or map.
func (d *jsonDecoder) element(c *column, row int) bool {
	start := d.i
	switch d.value(c, row) {
	case isSet:
		return true
	case failed:
		if !d.pass(start) {
			return false
		}
	}
	d.w.chunk.SetNull(c.node, row)
	return true
}

// entries converts the object at i into a MAP.
func (d *jsonDecoder) entries(c *column, row int) (ok bool) {
	at, n := 0, 0
	defer func() {
		if !ok {
			d.abandon(c, at, n)
		}
	}()
	key, val := c.children[0], c.children[1]
	seen := map[string]bool{}
	d.i++
	d.ws()
	for !d.is('}') {
		if n > 0 {
			if !d.is(',') {
				return d.syntax()
			}
			d.ws()
		}
		start := d.i
		if !d.is('"') {
			return d.syntax()
		}
		escaped, ok := d.str()
		if !ok {
			return d.syntax()
		}
		k := d.b[start+1 : d.i-1]
		if escaped {
			d.w.buf = unescape(d.w.buf[:0], k)
			k = d.w.buf
		}
		r := d.w.chunk.Append(c.node)
		if n++; n == 1 {
			at = r
		}
		if seen[string(k)] {
			d.named(&slot{}, start+1, d.i-1)
			return false
		}
		seen[string(k)] = true
		if f := d.w.scalar(key, r, k, fromText, !escaped); f != fine {
			d.fail(f, key, start)
			return false
		}
		if !d.colon() {
			return d.syntax()
		}
		if !d.element(val, r) {
			return false
		}
		d.ws()
	}
	d.w.vecs[c.vec].PutList(row, at, n)
	return true
}

// nameSet is the first few distinct ones.
type nameSet struct {
	seen map[string]bool
	list []string
}

const maxNames = 100

func (n *nameSet) add(name []byte) {
	if len(n.list) == maxNames || n.seen[string(name)] {
		return
	}
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	n.seen[string(name)] = true
	n.list = append(n.list, string(name))
}

func (n *nameSet) sorted() []string { return slices.Sorted(slices.Values(n.list)) }
