package expr

import (
	"time"

	"github.com/expr-lang/expr/ast"

	"dsql/engine/duck"
)

// timeFunction are now, and what gives a time, duration or zone that is known beforehand.
func (c *compiler) timeFunction(n *ast.BuiltinNode) Value {
	var text []string
	for _, x := range n.Arguments {
		s, ok := x.(*ast.StringNode)
		if !ok {
			refuse(x, "write it as a string, or read it in SQL: strptime, to_seconds", "the argument of %s must be known beforehand", n.Name)
		}
		text = append(text, s.Value)
	}
	switch n.Name {
	case "now":
		return Value{SQL: duck.Now, Type: &Type{Kind: Time, zone: "UTC"}, simple: true}
	case "duration":
		d, err := time.ParseDuration(text[0])
		if err != nil {
			refuse(n.Arguments[0], `write it like "1h30m"`, "%s", err)
		}
		return Value{SQL: q("{d}::BIGINT", duck.Args{"d": int64(d)}), Type: &Type{Kind: Duration}, simple: true, literal: int(d), bounded: true,
			lo: int64(d), hi: int64(d)}
	case "timezone":
		if _, err := time.LoadLocation(text[0]); err != nil {
			refuse(n.Arguments[0], "", "%s", err)
		}
		return Value{Type: &Type{Kind: Zone, zone: text[0]}, SQL: q("NULL"), simple: true, literal: text[0]}
	}
	return c.date(n, text)
}

// date is a time written out.
func (c *compiler) date(n *ast.BuiltinNode, text []string) Value {
	zone := "UTC"
	layouts := []string{"2006-01-02", "15:04:05", "2006-01-02 15:04:05", time.RFC3339, time.RFC822, time.RFC850, time.RFC1123}
	if len(text) > 1 {
		layouts = text[1:2]
	}
	if len(text) > 2 {
		zone = text[2]
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		refuse(n.Arguments[2], "", "%s", err)
	}
	for _, l := range layouts {
		t, perr := time.ParseInLocation(l, text[0], loc)
		if perr != nil {
			err = perr
			continue
		}
		if _, offset := t.Zone(); len(text) < 3 && offset != 0 {
			refuse(n.Arguments[0], "give the time in UTC", "the VM keeps the offset, which a TIMESTAMP can't")
		}
		if t.Nanosecond()%1000 != 0 {
			refuse(n.Arguments[0], "", "a TIMESTAMP has microseconds, and this is finer")
		}
		return Value{SQL: q("make_timestamp({us}::BIGINT)", duck.Args{"us": t.UnixMicro()}), Type: &Type{Kind: Time, zone: zone}, simple: true}
	}
	refuse(n.Arguments[0], "", "%s", err)
	return Value{}
}

// timeArithmetic is + and - of times and durations. A TIMESTAMP has microseconds, a duration nanoseconds.
func (c *compiler) timeArithmetic(n *ast.BinaryNode, l, r Value) Value {
	op := n.Operator
	switch {
	case l.Type.Kind == Time && r.Type.Kind == Time && op == "-":
		// Go's difference stops at about 292 years.
		return c.hold(Value{SQL: q("((epoch_us({l})::HUGEINT - epoch_us({r})) * 1000)", duck.Args{"l": l.SQL, "r": r.SQL}), Type: l.Type,
			mayErr: l.mayNull() || r.mayNull()}, func(ns Value) Value {
			return strict(q("CAST(CASE WHEN {ns} > 9223372036854775807 THEN 9223372036854775807::HUGEINT WHEN {ns} < "+
				"-9223372036854775808::HUGEINT THEN -9223372036854775808::HUGEINT ELSE {ns} END AS BIGINT)", duck.Args{"ns": ns.SQL}),
				&Type{Kind: Duration}, ns)
		})
	case l.Type.Kind == Duration && r.Type.Kind == Duration:
		return c.arithmetic(op, l, r, l.Type)
	case l.Type.Kind == Duration && r.Type.Kind == Time && op == "+":
		l, r = r, l
	case l.Type.Kind != Time || r.Type.Kind != Duration:
		refuse(n, "", "%s %s %s has no meaning", l.Type, op, r.Type)
	}
	if d, ok := r.literal.(int); ok && d%1000 != 0 {
		refuse(n.Right, "", "a TIMESTAMP has microseconds, and this duration is finer")
	}
	return strict(q("TRY(make_timestamp(epoch_us({l}) {op} {r} // 1000))", duck.Args{"l": l.SQL, "r": r.SQL, "op": duck.Text(op)}), l.Type, l,
		r).errs()
}

// timeParts are the methods of a time that give a part of it, with the zone it is seen in.
var timeParts = map[string]struct {
	sql  string
	kind Kind
}{
	"Year": {"year({t})", Int}, "Month": {"month({t})", Month}, "Day": {"day({t})", Int}, "Hour": {"hour({t})", Int},
	"Minute": {"minute({t})", Int},
	"Second": {"second({t})", Int}, "Nanosecond": {"(epoch_us({t}) % 1000000 + 1000000) % 1000000 * 1000", Int},
	"YearDay": {"dayofyear({t})", Int}, "Weekday": {"dayofweek({t})", Weekday},
}

// instants are the methods that don't depend on a zone.
var instants = map[string]string{"Unix": "((epoch_us({t}) - (epoch_us({t}) % 1000000 + 1000000) % 1000000) // 1000000)",
	"UnixMilli": "((epoch_us({t}) - (epoch_us({t}) % 1000 + 1000) % 1000) // 1000)", "UnixMicro": "epoch_us({t})"}

// durations are the methods of a duration: whole units and the rest apart, as Go adds them.
var durations = map[string]struct {
	sql  string
	kind Kind
}{
	"Hours":        {"(({d} // 3600000000000)::DOUBLE + ({d} % 3600000000000)::DOUBLE / 3600000000000.0::DOUBLE)", Float},
	"Minutes":      {"(({d} // 60000000000)::DOUBLE + ({d} % 60000000000)::DOUBLE / 60000000000.0::DOUBLE)", Float},
	"Seconds":      {"(({d} // 1000000000)::DOUBLE + ({d} % 1000000000)::DOUBLE / 1000000000.0::DOUBLE)", Float},
	"Milliseconds": {"({d} // 1000000)", Int}, "Microseconds": {"({d} // 1000)", Int}, "Nanoseconds": {"{d}", Int},
}

// call is a method of a time or duration; expr has no other functions here.
func (c *compiler) call(n *ast.CallNode) Value {
	m, ok := n.Callee.(*ast.MemberNode)
	var property *ast.StringNode
	if ok {
		property, ok = m.Property.(*ast.StringNode)
	}
	if !ok {
		refuse(n.Callee, "expr's own functions are callable; DuckDB's are in SQL expressions", "unknown function %s", n.Callee)
	}
	name := property.Value
	base := c.node(m.Node)
	args := make([]Value, len(n.Arguments))
	for i, x := range n.Arguments {
		args[i] = c.node(x)
	}
	none := func() {
		if len(args) > 0 {
			refuse(n, "", "%s takes no arguments", name)
		}
	}
	if m.Optional {
		refuse(m.Property, "write … == nil ? nil : …", "a method behind ?. can't be compiled")
	}
	switch {
	case base.Type.Kind == Duration && durations[name].sql != "":
		none()
		d := durations[name]
		return c.hold(base, func(b Value) Value { return strict(q(d.sql, duck.Args{"d": b.SQL}), &Type{Kind: d.kind}, b) })
	case base.Type.Kind != Time:
		refuse(m.Property, "", "%s has no method %s", base.Type, name)
	case instants[name] != "":
		none()
		return c.hold(base, func(b Value) Value { return strict(q(instants[name], duck.Args{"t": b.SQL}), &Type{Kind: Int}, b) })
	case timeParts[name].sql != "":
		none()
		p := timeParts[name]
		v := strict(q("CAST("+p.sql+" AS BIGINT)", duck.Args{"t": local(base)}), &Type{Kind: p.kind}, base)
		if name == "Nanosecond" {
			v.SQL = q("("+p.sql+")", duck.Args{"t": base.SQL})
		}
		v.bounded, v.lo, v.hi = true, -1<<20, 1<<30
		return v
	case name == "UTC" && len(args) == 0:
		t := *base.Type
		t.zone, base.Type = "UTC", &t
		return base
	case name == "In" && len(args) == 1 && args[0].Type.Kind == Zone:
		t := *base.Type
		t.zone, base.Type = args[0].Type.zone, &t
		return base
	case (name == "Before" || name == "After" || name == "Equal") && len(args) == 1 && args[0].Type.Kind == Time:
		op := map[string]string{"Before": "<", "After": ">", "Equal": "="}[name]
		return strict(q("({l} {op} {r})", duck.Args{"l": base.SQL, "op": duck.Text(op), "r": args[0].SQL}), &Type{Kind: Bool}, base, args[0])
	}
	refuse(m.Property, "read it in SQL: date_part, strftime", "the method %s of a time has no SQL here", name)
	return Value{}
}

// local is a time as its zone's clocks show it.
func local(v Value) *duck.Query {
	if v.Type.zone == "UTC" {
		return v.SQL
	}
	return q("(({t} AT TIME ZONE 'UTC') AT TIME ZONE {z})", duck.Args{"t": v.SQL, "z": v.Type.zone})
}
