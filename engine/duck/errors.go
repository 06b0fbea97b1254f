package duck

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"dsql/sql"
)

// duckError is what DuckDB says with errors_as_json on. All values are strings; position is a byte offset into the text that was
// run. Constraint violations and error() have none.
type duckError struct {
	Type       string `json:"exception_type"`
	Message    string `json:"exception_message"`
	Position   string `json:"position"`
	Subtype    string `json:"error_subtype"`
	Candidates string `json:"candidates"`
	Name       string `json:"name"`
}

// readDuckError finds the JSON in an error of the driver or of the C API ("Parser Error: {…}" or "{…}").
func readDuckError(err error) (duckError, bool) {
	text := err.Error()
	var de *duckdb.Error
	if errors.As(err, &de) {
		text = de.Msg
	}
	var d duckError
	i := strings.IndexByte(text, '{')
	if i < 0 || json.Unmarshal([]byte(text[i:]), &d) != nil || d.Message == "" {
		return duckError{}, false
	}
	return d, true
}

// plainMessage is DuckDB's message without JSON around it.
func plainMessage(err error) string {
	if d, ok := readDuckError(err); ok {
		return d.Message
	}
	return err.Error()
}

// locate turns DuckDB's error about q into one with a caret under the user's text. at is the place to show when the error has no
// position or one in text that dsql wrote.
func (q *Query) locate(err error, at Place) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var known *sql.Error
	if errors.As(err, &known) {
		return err
	}
	if e := caught(err.Error()); e != nil {
		return e
	}
	d, ok := readDuckError(err)
	if !ok {
		return &sql.Error{Src: at.Src, Span: at.Span, Code: "duckdb", Msg: err.Error(), Exit: sql.ExitFailed, Err: err}
	}
	msg, rest, _ := strings.Cut(d.Message, "\n")
	e := &sql.Error{Src: at.Src, Span: at.Span, Code: duckCode(d.Type), Msg: lowerFirst(strings.TrimSuffix(msg, "!")), Err: err,
		Exit: exitOf(d.Type)}
	if pos, perr := strconv.Atoi(d.Position); perr == nil {
		if src, sp, ok := q.place(pos, tokenLen(q.Text, pos)); ok {
			e.Src, e.Span = src, sp
		}
	}
	if strings.Contains(d.Message, "No space left on device") {
		e.Code, e.Exit, e.Hint = "disk-full", sql.ExitFailed,
			"make room on the disk and run again: what was committed before stays, and the run goes on behind it"
		return e
	}
	if strings.Contains(msg, CanBeRead) {
		e.Code, e.Hint = "no-version", "dsql.versions lists them with their times"
		return e
	}
	list := d.Candidates
	if m := candidates.FindStringSubmatch(rest); list == "" && m != nil {
		list = m[1]
	}
	wrong := d.Name
	if wrong == "" && e.Src != nil {
		wrong = e.Span.Of(e.Src)
	}
	if c := firstCandidate(list); c != "" && (wrong == "" || sql.Nearest(wrong, []string{c}) != "") { // DuckDB always has one, however far
		e.Hint = "did you mean " + c + "?"
	}
	return e
}

// CanBeRead stands in what macros say with error() of a version that can't be read.
const CanBeRead = " can be read at versions "

var candidates = regexp.MustCompile(`(?:Candidate bindings|Candidate functions|Did you mean|Candidates): *(.*)`)

func firstCandidate(s string) string {
	s, _, _ = strings.Cut(s, ",")
	return strings.Trim(s, "\"[] ?\t")
}

// duckCode makes DuckDB's exception type a code: "Conversion" → "duckdb-conversion".
func duckCode(t string) string {
	return "duckdb-" + strings.ToLower(strings.ReplaceAll(strings.TrimSpace(t), " ", "-"))
}

// exitOf: what DuckDB finds before a statement runs is an error of the script. Callers that ran a user's own statement use
// ExitFailed for all (see AtRunTime).
func exitOf(t string) int {
	switch t {
	case "Parser", "Binder", "Catalog", "Not implemented":
		return sql.ExitScript
	}
	return sql.ExitFailed
}

// AtRunTime gives an error that DuckDB found while a user's statement ran the exit code for that.
func AtRunTime(err error) error {
	var e *sql.Error
	if errors.As(err, &e) && e.Exit == sql.ExitScript && strings.HasPrefix(e.Code, "duckdb") {
		c := *e
		c.Exit = sql.ExitFailed
		return &c
	}
	return err
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && !(s[1] >= 'A' && s[1] <= 'Z') {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// tokenLen is how many bytes of the word, quoted name or string at pos to underline.
func tokenLen(text string, pos int) int {
	if pos < 0 || pos >= len(text) {
		return 1
	}
	s := text[pos:]
	if q := s[0]; q == '"' || q == '\'' {
		if i := strings.IndexByte(s[1:], q); i >= 0 {
			return i + 2
		}
		return 1
	}
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] >= 0x80 || s[n] >= '0' && s[n] <= '9' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	return max(n, 1)
}

// Place is where an error without a better position is shown.
type Place struct {
	Src  *sql.Source
	Span sql.Span
}

// At is the place of a declaration's name.
func At(d *sql.Decl) Place { return Place{d.Src, d.NameAt} }
