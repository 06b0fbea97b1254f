package journal

import (
	"context"

	"dsql/engine"
)

// A TRUNCATE says that the table has no row any more. It is kept in name__mem, and stands for a delete, at its sequence, of every key
// that has an event before it. Where that ends something it is an event of the key as any delete: of the keys that are there at that
// point when the TRUNCATE comes, and of those that a late event brings to that point afterwards. So the history is a function of the
// set of events here too. A key that has an event of its own at the very sequence of a TRUNCATE keeps to that event.

// truncate takes a batch of TRUNCATEs.
func (w *writer) truncate(ctx context.Context) error {
	late, err := w.staged(ctx)
	if err != nil {
		return err
	}
	if err := w.rejectTruncates(ctx); err != nil {
		return err
	}
	a := engine.Args{"seq": list("", w.seq), "same": pairs(" AND ", "b.{x} = h.{y}", w.seq, w.seq)}
	if err := w.make(ctx, "truncates", "SELECT DISTINCT {seq} FROM {batch} b ANTI JOIN (FROM {mem} WHERE _kind = 'T' AND _v_to = 0) h ON {same}", a); err != nil {
		return err
	}
	fresh, err := w.run(ctx, "INSERT INTO {mem} ({seq}, _kind, _v_from, _v_to) SELECT {seq}, 'T', {v}, 0 FROM {truncates}", a)
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
	bad, why := isNull("b", w.seq), w.whyNull("TRUNCATE, which ends all keys: ", " (it can be made of what the event has beside the row: source, ts_ms, _meta)", nil)
	out := func() error {
		rows := w.sql("(SELECT * FROM {batch} b WHERE {bad})", engine.Args{"bad": bad})
		if err := w.reject(ctx, rows, why); err != nil {
			return err
		}
		_, err := w.run(ctx, "DELETE FROM {batch} AS b WHERE {bad}", engine.Args{"bad": bad})
		return err
	}
	if err := out(); err != nil || w.j.lateness == nil {
		return err
	}
	if _, err := w.markLate(ctx); err != nil {
		return err
	}
	bad = w.sql("b._late AND NOT EXISTS (SELECT 1 FROM {mem} h WHERE h._kind = 'T' AND h._v_to = 0 AND {same})", engine.Args{"same": pairs(" AND ", "b.{x} = h.{y}", w.seq, w.seq)})
	why = w.tooLate("TRUNCATE, which ends all keys: ")
	return out()
}

// endAll deletes the keys that are there at a new TRUNCATE, and says whether there was one.
func (w *writer) endAll(ctx context.Context, late bool) (bool, error) {
	// A row of the state now shows its latest event alone, but values of older ones, which a delete in between ends.
	there := engine.SQL("({from} < {t} AND ({open} OR {to} > {t}))", engine.Args{"from": point("h", w.from), "to": point("h", w.to), "t": point("t", w.seq), "open": isNull("h", w.to[:1])})
	if w.SCD == 1 && len(w.Sparse) > 0 {
		there = engine.SQL("true")
	}
	text := "SELECT {keys}, {seq} FROM {rows} h JOIN {truncates} t ON {there} WHERE h._v_to = 0"
	a := engine.Args{"keys": list("h", w.keys), "seq": list("t", w.seq), "there": there, "rows": w.tables["now"]}
	keys := w.sql(text, a)
	if late {
		keys = engine.SQL("{keys} UNION {past}", engine.Args{"keys": keys, "past": w.sql(text, a, engine.Args{"rows": w.tables["past"]})})
	}
	if _, err := w.run(ctx, "DELETE FROM {batch}"); err != nil {
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
	n, err := w.tx.Int(ctx, w.sql("SELECT count(*) FROM {mem} WHERE _kind = 'T' AND _v_to = 0"))
	if err != nil || n == 0 {
		return err
	}
	a := engine.Args{"keys": list("b", w.keys), "bare": list("", w.keys), "t": point("t", w.seq), "b": point("b", w.seq), "parts": engine.Join(", ", w.parts(engine.SQL("_next"))...)}
	_, err = w.addEnds(ctx, w.sql(`SELECT {bare}, {parts} FROM (
		SELECT {keys}, min({t}) AS _next FROM {batch} b JOIN (FROM {mem} WHERE _kind = 'T' AND _v_to = 0) t ON {t} > {b} WHERE NOT b._del AND NOT b._late GROUP BY b.rowid, {keys})`, a), true, true)
	return err
}

// addEnds adds deletes to the batch: those of a query of keys and sequences, but where the key has an event of its own. Beside events
// they don't count as such.
func (w *writer) addEnds(ctx context.Context, ends *engine.Query, late, beside bool) (int64, error) {
	a := engine.Args{"ends": ends, "place": list("", w.keys, w.seq), "into": list("", w.keys, w.seq, []string{"_del", "_late", "_second", "_end"}, w.bits()), "all": w.saysNothing(), "own": engine.SQL(""), "beside": beside,
		"batch_at": w.at("x", w.seq, "b", w.seq), "row_at": w.at("x", w.seq, "h", w.from), "mem_at": w.at("x", w.seq, "m", w.seq)}
	if late {
		a["own"] = w.sql(`ANTI JOIN {batch} b ON {batch_at} ANTI JOIN {now} h ON h._v_to = 0 AND {row_at} ANTI JOIN {past} h ON h._v_to = 0 AND {row_at}
			ANTI JOIN {mem} m ON m._v_to = 0 AND m._kind IN ('N', 'E', 'D') AND {mem_at}`, a)
	}
	return w.run(ctx, "INSERT INTO {batch} ({into}) SELECT DISTINCT {place}, true, false, false, {beside} {all} FROM (SELECT * FROM ({ends}) e({place})) x {own}", a)
}

// saysNothing are the bits of a delete without an image.
func (w *writer) saysNothing() *engine.Query {
	nulls := map[string]int64{}
	for _, c := range w.cols {
		if word, bit := w.bit(c); w.ignored[c] {
			nulls[nulled(word)] |= bit
		}
	}
	var out []*engine.Query
	for range w.saids() {
		out = append(out, engine.Lit(-1))
	}
	for _, word := range w.nulls() {
		out = append(out, engine.Lit(nulls[word]))
	}
	return prefixed(engine.Join(", ", out...))
}
