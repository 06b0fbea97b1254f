// Package format is the table of formats. A new one is a package beside the others, and a line here; CONTRIBUTING.md tells how.
package format

import (
	"slices"
	"strings"

	"dsql/ingest/batch"
	"dsql/ingest/format/avro"
	"dsql/ingest/format/csv"
	"dsql/ingest/format/debezium"
	"dsql/ingest/format/json"
	"dsql/ingest/format/parquet"
	"dsql/ingest/format/proto"
	"dsql/ingest/format/raw"
)

// All are all that sources read.
var All = []*batch.Format{
	&csv.Format,
	&json.Format,
	&parquet.Format,
	&raw.Format,
	&avro.Format,
	&proto.Format,
	&debezium.Format,
}

// Named is the format of a name.
func Named(name string) *batch.Format {
	i := slices.IndexFunc(All, func(f *batch.Format) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return All[i]
}

// ByEnding is the format that a file's name tells, nil if none.
func ByEnding(name string) *batch.Format {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(name), ".gz"), ".zst")
	for _, f := range All {
		if slices.ContainsFunc(f.Endings, func(end string) bool { return strings.HasSuffix(name, end) }) {
			return f
		}
	}
	return nil
}

// OfFiles are the names of the formats of files, OfTopics of those of records.
func OfFiles(f *batch.Format) bool  { return f.Endings != nil }
func OfTopics(f *batch.Format) bool { return f.Values != nil }

// OfKeys are the formats of keys whose schemas are in a registry.
func OfKeys() (out []*batch.Format) {
	for _, f := range All {
		if f.Keys != nil {
			out = append(out, f)
		}
	}
	return out
}

func Names(which func(*batch.Format) bool) (names []string) {
	for _, f := range All {
		if which(f) {
			names = append(names, f.Name)
		}
	}
	return names
}

// Doc lists formats for the reference.
func Doc(which func(*batch.Format) bool) string {
	var out []string
	for _, f := range All {
		if !which(f) {
			continue
		}
		if out = append(out, f.Name); f.Doc != "" {
			out[len(out)-1] += " (" + f.Doc + ")"
		}
	}
	last := len(out) - 1
	return strings.Join(out[:last], ", ") + " or " + out[last]
}
