package look

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/quality"
	"dsql/sql"
	"dsql/sql/code"
)

// Comparison is what dsql diff A B compares.
type Comparison struct {
	A, B     string   // FROM-items of the file, data files, or tables of another database: other.duckdb:table
	On       []string // the key
	By       []string // groups whose counts and sums are compared
	Abs, Rel float64  // how far numbers may lie apart
	Limit    int      // rows shown
	RowsOnly bool
}

// Compare holds two tables against each other by key: both stand in one GROUP BY of the keys, of which only what differs is kept. A key
// that stands twice on a side is told and not compared. NULL is a key like others.
func Compare(ctx context.Context, o program.Options, what Comparison) (differs bool, err error) {
	err = beside(ctx, o, func(v *Viewer) error {
		c := comparison{Comparison: what, v: v, sides: quality.Sides{Abs: what.Abs, Rel: what.Rel}}
		if err := c.bind(ctx); err != nil {
			return err
		}
		if err := v.Conn.Run(ctx, duck.SQL("CREATE TEMP TABLE _diff AS {q}", duck.Args{"q": c.sides.Differences(c.a, c.b)})); err != nil {
			return err
		}
		n, err := v.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM temp._diff"))
		if err != nil {
			return err
		}
		differs = n > 0 || len(c.alone) > 0
		return c.show(ctx)
	})
	return differs, err
}

type comparison struct {
	Comparison
	v       *Viewer
	a, b    *duck.Query // FROM-items
	sides   quality.Sides
	alone   []alone
	grouped []quality.Pair
}

type alone struct{ column, typ, side string }

// bind finds both sides and puts their columns together by name, in any case.
func (c *comparison) bind(ctx context.Context) error {
	a, ofA, err := c.v.relation(ctx, c.A, "_a")
	if err != nil {
		return err
	}
	b, ofB, err := c.v.relation(ctx, c.B, "_b")
	if err != nil {
		return err
	}
	c.a, c.b = a, b
	find := func(cols []duck.Column, name string) int {
		return slices.IndexFunc(cols, func(x duck.Column) bool { return sql.Same(x.Name, name) })
	}
	both := func(name string) (quality.Pair, error) {
		i, j := find(ofA, name), find(ofB, name)
		if i >= 0 && j >= 0 {
			return quality.Pair{A: ofA[i], B: ofB[j]}, nil
		}
		of, cols := c.A, ofA
		if i >= 0 {
			of, cols = c.B, ofB
		}
		return quality.Pair{}, sql.Errorf(code.UnknownColumn, "%s has no column %s", of, name).
			WithHint(sql.DidYouMean(name, duck.ColumnNames(cols), "compare by columns that both have")).WithExit(code.ExitUsage)
	}
	for _, x := range []struct {
		names []string
		into  *[]quality.Pair
	}{{c.On, &c.sides.Keys}, {c.By, &c.grouped}} {
		for _, name := range x.names {
			p, err := both(strings.TrimSpace(name))
			if err != nil {
				return err
			}
			*x.into = append(*x.into, p)
		}
	}
	c.sides.Beside(ofA, ofB)
	for _, x := range ofA {
		if find(ofB, x.Name) < 0 {
			c.alone = append(c.alone, alone{x.Name, string(x.Type), "a"})
		}
	}
	for _, x := range ofB {
		if find(ofA, x.Name) < 0 {
			c.alone = append(c.alone, alone{x.Name, string(x.Type), "b"})
		}
	}
	return nil
}

func numeric(t duck.Type) bool { return t.ID().Number() && t.ID() != duck.TypeBigNum }

// show tells how many keys differ, in which columns and by how much, the groups whose sums differ, and rows.
func (c *comparison) show(ctx context.Context) error {
	if !c.RowsOnly {
		for _, r := range []struct {
			title string
			query *duck.Query
		}{{"rows", c.counts()}, {"columns", c.columns()}, {"sums", c.sums()}} {
			if r.query == nil {
				continue
			}
			if err := c.v.titled(ctx, r.title, r.query); err != nil {
				return err
			}
		}
	}
	return c.v.titled(ctx, "differences", c.rows())
}

func (c *comparison) counts() *duck.Query {
	return duck.SQL(`SELECT a.n AS rows_a, b.n AS rows_b, a.n - d.a AS same, different, only_a, only_b, twice
		FROM (SELECT count(*) AS n FROM {a}) a, (SELECT count(*) AS n FROM {b}) b, (SELECT coalesce(sum(n_a), 0)::BIGINT AS a,
			count(*) FILTER (what = 'different') AS different, count(*) FILTER (what = 'only_a') AS only_a,
			count(*) FILTER (what = 'only_b') AS only_b, count(*) FILTER (what = 'twice') AS twice FROM temp._diff) d`,
		duck.Args{"a": c.a, "b": c.b})
}

// columns are those that differ somewhere, or are of one side alone.
func (c *comparison) columns() *duck.Query {
	rows := []*duck.Query{duck.SQL("SELECT 0 AS place, NULL::VARCHAR AS name, NULL::VARCHAR AS type_a, NULL::VARCHAR AS type_b, " +
		"0 AS different, NULL::DOUBLE AS furthest")}
	for i, p := range c.sides.Values {
		apart := c.sides.Apart(i)
		if apart == nil {
			apart = duck.SQL("NULL::DOUBLE")
		}
		rows = append(rows, duck.SQL("SELECT {place}, {name}, {a}, {b}, count(*), max({apart}) FROM temp._diff "+
			"WHERE what = 'different' AND NOT {same}",
			duck.Args{"place": i + 1, "name": p.A.Name, "a": string(p.A.Type), "b": string(p.B.Type), "apart": apart, "same": quality.SameName(i)}))
	}
	for i, x := range c.alone {
		types := duck.Args{"place": len(c.sides.Values) + i + 1, "name": x.column, "a": x.typ, "b": duck.Lit(nil)}
		if x.side == "b" {
			types["a"], types["b"] = duck.Lit(nil), x.typ
		}
		rows = append(rows, duck.SQL("SELECT {place}, {name}, {a}, {b}, NULL, NULL", types))
	}
	return duck.SQL(`SELECT name AS "column", type_a, type_b, different, furthest FROM ({rows})
		WHERE place > 0 AND (different IS NULL OR different > 0 OR type_a <> type_b) ORDER BY place`,
		duck.Args{"rows": duck.Join(" UNION ALL ", rows...)})
}

// sums are those of each group, where they or the numbers of rows lie apart; nil without groups.
func (c *comparison) sums() *duck.Query {
	if len(c.grouped) == 0 {
		return nil
	}
	side := func(from *duck.Query, of func(quality.Pair) duck.Column) *duck.Query {
		var keys, cols []*duck.Query
		for i, p := range c.grouped {
			keys = append(keys, duck.SQL("{c} AS {k}", duck.Args{"c": duck.Ident(of(p).Name), "k": quality.KeyName(i)}))
		}
		cols = append(cols, duck.SQL("{c} := count(*)::DOUBLE", duck.Args{"c": duck.Ident("count(*)")}))
		for _, p := range c.sides.Values {
			if numeric(p.A.Type) && numeric(p.B.Type) {
				sum := duck.SQL("sum({c})", duck.Args{"c": duck.Ident(of(p).Name)})
				if of(p).Type.ID().Float() { // whatever the order of the rows
					sum = duck.SQL("fsum({c})", duck.Args{"c": duck.Ident(of(p).Name)})
				}
				cols = append(cols, duck.SQL("{n} := {sum}::DOUBLE", duck.Args{"n": duck.Ident(p.A.Name), "sum": sum}))
			}
		}
		return duck.SQL("(SELECT {keys}, struct_pack({cols}) AS sums FROM {from} GROUP BY ALL)",
			duck.Args{"keys": duck.Join(", ", keys...), "cols": duck.Join(", ", cols...), "from": from})
	}
	var on, keys, parts []*duck.Query
	for i, p := range c.grouped {
		a := duck.Args{"k": quality.KeyName(i), "n": duck.Ident(p.A.Name)}
		on = append(on, duck.SQL("x.{k} IS NOT DISTINCT FROM y.{k}", a))
		keys = append(keys, duck.SQL("CASE WHEN x.sums IS NULL THEN y.{k} ELSE x.{k} END AS {n}", a))
	}
	names := []string{"count(*)"}
	for _, p := range c.sides.Values {
		if numeric(p.A.Type) && numeric(p.B.Type) {
			names = append(names, p.A.Name)
		}
	}
	for _, n := range names {
		parts = append(parts, duck.SQL("struct_pack(sum := {text}, a := x.sums.{n}, b := y.sums.{n})", duck.Args{"text": n, "n": duck.Ident(n)}))
	}
	return duck.SQL(`SELECT * EXCLUDE (_s), _s.sum AS "sum of", _s.a AS a, _s.b AS b, _s.b - _s.a AS difference FROM (
		SELECT {keys}, unnest([{parts}]) AS _s FROM {a} x FULL JOIN {b} y ON {on})
		WHERE _s.a IS DISTINCT FROM _s.b AND NOT coalesce(abs(_s.a - _s.b) <= greatest({abs}, {rel} * greatest(abs(_s.a), abs(_s.b))), false)
		ORDER BY ALL`, duck.Args{"keys": duck.Join(", ", keys...), "parts": duck.Join(", ", parts...), "abs": c.Abs, "rel": c.Rel,
		"on": duck.Join(" AND ", on...), "a": side(c.a, func(p quality.Pair) duck.Column { return p.A }),
		"b": side(c.b, func(p quality.Pair) duck.Column { return p.B })})
}

// rows are the keys that differ, a line for each column that does.
func (c *comparison) rows() *duck.Query {
	keys, order := make([]*duck.Query, len(c.sides.Keys)), []*duck.Query{}
	parts := []*duck.Query{duck.SQL(`CASE WHEN what <> 'different' THEN struct_pack("column" := NULL::VARCHAR,
		a := CASE WHEN what = 'twice' THEN n_a || 'x' END, b := CASE WHEN what = 'twice' THEN n_b || 'x' END) END`)}
	for i, p := range c.sides.Keys {
		keys[i] = duck.SQL("{k} AS {n}", duck.Args{"k": quality.KeyName(i), "n": duck.Ident(p.A.Name)})
		order = append(order, quality.KeyName(i))
	}
	for i, p := range c.sides.Values {
		parts = append(parts, duck.SQL(`CASE WHEN what = 'different' AND NOT {same}
			THEN struct_pack("column" := {n}, a := {a}::VARCHAR, b := {b}::VARCHAR) END`,
			duck.Args{"same": quality.SameName(i), "n": p.A.Name, "a": quality.OfSide("a", i), "b": quality.OfSide("b", i)}))
	}
	limit := duck.SQL("")
	if c.Limit > 0 {
		limit = duck.SQL(" LIMIT {n}", duck.Args{"n": c.Limit})
	}
	return duck.SQL(`SELECT _what AS what, * EXCLUDE (_what, _d), _d.* FROM (
		SELECT what AS _what, {keys}, unnest(list_filter([{parts}], lambda p: p IS NOT NULL)) AS _d
		FROM temp._diff ORDER BY list_position(['twice', 'only_a', 'only_b', 'different'], what), {order}{limit})`,
		duck.Args{"keys": duck.Join(", ", keys...), "parts": duck.Join(", ", parts...), "limit": limit,
			"order": duck.Join(", ", order...)})
}
