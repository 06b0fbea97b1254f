package stream

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// A row never changes, and a version adds rows; only ROLLBACK and REBUILD … FROM SOURCE take whole versions away or bring them back. So
// what a stream holds at a version is told by ranges of versions. An era begins with such a statement: it holds the rows of versions that
// lie in its ranges, and those that versions from its beginning on brought. Eras stand in dsql.eras; the rows that aren't held now are in
// name__past, with the version that brought them, and come back from there. A stream that never was turned back has neither.

// span is the versions after `after` up to `through`.
type span struct{ after, through int64 }

// era of a stream: it goes on until the next one begins.
type era struct {
	since int64
	held  []span // of versions before since
}

// eras are the stream's, oldest first: none where it was never turned back. The first one begins with the oldest version that can be read.
func (s *Stream) eras(ctx context.Context, tx *duck.Tx) (out []era, err error) {
	type row struct{ since, after, through int64 }
	rows, err := duck.Select(ctx, tx.Conn,
		duck.SQL("SELECT since, after, through FROM dsql.eras WHERE destination = {d} ORDER BY since, after", duck.Args{"d": s.decl.Name}),
		func(scan func(...any) error) (r row, err error) { return r, scan(&r.since, &r.after, &r.through) })
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].since != r.since {
			out = append(out, era{since: r.since})
		}
		if r.after < r.through {
			e := &out[len(out)-1]
			e.held = append(e.held, span{r.after, r.through})
		}
	}
	return out, err
}

// at are the versions whose rows a stream holds at a version; false for one that can't be read any more.
func at(eras []era, version int64) (out []span, ok bool) {
	for i := len(eras) - 1; i >= 0; i-- {
		if e := eras[i]; e.since <= version {
			for _, h := range e.held {
				out = append(out, span{h.after, min(h.through, version)})
			}
			return append(out, span{e.since - 1, version}), true
		}
	}
	return []span{{-1, version}}, len(eras) == 0
}

// among is a condition on _version.
func among(held []span) *duck.Query {
	if len(held) == 0 {
		return duck.SQL("false")
	}
	return duck.SQL("({c})", duck.Args{"c": duck.Each(" OR ", held, func(h span) *duck.Query {
		return duck.SQL("_version > {a} AND _version <= {b}", duck.Args{"a": h.after, "b": h.through})
	})})
}

// Rollback takes away the rows that versions after `to` brought, and brings those back that were taken away since.
func (s *Stream) Rollback(ctx context.Context, tx *duck.Tx, to, version int64) (kind.Counts, error) {
	eras, err := s.eras(ctx, tx)
	if err != nil {
		return kind.Counts{}, err
	}
	held, ok := at(eras, to)
	if !ok {
		return kind.Counts{}, sql.Errorf(code.NoVersion, "stream %s can't go back to version %d: it can be read at versions %d to %d",
			s.decl.Name, to, eras[0].since, version-1).
			WithHint("choose one of those; dsql.versions lists them with their times")
	}
	return s.turn(ctx, tx, eras, era{version, held})
}

// Empty takes all rows away.
func (s *Stream) Empty(ctx context.Context, tx *duck.Tx, version int64) error {
	eras, err := s.eras(ctx, tx)
	if err != nil {
		return err
	}
	_, err = s.turn(ctx, tx, eras, era{since: version})
	return err
}

// turn begins an era: rows go to name__past and come back from there.
func (s *Stream) turn(ctx context.Context, tx *duck.Tx, eras []era, e era) (n kind.Counts, err error) {
	a := duck.Args{"t": duck.Ident(s.decl.Name), "past": s.past(), "held": among(e.held)}
	if len(eras) == 0 {
		if err := s.aside(ctx, tx); err != nil {
			return n, err
		}
		if err := s.begin(ctx, tx, era{}); err != nil {
			return n, err
		}
	}
	if n.Removed, err = tx.Exec(ctx, duck.SQL("INSERT INTO {past} BY NAME SELECT * FROM {t} WHERE NOT {held}", a)); err != nil {
		return n, err
	}
	if n.Added, err = tx.Exec(ctx, duck.SQL("INSERT INTO {t} BY NAME SELECT * FROM {past} WHERE {held}", a)); err != nil {
		return n, err
	}
	if err := tx.Run(ctx, duck.SQL("DELETE FROM {t} WHERE NOT {held}", a), duck.SQL("DELETE FROM {past} WHERE {held}", a)); err != nil {
		return n, err
	}
	if err := s.begin(ctx, tx, e); err != nil {
		return n, err
	}
	cols, err := s.stored(ctx, tx)
	if err != nil {
		return n, err
	}
	return n, s.viewsAnew(ctx, tx, cols)
}

// aside makes name__past.
func (s *Stream) aside(ctx context.Context, tx *duck.Tx) error {
	_, err := tx.ExecAt(ctx, duck.SQL("CREATE TABLE {past} AS FROM {t} WITH NO DATA",
		duck.Args{"t": duck.Ident(s.decl.Name), "past": s.past()}), s.decl.Place())
	return err
}

// begin writes an era down.
func (s *Stream) begin(ctx context.Context, tx *duck.Tx, e era) error {
	held := e.held
	if len(held) == 0 {
		held = []span{{}}
	}
	return tx.Run(ctx, duck.SQL("INSERT INTO dsql.eras VALUES {rows}", duck.Args{"rows": duck.Each(", ", held, func(h span) *duck.Query {
		return duck.SQL("({d}, {since}, {a}, {b})", duck.Args{"d": s.decl.Name, "since": e.since, "a": h.after, "b": h.through})
	})}))
}

// Vacuum gives up the rows that no version from oldest on shows. Those of today's table it never touches.
func (s *Stream) Vacuum(ctx context.Context, tx *duck.Tx, oldest int64) (int64, error) {
	eras, err := s.eras(ctx, tx)
	if err != nil {
		return 0, err
	}
	first := 0
	for i, e := range eras {
		if e.since <= oldest {
			first = i
		}
	}
	if first == 0 {
		return 0, nil
	}
	shown := []span{{eras[first].since - 1, 1<<63 - 1}}
	for _, e := range eras[first:] {
		shown = append(shown, e.held...)
	}
	n, err := tx.Exec(ctx, duck.SQL("DELETE FROM {past} WHERE NOT {shown}", duck.Args{"past": s.past(), "shown": among(shown)}))
	if err != nil {
		return n, err
	}
	if err := tx.Run(ctx, duck.SQL("DELETE FROM dsql.eras WHERE destination = {d} AND since < {first}",
		duck.Args{"d": s.decl.Name, "first": eras[first].since})); err != nil {
		return n, err
	}
	cols, err := s.stored(ctx, tx)
	if err != nil {
		return n, err
	}
	return n, s.viewsAnew(ctx, tx, cols)
}

func (s *Stream) past() *duck.Query { return duck.Ident(s.decl.Name + "__past") }

// replace takes what is stored away, for a table of other types. Versions begin anew.
func (s *Stream) replace(ctx context.Context, tx *duck.Tx) error {
	if err := s.Drop(ctx, tx); err != nil {
		return err
	}
	next, err := tx.Int(ctx, duck.SQL("SELECT coalesce(max(version), 0) + 1 FROM dsql.versions"))
	if err != nil {
		return err
	}
	return s.begin(ctx, tx, era{since: next})
}
