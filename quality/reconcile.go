package quality

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// Two tables are held against each other by key: both are read once, into one GROUP BY of the keys, of which only what differs is kept. A
// key that stands twice on a side is told and not compared. NULL is a key like others. dsql diff shows all of that, the helper differences
// counts it.

// Pair is a column of both sides.
type Pair struct{ A, B duck.Column }

// Sides are the columns by which two tables are compared: numbers that lie no further apart than Abs, or than Rel of the larger one, are
// alike.
type Sides struct {
	Keys, Values []Pair
	Abs, Rel     float64
}

// Beside puts the columns that both have, but for the keys, beside each other by name, in any case.
func (s *Sides) Beside(a, b []duck.Column) {
	for _, x := range a {
		if slices.ContainsFunc(s.Keys, func(k Pair) bool { return k.A.Name == x.Name }) {
			continue
		}
		if i := columnNamed(b, x.Name); i >= 0 {
			s.Values = append(s.Values, Pair{x, b[i]})
		}
	}
}

func columnNamed(cols []duck.Column, name string) int {
	return slices.IndexFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, name) })
}

// KeyName, OfSide and SameName are the columns of Differences: key i, a side's value i, and whether value i is alike on both.
func KeyName(i int) *duck.Query             { return duck.Ident(fmt.Sprintf("k%d", i)) }
func OfSide(side string, i int) *duck.Query { return duck.Ident(fmt.Sprintf("%s%d", side, i)) }
func SameName(i int) *duck.Query            { return OfSide("same", i) }

// same: value i is alike on both sides. A text is compared with another type as that type.
func (s *Sides) same(i int) *duck.Query {
	p := s.Values[i]
	a, b := OfSide("a", i), OfSide("b", i)
	args := duck.Args{"a": a, "b": b, "abs": s.Abs, "rel": s.Rel}
	switch text := duck.Type("VARCHAR"); {
	case p.A.Type == text && p.B.Type != text:
		args["a"] = duck.SQL("TRY_CAST({a} AS {t})", args, duck.Args{"t": p.B.Type})
		args["null"] = duck.SQL("{x} IS NULL", duck.Args{"x": a})
	case p.B.Type == text && p.A.Type != text:
		args["b"] = duck.SQL("TRY_CAST({b} AS {t})", args, duck.Args{"t": p.A.Type})
		args["null"] = duck.SQL("{x} IS NULL", duck.Args{"x": b})
	case p.A.Type != p.B.Type && !(isNumber(p.A.Type) && isNumber(p.B.Type)) && !(p.A.Type.ID().Temporal() && p.B.Type.ID().Temporal()):
		args["a"], args["b"] = duck.SQL("CAST({a} AS VARCHAR)", args), duck.SQL("CAST({b} AS VARCHAR)", args)
	}
	eq := duck.SQL("{a} IS NOT DISTINCT FROM {b}", args)
	if n := args["null"]; n != nil { // a text that is no such value is not NULL
		eq = duck.SQL("({eq} AND ({a} IS NOT NULL OR {null}))", args, duck.Args{"eq": eq})
	}
	if apart := s.Apart(i); apart != nil && s.Abs+s.Rel > 0 {
		eq = duck.SQL("({eq} OR coalesce({apart} <= greatest({abs}, {rel} * greatest(abs(TRY_CAST({x} AS DOUBLE)), "+
			"abs(TRY_CAST({y} AS DOUBLE)))), false))", args, duck.Args{"eq": eq, "apart": apart, "x": a, "y": b})
	}
	return eq
}

// Apart is how far the numbers of value i lie apart; nil where they are none.
func (s *Sides) Apart(i int) *duck.Query {
	p := s.Values[i]
	args := duck.Args{"a": OfSide("a", i), "b": OfSide("b", i)}
	switch x, y := p.A.Type, p.B.Type; {
	case x.ID() == duck.TypeDecimal && y.ID() == duck.TypeDecimal:
		return duck.SQL("abs({a} - {b})::DOUBLE", args)
	case isNumber(x) && (isNumber(y) || y == "VARCHAR"), isNumber(y) && x == "VARCHAR":
		return duck.SQL("abs(TRY_CAST({a} AS DOUBLE) - TRY_CAST({b} AS DOUBLE))", args)
	}
	return nil
}

// Differences are the keys that differ between two FROM-items, what each side has of them, and what: twice, only_a, only_b or different.
func (s *Sides) Differences(a, b *duck.Query) *duck.Query {
	side := func(name string, from *duck.Query, of func(Pair) duck.Column) *duck.Query {
		n := -1
		keys := duck.Each(", ", s.Keys, func(p Pair) *duck.Query {
			n++
			return duck.SQL("{c} AS {k}", duck.Args{"c": duck.Ident(of(p).Name), "k": KeyName(n)})
		})
		cols := []*duck.Query{keys, duck.SQL("{s} AS side", duck.Args{"s": name})}
		for i, p := range s.Values {
			for _, x := range []string{"a", "b"} {
				v := duck.SQL("NULL")
				if x == name {
					v = duck.Ident(of(p).Name)
				}
				cols = append(cols, duck.SQL("{v} AS {n}", duck.Args{"v": v, "n": OfSide(x, i)}))
			}
		}
		return duck.SQL("SELECT {cols} FROM {from}", duck.Args{"cols": duck.Join(", ", cols...), "from": from})
	}
	var keys, cols, same []*duck.Query
	for i := range s.Keys {
		keys = append(keys, KeyName(i))
	}
	for i := range s.Values {
		for _, x := range []string{"a", "b"} {
			cols = append(cols, duck.SQL("first({n}) FILTER (side = {s}) AS {n}", duck.Args{"n": OfSide(x, i), "s": x}))
		}
		same = append(same, duck.SQL("{same} AS {n}", duck.Args{"same": s.same(i), "n": SameName(i)}))
	}
	same = append(same, duck.SQL("true AS same"))
	all := duck.SQL("true")
	for i := range s.Values {
		all = duck.SQL("{all} AND {n}", duck.Args{"all": all, "n": SameName(i)})
	}
	cols = append(cols, duck.SQL("count(*) FILTER (side = 'a') AS n_a, count(*) FILTER (side = 'b') AS n_b"))
	return duck.SQL(`SELECT *,
		CASE WHEN n_a > 1 OR n_b > 1 THEN 'twice' WHEN n_b = 0 THEN 'only_a' WHEN n_a = 0 THEN 'only_b' ELSE 'different' END AS what
		FROM (SELECT *, {same} FROM (SELECT {keys}, {cols} FROM ({a} UNION ALL {b}) GROUP BY {keys}))
		WHERE n_a <> 1 OR n_b <> 1 OR NOT ({all})`, duck.Args{"same": duck.Join(", ", same...), "keys": duck.Join(", ", keys...),
		"cols": duck.Join(", ", cols...), "a": side("a", a, func(p Pair) duck.Column { return p.A }),
		"b": side("b", b, func(p Pair) duck.Column { return p.B }), "all": all})
}

// differing is one call of differences, in the text of an item.
type differing struct{ item, at int }

// other is what such a call compares with, and by which columns.
type other struct {
	sides Sides
	from  *duck.Query
}

// differences counts the keys that differ between the rows and another table.
func differences(x *expansion, c helperCall) *duck.Query {
	o, it := x.p.others[differing{x.i, c.at}], x.it()
	if o == nil { // told already
		return duck.SQL("NULL::BIGINT")
	}
	rows := duck.Empty(x.p.cols)
	switch {
	case it.table:
		x.p.whole, rows = true, x.table
	case x.env != nil:
		rows = x.env.batch.Rows
	}
	found := o.sides.Differences(rows, o.from)
	n := -1
	a := duck.Args{"found": found, "here": duck.Each(", ", o.sides.Keys, func(p Pair) *duck.Query { return duck.Ident(p.A.Name) }),
		"keys": duck.Each(", ", o.sides.Keys, func(Pair) *duck.Query { n++; return KeyName(n) })}
	if a["row"] = duck.SQL(""); len(o.sides.Keys) > 1 {
		a["row"] = duck.SQL("row")
	}
	x.example(example{kept: true, order: duck.SQL("row({here})", a), of: func(*duck.Query) *duck.Query {
		return duck.SQL("{row}({here}) IN (SELECT {row}({keys}) FROM ({found}) WHERE n_a > 0)", a)
	}})
	return duck.SQL("(SELECT count(*) FROM ({found}))", a)
}

// others reads the calls of differences: what they compare with has to be known before anything is bound.
func (b *compiler) others() {
	for i := range b.p.items {
		it := &b.p.items[i]
		for _, e := range it.read.events {
			if e.kind != call || e.name != "differences" {
				continue
			}
			o, err := b.other(it, it.read.extent(e.at))
			if err != nil {
				b.refuse(it, err)
				continue
			}
			b.p.others[differing{i, e.at}] = o
		}
	}
}

// other reads the arguments of a call: the table or query, the keys, and the tolerance.
func (b *compiler) other(it *item, ext extent) (*other, error) {
	usage := "write " + helpers["differences"].usage
	if it.grouped() {
		return nil, it.errorf(ext.span, code.Arguments, "differences compares all rows, and takes no BY").WithHint("leave BY out")
	}
	if len(ext.args) < 2 {
		return nil, it.errorf(ext.span, code.Arguments, "differences takes a table and the columns of its key").WithHint(usage)
	}
	o := &other{from: duck.User(it.read.src, ext.args[0])}
	theirs, err := b.c.Describe(b.ctx, duck.SQL("SELECT * FROM {t}", duck.Args{"t": o.from}), it.decl.At(ext.args[0]))
	if err != nil {
		return nil, err
	}
	ours := b.p.cols
	if it.table {
		ours = b.p.stored
	}
	for _, at := range ext.args[1:] {
		text := at.Of(it.read.src)
		if name, value, ok := strings.Cut(text, ":="); ok {
			x, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || x < 0 {
				return nil, it.errorf(at, code.Arguments, "a tolerance is a number from 0").WithHint("abs := 0.01, rel := 1e-6")
			}
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "abs":
				o.sides.Abs = x
			case "rel":
				o.sides.Rel = x
			default:
				return nil, it.errorf(at, code.Arguments, "differences has no %s", strings.TrimSpace(name)).WithHint(usage)
			}
			continue
		}
		name := sql.NameOf(text)
		i, j := columnNamed(ours, name), columnNamed(theirs, name)
		if i < 0 || j < 0 {
			of, cols := "the rows", ours
			if i >= 0 {
				of, cols = strings.Join(strings.Fields(ext.args[0].Of(it.read.src)), " "), theirs
			}
			return nil, it.errorf(at, code.UnknownColumn, "there is no column %s in %s", name, of).
				WithHint(sql.DidYouMean(name, duck.ColumnNames(cols), "a key is made of columns that both have"))
		}
		o.sides.Keys = append(o.sides.Keys, Pair{ours[i], theirs[j]})
	}
	if len(o.sides.Keys) == 0 {
		return nil, it.errorf(ext.span, code.Arguments, "differences takes the columns of the key").WithHint(usage)
	}
	o.sides.Beside(ours, theirs)
	return o, nil
}
