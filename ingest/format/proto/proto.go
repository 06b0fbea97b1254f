// Package proto is the format protobuf: messages whose schemas are in a registry.
package proto

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/encoding/protowire"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/schema"
)

// Format is Protocol Buffers with a schema registry.
var Format = batch.Format{
	Name: "protobuf", Doc: "with a schema registry",
	Values: func(l *batch.Landing) (batch.ValueDecoder, error) { return newDecoder(l, l.Dialect.Topics.Values), nil },
	Keys: func(l *batch.Landing, to convert.Columns) batch.KeyDecoder {
		d := decoderOf(l, to, l.Dialect.Topics.Keys)
		d.key = to.Root
		return d
	},
	Registered: &batch.Registered{Type: sr.TypeProtobuf, Record: Record},
}

// newDecoder makes the decoder of a landing's records.
func newDecoder(l *batch.Landing, schemas schema.Source) *decoder {
	return decoderOf(l, l.Columns(), schemas)
}

func decoderOf(l *batch.Landing, to convert.Columns, schemas schema.Source) *decoder {
	return &decoder{Decoder: schema.NewDecoder(to, l.Limits.Bytes, "Protobuf"),
		files: schema.NewCache(schemas, sr.TypeProtobuf, func(ctx context.Context, s *schema.Text) (*protoFile, error) {
			file, err := parse(ctx, s.Text, s.References)
			return &protoFile{file, protoTypes{}, map[string]*messagePlan{}}, err
		})}
}

// maxNesting is how many numbers may lead to a message.
const maxNesting = 100

// messageIndex reads how many numbers follow, and the numbers, all as zigzag varints; a zero alone is the first message.
func messageIndex(b []byte) (path []int, size int, ok bool) {
	count, size := binary.Varint(b)
	if size <= 0 || count < 0 || count > maxNesting {
		return nil, 0, false
	}
	if count == 0 {
		return []int{0}, size, true
	}
	for range count {
		i, n := binary.Varint(b[size:])
		if n <= 0 || i < 0 || i > 1<<20 {
			return nil, 0, false
		}
		path, size = append(path, int(i)), size+n
	}
	return path, size, true
}

// Record is the type of a value whose message's numbers and bytes are given.
func Record(ctx context.Context, s *schema.Text, value []byte) (*schema.Type, error) {
	path, _, ok := messageIndex(value)
	if !ok {
		return nil, errors.New("the numbers of its message can't be read")
	}
	file, err := parse(ctx, s.Text, s.References)
	if err != nil {
		return nil, err
	}
	m, err := message(file, path)
	if err != nil {
		return nil, err
	}
	return protoTypes{}.message(m), nil
}

// Prepare is preparer's.
func (d *decoder) Prepare(ctx context.Context, value, header []byte) error {
	name, rest, ok := d.Named(value, header)
	if !ok {
		return nil
	}
	if d.current == nil || name != d.Last || !bytes.HasPrefix(rest, d.at) {
		f, err := d.files.Get(ctx, name)
		if err != nil {
			return err
		}
		if d.Why = f.Why; d.Why != "" {
			return nil
		}
		path, size, ok := messageIndex(rest)
		if !ok {
			d.Nameless("the numbers of its message can't be read")
			return nil
		}
		at := rest[:size]
		p := f.T.plans[string(at)]
		if p == nil {
			p = d.messagePlan(name, f.T, path)
			f.T.plans[string(at)] = p
		}
		d.Last, d.at, d.current = name, append(d.at[:0], at...), p
	}
	d.Why = d.current.why
	if header != nil {
		d.Surplus(rest[len(d.at):])
	} else {
		d.Head += len(d.at)
	}
	return nil
}

// messagePlan plans one of a schema's messages.
func (d *decoder) messagePlan(name schema.Name, f *protoFile, path []int) *messagePlan {
	p := &messagePlan{}
	m, err := message(f.file, path)
	switch {
	case err == nil && d.key != nil:
		p.plan = &schema.Plan{}
		p.plan.Root = p.plan.Node(f.types.message(m), []*convert.Slot{d.key})
	case err == nil:
		p.plan, err = d.Plan(f.types.message(m))
	}
	if err != nil {
		p.why = fmt.Sprintf("schema %s: %v", name, err)
	}
	return p
}

// Decode is ValueDecoder's. prepare has been called with the value.
func (d *decoder) Decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	if d.Why != "" {
		return d.Why, 0, false
	}
	d.Begin(lenient)
	d.occ = d.occ[:0]
	value = value[min(d.Head, len(value)):]
	var ok bool
	if d.key != nil {
		d.whole[0] = occurrence{typ: protowire.BytesType, bytes: value}
		ok = d.walk(d.current.plan.Root, d.whole[:], row)
	} else {
		ok = d.message(d.current.plan.Root, value, row)
	}
	return d.End(ok, row)
}

// message gives the fields of a message to those who want them.
func (d *decoder) message(n *schema.Node, b []byte, row int) bool {
	base := len(d.occ)
	ok := d.scan(n.Type, b, n.Fields)
	at, end := base, len(d.occ)
	for i := 0; ok && i < len(n.Fields); i++ {
		if n.Fields[i] == nil {
			continue
		}
		from := at
		for at < end && d.occ[at].field == int32(i) {
			at++
		}
		f := &n.Type.Fields[i]
		switch {
		case at > from || f.Proto.Absent == schema.AbsentZero:
			ok = d.walk(n.Fields[i], d.occ[from:at], row)
		case f.Proto.Absent == schema.AbsentError:
			ok = d.Broken("the required field %s isn't there", f.Name)
		}
	}
	d.occ = d.occ[:base]
	return ok
}

// walk gives a value to those who want it. No occurrence is the value that isn't written: zero, or empty.
func (d *decoder) walk(n *schema.Node, occ []occurrence, row int) bool {
	for _, c := range n.Convs {
		switch d.value(c, occ, row) {
		case convert.IsSet:
			d.Took(c.Column)
		case convert.Failed:
			if !d.MayPass() {
				return false
			}
		}
	}
	if !n.Below {
		return true
	}
	t, occ, ok := d.open(n.Type, occ)
	return ok && d.below(n, t, occ, row)
}

// below gives what is in a value, which has been opened, to those who want it.
func (d *decoder) below(n *schema.Node, t *schema.Type, occ []occurrence, row int) bool {
	switch t.Kind {
	case schema.KindRecord:
		b, ok := d.body(occ)
		return ok && d.message(n, b, row)
	case schema.KindUnion:
		k, occ, ok := d.branch(t, occ)
		return ok && (k < 0 || d.walk(n.Branches[k], occ, row))
	case schema.KindArray:
		k := -1
		return d.elements(t, occ, func(o []occurrence) bool {
			k++
			item := n.Items[k]
			return item == nil || d.walk(item, o, row)
		})
	case schema.KindMap:
		return d.entries(t, occ, func(key schema.Scalar, value []occurrence) bool {
			t.Proto.Key.Text(d.W, key)
			item := n.Keys[string(d.W.Buf)]
			if item == nil {
				d.Found++
				return true
			}
			return d.walk(item, value, row)
		})
	}
	d.Found++ // there is nothing below a scalar: the paths find no field
	return true
}

// value converts a value into a row of a column. It does not mark NULL.
func (d *decoder) value(v *schema.Conv, occ []occurrence, row int) convert.Outcome {
	if v.Type.Proto.Boxed == nil && v.Type.Kind != schema.KindUnion {
		return d.opened(v, v.Type, occ, row)
	}
	base := len(d.occ)
	t, occ, ok := d.open(v.Type, occ)
	for ok && t.Kind == schema.KindUnion {
		var k int
		if k, occ, ok = d.branch(t, occ); k < 0 {
			break
		}
		v = v.Branches[k]
		t, occ, ok = d.open(v.Type, occ)
	}
	out := convert.Failed
	if ok {
		out = d.opened(v, t, occ, row)
	}
	d.occ = d.occ[:base]
	return out
}

// opened converts a value of type t, which is what v's stands for.
func (d *decoder) opened(v *schema.Conv, t *schema.Type, occ []occurrence, row int) convert.Outcome {
	c := v.Column
	switch {
	case t.Kind == schema.KindUnion || t.Kind == schema.KindNull:
		return convert.IsNull
	case t.Kind == schema.KindRecord || t.Kind == schema.KindArray || t.Kind == schema.KindMap ||
		c.ID == duck.TypeJSON && t.Kind != schema.KindString:
		return d.nested(v, t, occ, row)
	}
	t, s, ok := d.scalar(t, occ)
	if !ok {
		return convert.Failed
	}
	if t.Kind == schema.KindString && !utf8.Valid(s.Bytes) {
		return d.Fail(convert.Wrong, c, []byte("text that is no UTF-8"), false)
	}
	if f := t.Put(d.W, c, row, s); f != convert.Fine {
		return d.Fail(f, c, d.W.Buf,
			t.Kind == schema.KindString || t.Kind == schema.KindEnum && !(c.ID >= duck.TypeTinyInt && c.ID <= duck.TypeUHugeInt))
	}
	return convert.IsSet
}

// nested converts a message, a repeated field or a map, or any value into JSON.
func (d *decoder) nested(v *schema.Conv, t *schema.Type, occ []occurrence, row int) convert.Outcome {
	c := v.Column
	var ok bool
	switch {
	case c.ID == duck.TypeJSON || c.ID == duck.TypeVarchar:
		d.Text = d.Text[:0]
		if !d.render(t, occ, 0) {
			return convert.Failed
		}
		return d.KeepText(c, row)
	case v.Record != nil:
		ok = d.Inside(c.Children, row, func() bool { return d.below(v.Record, t, occ, row) })
	case v.Elem != nil && t.Kind == schema.KindArray:
		ok = d.list(v, t, occ, row)
	case v.Elem != nil:
		ok = d.dict(v, t, occ, row)
	default:
		return d.Fail(convert.Wrong, c, []byte(t.What()), false)
	}
	if !ok {
		return convert.Failed
	}
	return convert.IsSet
}

// list converts a repeated field.
func (d *decoder) list(v *schema.Conv, t *schema.Type, occ []occurrence, row int) bool {
	c, at, n := v.Column, 0, 0
	ok := d.elements(t, occ, func(o []occurrence) bool {
		r := d.W.Chunk.Append(c.Node)
		if n++; n == 1 {
			at = r
		}
		return d.element(v.Elem, o, r)
	})
	if !ok {
		return d.Abandon(c, at, n)
	}
	d.W.Vecs[c.Vec].PutList(row, at, n)
	return true
}

// element converts a value that stands in a list or map.
func (d *decoder) element(v *schema.Conv, occ []occurrence, row int) bool {
	switch d.value(v, occ, row) {
	case convert.IsSet:
		return true
	case convert.Failed:
		if !d.MayPass() {
			return false
		}
	}
	d.W.Chunk.SetNull(v.Column.Node, row)
	return true
}

// dict converts a map.
func (d *decoder) dict(v *schema.Conv, t *schema.Type, occ []occurrence, row int) bool {
	c, at, n := v.Column, 0, 0
	ok := d.entries(t, occ, func(key schema.Scalar, value []occurrence) bool {
		r := d.W.Chunk.Append(c.Node)
		if n++; n == 1 {
			at = r
		}
		if f := t.Proto.Key.Put(d.W, c.Children[0], r, key); f != convert.Fine {
			d.Fail(f, c.Children[0], d.W.Buf, t.Proto.Key.Kind == schema.KindString)
			return false
		}
		return d.element(v.Elem, value, r)
	})
	if !ok {
		return d.Abandon(c, at, n)
	}
	d.W.Vecs[c.Vec].PutList(row, at, n)
	return true
}
