package expr

import (
	"math"

	"github.com/expr-lang/expr/ast"

	"dsql/engine/duck"
)

// Functions of numbers and of lists of numbers.

func (c *compiler) rounding(n *ast.BuiltinNode, v Value) Value {
	c.want(n, v, Int, Float)
	a := duck.Args{"v": v.SQL, "f": duck.Text(n.Name)}
	switch {
	case n.Name != "abs" && v.Type.Kind == Int:
		return strict(q("CAST({v} AS DOUBLE)", a), &Type{Kind: Float}, v)
	case n.Name != "abs" || v.Type.Kind == Float:
		return strict(q("{f}({v})", a), v.Type, v)
	case v.bounded && v.lo > math.MinInt64:
		r := strict(q("abs({v})", a), v.Type, v)
		r.bounded, r.hi = true, max(v.hi, -v.lo)
		return r
	}
	return c.hold(v, func(v Value) Value { // the smallest int has no positive counterpart, and stays
		a := duck.Args{"v": v.SQL, "neg": c.arithmetic("-", intLiteral(0), v, v.Type).SQL}
		return strict(q("CASE WHEN {v} < 0 THEN {neg} ELSE {v} END", a), v.Type, v)
	})
}

func (c *compiler) bits(n *ast.BuiltinNode, args []Value) Value {
	for i, v := range args {
		c.want(n.Arguments[i], v, Int)
	}
	i := &Type{Kind: Int}
	if n.Name == "bitnot" {
		return strict(q("(~ {v})", duck.Args{"v": args[0].SQL}), i, args[0])
	}
	if f, ok := map[string]string{"bitand": "({x} & {y})", "bitor": "({x} | {y})", "bitxor": "xor({x}, {y})",
		"bitnand": "({x} & ~ {y})"}[n.Name]; ok {
		return strict(q(f, duck.Args{"x": args[0].SQL, "y": args[1].SQL}), i, args...)
	}
	return c.hold(args[0], func(x Value) Value { // a negative shift is an error; one by 64 and more shifts all out
		return c.hold(args[1], func(y Value) Value {
			a := duck.Args{"x": x.SQL, "y": y.SQL}
			var v *duck.Query
			switch n.Name {
			case "bitshl":
				v = q("CAST((((({x}::HUGEINT * (1::HUGEINT << {y}::HUGEINT)) & 18446744073709551615::HUGEINT) + 9223372036854775808::HUGEINT) & "+
					"18446744073709551615::HUGEINT) - 9223372036854775808::HUGEINT AS BIGINT)", a)
				v = q("CASE WHEN {y} BETWEEN 0 AND 63 THEN {v} WHEN {y} > 63 THEN {x} & 0 END", a.With(duck.Args{"v": v}))
			case "bitshr":
				v = q("CASE WHEN {y} BETWEEN 0 AND 63 THEN {x} >> {y} WHEN {y} > 63 THEN CASE WHEN {x} < 0 THEN -1 WHEN {x} >= 0 THEN 0 END END", a)
			default:
				v = q("CASE WHEN {y} = 0 THEN {x} WHEN {y} BETWEEN 1 AND 63 THEN CAST(({x}::HUGEINT & 18446744073709551615::HUGEINT) >> "+
					"{y}::HUGEINT AS BIGINT) WHEN {y} > 63 THEN {x} & 0 END", a)
			}
			return strict(v, i, x, y).errs()
		})
	})
}

// numbers are the arguments of max, min, mean and median as one array: several numbers, or one array of them.
func (c *compiler) numbers(n *ast.BuiltinNode, args []Value) Value {
	if len(args) == 1 && args[0].Type.Kind == List {
		if !args[0].Type.elem.number() {
			refuse(n.Arguments[0], "", "%s takes numbers, and this is %s", n.Name, args[0].Type)
		}
		return args[0]
	}
	for i, v := range args {
		c.want(n.Arguments[i], v, Int, Float)
	}
	list := c.listOf(n, args)
	list.mayErr, list.Type.nilElem = true, false // nil among numbers is an error
	for _, v := range args {
		if v.mayNull() {
			list.SQL = q("CASE WHEN {v} IS NOT NULL THEN {l} END", duck.Args{"v": v.SQL, "l": list.SQL})
		}
	}
	return list
}

func (c *compiler) statistic(n *ast.BuiltinNode, args []Value) Value {
	if len(args) == 1 && args[0].Type.number() && (n.Name == "max" || n.Name == "min") {
		return args[0]
	}
	list := c.numbers(n, args)
	t := list.Type.elem
	return c.hold(list, func(list Value) Value {
		a := duck.Args{"l": list.SQL}
		whole := list.present()
		if list.Type.nilElem {
			whole = q("coalesce(list_count({l}) = len({l}), false)", a)
		}
		switch n.Name {
		case "max", "min": // of no numbers: nil. A NaN stays where it is first, and is passed over behind.
			op := map[string]string{"max": "<", "min": ">"}[n.Name]
			acc, x := c.param(), c.param()
			l, r := Value{SQL: acc, Type: t, simple: true}, Value{SQL: x, Type: t, simple: true}
			a := a.With(duck.Args{"acc": acc, "x": x, "less": c.compare(n, op, l, r).SQL})
			v := Value{SQL: q("CASE WHEN len({l}) > 0 THEN list_reduce({l}, lambda {acc}, {x}: CASE WHEN {less} THEN {x} ELSE {acc} END) END", a),
				Type: t, mayNil: true}
			every := list.okay() // max and min of nil are nil
			if list.Type.nilElem {
				every = all(every, q("coalesce(list_count({l}) = len({l}), true)", a))
			}
			return when(every, v)
		case "mean":
			p := c.param()
			e := each{list: list, p: p, body: Value{SQL: q("CAST({p} AS DOUBLE)", duck.Args{"p": p}), Type: &Type{Kind: Float}}}
			a["sum"] = c.total(e, e.body.Type).SQL
			return when(whole, Value{SQL: q("CASE WHEN len({l}) = 0 THEN 0::DOUBLE ELSE {sum} / len({l}) END", a), Type: e.body.Type})
		}
		f := &Type{Kind: Float}
		sorted := Value{SQL: q("list_sort(CAST({l} AS DOUBLE[]))", a), Type: &Type{Kind: List, elem: f}}
		if t.Kind == Float { // Go sorts NaN first
			sorted.SQL = q(`list_concat(list_filter({l}, lambda "_ n": isnan("_ n")), list_sort(list_filter({l}, lambda "_ n": NOT isnan("_ n"))))`,
				a)
		}
		return when(whole, c.hold(sorted, func(s Value) Value {
			a := duck.Args{"s": s.SQL}
			return Value{Type: f, SQL: q(`CASE WHEN len({s}) = 0 THEN 0::DOUBLE WHEN len({s}) % 2 = 1 THEN list_extract({s}, len({s}) // 2 + 1)
				ELSE (list_extract({s}, len({s}) // 2) + list_extract({s}, len({s}) // 2 + 1)) / 2 END`, a)}
		}))
	})
}
