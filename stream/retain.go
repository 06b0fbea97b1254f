package stream

import (
	"context"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// RETAIN: VACUUM takes rows away that nothing needs any more which reads the stream in event time. What they need they say themselves. What
// the stream was before can't be told then, so an era begins with the version that it is read at.

var retainClause = sql.Clause{Keyword: "RETAIN", Arg: sql.ArgExpr,
	Doc: "how long rows are kept whose windows all rollups of it have closed: INTERVAL 7 DAYS of event time; VACUUM gives them up"}

// Retains is how long; nil: for ever.
func (s *Stream) Retains() *sql.Value { return s.retain }

// retainable refuses a column under whose name rows are found.
func (s *Stream) retainable(in []duck.Column) error {
	for _, c := range in {
		if s.retain != nil && strings.EqualFold(c.Name, "rowid") {
			return s.decl.At(s.retain.Keyword).Errorf(code.ReservedColumn, "a stream with RETAIN has a column rowid").
				WithHint("give it another name")
		}
	}
	return nil
}

// Numbered are all of its rows, each with _dsql_row.
func (s *Stream) Numbered() *duck.Query {
	return duck.SQL("(SELECT * EXCLUDE ({v}), rowid AS _dsql_row FROM {t})", duck.Args{"t": duck.Ident(s.decl.Name),
		"v": duck.Ident(catalog.VersionColumn)})
}

// GiveUp takes the rows of versions up to one away that no query needs: each gives _dsql_row of some. It says how many.
func (s *Stream) GiveUp(ctx context.Context, tx *duck.Tx, needed []*duck.Query, upTo int64) (int64, error) {
	eras, err := s.eras(ctx, tx)
	if err != nil {
		return 0, err
	}
	held, ok := at(eras, upTo)
	if !ok || len(eras) > 0 && eras[len(eras)-1].since > upTo { // a reader is behind a rollback
		return 0, nil
	}
	a := duck.Args{"t": duck.Ident(s.decl.Name), "past": s.past(), "v": upTo, "d": s.decl.Name,
		"needed": duck.Each(" UNION ALL ", needed, func(q *duck.Query) *duck.Query { return duck.SQL("({q})", duck.Args{"q": q}) })}
	n, err := tx.ExecAt(ctx, duck.SQL("DELETE FROM {t} WHERE _version <= {v} AND rowid NOT IN ({needed})", a), s.decl.Place())
	if err != nil || n == 0 {
		return n, err
	}
	if len(eras) == 0 {
		err = s.aside(ctx, tx)
	} else {
		err = tx.Run(ctx, duck.SQL("DELETE FROM {past}", a), duck.SQL("DELETE FROM dsql.eras WHERE destination = {d}", a))
	}
	if err != nil {
		return n, err
	}
	if err := s.begin(ctx, tx, era{upTo, held}); err != nil {
		return n, err
	}
	cols, err := s.stored(ctx, tx)
	if err != nil {
		return n, err
	}
	return n, s.viewsAnew(ctx, tx, cols)
}
