package journal

import (
	"context"

	"dsql/engine"
)

// The fast path: one event a key, later than all that is known of it. Each event has a role towards the key's open row:
//
//	V  opens a row          C  closes it                  D  deletes nothing
//	N  says nothing new     W  moves untracked columns    S  moves nothing but columns that repeat the sequence
//
// V and C close the open row; W and S replace it by one with the same valid_from. fast returns how many events changed something.
func (w *writer) fast(ctx context.Context, folded bool) (int64, error) {
	a := engine.Args{
		"rest": engine.SQL(""), "key": w.on("b", "o"), "seq": list("b", w.seq),
		"image": w.hasImage("b"), "moved": w.moved(w.tracked), "untracked": engine.SQL(""),
	}
	if folded {
		a["rest"] = w.sql("ANTI JOIN {folded} f ON {on}", engine.Args{"on": w.on("b", "f")})
	}
	if len(w.untracked) > 0 {
		var real []string
		for _, c := range w.untracked {
			if _, own := w.own[c]; !own {
				real = append(real, c)
			}
		}
		a["untracked"] = engine.SQL("WHEN {real} THEN 'W' WHEN {any} THEN 'S'", engine.Args{"real": w.moved(real), "any": w.moved(w.untracked)})
	}
	if err := w.make(ctx, "role", `SELECT b._b, o._rid, {seq}, b._del AND {image} AS _image,
			CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END WHEN o._rid IS NULL OR {moved} THEN 'V' {untracked} ELSE 'N' END AS _role
		FROM (SELECT *, rowid AS _b FROM {batch}) b {rest} LEFT JOIN {open} o ON {key}`, a); err != nil {
		return 0, err
	}
	var all, added, changed, removed, replaced, images, vectors int64
	if err := w.scan(ctx, w.sql(`SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL), count(*) FILTER (WHERE _role = 'C'),
			count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image), count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM {role}`),
		&all, &added, &changed, &removed, &replaced, &images, &vectors); err != nil || all == 0 {
		return 0, err
	}
	w.n.Added, w.n.Changed, w.n.Removed = w.n.Added+added, w.n.Changed+changed+replaced, w.n.Removed+removed
	effective := added + changed + replaced + removed
	if vectors > 0 {
		ends := w.sql("(SELECT _rid, {t}, CASE WHEN _role IN ('W', 'S') THEN 'kill' ELSE 'close' END AS _act FROM {role} WHERE _rid IS NOT NULL AND _role <> 'N')",
			engine.Args{"t": as("", w.seq, numbered("_t", len(w.seq)))})
		if err := w.end(ctx, ends, w.sql("{open}"), vectors, replaced > 0); err != nil {
			return 0, err
		}
	}
	if added+changed+replaced > 0 {
		if err := w.insert(ctx); err != nil {
			return 0, err
		}
	}
	if all == added+changed+removed && images == 0 {
		return effective, nil
	}
	return effective, w.remember(ctx, replaced > 0, images > 0)
}

// value is a column after the event b came to the open row o.
func (w *writer) value(c string) *engine.Query {
	switch {
	case w.absent[c]:
		return engine.Ident("o", c)
	case w.ignored[c]:
		return engine.SQL("coalesce(b.{c}, o.{c})", engine.Args{"c": engine.Ident(c)})
	}
	return engine.Ident("b", c)
}

// moved says that the event b gives one of the columns another value than the open row o has.
func (w *writer) moved(names []string) *engine.Query {
	var any []*engine.Query
	for _, c := range names {
		a := engine.Args{"c": engine.Ident(c)}
		switch {
		case w.absent[c]:
		case w.ignored[c]:
			any = append(any, engine.SQL("b.{c} IS NOT NULL AND b.{c} IS DISTINCT FROM o.{c}", a))
		default:
			any = append(any, engine.SQL("b.{c} IS DISTINCT FROM o.{c}", a))
		}
	}
	if len(any) == 0 {
		return engine.SQL("false")
	}
	return engine.SQL("({any})", engine.Args{"any": engine.Join(" OR ", any...)})
}

// hasImage says that an event has a value in some column.
func (w *writer) hasImage(alias string) *engine.Query {
	if len(w.cols) == 0 {
		return engine.SQL("false")
	}
	return engine.SQL("({any})", engine.Args{"any": each(" OR ", alias+".{c} IS NOT NULL", w.cols)})
}

// insert adds the rows that the events open, and those that take the place of an open row.
func (w *writer) insert(ctx context.Context) error {
	a := engine.Args{"into": list("", w.keys, w.cols, w.from, []string{"_v_from", "_v_close", "_v_to"}, w.marks()), "keys": list("b", w.keys), "join": engine.SQL("")}
	values := []*engine.Query{a["keys"].(*engine.Query)}
	for _, c := range w.cols {
		values = append(values, w.value(c))
	}
	needOpen := len(w.untracked)+len(w.marks()) > 0
	if needOpen {
		a["join"] = w.sql("LEFT JOIN {open} o ON o._rid = x._rid")
		values = append(values, pairs(", ", "CASE WHEN x._role = 'V' THEN b.{x} ELSE o.{y} END", w.seq, w.from))
	} else {
		values = append(values, list("b", w.seq))
	}
	values = append(values, w.sql("{v}, 0, 0"))
	for _, s := range w.bits() {
		values = append(values, engine.SQL("CASE WHEN x._role = 'V' THEN b.{s} ELSE o.{s} END", engine.Args{"s": engine.Ident(s)}))
	}
	if w.Raw {
		values = append(values, engine.SQL("CASE x._role WHEN 'V' THEN 1 WHEN 'S' THEN o._raw ELSE 0 END"))
	}
	a["values"] = engine.Join(", ", values...)
	_, err := w.run(ctx, "INSERT INTO {now} ({into}) SELECT {values} FROM {batch} b JOIN {role} x ON b.rowid = x._b {join} WHERE x._role IN ('V', 'W', 'S')", a)
	return err
}

// remember keeps the events that the rows don't tell.
func (w *writer) remember(ctx context.Context, replaced, images bool) error {
	a := engine.Args{"into": w.memory(), "place": list("b", w.keys, w.seq), "kind": "N", "bits": prefixed(list("b", w.bits())), "image": prefixed(each(", ", "CASE WHEN b._del THEN b.{c} END", w.cols))}
	switch {
	case w.moving():
		a["kind"], a["image"] = "E", prefixed(list("b", w.cols))
	case !images:
		a["image"] = prefixed(each(", ", "NULL", w.cols))
	}
	if _, err := w.run(ctx, `INSERT INTO {mem} ({into}) SELECT {place}, CASE WHEN b._del THEN 'D' ELSE {kind} END, {v}, 0 {image} {bits}
		FROM {batch} b JOIN {role} x ON b.rowid = x._b WHERE x._role NOT IN ('V', 'C') OR x._image`, a); err != nil || !replaced || !w.Raw {
		return err
	}
	// The row doesn't show the image of its opening event any more.
	a["place"], a["bits"] = list("o", w.keys, w.from), prefixed(list("o", w.bits()))
	a["image"] = prefixed(engine.Join(", ", w.ownImage("o", w.from, "o", "{own}")...))
	_, err := w.run(ctx, `INSERT INTO {mem} ({into}) SELECT {place}, 'E', {v}, 0 {image} {bits}
		FROM {open} o JOIN {role} x ON x._rid = o._rid WHERE x._role = 'W' AND o._raw = 1`, a)
	return err
}

// memory are the columns of name__mem in the order in which all inserts have them.
func (l *layout) memory() *engine.Query {
	return list("", l.keys, l.seq, []string{"_kind", "_v_from", "_v_to"}, l.cols, l.bits())
}

// prefixed is a list, perhaps empty, that goes on another.
func prefixed(q *engine.Query) *engine.Query {
	if q.String() == "" {
		return q
	}
	return engine.SQL(", {q}", engine.Args{"q": q})
}

// ownImage gives the columns as the event itself had them, read off a row that shows it: what the event says nothing of is NULL,
// and what repeats the sequence is the event's own. event is the relation that has the event's sequence and marks.
func (l *layout) ownImage(event string, seq []string, row, text string) []*engine.Query {
	out := make([]*engine.Query, len(l.cols))
	for i, c := range l.cols {
		own := engine.Ident(row, c)
		if n, ok := l.own[c]; ok {
			own = engine.Ident(event, seq[n])
		} else if shown := l.shown(event, c); shown != nil {
			own = engine.SQL("CASE WHEN {shown} THEN {c} END", engine.Args{"shown": shown, "c": own})
		}
		out[i] = engine.SQL(text, engine.Args{"c": engine.Ident(c), "own": own})
	}
	return out
}
