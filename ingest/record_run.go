package ingest

import (
	"cmp"
	"slices"
	"strings"

	"dsql/engine/duck"
)

// run is what a batch holds of one partition: offsets from first up to next, which isn't in it.
type run struct {
	topic       string
	partition   int32
	first, next int64
}

// stretch notes that a record is in the batch.
func (b *Buffer) stretch(rec *Record) {
	for i := len(b.runs) - 1; i >= 0; i-- { // nearly always the last
		if r := b.runs[i]; r.partition == rec.Partition && r.topic == rec.Topic {
			if i != len(b.runs)-1 {
				b.runs[i], b.runs[len(b.runs)-1] = b.runs[len(b.runs)-1], r
			}
			r.next = rec.Offset + 1
			return
		}
	}
	b.runs = append(b.runs, &run{rec.Topic, rec.Partition, rec.Offset, rec.Offset + 1})
}

// recordID tells a batch's records apart and orders them by topic, partition and offset. (Offsets of a partition span less than
// 2^40 in a batch.)
func recordID(runs []*run) *duck.Query {
	ordered := slices.Clone(runs)
	slices.SortFunc(ordered, func(a, b *run) int {
		return cmp.Or(strings.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	if len(ordered) == 0 {
		return duck.SQL(`_meta."offset"`)
	}
	several := ordered[0].topic != ordered[len(ordered)-1].topic
	i := int64(-1)
	return duck.SQL(`(_meta."offset" + CASE {cases} END)`, duck.Args{"cases": duck.Each(" ", ordered, func(r *run) *duck.Query {
		i++
		a := duck.Args{"t": r.topic, "p": int64(r.partition), "n": i<<40 - r.first}
		if several {
			return duck.SQL(`WHEN _meta."partition" = {p} AND _meta.topic = {t} THEN {n}`, a)
		}
		return duck.SQL(`WHEN _meta."partition" = {p} THEN {n}`, a)
	})})
}
