package ingest

import (
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

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
func (d *protoDecoder) scan(t *schemaType, b []byte, wanted []*schemaNode) bool {
	base, size := len(d.occ), len(b)
	last, passed, sorted := int32(-1), protowire.Number(0), true
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return d.bad("no tag of a field at byte %d of %s", size-len(b), called(t))
		}
		o := occurrence{typ: typ}
		if b = o.consume(num, b[n:]); b == nil {
			return d.bad("%s ends in its field %d", called(t), num)
		}
		if o.field = t.proto.index.get(num); o.field < 0 || wanted != nil && wanted[o.field] == nil {
			if num != passed {
				passed = num
				d.found++
			}
			continue
		}
		if len(d.occ) == maxOccurrences {
			return d.bad("more than %d values", maxOccurrences)
		}
		sorted = sorted && o.field >= last
		last = o.field
		d.occ = append(d.occ, o)
	}
	if t.proto.oneofs > 0 {
		d.settle(t, base)
	}
	if !sorted {
		slices.SortStableFunc(d.occ[base:], func(a, b occurrence) int { return int(a.field) - int(b.field) })
	}
	return true
}

// called is how reasons call a message.
func called(t *schemaType) string {
	if t.name == "" {
		return "a message"
	}
	return t.name
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
func (d *protoDecoder) settle(t *schemaType, base int) {
	oneof := func(o *occurrence) int {
		if t.proto.dynamic {
			return 1
		}
		return t.fields[o.field].proto.oneof
	}
	var small [8]int32
	last := small[:]
	if t.proto.oneofs >= len(small) {
		last = make([]int32, t.proto.oneofs+1)
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
func (d *protoDecoder) body(occ []occurrence) ([]byte, bool) {
	for i := range occ {
		if occ[i].typ != protowire.BytesType && occ[i].typ != protowire.StartGroupType {
			return nil, d.bad("a message is written as a number")
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
	all := d.w.slab.Alloc(size)
	if all == nil {
		d.fail(noRoom, nil, nil, false)
		return nil, false
	}
	at := 0
	for i := range occ {
		at += copy(all[at:], occ[i].bytes)
	}
	return all, true
}

// box is a message with one field that counts.
var box = func() *schemaType {
	t := &schemaType{kind: kindRecord, proto: protoType{index: &fieldIndex{}}}
	t.proto.index.put(1, 0)
	return t
}()

// open gives the value that a type stands for: that of a wrapper is inside it.
func (d *protoDecoder) open(t *schemaType, occ []occurrence) (*schemaType, []occurrence, bool) {
	if t.proto.boxed == nil {
		return t, occ, true
	}
	b, ok := d.body(occ)
	base := len(d.occ)
	ok = ok && d.scan(box, b, nil)
	return t.proto.boxed, d.occ[base:], ok
}

// branch finds which value a google.protobuf.Value has; -1 for none.
func (d *protoDecoder) branch(t *schemaType, occ []occurrence) (int, []occurrence, bool) {
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
func (d *protoDecoder) pick(b []byte, fields []occurrence) bool {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return d.bad("no tag of a field")
		}
		o := occurrence{typ: typ}
		if b = o.consume(num, b[n:]); b == nil {
			return d.bad("a message ends in its field %d", num)
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
func (d *protoDecoder) elements(t *schemaType, occ []occurrence, item func(o []occurrence) bool) bool {
	for i := range occ {
		if occ[i].typ != protowire.BytesType || t.elem.proto.wire == protowire.BytesType {
			if !item(occ[i : i+1]) {
				return false
			}
			continue
		}
		for b := occ[i].bytes; len(b) > 0; {
			d.one[0] = occurrence{typ: t.elem.proto.wire}
			if b = d.one[0].consume(0, b); b == nil {
				return d.bad("a packed list ends in a number")
			}
			if !item(d.one[:]) { // a number: nothing is in it
				return false
			}
		}
	}
	return true
}

// entries calls item for each key of a map; of a key that stands there twice the last counts.
func (d *protoDecoder) entries(t *schemaType, occ []occurrence, item func(key schemaScalar, value []occurrence) bool) bool {
	base := len(d.occ)
	defer func() { d.occ = d.occ[:base] }()
	d.occ = append(d.occ, occurrence{}, occurrence{})
	kv := d.occ[base:]
	read := func(i int) (s schemaScalar, ok bool) {
		kv[0].typ, kv[1].typ = absentType, absentType
		b, ok := d.body(occ[i : i+1])
		if ok = ok && d.pick(b, kv); !ok {
			return s, false
		}
		_, s, ok = d.scalar(t.proto.key, there(kv[:1]))
		if ok && !validText(s.b) {
			ok = d.bad("a key that is no UTF-8")
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
			latest[name{s.n, string(s.b)}] = i
		}
	}
	for i := range occ {
		s, ok := read(i)
		if !ok {
			return false
		}
		if latest != nil && latest[name{s.n, string(s.b)}] != i {
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
func (d *protoDecoder) scalar(t *schemaType, occ []occurrence) (_ *schemaType, s schemaScalar, ok bool) {
	switch {
	case t.kind == kindMoment:
		b, ok := d.body(occ)
		var f [2]occurrence
		if ok = ok && d.pick(b, f[:]); ok {
			s.n, s.ns = int64(f[0].bits), int32(f[1].bits)
			if s.ns <= -1e9 || s.ns >= 1e9 || t.logical == logicalTimestamp && s.ns < 0 || s.n == math.MinInt64 {
				ok = d.bad("%s of %d seconds and %d nanoseconds", t.name, s.n, s.ns)
			}
		}
		return t, s, ok
	case t.logical == logicalDecimal:
		b, ok := d.body(occ)
		var f [3]occurrence
		if ok = ok && d.pick(b, f[:]); !ok {
			return t, s, false
		}
		scaled := *t
		if scaled.scale = int(int32(f[2].bits)); scaled.scale < 0 || scaled.scale > maxDigits {
			return t, s, d.bad("%s of scale %d", t.name, scaled.scale)
		}
		s.b = f[0].bytes
		return &scaled, s, true
	case len(occ) == 0:
		if t.kind == kindEnum {
			s.b = d.symbol(t, 0)
		}
		return t, s, true
	}
	o := &occ[len(occ)-1]
	if o.typ != t.proto.wire {
		return t, s, d.bad("%s is written as a value of another type", t.what())
	}
	switch u := o.bits; t.kind {
	case kindBoolean:
		if u != 0 {
			s.n = 1
		}
	case kindInt:
		s.n = int64(int32(u))
		if t.proto.zigzag {
			s.n = int64(int32(protowire.DecodeZigZag(u & math.MaxUint32)))
		}
	case kindUint:
		s.n = int64(uint32(u))
	case kindLong, kindUlong:
		s.n = int64(u)
		if t.proto.zigzag {
			s.n = protowire.DecodeZigZag(u)
		}
	case kindFloat:
		s.f = float64(math.Float32frombits(uint32(u)))
	case kindDouble:
		s.f = math.Float64frombits(u)
	case kindEnum:
		s.n = int64(int32(u))
		s.b = d.symbol(t, s.n)
	default:
		s.b = o.bytes
	}
	return t, s, true
}
