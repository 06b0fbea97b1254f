package expr

import (
	"math"
	"math/big"
	"regexp"

	"github.com/expr-lang/expr/ast"

	"dsql/engine/duck"
)

func (c *compiler) unary(n *ast.UnaryNode) Value {
	v := c.node(n.Node)
	switch {
	case n.Operator == "!" || n.Operator == "not":
		c.want(n.Node, v, Bool)
		return strict(q("(NOT {v})", duck.Args{"v": v.SQL}), v.Type, v)
	case n.Operator == "+" && v.Type.number():
		return v
	case n.Operator == "-" && v.Type.number():
		return c.negate(v)
	}
	refuse(n, "", "%s doesn't apply to %s", n.Operator, v.Type)
	return Value{}
}

func (c *compiler) negate(v Value) Value {
	switch l := v.literal.(type) {
	case int:
		return intLiteral(-int64(l))
	case float64:
		v.SQL, v.literal = duck.Lit(-l), -l
		return v
	}
	if v.Type.Kind == Float {
		return strict(q("(-{v})", duck.Args{"v": v.SQL}), v.Type, v)
	}
	return c.arithmetic("-", intLiteral(0), v, v.Type)
}

// want refuses a value of another kind.
func (c *compiler) want(n ast.Node, v Value, kinds ...Kind) {
	for _, k := range kinds {
		if v.Type.Kind == k {
			return
		}
	}
	what := kindNames[kinds[0]]
	for _, k := range kinds[1:] {
		if k != Struct && k != Nil {
			what += " or " + kindNames[k]
		}
	}
	refuse(n, "", "expected %s, and this is %s", what, v.Type)
}

func (c *compiler) binary(n *ast.BinaryNode) Value {
	switch n.Operator {
	case "and", "&&", "or", "||":
		return c.logic(n)
	case "in":
		return c.in(n)
	}
	l, r := c.node(n.Left), c.node(n.Right)
	switch n.Operator {
	case "==", "!=":
		v := c.equal(n, l, r)
		if n.Operator == "!=" {
			v.SQL = q("(NOT {v})", duck.Args{"v": v.SQL})
		}
		return v
	case "<", "<=", ">", ">=":
		return c.compare(n, n.Operator, l, r)
	case "??":
		return c.coalesce(n, l, r)
	case "..":
		c.want(n.Left, l, Int)
		c.want(n.Right, r, Int)
		return c.interval(l, r)
	case "contains", "startsWith", "endsWith":
		c.want(n.Left, l, String, Nil)
		c.want(n.Right, r, String, Nil)
		f := map[string]string{"contains": "contains", "startsWith": "starts_with", "endsWith": "ends_with"}[n.Operator]
		return c.falseIfNil(func(o []Value) *duck.Query {
			return q("{f}({l}, {r})", duck.Args{"f": duck.Text(f), "l": textOf(o[0]), "r": textOf(o[1])})
		}, l, r)
	case "matches":
		return c.matches(n, l, r)
	}
	return c.operate(n, l, r)
}

// textOf is a string's SQL; nil has a type then.
func textOf(v Value) *duck.Query {
	if v.Type.Kind == Nil {
		return q("NULL::VARCHAR")
	}
	return v.SQL
}

// falseIfNil is a condition on strings that the VM says is false for nil.
func (c *compiler) falseIfNil(cond func([]Value) *duck.Query, operands ...Value) Value {
	b := &Type{Kind: Bool}
	for _, o := range operands {
		if o.mayNil {
			return c.observe(b, operands, func(o []Value) *duck.Query { return q("coalesce({c}, false)", duck.Args{"c": cond(o)}) })
		}
	}
	return strict(cond(operands), b, operands...)
}

func (c *compiler) matches(n *ast.BinaryNode, l, r Value) Value {
	c.want(n.Left, l, String, Nil)
	pattern, ok := r.literal.(string)
	if !ok {
		refuse(n.Right, "write the pattern as a string",
			"the pattern of matches must be known beforehand: one that doesn't compile would stop the batch")
	}
	if _, err := regexp.Compile(pattern); err != nil {
		refuse(n.Right, "regular expressions are RE2's", "this regular expression doesn't compile: %s", err)
	}
	return c.falseIfNil(func(o []Value) *duck.Query {
		return q("regexp_matches({l}, {r})", duck.Args{"l": textOf(o[0]), "r": pattern})
	}, l)
}

// logic: the right side counts only where the left one leaves it open, and need not be a bool there.
func (c *compiler) logic(n *ast.BinaryNode) Value {
	l, r := c.node(n.Left), c.node(n.Right)
	c.want(n.Left, l, Bool)
	c.want(n.Right, r, Bool)
	and := n.Operator == "and" || n.Operator == "&&"
	v := Value{Type: &Type{Kind: Bool}, mayNil: r.mayNil, mayErr: l.mayNull() || r.mayErr}
	a := duck.Args{"r": r.SQL, "ok": orTrue(r.okay())}
	if !l.mayNull() {
		a["l"] = l.SQL
		if and {
			v.SQL, v.ok = q("({l} AND {r})", a), both(v, q("(NOT {l} OR {ok})", a))
		} else {
			v.SQL, v.ok = q("({l} OR {r})", a), both(v, q("({l} OR {ok})", a))
		}
		return v
	}
	return c.hold(l, func(l Value) Value {
		a["l"] = l.SQL
		if and {
			v.SQL, v.ok = q("CASE WHEN {l} THEN {r} WHEN NOT {l} THEN false END", a),
				both(v, q("CASE WHEN {l} THEN {ok} ELSE {l} IS NOT NULL END", a))
		} else {
			v.SQL, v.ok = q("CASE WHEN {l} THEN true WHEN NOT {l} THEN {r} END", a),
				both(v, q("CASE WHEN NOT {l} THEN {ok} ELSE {l} IS NOT NULL END", a))
		}
		return v
	})
}

func orTrue(c *duck.Query) *duck.Query {
	if c == nil {
		return q("true")
	}
	return c
}

func (c *compiler) conditional(n *ast.ConditionalNode) Value {
	cond := c.node(n.Cond)
	c.want(n.Cond, cond, Bool)
	x, y := c.node(n.Exp1), c.node(n.Exp2)
	t := c.unify(n, &x, &y)
	branch := func(cond Value) Value {
		a := duck.Args{"c": cond.SQL, "x": x.SQL, "y": y.SQL, "okx": orTrue(x.okay()), "oky": orTrue(y.okay())}
		v := Value{Type: t, mayNil: x.mayNil || y.mayNil, mayErr: cond.mayNull() || x.mayErr || y.mayErr}
		if cond.mayNull() {
			v.SQL = q("CASE WHEN {c} THEN {x} WHEN NOT {c} THEN {y} END", a)
			v.ok = q("CASE WHEN {c} THEN {okx} WHEN NOT {c} THEN {oky} ELSE false END", a)
		} else {
			v.SQL = q("CASE WHEN {c} THEN {x} ELSE {y} END", a)
			v.ok = q("CASE WHEN {c} THEN {okx} ELSE {oky} END", a)
		}
		v.ok = both(v, v.ok)
		if x.bounded && y.bounded {
			v.bounded, v.lo, v.hi = true, min(x.lo, y.lo), max(x.hi, y.hi)
		}
		return v
	}
	if !cond.mayNull() {
		return branch(cond)
	}
	return c.hold(cond, branch)
}

// unify gives two values one type: nil takes the other's, and a literal int beside a float is a float.
func (c *compiler) unify(n ast.Node, x, y *Value) *Type {
	switch {
	case x.Type.Kind == Nil && y.Type.Kind == Nil:
		return x.Type
	case x.Type.Kind == Nil:
		x.SQL = q("NULL::{t}", duck.Args{"t": y.Type.SQL()})
		return y.Type
	case y.Type.Kind == Nil:
		y.SQL = q("NULL::{t}", duck.Args{"t": x.Type.SQL()})
		return x.Type
	}
	x.asFloat(y.Type)
	y.asFloat(x.Type)
	if x.Type.same(y.Type) {
		t := *x.Type
		t.nilElem = x.Type.nilElem || y.Type.nilElem
		return &t
	}
	hint := "bring them to one type: float(…), int(…), string(…)"
	refuse(n, hint, "the value would be %s or %s, and a column has one type", x.Type, y.Type)
	return nil
}

// asFloat makes a literal int one of the floats that it stands beside.
func (v *Value) asFloat(beside *Type) {
	if i, ok := v.literal.(int); ok && beside.Kind == Float {
		f := float64(i)
		*v = Value{SQL: duck.Lit(f), Type: beside, simple: true, literal: f}
	}
}

// coalesce: an error on the left stays one.
func (c *compiler) coalesce(n *ast.BinaryNode, l, r Value) Value {
	if l.Type.Kind == Nil {
		return r
	}
	t := c.unify(n, &l, &r)
	if !l.mayNil {
		l.Type = t
		return l
	}
	return c.hold(l, func(l Value) Value {
		a := duck.Args{"l": l.SQL, "r": r.SQL}
		v := Value{SQL: q("coalesce({l}, {r})", a), Type: t, mayNil: r.mayNil, mayErr: r.mayErr}
		if r.mayErr {
			v.ok = both(v, q("({l} IS NOT NULL OR {ok})", a.With(duck.Args{"ok": r.okay()})))
		}
		return when(l.okay(), v)
	})
}

// operate is + - * / % ** on numbers, + on strings, + and - on times.
func (c *compiler) operate(n *ast.BinaryNode, l, r Value) Value {
	a := duck.Args{"l": l.SQL, "r": r.SQL}
	switch op := n.Operator; {
	case op == "+" && l.Type.Kind == String && r.Type.Kind == String:
		return strict(q("({l} || {r})", a), l.Type, l, r)
	case (op == "+" || op == "-") && (l.Type.Kind == Time || l.Type.Kind == Duration) && (r.Type.Kind == Time || r.Type.Kind == Duration):
		return c.timeArithmetic(n, l, r)
	case !l.Type.number() || !r.Type.number():
	case op == "/":
		return strict(q("({l}::DOUBLE / {r}::DOUBLE)", a), &Type{Kind: Float}, l, r)
	case op == "**" || op == "^":
		return strict(q("pow({l}::DOUBLE, {r}::DOUBLE)", a), &Type{Kind: Float}, l, r)
	case op == "%":
		c.want(n.Left, l, Int)
		c.want(n.Right, r, Int)
		return c.modulo(l, r)
	case op == "+" || op == "-" || op == "*":
		if l.Type.Kind == Int && r.Type.Kind == Int {
			return c.arithmetic(op, l, r, l.Type)
		}
		return strict(q("({l}::DOUBLE {op} {r}::DOUBLE)", a.With(duck.Args{"op": duck.Text(op)})), &Type{Kind: Float}, l, r)
	}
	refuse(n, "", "%s %s %s has no meaning", l.Type, n.Operator, r.Type)
	return Value{}
}

// modulo by zero is an error in the VM and NULL in DuckDB; the smallest int by -1 overflows there.
func (c *compiler) modulo(l, r Value) Value {
	v := func(l, r Value) Value {
		return strict(q("({l} % {r})", duck.Args{"l": l.SQL, "r": r.SQL}), l.Type, l, r).errs()
	}
	if i, ok := r.literal.(int); ok {
		if i == -1 {
			return c.arithmetic("-", l, l, l.Type)
		}
		m := v(l, r)
		m.bounded, m.lo, m.hi = i > math.MinInt64, -max(int64(i), -int64(i)), max(int64(i), -int64(i))
		m.mayErr = l.mayNull() || i == 0
		return m
	}
	if l.bounded {
		return v(l, r)
	}
	return c.hold(l, func(l Value) Value {
		return c.hold(r, func(r Value) Value {
			m := v(l, r)
			m.SQL = q("CASE WHEN {r} = -1 THEN {l} & 0 ELSE {m} END", duck.Args{"l": l.SQL, "r": r.SQL, "m": m.SQL})
			return m
		})
	})
}

// Operands up to which 64 bits are enough for a sum, and for a product.
const (
	sumSafe     = 1<<62 - 1
	productSafe = 3037000499
)

// arithmetic of ints wraps around at 64 bits, as the VM's does; where that can't happen it is DuckDB's own.
func (c *compiler) arithmetic(op string, l, r Value, t *Type) Value {
	a := duck.Args{"l": l.SQL, "r": r.SQL, "op": duck.Text(op)}
	v := strict(q("({l} {op} {r})", a), t, l, r)
	if l.bounded && r.bounded {
		if lo, hi, ok := span(op, l, r); ok {
			v.bounded, v.lo, v.hi = true, lo, hi
			return v
		}
	}
	wrapped := q("CAST((({l}::HUGEINT {op} {r}::HUGEINT + 9223372036854775808::HUGEINT) & 18446744073709551615::HUGEINT) - "+
		"9223372036854775808::HUGEINT AS BIGINT)", a)
	safe := int64(sumSafe)
	if op == "*" {
		safe = productSafe
	}
	var cond []*duck.Query
	for _, o := range []Value{l, r} {
		if !o.bounded || o.lo < -safe || o.hi > safe {
			if !o.simple {
				v.SQL = wrapped
				return v
			}
			cond = append(cond, q("{v} BETWEEN {lo} AND {hi}", duck.Args{"v": o.SQL, "lo": -safe, "hi": safe}))
		}
	}
	if (l.simple || l.bounded) && (r.simple || r.bounded) && len(cond) > 0 {
		v.SQL = q("CASE WHEN {c} THEN {v} ELSE {w} END", duck.Args{"c": all(cond...), "v": v.SQL, "w": wrapped})
		return v
	}
	v.SQL = wrapped
	return v
}

// span is between what the results of bounded operands lie; ok is false when that is more than 64 bits.
func span(op string, l, r Value) (lo, hi int64, ok bool) {
	var ends []*big.Int
	for _, x := range []int64{l.lo, l.hi} {
		for _, y := range []int64{r.lo, r.hi} {
			z, bx, by := new(big.Int), big.NewInt(x), big.NewInt(y)
			switch op {
			case "+":
				z.Add(bx, by)
			case "-":
				z.Sub(bx, by)
			default:
				z.Mul(bx, by)
			}
			ends = append(ends, z)
		}
	}
	low, high := ends[0], ends[0]
	for _, e := range ends[1:] {
		if e.Cmp(low) < 0 {
			low = e
		}
		if e.Cmp(high) > 0 {
			high = e
		}
	}
	if !low.IsInt64() || !high.IsInt64() {
		return 0, 0, false
	}
	return low.Int64(), high.Int64(), true
}

// interval is l..r, both ends in it. A million elements and more are an error to the VM; more than it can count are none.
func (c *compiler) interval(l, r Value) Value {
	a := duck.Args{"l": l.SQL, "r": r.SQL}
	v := strict(q("generate_series({l}, {r})", a), &Type{Kind: List, elem: &Type{Kind: Int}}, l, r)
	if l.bounded && r.bounded && r.hi-l.lo < 999999 {
		return v
	}
	v.SQL = q("CASE WHEN {r}::HUGEINT - {l}::HUGEINT < 999999 THEN {v} WHEN {r}::HUGEINT - {l}::HUGEINT >= 9223372036854775807 THEN "+
		"[]::BIGINT[] END", a.With(duck.Args{"v": v.SQL}))
	return v.errs()
}
