package look

import (
	"context"
	"math"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
	"dsql/watch"
)

// Experiment shows what came of an experiment: whether its split can be trusted, the units of each variant, and how variants differ.
func Experiment(ctx context.Context, o program.Options, name string) error {
	return inspection(ctx, o, func(v *Viewer) error {
		x, err := v.experiment(name)
		if err != nil {
			return err
		}
		r, err := x.Result(ctx, v.Conn)
		if err != nil {
			return duck.AtRunTime(err)
		}
		return v.showExperiment(ctx, r)
	})
}

func (v *Viewer) experiment(name string) (watch.Experiment, error) {
	var names []string
	for _, n := range v.Program.Nodes {
		x, ok := n.Obj.(watch.Experiment)
		if ok && sql.Same(n.Name, name) {
			return x, nil
		}
		if ok {
			names = append(names, n.Name)
		}
	}
	return nil, sql.Errorf(code.UnknownName, "the file has no experiment %s", name).
		WithHint(sql.DidYouMean(name, names, sql.Listed("it has: ", names, ""))).WithExit(code.ExitUsage)
}

func (v *Viewer) showExperiment(ctx context.Context, r *watch.Result) error {
	split := "as declared"
	switch {
	case math.IsNaN(r.Mismatch):
		split = "nothing to compare"
	case r.Broken():
		split = "MISMATCH: differences can't be trusted"
	}
	total := int64(0)
	for _, x := range r.Variants {
		total += x.Units
	}
	a := duck.Args{"split": split, "p": number(r.Mismatch), "units": total, "crossed": r.Crossed, "unknown": r.Unknown, "bad": r.Bad}
	if err := v.titled(ctx, "split", duck.SQL("SELECT {split} AS split, {p} AS p, {units} AS units, {crossed} AS in_several_variants, "+
		"{unknown} AS in_unknown_variants, {bad} AS incomplete_exposures", a)); err != nil {
		return err
	}
	rows := duck.Each(" UNION ALL ", r.Variants, func(x watch.Variant) *duck.Query {
		return duck.SQL("SELECT {name} AS variant, {n} AS units, {share} AS share, {wanted} AS declared_share",
			duck.Args{"name": x.Name, "n": x.Units, "share": number(float64(x.Units) / float64(total)), "wanted": number(x.Wanted)})
	})
	if err := v.titled(ctx, "variants", rows); err != nil || len(r.Metrics) == 0 {
		return err
	}
	var effects []*duck.Query
	for _, m := range r.Metrics {
		for i, e := range m.Effects {
			effects = append(effects, duck.SQL("SELECT {metric} AS metric, {variant} AS variant, {mean} AS mean, {d} AS difference, {low} AS low, "+
				"{high} AS high, {p} AS p", duck.Args{"metric": m.Name, "variant": r.Variants[i].Name, "mean": number(e.Mean),
				"d": number(e.Difference), "low": number(e.Low), "high": number(e.High), "p": number(e.P)}))
		}
	}
	return v.titled(ctx, "metrics", duck.Join(" UNION ALL ", effects...))
}

// number is a DOUBLE, NULL where it isn't known.
func number(x float64) *duck.Query {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return duck.SQL("NULL::DOUBLE")
	}
	return duck.SQL("{x}::DOUBLE", duck.Args{"x": x})
}
