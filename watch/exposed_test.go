package watch

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/internal/testkit"
	"dsql/sql"
)

// exposedCase is one of bench/experiments.py: rows, and what numpy and scipy find of them.
type exposedCase struct {
	Exposures, Orders [][3]*string
	Want              struct {
		Crossed, Unknown, Bad int64
		P                     *float64
		Units                 []int64
		Metrics               map[string][][5]*float64
	}
}

const exposedScript = `CREATE EXPERIMENT e VARIANTS ("control" 50, "offer" 30, "none" 0, "big" 20)
	EXPOSURES (SELECT unit, variant, seen FROM exposures)
	METRIC bought (SELECT unit, value > 0, came FROM orders)
	METRIC revenue (SELECT unit, value, came FROM orders)`

func compiledExperiment(t *testing.T, text string) *experiment {
	t.Helper()
	stmts, err := sql.Parse(sql.NewSource("e.sql", text), []*sql.Syntax{ExperimentKind.Syntax})
	if err != nil {
		t.Fatal(err)
	}
	o, err := compileExperiment(stmts[0].Decl)
	if err != nil {
		t.Fatal(err)
	}
	e, ok := o.(*experiment)
	if !ok {
		t.Fatal("an experiment of another type")
	}
	return e
}

// relation is one relation of three columns.
func relation(rows [][3]*string, types [3]duck.Type) *duck.Query {
	cell := func(x *string, typ duck.Type) *duck.Query {
		if x == nil {
			return duck.SQL("NULL::{t}", duck.Args{"t": typ})
		}
		return duck.SQL("{x}::{t}", duck.Args{"x": *x, "t": typ})
	}
	row := func(r [3]*string) *duck.Query {
		return duck.SQL("({a}, {b}, {c})", duck.Args{"a": cell(r[0], types[0]), "b": cell(r[1], types[1]), "c": cell(r[2], types[2])})
	}
	all := append([][3]*string{{}}, rows...) // one of NULLs, for the types
	return duck.SQL("(SELECT * FROM (VALUES {rows}) OFFSET 1)", duck.Args{"rows": duck.Each(", ", all, row)})
}

func alike(got float64, want *float64, scale float64) bool {
	if want == nil || math.IsNaN(got) {
		return want == nil && math.IsNaN(got)
	}
	return math.Abs(got-*want) <= 1e-9*max(1, scale, math.Abs(*want))
}

// Experiments are what numpy and scipy find of the same rows: ttest_ind without equal variances, chisquare.
func TestExperimentsBesideScipy(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../testdata/experiments.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []exposedCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	c := testkit.Open(t, 1).Writer()
	e := compiledExperiment(t, exposedScript)
	for i, tc := range cases {
		for name, rel := range map[string]*duck.Query{
			"exposures AS SELECT col0 AS unit, col1 AS variant, col2 AS seen": relation(tc.Exposures,
				[3]duck.Type{"VARCHAR", "VARCHAR", "TIMESTAMP"}),
			"orders AS SELECT col0 AS unit, col1 AS value, col2 AS came": relation(tc.Orders, [3]duck.Type{"VARCHAR", "DOUBLE", "TIMESTAMP"}),
		} {
			if _, err := c.Exec(t.Context(),
				duck.SQL("CREATE OR REPLACE TABLE {head} FROM {rel}", duck.Args{"head": duck.Text(name), "rel": rel})); err != nil {
				t.Fatal(err)
			}
		}
		r, err := e.Result(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if r.Crossed != tc.Want.Crossed || r.Unknown != tc.Want.Unknown || r.Bad != tc.Want.Bad || !alike(r.Mismatch, tc.Want.P, 1) {
			t.Errorf("case %d: %+v, want %+v", i, r, tc.Want)
		}
		for k, v := range r.Variants {
			if v.Units != tc.Want.Units[k] {
				t.Errorf("case %d: %s has %d units, want %d", i, v.Name, v.Units, tc.Want.Units[k])
			}
		}
		for _, m := range r.Metrics {
			for k, got := range m.Effects {
				want := tc.Want.Metrics[m.Name][k]
				for j, x := range []float64{got.Mean, got.Difference, got.Low, got.High, got.P} {
					scale := 0.0
					if want[0] != nil {
						scale = math.Abs(*want[0])
					}
					if !alike(x, want[j], scale) {
						t.Errorf("case %d: %s of %s: %v, want %s", i, m.Name, r.Variants[k].Name, got, shown(want))
						break
					}
				}
			}
		}
	}
}

func shown(xs [5]*float64) string {
	var out []string
	for _, x := range xs {
		if x == nil {
			out = append(out, "none")
		} else {
			out = append(out, strconv.FormatFloat(*x, 'g', -1, 64))
		}
	}
	return strings.Join(out, " ")
}
