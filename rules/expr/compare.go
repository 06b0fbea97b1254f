package expr

import (
	"github.com/expr-lang/expr/ast"

	"dsql/engine/duck"
)

// Equality and order, as the VM has them.

// equal is IS NOT DISTINCT FROM, but that no NaN equals another.
func (c *compiler) equal(n *ast.BinaryNode, l, r Value) Value {
	b := &Type{Kind: Bool}
	null := func(v Value) Value {
		return c.observe(b, []Value{v}, func(o []Value) *duck.Query { return q("({v} IS NULL)", duck.Args{"v": o[0].SQL}) })
	}
	switch {
	case l.Type.Kind == Nil && r.Type.Kind == Nil:
		return Value{SQL: q("true"), Type: b, simple: true}
	case l.Type.Kind == Nil:
		return null(r)
	case r.Type.Kind == Nil:
		return null(l)
	}
	l.asFloat(r.Type)
	r.asFloat(l.Type)
	if !l.Type.same(r.Type) && !(l.Type.number() && r.Type.number()) && !(l.Type.Kind == Time && r.Type.Kind == Time) {
		refuse(n, "bring them to one type: float(…), int(…), string(…)", "%s and %s are never equal", l.Type, r.Type)
	}
	if !comparable(l.Type) {
		refuse(n, "compare what is in them", "%s can't be compared as a whole with the VM's meaning", l.Type)
	}
	nans := hasFloat(l.Type) && hasFloat(r.Type) && l.literal == nil && r.literal == nil
	equal := func(l, r Value) *duck.Query {
		a := duck.Args{"l": l.SQL, "r": r.SQL, "op": q("=")}
		if l.mayNil && r.mayNil {
			a["op"] = q("IS NOT DISTINCT FROM")
		}
		if nans {
			return q("(({l} {op} {r}) > {nan})", a.With(duck.Args{"nan": nan(l)})) // AND NOT, but NULL for NULL
		}
		return q("({l} {op} {r})", a)
	}
	result := func(l Value) Value {
		switch {
		case !l.mayNil && !r.mayNil:
			return strict(equal(l, r), b, l, r)
		case l.mayNil != r.mayNil:
			return c.observe(b, []Value{l, r}, func(o []Value) *duck.Query { return q("coalesce({e}, false)", duck.Args{"e": equal(o[0], o[1])}) })
		}
		return c.observe(b, []Value{l, r}, func(o []Value) *duck.Query { return equal(o[0], o[1]) })
	}
	if nans {
		return c.hold(l, result)
	}
	return result(l)
}

// comparable: the VM compares two values of the type by what is in them.
func comparable(t *Type) bool {
	switch t.Kind {
	case Map, Struct, Month, Weekday, Zone:
		return false
	case List:
		return comparable(t.elem)
	}
	return true
}

func hasFloat(t *Type) bool { return t.Kind == Float || t.Kind == List && hasFloat(t.elem) }

// nan is a condition, never NULL, that holds when v is NaN or an array with one in it.
func nan(v Value) *duck.Query {
	if v.Type.Kind == Float {
		return q("coalesce(isnan({v}), false)", duck.Args{"v": v.SQL})
	}
	test := q(`isnan("_ n")`)
	list := v.SQL
	for t := v.Type.elem; t.Kind == List; t = t.elem {
		list = q("flatten({l})", duck.Args{"l": list})
	}
	return q(`coalesce(list_bool_or(list_transform({l}, lambda "_ n": {test})), false)`, duck.Args{"l": list, "test": test})
}

// compare: no NaN is below, above or equal to anything. DuckDB has it above all.
func (c *compiler) compare(n ast.Node, op string, l, r Value) Value {
	if !(l.Type.number() && r.Type.number()) && (l.Type.Kind != r.Type.Kind ||
		l.Type.Kind != String && l.Type.Kind != Time && l.Type.Kind != Duration) {
		refuse(n, "bring them to one type: float(…), int(…), string(…)", "%s %s %s has no meaning", l.Type, op, r.Type)
	}
	l.asFloat(r.Type)
	r.asFloat(l.Type)
	high := r // the side that DuckDB would have above when it is NaN
	if op[0] == '>' {
		high = l
	}
	result := func(l, r, high Value) Value {
		a := duck.Args{"l": l.SQL, "r": r.SQL, "op": duck.Text(op), "h": high.SQL}
		v := q("({l} {op} {r})", a)
		if high.Type.Kind == Float && high.literal == nil {
			v = q("(({l} {op} {r}) > isnan({h}))", a) // AND NOT, but NULL for NULL
		}
		return strict(v, &Type{Kind: Bool}, l, r)
	}
	if high.Type.Kind != Float || high.literal != nil {
		return result(l, r, high)
	}
	return c.hold(high, func(high Value) Value {
		if op[0] == '>' {
			return result(high, r, high)
		}
		return result(l, high, high)
	})
}
