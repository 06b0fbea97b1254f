package journal

import (
	"context"
	_ "embed"

	"dsql/engine/duck"
)

// A TRUNCATE says that the table has no row any more. It is kept in name__mem, and stands for a delete, at its sequence, of every key
// that has an event before it. Where that ends something it is an event of the key as any delete: of the keys that are there at that
// point when the TRUNCATE comes, and of those that a late event brings to that point afterwards. So the history is a function of the
// set of events here too. A key that has an event of its own at the very sequence of a TRUNCATE keeps to that event.

//go:embed truncate.sql
var truncateSQL string

var truncation = statements[struct {
	Truncates, Remember, Bare, TooLate, Bad, DropBad, DropAll, Ended, There, CountKnown, Overtaken, AddEnds, UnlessOwn statement
}](truncateSQL)

// truncate takes a batch of TRUNCATEs.
func (w *writer) truncate(ctx context.Context) error {
	late, err := w.staged(ctx)
	if err != nil {
		return err
	}
	if err := w.rejectTruncates(ctx); err != nil {
		return err
	}
	if err := w.make(ctx, &w.temp.Truncates, truncation.Truncates); err != nil {
		return err
	}
	fresh, err := w.run(ctx, truncation.Remember)
	if err != nil {
		return err
	}
	written := w.rows - w.n.Rejected
	w.n.Written, w.n.Unchanged = written, written
	if fresh == 0 {
		return nil
	}
	if err := w.advance(ctx); err != nil {
		return err
	}
	ended, err := w.endAll(ctx, late)
	if ended {
		w.n.Unchanged -= fresh
	}
	return err
}

// rejectTruncates rejects those without a sequence, and those that are too late and not known yet.
func (w *writer) rejectTruncates(ctx context.Context) error {
	bad := truncation.Bare
	why := w.whyNull("TRUNCATE, which ends all keys: ", " (it can be made of what the event has beside the row: source, ts_ms, _meta)", nil)
	out := func() error {
		a := duck.Args{"bad": w.sql(bad)}
		if err := w.reject(ctx, w.sql(truncation.Bad, a), why); err != nil {
			return err
		}
		_, err := w.run(ctx, truncation.DropBad, a)
		return err
	}
	if err := out(); err != nil || w.j.lateness == nil {
		return err
	}
	if _, err := w.markLate(ctx); err != nil {
		return err
	}
	bad = truncation.TooLate
	why = w.tooLate("TRUNCATE, which ends all keys: ")
	return out()
}

// endAll deletes the keys that are there at a new TRUNCATE, and says whether there was one.
func (w *writer) endAll(ctx context.Context, late bool) (bool, error) {
	// A row of the state now shows its latest event alone, but values of older ones, which a delete in between ends.
	there := w.sql(truncation.There)
	if w.SCD == 1 && len(w.Sparse) > 0 {
		there = duck.SQL("true")
	}
	in := func(table statement) *duck.Query {
		return w.sql(truncation.Ended, duck.Args{"there": there, "of": w.sql(table)})
	}
	keys := in("{now}")
	if late {
		keys = duck.SQL("{now} UNION {past}", duck.Args{"now": keys, "past": in("{past}")})
	}
	if _, err := w.run(ctx, truncation.DropAll); err != nil {
		return false, err
	}
	n, err := w.addEnds(ctx, keys, late, false)
	if err != nil || n == 0 {
		return false, err
	}
	w.rows = n
	if w.SCD == 1 {
		err = w.mergeStaged(ctx, late)
		return w.n.Removed+w.n.Changed > 0, err
	}
	n, err = w.feedStaged(ctx, late)
	return n > 0, err
}

// overtake adds to late events the delete that the next TRUNCATE behind each stands for.
func (w *writer) overtake(ctx context.Context) error {
	n, err := w.number(ctx, truncation.CountKnown)
	if err != nil || n == 0 {
		return err
	}
	_, err = w.addEnds(ctx, w.sql(truncation.Overtaken, duck.Args{"next": w.parts(duck.SQL("_next"))}), true, true)
	return err
}

// addEnds adds deletes to the batch: those of a query of keys and sequences, but where the key has an event of its own. Beside events
// they don't count as such.
func (w *writer) addEnds(ctx context.Context, ended *duck.Query, late, beside bool) (int64, error) {
	unless := duck.SQL("")
	if late {
		unless = w.sql(truncation.UnlessOwn)
	}
	return w.run(ctx, truncation.AddEnds, duck.Args{"ended": ended, "beside": beside, "unless_own": unless, "says_nothing": w.saysNothing()})
}

// saysNothing are the bits of a delete without an image.
func (w *writer) saysNothing() []*duck.Query {
	nulls := map[string]int64{}
	for _, c := range w.cols {
		if word, bit := w.bit(c); w.ignored[c] {
			nulls[nulled(word)] |= bit
		}
	}
	var out []*duck.Query
	for range w.saids() {
		out = append(out, duck.Lit(-1))
	}
	for _, word := range w.nulls() {
		out = append(out, duck.Lit(nulls[word]))
	}
	return out
}
