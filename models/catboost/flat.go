package catboost

import (
	"encoding/binary"
	"errors"
	"math"

	"dsql/models/document"
)

// flat reads a FlatBuffer: tables, whose fields stand where a table of offsets says, and vectors. Whatever its offsets are, nothing is
// read outside of it, and no more than its own size twice: vectors that lie over each other would be more. An error sticks.
type flat struct {
	b    []byte
	left int
	err  error
}

func (f *flat) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// bytes are n bytes; zeros where they are not in the file.
func (f *flat) bytes(at, n int) []byte {
	if at < 0 || n < 0 || at > len(f.b)-n {
		f.fail(document.ErrCut)
		return make([]byte, min(max(n, 8), 8))
	}
	return f.b[at : at+n]
}

func (f *flat) u32(at int) int { return int(binary.LittleEndian.Uint32(f.bytes(at, 4))) }

// table is one that begins at a place; 0: there is none, and it has no fields.
type table struct {
	f  *flat
	at int
}

// table follows the offset that stands at a place.
func (f *flat) table(at int) table { return table{f, at + f.u32(at)} }

// field is where a field stands, 0 where it is left out.
func (t table) field(k int) int {
	if t.at == 0 || t.f.err != nil {
		return 0
	}
	offsets := t.at - int(int32(t.f.u32(t.at)))
	if 4+2*k+2 > int(binary.LittleEndian.Uint16(t.f.bytes(offsets, 2))) {
		return 0
	}
	if off := int(binary.LittleEndian.Uint16(t.f.bytes(offsets+4+2*k, 2))); off != 0 {
		return t.at + off
	}
	return 0
}

func (t table) int(k, otherwise int) int {
	if at := t.field(k); at != 0 {
		return int(int32(t.f.u32(at)))
	}
	return otherwise
}

func (t table) byte(k int) byte {
	if at := t.field(k); at != 0 {
		return t.f.bytes(at, 1)[0]
	}
	return 0
}

func (t table) double(k int, otherwise float64) float64 {
	if at := t.field(k); at != 0 {
		return math.Float64frombits(binary.LittleEndian.Uint64(t.f.bytes(at, 8)))
	}
	return otherwise
}

func (t table) table(k int) table {
	if at := t.field(k); at != 0 {
		return t.f.table(at)
	}
	return table{f: t.f}
}

// vector is where the elements of a vector of such a size begin, and how many there are.
func (t table) vector(k, size int) (at, n int) {
	if at = t.field(k); at == 0 {
		return 0, 0
	}
	at += t.f.u32(at)
	n = t.f.u32(at)
	if at += 4; n > (len(t.f.b)-at)/size {
		t.f.fail(document.ErrCut)
		return 0, 0
	}
	if t.f.left -= n * size; t.f.left < 0 {
		t.f.fail(errors.New("its parts lie over each other"))
		return 0, 0
	}
	return at, n
}

func (t table) text(k int) string {
	at, n := t.vector(k, 1)
	return string(t.f.bytes(at, n))
}

func (t table) tables(k int) (out []table) {
	at, n := t.vector(k, 4)
	for i := range n {
		out = append(out, t.f.table(at+4*i))
	}
	return out
}

func (t table) ints(k int) []int32 {
	at, n := t.vector(k, 4)
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(t.f.u32(at + 4*i))
	}
	return out
}

func (t table) floats(k int) []float64 {
	out := []float64{}
	for _, x := range t.ints(k) {
		out = append(out, float64(math.Float32frombits(uint32(x))))
	}
	return out
}

func (t table) doubles(k int) []float64 {
	at, n := t.vector(k, 8)
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.f.bytes(at+8*i, 8)))
	}
	return out
}
