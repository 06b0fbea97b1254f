package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// fileSource is a compiled CREATE SOURCE … FROM FILES.
type fileSource struct {
	declaration
	options     []sql.Option
	pattern     pattern
	patternAt   sql.Span
	format      string // csv, json, parquet
	compression string // gzip, zstd, none; "": by the ending
	snapshot    bool
	batchFiles  int
	minAge      time.Duration
	onBadFile   string // SKIP, FAIL
	limits      Limits
	dialect     Dialect
	asString    bool // binary_as_string

	known        *Found          // CSV: what dsql.dialects has; nil: not asked yet
	recorded     *Found          // what the batch in hand writes there
	inferredFrom string          // the file that the columns were found in, just now
	scanned      *scan           // ON SCHEMA CHANGE ADD COLUMNS: what Columns has seen
	settled      map[string]look // with --follow: when a file was first seen as it is
}

// compileFiles reads FROM FILES.
func compileFiles(c *compiler, d declaration, v *sql.Value) *fileSource {
	s := &fileSource{declaration: d, options: v.Options, batchFiles: 1, onBadFile: "SKIP", limits: Limits{Rows: 245_760, Bytes: 96 << 20}}
	if v := d.decl.Arg("ON BAD FILE"); v != nil {
		s.onBadFile = v.Text
	}
	given := map[string]sql.Option{}
	for _, o := range v.Options {
		given[o.Name] = o
		if o.Name == "" {
			s.patternAt = o.Value
		}
		switch opt := fileOptionOf(o.Name); {
		case o.Kind == sql.OptEnv:
			c.fail(o.Value, "no-env", "env() keeps secrets out of the file, and files need none", "write the value itself")
		case o.Name == "":
			var err error
			if s.pattern, err = parsePattern(o.Text); err != nil {
				c.fail(o.Value, "bad-pattern", err.Error(),
					`a pattern has *, ?, [abc], ** and {name}; \ before one of these means the character itself`)
			}
		case opt != nil:
			opt.set(c, s, o)
		}
	}
	switch {
	case s.patternAt == (sql.Span{}):
		c.fail(v.Span, "missing-pattern", "FROM FILES names no files", "write FROM FILES ('in/*.csv')")
		return s
	case s.format == "" && len(c.errs) == 0:
		f := byEnding(s.pattern.text)
		if f == nil {
			c.fail(s.patternAt, "unknown-format", "the ending of "+s.pattern.text+" does not say the format",
				"add one: format csv, format json or format parquet")
			return s
		}
		s.format = f.Name
	}
	s.dialect.Format = formatNamed(s.format)
	contradictions(c, s, given)
	if f := s.dialect.Format; f != nil && !f.Inferred {
		s.declares(c)
	}
	for _, col := range s.columns {
		captured := containsFold(s.pattern.captures, col.Name.Text)
		if v := col.Args["FROM KEY"]; v != nil {
			c.fail(v.Keyword, "no-key", "the records of files have no key", "remove FROM KEY")
		} else if v := col.Args["FROM"]; v != nil && captured {
			c.fail(v.Keyword, "contradicting-options", fmt.Sprintf("%s is a part of the path, {%s}, and comes from the record as well",
				col.Name.Text, col.Name.Text), "give one of the two another name")
		}
	}
	return s
}

// declares sees to it that a source has its columns in its declaration, where nothing can find them in its files.
func (s *fileSource) declares(c *compiler) {
	if s.columns == nil {
		c.fail(s.decl.NameAt, "no-columns", "the columns of files of format "+s.format+" are declared", s.nameThem())
	}
	if s.onNew == "ADD COLUMNS" {
		c.fail(s.decl.Arg("ON SCHEMA CHANGE").Keyword, "no-growth", "new fields of format "+s.format+" can't become columns",
			"write ON SCHEMA CHANGE IGNORE, or leave it out")
	}
}

// fields are the columns as the decoders see them, the captures among them.
func (s *fileSource) fields(cols []duck.Column) []Field {
	out := s.declaration.fields(cols)
	for i, f := range out {
		if at := slices.IndexFunc(s.pattern.captures, func(n string) bool { return strings.EqualFold(n, f.Name) }); at >= 0 {
			out[i].Capture = s.pattern.captures[at]
		}
	}
	return out
}

// withCaptures adds the captures that no column declares, as VARCHAR.
func (s *fileSource) withCaptures(cols []duck.Column) []duck.Column {
	for _, name := range s.pattern.captures {
		if !containsFold(duck.ColumnNames(cols), name) {
			cols = append(cols, duck.Column{Name: name, Type: "VARCHAR"})
		}
	}
	return cols
}

// Columns are the declared ones, and those that the path's captures add. Where none are declared they are what DuckDB's reader
// finds in the first file that isn't empty, or those pinned when that was first done. ON SCHEMA CHANGE ADD COLUMNS adds to
// either what files that no destination has taken yet have beside them.
func (s *fileSource) Columns(ctx context.Context, c *duck.Conn, env *kind.Env,
	pinned []duck.Column) (cols []duck.Column, err error) {
	switch {
	case s.columns != nil:
		if cols, err = s.types(ctx, c); err == nil {
			cols = s.withCaptures(cols)
		}
	case len(pinned) > 0:
		cols = pinned
	default:
		cols, err = s.infer(ctx, c, env)
	}
	if err != nil || s.onNew != "ADD COLUMNS" {
		return cols, err
	}
	return s.grow(ctx, c, env, cols, pinned)
}
