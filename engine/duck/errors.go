package duck

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"dsql/internal/lazy"
	"dsql/sql"
	"dsql/sql/code"
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
func (q *Query) locate(err error, at sql.Place) error {
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
		return at.Errorf(code.DuckDB, "%s", err).WithCause(err)
	}
	msg, rest, _ := strings.Cut(d.Message, "\n")
	e := at.Errorf(code.OfDuckDB(d.Type), "%s", lowerFirst(strings.TrimSuffix(msg, "!"))).WithCause(err)
	if d.Subtype == "COLUMN_NOT_FOUND" {
		e.Column = d.Name
	}
	if pos, perr := strconv.Atoi(d.Position); perr == nil {
		if src, sp, ok := q.place(pos, tokenLen(q.Text, pos)); ok {
			e.Src, e.Span = src, sp
		}
	}
	if op, behind := strings.CutSuffix(d.Name, "__postfix"); behind { // DuckDB takes an operator without an operand for a function of its own
		e.Code, e.Msg = code.DuckDBParser, "nothing stands behind the operator "+op
		return e
	}
	if strings.Contains(d.Message, "No space left on device") {
		e.Code = code.DiskFull
		return e.WithHint("make room on the disk and run again: what was committed before stays, and the run goes on behind it")
	}
	if strings.Contains(msg, CanBeRead) {
		e.Code = code.NoVersion
		return e.WithHint("dsql.versions lists them with their times")
	}
	if e.Code == code.DuckDBParser && e.Src != nil {
		if word := reservedName(e.Place()); word != "" {
			return e.WithHint(word + " is a reserved word: as a name, write " + `"` + word + `"`)
		}
	}
	list := d.Candidates
	if m := candidates().FindStringSubmatch(rest); list == "" && m != nil {
		list = m[1]
	}
	wrong := d.Name
	if wrong == "" && e.Src != nil {
		wrong = e.Place().Text()
	}
	if c := firstCandidate(list); c != "" && (wrong == "" || sql.Nearest(wrong, []string{c}) != "") { // DuckDB always has one, however far
		e.Hint = "did you mean " + c + "?"
	}
	return e
}

// CanBeRead stands in what macros say with error() of a version that can't be read.
const CanBeRead = " can be read at versions "

var candidates = lazy.Regexp(`(?:Candidate bindings|Candidate functions|Did you mean|Candidates): *(.*)`)

func firstCandidate(s string) string {
	s, _, _ = strings.Cut(s, ",")
	return strings.Trim(s, "\"[] ?\t")
}

// AtRunTime gives an error that DuckDB found while a user's statement ran the exit code for that.
func AtRunTime(err error) error {
	var e *sql.Error
	if errors.As(err, &e) && e.ExitCode() == code.ExitScript && e.Code.IsDuckDB() {
		c := *e
		return c.WithExit(code.ExitFailed)
	}
	return err
}

// What DuckDB says of a statement, as those tell apart who go on behind it.
var (
	conversion   = code.OfDuckDB("Conversion")
	invalidInput = code.OfDuckDB("Invalid Input")
	inputOutput  = code.OfDuckDB("IO")
	outOfMemory  = code.OfDuckDB("Out of Memory")
	wasAborted   = code.OfDuckDB("TransactionContext")
)

// IsMissing: DuckDB knows no table, function or type of that name.
func IsMissing(err error) bool { return sql.HasCode(err, code.DuckDBCatalog) }

// IsConversion: a value can't become one of the type that it is cast to.
func IsConversion(err error) bool { return sql.HasCode(err, conversion) }

// IsInvalidInput: a function refuses the value of an argument, such as a regular expression that doesn't compile.
func IsInvalidInput(err error) bool { return sql.HasCode(err, invalidInput) }

// IsIO: a file can't be read or written.
func IsIO(err error) bool { return sql.HasCode(err, inputOutput) }

// IsOutOfMemory: the statement needs more than memory_limit.
func IsOutOfMemory(err error) bool { return sql.HasCode(err, outOfMemory) }

// IsAborted: the error only comes of another, which ended the transaction.
func IsAborted(err error) bool { return sql.HasCode(err, wasAborted) }

// aborted is IsAborted of an error as DuckDB gives it.
func aborted(err error) bool {
	d, _ := readDuckError(err)
	return code.OfDuckDB(d.Type) == wasAborted
}

// endsTransaction: all errors but those of names, types and grammar.
func endsTransaction(err error) bool {
	return !sql.HasCode(err, code.DuckDBBinder, code.DuckDBCatalog, code.DuckDBParser)
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
