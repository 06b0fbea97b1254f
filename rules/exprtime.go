package rules

import (
	"time"

	"github.com/expr-lang/expr/ast"

	"dsql/engine"
)

// timeFunction are now, and what gives a time, duration or zone that is known beforehand.
func (c *exprCompiler) timeFunction(n *ast.BuiltinNode) val {
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
		return val{q: engine.Now, t: &typ{kind: kTime, zone: "UTC"}, simple: true}
	case "duration":
		d, err := time.ParseDuration(text[0])
		if err != nil {
			refuse(n.Arguments[0], `write it like "1h30m"`, "%s", err)
		}
		return val{q: q("{d}::BIGINT", engine.Args{"d": int64(d)}), t: &typ{kind: kDuration}, simple: true, literal: int(d), bounded: true, lo: int64(d), hi: int64(d)}
	case "timezone":
		if _, err := time.LoadLocation(text[0]); err != nil {
			refuse(n.Arguments[0], "", "%s", err)
		}
		return val{t: &typ{kind: kZone, zone: text[0]}, q: q("NULL"), simple: true, literal: text[0]}
	}
	return c.date(n, text)
}

// date is a time written out.
func (c *exprCompiler) date(n *ast.BuiltinNode, text []string) val {
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
		return val{q: q("make_timestamp({us}::BIGINT)", engine.Args{"us": t.UnixMicro()}), t: &typ{kind: kTime, zone: zone}, simple: true}
	}
	refuse(n.Arguments[0], "", "%s", err)
	return val{}
}

// timeArithmetic is + and - of times and durations. A TIMESTAMP has microseconds, a duration nanoseconds.
func (c *exprCompiler) timeArithmetic(n *ast.BinaryNode, l, r val) val {
	op := n.Operator
	switch {
	case l.t.kind == kTime && r.t.kind == kTime && op == "-":
		// Go's difference stops at about 292 years.
		return c.hold(val{q: q("((epoch_us({l})::HUGEINT - epoch_us({r})) * 1000)", engine.Args{"l": l.q, "r": r.q}), t: l.t, mayErr: l.mayNull() || r.mayNull()}, func(ns val) val {
			return strict(q("CAST(CASE WHEN {ns} > 9223372036854775807 THEN 9223372036854775807::HUGEINT WHEN {ns} < -9223372036854775808::HUGEINT THEN -9223372036854775808::HUGEINT ELSE {ns} END AS BIGINT)", engine.Args{"ns": ns.q}), &typ{kind: kDuration}, ns)
		})
	case l.t.kind == kDuration && r.t.kind == kDuration:
		return c.arithmetic(op, l, r, l.t)
	case l.t.kind == kDuration && r.t.kind == kTime && op == "+":
		l, r = r, l
	case l.t.kind != kTime || r.t.kind != kDuration:
		refuse(n, "", "%s %s %s has no meaning", l.t, op, r.t)
	}
	if d, ok := r.literal.(int); ok && d%1000 != 0 {
		refuse(n.Right, "", "a TIMESTAMP has microseconds, and this duration is finer")
	}
	return strict(q("TRY(make_timestamp(epoch_us({l}) {op} {r} // 1000))", engine.Args{"l": l.q, "r": r.q, "op": engine.Type(op)}), l.t, l, r).errs()
}

// timeParts are the methods of a time that give a part of it, with the zone it is seen in.
var timeParts = map[string]struct {
	sql  string
	kind kind
}{
	"Year": {"year({t})", kInt}, "Month": {"month({t})", kMonth}, "Day": {"day({t})", kInt}, "Hour": {"hour({t})", kInt}, "Minute": {"minute({t})", kInt},
	"Second": {"second({t})", kInt}, "Nanosecond": {"(epoch_us({t}) % 1000000 + 1000000) % 1000000 * 1000", kInt}, "YearDay": {"dayofyear({t})", kInt}, "Weekday": {"dayofweek({t})", kWeekday},
}

// instants are the methods that don't depend on a zone.
var instants = map[string]string{"Unix": "((epoch_us({t}) - (epoch_us({t}) % 1000000 + 1000000) % 1000000) // 1000000)", "UnixMilli": "((epoch_us({t}) - (epoch_us({t}) % 1000 + 1000) % 1000) // 1000)", "UnixMicro": "epoch_us({t})"}

// durations are the methods of a duration: whole units and the rest apart, as Go adds them.
var durations = map[string]struct {
	sql  string
	kind kind
}{
	"Hours":        {"(({d} // 3600000000000)::DOUBLE + ({d} % 3600000000000)::DOUBLE / 3600000000000.0::DOUBLE)", kFloat},
	"Minutes":      {"(({d} // 60000000000)::DOUBLE + ({d} % 60000000000)::DOUBLE / 60000000000.0::DOUBLE)", kFloat},
	"Seconds":      {"(({d} // 1000000000)::DOUBLE + ({d} % 1000000000)::DOUBLE / 1000000000.0::DOUBLE)", kFloat},
	"Milliseconds": {"({d} // 1000000)", kInt}, "Microseconds": {"({d} // 1000)", kInt}, "Nanoseconds": {"{d}", kInt},
}

// call is a method of a time or duration; expr has no other functions here.
func (c *exprCompiler) call(n *ast.CallNode) val {
	m, ok := n.Callee.(*ast.MemberNode)
	if !ok {
		refuse(n.Callee, "expr's own functions are callable; DuckDB's are in SQL expressions", "unknown function %s", n.Callee)
	}
	name := m.Property.(*ast.StringNode).Value
	base := c.node(m.Node)
	args := make([]val, len(n.Arguments))
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
	case base.t.kind == kDuration && durations[name].sql != "":
		none()
		d := durations[name]
		return c.hold(base, func(b val) val { return strict(q(d.sql, engine.Args{"d": b.q}), &typ{kind: d.kind}, b) })
	case base.t.kind != kTime:
		refuse(m.Property, "", "%s has no method %s", base.t, name)
	case instants[name] != "":
		none()
		return c.hold(base, func(b val) val { return strict(q(instants[name], engine.Args{"t": b.q}), &typ{kind: kInt}, b) })
	case timeParts[name].sql != "":
		none()
		p := timeParts[name]
		v := strict(q("CAST("+p.sql+" AS BIGINT)", engine.Args{"t": local(base)}), &typ{kind: p.kind}, base)
		if name == "Nanosecond" {
			v.q = q("("+p.sql+")", engine.Args{"t": base.q})
		}
		v.bounded, v.lo, v.hi = true, -1<<20, 1<<30
		return v
	case name == "UTC" && len(args) == 0:
		t := *base.t
		t.zone, base.t = "UTC", &t
		return base
	case name == "In" && len(args) == 1 && args[0].t.kind == kZone:
		t := *base.t
		t.zone, base.t = args[0].t.zone, &t
		return base
	case (name == "Before" || name == "After" || name == "Equal") && len(args) == 1 && args[0].t.kind == kTime:
		op := map[string]string{"Before": "<", "After": ">", "Equal": "="}[name]
		return strict(q("({l} {op} {r})", engine.Args{"l": base.q, "op": engine.Type(op), "r": args[0].q}), &typ{kind: kBool}, base, args[0])
	}
	refuse(m.Property, "read it in SQL: date_part, strftime", "the method %s of a time has no SQL here", name)
	return val{}
}

// local is a time as its zone's clocks show it.
func local(v val) *engine.Query {
	if v.t.zone == "UTC" {
		return v.q
	}
	return q("(({t} AT TIME ZONE 'UTC') AT TIME ZONE {z})", engine.Args{"t": v.q, "z": v.t.zone})
}
