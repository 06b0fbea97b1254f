package expr

import (
	"dsql/engine"
)

// Value is the SQL of a node of an expression. Where the VM gives nil, or stops with an error, the SQL is NULL; generated SQL never
// raises an error of its own. What looks at nil (==, ??, ?:, elements of arrays …) must tell the two apart: nil is a value, an
// error makes the whole expression NULL. Most nodes can be only one of the two.
type Value struct {
	SQL    *engine.Query
	Type   *Type
	mayNil bool
	mayErr bool
	ok     *engine.Query // where both may be: a condition, never NULL, that holds when there is no error
	stop   *engine.Query // inside a?.b.c: a condition that holds when the chain ended before

	simple  bool  // repeating it costs nothing
	literal any   // int, float64, string or bool of a literal
	bounded bool  // an int between lo and hi
	lo, hi  int64 //
}

func q(text string, args ...engine.Args) *engine.Query { return engine.SQL(text, args...) }

// okay is a condition, never NULL, that holds when v is no error; nil where it never is one.
func (v Value) okay() *engine.Query {
	switch {
	case !v.mayErr:
		return nil
	case v.ok != nil:
		return v.ok
	}
	return q("({v} IS NOT NULL)", engine.Args{"v": v.SQL})
}

// present is a condition, never NULL, that holds when v is neither nil nor an error; nil where it is always.
func (v Value) present() *engine.Query {
	if !v.mayErr && !v.mayNil {
		return nil
	}
	return q("({v} IS NOT NULL)", engine.Args{"v": v.SQL})
}

// may: the SQL may be NULL.
func (v Value) mayNull() bool { return v.mayErr || v.mayNil }

// all joins conditions; nil means true.
func all(conds ...*engine.Query) *engine.Query {
	var out []*engine.Query
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
	return q("({all})", engine.Args{"all": engine.Join(" AND ", out...)})
}

// when is v where cond holds, else an error.
func when(cond *engine.Query, v Value) Value {
	if cond == nil {
		return v
	}
	v.ok = both(v, all(cond, v.okay()))
	v.SQL = q("CASE WHEN {c} THEN {v} END", engine.Args{"c": cond, "v": v.SQL})
	v.mayErr, v.simple, v.literal = true, false, nil
	return v
}

// both is ok where v may be nil: only then it is needed.
func both(v Value, ok *engine.Query) *engine.Query {
	if !v.mayNil {
		return nil
	}
	return ok
}

// strict is the result of an operation that the VM can't do on nil: q is NULL when any of its operands is.
func strict(q *engine.Query, t *Type, operands ...Value) Value {
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
func (c *compiler) observe(t *Type, operands []Value, f func([]Value) *engine.Query) Value {
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
	var oks []*engine.Query
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
	a := engine.Args{"v": v.SQL, "p": p}
	r := f(held)
	once := func(body *engine.Query) *engine.Query {
		if body == nil {
			return nil
		}
		return q("list_extract(list_transform([{v}], lambda {p}: {b}), 1)", a.With(engine.Args{"b": body}))
	}
	r.SQL, r.ok, r.stop = once(r.SQL), once(r.ok), once(r.stop)
	r.simple, r.literal = false, nil
	return r
}

// param is a lambda parameter that no column is named like.
func (c *compiler) param() *engine.Query {
	c.params++
	return engine.Ident(c.prefix + itoa(c.params))
}
