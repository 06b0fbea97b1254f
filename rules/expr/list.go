package expr

import (
	"github.com/expr-lang/expr/ast"

	"dsql/engine/duck"
)

// each is what a predicate makes of an array's elements.
type each struct {
	list Value
	p    *duck.Query // the element
	i    *duck.Query // its place from 1; nil where nobody asks
	body Value
}

// inPredicate is what stands in the braces of a predicate: expr's parser has seen that one is there.
func inPredicate(n ast.Node) ast.Node {
	p, ok := n.(*ast.PredicateNode)
	if !ok {
		refuse(n, "", "a predicate belongs here: {…}")
	}
	return p.Node
}

// predicate compiles a predicate over an array.
func (c *compiler) predicate(n ast.Node, list Value) each {
	e := each{list: list, p: c.param()}
	c.scopes = append(c.scopes, scope{item: Value{SQL: e.p, Type: list.Type.elem, mayNil: list.Type.nilElem, simple: true}})
	e.body = c.node(inPredicate(n))
	c.scopes = c.scopes[:len(c.scopes)-1]
	return e
}

// itself is each for the element as it is.
func (c *compiler) itself(list Value) each {
	p := c.param()
	return each{list: list, p: p, body: Value{SQL: p, Type: list.Type.elem, mayNil: list.Type.nilElem, simple: true}}
}

// lambda is the predicate's text with another body.
func (e each) lambda(body *duck.Query) *duck.Query {
	a := duck.Args{"p": e.p, "b": body}
	if e.i != nil {
		a["p"] = q("{p}, {i}", duck.Args{"p": e.p, "i": e.i})
	}
	return q("lambda {p}: {b}", a)
}

func (e each) apply(f string, body *duck.Query) *duck.Query {
	return q("{f}({l}, {lambda})", duck.Args{"f": duck.Text(f), "l": e.list.SQL, "lambda": e.lambda(body)})
}

// every is v where the predicate's result for each element meets cond (never NULL); else an error.
func (e each) every(cond *duck.Query, v Value) Value {
	if cond == nil {
		return v
	}
	return when(q("(list_bool_and({l}) IS NOT FALSE)", duck.Args{"l": e.apply("list_transform", cond)}), v)
}

// first is the place, from 0, of the first (or last) element whose predicate is not pass; -2 when it stops with an error or nil
// there, NULL when there is none.
func (e each) first(pass, last bool) *duck.Query {
	a := duck.Args{"b": e.body.SQL, "i": e.i, "at": 1}
	if e.i == nil {
		e.i = q(`"_ i"`)
		a["i"] = e.i
	}
	if last {
		a["at"] = -1
	}
	found := q("CASE WHEN {b} THEN {i} - 1 WHEN NOT {b} THEN -1 ELSE -2 END", a)
	if pass {
		found = q("CASE WHEN {b} THEN -1 WHEN NOT {b} THEN {i} - 1 ELSE -2 END", a)
	}
	a["codes"] = e.apply("list_transform", found)
	return q(`list_extract(list_filter({codes}, lambda "_ c": "_ c" <> -1), {at})`, a)
}

// loops are the builtins that take a predicate.
func (c *compiler) loop(n *ast.BuiltinNode) Value {
	list := c.node(n.Arguments[0])
	c.want(n.Arguments[0], list, List)
	switch n.Name {
	case "reduce":
		return c.reduce(n, list)
	case "sortBy":
		return c.hold(list, func(list Value) Value { return c.sortBy(n, list) })
	case "groupBy":
		refuse(n, "", "groupBy gives a map keyed by any value, which SQL has no type for")
	}
	return c.hold(list, func(list Value) Value {
		e := c.itself(list)
		if len(n.Arguments) > 1 {
			e = c.predicate(n.Arguments[1], list)
		}
		switch n.Name {
		case "map":
			t := &Type{Kind: List, elem: e.body.Type, nilElem: e.body.mayNil}
			if e.body.Type.Kind == Nil {
				refuse(n, "", "an array of nil has no type in SQL")
			}
			return e.every(e.body.okay(), strict(e.apply("list_transform", e.body.SQL), t, list))
		case "sum":
			return c.sum(n, e)
		}
		c.want(n, e.body, Bool)
		return c.search(n, e)
	})
}

// search are the loops that ask for a condition on each element.
func (c *compiler) search(n *ast.BuiltinNode, e each) Value {
	b, i := &Type{Kind: Bool}, &Type{Kind: Int}
	filtered := e.apply("list_filter", e.body.SQL)
	a := duck.Args{"l": e.list.SQL, "f": filtered}
	switch n.Name {
	case "filter":
		return e.every(e.body.present(), strict(filtered, e.list.Type, e.list))
	case "count":
		v := e.every(e.body.present(), strict(q("len({f})", a), i, e.list))
		v.bounded, v.hi = true, 1<<40
		return v
	case "one":
		return e.every(e.body.present(), strict(q("(len({f}) = 1)", a), b, e.list))
	case "any", "none", "all":
		// They stop at the first element that settles it; what lies behind isn't looked at.
		settled := map[string]bool{"any": true, "none": false, "all": false}[n.Name]
		if !e.body.mayNull() && n.Name != "all" {
			op := map[string]string{"any": ">", "none": "="}[n.Name]
			return strict(q("(len({f}) {op} 0)", a.With(duck.Args{"op": duck.Text(op)})), b, e.list)
		}
		a["at"], a["yes"], a["no"] = e.first(n.Name == "all", false), settled, !settled
		v := q("CASE coalesce({at}, -1) WHEN -2 THEN NULL WHEN -1 THEN {no} ELSE {yes} END", a)
		if e.list.mayNull() {
			v = q("CASE WHEN {l} IS NOT NULL THEN {v} END", a.With(duck.Args{"v": v}))
		}
		r := strict(v, b, e.list)
		r.mayErr = r.mayErr || e.body.mayNull()
		return r
	}
	last := n.Name == "findLast" || n.Name == "findLastIndex"
	return c.hold(Value{SQL: e.first(false, last), Type: i}, func(at Value) Value {
		a["at"] = at.SQL
		v := Value{Type: i, mayNil: true, mayErr: e.list.mayNull() || e.body.mayNull()}
		v.SQL = q("CASE WHEN {at} >= 0 THEN {at} END", a)
		if n.Name == "find" || n.Name == "findLast" {
			v.SQL, v.Type = q("CASE WHEN {at} >= 0 THEN list_extract({l}, {at} + 1) END", a), e.list.Type.elem
		}
		v.ok = all(e.list.present(), q("(coalesce({at}, -1) <> -2)", a))
		return v
	})
}

// sum adds in the array's order: to an int 0, so that no elements give 0.
func (c *compiler) sum(n *ast.BuiltinNode, e each) Value {
	c.want(n, e.body, Int, Float)
	return c.total(e, e.body.Type)
}

func (c *compiler) total(e each, t *Type) Value {
	list := e.list.SQL
	if e.body.SQL != e.p {
		list = e.apply("list_transform", e.body.SQL)
	}
	acc, x := c.param(), c.param()
	l, r := Value{SQL: acc, Type: t, mayErr: true, simple: true}, Value{SQL: x, Type: t, mayErr: true, simple: true}
	a := duck.Args{"l": list, "acc": acc, "x": x, "zero": q("0::{t}", duck.Args{"t": t.SQL()})}
	if t.Kind == Int {
		a["add"] = c.arithmetic("+", l, r, t).SQL
	} else {
		a["add"] = q("{acc} + {x}", a)
	}
	v := strict(q("list_reduce({l}, lambda {acc}, {x}: {add}, {zero})", a), t, e.list)
	v.mayErr = v.mayErr || e.body.mayNull()
	return v
}

// reduce: once the accumulator is an error it stays one.
func (c *compiler) reduce(n *ast.BuiltinNode, list Value) Value {
	var first Value
	acc := &Type{}
	if len(n.Arguments) == 3 {
		first = c.node(n.Arguments[2])
		*acc = *first.Type
	} else {
		*acc = *list.Type.elem
		if list.Type.nilElem {
			refuse(n, "give reduce a third argument to start with", "the first element may be nil, and the accumulator can't be")
		}
	}
	if first.mayNil {
		refuse(n.Arguments[2], "give it a value: … ?? 0", "the accumulator may be nil to start with")
	}
	return c.hold(list, func(list Value) Value {
		// Each element is a STRUCT of the accumulator, itself, and what the body uses of outside.
		l := &carried{elem: c.param()}
		state, index, used := c.param(), c.param(), false
		body := func() Value {
			a := Value{SQL: q("struct_extract({s}, 'acc')", duck.Args{"s": state}), Type: acc, mayErr: true, simple: true}
			item := Value{SQL: q("struct_extract({e}, 'x')", duck.Args{"e": l.elem}), Type: list.Type.elem, mayNil: list.Type.nilElem, simple: true}
			at := index
			if first.SQL == nil { // the first element is the accumulator
				at = q("({i} + 1)", duck.Args{"i": index})
			}
			c.loops = append(c.loops, l)
			c.scopes = append(c.scopes, scope{item: item, index: at, acc: &a, used: &used})
			b := c.node(inPredicate(n.Arguments[1]))
			c.scopes = c.scopes[:len(c.scopes)-1]
			c.loops = c.loops[:len(c.loops)-1]
			return b
		}
		b := body()
		if first.SQL != nil {
			first.asFloat(b.Type)
			if first.Type.Kind != acc.Kind { // a literal int beside floats: once more, with a float
				*acc = *first.Type
				b = body()
			}
		}
		if b.mayNil {
			refuse(n.Arguments[1], "give it a value: … ?? 0", "the accumulator may become nil")
		}
		if !b.Type.same(acc) {
			refuse(n.Arguments[1], "bring them to one type: float(…), int(…), string(…)", "the accumulator is %s and becomes %s", acc, b.Type)
		}
		a := duck.Args{"l": list.SQL, "s": state, "e": l.elem, "p": c.param(), "t": acc.SQL(), "elem": list.Type.elem.SQL(),
			"i": q(""), "first": first.SQL, "body": b.SQL}
		if used {
			a["i"] = q(", {i}", duck.Args{"i": index})
		}
		var carry, nothing []*duck.Query
		for i, v := range l.values {
			f := duck.Args{"n": duck.Ident("c" + itoa(i)), "v": v.SQL, "t": v.Type.SQL()}
			carry, nothing = append(carry, q(", {n} := {v}", f)), append(nothing, q(", {n} := NULL::{t}", f))
		}
		a["carry"], a["nothing"], a["rest"] = duck.Cat(carry...), duck.Cat(nothing...), list.SQL
		if first.SQL == nil {
			a["first"], a["rest"] = q("list_extract({l}, 1)", a), q("list_slice({l}, 2, len({l}))", a)
		}
		v := q(`struct_extract(list_reduce(list_transform({rest}, lambda {p}: struct_pack(acc := NULL::{t}, x := {p}{carry})),
			lambda {s}, {e}{i}: struct_pack(acc := CASE WHEN struct_extract({s}, 'acc') IS NOT NULL THEN {body} END, x := NULL::{elem}{nothing}),
			struct_pack(acc := CAST({first} AS {t}), x := NULL::{elem}{nothing})), 'acc')`, a)
		if first.SQL == nil {
			return strict(q("CASE WHEN len({l}) > 0 THEN {v} END", a.With(duck.Args{"v": v})), acc, list).errs()
		}
		r := strict(v, acc, list, first)
		r.mayErr = r.mayErr || b.mayErr
		return r
	})
}

// ordered is the order that sort and sortBy are asked for.
func (c *compiler) ordered(n ast.Node) (desc bool) {
	s, ok := n.(*ast.StringNode)
	if !ok || s.Value != "asc" && s.Value != "desc" {
		refuse(n, `write "asc" or "desc"`, "the order must be known beforehand")
	}
	return s.Value == "desc"
}

// sortable: the VM orders such values, and so does DuckDB.
func (c *compiler) sortable(n ast.Node, t *Type) {
	switch t.Kind {
	case Int, Float, String, Time, Duration:
	default:
		refuse(n, "", "%s has no order", t)
	}
}

// sort: nil can't be compared, which nobody notices where there is nothing to compare it with.
func (c *compiler) sort(n *ast.BuiltinNode) Value {
	list := c.node(n.Arguments[0])
	c.want(n.Arguments[0], list, List)
	c.sortable(n, list.Type.elem)
	f := "list_sort"
	if len(n.Arguments) > 1 && c.ordered(n.Arguments[1]) {
		f = "list_reverse_sort"
	}
	return c.hold(list, func(list Value) Value {
		a := duck.Args{"f": duck.Text(f), "l": list.SQL}
		v := strict(q("{f}({l})", a), list.Type, list)
		if list.Type.nilElem {
			v = when(q("coalesce(len({l}) < 2 OR list_count({l}) = len({l}), false)", a), v)
		}
		return v
	})
}

func (c *compiler) sortBy(n *ast.BuiltinNode, list Value) Value {
	e := c.predicate(n.Arguments[1], list)
	c.sortable(n.Arguments[1], e.body.Type)
	desc := len(n.Arguments) > 2 && c.ordered(n.Arguments[2])
	if e.i == nil {
		e.i = c.param()
	}
	a := duck.Args{"l": list.SQL, "k": e.body.SQL, "i": e.i, "f": duck.Text("list_sort"), "p": c.param()}
	if desc {
		a["f"], a["i"] = duck.Text("list_reverse_sort"), q("-{i}", a)
	}
	a["keys"] = e.apply("list_transform", q("struct_pack(k := {k}, i := {i})", a))
	v := strict(q("list_transform({f}({keys}), lambda {p}: list_extract({l}, abs(struct_extract({p}, 'i'))))", a), list.Type, list)
	if !e.body.mayNull() {
		return v
	}
	ok := q("coalesce(list_bool_and({oks}), true)", duck.Args{"oks": e.apply("list_transform", e.body.present())})
	if e.body.mayNil {
		ok = q("(coalesce(len({l}), 0) < 2 AND {alone} OR {ok})",
			a.With(duck.Args{"ok": ok, "alone": q("coalesce(list_bool_and({oks}), true)",
				duck.Args{"oks": e.apply("list_transform", orTrue(e.body.okay()))})}))
	}
	return when(ok, v)
}
