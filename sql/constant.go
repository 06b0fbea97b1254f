package sql

import "strings"

// Where a value is expected, an expression of constants may stand: 'in/' || DATE '2026-01-01' || '/*.csv'. It isn't computed here. Its
// place is noted in the declaration, and whoever parses a script puts the value there and parses it again.

// computed notes the tokens up to end as such an expression, and goes on behind it.
func (r *reader) computed(end int) {
	start := r.i
	r.i = end
	r.note(PartSQL, start, end)
	r.constants = append(r.constants, r.since(start))
}

// computes reports that the value of an option, which takes all up to the end of its element, is to be computed.
func (r *reader) computes() bool {
	i := r.i
	switch {
	case r.word(i, "env") && r.op(i+1, "("):
		i = int(r.closes[i+1])
	case r.kind(i) == Word && r.op(i+1, "("):
		return i+1 < r.end
	case r.kind(i) == Word && typed[strings.ToUpper(r.text(r.toks[i]))] && r.kind(i+1) == String, r.op(i, "-"), r.op(i, "+"):
		i++
	case r.parameter(i):
		return true
	case r.closes[i] > 0:
		i = int(r.closes[i])
	case r.kind(i) == Word, r.kind(i) == Quoted:
		return false
	}
	return r.operator(i+1) > 0
}

// parameter: $name stands at i. In a script that is run a value stands in its place by then.
func (r *reader) parameter(i int) bool {
	return r.op(i, "$") && r.kind(i+1) == Word && r.toks[i].Span.End == r.toks[i+1].Span.Start
}

// operator is how many tokens the operator at i has, 0 where there is none.
func (r *reader) operator(i int) int {
	switch {
	case i >= r.end || r.kind(i) != Op:
		return 0
	case r.op(i, "|") && r.op(i+1, "|"), r.op(i, ":") && r.op(i+1, ":"):
		return 2
	case r.op(i, "+"), r.op(i, "-"), r.op(i, "*"), r.op(i, "/"), r.op(i, "%"):
		return 1
	}
	return 0
}

// constant reads such an expression in the place of a clause's value, where one stands: operands with operators between.
func (r *reader) constant(v *Value) bool {
	i, cast := r.i, r.word(r.i, "CAST") && r.op(r.i+1, "(")
	for {
		switch {
		case r.kind(i) == Word && r.op(i+1, "(") && i+1 < r.end:
			i = int(r.closes[i+1])
		case r.kind(i) == Word && typed[strings.ToUpper(r.text(r.toks[i]))] && r.kind(i+1) == String:
			i++
			cast = true
		case r.parameter(i):
			i++
			cast = true
		case r.op(i, "(") && i < r.end:
			i = int(r.closes[i])
		case r.kind(i) != String && r.kind(i) != Number && (r.kind(i) != Word || i == r.i):
			return false
		}
		n := r.operator(i + 1)
		if n == 0 {
			break
		}
		cast = true
		i += 1 + n
	}
	if !cast {
		return false
	}
	start := r.i
	r.computed(i + 1)
	v.Span = r.since(start)
	return true
}
