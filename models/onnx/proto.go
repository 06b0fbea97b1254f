package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Protocol buffers as ONNX files use them (protobuf.dev/programming-guides/encoding): messages are sequences of
// numbered fields, read here one by one without a schema compiler. Field numbers are those of onnx/onnx.proto.

var errWire = errors.New("the file is cut short or no protocol buffer")

// Wire types.
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wire32     = 5
)

// field is one field of a message.
type field struct {
	num   int
	wire  int
	num64 uint64 // of varint, 32 and 64 bit fields
	data  []byte // of bytes fields
}

func (f field) int() int64 { return int64(f.num64) }

// fields calls each with the fields of a message.
func fields(b []byte, each func(f field) error) error {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 || key>>3 == 0 || key>>3 > math.MaxInt32 {
			return errWire
		}
		b = b[n:]
		f := field{num: int(key >> 3), wire: int(key & 7)}
		switch f.wire {
		case wireVarint:
			if f.num64, n = binary.Uvarint(b); n <= 0 {
				return errWire
			}
			b = b[n:]
		case wire64:
			if len(b) < 8 {
				return errWire
			}
			f.num64, b = binary.LittleEndian.Uint64(b), b[8:]
		case wire32:
			if len(b) < 4 {
				return errWire
			}
			f.num64, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		case wireBytes:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return errWire
			}
			f.data, b = b[n:n+int(size)], b[n+int(size):]
		default:
			return errWire
		}
		if err := each(f); err != nil {
			return err
		}
	}
	return nil
}

// ints appends a repeated integer field, packed or not.
func (f field) ints(to []int64) ([]int64, error) {
	if f.wire != wireBytes {
		return append(to, f.int()), nil
	}
	for b := f.data; len(b) > 0; {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errWire
		}
		to, b = append(to, int64(v)), b[n:]
	}
	return to, nil
}

// floats appends a repeated float field, packed or not.
func (f field) floats(to []float64) ([]float64, error) {
	if f.wire == wire32 {
		return append(to, float64(math.Float32frombits(uint32(f.num64)))), nil
	}
	if f.wire != wireBytes || len(f.data)%4 != 0 {
		return nil, errWire
	}
	for b := f.data; len(b) > 0; b = b[4:] {
		to = append(to, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	}
	return to, nil
}

// doubles appends a repeated double field, packed or not.
func (f field) doubles(to []float64) ([]float64, error) {
	if f.wire == wire64 {
		return append(to, math.Float64frombits(f.num64)), nil
	}
	if f.wire != wireBytes || len(f.data)%8 != 0 {
		return nil, errWire
	}
	for b := f.data; len(b) > 0; b = b[8:] {
		to = append(to, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return to, nil
}

// The parts of an ONNX file that matter for running it.
type (
	modelProto struct {
		opsets    map[string]int64 // domain → version; "" is ai.onnx
		graph     *graphProto
		functions []*functionProto
	}
	graphProto struct {
		nodes        []*node
		initializers map[string]*Tensor
		inputs       []valueInfo
		outputs      []valueInfo
	}
	node struct {
		op, domain, name string
		in, out          []string
		attrs            map[string]*attribute
	}
	attribute struct {
		f       float64
		i       int64
		s       string
		t       *Tensor
		g       *graphProto
		floats  []float64
		ints    []int64
		strings []string
		ref     string // in a function: it is the call's attribute of this name
	}
	valueInfo struct {
		name  string
		kind  Kind  // 0: not a tensor, or not said
		dims  []int // -1: open
		rank  bool  // dims are known
		isMap bool  // a sequence of maps, as ZipMap makes
	}
)

const maxGraphDepth = 8 // of graphs in attributes of nodes of graphs

func parseModel(b []byte) (*modelProto, error) {
	m := &modelProto{opsets: map[string]int64{}}
	err := fields(b, func(f field) (err error) {
		switch {
		case f.num == 7 && f.wire == wireBytes:
			m.graph, err = parseGraph(f.data, 0)
		case f.num == 8 && f.wire == wireBytes:
			var domain string
			var version int64
			domain, version, err = parseOpset(f.data)
			m.opsets[domain] = version
		case f.num == 25 && f.wire == wireBytes:
			var fn *functionProto
			fn, err = parseFunction(f.data)
			m.functions = append(m.functions, fn)
		}
		return err
	})
	return m, err
}

func domainOf(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

func parseGraph(b []byte, depth int) (*graphProto, error) {
	if depth > maxGraphDepth {
		return nil, fmt.Errorf("graphs are nested deeper than %d", maxGraphDepth)
	}
	g := &graphProto{initializers: map[string]*Tensor{}}
	err := fields(b, func(f field) error {
		if f.wire != wireBytes {
			return nil
		}
		switch f.num {
		case 1:
			n, err := parseNode(f.data, depth)
			g.nodes = append(g.nodes, n)
			return err
		case 5:
			name, t, err := parseTensor(f.data)
			g.initializers[name] = t
			return err
		case 11, 12:
			v, err := parseValueInfo(f.data)
			if f.num == 11 {
				g.inputs = append(g.inputs, v)
			} else {
				g.outputs = append(g.outputs, v)
			}
			return err
		case 15:
			return errors.New("sparse initializers are not supported")
		}
		return nil
	})
	return g, err
}

func parseNode(b []byte, depth int) (*node, error) {
	n := &node{attrs: map[string]*attribute{}}
	err := fields(b, func(f field) error {
		switch f.num {
		case 1:
			n.in = append(n.in, string(f.data))
		case 2:
			n.out = append(n.out, string(f.data))
		case 3:
			n.name = string(f.data)
		case 4:
			n.op = string(f.data)
		case 5:
			name, a, err := parseAttribute(f.data, depth)
			n.attrs[name] = a
			return err
		case 7:
			n.domain = domainOf(string(f.data))
		}
		return nil
	})
	return n, err
}

func parseAttribute(b []byte, depth int) (name string, a *attribute, err error) {
	a = &attribute{}
	err = fields(b, func(f field) (err error) {
		switch f.num {
		case 1:
			name = string(f.data)
		case 2:
			a.f = float64(math.Float32frombits(uint32(f.num64)))
		case 3:
			a.i = f.int()
		case 4:
			a.s = string(f.data)
		case 5:
			_, a.t, err = parseTensor(f.data)
		case 6:
			a.g, err = parseGraph(f.data, depth+1)
		case 7:
			a.floats, err = f.floats(a.floats)
		case 8:
			a.ints, err = f.ints(a.ints)
		case 9:
			a.strings = append(a.strings, string(f.data))
		case 21:
			a.ref = string(f.data)
		}
		return err
	})
	return name, a, err
}

func parseValueInfo(b []byte) (valueInfo, error) {
	v := valueInfo{}
	err := fields(b, func(f field) error {
		switch f.num {
		case 1:
			v.name = string(f.data)
		case 2: // TypeProto
			return fields(f.data, func(f field) error {
				switch f.num {
				case 1: // tensor_type
					return parseTensorType(f.data, &v)
				case 4: // sequence_type
					v.isMap = true
				}
				return nil
			})
		}
		return nil
	})
	return v, err
}

func parseTensorType(b []byte, v *valueInfo) error {
	return fields(b, func(f field) error {
		switch f.num {
		case 1:
			v.kind = Kind(f.num64)
		case 2: // shape
			v.rank = true
			return fields(f.data, func(f field) error {
				if f.num != 1 {
					return nil
				}
				d := -1
				err := fields(f.data, func(f field) error {
					if f.num == 1 && f.int() > 0 && f.int() <= math.MaxInt32 {
						d = int(f.num64)
					}
					return nil
				})
				v.dims = append(v.dims, d)
				return err
			})
		}
		return nil
	})
}
