package quality

import (
	"strings"
	"testing"

	"dsql/internal/testkit"
)

const flown = "carrier VARCHAR, day DATE, delay DOUBLE, id BIGINT"

// TestBy judges groups, with the groups that fail and their values.
func TestBy(t *testing.T) {
	t.Parallel()
	const rows = "VALUES ('AA', DATE '2026-01-01', 1, 1), ('AA', DATE '2026-01-02', 3, 1), ('SK', DATE '2026-01-01', 30, 2), " +
		"(NULL, DATE '2026-01-01', 50, 3), ('BA', DATE '2026-01-01', NULL, 4)"
	for _, x := range []struct{ name, check, verdict, rows string }{
		{"an average", "EXPECT (avg(delay) < 20) BY (carrier)", "fail|2.0|2",
			`{"carrier":"SK","value":30.0}; {"carrier":null,"value":50.0}`},
		{"in another case", "EXPECT (AVG(Delay) < 20) BY (CARRIER)", "fail|2.0|2",
			`{"carrier":"SK","value":30.0}; {"carrier":null,"value":50.0}`},
		{"all pass", "EXPECT (count(*) > 0) BY (carrier, day)", "pass|0.0|0", ""},
		{"one is NULL", "EXPECT (avg(delay) < 99) BY (carrier)", "unknown|0.0|0", ""},
		{"NULL is FALSE", "EXPECT (avg(delay) < 99) BY (carrier) ON UNKNOWN FAIL", "fail|1.0|1", `{"carrier":"BA","value":null}`},
		{"NULL warns", "EXPECT (avg(delay) < 99) BY (carrier) ON UNKNOWN WARN", "warn|0.0|0", `{"carrier":"BA","value":null}`},
		{"one fails, one is NULL", "EXPECT (avg(delay) < 40) BY (carrier) ON UNKNOWN WARN ON FAILURE WARN", "warn|1.0|1",
			`{"carrier":null,"value":50.0}; {"carrier":"BA","value":null}`},
		{"expressions", "EXPECT (sum(delay) < 50) BY (day + 1, lower(carrier) AS c) ON FAILURE WARN", "warn|1.0|1",
			`{"(\"day\" + 1)":"2026-01-02","c":null,"value":50.0}`},
		{"helpers", "EXPECT (is_unique(id)) BY (carrier) ON FAILURE HOLD", "held|1.0|1", `{"carrier":"AA","value":false}`},
		{"each row", "EXPECT (delay < 20) BY (carrier) ON FAILURE WARN", "warn|2.0|2",
			`{"carrier":"SK","value":1}; {"carrier":null,"value":1}`},
		{"each row, NULL is FALSE", "EXPECT (delay < 99) BY (carrier) ON UNKNOWN FAIL ON FAILURE WARN", "warn|1.0|1",
			`{"carrier":"BA","value":1}`},
		{"metrics", "EXPECT (avg(delay) < 2 * m) BY (carrier) ON FAILURE WARN", "warn|1.0|1", `{"carrier":null,"value":50.0}`},
		{"a column of BY", "EXPECT (max(delay) < CASE carrier WHEN 'SK' THEN 31 ELSE 40 END) BY (carrier) ON FAILURE WARN", "warn|1.0|1",
			`{"carrier":null,"value":50.0}`},
		{"a limit by group", "EXPECT (max(delay) < (SELECT l FROM limits WHERE limits.c = carrier)) BY (carrier) ON FAILURE WARN", "warn|1.0|1",
			`{"carrier":"SK","value":30.0}`},
		{"over the table", "EXPECT (count(*) < 2) OVER TABLE BY (id % 2 AS odd) ON FAILURE WARN", "warn|2.0|2",
			`{"odd":0,"value":2}; {"odd":1,"value":3}`},
		{"a column called value", "EXPECT (count(*) < 2) BY (id % 2 AS value) ON FAILURE WARN", "warn|2.0|2",
			`{"value":0,"_value":2}; {"value":1,"_value":3}`},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, flown)
			testkit.Exec(t, w.Conn, "CREATE TABLE limits AS SELECT 'SK' AS c, 30 AS l")
			_, _ = w.batch("METRICS (m = avg(delay)) CHECKS (CHECK other EXPECT (count(*) < 9) BY (day), CHECK c "+x.check+")", rows)
			w.want("SELECT concat_ws('|', verdict, value, failed_rows) FROM dsql.checks WHERE name = 'c'", x.verdict)
			w.want("SELECT data::VARCHAR FROM dsql.check_rows WHERE name = 'c'", x.rows)
		})
	}
}

// TestRowsBehindAggregates: those that broke a check of all rows are kept as those of a check on rows are.
func TestRowsBehindAggregates(t *testing.T) {
	t.Parallel()
	const rows = "VALUES ('AA', DATE '2026-01-01', 1, 2), ('SK', NULL, 3, 1), ('SK', DATE '2026-01-02', 30, 2), ('TP', NULL, 9, NULL)"
	for _, x := range []struct{ name, check, verdict, rows string }{
		{"is_unique", "EXPECT (is_unique(id)) ON FAILURE WARN", "warn|0.0", "AA2; SK2"},
		{"held", "EXPECT (is_unique(ID)) ON FAILURE HOLD", "held|0.0", "AA2; SK2"},
		{"stopped", "EXPECT (duplicate_ratio(carrier) < 0.1)", "fail|0.25", "SK1; SK2"},
		{"orphans", "EXPECT (orphans(carrier, known.c) = 0) ON FAILURE WARN", "warn|3.0", "SK1; SK2; TP"},
		{"null_ratio", "EXPECT (null_ratio(day) < 0.1) ON FAILURE WARN", "warn|0.5", "SK1; TP"},
		{"a metric", "EXPECT (n < 0.1) ON FAILURE WARN", "warn|0.5", "SK1; TP"},
		{"over the table", "EXPECT (is_unique(id)) OVER TABLE ON FAILURE WARN", "warn|0.0", "AA2; SK2"},
		{"what is counted, not what broke", "EXPECT (count(*) FILTER (id = 2) > 5) ON FAILURE HOLD", "held|2.0", ""},
		{"passed", "EXPECT (null_ratio(day) < 0.9)", "pass|0.5", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, flown)
			testkit.Exec(t, w.Conn, "CREATE TABLE known AS SELECT 'AA' AS c")
			_, _ = w.batch("METRICS (n = null_ratio(day)) CHECKS (CHECK c "+x.check+")", rows)
			w.want("SELECT concat_ws('|', verdict, value, failed_rows) FROM dsql.checks WHERE name = 'c'", x.verdict)
			w.want("SELECT concat(data->>'carrier', data->>'id') FROM dsql.check_rows WHERE name = 'c'", x.rows)
		})
	}
}

// TestRowsAreBounded: a hundred of the rows, or groups, are kept of a check.
func TestRowsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, flown)
	_, _ = w.batch(`CHECKS (CHECK a EXPECT (is_unique(delay)) ON FAILURE WARN, CHECK b EXPECT (count(*) > 1) BY (id) ON FAILURE WARN)`,
		"SELECT 'AA', NULL, 1, i FROM range(3000) r(i)")
	w.want("SELECT name || count(*) || max((data->>'id')::INTEGER) FROM dsql.check_rows WHERE name = 'b' GROUP BY name", "b10099")
	w.want("SELECT count(*) FROM dsql.check_rows WHERE name = 'a'", "100")
	w.want("SELECT failed_rows FROM dsql.checks WHERE name = 'b'", "3000")
}

// TestByNoRows: where there are no groups, nothing is known.
func TestByNoRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, flown)
	_, _ = w.batch(`CHECKS (CHECK a EXPECT (count(*) > 0) BY (carrier), CHECK b EXPECT (count(*) > 0) BY (carrier) ON UNKNOWN WARN,
		CHECK c EXPECT (count(*) > 0) BY (carrier) ON UNKNOWN FAIL ON FAILURE HOLD)`, "")
	w.want("SELECT concat_ws('|', name, verdict, value, failed_rows) FROM dsql.checks ORDER BY name",
		"a|unknown|0.0|0; b|warn|0.0|0; c|held|0.0|0")
}

// TestOnUnknown: what NULL means to a check of all rows, and of each.
func TestOnUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, flown)
	const of = "EXPECT (avg(delay) < 20)"
	res, _ := w.batch("CHECKS (CHECK a "+of+", CHECK b "+of+" ON UNKNOWN PASS, CHECK c "+of+" ON UNKNOWN WARN, CHECK d "+of+
		" ON UNKNOWN FAIL ON FAILURE HOLD, CHECK e EXPECT (freshness(day) < 9) ON UNKNOWN FAIL ON FAILURE WARN, "+
		"CHECK f EXPECT (delay < 5) ON UNKNOWN WARN, CHECK g EXPECT (delay < 5) ON UNKNOWN FAIL ON FAILURE WARN)", "VALUES ('AA', NULL, NULL, 1)")
	w.want("SELECT concat_ws('|', name, verdict, value, failed_rows) FROM dsql.checks ORDER BY name",
		"a|unknown; b|unknown; c|warn; d|held; e|warn; f|warn|0.0|0; g|warn|1.0|1")
	var told []string
	for _, e := range res.Warnings {
		told = append(told, e.Msg)
	}
	const want = `the check c of s is unknown: NULL, expected avg(delay) < 20
the check e of s failed: NULL, expected freshness(day) < 9
the check f of s is unknown: NULL for some rows, expected delay < 5
the check g of s failed: 1 row, expected delay < 5`
	if got := strings.Join(told, "\n"); got != want {
		t.Errorf("told:\n%s\nwant:\n%s", got, want)
	}
	w.want("SELECT name || count(*) FROM dsql.check_rows GROUP BY name ORDER BY name", "f1; g1")
}
