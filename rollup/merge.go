package rollup

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
)

// What a batch does where the query folds, and rows came and none went: their groups, over them alone, and the rows that are stored of these
// groups make one row each. Where that row may not be to the bit what the query gives, the group is computed anew.

var cameTable = duck.Ident("_dsql_rollup_came") // groups of the rows that came, over these alone

// merges: rows that come are merged.
func (q *query) merges() bool { return q.folding.why == "" }

// merge makes the rows of the groups that rows which came are of, and finds those that these take the place of.
func (r *Rollup) merge(ctx context.Context, tx *duck.Tx, t kind.Touched) error {
	q := r.query
	came, stored, err := r.some(ctx, tx, t.Came)
	if err != nil {
		return err
	}
	a := duck.Args{"came": cameTable, "rows": rowsTable, "old": oldTable, "now": r.table("__now"),
		"q": q.write(t.Came, q.kept(t.Came), came, "group")}
	if _, err := tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {came} AS {q}", a), r.decl.Place()); err != nil {
		return err
	}
	near, err := q.near(ctx, tx)
	if err != nil {
		return err
	}
	a["near"], a["stored"], a["same"] = near, stored, q.sameGroup("n", "c")
	a["cols"] = duck.Idents("n", r.keptNames()...)
	if _, err := tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {old} AS SELECT {cols}, n._v_from, n.rowid AS _rid FROM {now} n "+
		"SEMI JOIN {came} c ON {same} WHERE {near} AND {stored}", a), r.decl.Place()); err != nil {
		return err
	}
	if _, err := tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {rows} AS {q}", a.With(duck.Args{"q": q.merged(r.cols)})),
		r.decl.Place()); err != nil {
		return err
	}
	if err := fault.Fault(ctx, "rollup-merged"); err != nil || len(q.folding.exact) == 0 && q.folding.valid == "" {
		return err
	}
	return r.rest(ctx, tx, t)
}

// rest computes the groups anew that merging left out.
func (r *Rollup) rest(ctx context.Context, tx *duck.Tx, t kind.Touched) error {
	q := r.query
	list := duck.SQL("true AS _k0")
	if told := q.told(); len(told) > 0 {
		var columns []*duck.Query
		for i, k := range told {
			columns = append(columns, duck.SQL("c.{c} AS {k}", duck.Args{"c": duck.Ident(q.items[k].column), "k": keyColumn(i)}))
		}
		list = duck.Join(", ", columns...)
	}
	a := duck.Args{"touched": touchedTable, "list": list, "came": cameTable, "rows": rowsTable, "same": q.sameGroup("n", "c")}
	if err := tx.Run(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {touched} AS SELECT {list} FROM {came} c ANTI JOIN {rows} n ON {same}", a)); err != nil {
		return err
	}
	n, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {touched}", a))
	if err != nil || n == 0 {
		return err
	}
	some, _, err := r.some(ctx, tx, t.All)
	if err != nil {
		return err
	}
	a["q"] = q.those(t.All, some)
	if len(q.told()) > 0 {
		if a["q"], _, err = r.touchedOf(ctx, tx, t.All, some); err != nil {
			return err
		}
	}
	if _, err = tx.ExecAt(ctx, duck.SQL("INSERT INTO {rows} {q}", a), r.decl.Place()); err != nil {
		return err
	}
	return fault.Fault(ctx, "rollup-rest")
}

// near is a condition on stored rows which says no more than that their window is about one that rows came to.
func (q *query) near(ctx context.Context, tx *duck.Tx) (*duck.Query, error) {
	out := duck.SQL("true")
	for _, k := range q.told() {
		if q.named(q.items[k].expr) == nil {
			continue
		}
		a := duck.Args{"c": duck.Ident(q.items[k].column), "t": cameTable}
		var none int64
		var first, last, of *string
		if _, err := tx.Scan(ctx, duck.SQL("SELECT count(*) - count({c}), min({c})::VARCHAR, max({c})::VARCHAR, any_value(typeof({c})) FROM {t}", a),
			&none, &first, &last, &of); err != nil {
			return nil, err
		}
		if none > 0 || first == nil {
			continue
		}
		a["first"], a["last"], a["of"] = *first, *last, duck.Type(*of)
		out = duck.SQL("{out} AND n.{c} >= {first}::{of} AND n.{c} <= {last}::{of}", a, duck.Args{"out": out})
	}
	return out, nil
}

// sameGroup: two rows are of one group.
func (q *query) sameGroup(left, right string) *duck.Query {
	if len(q.keys) == 0 {
		return duck.SQL("true")
	}
	return duck.Each(" AND ", q.keyNames(), func(c string) *duck.Query {
		return duck.SQL("{l} IS NOT DISTINCT FROM {r}", duck.Args{"l": duck.Ident(left, c), "r": duck.Ident(right, c)})
	})
}

// merged is the query of merged rows, but for those that may not be exact.
func (q *query) merged(cols []duck.Column) *duck.Query {
	f := q.folding
	one, each := []*duck.Query{}, []*duck.Query{} // of several rows of a group; of each
	group := duck.SQL("")
	for i, it := range q.items {
		if c := duck.Ident(it.column); slices.Contains(q.keys, i) || it.end {
			one, each = append(one, c), append(each, c)
			group = duck.SQL(" GROUP BY ALL")
		}
	}
	for _, x := range f.folds {
		a := duck.Args{"c": duck.Ident(x.column), "by": duck.Text(x.by), "t": x.typ}
		each, one = append(each, a["c"].(*duck.Query)), append(one, duck.SQL("{by}({c})::{t} AS {c}", a))
	}
	having, exact := duck.SQL(""), duck.SQL("true")
	if f.valid != "" {
		having = duck.SQL(" HAVING count(*) = count({n})", duck.Args{"n": duck.Ident(f.valid)})
		for _, part := range f.parts {
			having = duck.SQL("{having} AND bool_and({part})", duck.Args{"having": having, "part": part})
		}
	}
	if len(f.exact) > 0 {
		exact = duck.Join(" AND ", f.exact...)
	}
	var list []*duck.Query
	for i, it := range q.items {
		c := duck.Ident(it.column)
		if edits := f.made[i]; edits != nil {
			c = duck.SQL("({x})::{t} AS {c}", duck.Args{"x": q.edited(it.expr, edits), "t": cols[i].Type, "c": c})
		}
		list = append(list, c)
	}
	for _, c := range q.hidden() {
		list = append(list, duck.Ident(c.Name))
	}
	return duck.SQL(`SELECT {list} FROM (SELECT {one} FROM (SELECT {each} FROM {came} UNION ALL SELECT {each} FROM {old}){group}{having}) WHERE {exact}`,
		duck.Args{"list": duck.Join(", ", list...), "one": duck.Join(", ", one...), "each": duck.Join(", ", each...), "came": cameTable,
			"old": oldTable, "group": group, "having": having, "exact": exact})
}
