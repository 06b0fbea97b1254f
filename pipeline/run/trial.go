package run

import (
	"context"
	"fmt"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/look"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// Trial is a script that has run in memory, and takes batches from whoever tries it instead of its sources. What it has become is forgotten
// by Again: one file does for many tests.
type Trial struct {
	*runner
	db   *duck.DB
	kept []keptTable
	was  progress
	at   *duck.Query // the time; nil: it goes on
	cols map[*program.Node][]duck.Column
}

// keptTable is a table of the file and the rows that it had.
type keptTable struct {
	name *duck.Query
	rows *duck.Query // nil: none
}

// NewTrial runs statements in a new file in memory, at a time (nil: now).
func NewTrial(ctx context.Context, o program.Options, stmts []sql.Stmt, at *duck.Query) (t *Trial, err error) {
	o.DB, o.Events, o.Select = "", nil, nil
	db, err := program.OpenWriter(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = db.Close()
		}
	}()
	if err := db.Writer().FixClock(ctx, at); err != nil {
		return nil, err
	}
	r, err := prepare(ctx, db, o, stmts, true)
	if err != nil {
		return nil, err
	}
	r.refreshed = true // there is nothing to be read
	if err := r.script(ctx); err != nil {
		return nil, err
	}
	t = &Trial{runner: r, db: db, at: at}
	return t, t.keep(ctx)
}

// Few says that the rows of its batches will be few. With more threads each statement wakes one that then waits. A statement is planned for
// longer than it runs, and a tenth of the whole goes to optimizers that look for a cheaper plan of the same: not those that keep a join of
// several tables from becoming a product, nor those that say where a filter stands.
func (t *Trial) Few(ctx context.Context) error {
	return t.Conn.Run(ctx, duck.SQL("SET threads = 1"), duck.SQL(`SET disabled_optimizers = 'statistics_propagation,common_subexpressions,' ||
		'common_aggregate,common_subplan,compressed_materialization,build_side_probe_side,duplicate_groups,reorder_filter,' ||
		'join_filter_pushdown,row_group_pruner,top_n_window_elimination,sum_rewriter,late_materialization,sampling_pushdown,' ||
		'window_self_join,join_elimination'`))
}

// Close ends it.
func (t *Trial) Close() error { return t.db.Close() }

// keep remembers how things are now.
func (t *Trial) keep(ctx context.Context) error {
	t.was, t.cols = t.progress.clone(), map[*program.Node][]duck.Column{}
	for _, n := range t.Program.Nodes {
		t.cols[n] = n.Cols
	}
	names, err := t.tables(ctx, "true")
	if err != nil {
		return err
	}
	for i, name := range names {
		k := keptTable{name: name}
		n, err := t.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM {t}", duck.Args{"t": k.name}))
		if err != nil {
			return err
		}
		if n > 0 {
			k.rows = duck.Ident(fmt.Sprintf("_dsql_kept_%d", i))
			if err := t.Conn.Run(ctx, duck.SQL("CREATE TEMP TABLE {k} AS FROM {t}", duck.Args{"k": k.rows, "t": k.name})); err != nil {
				return err
			}
		}
		t.kept = append(t.kept, k)
	}
	return nil
}

// tables are the names of the file's tables of which a condition on duckdb_tables() is true.
func (t *Trial) tables(ctx context.Context, condition string) (out []*duck.Query, err error) {
	names, err := duck.Select(ctx, t.Conn, duck.SQL(`SELECT schema_name, table_name FROM duckdb_tables()
		WHERE NOT internal AND NOT temporary AND database_name = current_database() AND {only}`,
		duck.Args{"only": duck.Text(condition)}), program.ScanPair)
	for _, name := range names {
		out = append(out, duck.Ident(name[0], name[1]))
	}
	return out, err
}

// Again makes everything as it was behind the script, at a time. It says whether it could: what a source has grown stays grown.
func (t *Trial) Again(ctx context.Context, at *duck.Query) (bool, error) {
	if t.Grown() {
		return false, nil
	}
	names, err := t.tables(ctx, "estimated_size > 0") // had rows once: DuckDB counts those that were deleted too
	if err != nil {
		return false, err
	}
	touched := map[string]bool{}
	for _, name := range names {
		touched[name.Text] = true
	}
	err = t.Conn.Update(ctx, func(tx *duck.Tx) error {
		for _, k := range t.kept {
			if !touched[k.name.Text] && k.rows == nil {
				continue
			}
			if err := tx.Run(ctx, duck.SQL("DELETE FROM {t}", duck.Args{"t": k.name})); err != nil {
				return err
			}
			if k.rows == nil {
				continue
			}
			if err := tx.Run(ctx, duck.SQL("INSERT INTO {t} FROM {k}", duck.Args{"t": k.name, "k": k.rows})); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	t.runner = &runner{Viewer: look.Viewer{Program: t.Program, Conn: t.Conn, Options: t.Options}, progress: t.was.clone(),
		leaves: map[*program.Node]bool{}, watches: map[*program.Node]kind.Watch{}, rehearsed: t.rehearsed, session: t.session,
		sources: newSources()}
	if at == nil && t.at == nil || at != nil && t.at != nil && at.Text == t.at.Text {
		return true, nil
	}
	t.at = at
	return true, t.Conn.FixClock(ctx, at)
}

// Grown: something has other columns than behind the script.
func (t *Trial) Grown() bool {
	for n, cols := range t.cols {
		if !slices.Equal(n.Cols, cols) {
			return true
		}
	}
	return false
}

// Warned sets who is told of warnings.
func (t *Trial) Warned(tell func(*sql.Error)) {
	t.Options.Events = func(e event.Event) {
		if w, ok := e.(event.Warned); ok {
			tell(w.Err)
		}
	}
}

// Step takes a batch of each of some sources, in the order in which a REFRESH reads them.
func (t *Trial) Step(ctx context.Context, batches map[*program.Node]*kind.Input) error {
	wanted := t.wanted(nil)
	left := t.inOrder(wanted)
	for s := range batches {
		if !slices.Contains(left, s) {
			return s.Obj.Decl().Errorf(code.BadTest, "nothing takes the rows of %s",
				s.Name).WithHint("give rows of sources that a destination reads")
		}
	}
	if err := t.catchUp(ctx, wanted, left); err != nil {
		return err
	}
	for len(left) > 0 {
		s := left[0]
		left = left[1:]
		in := batches[s]
		if in == nil {
			continue
		}
		in.Destinations = nil
		for _, d := range t.Program.Sorted() {
			if wanted[d] && slices.ContainsFunc(d.Inputs, func(x *program.Input) bool { return x.Of == s }) {
				in.Destinations = append(in.Destinations, d.Name)
			}
		}
		if err := t.take(ctx, s, in, wanted); err != nil {
			return err
		}
		if err := t.catchUp(ctx, wanted, left); err != nil {
			return err
		}
	}
	return t.watch(ctx, true)
}
