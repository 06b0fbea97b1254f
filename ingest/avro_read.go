package ingest

import (
	"encoding/binary"
	"math"
)

// long reads a variable-length zigzag number.
func (d *avroDecoder) long(t *schemaType) (int64, bool) {
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
		return 0, d.bad("a number of more than 64 bits at byte %d", d.i)
	}
	d.i += n
	x := int64(u>>1) ^ -int64(u&1)
	if t.kind == kindInt && x != int64(int32(x)) {
		return 0, d.bad("an int of more than 32 bits at byte %d", d.i)
	}
	return x, true
}

// bytes reads n bytes, which stay where they are.
func (d *avroDecoder) bytes(t *schemaType, n int64) ([]byte, bool) {
	if n < 0 {
		return nil, d.bad("%s of length %d at byte %d", t.what(), n, d.i)
	}
	if n > int64(len(d.b)-d.i) {
		return nil, d.short(t)
	}
	s := d.b[d.i : d.i+int(n)]
	d.i += int(n)
	return s, true
}

func (d *avroDecoder) prefixed(t *schemaType) ([]byte, bool) {
	n, ok := d.long(t)
	if !ok {
		return nil, false
	}
	return d.bytes(t, n)
}

// branch reads which type of a union comes.
func (d *avroDecoder) branch(t *schemaType) (int, bool) {
	k, ok := d.long(t)
	if !ok {
		return 0, false
	}
	if k < 0 || k >= int64(len(t.branches)) {
		return 0, d.bad("type %d of a union of %d at byte %d", k, len(t.branches), d.i)
	}
	return int(k), true
}

// block reads how many items follow, and how many bytes they take where the writer says so (else -1).
func (d *avroDecoder) block(t *schemaType) (items, size int64, ok bool) {
	if items, ok = d.long(t); !ok || items >= 0 {
		return items, -1, ok
	}
	if items == math.MinInt64 {
		return 0, 0, d.bad("a block of %d items at byte %d", items, d.i)
	}
	if size, ok = d.long(t); !ok {
		return 0, 0, false
	}
	if size < 0 || size > int64(len(d.b)-d.i) {
		return 0, 0, d.bad("a block of %d bytes, and %d are left at byte %d", size, len(d.b)-d.i, d.i)
	}
	return -items, size, true
}

// blocks calls item for each item of the array at i.
func (d *avroDecoder) blocks(t *schemaType, item func(k int) bool) bool {
	for k := 0; ; {
		n, _, ok := d.block(t)
		if !ok || n == 0 {
			return ok
		}
		if t.elem.noBytes {
			if n > int64(maxEmptyItems-d.empty) {
				return d.bad("more than %d items without bytes", maxEmptyItems)
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
func (d *avroDecoder) entries(t *schemaType, item func(key []byte) bool) bool {
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
			if !validText(key) {
				return d.bad("a key that is no UTF-8 at byte %d", d.i)
			}
			if !item(key) {
				return false
			}
		}
	}
}

// skip steps over a value.
func (d *avroDecoder) skip(t *schemaType, depth int) bool {
	if t.noBytes {
		return true
	}
	if depth > maxDepth {
		return d.bad("more than %d levels", maxDepth)
	}
	ok := true
	switch t.kind {
	case kindBoolean:
		_, ok = d.bytes(t, 1)
	case kindInt, kindLong, kindEnum:
		_, ok = d.long(t)
	case kindFloat:
		_, ok = d.bytes(t, 4)
	case kindDouble:
		_, ok = d.bytes(t, 8)
	case kindBytes, kindString:
		_, ok = d.prefixed(t)
	case kindFixed:
		_, ok = d.bytes(t, int64(t.size))
	case kindUnion:
		var k int
		if k, ok = d.branch(t); ok {
			ok = d.skip(t.branches[k], depth+1)
		}
	case kindRecord:
		for i := 0; i < len(t.fields) && ok; i++ {
			ok = d.skip(t.fields[i].t, depth+1)
		}
	case kindArray, kindMap:
		for {
			n, size, ok := d.block(t)
			if !ok || n == 0 {
				return ok
			}
			if size >= 0 {
				d.i += int(size)
				continue
			}
			if t.kind == kindArray && t.elem.noBytes {
				continue
			}
			for ; n > 0; n-- {
				if t.kind == kindMap {
					if _, ok := d.prefixed(t); !ok {
						return false
					}
				}
				if !d.skip(t.elem, depth+1) {
					return false
				}
			}
		}
	}
	return ok
}

// scalar reads the value at i.
func (d *avroDecoder) scalar(t *schemaType) (s schemaScalar, ok bool) {
	switch t.kind {
	case kindBoolean:
		s.b, ok = d.bytes(t, 1)
		if ok {
			if s.n = int64(s.b[0]); s.n > 1 {
				ok = d.bad("a boolean of %d at byte %d", s.n, d.i-1)
			}
		}
	case kindInt, kindLong:
		s.n, ok = d.long(t)
	case kindFloat:
		if s.b, ok = d.bytes(t, 4); ok {
			s.f = float64(math.Float32frombits(binary.LittleEndian.Uint32(s.b)))
		}
	case kindDouble:
		if s.b, ok = d.bytes(t, 8); ok {
			s.f = math.Float64frombits(binary.LittleEndian.Uint64(s.b))
		}
	case kindBytes, kindString:
		s.b, ok = d.prefixed(t)
	case kindFixed:
		s.b, ok = d.bytes(t, int64(t.size))
	case kindEnum:
		if s.n, ok = d.long(t); ok {
			if s.n < 0 || s.n >= int64(len(t.symbols)) {
				return s, d.bad("symbol %d of an enum of %d at byte %d", s.n, len(t.symbols), d.i)
			}
			s.b = t.symbols[s.n]
		}
	}
	return s, ok
}
