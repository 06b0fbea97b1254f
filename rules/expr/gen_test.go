package expr

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/expr-lang/expr"

	"dsql/engine/duck"
	"dsql/internal/testkit"
)

var exprCount = flag.Int("exprs", 50_000, "how many generated expressions TestExprGenerated compares")

// gen writes random expressions of a type, over exprCols and what predicates and let bring.
type gen struct {
	*rand.Rand
	vars  []genVar
	names int
}

type genVar struct{ name, typ string }

// leaves are the columns and literals of each type. A type is bool, int, float, string, time, dur, addr, geo, map, person, or []
// of one.
var leaves = map[string][]string{
	"bool":   {"ok", "true", "false", "ok"},
	"int":    {"a", "i", "a", "i", "0", "1", "-1", "2", "7", "63", "64", "9223372036854775807", "addr.zip", "m.a"},
	"float":  {"b", "b", "0.5", "-1.5", "1e300", "0.0", "addr.geo.lat"},
	"string": {"s", "u", "s", "u", `""`, `"l"`, `"ß"`, `"abc"`, "addr.city"},
	"time":   {"at", `date("2024-02-29")`, `date("1969-12-31 23:59:59")`},
	"dur":    {`duration("1h")`, `duration("-90m")`, "(at - at)", `(at - date("2000-01-01"))`},
	"addr":   {"addr"}, "geo": {"addr.geo", "addr?.geo"}, "map": {"m"}, "person": {"ps[0]", "ps[-1]", "first(ps)"},
	"[]int": {"ns", "ns", "[1, 2, 3]", "[a, i]", "(1..5)"}, "[]float": {"xs", "[b, 0.5]"},
	"[]string": {"tags", "tags", `["a", "b", ""]`, `split(s, "l")`}, "[]bool": {"flags", "[true, ok]"},
	"[][]int": {"nn"}, "[]person": {"ps"},
}

// productions make a value of a type of values of others, which stand in angle brackets; <=> is the type itself. P> <t> is a
// predicate over elements of t's array; it comes before the array in the text as {…}.
var productions = map[string][]string{
	"bool": {"<int> == <int>", "<float> == <float>", "<string> == <string>", "<time> == <time>", "<[]int> == <[]int>",
		"<[]float> != <[]float>", "<int> != nil", "<string> == nil", "<[]string> == nil", "<int> == <float>", "<bool> == <bool>",
		"<int> < <int>", "<int> >= <int>", "<float> < <float>", "<float> <= <float>", "<float> > <float>", "<float> >= <int>", "<int> < <float>",
		"<string> < <string>", "<string> >= <string>", "<time> < <time>", "<dur> <= <dur>",
		"<bool> and <bool>", "<bool> or <bool>", "not <bool>", "!<bool>", "<bool> && <bool> || <bool>", "<string> contains <string>",
		"<string> startsWith <string>", "<string> endsWith <string>", "<string> not contains <string>",
		`<string> matches "^[a-z]+$"`, `<string> matches "(?i)l|Ü"`, `<string> matches ""`, "<int> in <[]int>", "<string> in <[]string>",
		"<float> in <[]float>", "<int> not in <[]int>", "<int> in 1..10", "<int> in [1, 7, 0]", `<string> in ["", "lo"]`,
		"<int> in [<int>, <int>]", "<float> in <[]int>", "<string> in <map>", `"city" in <addr>`, "nil in <[]int>",
		"hasPrefix(<string>, <string>)", "hasSuffix(<string>, <string>)", "any(<[]int>, {int})", "all(<[]int>, {int})",
		"none(<[]string>, {string})", "one(<[]float>, {float})", "all(<[]person>, {person})", "any(<[]string>, {string})",
		"any(<[][]int>, {[]int})", "<time>.Before(<time>)"},
	"int": {"<int> + <int>", "<int> - <int>", "<int> * <int>", "<int> % <int>", "-<int>", "+<int>", "abs(<int>)", "len(<string>)",
		"len(<[]int>)", "len(<[]string>)", "len(<map>)", "len(<addr>)", "int(<string>)", "int(i / 7)", "int(<int>)", "max(<int>, <int>)",
		"min(<int>, <int>, <int>)", "max(<[]int>)", "min(<[]int>)",
		"sum(<[]int>)", "sum(<[]string>, len(#))", "count(<[]bool>)", "count(<[]int>, {int})", "find(<[]int>, {int})",
		"findIndex(<[]string>, {string})", "findIndex(<[]float>, {float})", "<[]int>[<int>]", "<[]int>[0]", "<[]int>[-1]", "first(<[]int>)",
		"last(<[]int>)", "get(<[]int>, <int>)", "get(<map>, <string>)", "<map>[<string>]", "<addr>.zip", "<addr>?.zip", "<person>.age",
		"<person>?.age",
		"reduce(<[]int>, #acc + (# ?? 1), 0)", "reduce(<[]int>, #acc * # + #index, 1)", "reduce(<[]string>, #acc + len(# ?? s), <int> ?? 0)",
		"bitand(<int>, <int>)", "bitor(<int>, <int>)", "bitxor(<int>, <int>)", "bitnand(<int>, <int>)", "bitshl(<int>, <int>)",
		"bitshr(<int>, <int>)", "bitushr(<int>, <int>)", "bitnot(<int>)", "indexOf(<string>, <string>)", "lastIndexOf(<string>, <string>)",
		"<time>.Year()", "<time>.YearDay()", "<time>.Hour()", "int(<time>.Month())", "<time>.Unix()", "<time>.UnixMilli()", "<time>.Nanosecond()",
		"int(<time>.Weekday())", "<dur>.Milliseconds()"},
	"float": {"<float> + <float>", "<float> - <int>", "<int> * <float>", "<float> * <float>", "<int> / <int>", "<float> / <float>", "-<float>",
		"abs(<float>)", "ceil(<float>)", "floor(<float>)", "round(<float>)", "round(<int>)", "float(<string>)", "float(<int>)",
		"max(<float>, <float>)", "min(<[]float>)", "max(<[]float>)", "sum(<[]float>)", "sum(<[]int>, # / 2)", "mean(<[]int>)", "mean(<[]float>)",
		"median(<[]int>)", "median(<[]float>)", "mean(<float>, <float>)",
		"<[]float>[<int>]", "first(<[]float>)", "find(<[]float>, {float})", "<geo>.lat", "<geo>?.lat", "<addr>?.geo.lat", "<addr>?.geo?.lat",
		"<person>.big", "3 ** 2", "2 ^ 10", "<dur>.Seconds()", "<dur>.Hours()", "<dur>.Minutes()"},
	"string": {"<string> + <string>", "lower(<string>)", "upper(<string>)", "trim(<string>)", `trim(<string>, "abl ")`,
		"trimPrefix(<string>, <string>)", "trimSuffix(<string>, <string>)", "replace(<string>, <string>, <string>)", "repeat(<string>, <int>)",
		"join(<[]string>)", `join(<[]string>, ", ")`, "join(<[]string>, <string>)", "string(<int>)", "string(<float>)", "string(<bool>)",
		"string(<string>)", "type(<int>)", "type(<[]int>)",
		"<[]string>[<int>]", "first(<[]string>)", "last(<[]string>)", "find(<[]string>, {string})", "<addr>.city", "<addr>?.city",
		"<person>?.name", "toBase64(<string>)", `reduce(<[]string>, #acc + (# ?? "-"), <string> ?? "")`, "string(<time>.Month())",
		"string(<time>.Weekday())", `{"x": <string>, "y": <int>}.x`},
	"time": {`<time> + duration("36h")`, `<time> - duration("1ms")`}, "dur": {"<time> - <time>", "<dur> + <dur>", "<dur> - <dur>"},
	"addr": {"<bool> ? <addr> : addr", "<addr> ?? addr"}, "geo": {"<addr>.geo", "<addr>?.geo"}, "map": {"<bool> ? <map> : m"},
	"person": {"find(<[]person>, {person})", "last(<[]person>)", "<[]person>[<int>]"},
	"[]int": {"[<int>, <int>]", "filter(<[]int>, {int})", "map(<[]int>, # + 1)", "map(<[]int>, # ?? <int>)", "map(<[]string>, len(#))",
		"concat(<[]int>, [<int>])", "uniq(<[]int>)", "reverse(<[]int>)", "take(<[]int>, <int>)", "<[]int>[1:]", "<[]int>[:-1]",
		"<[]int>[<int>:<int>]", "sort(<[]int> ?? [3, 1, 2])", `sort(<[]int> ?? [3, 1, 2], "desc")`, "sortBy(<[]int>, -#)",
		"sortBy(<[]int>, # % 3)", "flatten(<[][]int>)", "<[][]int>[<int>]", "map(<[]person>, .age)", "map(<[]person>, #?.age)"},
	"[]float": {"[<float>, <float>]", "filter(<[]float>, {float})", "map(<[]int>, # / 2)", "map(<[]float>, # * 2)", "uniq(<[]float>)",
		"reverse(<[]float>)", "<[]float>[:1]", "concat(<[]float>, [<float>])"},
	"[]string": {"[<string>, <string>]", "filter(<[]string>, {string})", "map(<[]string>, # + u)", "map(<[]string>, upper(# ?? s))",
		"split(<string>, <string>)", `split(<string>, "l", 2)`, "split(<string>, <string>, 2)", "splitAfter(<string>, <string>)",
		"uniq(<[]string>)", "reverse(<[]string>)", "take(<[]string>, 1)", `sort(<[]string> ?? ["z", "a"])`, `sortBy(<[]string>, len(#), "desc")`,
		"map(<[]person>, .name)", "concat(<[]string>, tags, [<string>])", "<[]string>[-2:]", "map(<[]int>, string(#))"},
	"[]bool":   {"[<bool>, <bool>]", "map(<[]int>, # > 1)", "map(<[]string>, # contains s)", "reverse(<[]bool>)"},
	"[][]int":  {"[<[]int>, <[]int>]", "map(<[]int>, [#, a])", "filter(<[][]int>, {[]int})"},
	"[]person": {"filter(<[]person>, {person})", "sortBy(<[]person>, .age)", "reverse(<[]person>)"},
}

// predicates are conditions on an element.
var predicates = map[string][]string{
	"int":    {"# > 1", "# == nil", "# % 2 == 0", "# == a", "# in ns", "(# ?? 0) < <int>", "<bool>"},
	"float":  {"# > 0.5", "# == #", "# != nil", "# < b", "<bool>"},
	"string": {"# == u", `# contains "b"`, "len(#) > 1", `(# ?? "") < <string>`, "# in tags", "<bool>"},
	"person": {".age > 3", `.name == "Ann"`, "#?.age != nil", ".big < <float>", "<bool>"},
	"[]int":  {"len(#) > 1", "# == nil", "any(# ?? [1], # == 7)", "{let x = #; x == <[]int>}"},
}

var scalars = []string{"bool", "int", "float", "string"}

func (g *gen) expr(typ string, depth int) string {
	for _, v := range g.vars {
		if v.typ == typ && g.IntN(3) == 0 {
			return v.name
		}
	}
	if depth <= 0 || g.IntN(8) == 0 {
		return pick(g, leaves[typ])
	}
	switch g.IntN(14) {
	case 0:
		return fmt.Sprintf("(%s ? %s : %s)", g.expr("bool", depth-1), g.expr(typ, depth-1), g.expr(typ, depth-1))
	case 1:
		return fmt.Sprintf("(%s ?? %s)", g.expr(typ, depth-1), g.expr(typ, depth-1))
	case 2:
		if typ == "bool" || typ == "int" || typ == "string" || typ == "float" {
			return fmt.Sprintf("(%s ? %s : nil)", g.expr("bool", depth-1), g.expr(typ, depth-1))
		}
	case 3:
		g.names++
		v := genVar{fmt.Sprintf("v%d", g.names), pick(g, scalars)}
		value := g.expr(v.typ, depth-1)
		g.vars = append(g.vars, v)
		body := g.expr(typ, depth-1)
		g.vars = g.vars[:len(g.vars)-1]
		return fmt.Sprintf("(let %s = %s; %s)", v.name, value, body)
	}
	return "(" + g.fill(pick(g, productions[typ]), depth-1) + ")"
}

func pick(g *gen, list []string) string { return list[g.IntN(len(list))] }

// fill replaces <type> and {element type} of a production.
func (g *gen) fill(p string, depth int) string {
	var out strings.Builder
	for p != "" {
		i := strings.IndexAny(p, "<{")
		if i < 0 {
			break
		}
		out.WriteString(p[:i])
		closing := map[byte]string{'<': ">", '{': "}"}[p[i]]
		j := strings.Index(p[i:], closing)
		if j > 0 {
			name := p[i+1 : i+j]
			if _, ok := leaves[name]; ok && p[i] == '<' {
				out.WriteString(g.expr(name, depth))
				p = p[i+j+1:]
				continue
			}
			if list, ok := predicates[name]; ok && p[i] == '{' {
				out.WriteString(g.fill(pick(g, list), min(depth, 1)))
				p = p[i+j+1:]
				continue
			}
		}
		out.WriteByte(p[i])
		p = p[i+1:]
	}
	return out.String() + p
}

func TestExprGenerated(t *testing.T) {
	t.Parallel()
	n := *exprCount
	if testing.Short() {
		n = 2000
	}
	const workers = 2
	for w := range workers {
		t.Run(fmt.Sprint("seed ", w), func(t *testing.T) {
			t.Parallel()
			c := testkit.Open(t, 1).Writer()
			exprTable(t, c)
			g := &gen{Rand: rand.New(rand.NewPCG(uint64(w), 7))}
			types := []string{"bool", "bool", "int", "int", "float", "string", "string", "time", "[]int", "[]string", "[]float", "[]bool"}
			const batch = 25
			refused, differ := 0, 0
			for done := 0; done < n/workers && differ < 10; {
				var texts []string
				for len(texts) < batch {
					text := g.expr(types[g.IntN(len(types))], 1+g.IntN(4))
					_, err := compileExpr(text, exprCols, func(c duck.Column) *duck.Query { return duck.Ident(c.Name) })
					if err != nil {
						refused++
						if !mayRefuse(err.Error()) {
							t.Errorf("%s\n  %v", text, err)
							differ++
						}
						continue
					}
					texts = append(texts, text)
				}
				differ += compareAll(t, c, texts)
				done += batch
			}
			t.Logf("%d refused", refused)
		})
	}
}

// mayRefuse are reasons that the generator runs into by chance.
func mayRefuse(why string) bool {
	for _, s := range []string{"known beforehand", "an accumulator that may", "the accumulator may"} {
		if strings.Contains(why, s) {
			return true
		}
	}
	return false
}

// The optimizer of expr gives the same values: the reference runs without it, as it may miss an error that the text has.
func TestExprOptimized(t *testing.T) {
	t.Parallel()
	g := &gen{Rand: rand.New(rand.NewPCG(3, 7))}
	for range 3000 {
		text := g.expr(pick(g, scalars), 1+g.IntN(3))
		if strings.Contains(text, " in [") || strings.Contains(text, " in 1..") {
			continue // the optimizer finds nil in ["", …], and takes nil in 1..3 for an error
		}
		plain, optimized := program(t, text), program(t, text, expr.Optimize(true))
		for _, r := range environments {
			want, err := expr.Run(plain, r)
			if err != nil {
				continue
			}
			if got, err := expr.Run(optimized, r); err != nil || !agrees(plainValue(want), plainValue(got)) {
				t.Errorf("%s: %v with the optimizer (%v), %v without", text, got, err, want)
			}
		}
	}
}
