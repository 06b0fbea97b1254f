package torture

import (
	"slices"
)

// A journal: of a feed of events, or of loads that each are the whole table.

// key is the key of a row, and whether a part of it is NULL.
func (d *Dest) key(r Row) (string, bool) {
	return r.line(d.decl.Keys), slices.ContainsFunc(d.decl.Keys, func(k string) bool { return r[k] == nil })
}

// image is what an event or a row of a load says, as a text that is the same for equal ones. A column that its file lacks counts as NULL
// here: the contract doesn't say whether such an event repeats one with NULL.
func image(del bool, r Row, cols []string) string {
	return either(del, "delete ", "") + r.line(cols)
}

// feed takes events. The history of a key is a function of the set of its events.
func (b *batch) feed(x *Dest, rows []Rec) {
	cols := x.stores
	came, early := map[string][]event{}, map[string]bool{}
	for _, r := range rows {
		e, ok := b.event(x, r)
		if !ok {
			continue
		}
		key := e.key
		i, there := slices.BinarySearchFunc(x.events[key], e, func(a, b event) int { return compareAll(a.seq, b.seq) })
		same := func(o event) bool {
			return o.key == key && compareAll(o.seq, e.seq) == 0 && image(o.del, o.row, cols) == image(e.del, e.row, cols)
		}
		switch {
		case there && same(x.events[key][i]) || slices.ContainsFunc(x.clashes, same):
			b.account.Written++ // a repeat
			continue
		case x.tooLate(e):
			b.reject(r, "", "too_late")
			continue
		case there:
			x.clashes = append(x.clashes, e)
			b.reject(r, "", "sequence_conflict")
			continue
		}
		early[key] = early[key] || i < len(x.events[key])
		x.events[key] = slices.Insert(x.events[key], i, e)
		came[key] = append(came[key], e)
		b.account.Written++
		x.accept(e)
	}
	for key, events := range came {
		if early[key] || x.hist[key] == nil {
			x.hist[key], events = nil, x.events[key]
		}
		slices.SortFunc(events, func(a, b event) int { return compareAll(a.seq, b.seq) })
		for _, e := range events {
			x.step(e, cols)
		}
	}
}

// event is what a row says; one without a key or a sequence is rejected.
func (b *batch) event(x *Dest, r Rec) (event, bool) {
	d := x.decl
	key, isNull := x.key(r.Row)
	e := event{key: key, row: r.Row, absent: r.Absent,
		del: d.Delete && (r.Row["op"] == "d" || r.Row[tombColumn] == true && d.Seq[0] == offsetColumn)}
	for _, s := range d.Seq {
		e.seq = append(e.seq, r.Row[s])
	}
	switch {
	case isNull:
		b.reject(r, "", "null_key")
		return e, false
	case slices.Contains(e.seq, Value(nil)):
		b.reject(r, "", "null_sequence")
		return e, false
	}
	return e, true
}

// tooLate: it is older than LATENESS lets it be.
func (d *Dest) tooLate(e event) bool {
	return d.decl.Late > 0 && d.newest != nil && compare(e.seq[0], earlier(d.newest[0], d.decl.Late)) < 0
}

// accept takes an event as one that may be the newest.
func (d *Dest) accept(e event) {
	if d.newest == nil || compare(e.seq[0], d.newest[0]) > 0 {
		d.newest = e.seq[:1]
	}
}

// step puts an event at the end of its key's history.
func (d *Dest) step(e event, cols []string) {
	h := d.hist[e.key]
	open := len(h) > 0 && h[len(h)-1].to == nil
	if e.del {
		if open {
			h[len(h)-1].to = e.seq
		}
		return
	}
	var last *span
	if open {
		last = &h[len(h)-1]
	}
	row := d.image(e.row, e.absent, last)
	if open {
		if tracked := d.tracked(cols); last.row.line(tracked) == row.line(tracked) {
			last.row = row
			return
		}
		if last.to = e.seq; d.decl.Now {
			h = nil
		}
	}
	d.hist[e.key] = append(h, span{row: row, from: e.seq})
}

// image is the row that an event makes of what stood before it.
func (d *Dest) image(r Row, absent []string, before *span) Row {
	out := Row{}
	for _, k := range d.decl.Keys {
		out[k] = r[k]
	}
	for _, c := range d.cols {
		v, there := r[c]
		ignored := v == nil && (has(d.decl.IgnoreNull, "*") || has(d.decl.IgnoreNull, c))
		if !there || has(absent, c) || ignored {
			if v = nil; before != nil {
				v = before.row[c]
			}
		}
		out[c] = v
	}
	return out
}

// take takes a load.
func (b *batch) take(x *Dest, rows []Rec) error {
	d, cols := x.decl, x.stores
	if x.load != nil && compare(b.day, x.load) <= 0 {
		for _, r := range rows {
			b.reject(r, "", "too_late")
		}
		return nil
	}
	groups, keys := map[string][]Rec{}, []string{}
	for _, r := range rows {
		key, isNull := x.key(r.Row)
		if isNull {
			b.reject(r, "", "null_key")
			continue
		}
		if groups[key] == nil {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], r)
	}
	open := x.open()
	var gone []string
	for k := range open {
		if groups[k] == nil && !d.Keep {
			gone = append(gone, k)
		}
	}
	if b.way != released && !b.decided() && len(gone) > 0 && d.guard() <= 100 && len(gone)*100 >= d.guard()*len(open) {
		return b.guarded()
	}
	at := []Value{b.day}
	for _, k := range gone {
		h := x.hist[k]
		if h[len(h)-1].to = at; d.Now {
			delete(x.hist, k)
		}
	}
	for _, k := range keys {
		g := groups[k]
		if slices.ContainsFunc(g, func(r Rec) bool { return image(false, r.Row, cols) != image(false, g[0].Row, cols) }) {
			for _, r := range g {
				b.reject(r, "", "duplicate_key")
			}
			continue
		}
		b.account.Written += len(g)
		x.step(event{key: k, seq: at, row: g[0].Row, absent: g[0].Absent}, cols)
	}
	x.load = b.day
	return nil
}

func (d *Decl) guard() int { return either(d.Guard == 0, 50, d.Guard) }
