package expr

import (
	"github.com/expr-lang/expr/ast"

	"dsql/engine/duck"
	"dsql/sql"
)

// chain is a?.b.c: where a is nil the whole of it is.
func (c *compiler) chain(n *ast.ChainNode) Value {
	v := c.node(n.Node)
	if v.stop == nil {
		return v
	}
	ok := orTrue(v.okay())
	v.mayNil = true
	v.ok = q("({stop} OR {ok})", duck.Args{"stop": v.stop, "ok": ok})
	v.stop = nil
	return v
}

// member is a.b, a["b"] or a[i].
func (c *compiler) member(n *ast.MemberNode) Value {
	if id, ok := n.Node.(*ast.IdentifierNode); ok && id.Value == "$env" {
		name, ok := n.Property.(*ast.StringNode)
		if !ok {
			refuse(n.Property, "write the name as a string", "which column of $env must be known beforehand")
		}
		return c.columnNamed(n.Property, name.Value)
	}
	base := c.node(n.Node)
	return c.hold(base, func(base Value) Value {
		switch base.Type.Kind {
		case Struct:
			return c.structField(n, base)
		case Map:
			return c.mapItem(n, base)
		case List:
			return c.listItem(n, base)
		case String:
			refuse(n, "take a part of the text in SQL: substring(…)", "the VM gives a byte of the string, which no SQL text is")
		}
		refuse(n, "", "%s has no members", base.Type)
		return Value{}
	})
}

// optional sets what ?. changes: a nil base ends the chain, and is no error.
func optional(n *ast.MemberNode, base, v Value) Value {
	v.stop = base.stop
	if !n.Optional {
		return v
	}
	if base.mayNil {
		null := all(base.okay(), q("({b} IS NULL)", duck.Args{"b": base.SQL}))
		if v.stop != nil {
			null = q("({s} OR {n})", duck.Args{"s": v.stop, "n": null})
		}
		v.stop = null
	}
	if v.stop == nil {
		v.stop = q("false")
	}
	return v
}

func (c *compiler) structField(n *ast.MemberNode, base Value) Value {
	name, ok := n.Property.(*ast.StringNode)
	if !ok {
		refuse(n.Property, "write the name as a string", "which field must be known beforehand")
	}
	t, ok := base.Type.field(name.Value)
	if !ok {
		var names []string
		for _, f := range base.Type.fields {
			names = append(names, f.name)
		}
		refuse(n.Property, sql.DidYouMean(name.Value, names, ""), "there is no field %s", name.Value)
	}
	v := Value{SQL: q("struct_extract({b}, {f})", duck.Args{"b": base.SQL, "f": name.Value}), Type: t, mayNil: true, mayErr: base.mayNull(),
		simple: base.simple}
	v.ok = base.present()
	return optional(n, base, v)
}

// mapItem: a key that isn't there gives nil.
func (c *compiler) mapItem(n *ast.MemberNode, base Value) Value {
	key := c.node(n.Property)
	c.want(n.Property, key, String)
	v := Value{SQL: q("map_extract_value({b}, {k})", duck.Args{"b": base.SQL, "k": noKey(key)}), Type: base.Type.elem, mayNil: true,
		mayErr: base.mayNull(), ok: base.present()}
	return optional(n, base, when(key.okay(), v))
}

// noKey: to the VM a nil key is the empty one.
func noKey(key Value) *duck.Query {
	if !key.mayNil {
		return key.SQL
	}
	return q("coalesce({k}, '')", duck.Args{"k": key.SQL})
}

// listItem: an index from 0, or from -1 backwards; one that is out of range is an error.
func (c *compiler) listItem(n *ast.MemberNode, base Value) Value {
	index := c.node(n.Property)
	c.want(n.Property, index, Int)
	return c.hold(index, func(index Value) Value {
		v := c.at(base, index)
		v.mayErr = true
		if v.mayNil {
			inside := q("coalesce({i} < len({b}) AND {i} >= -len({b}), false)", duck.Args{"b": base.SQL, "i": index.SQL})
			v.ok = all(base.present(), index.present(), inside)
		}
		return optional(n, base, v)
	})
}

// at is the item at an index from 0 or backwards from -1; NULL out of range.
func (c *compiler) at(list, index Value) Value {
	a := duck.Args{"b": list.SQL, "i": index.SQL}
	v := Value{Type: list.Type.elem, mayNil: list.Type.nilElem}
	if i, ok := index.literal.(int); ok {
		if i >= 0 {
			a["i"] = i + 1
		} else {
			a["i"] = i
		}
		v.SQL = q("list_extract({b}, {i})", a)
		return v
	}
	v.SQL = q("list_extract({b}, CASE WHEN {i} >= 9223372036854775807 THEN 0 WHEN {i} >= 0 THEN {i} + 1 ELSE {i} END)", a)
	return v
}

// slice is a[from:to] of an array.
func (c *compiler) slice(n *ast.SliceNode) Value {
	base := c.node(n.Node)
	if base.Type.Kind == String {
		refuse(n, "take a part of the text in SQL: substring(…)", "the VM cuts strings by bytes, which may cut a character in two")
	}
	c.want(n.Node, base, List)
	operands := []Value{base}
	end := func(x ast.Node) *Value {
		if x == nil {
			return nil
		}
		v := c.node(x)
		c.want(x, v, Int)
		operands = append(operands, v)
		return &v
	}
	from, to := end(n.From), end(n.To)
	return c.hold(base, func(base Value) Value {
		a := duck.Args{"b": base.SQL}
		place := func(v *Value, otherwise *duck.Query) *duck.Query {
			if v == nil {
				return otherwise
			}
			if i, ok := v.literal.(int); ok && i >= 0 {
				return duck.Lit(min(i, 1<<40))
			}
			// Counted from the end where it is negative, and never outside; no array is as long as 1 << 40.
			return q("greatest(least(CASE WHEN {i} < 0 THEN greatest({i}, -1099511627776) + len({b}) ELSE least({i}, 1099511627776) END, "+
				"len({b})), 0)", a.With(duck.Args{"i": v.SQL}))
		}
		a["from"], a["to"] = place(from, q("0")), place(to, q("len({b})", a))
		v := q("list_slice({b}, {from} + 1, {to})", a)
		for _, o := range operands[1:] {
			if o.mayNull() { // greatest and least pass over NULL
				v = q("CASE WHEN {o} IS NOT NULL THEN {v} END", duck.Args{"o": o.SQL, "v": v})
			}
		}
		return strict(v, base.Type, operands...)
	})
}

func (c *compiler) array(n *ast.ArrayNode) Value {
	if len(n.Nodes) == 0 {
		refuse(n, "", "an empty array has no type in SQL")
	}
	items := make([]Value, len(n.Nodes))
	for i, x := range n.Nodes {
		items[i] = c.node(x)
	}
	return c.listOf(n, items)
}

// listOf is an array of values of one type.
func (c *compiler) listOf(n ast.Node, items []Value) Value {
	var first *Value
	for pass := range 2 { // a literal int before the float that it stands beside, and nil before what has a type
		for i := range items {
			if first == nil || first.Type.Kind == Nil || pass == 0 && items[i].Type.Kind == Float && first.Type.Kind == Int {
				first = &items[i]
			}
		}
	}
	if first.Type.Kind == Nil {
		refuse(n, "", "an array of nil has no type in SQL")
	}
	t := &Type{Kind: List, elem: first.Type}
	for i := range items {
		x := *first
		t.elem = c.unify(n, &x, &items[i])
		t.nilElem = t.nilElem || items[i].mayNil
	}
	return c.observe(t, items, func(items []Value) *duck.Query {
		return q("[{items}]", duck.Args{"items": duck.Each(", ", items, func(v Value) *duck.Query { return v.SQL })})
	})
}

// mapLiteral is a STRUCT: the fields of a map written out are known.
func (c *compiler) mapLiteral(n *ast.MapNode) Value {
	t := &Type{Kind: Struct}
	var items []Value
	for _, p := range n.Pairs {
		pair, ok := p.(*ast.PairNode)
		if !ok {
			refuse(p, "", "a map is written {name: value}")
		}
		name, ok := pair.Key.(*ast.StringNode)
		if !ok {
			refuse(pair.Key, "write the key as a name or a string", "the keys of a map must be known beforehand")
		}
		if _, twice := t.field(name.Value); twice {
			refuse(pair.Key, "", "the key %s stands twice", name.Value)
		}
		v := c.node(pair.Value)
		if v.Type.Kind == Nil {
			refuse(pair.Value, "", "nil has no type in SQL")
		}
		items = append(items, v)
		t.fields = append(t.fields, field{name.Value, v.Type})
	}
	if len(items) == 0 {
		refuse(n, "", "an empty map has no type in SQL")
	}
	return c.observe(t, items, func(items []Value) *duck.Query {
		i := -1
		return q("struct_pack({f})", duck.Args{"f": duck.Each(", ", items, func(v Value) *duck.Query {
			i++
			return q("{n} := {v}", duck.Args{"n": duck.Ident(t.fields[i].name), "v": v.SQL})
		})})
	})
}

// in is whether an array, a map's keys or a map's fields have the value. Nothing is in nil.
func (c *compiler) in(n *ast.BinaryNode) Value {
	b := &Type{Kind: Bool}
	if id, ok := n.Right.(*ast.IdentifierNode); ok && id.Value == "$env" {
		name, ok := n.Left.(*ast.StringNode)
		if !ok {
			refuse(n.Left, "write the name as a string", "which column of $env must be known beforehand")
		}
		found := false
		for _, col := range c.cols {
			found = found || col.Name == name.Value
		}
		return Value{SQL: duck.Lit(found), Type: b, simple: true, literal: found}
	}
	l := c.node(n.Left)
	if r, ok := n.Right.(*ast.BinaryNode); ok && r.Operator == ".." && l.Type.Kind == Int {
		return c.inSpan(r, l)
	}
	if r, ok := n.Right.(*ast.ArrayNode); ok && len(r.Nodes) > 0 {
		if v, ok := c.inLiterals(r, l); ok {
			return v
		}
	}
	r := c.node(n.Right)
	switch r.Type.Kind {
	case Nil:
		return c.observe(b, []Value{l}, func([]Value) *duck.Query { return q("false") })
	case Map:
		c.want(n.Left, l, String)
		return c.observe(b, []Value{l, r}, func(o []Value) *duck.Query {
			return q("coalesce(map_contains({m}, {k}), false)", duck.Args{"m": o[1].SQL, "k": noKey(o[0])})
		})
	case Struct:
		name, ok := l.literal.(string)
		if !ok {
			refuse(n.Left, "write the name as a string", "which field must be known beforehand")
		}
		_, has := r.Type.field(name)
		return c.observe(b, []Value{r}, func(o []Value) *duck.Query {
			return q("({v} IS NOT NULL AND {has})", duck.Args{"v": o[0].SQL, "has": has})
		})
	case List:
		return c.inList(n, l, r)
	}
	refuse(n.Right, "", "expected array or map, and this is %s", r.Type)
	return Value{}
}

func (c *compiler) inSpan(r *ast.BinaryNode, l Value) Value {
	from, to := c.node(r.Left), c.node(r.Right)
	c.want(r.Left, from, Int)
	c.want(r.Right, to, Int)
	b := &Type{Kind: Bool}
	within := func(l *duck.Query) *duck.Query {
		return q("({l} BETWEEN {f} AND {t})", duck.Args{"l": l, "f": from.SQL, "t": to.SQL})
	}
	if !l.mayNil {
		return strict(within(l.SQL), b, l, from, to)
	}
	return when(all(from.present(), to.present()),
		c.observe(b, []Value{l}, func(o []Value) *duck.Query { return q("coalesce({b}, false)", duck.Args{"b": within(o[0].SQL)}) }))
}

// inLiterals is SQL's own IN, for strings and numbers written out.
func (c *compiler) inLiterals(r *ast.ArrayNode, l Value) (Value, bool) {
	items := make([]Value, len(r.Nodes))
	for i, x := range r.Nodes {
		items[i] = c.node(x)
		items[i].asFloat(l.Type)
		if items[i].literal == nil || items[i].Type.Kind != l.Type.Kind && !(items[i].Type.number() && l.Type.number()) {
			return Value{}, false
		}
	}
	in := func(l *duck.Query) *duck.Query {
		return q("({l} IN ({items}))", duck.Args{"l": l, "items": duck.Each(", ", items, func(v Value) *duck.Query { return v.SQL })})
	}
	b := &Type{Kind: Bool}
	if !l.mayNil {
		return strict(in(l.SQL), b, l), true
	}
	return c.observe(b, []Value{l}, func(o []Value) *duck.Query { return q("coalesce({in}, false)", duck.Args{"in": in(o[0].SQL)}) }), true
}

func (c *compiler) inList(n *ast.BinaryNode, l, r Value) Value {
	if l.Type.Kind == Nil {
		l.SQL, l.Type = q("NULL::{t}", duck.Args{"t": r.Type.elem.SQL()}), r.Type.elem
	}
	l.asFloat(r.Type.elem)
	if !l.Type.same(r.Type.elem) && !(l.Type.number() && r.Type.elem.number()) {
		refuse(n, "bring them to one type: float(…), int(…), string(…)", "%s is never in %s", l.Type, r.Type)
	}
	if !comparable(l.Type) {
		refuse(n, "compare what is in them", "%s can't be compared as a whole with the VM's meaning", l.Type)
	}
	if l.Type.Kind != r.Type.elem.Kind { // DuckDB looks for the list's own type, and would round
		r.SQL = q("CAST({r} AS DOUBLE[])", duck.Args{"r": r.SQL})
		l.SQL = q("CAST({l} AS DOUBLE)", duck.Args{"l": l.SQL})
	}
	b := &Type{Kind: Bool}
	return c.hold(r, func(r Value) Value {
		return c.hold(l, func(l Value) Value {
			return c.observe(b, []Value{l, r}, func(o []Value) *duck.Query {
				a := duck.Args{"l": o[0].SQL, "r": o[1].SQL}
				has := q("coalesce(list_contains({r}, {l}), false)", a)
				if hasFloat(l.Type) && l.literal == nil {
					has = q("({has} AND NOT {nan})", duck.Args{"has": has, "nan": nan(o[0])})
				}
				if o[0].mayNil && r.Type.nilElem {
					has = q("CASE WHEN {l} IS NULL THEN coalesce(list_count({r}) < len({r}), false) ELSE {has} END", a.With(duck.Args{"has": has}))
				}
				return has
			})
		})
	})
}
