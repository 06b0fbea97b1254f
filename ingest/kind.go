package ingest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/kind"
	"dsql/sql"
)

// Kind is CREATE SOURCE.
var Kind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "SOURCE", Plural: "SOURCES",
		Head: []sql.Clause{{Arg: sql.ArgColumnDefs,
			Doc: "the columns; without them they are inferred from the first file that has a record, then pinned",
			Columns: []sql.Clause{
				{Keyword: "FROM", Arg: sql.ArgString, Doc: "a JSON path, where it is not the column's name: '$.address.city'"},
				{Keyword: "FROM KEY", Arg: sql.ArgString, ArgOpt: true, Doc: "the key of a topic's record, or a path in it; files have none"},
				{Keyword: "FORMAT", Arg: sql.ArgWord,
					Doc: "how a time is written: epoch_s, epoch_ms, epoch_us, epoch_ns, epoch_days, or a strptime pattern in quotes; or what base64 " +
						"holds: base64 (a BLOB), base64_decimal(scale)"},
			}}},
		Clauses: []sql.Clause{
			{Keyword: "FROM FILES", Arg: sql.ArgOptions, Options: fileOptionDocs(), Instead: otherOptions,
				Doc: "('pattern', option value, …): files by a glob; {name} in it captures a part of the path as a column"},
			{Keyword: "FROM KAFKA", Arg: sql.ArgOptions, Options: kafkaOptionDocs(), Doc: "(option value, …): the records of topics"},
			{Keyword: "ON BAD RECORD", Arg: sql.ArgChoice, Words: []string{"REJECT", "SKIP", "FAIL"},
				Doc: "what becomes of a record that can't be read without loss: REJECT (default) keeps it in dsql.rejects, SKIP counts it, FAIL stops"},
			{Keyword: "ON BAD FILE", Arg: sql.ArgChoice, Words: []string{"SKIP", "FAIL"},
				Doc: "what becomes of a file that can't be read: SKIP (default) sets it aside with its error in dsql.files and goes on, FAIL stops"},
			{Keyword: "ON SCHEMA CHANGE", Arg: sql.ArgChoice, Words: []string{"IGNORE", "ADD COLUMNS", "FAIL"},
				Doc: "fields that the declaration doesn't name: IGNORE (default) counts them, ADD COLUMNS makes them columns, FAIL stops"},
			{Keyword: "ON MISSING COLUMN", Arg: sql.ArgChoice, Words: []string{"WARN", "NULL", "FAIL"},
				Doc: "a declared column that a file's header or schema doesn't have: WARN (default) says so, and it reads NULL; NULL says nothing; " +
					"FAIL stops"},
		},
		Doc: "A place that rows come from. It stores nothing: streams and journals read its new rows.",
		Example: `CREATE SOURCE readings_in (sensor VARCHAR, celsius DOUBLE, day DATE) FROM FILES ('in/readings_{day}.csv', format csv);
CREATE STREAM readings FROM readings_in`,
	},
	Compile: compile,
}

// compile reads what all sources share, then what its FROM clause says: each kind of reader has one.
func compile(d *sql.Decl) (kind.Object, error) {
	c := &compiler{src: d.Src}
	s := c.declaration(d)
	files, kafka := d.Arg("FROM FILES"), d.Arg("FROM KAFKA")
	var out kind.Object
	switch {
	case files != nil && kafka != nil:
		c.fail(kafka.Keyword, "contradicting-options", "a source reads files or a topic",
			"declare two sources; a stream may read both: FROM a, b")
	case files != nil:
		out = c.fileSource(s, files)
	case kafka != nil:
		if v := d.Arg("ON BAD FILE"); v != nil {
			c.fail(v.Keyword, "contradicting-options", "a topic has no files", "ON BAD RECORD is for the records of a topic")
		}
		out = c.kafkaSource(s, kafka)
	default:
		c.fail(d.NameAt, "missing-clause", "SOURCE "+d.Name+" needs FROM FILES or FROM KAFKA",
			"add: FROM FILES ('in/*.csv') or FROM KAFKA (brokers 'host:9092', topic 'name')")
	}
	if err := c.errs.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// compiler collects the errors of one declaration.
type compiler struct {
	src  *sql.Source
	errs sql.List
}

func (c *compiler) fail(at sql.Span, code, msg, hint string) {
	c.errs = append(c.errs, &sql.Error{Src: c.src, Span: at, Code: code, Msg: msg, Hint: hint})
}

// declaration reads the clauses that don't depend on where rows come from.
func (c *compiler) declaration(d *sql.Decl) declaration {
	s := declaration{decl: d, onBad: "REJECT", onNew: "IGNORE", onMissing: "WARN", rejects: -1}
	if v := d.Arg("ON BAD RECORD"); v != nil {
		s.onBad = v.Text
	}
	if v := d.Arg("ON SCHEMA CHANGE"); v != nil {
		s.onNew = v.Text
	}
	if v := d.Arg("ON MISSING COLUMN"); v != nil {
		s.onMissing = v.Text
		if d.Arg("FROM KAFKA") != nil {
			c.fail(v.Keyword, "contradicting-options", "records of topics have no header that could lack a column",
				"remove ON MISSING COLUMN: a field that a record doesn't have is NULL")
		}
	}
	v := d.Arg("#0")
	if v == nil {
		return s
	}
	if s.columns = v.Columns; len(s.columns) == 0 {
		c.fail(v.Span, "no-columns", "the list of columns is empty", "name columns, or leave out the list: then they are inferred")
	}
	for _, col := range s.columns {
		if strings.EqualFold(col.Name.Text, catalog.MetaColumn) {
			c.fail(col.Name.Span, "reserved-column", "every row of a source has a column "+catalog.MetaColumn+" already",
				"give the column another name")
		}
		path := col.Args["FROM"]
		if path == nil {
			continue
		}
		if _, err := jsonPath(path.Text); err != nil {
			c.fail(path.Span, "bad-path", err.Error(), "write '$.name', '$.a.b' or '$.list[0]'")
		}
		if key := col.Args["FROM KEY"]; key != nil {
			c.fail(key.Keyword, "contradicting-options", col.Name.Text+" comes from the record or from its key, not from both",
				"remove one of the two")
		}
	}
	return s
}

// word is the value of an option that is one of some words.
func (c *compiler) word(o sql.Option, words ...string) string {
	w := strings.ToLower(o.Text)
	if o.Kind != sql.OptNone && slices.Contains(words, w) {
		return w
	}
	hint := "write " + o.Name + " " + strings.Join(words, " or ")
	if near := sql.Nearest(w, words); near != "" && o.Kind != sql.OptNone {
		hint = "did you mean " + near + "?"
	}
	msg := fmt.Sprintf("%s is no %s", o.Text, o.Name)
	if o.Kind == sql.OptNone {
		msg = o.Name + " needs a value"
	}
	c.fail(o.Value, "bad-choice", msg, hint)
	return words[0]
}

func (c *compiler) number(o sql.Option, lo, hi int64) int64 {
	n, err := strconv.ParseInt(o.Text, 10, 64)
	if err != nil || n < lo || n > hi {
		c.fail(o.Value, "bad-number", fmt.Sprintf("%s is a whole number from %d to %d", o.Name, lo, hi),
			"write "+o.Name+" "+strconv.FormatInt(max(lo, 1), 10))
		return lo
	}
	return n
}

// yes is a BOOLEAN; the name alone is true, as in DuckDB.
func (c *compiler) yes(o sql.Option) bool {
	if o.Kind == sql.OptNone {
		return true
	}
	w := c.word(o, "true", "false", "1", "0")
	return w == "true" || w == "1"
}

// char is one ASCII character, or none where ” is allowed.
func (c *compiler) char(o sql.Option, none bool) byte {
	text := o.Text
	switch {
	case text == `\t`:
		text = "\t"
	case text == "" && o.Kind == sql.OptString && none:
		return 0
	}
	if len(text) != 1 || text[0] >= 0x80 || text[0] == '\n' || text[0] == '\r' {
		c.fail(o.Value, "bad-character", fmt.Sprintf("%s is one ASCII character, not %q", o.Name, o.Text), "write "+o.Name+" ','")
		return ','
	}
	return text[0]
}

// delimiter is a text of up to four bytes, as in DuckDB.
func (c *compiler) delimiter(o sql.Option) string {
	text := strings.ReplaceAll(o.Text, `\t`, "\t")
	if text == "" || len(text) > 4 || strings.ContainsAny(text, "\r\n") {
		c.fail(o.Value, "bad-character", fmt.Sprintf("%s is one to four bytes, without line ends, not %q", o.Name, o.Text),
			"write "+o.Name+" ','")
		return ","
	}
	return text
}

func (c *compiler) text(o sql.Option) string {
	if o.Kind != sql.OptString {
		c.fail(o.Value, "expected-string", o.Name+" is a text", "write "+o.Name+" '…'")
	}
	return o.Text
}

// texts is a text or a list of them.
func (c *compiler) texts(o sql.Option) []string {
	if o.Kind != sql.OptList {
		return []string{c.text(o)}
	}
	var out []string
	for _, t := range sql.Tokens(c.src, o.Value) {
		if t.Kind == sql.String {
			if s, err := sql.Unquote(t.Span.Of(c.src)); err == nil {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 {
		c.fail(o.Value, "expected-string", o.Name+" is a list of texts", "write "+o.Name+" ('a', 'b')")
	}
	return out
}
