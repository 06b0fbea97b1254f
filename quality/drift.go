package quality

import (
	"context"
	dbsql "database/sql"
	"errors"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// Drift compares the values of a column with those of a baseline: a query of the user's, or what the last versions brought.
//
// psi is the population stability index: with p the share of the values in a bin and q that of the baseline's, the sum of
// (p - q) * ln(p / q). Numbers and times have ten bins cut at the baseline's deciles (linear interpolation for numbers; a bin has
// its upper end), all else a bin for each value on either side. A share of zero counts as 0.0001. ks is the two-sample
// Kolmogorov-Smirnov statistic: the largest distance between the two empirical distribution functions. The others are in distance.go.
// NULLs and NaNs count for neither; where one side has no values, all are NULL.

const (
	defaultVersions = 10
	binCount        = 10
	emptyShare      = 0.0001
)

// drift is one call of a helper that compares, in the text of an item.
type drift struct {
	item, at int
	of       string // the helper's name
	versions int
}

// bins of a baseline: edges are the upper ends of all but the last, q the shares.
type bins struct {
	edges []*duck.Query
	q     []float64
}

// compared is a helper that compares with a baseline.
func compared(x *expansion, c helperCall) *duck.Query {
	it := x.it()
	if it.grouped() {
		return x.fail(it.errorf(sql.Span{Start: c.at, End: it.read.nameEnd(c.at)}, code.Arguments, "%s compares all rows, and takes no BY",
			c.name).
			WithHint("leave BY out; a MONITOR measures drift by group"))
	}
	d := drift{item: x.i, at: c.at, of: c.name, versions: defaultVersions}
	if len(c.ext.args) > 1 {
		if it.baseline != nil {
			return x.fail(x.it().errorf(c.ext.args[1], code.Arguments, "%s compares with the BASELINE, so it takes no number of versions", c.name).
				WithHint("leave one of the two out"))
		}
		var err error
		if d.versions, err = strconv.Atoi(c.ext.args[1].Of(it.read.src)); err != nil || d.versions < 1 {
			return x.fail(x.it().errorf(c.ext.args[1], code.Arguments, "the number of versions is a whole number from 1").
				WithHint("write " + helpers[c.name].usage))
		}
	}
	x.needs.drifts = append(x.needs.drifts, d)
	a := duck.Args{"c": c.args[0]}
	if x.env == nil {
		return duck.SQL("(CASE WHEN count({c}) > 0 THEN NULL::DOUBLE END)", a)
	}
	if v, ok := x.env.drifts[d]; ok {
		return v
	}
	b := x.env.bins[d]
	if len(b.q) == 0 {
		return duck.SQL("NULL::DOUBLE")
	}
	a["c"] = noNaN(c.args[0], x.p.compared[d])
	upTo := func(i int) *duck.Query {
		if i == len(b.edges) {
			return duck.SQL("count({c})", a)
		}
		return duck.SQL("count(*) FILTER (({c}) <= {e})", a.With(duck.Args{"e": b.edges[i]}))
	}
	var terms []*duck.Query
	for i, q := range b.q {
		n := upTo(i)
		if i > 0 {
			n = duck.SQL("({n} - {below})", duck.Args{"n": n, "below": upTo(i - 1)})
		}
		p := duck.SQL("coalesce(nullif({n}::DOUBLE / count({c}), 0), {zero})", a.With(duck.Args{"n": n, "zero": emptyShare}))
		terms = append(terms, duck.SQL("({p} - {q}) * ln({p} / {q})", duck.Args{"p": p, "q": q}))
	}
	return duck.SQL("(CASE WHEN count({c}) > 0 THEN {sum} END)", a.With(duck.Args{"sum": duck.Join(" + ", terms...)}))
}

// noNaN is a value of a type, NULL where it is NaN.
func noNaN(v *duck.Query, typ duck.Type) *duck.Query {
	if typ.ID().Float() {
		return duck.SQL("CASE WHEN NOT isnan({v}) THEN {v} END", duck.Args{"v": v})
	}
	return v
}

// binned: values of the type lie on a line, so that ranges of them are alike. Of all others each is a category of its own.
func binned(typ duck.Type) bool { return isNumber(typ) || typ.ID().Temporal() }

// argument is the column, or expression of columns, that a drift is about.
func (p *Program) argument(d drift) *duck.Query {
	it := &p.items[d.item]
	return duck.User(it.read.src, it.read.extent(d.at).args[0])
}

// baseline is a FROM-item of the rows to compare with, nil when there are no versions yet.
func (p *Program) baseline(ctx context.Context, tx *duck.Tx, b Batch, d drift) (*duck.Query, error) {
	if q := p.items[d.item].baseline; q != nil {
		return duck.SQL("({q})", duck.Args{"q": q}), nil
	}
	a := duck.Args{"d": b.Destination, "v": b.Version, "born": b.Born, "n": d.versions, "t": duck.Ident(b.Destination),
		"changes": duck.Ident(b.Destination + "__changes")}
	first, err := tx.Int(ctx, duck.SQL(`SELECT min(version) FROM (SELECT DISTINCT version FROM dsql.version_rows
		WHERE kind <> 'source' AND lower(name) = lower({d}) AND written > 0 AND version < {v} AND version > {born} ORDER BY version DESC LIMIT {n})`, a))
	if err != nil || first == 0 {
		return nil, err
	}
	a["first"] = first
	if b.Keyed {
		return duck.SQL("(SELECT * FROM {changes}({first} - 1, {v} - 1) WHERE change_type IN ('insert', 'update_after'))", a), nil
	}
	return duck.SQL("(SELECT * FROM {t} WHERE _version >= {first} AND _version < {v})", a), nil
}

// bins cuts a baseline into ten, by its own deciles.
func (p *Program) bins(ctx context.Context, tx *duck.Tx, d drift, base *duck.Query) (bins, error) {
	var out bins
	typ := p.compared[d]
	quantile, cast := duck.SQL("quantile_disc"), typ
	if isNumber(typ) {
		quantile, cast = duck.SQL("quantile_cont"), "DOUBLE"
	}
	c := noNaN(duck.SQL("CAST(({c}) AS {t})", duck.Args{"c": p.argument(d), "t": cast}), cast)
	a := duck.Args{"f": quantile, "c": c, "base": base}
	edges, err := duck.Select(ctx, tx.Conn, duck.SQL(`SELECT DISTINCT e::VARCHAR, e FROM (
		SELECT unnest({f}({c}, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])) AS e FROM {base}) WHERE e IS NOT NULL ORDER BY e`, a),
		func(row func(...any) error) (s string, err error) {
			var value any
			return s, row(&s, &value)
		})
	if err != nil || len(edges) == 0 {
		return out, err
	}
	for _, e := range edges {
		out.edges = append(out.edges, duck.SQL("CAST({e} AS {t})", duck.Args{"e": e, "t": cast}))
	}
	counts := make([]int64, len(edges)+1)
	cols, dest := []*duck.Query{}, []any{}
	for i, e := range out.edges {
		cols, dest = append(cols, duck.SQL("count(*) FILTER (({c}) <= {e})", a.With(duck.Args{"e": e}))), append(dest, &counts[i])
	}
	cols, dest = append(cols, duck.SQL("count({c})", a)), append(dest, &counts[len(edges)])
	if _, err := tx.Scan(ctx, duck.SQL("SELECT {cols} FROM {base}", a.With(duck.Args{"cols": duck.Join(", ", cols...)})),
		dest...); err != nil {
		return out, err
	}
	n := float64(counts[len(edges)])
	for i, c := range counts {
		if i > 0 {
			c -= counts[i-1]
		}
		share := float64(c) / n
		if share == 0 {
			share = emptyShare
		}
		out.q = append(out.q, share)
	}
	return out, nil
}

// beside is a drift that is computed in a query of its own, over how often each value stands on either side: a is the number of
// rows, b that of the baseline's.
func (p *Program) beside(ctx context.Context, tx *duck.Tx, d drift, rows, base *duck.Query) (*duck.Query, error) {
	a := duck.Args{"c": duck.SQL("({c})", duck.Args{"c": p.argument(d)}), "rows": rows, "base": base, "nan": duck.SQL("")}
	typ := p.compared[d]
	switch {
	case distances[d.of].shares && !binned(typ):
		a["c"] = duck.SQL("CAST({c} AS VARCHAR)", a)
	case distances[d.of].shares:
		cut, err := p.bins(ctx, tx, d, base)
		if err != nil || len(cut.edges) == 0 {
			return duck.SQL("NULL::DOUBLE"), err
		}
		n := -1
		a["c"] = duck.SQL("CASE {cases} WHEN ({c}) IS NOT NULL THEN {last} END",
			duck.Args{"c": noNaN(duck.SQL("{c}", a), typ), "last": len(cut.edges),
				"cases": duck.Each(" ", cut.edges, func(e *duck.Query) *duck.Query {
					n++
					return duck.SQL("WHEN {c} <= {e} THEN {n}", a, duck.Args{"e": e, "n": n})
				})})
	case d.of == "wasserstein" && typ.ID().Temporal():
		a["c"] = duck.SQL("CAST(epoch({c}) AS DOUBLE)", a)
	case isNumber(typ):
		a["nan"] = duck.SQL(" AND NOT isnan(CAST(x AS DOUBLE))")
	}
	counts := duck.SQL(`(SELECT x, sum(a)::DOUBLE AS a, sum(b)::DOUBLE AS b, sum(sum(a)) OVER () AS all_a, sum(sum(b)) OVER () AS all_b
		FROM (SELECT {c} AS x, 1 AS a, 0 AS b FROM {rows} UNION ALL SELECT {c}, 0, 1 FROM {base}) WHERE x IS NOT NULL{nan} GROUP BY x)`, a)
	of := distances[d.of]
	var v, n dbsql.NullFloat64
	if _, err := tx.Scan(ctx, of.query(counts), &v, &n); err != nil || !v.Valid {
		return duck.SQL("NULL::DOUBLE"), err
	}
	if of.p != nil {
		return duck.Lit(of.p(v.Float64, n.Float64)), nil
	}
	return duck.Lit(v.Float64), nil
}

// drifts finds the types of what is compared, binds their baselines, and refuses a BASELINE that nothing uses.
func (b *compiler) drifts() {
	used := map[int]bool{}
	for _, d := range b.p.needs.drifts {
		used[d.item] = true
		it := &b.p.items[d.item]
		cols, errs := b.c.DescribeEach(b.ctx,
			[]duck.Bound{{At: it.at(), Query: duck.SQL("SELECT ({c}) FROM {rel}", duck.Args{"c": b.p.argument(d), "rel": b.c.Empty(b.p.cols)})}})
		if errs[0] != nil {
			continue // found with the item itself
		}
		b.p.compared[d] = cols[0][0].Type
		if d.of == "wasserstein" && !binned(cols[0][0].Type) {
			at := it.read.extent(d.at).args[0]
			b.errs = append(b.errs, it.errorf(at, code.TypeMismatch, "wasserstein is a distance between numbers or times, and this is %s",
				cols[0][0].Type).WithHint("compare it with js(c) or chi2(c)"))
		}
		if it.baseline == nil {
			continue
		}
		_, errs = b.c.DescribeEach(b.ctx,
			[]duck.Bound{{At: it.at(), Query: duck.SQL("SELECT ({c}) FROM ({q})", duck.Args{"c": b.p.argument(d), "q": it.baseline})}})
		if errs[0] == nil || b.unborn(errs[0]) {
			continue
		}
		b.refuse(it, errs[0])
		if e := b.errs[len(b.errs)-1]; e.Code == code.UnknownColumn {
			b.errs[len(b.errs)-1] = e.Place().Errorf(code.UnknownColumn, "the BASELINE gives no column %s", e.Place().Text()).
				WithHint("give its column that name: SELECT … AS " + e.Place().Text()).WithNotes(e.Note)
		}
	}
	for i := range b.p.items {
		if it := &b.p.items[i]; it.baseline != nil && !used[i] {
			b.errs = append(b.errs, it.errorf(it.decl.Arg("BASELINE").Keyword, code.BaselineUnused,
				"the check %s has a BASELINE and nothing that compares with it", it.name()).
				WithHint("compare with psi(c), ks(c), js(c), chi2(c) or wasserstein(c), or leave BASELINE out"))
		}
	}
}

// unborn: the baseline reads the destination itself, which isn't there before it is defined.
func (b *compiler) unborn(err error) bool {
	var e *sql.Error
	return duck.IsMissing(err) && errors.As(err, &e) && strings.Contains(strings.ToLower(e.Msg), strings.ToLower(b.p.name))
}
