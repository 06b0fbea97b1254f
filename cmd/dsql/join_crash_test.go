package main

import "testing"

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
	crashing{
		script: crashedJoins,
		before: map[string]string{
			"orders/1.csv":   "id,ordered_at\n1,2025-01-01 10:00\n2,2025-01-01 10:10\n9,2025-01-01 10:20\n",
			"payments/1.csv": "order_id,amount,paid_at\n1,40,2025-01-01 10:20\n3,15,2025-01-01 10:35\n",
			"silent/1.csv":   "order_id,amount,paid_at\n7,1,2025-01-01 09:00\n",
		},
		killed: map[string]string{
			"orders/2.csv":   "id,ordered_at\n1,2025-01-01 09:30\n3,2025-01-01 10:30\n4,2025-01-01 11:35\n6,2025-01-01 12:20\n",
			"payments/2.csv": "order_id,amount,paid_at\n2,77,2025-01-01 10:34\n4,50,2025-01-01 12:10\n5,7,2025-01-01 12:30\n",
		},
		own:  []string{"join-judged", "join-paired", "join-released"},
		rows: []string{"main.matched", "main.fulls", "main.fulls__waiting_left", "main.fulls__waiting_right", "main.fulls__too_late"},
	}.everywhere(t)
}
