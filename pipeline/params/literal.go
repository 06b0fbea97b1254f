package params

import (
	"context"
	"errors"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// literal computes an expression and gives the literal of its value. What DuckDB says against it is an error of the script.
func (f *filling) literal(ctx context.Context, expr *duck.Query, at sql.Place) (*duck.Query, *sql.Error) {
	typ, text, null, err := compute(ctx, f.conn, expr, at)
	switch {
	case err != nil:
		return nil, err
	case null:
		return nil, at.Errorf(code.NoValue, "this gives NULL, and a parameter has a value").WithHint("write one that is there")
	}
	return literalOf(typ, text), nil
}

// compute gives an expression's type and value as text.
func compute(ctx context.Context, c *duck.Conn, expr *duck.Query, at sql.Place) (typ duck.Type, text string, null bool, wrong *sql.Error) {
	r, err := c.Query(ctx, duck.SQL("SELECT typeof(v), CAST(v AS VARCHAR) FROM (SELECT {e} AS v)", duck.Args{"e": expr}), at)
	if err == nil {
		if r.Next() {
			name, _ := r.Text(0)
			value, ok := r.Text(1)
			typ, text, null = duck.Type(strings.Clone(name)), strings.Clone(value), !ok
		}
		err = errors.Join(r.Err(), r.Close())
	}
	if err == nil {
		return typ, text, null, nil
	}
	if !errors.As(err, &wrong) {
		wrong = at.Errorf(code.Failed, "%s", err).WithCause(err)
	}
	return typ, text, null, wrong.WithExit(code.ExitScript)
}

// literalOf is a value in SQL, of its own type wherever it stands.
func literalOf(typ duck.Type, text string) *duck.Query {
	switch id := typ.ID(); {
	case id == duck.TypeVarchar:
		return duck.Lit(text)
	case id == duck.TypeBoolean, id == duck.TypeInteger && !strings.HasPrefix(text, "-"):
		return duck.Text(text)
	case id == duck.TypeDate, id == duck.TypeTimestamp:
		return duck.SQL("{t} {v}", duck.Args{"t": typ, "v": text})
	}
	return duck.SQL("CAST({v} AS {t})", duck.Args{"t": typ, "v": text})
}

// lossless refuses a text that DuckDB casts with a loss: 1.7 to an INTEGER, a time to a DATE.
func (f *filling) lossless(ctx context.Context, text string, value *duck.Query, d *sql.Decl) *sql.Error {
	_, same, null, err := compute(ctx, f.conn, duck.SQL(`CASE
		WHEN typeof({v}) = 'DATE' THEN TRY_CAST({text} AS TIMESTAMP) = TRY_CAST(CAST({v} AS VARCHAR) AS TIMESTAMP)
		WHEN regexp_matches(typeof({v}), '^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*)$')
			THEN TRY_CAST({text} AS DECIMAL(38, 18)) = TRY_CAST(CAST({v} AS VARCHAR) AS DECIMAL(38, 18)) END`,
		duck.Args{"text": text, "v": value}), d.Place())
	if err != nil || null || same == "true" {
		return err
	}
	return d.Errorf(code.BadParameter, "the value %s doesn't fit into %s without a loss", shown(text), d.Arg("#0").Text).
		WithHint("give it as it is meant").WithExit(code.ExitScript)
}

// Compute gives the value of each constant expression that stands in declarations where a value is expected, as it is written there.
func Compute(ctx context.Context, stmts []sql.Stmt) (map[*sql.Source][]sql.Edit, error) {
	out := map[*sql.Source][]sql.Edit{}
	var db *duck.DB
	var errs sql.List
	for _, st := range stmts {
		if st.Decl == nil || len(st.Decl.Constants) == 0 {
			continue
		}
		if db == nil {
			var err error
			if db, err = duck.Open(ctx, "", duck.Options{Threads: 1}); err != nil {
				return nil, err
			}
			defer db.Close()
		}
		for _, sp := range st.Decl.Constants {
			text, err := constant(ctx, db.Writer(), st.At(sp))
			if err != nil {
				errs = append(errs, err)
			}
			out[st.Src] = append(out[st.Src], sql.Edit{Span: sp, Text: text})
		}
	}
	return out, errs.Err()
}

// constant is the value of such an expression: times as a typed literal, numbers bare, all else as a text.
func constant(ctx context.Context, c *duck.Conn, at sql.Place) (string, *sql.Error) {
	if e := env(at.Src, at.Span); e != nil {
		return "", e.WithHint("write env('NAME') alone: what it reads is kept nowhere, and a computed value is")
	}
	typ, text, null, err := compute(ctx, c, duck.SQL("({e})", duck.Args{"e": duck.User(at.Src, at.Span)}), at)
	switch id := typ.ID(); {
	case err != nil:
		if duck.IsMissing(err) {
			err.Hint = "an option is computed before anything runs, from constants and parameters alone"
		}
		return "", err
	case null:
		return "", at.Errorf(code.NoValue, "this gives NULL, and an option has a value").WithHint("write one that is there")
	case id == duck.TypeBoolean, id.Number():
		return text, nil
	case id == duck.TypeDate, id == duck.TypeTimestamp, id == duck.TypeInterval, id == duck.TypeTime:
		return string(typ) + " " + duck.Lit(text).Text, nil
	case id == duck.TypeTimestampTZ:
		return "TIMESTAMPTZ " + duck.Lit(text).Text, nil
	}
	return duck.Lit(text).Text, nil
}
