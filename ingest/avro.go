package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"dsql/engine"
)

// avroDecoder writes records of Avro into vectors: Confluent's wire format (a zero, the schema's id in four bytes big-endian, the
// value), each decoded by the schema it was written with, which is fetched and compiled once. As the JSON decoder it follows the
// bytes once along the declared columns and keeps nothing in between; the two agree on what converts.
type avroDecoder struct {
	w       *writer
	root    *slot // the columns by their paths
	columns []*column
	limit   int // bytes of a text that is made of a value
	schemas schemaSource
	plans   map[uint32]*avroPlan
	unheard map[uint32]unheard // ids that the registry doesn't know
	names   *nameSet
	last    uint32
	current *avroPlan // of last

	b       []byte
	i       int
	lenient bool
	set     int    // columns of the record or STRUCT in hand that have a value
	serial  uint64 // counts records and STRUCTs
	scope   uint64 // the one in hand
	found   int64  // fields that no column takes
	empty   int    // items without bytes

	broken string // what is wrong with the bytes; nothing behind it can be read
	fault  fault  // the first value that doesn't convert
	col    *column
	said   []byte // that value, for the reason
	quote  bool
	keys   [][]byte
	text   []byte
}

// unheard is an id that the registry didn't know when it was asked.
type unheard struct {
	why   string
	until time.Time // when it is asked again
}

const (
	askAgain      = 10 * time.Second
	maxUnheard    = 1000
	maxEmptyItems = 1000 // of a record: values that take no bytes cost the sender nothing
)

// newAvro makes the decoder of a landing's records.
func newAvro(l *Landing, schemas schemaSource) *avroDecoder {
	return &avroDecoder{w: &l.w, root: &l.json.root, columns: l.json.columns, names: &l.json.names, limit: int(l.limits.Bytes), schemas: schemas,
		plans: map[uint32]*avroPlan{}, unheard: map[uint32]unheard{}}
}

func (d *avroDecoder) unknown() int64 { return d.found }

// schemaID reads what stands before the value.
func schemaID(value []byte) (uint32, bool) {
	if len(value) < 5 || value[0] != 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(value[1:]), true
}

// prepare fetches the value's schema when it is a new one. An error is the registry's; what is wrong with the value decode says.
func (d *avroDecoder) prepare(ctx context.Context, value []byte) error {
	id, ok := schemaID(value)
	if !ok || d.current != nil && id == d.last {
		return nil
	}
	p := d.plans[id]
	if p == nil {
		u, asked := d.unheard[id]
		if asked && time.Now().Before(u.until) {
			return nil
		}
		text, references, err := d.schemas(ctx, int(id))
		var none noSchema
		switch {
		case errors.As(err, &none):
			if len(d.unheard) == maxUnheard {
				clear(d.unheard)
			}
			d.unheard[id] = unheard{string(none), time.Now().Add(askAgain)}
			return nil
		case err != nil:
			return err
		}
		if t, err := parseAvro(text, references); err != nil {
			p = &avroPlan{why: fmt.Sprintf("schema id %d: %v", id, err)}
		} else {
			p = d.plan(t)
		}
		for _, n := range p.names {
			d.names.add([]byte(n))
		}
		delete(d.unheard, id)
		d.plans[id] = p
	}
	d.last, d.current = id, p
	return nil
}

// decode is valueDecoder's. prepare has been called with the value.
func (d *avroDecoder) decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	id, ok := schemaID(value)
	p := d.current
	switch {
	case !ok && len(value) < 5:
		return fmt.Sprintf("no Avro with a schema id: %d bytes", len(value)), 0, false
	case !ok:
		return "no Avro with a schema id: it begins with " + excerpt(value[:5], true) + ", not with a zero byte", 0, false
	case p == nil || id != d.last:
		if p = d.plans[id]; p == nil {
			return d.unheard[id].why, 0, false
		}
	}
	if p.why != "" {
		return p.why, 0, false
	}
	d.b, d.i = value, 5
	d.lenient, d.found, d.set, d.empty = lenient, 0, 0, 0
	d.broken, d.fault, d.keys = "", fine, d.keys[:0]
	d.serial++
	d.scope = d.serial
	ok = d.walk(p.root, row, 0)
	if ok && d.i < len(value) {
		ok = d.bad("%d bytes follow the value", len(value)-d.i)
	}
	if (ok || lenient) && d.set < len(d.columns) {
		d.nullRest(d.columns, row)
	}
	switch {
	case ok || lenient:
		return "", d.set, false
	case d.broken != "":
		return d.broken, 0, false
	case d.fault == noRoom:
		return "", 0, true
	}
	return d.fault.reason(d.col, d.said, d.quote), 0, false
}

func (d *avroDecoder) nullRest(cols []*column, row int) {
	for _, c := range cols {
		if c.mark != d.scope {
			d.w.chunk.SetNull(c.node, row)
		}
	}
}

// bad notes what is wrong with the bytes: nothing behind it can be read.
func (d *avroDecoder) bad(format string, args ...any) bool {
	if d.broken == "" {
		d.broken = "no Avro of its schema: " + fmt.Sprintf(format, args...)
	}
	return false
}

// short is the failure of a value that ends too early.
func (d *avroDecoder) short(t *avroType) bool {
	return d.bad("it ends in %s, at byte %d", t.what(), len(d.b))
}

// fail notes the first value that doesn't convert.
func (d *avroDecoder) fail(f fault, c *column, said []byte, quote bool) outcome {
	if d.fault == fine {
		d.fault, d.col, d.quote = f, c, quote
		d.said = append(d.said[:0], said[:min(len(said), 2*excerptBytes)]...)
	}
	return failed
}

// walk gives the value at i to those who want it.
func (d *avroDecoder) walk(n *avroNode, row, depth int) bool {
	start := d.i
	for k, c := range n.convs {
		if k > 0 {
			d.i = start
		}
		if !d.take(c, row) {
			return false
		}
	}
	if !n.below {
		return true
	}
	d.i = start
	t := n.t
	switch t.kind {
	case avroRecord:
		return d.record(n, row, depth)
	case avroUnion:
		k, ok := d.branch(t)
		return ok && d.walk(n.branches[k], row, depth)
	case avroArray:
		return d.blocks(t, func(k int) bool {
			if item := n.items[k]; item != nil {
				return d.walk(item, row, depth+1)
			}
			return d.skip(t.elem, depth+1)
		})
	case avroMap:
		return d.entries(t, func(key []byte) bool {
			if item := n.keys[string(key)]; item != nil {
				return d.walk(item, row, depth+1)
			}
			d.found++
			return d.skip(t.elem, depth+1)
		})
	case avroNull:
		return true
	}
	d.found++ // there is nothing below a scalar: the paths find no field
	return d.skip(t, depth)
}

func (d *avroDecoder) record(n *avroNode, row, depth int) bool {
	for i, f := range n.fields {
		if f == nil {
			d.found++
			if !d.skip(n.t.fields[i].t, depth+1) {
				return false
			}
		} else if !d.walk(f, row, depth+1) {
			return false
		}
	}
	return true
}

// take converts the value at i for a column of the record or STRUCT in hand.
func (d *avroDecoder) take(c *avroConv, row int) bool {
	start := d.i
	switch d.value(c, row) {
	case isSet:
		if c.col.mark != d.scope { // a key of a map may stand there twice
			c.col.mark = d.scope
			d.set++
		}
		return true
	case isNull:
		return true
	}
	return d.pass(c.t, start)
}

// pass steps over a value that did not convert, where the decoder is lenient and the bytes allow it.
func (d *avroDecoder) pass(t *avroType, start int) bool {
	if !d.lenient || d.broken != "" || d.fault == noRoom {
		return false
	}
	d.i = start
	return d.skip(t, 0)
}

// value converts the value at i into a row of a column. It does not mark NULL.
func (d *avroDecoder) value(v *avroConv, row int) outcome {
	t, c := v.t, v.col
	for t.kind == avroUnion {
		k, ok := d.branch(t)
		if !ok {
			return failed
		}
		v = v.branches[k]
		t = v.t
	}
	if t.kind == avroNull {
		return isNull
	}
	if t.kind == avroRecord || t.kind == avroArray || t.kind == avroMap || c.id == engine.TypeJSON && t.kind != avroString {
		return d.nested(v, row)
	}
	s, ok := d.scalar(t)
	if !ok {
		return failed
	}
	if t.kind == avroString && !utf8.Valid(s.b) {
		return d.fail(wrong, c, []byte("text that is no UTF-8"), false)
	}
	if f := d.convert(t, c, row, s); f != fine {
		return d.fail(f, c, d.w.buf, t.kind == avroString || t.kind == avroEnum)
	}
	return isSet
}

// nested converts a record, an array or a map, or any value into JSON.
func (d *avroDecoder) nested(v *avroConv, row int) outcome {
	t, c := v.t, v.col
	ok := true
	switch {
	case c.id == engine.TypeJSON || c.id == engine.TypeVarchar:
		d.text = d.text[:0]
		if !d.render(t, 0) {
			return failed
		}
		text, room := d.w.keep(d.text)
		if !room {
			return d.fail(noRoom, c, nil, false)
		}
		d.w.vecs[c.vec].PutBytes(row, text)
		return isSet
	case v.record != nil:
		scope, set := d.scope, d.set
		d.serial++
		d.scope, d.set = d.serial, 0
		if ok = d.walk(v.record, row, 0); ok && d.set < len(c.children) {
			d.nullRest(c.children, row)
		}
		d.scope, d.set = scope, set
	case v.elem != nil && t.kind == avroArray:
		ok = d.list(v, row)
	case v.elem != nil:
		ok = d.dict(v, row)
	default:
		return d.fail(wrong, c, []byte(t.what()), false)
	}
	if !ok {
		return failed
	}
	return isSet
}

// abandon makes the elements of a list that was not finished NULL: DuckDB casts whole child vectors, also what no list points at.
func (d *avroDecoder) abandon(c *column, at, n int) bool {
	for r := at; r < at+n; r++ {
		d.w.chunk.SetNull(c.node.Children[0], r)
	}
	return false
}

// list converts the array at i.
func (d *avroDecoder) list(v *avroConv, row int) bool {
	c, at, n := v.col, 0, 0
	ok := d.blocks(v.t, func(int) bool {
		r := d.w.chunk.Append(c.node)
		if n++; n == 1 {
			at = r
		}
		return d.element(v.elem, r)
	})
	if !ok {
		return d.abandon(c, at, n)
	}
	d.w.vecs[c.vec].PutList(row, at, n)
	return true
}

// element converts a value that stands in a list or map.
func (d *avroDecoder) element(v *avroConv, row int) bool {
	start := d.i
	switch d.value(v, row) {
	case isSet:
		return true
	case failed:
		if !d.pass(v.t, start) {
			return false
		}
	}
	d.w.chunk.SetNull(v.col.node, row)
	return true
}

// dict converts the map at i.
func (d *avroDecoder) dict(v *avroConv, row int) bool {
	c, at, n := v.col, 0, 0
	base := len(d.keys)
	ok := d.entries(v.t, func(key []byte) bool {
		r := d.w.chunk.Append(c.node)
		if n++; n == 1 {
			at = r
		}
		d.keys = append(d.keys, key)
		if f := d.w.scalar(c.children[0], r, key, fromText, true); f != fine {
			d.fail(f, c.children[0], key, true)
			return false
		}
		return d.element(v.elem, r)
	})
	keys := d.keys[base:]
	d.keys = d.keys[:base]
	if ok {
		slices.SortFunc(keys, bytes.Compare)
		for k := 1; k < len(keys) && ok; k++ {
			if bytes.Equal(keys[k-1], keys[k]) {
				d.fail(twice, &column{name: excerpt(keys[k], false), node: &engine.Node{}}, nil, false)
				ok = false
			}
		}
	}
	if !ok {
		return d.abandon(c, at, n)
	}
	d.w.vecs[c.vec].PutList(row, at, n)
	return true
}
