package ort

import (
	"fmt"
	"math"

	ort "github.com/yalue/onnxruntime_go"

	"dsql/models/batch"
)

// kinds are the element types that rows can be made of and read from, by their size.
var kinds = map[ort.TensorElementDataType]int{
	ort.TensorElementDataTypeFloat: 4, ort.TensorElementDataTypeDouble: 8, ort.TensorElementDataTypeString: 16,
	ort.TensorElementDataTypeBool: 1,
	ort.TensorElementDataTypeInt8: 1, ort.TensorElementDataTypeInt16: 2, ort.TensorElementDataTypeInt32: 4, ort.TensorElementDataTypeInt64: 8,
	ort.TensorElementDataTypeUint8: 1, ort.TensorElementDataTypeUint16: 2, ort.TensorElementDataTypeUint32: 4,
	ort.TensorElementDataTypeUint64: 8,
}

func isFloat(k ort.TensorElementDataType) bool {
	return k == ort.TensorElementDataTypeFloat || k == ort.TensorElementDataTypeDouble
}

func kindName(k ort.TensorElementDataType) string {
	switch k {
	case ort.TensorElementDataTypeFloat16:
		return "float16"
	case ort.TensorElementDataTypeBFloat16:
		return "bfloat16"
	}
	return k.String()
}

type number interface {
	~float32 | ~float64 | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// tensor copies rows of columns; those up to most are zeros. Integers have no missing values: such a row gives no result.
func (f *feed) tensor(cols []batch.Column, from, rows, most int, none []bool) (ort.Value, error) {
	shape := append(ort.Shape{int64(most)}, f.dims...)
	switch f.kind {
	case ort.TensorElementDataTypeString:
		text := make([]string, most*f.width)
		for k := range cols {
			for r := range rows {
				if !cols[k].Null(from + r) {
					text[r*f.width+k] = cols[k].Text[from+r]
				}
			}
		}
		t, err := ort.NewStringTensor(shape)
		if err != nil {
			return nil, err
		}
		return t, t.SetContents(text)
	case ort.TensorElementDataTypeBool:
		v := make([]bool, most*f.width)
		each(cols, from, rows, func(r, k int, x float64) {
			none[from+r] = none[from+r] || math.IsNaN(x)
			v[r*f.width+k] = x != 0
		})
		return ort.NewTensor(shape, v)
	case ort.TensorElementDataTypeFloat:
		return fill[float32](f, shape, cols, from, rows, none)
	case ort.TensorElementDataTypeDouble:
		return fill[float64](f, shape, cols, from, rows, none)
	case ort.TensorElementDataTypeInt8:
		return fill[int8](f, shape, cols, from, rows, none)
	case ort.TensorElementDataTypeInt16:
		return fill[int16](f, shape, cols, from, rows, none)
	case ort.TensorElementDataTypeInt32:
		return fill[int32](f, shape, cols, from, rows, none)
	case ort.TensorElementDataTypeInt64:
		return fill[int64](f, shape, cols, from, rows, none)
	case ort.TensorElementDataTypeUint8:
		return fill[uint8](f, shape, cols, from, rows, none)
	case ort.TensorElementDataTypeUint16:
		return fill[uint16](f, shape, cols, from, rows, none)
	case ort.TensorElementDataTypeUint32:
		return fill[uint32](f, shape, cols, from, rows, none)
	}
	return fill[uint64](f, shape, cols, from, rows, none)
}

func fill[T number](f *feed, shape ort.Shape, cols []batch.Column, from, rows int, none []bool) (ort.Value, error) {
	v := make([]T, int(shape[0])*f.width)
	float := isFloat(f.kind)
	each(cols, from, rows, func(r, k int, x float64) {
		if float || !math.IsNaN(x) {
			v[r*f.width+k] = T(x)
		} else {
			none[from+r] = true
		}
	})
	return ort.NewTensor(shape, v)
}

func each(cols []batch.Column, from, rows int, use func(r, k int, x float64)) {
	if rows == 0 {
		return
	}
	buf := make([]float64, rows)
	for k := range cols {
		cols[k].Numbers(from, buf)
		for r, x := range buf {
			use(r, k, x)
		}
	}
}

// count is the number of values in an output; of a ZipMap's those of all its maps.
func count(v ort.Value) int {
	switch v := v.(type) {
	case *ort.Sequence:
		n := 0
		for _, m := range maps(v) {
			n += int(m.GetShape().FlattenedSize())
		}
		return n
	}
	return int(v.GetShape().FlattenedSize())
}

// maps are a ZipMap's, one a row; they belong to the sequence. Their keys are in order.
func maps(s *ort.Sequence) (all []*ort.Map) {
	values, err := s.GetValues()
	if err != nil {
		return nil
	}
	for _, v := range values {
		if m, ok := v.(*ort.Map); ok {
			all = append(all, m)
		}
	}
	return all
}

// numbers copies an output of w values a row into out.
func numbers(v ort.Value, w int, out []float64) error {
	switch v := v.(type) {
	case *ort.Tensor[float32]:
		convert(v.GetData(), out)
	case *ort.Tensor[float64]:
		copy(out, v.GetData())
	case *ort.Sequence:
		for r, m := range maps(v) {
			_, values, err := m.GetKeysAndValues()
			if err != nil {
				return plain(err)
			}
			if n := int(values.GetShape().FlattenedSize()); n != w {
				return fmt.Errorf("a row has %d classes and others %d", n, w)
			}
			if (r+1)*w > len(out) {
				return nil
			}
			if err := numbers(values, w, out[r*w:(r+1)*w]); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("its output is a %T, which gives no numbers", v)
	}
	return nil
}

// whole copies an output of integers into out.
func whole(v ort.Value, out []int64) error {
	switch v := v.(type) {
	case *ort.Tensor[int64]:
		copy(out, v.GetData())
	case *ort.Tensor[int32]:
		convert(v.GetData(), out)
	case *ort.Tensor[int16]:
		convert(v.GetData(), out)
	case *ort.Tensor[int8]:
		convert(v.GetData(), out)
	case *ort.Tensor[uint64]:
		convert(v.GetData(), out)
	case *ort.Tensor[uint32]:
		convert(v.GetData(), out)
	case *ort.Tensor[uint16]:
		convert(v.GetData(), out)
	case *ort.Tensor[uint8]:
		convert(v.GetData(), out)
	case *ort.Tensor[bool]:
		for i, b := range v.GetData()[:len(out)] {
			out[i] = 0
			if b {
				out[i] = 1
			}
		}
	default:
		return fmt.Errorf("its output is a %T, which gives no classes", v)
	}
	return nil
}

func convert[A, B number](from []A, to []B) {
	for i := range to {
		to[i] = B(from[i])
	}
}
