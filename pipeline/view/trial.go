package view

import (
	"context"

	"dsql/page"
	"dsql/pipeline/program"
	"dsql/watch"
)

// Trial is the view of an experiment.
func (r *Reader) Trial(ctx context.Context, o *page.Object) *page.Trial {
	v := &page.Trial{Object: o}
	sections(&v.Wrong, part{"What came of it", func() error { return r.compared(ctx, v) }})
	return v
}

// exposing is an experiment that says where exposures stand; nil: none.
func exposing(n *program.Node) watch.Experiment {
	if n == nil || n.Obj.Decl().Arg("EXPOSURES") == nil {
		return nil
	}
	x, _ := n.Obj.(watch.Experiment)
	return x
}

// splits are experiments whose units did not come to the variants as declared: no difference between these can be trusted.
func (r *Reader) splits(ctx context.Context, out *[]page.Finding) error {
	for _, n := range r.Program.Nodes {
		x := exposing(n)
		if x == nil {
			continue
		}
		found, err := r.Kept.split(n.Name, n.Text(), r.Now, func() ([]page.Finding, error) { return r.split(ctx, n.Name, x) })
		if err != nil {
			return err
		}
		*out = append(*out, found...)
	}
	return nil
}

func (r *Reader) split(ctx context.Context, name string, x watch.Experiment) ([]page.Finding, error) {
	f := page.Finding{Bad: true, Kind: "split", Object: name, Text: "can't be compared"}
	s, err := x.Split(ctx, r.Conn)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil: // a table of its query may be gone: everything else is still to be seen
		f.Note = err.Error()
	case !s.Broken():
		return nil, nil
	default:
		f.Text, f.Value = "isn't split as declared", "p = "+page.Decimal(s.Mismatch)
		f.Note = watch.Units(s.Variants) + " · no difference between them can be trusted"
	}
	return []page.Finding{f}, nil
}

func (r *Reader) compared(ctx context.Context, v *page.Trial) error {
	x := exposing(r.Program.Find("experiment", v.Object.Name))
	if x == nil {
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
