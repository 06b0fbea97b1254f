package document

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// UBJSON reads UBJSON (ubjson.org, draft 12): a type marker before each value, numbers big-endian, containers
// optionally with their element's type ($) and their length (#).
type UBJSON struct {
	B     []byte
	i     int
	depth int
}

// ubjSize is the width of a number of each type.
var ubjSize = [256]int{'i': 1, 'U': 1, 'I': 2, 'l': 4, 'L': 8, 'd': 4, 'D': 8, 'C': 1}

func (d *UBJSON) fail(want string) error {
	if d.i >= len(d.B) {
		return ErrCut
	}
	return fmt.Errorf("byte %d: %q instead of %s", d.i, d.B[d.i], want)
}

// peek is the next marker, 0 at the end. N is a filler without meaning.
func (d *UBJSON) peek() byte {
	for d.i < len(d.B) && d.B[d.i] == 'N' {
		d.i++
	}
	if d.i == len(d.B) {
		return 0
	}
	return d.B[d.i]
}

func (d *UBJSON) marker() byte {
	c := d.peek()
	if d.i < len(d.B) {
		d.i++
	}
	return c
}

func (d *UBJSON) take(n int) ([]byte, error) {
	if n < 0 || n > len(d.B)-d.i {
		return nil, ErrCut
	}
	d.i += n
	return d.B[d.i-n : d.i], nil
}

// ubjInteger decodes a number of an integer type, b being as long as its size.
func ubjInteger(kind byte, b []byte) int {
	switch kind {
	case 'i':
		return int(int8(b[0]))
	case 'U', 'C':
		return int(b[0])
	case 'I':
		return int(int16(binary.BigEndian.Uint16(b)))
	case 'l':
		return int(int32(binary.BigEndian.Uint32(b)))
	default: // L
		return int(int64(binary.BigEndian.Uint64(b)))
	}
}

func ubjFloat(kind byte, b []byte) float64 {
	switch kind {
	case 'd':
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case 'D':
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	return float64(ubjInteger(kind, b))
}

func (d *UBJSON) Int() (int, error) {
	kind := d.marker()
	switch kind {
	case 'T':
		return 1, nil
	case 'F':
		return 0, nil
	case 'i', 'U', 'C', 'I', 'l', 'L':
		b, err := d.take(ubjSize[kind])
		if err != nil {
			return 0, err
		}
		return ubjInteger(kind, b), nil
	}
	d.i = max(d.i-1, 0)
	return 0, d.fail("an integer")
}

func (d *UBJSON) float() (float64, error) {
	kind := d.peek()
	if kind == 'd' || kind == 'D' {
		d.i++
		b, err := d.take(ubjSize[kind])
		if err != nil {
			return 0, err
		}
		return ubjFloat(kind, b), nil
	}
	v, err := d.Int()
	return float64(v), err
}

func (d *UBJSON) name() (string, error) {
	n, err := d.Int()
	if err != nil {
		return "", err
	}
	b, err := d.take(n)
	return string(b), err
}

func (d *UBJSON) Text() (string, error) {
	if d.peek() != 'S' {
		return "", d.fail("a string")
	}
	d.i++
	return d.name()
}

// open reads a container's beginning: its elements' type, 0 if each has its own, and their number, -1 if it ends at a marker.
func (d *UBJSON) open(marker byte) (kind byte, n int, err error) {
	if d.peek() != marker {
		return 0, 0, d.fail(strconv.QuoteRune(rune(marker)))
	}
	if d.depth++; d.depth > maxDepth {
		return 0, 0, fmt.Errorf("byte %d: nested deeper than %d", d.i, maxDepth)
	}
	d.i++
	n = -1
	if d.peek() == '$' {
		d.i++
		kind = d.marker()
		if ubjSize[kind] == 0 {
			return 0, 0, fmt.Errorf("byte %d: an array of type %q is not supported", d.i, kind)
		}
	}
	if d.peek() == '#' {
		d.i++
		if n, err = d.Int(); err != nil {
			return 0, 0, err
		}
		if n < 0 || n > (len(d.B)-d.i)/max(1, ubjSize[kind]) {
			return 0, 0, ErrCut
		}
	} else if kind != 0 {
		return 0, 0, d.fail("a length")
	}
	return kind, n, nil
}

// sequence reads a container's elements.
func (d *UBJSON) sequence(open, shut byte, each func() error) error {
	kind, n, err := d.open(open)
	if err != nil {
		return err
	}
	defer func() { d.depth-- }()
	if kind != 0 {
		return fmt.Errorf("byte %d: an array of numbers instead of other values", d.i)
	}
	for k := 0; n < 0 || k < n; k++ {
		if n < 0 && d.peek() == shut {
			d.i++
			return nil
		}
		if d.i >= len(d.B) {
			return ErrCut
		}
		if err := each(); err != nil {
			return err
		}
	}
	return nil
}

func (d *UBJSON) Object(each func(key string) error) error {
	return d.sequence('{', '}', func() error {
		k, err := d.name()
		if err != nil {
			return err
		}
		return each(k)
	})
}

func (d *UBJSON) Array(each func() error) error { return d.sequence('[', ']', each) }

func (d *UBJSON) Floats() ([]float64, error) { return ubjList(d, d.float, ubjFloat) }

func (d *UBJSON) Numbers() ([]float64, error) { return d.Floats() }

func (d *UBJSON) Ints() ([]int, error) {
	if kind := d.B[d.i:]; len(kind) > 2 && kind[1] == '$' && (kind[2] == 'd' || kind[2] == 'D') {
		return nil, fmt.Errorf("byte %d: an array of fractions instead of integers", d.i)
	}
	return ubjList(d, d.Int, ubjInteger)
}

func ubjList[T any](d *UBJSON, one func() (T, error), typed func(byte, []byte) T) ([]T, error) {
	start, depth := d.i, d.depth
	kind, n, err := d.open('[')
	d.depth = depth
	if err != nil {
		return nil, err
	}
	out := []T{}
	if kind == 0 {
		d.i = start
		err := d.Array(func() error {
			v, err := one()
			out = append(out, v)
			return err
		})
		return out, err
	}
	size := ubjSize[kind]
	b, err := d.take(n * size)
	if err != nil {
		return nil, err
	}
	out = make([]T, n)
	for k := range out {
		out[k] = typed(kind, b[k*size:k*size+size])
	}
	return out, nil
}

func (d *UBJSON) Skip() error {
	switch kind := d.peek(); kind {
	case '{':
		return d.Object(func(string) error { return d.Skip() })
	case '[':
		start, depth := d.i, d.depth
		kind, n, err := d.open('[')
		d.depth = depth
		if err != nil {
			return err
		}
		if kind != 0 {
			_, err := d.take(n * ubjSize[kind])
			return err
		}
		d.i = start
		return d.Array(d.Skip)
	case 'S', 'H':
		d.i++
		_, err := d.name()
		return err
	case 'Z', 'T', 'F':
		d.i++
		return nil
	default:
		if ubjSize[kind] == 0 {
			return d.fail("a value")
		}
		d.i++
		_, err := d.take(ubjSize[kind])
		return err
	}
}
