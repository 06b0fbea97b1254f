package rules

import (
	"math"
	"math/big"
	"regexp"

	"github.com/expr-lang/expr/ast"

	"dsql/engine"
)

func (c *exprCompiler) unary(n *ast.UnaryNode) val {
	v := c.node(n.Node)
	switch {
	case n.Operator == "!" || n.Operator == "not":
		c.want(n.Node, v, kBool)
		return strict(q("(NOT {v})", engine.Args{"v": v.q}), v.t, v)
	case n.Operator == "+" && v.t.number():
		return v
	case n.Operator == "-" && v.t.number():
		return c.negate(v)
	}
	refuse(n, "", "%s doesn't apply to %s", n.Operator, v.t)
	return val{}
}

func (c *exprCompiler) negate(v val) val {
	switch l := v.literal.(type) {
	case int:
		return intLiteral(-int64(l))
	case float64:
		v.q, v.literal = engine.Lit(-l), -l
		return v
	}
	if v.t.kind == kFloat {
		return strict(q("(-{v})", engine.Args{"v": v.q}), v.t, v)
	}
	return c.arithmetic("-", intLiteral(0), v, v.t)
}

// want refuses a value of another kind.
func (c *exprCompiler) want(n ast.Node, v val, kinds ...kind) {
	for _, k := range kinds {
		if v.t.kind == k {
			return
		}
	}
	what := kindNames[kinds[0]]
	for _, k := range kinds[1:] {
		if k != kStruct && k != kNil {
			what += " or " + kindNames[k]
		}
	}
	refuse(n, "", "expected %s, and this is %s", what, v.t)
}

func (c *exprCompiler) binary(n *ast.BinaryNode) val {
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
			v.q = q("(NOT {v})", engine.Args{"v": v.q})
		}
		return v
	case "<", "<=", ">", ">=":
		return c.compare(n, n.Operator, l, r)
	case "??":
		return c.coalesce(n, l, r)
	case "..":
		c.want(n.Left, l, kInt)
		c.want(n.Right, r, kInt)
		return c.interval(l, r)
	case "contains", "startsWith", "endsWith":
		c.want(n.Left, l, kString, kNil)
		c.want(n.Right, r, kString, kNil)
		f := map[string]string{"contains": "contains", "startsWith": "starts_with", "endsWith": "ends_with"}[n.Operator]
		return c.falseIfNil(func(o []val) *engine.Query {
			return q("{f}({l}, {r})", engine.Args{"f": engine.Type(f), "l": textOf(o[0]), "r": textOf(o[1])})
		}, l, r)
	case "matches":
		return c.matches(n, l, r)
	}
	return c.operate(n, l, r)
}

// textOf is a string's SQL; nil has a type then.
func textOf(v val) *engine.Query {
	if v.t.kind == kNil {
		return q("NULL::VARCHAR")
	}
	return v.q
}

// falseIfNil is a condition on strings that the VM says is false for nil.
func (c *exprCompiler) falseIfNil(cond func([]val) *engine.Query, operands ...val) val {
	b := &typ{kind: kBool}
	for _, o := range operands {
		if o.mayNil {
			return c.observe(b, operands, func(o []val) *engine.Query { return q("coalesce({c}, false)", engine.Args{"c": cond(o)}) })
		}
	}
	return strict(cond(operands), b, operands...)
}

func (c *exprCompiler) matches(n *ast.BinaryNode, l, r val) val {
	c.want(n.Left, l, kString, kNil)
	pattern, ok := r.literal.(string)
	if !ok {
		refuse(n.Right, "write the pattern as a string", "the pattern of matches must be known beforehand: one that doesn't compile would stop the batch")
	}
	if _, err := regexp.Compile(pattern); err != nil {
		refuse(n.Right, "regular expressions are RE2's", "this regular expression doesn't compile: %s", err)
	}
	return c.falseIfNil(func(o []val) *engine.Query {
		return q("regexp_matches({l}, {r})", engine.Args{"l": textOf(o[0]), "r": pattern})
	}, l)
}

// logic: the right side counts only where the left one leaves it open, and need not be a bool there.
func (c *exprCompiler) logic(n *ast.BinaryNode) val {
	l, r := c.node(n.Left), c.node(n.Right)
	c.want(n.Left, l, kBool)
	c.want(n.Right, r, kBool)
	and := n.Operator == "and" || n.Operator == "&&"
	v := val{t: &typ{kind: kBool}, mayNil: r.mayNil, mayErr: l.mayNull() || r.mayErr}
	a := engine.Args{"r": r.q, "ok": orTrue(r.okay())}
	if !l.mayNull() {
		a["l"] = l.q
		if and {
			v.q, v.ok = q("({l} AND {r})", a), both(v, q("(NOT {l} OR {ok})", a))
		} else {
			v.q, v.ok = q("({l} OR {r})", a), both(v, q("({l} OR {ok})", a))
		}
		return v
	}
	return c.hold(l, func(l val) val {
		a["l"] = l.q
		if and {
			v.q, v.ok = q("CASE WHEN {l} THEN {r} WHEN NOT {l} THEN false END", a), both(v, q("CASE WHEN {l} THEN {ok} ELSE {l} IS NOT NULL END", a))
		} else {
			v.q, v.ok = q("CASE WHEN {l} THEN true WHEN NOT {l} THEN {r} END", a), both(v, q("CASE WHEN NOT {l} THEN {ok} ELSE {l} IS NOT NULL END", a))
		}
		return v
	})
}

func orTrue(c *engine.Query) *engine.Query {
	if c == nil {
		return q("true")
	}
	return c
}

func (c *exprCompiler) conditional(n *ast.ConditionalNode) val {
	cond := c.node(n.Cond)
	c.want(n.Cond, cond, kBool)
	x, y := c.node(n.Exp1), c.node(n.Exp2)
	t := c.unify(n, &x, &y)
	branch := func(cond val) val {
		a := engine.Args{"c": cond.q, "x": x.q, "y": y.q, "okx": orTrue(x.okay()), "oky": orTrue(y.okay())}
		v := val{t: t, mayNil: x.mayNil || y.mayNil, mayErr: cond.mayNull() || x.mayErr || y.mayErr}
		if cond.mayNull() {
			v.q = q("CASE WHEN {c} THEN {x} WHEN NOT {c} THEN {y} END", a)
			v.ok = q("CASE WHEN {c} THEN {okx} WHEN NOT {c} THEN {oky} ELSE false END", a)
		} else {
			v.q = q("CASE WHEN {c} THEN {x} ELSE {y} END", a)
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
func (c *exprCompiler) unify(n ast.Node, x, y *val) *typ {
	switch {
	case x.t.kind == kNil && y.t.kind == kNil:
		return x.t
	case x.t.kind == kNil:
		x.q = q("NULL::{t}", engine.Args{"t": engine.Type(y.t.sql())})
		return y.t
	case y.t.kind == kNil:
		y.q = q("NULL::{t}", engine.Args{"t": engine.Type(x.t.sql())})
		return x.t
	}
	x.asFloat(y.t)
	y.asFloat(x.t)
	if x.t.same(y.t) {
		t := *x.t
		t.nilElem = x.t.nilElem || y.t.nilElem
		return &t
	}
	hint := "bring them to one type: float(…), int(…), string(…)"
	refuse(n, hint, "the value would be %s or %s, and a column has one type", x.t, y.t)
	return nil
}

// asFloat makes a literal int one of the floats that it stands beside.
func (v *val) asFloat(beside *typ) {
	if i, ok := v.literal.(int); ok && beside.kind == kFloat {
		f := float64(i)
		*v = val{q: engine.Lit(f), t: beside, simple: true, literal: f}
	}
}

// coalesce: an error on the left stays one.
func (c *exprCompiler) coalesce(n *ast.BinaryNode, l, r val) val {
	if l.t.kind == kNil {
		return r
	}
	t := c.unify(n, &l, &r)
	if !l.mayNil {
		l.t = t
		return l
	}
	return c.hold(l, func(l val) val {
		a := engine.Args{"l": l.q, "r": r.q}
		v := val{q: q("coalesce({l}, {r})", a), t: t, mayNil: r.mayNil, mayErr: r.mayErr}
		if r.mayErr {
			v.ok = both(v, q("({l} IS NOT NULL OR {ok})", a.With(engine.Args{"ok": r.okay()})))
		}
		return when(l.okay(), v)
	})
}

// equal is IS NOT DISTINCT FROM, but that no NaN equals another.
func (c *exprCompiler) equal(n *ast.BinaryNode, l, r val) val {
	b := &typ{kind: kBool}
	null := func(v val) val {
		return c.observe(b, []val{v}, func(o []val) *engine.Query { return q("({v} IS NULL)", engine.Args{"v": o[0].q}) })
	}
	switch {
	case l.t.kind == kNil && r.t.kind == kNil:
		return val{q: q("true"), t: b, simple: true}
	case l.t.kind == kNil:
		return null(r)
	case r.t.kind == kNil:
		return null(l)
	}
	l.asFloat(r.t)
	r.asFloat(l.t)
	if !l.t.same(r.t) && !(l.t.number() && r.t.number()) && !(l.t.kind == kTime && r.t.kind == kTime) {
		refuse(n, "bring them to one type: float(…), int(…), string(…)", "%s and %s are never equal", l.t, r.t)
	}
	if !comparable(l.t) {
		refuse(n, "compare what is in them", "%s can't be compared as a whole with the VM's meaning", l.t)
	}
	nans := hasFloat(l.t) && hasFloat(r.t) && l.literal == nil && r.literal == nil
	equal := func(l, r val) *engine.Query {
		a := engine.Args{"l": l.q, "r": r.q, "op": q("=")}
		if l.mayNil && r.mayNil {
			a["op"] = q("IS NOT DISTINCT FROM")
		}
		if nans {
			return q("(({l} {op} {r}) > {nan})", a.With(engine.Args{"nan": nan(l)})) // AND NOT, but NULL for NULL
		}
		return q("({l} {op} {r})", a)
	}
	result := func(l val) val {
		switch {
		case !l.mayNil && !r.mayNil:
			return strict(equal(l, r), b, l, r)
		case l.mayNil != r.mayNil:
			return c.observe(b, []val{l, r}, func(o []val) *engine.Query { return q("coalesce({e}, false)", engine.Args{"e": equal(o[0], o[1])}) })
		}
		return c.observe(b, []val{l, r}, func(o []val) *engine.Query { return equal(o[0], o[1]) })
	}
	if nans {
		return c.hold(l, result)
	}
	return result(l)
}

// comparable: the VM compares two values of the type by what is in them.
func comparable(t *typ) bool {
	switch t.kind {
	case kMap, kStruct, kMonth, kWeekday, kZone:
		return false
	case kList:
		return comparable(t.elem)
	}
	return true
}

func hasFloat(t *typ) bool { return t.kind == kFloat || t.kind == kList && hasFloat(t.elem) }

// nan is a condition, never NULL, that holds when v is NaN or an array with one in it.
func nan(v val) *engine.Query {
	if v.t.kind == kFloat {
		return q("coalesce(isnan({v}), false)", engine.Args{"v": v.q})
	}
	test := q(`isnan("_ n")`)
	list := v.q
	for t := v.t.elem; t.kind == kList; t = t.elem {
		list = q("flatten({l})", engine.Args{"l": list})
	}
	return q(`coalesce(list_bool_or(list_transform({l}, lambda "_ n": {test})), false)`, engine.Args{"l": list, "test": test})
}

// compare: no NaN is below, above or equal to anything. DuckDB has it above all.
func (c *exprCompiler) compare(n ast.Node, op string, l, r val) val {
	if !(l.t.number() && r.t.number()) && (l.t.kind != r.t.kind || l.t.kind != kString && l.t.kind != kTime && l.t.kind != kDuration) {
		refuse(n, "bring them to one type: float(…), int(…), string(…)", "%s %s %s has no meaning", l.t, op, r.t)
	}
	l.asFloat(r.t)
	r.asFloat(l.t)
	high := r // the side that DuckDB would have above when it is NaN
	if op[0] == '>' {
		high = l
	}
	result := func(l, r, high val) val {
		a := engine.Args{"l": l.q, "r": r.q, "op": engine.Type(op), "h": high.q}
		v := q("({l} {op} {r})", a)
		if high.t.kind == kFloat && high.literal == nil {
			v = q("(({l} {op} {r}) > isnan({h}))", a) // AND NOT, but NULL for NULL
		}
		return strict(v, &typ{kind: kBool}, l, r)
	}
	if high.t.kind != kFloat || high.literal != nil {
		return result(l, r, high)
	}
	return c.hold(high, func(high val) val {
		if op[0] == '>' {
			return result(high, r, high)
		}
		return result(l, high, high)
	})
}

// operate is + - * / % ** on numbers, + on strings, + and - on times.
func (c *exprCompiler) operate(n *ast.BinaryNode, l, r val) val {
	a := engine.Args{"l": l.q, "r": r.q}
	switch op := n.Operator; {
	case op == "+" && l.t.kind == kString && r.t.kind == kString:
		return strict(q("({l} || {r})", a), l.t, l, r)
	case (op == "+" || op == "-") && (l.t.kind == kTime || l.t.kind == kDuration) && (r.t.kind == kTime || r.t.kind == kDuration):
		return c.timeArithmetic(n, l, r)
	case !l.t.number() || !r.t.number():
	case op == "/":
		return strict(q("({l}::DOUBLE / {r}::DOUBLE)", a), &typ{kind: kFloat}, l, r)
	case op == "**" || op == "^":
		return strict(q("pow({l}::DOUBLE, {r}::DOUBLE)", a), &typ{kind: kFloat}, l, r)
	case op == "%":
		c.want(n.Left, l, kInt)
		c.want(n.Right, r, kInt)
		return c.modulo(l, r)
	case op == "+" || op == "-" || op == "*":
		if l.t.kind == kInt && r.t.kind == kInt {
			return c.arithmetic(op, l, r, l.t)
		}
		return strict(q("({l}::DOUBLE {op} {r}::DOUBLE)", a.With(engine.Args{"op": engine.Type(op)})), &typ{kind: kFloat}, l, r)
	}
	refuse(n, "", "%s %s %s has no meaning", l.t, n.Operator, r.t)
	return val{}
}

// modulo by zero is an error in the VM and NULL in DuckDB; the smallest int by -1 overflows there.
func (c *exprCompiler) modulo(l, r val) val {
	v := func(l, r val) val {
		return strict(q("({l} % {r})", engine.Args{"l": l.q, "r": r.q}), l.t, l, r).errs()
	}
	if i, ok := r.literal.(int); ok {
		if i == -1 {
			return c.arithmetic("-", l, l, l.t)
		}
		m := v(l, r)
		m.bounded, m.lo, m.hi = i > math.MinInt64, -max(int64(i), -int64(i)), max(int64(i), -int64(i))
		m.mayErr = l.mayNull() || i == 0
		return m
	}
	if l.bounded {
		return v(l, r)
	}
	return c.hold(l, func(l val) val {
		return c.hold(r, func(r val) val {
			m := v(l, r)
			m.q = q("CASE WHEN {r} = -1 THEN {l} & 0 ELSE {m} END", engine.Args{"l": l.q, "r": r.q, "m": m.q})
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
func (c *exprCompiler) arithmetic(op string, l, r val, t *typ) val {
	a := engine.Args{"l": l.q, "r": r.q, "op": engine.Type(op)}
	v := strict(q("({l} {op} {r})", a), t, l, r)
	if l.bounded && r.bounded {
		if lo, hi, ok := span(op, l, r); ok {
			v.bounded, v.lo, v.hi = true, lo, hi
			return v
		}
	}
	wrapped := q("CAST((({l}::HUGEINT {op} {r}::HUGEINT + 9223372036854775808::HUGEINT) & 18446744073709551615::HUGEINT) - 9223372036854775808::HUGEINT AS BIGINT)", a)
	safe := int64(sumSafe)
	if op == "*" {
		safe = productSafe
	}
	var cond []*engine.Query
	for _, o := range []val{l, r} {
		if !o.bounded || o.lo < -safe || o.hi > safe {
			if !o.simple {
				v.q = wrapped
				return v
			}
			cond = append(cond, q("{v} BETWEEN {lo} AND {hi}", engine.Args{"v": o.q, "lo": -safe, "hi": safe}))
		}
	}
	if (l.simple || l.bounded) && (r.simple || r.bounded) && len(cond) > 0 {
		v.q = q("CASE WHEN {c} THEN {v} ELSE {w} END", engine.Args{"c": all(cond...), "v": v.q, "w": wrapped})
		return v
	}
	v.q = wrapped
	return v
}

// span is between what the results of bounded operands lie; ok is false when that is more than 64 bits.
func span(op string, l, r val) (lo, hi int64, ok bool) {
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
func (c *exprCompiler) interval(l, r val) val {
	a := engine.Args{"l": l.q, "r": r.q}
	v := strict(q("generate_series({l}, {r})", a), &typ{kind: kList, elem: &typ{kind: kInt}}, l, r)
	if l.bounded && r.bounded && r.hi-l.lo < 999999 {
		return v
	}
	v.q = q("CASE WHEN {r}::HUGEINT - {l}::HUGEINT < 999999 THEN {v} WHEN {r}::HUGEINT - {l}::HUGEINT >= 9223372036854775807 THEN []::BIGINT[] END", a.With(engine.Args{"v": v.q}))
	return v.errs()
}
