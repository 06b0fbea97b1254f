// Package files owns the sources that read files, and their places.
//
// The way of a file: its pattern is listed (listing.go), under the name that the file was first taken under (identity.go); what some
// destination lacks of it is planned (plan.go, item.go), from its places (places.go); it is read ahead (read_ahead.go), opened (opened.go)
// and decoded into a batch by its format; a reader (reader.go) gives the batch to the pipeline, one of text (text.go), of whole loads
// (load.go) or of Parquet, which is left to DuckDB (parquet*.go, footer.go); with it goes what writes the places (batch.go). Columns that a
// declaration leaves out are found by DuckDB's readers (describe.go, sniff.go), and proved by the decoders (prove.go, infer.go).
//
// What a declaration says is a Source (source.go, compile.go), what a run finds out about it a session (session.go).
package files

import (
	"slices"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/declare"
	"dsql/ingest/glob"
	"dsql/ingest/names"
	"dsql/sql"
)

// Source is a compiled CREATE SOURCE … FROM FILES. What a run finds out about it is its session's.
type Source struct {
	declare.Declaration
	options     []sql.Option
	pattern     glob.Pattern
	patternAt   sql.Span
	format      string // csv, json, parquet
	compression string // gzip, zstd, none; "": by the ending
	snapshot    bool
	batchFiles  int
	minAge      time.Duration
	onBadFile   string // SKIP, FAIL
	limits      batch.Limits
	dialect     batch.Dialect
	asString    bool // binary_as_string
}

// fields are the columns as the decoders see them, the captures among them.
func (s *Source) fields(cols []duck.Column) []batch.Field {
	out := s.Declaration.Fields(cols)
	for i, f := range out {
		if at := slices.IndexFunc(s.pattern.Captures, func(n string) bool { return strings.EqualFold(n, f.Name) }); at >= 0 {
			out[i].Capture = s.pattern.Captures[at]
		}
	}
	return out
}

// withCaptures adds the captures that no column declares, as VARCHAR.
func (s *Source) withCaptures(cols []duck.Column) []duck.Column {
	for _, name := range s.pattern.Captures {
		if !names.Has(duck.ColumnNames(cols), name) {
			cols = append(cols, duck.Column{Name: name, Type: "VARCHAR"})
		}
	}
	return cols
}

// names says whether a field of the files is one that a column reads.
func (s *Source) names(cols []duck.Column, field string) bool {
	return slices.ContainsFunc(s.fields(cols), func(f batch.Field) bool { return f.Capture == "" && strings.EqualFold(f.Steps()[0], field) })
}

// Continues says whether a source reads the files that another one reads.
func (s *Source) Continues(other kind.Object) bool {
	o, ok := other.(*Source)
	return ok && s.pattern.Text == o.pattern.Text && s.snapshot == o.snapshot
}

// compressionOf is how a file is packed: as the option says, or by its ending.
func (s *Source) compressionOf(path string) string {
	name := strings.ToLower(path)
	switch {
	case s.compression != "":
		return s.compression
	case strings.HasSuffix(name, ".gz"):
		return "gzip"
	case strings.HasSuffix(name, ".zst"):
		return "zstd"
	}
	return "none"
}
