package expr

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"dsql/engine/duck"
	"dsql/internal/testkit"
)

// The VM is the reference: what it gives for a row, the SQL gives for that row; where it stops with an error, the SQL is NULL.

// exprCols are the columns that expressions of tests are about.
var exprCols = []duck.Column{{Name: "a", Type: "BIGINT"}, {Name: "i", Type: "INTEGER"}, {Name: "b", Type: "DOUBLE"},
	{Name: "s", Type: "VARCHAR"}, {Name: "u", Type: "VARCHAR"}, {Name: "ok", Type: "BOOLEAN"},
	{Name: "at", Type: "TIMESTAMP"}, {Name: "tags", Type: "VARCHAR[]"}, {Name: "ns", Type: "BIGINT[]"}, {Name: "xs", Type: "DOUBLE[]"},
	{Name: "nn", Type: "INTEGER[][]"}, {Name: "flags", Type: "BOOLEAN[]"},
	{Name: "addr", Type: "STRUCT(city VARCHAR, zip BIGINT, geo STRUCT(lat DOUBLE, tags VARCHAR[]))"},
	{Name: "m", Type: "MAP(VARCHAR, BIGINT)"}, {Name: "ps", Type: `STRUCT("name" VARCHAR, age INTEGER, "big" DECIMAL(10,2))[]`}}

type row = map[string]any
type list = []any

var floats = `string(1e6 * b)
string(123456.0)
string(1234567.5)
string(-1e15)
string(1e16)
string(12345678901234567890.0)
string(0.0001)
string(0.00001)
string(-0.0)`

func clock(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05.999999", s)
	if err != nil {
		panic(err)
	}
	return t
}

// exprRows have NULL, empty, unicode and extreme values, at all depths.
var exprRows = []row{
	{"a": 7, "i": 3, "b": 2.5, "s": "Hello World", "u": "lo", "ok": true, "at": clock("2024-02-29 13:14:15.678901"),
		"tags": list{"x", "yy", "zz"}, "ns": list{3, 1, 2}, "xs": list{0.5, 2.5, -1.0}, "nn": list{list{1, 2}, list{3}},
		"flags": list{true, false},
		"addr":  row{"city": "Oslo", "zip": 150, "geo": row{"lat": 59.9, "tags": list{"n"}}}, "m": row{"a": 1, "b": 2},
		"ps": list{row{"name": "Ann", "age": 31, "big": 1.25}, row{"name": "Bob", "age": 4, "big": -3.5}}},
	{}, // NULL everywhere
	{"a": 0, "i": 0, "b": 0.0, "s": "", "u": "", "ok": false, "at": clock("1970-01-01 00:00:00"), "tags": list{}, "ns": list{}, "xs": list{},
		"nn": list{}, "flags": list{},
		"addr": row{"city": "", "zip": nil, "geo": nil}, "m": row{}, "ps": list{}},
	{"a": math.MaxInt64, "i": math.MaxInt32, "b": math.Inf(1), "s": " \tß Ünï🤦🏼cödé ", "u": "ü", "ok": true,
		"at": clock("2262-04-11 23:47:16.854775"), "tags": list{"ß", nil, "Ü", ""}, "ns": list{math.MaxInt64, 1, nil},
		"xs": list{math.NaN(), 1e308, math.Inf(-1)},
		"nn": list{nil, list{}, list{nil, 7}}, "flags": list{true, nil},
		"addr": row{"city": nil, "zip": math.MinInt64, "geo": row{"lat": nil, "tags": nil}}, "m": row{"": 5, "ü": nil},
		"ps": list{nil, row{"name": nil, "age": nil, "big": nil}}},
	{"a": math.MinInt64, "i": math.MinInt32, "b": math.NaN(), "s": "abcabc", "u": "bc", "ok": nil, "at": clock("1677-09-21 00:12:43.145225"),
		"tags": list{"b", "a", "b"}, "ns": list{math.MinInt64, -1}, "xs": list{1e-9, 1e16, 123456789.125},
		"nn": list{list{5, 4}, list{4, 5}}, "flags": list{true, true, true}, "addr": nil, "m": nil, "ps": nil},
	{"a": -7, "i": -3, "b": -1e-7, "s": "12", "u": "1", "ok": false, "at": clock("1969-12-31 23:59:59.999999"), "tags": list{"aa"},
		"ns": list{2, 2, 2}, "xs": list{math.Copysign(0, -1), 0.0}, "nn": list{list{1}}, "flags": list{false},
		"addr": row{"city": "Zürich", "zip": 8001, "geo": row{"lat": -0.5, "tags": list{nil}}}, "m": row{"a": nil},
		"ps": list{row{"name": "Cy", "age": -1, "big": 0.0}}},
	{"a": 1 << 53, "i": 64, "b": 1e21, "s": "3.75", "u": "", "ok": true, "at": clock("0001-01-01 00:00:00"), "tags": list{nil},
		"ns": list{1 << 62, 1 << 62}, "xs": list{1e21, -1e17, 0.1}, "nn": list{list{nil}}, "flags": list{nil, false},
		"addr": row{"city": "ǆ", "zip": 1, "geo": row{"lat": math.Inf(1), "tags": list{}}}, "m": row{"a": math.MaxInt64, "zz": 0},
		"ps": list{row{"name": "", "age": 0, "big": 99.99}, row{"name": "Ann", "age": 31, "big": 1.25}, nil}},
	{"a": 3, "i": 2, "b": 4.0, "s": "straße", "u": "e", "ok": nil, "at": nil, "tags": nil, "ns": list{0}, "xs": list{nil, 2.0}, "nn": nil,
		"flags": nil, "addr": row{"city": "x", "zip": 3, "geo": row{"lat": 4.0, "tags": list{"x", "e"}}}, "m": row{"e": 3},
		"ps": list{row{"name": "e", "age": 3, "big": 4.0}}},
}

// sqlValue is the literal of a value of a type.
func sqlValue(v any, t *Type) *duck.Query {
	if v == nil {
		return duck.Lit(nil)
	}
	switch v := v.(type) {
	case time.Time:
		return duck.SQL("make_timestamp({us}::BIGINT)", duck.Args{"us": v.UnixMicro()})
	case list:
		return duck.SQL("[{items}]", duck.Args{"items": duck.Each(", ", v, func(x any) *duck.Query { return sqlValue(x, t.elem) })})
	case row:
		if t.Kind == Map {
			var keys, vals []*duck.Query
			for k, x := range v {
				keys, vals = append(keys, duck.Lit(k)), append(vals, sqlValue(x, t.elem))
			}
			return duck.SQL("MAP([{k}]::VARCHAR[], [{v}])", duck.Args{"k": duck.Join(", ", keys...), "v": duck.Join(", ", vals...)})
		}
		return duck.SQL("{{fields}}", duck.Args{"fields": duck.Each(", ", t.fields, func(f field) *duck.Query {
			return duck.SQL("{n}: {v}", duck.Args{"n": duck.Ident(f.name), "v": sqlValue(v[f.name], f.t)})
		})})
	}
	return duck.Lit(v)
}

// exprTable makes the rows a table.
func exprTable(t testing.TB, c *duck.Conn) {
	t.Helper()
	cols := duck.Each(", ", exprCols, func(c duck.Column) *duck.Query {
		return duck.SQL("{n} {t}", duck.Args{"n": duck.Ident(c.Name), "t": c.Type})
	})
	if err := c.Run(t.Context(), duck.SQL("CREATE TABLE r (no INTEGER, {cols})", duck.Args{"cols": cols})); err != nil {
		t.Fatal(err)
	}
	for no, r := range exprRows {
		vals := duck.Each(", ", exprCols, func(c duck.Column) *duck.Query {
			typ, err := typeOf(c.Type)
			if err != nil {
				t.Fatal(err)
			}
			return duck.SQL("CAST({v} AS {t})", duck.Args{"v": sqlValue(r[c.Name], typ), "t": c.Type})
		})
		if err := c.Run(t.Context(), duck.SQL("INSERT INTO r VALUES ({no}, {vals})", duck.Args{"no": no, "vals": vals})); err != nil {
			t.Fatal(err)
		}
	}
}

// program is an expression made ready for the VM.
func program(t testing.TB, text string, options ...expr.Option) *vm.Program {
	t.Helper()
	p, err := expr.Compile(text, append([]expr.Option{expr.Optimize(false)}, options...)...)
	if err != nil {
		t.Fatalf("the VM doesn't take %s: %v", text, err)
	}
	return p
}

// environments are the rows as the VM sees them: every column is there.
var environments = func() (out []row) {
	for _, r := range exprRows {
		env := row{}
		for _, c := range exprCols {
			env[c.Name] = r[c.Name]
		}
		out = append(out, env)
	}
	return out
}()

// plainValue brings values of the VM and of the database to one form.
func plainValue(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case int64:
		return int(v)
	case int32:
		return int(v)
	case int, string, bool, float64:
		return v
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05.999999999")
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plainValue(x)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = plainValue(x)
		}
		return out
	}
	rv := reflect.ValueOf(v)
	switch {
	case rv.Kind() == reflect.Slice:
		out := make([]any, rv.Len())
		for i := range out {
			out[i] = plainValue(rv.Index(i).Interface())
		}
		return out
	case rv.Kind() == reflect.Map:
		out := map[string]any{}
		for _, k := range rv.MapKeys() {
			out[fmt.Sprint(k.Interface())] = plainValue(rv.MapIndex(k).Interface())
		}
		return out
	case rv.CanInt():
		return int(rv.Int())
	}
	return fmt.Sprintf("%T %v", v, v)
}

// agrees compares a value of the VM with one of the database. An int of the VM stands for the float that the SQL has beside
// floats.
func agrees(want, got any) bool {
	switch w := want.(type) {
	case float64:
		g, ok := got.(float64)
		return ok && (w == g || math.IsNaN(w) && math.IsNaN(g))
	case int:
		if g, ok := got.(float64); ok {
			return g == float64(w)
		}
		return want == got
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !agrees(w[i], g[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return false
		}
		for k := range g {
			if !agrees(w[k], g[k]) {
				return false
			}
		}
		return len(g) == len(w)
	}
	return want == got
}

// typedNil: the VM compares nil with what it took for a string or int beforehand, and stops. It says false for the same nil
// where it took it for nothing, as the SQL does always.
func typedNil(text string, err error) bool {
	var fe *file.Error
	if !errors.As(err, &fe) || !strings.Contains(fe.Message, "interface {} is nil, not ") {
		return false
	}
	at := string([]rune(text)[fe.From:])
	return strings.HasPrefix(at, "==") || strings.HasPrefix(at, "!=")
}

// compareAll runs expressions over all rows, in the VM and in one query, and reports where they differ.
func compareAll(t testing.TB, c *duck.Conn, texts []string) (differences int) {
	t.Helper()
	cols, programs := []*duck.Query{}, []*vm.Program{}
	for _, text := range texts {
		programs = append(programs, program(t, text))
		v, err := compileExpr(text, exprCols, func(c duck.Column) *duck.Query { return duck.Ident(c.Name) })
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		cols = append(cols, v.SQL)
	}
	rows, err := c.Rows(t.Context(), duck.SQL("SELECT {cols} FROM r ORDER BY no", duck.Args{"cols": duck.Join(", ", cols...)}))
	if err != nil {
		if len(texts) > 1 {
			for _, text := range texts {
				differences += compareAll(t, c, []string{text})
			}
			return differences
		}
		t.Errorf("%s\n  SQL: %s\n  %v", texts[0], cols[0], err)
		return 1
	}
	defer rows.Close()
	for no := 0; rows.Next(); no++ {
		got, dest := make([]any, len(texts)), make([]any, len(texts))
		for i := range got {
			dest[i] = &got[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			want, verr := expr.Run(programs[i], environments[no])
			if typedNil(text, verr) {
				continue
			}
			if w, g := plainValue(want), plainValue(got[i]); !agrees(w, g) {
				t.Errorf("%s\n  row %d: VM %v (%v), SQL %v\n  SQL: %s", text, no, w, verr, g, cols[i])
				differences++
			}
		}
	}
	if err := rows.Err(); err != nil {
		if len(texts) == 1 {
			t.Errorf("%s\n  SQL: %s\n  %v", texts[0], cols[0], err)
			return 1
		}
		for _, text := range texts {
			differences += compareAll(t, c, []string{text})
		}
	}
	return differences
}

// Expressions of the documentation of expr, and what is worth a look.
const exprExamples = `a / 2
-7 % 3
a % 0
a / 0
2 ** 3
len(s)
lower(trim(s))
s matches "^ .*ï"
addr.city == "Oslo"
addr?.city
addr?.geo.lat
addr?.geo?.lat ?? 1.5
addr.geo?.tags
(addr?.geo).lat ?? 1.5
a == nil
a ?? 3
a == 3
a != 3
a > 3
any(tags, # == "yy")
all(tags, len(#) > 0)
"x" in tags
a in [1, 2, 7]
a in 1..10
b > 2 ? "hi" : "lo"
s contains "l"
s startsWith u
s endsWith u
a == 7.0
9223372036854775807 + a
a * a
a - 9223372036854775807
-a
abs(a)
tags[0]
tags[-1]
tags[9]
tags[i]
not (a == nil)
filter(tags, # startsWith "y")
round(b)
round(2.5)
int(2.9)
int(s)
float(s)
string(b)
string(a)
string(ok)
string(s)
1/3
s + "z"
upper(s)
"a" < "B"
let q = a * 2; q + 1
let x = 42; let y = 2; x * y
let q = tags[0]; q + q
a | string()
b * 3 == 7.5
0.1 + 0.2 == 0.3
tags | map(# + "!")
a > 3 || ok
a > 3 and b < 3
ok and a > 0
not ok
s in ["a", "Hello World"]
u not in ["a", "lo"]
b > 0 ? b : 0
xs[0] ?? 0
b in [1, 2.5]
if a > 3 { "big" } else if a > 0 { "small" } else { "none" }
1..3
a..9223372036854775807
xs == [0.5, 2.5, -1.0]
ns[1:] == [1, 2]
ns[:2]
ns[-2:]
ns[i:]
ns[:i]
[a, 1, 2][1:-1]
trim("__Hello__", "_")
trimPrefix("HelloWorld", "Hello")
trimSuffix(s, u)
trimPrefix(s)
split("apple,orange,grape", ",")
split("apple,orange,grape", ",", 2)
split(s, u)
split(s, "")
splitAfter("apple,orange,grape", ",")
splitAfter("apple,orange,grape", ",", 2)
split(s, "l", 0)
split(s, "l", 1)
replace("Hello World", "World", "Universe")
replace(s, u, "-")
repeat("Hi", 3)
repeat(u, i)
indexOf("apple pie", "pie")
indexOf(s, u)
lastIndexOf("apple pie apple", "apple")
lastIndexOf(s, u)
hasPrefix("HelloWorld", "Hello")
hasSuffix(s, u)
date("2023-08-14").Year() == 2023
date("2023-08-14T00:00:00Z")
date("2023-08-14 00:00:00", "2006-01-02 15:04:05", "Europe/Zurich").Hour()
date("2023-08-14 00:00:00").In(timezone("Europe/Zurich")).Hour()
duration("1h").Seconds() == 3600
at + duration("1h")
at - duration("90m")
(at - date("1970-01-01")).Hours()
(at - date("1970-01-01")).Minutes()
(at - date("1970-01-01")).Seconds()
(at - date("1970-01-01")) > duration("24h")
at.Year()
at.YearDay()
int(at.Month())
string(at.Month())
int(at.Weekday())
string(at.Weekday())
at.Hour() * 60 + at.Minute()
at.Nanosecond()
at.Unix()
at.UnixMilli()
at > date("2000-01-01")
at.Before(date("2000-01-01"))
max(5, 7)
min(5, 7)
max(a, i, 3)
min(b, 1.5)
max(ns)
min(xs)
abs(-5)
abs(b)
ceil(b)
floor(b)
ceil(a)
all(ps, .age < 28)
any(ps, .age > 28)
one(ps, .name == "Ann")
none(ps, .age > 50)
map(ps, .name)
filter(ps, .age > 3)
find(ns, # > 2)
findIndex(ns, # > 1)
findLast(ns, # < 3)
findLastIndex(ns, # > 1)
find([1, 2, 3, 4], # > 2) == 3
count(ps, .age > 18)
count([true, false, true])
count(flags)
concat([1, 2], [3, 4])
concat(ns, [a])
flatten(nn)
flatten([[1, 2], [3]])
uniq([1, 2, 3, 2, 1])
uniq(tags)
uniq(xs)
join(["apple", "orange", "grape"], ",")
join(tags)
join(tags, u)
reduce(1..9, #acc + #)
reduce(1..9, #acc + #, 0)
reduce(ns, #acc + (# ?? 0), 0)
reduce(ns, #acc * 2 + #index, 1)
reduce(tags, #acc + (# ?? "-"), "")
sum([1, 2, 3])
sum(ns)
sum(xs)
sum(ps, .age)
mean([1, 2, 3])
mean(ns)
mean(xs)
mean(1, 2.5)
median([1, 2, 3])
median(ns)
median(xs)
first([1, 2, 3])
first(tags)
last(tags)
take([1, 2, 3, 4], 2)
take(tags, i)
reverse([3, 1, 4])
reverse(tags)
sort([3, 1, 4])
sort([3, 1, 4], "desc")
sort(tags ?? ["z"])
sort(ns ?? [1], "desc")
sortBy(ps, .age)
sortBy(ps, .name, "desc")
sortBy(ns, -#)
type(42)
type(a)
type(tags)
type(addr)
int("123")
float("123.45")
string(123)
toBase64("Hello World")
fromBase64("SGVsbG8gV29ybGQ=")
fromBase64(s)
len([1, 2, 3])
len({"name": "John", "age": 30})
len("Hello")
len(tags)
len(m)
get([1, 2, 3], 1)
get(ns, i)
get(m, u)
get({"name": "John", "age": 30}, "name")
m["a"]
m.a
m["nope"] ?? 5
"a" in m
u in m
"city" in addr
"nope" in addr
"a" in $env
$env["a"]
bitand(0b1010, 0b1100)
bitor(a, 0b1100)
bitxor(a, i)
bitnand(a, i)
bitnot(a)
bitshl(a, 2)
bitshl(a, i)
bitshr(a, i)
bitushr(a, 2)
bitushr(-0b101, 2)
filter(0..9, {# % 2 == 0})
map(nn, {let x = #; map(x ?? [0], # + len(x))})
map(ns, # ?? 1)
[a, i][0] == a
{"x": a, "y": s}.x
any(ns, # == nil)
"" in tags
nil in tags
b in xs
a in ns
b == b
xs == xs
nn == nn
b >= b
b > 1
1 < b
s < u
ps[0].name
ps[0]?.name
ps[-1].big * 2
a; i
1; a + 1
(a > 3) == ok
(a > 0 ? addr : nil)?.city
(a ?? i) + 1
ok ? a : i
ok ? nil : a
!ok ? "n" : "y"
s contains u ? 1 : 2
(a > 3 ? b : nil) == nil
((a > 3 ? a : nil) ?? 0) + 1
string(a > 3 ? s : nil)
[a > 3 ? s : nil]
(ns[0] ?? 1) == nil
(a + 1) == nil
(a + 1) ?? 3
[a + 1]
string(a + 1)
now() > date("2020-01-01")
now().Year() > 2020
upper("ẞß")
"Hello\nWorld" + ` + "`x\\n`" + `
// a comment
`

func TestExprExamples(t *testing.T) {
	t.Parallel()
	c := testkit.Open(t, 1).Writer()
	exprTable(t, c)
	var texts []string
	for _, l := range strings.Split(exprExamples+floats, "\n") {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "//") {
			texts = append(texts, l)
		}
	}
	for _, text := range texts {
		if _, err := compileExpr(text, exprCols, func(c duck.Column) *duck.Query { return duck.Ident(c.Name) }); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		compareAll(t, c, []string{text})
	}
}
