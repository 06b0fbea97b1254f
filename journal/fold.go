package journal

import (
	"context"

	"dsql/engine"
)

// Keys with several events in the batch, or with late ones, are folded: what is known of the key and the new events are put in
// one line by sequence, the versions are computed from that, and the difference from the believed rows is written.
//
// Of a late key all is read: its believed rows and what is remembered. Of a key whose events are all in order the open row is
// read alone. It stands for the whole past.

// fold returns how many new events changed something.
func (w *writer) fold(ctx context.Context) (int64, error) {
	if err := w.gather(ctx); err != nil {
		return 0, err
	}
	if err := w.make(ctx, "new", "SELECT *, b.rowid AS _b FROM {batch} b SEMI JOIN {folded} USING ({keys})", engine.Args{"keys": list("", w.keys)}); err != nil {
		return 0, err
	}
	if err := w.judge(ctx, same("n", "k", append([]string{"_del"}, w.cols...))); err != nil {
		return 0, err
	}
	w.tables["touched"] = w.tables["folded"]
	if w.late > 0 {
		// A late key that nothing new came to drops out.
		if err := w.make(ctx, "touched", "SELECT DISTINCT {keys} FROM {new}", engine.Args{"keys": list("", w.keys)}); err != nil {
			return 0, err
		}
	}
	return w.refold(ctx, w.sql("UNION ALL SELECT {event}, NOT _end FROM {new}", engine.Args{"event": list("", w.event())}))
}

// refold computes the versions of the touched keys anew and writes the difference. more is what comes to the known events.
func (w *writer) refold(ctx context.Context, more *engine.Query) (int64, error) {
	if err := w.line(ctx, more); err != nil {
		return 0, err
	}
	if err := w.build(ctx); err != nil {
		return 0, err
	}
	if err := w.replace(ctx); err != nil {
		return 0, err
	}
	if err := w.recall(ctx); err != nil {
		return 0, err
	}
	return w.tx.Int(ctx, w.sql("SELECT count(*) FILTER (WHERE _new AND (_changed OR _moved)) FROM {line}"))
}

// gather reads what is known of the keys to fold: their believed rows (old), what is remembered (oldmem), and of late keys the
// events that these tell (known).
func (w *writer) gather(ctx context.Context) error {
	row := engine.Args{"row": list("h", w.row(), []string{"_v_from", "_v_close"}), "on": w.on("h", "k")}
	late := w.sql("(FROM {folded} WHERE _is_late)")
	var rows []*engine.Query
	if w.late > 0 {
		rows = append(rows, engine.SQL("SELECT true AS _is_now, true AS _is_late, h.rowid AS _rid, {row} FROM {found}", row, engine.Args{"found": w.lookup("now", late, "h._v_to = 0")}),
			engine.SQL("SELECT false, true, h.rowid, {row} FROM {found}", row, engine.Args{"found": w.lookup("past", late, "h._v_to = 0")}))
	}
	if w.tables["open"] != nil {
		rows = append(rows, w.sql("SELECT true AS _is_now, false AS _is_late, h._rid, {row} FROM {open} h JOIN (FROM {folded} WHERE NOT _is_late) k ON {on}", row))
	}
	if err := w.make(ctx, "old", "{rows}", engine.Args{"rows": engine.Join(" UNION ALL ", rows...)}); err != nil || w.late == 0 {
		return err
	}
	if err := w.make(ctx, "oldmem", "SELECT h.rowid AS _rid, {event} FROM {found}", engine.Args{
		"event": list("h", w.keys, w.seq, []string{"_kind"}, w.cols, w.bits()), "found": w.lookup("mem", late, "h._v_to = 0")}); err != nil {
		return err
	}
	return w.knownEvents(ctx)
}

// knownEvents are the accepted events of late keys, with the images that they came with.
func (w *writer) knownEvents(ctx context.Context) error {
	a := engine.Args{
		"opening": list("h", w.keys, w.from), "raw": engine.SQL(""), "own": prefixed(engine.Join(", ", w.ownImage("h", w.from, "h", "{own} AS {c}")...)), "marks": prefixed(list("h", w.bits())),
		"ending": list("h", w.keys, w.to), "nothing": prefixed(engine.Each(", ", w.Columns, nullColumn)), "all": w.allSaid(), "ends": isNull("h", w.to[:1]),
		"next": w.at("h", w.to, "n", w.from), "deleted": w.at("h", w.to, "d", w.seq),
		"place": list("r", w.keys, w.seq), "values": prefixed(list("r", w.cols)), "rmarks": prefixed(list("r", w.bits())),
		"inside": w.on("r", "h"), "shown": prefixed(engine.Join(", ", w.ownImage("r", w.seq, "h", "{own}")...)),
		"s": point("r", w.seq), "from": point("h", w.from), "to": point("h", w.to),
		"columns": list("", w.keys, w.seq, []string{"_del"}, w.cols), "normal": w.normalBits(), "names": list("", w.event()),
	}
	if w.Raw {
		a["raw"] = engine.SQL("AND h._raw = 1")
	}
	err := w.make(ctx, "known", `SELECT {columns} {normal} FROM (
			SELECT {opening}, false {own} {marks} FROM {old} h WHERE h._is_late {raw}
			UNION ALL SELECT {ending}, true {nothing} {all} FROM {old} h ANTI JOIN {old} n ON {next} ANTI JOIN (FROM {oldmem} WHERE _kind = 'D') d ON {deleted} WHERE h._is_late AND NOT ({ends})
			UNION ALL SELECT {place}, _kind = 'D' {values} {rmarks} FROM {oldmem} r WHERE _kind IN ('D', 'E')
			UNION ALL SELECT {place}, false {shown} {rmarks} FROM (FROM {oldmem} WHERE _kind = 'N') r JOIN {old} h ON {inside} AND {s} >= {from} AND ({ends} OR {s} < {to})
		) x({names})`, a)
	return err
}

// normalBits are the bits of known events, as they would be had the events come under the IGNORE NULL UPDATES of now: rows may show
// other values for their NULLs.
func (w *writer) normalBits() *engine.Query {
	set := map[string][]*engine.Query{}
	for _, c := range w.cols {
		if word, bit := w.bit(c); w.ignored[c] {
			set[nulled(word)] = append(set[nulled(word)], engine.SQL(" | CASE WHEN {c} IS NULL THEN {bit}::BIGINT ELSE 0 END", engine.Args{"c": engine.Ident(c), "bit": bit}))
		}
	}
	return prefixed(engine.Each(", ", w.bits(), func(word string) *engine.Query {
		return engine.SQL("{word} {set} AS {word}", engine.Args{"set": engine.Cat(set[word]...), "word": engine.Ident(word)})
	}))
}

// judge leaves those of the new events that are news. A repeat of an event that was accepted, or rejected as a conflict, is
// ignored; one that is too late or in conflict with an event that came before it is rejected. repeats compares a new event n
// with a known one k.
func (w *writer) judge(ctx context.Context, repeats *engine.Query) error {
	if w.late > 0 {
		a := engine.Args{"same": w.at("n", w.seq, "k", w.seq), "image": repeats, "rsame": w.at("n", w.seq, "r", w.seq), "rimage": same("n", "r", w.cols)}
		for _, text := range []string{
			"DELETE FROM {new} AS n USING {known} k WHERE {same} AND {image}",
			"DELETE FROM {new} AS n USING {oldmem} r WHERE r._kind = CASE WHEN n._del THEN 'RD' ELSE 'RE' END AND {rsame} AND {rimage}",
		} {
			if _, err := w.run(ctx, text, a); err != nil {
				return err
			}
		}
	}
	if w.j.lateness != nil && w.late > 0 {
		if err := w.reject(ctx, w.sql("(SELECT * FROM {new} WHERE _late)"), w.tooLate("")); err != nil {
			return err
		}
		if _, err := w.run(ctx, "DELETE FROM {new} WHERE _late"); err != nil {
			return err
		}
	}
	return w.conflicts(ctx)
}

// tooLate is the reason of rows that are too late.
func (w *writer) tooLate(what string) *engine.Query {
	return engine.SQL("{too_late} || _r._s0 || ' is older by more than ' || {l} || ' than the newest event before it'",
		engine.Args{"too_late": "too_late: " + what, "l": w.j.lateness.Of(w.j.decl.Src)})
}

// conflicts rejects new events at the key and sequence of another one, and remembers them.
func (w *writer) conflicts(ctx context.Context) error {
	if w.late == 0 && w.seconds == 0 {
		return nil
	}
	a := engine.Args{"place": list("", w.keys, w.seq), "before": engine.SQL(""), "into": w.memory(), "image": prefixed(list("", w.cols, w.bits()))}
	if w.late > 0 {
		a["before"] = w.sql("OR EXISTS (SELECT 1 FROM {known} k WHERE {same})", engine.Args{"same": w.at("n", w.seq, "k", w.seq)})
	}
	if err := w.make(ctx, "conflict", "SELECT * FROM {new} n WHERE n._second {before}", a); err != nil {
		return err
	}
	n, err := w.tx.Int(ctx, w.sql("SELECT count(*) FROM {conflict}"))
	if err != nil || n == 0 {
		return err
	}
	why := engine.SQL("'sequence_conflict: its key has an event with other values at ' || {s}", engine.Args{"s": each(" || ', ' || ", "_r.{c}::VARCHAR", w.seq)})
	if err := w.reject(ctx, w.sql("{conflict}"), why); err != nil {
		return err
	}
	if _, err := w.run(ctx, "INSERT INTO {mem} ({into}) SELECT {place}, CASE WHEN _del THEN 'RD' ELSE 'RE' END, {v}, 0 {image} FROM {conflict}", a); err != nil {
		return err
	}
	_, err = w.run(ctx, "DELETE FROM {new} WHERE _b IN (SELECT _b FROM {conflict})")
	return err
}
