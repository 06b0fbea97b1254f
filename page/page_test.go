package page

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", os.Getenv("UPDATE") != "", "write testdata")

var began = time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC)

// hostile is a text that would do harm where it isn't escaped.
const hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202egnp.\u0007\xff${{7*7}}"

// sample is a file with something of everything; name is what its objects and values are called.
func sample(name string) *File {
	f := &File{Name: name + ".duckdb"}
	for i := range 40 {
		f.Versions = append(f.Versions, Version{int64(i + 1), began.Add(time.Duration(i) * 24 * time.Hour)})
	}
	counts := func(lost int64) (out []Count) {
		for _, v := range f.Versions {
			out = append(out, Count{Version: v.Number, In: 100 + v.Number, Written: 100, Added: 3, Changed: 2, Rejected: lost * (v.Number % 3),
				Dropped: 1})
		}
		return out
	}
	var past []Verdict
	var line []Point
	for _, v := range f.Versions {
		verdict := "pass"
		if v.Number > 35 {
			verdict = "warn"
		}
		past = append(past, Verdict{Version: v.Number, Verdict: verdict, Value: new(float64)})
		line = append(line, Point{v.Number, math.Sin(float64(v.Number)), v.Number%11 != 0})
	}
	f.Objects = []*Object{
		{Kind: "source", Name: name + "_in", Body: "CREATE SOURCE x", Counts: counts(0), Columns: []Column{{Name: name, Type: "DOUBLE"}}},
		{Kind: "model", Name: name + "_model", Info: "lightgbm · v1 · 1 inputs", Tags: []Pair{{name, name}},
			Columns: []Column{{name, "DOUBLE", []Ref{{name + "_in", name}}}, {"prediction", "DOUBLE", []Ref{{name + "_model", name}}}}},
		{Kind: "journal", Name: name, Keys: []string{name}, Reads: []string{name + "_in", name + "_model"}, Counts: counts(1),
			Columns: []Column{{name, "DOUBLE", []Ref{{name + "_in", name}}}, {"risk", "DOUBLE", []Ref{{name + "_model", "prediction"}}}},
			Body: "CREATE JOURNAL x\n  RULES (CONSTRAINT r1 EXPECT (a > 0) ON VIOLATION REJECT) -- " + name + "\n  METRICS (\n  m = sum(a))\n" +
				"  CHECKS (CHECK c1 EXPECT (m <= 1) ON FAILURE WARN)\n  FROM x"},
		{Kind: "monitor", Name: name + "_health", Reads: []string{name, name + "_model"}},
		{Kind: "sink", Name: name + "_out", Reads: []string{name}},
	}
	f.Findings = Sorted([]Finding{
		{Kind: "check", Object: name, Name: "c1", Text: "warns", Value: "measured 2", Wants: "m <= 1 " + name, Note: "since v36", Strip: past},
		{Bad: true, Kind: "hold", Object: name, Name: "c2", Text: "holds a batch back", Value: "7 rows wait", Reject: "check"},
		{Kind: "drift", Object: name + "_health", Name: name, Text: "drifts: PSI", Value: "3", Line: line}})
	f.Rejected = 12
	return f.Ready()
}

// sampleViews are all views of it.
func sampleViews(f *File) map[string]any {
	name := f.Objects[2].Name
	var line []Point
	var checks []Verdict
	for _, v := range f.Versions {
		line = append(line, Point{v.Number, float64(v.Number % 7), v.Number != 20})
		checks = append(checks, Verdict{Version: v.Number, Verdict: []string{"pass", "warn", "held", "fail", "unknown"}[v.Number%5]})
	}
	lo, hi := 1.0, 2.0
	bins := []Bin{{High: &lo, Now: 3, Base: 2}, {Low: &lo, High: &hi, Now: 1, Base: 5}, {Low: &hi, Now: 9, Base: 2}, {Label: name, Now: 1}}
	cells := func(v string) []Cell { return []Cell{{Text: v}, {Null: true}} }
	micro := func(day int) float64 { return float64(began.Add(time.Duration(day) * 24 * time.Hour).UnixMicro()) }
	life := &Life{Object: f.Objects[2], Key: []string{name}, Names: []string{name, "risk"}, Tracked: []bool{true, true}, Axis: "time",
		Column:  name,
		Origins: map[int64]string{1: name}, Query: "FROM x", Beliefs: []Belief{
			{micro(0), math.Inf(1), "2026-11-01", "", 1, 4, cells(name)}, {micro(0), micro(3), "2026-11-01", "2026-11-04", 4, 0, cells(name)},
			{micro(3), micro(9), "2026-11-04", "2026-11-10", 4, 0, cells("b")}, {micro(12), math.Inf(1), "2026-11-13", "", 9, 0, cells("c")}}}
	calibrated := []Calibrated{{.5, 1, 10}, {}, {4, 3, 10}}
	return map[string]any{
		"flow":   &Front{},
		"picked": &Front{Pick: f.Objects[2], Column: "risk"},
		"object": &Thing{Object: f.Objects[2], Names: []string{"m", name, "z"}, Filter: name, Of: 7, Brought: map[int64]string{40: "in/" + name},
			Metrics: []Series{{"m", line}, {name, line}},
			Checks:  []Check{{"c1", "m <= 1", checks}, {name, name, checks}}, Broken: map[string][]Count{"r1": {{Version: 3, Rejected: 2}}},
			Changed: []Changed{{[]string{name}, "update", []Diff{{name, name, name}}}},
			Rows:    &Grid{Columns: []GridColumn{{name, "VARCHAR", false}, {"b", "DOUBLE", true}}, Rows: [][]Cell{cells(name)}},
			Wrong:   []Problem{{"Rows", errors.New(name)}}},
		"rejects": &Rejects{Filter: Filter{Text: name}, Total: 12, N: 3, Statements: []Replay{{Of: name, Text: "REPLAY REJECTS FROM " + name + ";"}},
			Kinds: []RejectKind{{Filter{Code: "constraint", Rule: name, Destination: name}, 12, began, line}},
			Rows: []Reject{{ID: 1, Version: 3, At: began, Destination: name, Rule: "r1", Reason: "constraint: r1: a > 0", Place: name, Key: name,
				Payload: []byte(`{"a": "` + name + `", "b": 1}`), Length: 20, Data: `{"a": "x", "b": null}`, Headers: name},
				{ID: 2, Source: name, Reason: name, Payload: []byte{0, 1, 2, 0xff, 0xfe, '<'}, Length: 1 << 24, Data: `["no object"]`}}},
		"life": life,
		"model": &Model{Object: f.Objects[1], Monitor: f.Objects[3], Scores: f.Objects[2], Column: "risk", Measured: f.Objects[2].versions(),
			Score:  &Drift{Input: "score", Points: line, Now: 1, Usual: .2, Drifts: true, Bins: bins},
			Drifts: []Drift{{Input: name, Points: line, Now: 1, Usual: math.NaN(), Missing: .1, Outside: math.NaN(), Bins: bins}},
			Outcomes: []Outcome{{Series: Series{"auc", line}, Worse: true, Classes: map[int64][2]float64{3: {10, 12}}}, {Series: Series{"brier", line}},
				{Series: Series{"recall", line}, Beside: []Series{{name, line}, {"v2", line[:2]}}}},
			Now: calibrated, Base: calibrated, Window: "v40", Versions: &Grid{}},
		"sql": &Statement{Text: "FROM " + name, Asked: true, Took: "1 ms", Wrong: "",
			Grid: &Grid{Columns: []GridColumn{{name, "VARCHAR", false}, {"n", "BIGINT", true}},
				Rows: [][]Cell{{{Text: name}, {Text: "3"}}, {{Text: "b"}, {Text: "5"}}}}},
		"experiment": &Trial{Object: &Object{Kind: "experiment", Name: name, Body: "CREATE EXPERIMENT x"}, Mismatch: .4, Crossed: 2, Bad: 1,
			Arms:    []Arm{{name, 480, .5}, {"offer", 520, .5}},
			Metrics: []Compared{{name, []Effect{{.1, math.NaN(), math.NaN(), math.NaN(), math.NaN()}, {.14, .04, .01, .07, .01}}}}},
		"nothing": nil,
	}
}

func draw(t testing.TB, f *File, view string, data any) string {
	t.Helper()
	at := view
	if view == "picked" {
		at = "flow"
	}
	s := &Site{File: f, Now: began.Add(50 * 24 * time.Hour), View: at, Title: f.Name}
	var b bytes.Buffer
	if err := s.Write(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Each view looks as it did. -update writes what it looks like now.
func TestViews(t *testing.T) {
	t.Parallel()
	f := sample("flights")
	for view, data := range sampleViews(f) {
		t.Run(view, func(t *testing.T) {
			t.Parallel()
			have := draw(t, f, view, data)
			file := filepath.Join("testdata", view+".html")
			if *update {
				if err := os.WriteFile(file, []byte(have), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || string(want) != have {
				t.Errorf("%s differs (%v): look at it, then go test ./page -update", file, err)
			}
		})
	}
}

var markup = regexp.MustCompile(`<(/?)([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z:_-]+(?:="[^"]*")?)*)\s*(/?)>`)

var (
	forbidden = regexp.MustCompile(`\s(on\w+|style)=`)
	quoted    = regexp.MustCompile(`"[^"]*"`)
	typed     = regexp.MustCompile(`(?s) value="[^"]*"|<textarea.*?</textarea>`) // what the user typed stays as it is
)

// elements are those of a page, each balanced; whatever stands in < and > and is none is an error.
func elements(t *testing.T, html string) map[string]int {
	t.Helper()
	n, open := map[string]int{}, []string{}
	rest := markup.ReplaceAllStringFunc(strings.TrimPrefix(html, "<!doctype html>"), func(tag string) string {
		m := markup.FindStringSubmatch(tag)
		switch {
		case m[1] == "/":
			if len(open) == 0 || open[len(open)-1] != m[2] {
				t.Fatalf("</%s> closes nothing: %v", m[2], open)
			}
			open = open[:len(open)-1]
		case m[4] == "" && !slices.Contains([]string{"meta", "link", "input", "br", "img"}, m[2]):
			open = append(open, m[2])
			fallthrough
		default:
			n[m[2]]++
		}
		if forbidden.MatchString(quoted.ReplaceAllString(m[3], `""`)) {
			t.Errorf("%s would be refused by the policy, or run", tag)
		}
		return ""
	})
	if strings.ContainsAny(rest, "<>") && !strings.Contains(rest, "@media") {
		i := strings.IndexAny(rest, "<>")
		t.Errorf("a bracket stands free: …%s…", rest[max(0, i-60):min(len(rest), i+60)])
	}
	if len(open) > 0 {
		t.Errorf("left open: %v", open)
	}
	return n
}

// Whatever names and values are: a page has the elements that it has for harmless ones.
func TestHostileTextsAreTexts(t *testing.T) {
	t.Parallel()
	plain, bad := sample("flights"), sample(hostile)
	want, have := sampleViews(plain), sampleViews(bad)
	for view := range want {
		a, b := elements(t, draw(t, plain, view, want[view])), elements(t, draw(t, bad, view, have[view]))
		for _, name := range []string{"script", "img", "style", "iframe", "form", "input", "a", "svg", "table", "tr", "td", "section"} {
			if a[name] != b[name] && !(name == "a" && view == "object") { // a declaration links the names in it
				t.Errorf("%s has %d <%s> where it has %d of harmless texts", view, b[name], name, a[name])
			}
		}
		if strings.ContainsRune(typed.ReplaceAllString(draw(t, bad, view, have[view]), ""), '\u202e') {
			t.Errorf("%s: a mark of direction is handed on", view)
		}
	}
}

// A report is one file that asks for nothing, and each anchor that it has a link to is there.
func TestReportStandsAlone(t *testing.T) {
	t.Parallel()
	f := sample("flights")
	v := sampleViews(f)
	pick := func(name string) any { return v[name] }
	r := &Report{Site: &Site{File: f, Now: began, View: "flow"}, Front: &Front{}}
	if m, ok := pick("model").(*Model); ok {
		r.Models = append(r.Models, m)
	}
	if l, ok := pick("life").(*Life); ok {
		r.Lives = append(r.Lives, l)
	}
	if x, ok := pick("rejects").(*Rejects); ok {
		r.Rejects = x
	}
	for _, o := range f.Objects {
		if o.Kind != "model" {
			r.Things = append(r.Things, &Thing{Object: o})
		}
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	elements(t, regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAllString(html, ""))
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		if ids[m[1]] {
			t.Errorf("the id %s is there twice", m[1])
		}
		ids[m[1]] = true
	}
	links := regexp.MustCompile(`\shref="([^"]*)"`).FindAllStringSubmatch(html, -1)
	for _, m := range links {
		if to, ok := strings.CutPrefix(m[1], "#"); !ok || !ids[to] {
			t.Errorf("the link %q leads nowhere", m[1])
		}
	}
	if len(links) < 20 {
		t.Errorf("only %d links", len(links))
	}
	for _, w := range []string{"<script", "src=", "http-equiv=\"refresh\"", "@import", "url("} {
		if strings.Contains(html, w) {
			t.Errorf("a report has %s", w)
		}
	}
}

// Only what has changed comes again.
func TestLive(t *testing.T) {
	t.Parallel()
	f := sample("flights")
	html := Live([]byte(draw(t, f, "flow", &Front{})), nil)
	have := map[string]string{}
	for _, m := range regexp.MustCompile(`<section id="([^"]*)"[^>]* data-h="([^"]*)">`).FindAllSubmatch(html, -1) {
		have[string(m[1])] = string(m[2])
	}
	if len(have) != 5 {
		t.Fatalf("sections: %v", have)
	}
	if again := Live([]byte(draw(t, f, "flow", &Front{})), have); len(again) > 0 {
		t.Errorf("nothing has changed, and this came: %s", again)
	}
	f.Findings = nil
	if again := string(Live([]byte(draw(t, f, "flow", &Front{})), have)); !strings.Contains(again, `id="look"`) ||
		strings.Contains(again, `id="now"`) {
		t.Errorf("what needs a look has changed, and this came: %s", again)
	}
}

// The colours of texts can be read on all that they stand on: WCAG AA.
func TestContrast(t *testing.T) {
	t.Parallel()
	tokens := regexp.MustCompile(`--([\w-]+):light-dark\((#\w+),(#\w+)\)`).FindAllStringSubmatch(asset("page.css"), -1)
	colour := map[string][2]string{}
	for _, m := range tokens {
		colour[m[1]] = [2]string{m[2], m[3]}
	}
	for mode, name := range []string{"light", "dark"} {
		for _, text := range strings.Fields("ink soft accent bad warn good source stream journal model monitor sink table") {
			for _, on := range strings.Fields("bg card sunk") {
				if c := contrast(t, colour[text][mode], colour[on][mode]); c < 4.5 {
					t.Errorf("%s on %s, %s: %.2f", text, on, name, c)
				}
			}
		}
		for q := range 6 {
			if c := contrast(t, colour["ink"][mode], colour[fmt.Sprintf("q%d", q)][mode]); c < 7 {
				t.Errorf("ink on q%d, %s: %.2f", q, name, c)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	light := func(hex string) float64 {
		if len(hex) == 4 {
			hex = "#" + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:3], 2) + strings.Repeat(hex[3:4], 2)
		}
		var c [3]int
		if _, err := fmt.Sscanf(hex, "#%02x%02x%02x", &c[0], &c[1], &c[2]); err != nil {
			t.Fatalf("%q: %v", hex, err)
		}
		sum := 0.0
		for i, w := range []float64{.2126, .7152, .0722} {
			v := float64(c[i]) / 255
			if v <= .03928 {
				v /= 12.92
			} else {
				v = math.Pow((v+.055)/1.055, 2.4)
			}
			sum += w * v
		}
		return sum
	}
	x, y := light(a), light(b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func TestScriptIsSmall(t *testing.T) {
	t.Parallel()
	if n := len(Script()); n > 15<<10 {
		t.Errorf("%d bytes of script", n)
	}
}
