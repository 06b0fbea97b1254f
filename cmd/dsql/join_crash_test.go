package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const crashedJoins = `CREATE SOURCE orders_in (id BIGINT, ordered_at TIMESTAMP) FROM FILES ('orders/*.csv');
CREATE SOURCE payments_in (order_id BIGINT, amount INTEGER, paid_at TIMESTAMP) FROM FILES ('payments/*.csv');
CREATE SOURCE silent_in (order_id BIGINT, amount INTEGER, paid_at TIMESTAMP) FROM FILES ('silent/*.csv');
CREATE STREAM orders FROM orders_in;
CREATE STREAM payments FROM payments_in, silent_in;
CREATE STREAM matched RULES (CONSTRAINT known EXPECT (id <> 9)) WATERMARK (idle '0s', close_idle '1us')
  AS SELECT o.id, p.amount FROM STREAM orders o LEFT JOIN STREAM payments p
  ON p.order_id = o.id AND p.paid_at BETWEEN o.ordered_at AND o.ordered_at + INTERVAL 1 HOUR;
CREATE STREAM fulls AS SELECT o.id, p.amount, p.order_id FROM STREAM orders o FULL JOIN STREAM payments p
  ON p.order_id = o.id AND p.paid_at BETWEEN o.ordered_at AND o.ordered_at + INTERVAL 1 HOUR;
CREATE SINK out INTO FILES ('out', format csv) FROM fulls;
`

// A run of outer joins that is killed, wherever that is, goes on as one that was not: the same rows were given, wait and were too late.
func TestOuterJoinsAfterCrashes(t *testing.T) {
	if testing.Short() {
		t.Skip("kills some forty runs: `make crash`")
	}
	t.Parallel()
	begin := func(t *testing.T) string {
		dir := t.TempDir()
		put(t, filepath.Join(dir, "s.sql"), crashedJoins)
		put(t, filepath.Join(dir, "orders/1.csv"), "id,ordered_at\n1,2025-01-01 10:00\n2,2025-01-01 10:10\n9,2025-01-01 10:20\n")
		put(t, filepath.Join(dir, "payments/1.csv"), "order_id,amount,paid_at\n1,40,2025-01-01 10:20\n3,15,2025-01-01 10:35\n")
		put(t, filepath.Join(dir, "silent/1.csv"), "order_id,amount,paid_at\n7,1,2025-01-01 09:00\n")
		run := asCommand(t, dir, "run", "-q", "s.sql")
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		put(t, filepath.Join(dir, "orders/2.csv"), "id,ordered_at\n1,2025-01-01 09:30\n3,2025-01-01 10:30\n4,2025-01-01 11:35\n6,2025-01-01 12:20\n")
		put(t, filepath.Join(dir, "payments/2.csv"), "order_id,amount,paid_at\n2,77,2025-01-01 10:34\n4,50,2025-01-01 12:10\n5,7,2025-01-01 12:30\n")
		return dir
	}
	whole := begin(t)
	log := filepath.Join(whole, "points.log")
	c := asCommand(t, whole, "run", "-q", "s.sql")
	c.Env = append(c.Env, "DSQL_FAULT_LOG="+log)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := contents(t, filepath.Join(whole, "s.duckdb"))
	for _, some := range []string{"main.matched", "main.fulls", "main.fulls__waiting_left", "main.fulls__waiting_right", "main.fulls__too_late"} {
		if rows := want[some]; rows == "" || rows == "empty" {
			t.Errorf("%s has no rows", some)
		}
	}
	points := map[string]int{}
	for _, p := range strings.Fields(read(t, log)) {
		points[p]++
	}
	for _, own := range []string{"join-judged", "join-paired", "join-released"} {
		if points[own] == 0 {
			t.Errorf("%s wasn't passed", own)
		}
	}
	for name, passes := range points {
		for k := 1; k <= passes; k++ {
			if k > 1 && k < passes && !strings.HasPrefix(name, "join-") {
				continue
			}
			t.Run(fmt.Sprintf("%s-%d", name, k), func(t *testing.T) {
				t.Parallel()
				dir := begin(t)
				c := asCommand(t, dir, "run", "-q", "s.sql")
				c.Env = append(c.Env, fmt.Sprintf("DSQL_FAULT=kill:%s:%d", name, k))
				if c.Run() == nil {
					t.Fatal("the run was not killed")
				}
				if out, err := asCommand(t, dir, "run", "-q", "s.sql").CombinedOutput(); err != nil {
					t.Fatalf("after the crash: %v\n%s", err, out)
				}
				sameContents(t, want, filepath.Join(dir, "s.duckdb"))
				if left, err := os.ReadDir(filepath.Join(dir, "out")); err != nil || len(left) == 0 {
					t.Errorf("the sink wrote %d files, %v", len(left), err)
				}
			})
		}
	}
}
