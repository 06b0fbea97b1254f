package sklearn

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Magic is what tables begin with.
const Magic = "dsql sklearn 1\n"

// header is what stands before the arrays. It names them by number.
type header struct {
	Estimator string
	Version   string
	Steps     []string
	Inputs    [][2]string // name, type
	Named     bool        // they are those of the data frame that it was trained with
	Nodes     []node
	Final     final
	Sample    sample
	Arrays    []shape
}

// final is the last step.
type final struct {
	Kind, Link, Label string
	Features          []int // columns
	Finite, Whole     bool  // it refuses infinite values, missing ones
	Single            bool  // values become float32
	Raw               bool  // it has a decision_function, or margins
	Base              int
	Classes           *struct {
		Type   string
		Values json.RawMessage
	}
	// calibrated
	Parts []part
	// linear
	Coef int
	// trees
	Divisor, Width, Sizes           int
	LeafCounts                      int `json:"leaf_counts"`
	Feature, Threshold, Left, Right int
	Missing, Values, Cover          int
	LeafCover                       int `json:"leaf_cover"`
	Names, Category, Sets           *int
}

// part is an estimator whose values calibrators make probabilities of, one for each class, or one for the second of two; a temperature is
// of all classes.
type part struct {
	Final       final
	Calibrators []struct {
		Sigmoid, X, Y, Temperature *int
		Margins                    bool // what is calibrated are no probabilities
	}
}

// sample are rows with what the library gave for them.
type sample struct {
	Rows, Prediction int
	Inputs           []struct {
		Numbers *int
		Texts   []*string
	}
}

type shape struct {
	dtype string
	n     int
}

func (s *shape) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&s.dtype, &s.n})
}

// file is a header with its arrays. What is wrong with them is kept until it is asked for.
type file struct {
	header
	at   [][]byte
	left int // bytes of arrays that are read: parts that name the same ones make more of a file than there is
	err  error
}

var sizes = map[string]int{"f8": 8, "i8": 8, "i4": 4, "u4": 4, "u1": 1}

func read(data []byte) (*file, error) {
	rest, ok := bytes.CutPrefix(data, []byte(Magic))
	if !ok || len(rest) < 8 {
		return nil, errors.New("they are cut short")
	}
	n := binary.LittleEndian.Uint64(rest)
	if rest = rest[8:]; n > uint64(len(rest)) {
		return nil, errors.New("they are cut short")
	}
	f := &file{left: 1<<20 + 16*len(data)}
	if err := json.Unmarshal(rest[:n], &f.header); err != nil {
		return nil, err
	}
	rest = rest[n:]
	for i, s := range f.Arrays {
		size := sizes[s.dtype]
		if size == 0 || s.n < 0 || s.n > len(rest)/size {
			return nil, fmt.Errorf("array %d has %d values of type %q, and there are %d bytes", i, s.n, s.dtype, len(rest))
		}
		f.at = append(f.at, rest[:s.n*size])
		rest = rest[s.n*size:]
	}
	return f, nil
}

func (f *file) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

func (f *file) array(i int) (b []byte, dtype string) {
	if i < 0 || i >= len(f.at) {
		f.fail("there is no array %d", i)
		return nil, "u1"
	}
	if f.left -= len(f.at[i]); f.left < 0 {
		f.fail("its parts name the same arrays")
		return nil, "u1"
	}
	return f.at[i], f.Arrays[i].dtype
}

// floats is an array of numbers.
func (f *file) floats(i int) []float64 {
	b, dtype := f.array(i)
	if dtype != "f8" {
		ints := f.ints(i)
		out := make([]float64, len(ints))
		for k, x := range ints {
			out[k] = float64(x)
		}
		return out
	}
	out := make([]float64, len(b)/8)
	for k := range out {
		out[k] = math.Float64frombits(binary.LittleEndian.Uint64(b[k*8:]))
	}
	return out
}

// ints is an array of integers.
func (f *file) ints(i int) []int {
	b, dtype := f.array(i)
	out := make([]int, len(b)/sizes[dtype])
	switch dtype {
	case "i8":
		for k := range out {
			out[k] = int(binary.LittleEndian.Uint64(b[k*8:]))
		}
	case "i4":
		for k := range out {
			out[k] = int(int32(binary.LittleEndian.Uint32(b[k*4:])))
		}
	case "u4":
		for k := range out {
			out[k] = int(binary.LittleEndian.Uint32(b[k*4:]))
		}
	case "u1":
		for k := range out {
			out[k] = int(b[k])
		}
	default:
		f.fail("array %d has no integers", i)
	}
	return out
}

// number reads one that stands as a text; without is what stands for none.
func (f *file) number(text *string, without float64) float64 {
	if text == nil {
		return without
	}
	x, err := strconv.ParseFloat(*text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		f.fail("%q is no number", *text)
	}
	return x
}
