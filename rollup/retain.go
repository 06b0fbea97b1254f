package rollup

import (
	"context"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/watermark"
	"dsql/sql/code"
)

// RETAIN of what it reads. VACUUM takes rows away whose windows are closed for long enough, and the rollup keeps what they made: those
// windows are never computed again, nor by half. dsql.retained has up to which time, and by what its windows are told.

// Holds is why it needs all rows of its input for ever; "": it doesn't.
func (r *Rollup) Holds() string {
	switch q := r.query; {
	case r.time.lateness == nil:
		return "has no LATENESS, so its windows never close"
	case q == nil:
		return "can't be read"
	case q.whole != "":
		return "computes all of its groups at each version: " + q.whole
	case q.timed.name == "session":
		return "has sessions, which hang on the rows around them"
	}
	return ""
}

// Retain: see watermark.User.
func (r *Rollup) Retain(ctx context.Context, tx *duck.Tx, c *watermark.Clock, keep, rows *duck.Query, version int64) (*duck.Query, error) {
	was, err := r.frozen(ctx, tx)
	if err != nil {
		return nil, err
	}
	upTo := was
	if c.UpTo != watermark.None {
		to, err := tx.Int(ctx, duck.SQL("SELECT epoch_us({w} - ({keep}))", duck.Args{"w": watermark.Time(c.UpTo), "keep": keep}))
		if err != nil {
			return nil, err
		}
		upTo = max(was, to)
	}
	if upTo > was {
		a := duck.Args{"d": r.decl.Name, "up_to": watermark.Time(upTo), "v": version, "by": r.query.windowsBy()}
		if err := tx.Run(ctx, duck.SQL("DELETE FROM dsql.retained WHERE destination = {d}", a),
			duck.SQL("INSERT INTO dsql.retained VALUES ({d}, {up_to}, {v}, {by})", a)); err != nil {
			return nil, err
		}
	}
	open := duck.SQL("true")
	if upTo != watermark.None {
		open = r.query.open(upTo)
	}
	q := *r.query // rows that its WHERE leaves out stay as long as others
	q.clause = map[string]part{"from": q.clause["from"]}
	return q.write(rows, duck.SQL("_dsql_row"), open), nil
}

// windowsBy is by what its windows are told.
func (q *query) windowsBy() string {
	out := q.toldBy()
	for _, w := range q.closing {
		for i := w.at.from; i < w.at.to; i++ {
			out += " " + strings.ToLower(q.word(i))
		}
	}
	return out
}

// frozen is up to which time windows are that are kept as they are; None: none is.
func (r *Rollup) frozen(ctx context.Context, tx *duck.Tx) (int64, error) {
	return tx.Int(ctx, duck.SQL("SELECT coalesce(max(epoch_us(up_to)), {none}) FROM dsql.retained WHERE destination = {d}",
		duck.Args{"d": r.decl.Name, "none": int64(watermark.None)}))
}

// open is a condition on rows in windows: theirs isn't frozen.
func (q *query) open(upTo int64) *duck.Query {
	return duck.SQL("NOT coalesce({c}, false)", duck.Args{"c": q.closed(upTo)})
}

// openStored is that condition on stored rows.
func (q *query) openStored(upTo int64) *duck.Query {
	return duck.SQL("NOT coalesce({end} <= {up_to}, false)", duck.Args{"end": q.storedEnd(), "up_to": upTo})
}

// defineRetained refuses a declaration under which what is kept would be lost, or be of other windows.
func (r *Rollup) defineRetained(ctx context.Context, tx *duck.Tx, same bool) error {
	upTo, err := r.frozen(ctx, tx)
	if err != nil || upTo == watermark.None {
		return err
	}
	why := r.Holds()
	switch {
	case why != "":
		why = "this one " + why
	case !same:
		why = "this one has other columns"
	default:
		n, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.retained WHERE destination = {d} AND windows = {by}",
			duck.Args{"d": r.decl.Name, "by": r.query.windowsBy()}))
		if err != nil || n > 0 {
			return err
		}
		why = "this one has other windows"
	}
	return r.decl.Errorf(code.GivenUp, "%s keeps windows whose rows VACUUM gave up, so that no other query can compute them, and %s",
		r.decl.Name, why).
		WithHint("make a rollup of another name beside it; or DROP ROLLUP " + r.decl.Name + " first, and lose them")
}
