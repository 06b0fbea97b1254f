package quality

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"dsql/internal/testkit"
)

// TestDistances holds what is compared against scipy's numbers for the same samples (testdata/distances.py wrote them).
func TestDistances(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/distances.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"js", "chi2", "chi2_p", "ks", "ks_p", "wasserstein"}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		t.Run(strings.Join(f[:7], " "), func(t *testing.T) {
			t.Parallel()
			of, typ := "((i * 7919 + 13) %% 1009) / 1009 * %s + %s + (i %% 7) / 8", "DOUBLE"
			if f[0] == "letters" {
				of, typ = "chr(97 + ((i * i * %[2]s + i) %% %[1]s)::INTEGER)", "VARCHAR"
			}
			a, b := fmt.Sprintf(of, f[3], f[4]), fmt.Sprintf(of, f[5], f[6])
			if f[0] == "letters" {
				a, b = fmt.Sprintf(of, f[3], f[5]), fmt.Sprintf(of, f[4], f[6])
			}
			w := newWorld(t, "x "+typ)
			testkit.Exec(t, w.Conn, fmt.Sprintf("CREATE TABLE base AS SELECT %s AS x FROM range(%s) r(i) UNION ALL SELECT NULL", b, f[2]))
			var checks []string
			want := map[string]float64{}
			for i, name := range names {
				if v, err := strconv.ParseFloat(f[7+i], 64); err == nil {
					want[name] = v
					checks = append(checks, fmt.Sprintf("CHECK %s EXPECT (%s(x) >= 0) BASELINE (FROM base)", name, name))
				}
			}
			_, _ = w.batch("CHECKS ("+strings.Join(checks, ", ")+")", fmt.Sprintf("SELECT %s FROM range(%s) r(i) UNION ALL SELECT NULL", a, f[1]))
			for name, v := range want {
				got, err := strconv.ParseFloat(text1(t, w, "SELECT value FROM dsql.checks WHERE name = '"+name+"'"), 64)
				if err != nil || math.Abs(got-v) > 1e-9*max(1, math.Abs(v)) {
					t.Errorf("%s is %v, scipy has %v (%v)", name, got, v, err)
				}
			}
		})
	}
}

func text1(t *testing.T, w *world, query string) string { return text(t, w.Conn, query) }

// TestTails: p-values far out, as scipy.stats.chi2.sf and scipy.special.kolmogorov give them.
func TestTails(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ got, want float64 }{
		{chiSquareTail(0.5, 1.0), 0.47950012218695337},
		{chiSquareTail(3.84, 1.0), 0.05004352124870519},
		{chiSquareTail(50.0, 1.0), 1.537459794428033e-12},
		{chiSquareTail(10.0, 9.0), 0.3504852123233613},
		{chiSquareTail(30.0, 9.0), 0.00043872177097947936},
		{chiSquareTail(200.0, 9.0), 3.312992393909567e-38},
		{chiSquareTail(1000.0, 999.0), 0.48513148927490146},
		{chiSquareTail(1200.0, 999.0), 1.112935044825893e-05},
		{chiSquareTail(1e-06, 4.0), 0.999999999999875},
		{chiSquareTail(700.0, 2.0), 9.929590396265143e-153},
		{kolmogorovTail(0.2, 1), 0.999999999999495},
		{kolmogorovTail(0.35, 1), 0.9996971473702906},
		{kolmogorovTail(0.5, 1), 0.9639452436648751},
		{kolmogorovTail(0.9, 1), 0.3927307079406543},
		{kolmogorovTail(1.0, 1), 0.26999967167735456},
		{kolmogorovTail(1.1, 1), 0.1777181926064012},
		{kolmogorovTail(1.36, 1), 0.049485876755377876},
		{kolmogorovTail(2.0, 1), 0.0006709252557796953},
		{kolmogorovTail(5.0, 1), 3.8574996959278356e-22},
		{chiSquareTail(0, 3), 1}, {chiSquareTail(5, 0), 1}, {kolmogorovTail(0, 100), 1},
	} {
		if math.Abs(x.got-x.want) > 1e-9*max(x.want, 1e-300) && math.Abs(x.got-x.want) > 1e-12 {
			t.Errorf("%v, want %v", x.got, x.want)
		}
	}
}

// TestDistancesOfNothing: where a side has no values there is no distance; a first version has nothing to compare with.
func TestDistancesOfNothing(t *testing.T) {
	t.Parallel()
	for _, rows := range []string{"VALUES (NULL)", "VALUES ('NaN')", ""} {
		w := newWorld(t, "x DOUBLE")
		var metrics []string
		for name := range distances {
			metrics = append(metrics, fmt.Sprintf("%s_m = %s(x, 3)", name, name))
		}
		chain := "METRICS (" + strings.Join(metrics, ", ") + ")"
		_, _ = w.batch(chain, rows)
		_, _ = w.batch(chain, "VALUES (1), (2)")
		_, _ = w.batch(chain, "VALUES (1), (2)")
		_, _ = w.batch(chain, rows)
		w.want("SELECT version, count(value) FROM dsql.metrics GROUP BY 1 ORDER BY 1", "1|0; 2|0; 3|7; 4|0")
		w.want("SELECT count(*) FROM dsql.metrics WHERE version = 3 AND value = CASE WHEN metric LIKE '%\\_p\\_m' ESCAPE '\\' THEN 1 ELSE 0 END",
			"7")
	}
}
