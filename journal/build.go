package journal

import (
	"context"
	"fmt"
	"slices"

	"dsql/engine"
)

// line puts the events of the touched keys in order and finds where versions begin: _changed is true of an event that opens one
// or ends one, _group numbers the stretches between, _moved is true of one that gives an untracked column another value. What an
// event says nothing of is filled in from the one before it: _f0, _f1 …, by the column's place among the gaps.
func (w *writer) line(ctx context.Context, more *engine.Query) error {
	part := engine.SQL("PARTITION BY {keys} ORDER BY {seq}", engine.Args{"keys": list("", w.keys), "seq": list("", w.seq)})
	a := engine.Args{"part": part, "keys": list("", w.keys), "seq": list("", w.seq), "event": list("", w.event()), "more": more, "before": engine.SQL(""),
		"base": list("", w.keys, w.from), "values": prefixed(list("", w.cols)), "all": w.allSaid(), "names": list("", w.event(), []string{"_new"}),
		"tracked": w.shift(w.tracked), "untracked": w.shift(w.untracked)}
	if w.late > 0 {
		a["before"] = w.sql("UNION ALL SELECT {event}, false FROM {known} SEMI JOIN {touched} USING ({keys})", a)
	}
	a["events"] = w.sql("(SELECT * FROM (SELECT {base}, false {values} {all}, false FROM {old} WHERE NOT _is_late {before} {more}) x({names}))", a)
	if len(w.gaps()) > 0 {
		a["fill"] = engine.Join(", ", w.fills()...)
		a["events"] = engine.SQL("(SELECT *, {fill} FROM (SELECT *, count(*) FILTER (WHERE _del) OVER ({part}) AS _run FROM {events}) WINDOW w AS (PARTITION BY {keys}, _run ORDER BY {seq}))", a)
	}
	err := w.make(ctx, "line", `SELECT *, count(*) FILTER (WHERE _changed) OVER ({part}) AS _group FROM (
		SELECT *, NOT _del AND {untracked} AS _moved,
			CASE WHEN _del THEN coalesce(NOT lag(_del) OVER w, false) ELSE coalesce(lag(_del) OVER w, true) OR {tracked} END AS _changed
		FROM {events} WINDOW w AS ({part}))`, a)
	return err
}

// filled is a column's value after an event of the line.
func (w *writer) filled(c string) *engine.Query {
	if i := slices.Index(w.gaps(), c); i >= 0 {
		return engine.Ident(fmt.Sprintf("_f%d", i))
	}
	return engine.Ident(c)
}

// fills computes the values that events say nothing of, in a stretch without a delete. A value that is said may be NULL: a
// struct around it tells it from what isn't said.
func (w *writer) fills() []*engine.Query {
	gaps := w.gaps()
	out := make([]*engine.Query, len(gaps))
	for i, c := range gaps {
		word, bit := w.bit(c)
		a := engine.Args{"c": engine.Ident(c), "f": w.filled(c), "word": engine.Ident(said(word)), "bit": bit}
		if out[i] = engine.SQL("(last_value(CASE WHEN NOT _del AND {word} & {bit} <> 0 THEN struct_pack(v := {c}) END IGNORE NULLS) OVER w).v AS {f}", a); w.ignored[c] {
			out[i] = engine.SQL("last_value(CASE WHEN NOT _del THEN {c} END IGNORE NULLS) OVER w AS {f}", a)
		}
	}
	return out
}

// shift says that some column has another value than after the event before.
func (w *writer) shift(names []string) *engine.Query {
	if len(names) == 0 {
		return engine.SQL("false")
	}
	return engine.SQL("({any})", engine.Args{"any": engine.Each(" OR ", names, func(c string) *engine.Query {
		return engine.SQL("{c} IS DISTINCT FROM lag({c}) OVER w", engine.Args{"c": w.filled(c)})
	})})
}

// build computes the versions: each begins with an event that changed something and ends with the next such. It shows untracked
// columns as they are after its last event; _own says that the opening event's own image can still be read off it.
func (w *writer) build(ctx context.Context) error {
	raw := []*engine.Query{engine.SQL("true")}
	var values, last []*engine.Query
	names := map[string]bool{}
	for i, c := range w.untracked {
		l := engine.Args{"l": engine.Ident(fmt.Sprintf("_l%d", i)), "f": w.filled(c), "c": engine.Ident(c)}
		names[c] = true
		last = append(last, engine.SQL(", last_value({f}) OVER w AS {l}", l))
		values = append(values, engine.SQL("{l} AS {c}", l))
		if _, own := w.own[c]; own {
			continue
		}
		pure := engine.SQL("{l} IS NOT DISTINCT FROM {c}", l)
		if shown := w.shown("x", c); shown != nil {
			pure = engine.SQL("(NOT ({shown}) OR {pure})", engine.Args{"shown": shown, "pure": pure})
		}
		raw = append(raw, pure)
	}
	for _, c := range w.cols {
		if !names[c] {
			values = append(values, engine.SQL("{f} AS {c}", engine.Args{"f": w.filled(c), "c": engine.Ident(c)}))
		}
	}
	a := engine.Args{"keys": list("", w.keys), "seq": list("", w.seq), "place": list("", w.keys, w.seq), "marks": prefixed(list("", w.bits())), "raw": engine.Join(" AND ", raw...),
		"values": prefixed(engine.Join(", ", values...)), "line": w.tables["line"],
		"next": engine.Each(", ", w.seq, func(s string) *engine.Query {
			return engine.SQL("lead({s}) OVER (PARTITION BY {keys} ORDER BY {seq}) AS {t}", engine.Args{"s": engine.Ident(s), "t": engine.Ident("_t" + s[2:]), "keys": list("", w.keys), "seq": list("", w.seq)})
		})}
	if len(last) > 0 {
		a["last"] = engine.Cat(last...)
		a["line"] = w.sql("(SELECT * {last} FROM {line} WINDOW w AS (PARTITION BY {keys}, _group ORDER BY {seq} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))", a)
	}
	err := w.make(ctx, "built", `SELECT * FROM (
		SELECT {place}, _del {values} {marks}, {raw} AS _own, {next} FROM {line} x WHERE _changed) WHERE NOT _del`, a)
	return err
}

// replace compares the versions with the believed rows, and writes what differs:
//
//	add    a new version        keep   the row is one                close  the row ends now
//	kill   the row is none      swap   it is one with other columns, or with another end
func (w *writer) replace(ctx context.Context) error {
	ts := numbered("_t", len(w.seq))
	a := engine.Args{"place": list("w", w.keys, w.seq, ts, w.cols), "key": engine.Ident("w", w.keys[0]), "at": w.at("o", w.from, "w", w.seq), "end": engine.Ident("o", w.to[0]), "keys": list("", w.keys),
		"image": differ("o", "w", w.cols), "ends": pairs(" AND ", "o.{x} IS NOT DISTINCT FROM w.{y}", w.to, ts), "raw": engine.SQL("true"), "old": w.tables["old"],
		"marks": prefixed(each(", ", "CASE WHEN NOT o._is_late THEN o.{c} ELSE w.{c} END AS {c}", w.bits()))}
	if w.Raw {
		a["raw"] = engine.SQL("o._raw = 1")
	}
	if w.late > 0 {
		a["old"] = w.sql("(SELECT * FROM {old} SEMI JOIN {touched} USING ({keys}))", a)
	}
	if err := w.make(ctx, "change", `SELECT *, CASE WHEN _act IN ('keep', 'close') THEN _was_raw ELSE _own AND (_was_raw OR coalesce(_is_late, true)) END::TINYINT AS _raw FROM (
			SELECT o._rid, o._is_now, o._is_late, {place} {marks}, {raw} AS _was_raw, w._own,
				CASE WHEN o._rid IS NULL THEN 'add' WHEN {key} IS NULL THEN 'kill' WHEN {image} THEN 'swap' WHEN {ends} THEN 'keep' WHEN {end} IS NULL THEN 'close' ELSE 'swap' END AS _act
			FROM {old} o FULL JOIN {built} w ON {at})`, a); err != nil {
		return err
	}
	if err := w.countKeys(ctx); err != nil {
		return err
	}
	var vectors, kills, past, adds, closed int64
	if err := w.scan(ctx, w.sql(`SELECT count(DISTINCT _rid // 2048) FILTER (WHERE _is_now AND _act IN ('kill', 'swap', 'close')), count(*) FILTER (WHERE _is_now AND _act IN ('kill', 'swap')),
			count(*) FILTER (WHERE NOT _is_now AND _act IN ('kill', 'swap')), count(*) FILTER (WHERE _act IN ('add', 'swap') AND _t0 IS NULL), count(*) FILTER (WHERE _act IN ('add', 'swap') AND _t0 IS NOT NULL) FROM {change}`),
		&vectors, &kills, &past, &adds, &closed); err != nil {
		return err
	}
	if vectors > 0 {
		ends := w.sql("(SELECT _rid, {ts}, CASE WHEN _act = 'close' THEN 'close' ELSE 'kill' END AS _act FROM {change} WHERE _is_now AND _act IN ('kill', 'swap', 'close'))", engine.Args{"ts": list("", ts)})
		if err := w.end(ctx, ends, w.sql("(SELECT * FROM {old} WHERE _is_now)"), vectors, kills > 0); err != nil {
			return err
		}
	}
	a["into"], a["from"] = list("", w.keys, w.cols, w.from), list("", w.keys, w.cols, w.seq)
	a["to"], a["ts"], a["marks"] = list("", w.to), list("", ts), prefixed(list("", w.marks()))
	for _, x := range []struct {
		n    int64
		text string
	}{
		{past, "UPDATE {past} AS h SET _v_to = {v} FROM (SELECT _rid FROM {change} WHERE NOT _is_now AND _act IN ('kill', 'swap')) c WHERE h.rowid = c._rid"},
		{adds, "INSERT INTO {now} ({into}, _v_from, _v_close, _v_to {marks}) SELECT {from}, {v}, 0, 0 {marks} FROM {change} WHERE _act IN ('add', 'swap') AND _t0 IS NULL"},
		{closed, "INSERT INTO {past} ({into}, {to}, _v_from, _v_close, _v_to {marks}) SELECT {from}, {ts}, {v}, {v}, 0 {marks} FROM {change} WHERE _act IN ('add', 'swap') AND _t0 IS NOT NULL"},
	} {
		if x.n == 0 {
			continue
		}
		if _, err := w.run(ctx, x.text, a); err != nil {
			return err
		}
	}
	return nil
}

// countKeys counts the keys that came into the state, left it, or have other columns there now.
func (w *writer) countKeys(ctx context.Context) error {
	var added, changed, removed int64
	err := w.scan(ctx, w.sql(`SELECT count(*) FILTER (WHERE o._rid IS NULL), count(*) FILTER (WHERE n._act IS NULL), count(*) FILTER (WHERE o._rid IS NOT NULL AND n._act IS NOT NULL AND {differ})
		FROM (SELECT * FROM {old} SEMI JOIN {touched} USING ({keys}) WHERE {last}) o FULL JOIN (FROM {change} WHERE _act <> 'kill' AND _t0 IS NULL) n ON {on}`,
		engine.Args{"differ": differ("o", "n", w.cols), "keys": list("", w.keys), "last": engine.SQL("{to} IS NULL", engine.Args{"to": engine.Ident(w.to[0])}), "on": w.on("o", "n")}), &added, &removed, &changed)
	w.n.Added, w.n.Changed, w.n.Removed = w.n.Added+added, w.n.Changed+changed, w.n.Removed+removed
	return err
}

// recall brings name__mem in line with the folded keys: it remembers the events that opened nothing, deletes that have an image
// or ended nothing, and the openings of rows that show another image.
func (w *writer) recall(ctx context.Context) error {
	kind, image := "N", each(", ", "CASE WHEN _del THEN {c} END", w.cols)
	if w.moving() {
		kind, image = "E", list("", w.cols)
	}
	a := engine.Args{"place": list("", w.keys, w.seq), "kind": kind, "image": prefixed(image), "marks": prefixed(list("", w.bits())), "hasimage": w.hasImage("f"), "openings": engine.SQL(""),
		"names": list("", w.keys, w.seq, []string{"_kind"}, w.cols, w.bits())}
	if w.Raw {
		own := w.ownImage("o", w.from, "o", "CASE WHEN NOT d._is_late THEN {own} ELSE f.{c} END")
		a["openings"] = w.sql(`UNION ALL SELECT {place}, 'E' {own} {marks} FROM {change} d JOIN {line} f ON {at} LEFT JOIN {old} o ON o._rid = d._rid AND o._is_now = d._is_now
			WHERE d._raw = 0 AND d._act <> 'kill' AND (d._was_raw OR coalesce(d._is_late, true))`,
			engine.Args{"place": list("f", w.keys, w.seq), "own": prefixed(engine.Join(", ", own...)), "marks": prefixed(list("d", w.bits())), "at": w.at("f", w.seq, "d", w.seq)})
	}
	if err := w.make(ctx, "wanted", `SELECT * FROM (
		SELECT {place}, CASE WHEN _del THEN 'D' ELSE {kind} END {image} {marks} FROM {line} f WHERE NOT _changed OR _del AND {hasimage} {openings}) x({names})`, a); err != nil {
		return err
	}
	a = engine.Args{"into": w.memory(), "place": list("t", w.keys, w.seq), "image": prefixed(list("t", w.cols, w.bits())), "unless": engine.SQL(""), "same": engine.SQL("{at} AND r._kind = t._kind AND {marks}", engine.Args{"at": w.at("r", w.seq, "t", w.seq), "marks": same("r", "t", w.bits())}), "keys": list("", w.keys)}
	if w.late > 0 {
		a["unless"] = w.sql("ANTI JOIN {oldmem} r ON {same}", a)
	}
	if _, err := w.run(ctx, "INSERT INTO {mem} ({into}) SELECT {place}, t._kind, {v}, 0 {image} FROM {wanted} t {unless}", a); err != nil || w.late == 0 {
		return err
	}
	_, err := w.run(ctx, `UPDATE {mem} AS h SET _v_to = {v} FROM (
		SELECT r._rid FROM {oldmem} r SEMI JOIN {touched} USING ({keys}) ANTI JOIN {wanted} t ON {same} WHERE r._kind IN ('N', 'E', 'D')) x WHERE h.rowid = x._rid`, a)
	return err
}
