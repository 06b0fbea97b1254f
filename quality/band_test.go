package quality

import (
	dbsql "database/sql"
	"fmt"
	"math"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/internal/testkit"
)

// TestBands: where a metric may lie for a check to pass, whatever the condition is.
func TestBands(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	sd := math.Sqrt(2.5) // of 10, 12, 11, 13, 9
	cases := []struct {
		check, of string
		low, high float64
	}{
		{"abs(zscore(m, 5)) < 3", "m", 11 - 3*sd, 11 + 3*sd},
		{"zscore(M, 5) > -2", "m", 11 - 2*sd, none},
		{"m BETWEEN 0.5 * mean_of_last(m, 3) AND 2 * mean_of_last(m, 3)", "m", 5.5, 22},
		{"abs(m / previous(m) - 1) < 0.5", "m", 4.5, 13.5},
		{"m <= 2 * mean_of_last(m, 2)", "m", none, 22},
		{"m + k <= previous(m)", "m", none, 9 - 111},
		{"sum(n) <= 2 * mean_of_last(m, 2)", "sum(n)", none, 22},
		{"2 * previous(m, 2) >= sum(n)", "sum(n)", none, 26},
		{"abs(zscore(m, 5, odd)) < 3", "m", 10 - 3, 10 + 3}, // the odd versions: 10, 11, 9
		{"abs(zscore(m, 5, hour(version_time))) < 3", "m", 11 - 3*sd, 11 + 3*sd},
		{"m > 100 * mean_of_last(m, 2)", "m", 1100, none}, // what was never so
		{"m < 20 OR m > 30 + previous(m)", "m", none, 20},
		{"m BETWEEN 0.5 * usual AND 2 * usual", "m", 5.5, 22},
		{"sum(n) < twice", "sum(n)", none, 22},
		{"m < twice + previous(m) - previous(m)", "m", none, 22},
		{"m + k < usual", "", none, none},         // which of the two?
		{"abs(z) < 3", "", none, none},            // nothing in it but what looks back
		{"abs(zscore(m, 1)) < 3", "", none, none}, // nothing to learn from
		{"m < 20", "", none, none},
		{"n < previous(m)", "", none, none},
		{"m < previous(k)", "m", none, 109},
		{"m::TINYINT < 2 * previous(m)", "", none, none}, // not of all values
		{"sum(n) + count(*) < previous(m)", "", none, none},
		{"m < previous(m) OR m >= previous(m)", "", none, none}, // always
	}
	w, checks := newWorld(t, "n DOUBLE"), make([]string, len(cases))
	for i, tc := range cases {
		checks[i] = fmt.Sprintf("CHECK c%d EXPECT (%s) ON FAILURE WARN", i, tc.check)
	}
	chain := "METRICS (m = sum(n), k = sum(n) + 100, odd = count(*) = 1, usual = mean_of_last(m, 2), twice = 2 * usual, z = zscore(m, " +
		"5)) CHECKS (" +
		strings.Join(checks, ", ") + ")"
	for i, n := range []int{10, 12, 11, 13, 9, 11} {
		rows := fmt.Sprintf("VALUES (%d)", n)
		if i%2 == 1 && i < 5 { // two rows
			rows += ", (0)"
		}
		if _, err := w.batch(chain, rows); err != nil {
			t.Fatal(err)
		}
	}
	p, err := compile(t, w.Conn, "CREATE STREAM s "+chain+" FROM new")
	if err != nil {
		t.Fatal(testkit.Rendered(err))
	}
	for i, tc := range cases {
		bands, err := p.Bands(t.Context(), w.Conn, "S", 0, []Judged{{Check: fmt.Sprintf("C%d", i), Version: w.version, At: duck.Now}})
		if err != nil {
			t.Fatalf("%s: %v", tc.check, err)
		}
		if tc.of == "" {
			if len(bands) > 0 {
				t.Errorf("%s: %v", tc.check, bands)
			}
			continue
		}
		if len(bands) != 1 || bands[0].Of != tc.of {
			t.Errorf("%s: %v", tc.check, bands)
			continue
		}
		for _, side := range []struct {
			what string
			got  float64
			know bool
			want float64
		}{{"low", bands[0].Low.Float64, bands[0].Low.Valid, tc.low}, {"high", bands[0].High.Float64, bands[0].High.Valid, tc.high}} {
			if side.know == math.IsNaN(side.want) || side.know && math.Abs(side.got-side.want) > 1e-9 {
				t.Errorf("%s: %s is %v, want %v", tc.check, side.what, side.got, side.want)
			}
		}
	}
	// Of a batch that failed the verdict alone is kept: what it measured may be the metric itself.
	value := dbsql.NullFloat64{Float64: 9000, Valid: true}
	for check, want := range map[string]dbsql.NullFloat64{"c2": value, "c0": {}} {
		bands, err := p.Bands(t.Context(), w.Conn, "s", 0, []Judged{{Check: check, Version: w.version + 1, At: duck.Now, Value: value}})
		if err != nil || len(bands) != 1 || bands[0].Value != want {
			t.Errorf("%s of a batch that failed: %v %v", check, bands, err)
		}
	}
}
