package files

import (
	"fmt"

	"dsql/ingest/batch"
	"dsql/ingest/declare"
	"dsql/ingest/format"
	"dsql/ingest/format/csv"
	"dsql/sql"
	"dsql/sql/code"
)

// The options of FROM FILES: what they are called, what they mean, which don't go together.

// option is an option of FROM FILES.
type option struct {
	name   string
	format string // the only format that has it; "": all, "text": csv and json
	infer  bool   // DuckDB's reader takes it too, when columns are inferred
	doc    string
	set    func(*declare.Compiler, *Source, sql.Option)
}

var options = []option{
	{"format", "", false, format.Doc(format.OfFiles) + "; by the file's ending where it is left out",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			s.format = c.Word(o, format.Names(format.OfFiles)...)
		}},
	{"mode", "", false, "append (default): files bring new rows; snapshot: each file, or the files with the same captures, are the whole " +
		"table", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.snapshot = c.Word(o, "append", "snapshot") == "snapshot"
	}},
	{"min_age", "", false, "how long a file must not have changed before it is taken: '30s', '5m' (default 0; with --follow a second in any " +
		"case)", func(c *declare.Compiler, s *Source, o sql.Option) { s.minAge = c.Duration(o) }},
	{"batch_files", "", false, "how many files make a batch, if they fit (default 1)", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.batchFiles = int(c.Number(o, 1, 100_000))
	}},
	{"batch_rows", "", false, "a file with more records is cut, in append mode (default 245760)",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.limits.Rows = int(c.Number(o, 1, 10_000_000)) }},
	{"batch_bytes", "", false, "raw bytes of a batch at most (default 96 MiB)", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.limits.Bytes = c.Number(o, 1<<10, 1<<34)
	}},
	{"reject_limit", "", false, "stops the run when more records than this are bad in it", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.Rejects = c.Number(o, 0, 1<<60)
	}},
	{"compression", "text", true, "none, gzip or zstd; by the ending (.gz, .zst) where it is left out",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			if s.compression = c.Word(o, "auto", "none", "gzip", "zstd"); s.compression == "auto" {
				s.compression = ""
			}
		}},
	{"header", "csv", true, "whether the first record names the columns (found out by default)",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			s.dialect.Header = batch.HeaderNo
			if c.Yes(o) {
				s.dialect.Header = batch.HeaderYes
			}
		}},
	{"delim", "csv", true, "what stands between fields, up to four bytes (found out by default)",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.dialect.Delim = c.Delimiter(o) }},
	{"sep", "csv", true, "the same as delim", func(c *declare.Compiler, s *Source, o sql.Option) { s.dialect.Delim = c.Delimiter(o) }},
	{"encoding", "csv", false, "what the text is written in: utf-8 (default), utf-16, latin-1, cp1252, shift_jis, gb18030, …",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			if _, err := csv.Encoding(o.Text); err != nil {
				c.Fail(o.Value, code.BadChoice, err.Error(), "write utf-8, utf-16, latin-1, cp1252, shift_jis, gb18030 or another name of IANA's")
				return
			}
			if s.dialect.Encoding = o.Text; csv.IsUTF8(o.Text) {
				s.dialect.Encoding = ""
			}
		}},
	{"thousands", "csv", true, "what stands between the thousands of a number", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.dialect.Thousands = c.Char(o, false)
	}},
	{"names", "csv", true, "a list of what the fields are called, instead of their names in the header",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.dialect.Names = c.Texts(o) }},
	{"normalize_names", "csv", true, "whether names of the header become lower case, with _ for blanks and nothing for other characters",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.dialect.Normalize = c.Yes(o) }},
	{"force_not_null", "csv", true, "a list of columns in which no text is NULL", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.dialect.NotNull = c.Texts(o)
	}},
	{"quote", "csv", true, "the quote, '' for none", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.dialect.Quote = c.Char(o, true)
		s.dialect.NoQuote = s.dialect.Quote == 0
	}},
	{"escape", "csv", true, "what stands before a quote inside quotes (default: another quote)",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.dialect.Escape = c.Char(o, true) }},
	{"nullstr", "csv", true, "the text that is NULL, or a list; then an empty field is the empty string",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			s.dialect.NullSet, s.dialect.NullStr = true, c.Texts(o)
		}},
	{"allow_quoted_nulls", "csv", true, "whether a quoted nullstr is NULL (default true)", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.dialect.NoQuotedNull = !c.Yes(o)
	}},
	{"null_padding", "csv", true, "whether missing fields at the end of a record are NULL",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			s.dialect.NullPadding = c.Yes(o)
		}},
	{"skip", "csv", true, "lines before the header", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.dialect.Skip = int(c.Number(o, 0, 1<<30))
	}},
	{"comment", "csv", true, "what begins a comment",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.dialect.Comment = c.Char(o, true) }},
	{"decimal_separator", "csv", true, ". or ,", func(c *declare.Compiler, s *Source, o sql.Option) {
		if s.dialect.DecimalSeparator = c.Char(o, false); o.Text != "." && o.Text != "," {
			c.Fail(o.Value, code.BadCharacter, "decimal_separator is . or ,", "write decimal_separator ','")
		}
	}},
	{"all_varchar", "csv", true, "whether inferred columns are all VARCHAR", func(c *declare.Compiler, s *Source, o sql.Option) { c.Yes(o) }},
	{"dateformat", "text", true, "strptime pattern of dates", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.dialect.DateFormat = c.Text(o)
	}},
	{"timestampformat", "text", true, "strptime pattern of times", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.dialect.TimestampFormat = c.Text(o)
	}},
	{"sample_size", "text", true, "how many records are looked at when columns are inferred, -1 for all (default 20480)",
		func(c *declare.Compiler, s *Source, o sql.Option) { c.Number(o, -1, 1<<40) }},
	{"binary_as_string", "parquet", true, "whether BLOB columns without a type are VARCHAR",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			s.asString = c.Yes(o)
		}},
}

// otherOptions are those of DuckDB's readers that a source has something else for.
var otherOptions = map[string]string{
	"columns":              "write the columns behind the name: CREATE SOURCE s (id BIGINT, …)",
	"types":                "write the columns behind the name: CREATE SOURCE s (id BIGINT, …)",
	"dtypes":               "write the columns behind the name: CREATE SOURCE s (id BIGINT, …)",
	"column_types":         "write the columns behind the name: CREATE SOURCE s (id BIGINT, …)",
	"auto_type_candidates": "write the columns with their types behind the name, or all_varchar",
	"ignore_errors":        "bad records are kept in dsql.rejects; ON BAD RECORD SKIP counts them",
	"store_rejects":        "bad records are kept in dsql.rejects anyway",
	"rejects_table":        "bad records are kept in dsql.rejects",
	"rejects_scan":         "bad records are kept in dsql.rejects",
	"rejects_limit":        "write reject_limit",
	"strict_mode":          "records are read strictly; bad ones are kept in dsql.rejects",
	"union_by_name":        "columns are found by name anyway",
	"files_to_sniff":       "ON SCHEMA CHANGE ADD COLUMNS looks at all files that are new",
	"filename":             "select _meta.file",
	"hive_partitioning":    "name the part of the path: 'year={year}/*.csv'",
	"hive_types":           "name the part of the path, 'year={year}/*.csv', and declare its column",
	"hive_types_autocast":  "name the part of the path, 'year={year}/*.csv', and declare its column",
	"auto_detect":          "write the columns and options that you know; the rest is found out",
	"new_line":             "line ends are found out: leave it out",
	"max_line_size":        "write batch_bytes: a record may be as large as a batch",
	"maximum_line_size":    "write batch_bytes: a record may be as large as a batch",
	"buffer_size":          "write batch_bytes",
	"parallel":             "leave it out",
	"lineterminator":       "line ends are found out: leave it out",
	"separator":            "write delim",
	"na_values":            "write nullstr",
	"maximum_object_size":  "write batch_bytes: a record may be as large as a batch",
}

func optionDocs() []sql.OptionDoc {
	out := make([]sql.OptionDoc, len(options))
	for i, o := range options {
		out[i] = sql.OptionDoc{Name: o.name, Doc: o.doc}
		switch o.format {
		case "":
		case "text":
			out[i].Doc = "csv, json: " + o.doc
		default:
			out[i].Doc = o.format + ": " + o.doc
		}
	}
	return out
}

func optionOf(name string) *option {
	for i := range options {
		if options[i].name == name {
			return &options[i]
		}
	}
	return nil
}

// contradictions finds options that don't go together.
func contradictions(c *declare.Compiler, s *Source, given map[string]sql.Option) {
	for _, o := range s.options {
		opt := optionOf(o.Name)
		if s.format == "" || opt == nil || opt.format == "" || opt.format == s.format || opt.format == "text" && s.format != "parquet" {
			continue
		}
		of := opt.format
		if of == "text" {
			of = "csv and json"
		}
		c.Fail(o.At, code.ContradictingOptions, fmt.Sprintf("%s is an option of format %s, and this is %s", o.Name, of, s.format), "remove "+o.Name)
	}
	both := func(a, b, msg, hint string) {
		if _, ok := given[a]; ok {
			c.Fail(given[b].At, code.ContradictingOptions, msg, hint)
		}
	}
	if _, ok := given["sep"]; ok {
		both("delim", "sep", "sep is another name of delim", "remove one of them")
	}
	if s.dialect.NoQuote && s.dialect.Escape != 0 {
		both("quote", "escape", "without a quote there is nothing to escape", "remove escape")
	}
	if o, ok := given["batch_files"]; ok && s.snapshot && s.batchFiles > 1 && len(s.pattern.Captures) > 0 {
		c.Fail(o.At, code.ContradictingOptions, "a load is all files with the same captures, however many these are", "remove batch_files")
	}
	seen := map[byte]string{}
	for _, name := range []string{"delim", "sep", "quote", "comment", "decimal_separator", "thousands"} {
		o, ok := given[name]
		if !ok || len(o.Text) != 1 {
			continue
		}
		if first, twice := seen[o.Text[0]]; twice {
			c.Fail(o.Value, code.ContradictingOptions, fmt.Sprintf("%s is %s already", o.Text, first), "choose another "+name)
		}
		seen[o.Text[0]] = name
	}
}

// Clause is FROM FILES.
var Clause = sql.Clause{Keyword: "FROM FILES", Arg: sql.ArgOptions, Options: optionDocs(), Instead: otherOptions,
	Doc: "('pattern', option value, …): files by a glob; {name} in it captures a part of the path as a column"}
