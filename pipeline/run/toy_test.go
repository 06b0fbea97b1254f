package run

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/look"
	"dsql/pipeline/program"
	"dsql/sql"
)

// A source, a destination, a sink and two verbs that dsql hasn't. They know engine/kind and nothing of what runs them, nor of streams,
// journals, files or topics: so what they can't do here a new kind couldn't do either.

var toys = program.NewLanguage(slices.Concat(program.Kinds, []kind.Kind{tapKind, bagKind, pipeKind}),
	append(slices.Clone(Verbs), weighVerb))

// tap gives the numbers in a file, one a line, three at a time.
type tap struct{ decl *sql.Decl }

var tapKind = kind.Kind{
	Syntax: &sql.Syntax{Keyword: "TAP", Plural: "TAPS", Doc: "Numbers.",
		Clauses: []sql.Clause{{Keyword: "OF", Arg: sql.ArgString, Required: true, Doc: "a file of numbers, one a line"}}},
	Role:    kind.Reads,
	Compile: func(d *sql.Decl) (kind.Object, error) { return &tap{d}, nil },
}

func (t *tap) Decl() *sql.Decl { return t.decl }

func (t *tap) Columns(context.Context, *duck.Conn, *kind.Env, []duck.Column) ([]duck.Column, error) {
	return []duck.Column{{Name: "n", Type: "BIGINT"}}, nil
}

func (t *tap) Open(ctx context.Context, c *duck.Conn, env *kind.Env, _ []duck.Column, o kind.ReadOptions) (kind.Reader, error) {
	text, err := os.ReadFile(filepath.Join(env.DirOf(t.decl), t.decl.Arg("OF").Text))
	r := &tapReader{t: t, lines: strings.Fields(string(text)), places: map[string]int64{}, replay: o.Replay != nil}
	r.end = int64(len(r.lines))
	for _, d := range o.Destinations {
		if r.places[d] = 0; o.Everything || err != nil {
			continue
		}
		var at int64
		at, err = c.Int(ctx, duck.SQL("SELECT max(next_offset) FROM dsql.offsets WHERE source = {s} AND destination = {d}",
			duck.Args{"s": t.decl.Name, "d": d}))
		if r.places[d] = at; r.replay {
			r.places[d], r.end = 0, at
		}
	}
	return r, err
}

type tapReader struct {
	t      *tap
	lines  []string
	places map[string]int64
	end    int64
	replay bool
}

func (r *tapReader) Close() error { return nil }

func (r *tapReader) Next(context.Context) (*kind.Input, error) {
	from := r.end
	for _, at := range r.places {
		from = min(from, at)
	}
	if from == r.end {
		return nil, io.EOF
	}
	in := &kind.Input{Source: r.t.decl.Name, RowID: duck.SQL(`_meta."offset"`), Again: r.replay, Replayed: r.replay, Release: func() {}}
	to := min(from+3, r.end)
	for d, at := range r.places {
		if at == from {
			in.Destinations = append(in.Destinations, d)
		} else {
			to = min(to, at)
		}
	}
	in.Origin, in.Records = fmt.Sprintf("lines %d–%d", from+1, to), to-from
	slices.Sort(in.Destinations)
	for _, d := range in.Destinations {
		r.places[d] = to
	}
	all := duck.Each(", ", r.lines[from:to], func(line string) *duck.Query { return duck.Lit(line) })
	lines := duck.SQL(`(SELECT text, struct_pack(source := {s}, topic := 'tap', "partition" := 0, "offset" := {from} + i - 1)::`+catalog.MetaType+
		` AS _meta FROM (SELECT unnest([{all}]) AS text, generate_subscripts([{all}], 1) AS i))`,
		duck.Args{"s": r.t.decl.Name, "from": from, "all": all})
	a := duck.Args{"lines": lines}
	in.Rows = duck.SQL("(SELECT text::BIGINT AS n, _meta FROM {lines} WHERE TRY_CAST(text AS BIGINT) IS NOT NULL)", a)
	in.Raw = duck.SQL("(SELECT _meta, encode(text) AS _payload FROM {lines})", a)
	in.Bad = duck.SQL(`(SELECT 'bad_record: no number' AS reason, _meta, encode(text) AS _payload, NULL::JSON AS data, NULL::JSON AS opening
		FROM {lines} WHERE TRY_CAST(text AS BIGINT) IS NULL)`, a)
	for _, line := range r.lines[from:to] {
		if strings.Trim(line, "0123456789") != "" {
			in.BadCount++
		}
	}
	in.Good = in.Records - in.BadCount
	in.Commit = func(ctx context.Context, tx *duck.Tx, v int64) error {
		if r.replay {
			return nil
		}
		for _, d := range in.Destinations {
			a := duck.Args{"s": in.Source, "d": d, "to": to, "v": v}
			if err := tx.Run(ctx, duck.SQL("DELETE FROM dsql.offsets WHERE source = {s} AND destination = {d}", a),
				duck.SQL(`INSERT INTO dsql.offsets (source, destination, topic, partition, next_offset, leader_epoch, topic_id, cluster_id, version)
					VALUES ({s}, {d}, 'tap', 0, {to}, 0, '', '', {v})`, a)); err != nil {
				return err
			}
		}
		return nil
	}
	return in, nil
}

// bag keeps rows, each from a version on and until one.
type bag struct {
	decl  *sql.Decl
	chain *kind.Chain
}

var bagKind = kind.Kind{
	Syntax: &sql.Syntax{Keyword: "BAG", Plural: "BAGS", Doc: "Rows.", Clauses: kind.ChainClauses, Body: []sql.Clause{
		{Keyword: "AS", Arg: sql.ArgQuery, Doc: "a query"}, {Keyword: "FROM", Arg: sql.ArgNameList, Doc: "inputs"}}},
	Role:    kind.Stores,
	Compile: func(d *sql.Decl) (kind.Object, error) { return &bag{d, kind.CompileChain(d)}, nil },
	Verbs: []kind.Verb{{Syntax: &sql.Syntax{Verb: "SHAKE", Keyword: "BAG", Doc: "Forgets what it had."},
		Run: func(ctx context.Context, tx *duck.Tx, d *sql.Decl) error {
			return tx.Run(ctx, duck.SQL("DELETE FROM {t} WHERE _until IS NOT NULL", duck.Args{"t": duck.Ident(d.Name + "__all")}))
		}}},
}

func (b *bag) Decl() *sql.Decl    { return b.decl }
func (b *bag) Chain() *kind.Chain { return b.chain }
func (b *bag) Makes() []string    { return []string{b.Stores()} }
func (b *bag) Stores() string     { return b.decl.Name + "__all" }

func (b *bag) args(more duck.Args) duck.Args {
	more["t"], more["view"] = duck.Ident(b.Stores()), duck.Ident(b.decl.Name)
	return more
}

func (b *bag) Define(ctx context.Context, tx *duck.Tx, in []duck.Column) error {
	a := b.args(duck.Args{"cols": duck.Each(", ", in, func(c duck.Column) *duck.Query {
		return duck.SQL("{n} {t}", duck.Args{"n": duck.Ident(c.Name), "t": c.Type})
	})})
	return tx.Run(ctx, duck.SQL("CREATE TABLE IF NOT EXISTS {t} ({cols}, _since BIGINT, _until BIGINT)", a),
		duck.SQL("CREATE OR REPLACE VIEW {view} AS SELECT * EXCLUDE (_since, _until) FROM {t} WHERE _until IS NULL", a))
}

func (b *bag) Drop(ctx context.Context, tx *duck.Tx) error {
	a := b.args(duck.Args{})
	return tx.Run(ctx, duck.SQL("DROP VIEW IF EXISTS {view}", a), duck.SQL("DROP TABLE IF EXISTS {t}", a))
}

func (b *bag) Write(ctx context.Context, tx *duck.Tx, acc *kind.Accepted) (kind.Counts, error) {
	n, err := tx.Exec(ctx, duck.SQL("INSERT INTO {t} ({cols}, _since) SELECT {cols}, {v} FROM {rows}",
		b.args(duck.Args{"cols": duck.Names(duck.ColumnNames(acc.Columns)), "v": acc.Version, "rows": acc.Rows})))
	return kind.Counts{Written: n, Added: n}, err
}

func (b *bag) New(from, to int64) *duck.Query {
	return duck.SQL("(SELECT * EXCLUDE (_since, _until) FROM {t} WHERE _until IS NULL AND _since > {from} AND _since <= {to})",
		b.args(duck.Args{"from": from, "to": to}))
}

func (b *bag) NewColumns(in []duck.Column) []duck.Column { return in }

func (b *bag) InOrder(from, to int64, cols []duck.Column) *duck.Query {
	return duck.SQL("SELECT {cols} FROM {t} WHERE _until IS NULL AND _since > {from} AND _since <= {to} ORDER BY _since, rowid",
		b.args(duck.Args{"cols": duck.Names(duck.ColumnNames(cols)), "from": from, "to": to}))
}

func (b *bag) Diff(v1, v2 int64) *duck.Query {
	return duck.SQL(`(SELECT * EXCLUDE (_since, _until), 'insert' AS change_type, _since AS _version FROM {t} WHERE _since > {v1} AND _since <= {v2}
		UNION ALL SELECT * EXCLUDE (_since, _until), 'delete', _until FROM {t} WHERE _until > {v1} AND _until <= {v2})`,
		b.args(duck.Args{"v1": v1, "v2": v2}))
}

func (b *bag) Rollback(ctx context.Context, tx *duck.Tx, to, v int64) (c kind.Counts, err error) {
	a := b.args(duck.Args{"to": to, "v": v})
	if c.Removed, err = tx.Exec(ctx, duck.SQL("UPDATE {t} SET _until = {v} WHERE _until IS NULL AND _since > {to}", a)); err != nil {
		return c, err
	}
	c.Added, err = tx.Exec(ctx, duck.SQL(`INSERT INTO {t} SELECT * REPLACE ({v} AS _since, NULL AS _until) FROM {t}
		WHERE _since <= {to} AND _until > {to}`, a))
	return c, err
}

func (b *bag) Empty(ctx context.Context, tx *duck.Tx, v int64) error {
	return tx.Run(ctx, duck.SQL("UPDATE {t} SET _until = {v} WHERE _until IS NULL", b.args(duck.Args{"v": v})))
}

func (b *bag) Vacuum(ctx context.Context, tx *duck.Tx, oldest int64) (int64, error) {
	return tx.Exec(ctx, duck.SQL("DELETE FROM {t} WHERE _until <= {v}", b.args(duck.Args{"v": oldest})))
}

// pipe writes each row as a line.
type pipe struct{ decl *sql.Decl }

var pipeKind = kind.Kind{
	Syntax: &sql.Syntax{Keyword: "PIPE", Plural: "PIPES", Doc: "Lines.",
		Head: []sql.Clause{{Keyword: "INTO", Arg: sql.ArgString, Required: true, Doc: "a file"}},
		Body: []sql.Clause{{Keyword: "FROM", Arg: sql.ArgName, Doc: "what it writes"}}},
	Role:    kind.Sends,
	Compile: func(d *sql.Decl) (kind.Object, error) { return &pipe{d}, nil },
}

func (p *pipe) Decl() *sql.Decl              { return p.decl }
func (p *pipe) Input() sql.Name              { return p.decl.Arg("FROM").Names[0] }
func (p *pipe) Explain([]duck.Column) string { return "  a line each\n" }
func (p *pipe) Bind(context.Context, *duck.Conn, *kind.Env, []duck.Column, []string) error {
	return nil
}

func (p *pipe) Open(_ context.Context, c *duck.Conn, env *kind.Env, _ kind.SinkOptions) (kind.Outlet, error) {
	f, err := os.OpenFile(filepath.Join(env.DirOf(p.decl), p.decl.Arg("INTO").Text), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return &pipeOutlet{c, f}, err
}

type pipeOutlet struct {
	c *duck.Conn
	*os.File
}

func (o *pipeOutlet) Write(ctx context.Context, version int64, rows *duck.Query) (int64, error) {
	lines, err := duck.Select(ctx, o.c, duck.SQL("SELECT to_json(r)::VARCHAR FROM ({rows}) r", duck.Args{"rows": rows}),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	for _, l := range lines {
		fmt.Fprintf(o.File, "%d %s\n", version, l)
	}
	return int64(len(lines)), err
}

func (o *pipeOutlet) Recorded(int64) error        { return nil }
func (o *pipeOutlet) Rejected() []kind.RefusedRow { return nil }

// weighVerb is WEIGH for all that stores rows.
var weighVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "WEIGH", Doc: "Says how many rows there are."},
	On:     program.OnDestinations,
	Check:  program.Targets,
	Run: look.Action(func(v *look.Viewer, ctx context.Context, d *sql.Decl) error {
		n, _, err := v.Program.Target(d)
		if err != nil {
			return err
		}
		res, err := v.Conn.Query(ctx, duck.SQL("SELECT count(*) AS weight FROM {t}", duck.Args{"t": duck.Ident(n.Name)}), d.Place())
		if err != nil {
			return err
		}
		v.Emit(event.Queried{Result: res})
		return res.Close()
	}),
}
