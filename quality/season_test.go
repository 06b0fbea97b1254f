package quality

import (
	"fmt"
	"testing"

	"dsql/engine/duck"
	"dsql/internal/testkit"
)

// TestSeason: only versions of the same season are looked back on.
func TestSeason(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "day DATE, n DOUBLE")
	const chain = `METRICS (m = sum(n), Dow = dayofweek(max(day)), name = dayname(max(day)), weekend = Dow IN (0, 6),
		same = mean_of_last(m, 2, DOW), by_name = mean_of_last(m, 2, upper(name)), z = zscore(m, 9, weekend),
		least = mean_of_last(m, 9, weekend, 3), none = mean_of_last(m, 9, nullif(dow, dow)), all_m = mean_of_last(m, 2)) CHECKS (
		CHECK usual EXPECT (abs(zscore(m, 9, weekend)) < 3) ON FAILURE WARN)`
	// Mondays give 100, 101, …, Saturdays 10, 11, …
	for i := range 6 {
		_, _ = w.batch(chain, fmt.Sprintf("VALUES (DATE '2026-01-05' + %d, %d)", 7*i, 100+i))
		_, _ = w.batch(chain, fmt.Sprintf("VALUES (DATE '2026-01-10' + %d, %d)", 7*i, 10+i))
	}
	w.want("SELECT version, value FROM dsql.metrics WHERE metric = 'same' AND version IN (1, 2, 3, 4, 11, 12) ORDER BY 1",
		"1|NULL; 2|NULL; 3|100; 4|10; 11|103.5; 12|13.5")
	w.want("SELECT a.version FROM dsql.metrics a JOIN dsql.metrics b USING (version) WHERE a.metric = 'same' AND b.metric = 'by_name' "+
		"AND a.value IS DISTINCT FROM b.value", "")
	w.want("SELECT version, round(value, 9) FROM dsql.metrics WHERE metric = 'z' AND version IN (3, 5, 11) ORDER BY 1",
		"3|NULL; 5|2.121320344; 11|1.897366596")
	w.want("SELECT version, value FROM dsql.metrics WHERE metric = 'least' AND version > 5 ORDER BY 1",
		"6|NULL; 7|101; 8|11; 9|101.5; 10|11.5; 11|102; 12|12")
	w.want("SELECT count(*), count(value) FROM dsql.metrics WHERE metric = 'none'", "12|0")
	w.want("SELECT value FROM dsql.metrics WHERE metric = 'all_m' AND version = 12", "59.5")
	// A Saturday like a Monday is far off; a hundred is not, on a Monday.
	_, _ = w.batch(chain, "VALUES (DATE '2026-02-16', 103)")
	_, _ = w.batch(chain, "VALUES (DATE '2026-02-21', 103)")
	w.want("SELECT verdict FROM dsql.checks WHERE version > 12 ORDER BY version", "pass; warn")
}

// TestSeasonOfTime: version_time is when an earlier version was measured, and now.
func TestSeasonOfTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "n DOUBLE")
	const chain = "METRICS (m = sum(n), a = mean_of_last(m, 9, hour(Version_Time)), b = mean_of_last(m, 9, version_time::DATE))"
	for i := range 4 {
		_, _ = w.batch(chain, fmt.Sprintf("VALUES (%d)", i))
		testkit.Exec(t, w.Conn, fmt.Sprintf(
			"UPDATE dsql.metrics SET recorded_at = (now() AT TIME ZONE 'UTC') - INTERVAL (%d) DAYS WHERE version = %d", 1+i%2, i+1))
	}
	if err := w.Update(t.Context(), func(tx *duck.Tx) error {
		return tx.Run(t.Context(), duck.SQL("UPDATE dsql.metrics SET recorded_at = recorded_at - INTERVAL 1 HOUR WHERE version = 1"))
	}); err != nil {
		t.Fatal(err)
	}
	_, _ = w.batch(chain, "VALUES (9)")
	w.want("SELECT metric, value FROM dsql.metrics WHERE version = 5 AND metric <> 'm' ORDER BY 1", "a|2; b|NULL")
}
