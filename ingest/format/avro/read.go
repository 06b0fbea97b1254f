package avro

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"dsql/ingest/jsontext"
	"dsql/ingest/schema"
)

// decoder writes records of Avro into vectors: Confluent's wire format, each value decoded by the schema it was written with.
type decoder struct {
	schema.Decoder
	plans   schema.Cache[*schema.Plan]
	current *schema.Compiled[*schema.Plan] // of last

	b     []byte
	i     int
	empty int // items without bytes
	keys  [][]byte

	raw bool // JSON has times as numbers and bytes as base64: see Texts
}

const maxEmptyItems = 1000 // of a record: values that take no bytes cost the sender nothing

// short is the failure of a value that ends too early.
func (d *decoder) short(t *schema.Type) bool {
	return d.Broken("it ends in %s, at byte %d", t.What(), len(d.b))
}

// long reads a variable-length zigzag number.
func (d *decoder) long(t *schema.Type) (int64, bool) {
	if d.i < len(d.b) && d.b[d.i] < 0x80 { // nearly always
		u := d.b[d.i]
		d.i++
		return int64(u>>1) ^ -int64(u&1), true
	}
	u, n := binary.Uvarint(d.b[d.i:])
	switch {
	case n == 0:
		return 0, d.short(t)
	case n < 0:
		return 0, d.Broken("a number of more than 64 bits at byte %d", d.i)
	}
	d.i += n
	x := int64(u>>1) ^ -int64(u&1)
	if t.Kind == schema.KindInt && x != int64(int32(x)) {
		return 0, d.Broken("an int of more than 32 bits at byte %d", d.i)
	}
	return x, true
}

// bytes reads n bytes, which stay where they are.
func (d *decoder) bytes(t *schema.Type, n int64) ([]byte, bool) {
	if n < 0 {
		return nil, d.Broken("%s of length %d at byte %d", t.What(), n, d.i)
	}
	if n > int64(len(d.b)-d.i) {
		return nil, d.short(t)
	}
	s := d.b[d.i : d.i+int(n)]
	d.i += int(n)
	return s, true
}

func (d *decoder) prefixed(t *schema.Type) ([]byte, bool) {
	n, ok := d.long(t)
	if !ok {
		return nil, false
	}
	return d.bytes(t, n)
}

// branch reads which type of a union comes.
func (d *decoder) branch(t *schema.Type) (int, bool) {
	k, ok := d.long(t)
	if !ok {
		return 0, false
	}
	if k < 0 || k >= int64(len(t.Branches)) {
		return 0, d.Broken("type %d of a union of %d at byte %d", k, len(t.Branches), d.i)
	}
	return int(k), true
}

// block reads how many items follow, and how many bytes they take where the writer says so (else -1).
func (d *decoder) block(t *schema.Type) (items, size int64, ok bool) {
	if items, ok = d.long(t); !ok || items >= 0 {
		return items, -1, ok
	}
	if items == math.MinInt64 {
		return 0, 0, d.Broken("a block of %d items at byte %d", items, d.i)
	}
	if size, ok = d.long(t); !ok {
		return 0, 0, false
	}
	if size < 0 || size > int64(len(d.b)-d.i) {
		return 0, 0, d.Broken("a block of %d bytes, and %d are left at byte %d", size, len(d.b)-d.i, d.i)
	}
	return -items, size, true
}

// blocks calls item for each item of the array at i.
func (d *decoder) blocks(t *schema.Type, item func(k int) bool) bool {
	for k := 0; ; {
		n, _, ok := d.block(t)
		if !ok || n == 0 {
			return ok
		}
		if t.Elem.NoBytes {
			if n > int64(maxEmptyItems-d.empty) {
				return d.Broken("more than %d items without bytes", maxEmptyItems)
			}
			d.empty += int(n)
		}
		for ; n > 0; n-- {
			if !item(k) {
				return false
			}
			k++
		}
	}
}

// entries calls item behind each key of the map at i.
func (d *decoder) entries(t *schema.Type, item func(key []byte) bool) bool {
	for {
		n, _, ok := d.block(t)
		if !ok || n == 0 {
			return ok
		}
		for ; n > 0; n-- {
			key, ok := d.prefixed(t)
			if !ok {
				return false
			}
			if !utf8.Valid(key) {
				return d.Broken("a key that is no UTF-8 at byte %d", d.i)
			}
			if !item(key) {
				return false
			}
		}
	}
}

// skip steps over a value.
func (d *decoder) skip(t *schema.Type, depth int) bool {
	if t.NoBytes {
		return true
	}
	if depth > jsontext.MaxDepth {
		return d.Broken("more than %d levels", jsontext.MaxDepth)
	}
	ok := true
	switch t.Kind {
	case schema.KindBoolean:
		_, ok = d.bytes(t, 1)
	case schema.KindInt, schema.KindLong, schema.KindEnum:
		_, ok = d.long(t)
	case schema.KindFloat:
		_, ok = d.bytes(t, 4)
	case schema.KindDouble:
		_, ok = d.bytes(t, 8)
	case schema.KindBytes, schema.KindString:
		_, ok = d.prefixed(t)
	case schema.KindFixed:
		_, ok = d.bytes(t, int64(t.Size))
	case schema.KindUnion:
		var k int
		if k, ok = d.branch(t); ok {
			ok = d.skip(t.Branches[k], depth+1)
		}
	case schema.KindRecord:
		for i := 0; i < len(t.Fields) && ok; i++ {
			ok = d.skip(t.Fields[i].Type, depth+1)
		}
	case schema.KindArray, schema.KindMap:
		for {
			n, size, ok := d.block(t)
			if !ok || n == 0 {
				return ok
			}
			if size >= 0 {
				d.i += int(size)
				continue
			}
			if t.Kind == schema.KindArray && t.Elem.NoBytes {
				continue
			}
			for ; n > 0; n-- {
				if t.Kind == schema.KindMap {
					if _, ok := d.prefixed(t); !ok {
						return false
					}
				}
				if !d.skip(t.Elem, depth+1) {
					return false
				}
			}
		}
	}
	return ok
}

// scalar reads the value at i.
func (d *decoder) scalar(t *schema.Type) (s schema.Scalar, ok bool) {
	switch t.Kind {
	case schema.KindBoolean:
		s.Bytes, ok = d.bytes(t, 1)
		if ok {
			if s.Int = int64(s.Bytes[0]); s.Int > 1 {
				ok = d.Broken("a boolean of %d at byte %d", s.Int, d.i-1)
			}
		}
	case schema.KindInt, schema.KindLong:
		s.Int, ok = d.long(t)
	case schema.KindFloat:
		if s.Bytes, ok = d.bytes(t, 4); ok {
			s.Float = float64(math.Float32frombits(binary.LittleEndian.Uint32(s.Bytes)))
		}
	case schema.KindDouble:
		if s.Bytes, ok = d.bytes(t, 8); ok {
			s.Float = math.Float64frombits(binary.LittleEndian.Uint64(s.Bytes))
		}
	case schema.KindBytes, schema.KindString:
		s.Bytes, ok = d.prefixed(t)
	case schema.KindFixed:
		s.Bytes, ok = d.bytes(t, int64(t.Size))
	case schema.KindEnum:
		if s.Int, ok = d.long(t); ok {
			if s.Int < 0 || s.Int >= int64(len(t.Symbols)) {
				return s, d.Broken("symbol %d of an enum of %d at byte %d", s.Int, len(t.Symbols), d.i)
			}
			s.Bytes = t.Symbols[s.Int]
		}
	}
	return s, ok
}
