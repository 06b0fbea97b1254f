package quality

import (
	"testing"

	"dsql/internal/testkit"
)

// TestDifferences: keys that differ between a batch, or the table as it will be, and another table or query.
func TestDifferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "id BIGINT, day DATE, amount DOUBLE, note VARCHAR")
	testkit.Exec(t, w.Conn, `CREATE TABLE "the ledger" AS FROM (VALUES (1, DATE '2026-01-01', 10.004, 'a'), (2, DATE '2026-01-01', 20.5, 'b'),
		(NULL, DATE '2026-01-01', 5, NULL), (4, DATE '2026-01-01', 1e6 + 1, 'd'), (5, DATE '2026-01-01', 7, 'e')) t(ID, day, Amount, note)`)
	const chain = `METRICS (batch = differences("the ledger", id), near = differences("the ledger", id, abs := 0.01),
		share = differences("the ledger", id, abs := 0.01, rel := 1e-5), two = differences("the ledger", id, DAY, abs := 1),
		part = differences((SELECT id, day FROM "the ledger" WHERE id < 3), id), whole = differences("the ledger", id, abs := 1) OVER TABLE,
		rest = batch - near)
		CHECKS (CHECK same EXPECT (differences("the ledger", id, abs := 0.01) = 0) OVER TABLE ON FAILURE WARN, CHECK few EXPECT (batch < 100))`
	// 1 is off by 0.004, 2 by 0.5, NULL is alike, 4 off by a millionth, 5 is missing; 6 is missing there.
	if _, err := w.batch(chain, `VALUES (1, DATE '2026-01-01', 10, 'a'), (2, DATE '2026-01-01', 20, 'b'), (NULL, DATE '2026-01-01', 5, NULL),
		(4, DATE '2026-01-01', 1e6, 'd'), (6, DATE '2026-01-01', 1, 'f')`); err != nil {
		t.Fatal(testkit.Rendered(err))
	}
	w.want("SELECT metric, value FROM dsql.metrics ORDER BY rowid", "batch|5; near|4; share|3; two|2; part|3; whole|2; rest|1")
	w.want("SELECT name, value, verdict FROM dsql.checks ORDER BY rowid", "same|4|warn; few|5|pass")
	w.want("SELECT data->>'id' FROM dsql.check_rows ORDER BY 1", "2; 4; 6")
	// 5 comes, 6 a second time, and 1 with another note; of the batch alone 2, 4 and NULL are missing.
	if _, err := w.batch(chain, `VALUES (5, DATE '2026-01-01', 7, 'e'), (6, DATE '2026-01-01', 1, 'f'), (1, DATE '2026-01-01', 10, 'A')`); err != nil {
		t.Fatal(testkit.Rendered(err))
	}
	w.want("SELECT metric, value FROM dsql.metrics WHERE version = 2 ORDER BY rowid",
		"batch|5; near|5; share|5; two|5; part|3; whole|2; rest|0")
	// No rows: all are missing here.
	if _, err := w.batch(chain, ""); err != nil {
		t.Fatal(testkit.Rendered(err))
	}
	w.want("SELECT metric, value FROM dsql.metrics WHERE version = 3 AND metric IN ('batch', 'part') ORDER BY rowid", "batch|5; part|2")
}
