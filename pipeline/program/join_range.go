package program

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/sql"
)

// A range in ON limits which rows of a side new rows of the other can find: of b.at BETWEEN a.at AND a.at + INTERVAL 1 HOUR those of b lie
// between the first and the last new a.at, and an hour behind it. Said of the column alone, that lets DuckDB leave out by its zone maps
// what was stored before. A limit only says what the condition says already, so one that isn't understood is left out.

// limit of a column of one side: it is no less, or no more, than an expression over a row of the other, minus a shift.
type limit struct {
	column string
	other  part // of the tokens
	least  bool
	shift  part  // the column stands there plus (or minus) this
	minus  bool  // minus
	loose  int64 // days: months have none of a fixed length
	timed  bool  // both are times, of one kind
}

// part is tokens [from, to).
type part struct{ from, to int }

// looseDays are more than adding months and taking them off again is wrong by, or a day that has no 24 hours.
const looseDays = 4

// ranges reads comparisons off the text.
type ranges struct {
	spotFinder
	j     *Join
	known map[asked]duck.Type // what an expression is over what; none where it isn't
	asks  []asked
}

// asked: is a part an expression over the first side, the second, or (2) nothing?
type asked struct {
	part
	over int
}

// bindLimits finds the limits of both sides, in ON, and in WHERE where the sides stand right beside it.
func (j *Join) bindLimits(ctx context.Context, tx *duck.Tx) error {
	j.ranged = false
	r := ranges{spotFinder: spotFinder{b: j.body, toks: sql.Tokens(j.body.src, j.body.span)}, j: j, known: map[asked]duck.Type{}}
	if !r.direct() {
		return nil
	}
	var found []comparison
	for _, p := range r.conditions() {
		found = append(found, r.comparisons(p)...)
	}
	for _, c := range found {
		for _, p := range []part{c.left, c.right} {
			r.asks = append(r.asks, asked{p, 0}, asked{p, 1})
			if moved, shift, _ := r.shifted(p); shift.to > 0 {
				r.asks = append(r.asks, asked{moved, 0}, asked{moved, 1}, asked{shift, 2})
			}
		}
	}
	if err := r.bind(ctx, tx); err != nil {
		return err
	}
	j.ranged = true
	for i := range j.sides {
		low, high := false, false
		j.sides[i].limits = nil
		for _, c := range found {
			for _, turned := range []bool{false, true} {
				l, ok, err := r.limit(ctx, tx, i, c, turned)
				if err != nil {
					return err
				}
				if ok {
					j.sides[i].limits = append(j.sides[i].limits, l)
					low, high = low || l.least, high || !l.least
				}
			}
		}
		j.ranged = j.ranged && low && high
	}
	return nil
}

// direct: both sides are tables that stand in the FROM where they meet, under one name.
func (r *ranges) direct() bool {
	if r.j.in == nil || r.j.meet == nil {
		return false
	}
	found := 0
	tree.Walk(r.j.in.From, func(n tree.Node) bool {
		switch n := n.(type) {
		case *tree.Subquery:
			return false
		case *tree.Table:
			if len(n.Columns) == 0 && (n.At == r.j.body.freshAt() || n.At == r.j.body.standsAt(r.j.body.other)) {
				found++
			}
		}
		return true
	})
	return found == 2
}

func (r *ranges) user(p part) *duck.Query { return r.j.text(r.toks, p) }

func (j *Join) text(toks []sql.Token, p part) *duck.Query {
	return duck.User(j.body.src, toks[p.from].Span.To(toks[p.to-1].Span))
}

// bind asks DuckDB over what the expressions are.
func (r *ranges) bind(ctx context.Context, tx *duck.Tx) error {
	bound := make([]duck.Bound, len(r.asks))
	for i, a := range r.asks {
		bound[i].Query = duck.SQL("SELECT ({x})", duck.Args{"x": r.user(a.part)})
		if a.over < 2 {
			bound[i].Query = duck.SQL("{q} FROM {rel} AS {n}",
				duck.Args{"q": bound[i].Query, "rel": rowless(tx.Conn, r.j.sides[a.over].Of), "n": r.j.called(a.over)})
		}
	}
	cols, errs := tx.DescribeEach(ctx, bound)
	for i, a := range r.asks {
		if errs[i] == nil && len(cols[i]) == 1 {
			r.known[a] = cols[i][0].Type
		}
	}
	return ctx.Err()
}

// called is the name of a side in the query.
func (j *Join) called(side int) *duck.Query { return duck.Ident(j.name(side)) }

func (j *Join) name(side int) string {
	r := j.body.reads[[]int{j.body.fresh, j.body.other}[side]]
	name := r.name
	j.body.tree.Walk(func(n tree.Node) bool {
		if t, ok := n.(*tree.Table); ok && t.At == r.at.Start-j.body.span.Start && t.Alias != "" {
			name = t.Alias
		}
		return true
	})
	return name
}

// limit is what a comparison says of a side's column; turned: it stands on the right.
func (r *ranges) limit(ctx context.Context, tx *duck.Tx, side int, c comparison, turned bool) (limit, bool, error) {
	mine, l := c.left, limit{other: c.right, least: turned}
	if turned {
		mine, l.other = c.right, c.left
	}
	mine, l.shift, l.minus = r.shifted(mine)
	of, over := r.known[asked{mine, side}], r.known[asked{l.other, 1 - side}]
	either := r.known[asked{mine, 1 - side}] != "" || r.known[asked{l.other, side}] != ""
	if !ordered(of) || !ordered(over) || either || !r.column(mine, side) || !r.same(l.other, 1-side) || !r.same(l.shift, 2) {
		return l, false, nil
	}
	l.column = sql.NameOf(r.toks[mine.to-1].Span.Of(r.b.src))
	if !slices.ContainsFunc(r.j.sides[side].Of.Cols, func(c duck.Column) bool { return sql.Same(c.Name, l.column) }) {
		return l, false, nil
	}
	l.timed = moment(of) && moment(over) && zoned(of) == zoned(over)
	if l.shift.to == 0 {
		return l, true, nil
	}
	switch by := r.known[asked{l.shift, 2}]; {
	case by == "INTERVAL" && moment(of) && moment(over):
		days, err := tx.Int(ctx, duck.SQL("SELECT coalesce(datepart('year', x) <> 0 OR datepart('month', x) <> 0 OR datepart('day', x) <> 0 AND "+
			"{zoned}, true)::BIGINT FROM (SELECT {x} AS x)",
			duck.Args{"x": r.user(l.shift), "zoned": zoned(of) || zoned(over)}))
		if err != nil {
			return l, false, err
		}
		if of != over && (zoned(of) != zoned(over) || of == "TIMESTAMP_NS" || over == "TIMESTAMP_NS") {
			days = 1 // an hour on a clock may be two, or a part of a microsecond go
		}
		l.loose = days * looseDays
		return l, true, nil
	case by.ID().Integer() && (of == "DATE" && over == "DATE" || of.ID().Integer() && over.ID().Integer()):
		return l, true, nil
	}
	return l, false, nil
}

func moment(t duck.Type) bool { return t == "DATE" || strings.HasPrefix(string(t), "TIMESTAMP") }

func zoned(t duck.Type) bool { return t == "TIMESTAMP WITH TIME ZONE" }

// ordered: values are compared alike whatever type they are compared as.
func ordered(t duck.Type) bool { return t != "" && (t.ID().Number() || t.ID().Temporal()) }

// limited is a condition on the rows of a side that new rows of the other may find; nil: none. least is what their event time in an outer
// join is no less than, in microseconds; nil: not known.
func (j *Join) limited(ctx context.Context, tx *duck.Tx, side int, fresh *duck.Query) (found, least *duck.Query, err error) {
	limits := j.sides[side].limits
	if len(limits) == 0 {
		return nil, nil, nil
	}
	toks := sql.Tokens(j.body.src, j.body.span)
	var inner, outer []*duck.Query
	dest := []any{}
	texts, types, some := make([]*string, len(limits)), make([]*string, len(limits)), make([]int64, len(limits))
	for i, l := range limits {
		a := duck.Args{"x": j.text(toks, l.other), "n": duck.Ident(fmt.Sprintf("n%d", i)), "e": duck.Ident(fmt.Sprintf("e%d", i)),
			"end": duck.SQL("max"), "shift": duck.SQL(""), "loose": duck.SQL("")}
		if l.least {
			a["end"] = duck.SQL("min")
		}
		if l.shift.to > 0 {
			a["shift"] = duck.SQL(" - ({s})", duck.Args{"s": j.text(toks, l.shift)})
			if l.minus {
				a["shift"] = duck.SQL(" + ({s})", duck.Args{"s": j.text(toks, l.shift)})
			}
		}
		if l.loose > 0 && l.least {
			a["loose"] = duck.SQL(" - to_days({d})", duck.Args{"d": l.loose})
		} else if l.loose > 0 {
			a["loose"] = duck.SQL(" + to_days({d})", duck.Args{"d": l.loose})
		}
		inner = append(inner, duck.SQL("count({x}) AS {n}, {end}({x}) AS {e}", a))
		outer = append(outer, duck.SQL("{n}, TRY({e}{shift}{loose})::VARCHAR, typeof({e}{shift}{loose})", a))
		dest = append(dest, &some[i], &texts[i], &types[i])
	}
	if _, err := tx.Scan(ctx, duck.SQL("SELECT {outer} FROM (SELECT {inner} FROM {fresh} AS {name})",
		duck.Args{"outer": duck.Join(", ", outer...),
			"inner": duck.Join(", ", inner...), "fresh": fresh, "name": j.called(1 - side)}), dest...); err != nil {
		return nil, nil, err
	}
	var out []*duck.Query
	for i, l := range limits {
		switch {
		case some[i] == 0: // it is NULL in all of them
			return duck.SQL("false"), nil, nil
		case texts[i] == nil || types[i] == nil || moment(duck.Type(*types[i])) && strings.HasSuffix(*texts[i], "infinity"):
			continue // DuckDB compares no DATE with an infinite TIMESTAMP
		}
		a := duck.Args{"c": duck.Ident(l.column), "v": *texts[i], "t": duck.Type(*types[i])}
		if l.least {
			out = append(out, duck.SQL("{c} >= {v}::{t}", a))
			if j.outer != nil && l.timed && sql.Same(l.column, j.outer.time[side]) {
				least = instant(duck.SQL("{v}::{t}", a), j.outer.zoned[side])
			}
		} else {
			out = append(out, duck.SQL("{c} <= {v}::{t}", a))
		}
	}
	if len(out) == 0 {
		return nil, nil, nil
	}
	return duck.Join(" AND ", out...), least, nil
}
