// Package avro is the format avro: values of topics whose schemas are in a registry.
package avro

import (
	"bytes"
	"context"
	"slices"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
	"dsql/ingest/schema"
)

// Format is Avro with a schema registry.
var Format = batch.Format{
	Name: "avro", Doc: "with a schema registry",
	Values: func(l *batch.Landing) (batch.ValueDecoder, error) { return newDecoder(l, l.Dialect.Topics.Values), nil },
	Keys: func(l *batch.Landing, to convert.Columns) batch.KeyDecoder {
		return newKey(l, to, l.Dialect.Topics.Keys)
	},
	Registered: &batch.Registered{Type: sr.TypeAvro, Record: func(_ context.Context, s *schema.Text, _ []byte) (*schema.Type, error) {
		return Parse(s.Text, s.References)
	}},
}

// newDecoder makes the decoder of a landing's records.
func newDecoder(l *batch.Landing, schemas schema.Source) *decoder {
	d := &decoder{Decoder: schema.NewDecoder(l.Columns(), l.Limits.Bytes, "Avro")}
	d.plans = schema.NewCache(schemas, sr.TypeAvro, func(_ context.Context, s *schema.Text) (*schema.Plan, error) {
		t, err := Parse(s.Text, s.References)
		if err != nil {
			return nil, err
		}
		return d.Plan(t)
	})
	return d
}

// newKey makes the decoder of keys in Avro, for columns that take the whole key, or parts of it.
func newKey(l *batch.Landing, to convert.Columns, schemas schema.Source) *decoder {
	d := &decoder{Decoder: schema.NewDecoder(to, l.Limits.Bytes, "Avro")}
	d.plans = schema.NewCache(schemas, sr.TypeAvro, func(_ context.Context, s *schema.Text) (*schema.Plan, error) {
		t, err := Parse(s.Text, s.References)
		if err != nil {
			return nil, err
		}
		p := &schema.Plan{}
		p.Root = p.Node(t, []*convert.Slot{to.Root})
		return p, nil
	})
	return d
}

// Prepare is preparer's.
func (d *decoder) Prepare(ctx context.Context, value, header []byte) error {
	name, rest, ok := d.Named(value, header)
	if !ok {
		return nil
	}
	if header != nil {
		d.Surplus(rest)
	}
	if d.current != nil && name == d.Last {
		return nil
	}
	p, err := d.plans.Get(ctx, name)
	switch {
	case err != nil:
		return err
	case p.Why != "":
		d.Why = p.Why
	default:
		d.Last, d.current = name, p
	}
	return nil
}

// Decode is ValueDecoder's. prepare has been called with the value.
func (d *decoder) Decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	if d.Why != "" {
		return d.Why, 0, false
	}
	d.Begin(lenient)
	d.b, d.i, d.empty, d.keys = value, min(d.Head, len(value)), 0, d.keys[:0]
	ok := d.walk(d.current.T.Root, row, 0)
	if ok && d.i < len(value) {
		ok = d.Broken("%d bytes follow the value", len(value)-d.i)
	}
	return d.End(ok, row)
}

// walk gives the value at i to those who want it.
func (d *decoder) walk(n *schema.Node, row, depth int) bool {
	start := d.i
	for k, c := range n.Convs {
		if k > 0 {
			d.i = start
		}
		if !d.take(c, row) {
			return false
		}
	}
	if !n.Below {
		return true
	}
	d.i = start
	t := n.Type
	switch t.Kind {
	case schema.KindRecord:
		return d.record(n, row, depth)
	case schema.KindUnion:
		k, ok := d.branch(t)
		return ok && d.walk(n.Branches[k], row, depth)
	case schema.KindArray:
		return d.blocks(t, func(k int) bool {
			if item := n.Items[k]; item != nil {
				return d.walk(item, row, depth+1)
			}
			return d.skip(t.Elem, depth+1)
		})
	case schema.KindMap:
		return d.entries(t, func(key []byte) bool {
			if item := n.Keys[string(key)]; item != nil {
				return d.walk(item, row, depth+1)
			}
			d.Found++
			return d.skip(t.Elem, depth+1)
		})
	case schema.KindNull:
		return true
	}
	d.Found++ // there is nothing below a scalar: the paths find no field
	return d.skip(t, depth)
}

func (d *decoder) record(n *schema.Node, row, depth int) bool {
	for i, f := range n.Fields {
		if f == nil {
			d.Found++
			if !d.skip(n.Type.Fields[i].Type, depth+1) {
				return false
			}
		} else if !d.walk(f, row, depth+1) {
			return false
		}
	}
	return true
}

// take converts the value at i for a column of the record or STRUCT in hand.
func (d *decoder) take(c *schema.Conv, row int) bool {
	start := d.i
	switch d.value(c, row) {
	case convert.IsSet:
		d.Took(c.Column)
		return true
	case convert.IsNull:
		return true
	}
	return d.pass(c.Type, start)
}

// pass steps over a value that did not convert, where the decoder is lenient and the bytes allow it.
func (d *decoder) pass(t *schema.Type, start int) bool {
	if !d.MayPass() {
		return false
	}
	d.i = start
	return d.skip(t, 0)
}

// value converts the value at i into a row of a column. It does not mark NULL.
func (d *decoder) value(v *schema.Conv, row int) convert.Outcome {
	t, c := v.Type, v.Column
	for t.Kind == schema.KindUnion {
		k, ok := d.branch(t)
		if !ok {
			return convert.Failed
		}
		v = v.Branches[k]
		t = v.Type
	}
	if t.Kind == schema.KindNull {
		return convert.IsNull
	}
	if t.Kind == schema.KindRecord || t.Kind == schema.KindArray || t.Kind == schema.KindMap ||
		c.ID == duck.TypeJSON && t.Kind != schema.KindString {
		return d.nested(v, row)
	}
	s, ok := d.scalar(t)
	if !ok {
		return convert.Failed
	}
	if t.Kind == schema.KindString && !utf8.Valid(s.Bytes) {
		return d.Fail(convert.Wrong, c, []byte("text that is no UTF-8"), false)
	}
	if f := t.Put(d.W, c, row, s); f != convert.Fine {
		return d.Fail(f, c, d.W.Buf, t.Kind == schema.KindString || t.Kind == schema.KindEnum)
	}
	return convert.IsSet
}

// nested converts a record, an array or a map, or any value into JSON.
func (d *decoder) nested(v *schema.Conv, row int) convert.Outcome {
	t, c := v.Type, v.Column
	var ok bool
	switch {
	case c.ID == duck.TypeJSON || c.ID == duck.TypeVarchar:
		d.Text = d.Text[:0]
		if !d.render(t, 0) {
			return convert.Failed
		}
		return d.KeepText(c, row)
	case v.Record != nil:
		ok = d.Inside(c.Children, row, func() bool { return d.walk(v.Record, row, 0) })
	case v.Elem != nil && t.Kind == schema.KindArray:
		ok = d.list(v, row)
	case v.Elem != nil:
		ok = d.dict(v, row)
	default:
		return d.Fail(convert.Wrong, c, []byte(t.What()), false)
	}
	if !ok {
		return convert.Failed
	}
	return convert.IsSet
}

// list converts the array at i.
func (d *decoder) list(v *schema.Conv, row int) bool {
	c, at, n := v.Column, 0, 0
	ok := d.blocks(v.Type, func(int) bool {
		r := d.W.Chunk.Append(c.Node)
		if n++; n == 1 {
			at = r
		}
		return d.element(v.Elem, r)
	})
	if !ok {
		return d.Abandon(c, at, n)
	}
	d.W.Vecs[c.Vec].PutList(row, at, n)
	return true
}

// element converts a value that stands in a list or map.
func (d *decoder) element(v *schema.Conv, row int) bool {
	start := d.i
	switch d.value(v, row) {
	case convert.IsSet:
		return true
	case convert.Failed:
		if !d.pass(v.Type, start) {
			return false
		}
	}
	d.W.Chunk.SetNull(v.Column.Node, row)
	return true
}

// dict converts the map at i.
func (d *decoder) dict(v *schema.Conv, row int) bool {
	c, at, n := v.Column, 0, 0
	base := len(d.keys)
	ok := d.entries(v.Type, func(key []byte) bool {
		r := d.W.Chunk.Append(c.Node)
		if n++; n == 1 {
			at = r
		}
		d.keys = append(d.keys, key)
		if f := d.W.Scalar(c.Children[0], r, key, convert.FromText, true); f != convert.Fine {
			d.Fail(f, c.Children[0], key, true)
			return false
		}
		return d.element(v.Elem, r)
	})
	keys := d.keys[base:]
	d.keys = d.keys[:base]
	if ok {
		slices.SortFunc(keys, bytes.Compare)
		for k := 1; k < len(keys) && ok; k++ {
			if bytes.Equal(keys[k-1], keys[k]) {
				d.Fail(convert.Twice, &convert.Column{Name: jsontext.Excerpt(keys[k], false), Node: &duck.Node{}}, nil, false)
				ok = false
			}
		}
	}
	if !ok {
		return d.Abandon(c, at, n)
	}
	d.W.Vecs[c.Vec].PutList(row, at, n)
	return true
}
