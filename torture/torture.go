// Package torture is a random tester of the whole product. rapid draws a plan: declarations, files and steps. The plan is played twice
// side by side, by the real command and by a model (plain rows, no SQL), and after each step all that can be read from the file is held
// against the model, through DuckDB alone. What differs is cut down to a script that a person can read.
//
//	gen.go, gen_decl.go           random plans: what there may be (features, deeds), and known faults that it keeps away from
//	plan.go                       a plan is data: rapid draws it, shrinking cuts it, a case keeps it
//	write.go                      its scripts and files
//	model.go, work.go, chain.go,  what the file has to hold: declarations, which batches there are, a destination's chain,
//	journal.go, schema.go         histories, fields that no declaration names
//	exprs.go, types.go, forms.go, what stands in scripts, as text and as meaning, side by side: an entry in a table is a new expression,
//	verbs.go                      type, query or verb
//	pairs.go, rollups.go          joins of two streams; rollups, held against their queries
//	erase.go                      keys that are erased, and admitted again
//	topic_sink.go, python.go      sinks into topics, functions in rules
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

	"pgregory.net/rapid"
)

// Options say how seeds are played.
type Options struct {
	Command  Command
	Follow   Follower
	Work     string        // where the folders of runs are made; "" is the system's
	Features []string      // what may be made, of Features()
	Shown    []string      // known faults that are made all the same
	Steps    int           // runs of the command
	Shrink   time.Duration // how long a difference is made small
	Found    string        // what is found gets a folder here
}

// Features are all that a seed may make.
func Features() []string { return features }

// Try is a seed in play: what rapid draws from it, and what was found.
type Try struct {
	Tally // of the first time that it was played: rapid plays what fails several times
	o     Options
	plan  Plan
	found *Difference
}

// Try is a new one.
func (o Options) Try(seed uint64) *Try { return &Try{o: o, plan: Plan{Seed: seed}} }

// Property is what rapid checks: the steps that it draws are played by the command and by the model, and after each one the file says what
// the model does. Once something is found, what differs otherwise counts for nothing, so that rapid's shrinking keeps to it.
func (y *Try) Property(t *rapid.T) {
	g, p := newGen(y.o.Features, y.o.Shown), Plan{Seed: y.plan.Seed}
	tally, err := y.o.with(func(b *Bench) error {
		for i := range y.o.Steps {
			s := g.draw(t, i, b.model)
			p.Steps = append(p.Steps, s)
			switch err := b.Step(t.Context(), i, s); {
			case errors.Is(err, errOver):
				b.model.Tally["plans that ended early: "+errOver.why]++
				return nil
			case err != nil && !errors.Is(err, errSkip):
				return err
			}
		}
		return nil
	})
	if y.Tally == nil {
		y.Tally = tally
	}
	switch d := (*Difference)(nil); {
	case errors.As(err, &d) && (y.found == nil || y.found.Kind == d.Kind):
		y.plan, y.found = p, d
		t.Fatalf("step %d: %s", d.Step+1, d.Kind)
	case d == nil && err != nil:
		t.Fatalf("the tester failed: %v", err)
	}
}

// Small cuts what was found down and writes its case: what there is to say of it, "" where nothing was found.
func (y *Try) Small(ctx context.Context) (string, error) {
	if y.found == nil {
		return "", nil
	}
	p, d, tries := shrink(ctx, y.plan.copy(), y.found, y.o.Shrink, y.o.Play)
	text := y.found.Error()
	if tries > 0 {
		text += fmt.Sprintf("\nmade small in %d tries, %d steps: %s", tries, len(p.Steps), d)
	}
	if y.o.Found == "" {
		return text, nil
	}
	to := filepath.Join(y.o.Found, fmt.Sprint("seed", p.Seed))
	err := errors.Join(os.RemoveAll(to), y.o.Case(ctx, p, d, to))
	return text + "\n→ " + to + "\n" + readCase(to), err
}

// Case writes the folder of a difference: see writeCase.
func (o Options) Case(ctx context.Context, p Plan, d *Difference, to string) error {
	_, err := o.with(func(b *Bench) error {
		var x *Difference
		if err := b.Play(ctx, p); err != nil && !errors.As(err, &x) {
			return err
		}
		return writeCase(to, b, p, d)
	})
	return err
}

// Play plays a plan.
func (o Options) Play(ctx context.Context, p Plan) error {
	_, err := o.with(func(b *Bench) error { return b.Play(ctx, p) })
	return err
}

// with gives f a bench in a folder that is removed afterwards: f may panic, as rapid has it.
func (o Options) with(f func(*Bench) error) (tally Tally, err error) {
	dir, err := os.MkdirTemp(o.Work, "torture-")
	if err != nil {
		return nil, err
	}
	b := NewBench(o.Command, dir)
	b.following = o.Follow
	defer func() {
		b.broker.close()
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	return b.model.Tally, f(b)
}
