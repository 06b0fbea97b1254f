package ingest

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// Kind is CREATE SOURCE.
var Kind = engine.Kind{
	Syntax: &sql.Syntax{
		Keyword: "SOURCE", Plural: "SOURCES",
		Head: []sql.Clause{{Arg: sql.ArgColumnDefs, Doc: "the columns; without them they are inferred from the first file, then pinned",
			Columns: []sql.Clause{
				{Keyword: "FROM", Arg: sql.ArgString, Doc: "a JSON path, where it is not the column's name: '$.address.city'"},
				{Keyword: "FORMAT", Arg: sql.ArgExpr, Doc: "how a time is written: epoch_s, epoch_ms, epoch_us, or a strptime pattern"},
			}}},
		Clauses: []sql.Clause{
			{Keyword: "FROM FILES", Arg: sql.ArgOptions, Required: true, Options: fileOptions, Doc: "('pattern', option value, …): files by a glob; {name} in it captures a part of the path as a column"},
			{Keyword: "ON BAD RECORD", Arg: sql.ArgChoice, Words: []string{"REJECT", "SKIP", "FAIL"}, Doc: "what becomes of a record that can't be read without loss: REJECT (default) keeps it in dsql.rejects, SKIP counts it, FAIL stops"},
			{Keyword: "ON SCHEMA CHANGE", Arg: sql.ArgChoice, Words: []string{"IGNORE", "FAIL"}, Doc: "fields that the declaration doesn't name: IGNORE (default) counts them, FAIL stops"},
		},
		Doc: "A place that rows come from. It stores nothing: streams and journals read its new rows.",
		Example: `CREATE SOURCE readings_in (sensor VARCHAR, celsius DOUBLE, day DATE) FROM FILES ('in/readings_{day}.csv', format csv);
CREATE STREAM readings FROM readings_in`,
	},
	Compile: compile,
}

var fileOptions = []sql.OptionDoc{
	{Name: "format", Doc: "csv, json or parquet; by the file's ending where it is left out"},
	{Name: "mode", Doc: "append (default): files bring new rows; snapshot: each file is the whole table"},
	{Name: "batch_files", Doc: "how many files make a batch (default 1)"},
	{Name: "batch_rows", Doc: "a file with more records is cut, in append mode (default 245760)"},
	{Name: "batch_bytes", Doc: "raw bytes of a batch at most (default 96 MiB)"},
	{Name: "reject_limit", Doc: "stops the run when more records than this are bad in it"},
	{Name: "header", Doc: "csv: whether the first record names the columns (found out by default)"},
	{Name: "delim", Doc: "csv: what stands between fields"}, {Name: "sep", Doc: "csv: the same as delim"},
	{Name: "quote", Doc: "csv: the quote, '' for none"}, {Name: "escape", Doc: "csv: what stands before a quote inside quotes"},
	{Name: "nullstr", Doc: "csv: the text that is NULL, or a list; then an empty field is the empty string"},
	{Name: "allow_quoted_nulls", Doc: "csv: whether a quoted nullstr is NULL (default true)"},
	{Name: "null_padding", Doc: "csv: whether missing fields at the end of a record are NULL"},
	{Name: "skip", Doc: "csv: lines before the header"}, {Name: "comment", Doc: "csv: what begins a comment"},
	{Name: "decimal_separator", Doc: "csv: . or ,"},
	{Name: "dateformat", Doc: "strptime pattern of dates"}, {Name: "timestampformat", Doc: "strptime pattern of times"},
}

// source is a compiled CREATE SOURCE … FROM FILES.
type source struct {
	decl       *sql.Decl
	options    *sql.Value
	pattern    pattern
	patternAt  sql.Span
	format     string // csv, json, parquet
	snapshot   bool
	batchFiles int
	limits     Limits
	dialect    Dialect
	columns    []sql.ColumnDef // nil: inferred
	onBad      string          // REJECT, SKIP, FAIL
	failOnNew  bool            // ON SCHEMA CHANGE FAIL
	rejects    int64           // reject_limit, -1 none
}

func (s *source) Decl() *sql.Decl { return s.decl }

// RejectLimit is how many bad records a run may bring, -1 for any number.
func (s *source) RejectLimit() int64 { return s.rejects }

func compile(d *sql.Decl) (engine.Object, error) {
	s := &source{decl: d, options: d.Arg("FROM FILES"), batchFiles: 1, onBad: "REJECT", rejects: -1, limits: Limits{Rows: 245_760, Bytes: 96 << 20}}
	c := &compiler{s: s}
	if v := d.Arg("ON BAD RECORD"); v != nil {
		s.onBad = v.Text
	}
	if v := d.Arg("ON SCHEMA CHANGE"); v != nil {
		s.failOnNew = v.Text == "FAIL"
	}
	if v := d.Arg("#0"); v != nil {
		s.columns = v.Columns
	}
	for _, o := range s.options.Options {
		c.option(o)
	}
	if s.patternAt == (sql.Span{}) {
		c.fail(s.options.Span, "missing-pattern", "FROM FILES names no files", "write FROM FILES ('in/*.csv')")
	}
	if s.format == "" && len(c.errs) == 0 {
		if s.format = formatOf(s.pattern.text); s.format == "" {
			c.fail(s.patternAt, "unknown-format", "the ending of "+s.pattern.text+" does not say the format", "add one: format csv, format json or format parquet")
		}
	}
	s.dialect.Format = s.format
	for _, col := range s.columns {
		if v := col.Args["FROM"]; v != nil {
			if _, err := jsonPath(v.Text); err != nil {
				c.fail(v.Span, "bad-path", err.Error(), "write '$.name', '$.a.b' or '$.list[0]'")
			}
		}
	}
	return s, c.errs.Err()
}

type compiler struct {
	s    *source
	errs sql.List
}

func (c *compiler) fail(at sql.Span, code, msg, hint string) {
	c.errs = append(c.errs, &sql.Error{Src: c.s.decl.Src, Span: at, Code: code, Msg: msg, Hint: hint})
}

func (c *compiler) option(o sql.Option) {
	s, d := c.s, &c.s.dialect
	switch o.Name {
	case "":
		s.patternAt = o.Value
		p, err := parsePattern(o.Text)
		if err != nil {
			c.fail(o.Value, "bad-pattern", err.Error(), "a pattern has *, ?, [abc], ** and {name}")
		}
		s.pattern = p
	case "format":
		s.format = c.word(o, "csv", "json", "parquet")
	case "mode":
		s.snapshot = c.word(o, "append", "snapshot") == "snapshot"
	case "batch_files":
		s.batchFiles = int(c.number(o, 1, 100_000))
	case "batch_rows":
		s.limits.Rows = int(c.number(o, 1, 10_000_000))
	case "batch_bytes":
		s.limits.Bytes = c.number(o, 1<<10, 1<<34)
	case "reject_limit":
		s.rejects = c.number(o, 0, 1<<60)
	case "header":
		d.Header = HeaderNo
		if c.yes(o) {
			d.Header = HeaderYes
		}
	case "delim", "sep":
		d.Delim = c.char(o)
	case "quote":
		if d.NoQuote = o.Text == ""; !d.NoQuote {
			d.Quote = c.char(o)
		}
	case "escape":
		if o.Text != "" {
			d.Escape = c.char(o)
		}
	case "nullstr":
		d.NullSet, d.NullStr = true, []string{o.Text}
		if o.Kind == sql.OptList {
			d.NullStr = c.list(o)
		}
	case "allow_quoted_nulls":
		d.NoQuotedNull = !c.yes(o)
	case "null_padding":
		d.NullPadding = c.yes(o)
	case "skip":
		d.Skip = int(c.number(o, 0, 1<<30))
	case "comment":
		if o.Text != "" {
			d.Comment = c.char(o)
		}
	case "decimal_separator":
		d.DecimalSeparator = c.char(o)
	case "dateformat":
		d.DateFormat = o.Text
	case "timestampformat":
		d.TimestampFormat = o.Text
	}
}

func (c *compiler) word(o sql.Option, words ...string) string {
	w := strings.ToLower(o.Text)
	if slices.Contains(words, w) {
		return w
	}
	hint := o.Name + " is " + strings.Join(words, " or ")
	if near := sql.Nearest(w, words); near != "" {
		hint = "did you mean " + near + "?"
	}
	c.fail(o.Value, "bad-choice", fmt.Sprintf("%s is no %s", o.Text, o.Name), hint)
	return words[0]
}

func (c *compiler) number(o sql.Option, lo, hi int64) int64 {
	n, err := strconv.ParseInt(strings.ReplaceAll(o.Text, "_", ""), 10, 64)
	if err != nil || n < lo || n > hi {
		c.fail(o.Value, "bad-number", fmt.Sprintf("%s is a whole number from %d to %d", o.Name, lo, hi), "write "+o.Name+" "+strconv.FormatInt(lo, 10))
		return lo
	}
	return n
}

func (c *compiler) yes(o sql.Option) bool {
	if o.Kind == sql.OptNone {
		return true
	}
	return c.word(o, "true", "false", "1", "0") == "true" || o.Text == "1"
}

func (c *compiler) char(o sql.Option) byte {
	text := o.Text
	if text == `\t` {
		text = "\t"
	}
	if len(text) != 1 {
		c.fail(o.Value, "bad-character", fmt.Sprintf("%s is one ASCII character, not %q", o.Name, o.Text), "write "+o.Name+" ','")
		return ','
	}
	return text[0]
}

func (c *compiler) list(o sql.Option) []string {
	var out []string
	for _, t := range sql.Tokens(c.s.decl.Src, o.Value) {
		if t.Kind == sql.String {
			if s, err := sql.Unquote(t.Span.Of(c.s.decl.Src)); err == nil {
				out = append(out, s)
			}
		}
	}
	return out
}

// formatOf is the format that a file's name tells, "" if none.
func formatOf(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(name), ".gz"), ".zst")
	switch path.Ext(name) {
	case ".csv", ".tsv":
		return "csv"
	case ".json", ".jsonl", ".ndjson":
		return "json"
	case ".parquet":
		return "parquet"
	}
	return ""
}

// jsonPath reads '$.a.b[0]."odd name"' into steps; an array's elements are steps by number.
func jsonPath(text string) ([]string, error) {
	bad := fmt.Errorf("%s is no path that dsql reads", text)
	rest, ok := strings.CutPrefix(text, "$")
	if !ok || rest == "" {
		return nil, bad
	}
	var out []string
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, `."`):
			end := strings.IndexByte(rest[2:], '"')
			if end < 0 {
				return nil, bad
			}
			out, rest = append(out, rest[2:2+end]), rest[3+end:]
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			if end == 1 {
				return nil, bad
			}
			out, rest = append(out, rest[1:end]), rest[end:]
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if end < 2 {
				return nil, bad
			}
			if n, err := strconv.Atoi(rest[1:end]); err != nil || n < 0 {
				return nil, bad
			}
			out, rest = append(out, rest[1:end]), rest[end+1:]
		default:
			return nil, bad
		}
	}
	return out, nil
}
