package ingest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Each error stands under the user's text; here: code, text under the caret, message.
func TestDeclarationErrors(t *testing.T) {
	t.Parallel()
	for _, k := range []struct{ text, code, at, msg string }{
		{"FROM FILES (format csv)", "missing-pattern", "(format csv)", "names no files"},
		{"FROM FILES ('in/{a')", "bad-pattern", "'in/{a'", "begins no {name}"},
		{"FROM FILES (env('IN'))", "no-env", "env('IN')", "files need none"},
		{"FROM FILES ('in/*')", "unknown-format", "'in/*'", "the ending of in/* does not say the format"},
		{"FROM FILES ('*.csv', format xml)", "bad-choice", "xml", "xml is no format"},
		{"FROM FILES ('*.csv', format)", "bad-choice", "format", "format needs a value"},
		{"FROM FILES ('*.csv', format avro)", "bad-choice", "avro", "avro is no format"},
		{"FROM FILES ('*.csv', mode upsert)", "bad-choice", "upsert", "upsert is no mode"},
		{"FROM FILES ('*.csv', batch_rows 0)", "bad-number", "0", "from 1 to 10000000"},
		{"FROM FILES ('*.csv', batch_files x)", "bad-number", "x", "batch_files is a whole number"},
		{"FROM FILES ('*.csv', header maybe)", "bad-choice", "maybe", "maybe is no header"},
		{"FROM FILES ('*.csv', delim ':::::')", "bad-character", "':::::'", `delim is one to four bytes, without line ends, not ":::::"`},
		{"FROM FILES ('*.csv', delim '')", "bad-character", "''", "one to four bytes"},
		{"FROM FILES ('*.csv', encoding 'klingon')", "bad-choice", "'klingon'", "no encoding klingon"},
		{"FROM FILES ('*.csv', thousands ',', decimal_separator ',')", "contradicting-options", "','", ", is decimal_separator already"},
		{"FROM FILES ('*.csv', ignore_errors true)", "unknown-option", "ignore_errors", "no option ignore_errors"},
		{"FROM FILES (in/**/*.csv)", "unknown-option", "in", "no option in"},
		{"FROM FILES ('*.csv') ON MISSING COLUMN DROP", "bad-choice", "DROP", "expected WARN, NULL or FAIL"},
		{"(id BIGINT) FROM KAFKA (brokers 'h:1', topic 't', format json) ON MISSING COLUMN NULL", "contradicting-options", "ON MISSING COLUMN",
			"no header"},
		{"FROM FILES ('*.csv', quote 'é')", "bad-character", "'é'", "one ASCII character"},
		{"FROM FILES ('*.csv', decimal_separator '-')", "bad-character", "'-'", "decimal_separator is . or ,"},
		{"FROM FILES ('*.csv', nullstr 5)", "expected-string", "5", "nullstr is a text"},
		{"FROM FILES ('*.csv', nullstr (a, b))", "expected-string", "(a, b)", "list of texts"},
		{"FROM FILES ('*.json', header true)", "contradicting-options", "header", "header is an option of format csv, and this is json"},
		{"FROM FILES ('*.parquet', dateformat '%Y')", "contradicting-options", "dateformat", "csv and json, and this is parquet"},
		{"FROM FILES ('*.csv', sep ',', delim ';')", "contradicting-options", "sep", "another name of delim"},
		{"FROM FILES ('*.csv', delim ';', quote ';')", "contradicting-options", "';'", "; is delim already"},
		{"FROM FILES ('*.csv', quote '', escape '\\')", "contradicting-options", "escape", "nothing to escape"},
		{"FROM FILES ('{d}.csv', mode snapshot, batch_files 2)", "contradicting-options", "batch_files", "all files with the same captures"},
		{"(id BIGINT FROM KEY) FROM FILES ('*.csv')", "no-key", "FROM KEY", "have no key"},
		{"(id BIGINT FROM KEY '$.a') FROM FILES ('*.csv')", "no-key", "FROM KEY", "have no key"},
		{"(id BIGINT FROM 'a.b') FROM FILES ('*.json')", "bad-path", "'a.b'", "is no path"},
		{"(id BIGINT FROM '$.a[x]') FROM FILES ('*.json')", "bad-path", "'$.a[x]'", "is no path"},
		{"(day DATE FROM '$.day') FROM FILES ('{day}.json')", "contradicting-options", "FROM", "part of the path"},
		{"(_meta INTEGER) FROM FILES ('*.csv')", "reserved-column", "_meta", "_meta already"},
		{"() FROM FILES ('*.csv')", "no-columns", "()", "is empty"},
		{"FROM FILES ('*.csv', fromat csv)", "unknown-option", "fromat", "no option fromat"},
		{"FROM FILES ('*.csv') ON BAD RECORD DROP", "bad-choice", "DROP", "expected REJECT, SKIP or FAIL"},
		{"FROM FILES ('*.csv') ON SCHEMA CHANGE ADD", "bad-choice", "ADD", "expected IGNORE, ADD COLUMNS or FAIL"},
	} {
		_, err := compileText("CREATE SOURCE s " + k.text)
		var e *sql.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", k.text, err)
			continue
		}
		at := e.Span.Of(e.Src)
		if diff := cmp.Diff([]string{k.code, k.at}, []string{e.Code.String(), at}); diff != "" || !strings.Contains(e.Msg, k.msg) ||
			e.ExitCode() != code.ExitScript {
			t.Errorf("%s: %s\n%s", k.text, e.Msg, diff)
		}
		if e.Hint == "" && e.Code != code.BadChoice {
			t.Errorf("%s: no hint", k.text)
		}
	}
}

func compileText(text string) (kind.Object, error) {
	stmts, err := sql.Parse(sql.NewSource("s.sql", text), []*sql.Syntax{Kind.Syntax})
	if err != nil {
		return nil, err
	}
	return Kind.Compile(stmts[0].Decl)
}
