package journal

import (
	"context"
	_ "embed"

	"dsql/engine/duck"
)

//go:embed fast.sql
var fastSQL string

var fast = statements[struct {
	Role, Unfolded, Count, Ends, Insert, InsertMarked, Raw, Remember, RememberOpenings statement
}](fastSQL)

// The fast path: one event a key, later than all that is known of it. Each event has a role towards the key's open row:
//
//	V  opens a row          C  closes it                  D  deletes nothing
//	N  says nothing new     W  moves untracked columns    S  moves nothing but columns that repeat the sequence
//
// V and C close the open row; W and S replace it by one with the same valid_from. fast returns how many events changed something.
func (w *writer) fast(ctx context.Context, folded bool) (int64, error) {
	unfolded := duck.SQL("")
	if folded {
		unfolded = w.sql(fast.Unfolded)
	}
	if err := w.make(ctx, &w.temp.Role, fast.Role, duck.Args{"unfolded": unfolded}); err != nil {
		return 0, err
	}
	var all, added, changed, removed, replaced, images, vectors int64
	if err := w.scan(ctx, fast.Count, nil, &all, &added, &changed, &removed, &replaced, &images, &vectors); err != nil || all == 0 {
		return 0, err
	}
	w.n.Added, w.n.Changed, w.n.Removed = w.n.Added+added, w.n.Changed+changed+replaced, w.n.Removed+removed
	effective := added + changed + replaced + removed
	if vectors > 0 {
		if err := w.end(ctx, w.sql(fast.Ends), w.sql("{open}"), vectors, replaced > 0); err != nil {
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

// unversioned are the roles of events that change untracked columns alone.
func (w *writer) unversioned() *duck.Query {
	if len(w.untracked) == 0 {
		return duck.SQL("")
	}
	var moving []string
	for _, c := range w.untracked {
		if _, own := w.own[c]; !own {
			moving = append(moving, c)
		}
	}
	return duck.SQL("WHEN {moving} THEN 'W' WHEN {any} THEN 'S'", duck.Args{"moving": w.moved(moving), "any": w.moved(w.untracked)})
}

// value is a column after the event b came to the open row o.
func (w *writer) value(c string) *duck.Query {
	switch {
	case w.absent[c]:
		return duck.Ident("o", c)
	case w.ignored[c]:
		return ofColumn("coalesce(b.{c}, o.{c})", c)
	}
	return duck.Ident("b", c)
}

// moved says that the event b gives one of the columns another value than the open row o has.
func (w *writer) moved(names []string) *duck.Query {
	var any []*duck.Query
	for _, c := range names {
		a := duck.Args{"c": duck.Ident(c)}
		switch {
		case w.absent[c]:
		case w.ignored[c]:
			any = append(any, duck.SQL("b.{c} IS NOT NULL AND b.{c} IS DISTINCT FROM o.{c}", a))
		default:
			any = append(any, duck.SQL("b.{c} IS DISTINCT FROM o.{c}", a))
		}
	}
	if len(any) == 0 {
		return duck.SQL("false")
	}
	return duck.SQL("({any})", duck.Args{"any": duck.Join(" OR ", any...)})
}

// insert adds the rows that the events open, and those that take the place of an open row.
func (w *writer) insert(ctx context.Context) error {
	text := fast.Insert
	if len(w.untracked)+len(w.marks()) > 0 {
		text = fast.InsertMarked
	}
	_, err := w.run(ctx, text)
	return err
}

// remember keeps the events that the rows don't tell.
func (w *writer) remember(ctx context.Context, replaced, images bool) error {
	a := duck.Args{"kind": "N", "image": each(w.cols, func(c string) *duck.Query {
		return ofColumn("CASE WHEN b._del THEN b.{c} END", c)
	})}
	switch {
	case w.moving():
		a["kind"], a["image"] = "E", each(w.cols, func(c string) *duck.Query { return ofColumn("b.{c}", c) })
	case !images:
		a["image"] = each(w.cols, func(string) *duck.Query { return duck.SQL("NULL") })
	}
	if _, err := w.run(ctx, fast.Remember, a); err != nil || !replaced || !w.Raw {
		return err
	}
	_, err := w.run(ctx, fast.RememberOpenings)
	return err
}

// ownImage gives the columns as the event itself had them, read off a row that shows it: what the event says nothing of is NULL,
// and what repeats the sequence is the event's own. event is the relation that has the event's sequence and marks.
func (l *layout) ownImage(event string, seq []string, row string) []*duck.Query {
	return each(l.cols, func(c string) *duck.Query {
		own := ofColumn(row+".{c}", c)
		if n, ok := l.own[c]; ok {
			return ofColumn(event+".{c}", seq[n])
		} else if shown := l.shown(event, c); shown != nil {
			return duck.SQL("CASE WHEN {shown} THEN {c} END", duck.Args{"shown": shown, "c": own})
		}
		return own
	})
}
