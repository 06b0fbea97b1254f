package view

import (
	"context"

	"dsql/page"
	"dsql/watch"
)

// Trial is the view of an experiment.
func (r *Reader) Trial(ctx context.Context, o *page.Object) *page.Trial {
	v := &page.Trial{Object: o}
	sections(&v.Wrong, part{"What came of it", func() error { return r.compared(ctx, v) }})
	return v
}

func (r *Reader) compared(ctx context.Context, v *page.Trial) error {
	n := r.Program.Find("experiment", v.Object.Name)
	if n == nil || n.Obj.Decl().Arg("EXPOSURES") == nil {
		return nil
	}
	x, ok := n.Obj.(watch.Experiment)
	if !ok {
		return nil
	}
	result, err := x.Result(ctx, r.Conn)
	if err != nil {
		return err
	}
	v.Mismatch, v.Broken, v.Crossed, v.Unknown, v.Bad = result.Mismatch, result.Broken(), result.Crossed, result.Unknown, result.Bad
	for _, a := range result.Variants {
		v.Arms = append(v.Arms, page.Arm{Name: a.Name, Units: a.Units, Wanted: a.Wanted})
	}
	for _, m := range result.Metrics {
		c := page.Compared{Name: m.Name}
		for _, e := range m.Effects {
			c.Effects = append(c.Effects, page.Effect{Mean: e.Mean, Difference: e.Difference, Low: e.Low, High: e.High, P: e.P})
		}
		v.Metrics = append(v.Metrics, c)
	}
	return nil
}
