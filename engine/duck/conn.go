package duck

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"strings"

	"dsql/engine/fault"
	"dsql/engine/invariants"
	"dsql/sql"
)

// Exec runs one statement and returns how many rows it changed. Errors point into the script where q has the user's text.
func (c *Conn) Exec(ctx context.Context, q *Query) (int64, error) {
	return c.ExecAt(ctx, q, sql.Place{})
}

// ExecAt is Exec with a place for errors that have none of their own.
func (c *Conn) ExecAt(ctx context.Context, q *Query, at sql.Place) (int64, error) {
	n, err := c.exec(ctx, q.Text)
	return n, q.locate(err, at)
}

// ExecBound is Exec of a statement with parameters ($1, $2, …), for values that are too large to be text in one.
func (c *Conn) ExecBound(ctx context.Context, q *Query, args ...any) (err error) {
	defer c.traced(q.Text)(&err)
	c.ctx.Store(&ctx)
	_, err = c.sql.ExecContext(ctx, q.Text, args...)
	return q.locate(err, sql.Place{})
}

// Run is a series of Exec that stops at the first error.
func (c *Conn) Run(ctx context.Context, qs ...*Query) error {
	for _, q := range qs {
		if _, err := c.Exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// Rows is the result of a query: database/sql's, with errors as Exec's.
func (c *Conn) Rows(ctx context.Context, q *Query) (rows *dbsql.Rows, err error) {
	defer c.traced(q.Text)(&err)
	c.ctx.Store(&ctx)
	rows, err = c.sql.QueryContext(ctx, q.Text)
	return rows, q.locate(err, sql.Place{})
}

// Scan reads the first row of a query; ok is false when there is none.
func (c *Conn) Scan(ctx context.Context, q *Query, dest ...any) (ok bool, err error) {
	done := c.traced(q.Text)
	c.ctx.Store(&ctx)
	row := c.sql.QueryRowContext(ctx, q.Text)
	err = row.Err()
	done(&err)
	err = row.Scan(dest...)
	if errors.Is(err, dbsql.ErrNoRows) {
		return false, nil
	}
	return err == nil, q.locate(err, sql.Place{})
}

// Int is Scan of one whole number; NULL and no row are 0.
func (c *Conn) Int(ctx context.Context, q *Query) (int64, error) {
	var n dbsql.NullInt64
	_, err := c.Scan(ctx, q, &n)
	return n.Int64, err
}

// Select reads all rows of a query, each by scan (database/sql's Rows.Scan).
func Select[T any](ctx context.Context, c *Conn, q *Query, scan func(row func(...any) error) (T, error)) ([]T, error) {
	rows, err := c.Rows(ctx, q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		x, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading a row: %w", err)
		}
		out = append(out, x)
	}
	return out, q.locate(rows.Err(), sql.Place{})
}

// Column is a column's name and its type as DuckDB writes it.
type Column struct {
	Name string
	Type Type
}

// ColumnNames are the names of columns, in order.
func ColumnNames(cols []Column) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.Name
	}
	return out
}

// Table is the columns of a table or view, nil when there is none of that name. (DuckDB's list of all columns takes longer with
// each table; a name that isn't found ends no transaction.)
func (c *Conn) Table(ctx context.Context, name string) ([]Column, error) {
	if e, err := c.Entry(ctx, name); err != nil || e == Nothing {
		return nil, err
	}
	cols, err := c.Describe(ctx, SQL("SELECT * FROM {t}", Args{"t": Ident(name)}), sql.Place{})
	if IsMissing(err) {
		return nil, nil
	}
	return cols, err
}

// Parse checks the grammar of the user's own statement. It binds nothing.
func (c *Conn) Parse(src *sql.Source, sp sql.Span) error {
	q := User(src, sp)
	if _, err := c.parse(q.Text); err != nil {
		return q.locate(err, sql.Place{Src: src, Span: sp})
	}
	return nil
}

// ParseExpr checks the grammar of an expression of the user's.
func (c *Conn) ParseExpr(src *sql.Source, sp sql.Span) error {
	q := SQL("SELECT ({e})", Args{"e": User(src, sp)})
	if _, err := c.parse(q.Text); err != nil {
		return q.locate(err, sql.Place{Src: src, Span: sp})
	}
	return nil
}

// Tx is a transaction on the writer.
type Tx struct {
	*Conn
	// Unread and Alone are said in a rehearsal of what is being defined: nothing there reads its views and macros; nor its tables, which
	// can be made, so that nothing at all needs to be.
	Unread, Alone bool
}

// Update runs f in a transaction and commits it. Any error of f rolls back: in DuckDB a COMMIT after an error would say it
// succeeded, and roll back.
func (c *Conn) Update(ctx context.Context, f func(*Tx) error) (err error) {
	if err := c.beginBy(func() error { return c.Run(ctx, SQL("BEGIN TRANSACTION")) }); err != nil {
		return err
	}
	done := false
	defer func() { // a panic or an error must not leave the transaction open
		if !done {
			if _, rerr := c.exec(context.WithoutCancel(ctx), "ROLLBACK"); rerr != nil && err == nil {
				err = rerr
			}
		}
	}()
	tx := &Tx{Conn: c}
	if invariants.Enabled {
		defer tx.end()
	}
	if err = f(tx); err != nil {
		return err
	}
	err = c.DB.commits(func() error {
		if err := fault.Fault(ctx, "before-commit"); err != nil {
			return err
		}
		if _, err := c.exec(ctx, "COMMIT"); err != nil {
			return SQL("COMMIT").locate(err, sql.Place{})
		}
		return nil
	})
	if err != nil {
		return err
	}
	done = true
	return fault.Fault(ctx, "after-commit")
}

// beginBy begins a transaction by f. Where memory ran out the ROLLBACK of the one before may have failed as well.
func (c *Conn) beginBy(f func() error) error {
	err := f()
	if IsAborted(err) && strings.Contains(err.Error(), "is aborted") {
		if _, rerr := c.exec(context.Background(), "ROLLBACK"); rerr == nil {
			err = f()
		}
	}
	return err
}

// Alive says whether the transaction still takes statements: in DuckDB most errors end it.
func (tx *Tx) Alive(ctx context.Context) bool {
	_, err := tx.exec(ctx, "SELECT 1")
	return err == nil
}

// ReadOnly runs f in a transaction that reads only: all that f asks is of one state.
func (c *Conn) ReadOnly(ctx context.Context, f func() error) error {
	if err := c.beginBy(func() error { return c.Run(ctx, SQL("BEGIN TRANSACTION READ ONLY")) }); err != nil {
		return err
	}
	err := f()
	_, _ = c.exec(context.WithoutCancel(ctx), "ROLLBACK") // where it fails an error has ended the transaction
	return err
}

// Scratch runs f in a transaction that is always rolled back.
func (c *Conn) Scratch(ctx context.Context, f func(*Tx) error) error {
	if err := c.beginBy(func() error { return c.Run(ctx, SQL("BEGIN TRANSACTION")) }); err != nil {
		return err
	}
	tx := &Tx{Conn: c}
	if invariants.Enabled {
		defer tx.end()
	}
	err := f(tx)
	if _, rerr := c.exec(context.WithoutCancel(ctx), "ROLLBACK"); rerr != nil && !strings.Contains(rerr.Error(), "no transaction") {
		err = errors.Join(err, rerr)
	}
	return err
}
