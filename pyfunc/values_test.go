package pyfunc_test

import (
	"fmt"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/internal/testkit"
	"dsql/internal/testpython"
)

// TestReturns: what a function gives is what RETURNS says, or an error that says which value of which row.
func TestReturns(t *testing.T) {
	t.Parallel()
	python := testpython.Need(t)
	c := testkit.Open(t, 1).Writer()
	testkit.Exec(t, c, "CREATE TABLE v AS SELECT range::INTEGER AS x FROM range(3)")
	for i, f := range []struct{ returns, annotation, value, want string }{
		{"INTEGER", "", "1.5 if x == 1 else x", "1.5 is no INTEGER; row 2 of 3"},
		{"INTEGER", "", "12.0", "12,12,12"},
		{"INTEGER", "", "'7'", "'7' is a str, and no INTEGER; row 1 of 3"},
		{"INTEGER", "", "True", "True is a bool, and no INTEGER; row 1 of 3"},
		{"TINYINT", "", "127 + x", "128 is out of range for TINYINT; row 2 of 3"},
		{"DOUBLE", "", "'1.5'", "'1.5' is a str, and no DOUBLE; row 1 of 3"},
		{"DOUBLE", "", "2**53 + x", "9007199254740993 is no DOUBLE without loss; row 2 of 3"},
		{"FLOAT", "", "1e40", "1e+40 is out of range for FLOAT; row 1 of 3"},
		{"DATE", "", "datetime(2024, 1, 1, 12)",
			"datetime.datetime(2024, 1, 1, 12, 0) is a datetime, and no DATE (it has a time of day: give v.date()); row 1 of 3"},
		{"DATE", "", "datetime(2024, 1, 1)", "2024-01-01,2024-01-01,2024-01-01"},
		{"DECIMAL(4,1)", "", "Decimal('1.25')", "Decimal('1.25') has more than 1 digits behind the point, which DECIMAL(4,1) has; row 1 of 3"},
		{"BLOB", "", "'text'", "'text' is a str, and no BLOB (encode it); row 1 of 3"},
		{"STRUCT(a INTEGER)", "", "{'a': 1, 'b': 2}", "{'a': 1, 'b': 2} has the key 'b', which STRUCT(a INTEGER) has not; row 1 of 3"},
		{"STRUCT(a INTEGER, b VARCHAR)", "", "{'a': x}", "{'a': 0, 'b': NULL},{'a': 1, 'b': NULL},{'a': 2, 'b': NULL}"},
		{"INTEGER[]", "", "[1, 'x'] if x == 2 else []", "element 2 of the value: 'x' is a str, and no INTEGER; row 3 of 3"},
		{"INTEGER[2]", "", "[1, 2, 3]", "[1, 2, 3] has 3 values, and INTEGER[2] has 2; row 1 of 3"},
		{"ENUM('a', 'b')", "", "'c'", "'c' is none of the values of ENUM('a', 'b'); row 1 of 3"},
		{"JSON", "", "'{'", "'{' is no JSON; row 1 of 3"},
		{"VARCHAR", "", "None", "NULL,NULL,NULL"},
		{"DOUBLE", "", "float('nan')", "nan,nan,nan"},
		{"DOUBLE", "np.ndarray", "np.full(len(x), np.nan)", "nan,nan,nan"},
		{"DOUBLE", "pd.Series", "x * np.nan", "NULL,NULL,NULL"},
		{"INTEGER", "np.ndarray", "x + 0.5", "0.5 is no INTEGER; row 1 of 3"},
		{"INTEGER", "np.ndarray", "x[:2]", "it gives 2 values for 3 rows; all 3"},
		{"INTEGER", "pd.Series", "x.sum()", "it gives one int64 and not as many values as it has rows: np.int64(3); all 3"},
		{"INTEGER", "pa.Array", "pa.array([1, 2, 3], pa.int64()).slice(0)", "1,2,3"},
		{"INTEGER", "pa.Array", "pa.chunked_array([[1], [2, 3]])", "1,2,3"},
		{"VARCHAR", "pa.Array", "pa.array(['a', 'b', 'a']).dictionary_encode()", "a,b,a"},
		{"TINYINT", "pa.Array", "pa.array([1, 300, 3])", "300 is out of range for TINYINT; row 2 of 3"},
		{"STRUCT(a INTEGER, b INTEGER)", "pd.Series", "pd.DataFrame({'b': x, 'a': x + 1})", "{'a': 1, 'b': 0},{'a': 2, 'b': 1},{'a': 3, 'b': 2}"},
	} {
		name := fmt.Sprintf("f%d", i)
		parameter := "x"
		if f.annotation != "" {
			parameter += ": " + f.annotation
		}
		if err := define(t, c, fmt.Sprintf("CREATE FUNCTION %s(x INTEGER) RETURNS %s LANGUAGE python (python '%s', workers 1) AS $$\n"+
			"import numpy as np, pandas as pd, pyarrow as pa\nfrom datetime import datetime\nfrom decimal import Decimal\ndef %s(%s):\n    "+
			"return %s\n$$",
			name, f.returns, python, name, parameter, f.value)); err != nil {
			t.Fatalf("%s: %s", f.value, testkit.Rendered(err))
		}
		if got := outcome(t, c, name); got != f.want {
			t.Errorf("RETURNS %s, %s: got\n%s\nwant\n%s", f.returns, f.value, got, f.want)
		}
	}
}

// outcome is what the function gives for the rows of v, or what is wrong and with which of them.
func outcome(t *testing.T, c *duck.Conn, name string) string {
	t.Helper()
	rows, err := duck.Select(t.Context(), c, duck.SQL("SELECT coalesce({f}(x)::VARCHAR, 'NULL') FROM v", duck.Args{"f": duck.Ident(name)}),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err == nil {
		return strings.Join(rows, ",")
	}
	text := testkit.Rendered(err)
	_, msg, _ := strings.Cut(text, name+": ")
	msg, rest, _ := strings.Cut(msg, " [function]")
	if _, row, ok := strings.Cut(rest, "(row "); ok {
		row, _, _ = strings.Cut(row, " of this call)")
		return msg + "; row " + strings.Replace(row, "of the ", "of ", 1)
	}
	return msg + "; all 3"
}

// TestNulls: what functions see where there is NULL.
func TestNulls(t *testing.T) {
	t.Parallel()
	python := testpython.Need(t)
	c := testkit.Open(t, 1).Writer()
	for i, f := range []struct{ typ, annotation, value, want string }{
		{"INTEGER", "object", "NULL", "None"},
		{"DOUBLE", "np.ndarray", "NULL", "[nan]"},
		{"VARCHAR", "np.ndarray", "NULL", "[None]"},
		{"INTEGER", "np.ndarray", "NULL",
			"x is NULL in INTEGER, which numpy's arrays can't hold: annotate the parameter as pandas.Series or pyarrow.Array, " +
				"or coalesce it in SQL"},
		{"INTEGER", "pd.Series", "NULL", "[nan]"},
		{"BIGINT", "pd.Series", "NULL), (9007199254740993",
			"x is BIGINT beyond 2^53 beside NULL, which pandas would make a float of: annotate the parameter " +
				"as pyarrow.Array, or coalesce it in SQL"},
		{"INTEGER", "pa.Array", "NULL", "[<pyarrow.Int32Scalar: None>]"},
		{"DATE", "object", "'infinity'", "x is infinity, which Python's times don't have: leave such rows out, or give them as text"},
		{"TIMESTAMP", "np.ndarray", "'-infinity'", "x is -infinity, which Python's times don't have: leave such rows out, or give them as text"},
	} {
		name := fmt.Sprintf("n%d", i)
		seen := "[repr(list(x))] * len(x)"
		if f.annotation == "object" {
			seen = "repr(x)"
		}
		if err := define(t, c, fmt.Sprintf("CREATE FUNCTION %s(x %s) RETURNS VARCHAR LANGUAGE python (python '%s', workers 1) AS $$\n"+
			"import numpy as np, pandas as pd, pyarrow as pa\ndef %s(x: %s):\n    return %s\n$$",
			name, f.typ, python, name, f.annotation, seen)); err != nil {
			t.Fatalf("%s: %s", f.value, testkit.Rendered(err))
		}
		testkit.Exec(t, c, fmt.Sprintf("CREATE OR REPLACE TABLE v AS SELECT x::%s AS x FROM (VALUES (%s)) t(x)", f.typ, f.value))
		got, _, _ := strings.Cut(strings.ReplaceAll(outcome(t, c, name), "np.float64(nan)", "nan"), "; ")
		if got != f.want {
			t.Errorf("%s %s: got\n%s\nwant\n%s", f.typ, f.annotation, got, f.want)
		}
	}
}
