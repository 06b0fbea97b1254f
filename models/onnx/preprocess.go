package onnx

import (
	"math"
	"slices"
)

// The operators of ai.onnx.ml that prepare features. What the specification leaves open is as onnxruntime has it.

func preprocessOps(ops operators) {
	const ml = "ai.onnx.ml."
	ops[ml+"Scaler"] = func(n *node, _ *compiler) kernel { return scaler(n) }
	ops[ml+"Imputer"] = func(n *node, _ *compiler) kernel { return imputer(n) }
	ops[ml+"Normalizer"] = func(n *node, _ *compiler) kernel { return normalizer(n) }
	ops[ml+"Binarizer"] = func(n *node, _ *compiler) kernel { return binarizer(n.float("threshold", 0)) }
	ops[ml+"OneHotEncoder"] = func(n *node, _ *compiler) kernel { return oneHotEncoder(n) }
	ops[ml+"LabelEncoder"] = func(n *node, _ *compiler) kernel { return labelEncoder(n) }
	ops[ml+"CategoryMapper"] = func(n *node, _ *compiler) kernel { return categoryMapper(n) }
	ops[ml+"ArrayFeatureExtractor"] = func(*node, *compiler) kernel { return arrayFeatureExtractor }
	ops[ml+"FeatureVectorizer"] = func(*node, *compiler) kernel { return featureVectorizer }
	ops[ml+"ZipMap"] = func(*node, *compiler) kernel {
		// A row's map goes from the classes, in order, to the values of the row: the values are all that is wanted.
		return func(c *call) { t := c.need(0); c.view(0, t, t.Dims...) }
	}
}

// matrix is the input as rows of numbers; one dimension is one row.
func (c *call) matrix() (v []float64, t *Tensor, rows, width int) {
	t = c.need(0)
	switch len(t.Dims) {
	case 1:
		rows, width = 1, t.Dims[0]
	case 2:
		rows, width = t.Dims[0], t.Dims[1]
	default:
		fail("its input has the shape %v", t.Dims)
	}
	return asFloats(t), t, rows, width
}

func f32(x float64) float64 { return float64(float32(x)) }

func scaler(n *node) kernel {
	offset, scale := n.floats("offset"), n.floats("scale")
	return func(c *call) {
		v, t, _, width := c.matrix()
		if !(len(offset) == width || len(offset) == 1) || !(len(scale) == width || len(scale) == 1) {
			fail("it has %d offsets and %d scales for %d features", len(offset), len(scale), width)
		}
		o := c.out(0, Float, t.Dims...)
		for i, x := range v {
			o.F[i] = f32(f32(f32(x)-offset[i%width%len(offset)]) * scale[i%width%len(scale)])
		}
	}
}

func imputer(n *node) kernel {
	floats, ints := n.floats("imputed_value_floats"), n.ints("imputed_value_int64s")
	float, integer := n.float("replaced_value_float", 0), n.int("replaced_value_int64", 0)
	return func(c *call) {
		t := c.need(0)
		o := c.like(0, t, t.Dims...)
		width := t.row()
		pick := func(k, values int) int {
			switch values {
			case width:
				return k % width
			case 0:
				fail("it has no values of its input's kind, %s", t.Kind)
			}
			return 0
		}
		for i, x := range t.F {
			if o.F[i] = x; x == float || math.IsNaN(x) && math.IsNaN(float) {
				o.F[i] = floats[pick(i, len(floats))]
			}
		}
		for i, x := range t.I {
			if o.I[i] = x; x == integer {
				o.I[i] = ints[pick(i, len(ints))]
			}
		}
		if t.Kind == String {
			fail("string is not supported")
		}
	}
}

func normalizer(n *node) kernel {
	norm := n.text("norm", "MAX")
	if !slices.Contains([]string{"MAX", "L1", "L2"}, norm) {
		fail("the norm %q is unknown", norm)
	}
	return func(c *call) {
		v, t, rows, width := c.matrix()
		o := c.out(0, Float, t.Dims...)
		for r := range rows {
			in, out := v[r*width:(r+1)*width], o.F[r*width:(r+1)*width]
			sum := 0.0
			if norm == "MAX" {
				sum = -math.MaxFloat32
			}
			for _, x := range in {
				switch norm {
				case "MAX":
					sum = max(sum, f32(x))
				case "L1":
					sum = f32(sum + f32(math.Abs(x)))
				default:
					sum = f32(sum + f32(x*x))
				}
			}
			for i, x := range in {
				switch {
				case sum == 0:
					out[i] = f32(x)
				case norm == "L2":
					out[i] = math.Copysign(f32(math.Sqrt(f32(f32(x*x)/sum))), x)
				default:
					out[i] = f32(f32(x) / sum)
				}
			}
		}
	}
}

// binarizer has no result for NaN.
func binarizer(threshold float64) kernel {
	return func(c *call) {
		t := c.need(0)
		o := c.out(0, Float, t.Dims...)
		for i, x := range asFloats(t) {
			if math.IsNaN(x) {
				c.giveNone(t, i)
			}
			o.F[i] = float64(truth(x > threshold))
		}
	}
}

// oneHotEncoder compares numbers after cutting them to integers. Where zeros is 0, an unknown category gives no result.
func oneHotEncoder(n *node) kernel {
	ints, texts, zeros := n.ints("cats_int64s"), n.texts("cats_strings"), n.int("zeros", 1) != 0
	ofInt, ofText := map[int64]int{}, map[string]int{}
	for i, x := range ints {
		ofInt[x] = i
	}
	for i, x := range texts {
		ofText[x] = i
	}
	k := len(ints) + len(texts)
	return func(c *call) {
		t := c.need(0)
		o := c.out(0, Float, append(slices.Clone(t.Dims), k)...)
		for i := range t.size() {
			at, ok := 0, false
			switch {
			case t.Kind == String:
				at, ok = ofText[t.S[i]]
			case t.Kind.isFloat():
				at, ok = ofInt[truncate(t.F[i])]
			default:
				at, ok = ofInt[t.I[i]]
			}
			if ok {
				o.F[i*k+at] = 1
			} else if !zeros {
				c.giveNone(t, i)
			}
		}
	}
}

// labelEncoder maps keys of one kind to values of another. Version 1 maps between classes_strings and their numbers.
func labelEncoder(n *node) kernel {
	keys, values := labels(n, "keys"), labels(n, "values")
	if classes := n.texts("classes_strings"); classes != nil {
		numbers := make([]int64, len(classes))
		for i := range numbers {
			numbers[i] = int64(i)
		}
		texts := &Tensor{Kind: String, Dims: []int{len(classes)}, S: classes}
		ids := &Tensor{Kind: Int64, Dims: []int{len(classes)}, I: numbers}
		toID, toText := mapping(texts, ids, n), mapping(ids, texts, n)
		return func(c *call) {
			if c.need(0).Kind == String {
				toID(c)
			} else {
				toText(c)
			}
		}
	}
	if keys == nil || values == nil {
		fail("it has no keys or no values")
	}
	return mapping(keys, values, n)
}

// labels is a list of keys or values in one of the forms an attribute can have.
func labels(n *node, name string) *Tensor {
	if t := n.tensor(name + "_tensor"); t != nil {
		return t
	}
	if v := n.texts(name + "_strings"); v != nil {
		return &Tensor{Kind: String, Dims: []int{len(v)}, S: v}
	}
	if v := n.ints(name + "_int64s"); v != nil {
		return &Tensor{Kind: Int64, Dims: []int{len(v)}, I: v}
	}
	if v := n.floats(name + "_floats"); v != nil {
		return &Tensor{Kind: Float, Dims: []int{len(v)}, F: v}
	}
	return nil
}

func mapping(keys, values *Tensor, n *node) kernel {
	if keys.size() != values.size() {
		fail("it has %d keys and %d values", keys.size(), values.size())
	}
	other := n.tensor("default_tensor")
	if other == nil || other.Kind != values.Kind || other.size() != 1 {
		other = &Tensor{Kind: values.Kind}
		switch {
		case values.Kind == String:
			other.S = []string{n.text("default_string", "_Unused")}
		case values.Kind.isFloat():
			other.F = []float64{f32(n.float("default_float", math.Copysign(0, -1)))}
		default:
			other.I = []int64{n.int("default_int64", -1)}
		}
	}
	ofText, ofInt, ofFloat, ofNaN := map[string]int{}, map[int64]int{}, map[float64]int{}, -1
	for i := keys.size() - 1; i >= 0; i-- { // the first of equal keys stays
		switch {
		case keys.S != nil:
			ofText[keys.S[i]] = i
		case keys.I != nil:
			ofInt[keys.I[i]] = i
		case math.IsNaN(keys.F[i]):
			ofNaN = i
		default:
			ofFloat[keys.F[i]] = i
		}
	}
	return func(c *call) {
		t := c.need(0)
		if (t.Kind == String) != (keys.Kind == String) || t.Kind.isFloat() != keys.Kind.isFloat() {
			fail("its keys are of %s, its input of %s", keys.Kind, t.Kind)
		}
		o := c.like(0, values, t.Dims...)
		for i := range t.size() {
			at, ok := ofNaN, ofNaN >= 0
			switch {
			case t.S != nil:
				at, ok = ofText[t.S[i]]
			case t.I != nil:
				at, ok = ofInt[t.I[i]]
			case !math.IsNaN(t.F[i]):
				at, ok = ofFloat[t.F[i]]
			}
			if ok {
				move(o, i, values, at, 1)
			} else {
				move(o, i, other, 0, 1)
			}
		}
	}
}

func categoryMapper(n *node) kernel {
	texts, ints := n.texts("cats_strings"), n.ints("cats_int64s")
	if len(texts) != len(ints) {
		fail("it has %d texts and %d numbers", len(texts), len(ints))
	}
	s, i := &Tensor{Kind: String, Dims: []int{len(texts)}, S: texts}, &Tensor{Kind: Int64, Dims: []int{len(ints)}, I: ints}
	toInt, toText := mapping(s, i, n), mapping(i, s, n)
	return func(c *call) {
		if c.need(0).Kind == String {
			toInt(c)
		} else {
			toText(c)
		}
	}
}

// arrayFeatureExtractor selects along the last axis; one dimension becomes a row.
func arrayFeatureExtractor(c *call) {
	t, idx := c.need(0), c.need(1)
	if len(t.Dims) == 0 || idx.I == nil {
		fail("it can't select %v of %v", idx.Dims, t.Dims)
	}
	width := t.Dims[len(t.Dims)-1]
	dims := slices.Clone(t.Dims)
	dims[len(dims)-1] = len(idx.I)
	if len(dims) == 1 {
		dims = []int{1, len(idx.I)}
	}
	o := c.like(0, t, dims...)
	for r := range elements(t.Dims[:len(t.Dims)-1]) {
		for k, i := range idx.I {
			move(o, r*len(idx.I)+k, t, r*width+index(i, width), 1)
		}
	}
}

func featureVectorizer(c *call) {
	width, rows := 0, 0
	for i := range c.step.in {
		t := c.need(i)
		if len(t.Dims) == 0 || i > 0 && t.Dims[0] != rows {
			fail("input %d has the shape %v", i+1, t.Dims)
		}
		rows = t.Dims[0]
		width += t.row()
	}
	o := c.out(0, Float, rows, width)
	start := 0
	for i := range c.step.in {
		t := c.need(i)
		v, k := asFloats(t), t.row()
		for r := range rows {
			for e := range k {
				o.F[r*width+start+e] = f32(v[r*k+e])
			}
		}
		start += k
	}
}
