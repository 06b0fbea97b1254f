package batch

import (
	"cmp"
	"slices"
	"strings"

	"dsql/engine/duck"
)

// stretch notes that a record is in the batch.
func (b *Buffer) stretch(rec *Record) {
	for i := len(b.Runs) - 1; i >= 0; i-- { // nearly always the last
		if r := b.Runs[i]; r.Partition == rec.Partition && r.Topic == rec.Topic {
			if i != len(b.Runs)-1 {
				b.Runs[i], b.Runs[len(b.Runs)-1] = b.Runs[len(b.Runs)-1], r
			}
			r.Next = rec.Offset + 1
			return
		}
	}
	b.Runs = append(b.Runs, &Run{rec.Topic, rec.Partition, rec.Offset, rec.Offset + 1})
}

// RecordID tells a batch's records apart and orders them by topic, partition and offset. (Offsets of a partition span less than
// 2^40 in a batch.)
func RecordID(runs []*Run) *duck.Query {
	ordered := slices.Clone(runs)
	slices.SortFunc(ordered, func(a, b *Run) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	if len(ordered) == 0 {
		return duck.SQL(`_meta."offset"`)
	}
	several := ordered[0].Topic != ordered[len(ordered)-1].Topic
	i := int64(-1)
	return duck.SQL(`(_meta."offset" + CASE {cases} END)`, duck.Args{"cases": duck.Each(" ", ordered, func(r *Run) *duck.Query {
		i++
		a := duck.Args{"t": r.Topic, "p": int64(r.Partition), "n": i<<40 - r.First}
		if several {
			return duck.SQL(`WHEN _meta."partition" = {p} AND _meta.topic = {t} THEN {n}`, a)
		}
		return duck.SQL(`WHEN _meta."partition" = {p} THEN {n}`, a)
	})})
}
