package run

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"dsql/engine/duck"
)

// RETAIN, at random: two streams of the same rows, one of which gives up what its rollups have closed. Whatever comes, late or not, and
// whatever is rebuilt, rollups of either are alike.
func TestRetainAtRandom(t *testing.T) {
	t.Parallel()
	atRandom(t, "DSQL_ROLLUP_SEEDS", 2, func(t *testing.T, r *rand.Rand, long bool) {
		if long {
			retainAtRandom(t, r, 12)
		} else {
			retainAtRandom(t, r, 3)
		}
	})
}

func retainAtRandom(t *testing.T, r *rand.Rand, steps int) {
	f := newField(t)
	script := "CREATE SOURCE i (k VARCHAR, ts TIMESTAMP, x INTEGER) FROM FILES ('in/*.csv', nullstr '', batch_files 1);\n" +
		fmt.Sprintf("CREATE STREAM few RETAIN INTERVAL %d MINUTES FROM i;\nCREATE STREAM whole FROM i;\n", pick(r, 0, 20, 90))
	queries := 0
	for range 3 {
		window := pick(r, "tumble(ts, INTERVAL 20 MINUTES)", "tumble(ts, INTERVAL 1 HOUR)", "hop(ts, INTERVAL 1 HOUR, INTERVAL 20 MINUTES)",
			"tumble(ts, INTERVAL 30 MINUTES) AS v, tumble(ts, INTERVAL 1 HOUR)")
		text := fmt.Sprintf("LATENESS INTERVAL %d MINUTES %s AS SELECT %s%s AS w, %s FROM STREAM ", pick(r, 0, 15, 60), pick(r, "", "EMIT FINAL"),
			pick(r, "", "k, "), window, pick(r, "count(*) AS n, sum(x) AS s", "avg(x) AS a, min(x) AS m", "list(x ORDER BY x) AS l", "max(x) AS m, median(x) AS d"))
		end := pick(r, "", " WHERE x > 2", " WHERE k <> 'a'") + " GROUP BY ALL" + pick(r, "", " HAVING count(*) > 1") + ";\n"
		for _, of := range []string{"few", "whole"} {
			script += fmt.Sprintf("CREATE ROLLUP %s%d %s%s%s", of, queries, text, of, end)
		}
		queries++
	}
	newest := 0
	for step := range steps {
		rows := "k,ts,x\n"
		for range 1 + r.IntN(8) {
			newest += r.IntN(25)
			at := max(0, newest-pick(r, 0, 0, 0, 10, 40, 120))
			rows += fmt.Sprintf("%s,%s,%d\n", pick(r, "a", "b", ""), pick(r, fmt.Sprintf("2025-01-01 %02d:%02d:00", at/60%24, at%60),
				fmt.Sprintf("2025-01-01 %02d:%02d:00", at/60%24, at%60), ""), r.IntN(9))
		}
		f.write(fmt.Sprintf("in/%03d.csv", step), rows)
		did := pick(r, "", "VACUUM STREAM few;", "VACUUM STREAM few;", "VACUUM STREAM few; REBUILD ROLLUP few0 AGAIN; REBUILD ROLLUP whole0 AGAIN;",
			"VACUUM STREAM few; VACUUM STREAM few;")
		f.run(script + "REFRESH;\n" + did)
		f.open(func(c *duck.Conn) {
			for q := range queries {
				for _, suffix := range []string{"", "__final"} {
					a := duck.Args{"few": duck.Ident(fmt.Sprintf("few%d%s", q, suffix)), "whole": duck.Ident(fmt.Sprintf("whole%d%s", q, suffix))}
					if e, err := c.Entry(t.Context(), fmt.Sprintf("few%d%s", q, suffix)); err != nil || e == duck.Nothing {
						continue
					}
					for of, table := range a { // which version handed a row on may differ
						a[of] = duck.SQL("SELECT COLUMNS(c -> c NOT IN ('_version', '_nth')) FROM {t}", duck.Args{"t": table})
					}
					n, err := c.Int(t.Context(), duck.SQL("SELECT count(*) FROM ((({few}) EXCEPT ALL ({whole})) UNION ALL (({whole}) EXCEPT ALL ({few})))", a))
					if err != nil || n != 0 {
						t.Fatalf("step %d (%s): %d rows of few%d%s differ, %v\n%s", step, did, n, q, suffix, err, script)
					}
				}
			}
		})
	}
	f.open(func(c *duck.Conn) {
		gone, err := c.Int(t.Context(), duck.SQL("SELECT (SELECT count(*) FROM whole) - (SELECT count(*) FROM few)"))
		t.Logf("%d rows were given up, %v", gone, err)
	})
}
