package pyfunc_test

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/testkit"
	"dsql/internal/testpython"
	"dsql/pyfunc"
	"dsql/sql"
)

var functions = kind.FunctionKind(pyfunc.Python)

// define runs a CREATE FUNCTION.
func define(t testing.TB, c *duck.Conn, script string) error {
	t.Helper()
	src := sql.NewSource("test.sql", script)
	stmts, err := sql.Parse(src, []*sql.Syntax{functions.Syntax})
	if err != nil {
		return err
	}
	o, err := functions.Compile(stmts[0].Decl)
	if err != nil {
		return err
	}
	return c.Update(t.Context(), func(tx *duck.Tx) error {
		return o.(kind.Definition).Define(t.Context(), tx, &kind.Env{Dir: os.TempDir()})
	})
}

// literals are values of each type, those at its ends among them. What a style of call can't take is left out of lists by its name.
var literals = map[string][]string{
	"BOOLEAN":   {"true", "false"},
	"TINYINT":   {"-128", "0", "127"},
	"UTINYINT":  {"0", "255"},
	"SMALLINT":  {"-32768", "32767"},
	"USMALLINT": {"65535", "0"},
	"INTEGER":   {"-2147483648", "2147483647", "0", "42"},
	"UINTEGER":  {"4294967295", "0"},
	"BIGINT":    {"-9223372036854775808", "9223372036854775807", "9007199254740993"},
	"UBIGINT":   {"18446744073709551615", "0"},
	"HUGEINT":   {"-170141183460469231731687303715884105728", "170141183460469231731687303715884105727", "0", "-1"},
	"UHUGEINT":  {"340282366920938463463374607431768211455", "0"},
	"BIGNUM": {"0", "-1", "255", "123456789012345678901234567890123456789012345678901234567890",
		"-98765432109876543210987654321098765432109876543210"},
	"FLOAT":          {"0", "'-0'", "1.5", "'inf'", "3.4028235e38", "1e-45", "0.1"},
	"DOUBLE":         {"0", "'-0'", "0.1", "'-inf'", "1.7976931348623157e308", "5e-324"},
	"DECIMAL(1,0)":   {"-9", "0", "9"},
	"DECIMAL(4,1)":   {"-999.9", "0", "0.1"},
	"DECIMAL(9,9)":   {"0.999999999", "-0.000000001"},
	"DECIMAL(18,3)":  {"999999999999999.999", "-0.001"},
	"DECIMAL(19,0)":  {"9999999999999999999", "-9007199254740993"},
	"DECIMAL(38,0)":  {"99999999999999999999999999999999999999", "-99999999999999999999999999999999999999"},
	"DECIMAL(38,10)": {"9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999999"},
	"VARCHAR":        {"''", "'a'", "'more than twelve bytes of text'", "'ä€😀'", "chr(0) || 'x'", "'None'", "'nan'"},
	"BLOB": {"'\\x00\\xFF'::BLOB", "''::BLOB",
		"'\\xAA\\xBB\\xCC\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09'::BLOB"},
	"BIT": {"'1'", "'0'", "'01010101'", "'110000000'", "'00000000000000001'"},
	"UUID": {"'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
		"'12345678-9abc-def0-1234-56789abcdef0'"},
	"JSON":                {"'{\"a\": [1, null]}'", "'null'", "'1e400'"},
	"DATE":                {"'1970-01-01'", "'0001-01-01'", "'9999-12-31'", "'2024-02-29'"},
	"TIME":                {"'00:00:00'", "'23:59:59.999999'"},
	"TIME_NS":             {"'00:00:00'", "'23:59:59.999999'"},
	"TIME WITH TIME ZONE": {"'00:00:00+00'", "'23:59:59.999999+05:30'", "'12:00:00-15:59:59'"},
	"TIMESTAMP": {"'1970-01-01 00:00:00'", "'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'",
		"'2024-02-29 12:34:56.789012'"},
	"TIMESTAMP_S":              {"'1969-12-31 23:59:59'", "'2024-02-29 12:34:56'"},
	"TIMESTAMP_MS":             {"'1969-12-31 23:59:59.999'", "'2024-02-29 12:34:56.789'"},
	"TIMESTAMP_NS":             {"'1969-12-31 23:59:59.999999999'", "'2024-02-29 12:34:56.789012345'"},
	"TIMESTAMP WITH TIME ZONE": {"'1970-01-01 00:00:00+00'", "'2024-02-29 12:34:56.789012+03'"},
	"INTERVAL":                 {"'0 days'", "'1 year 2 months 3 days 4 hours 5.678901 seconds'", "'-1 month 10 days'"},
	"ENUM('a', 'it''s', 'c')":  {"'a'", "'it''s'"},
}

// generator makes random types and values.
type generator struct {
	*rand.Rand
	plain       []string
	noWideNulls bool // pandas makes floats of integers beside NULL
}

func (g *generator) typ(depth int) string {
	if depth == 0 || g.Intn(3) == 0 {
		return g.plain[g.Intn(len(g.plain))]
	}
	switch g.Intn(4) {
	case 0:
		return g.typ(depth-1) + "[]"
	case 1:
		return fmt.Sprintf("%s[%d]", g.typ(depth-1), 1+g.Intn(3))
	case 2:
		return fmt.Sprintf("STRUCT(a %s, \"b c\" %s)", g.typ(depth-1), g.typ(depth-1))
	}
	key := g.plain[g.Intn(len(g.plain))]
	return fmt.Sprintf("MAP(%s, %s)", key, g.typ(depth-1))
}

// value is a literal of the type. Of a map's keys there is one: two might be equal.
func (g *generator) value(typ string, null bool) string {
	if null && g.Intn(5) == 0 {
		return "NULL"
	}
	if l := literals[typ]; l != nil {
		return literal(l[g.Intn(len(l))], typ)
	}
	var parts []string
	switch {
	case strings.HasSuffix(typ, "[]"):
		for range g.Intn(4) {
			parts = append(parts, g.value(typ[:len(typ)-2], true))
		}
		return "[" + strings.Join(parts, ", ") + "]::" + typ
	case strings.HasSuffix(typ, "]"):
		open := strings.LastIndexByte(typ, '[')
		for range int(typ[open+1] - '0') {
			parts = append(parts, g.value(typ[:open], true))
		}
		return "[" + strings.Join(parts, ", ") + "]::" + typ
	case strings.HasPrefix(typ, "STRUCT("):
		a, b := halves(typ[len("STRUCT(a "):len(typ)-1], `, "b c" `)
		return fmt.Sprintf("{'a': %s, 'b c': %s}::%s", g.value(a, true), g.value(b, true), typ)
	}
	key, val := halves(typ[len("MAP("):len(typ)-1], ", ")
	return fmt.Sprintf("MAP {%s: %s}::%s", g.value(key, false), g.value(val, true), typ)
}

// literal is the value as the type. A number goes as a text: a literal's own type might not hold it.
func literal(l, typ string) string {
	if l[0] == '-' || l[0] >= '0' && l[0] <= '9' {
		l = "'" + l + "'"
	}
	return l + "::" + typ
}

// halves cuts at the first sep outside brackets.
func halves(s, sep string) (string, string) {
	depth := 0
	for i := range s {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && strings.HasPrefix(s[i:], sep) {
			return s[:i], s[i+len(sep):]
		}
	}
	panic(s)
}

var styles = map[string]string{"row": "object", "numpy": "np.ndarray", "pandas": "pd.Series", "arrow": "pa.Array"}

// TestIdentity sends random values of random types through functions that give back what they get.
func TestIdentity(t *testing.T) {
	t.Parallel()
	python := testpython.Need(t)
	for style, annotation := range styles {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			c := testkit.Open(t, 2).Writer()
			if err := pyfunc.Restore(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			g := &generator{Rand: rand.New(rand.NewSource(7)), plain: plain(style), noWideNulls: style == "pandas"}
			types := append([]string{}, g.plain...)
			for range 60 {
				types = append(types, g.typ(3))
			}
			for i, typ := range types {
				name := fmt.Sprintf("same_%d", i)
				script := fmt.Sprintf("CREATE FUNCTION %s(x %s) RETURNS %s LANGUAGE python (python '%s', workers 1) AS $$\n"+
					"%sdef %s(x: %s):\n    return x\n$$", name, typ, typ, python, imported[style], name, annotation)
				if err := define(t, c, script); err != nil {
					t.Fatalf("%s: %s", typ, testkit.Rendered(err))
				}
				same(t, c, g, name, typ, nulls(style, typ))
			}
		})
	}
}

var imported = map[string]string{"numpy": "import numpy as np\n", "pandas": "import pandas as pd\n", "arrow": "import pyarrow as pa\n"}

// nulls: numpy's integers and booleans have none, and its floats NaN instead.
func nulls(style, typ string) bool {
	if style == "numpy" && (typ == "DOUBLE" || typ == "FLOAT") {
		return false
	}
	return style != "numpy" || !strings.HasSuffix(typ, "INT") && !strings.HasSuffix(typ, "INTEGER") && typ != "BOOLEAN" || typ == "HUGEINT" ||
		typ == "UHUGEINT"
}

// plain are the types that a style takes values of.
func plain(style string) (out []string) {
	for typ := range literals {
		out = append(out, typ)
	}
	slices.Sort(out)
	return out
}

// same sends rows of values of the type through a function.
func same(t *testing.T, c *duck.Conn, g *generator, name, typ string, nulls bool) {
	t.Helper()
	var rows []string
	for _, l := range literals[typ] {
		rows = append(rows, "("+literal(l, typ)+")")
	}
	for range 40 {
		rows = append(rows, "("+g.value(typ, nulls)+")")
	}
	testkit.Exec(t, c, "CREATE OR REPLACE TABLE v AS SELECT x::"+typ+" AS x FROM (VALUES "+strings.Join(rows, ", ")+") t(x)")
	if wide := strings.HasSuffix(typ, "BIGINT") && strings.Contains(name, "same"); wide && g.noWideNulls {
		testkit.Exec(t, c, "DELETE FROM v WHERE x IS NULL")
	}
	compare(t.Context(), t, c, typ, duck.SQL("SELECT x, {f}(x) AS y FROM v", duck.Args{"f": duck.Ident(name)}))
	testkit.Exec(t, c, "CREATE OR REPLACE TABLE many AS SELECT x FROM v, range(4500 // (SELECT count(*) FROM v)) ORDER BY hash(range, x::VARCHAR)")
	ctx, ahead := pyfunc.WithAhead(t.Context())
	defer ahead.Close()
	q := duck.SQL("SELECT x, {f}(x) AS y FROM {many}", duck.Args{"f": duck.Ident(name), "many": pyfunc.Mark(duck.Ident("many"))})
	if err := pyfunc.Rehearse(ctx, c, q, 1); err != nil {
		t.Errorf("%s: %s", typ, testkit.Rendered(err))
	}
	compare(ctx, t, c, typ+", several vectors at once", q)
}

// compare tells of rows of a query whose x is another than y.
func compare(ctx context.Context, t *testing.T, c *duck.Conn, typ string, q *duck.Query) {
	t.Helper()
	differ, err := duck.Select(ctx, c,
		duck.SQL("SELECT x::VARCHAR, y::VARCHAR FROM ({q}) WHERE x::VARCHAR IS DISTINCT FROM y::VARCHAR OR x IS DISTINCT FROM y",
			duck.Args{"q": q}), func(row func(...any) error) (p [2]*string, err error) { return p, row(&p[0], &p[1]) })
	if err != nil {
		t.Errorf("%s: %s", typ, testkit.Rendered(err))
		return
	}
	for _, d := range differ[:min(len(differ), 3)] {
		t.Errorf("%s: %s came back as %s", typ, deref(d[0]), deref(d[1]))
	}
}

func deref(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}
