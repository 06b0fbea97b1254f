package rules

import (
	"math"

	"github.com/expr-lang/expr/ast"

	"dsql/engine"
)

// goSpace is what Go's strings.TrimSpace removes.
const goSpace = "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

// loops are the builtins with a predicate.
var loops = map[string]bool{"all": true, "any": true, "none": true, "one": true, "filter": true, "map": true, "count": true, "sum": true, "find": true, "findIndex": true, "findLast": true, "findLastIndex": true, "groupBy": true, "sortBy": true, "reduce": true}

// refused are the builtins that SQL can't say the same way.
var refused = map[string][2]string{
	"toJSON":    {"expr writes JSON with line breaks and the fields of maps in its own order", "use to_json(…) in SQL"},
	"fromJSON":  {"what the text holds has no type beforehand", "read it in SQL: json_extract, ->>, from_json"},
	"keys":      {"expr gives the keys of a map in random order", "use map_keys(…) in SQL"},
	"values":    {"expr gives the values of a map in random order", "use map_values(…) in SQL"},
	"toPairs":   {"expr gives the pairs of a map in random order", "use map_entries(…) in SQL"},
	"fromPairs": {"the map's values may be of any type", "use map_from_entries(…) in SQL"},
}

// arity of the builtins that take values.
var arity = map[string][2]int{"len": {1, 1}, "type": {1, 1}, "abs": {1, 1}, "ceil": {1, 1}, "floor": {1, 1}, "round": {1, 1}, "int": {1, 1}, "float": {1, 1}, "string": {1, 1},
	"trim": {1, 2}, "trimPrefix": {1, 2}, "trimSuffix": {1, 2}, "upper": {1, 1}, "lower": {1, 1}, "split": {2, 3}, "splitAfter": {2, 3}, "replace": {3, 4}, "repeat": {2, 2}, "join": {1, 2},
	"indexOf": {2, 2}, "lastIndexOf": {2, 2}, "hasPrefix": {2, 2}, "hasSuffix": {2, 2}, "max": {1, 99}, "min": {1, 99}, "mean": {1, 99}, "median": {1, 99}, "toBase64": {1, 1}, "fromBase64": {1, 1},
	"now": {0, 0}, "duration": {1, 1}, "date": {1, 3}, "timezone": {1, 1}, "first": {1, 1}, "last": {1, 1}, "get": {2, 2}, "take": {2, 2}, "reverse": {1, 1}, "uniq": {1, 1}, "concat": {1, 99}, "flatten": {1, 1},
	"sort": {1, 2}, "bitand": {2, 2}, "bitor": {2, 2}, "bitxor": {2, 2}, "bitnand": {2, 2}, "bitshl": {2, 2}, "bitshr": {2, 2}, "bitushr": {2, 2}, "bitnot": {1, 1}}

func (c *exprCompiler) builtin(n *ast.BuiltinNode) val {
	if r, no := refused[n.Name]; no {
		refuse(n, r[1], "%s: %s", n.Name, r[0])
	}
	if loops[n.Name] {
		return c.loop(n)
	}
	want, known := arity[n.Name]
	if !known {
		refuse(n, "", "%s has no SQL", n.Name)
	}
	if len(n.Arguments) < want[0] || len(n.Arguments) > want[1] {
		refuse(n, "", "%s takes %d arguments, and these are %d", n.Name, want[0], len(n.Arguments))
	}
	switch n.Name {
	case "now", "duration", "date", "timezone":
		return c.timeFunction(n)
	case "sort":
		return c.sort(n)
	case "get":
		return c.get(n)
	}
	args := make([]val, len(n.Arguments))
	for i, x := range n.Arguments {
		args[i] = c.node(x)
	}
	switch n.Name {
	case "len", "type", "int", "float", "string":
		return c.convert(n, args[0])
	case "trim", "trimPrefix", "trimSuffix", "upper", "lower", "split", "splitAfter", "replace", "repeat", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "toBase64", "fromBase64":
		return c.stringFunction(n, args)
	case "abs", "ceil", "floor", "round":
		return c.rounding(n, args[0])
	case "max", "min", "mean", "median":
		return c.statistic(n, args)
	case "bitand", "bitor", "bitxor", "bitnand", "bitshl", "bitshr", "bitushr", "bitnot":
		return c.bits(n, args)
	}
	return c.arrayFunction(n, args)
}

func (c *exprCompiler) convert(n *ast.BuiltinNode, v val) val {
	i, f, s := &typ{kind: kInt}, &typ{kind: kFloat}, &typ{kind: kString}
	a := engine.Args{"v": v.q}
	switch n.Name {
	case "len":
		c.want(n.Arguments[0], v, kString, kList, kMap, kStruct)
		r := strict(q("len({v})", a), i, v)
		switch v.t.kind {
		case kString:
			r.q = q("length({v})", a)
		case kMap:
			r.q = q("cardinality({v})::BIGINT", a)
		case kStruct:
			r.q = q("CASE WHEN {v} IS NOT NULL THEN {n} END", a.With(engine.Args{"n": len(v.t.fields)}))
		}
		r.bounded, r.hi = true, 1<<40
		return r
	case "type":
		name := map[kind]string{kBool: "bool", kInt: "int", kFloat: "float", kString: "string", kTime: "time.Time", kDuration: "time.Duration", kMonth: "time.Month", kWeekday: "time.Weekday", kList: "array", kMap: "map", kStruct: "map"}[v.t.kind]
		return c.observe(s, []val{v}, func(o []val) *engine.Query {
			return q("CASE WHEN {v} IS NULL THEN 'nil' ELSE {name} END", engine.Args{"v": o[0].q, "name": name})
		})
	case "int":
		switch v.t.kind {
		case kInt, kMonth, kWeekday, kDuration:
			return v.number(i)
		case kFloat: // what doesn't fit gives something else on each machine in the VM
			return strict(q("TRY_CAST(trunc({v}) AS BIGINT)", a), i, v).errs()
		}
		c.want(n.Arguments[0], v, kInt, kFloat, kString)
		return c.hold(v, func(v val) val {
			return strict(q("CASE WHEN regexp_full_match({v}, '[+-]?[0-9]+') THEN TRY_CAST({v} AS BIGINT) END", engine.Args{"v": v.q}), i, v).errs()
		})
	case "float":
		switch v.t.kind {
		case kFloat:
			return v.number(f)
		case kInt:
			return strict(q("CAST({v} AS DOUBLE)", a), f, v)
		}
		c.want(n.Arguments[0], v, kInt, kFloat, kString)
		return c.hold(v, func(v val) val {
			a := engine.Args{"v": v.q}
			return strict(q(`CASE WHEN regexp_full_match({v}, '(?i)[+-]?(inf|infinity)|nan') THEN TRY_CAST({v} AS DOUBLE)
				WHEN regexp_full_match({v}, '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?') AND isfinite(TRY_CAST({v} AS DOUBLE)) THEN TRY_CAST({v} AS DOUBLE) END`, a), f, v).errs()
		})
	}
	return c.str(n, v)
}

// number is int(v) or float(v) of what is one: an error for nil.
func (v val) number(t *typ) val {
	v.t, v.mayErr, v.mayNil, v.ok = t, v.mayNull(), false, nil
	return v
}

// str is string(v): Go's %v.
func (c *exprCompiler) str(n ast.Node, v val) val {
	s := &typ{kind: kString}
	text := func(v val) *engine.Query {
		a := engine.Args{"v": v.q}
		switch v.t.kind {
		case kString:
			return v.q
		case kBool, kInt:
			return q("CAST({v} AS VARCHAR)", a)
		case kMonth:
			return q("monthname(make_date(2000, {v}::INTEGER, 1))", a)
		case kWeekday:
			return q("dayname(DATE '2023-01-01' + {v}::INTEGER)", a)
		case kFloat:
			return c.goFloat(v)
		}
		return nil
	}
	if text(v) == nil {
		if v.t.kind == kNil {
			return val{q: q("'<nil>'"), t: s, simple: true}
		}
		refuse(n, "make the text in SQL", "Go writes %s in a way of its own", v.t)
	}
	if !v.mayNil {
		return strict(text(v), s, v)
	}
	return c.hold(v, func(v val) val {
		return c.observe(s, []val{v}, func(o []val) *engine.Query {
			return q("coalesce({t}, '<nil>')", engine.Args{"t": text(o[0])})
		})
	})
}

// goFloat writes a float as Go's %v does: the shortest digits that read back the same, with an exponent below 1e-4 and from 1e6
// on. DuckDB has the same digits, but an exponent from 1e16 on, and .0 behind whole numbers.
func (c *exprCompiler) goFloat(v val) *engine.Query {
	return c.hold(v, func(v val) val {
		a := engine.Args{"v": v.q, "t": q("CAST({v} AS VARCHAR)", engine.Args{"v": v.q})}
		a["digits"] = q("rtrim(replace(replace({t}, '-', ''), '.', ''), '0')", a)
		a["exponent"] = q("lpad(CAST(instr(replace({t}, '-', ''), '.') - 2 AS VARCHAR), 2, '0')", a)
		a["scientific"] = q("CASE WHEN {v} < 0 THEN '-' ELSE '' END || left({digits}, 1) || CASE WHEN length({digits}) > 1 THEN '.' ELSE '' END || substring({digits}, 2) || 'e+' || {exponent}", a)
		return val{q: q(`CASE WHEN isnan({v}) THEN 'NaN' WHEN {v} = 'Infinity'::DOUBLE THEN '+Inf' WHEN {v} = '-Infinity'::DOUBLE THEN '-Inf'
			WHEN abs({v}) < 1e6 OR abs({v}) >= 1e16 THEN regexp_replace({t}, '\.0$', '') ELSE {scientific} END`, a)}
	}).q
}

func (c *exprCompiler) rounding(n *ast.BuiltinNode, v val) val {
	c.want(n, v, kInt, kFloat)
	a := engine.Args{"v": v.q, "f": engine.Type(n.Name)}
	switch {
	case n.Name != "abs" && v.t.kind == kInt:
		return strict(q("CAST({v} AS DOUBLE)", a), &typ{kind: kFloat}, v)
	case n.Name != "abs" || v.t.kind == kFloat:
		return strict(q("{f}({v})", a), v.t, v)
	case v.bounded && v.lo > math.MinInt64:
		r := strict(q("abs({v})", a), v.t, v)
		r.bounded, r.hi = true, max(v.hi, -v.lo)
		return r
	}
	return c.hold(v, func(v val) val { // the smallest int has no positive counterpart, and stays
		a := engine.Args{"v": v.q, "neg": c.arithmetic("-", intLiteral(0), v, v.t).q}
		return strict(q("CASE WHEN {v} < 0 THEN {neg} ELSE {v} END", a), v.t, v)
	})
}

func (c *exprCompiler) bits(n *ast.BuiltinNode, args []val) val {
	for i, v := range args {
		c.want(n.Arguments[i], v, kInt)
	}
	i := &typ{kind: kInt}
	if n.Name == "bitnot" {
		return strict(q("(~ {v})", engine.Args{"v": args[0].q}), i, args[0])
	}
	if f, ok := map[string]string{"bitand": "({x} & {y})", "bitor": "({x} | {y})", "bitxor": "xor({x}, {y})", "bitnand": "({x} & ~ {y})"}[n.Name]; ok {
		return strict(q(f, engine.Args{"x": args[0].q, "y": args[1].q}), i, args...)
	}
	return c.hold(args[0], func(x val) val { // a negative shift is an error; one by 64 and more shifts all out
		return c.hold(args[1], func(y val) val {
			a := engine.Args{"x": x.q, "y": y.q}
			var v *engine.Query
			switch n.Name {
			case "bitshl":
				v = q("CAST((((({x}::HUGEINT * (1::HUGEINT << {y}::HUGEINT)) & 18446744073709551615::HUGEINT) + 9223372036854775808::HUGEINT) & 18446744073709551615::HUGEINT) - 9223372036854775808::HUGEINT AS BIGINT)", a)
				v = q("CASE WHEN {y} BETWEEN 0 AND 63 THEN {v} WHEN {y} > 63 THEN {x} & 0 END", a.With(engine.Args{"v": v}))
			case "bitshr":
				v = q("CASE WHEN {y} BETWEEN 0 AND 63 THEN {x} >> {y} WHEN {y} > 63 THEN CASE WHEN {x} < 0 THEN -1 WHEN {x} >= 0 THEN 0 END END", a)
			default:
				v = q("CASE WHEN {y} = 0 THEN {x} WHEN {y} BETWEEN 1 AND 63 THEN CAST(({x}::HUGEINT & 18446744073709551615::HUGEINT) >> {y}::HUGEINT AS BIGINT) WHEN {y} > 63 THEN {x} & 0 END", a)
			}
			return strict(v, i, x, y).errs()
		})
	})
}

// numbers are the arguments of max, min, mean and median as one array: several numbers, or one array of them.
func (c *exprCompiler) numbers(n *ast.BuiltinNode, args []val) val {
	if len(args) == 1 && args[0].t.kind == kList {
		if !args[0].t.elem.number() {
			refuse(n.Arguments[0], "", "%s takes numbers, and this is %s", n.Name, args[0].t)
		}
		return args[0]
	}
	for i, v := range args {
		c.want(n.Arguments[i], v, kInt, kFloat)
	}
	list := c.listOf(n, args)
	list.mayErr, list.t.nilElem = true, false // nil among numbers is an error
	for _, v := range args {
		if v.mayNull() {
			list.q = q("CASE WHEN {v} IS NOT NULL THEN {l} END", engine.Args{"v": v.q, "l": list.q})
		}
	}
	return list
}

func (c *exprCompiler) statistic(n *ast.BuiltinNode, args []val) val {
	if len(args) == 1 && args[0].t.number() && (n.Name == "max" || n.Name == "min") {
		return args[0]
	}
	list := c.numbers(n, args)
	t := list.t.elem
	return c.hold(list, func(list val) val {
		a := engine.Args{"l": list.q}
		whole := list.present()
		if list.t.nilElem {
			whole = q("coalesce(list_count({l}) = len({l}), false)", a)
		}
		switch n.Name {
		case "max", "min": // of no numbers: nil. A NaN stays where it is first, and is passed over behind.
			op := map[string]string{"max": "<", "min": ">"}[n.Name]
			acc, x := c.param(), c.param()
			l, r := val{q: acc, t: t, simple: true}, val{q: x, t: t, simple: true}
			a := a.With(engine.Args{"acc": acc, "x": x, "less": c.compare(n, op, l, r).q})
			v := val{q: q("CASE WHEN len({l}) > 0 THEN list_reduce({l}, lambda {acc}, {x}: CASE WHEN {less} THEN {x} ELSE {acc} END) END", a), t: t, mayNil: true}
			every := list.okay() // max and min of nil are nil
			if list.t.nilElem {
				every = all(every, q("coalesce(list_count({l}) = len({l}), true)", a))
			}
			return when(every, v)
		case "mean":
			p := c.param()
			e := each{list: list, p: p, body: val{q: q("CAST({p} AS DOUBLE)", engine.Args{"p": p}), t: &typ{kind: kFloat}}}
			a["sum"] = c.total(e, e.body.t).q
			return when(whole, val{q: q("CASE WHEN len({l}) = 0 THEN 0::DOUBLE ELSE {sum} / len({l}) END", a), t: e.body.t})
		}
		f := &typ{kind: kFloat}
		sorted := val{q: q("list_sort(CAST({l} AS DOUBLE[]))", a), t: &typ{kind: kList, elem: f}}
		if t.kind == kFloat { // Go sorts NaN first
			sorted.q = q(`list_concat(list_filter({l}, lambda "_ n": isnan("_ n")), list_sort(list_filter({l}, lambda "_ n": NOT isnan("_ n"))))`, a)
		}
		return when(whole, c.hold(sorted, func(s val) val {
			a := engine.Args{"s": s.q}
			return val{t: f, q: q(`CASE WHEN len({s}) = 0 THEN 0::DOUBLE WHEN len({s}) % 2 = 1 THEN list_extract({s}, len({s}) // 2 + 1)
				ELSE (list_extract({s}, len({s}) // 2) + list_extract({s}, len({s}) // 2 + 1)) / 2 END`, a)}
		}))
	})
}

// get is a[i] and a.b that give nil where there is nothing.
func (c *exprCompiler) get(n *ast.BuiltinNode) val {
	from, key := c.node(n.Arguments[0]), c.node(n.Arguments[1])
	switch from.t.kind {
	case kList:
		c.want(n.Arguments[1], key, kInt)
		return c.hold(key, func(key val) val {
			return c.hold(from, func(from val) val {
				v := c.at(from, key)
				v.mayNil = true
				unasked := q("({f} IS NULL OR {k} IS NOT NULL)", engine.Args{"f": from.q, "k": key.q}) // an index that is nil is an error only where there is an array
				if !key.mayNil {
					unasked = nil
				}
				return when(all(from.okay(), key.okay(), unasked), v)
			})
		})
	case kMap:
		c.want(n.Arguments[1], key, kString)
		return c.hold(from, func(from val) val {
			v := val{q: q("map_extract_value({m}, {k})", engine.Args{"m": from.q, "k": noKey(key)}), t: from.t.elem, mayNil: true}
			return when(all(from.okay(), key.okay()), v)
		})
	case kStruct:
		name, ok := key.literal.(string)
		if !ok {
			refuse(n.Arguments[1], "write the name as a string", "which field must be known beforehand")
		}
		t, ok := from.t.field(name)
		if !ok {
			refuse(n.Arguments[1], "", "there is no field %s, so this is always nil", name)
		}
		return c.hold(from, func(from val) val {
			return when(from.okay(), val{q: q("struct_extract({s}, {f})", engine.Args{"s": from.q, "f": name}), t: t, mayNil: true})
		})
	}
	refuse(n, "", "get takes an array or a map, and this is %s", from.t)
	return val{}
}

func (c *exprCompiler) arrayFunction(n *ast.BuiltinNode, args []val) val {
	l := args[0]
	c.want(n.Arguments[0], l, kList)
	a := engine.Args{"l": l.q}
	switch n.Name {
	case "first", "last": // nil where there is no array, too
		a["i"] = map[string]int{"first": 1, "last": -1}[n.Name]
		return when(l.okay(), val{q: q("list_extract({l}, {i})", a), t: l.t.elem, mayNil: true})
	case "take":
		c.want(n.Arguments[1], args[1], kInt)
		return c.hold(args[1], func(k val) val {
			return strict(q("CASE WHEN {k} >= 0 THEN list_slice({l}, 1, {k}) END", a.With(engine.Args{"k": k.q})), l.t, l, k).errs()
		})
	case "reverse":
		return strict(q("list_reverse({l})", a), l.t, l)
	case "uniq":
		if !comparable(l.t.elem) {
			refuse(n, "", "%s can't be compared as a whole with the VM's meaning", l.t.elem)
		}
		return c.hold(l, func(l val) val {
			x, i := c.param(), c.param()
			a := engine.Args{"l": l.q, "x": x, "i": i}
			keep := q("list_position({l}, {x}) = {i}", a)
			if hasFloat(l.t.elem) { // no NaN equals another
				keep = q("({k} OR {nan})", engine.Args{"k": keep, "nan": nan(val{q: x, t: l.t.elem})})
			}
			return strict(q("list_filter({l}, lambda {x}, {i}: {k})", a.With(engine.Args{"k": keep})), l.t, l)
		})
	case "flatten":
		if l.t.elem.kind != kList {
			return l
		}
		t := *l.t.elem
		inner := q("list_transform({l}, lambda {x}: coalesce({x}, [NULL]))", a.With(engine.Args{"x": c.param()}))
		if !l.t.nilElem {
			inner = l.q
		}
		t.nilElem = t.nilElem || l.t.nilElem
		v := strict(q("flatten({l})", engine.Args{"l": inner}), &t, l)
		if t.elem.kind == kList {
			return c.arrayFunction(&ast.BuiltinNode{Name: "flatten", Arguments: n.Arguments}, []val{v})
		}
		return v
	case "concat":
		t := *l.t
		for i, v := range args {
			c.want(n.Arguments[i], v, kList)
			if !v.t.same(l.t) {
				refuse(n.Arguments[i], "bring them to one type", "%s can't follow %s in one array", v.t, l.t)
			}
			t.nilElem = t.nilElem || v.t.nilElem
		}
		out := q("list_concat({all})", engine.Args{"all": engine.Each(", ", args, func(v val) *engine.Query { return v.q })})
		for _, v := range args {
			if v.mayNull() { // list_concat passes over NULL
				out = q("CASE WHEN {v} IS NOT NULL THEN {out} END", engine.Args{"v": v.q, "out": out})
			}
		}
		return strict(out, &t, args...)
	case "join":
		if l.t.elem.kind != kString {
			refuse(n.Arguments[0], "map it: map(…, string(#))", "join takes an array of strings, and this is %s", l.t)
		}
		sep := val{q: engine.Lit(""), t: l.t.elem, simple: true, literal: ""}
		if len(args) > 1 {
			c.want(n.Arguments[1], args[1], kString)
			sep = args[1]
		}
		return c.hold(l, func(l val) val {
			return c.hold(sep, func(sep val) val {
				v := strict(c.join(l.q, sep), l.t.elem, l, sep)
				if l.t.nilElem {
					v = when(q("coalesce(list_count({l}) = len({l}), false)", engine.Args{"l": l.q}), v)
				}
				return v
			})
		})
	}
	refuse(n, "", "%s has no SQL", n.Name)
	return val{}
}

// join is the strings of a list with sep between them. DuckDB's own takes a literal separator only.
func (c *exprCompiler) join(list *engine.Query, sep val) *engine.Query {
	a := engine.Args{"l": list, "sep": sep.q}
	if sep.literal != nil {
		return q("array_to_string({l}, {sep})", a)
	}
	a["i"], a["x"] = c.param(), c.param()
	return q("CASE WHEN {sep} IS NOT NULL THEN array_to_string(list_transform({l}, lambda {x}, {i}: CASE WHEN {i} = 1 THEN {x} ELSE {sep} || {x} END), '') END", a)
}
