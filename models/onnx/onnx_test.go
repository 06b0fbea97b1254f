package onnx

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"dsql/models/batch"
)

// A writer of protocol buffers, for graphs that no converter writes.

func varint(num int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(num)<<3), v)
}

func bytesField(num int, b ...[]byte) []byte {
	all := slices.Concat(b...)
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(num)<<3|wireBytes), uint64(len(all))), all...)
}

func text(num int, s string) []byte { return bytesField(num, []byte(s)) }

// tensorInfo is a ValueInfoProto; a dimension of 0 is open.
func tensorInfo(name string, k Kind, dims ...int) []byte {
	shape := []byte{}
	for _, d := range dims {
		dim := []byte{}
		if d > 0 {
			dim = varint(1, uint64(d))
		}
		shape = append(shape, bytesField(1, dim)...)
	}
	return slices.Concat(text(1, name), bytesField(2, bytesField(1, varint(1, uint64(k)), bytesField(2, shape))))
}

func floatAttr(name string, v ...float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return bytesField(5, text(1, name), bytesField(7, b), varint(20, 6))
}

func intAttr(name string, v int64) []byte {
	return bytesField(5, text(1, name), varint(3, uint64(v)), varint(20, 2))
}

func intsAttr(name string, v ...int64) []byte {
	b := text(1, name)
	for _, x := range v {
		b = append(b, varint(8, uint64(x))...)
	}
	return bytesField(5, b, varint(20, 7))
}

func nodeField(op, domain, in, out string, attrs ...[]byte) []byte {
	var b []byte
	for _, s := range strings.Fields(in) {
		b = append(b, text(1, s)...)
	}
	for _, s := range strings.Fields(out) {
		b = append(b, text(2, s)...)
	}
	return bytesField(1, b, text(4, op), text(7, domain), slices.Concat(attrs...))
}

func input(b []byte) []byte  { return bytesField(11, b) }
func output(b []byte) []byte { return bytesField(12, b) }

// file is a ModelProto of a graph's fields.
func file(graph ...[]byte) []byte {
	return slices.Concat(varint(1, 8), bytesField(7, graph...), bytesField(8, varint(2, 15)), bytesField(8, text(1, ml), varint(2, 3)))
}

const ml = "ai.onnx.ml"

func column(v ...float64) batch.Column { return batch.Column{Values: &v[0]} }

func mustLoad(t *testing.T, data []byte, features int) *Model {
	t.Helper()
	m, err := Load(data, features, "", Prediction)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A missing value of an integer input, text that is no number and a category that may not be unknown give no result.
func TestNone(t *testing.T) {
	t.Parallel()
	ints := mustLoad(t, file(
		nodeField("Cast", "", "X", "f", intAttr("to", int64(Float))),
		nodeField("Cast", "", "X", "l", intAttr("to", int64(Int64))),
		input(tensorInfo("X", Int64, 0, 1)), output(tensorInfo("f", Float)), output(tensorInfo("l", Int64))), 0)
	out := make([]float64, 3)
	if err := ints.Score(Prediction, []batch.Column{column(1.9, math.NaN(), -3)}, 3, out, nil); err != nil {
		t.Fatal(err)
	}
	if out[0] != 1 || !math.IsNaN(out[1]) || out[2] != -3 {
		t.Errorf("%v", out)
	}
	labels, none := make([]int64, 3), make([]bool, 3)
	if err := ints.Labels([]batch.Column{column(1.9, math.NaN(), -3)}, 3, labels, nil, none); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(none, []bool{false, true, false}) || labels[2] != -3 {
		t.Errorf("%v %v", labels, none)
	}
	texts := mustLoad(t, file(nodeField("Cast", "", "X", "f", intAttr("to", int64(Float))), input(tensorInfo("X", String, 0, 1)),
		output(tensorInfo("f", Float))), 0)
	if err := texts.Score(Prediction, []batch.Column{{Text: []string{"2.5", "two", " -inf "}}}, 3, out, nil); err != nil {
		t.Fatal(err)
	}
	if out[0] != 2.5 || !math.IsNaN(out[1]) || !math.IsInf(out[2], -1) {
		t.Errorf("%v", out)
	}
	hot := mustLoad(t, file(
		nodeField("OneHotEncoder", ml, "X", "h", intsAttr("cats_int64s", 0, 1, 2), intAttr("zeros", 0)),
		input(tensorInfo("X", Float, 0, 1)), output(tensorInfo("h", Float))), 0)
	out = make([]float64, 6)
	if err := hot.Score(Prediction, []batch.Column{column(2, 7)}, 2, out, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out[:3], []float64{0, 0, 1}) || !math.IsNaN(out[3]) {
		t.Errorf("%v", out)
	}
}

// A width that the file leaves open comes from the operator that reads the input, or from who loads it.
func TestOpenWidth(t *testing.T) {
	t.Parallel()
	scaler := file(nodeField("Scaler", ml, "X", "y", floatAttr("offset", 1, 2, 3), floatAttr("scale", 1, 1, 2)),
		input(tensorInfo("X", Float, 0, 0)), output(tensorInfo("y", Float)))
	if m := mustLoad(t, scaler, 0); len(m.Inputs()) != 3 || m.Inputs()[2].Name != "X_2" || m.Width(Prediction) != 3 {
		t.Errorf("%+v", m.Inputs())
	}
	open := file(nodeField("Abs", "", "X", "y"), input(tensorInfo("X", Float, 0, 0)), output(tensorInfo("y", Float)))
	if _, err := Load(open, 0, "", Prediction); err == nil || !strings.Contains(err.Error(), "name the inputs") {
		t.Errorf("error %v", err)
	}
	if m := mustLoad(t, open, 4); len(m.Inputs()) != 4 {
		t.Errorf("%+v", m.Inputs())
	}
}

// A graph that was exported for one row is run row by row.
func TestOneRow(t *testing.T) {
	t.Parallel()
	m := mustLoad(t, file(
		nodeField("Constant", "", "", "s", intsAttr("value_ints", 1, -1)),
		nodeField("Reshape", "", "X s", "y"),
		input(tensorInfo("X", Float, 1, 2)), output(tensorInfo("y", Float))), 0)
	out := make([]float64, 6)
	if err := m.Score(Prediction, []batch.Column{column(1, 2, 3), column(4, 5, 6)}, 3, out, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out, []float64{1, 4, 2, 5, 3, 6}) {
		t.Errorf("%v", out)
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	x, y := input(tensorInfo("X", Float, 0, 2)), output(tensorInfo("y", Float))
	huge := bytesField(5, varint(1, 1<<40), varint(2, uint64(Float)), text(8, "w"))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"cut":         {file(x, y)[:20], "cut short"},
		"operator":    {file(nodeField("LSTM", "", "X", "y"), x, y), "operator LSTM is not supported"},
		"domain":      {file(nodeField("Add", "com.example", "X X", "y"), x, y), "com.example.Add"},
		"no maker":    {file(nodeField("Abs", "", "Z", "y"), x, y), `"Z"`},
		"made twice":  {file(nodeField("Abs", "", "X", "y"), nodeField("Abs", "", "X", "y"), x, y), "second time"},
		"no output":   {file(nodeField("Abs", "", "X", "z"), x, y), `the output "y"`},
		"huge tensor": {file(huge, x, y), "more than"},
		"shapes": {file(nodeField("Reshape", "", "X s", "y"), nodeField("Constant", "", "", "s", intsAttr("value_ints", 7, 7)), x, y),
			"nothing before it makes"},
		"rank": {file(nodeField("Abs", "", "X", "y"), input(tensorInfo("X", Float, 0, 2, 2)), y), "the shape"},
		"kind": {file(nodeField("Abs", "", "X", "y"), input(tensorInfo("X", 16, 0, 2)), y), "type 16"},
		"expand": {file(nodeField("Constant", "", "", "s", intsAttr("value_ints", 1<<13, 1<<13)), nodeField("ConstantOfShape", "", "s", "y"),
			x, y), "values in one run"},
		"ill-formed": {file(nodeField("Constant", "", "", "s", intsAttr("value_ints", 0)), nodeField("Slice", "", "X s s", "z"),
			nodeField("Gemm", "", "X z", "y"), x, y), "operator"},
	} {
		_, err := Load(c.data, 0, "", Prediction)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// What onnxruntime 1.32 makes of these numbers.
func TestFloatText(t *testing.T) {
	t.Parallel()
	for x, want := range map[float64]string{
		0: "0", 1: "1", -2.5: "-2.5", float64(float32(0.1)): "0.1", float64(float32(1e-5)): "9.9999997e-06", 1.2345678e-4: "0.00012345678",
		123456789: "1.2345679e+08", 1e8: "1e+08", 99999999: "99999999", 1e20: "1e+20", 1e7: "10000000", 12345678.9: "12345679",
		1.0 / 3: "0.33333333", math.Inf(1): "INF", math.Inf(-1): "-INF",
	} {
		if got := floatText(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
	if got := floatText(math.NaN()); got != "NaN" {
		t.Errorf("NaN: %s", got)
	}
}
