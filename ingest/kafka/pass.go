package kafka

import (
	"slices"
	"unicode/utf8"

	"dsql/engine/kind"
	"dsql/ingest/batch"
)

// passing are the conditions on headers of destinations: a record passes that meets all of one of them. nil: all records pass.
func passing(destinations []string, headers map[string][]kind.HeaderTest) (out [][]kind.HeaderTest) {
	for _, d := range destinations {
		if len(headers[d]) == 0 {
			return nil
		}
		out = append(out, headers[d])
	}
	return out
}

// passes says whether some destination may have a row of a record. It isn't decoded for that.
func passes(rec *batch.Record, of [][]kind.HeaderTest) bool {
	return of == nil || slices.ContainsFunc(of, func(all []kind.HeaderTest) bool {
		return !slices.ContainsFunc(all, func(t kind.HeaderTest) bool {
			v := rec.Header(t.Name)
			return v == nil || !utf8.Valid(v) || !slices.Contains(t.Values, string(v))
		})
	})
}
