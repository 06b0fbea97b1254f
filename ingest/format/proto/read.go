package proto

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"google.golang.org/protobuf/encoding/protowire"

	"dsql/ingest/convert"
	"dsql/ingest/schema"
)

// decoder writes messages of Protocol Buffers into vectors: Confluent's wire format, in which numbers behind the schema's say
// which of its messages the value is. A field may stand in a message in any order and more than once, so each message is scanned
// first, then its fields are taken.
type decoder struct {
	schema.Decoder
	files   schema.Cache[*protoFile]
	at      []byte // the numbers, as they were written
	current *messagePlan

	occ    []occurrence // of fields, of all messages that are in hand
	one    [1]occurrence
	key    *convert.Slot // who takes the whole message, or parts of it: it is a key; nil: it is a record
	whole  [1]occurrence // a key
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
	plan *schema.Plan
	why  string
}

// occurrence is a field as it stands in a message: a number's bits, or the bytes behind a length or between a group's tags.
type occurrence struct {
	field int32 // which of the message's fields
	typ   protowire.Type
	bits  uint64
	bytes []byte
}

// maxOccurrences bounds what one record may make the decoder remember. Numbers that are packed don't count.
const maxOccurrences = 1 << 20

// scan appends the fields of a message to occ, ordered by field, those of one field as they stand; without wanted all of them.
func (d *decoder) scan(t *schema.Type, b []byte, wanted []*schema.Node) bool {
	base, size := len(d.occ), len(b)
	last, passed, sorted := int32(-1), protowire.Number(0), true
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return d.Broken("no tag of a field at byte %d of %s", size-len(b), called(t))
		}
		o := occurrence{typ: typ}
		if b = o.consume(num, b[n:]); b == nil {
			return d.Broken("%s ends in its field %d", called(t), num)
		}
		if o.field = t.Proto.Index.Get(num); o.field < 0 || wanted != nil && wanted[o.field] == nil {
			if num != passed {
				passed = num
				d.Found++
			}
			continue
		}
		if len(d.occ) == maxOccurrences {
			return d.Broken("more than %d values", maxOccurrences)
		}
		sorted = sorted && o.field >= last
		last = o.field
		d.occ = append(d.occ, o)
	}
	if t.Proto.Oneofs > 0 {
		d.settle(t, base)
	}
	if !sorted {
		slices.SortStableFunc(d.occ[base:], func(a, b occurrence) int { return int(a.field) - int(b.field) })
	}
	return true
}

// called is how reasons call a message.
func called(t *schema.Type) string {
	if t.Name == "" {
		return "a message"
	}
	return t.Name
}

// consume reads the value behind a tag into o, whose type is known; the rest is nil when the bytes end before it.
func (o *occurrence) consume(num protowire.Number, b []byte) (rest []byte) {
	n := -1
	switch o.typ {
	case protowire.VarintType:
		if len(b) > 0 && b[0] < 0x80 { // often
			o.bits, n = uint64(b[0]), 1
			break
		}
		o.bits, n = protowire.ConsumeVarint(b)
	case protowire.Fixed32Type:
		var u uint32
		u, n = protowire.ConsumeFixed32(b)
		o.bits = uint64(u)
	case protowire.Fixed64Type:
		o.bits, n = protowire.ConsumeFixed64(b)
	case protowire.BytesType:
		o.bytes, n = protowire.ConsumeBytes(b)
	case protowire.StartGroupType:
		o.bytes, n = protowire.ConsumeGroup(num, b)
	}
	if n < 0 {
		return nil
	}
	return b[n:]
}

// settle leaves of each oneof the field that came last.
func (d *decoder) settle(t *schema.Type, base int) {
	oneof := func(o *occurrence) int {
		if t.Proto.Dynamic {
			return 1
		}
		return t.Fields[o.field].Proto.Oneof
	}
	var small [8]int32
	last := small[:]
	if t.Proto.Oneofs >= len(small) {
		last = make([]int32, t.Proto.Oneofs+1)
	}
	for i := base; i < len(d.occ); i++ {
		last[oneof(&d.occ[i])] = d.occ[i].field
	}
	kept := d.occ[:base]
	for _, o := range d.occ[base:] {
		if of := oneof(&o); of == 0 || last[of] == o.field {
			kept = append(kept, o)
		}
	}
	d.occ = kept
}

// body is the bytes of a message: all that stands in its occurrences, which is how the wire format merges them.
func (d *decoder) body(occ []occurrence) ([]byte, bool) {
	for i := range occ {
		if occ[i].typ != protowire.BytesType && occ[i].typ != protowire.StartGroupType {
			return nil, d.Broken("a message is written as a number")
		}
	}
	switch len(occ) {
	case 0:
		return nil, true
	case 1:
		return occ[0].bytes, true
	}
	size := 0
	for i := range occ {
		size += len(occ[i].bytes)
	}
	all := d.W.Slab.Alloc(size)
	if all == nil {
		d.Fail(convert.NoRoom, nil, nil, false)
		return nil, false
	}
	at := 0
	for i := range occ {
		at += copy(all[at:], occ[i].bytes)
	}
	return all, true
}

// box is a message with one field that counts.
var box = func() *schema.Type {
	t := &schema.Type{Kind: schema.KindRecord, Proto: schema.Proto{Index: &schema.FieldIndex{}}}
	t.Proto.Index.Put(1, 0)
	return t
}()

// Unfinished gives the value that a type stands for: that of a wrapper is inside it.
func (d *decoder) open(t *schema.Type, occ []occurrence) (*schema.Type, []occurrence, bool) {
	if t.Proto.Boxed == nil {
		return t, occ, true
	}
	b, ok := d.body(occ)
	base := len(d.occ)
	ok = ok && d.scan(box, b, nil)
	return t.Proto.Boxed, d.occ[base:], ok
}

// branch finds which value a google.protobuf.Value has; -1 for none.
func (d *decoder) branch(t *schema.Type, occ []occurrence) (int, []occurrence, bool) {
	b, ok := d.body(occ)
	base := len(d.occ)
	if !ok || !d.scan(t, b, nil) {
		return -1, nil, false
	}
	if occ = d.occ[base:]; len(occ) == 0 {
		return -1, nil, true
	}
	return int(occ[0].field), occ, true
}

// pick reads the last of each of the fields 1, 2, … of a message; those that aren't there stay as they are.
func (d *decoder) pick(b []byte, fields []occurrence) bool {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return d.Broken("no tag of a field")
		}
		o := occurrence{typ: typ}
		if b = o.consume(num, b[n:]); b == nil {
			return d.Broken("a message ends in its field %d", num)
		}
		if int(num) <= len(fields) {
			fields[num-1] = o
		}
	}
	return true
}

// absentType marks an occurrence that isn't there.
const absentType protowire.Type = -1

// elements calls item for each element of a repeated field, packed or not.
func (d *decoder) elements(t *schema.Type, occ []occurrence, item func(o []occurrence) bool) bool {
	for i := range occ {
		if occ[i].typ != protowire.BytesType || t.Elem.Proto.Wire == protowire.BytesType {
			if !item(occ[i : i+1]) {
				return false
			}
			continue
		}
		for b := occ[i].bytes; len(b) > 0; {
			d.one[0] = occurrence{typ: t.Elem.Proto.Wire}
			if b = d.one[0].consume(0, b); b == nil {
				return d.Broken("a packed list ends in a number")
			}
			if !item(d.one[:]) { // a number: nothing is in it
				return false
			}
		}
	}
	return true
}

// entries calls item for each key of a map; of a key that stands there twice the last counts.
func (d *decoder) entries(t *schema.Type, occ []occurrence, item func(key schema.Scalar, value []occurrence) bool) bool {
	base := len(d.occ)
	defer func() { d.occ = d.occ[:base] }()
	d.occ = append(d.occ, occurrence{}, occurrence{})
	kv := d.occ[base:]
	read := func(i int) (s schema.Scalar, ok bool) {
		kv[0].typ, kv[1].typ = absentType, absentType
		b, ok := d.body(occ[i : i+1])
		if ok = ok && d.pick(b, kv); !ok {
			return s, false
		}
		_, s, ok = d.scalar(t.Proto.Key, there(kv[:1]))
		if ok && !utf8.Valid(s.Bytes) {
			ok = d.Broken("a key that is no UTF-8")
		}
		return s, ok
	}
	type name struct {
		n int64
		s string
	}
	var latest map[name]int
	if len(occ) > 1 {
		latest = make(map[name]int, len(occ))
		for i := range occ {
			s, ok := read(i)
			if !ok {
				return false
			}
			latest[name{s.Int, string(s.Bytes)}] = i
		}
	}
	for i := range occ {
		s, ok := read(i)
		if !ok {
			return false
		}
		if latest != nil && latest[name{s.Int, string(s.Bytes)}] != i {
			continue
		}
		if !item(s, there(kv[1:])) {
			return false
		}
	}
	return true
}

// there is an occurrence, or none.
func there(one []occurrence) []occurrence {
	if one[0].typ == absentType {
		return nil
	}
	return one
}

// scalar reads a value that is no message, list or map: the last that stands there, or zero. The type is another one for a decimal,
// which has its scale with it.
func (d *decoder) scalar(t *schema.Type, occ []occurrence) (_ *schema.Type, s schema.Scalar, ok bool) {
	switch {
	case t.Kind == schema.KindMoment:
		b, ok := d.body(occ)
		var f [2]occurrence
		if ok = ok && d.pick(b, f[:]); ok {
			s.Int, s.Nanos = int64(f[0].bits), int32(f[1].bits)
			if s.Nanos <= -1e9 || s.Nanos >= 1e9 || t.Logical == schema.LogicalTimestamp && s.Nanos < 0 || s.Int == math.MinInt64 {
				ok = d.Broken("%s of %d seconds and %d nanoseconds", t.Name, s.Int, s.Nanos)
			}
		}
		return t, s, ok
	case t.Logical == schema.LogicalDecimal:
		b, ok := d.body(occ)
		var f [3]occurrence
		if ok = ok && d.pick(b, f[:]); !ok {
			return t, s, false
		}
		scaled := *t
		if scaled.Scale = int(int32(f[2].bits)); scaled.Scale < 0 || scaled.Scale > schema.MaxDigits {
			return t, s, d.Broken("%s of scale %d", t.Name, scaled.Scale)
		}
		s.Bytes = f[0].bytes
		return &scaled, s, true
	case len(occ) == 0:
		if t.Kind == schema.KindEnum {
			s.Bytes = d.symbol(t, 0)
		}
		return t, s, true
	}
	o := &occ[len(occ)-1]
	if o.typ != t.Proto.Wire {
		return t, s, d.Broken("%s is written as a value of another type", t.What())
	}
	switch u := o.bits; t.Kind {
	case schema.KindBoolean:
		if u != 0 {
			s.Int = 1
		}
	case schema.KindInt:
		s.Int = int64(int32(u))
		if t.Proto.Zigzag {
			s.Int = int64(int32(protowire.DecodeZigZag(u & math.MaxUint32)))
		}
	case schema.KindUint:
		s.Int = int64(uint32(u))
	case schema.KindLong, schema.KindUlong:
		s.Int = int64(u)
		if t.Proto.Zigzag {
			s.Int = protowire.DecodeZigZag(u)
		}
	case schema.KindFloat:
		s.Float = float64(math.Float32frombits(uint32(u)))
	case schema.KindDouble:
		s.Float = math.Float64frombits(u)
	case schema.KindEnum:
		s.Int = int64(int32(u))
		s.Bytes = d.symbol(t, s.Int)
	default:
		s.Bytes = o.bytes
	}
	return t, s, true
}

// symbol is the name of an enum's number, or the number itself where a newer schema wrote one that this has no name for.
func (d *decoder) symbol(t *schema.Type, n int64) []byte {
	if name := t.Proto.Names[n]; name != nil {
		return name
	}
	return strconv.AppendInt(d.number[:0], n, 10)
}
