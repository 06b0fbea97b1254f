package rules

import (
	"github.com/expr-lang/expr/ast"

	"dsql/engine"
)

// chain is a?.b.c: where a is nil the whole of it is.
func (c *exprCompiler) chain(n *ast.ChainNode) val {
	v := c.node(n.Node)
	if v.stop == nil {
		return v
	}
	ok := orTrue(v.okay())
	v.mayNil = true
	v.ok = q("({stop} OR {ok})", engine.Args{"stop": v.stop, "ok": ok})
	v.stop = nil
	return v
}

// member is a.b, a["b"] or a[i].
func (c *exprCompiler) member(n *ast.MemberNode) val {
	if id, ok := n.Node.(*ast.IdentifierNode); ok && id.Value == "$env" {
		name, ok := n.Property.(*ast.StringNode)
		if !ok {
			refuse(n.Property, "write the name as a string", "which column of $env must be known beforehand")
		}
		return c.columnNamed(n.Property, name.Value)
	}
	base := c.node(n.Node)
	return c.hold(base, func(base val) val {
		switch base.t.kind {
		case kStruct:
			return c.structField(n, base)
		case kMap:
			return c.mapItem(n, base)
		case kList:
			return c.listItem(n, base)
		case kString:
			refuse(n, "take a part of the text in SQL: substring(…)", "the VM gives a byte of the string, which no SQL text is")
		}
		refuse(n, "", "%s has no members", base.t)
		return val{}
	})
}

// optional sets what ?. changes: a nil base ends the chain, and is no error.
func optional(n *ast.MemberNode, base, v val) val {
	v.stop = base.stop
	if !n.Optional {
		return v
	}
	if base.mayNil {
		null := all(base.okay(), q("({b} IS NULL)", engine.Args{"b": base.q}))
		if v.stop != nil {
			null = q("({s} OR {n})", engine.Args{"s": v.stop, "n": null})
		}
		v.stop = null
	}
	if v.stop == nil {
		v.stop = q("false")
	}
	return v
}

func (c *exprCompiler) structField(n *ast.MemberNode, base val) val {
	name, ok := n.Property.(*ast.StringNode)
	if !ok {
		refuse(n.Property, "write the name as a string", "which field must be known beforehand")
	}
	t, ok := base.t.field(name.Value)
	if !ok {
		var names []string
		for _, f := range base.t.fields {
			names = append(names, f.name)
		}
		refuse(n.Property, nearest(name.Value, names), "there is no field %s", name.Value)
	}
	v := val{q: q("struct_extract({b}, {f})", engine.Args{"b": base.q, "f": name.Value}), t: t, mayNil: true, mayErr: base.mayNull(), simple: base.simple}
	v.ok = base.present()
	return optional(n, base, v)
}

// mapItem: a key that isn't there gives nil.
func (c *exprCompiler) mapItem(n *ast.MemberNode, base val) val {
	key := c.node(n.Property)
	c.want(n.Property, key, kString)
	v := val{q: q("map_extract_value({b}, {k})", engine.Args{"b": base.q, "k": noKey(key)}), t: base.t.elem, mayNil: true, mayErr: base.mayNull(), ok: base.present()}
	return optional(n, base, when(key.okay(), v))
}

// noKey: to the VM a nil key is the empty one.
func noKey(key val) *engine.Query {
	if !key.mayNil {
		return key.q
	}
	return q("coalesce({k}, '')", engine.Args{"k": key.q})
}

// listItem: an index from 0, or from -1 backwards; one that is out of range is an error.
func (c *exprCompiler) listItem(n *ast.MemberNode, base val) val {
	index := c.node(n.Property)
	c.want(n.Property, index, kInt)
	return c.hold(index, func(index val) val {
		v := c.at(base, index)
		v.mayErr = true
		if v.mayNil {
			inside := q("coalesce({i} < len({b}) AND {i} >= -len({b}), false)", engine.Args{"b": base.q, "i": index.q})
			v.ok = all(base.present(), index.present(), inside)
		}
		return optional(n, base, v)
	})
}

// at is the item at an index from 0 or backwards from -1; NULL out of range.
func (c *exprCompiler) at(list, index val) val {
	a := engine.Args{"b": list.q, "i": index.q}
	v := val{t: list.t.elem, mayNil: list.t.nilElem}
	if i, ok := index.literal.(int); ok {
		if i >= 0 {
			a["i"] = i + 1
		} else {
			a["i"] = i
		}
		v.q = q("list_extract({b}, {i})", a)
		return v
	}
	v.q = q("list_extract({b}, CASE WHEN {i} >= 9223372036854775807 THEN 0 WHEN {i} >= 0 THEN {i} + 1 ELSE {i} END)", a)
	return v
}

// slice is a[from:to] of an array.
func (c *exprCompiler) slice(n *ast.SliceNode) val {
	base := c.node(n.Node)
	if base.t.kind == kString {
		refuse(n, "take a part of the text in SQL: substring(…)", "the VM cuts strings by bytes, which may cut a character in two")
	}
	c.want(n.Node, base, kList)
	operands := []val{base}
	end := func(x ast.Node) *val {
		if x == nil {
			return nil
		}
		v := c.node(x)
		c.want(x, v, kInt)
		operands = append(operands, v)
		return &v
	}
	from, to := end(n.From), end(n.To)
	return c.hold(base, func(base val) val {
		a := engine.Args{"b": base.q}
		place := func(v *val, otherwise *engine.Query) *engine.Query {
			if v == nil {
				return otherwise
			}
			if i, ok := v.literal.(int); ok && i >= 0 {
				return engine.Lit(min(i, 1<<40))
			}
			// Counted from the end where it is negative, and never outside; no array is as long as 1 << 40.
			return q("greatest(least(CASE WHEN {i} < 0 THEN greatest({i}, -1099511627776) + len({b}) ELSE least({i}, 1099511627776) END, len({b})), 0)", a.With(engine.Args{"i": v.q}))
		}
		a["from"], a["to"] = place(from, q("0")), place(to, q("len({b})", a))
		v := q("list_slice({b}, {from} + 1, {to})", a)
		for _, o := range operands[1:] {
			if o.mayNull() { // greatest and least pass over NULL
				v = q("CASE WHEN {o} IS NOT NULL THEN {v} END", engine.Args{"o": o.q, "v": v})
			}
		}
		return strict(v, base.t, operands...)
	})
}

func (c *exprCompiler) array(n *ast.ArrayNode) val {
	if len(n.Nodes) == 0 {
		refuse(n, "", "an empty array has no type in SQL")
	}
	items := make([]val, len(n.Nodes))
	for i, x := range n.Nodes {
		items[i] = c.node(x)
	}
	return c.listOf(n, items)
}

// listOf is an array of values of one type.
func (c *exprCompiler) listOf(n ast.Node, items []val) val {
	var first *val
	for pass := range 2 { // a literal int before the float that it stands beside, and nil before what has a type
		for i := range items {
			if first == nil || first.t.kind == kNil || pass == 0 && items[i].t.kind == kFloat && first.t.kind == kInt {
				first = &items[i]
			}
		}
	}
	if first.t.kind == kNil {
		refuse(n, "", "an array of nil has no type in SQL")
	}
	t := &typ{kind: kList, elem: first.t}
	for i := range items {
		x := *first
		t.elem = c.unify(n, &x, &items[i])
		t.nilElem = t.nilElem || items[i].mayNil
	}
	return c.observe(t, items, func(items []val) *engine.Query {
		return q("[{items}]", engine.Args{"items": engine.Each(", ", items, func(v val) *engine.Query { return v.q })})
	})
}

// mapLiteral is a STRUCT: the fields of a map written out are known.
func (c *exprCompiler) mapLiteral(n *ast.MapNode) val {
	t := &typ{kind: kStruct}
	var items []val
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		name, ok := pair.Key.(*ast.StringNode)
		if !ok {
			refuse(pair.Key, "write the key as a name or a string", "the keys of a map must be known beforehand")
		}
		if _, twice := t.field(name.Value); twice {
			refuse(pair.Key, "", "the key %s stands twice", name.Value)
		}
		v := c.node(pair.Value)
		if v.t.kind == kNil {
			refuse(pair.Value, "", "nil has no type in SQL")
		}
		items = append(items, v)
		t.fields = append(t.fields, field{name.Value, v.t})
	}
	if len(items) == 0 {
		refuse(n, "", "an empty map has no type in SQL")
	}
	return c.observe(t, items, func(items []val) *engine.Query {
		i := -1
		return q("struct_pack({f})", engine.Args{"f": engine.Each(", ", items, func(v val) *engine.Query {
			i++
			return q("{n} := {v}", engine.Args{"n": engine.Ident(t.fields[i].name), "v": v.q})
		})})
	})
}

// in is whether an array, a map's keys or a map's fields have the value. Nothing is in nil.
func (c *exprCompiler) in(n *ast.BinaryNode) val {
	b := &typ{kind: kBool}
	if id, ok := n.Right.(*ast.IdentifierNode); ok && id.Value == "$env" {
		name, ok := n.Left.(*ast.StringNode)
		if !ok {
			refuse(n.Left, "write the name as a string", "which column of $env must be known beforehand")
		}
		found := false
		for _, col := range c.cols {
			found = found || col.Name == name.Value
		}
		return val{q: engine.Lit(found), t: b, simple: true, literal: found}
	}
	l := c.node(n.Left)
	if r, ok := n.Right.(*ast.BinaryNode); ok && r.Operator == ".." && l.t.kind == kInt {
		return c.inSpan(r, l)
	}
	if r, ok := n.Right.(*ast.ArrayNode); ok && len(r.Nodes) > 0 {
		if v, ok := c.inLiterals(n, r, l); ok {
			return v
		}
	}
	r := c.node(n.Right)
	switch r.t.kind {
	case kNil:
		return c.observe(b, []val{l}, func([]val) *engine.Query { return q("false") })
	case kMap:
		c.want(n.Left, l, kString)
		return c.observe(b, []val{l, r}, func(o []val) *engine.Query {
			return q("coalesce(map_contains({m}, {k}), false)", engine.Args{"m": o[1].q, "k": noKey(o[0])})
		})
	case kStruct:
		name, ok := l.literal.(string)
		if !ok {
			refuse(n.Left, "write the name as a string", "which field must be known beforehand")
		}
		_, has := r.t.field(name)
		return c.observe(b, []val{r}, func(o []val) *engine.Query {
			return q("({v} IS NOT NULL AND {has})", engine.Args{"v": o[0].q, "has": has})
		})
	case kList:
		return c.inList(n, l, r)
	}
	refuse(n.Right, "", "expected array or map, and this is %s", r.t)
	return val{}
}

func (c *exprCompiler) inSpan(r *ast.BinaryNode, l val) val {
	from, to := c.node(r.Left), c.node(r.Right)
	c.want(r.Left, from, kInt)
	c.want(r.Right, to, kInt)
	b := &typ{kind: kBool}
	within := func(l *engine.Query) *engine.Query {
		return q("({l} BETWEEN {f} AND {t})", engine.Args{"l": l, "f": from.q, "t": to.q})
	}
	if !l.mayNil {
		return strict(within(l.q), b, l, from, to)
	}
	return when(all(from.present(), to.present()), c.observe(b, []val{l}, func(o []val) *engine.Query { return q("coalesce({b}, false)", engine.Args{"b": within(o[0].q)}) }))
}

// inLiterals is SQL's own IN, for strings and numbers written out.
func (c *exprCompiler) inLiterals(n *ast.BinaryNode, r *ast.ArrayNode, l val) (val, bool) {
	items := make([]val, len(r.Nodes))
	for i, x := range r.Nodes {
		items[i] = c.node(x)
		items[i].asFloat(l.t)
		if items[i].literal == nil || items[i].t.kind != l.t.kind && !(items[i].t.number() && l.t.number()) {
			return val{}, false
		}
	}
	in := func(l *engine.Query) *engine.Query {
		return q("({l} IN ({items}))", engine.Args{"l": l, "items": engine.Each(", ", items, func(v val) *engine.Query { return v.q })})
	}
	b := &typ{kind: kBool}
	if !l.mayNil {
		return strict(in(l.q), b, l), true
	}
	return c.observe(b, []val{l}, func(o []val) *engine.Query { return q("coalesce({in}, false)", engine.Args{"in": in(o[0].q)}) }), true
}

func (c *exprCompiler) inList(n *ast.BinaryNode, l, r val) val {
	if l.t.kind == kNil {
		l.q, l.t = q("NULL::{t}", engine.Args{"t": engine.Type(r.t.elem.sql())}), r.t.elem
	}
	l.asFloat(r.t.elem)
	if !l.t.same(r.t.elem) && !(l.t.number() && r.t.elem.number()) {
		refuse(n, "bring them to one type: float(…), int(…), string(…)", "%s is never in %s", l.t, r.t)
	}
	if !comparable(l.t) {
		refuse(n, "compare what is in them", "%s can't be compared as a whole with the VM's meaning", l.t)
	}
	if l.t.kind != r.t.elem.kind { // DuckDB looks for the list's own type, and would round
		r.q = q("CAST({r} AS DOUBLE[])", engine.Args{"r": r.q})
		l.q = q("CAST({l} AS DOUBLE)", engine.Args{"l": l.q})
	}
	b := &typ{kind: kBool}
	return c.hold(r, func(r val) val {
		return c.hold(l, func(l val) val {
			return c.observe(b, []val{l, r}, func(o []val) *engine.Query {
				a := engine.Args{"l": o[0].q, "r": o[1].q}
				has := q("coalesce(list_contains({r}, {l}), false)", a)
				if hasFloat(l.t) && l.literal == nil {
					has = q("({has} AND NOT {nan})", engine.Args{"has": has, "nan": nan(o[0])})
				}
				if o[0].mayNil && r.t.nilElem {
					has = q("CASE WHEN {l} IS NULL THEN coalesce(list_count({r}) < len({r}), false) ELSE {has} END", a.With(engine.Args{"has": has}))
				}
				return has
			})
		})
	})
}
