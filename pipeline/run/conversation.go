package run

import (
	"context"
	"errors"
	"slices"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/look"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// Conversation runs scripts on one open file, one after the other: what the user's statements have set, made or begun is there for those
// behind.
type Conversation struct {
	db      *duck.DB
	session session
	begun   sql.Place // the user's BEGIN, while its transaction is open
}

// Converse opens the file, and makes it where there is none.
func Converse(ctx context.Context, o program.Options) (*Conversation, error) {
	db, err := program.OpenWriter(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Conversation{db: db}, nil
}

// Close ends it. A transaction that is open is rolled back.
func (c *Conversation) Close() error { return c.db.Close() }

// DB is the file; its writer has what the user's statements have made.
func (c *Conversation) DB() *duck.DB { return c.db }

// straight are the first words of DuckDB's statements that can't harm what is declared: they need no rehearsal.
var straight = []string{"SELECT", "FROM", "WITH", "VALUES", "TABLE", "EXPLAIN", "DESCRIBE", "DESC", "SHOW", "SUMMARIZE", "PIVOT", "UNPIVOT", "SET",
	"RESET", "USE", "PRAGMA", "CALL", "LOAD", "INSTALL", "ATTACH", "DETACH", "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "INSERT", "UPDATE",
	"DELETE", "COPY", "EXPORT", "CHECKPOINT", "PREPARE", "EXECUTE", "DEALLOCATE", "MERGE", "ANALYZE", "COMMENT"}

// Run runs the statements of the options' scripts. Those of dsql's that follow each other are a script of their own, with its REFRESH.
func (c *Conversation) Run(ctx context.Context, o program.Options) error {
	stmts, err := o.Language.Parse(ctx, o.Scripts, o.Set)
	if err != nil {
		return err
	}
	direct := func(st sql.Stmt) bool {
		return st.Decl == nil && (c.begun.Src != nil || slices.Contains(straight, program.Words(st, 1)[0]))
	}
	for i := 0; i < len(stmts); {
		if direct(stmts[i]) {
			if err := c.plain(ctx, o, stmts[i]); err != nil {
				return err
			}
			i++
			continue
		}
		if c.begun.Src != nil {
			return stmts[i].Errorf(code.InTransaction, "this can't stand inside a transaction: dsql makes its own").
				WithHint("end it first: COMMIT or ROLLBACK").WithNote(c.begun, "the transaction begins here")
		}
		from := i
		for i < len(stmts) && !direct(stmts[i]) {
			i++
		}
		if err := c.script(ctx, o, stmts[from:i]); err != nil {
			return err
		}
	}
	return nil
}

// script runs statements as a script of their own.
func (c *Conversation) script(ctx context.Context, o program.Options, stmts []sql.Stmt) error {
	began := time.Now()
	r, err := prepare(ctx, c.db, o, stmts, false)
	if err != nil {
		return err
	}
	r.session = c.session
	err = r.run(ctx, began, func() error { return nil })
	c.session = r.session
	return err
}

// plain hands a statement to DuckDB.
func (c *Conversation) plain(ctx context.Context, o program.Options, st sql.Stmt) error {
	p := &program.Program{Language: o.Language, Env: &kind.Env{Dir: o.Dir}}
	r := &runner{Viewer: look.Viewer{Program: p, Conn: c.db.Writer(), Options: o}, session: c.session}
	done, err := r.asUser(ctx, st)
	if err == nil && !done {
		err = r.Show(ctx, st)
	}
	switch program.Words(st, 1)[0] {
	case "BEGIN", "START":
		if err == nil {
			c.begun = st.Place()
		}
	case "COMMIT", "END", "ROLLBACK", "ABORT": // a COMMIT that fails ends it, too
		c.begun = sql.Place{}
	}
	if c.begun.Src == nil { // one that has failed takes no more statements
		err = errors.Join(err, r.asOwn(context.WithoutCancel(ctx), st))
	}
	c.session = r.session
	return err
}
