package watch

import (
	"context"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// ExperimentKind is CREATE EXPERIMENT: a function from a unit (a user, say) to a variant.
//
// Assignment is weighted rendezvous hashing (Schindelhauer and Schomaker 2005): each variant draws a number for the unit from a
// hash of salt, variant and unit, -ln(u)/weight, and the smallest wins. So a unit always gets the same variant, weights may sum
// to anything, and raising one weight moves units to that variant only, as few as possible.
var ExperimentKind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "EXPERIMENT", Plural: "EXPERIMENTS",
		Clauses: []sql.Clause{
			{Keyword: "VARIANTS", Arg: sql.ArgOptions, Required: true,
				Options: []sql.OptionDoc{{Name: sql.AnyOption, Doc: "a variant and its weight"}},
				Doc:     "(name weight, …): what units are given, and how often"},
			{Keyword: "SALT", Arg: sql.ArgString, Doc: "makes the assignment independent of other experiments; the experiment's name by default"},
			{Keyword: "EXPOSURES", Arg: sql.ArgParen, Doc: "(query): unit, variant, and when it was seen, in this order; the first time counts"},
			{Keyword: "METRIC", Arg: sql.ArgItem, Repeat: true, Doc: "name (query): what is compared between variants",
				Items: []*sql.Syntax{{Head: []sql.Clause{{Arg: sql.ArgParen, Required: true,
					Doc: "unit, value, and when it came, in this order: a BOOLEAN is a conversion, numbers are summed by unit"}}}}},
		},
		Doc: "A function of its name that gives each unit a variant, always the same one. Store exposures by calling it in a stream; with " +
			"EXPOSURES and METRIC `dsql experiment` compares the variants.",
		Example: `CREATE EXPERIMENT rebooking VARIANTS (control 50, offer 50) SALT '2026-11'
  EXPOSURES (SELECT user_id, variant, seen_at FROM exposures)
  METRIC bought (SELECT user_id, amount > 0, ordered_at FROM orders)
  METRIC revenue (SELECT user_id, amount, ordered_at FROM orders);
CREATE SOURCE visits (user_id BIGINT, seen_at TIMESTAMP) FROM FILES ('visits/*.csv');
CREATE SOURCE orders_in (user_id BIGINT, amount DOUBLE, ordered_at TIMESTAMP) FROM FILES ('orders/*.csv');
CREATE STREAM exposures AS SELECT *, rebooking(user_id) AS variant FROM visits;
CREATE STREAM orders FROM orders_in;
SELECT rebooking(42)`,
	},
	Compile: compileExperiment,
}

type experiment struct {
	decl     *sql.Decl
	variants []variant
	salt     string
	metrics  []*sql.Decl
}

type variant struct {
	name   string
	weight float64
}

func compileExperiment(d *sql.Decl) (kind.Object, error) {
	e := &experiment{decl: d, salt: d.Name}
	if s := d.Arg("SALT"); s != nil {
		e.salt = s.Text
	}
	var errs sql.List
	sum := 0.0
	for _, o := range d.Arg("VARIANTS").Options {
		w, err := strconv.ParseFloat(o.Text, 64)
		if o.Kind != sql.OptNumber || err != nil || w < 0 {
			errs = append(errs, d.At(o.Value.To(o.Value)).Errorf(code.BadWeight, "the weight of %s is not a number from 0 on", o.Name).
				WithHint("write VARIANTS (control 50, offer 50)"))
			continue
		}
		sum += w
		name := o.At.Of(d.Src)
		if n, err := sql.Unquote(name); err == nil && strings.HasPrefix(name, `"`) {
			name = n
		}
		e.variants = append(e.variants, variant{name, w})
	}
	if len(errs) == 0 && sum <= 0 {
		errs = append(errs, d.At(d.Arg("VARIANTS").Span).Errorf(code.BadWeight, "all weights are 0, so no unit could get a variant").
			WithHint("give one variant a weight above 0"))
	}
	if v := d.Arg("METRIC"); v != nil {
		if e.metrics = v.Items; d.Arg("EXPOSURES") == nil {
			errs = append(errs, d.At(v.Keyword).Errorf(code.MissingClause,
				"METRIC is compared between units that were exposed, and there is no EXPOSURES").
				WithHint("add: EXPOSURES (SELECT user_id, variant, seen_at FROM exposures)"))
		}
	}
	return e, errs.Err()
}

func (e *experiment) Decl() *sql.Decl { return e.decl }

var _ kind.Late = (*experiment)(nil)

// Callable: see kind.Callable.
func (e *experiment) Callable() {}

// Define makes the function as a macro of plain SQL: it works in any DuckDB client.
func (e *experiment) Define(ctx context.Context, tx *duck.Tx, _ *kind.Env) error {
	var live []variant
	for _, v := range e.variants {
		if v.weight > 0 {
			live = append(live, v)
		}
	}
	draws := duck.Each(", ", live, func(v variant) *duck.Query {
		return duck.SQL(`{'draw': -ln((md5_number_upper({key} || unit::VARCHAR)::DOUBLE + 0.5) / 18446744073709551616.0) / {weight}, 'variant': {name}}`,
			duck.Args{"key": e.salt + "\x1f" + v.name + "\x1f", "weight": v.weight, "name": v.name})
	})
	_, err := tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE MACRO {n}(unit) AS CASE WHEN unit IS NOT NULL THEN list_min([{draws}]).variant END",
		duck.Args{"n": duck.Ident(e.decl.Name), "draws": draws}), e.decl.Place())
	return err
}

// Drop removes the function.
func (e *experiment) Drop(ctx context.Context, tx *duck.Tx) error {
	return tx.Run(ctx, duck.SQL("DROP MACRO IF EXISTS {n}", duck.Args{"n": duck.Ident(e.decl.Name)}))
}
