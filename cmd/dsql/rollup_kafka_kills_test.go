package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Payments are joined with their orders, which wait for them; times go up in each partition, so that nothing comes too late, but those of
// visits go back and forth, so that sessions merge.
const rollupKillsScript = `
CREATE SOURCE orders_in (id BIGINT, k BIGINT, ts TIMESTAMP, visit TIMESTAMP) FROM KAFKA (brokers '{brokers}', topic '{topic}', batch_time '10ms');
CREATE SOURCE paid_in (id BIGINT, ts TIMESTAMP, amount BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}.paid', batch_time '10ms');
CREATE STREAM orders FROM orders_in;
CREATE STREAM paid FROM paid_in;
CREATE STREAM pairs AS SELECT o.id, o.k, o.ts, p.amount FROM STREAM orders o JOIN STREAM paid p
  ON p.id = o.id AND p.ts BETWEEN o.ts AND o.ts + INTERVAL 10 MINUTE;
CREATE STREAM lefts AS SELECT o.id, p.amount FROM STREAM orders o LEFT JOIN STREAM paid p
  ON p.id = o.id AND p.ts BETWEEN o.ts AND o.ts + INTERVAL 10 MINUTE;
CREATE ROLLUP merged AS SELECT k, count(*) AS n, sum(amount) AS t, max(ts) AS newest FROM STREAM pairs GROUP BY k;
CREATE ROLLUP windows LATENESS INTERVAL 1 MINUTE EMIT FINAL
  AS SELECT tumble(ts, INTERVAL 5 MINUTE) AS w, count(*) AS n, max(id) AS id FROM STREAM orders GROUP BY ALL;
CREATE ROLLUP visits AS SELECT session(visit, INTERVAL 4 MINUTE) AS w, count(*) AS v FROM STREAM orders GROUP BY ALL;
CREATE SINK state INTO KAFKA (brokers '{brokers}', topic '{topic}.state', key k) FROM merged;
CREATE SINK sure INTO KAFKA (brokers '{brokers}', topic '{topic}.sure', key k, transactional true) FROM merged;
CREATE SINK sessions INTO KAFKA (brokers '{brokers}', topic '{topic}.sessions', key w) FROM visits;
CREATE SINK closed INTO KAFKA (brokers '{brokers}', topic '{topic}.closed', key w) FROM windows;
CREATE SINK found INTO KAFKA (brokers '{brokers}', topic '{topic}.found', key id, transactional true) FROM lefts;
`

// rollupsKilled are the points at which it is killed, those of joins and rollups before those of sinks.
var rollupsKilled = []string{"rollup-merged", "join-released", "rollup-handed", "sink-uncommitted", "rollup-removed", "sink-before-place",
	"rollup-judged", "join-paired", "sink-written", "rollup-gathered", "join-judged", "before-commit", "after-commit"}

// A run that follows is killed again and again, 30 times with DSQL_LONG, at a point of its rollups, joins and sinks, or when it waits. In the
// end each rollup and join is its plain query, and who reads the topics as docs/sinks.md says has the exact state.
func TestRollupKafkaKills(t *testing.T) {
	k := newKafka(t, 2, true)
	for _, to := range []string{"paid", "state", "sure", "sessions", "closed", "found"} {
		k.create(k.topic+"."+to, 2)
	}
	k.script(rollupKillsScript)
	n := 0
	k.killed(rollupsKilled, func() (rs []*kgo.Record) {
		for range 20 {
			at := fmt.Sprintf("2025-01-%02d %02d:%02d:00", 1+n/1440, n/60%24, n%60)
			visit := (n*6 + n*n%29) % 1440
			rs = append(rs, &kgo.Record{Topic: k.topic, Partition: int32(n % 2),
				Value: fmt.Appendf(nil, `{"id":%d,"k":%d,"ts":%q,"visit":"2025-01-01 %02d:%02d:00"}`, n, n%11, at, visit/60, visit%60)})
			if n%4 != 3 {
				rs = append(rs, &kgo.Record{Topic: k.topic + ".paid", Partition: int32(n % 2),
					Value: fmt.Appendf(nil, `{"id":%d,"ts":%q,"amount":%d}`, n-n%3, at, n%37)})
			}
			n++
		}
		return rs
	})
	k.is("SELECT count(*) - count(DISTINCT id) FROM orders", "0")
	k.is("SELECT count(*) FROM dsql.rejects", "0")
	const join = "FROM orders o %s JOIN paid p ON p.id = o.id AND p.ts BETWEEN o.ts AND o.ts + INTERVAL 10 MINUTE"
	for is, plain := range map[string]string{
		"SELECT id, k, ts, amount FROM pairs":                                             "SELECT o.id, o.k, o.ts, p.amount " + fmt.Sprintf(join, ""),
		"SELECT id, amount FROM lefts UNION ALL SELECT id, NULL FROM lefts__waiting_left": "SELECT o.id, p.amount " + fmt.Sprintf(join, "LEFT"),
		"FROM merged":  "SELECT k, count(*), sum(amount), max(ts) FROM pairs GROUP BY k",
		"FROM windows": "SELECT time_bucket(INTERVAL 5 MINUTE, ts) AS w, count(*), max(id) FROM orders GROUP BY ALL",
		"SELECT v FROM visits": "SELECT count(*) FROM (SELECT sum(o::INTEGER) OVER (ORDER BY visit) AS s FROM (SELECT visit, " +
			"coalesce(visit > lag(visit) OVER (ORDER BY visit) + INTERVAL 4 MINUTE, true) AS o FROM orders)) GROUP BY s",
		"SELECT w, n, id FROM windows__final": "SELECT w, n, id FROM windows WHERE w + INTERVAL 5 MINUTE <= " +
			"(SELECT max(up_to) FROM dsql.closed WHERE destination = 'windows')",
	} {
		k.is(fmt.Sprintf("SELECT count(*) FROM (((%[1]s) EXCEPT ALL (%[2]s)) UNION ALL ((%[2]s) EXCEPT ALL (%[1]s)))", is, plain), "0")
	}
	for _, x := range []struct{ to, field, want string }{
		{"state", "t", "SELECT k || ' ' || t FROM merged ORDER BY k"},
		{"sure", "t", "SELECT k || ' ' || t FROM merged ORDER BY k"},
		{"sessions", "v", "SELECT w || ' ' || v FROM visits ORDER BY w"},
	} {
		now := k.state(x.to, x.to == "sure", x.field)
		want := strings.Split(k.all(x.want), "\n")
		slices.Sort(now)
		slices.Sort(want)
		if !slices.Equal(now, want) || len(want) < 5 {
			t.Errorf("%s has\n%s\nwant\n%s", x.to, strings.Join(now, "\n"), strings.Join(want, "\n"))
		}
	}
	for to, want := range map[string]string{
		"closed": "SELECT id FROM windows__final ORDER BY id",
		"found":  "SELECT id FROM lefts ORDER BY id",
	} {
		if _, once := k.read(to, to == "found", "id"); strings.Join(once, "\n") != k.all(want) || len(once) < 5 {
			t.Errorf("%s has\n%s\nwant\n%s", to, strings.Join(once, "\n"), k.all(want))
		}
	}
}
