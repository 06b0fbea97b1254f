package main

import "testing"

// Rollups of each way: merged, with an average that is computed anew; computed anew, of a stream, a journal and a rollup; windows that close and are
// handed on, and sessions that do.
const crashedRollups = `CREATE SOURCE ev_in (k VARCHAR, ts TIMESTAMP, x BIGINT) FROM FILES ('in/*.csv');
CREATE SOURCE prices_in (id VARCHAR, price DECIMAL(9, 2), n INTEGER, gone BOOLEAN) FROM FILES ('prices/*.csv');
CREATE STREAM ev RULES (CONSTRAINT small EXPECT (x < 90)) FROM ev_in;
CREATE JOURNAL prices KEYS (id) SEQUENCE BY n DELETE WHEN gone COLUMNS (price) FROM prices_in;
CREATE ROLLUP merged AS SELECT k, count(*) AS n, sum(x) AS t, max(ts) AS newest FROM STREAM ev GROUP BY k;
CREATE ROLLUP means AS SELECT k, avg(x * 3002399751580331) AS mean FROM STREAM ev GROUP BY k;
CREATE ROLLUP medians RULES (CONSTRAINT some EXPECT (n > 1)) AS SELECT k, count(*) AS n, median(x) AS m FROM STREAM ev GROUP BY k;
CREATE ROLLUP dear AS SELECT price > 2 AS dear, count(*) AS n, sum(price) AS t FROM STREAM prices GROUP BY ALL;
CREATE ROLLUP outer_one AS SELECT n, count(*) AS groups FROM STREAM merged GROUP BY n;
CREATE ROLLUP windows LATENESS INTERVAL 5 MINUTES EMIT FINAL
  AS SELECT k, tumble(ts, INTERVAL 10 MINUTE) AS w, count(*) AS n, avg(x) AS mean FROM STREAM ev GROUP BY ALL;
CREATE ROLLUP visits LATENESS INTERVAL 5 MINUTES EMIT FINAL
  AS SELECT k, session(ts, INTERVAL 7 MINUTE) AS w, window_end(w) AS till, count(*) AS n FROM STREAM ev GROUP BY ALL;
CREATE STREAM closed AS SELECT * FROM STREAM windows;
CREATE SINK out INTO FILES ('out', format csv) FROM windows;
CREATE SINK moved INTO FILES ('out/merged', format csv) FROM merged;
`

// A run of rollups that is killed, wherever that is, goes on as one that was not: each window was handed on once, the same rows were too late.
func TestRollupsAfterCrashes(t *testing.T) {
	crashing{
		script: crashedRollups,
		before: map[string]string{
			"in/1.csv":     "k,ts,x\na,2025-01-01 10:00,1\na,2025-01-01 10:04,2\nb,2025-01-01 10:06,4\nb,2025-01-01 10:07,90\nc,2025-01-01 10:09,1\n",
			"prices/1.csv": "id,price,n,gone\ntea,2.50,1,\nsalt,1.00,1,\nrice,3.00,1,\n",
		},
		killed: map[string]string{
			"in/2.csv":     "k,ts,x\na,2025-01-01 10:03,5\nb,2025-01-01 10:31,4\nb,2025-01-01 10:32,91\nd,2025-01-01 10:33,3000\n",
			"in/3.csv":     "k,ts,x\na,2025-01-01 10:01,7\nc,2025-01-01 10:35,2\nd,2025-01-01 10:36,3\n",
			"in/4.csv":     "k,ts,x\nb,2025-01-01 10:29,5\nc,2025-01-01 11:00,8\n",
			"prices/2.csv": "id,price,n,gone\ntea,1.50,2,\nrice,,2,true\n",
		},
		own: []string{"rollup-merged", "rollup-rest", "rollup-gathered", "rollup-removed", "rollup-judged", "rollup-handed"},
		rows: []string{"main.merged__now", "main.merged__past", "main.means__now", "main.medians__now", "main.dear__now", "main.outer_one__now",
			"main.windows__final", "main.visits__final", "main.visits__late", "main.closed", "dsql.rejects", "dsql.watermarks", "dsql.closed"},
	}.everywhere(t)
}
