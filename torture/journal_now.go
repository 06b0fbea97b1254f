package torture

import "slices"

// A feed that is stored as SCD type 1: the image of each key's latest event, and its latest delete, so that what is older doesn't bring the
// key back. A conflict is found with these alone, or within a batch.

// feedNow takes events.
func (b *batch) feedNow(x *Dest, rows []Rec) {
	came := map[string][]event{}
	for _, r := range rows {
		e, ok := b.event(x, r)
		if !ok {
			continue
		}
		told := filter(x.stores, func(c string) bool { return !has(r.Absent, c) })
		there := func(o event) bool { return o.key == e.key && compareAll(o.seq, e.seq) == 0 }
		same := func(o event) bool { return there(o) && image(o.del, o.row, told) == image(e.del, e.row, told) }
		known := append(x.lastOf(e.key), came[e.key]...)
		switch {
		case slices.ContainsFunc(known, same) || slices.ContainsFunc(x.clashes, same):
			b.account.Written++ // a repeat
		case x.tooLate(e):
			b.reject(r, "", "too_late")
		case slices.ContainsFunc(known, there):
			x.clashes = append(x.clashes, e)
			b.reject(r, "", "sequence_conflict")
		default:
			came[e.key] = append(came[e.key], e)
			b.account.Written++
			x.accept(e)
		}
	}
	for key, events := range came {
		x.merge(key, events)
	}
}

// lastOf are the events of a key that are still known.
func (d *Dest) lastOf(key string) []event {
	var out []event
	for _, s := range d.hist[key] {
		out = append(out, event{key: key, seq: s.from, row: s.row})
	}
	if e, there := d.deletes[key]; there {
		out = append(out, e)
	}
	return out
}

// merge lets the latest of a key's events be what it is.
func (d *Dest) merge(key string, events []event) {
	slices.SortFunc(events, func(a, b event) int { return compareAll(a.seq, b.seq) })
	var row *span
	if h := d.hist[key]; len(h) > 0 {
		row = &h[0]
	}
	down, deleted := d.deletes[key]
	for _, e := range events {
		if e.del && (!deleted || compareAll(e.seq, down.seq) > 0) {
			down, deleted = e, true
		}
	}
	below := func(s *span) bool { return deleted && compareAll(s.from, down.seq) < 0 }
	if deleted {
		d.deletes[key] = down
	}
	for _, e := range slices.Backward(events) {
		if e.del {
			continue
		}
		if row == nil || compareAll(e.seq, row.from) > 0 {
			before := row
			if before != nil && below(before) {
				before = nil
			}
			row = &span{row: d.image(e.row, e.absent, before), from: e.seq}
		}
		break
	}
	if d.hist[key] = nil; row != nil && !below(row) {
		d.hist[key] = []span{*row}
	}
}
