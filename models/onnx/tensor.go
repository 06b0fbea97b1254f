package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Kind is a tensor's element type, numbered as TensorProto.DataType.
type Kind uint8

const (
	Float   Kind = 1
	Uint8   Kind = 2
	Int8    Kind = 3
	Uint16  Kind = 4
	Int16   Kind = 5
	Int32   Kind = 6
	Int64   Kind = 7
	String  Kind = 8
	Bool    Kind = 9
	Float16 Kind = 10
	Double  Kind = 11
	Uint32  Kind = 12
	Uint64  Kind = 13
)

func (k Kind) String() string {
	names := [...]string{"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double",
		"uint32", "uint64"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("type %d", uint8(k))
}

func (k Kind) isFloat() bool { return k == Float || k == Double || k == Float16 }

func (k Kind) isInt() bool {
	return k >= Uint8 && k <= Int64 || k == Bool || k == Uint32 || k == Uint64
}

// Tensor is an array of values in row-major order. Elements of floating-point kinds stand in F, those of float rounded to float32; those of
// integer kinds and bool in I, strings in S.
type Tensor struct {
	Kind Kind
	Dims []int
	F    []float64
	I    []int64
	S    []string
}

// size is the number of elements.
func (t *Tensor) size() int {
	return elements(t.Dims)
}

func elements(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// row is the size of one element of the first dimension.
func (t *Tensor) row() int {
	if len(t.Dims) == 0 {
		return 1
	}
	return elements(t.Dims[1:])
}

// maxElements bounds a tensor of a file, and all that one run of a graph makes.
const maxElements = 1 << 26

// checkDims returns the number of elements that dims promise, or an error where they are negative or too many.
func checkDims(dims []int) (int, error) {
	n := 1
	for _, d := range dims {
		if d < 0 || d > maxElements || n*d > maxElements {
			return 0, fmt.Errorf("a tensor of %v has more than %d elements", dims, maxElements)
		}
		n *= d
	}
	return n, nil
}

// parseTensor reads a TensorProto.
func parseTensor(b []byte) (name string, t *Tensor, err error) {
	t = &Tensor{}
	var raw []byte
	haveRaw := false
	var ints []int64
	err = fields(b, func(f field) (err error) {
		switch f.num {
		case 1:
			var dims []int64
			if dims, err = f.ints(nil); err == nil {
				for _, d := range dims {
					t.Dims = append(t.Dims, int(d))
				}
			}
		case 2:
			t.Kind = Kind(min(f.num64, 255))
		case 4:
			t.F, err = f.floats(t.F)
		case 5, 7, 11:
			ints, err = f.ints(ints)
		case 6:
			t.S = append(t.S, string(f.data))
		case 8:
			name = string(f.data)
		case 9:
			raw, haveRaw = f.data, true
		case 10:
			t.F, err = f.doubles(t.F)
		case 14:
			if f.num64 != 0 {
				err = fmt.Errorf("tensor %q lies in another file, which is not supported: save the model as one file", name)
			}
		}
		return err
	})
	if err != nil {
		return name, nil, err
	}
	n, err := checkDims(t.Dims)
	if err != nil {
		return name, nil, err
	}
	have := 0
	switch {
	case t.Kind.isFloat():
		for _, x := range ints { // only float16 has its bits there; others have too many values then
			t.F = append(t.F, halfOf(uint16(x)))
		}
		if haveRaw {
			t.F = rawFloats(t.Kind, raw)
		}
		have, t.S = len(t.F), nil
	case t.Kind.isInt():
		t.I = ints
		if haveRaw {
			t.I = rawInts(t.Kind, raw)
		}
		have, t.F, t.S = len(t.I), nil, nil
	case t.Kind == String:
		have, t.F = len(t.S), nil
	default:
		return name, nil, fmt.Errorf("tensor %q is of %s, which is not supported", name, t.Kind)
	}
	if have != n {
		return name, nil, fmt.Errorf("tensor %q holds %d values instead of the %d of %v", name, have, n, t.Dims)
	}
	return name, t, nil
}

func rawFloats(k Kind, b []byte) []float64 {
	if k == Float16 {
		out := make([]float64, len(b)/2)
		for i := range out {
			out[i] = halfOf(binary.LittleEndian.Uint16(b[i*2:]))
		}
		return out
	}
	if k == Double {
		out := make([]float64, len(b)/8)
		for i := range out {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[i*8:]))
		}
		return out
	}
	out := make([]float64, len(b)/4)
	for i := range out {
		out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[i*4:])))
	}
	return out
}

func rawInts(k Kind, b []byte) []int64 {
	size := map[Kind]int{Uint8: 1, Int8: 1, Bool: 1, Uint16: 2, Int16: 2, Int32: 4, Uint32: 4, Int64: 8, Uint64: 8}[k]
	out := make([]int64, len(b)/size)
	for i := range out {
		p := b[i*size:]
		switch k {
		case Uint8, Bool:
			out[i] = int64(p[0])
		case Int8:
			out[i] = int64(int8(p[0]))
		case Uint16:
			out[i] = int64(binary.LittleEndian.Uint16(p))
		case Int16:
			out[i] = int64(int16(binary.LittleEndian.Uint16(p)))
		case Int32:
			out[i] = int64(int32(binary.LittleEndian.Uint32(p)))
		case Uint32:
			out[i] = int64(binary.LittleEndian.Uint32(p))
		default:
			out[i] = int64(binary.LittleEndian.Uint64(p))
		}
	}
	return out
}

// round brings floating-point results to the kind's precision. Those of float16 stay in float32 as long as the graph runs, as onnxruntime
// has them on CPUs.
func (k Kind) round(v []float64) {
	if k == Float || k == Float16 {
		for i, x := range v {
			v[i] = float64(float32(x))
		}
	}
}

// half rounds to float16: 11 bits, exponents from -14 to 15.
func half(x float64) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return x
	}
	_, e := math.Frexp(x)
	unit := math.Ldexp(1, max(e-11, -24))
	if x = math.RoundToEven(x/unit) * unit; math.Abs(x) > 65504 {
		return math.Inf(int(math.Copysign(1, x)))
	}
	return x
}

// halfOf is the float16 of some bits.
func halfOf(b uint16) float64 {
	e, m := int(b>>10&31), float64(b&1023)
	var x float64
	switch e {
	case 0:
		x = math.Ldexp(m, -24)
	case 31:
		if x = math.Inf(1); m != 0 {
			x = math.NaN()
		}
	default:
		x = math.Ldexp(m+1024, e-25)
	}
	if b>>15 != 0 {
		return -x
	}
	return x
}

// wrap brings integer results to the kind's width.
func (k Kind) wrap(v []int64) {
	for i, x := range v {
		switch k {
		case Int32:
			v[i] = int64(int32(x))
		case Uint8:
			v[i] = int64(uint8(x))
		case Int8:
			v[i] = int64(int8(x))
		case Int16:
			v[i] = int64(int16(x))
		case Uint16:
			v[i] = int64(uint16(x))
		case Uint32:
			v[i] = int64(uint32(x))
		default:
			return
		}
	}
}
