package onnx

import (
	"math"
	"slices"
	"strings"
)

// Operators on text and its tokens.

func textOps(ops operators) {
	ops["StringNormalizer"] = func(n *node, _ *compiler) kernel { return stringNormalizer(n) }
	ops["TfIdfVectorizer"] = func(n *node, _ *compiler) kernel { return tfIdf(n) }
}

// stringNormalizer changes the case of texts and leaves stop words out: of one row's texts, or where there are none of all rows'.
func stringNormalizer(n *node) kernel {
	change := map[string]func(string) string{"NONE": nil, "LOWER": strings.ToLower, "UPPER": strings.ToUpper}
	to, ok := change[n.text("case_change_action", "NONE")]
	if !ok {
		fail("the case_change_action %q is unknown", n.text("case_change_action", "NONE"))
	}
	key := strings.ToLower
	if n.int("is_case_sensitive", 0) != 0 {
		key = func(s string) string { return s }
	}
	stop := map[string]bool{}
	for _, s := range n.texts("stopwords") {
		stop[key(s)] = true
	}
	return func(c *call) {
		t := c.need(0)
		if t.Kind != String || len(t.Dims) != 1 && (len(t.Dims) != 2 || t.Dims[0] != 1) {
			fail("%s %v is not supported: it takes texts of one dimension", t.Kind, t.Dims)
		}
		if len(stop) > 0 && len(t.Dims) == 1 && c.rows > 1 {
			fail("its stop words would leave rows out")
		}
		var kept []string
		for _, s := range t.S {
			if stop[key(s)] {
				continue
			}
			if to != nil {
				s = to(s)
			}
			kept = append(kept, s)
		}
		if kept == nil {
			kept = []string{""}
		}
		dims := slices.Clone(t.Dims)
		dims[len(dims)-1] = len(kept)
		copy(c.out(0, String, dims...).S, kept)
	}
}

// tfIdf counts the n-grams of a row's tokens that it knows, and weighs them.
func tfIdf(n *node) kernel {
	least, most, skips := int(n.int("min_gram_length", 1)), int(n.int("max_gram_length", 1)), int(n.int("max_skip_count", 0))
	mode, counts, columns, weights := n.text("mode", ""), n.ints("ngram_counts"), n.ints("ngram_indexes"), n.floats("weights")
	if !slices.Contains([]string{"TF", "IDF", "TFIDF"}, mode) || least < 1 || most < least || most > 64 || len(counts) < most {
		fail("its attributes don't fit together")
	}
	var pool []string
	texts := n.texts("pool_strings")
	for _, s := range texts {
		pool = append(pool, "t"+s)
	}
	for _, i := range n.ints("pool_int64s") {
		pool = append(pool, token(i))
	}
	width := 0
	for _, i := range columns {
		if i < 0 || i >= maxElements {
			fail("an n-gram has the column %d", i)
		}
		width = max(width, int(i)+1)
	}
	// The pool has the n-grams of each length one after the other; all are numbered, those that are too short to be wanted, too.
	known, number := map[string]int{}, 0
	for size := 1; size <= len(counts); size++ {
		end := len(pool)
		if size < len(counts) {
			end = int(counts[size])
		}
		for at := int(counts[size-1]); at+size <= end && at >= 0; at += size {
			known[gram(pool[at:at+size], 0, size, 1)] = number
			number++
		}
	}
	if number != len(columns) || weights != nil && len(weights) != number {
		fail("it has %d n-grams, %d columns and %d weights", number, len(columns), len(weights))
	}
	return func(c *call) {
		t := c.need(0)
		if len(t.Dims) != 1 && len(t.Dims) != 2 || (t.Kind == String) != (texts != nil) {
			fail("%s %v doesn't fit its n-grams", t.Kind, t.Dims)
		}
		dims := append(slices.Clone(t.Dims[:len(t.Dims)-1]), width)
		o := c.out(0, Float, dims...)
		each := t.Dims[len(t.Dims)-1]
		row := make([]string, each)
		for r := 0; r*width < len(o.F); r++ {
			for i := range row {
				if t.Kind == String {
					row[i] = "t" + t.S[r*each+i]
				} else {
					row[i] = token(t.I[r*each+i])
				}
			}
			out := o.F[r*width : (r+1)*width]
			eachGram(row, least, most, skips, func(g string) {
				if k, ok := known[g]; ok {
					w := 1.0
					if weights != nil {
						w = weights[k]
					}
					switch to := &out[columns[k]]; mode {
					case "TF":
						*to++
					case "IDF":
						*to = w
					default:
						*to += w
					}
				}
			})
		}
		o.Kind.round(o.F)
	}
}

func token(i int64) string {
	b := [9]byte{'i'}
	for k := range 8 {
		b[k+1] = byte(i >> (8 * k))
	}
	return string(b[:])
}

// gram joins size tokens from at on, step apart, so that no two n-grams are the same text.
func gram(tokens []string, at, size, step int) string {
	var b strings.Builder
	for i := range size {
		t := tokens[at+i*step]
		for n := len(t); ; n >>= 7 {
			b.WriteByte(byte(n & 127))
			if n < 128 {
				break
			}
		}
		b.WriteByte(math.MaxUint8)
		b.WriteString(t)
	}
	return b.String()
}

// eachGram calls use with every n-gram of a row, with up to so many tokens skipped between two of it.
func eachGram(row []string, least, most, skips int, use func(string)) {
	for size := least; size <= most; size++ {
		for skip := 0; skip <= skips && (size-1)*(skip+1) < len(row) && (size > 1 || skip == 0); skip++ {
			for at := 0; at+(size-1)*(skip+1) < len(row); at++ {
				use(gram(row, at, size, skip+1))
			}
		}
	}
}
