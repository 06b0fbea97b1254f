package declare

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dsql/engine/catalog"
	"dsql/sql"
	"dsql/sql/code"
)

// Compiler collects the errors of one declaration.
type Compiler struct {
	Src  *sql.Source
	Errs sql.List
}

func (c *Compiler) Fail(at sql.Span, kind code.Code, msg, hint string) {
	c.Errs = append(c.Errs, sql.Place{Src: c.Src, Span: at}.Errorf(kind, "%s", msg).WithHint(hint))
}

// Word is the value of an option that is one of some words.
func (c *Compiler) Word(o sql.Option, words ...string) string {
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
	c.Fail(o.Value, code.BadChoice, msg, hint)
	return words[0]
}

func (c *Compiler) Number(o sql.Option, lo, hi int64) int64 {
	n, err := strconv.ParseInt(o.Text, 10, 64)
	if err != nil || n < lo || n > hi {
		c.Fail(o.Value, code.BadNumber, fmt.Sprintf("%s is a whole number from %d to %d", o.Name, lo, hi),
			"write "+o.Name+" "+strconv.FormatInt(max(lo, 1), 10))
		return lo
	}
	return n
}

// Yes is a BOOLEAN; the name alone is true, as in DuckDB.
func (c *Compiler) Yes(o sql.Option) bool {
	if o.Kind == sql.OptNone {
		return true
	}
	w := c.Word(o, "true", "false", "1", "0")
	return w == "true" || w == "1"
}

// Char is one ASCII character, or none where ” is allowed.
func (c *Compiler) Char(o sql.Option, none bool) byte {
	text := o.Text
	switch {
	case text == `\t`:
		text = "\t"
	case text == "" && o.Kind == sql.OptString && none:
		return 0
	}
	if len(text) != 1 || text[0] >= 0x80 || text[0] == '\n' || text[0] == '\r' {
		c.Fail(o.Value, code.BadCharacter, fmt.Sprintf("%s is one ASCII character, not %q", o.Name, o.Text), "write "+o.Name+" ','")
		return ','
	}
	return text[0]
}

// Delimiter is a text of up to four bytes, as in DuckDB.
func (c *Compiler) Delimiter(o sql.Option) string {
	text := strings.ReplaceAll(o.Text, `\t`, "\t")
	if text == "" || len(text) > 4 || strings.ContainsAny(text, "\r\n") {
		c.Fail(o.Value, code.BadCharacter, fmt.Sprintf("%s is one to four bytes, without line ends, not %q", o.Name, o.Text),
			"write "+o.Name+" ','")
		return ","
	}
	return text
}

func (c *Compiler) Text(o sql.Option) string {
	if o.Kind != sql.OptString {
		c.Fail(o.Value, code.ExpectedString, o.Name+" is a text", "write "+o.Name+" '…'")
	}
	return o.Text
}

// Texts is a text or a list of them.
func (c *Compiler) Texts(o sql.Option) []string {
	if o.Kind != sql.OptList {
		return []string{c.Text(o)}
	}
	var out []string
	for _, t := range sql.Tokens(c.Src, o.Value) {
		if t.Kind == sql.String {
			if s, err := sql.Unquote(t.Span.Of(c.Src)); err == nil {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 {
		c.Fail(o.Value, code.ExpectedString, o.Name+" is a list of texts", "write "+o.Name+" ('a', 'b')")
	}
	return out
}

// Name is a text or a bare word.
func (c *Compiler) Name(o sql.Option) string {
	if o.Kind != sql.OptString && o.Kind != sql.OptWord || o.Text == "" {
		c.Fail(o.Value, code.ExpectedString, o.Name+" is a text", "write "+o.Name+" 'name'")
	}
	if len(o.Names) > 0 {
		return o.Names[0].Text
	}
	return o.Text
}

// Duration is '500ms', '2s', a number of seconds, or an interval.
func (c *Compiler) Duration(o sql.Option) time.Duration {
	d, ok := sql.Duration(o.Text)
	if !ok || d < time.Millisecond || d > time.Hour {
		c.Fail(o.Value, code.BadDuration, o.Text+" is no time from 1 ms to an hour", "write "+o.Name+" '500ms' or '2s'")
		return time.Second
	}
	return d
}

var timeForms = []string{"2006-01-02 15:04:05.999999", "2006-01-02T15:04:05.999999", "2006-01-02T15:04:05.999999Z07:00",
	"2006-01-02 15:04:05.999999Z07:00", "2006-01-02 15:04", "2006-01-02"}

// ParseTime reads a timestamp as DuckDB writes it; UTC where it has no offset.
func ParseTime(text string) (time.Time, bool) {
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// Declaration reads the clauses that don't depend on where rows come from.
func (c *Compiler) Declaration(d *sql.Decl) Declaration {
	s := Declaration{Stmt: d, onBad: "REJECT", OnNew: "IGNORE", onMissing: "WARN", Rejects: -1}
	if v := d.Arg("ON BAD RECORD"); v != nil {
		s.onBad = v.Text
	}
	if v := d.Arg("ON SCHEMA CHANGE"); v != nil {
		s.OnNew = v.Text
	}
	if v := d.Arg("ON MISSING COLUMN"); v != nil {
		s.onMissing = v.Text
		if d.Arg("FROM KAFKA") != nil {
			c.Fail(v.Keyword, code.ContradictingOptions, "records of topics have no header that could lack a column",
				"remove ON MISSING COLUMN: a field that a record doesn't have is NULL")
		}
	}
	v := d.Arg("#0")
	if v == nil {
		return s
	}
	if s.Defs = v.Columns; len(s.Defs) == 0 {
		c.Fail(v.Span, code.NoColumns, "the list of columns is empty", "name columns, or leave out the list: then they are inferred")
	}
	for _, col := range s.Defs {
		if strings.EqualFold(col.Name.Text, catalog.MetaColumn) {
			c.Fail(col.Name.Span, code.ReservedColumn, "every row of a source has a column "+catalog.MetaColumn+" already",
				"give the column another name")
		}
		path := col.Args["FROM"]
		if path == nil {
			continue
		}
		if _, err := Path(path.Text); err != nil {
			c.Fail(path.Span, code.BadPath, err.Error(), "write '$.name', '$.a.b' or '$.list[0]'")
		}
		if key := col.Args["FROM KEY"]; key != nil {
			c.Fail(key.Keyword, code.ContradictingOptions, col.Name.Text+" comes from the record or from its key, not from both",
				"remove one of the two")
		}
	}
	return s
}
