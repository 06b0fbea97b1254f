package quackclient

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"

	"dsql/serve/quack/wire"
)

// Answer is a server's message.
type Answer struct {
	Kind    uint64
	Session string
	Text    string // of an error
	Types   []*Type
	Names   []string
	Rows    [][]any
	More    bool
	Result  wire.Huge
	Batch   uint64
}

// errDepth: types in types in types.
var errDepth = errors.New("the types are too deep")

// decoder takes an answer apart. What it is given bounds what it makes: each value has a byte at least.
type decoder struct {
	wire.Reader
	depth int
}

func (d *decoder) fail(format string, args ...any) {
	if d.Err == nil {
		d.Err = fmt.Errorf(format, args...)
	}
	d.B = nil
}

// object reads fields, each by the function of its number.
func (d *decoder) object(fields map[uint16]func()) {
	last := -1
	for n := d.Field(); n != wire.End && d.Err == nil; n = d.Field() {
		f := fields[n]
		if f == nil || int(n) <= last {
			d.fail("field %d stands behind %d", n, last)
			return
		}
		last = int(n)
		f()
	}
}

// list reads as many items as there are.
func (d *decoder) list(item func()) int {
	n := d.Uint()
	if n > uint64(len(d.B)) {
		d.fail("a list of %d items has %d bytes", n, len(d.B))
		return 0
	}
	for range n {
		if item(); d.Err != nil {
			return 0
		}
	}
	return int(n)
}

// Decode takes an answer apart.
func Decode(b []byte) (*Answer, error) {
	a, d := &Answer{}, &decoder{Reader: wire.Reader{B: b}}
	d.object(map[uint16]func(){1: func() { a.Kind = d.Uint() }, 2: func() { a.Session = d.Text() }, 3: func() { d.Uint() }})
	chunks := func() { d.list(func() { a.Rows = append(a.Rows, d.chunk(a.Types)...) }) }
	var fields map[uint16]func()
	switch a.Kind {
	case 2:
		fields = map[uint16]func(){1: func() { d.Text() }, 2: func() { d.Text() }, 3: func() { d.Uint() }}
	case 4:
		fields = map[uint16]func(){1: func() { d.list(func() { a.Types = append(a.Types, d.typ()) }) },
			2: func() { d.list(func() { a.Names = append(a.Names, d.Text()) }) }, 3: func() { a.More = d.Bool() }, 4: chunks,
			5: func() { a.Result = d.Huge() }}
	case 8:
		fields = map[uint16]func(){1: chunks, 2: func() { a.Batch = d.Uint() }}
	case 100:
		fields = map[uint16]func(){1: func() { a.Text = d.Text() }}
	}
	d.object(fields)
	if d.Err == nil && len(d.B) > 0 {
		d.fail("%d bytes stand behind the message", len(d.B))
	}
	if d.Err == nil && len(a.Types) != len(a.Names) {
		d.fail("%d types have %d names", len(a.Types), len(a.Names))
	}
	return a, d.Err
}

// chunk reads rows. types are known where they were told before: they must be the same.
func (d *decoder) chunk(types []*Type) (rows [][]any) {
	if !d.Bool() {
		d.fail("there is no chunk")
		return nil
	}
	var n uint64
	var own []*Type
	d.object(map[uint16]func(){300: func() {
		d.object(map[uint16]func(){100: func() { n = d.Uint() }, 101: func() { d.list(func() { own = append(own, d.typ()) }) },
			102: func() {
				if n > uint64(len(d.B)) || len(own) == 0 {
					d.fail("a chunk of %d rows has %d bytes", n, len(d.B))
					return
				}
				rows = make([][]any, n)
				at := 0
				d.list(func() {
					if at++; at > len(own) {
						d.fail("there are more vectors than types")
						return
					}
					for i, v := range d.vector(own[at-1], int(n)) {
						rows[i] = append(rows[i], v)
					}
				})
				if at != len(own) {
					d.fail("%d vectors have %d types", at, len(own))
				}
			}})
	}})
	for i := range types {
		if i >= len(own) || own[i].String() != types[i].String() {
			d.fail("a chunk has other types than its answer")
		}
	}
	if d.Err != nil {
		return nil
	}
	return rows
}

// bytes of a value that has a size of its own.
var sizes = map[uint64]int{1: 4, 10: 1, 11: 1, 12: 2, 13: 4, 14: 8, 15: 4, 16: 8, 17: 8, 18: 8, 19: 8, 20: 8, 22: 4, 23: 8, 27: 16, 28: 1,
	29: 2,
	30: 4, 31: 8, 32: 8, 34: 8, 35: 8, 49: 16, 50: 16, 54: 16}

// vector reads n values.
func (d *decoder) vector(t *Type, n int) (out []any) {
	if d.depth++; d.depth > maxDepth {
		d.fail("%w", errDepth)
		return nil
	}
	defer func() { d.depth-- }()
	var valid []byte
	has := false
	fields := map[uint16]func(){99: func() { d.Uint() }, 100: func() { has = d.Bool() }, 101: func() {
		if valid = d.Bytes(); len(valid) != (n+63)/64*8 {
			d.fail("%d bytes say which of %d values are NULL", len(valid), n)
		}
	}}
	switch t.ID {
	case 25, 26, 36, 39, 60:
		fields[102] = func() {
			d.list(func() { out = append(out, text(t.ID, d.Bytes())) })
		}
	case 100, 107, 109:
		fields[103] = func() { out = d.structs(t, n) }
	case 101, 102:
		d.lists(t, fields, &out)
	case 108:
		size := 0
		fields[103] = func() { size = int(d.Uint()) }
		fields[104] = func() {
			if size != t.Length || size > len(d.B)+1 || n*size > len(d.B)+1 {
				d.fail("an array of %d has %d elements", t.Length, size)
				return
			}
			elements := d.vector(t.Children[0], n*size)
			for i := 0; i < n && len(elements) == n*size; i++ {
				out = append(out, elements[i*size:(i+1)*size])
			}
		}
	default:
		fields[102] = func() {
			b, size := d.Bytes(), t.size()
			if size == 0 || len(b) != n*size {
				d.fail("%d values of %s have %d bytes", n, t, len(b))
				return
			}
			for i := range n {
				out = append(out, t.value(b[i*size:(i+1)*size]))
			}
		}
	}
	d.object(fields)
	if d.Err == nil && (len(out) != n || has != (valid != nil)) {
		d.fail("%d values are %d", n, len(out))
	}
	if d.Err != nil {
		return nil
	}
	for i := range out {
		if valid != nil && valid[i>>3]>>(i&7)&1 == 0 {
			out[i] = nil
		}
	}
	return out
}

func (d *decoder) structs(t *Type, n int) (out []any) {
	var parts [][]any
	d.list(func() {
		if len(parts) == len(t.Children) {
			d.fail("%s has more parts than that", t)
			return
		}
		parts = append(parts, d.vector(t.Children[len(parts)], n))
	})
	if d.Err != nil || len(parts) != len(t.Children) {
		d.fail("%s has %d parts", t, len(parts))
		return nil
	}
	for i := range n {
		row := make([]any, len(parts))
		for j := range parts {
			row[j] = parts[j][i]
		}
		if t.ID == 107 { // the member that its tag names
			tag, _ := row[0].(uint64)
			if row[0] == nil {
				out = append(out, nil)
				continue
			}
			if int(tag)+1 >= len(row) {
				d.fail("a union has no member %d", tag)
				return nil
			}
			row = []any{t.Names[tag+1], row[tag+1]}
		}
		out = append(out, row)
	}
	return out
}

func (d *decoder) lists(t *Type, fields map[uint16]func(), out *[]any) {
	var size uint64
	var spans [][2]uint64
	fields[104] = func() { size = d.Uint() }
	fields[105] = func() {
		d.list(func() {
			var s [2]uint64
			d.object(map[uint16]func(){100: func() { s[0] = d.Uint() }, 101: func() { s[1] = d.Uint() }})
			spans = append(spans, s)
		})
	}
	fields[106] = func() {
		if size > uint64(len(d.B)) {
			d.fail("a list of %d elements has %d bytes", size, len(d.B))
			return
		}
		elements := d.vector(t.Children[0], int(size))
		for _, s := range spans {
			if s[0] > size || s[1] > size-s[0] || uint64(len(elements)) != size {
				d.fail("elements %d to %d of %d", s[0], s[0]+s[1], size)
				return
			}
			*out = append(*out, append([]any{}, elements[s[0]:s[0]+s[1]]...))
		}
	}
}

// text is a value that is kept as one: a text, bytes, or the digits of a BIT.
func text(id uint64, b []byte) any {
	switch {
	case id == 25:
		return string(b)
	case id == 36 && len(b) > 1:
		var out []byte
		for i := int(b[0]); i < 8*(len(b)-1); i++ {
			out = append(out, '0'+b[1+i/8]>>(7-i%8)&1)
		}
		return string(out)
	}
	return append([]byte{}, b...)
}

// value is one of a size of its own: bool, int64, uint64, float32, float64, the digits of larger ones and of DECIMALs, a label, an
// Interval.
func (t *Type) value(b []byte) any {
	var wide [16]byte
	copy(wide[:], b)
	lo := binary.LittleEndian.Uint64(wide[:])
	signed := int64(lo) << (64 - 8*min(8, len(b))) >> (64 - 8*min(8, len(b)))
	switch t.ID {
	case 10:
		return lo != 0
	case 22:
		return math.Float32frombits(uint32(lo))
	case 23:
		return math.Float64frombits(lo)
	case 27:
		return Interval{int32(lo), int32(lo >> 32), int64(binary.LittleEndian.Uint64(wide[8:]))}
	case 28, 29, 30, 31, 34:
		return lo
	case 104:
		if lo < uint64(len(t.Labels)) {
			return t.Labels[lo]
		}
		return nil
	case 21, 49, 50, 54:
		v := new(big.Int).SetUint64(binary.LittleEndian.Uint64(wide[8:]))
		if v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(lo)); len(b) < 16 {
			v.SetInt64(signed)
		} else if t.ID != 49 && wide[15]&0x80 != 0 {
			v.Sub(v, new(big.Int).Lsh(big.NewInt(1), 128))
		}
		return v.String()
	}
	return signed
}

// Interval is a value of that type.
type Interval struct {
	Months, Days int32
	Micros       int64
}
