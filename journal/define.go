package journal

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/lazy"
	"dsql/sql"
	"dsql/sql/code"
)

//go:embed define.sql
var defineSQL string

var tables = statements[struct {
	Now, Past, Mem, State, FirstState, Definition, Oldest, Stored, AddColumn, Retype, CountSome, CountBare, Images statement
}](defineSQL)

// Define makes the journal's tables for rows of these columns, or brings those of an older declaration in line: new columns are
// added, wider types taken over, columns no longer given kept. What stored data can't follow is refused.
func (j *Journal) Define(ctx context.Context, tx *duck.Tx, in []duck.Column) error {
	want, err := j.bind(ctx, tx, in)
	if err != nil {
		return err
	}
	if tx.Alone {
		return nil
	}
	cols, err := tx.Table(ctx, j.decl.Name+"__state")
	if err != nil {
		return err
	}
	if cols == nil {
		return j.create(ctx, tx, j.layout(want))
	}
	if err := j.moved(ctx, tx, cols); err != nil {
		return err
	}
	have, _, err := j.stored(ctx, tx)
	if err != nil {
		return err
	}
	switch err := j.compatible(have, want); {
	case err == nil:
		return j.alter(ctx, tx, have, want)
	case !j.reshape:
		return err
	}
	if err := j.Drop(ctx, tx); err != nil {
		return err
	}
	if err := j.create(ctx, tx, j.layout(want)); err != nil {
		return err
	}
	// What the versions so far showed is gone.
	return tx.Run(ctx, duck.SQL(string(tables.Oldest), j.words()))
}

// reservedNames are those that stand beside the rows' own columns in the tables, views and queries of a journal.
var reservedNames = lazy.Regexp(`(?i)^(rowid|change_type|_version|_meta|_row|_rule|_v_from|_v_close|_v_to|_raw|_kind|` +
	`_(said|null|was|[sftlwjo])\d+|_del|_late|_second|_end|_b|_at|_n|_min|_rid|_role|_is_now|_is_late|_was_raw|_own|_act|_new|` +
	`_run|_group|_changed|_moved|_closed|_top|_bottom|_last|_up|_down|_buried|_live|_advanced)$`)

// bind resolves the declaration and lets DuckDB judge its expressions.
func (j *Journal) bind(ctx context.Context, tx *duck.Tx, in []duck.Column) (*definition, error) {
	d, err := j.resolve(in)
	if err != nil {
		return nil, err
	}
	if err := j.names(d, in); err != nil {
		return nil, err
	}
	rel := tx.Empty(append(in[:len(in):len(in)], duck.Column{Name: catalog.MetaColumn, Type: catalog.MetaType},
		duck.Column{Name: catalog.VersionColumn, Type: "BIGINT"}))
	var qs []duck.Bound
	for _, sp := range j.exprs() {
		// A WHERE takes neither aggregates nor window functions: these are expressions over one row.
		e := duck.Args{"e": duck.User(j.decl.Src, sp), "rel": rel}
		qs = append(qs, duck.Bound{Query: duck.SQL("SELECT ({e}) FROM {rel} WHERE ({e}) IS NULL", e),
			At: j.decl.At(sp)})
	}
	types, failed := tx.DescribeEach(ctx, qs)
	var errs sql.List
	for i, err := range failed {
		var e *sql.Error
		switch {
		case err == nil:
		case errors.As(err, &e):
			errs = append(errs, e)
		default:
			return nil, err
		}
		if err == nil && types[i] == nil {
			return nil, errs.Err()
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	for i := range j.order() {
		d.Sequence[i].Type = types[i][0].Type
	}
	if j.deleted != nil {
		if t := types[len(types)-1][0].Type; t != "BOOLEAN" {
			return nil, j.decl.At(*j.deleted).Errorf(code.TypeMismatch, "DELETE WHEN needs a condition (BOOLEAN), and this is %s", t).
				WithHint("compare it with something: op = 'd'")
		}
		tx.DB.Witness().Expect(j.deletion())
	}
	if j.lateness != nil {
		if err := j.bindLateness(ctx, tx, d.Sequence[0].Type); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Stored are the columns of the state, for rows of these columns.
func (j *Journal) Stored(ctx context.Context, tx *duck.Tx, in []duck.Column) ([]duck.Column, error) {
	d, err := j.bind(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	out := append(slices.Clone(d.Keys), d.Columns...)
	for i, from := range j.layout(d).from {
		out = append(out, duck.Column{Name: from, Type: d.Sequence[i].Type})
	}
	return out, nil
}

// bindLateness lets DuckDB judge LATENESS. One below nothing would take all that is in order for too late, and NULL nothing ever.
func (j *Journal) bindLateness(ctx context.Context, tx *duck.Tx, sequence duck.Type) error {
	at := j.decl.At(*j.lateness)
	a := duck.Args{"e": duck.User(j.decl.Src, *j.lateness), "t": sequence}
	const hint = "write an interval for times: INTERVAL 30 DAYS; a number for numbers"
	_, failed := tx.DescribeEach(ctx, []duck.Bound{{
		Query: duck.SQL("SELECT _s0 - ({e}) < _s0 FROM (SELECT NULL::{t} AS _s0)", a), At: at,
	}})
	if failed[0] != nil {
		return at.Errorf(code.TypeMismatch, "LATENESS can't be taken from the sequence, which is %s",
			sequence).WithHint(hint).WithCause(failed[0])
	}
	var none bool
	if _, err := tx.Scan(ctx, duck.SQL("SELECT coalesce(({e}) < ({e}) - ({e}), true)", a), &none); err != nil {
		return err
	}
	if none {
		return at.Errorf(code.BadLateness, "LATENESS is negative or NULL").WithHint(hint)
	}
	return nil
}

func nullColumn(c duck.Column) *duck.Query {
	return duck.SQL("NULL::{t} AS {n}", duck.Args{"t": c.Type, "n": duck.Ident(c.Name)})
}

// names refuses columns that the journal's own would hide.
func (j *Journal) names(d *definition, in []duck.Column) error {
	l := j.layout(d)
	taken := map[string]bool{}
	for _, n := range slices.Concat(l.from, l.to) {
		taken[strings.ToLower(n)] = true
	}
	seen := map[string]bool{}
	for _, c := range in {
		n := strings.ToLower(c.Name)
		const hint = "give it another name with AS: SELECT * EXCLUDE (…), … AS other"
		switch {
		case seen[n]:
			return j.decl.Errorf(code.DuplicateColumn, "the rows of journal %s have two columns %s", j.decl.Name, c.Name).WithHint(hint)
		case taken[n] && (index(d.Keys, c.Name) >= 0 || index(d.Columns, c.Name) >= 0), reservedNames().MatchString(c.Name):
			return j.decl.Errorf(code.ReservedColumn, "the rows of journal %s have a column %s, a name that journals use themselves",
				j.decl.Name, c.Name).WithHint(hint)
		}
		seen[n] = true
	}
	return nil
}

// create makes the tables, views and macros.
func (j *Journal) create(ctx context.Context, tx *duck.Tx, l *layout) error {
	for _, s := range []statement{tables.Now, tables.Past, tables.Mem, tables.State, tables.FirstState} {
		if _, err := tx.ExecAt(ctx, duck.SQL(string(s), l.words), j.decl.Place()); err != nil {
			return err
		}
	}
	if err := j.provide(ctx, tx, l, 0, true); err != nil {
		return err
	}
	return l.show(ctx, tx, j.decl.Place(), false)
}

// provide adds the marks that the declaration needs and the tables don't have yet, and saves the definition. They have some words of
// bits, or are without events.
func (j *Journal) provide(ctx context.Context, tx *duck.Tx, l *layout, words int, empty bool) error {
	sparse := len(l.Sparse)
	if l.SCD == 1 {
		for _, c := range l.cols {
			if l.ignored[c] {
				l.allow([]string{c})
			}
		}
		for ; sparse < len(l.Sparse); sparse++ {
			if err := l.addColumn(ctx, tx, []string{"now", "past"}, since(sparse), l.pointType().SQL()); err != nil {
				return err
			}
		}
	}
	if l.Feed && l.SCD == 2 {
		if err := l.provideBits(ctx, tx, words, empty); err != nil {
			return err
		}
	}
	if l.moving() && !l.Raw {
		l.Raw = true
		if err := l.addColumn(ctx, tx, []string{"now", "past"}, "_raw", duck.SQL("TINYINT DEFAULT 1")); err != nil {
			return err
		}
	}
	l.Layout = layoutNow
	return l.save(ctx, tx)
}

// provideBits adds the words of bits that the tables don't have. Of a word that comes to tables with events all bits of said are 0:
// these events say nothing of its columns. In tables without they are 1, as every event that comes says something of all columns until
// one is sparse.
func (l *layout) provideBits(ctx context.Context, tx *duck.Tx, words int, empty bool) error {
	nulls := 0
	if len(l.Nulls) > 0 {
		nulls = words
	}
	for _, c := range l.cols {
		if l.ignored[c] && !slices.Contains(l.Nulls, c) {
			l.Nulls = append(l.Nulls, c)
		}
	}
	for i := range l.starts() {
		if i >= words {
			all := duck.SQL("BIGINT DEFAULT 0")
			if empty {
				all = duck.SQL("BIGINT DEFAULT -1")
			}
			if err := l.addColumn(ctx, tx, []string{"now", "past", "mem"}, said(i), all); err != nil {
				return err
			}
		}
		if i >= nulls && len(l.Nulls) > 0 {
			if err := l.addColumn(ctx, tx, []string{"now", "past", "mem"}, nulled(i), duck.SQL("BIGINT DEFAULT 0")); err != nil {
				return err
			}
		}
	}
	return nil
}

// extend gives columns from the i-th on words of their own: the events that are stored say nothing of them.
func (l *layout) extend(i int) {
	l.Words = l.starts()
	for ; i < len(l.Columns); i += wordBits {
		l.Words = append(l.Words, i)
	}
}

// allow makes columns sparse. All events so far said something of them.
func (l *layout) allow(columns []string) {
	for _, c := range columns {
		if !slices.Contains(l.Sparse, c) {
			l.Sparse = append(l.Sparse, c)
		}
	}
}

// addColumn adds a column to tables; typ has its default too.
func (l *layout) addColumn(ctx context.Context, tx *duck.Tx, in []string, name string, typ *duck.Query) error {
	for _, t := range in {
		a := duck.Args{"table": l.words[t], "column": duck.Ident(name), "type": typ}
		if err := tx.Run(ctx, duck.SQL(string(tables.AddColumn), a)); err != nil {
			return err
		}
	}
	return nil
}

// save writes the definition.
func (l *layout) save(ctx context.Context, tx *duck.Tx) error {
	text, err := json.Marshal(l.definition)
	if err != nil {
		return err
	}
	return tx.Run(ctx, duck.SQL(string(tables.Definition), l.words, duck.Args{"text": string(text)}))
}

// layoutNow numbers what this dsql makes of a definition:
//
//	0  said has bits for all that an event doesn't tell: what it lacks, and what IGNORE NULL UPDATES passed over
//	1  the second stands in nulled; versions that can't be read any more are errors; name_bitemporal
const layoutNow = 1

// Stale says that an older dsql made the tables, or that views are gone: Define brings them in line.
func (j *Journal) Stale(ctx context.Context, tx *duck.Tx, env *kind.Env) (string, error) {
	state, err := tx.Table(ctx, j.decl.Name+"__state")
	if err != nil || state == nil {
		return "", err
	}
	if !defines(state) {
		d, _, err := j.stored(ctx, tx)
		if err != nil {
			return "", err
		}
		if d.Layout == layoutNow {
			return j.missing(ctx, tx, env)
		}
	}
	return "its tables are of an older dsql, and are brought in line", nil
}

// missing says which of the views and macros aren't there: they were dropped by hand, outside of this run. (DuckDB takes 15 ms to list
// macros, and less than one to bind a query of them; one of all is bound first.)
func (j *Journal) missing(ctx context.Context, tx *duck.Tx, env *kind.Env) (string, error) {
	if env.Sound[j] {
		return "", nil
	}
	type made struct {
		name string
		from *duck.Query
	}
	var all []made
	for _, v := range views {
		all = append(all, made{j.decl.Name + v, j.table(v)})
	}
	for _, m := range macros {
		args := "{m}(0, 0)"
		if slices.Contains(ofOne, m) {
			args = "{m}(NULL)"
		}
		all = append(all, made{j.decl.Name + m, duck.SQL(args, duck.Args{"m": j.table(m)})})
	}
	there := func(ms ...made) (bool, error) {
		from := duck.Each(", ", ms, func(m made) *duck.Query { return m.from })
		_, err := tx.Describe(ctx, duck.SQL("SELECT 1 FROM {from}", duck.Args{"from": from}), sql.Place{})
		if duck.IsMissing(err) {
			return false, nil
		}
		return err == nil, err
	}
	if ok, err := there(all...); err != nil || ok {
		if ok {
			env.Sounds(j)
		}
		return "", err
	}
	var gone []string
	for _, m := range all {
		if ok, err := there(m); err != nil {
			return "", err
		} else if !ok {
			gone = append(gone, m.name)
		}
	}
	if len(gone) == 0 {
		return "", nil
	}
	return strings.Join(gone, ", ") + " is made again", nil
}

func defines(state []duck.Column) bool {
	return slices.ContainsFunc(state, func(c duck.Column) bool { return c.Name == "definition" })
}

// moved takes the definition out of name__state.
func (j *Journal) moved(ctx context.Context, tx *duck.Tx, state []duck.Column) error {
	if !defines(state) {
		return nil
	}
	a := j.words()
	var text string
	if _, err := tx.Scan(ctx, duck.SQL("SELECT definition FROM {state}", a), &text); err != nil {
		return err
	}
	return tx.Run(ctx, duck.SQL(string(tables.Definition), a, duck.Args{"text": text}),
		duck.SQL("ALTER TABLE {state} DROP COLUMN definition", a))
}
