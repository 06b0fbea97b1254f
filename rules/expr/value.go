package expr

import (
	"dsql/engine/duck"
)

// Value is the SQL of a node of an expression. Where the VM gives nil, or stops with an error, the SQL is NULL; generated SQL never
// raises an error of its own. What looks at nil (==, ??, ?:, elements of arrays …) must tell the two apart: nil is a value, an
// error makes the whole expression NULL. Most nodes can be only one of the two.
type Value struct {
	SQL    *duck.Query
	Type   *Type
	mayNil bool
	mayErr bool
	ok     *duck.Query // where both may be: a condition, never NULL, that holds when there is no error
	stop   *duck.Query // inside a?.b.c: a condition that holds when the chain ended before

	simple  bool  // repeating it costs nothing
	literal any   // int, float64, string or bool of a literal
	bounded bool  // an int between lo and hi
	lo, hi  int64 //
}

func q(text string, args ...duck.Args) *duck.Query { return duck.SQL(text, args...) }

// okay is a condition, never NULL, that holds when v is no error; nil where it never is one.
func (v Value) okay() *duck.Query {
	switch {
	case !v.mayErr:
		return nil
	case v.ok != nil:
		return v.ok
	}
	return q("({v} IS NOT NULL)", duck.Args{"v": v.SQL})
}

// present is a condition, never NULL, that holds when v is neither nil nor an error; nil where it is always.
func (v Value) present() *duck.Query {
	if !v.mayErr && !v.mayNil {
		return nil
	}
	return q("({v} IS NOT NULL)", duck.Args{"v": v.SQL})
}

// may: the SQL may be NULL.
func (v Value) mayNull() bool { return v.mayErr || v.mayNil }

// all joins conditions; nil means true.
func all(conds ...*duck.Query) *duck.Query {
	var out []*duck.Query
	for _, c := range conds {
		if c != nil {
			out = append(out, c)
		}
	}
	if len(out) < 2 {
		if len(out) == 0 {
			return nil
		}
		return out[0]
	}
	return q("({all})", duck.Args{"all": duck.Join(" AND ", out...)})
}

// when is v where cond holds, else an error.
func when(cond *duck.Query, v Value) Value {
	if cond == nil {
		return v
	}
	v.ok = both(v, all(cond, v.okay()))
	v.SQL = q("CASE WHEN {c} THEN {v} END", duck.Args{"c": cond, "v": v.SQL})
	v.mayErr, v.simple, v.literal = true, false, nil
	return v
}

// both is ok where v may be nil: only then it is needed.
func both(v Value, ok *duck.Query) *duck.Query {
	if !v.mayNil {
		return nil
	}
	return ok
}

// strict is the result of an operation that the VM can't do on nil: q is NULL when any of its operands is.
func strict(q *duck.Query, t *Type, operands ...Value) Value {
	v := Value{SQL: q, Type: t}
	for _, o := range operands {
		v.mayErr = v.mayErr || o.mayNull()
	}
	return v
}

// errs says that the operation itself may stop with an error, when its SQL is NULL.
func (v Value) errs() Value {
	v.mayErr = true
	return v
}

// observe is the result of an operation that takes nil as a value: an error of an operand is still one of the result.
func (c *compiler) observe(t *Type, operands []Value, f func([]Value) *duck.Query) Value {
	for i, o := range operands {
		if o.mayErr && o.ok == nil && !o.simple && len(o.SQL.String()) > shortText { // its okay() repeats it
			return c.hold(o, func(o Value) Value {
				o.simple = true
				held := append([]Value{}, operands...)
				held[i] = o
				return c.observe(t, held, f)
			})
		}
	}
	var oks []*duck.Query
	for _, o := range operands {
		oks = append(oks, o.okay())
	}
	return when(all(oks...), Value{SQL: f(operands), Type: t})
}

// shortText is up to what length SQL is repeated rather than computed once: a lambda has its price too.
const shortText = 100

// hold computes v once and hands f something that can be repeated.
func (c *compiler) hold(v Value, f func(Value) Value) Value {
	if v.simple || len(v.SQL.String()) <= shortText {
		return f(v)
	}
	p := c.param()
	held := v
	held.SQL, held.simple = p, true
	a := duck.Args{"v": v.SQL, "p": p}
	r := f(held)
	once := func(body *duck.Query) *duck.Query {
		if body == nil {
			return nil
		}
		return q("list_extract(list_transform([{v}], lambda {p}: {b}), 1)", a.With(duck.Args{"b": body}))
	}
	r.SQL, r.ok, r.stop = once(r.SQL), once(r.ok), once(r.stop)
	r.simple, r.literal = false, nil
	return r
}

// param is a lambda parameter that no column is named like.
func (c *compiler) param() *duck.Query {
	c.params++
	return duck.Ident(c.prefix + itoa(c.params))
}
