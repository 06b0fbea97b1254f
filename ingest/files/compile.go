package files

import (
	"fmt"

	"dsql/ingest/batch"
	"dsql/ingest/declare"
	"dsql/ingest/format"
	"dsql/ingest/glob"
	"dsql/ingest/names"
	"dsql/sql"
	"dsql/sql/code"
)

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
