package onnx

import (
	"math"
	"strconv"

	"dsql/models/batch"
)

// feed is a graph's input: a tensor of rows and width columns.
type feed struct {
	slot, width int
	flat        bool // of one dimension
	kind        Kind
}

func (m *Model) addInputs(g *graphProto, v *compiler, features int) {
	open := 0
	var fed []valueInfo
	for _, in := range g.inputs {
		if _, ok := g.initializers[in.name]; !ok {
			fed = append(fed, in)
		}
	}
	for _, in := range fed {
		if in.kind == 0 || in.isMap {
			fail("input %q is no tensor: save the model with one input a column or one of all", in.name)
		}
		if !in.kind.isFloat() && !in.kind.isInt() && in.kind != String {
			fail("input %q is of %s, which is not supported", in.name, in.kind)
		}
		f := feed{slot: v.slot(in.name), kind: in.kind, flat: len(in.dims) == 1}
		if len(in.dims) > 0 && in.dims[0] == 1 && len(in.dims) > 1 {
			m.single = true
		}
		switch {
		case f.flat:
			f.width = 1
		case len(in.dims) == 2 && in.dims[1] > 0:
			f.width = in.dims[1]
		case len(in.dims) == 2 || !in.rank:
			if f.width = widthOf(g, in.name); f.width == 0 || features > 0 && len(fed) == 1 {
				f.width = features
			}
			if open++; f.width == 0 || open > 1 {
				fail("the file leaves the number of columns of input %q open: name the inputs", in.name)
			}
		default:
			fail("input %q has the shape %v, supported are rows of columns", in.name, in.dims)
		}
		if f.width+len(m.inputs) > batch.MaxColumns {
			fail("input %q has %d columns, and a model may have %d", in.name, f.width, batch.MaxColumns)
		}
		for k := range f.width {
			name := in.name
			if f.width > 1 {
				name += "_" + strconv.Itoa(k)
			}
			m.inputs = append(m.inputs, Input{Name: name, Text: in.kind == String})
		}
		m.feeds = append(m.feeds, f)
	}
}

// widthOf guesses the width of an input from the first operator that reads it, 0 where it can't.
func widthOf(g *graphProto, name string) int {
	for i, n := range g.nodes {
		if len(n.in) == 0 || n.in[0] != name {
			continue
		}
		second := func() []int {
			if len(n.in) > 1 && g.initializers[n.in[1]] != nil {
				return g.initializers[n.in[1]].Dims
			}
			return nil
		}()
		switch {
		case n.is("ai.onnx.ml.Scaler"):
			return len(n.floats("offset"))
		case n.is("ai.onnx.ml.Imputer"):
			return len(n.floats("imputed_value_floats")) + len(n.ints("imputed_value_int64s"))
		case n.is("ai.onnx.ml.LinearClassifier"):
			return len(n.floats("coefficients")) / max(1, len(n.floats("intercepts")))
		case n.is("ai.onnx.ml.LinearRegressor"):
			return len(n.floats("coefficients")) / int(max(1, n.int("targets", 1)))
		case n.is("ai.onnx.ml.TreeEnsembleClassifier ai.onnx.ml.TreeEnsembleRegressor ai.onnx.ml.TreeEnsemble"):
			most := int64(-1)
			for _, f := range n.ints("nodes_featureids") {
				most = max(most, f)
			}
			return int(min(most+1, 1<<20))
		case n.is("MatMul") && len(second) == 2:
			return second[0]
		case n.is("Gemm") && len(second) == 2:
			return second[n.int("transB", 0)&1]
		case n.is("Sub Add Mul Div") && len(second) > 0:
			return second[len(second)-1]
		case n.is("Cast Identity") && len(n.out) == 1:
			return widthOf(&graphProto{nodes: g.nodes[i+1:], initializers: g.initializers}, n.out[0])
		}
	}
	return 0
}

// make is a feed's tensor, of zeros.
func (f *feed) make(st *state, rows int) *Tensor {
	c := call{state: st, step: &step{out: []int{f.slot}}}
	if f.flat {
		return c.out(0, f.kind, rows)
	}
	return c.out(0, f.kind, rows, f.width)
}

// fill copies columns into a feed's tensor. Integers have no missing values: such a row gives no result.
func (f *feed) fill(st *state, cols []batch.Column, from, rows int) {
	t := f.make(st, rows)
	var buf [chunkRows]float64
	for k := range cols {
		if f.kind == String {
			for r := range rows {
				if !cols[k].Null(from + r) {
					t.S[r*f.width+k] = cols[k].Text[from+r]
				}
			}
			continue
		}
		v := buf[:rows]
		cols[k].Numbers(from, v)
		for r, x := range v {
			at := r*f.width + k
			switch {
			case f.kind == Float:
				t.F[at] = f32(x)
			case f.kind == Double:
				t.F[at] = x
			case f.kind == Float16:
				t.F[at] = half(x)
			case math.IsNaN(x):
				st.none[r] = true
			case f.kind == Bool:
				t.I[at] = truth(x != 0)
			default:
				t.I[at] = truncate(x)
			}
		}
	}
}
