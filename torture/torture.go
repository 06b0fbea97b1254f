// Package torture is a random tester of the whole product. A seed makes a plan: declarations, files and steps. The plan is played twice
// side by side, by the real command and by a model (plain rows, no SQL), and after each step all that can be read from the file is held
// against the model, through DuckDB alone. What differs is cut down to a script that a person can read.
//
//	gen.go, gen_decl.go           random plans: what there may be (features, deeds), and known faults that it keeps away from
//	plan.go                       a plan is data: a seed makes it, shrinking cuts it, a case keeps it
//	write.go                      its scripts and files
//	model.go, work.go, chain.go,  what the file has to hold: declarations, which batches there are, a destination's chain,
//	journal.go, schema.go         histories, fields that no declaration names
//	exprs.go, types.go, forms.go, what stands in scripts, as text and as meaning, side by side: an entry in a table is a new expression,
//	verbs.go                      type, query or verb
//	look.go, compare.go           what the file says, and what is compared (views)
//	bench.go                      a plan played, with kills
//	shrink.go, case.go            a difference made small, and its folder
//
// The test that runs it is cmd/dsql's TestTorture.
package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Options say how seeds are played.
type Options struct {
	Command  Command
	Follow   Follower
	Work     string        // where the folders of runs are made; "" is the system's
	Features []string      // what may be made; nil: everything
	Shown    []string      // known faults that are made all the same
	Steps    int           // runs of the command
	Shrink   time.Duration // how long a difference is made small
	Found    string        // what is found gets a folder here
}

// Features are all that a seed may make.
func Features() []string { return features }

// Seed plays a seed. The error is a *Difference where the file and the model differ.
func (o Options) Seed(ctx context.Context, seed uint64) (Tally, error) {
	may := o.Features
	if may == nil {
		may = features
	}
	g, p := newGen(seed, may, o.Shown), Plan{Seed: seed}
	tally, err := o.with(seed, func(b *Bench) error {
		for i := range o.Steps {
			s := g.step(b.model)
			p.Steps = append(p.Steps, s)
			switch err := b.Step(ctx, i, s); {
			case errors.Is(err, errOver):
				b.model.Tally["plans that ended early: "+errOver.why]++
				return nil
			case err != nil && !errors.Is(err, errSkip):
				return err
			}
		}
		return nil
	})
	var d *Difference
	if !errors.As(err, &d) {
		return tally, err
	}
	return tally, o.small(ctx, p, d)
}

// small cuts a plan down and writes its case.
func (o Options) small(ctx context.Context, p Plan, d *Difference) error {
	first := d
	p, d, tries := shrink(ctx, p.copy(), d, o.Shrink, o.play)
	text := fmt.Sprintf("seed %d: %s", p.Seed, first)
	if tries > 0 {
		text += fmt.Sprintf("\nmade small in %d tries, %d steps: %s", tries, len(p.Steps), d)
	}
	if o.Found != "" {
		to := filepath.Join(o.Found, fmt.Sprint("seed", p.Seed))
		if err := o.Case(ctx, p, d, to); err != nil {
			return err
		}
		text += "\n→ " + to
	}
	d.Text = text
	return d
}

// Case writes the folder of a difference: see writeCase.
func (o Options) Case(ctx context.Context, p Plan, d *Difference, to string) error {
	_, err := o.with(p.Seed, func(b *Bench) error {
		var x *Difference
		if err := b.Play(ctx, p); err != nil && !errors.As(err, &x) {
			return err
		}
		return writeCase(to, b, p, d)
	})
	return err
}

// Play plays a plan.
func (o Options) Play(ctx context.Context, p Plan) error { return o.play(ctx, p) }

func (o Options) play(ctx context.Context, p Plan) error {
	_, err := o.with(p.Seed, func(b *Bench) error { return b.Play(ctx, p) })
	return err
}

// with gives f a bench in a folder that is removed afterwards.
func (o Options) with(seed uint64, f func(*Bench) error) (Tally, error) {
	dir, err := os.MkdirTemp(o.Work, "torture-")
	if err != nil {
		return nil, err
	}
	b := NewBench(o.Command, dir, seed)
	b.following = o.Follow
	defer b.broker.close()
	return b.model.Tally, errors.Join(f(b), os.RemoveAll(dir))
}
