package rules

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Batch is the new rows that go through a Program.
type Batch struct {
	Destination, Source string
	Origin              string // which file, offsets or versions, for messages
	Version             int64
	Rel                 *duck.Query   // a FROM-item: Columns, perhaps _meta, and _row BIGINT where HasRow
	Columns             []duck.Column // without _meta
	HasRow              bool
	Input               *kind.Input // nil where the rows come from a stored table
	Stage               bool        // Rel must be read once only: its rows are kept in a TEMP table
	Keep                []string    // what Rows are to have beside: _meta, _version
	KeepOriginal        bool        // Rows are to have what Outcome.Was reads
	Discard             bool        // what the rules leave is dropped: a WARN keeps no row
	// Failing, where there is one, tells once the rows were computed for which of them a function failed: a FROM-item of _row and _why, and
	// their number. They go to dsql.rejects. Rows have _row then.
	Failing func(context.Context, *duck.Tx) (*duck.Query, int64, error)
	Once    bool // the caller reads Rows once and wholly, and calls Settle then; Stage doesn't matter
}

// Outcome accounts for a batch: In = rows of Rows + Rejected + Dropped.
type Outcome struct {
	In                int64 // -1: not counted
	Rejected, Dropped int64
	Rows              *duck.Query  // a FROM-item of the rows that go on: Columns, _row where HasRow, and Keep
	Was               kind.Was     // with KeepOriginal: the columns that SETs change as they were, of a row _r of Rows
	Warned            []*sql.Error // rows that break an ON VIOLATION WARN, one error a constraint

	settle func(context.Context, *duck.Tx, *Outcome) error
	close  func()
}

// Close lets go of what a Batch with Once noted, whether it was settled or not.
func (o *Outcome) Close() {
	if o.close != nil {
		o.close()
	}
}

// Settle is to be called once the rows of a Batch with Once were read: the counts are known then, and an ON VIOLATION FAIL that
// was broken is an error. For other batches Run has done it all.
func (o *Outcome) Settle(ctx context.Context, tx *duck.Tx) error {
	if o.settle == nil {
		return nil
	}
	return o.settle(ctx, tx, o)
}

// Run takes a batch through the rules. Rejected rows are in dsql.rejects, and what WARN counted in dsql.checks, when it returns
// (with Once, when Settle does).
//
// Where the rows may be read twice they are not kept aside: one scan counts the verdicts, for which DuckDB computes no more
// than the constraints need, and Rows is a query that the caller reads in its own time.
func (p *Program) Run(ctx context.Context, tx *duck.Tx, b Batch) (Outcome, error) {
	out := Outcome{In: -1, Rows: b.Rel}
	if len(p.steps) == 0 && (!b.Stage || b.Once) && b.Failing == nil {
		return out, nil
	}
	rel := p.layers(b.Rel)
	judges := p.any((*step).gates) || p.any((*step).warns)
	once := b.Once && b.Failing == nil && (!judges || len(p.steps) <= maxOnce && p.native)
	if once && judges {
		p.once(b, rel, &out)
		return out, nil
	}
	var failed int64 // rows that a function failed for
	if (b.Stage || p.volatile || b.Failing != nil) && !once {
		var err error
		if rel, out.In, err = p.stage(ctx, tx, b, rel); err != nil {
			return out, err
		}
		if b.Failing != nil {
			if rel, failed, err = p.failing(ctx, tx, b, rel, &out); err != nil {
				return out, err
			}
		}
	}
	if b.KeepOriginal {
		out.Was = p.original()
	}
	out.Rows = duck.SQL("(SELECT {cols} FROM {rel})", duck.Args{"cols": p.kept(b), "rel": rel})
	if !judges {
		return out, nil
	}
	before := out.Rejected
	n, err := p.count(ctx, tx, rel)
	if err != nil {
		return out, err
	}
	out.In = n.rows + failed
	if err := p.settle(ctx, tx, b, rel, n.broken, &out); err != nil {
		return out, err
	}
	if out.Rejected+out.Dropped > before { // there is a gate, and it stopped some
		out.Rows = duck.SQL("(SELECT {cols} FROM {rel} WHERE {v} = 0)", duck.Args{"cols": p.kept(b), "rel": rel, "v": duck.Ident(p.verdict)})
	}
	if out.Rejected == before {
		return out, nil
	}
	return out, p.rejectAll(ctx, tx, b, rel, out.Rejected-before)
}

// failing sends the rows of t that a function failed for to dsql.rejects, and those that never came to it, as a filter saw NULL for them.
// The rows that are left are given, and how many are not.
func (p *Program) failing(ctx context.Context, tx *duck.Tx, b Batch, t *duck.Query, out *Outcome) (*duck.Query, int64, error) {
	why, n, err := b.Failing(ctx, tx)
	if err != nil || n == 0 {
		return t, 0, err
	}
	was := kind.Was{}
	if p.any((*step).sets) {
		was = p.original()
	}
	a := duck.Args{"t": t, "why": why}
	rejected, err := catalog.Reject(ctx, tx,
		catalog.Rejection{Destination: b.Destination, Source: b.Source, Version: b.Version, Input: b.Input,
			HasRow: true, Columns: b.Columns, Was: was,
			Rows:   duck.SQL("(SELECT t.* EXCLUDE (_row), f._row, f._why FROM {why} f LEFT JOIN {t} t ON t._row = f._row)", a),
			Reason: duck.SQL("_r._why")})
	if err != nil {
		return nil, 0, err
	}
	left := duck.SQL("(SELECT * FROM {t} WHERE _row NOT IN (SELECT _row FROM {why}))", a)
	rest, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {left}", duck.Args{"left": left}))
	out.Rejected += rejected
	out.In = rest + rejected
	return left, rejected, err
}

// maxOnce is up to how many steps a row's broken WARNs fit into the bits of a number.
const maxOnce = 62

// settle turns the counts of each step into the outcome.
func (p *Program) settle(ctx context.Context, tx *duck.Tx, b Batch, rel *duck.Query, broken []int64, out *Outcome) error {
	for i := range p.steps {
		switch s := &p.steps[i]; s.action {
		case reject:
			out.Rejected += broken[i]
		case drop:
			out.Dropped += broken[i]
		case fail:
			if broken[i] > 0 {
				return p.failure(ctx, tx, b, rel, i, broken[i])
			}
		case warn:
			if b.Discard {
				broken[i] = 0
			}
			if err := s.record(ctx, tx, b, broken[i]); err != nil {
				return err
			}
			if broken[i] > 0 {
				out.Warned = append(out.Warned,
					s.decl.Errorf(code.Constraint, "%s of %s broke %s and %s kept%s", rowCount(broken[i]), b.Destination, s.name,
						plural(broken[i], "was", "were"), kind.Whence(b.Origin, b.Version)).
						WithExit(code.ExitFailed))
			}
		}
	}
	return nil
}

// rejectAll writes the rows of rel that a REJECT stopped: so many.
func (p *Program) rejectAll(ctx context.Context, tx *duck.Tx, b Batch, rel *duck.Query, want int64) error {
	numbers := []*duck.Query{}
	for i, s := range p.steps {
		if s.action == reject {
			numbers = append(numbers, duck.Lit(i+1))
		}
	}
	got, err := p.reject(ctx, tx, b,
		duck.SQL("(SELECT * FROM {rel} WHERE {v} IN ({numbers}))",
			duck.Args{"rel": rel, "v": duck.Ident(p.verdict), "numbers": duck.Join(", ", numbers...)}), nil)
	if err == nil && got != want {
		err = sql.Errorf(code.Account, "the rules of %s rejected %d rows when counted and %d when kept; nothing was committed", b.Destination,
			want, got).
			WithHint("a rule or the query gives another result each time it runs; make it give the same")
	}
	return err
}

// kept are the columns of Outcome.Rows.
func (p *Program) kept(b Batch) *duck.Query {
	cols := duck.ColumnNames(b.Columns)
	if b.HasRow {
		cols = append(cols, "_row")
	}
	cols = append(cols, b.Keep...)
	if b.KeepOriginal && p.any((*step).sets) {
		cols = append(cols, p.was)
	}
	return duck.Idents("", cols...)
}

// stage keeps the result of the rules in a TEMP table, until the destination's next batch.
func (p *Program) stage(ctx context.Context, tx *duck.Tx, b Batch, rel *duck.Query) (*duck.Query, int64, error) {
	t := duck.Ident("temp", "dsql_batch_"+strings.ToLower(b.Destination))
	cols := []*duck.Query{p.kept(b)}
	if !b.KeepOriginal && p.any((*step).sets) && (p.any((*step).gates) || b.Failing != nil) {
		cols = append(cols, duck.Ident(p.was))
	}
	if p.any((*step).gates) {
		cols = append(cols, duck.Ident(p.verdict))
	}
	for _, s := range p.steps {
		if s.warns() {
			cols = append(cols, duck.Ident(s.broken))
		}
	}
	if _, err := tx.Exec(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {t} AS SELECT {cols} FROM {rel}",
		duck.Args{"t": t, "cols": duck.Join(", ", cols...), "rel": rel})); err != nil {
		return nil, 0, err
	}
	n, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {t}", duck.Args{"t": t}))
	return t, n, err
}

// counted is how many rows came and, for each step, how many it stopped (a WARN: how many it saw broken and go on).
type counted struct {
	rows   int64
	broken []int64
}

func (p *Program) count(ctx context.Context, tx *duck.Tx, rel *duck.Query) (counted, error) {
	n := counted{broken: make([]int64, len(p.steps))}
	cols, dest := []*duck.Query{duck.SQL("count(*)")}, []any{&n.rows}
	alive := duck.SQL("true")
	if p.any((*step).gates) {
		alive = duck.SQL("{v} = 0", duck.Args{"v": duck.Ident(p.verdict)})
	}
	for i, s := range p.steps {
		a := duck.Args{"v": duck.Ident(p.verdict), "n": i + 1, "w": duck.Ident(s.broken), "alive": alive}
		switch {
		case s.gates():
			cols = append(cols, duck.SQL("count(*) FILTER ({v} = {n})", a))
		case s.warns():
			cols = append(cols, duck.SQL("count(*) FILTER ({w} AND {alive})", a))
		default:
			continue
		}
		dest = append(dest, &n.broken[i])
	}
	_, err := tx.Scan(ctx, duck.SQL("SELECT {cols} FROM {rel}", duck.Args{"cols": duck.Join(", ", cols...), "rel": rel}), dest...)
	return n, err
}

// original are the columns that SETs change as they were, of a row _r of the layers.
func (p *Program) original() kind.Was {
	set := p.Sets()
	if len(set) == 0 {
		return kind.Was{}
	}
	return kind.Was{Columns: set, Struct: duck.Ident("_r", p.was)}
}

// reject writes rows to dsql.rejects: a FROM-item with the verdict, and the columns or what is kept of them.
func (p *Program) reject(ctx context.Context, tx *duck.Tx, b Batch, rows *duck.Query, kept *catalog.Kept) (int64, error) {
	var names, reasons []*duck.Query
	for i, s := range p.steps {
		if s.action != reject {
			continue
		}
		a := duck.Args{"n": i + 1, "name": s.name, "why": "constraint: " + s.name + ": " + s.at.Span.Of(s.at.Src)}
		names = append(names, duck.SQL("WHEN {n} THEN {name}", a))
		reasons = append(reasons, duck.SQL("WHEN {n} THEN {why}", a))
	}
	a := duck.Args{"v": duck.Ident(p.verdict), "names": duck.Join(" ", names...), "reasons": duck.Join(" ", reasons...)}
	return catalog.Reject(ctx, tx,
		catalog.Rejection{Destination: b.Destination, Source: b.Source, Version: b.Version, Input: b.Input, HasRow: b.HasRow, Columns: b.Columns,
			Was: p.original(), Kept: kept, Rows: rows,
			Rule:   duck.SQL("CASE {v} {names} END", a),
			Reason: duck.SQL("CASE {v} {reasons} END", a)})
}

// record keeps what a WARN counted.
func (s *step) record(ctx context.Context, tx *duck.Tx, b Batch, n int64) error {
	verdict := "pass"
	if n > 0 {
		verdict = "warn"
	}
	return tx.Run(ctx, duck.SQL("INSERT INTO dsql.checks (destination, name, version, checked_at, value, verdict, failed_rows) VALUES "+
		"({d}, {name}, {v}, {now}, {n}, {verdict}, {n})",
		duck.Args{"now": duck.Now, "d": b.Destination, "name": s.name, "v": b.Version, "n": n, "verdict": verdict}))
}

// failure is the error of an ON VIOLATION FAIL, with rows that broke it.
func (p *Program) failure(ctx context.Context, tx *duck.Tx, b Batch, rel *duck.Query, i int, n int64) error {
	s := p.steps[i]
	rows, err := duck.Select(ctx, tx.Conn, duck.SQL("SELECT {data}::VARCHAR FROM {rel} _r WHERE {v} = {n} LIMIT 3",
		duck.Args{"data": catalog.DataJSON("_r", duck.ColumnNames(b.Columns)), "rel": rel, "v": duck.Ident(p.verdict), "n": i + 1}),
		func(row func(...any) error) (j string, err error) {
			return j, row(&j)
		})
	if err != nil {
		return err
	}
	return s.decl.Errorf(code.Constraint, "%s of %s broke %s, which is ON VIOLATION FAIL; nothing of the batch was written%s", rowCount(n),
		b.Destination, s.name, kind.Whence(b.Origin, 0)).
		WithHint("mend the data or the rule, or let the rule REJECT such rows and go on; they are like\n        " + strings.Join(rows,
			"\n        ")).
		WithNotes(s.note)
}

func rowCount(n int64) string { return fmt.Sprintf("%d %s", n, plural(n, "row", "rows")) }

func plural(n int64, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}
