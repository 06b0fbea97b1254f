package look

import (
	"context"
	"io"
	"slices"
	"time"

	"dsql/page"
	"dsql/pipeline/program"
	"dsql/pipeline/view"
	"dsql/sql"
	"dsql/sql/code"
)

// Ask says what a report has in it.
type Ask struct {
	Select []string  // names of objects; none: all of them
	Key    []string  // of the one journal that is selected: the life of a key
	Now    time.Time // when it was drawn
}

// Report writes what there is to see of a file as HTML: one file that asks nothing of a network.
func Report(ctx context.Context, o program.Options, ask Ask, w io.Writer) error {
	return inspection(ctx, o, func(v *Viewer) error {
		r := &view.Reader{Program: v.Program, Conn: v.Conn, Now: ask.Now}
		f, err := r.File(ctx)
		if err != nil {
			return err
		}
		out := &page.Report{Site: &page.Site{File: f, Now: ask.Now, View: "flow"}, Front: &page.Front{}}
		shown, err := selected(f, ask)
		if err != nil {
			return err
		}
		out.Only = len(shown) < len(f.Objects)
		if len(ask.Key) > 0 {
			life, err := lifeOf(ctx, r, f, shown, ask.Key)
			if err != nil {
				return err
			}
			out.Lives = append(out.Lives, life)
		}
		for _, x := range shown {
			switch x.Kind {
			case "model":
				out.Models = append(out.Models, r.Model(ctx, f, x))
			case "experiment":
				out.Trials = append(out.Trials, r.Trial(ctx, x))
			default:
				out.Things = append(out.Things, r.Thing(ctx, x, ""))
			}
		}
		var of []string
		if out.Only {
			for _, x := range shown {
				of = append(of, x.Name)
			}
		}
		if out.Rejects = r.Rejects(ctx, page.Filter{}, 25, of...); out.Only && out.Rejects.Total == 0 && len(out.Rejects.Wrong) == 0 {
			out.Rejects = nil
		}
		return out.Write(w)
	})
}

// lifeOf is that of a key of the only journal among what is selected.
func lifeOf(ctx context.Context, r *view.Reader, f *page.File, shown []*page.Object, key []string) (*page.Life, error) {
	journals := slices.DeleteFunc(slices.Clone(shown), func(o *page.Object) bool { return o.Kind != "journal" })
	if len(journals) != 1 {
		return nil, sql.Errorf(code.Usage, "--key is of one journal, and %d are selected", len(journals)).
			WithHint("add --select JOURNAL").WithExit(code.ExitUsage)
	}
	life := r.Life(ctx, f, journals[0], key, 0, "")
	if len(life.Beliefs) == 0 {
		return nil, firstError(wrongOf(life.Wrong), sql.Errorf(code.UnknownKey, "%s never had the key %s", journals[0].Name, life.KeyText()).
			WithHint("dsql.rejects may have its rows: `dsql rejects "+journals[0].Name+"`"))
	}
	return life, nil
}

func wrongOf(ps []page.Problem) error {
	if len(ps) == 0 {
		return nil
	}
	return ps[0].Err
}

// selected are the objects that are asked for, in the order of the file.
func selected(f *page.File, ask Ask) (out []*page.Object, err error) {
	var names []string
	for _, o := range f.Objects {
		names = append(names, o.Name)
	}
	for _, want := range ask.Select {
		i := slices.IndexFunc(names, func(name string) bool { return sql.Same(name, want) })
		if i < 0 {
			return nil, sql.Errorf(code.UnknownName, "the file has nothing named %s", want).
				WithHint(sql.DidYouMean(want, names, sql.Listed("it has: ", names, ""))).WithExit(code.ExitUsage)
		}
		if !slices.Contains(out, f.Objects[i]) {
			out = append(out, f.Objects[i])
		}
	}
	if len(ask.Select) == 0 {
		out = f.Objects
	}
	return out, nil
}
