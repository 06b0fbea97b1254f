package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/reflect/protoreflect"

	"dsql/engine/duck"
)

// protoDecoder writes messages of Protocol Buffers into vectors: Confluent's wire format, in which numbers behind the schema's say
// which of its messages the value is. A field may stand in a message in any order and more than once, so each message is scanned
// first, then its fields are taken.
type protoDecoder struct {
	schemaDecoder
	files   schemaCache[*protoFile]
	at      []byte // the numbers, as they were written
	current *messagePlan

	occ    []occurrence // of fields, of all messages that are in hand
	one    [1]occurrence
	number [20]byte
}

// protoFile is a schema, with what becomes of those of its messages that came.
type protoFile struct {
	file  protoreflect.FileDescriptor
	types protoTypes
	plans map[string]*messagePlan // by the numbers, as they were written
}

// messagePlan is what becomes of one of a schema's messages; why says that it has no such message.
type messagePlan struct {
	plan *schemaPlan
	why  string
}

// protoFormat is Protocol Buffers with a schema registry.
var protoFormat = Format{
	Name: "protobuf", Doc: "with a schema registry",
	Values:     func(l *Landing) (valueDecoder, error) { return newProto(l, l.dialect.Topics.Values), nil },
	Registered: &Registered{Type: sr.TypeProtobuf, Record: protoMessage},
}

// newProto makes the decoder of a landing's records.
func newProto(l *Landing, schemas schemaSource) *protoDecoder {
	return &protoDecoder{schemaDecoder: newSchemaDecoder(l.Columns(), l.limits.Bytes, "Protobuf"),
		files: newSchemaCache(schemas, sr.TypeProtobuf, func(ctx context.Context, s *schemaText) (*protoFile, error) {
			file, err := parseProto(ctx, s.text, s.references)
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

// protoMessage is the type of a value whose message's numbers and bytes are given.
func protoMessage(ctx context.Context, s *schemaText, value []byte) (*schemaType, error) {
	path, _, ok := messageIndex(value)
	if !ok {
		return nil, errors.New("the numbers of its message can't be read")
	}
	file, err := parseProto(ctx, s.text, s.references)
	if err != nil {
		return nil, err
	}
	m, err := message(file, path)
	if err != nil {
		return nil, err
	}
	return protoTypes{}.message(m), nil
}

// prepare is preparer's.
func (d *protoDecoder) prepare(ctx context.Context, value, header []byte) error {
	name, rest, ok := d.named(value, header)
	if !ok {
		return nil
	}
	if d.current == nil || name != d.last || !bytes.HasPrefix(rest, d.at) {
		f, err := d.files.get(ctx, name)
		if err != nil {
			return err
		}
		if d.why = f.why; d.why != "" {
			return nil
		}
		path, size, ok := messageIndex(rest)
		if !ok {
			d.nameless("the numbers of its message can't be read")
			return nil
		}
		at := rest[:size]
		p := f.t.plans[string(at)]
		if p == nil {
			p = d.messagePlan(name, f.t, path)
			f.t.plans[string(at)] = p
		}
		d.last, d.at, d.current = name, append(d.at[:0], at...), p
	}
	d.why = d.current.why
	if header != nil {
		d.surplus(rest[len(d.at):])
	} else {
		d.head += len(d.at)
	}
	return nil
}

// messagePlan plans one of a schema's messages.
func (d *protoDecoder) messagePlan(name schemaName, f *protoFile, path []int) *messagePlan {
	p := &messagePlan{}
	m, err := message(f.file, path)
	if err == nil {
		p.plan, err = d.plan(f.types.message(m))
	}
	if err != nil {
		p.why = fmt.Sprintf("schema %s: %v", name, err)
	}
	return p
}

// decode is valueDecoder's. prepare has been called with the value.
func (d *protoDecoder) decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	if d.why != "" {
		return d.why, 0, false
	}
	d.begin(lenient)
	d.occ = d.occ[:0]
	ok := d.message(d.current.plan.root, value[min(d.head, len(value)):], row)
	return d.end(ok, row)
}

// message gives the fields of a message to those who want them.
func (d *protoDecoder) message(n *schemaNode, b []byte, row int) bool {
	base := len(d.occ)
	ok := d.scan(n.t, b, n.fields)
	at, end := base, len(d.occ)
	for i := 0; ok && i < len(n.fields); i++ {
		if n.fields[i] == nil {
			continue
		}
		from := at
		for at < end && d.occ[at].field == int32(i) {
			at++
		}
		f := &n.t.fields[i]
		switch {
		case at > from || f.proto.absent == absentZero:
			ok = d.walk(n.fields[i], d.occ[from:at], row)
		case f.proto.absent == absentError:
			ok = d.bad("the required field %s isn't there", f.name)
		}
	}
	d.occ = d.occ[:base]
	return ok
}

// walk gives a value to those who want it. No occurrence is the value that isn't written: zero, or empty.
func (d *protoDecoder) walk(n *schemaNode, occ []occurrence, row int) bool {
	for _, c := range n.convs {
		switch d.value(c, occ, row) {
		case isSet:
			d.took(c.col)
		case failed:
			if !d.mayPass() {
				return false
			}
		}
	}
	if !n.below {
		return true
	}
	t, occ, ok := d.open(n.t, occ)
	return ok && d.below(n, t, occ, row)
}

// below gives what is in a value, which has been opened, to those who want it.
func (d *protoDecoder) below(n *schemaNode, t *schemaType, occ []occurrence, row int) bool {
	switch t.kind {
	case kindRecord:
		b, ok := d.body(occ)
		return ok && d.message(n, b, row)
	case kindUnion:
		k, occ, ok := d.branch(t, occ)
		return ok && (k < 0 || d.walk(n.branches[k], occ, row))
	case kindArray:
		k := -1
		return d.elements(t, occ, func(o []occurrence) bool {
			k++
			item := n.items[k]
			return item == nil || d.walk(item, o, row)
		})
	case kindMap:
		return d.entries(t, occ, func(key schemaScalar, value []occurrence) bool {
			t.proto.key.text(d.w, key)
			item := n.keys[string(d.w.buf)]
			if item == nil {
				d.found++
				return true
			}
			return d.walk(item, value, row)
		})
	}
	d.found++ // there is nothing below a scalar: the paths find no field
	return true
}

// value converts a value into a row of a column. It does not mark NULL.
func (d *protoDecoder) value(v *schemaConv, occ []occurrence, row int) outcome {
	if v.t.proto.boxed == nil && v.t.kind != kindUnion {
		return d.opened(v, v.t, occ, row)
	}
	base := len(d.occ)
	t, occ, ok := d.open(v.t, occ)
	for ok && t.kind == kindUnion {
		var k int
		if k, occ, ok = d.branch(t, occ); k < 0 {
			break
		}
		v = v.branches[k]
		t, occ, ok = d.open(v.t, occ)
	}
	out := failed
	if ok {
		out = d.opened(v, t, occ, row)
	}
	d.occ = d.occ[:base]
	return out
}

// opened converts a value of type t, which is what v's stands for.
func (d *protoDecoder) opened(v *schemaConv, t *schemaType, occ []occurrence, row int) outcome {
	c := v.col
	switch {
	case t.kind == kindUnion || t.kind == kindNull:
		return isNull
	case t.kind == kindRecord || t.kind == kindArray || t.kind == kindMap || c.id == duck.TypeJSON && t.kind != kindString:
		return d.nested(v, t, occ, row)
	}
	t, s, ok := d.scalar(t, occ)
	if !ok {
		return failed
	}
	if t.kind == kindString && !utf8.Valid(s.b) {
		return d.fail(wrong, c, []byte("text that is no UTF-8"), false)
	}
	if f := t.put(d.w, c, row, s); f != fine {
		return d.fail(f, c, d.w.buf, t.kind == kindString || t.kind == kindEnum && !(c.id >= duck.TypeTinyInt && c.id <= duck.TypeUHugeInt))
	}
	return isSet
}

// nested converts a message, a repeated field or a map, or any value into JSON.
func (d *protoDecoder) nested(v *schemaConv, t *schemaType, occ []occurrence, row int) outcome {
	c := v.col
	ok := true
	switch {
	case c.id == duck.TypeJSON || c.id == duck.TypeVarchar:
		d.text = d.text[:0]
		if !d.render(t, occ, 0) {
			return failed
		}
		return d.keepText(c, row)
	case v.record != nil:
		ok = d.inside(c.children, row, func() bool { return d.below(v.record, t, occ, row) })
	case v.elem != nil && t.kind == kindArray:
		ok = d.list(v, t, occ, row)
	case v.elem != nil:
		ok = d.dict(v, t, occ, row)
	default:
		return d.fail(wrong, c, []byte(t.what()), false)
	}
	if !ok {
		return failed
	}
	return isSet
}

// list converts a repeated field.
func (d *protoDecoder) list(v *schemaConv, t *schemaType, occ []occurrence, row int) bool {
	c, at, n := v.col, 0, 0
	ok := d.elements(t, occ, func(o []occurrence) bool {
		r := d.w.chunk.Append(c.node)
		if n++; n == 1 {
			at = r
		}
		return d.element(v.elem, o, r)
	})
	if !ok {
		return d.abandon(c, at, n)
	}
	d.w.vecs[c.vec].PutList(row, at, n)
	return true
}

// element converts a value that stands in a list or map.
func (d *protoDecoder) element(v *schemaConv, occ []occurrence, row int) bool {
	switch d.value(v, occ, row) {
	case isSet:
		return true
	case failed:
		if !d.mayPass() {
			return false
		}
	}
	d.w.chunk.SetNull(v.col.node, row)
	return true
}

// dict converts a map.
func (d *protoDecoder) dict(v *schemaConv, t *schemaType, occ []occurrence, row int) bool {
	c, at, n := v.col, 0, 0
	ok := d.entries(t, occ, func(key schemaScalar, value []occurrence) bool {
		r := d.w.chunk.Append(c.node)
		if n++; n == 1 {
			at = r
		}
		if f := t.proto.key.put(d.w, c.children[0], r, key); f != fine {
			d.fail(f, c.children[0], d.w.buf, t.proto.key.kind == kindString)
			return false
		}
		return d.element(v.elem, value, r)
	})
	if !ok {
		return d.abandon(c, at, n)
	}
	d.w.vecs[c.vec].PutList(row, at, n)
	return true
}

// symbol is the name of an enum's number, or the number itself where a newer schema wrote one that this has no name for.
func (d *protoDecoder) symbol(t *schemaType, n int64) []byte {
	if name := t.proto.names[n]; name != nil {
		return name
	}
	return strconv.AppendInt(d.number[:0], n, 10)
}
