package expr

import (
	"github.com/expr-lang/expr/ast"

	"dsql/engine/duck"
)

// goSpace is what Go's strings.TrimSpace removes.
const goSpace = "\t\n\v\f\r " +
	"\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

// loops are the builtins with a predicate.
var loops = map[string]bool{"all": true, "any": true, "none": true, "one": true, "filter": true, "map": true, "count": true, "sum": true,
	"find": true, "findIndex": true, "findLast": true, "findLastIndex": true, "groupBy": true, "sortBy": true, "reduce": true}

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
var arity = map[string][2]int{"len": {1, 1}, "type": {1, 1}, "abs": {1, 1}, "ceil": {1, 1}, "floor": {1, 1}, "round": {1, 1}, "int": {1, 1},
	"float": {1, 1}, "string": {1, 1},
	"trim": {1, 2}, "trimPrefix": {1, 2}, "trimSuffix": {1, 2}, "upper": {1, 1}, "lower": {1, 1}, "split": {2, 3}, "splitAfter": {2, 3},
	"replace": {3, 4}, "repeat": {2, 2}, "join": {1, 2},
	"indexOf": {2, 2}, "lastIndexOf": {2, 2}, "hasPrefix": {2, 2}, "hasSuffix": {2, 2}, "max": {1, 99}, "min": {1, 99}, "mean": {1, 99},
	"median": {1, 99}, "toBase64": {1, 1}, "fromBase64": {1, 1},
	"now": {0, 0}, "duration": {1, 1}, "date": {1, 3}, "timezone": {1, 1}, "first": {1, 1}, "last": {1, 1}, "get": {2, 2}, "take": {2, 2},
	"reverse": {1, 1}, "uniq": {1, 1}, "concat": {1, 99}, "flatten": {1, 1},
	"sort": {1, 2}, "bitand": {2, 2}, "bitor": {2, 2}, "bitxor": {2, 2}, "bitnand": {2, 2}, "bitshl": {2, 2}, "bitshr": {2, 2},
	"bitushr": {2, 2}, "bitnot": {1, 1}}

func (c *compiler) builtin(n *ast.BuiltinNode) Value {
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
	args := make([]Value, len(n.Arguments))
	for i, x := range n.Arguments {
		args[i] = c.node(x)
	}
	switch n.Name {
	case "len", "type", "int", "float", "string":
		return c.convert(n, args[0])
	case "trim", "trimPrefix", "trimSuffix", "upper", "lower", "split", "splitAfter", "replace", "repeat", "indexOf", "lastIndexOf",
		"hasPrefix", "hasSuffix", "toBase64", "fromBase64":
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

func (c *compiler) convert(n *ast.BuiltinNode, v Value) Value {
	i, f, s := &Type{Kind: Int}, &Type{Kind: Float}, &Type{Kind: String}
	a := duck.Args{"v": v.SQL}
	switch n.Name {
	case "len":
		c.want(n.Arguments[0], v, String, List, Map, Struct)
		r := strict(q("len({v})", a), i, v)
		switch v.Type.Kind {
		case String:
			r.SQL = q("length({v})", a)
		case Map:
			r.SQL = q("cardinality({v})::BIGINT", a)
		case Struct:
			r.SQL = q("CASE WHEN {v} IS NOT NULL THEN {n} END", a.With(duck.Args{"n": len(v.Type.fields)}))
		}
		r.bounded, r.hi = true, 1<<40
		return r
	case "type":
		name := map[Kind]string{Bool: "bool", Int: "int", Float: "float", String: "string", Time: "time.Time", Duration: "time.Duration",
			Month: "time.Month", Weekday: "time.Weekday", List: "array", Map: "map", Struct: "map"}[v.Type.Kind]
		return c.observe(s, []Value{v}, func(o []Value) *duck.Query {
			return q("CASE WHEN {v} IS NULL THEN 'nil' ELSE {name} END", duck.Args{"v": o[0].SQL, "name": name})
		})
	case "int":
		switch v.Type.Kind {
		case Int, Month, Weekday, Duration:
			return v.number(i)
		case Float: // what doesn't fit gives something else on each machine in the VM
			return strict(q("TRY_CAST(trunc({v}) AS BIGINT)", a), i, v).errs()
		}
		c.want(n.Arguments[0], v, Int, Float, String)
		return c.hold(v, func(v Value) Value {
			return strict(q("CASE WHEN regexp_full_match({v}, '[+-]?[0-9]+') THEN TRY_CAST({v} AS BIGINT) END", duck.Args{"v": v.SQL}), i, v).errs()
		})
	case "float":
		switch v.Type.Kind {
		case Float:
			return v.number(f)
		case Int:
			return strict(q("CAST({v} AS DOUBLE)", a), f, v)
		}
		c.want(n.Arguments[0], v, Int, Float, String)
		return c.hold(v, func(v Value) Value {
			a := duck.Args{"v": v.SQL}
			return strict(q(`CASE WHEN regexp_full_match({v}, '(?i)[+-]?(inf|infinity)|nan') THEN TRY_CAST({v} AS DOUBLE)
				WHEN regexp_full_match({v}, '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?')
				AND isfinite(TRY_CAST({v} AS DOUBLE)) THEN TRY_CAST({v} AS DOUBLE) END`, a), f, v).errs()
		})
	}
	return c.str(n, v)
}

// number is int(v) or float(v) of what is one: an error for nil.
func (v Value) number(t *Type) Value {
	v.Type, v.mayErr, v.mayNil, v.ok = t, v.mayNull(), false, nil
	return v
}

// str is string(v): Go's %v.
func (c *compiler) str(n ast.Node, v Value) Value {
	s := &Type{Kind: String}
	text := func(v Value) *duck.Query {
		a := duck.Args{"v": v.SQL}
		switch v.Type.Kind {
		case String:
			return v.SQL
		case Bool, Int:
			return q("CAST({v} AS VARCHAR)", a)
		case Month:
			return q("monthname(make_date(2000, {v}::INTEGER, 1))", a)
		case Weekday:
			return q("dayname(DATE '2023-01-01' + {v}::INTEGER)", a)
		case Float:
			return c.goFloat(v)
		}
		return nil
	}
	if text(v) == nil {
		if v.Type.Kind == Nil {
			return Value{SQL: q("'<nil>'"), Type: s, simple: true}
		}
		refuse(n, "make the text in SQL", "Go writes %s in a way of its own", v.Type)
	}
	if !v.mayNil {
		return strict(text(v), s, v)
	}
	return c.hold(v, func(v Value) Value {
		return c.observe(s, []Value{v}, func(o []Value) *duck.Query {
			return q("coalesce({t}, '<nil>')", duck.Args{"t": text(o[0])})
		})
	})
}

// goFloat writes a float as Go's %v does: the shortest digits that read back the same, with an exponent below 1e-4 and from 1e6
// on. DuckDB has the same digits, but an exponent from 1e16 on, and .0 behind whole numbers.
func (c *compiler) goFloat(v Value) *duck.Query {
	return c.hold(v, func(v Value) Value {
		a := duck.Args{"v": v.SQL, "t": q("CAST({v} AS VARCHAR)", duck.Args{"v": v.SQL})}
		a["digits"] = q("rtrim(replace(replace({t}, '-', ''), '.', ''), '0')", a)
		a["exponent"] = q("lpad(CAST(instr(replace({t}, '-', ''), '.') - 2 AS VARCHAR), 2, '0')", a)
		a["scientific"] = q("CASE WHEN {v} < 0 THEN '-' ELSE '' END || left({digits}, 1) || CASE WHEN length({digits}) > 1 THEN '.' ELSE '' "+
			"END || substring({digits}, 2) || 'e+' || {exponent}", a)
		return Value{SQL: q(`CASE WHEN isnan({v}) THEN 'NaN' WHEN {v} = 'Infinity'::DOUBLE THEN '+Inf' WHEN {v} = '-Infinity'::DOUBLE THEN '-Inf'
			WHEN abs({v}) < 1e6 OR abs({v}) >= 1e16 THEN regexp_replace({t}, '\.0$', '') ELSE {scientific} END`, a)}
	}).SQL
}

// get is a[i] and a.b that give nil where there is nothing.
func (c *compiler) get(n *ast.BuiltinNode) Value {
	from, key := c.node(n.Arguments[0]), c.node(n.Arguments[1])
	switch from.Type.Kind {
	case List:
		c.want(n.Arguments[1], key, Int)
		return c.hold(key, func(key Value) Value {
			return c.hold(from, func(from Value) Value {
				v := c.at(from, key)
				v.mayNil = true
				// an index that is nil is an error only where there is an array
				unasked := q("({f} IS NULL OR {k} IS NOT NULL)", duck.Args{"f": from.SQL, "k": key.SQL})
				if !key.mayNil {
					unasked = nil
				}
				return when(all(from.okay(), key.okay(), unasked), v)
			})
		})
	case Map:
		c.want(n.Arguments[1], key, String)
		return c.hold(from, func(from Value) Value {
			v := Value{SQL: q("map_extract_value({m}, {k})", duck.Args{"m": from.SQL, "k": noKey(key)}), Type: from.Type.elem, mayNil: true}
			return when(all(from.okay(), key.okay()), v)
		})
	case Struct:
		name, ok := key.literal.(string)
		if !ok {
			refuse(n.Arguments[1], "write the name as a string", "which field must be known beforehand")
		}
		t, ok := from.Type.field(name)
		if !ok {
			refuse(n.Arguments[1], "", "there is no field %s, so this is always nil", name)
		}
		return c.hold(from, func(from Value) Value {
			return when(from.okay(), Value{SQL: q("struct_extract({s}, {f})", duck.Args{"s": from.SQL, "f": name}), Type: t, mayNil: true})
		})
	}
	refuse(n, "", "get takes an array or a map, and this is %s", from.Type)
	return Value{}
}

func (c *compiler) arrayFunction(n *ast.BuiltinNode, args []Value) Value {
	l := args[0]
	c.want(n.Arguments[0], l, List)
	a := duck.Args{"l": l.SQL}
	switch n.Name {
	case "first", "last": // nil where there is no array, too
		a["i"] = map[string]int{"first": 1, "last": -1}[n.Name]
		return when(l.okay(), Value{SQL: q("list_extract({l}, {i})", a), Type: l.Type.elem, mayNil: true})
	case "take":
		c.want(n.Arguments[1], args[1], Int)
		return c.hold(args[1], func(k Value) Value {
			return strict(q("CASE WHEN {k} >= 0 THEN list_slice({l}, 1, {k}) END", a.With(duck.Args{"k": k.SQL})), l.Type, l, k).errs()
		})
	case "reverse":
		return strict(q("list_reverse({l})", a), l.Type, l)
	case "uniq":
		return c.uniq(n, l)
	case "flatten":
		if l.Type.elem.Kind != List {
			return l
		}
		t := *l.Type.elem
		inner := q("list_transform({l}, lambda {x}: coalesce({x}, [NULL]))", a.With(duck.Args{"x": c.param()}))
		if !l.Type.nilElem {
			inner = l.SQL
		}
		t.nilElem = t.nilElem || l.Type.nilElem
		v := strict(q("flatten({l})", duck.Args{"l": inner}), &t, l)
		if t.elem.Kind == List {
			return c.arrayFunction(&ast.BuiltinNode{Name: "flatten", Arguments: n.Arguments}, []Value{v})
		}
		return v
	case "concat":
		return c.concatArrays(n, args)
	case "join":
		return c.joinStrings(n, args)
	}
	refuse(n, "", "%s has no SQL", n.Name)
	return Value{}
}

func (c *compiler) uniq(n *ast.BuiltinNode, l Value) Value {
	if !comparable(l.Type.elem) {
		refuse(n, "", "%s can't be compared as a whole with the VM's meaning", l.Type.elem)
	}
	return c.hold(l, func(l Value) Value {
		x, i := c.param(), c.param()
		a := duck.Args{"l": l.SQL, "x": x, "i": i}
		keep := q("list_position({l}, {x}) = {i}", a)
		if hasFloat(l.Type.elem) { // no NaN equals another
			keep = q("({k} OR {nan})", duck.Args{"k": keep, "nan": nan(Value{SQL: x, Type: l.Type.elem})})
		}
		return strict(q("list_filter({l}, lambda {x}, {i}: {k})", a.With(duck.Args{"k": keep})), l.Type, l)
	})
}

func (c *compiler) concatArrays(n *ast.BuiltinNode, args []Value) Value {
	l := args[0]
	t := *l.Type
	for i, v := range args {
		c.want(n.Arguments[i], v, List)
		if !v.Type.same(l.Type) {
			refuse(n.Arguments[i], "bring them to one type", "%s can't follow %s in one array", v.Type, l.Type)
		}
		t.nilElem = t.nilElem || v.Type.nilElem
	}
	out := q("list_concat({all})", duck.Args{"all": duck.Each(", ", args, func(v Value) *duck.Query { return v.SQL })})
	for _, v := range args {
		if v.mayNull() { // list_concat passes over NULL
			out = q("CASE WHEN {v} IS NOT NULL THEN {out} END", duck.Args{"v": v.SQL, "out": out})
		}
	}
	return strict(out, &t, args...)
}

func (c *compiler) joinStrings(n *ast.BuiltinNode, args []Value) Value {
	l := args[0]
	if l.Type.elem.Kind != String {
		refuse(n.Arguments[0], "map it: map(…, string(#))", "join takes an array of strings, and this is %s", l.Type)
	}
	sep := Value{SQL: duck.Lit(""), Type: l.Type.elem, simple: true, literal: ""}
	if len(args) > 1 {
		c.want(n.Arguments[1], args[1], String)
		sep = args[1]
	}
	return c.hold(l, func(l Value) Value {
		return c.hold(sep, func(sep Value) Value {
			v := strict(c.join(l.SQL, sep), l.Type.elem, l, sep)
			if l.Type.nilElem {
				v = when(q("coalesce(list_count({l}) = len({l}), false)", duck.Args{"l": l.SQL}), v)
			}
			return v
		})
	})
}

// join is the strings of a list with sep between them. DuckDB's own takes a literal separator only.
func (c *compiler) join(list *duck.Query, sep Value) *duck.Query {
	a := duck.Args{"l": list, "sep": sep.SQL}
	if sep.literal != nil {
		return q("array_to_string({l}, {sep})", a)
	}
	a["i"], a["x"] = c.param(), c.param()
	return q("CASE WHEN {sep} IS NOT NULL THEN array_to_string(list_transform({l}, lambda {x}, {i}: CASE WHEN {i} = 1 THEN {x} ELSE {sep} "+
		"|| {x} END), '') END", a)
}
