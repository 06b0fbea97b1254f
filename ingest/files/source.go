// Package files owns the sources that read files, and their places.
//
// The way of a file: its pattern is listed (listing.go), under the name that the file was first taken under (identity.go); what some
// destination lacks of it is planned (plan.go), from its places (places.go); it is read ahead (read_ahead.go), opened (opened.go) and
// decoded into a batch by its format; the reader (reader.go) gives the batch to the pipeline (batch.go), which writes the places.
// Parquet is left to DuckDB (parquet*.go, footer.go), and a load of a snapshot is one batch (load.go). Columns that a declaration leaves
// out are found by DuckDB's readers, and proved by the decoders (infer.go).
package files

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/declare"
	"dsql/ingest/format"
	"dsql/ingest/glob"
	"dsql/ingest/names"
	"dsql/sql"
	"dsql/sql/code"
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

// Compile reads FROM FILES.
func Compile(c *declare.Compiler, d declare.Declaration, v *sql.Value) *Source {
	s := &Source{Declaration: d, options: v.Options, batchFiles: 1, onBadFile: "SKIP", limits: batch.Limits{Rows: 245_760, Bytes: 96 << 20}}
	if v := d.Stmt.Arg("ON BAD FILE"); v != nil {
		s.onBadFile = v.Text
	}
	given := map[string]sql.Option{}
	for _, o := range v.Options {
		given[o.Name] = o
		if o.Name == "" {
			s.patternAt = o.Value
		}
		switch opt := optionOf(o.Name); {
		case o.Kind == sql.OptEnv:
			c.Fail(o.Value, code.NoEnv, "env() keeps secrets out of the file, and files need none", "write the value itself")
		case o.Name == "":
			var err error
			if s.pattern, err = glob.Parse(o.Text); err != nil {
				c.Fail(o.Value, code.BadPattern, err.Error(),
					`a pattern has *, ?, [abc], ** and {name}; \ before one of these means the character itself`)
			}
		case opt != nil:
			opt.set(c, s, o)
		}
	}
	switch {
	case s.patternAt == (sql.Span{}):
		c.Fail(v.Span, code.MissingPattern, "FROM FILES names no files", "write FROM FILES ('in/*.csv')")
		return s
	case s.format == "" && len(c.Errs) == 0:
		f := format.ByEnding(s.pattern.Text)
		if f == nil {
			c.Fail(s.patternAt, code.UnknownFormat, "the ending of "+s.pattern.Text+" does not say the format",
				"add one: format csv, format json or format parquet")
			return s
		}
		s.format = f.Name
	}
	s.dialect.Format = format.Named(s.format)
	contradictions(c, s, given)
	if f := s.dialect.Format; f != nil && !f.Inferred {
		s.declares(c)
	}
	for _, col := range s.Defs {
		captured := names.Has(s.pattern.Captures, col.Name.Text)
		if v := col.Args["FROM KEY"]; v != nil {
			c.Fail(v.Keyword, code.NoKey, "the records of files have no key", "remove FROM KEY")
		} else if v := col.Args["FROM"]; v != nil && captured {
			c.Fail(v.Keyword, code.ContradictingOptions, fmt.Sprintf("%s is a part of the path, {%s}, and comes from the record as well",
				col.Name.Text, col.Name.Text), "give one of the two another name")
		}
	}
	return s
}

// declares sees to it that a source has its columns in its declaration, where nothing can find them in its files.
func (s *Source) declares(c *declare.Compiler) {
	if s.Defs == nil {
		c.Fail(s.Stmt.NameAt, code.NoColumns, "the columns of files of format "+s.format+" are declared", s.nameThem())
	}
	if s.OnNew == "ADD COLUMNS" {
		c.Fail(s.Stmt.Arg("ON SCHEMA CHANGE").Keyword, code.NoGrowth, "new fields of format "+s.format+" can't become columns",
			"write ON SCHEMA CHANGE IGNORE, or leave it out")
	}
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

// Columns are the declared ones, and those that the path's captures add. Where none are declared they are what DuckDB's reader
// finds in the first file that isn't empty, or those pinned when that was first done. ON SCHEMA CHANGE ADD COLUMNS adds to
// either what files that no destination has taken yet have beside them.
func (s *Source) Columns(ctx context.Context, c *duck.Conn, env *kind.Env,
	pinned []duck.Column) (cols []duck.Column, err error) {
	switch {
	case s.Defs != nil:
		if cols, err = s.Types(ctx, c); err == nil {
			cols = s.withCaptures(cols)
		}
	case len(pinned) > 0:
		cols = pinned
	default:
		cols, err = s.in(env).infer(ctx, c)
	}
	if err != nil || s.OnNew != "ADD COLUMNS" {
		return cols, err
	}
	return s.in(env).grow(ctx, c, cols, pinned)
}
