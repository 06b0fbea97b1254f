package duck_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/sql"
)

// values has expressions of all types, and of values that are easy to print wrong.
var values = []string{
	"true", "NULL", "1::TINYINT", "-5::SMALLINT", "7::INTEGER", "(-9223372036854775807 - 1)::BIGINT",
	"(-170141183460469231731687303715884105727 - 1)::HUGEINT",
	"255::UTINYINT", "18446744073709551615::UBIGINT", "340282366920938463463374607431768211455::UHUGEINT",
	"123456789012345678901234567890::BIGNUM",
	"-0.05::DECIMAL(5,2)", "12345678901234567890.123::DECIMAL(38,3)", "7::DECIMAL(9,0)",
	"0.1::DOUBLE", "1e20::DOUBLE", "1e-7::DOUBLE", "'nan'::DOUBLE", "'-inf'::DOUBLE", "1e16::DOUBLE", "1e15::DOUBLE", "0.0001::DOUBLE",
	"-0.0::DOUBLE", "5e-324::DOUBLE",
	"'héllo'", "''", "'🦆'", "chr(0) || 'a'", "E'tab\\there\\nnl\\x01\\\\\"'", "repeat('long ', 5000)",
	"DATE '2020-01-02'", "DATE '0044-03-15 (BC)'", "DATE '12345-01-01'", "'infinity'::DATE", "TIME '24:00:00'", "TIME '10:11:12.5'",
	"'10:00:00.5-05:30'::TIMETZ", "TIME_NS '10:00:00.123456789'",
	"TIMESTAMP '2020-01-01 10:00:00.000001'", "TIMESTAMP '0044-03-15 (BC) 01:02:03'", "'-infinity'::TIMESTAMP",
	"TIMESTAMPTZ '2020-01-01 10:00:00+02'", "'infinity'::TIMESTAMPTZ",
	"TIMESTAMP_S '2020-01-01 10:00:00'", "TIMESTAMP_MS '2020-01-01 10:00:00.12'", "TIMESTAMP_NS '2020-01-01 10:00:00.123456789'",
	"INTERVAL 90 MINUTE", "INTERVAL '-13 months'", "INTERVAL '-1 month 2 days -3 hours'", "INTERVAL 0 SECOND", "'0101'::BIT",
	"'\\xAA\\x00ab\"'::BLOB", "''::BLOB",
	"'4ac7a9e9-607c-4c8a-84f3-843f0191e3fd'::UUID", "'a b'::ENUM('a', 'a b')", "'POINT(1 2)'::GEOMETRY", "'abc'::VARIANT",
	"{'a': [1, 2]}::VARIANT",
	"[1, 2, NULL]", "[]::INTEGER[]", "[[1], [2, 3]]", "[1, 2]::INTEGER[2]", "[' a', 'it''s', '(x)', 'a=b', 'a:b', 'NULL', 'a\\b', '']",
	"[TIMESTAMP '2020-01-01 10:00:00', NULL]", "[1.50::DECIMAL(4,2)]",
	"['\\xAA,'::BLOB]", "['{\"b\": 1, \"a\": 2}'::JSON]", "{'z': 1, 'it''s': 'x y', 'c': NULL, 'D\"q': [DATE '2020-01-02']}", "row(1, 'x')",
	"MAP {'k,1': 1, 'null': NULL}", "MAP {[1, 2]: {'a': 1}}",
	"union_value(num := 2)", "[union_value(s := 'a,b')]", "'null'::JSON",
}

func query(t *testing.T, c *duck.Conn, text string) *duck.Result {
	t.Helper()
	r, err := c.Query(t.Context(), duck.Text(text), sql.Place{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// Text is what DuckDB's own cast prints, JSON what to_json gives, in a vector among others of the same type.
func TestResultPrintsAsDuckDB(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	for _, e := range values {
		r := query(t, c, "SELECT v, CAST(v AS VARCHAR) AS t, CAST(to_json(v) AS VARCHAR) AS j FROM (SELECT 0 AS i, "+
			"NULL AS v UNION ALL SELECT 1, "+e+" UNION ALL SELECT 2, "+e+") ORDER BY i")
		for row := 0; r.Next(); row++ {
			got, ok := r.Text(0)
			want, wok := r.Text(1)
			if got != want || ok != wok || row == 0 && ok {
				t.Errorf("%s (%s): %q %v, DuckDB prints %q %v", e, r.Columns[0].Type, got, ok, want, wok)
			}
			want, ok = r.Text(2)
			if !ok {
				want = "null"
			}
			if j := string(r.JSON(0)); j != want && j != `"`+want+`"` || !json.Valid([]byte(j)) {
				t.Errorf("%s (%s): JSON %s, DuckDB gives %s", e, r.Columns[0].Type, j, want)
			}
		}
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", e, err)
		}
	}
}

// Where to_json gives what is no JSON, or loses digits, Result does not.
func TestResultJSON(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	for e, want := range map[string]string{
		"0.1::FLOAT": "0.1", "'inf'::FLOAT": `"Infinity"`, "'nan'::DOUBLE": `"NaN"`,
		"{'a': 'NaN \"-Infinity\\', 'b': ['-inf'::DOUBLE, 1], 'Infinity': 'nan'::FLOAT}":     `{"a":"NaN \"-Infinity\\","b":["-Infinity",1.0],"Infinity":"NaN"}`,
		`'{"b": 1,  "a": 12345678901234567890, "f": 1.10, "n": [1e400], "s": "a  b"}'::JSON`: `{"b":1,"a":12345678901234567890,"f":1.10,"n":[1e400],"s":"a  b"}`,
		"'null'::JSON": "null", "1.50::DECIMAL(5,2)": "1.5", "TIMESTAMP '2020-01-01 10:00:00'": `"2020-01-01 10:00:00"`,
	} {
		r := query(t, c, "SELECT "+e)
		if !r.Next() || string(r.JSON(0)) != want {
			t.Errorf("%s: %s, want %s", e, r.JSON(0), want)
		}
	}
}

func TestQuoteNonFinite(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune{'N', 'a', '"', '\\', 'I', '-', 'é', 0})).Draw(t, "s")
		r, err := c.Query(context.Background(), duck.SQL("SELECT {'s': {s}, 'n': 'nan'::DOUBLE, 't': [{s} || 'NaN']}", duck.Args{"s": s}),
			sql.Place{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var got struct {
			S, N string
			T    []string
		}
		if !r.Next() || json.Unmarshal(r.JSON(0), &got) != nil || got.S != s || got.N != "NaN" || got.T[0] != s+"NaN" {
			t.Fatalf("%q gives %s", s, r.JSON(0))
		}
	})
}

// All chunks come, in order, with rows of NULL, strings short and long; a result that ended gives its connection back.
func TestResultChunks(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	const rows = 10_000
	r := query(t, c, "SELECT i, CASE WHEN i % 7 > 0 THEN repeat('x', (i % 30)::INTEGER) END AS s FROM range("+strconv.Itoa(rows)+") t(i) ORDER BY i")
	n := 0
	for ; r.Next(); n++ {
		i, _ := r.Text(0)
		s, ok := r.Text(1)
		if i != strconv.Itoa(n) || ok != (n%7 > 0) || ok && s != strings.Repeat("x", n%30) {
			t.Fatalf("row %d: %s %q %v", n, i, s, ok)
		}
	}
	if n != rows || r.Err() != nil || r.Next() {
		t.Errorf("%d rows, %v", n, r.Err())
	}
	if !r.Number(0) || r.Number(1) {
		t.Error("a number is BIGINT, not VARCHAR")
	}
	if got := query(t, c, "SELECT 42 AS a, 43 AS a"); !got.Next() {
		t.Error("no row after it")
	} else if diff := cmp.Diff([]duck.Column{{Name: "a", Type: "INTEGER"}, {Name: "a", Type: "INTEGER"}}, got.Columns); diff != "" {
		t.Error(diff)
	}
}

// What gives no rows has no columns; DuckDB's several statements for a PIVOT count as one.
func TestResultColumns(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	for _, x := range []struct{ text, cols string }{
		{"SET threads = 2", ""}, {"BEGIN", ""}, {"CREATE TABLE t (a INTEGER)", ""}, {"INSERT INTO t VALUES (1), (2)", ""},
		{"INSERT INTO t VALUES (2) RETURNING a + 1 AS b", "b"}, {"COMMIT", ""},
		{"CHECKPOINT", ""}, {"CREATE TABLE u AS SELECT 1", ""}, {"PIVOT t ON a USING count(*)", "1 2"}, {"SELECT a FROM t WHERE false", "a"},
		{"PREPARE p AS SELECT 1 AS x", ""}, {"EXECUTE p", "x"},
	} {
		r := query(t, c, x.text)
		if got := strings.Join(duck.ColumnNames(r.Columns), " "); got != x.cols {
			t.Errorf("%s: columns %q, want %q", x.text, got, x.cols)
		}
		for r.Next() {
		}
		if r.Err() != nil {
			t.Errorf("%s: %v", x.text, r.Err())
		}
	}
	if n, err := c.Int(t.Context(), duck.SQL("SELECT count(*) FROM t")); n != 3 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// Times with a zone are printed in the zone that the user set, as of the statement that prints them.
func TestResultTimeZone(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	for _, x := range []struct{ set, want string }{
		{"SELECT 1", "2020-07-01 12:00:00+00"}, {"SET TimeZone = 'America/New_York'", "2020-07-01 08:00:00-04"},
		{"SET TimeZone = 'UTC'", "2020-07-01 12:00:00+00"},
	} {
		query(t, c, x.set).Close()
		r := query(t, c, "SELECT TIMESTAMPTZ '2020-07-01 12:00:00+00'")
		if !r.Next() {
			t.Fatal(r.Err())
		}
		if got, _ := r.Text(0); got != x.want {
			t.Errorf("%s: %s, want %s", x.set, got, x.want)
		}
		r.Close()
	}
	for range 2 { // a connection that was given back is as a new one
		other, err := c.DB.Reader(t.Context())
		if err != nil || other.Setting("TimeZone") != "UTC" {
			t.Fatal(other.Setting("TimeZone"), err)
		}
		query(t, other, "SET TimeZone = 'America/New_York'").Close()
		other.Close()
	}
}

// An error has its place in the script, whenever DuckDB finds it; a cancelled context ends a result.
func TestResultErrors(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	text := "SELECT CASE WHEN i = 5000000 THEN error('late') ELSE i END FROM range(10000000) t(i)"
	src := sql.NewSource("s.sql", text)
	whole := sql.Span{Start: 0, End: len(text)}
	r, err := c.Query(t.Context(), duck.User(src, whole), sql.Place{Src: src, Span: whole})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r.Next() {
		n++
	}
	var e *sql.Error
	if !errors.As(r.Err(), &e) || e.Src != src || e.Msg != "late" || n == 0 || n > 5_000_000 {
		t.Errorf("%d rows, then %v", n, r.Err())
	}
	for _, bad := range []string{"SELEC 1", "SELECT nope", "SELECT error('early')", "SELECT $1", "SELECT 'x'::INTEGER"} {
		if _, err := c.Query(t.Context(), duck.Text(bad), sql.Place{}); !errors.As(err, &e) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err = c.Query(ctx, duck.SQL("SELECT i FROM range(1000000000) t(i)"), sql.Place{})
	if err != nil {
		t.Fatal(err)
	}
	for n = 0; r.Next(); n++ {
		if n == 5000 {
			cancel()
		}
	}
	if !errors.Is(r.Err(), context.Canceled) || n > 100_000_000 {
		t.Errorf("a cancel after 5000 rows ended it after %d: %v", n, r.Err())
	}
	if _, err := c.Query(ctx, duck.SQL("SELECT 1"), sql.Place{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
	if got := query(t, c, "SELECT 1"); !got.Next() || got.Err() != nil {
		t.Error("the connection is of no use after a cancel")
	}
}

// Two results at once, on two connections of a database, don't mix their rows.
func TestResultsSideBySide(t *testing.T) {
	t.Parallel()
	db := open(t, "")
	other, err := db.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a, b := query(t, db.Writer(), "SELECT 'a' || i FROM range(5000) t(i)"), query(t, other, "SELECT 'b' || i FROM range(5000) t(i)")
	for i := 0; a.Next() && b.Next(); i++ {
		x, _ := a.Text(0)
		y := string(bytes.Trim(b.JSON(0), `"`))
		if x != "a"+strconv.Itoa(i) || y != "b"+strconv.Itoa(i) {
			t.Fatalf("row %d: %s %s", i, x, y)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	if _, err := c.Exec(t.Context(), duck.SQL("CREATE TYPE mood AS ENUM ('sad', 'it''s')")); err != nil {
		t.Fatal(err)
	}
	for q, want := range map[string][]duck.Column{
		`SELECT 1 AS "1", NULL::mood AS héllo, [{'a b': 1.5}] AS "a name longer than twelve bytes"`: {
			{"1", "INTEGER"}, {"héllo", "ENUM('sad', 'it''s')"}, {"a name longer than twelve bytes", `STRUCT("a b" DECIMAL(2,1))[]`}},
		"PIVOT (SELECT unnest(['x', 'y']) AS k, 1::BIGINT AS n) ON k USING max(n)": {{"x", "BIGINT"}, {"y", "BIGINT"}},
	} {
		if got, err := c.Describe(t.Context(), duck.Text(q), sql.Place{}); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %v %v", q, got, err)
		}
	}
	var many []*duck.Query // more than a vector has rows
	for i := range 5000 {
		many = append(many, duck.SQL("1 AS {n}", duck.Args{"n": duck.Ident("c" + strconv.Itoa(i))}))
	}
	got, err := c.Describe(t.Context(), duck.Cat(duck.SQL("SELECT "), duck.Join(", ", many...)), sql.Place{})
	if err != nil || len(got) != 5000 || got[4999].Name != "c4999" {
		t.Errorf("%d columns of 5000: %v", len(got), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Describe(ctx, duck.SQL("SELECT 1"), sql.Place{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
	for _, bad := range []string{"SELEC 1", "SELECT nope", "SELECT 1; SELECT 2"} {
		if got, err := c.Describe(t.Context(), duck.Text(bad), sql.Place{}); err == nil {
			t.Errorf("%s: %v", bad, got)
		}
	}
}
