package test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/scripttest"
	"dsql/sql"
	"dsql/sql/code"
)

// one runs a test. Its error is one of the script, or of the test's own text.
func (s *suite) one(ctx context.Context, t *scripttest.Test, p plan) (Verdict, error) {
	began := time.Now()
	v := Verdict{Name: t.Decl().Name, At: t.Decl().Place()}
	if err := s.begin(ctx, p); err != nil {
		return v, err
	}
	t = s.now.named(v.Name)
	if err := t.Check(ctx, s.trial.Conn, s.trial.Program.Relations); err != nil {
		return v, err
	}
	r := &running{suite: s, test: t, counts: map[*program.Node]int64{}, v: &v}
	for i := range t.Steps {
		if on := r.step(ctx, &t.Steps[i]); !on {
			break
		}
	}
	v.Took = time.Since(began)
	return v, ctx.Err()
}

// begin gives the script as it is before a test.
func (s *suite) begin(ctx context.Context, p plan) error {
	if s.trial != nil && s.key == p.key {
		if ok, err := s.trial.Again(ctx, p.at); ok || err != nil {
			return err
		}
	}
	if s.trial != nil {
		if err := s.trial.Close(); err != nil {
			return err
		}
		s.trial = nil
	}
	o := s.o
	s.now = &s.script
	if s.clock && p.at != nil { // its parameters may have other values
		o.Set.At, o.Set.Warn, o.Events = p.at, nil, nil
		again, err := read(ctx, o)
		if err != nil {
			return err
		}
		s.now = &again
	}
	o.Language = run.Trying(o.Language, p.columns)
	trial, err := run.NewTrial(ctx, o, s.now.stmts, p.at)
	if err != nil {
		return err
	}
	s.trial, s.key = trial, p.key
	return trial.Few(ctx)
}

// running is a test that is being run.
type running struct {
	*suite
	test   *scripttest.Test
	counts map[*program.Node]int64 // records given so far
	v      *Verdict
}

// fail notes a failure.
func (r *running) fail(err error, d *scripttest.Difference) {
	for _, e := range program.Collect(nil, err) {
		r.v.Failed = append(r.v.Failed, Failure{e, d})
	}
}

// step takes what is given, and judges what is there behind it. It says whether the test goes on.
func (r *running) step(ctx context.Context, st *scripttest.Step) bool {
	src := r.test.Decl().Src
	err, ours := r.take(ctx, st)
	switch {
	case err != nil && (ours || st.Error == nil):
		r.fail(r.ended(err), nil)
		return false
	case st.Error != nil && err == nil:
		want := st.Error.Arg("#0")
		r.fail(st.Error.At(want.Span).Errorf(code.TestFailed, "%s: the step should end with the error %s, and it goes through", r.v.Name,
			want.Text).
			WithHint("dsql.checks and dsql.rejects say what came of it"), nil)
	case st.Error != nil:
		if want := st.Error.Arg("#0"); !hasCode(err, want.Text) {
			e := program.Collect(nil, err)[0]
			r.fail(st.Error.At(want.Span).Errorf(code.TestFailed, "%s: the step should end with the error %s, and it ends with %s: %s", r.v.Name,
				want.Text, e.Code, e.Msg).WithHint("docs/errors.md has all codes"), nil)
		}
	}
	grown := r.trial.Grown()
	for i := range st.Expects {
		e := &st.Expects[i]
		d, err := e.Compare(ctx, r.trial.Conn, src, grown)
		if err != nil {
			r.fail(r.trial.Program.SourceHint(ctx, r.trial.Conn, err), nil)
		} else if !d.None() {
			r.fail(sql.Place{Src: src, Span: e.Query}.Errorf(code.TestFailed, "%s: %s", r.v.Name, inWords(d)), d)
		}
	}
	return true
}

// ended is the error of a step, as one of the test.
func (r *running) ended(err error) error {
	var out sql.List
	for _, e := range program.Collect(nil, err) {
		c := *e
		c.Msg = r.v.Name + ": " + c.Msg
		out = append(out, c.WithNote(r.v.At, "the test"))
	}
	return out
}

func inWords(d *scripttest.Difference) string {
	if d.Reordered {
		return "the rows come in another order"
	}
	var parts []string
	if n := len(d.Missing); n > 0 {
		parts = append(parts, fmt.Sprintf("%d %s missing", n, rows(n)))
	}
	if n := len(d.Unexpected); n > 0 {
		parts = append(parts, fmt.Sprintf("%d %s unexpected", n, rows(n)))
	}
	return strings.Join(parts, ", ")
}

func rows(n int) string {
	if n == 1 {
		return "row is"
	}
	return "rows are"
}

// hasCode: an error, or one of several, is of the kind, or of one that is called like it: check-…
func hasCode(err error, want string) bool {
	for _, e := range program.Collect(nil, err) {
		if name := e.Code.String(); sql.Same(name, want) || strings.HasPrefix(name, want+"-") {
			return true
		}
	}
	return false
}

// take gives a step's rows to tables, and its batches to the sources' readers. ours: the error is of what is given.
func (r *running) take(ctx context.Context, st *scripttest.Step) (err error, ours bool) {
	batches := map[*program.Node]*kind.Input{}
	var done []func()
	defer func() {
		for _, f := range done {
			f()
		}
	}()
	for i := range st.Given {
		g := &st.Given[i]
		n := r.trial.Program.SourceOf(g.Name.Text)
		if n == nil {
			if err := r.table(ctx, g); err != nil {
				return err, true
			}
			continue
		}
		in, f, err := r.batch(ctx, n, g, i)
		if f != nil {
			done = append(done, f)
		}
		if err != nil {
			return err, !sql.HasCode(err, code.BadRecord)
		}
		batches[n] = in
		r.counts[n] += in.Records
	}
	err = r.trial.Step(ctx, batches)
	return err, sql.HasCode(err, code.BadTest)
}

// table replaces the rows of a table.
func (r *running) table(ctx context.Context, g *scripttest.Given) error {
	c, src := r.trial.Conn, r.test.Decl().Src
	cols, err := c.Table(ctx, g.Name.Text)
	if err != nil {
		return err
	}
	q, _, err := g.Rows(ctx, c, src, cols, false, nil)
	if err != nil {
		return err
	}
	a := duck.Args{"t": duck.Ident(g.Name.Text), "q": q}
	return c.Update(ctx, func(tx *duck.Tx) error {
		if err := tx.Run(ctx, duck.SQL("DELETE FROM {t}", a)); err != nil {
			return err
		}
		_, err := tx.ExecAt(ctx, duck.SQL("INSERT INTO {t} {q}", a), sql.Place{Src: src, Span: g.At})
		return err
	})
}

// batch makes what is given a batch of its source.
func (r *running) batch(ctx context.Context, n *program.Node, g *scripttest.Given, i int) (*kind.Input, func(), error) {
	c, src := r.trial.Conn, r.test.Decl().Src
	at := sql.Place{Src: src, Span: g.At}
	of, ok := n.Obj.(*run.Tried)
	if !ok {
		return nil, nil, fmt.Errorf("%s isn't tried", n.Name)
	}
	s, ok := of.Source.(kind.Tried)
	if !ok {
		return nil, nil, at.Errorf(code.BadTest, "%s can't be given", n.Name).WithHint("give rows of another source")
	}
	var captures map[string]string
	filePath := ""
	if g.Path != nil {
		filePath = *g.Path
		if captures, ok = s.Captures(filePath); !ok {
			return nil, nil, at.Errorf(code.BadTest, "the path %s is none of %s", filePath, n.Name).WithHint("write one that its pattern leads to")
		}
	}
	var in *kind.Input
	var done func()
	var err error
	if g.Text != nil {
		in, done, err = s.Given(ctx, c, r.trial.Program.Env, n.Cols, *g.Text, filePath, r.counts[n])
	} else {
		in, done, err = r.rows(ctx, n, s, g, i, captures)
	}
	var wrong *sql.Error
	if errors.As(err, &wrong) && wrong.Code != code.BadRecord && wrong.Src != src {
		err = wrong.WithNote(at, "given here")
	}
	if err != nil {
		return nil, nil, err
	}
	in.Origin, in.FileTime = "GIVEN", time.Now().UTC()
	if filePath != "" {
		in.Origin = filePath
	}
	if r.test.At != nil {
		us, err := c.Int(ctx, duck.SQL("SELECT epoch_us({now})", duck.Args{"now": duck.Now}))
		if err != nil {
			return nil, done, err
		}
		in.FileTime = time.UnixMicro(us).UTC()
	}
	in.Commit = func(context.Context, *duck.Tx, int64) error { return nil }
	return in, done, nil
}

// rows makes rows a batch.
func (r *running) rows(ctx context.Context, n *program.Node, s kind.Tried, g *scripttest.Given, i int, captures map[string]string) (
	*kind.Input, func(), error) {
	c, src := r.trial.Conn, r.test.Decl().Src
	q, meta, err := g.Rows(ctx, c, src, n.Cols, true, captures)
	if err != nil {
		return nil, nil, err
	}
	table := duck.Ident(fmt.Sprintf("_dsql_given_%d", i))
	a := duck.Args{"q": q, "t": table, "name": n.Name,
		"cols": duck.Names(duck.ColumnNames(n.Cols)), "first": r.counts[n], "topic": duck.Lit(nil), "file": duck.Lit(nil),
		"meta": duck.SQL("NULL::" + catalog.MetaType), "part": duck.Lit(nil), "off": duck.Lit(nil), "time": duck.Lit(nil)}
	if meta {
		a["meta"] = duck.SQL("_meta::" + catalog.MetaType)
	}
	if topic := s.Topic(); topic != "" {
		a["topic"], a["part"], a["off"], a["time"] = topic, 0, duck.SQL("{first} + _n", a), duck.Now
	} else if g.Path != nil {
		a["file"] = *g.Path
	}
	given, err := c.ExecAt(ctx, duck.SQL(`CREATE OR REPLACE TEMP TABLE {t} AS SELECT {cols}, struct_pack(source := {name},
			topic := coalesce(_m.topic, {topic}), "partition" := coalesce(_m."partition", {part}), "offset" := coalesce(_m."offset", {off}),
			"timestamp" := coalesce(_m."timestamp", {time}), key := _m.key, headers := _m.headers, tombstone := coalesce(_m.tombstone, false),
			file := coalesce(_m.file, {file}), line := coalesce(_m.line, _n + 1))::`+catalog.MetaType+` AS _meta
		FROM (SELECT *, {meta} AS _m, row_number() OVER () - 1 AS _n FROM ({q}))`, a), sql.Place{Src: src, Span: g.At})
	if err != nil {
		return nil, nil, err
	}
	in := &kind.Input{Source: n.Name, Rows: table, RowID: duck.SQL("_meta.line"), Snapshot: s.Loads(), Captures: captures,
		Raw: duck.SQL("(SELECT _meta, NULL::BLOB AS _payload FROM {t})", a), Release: func() {}, Records: given, Good: given}
	return in, func() {}, nil
}
