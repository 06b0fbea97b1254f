package run

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/engine/watermark"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql/code"
)

// Event time. What a batch's rows are late for is what had closed before it; behind the batch the watermark goes on, and closes more.

// taken is the newest time that a part gave.
type taken struct {
	kind.Part
	newest, ahead int64
}

// timer is how far a destination has come in an input that it takes in event time, in a batch.
type timer struct {
	watermark.User // nil: it joins it with another
	node           *program.Node
	of             *program.Node // the input
	all            *duck.Query   // all of its rows, with the versions that brought them
	newest         newest
	clock          *watermark.Clock
}

// newest is a query of the newest times of rows: see watermark.User.
type newest func(rows *duck.Query) *duck.Query

// timed is the destination's timer; nil where it takes no rows in event time.
func (r *runner) timed(ctx context.Context, tx *transaction, n *program.Node) (*timer, error) {
	u, ok := n.Obj.(watermark.User)
	if !ok {
		return nil, nil
	}
	o, on := u.InTime()
	if !on {
		return nil, nil
	}
	in := n.Inputs[0]
	c, err := watermark.Load(ctx, tx.Conn, n.Name, in.Of.Name, o)
	return &timer{u, n, in.Of, in.All(), u.Newest, c}, err
}

// before lets time go on to where it is before a batch, the rows behind a version: what has been idle for long enough doesn't hold it back
// any more. What closes then is without the batch's rows, which the input has already.
func (r *runner) before(ctx context.Context, tx *transaction, t *timer, from int64, now time.Time) error {
	if !r.sources.moves(t, now) {
		return nil
	}
	return r.close(ctx, tx, t, duck.SQL("(FROM {all} WHERE {v} <= {from})", duck.Args{"all": t.all,
		"v": duck.Ident(watermark.VersionColumn), "from": from}))
}

// moves lets a clock go on without new rows, and says whether it did: what has been idle for long enough doesn't count.
func (s *sources) moves(t *timer, now time.Time) bool {
	if len(t.clock.Marks) == 0 {
		return false
	}
	s.expect(t.clock, t.of, now)
	return t.clock.Move(now)
}

// close closes what the watermark has left behind. While a check holds rows back nothing closes: what is stored is without them.
func (r *runner) close(ctx context.Context, tx *transaction, t *timer, rows *duck.Query) error {
	if held, err := r.holding(ctx, tx, t.node); err != nil || held {
		return err
	}
	return t.Close(ctx, tx.Tx, t.clock, rows, tx.version)
}

// batch are the rows behind a version.
func (t *timer) batch(tx *transaction, from int64) watermark.Batch {
	in := t.node.Inputs[0]
	return watermark.Batch{Clock: t.clock, All: in.All(), Columns: in.State(), From: from, Version: tx.version}
}

// after takes what the rows behind a version gave, and lets time go on.
func (r *runner) after(ctx context.Context, tx *transaction, t *timer, w work, from int64, now time.Time) error {
	if err := r.goOn(ctx, tx, t, w, from, now); err != nil {
		return err
	}
	if err := r.close(ctx, tx, t, t.all); err != nil {
		return err
	}
	return t.clock.Save(ctx, tx.Tx, tx.version)
}

// goOn lets a clock take what the rows behind a version gave.
func (r *runner) goOn(ctx context.Context, tx *transaction, t *timer, w work, from int64, now time.Time) error {
	r.sources.with(w.in).expect(t.clock, t.of, now)
	all, err := r.gave(ctx, tx, t, w, from)
	if err != nil {
		return err
	}
	for _, x := range all {
		t.clock.Take(x.Part, x.newest, now)
		if x.ahead != watermark.None {
			r.tellAhead(tx, t.node, x)
		}
	}
	t.clock.Move(now)
	return nil
}

// gave are the newest times that parts gave in rows behind a version. Where it isn't known which part gave them they count for none.
func (r *runner) gave(ctx context.Context, tx *transaction, t *timer, w work, from int64) ([]taken, error) {
	if all, ok := tx.times[edge{t.node, t.of}]; ok {
		return all, nil
	}
	part, known := r.partOf(t, w)
	if !known {
		return nil, nil
	}
	if inner, err := r.timed(ctx, tx, t.of); err != nil || inner != nil && inner.clock.UpTo != watermark.None {
		if err != nil {
			return nil, err
		}
		return []taken{{part, inner.clock.UpTo, watermark.None}}, nil
	}
	rows := duck.SQL("(SELECT *, '' AS {part} FROM {all} WHERE {v} > {from})",
		duck.Args{"part": duck.Ident(watermark.PartColumn), "all": t.all,
			"v": duck.Ident(watermark.VersionColumn), "from": from})
	all, err := times(ctx, tx, t.newest, rows)
	for i := range all {
		all[i].Part = part
	}
	return all, err
}

// partOf is the part that the rows of a version are of, where one alone can have given them.
func (r *runner) partOf(t *timer, w work) (kind.Part, bool) {
	of, known := t.of, t.clock.Parts()
	direct := ofSources(of)
	if len(known) == 1 {
		s := r.Program.Relation(known[0].Source)
		if s == nil || !direct || known[0].Topic != "" {
			return known[0], true
		}
		_, several := s.Obj.(kind.Lagging) // rows of before the rollup, of a source whose parts aren't known yet
		return known[0], !several
	}
	if w.in == nil || w.in.Source == "" || !feeds(w.in.Source, of) {
		return kind.Part{}, false
	}
	if !direct {
		through := slices.DeleteFunc(slices.Clone(mains(of)), func(in *program.Input) bool { return !feeds(w.in.Source, in.Of) })
		if len(through) != 1 {
			return kind.Part{}, false
		}
		return kind.Part{Source: through[0].Of.Name}, true
	}
	for p := range w.in.AtEnd {
		if len(w.in.AtEnd) == 1 {
			return p, true
		}
	}
	parted := slices.ContainsFunc(known, func(p kind.Part) bool { return p.Source == w.in.Source && p.Topic != "" })
	return kind.Part{Source: w.in.Source}, !parted
}

// feeds: rows of a source come to a node.
func feeds(source string, n *program.Node) bool {
	return n.Name == source || slices.ContainsFunc(mains(n), func(in *program.Input) bool { return feeds(source, in.Of) })
}

// times are the newest ones of rows, by part.
func times(ctx context.Context, tx *transaction, newest newest, rows *duck.Query) ([]taken, error) {
	return duck.Select(ctx, tx.Conn,
		duck.SQL("SELECT part, coalesce(newest, {none}), coalesce(ahead, {none}) FROM ({q}) t(part, newest, ahead)",
			duck.Args{"q": newest(rows), "none": int64(watermark.None)}), func(row func(...any) error) (t taken, err error) {
			var part string
			if err := row(&part, &t.newest, &t.ahead); err != nil || part == "" {
				return t, err
			}
			number, topic, _ := strings.Cut(part, " ")
			_, err = fmt.Sscan(number, &t.Partition)
			t.Topic = topic
			return t, err
		})
}

// noteTimes keeps, of rows that a stream has accepted of several parts, the newest times for those that take them in event time.
func (r *runner) noteTimes(ctx context.Context, tx *transaction, n *program.Node, b fresh, rows *duck.Query, hasRow bool) error {
	if !hasRow || !r.parted(n, b.input) {
		return nil
	}
	for m, newest := range r.inTime(n) {
		rel := duck.SQL(`(SELECT _rows.*, 0 AS {v}, _parts._meta."partition" || ' ' || _parts._meta.topic AS {part} FROM {rows} _rows
			JOIN (SELECT _meta, {id} AS _id FROM {raw}) _parts ON _parts._id = _rows._row)`, duck.Args{"rows": rows, "raw": b.input.Raw,
			"id": b.input.RowID, "part": duck.Ident(watermark.PartColumn), "v": duck.Ident(watermark.VersionColumn)})
		all, err := times(ctx, tx, newest, rel)
		if err != nil {
			return err
		}
		for i := range all {
			all[i].Source = b.input.Source
		}
		tx.times[edge{m, n}] = append(tx.times[edge{m, n}], all...)
	}
	return nil
}

// parted: a batch of a source that has several parts comes to a destination whose rows somebody takes in event time.
func (r *runner) parted(n *program.Node, in *kind.Input) bool {
	return in != nil && len(in.AtEnd) > 1 && ofSources(n) && len(r.inTime(n)) > 0
}

// inTime are those that take the rows of n in event time.
func (r *runner) inTime(n *program.Node) map[*program.Node]newest {
	out := map[*program.Node]newest{}
	for _, m := range r.Program.Nodes {
		if !m.Bound || len(m.Inputs) == 0 {
			continue
		}
		if u, ok := m.Obj.(watermark.User); ok && m.Inputs[0].Of == n {
			if _, on := u.InTime(); on {
				out[m] = u.Newest
			}
		}
		if j := m.Join(); m.InTime() {
			sides, _ := j.Clocks()
			for _, i := range sides {
				if j.Inputs()[i].Of == n {
					out[m] = func(rows *duck.Query) *duck.Query { return j.Newest(i, rows) }
				}
			}
		}
	}
	return out
}

// tellAhead tells, once a minute, of a time that doesn't move a watermark.
func (r *runner) tellAhead(tx *transaction, n *program.Node, x taken) {
	if r.aheads[n] == nil {
		r.aheads[n] = &kind.Reminder{}
	}
	if !r.aheads[n].Due(time.Now()) {
		return
	}
	of := x.Source
	if x.Topic != "" {
		of = fmt.Sprintf("%s[%d] of %s", x.Topic, x.Partition, of)
	}
	tx.tell(n.Obj.Decl().Errorf(code.AheadOfClock,
		"%s gave %s a time that is ahead of the clock: %s UTC; it is stored, and doesn't move the watermark",
		of, n.Name, time.UnixMicro(x.ahead).UTC().Format("2006-01-02 15:04:05")).
		WithHint("look at what writes it; WATERMARK (max_ahead '1 day') takes times that are further ahead"))
}

// lateAgain rejects those of the rejects in hand anew that were too late: what is closed stays so.
func (r *runner) lateAgain(ctx context.Context, tx *transaction) (int64, error) {
	return tx.Exec(ctx, duck.SQL(`INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT {now}, destination, source, rule, reason, meta, payload, data, {v}, original, exact FROM dsql.rejects
		WHERE id IN (SELECT _reject_id FROM {t}) AND {late} ORDER BY id`,
		duck.Args{"now": duck.Now, "v": tx.version, "t": duck.Ident(replayTable), "late": isLate}))
}

// isLate is a condition on rows of dsql.rejects: they came too late.
var isLate = duck.SQL("starts_with(reason, 'too_late:')")

// countLate adds rows that came too late to the account of a version.
func countLate(rows *event.DestinationRows, late int64) {
	rows.In += late
	rows.Rejected += late
}

// idleOrigin is what a version is called in which windows close that waited for parts which are idle.
const idleOrigin = "idle"

// closeIdle closes what only waits for parts that are idle by now, where somebody is to get it, and gives rows of joins that wait for no
// others: in a version of its own.
func (r *runner) closeIdle(ctx context.Context) error {
	closed := false
	for _, n := range r.Program.Sorted() {
		if n.Bound && n.InTime() {
			due, err := r.releases(ctx, n)
			if err != nil {
				return err
			}
			if due {
				err = r.attempt(ctx, work{active: append([]*program.Node{n}, r.totals(n)...), idle: true})
			}
			if closed = closed || due; err != nil {
				return err
			}
			continue
		}
		f, ok := n.Obj.(kind.Final)
		if !ok || !f.Final() || !n.Bound || len(n.Inputs) == 0 || r.behind(edge{n, n.Inputs[0].Of}) {
			continue
		}
		due := false
		err := r.Conn.Scratch(ctx, func(inner *duck.Tx) error {
			tx := &transaction{Tx: inner, progress: r.progress.clone()}
			t, err := r.timed(ctx, tx, n)
			if err != nil || len(t.clock.Marks) == 0 {
				return err
			}
			was := t.clock.UpTo
			err = r.before(ctx, tx, t, math.MaxInt64, time.Now())
			due = t.clock.UpTo > was
			return err
		})
		if err != nil {
			return err
		}
		if !due {
			continue
		}
		if err := r.newVersion(ctx, n, idleOrigin, false, func(tx *transaction, _ *event.DestinationRows) error {
			t, err := r.timed(ctx, tx, n)
			if err != nil {
				return err
			}
			if err := r.before(ctx, tx, t, math.MaxInt64, time.Now()); err != nil {
				return err
			}
			return t.clock.Save(ctx, tx.Tx, tx.version)
		}); err != nil {
			return err
		}
		closed = true
	}
	if !closed {
		return nil
	}
	return r.catchUp(ctx, r.picked(nil), nil) // what reads it, and sinks
}
