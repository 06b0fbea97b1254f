package rollup

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
)

// Folds. What some aggregates give over all rows of a group is told by what they gave before and what they give over the rows that came: a
// count is the sum of counts, a minimum the least of minimums. Where all of a query's aggregates are such ones, and exact, rows that come are
// merged into the groups (merge.go), and what is stored isn't read again. The list is closed: a sum of DOUBLEs hangs on the order in which
// its rows are added, and is computed anew.

// folding is how a query's groups are merged.
type folding struct {
	folds []fold
	// made are the items that are computed of folds, by their place, each by edits in its text.
	made map[int][]edit
	// exact are conditions on a merged row: it is what the query gives. Else its group is computed anew.
	exact []*duck.Query
	parts []*duck.Query // conditions on each of the rows that are merged
	valid string        // the hidden count that is NULL where a row was stored before there were hidden columns; "": there are none
	why   string        // why rows aren't merged; "": they are
}

// fold is an aggregate. Its values over parts of a group's rows make its value over all of them.
type fold struct {
	key    string // its text
	column string // where it stands: the column of an item, or a hidden one
	hidden bool
	name   string // the aggregate
	args   part   // what follows the name
	by     string // the aggregate that makes one value of several
	typ    duck.Type
	// A sum of which an average is made is kept in units of its last digit, as a BIGINT, and is NULL where it is too large for an exact
	// average: DuckDB reads integers of 128 bits a hundred times as slowly. units is how many are one, 0 where it is no such sum.
	units int64
}

// by are the aggregates that fold, and what makes one value of several. An average is made of a sum and a count.
var by = map[string]string{"count": "sum", "count_star": "sum", "count_if": "sum", "countif": "sum", "sum": "sum", "min": "min", "max": "max",
	"bool_and": "bool_and", "bool_or": "bool_or", "bit_and": "bit_and", "bit_or": "bit_or", "bit_xor": "bit_xor", "avg": "avg", "mean": "avg"}

// isHidden: a column of name__now belongs to no item, by its name: _fold0, _fold1 ….
func isHidden(column string) bool {
	n, is := strings.CutPrefix(strings.ToLower(column), "_fold")
	return is && n != "" && strings.Trim(n, "0123456789") == ""
}

// fold finds out whether the query folds. decided: rules or checks say which rows of the rollup are stored, so that a group's may be missing.
func (q *query) fold(ctx context.Context, tx *duck.Tx, cols []duck.Column, decided bool) {
	f := &q.folding
	if f.why = q.unfoldable(decided); f.why == "" {
		f.why = q.foldItems(ctx, tx, cols)
	}
	if f.why != "" {
		*f = folding{why: f.why}
	}
}

// unfoldable is what of the query as a whole keeps it from being merged.
func (q *query) unfoldable(decided bool) string {
	_, having := q.clause["having"]
	w := q.only()
	switch {
	case q.whole != "" && (len(q.keys) > 0 || q.sets() || q.of.Beside || !direct(q.sel.From, q.of.At)):
		return q.whole
	case !q.of.Adds:
		return "rows of what it reads change and go"
	case w != nil && w.name == "session":
		return "sessions hang on the rows around them"
	case having:
		return "what HAVING leaves out isn't kept"
	case decided:
		return "what its RULES and CHECKS leave out isn't kept"
	}
	for i := range q.toks {
		if q.is(i, "COLLATE") {
			return "values of a COLLATE that are the same are written in several ways"
		}
	}
	subquery := false
	q.of.Tree.Walk(func(n tree.Node) bool {
		_, is := n.(*tree.Subquery)
		subquery = subquery || is
		return true
	})
	if subquery {
		return "a subquery may see other rows"
	}
	return ""
}

// foldItems goes through the items: first those that are a fold, whose columns others may be made of.
func (q *query) foldItems(ctx context.Context, tx *duck.Tx, cols []duck.Column) (why string) {
	q.folding.made = map[int][]edit{}
	if name := q.declared(); name != "" {
		return name + " may be declared anew"
	}
	calls := make([][]part, len(q.items))
	for i, it := range q.items {
		if slices.Contains(q.keys, i) || it.end {
			continue
		}
		if calls[i], why = q.aggregates(it); why != "" {
			return why
		}
		if c := calls[i]; len(c) == 1 && c[0] == it.expr && by[strings.ToLower(q.word(c[0].from))] != "avg" {
			q.add(fold{key: q.key(c[0]), column: it.column, name: strings.ToLower(q.word(c[0].from)), args: part{c[0].from + 1, c[0].to}})
			calls[i] = nil
		}
	}
	for i := range q.items {
		for _, c := range calls[i] {
			if why := q.hide(ctx, tx, i, c); why != "" {
				return why
			}
		}
	}
	if n := slices.IndexFunc(q.folding.folds, func(f fold) bool { return f.hidden }); n >= 0 {
		n = slices.IndexFunc(q.folding.folds, func(f fold) bool { return f.hidden && strings.HasPrefix(f.name, "count") })
		if n < 0 {
			n = len(q.folding.folds)
			q.add(fold{key: "count()", name: "count", hidden: true})
		}
		q.folding.valid = q.folding.folds[n].column
	}
	return q.foldTypes(ctx, tx, cols)
}

// declared is a function that the query calls and that may be declared anew, "" where it calls none.
func (q *query) declared() string {
	for _, name := range slices.Sorted(maps.Keys(q.known)) {
		if q.known.Any(name, func(r duck.Routine) bool { return r.Pure }) {
			return name
		}
	}
	return ""
}

// aggregates are the calls of folds in an item that is made of them and constants alone.
func (q *query) aggregates(it item) (calls []part, why string) {
	text := q.span(it.expr).Of(q.src)
	for i := it.expr.from; i < it.expr.to; i++ {
		if by[strings.ToLower(q.word(i))] == "" || !q.is(i+1, "(") || q.is(i-1, ".") {
			continue
		}
		c := part{i, q.next(i + 1)}
		inner := part{i + 2, c.to - 1}
		if q.is(c.to, "FILTER") && q.is(c.to+1, "(") {
			c.to = q.next(c.to + 1)
		}
		ordered := q.is(inner.from, "DISTINCT") || len(q.split(inner)) > 1 || q.is(c.to, "OVER", "WITHIN", "IGNORE", "RESPECT")
		for j := inner.from; j < inner.to; j = q.next(j) {
			ordered = ordered || q.is(j, "ORDER") && q.is(j+1, "BY")
		}
		if ordered {
			return nil, text + " hangs on all rows of its group"
		}
		calls = append(calls, c)
		i = c.to - 1
	}
	seen := 0
	tree.Walk(it.node, func(n tree.Node) bool {
		switch n := n.(type) {
		case *tree.Call:
			name := strings.ToLower(n.Name)
			if !n.Operator && by[name] != "" {
				seen++
				return false
			}
			if q.known.Any(name, func(r duck.Routine) bool { return r.Type == "aggregate" }) && !n.Operator {
				why = text + " hangs on all rows of its group"
			}
		case *tree.ColumnRef, *tree.Star, *tree.Subquery, *tree.Lambda, *tree.Window, *tree.Parameter:
			why = text + " is no aggregate of the closed list"
		}
		return why == ""
	})
	if why == "" && (seen != len(calls) || seen == 0) {
		why = text + " is no aggregate of the closed list"
	}
	return calls, why
}

// key is how a call is written: two that are written alike are one.
func (q *query) key(c part) string {
	var words []string
	for i := c.from; i < c.to; i++ {
		w := q.word(i)
		if !strings.ContainsAny(w, `'"`) {
			w = strings.ToLower(w)
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// add gives the column of a fold, which may be there already.
func (q *query) add(f fold) *duck.Query {
	for _, have := range q.folding.folds {
		if have.key == f.key && (f.hidden || !have.hidden && have.column == f.column) {
			return duck.Ident(have.column)
		}
	}
	hidden := 0
	for _, have := range q.folding.folds {
		if have.hidden {
			hidden++
		}
	}
	if f.hidden {
		f.column = fmt.Sprintf("_fold%d", hidden)
	}
	f.by = by[f.name]
	q.folding.folds = append(q.folding.folds, f)
	return duck.Ident(f.column)
}

// hide keeps what a call in an item is made of, and says by what the call is replaced.
func (q *query) hide(ctx context.Context, tx *duck.Tx, i int, c part) (why string) {
	f := &q.folding
	name, args := strings.ToLower(q.word(c.from)), part{c.from + 1, c.to}
	if by[name] != "avg" {
		f.made[i] = append(f.made[i], edit{q.span(c), q.add(fold{key: q.key(c), hidden: true, name: name, args: args})})
		return ""
	}
	arg := part{c.from + 2, q.next(c.from+1) - 1}
	is, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: q.over(q.edited(arg, q.edits)), At: q.fails(q.span(c))}})
	if errs[0] != nil || len(is[0]) != 1 {
		return q.span(c).Of(q.src) + " can't be told from its parts"
	}
	typ, scale := is[0][0].Type, 0
	_, scale, decimal := typ.Decimal()
	if !decimal && !slices.Contains([]duck.Type{"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
		"HUGEINT"}, typ) {
		return fmt.Sprintf("%s is of %s, and hangs on the order of its rows", q.span(c).Of(q.src), typ)
	}
	rest := q.key(args)
	if scale > 3 { // one row is too many
		return fmt.Sprintf("%s is of %s: an average of so many digits isn't told from its sum", q.span(c).Of(q.src), typ)
	}
	units := int64(math.Pow10(scale))
	a := duck.Args{"s": q.add(fold{key: "average " + rest, hidden: true, name: "sum", args: args, units: units}),
		"n": q.add(fold{key: "count " + rest, hidden: true, name: "count", args: args}), "units": units, "most": exactInteger, "few": exactCount}
	f.made[i] = append(f.made[i], edit{q.span(c), duck.SQL("(CASE WHEN {n} > 0 THEN {s}::DOUBLE / ({n} * {units})::DOUBLE END)", a)})
	f.parts = append(f.parts, duck.SQL("({s} IS NOT NULL OR {n} = 0)", a))
	f.exact = append(f.exact, duck.SQL("({n} * {units} < {few} AND ({s} IS NULL OR {s} BETWEEN -{most} AND {most}))", a))
	return ""
}

// DuckDB divides an average's sum and count as long doubles, and rounds the result to a DOUBLE: twice. Where the sum is an integer of 53 bits
// and the divisor one of 11 the quotient is nowhere so near to the middle of two DOUBLEs that this makes a difference: the distance is at
// least 1/divisor of half a unit, and the first rounding moves by 1/2048 of one at most.
const (
	exactInteger = int64(1) << 53
	exactCount   = 1 << 11
)

// foldTypes finds the types of folds, and refuses those that aren't exact.
func (q *query) foldTypes(ctx context.Context, tx *duck.Tx, cols []duck.Column) string {
	list := duck.Each(", ", q.folding.folds, func(f fold) *duck.Query { return q.folded(f, q.edits) })
	of := q.over(list)
	if len(q.folding.folds) == 0 {
		return "it has no aggregates"
	}
	is, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: of, At: q.fails(q.of.Span)}})
	if errs[0] != nil || len(is[0]) != len(q.folding.folds) {
		return "its aggregates can't be told apart"
	}
	for i := range q.folding.folds {
		f := &q.folding.folds[i]
		f.typ = is[0][i].Type
		_, _, decimal := f.typ.Decimal()
		if f.name == "sum" && f.units == 0 && f.typ != "HUGEINT" && !decimal {
			return fmt.Sprintf("a sum of %s hangs on the order of its rows", f.typ)
		}
	}
	for i := range q.folding.made { // what is made has the column's type
		if cols[i].Type == "" {
			return "its aggregates can't be told apart"
		}
	}
	return ""
}

// folded is a fold over rows.
func (q *query) folded(f fold, edits []edit) *duck.Query {
	if f.args == (part{}) {
		return duck.SQL("count(*)")
	}
	out := duck.Cat(duck.Text(f.name), q.edited(f.args, edits))
	if f.units == 0 {
		return out
	}
	return duck.SQL("CASE WHEN {sum} BETWEEN -{most} AND {most} THEN ({sum} * {units})::BIGINT END",
		duck.Args{"sum": out, "most": exactInteger / f.units, "units": f.units})
}

// hidden are the columns of name__now that belong to no item.
func (q *query) hidden() (out []duck.Column) {
	if q == nil {
		return nil
	}
	for _, f := range q.folding.folds {
		if f.hidden {
			out = append(out, duck.Column{Name: f.column, Type: f.typ})
		}
	}
	return out
}

// kept is the SELECT's list with what else is kept of a group.
func (q *query) kept(rel *duck.Query) *duck.Query {
	edits := q.reading(rel)
	list := q.list(rel)
	for _, f := range q.folding.folds {
		if f.hidden {
			list = duck.SQL("{list}, {f} AS {c}", duck.Args{"list": list, "f": q.folded(f, edits), "c": duck.Ident(f.column)})
		}
	}
	return list
}
