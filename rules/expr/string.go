package expr

import (
	"github.com/expr-lang/expr/ast"

	"dsql/engine/duck"
)

// stringFunction are the builtins on strings; all of them are errors for nil.
func (c *compiler) stringFunction(n *ast.BuiltinNode, args []Value) Value {
	for i, v := range args {
		if i == 2 && (n.Name == "split" || n.Name == "splitAfter") || i == 3 || i == 1 && n.Name == "repeat" {
			c.want(n.Arguments[i], v, Int)
			continue
		}
		c.want(n.Arguments[i], v, String)
	}
	s := &Type{Kind: String}
	a := duck.Args{"s": args[0].SQL}
	if len(args) > 1 {
		a["x"] = args[1].SQL
	}
	switch n.Name {
	case "lower", "toBase64":
		f := map[string]string{"lower": "lower({s})", "toBase64": "to_base64(encode({s}))"}[n.Name]
		return strict(q(f, a), s, args...)
	case "upper":
		return c.upper(args[0])
	case "fromBase64":
		return strict(q("TRY(decode(from_base64({s})))", a), s, args...).errs()
	case "trim":
		if len(args) == 1 {
			a["x"] = goSpace
		}
		return strict(q("trim({s}, {x})", a), s, args...)
	case "hasPrefix":
		return strict(q("starts_with({s}, {x})", a), &Type{Kind: Bool}, args...)
	case "hasSuffix":
		return strict(q("ends_with({s}, {x})", a), &Type{Kind: Bool}, args...)
	case "repeat":
		return c.hold(args[0], func(v Value) Value {
			return c.hold(args[1], func(k Value) Value { // a million bytes and more are an error to the VM
				return strict(q("CASE WHEN {k} BETWEEN 0 AND 1000000 AND strlen({s}) * {k} < 1000000 THEN repeat({s}, {k}) END",
					duck.Args{"s": v.SQL, "k": k.SQL}), s, v, k).errs()
			})
		})
	case "replace":
		return c.replace(n, args)
	}
	return c.hold(args[0], func(subject Value) Value {
		if len(args) == 1 { // trimPrefix, trimSuffix
			args = append(args, Value{SQL: duck.Lit(" "), Type: s, simple: true, literal: " "})
		}
		return c.hold(args[1], func(x Value) Value {
			a := duck.Args{"s": subject.SQL, "x": x.SQL}
			switch n.Name {
			case "trimPrefix":
				return strict(q("CASE WHEN starts_with({s}, {x}) THEN substring({s}, length({x}) + 1) WHEN {x} IS NOT NULL THEN {s} END", a), s,
					subject, x)
			case "trimSuffix":
				return strict(q("CASE WHEN ends_with({s}, {x}) THEN left({s}, length({s}) - length({x})) WHEN {x} IS NOT NULL THEN {s} END", a), s,
					subject, x)
			case "indexOf": // in bytes
				v := strict(q("CASE WHEN contains({s}, {x}) THEN strlen(left({s}, instr({s}, {x}) - 1)) WHEN {s} IS NOT NULL AND {x} IS NOT NULL "+
					"THEN -1 END", a), &Type{Kind: Int}, subject, x)
				v.bounded, v.lo, v.hi = true, -1, 1<<40
				return v
			case "lastIndexOf":
				p := c.param()
				at := q("list_extract(list_filter(range(length({s}) - length({x}) + 1), lambda {p}: starts_with(substring({s}, {p} + 1), {x})), -1)",
					a.With(duck.Args{"p": p}))
				v := strict(q("CASE WHEN contains({s}, {x}) THEN strlen(left({s}, {at})) WHEN {s} IS NOT NULL AND {x} IS NOT NULL THEN -1 END",
					a.With(duck.Args{"at": at})), &Type{Kind: Int}, subject, x)
				v.bounded, v.lo, v.hi = true, -1, 1<<40
				return v
			}
			return c.split(n, subject, x, args)
		})
	})
}

// upper: Go leaves ß as it is, DuckDB makes it ẞ. No other character differs.
func (c *compiler) upper(v Value) Value {
	return c.hold(v, func(v Value) Value {
		a := duck.Args{"s": v.SQL, "p": c.param()}
		return strict(q("CASE WHEN contains({s}, 'ß') THEN array_to_string(list_transform(string_split({s}, 'ß'), lambda {p}: upper({p})), "+
			"'ß') ELSE upper({s}) END", a), v.Type, v)
	})
}

// split cuts at each separator, or where that is empty at each character; into n parts at most.
func (c *compiler) split(n *ast.BuiltinNode, s, x Value, args []Value) Value {
	t := &Type{Kind: List, elem: s.Type}
	a := duck.Args{"s": s.SQL, "x": x.SQL}
	parts := q("string_split({s}, {x})", a)
	if x.literal == nil || x.literal == "" { // nothing has no characters
		parts = q("CASE WHEN {s} = '' AND {x} = '' THEN []::VARCHAR[] WHEN {x} IS NOT NULL THEN string_split({s}, {x}) END", a)
	}
	after := n.Name == "splitAfter"
	if len(args) == 3 {
		limit, ok := args[2].literal.(int)
		if !ok {
			refuse(n.Arguments[2], "write the number", "into how many parts must be known beforehand")
		}
		if limit == 0 {
			return strict(q("CASE WHEN {s} IS NOT NULL AND {x} IS NOT NULL THEN []::VARCHAR[] END", a), t, s, x)
		}
		if limit > 0 {
			p := c.param()
			a := a.With(duck.Args{"parts": parts, "p": p, "n": limit, "n1": limit - 1})
			a["rest"] = c.join(q("list_slice({p}, {n}, len({p}))", a), x)
			parts = q("list_extract(list_transform([{parts}], lambda {p}: CASE WHEN len({p}) <= {n} THEN {p} WHEN len({p}) > {n} THEN "+
				"list_append(list_slice({p}, 1, {n1}), {rest}) END), 1)", a)
		}
	}
	if after {
		p, w, i := c.param(), c.param(), c.param()
		parts = q("list_extract(list_transform([{parts}], lambda {p}: list_transform({p}, lambda {w}, {i}: CASE WHEN {i} < len({p}) THEN {w} "+
			"|| {x} ELSE {w} END)), 1)", a.With(duck.Args{"parts": parts, "p": p, "w": w, "i": i}))
	}
	return strict(parts, t, s, x)
}

// replace: where nothing is to be replaced, the new text goes between all characters.
func (c *compiler) replace(n *ast.BuiltinNode, args []Value) Value {
	if len(args) == 4 {
		if limit, ok := args[3].literal.(int); !ok || limit >= 0 {
			refuse(n.Arguments[3], "leave the number out, or use SQL", "DuckDB's replace replaces all")
		}
	}
	s := args[0].Type
	a := duck.Args{"s": args[0].SQL, "old": args[1].SQL, "new": args[2].SQL}
	if old, ok := args[1].literal.(string); ok && old != "" {
		return strict(q("replace({s}, {old}, {new})", a), s, args[:3]...)
	}
	return c.hold(args[0], func(subject Value) Value {
		return c.hold(args[1], func(old Value) Value {
			return c.hold(args[2], func(new Value) Value {
				p := c.param()
				a := duck.Args{"s": subject.SQL, "old": old.SQL, "new": new.SQL, "p": p}
				return strict(q("CASE WHEN {old} <> '' THEN replace({s}, {old}, {new}) WHEN {old} = '' AND {s} = '' THEN {new} WHEN {old} = '' THEN "+
					"{new} || array_to_string(list_transform(string_split({s}, ''), lambda {p}: {p} || {new}), '') END", a), s, subject, old, new)
			})
		})
	})
}
