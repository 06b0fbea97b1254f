package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"dsql/sql/code"
)

// Command runs dsql in a folder: the exit code, -9 where it was killed, and what it says on stderr.
type Command func(dir string, env []string, args ...string) (code int, stderr string)

// Bench plays a plan with the command and the model side by side.
type Bench struct {
	run       Command
	following Follower // nil: nothing is followed
	dir       string
	db        string
	model     *Model
	looks     []int // of the step in play
	steps     []played
	broker    broker
	killed    bool // a run was killed: what it left behind may be more than the model says
}

// played is a step as it was played, for the folder of a case.
type played struct {
	script string
	files  []File
	kill   int
	prune  bool
	code   int
}

// Difference is what a file has and should have otherwise.
type Difference struct {
	Step int
	Kind string // table, exit, accounts …: what shrinking keeps
	Text string
	ask  string // a query that shows it
	want *table // its rows
	code int    // the exit code that should be
}

func (d *Difference) Error() string { return fmt.Sprintf("step %d: %s: %s", d.Step+1, d.Kind, d.Text) }

// NewBench is of an empty folder.
func NewBench(run Command, dir string) *Bench {
	return &Bench{run: run, dir: dir, db: "x.duckdb", model: NewModel()}
}

// Play plays a plan to its end or to the first difference. A step without a meaning is passed over.
func (b *Bench) Play(ctx context.Context, p Plan) error {
	for i, s := range p.Steps {
		switch err := b.Step(ctx, i, s); {
		case errors.Is(err, errOver):
			return nil
		case err != nil && !errors.Is(err, errSkip):
			return err
		}
	}
	return nil
}

// Step plays a step.
func (b *Bench) Step(ctx context.Context, i int, s Step) error {
	err := b.step(ctx, i, s)
	var d *Difference
	if errors.As(err, &d) {
		d.Step = i
	}
	return err
}

func (b *Bench) step(ctx context.Context, i int, s Step) error {
	m := b.model
	b.looks = s.Look
	for _, v := range s.Drops {
		if m.decl(v.Name) == nil {
			return errSkip
		}
	}
	text, acts, err := b.script(s)
	if err != nil {
		return err
	}
	for _, f := range s.Files {
		if m.sources[low(f.Source)] != nil {
			if err := b.arrives(ctx, f); err != nil {
				return err
			}
		}
	}
	name := fmt.Sprintf("s%d.sql", i+1)
	if err := b.brokerSteps(s, text); err != nil {
		return err
	}
	if strings.Contains(text, modelFile) {
		if err := os.WriteFile(filepath.Join(b.dir, modelFile), []byte(modelText), 0o644); err != nil {
			return err
		}
	}
	text = strings.ReplaceAll(text, brokers, b.broker.addr)
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
		return err
	}
	b.steps = append(b.steps, played{script: name, files: s.Files, kill: s.Kill, prune: s.Prune})
	if s.Copied {
		if err := b.copied(fmt.Sprintf("copy%d.duckdb", i+1)); err != nil {
			return err
		}
	}
	args := []string{"run", name, "--db", b.db, "--quiet"}
	if s.Prune {
		args = append(args, "--prune", "--yes")
	}
	if s.Kill > 0 {
		code, stderr := b.run(b.dir, []string{fmt.Sprint("DSQL_FAULT=kill:*:", s.Kill)}, args...)
		if code != -9 {
			return b.finish(ctx, acts, code, stderr)
		}
		if err := b.afterKill(ctx, acts); err != nil {
			return err
		}
	}
	code, stderr := b.run(b.dir, nil, args...)
	if err := b.finish(ctx, acts, code, stderr); err != nil || code != 0 || len(s.Later) == 0 || b.following == nil {
		return err
	}
	b.steps = append(b.steps, played{script: name, files: s.Later})
	code, stderr, err = b.follow(ctx, name, s.Later, s.Broker)
	if err != nil {
		return err
	}
	if code == 0 { // a sink that is being opened when the run is asked to end gives up: what it hasn't written comes again
		code, stderr = b.run(b.dir, nil, args...)
	}
	return b.finish(ctx, []func() error{m.followed}, code, stderr)
}

// arrives lets a file or records of a topic be there.
func (b *Bench) arrives(ctx context.Context, f File) error {
	src, n := b.model.sources[low(f.Source)], low(f.Source)
	if err := b.file(ctx, src, f); err != nil {
		return err
	}
	if src.Partitions > 0 {
		b.model.append(src, f)
	} else {
		b.model.files[n] = append(filter(b.model.files[n], func(x File) bool { return x.Path != f.Path }), f)
	}
	return nil
}

// needBroker starts the broker where there is none yet.
func (b *Bench) needBroker() error {
	if b.broker.fake != nil {
		return nil
	}
	b.broker.data = filepath.Join(b.dir, "broker")
	return b.broker.start()
}

// brokerSteps lets a broker be there, and go through what the step says.
func (b *Bench) brokerSteps(s Step, text string) error {
	if !strings.Contains(text, brokers) {
		return nil
	}
	if err := b.needBroker(); err != nil {
		return err
	}
	for _, n := range b.model.order {
		if k := b.model.sinks[n]; k != nil && k.decl.Topic != "" {
			if err := b.broker.topic(context.Background(), k.decl.Topic, 1); err != nil {
				return err
			}
		}
		if d := b.model.sources[n]; d != nil && d.Partitions > 0 {
			if err := b.broker.produce(context.Background(), d, File{}); err != nil {
				return err
			}
		}
	}
	return b.troubled(s.Broker)
}

// troubled takes the broker away and back, or lets it stumble.
func (b *Bench) troubled(how string) error {
	switch {
	case b.broker.fake == nil:
	case how == "away":
		return b.broker.restart()
	case how == "stumbles":
		b.broker.stumble()
	}
	return nil
}

// append puts records into a topic.
func (m *Model) append(src *Decl, f File) {
	n := low(src.Name)
	for len(m.topics[n]) < src.Partitions {
		m.topics[n] = append(m.topics[n], nil)
	}
	for _, r := range f.Rows {
		p := src.partition(r)
		m.topics[n][p] = append(m.topics[n][p], r)
	}
}

// script is the text of a step and what it does, statement by statement.
func (b *Bench) script(s Step) (string, []func() error, error) {
	m, w := b.model, &writer{m: b.model, spell: s.Spell}
	var text strings.Builder
	var acts []func() error
	for _, x := range s.Set {
		text.WriteString("SET " + x + ";\n")
	}
	for _, v := range s.Drops {
		if !s.Prune {
			text.WriteString(w.verb(v))
		}
		if err := verbs[v.Do].play(m, v); err != nil { // at once: what is written below stands without it
			return "", nil, err
		}
	}
	fresh := map[string]bool{}
	for _, d := range s.Decls {
		for _, f := range append(lowered(d.From), d.whole()...) {
			if m.decl(f) == nil {
				return "", nil, errSkip
			}
		}
		m.declare(&d)
		fresh[low(d.Name)] = true
	}
	before := map[string]bool{}
	for _, n := range m.order {
		if !s.Part || fresh[n] {
			for _, x := range befores(m.decl(n)) {
				if !before[x] {
					before[x] = true
					text.WriteString(x)
				}
			}
			text.WriteString(w.create(m.decl(n)))
		}
	}
	acts = append(acts, func() error { m.bind(); return nil })
	for _, u := range s.User {
		stmt, ok := u.text(m)
		if !ok {
			return "", nil, errSkip
		}
		text.WriteString(stmt)
		acts = append(acts, func() error {
			m.Tally["statements: user"]++
			m.users[u.Name] = u
			return nil
		})
	}
	refreshes := false
	for _, v := range s.Verbs {
		if n := low(v.Name); n != "" && m.decl(n) == nil || len(filter(v.Names, func(n string) bool { return m.dests[low(n)] == nil })) > 0 {
			return "", nil, errSkip
		}
		text.WriteString(w.verb(v))
		acts = append(acts, func() error {
			m.Tally["statements: "+v.Do]++
			return verbs[v.Do].play(m, v)
		})
		refreshes = refreshes || v.Do == "refresh"
	}
	if !refreshes && (!s.Part || len(s.Decls) > 0) {
		acts = append(acts, func() error { return m.refresh(nil) })
	}
	return text.String(), acts, nil
}

// play runs the statements through the model: the exit code.
func (b *Bench) play(acts []func() error) (int, error) {
	b.model.aside = false
	for _, f := range acts {
		err := f()
		var e *exit
		switch {
		case errors.Is(err, errSkip): // too late: the command has run it
			return 0, errOver
		case errors.As(err, &e):
			return e.code, nil
		case err != nil:
			return 0, err
		}
	}
	return either(b.model.aside, code.ExitUnreachable, 0), nil
}

// afterKill looks at what a killed run has committed: whole versions, and none of before is lost.
func (b *Bench) afterKill(ctx context.Context, acts []func() error) error {
	b.killed = true
	b.model.Tally["runs that were killed"]++
	look, err := b.look(ctx)
	if err != nil || look == nil {
		return err
	}
	defer look.Close()
	there, err := look.newest()
	if err != nil || there == b.model.version {
		return err
	}
	if there < b.model.version {
		return &Difference{Kind: "lost", Text: fmt.Sprintf("the file had version %d, after a kill it has %d", b.model.version, there)}
	}
	b.model.stop = there
	if b.model.hints, err = look.hints(); err != nil {
		return err
	}
	_, err = b.play(acts)
	b.model.stop = 0
	if err != nil {
		return err
	}
	if b.model.version < there {
		return &Difference{Kind: "versions",
			Text: fmt.Sprintf("a killed run has made version %d, a whole one ends with %d", there, b.model.version)}
	}
	return look.compare(true)
}

var codeOf = regexp.MustCompile(`error: .*\[([a-z0-9-]+)\]`)

// finish holds what a run left against the model.
func (b *Bench) finish(ctx context.Context, acts []func() error, code int, stderr string) error {
	if strings.Contains(stderr, "panic:") || strings.Contains(stderr, "SIGSEGV") || code < 0 {
		return &Difference{Kind: "panic", Text: stderr[:min(len(stderr), 3000)]}
	}
	look, err := b.look(ctx)
	if err != nil {
		return err
	}
	if look != nil {
		defer look.Close()
		if b.model.hints, err = look.hints(); err != nil {
			return err
		}
	}
	want, err := b.play(acts)
	if err != nil {
		return err
	}
	b.steps[len(b.steps)-1].code = want
	b.model.Tally[fmt.Sprint("runs with exit code ", want)]++
	if code != want {
		kind := "exit"
		if m := codeOf.FindStringSubmatch(stderr); m != nil {
			kind += " " + m[1]
		}
		return &Difference{Kind: kind, Text: fmt.Sprintf("exit code %d, should be %d\n%s", code, want, stderr), code: want}
	}
	if look == nil {
		return nil
	}
	return look.compare(false)
}
