package ingest

import (
	"bytes"
	"context"
	"slices"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
)

// avroDecoder writes records of Avro into vectors: Confluent's wire format, each value decoded by the schema it was written with.
type avroDecoder struct {
	schemaDecoder
	plans   schemaCache[*schemaPlan]
	current *compiledSchema[*schemaPlan] // of last

	b     []byte
	i     int
	empty int // items without bytes
	keys  [][]byte
}

const maxEmptyItems = 1000 // of a record: values that take no bytes cost the sender nothing

// avroFormat is Avro with a schema registry.
var avroFormat = Format{
	Name: "avro", Doc: "with a schema registry",
	Values: func(l *Landing) (valueDecoder, error) { return newAvro(l, l.dialect.Topics.Values), nil },
	Keys:   func(l *Landing, to Columns) keyDecoder { return newAvroKey(l, to, l.dialect.Topics.Keys) },
	Registered: &Registered{Type: sr.TypeAvro, Record: func(_ context.Context, s *schemaText, _ []byte) (*schemaType, error) {
		return parseAvro(s.text, s.references)
	}},
}

// newAvro makes the decoder of a landing's records.
func newAvro(l *Landing, schemas schemaSource) *avroDecoder {
	d := &avroDecoder{schemaDecoder: newSchemaDecoder(l.Columns(), l.limits.Bytes, "Avro")}
	d.plans = newSchemaCache(schemas, sr.TypeAvro, func(_ context.Context, s *schemaText) (*schemaPlan, error) {
		t, err := parseAvro(s.text, s.references)
		if err != nil {
			return nil, err
		}
		return d.plan(t)
	})
	return d
}

// newAvroKey makes the decoder of keys in Avro, for columns that take the whole key, or parts of it.
func newAvroKey(l *Landing, to Columns, schemas schemaSource) *avroDecoder {
	d := &avroDecoder{schemaDecoder: newSchemaDecoder(to, l.limits.Bytes, "Avro")}
	d.plans = newSchemaCache(schemas, sr.TypeAvro, func(_ context.Context, s *schemaText) (*schemaPlan, error) {
		t, err := parseAvro(s.text, s.references)
		if err != nil {
			return nil, err
		}
		p := &schemaPlan{}
		p.root = p.node(t, []*slot{to.Root})
		return p, nil
	})
	return d
}

// prepare is preparer's.
func (d *avroDecoder) prepare(ctx context.Context, value, header []byte) error {
	name, rest, ok := d.named(value, header)
	if !ok {
		return nil
	}
	if header != nil {
		d.surplus(rest)
	}
	if d.current != nil && name == d.last {
		return nil
	}
	p, err := d.plans.get(ctx, name)
	switch {
	case err != nil:
		return err
	case p.why != "":
		d.why = p.why
	default:
		d.last, d.current = name, p
	}
	return nil
}

// decode is valueDecoder's. prepare has been called with the value.
func (d *avroDecoder) decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	if d.why != "" {
		return d.why, 0, false
	}
	d.begin(lenient)
	d.b, d.i, d.empty, d.keys = value, min(d.head, len(value)), 0, d.keys[:0]
	ok := d.walk(d.current.t.root, row, 0)
	if ok && d.i < len(value) {
		ok = d.bad("%d bytes follow the value", len(value)-d.i)
	}
	return d.end(ok, row)
}

// short is the failure of a value that ends too early.
func (d *avroDecoder) short(t *schemaType) bool {
	return d.bad("it ends in %s, at byte %d", t.what(), len(d.b))
}

// walk gives the value at i to those who want it.
func (d *avroDecoder) walk(n *schemaNode, row, depth int) bool {
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
	case kindRecord:
		return d.record(n, row, depth)
	case kindUnion:
		k, ok := d.branch(t)
		return ok && d.walk(n.branches[k], row, depth)
	case kindArray:
		return d.blocks(t, func(k int) bool {
			if item := n.items[k]; item != nil {
				return d.walk(item, row, depth+1)
			}
			return d.skip(t.elem, depth+1)
		})
	case kindMap:
		return d.entries(t, func(key []byte) bool {
			if item := n.keys[string(key)]; item != nil {
				return d.walk(item, row, depth+1)
			}
			d.found++
			return d.skip(t.elem, depth+1)
		})
	case kindNull:
		return true
	}
	d.found++ // there is nothing below a scalar: the paths find no field
	return d.skip(t, depth)
}

func (d *avroDecoder) record(n *schemaNode, row, depth int) bool {
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
func (d *avroDecoder) take(c *schemaConv, row int) bool {
	start := d.i
	switch d.value(c, row) {
	case isSet:
		d.took(c.col)
		return true
	case isNull:
		return true
	}
	return d.pass(c.t, start)
}

// pass steps over a value that did not convert, where the decoder is lenient and the bytes allow it.
func (d *avroDecoder) pass(t *schemaType, start int) bool {
	if !d.mayPass() {
		return false
	}
	d.i = start
	return d.skip(t, 0)
}

// value converts the value at i into a row of a column. It does not mark NULL.
func (d *avroDecoder) value(v *schemaConv, row int) outcome {
	t, c := v.t, v.col
	for t.kind == kindUnion {
		k, ok := d.branch(t)
		if !ok {
			return failed
		}
		v = v.branches[k]
		t = v.t
	}
	if t.kind == kindNull {
		return isNull
	}
	if t.kind == kindRecord || t.kind == kindArray || t.kind == kindMap || c.id == duck.TypeJSON && t.kind != kindString {
		return d.nested(v, row)
	}
	s, ok := d.scalar(t)
	if !ok {
		return failed
	}
	if t.kind == kindString && !utf8.Valid(s.b) {
		return d.fail(wrong, c, []byte("text that is no UTF-8"), false)
	}
	if f := t.put(d.w, c, row, s); f != fine {
		return d.fail(f, c, d.w.buf, t.kind == kindString || t.kind == kindEnum)
	}
	return isSet
}

// nested converts a record, an array or a map, or any value into JSON.
func (d *avroDecoder) nested(v *schemaConv, row int) outcome {
	t, c := v.t, v.col
	ok := true
	switch {
	case c.id == duck.TypeJSON || c.id == duck.TypeVarchar:
		d.text = d.text[:0]
		if !d.render(t, 0) {
			return failed
		}
		return d.keepText(c, row)
	case v.record != nil:
		ok = d.inside(c.children, row, func() bool { return d.walk(v.record, row, 0) })
	case v.elem != nil && t.kind == kindArray:
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

// list converts the array at i.
func (d *avroDecoder) list(v *schemaConv, row int) bool {
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
func (d *avroDecoder) element(v *schemaConv, row int) bool {
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
func (d *avroDecoder) dict(v *schemaConv, row int) bool {
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
				d.fail(twice, &column{name: excerpt(keys[k], false), node: &duck.Node{}}, nil, false)
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
