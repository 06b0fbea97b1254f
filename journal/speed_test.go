package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// The benchmarks open a file, take one batch in and close the file, as a run does. The same work written by hand stands beside
// each: a feed over a log of events that takes any order too, a snapshot as one FULL JOIN.
//
//	go test ./journal -run '^$' -bench . -benchtime 3x

// Of a million customers 100,000 come in a feed's batch: 50,000 with another value, 10,000 new, 5,000 deleted, 35,000 the same.
const customers = 1_000_000

const handFeed = `
	CREATE TEMP TABLE n AS SELECT op, id, ts, {cols} FROM (SELECT *, row_number() OVER (PARTITION BY id, ts) r FROM {rows} WHERE
		id IS NOT NULL AND ts IS NOT NULL) x
		WHERE r = 1 AND NOT EXISTS (SELECT 1 FROM ev e WHERE e.id = x.id AND e.ts = x.ts);
	INSERT INTO ev SELECT * FROM n;
	DELETE FROM j WHERE id IN (SELECT id FROM n);
	INSERT INTO j WITH e AS (SELECT e.*, CASE op WHEN 'D' THEN 'D' ELSE 'U' END op_ FROM ev e SEMI JOIN n USING (id)),
		m AS (SELECT *, {img} IS DISTINCT FROM lag({img}) OVER (PARTITION BY id ORDER BY ts) AND NOT (op_ = 'D' AND lag(op_) OVER
			(PARTITION BY id ORDER BY ts) IS NULL) chg FROM e),
		z AS (SELECT *, lead(ts) OVER (PARTITION BY id ORDER BY ts) t2 FROM m WHERE chg) SELECT id, {cols}, ts, t2 FROM z WHERE op_ = 'U'`

const handSnapshot = `
	CREATE TEMP TABLE ch AS SELECT s.*, j.id AS jid, j.rid FROM (SELECT *, rowid AS rid FROM j WHERE valid_to IS NULL) j FULL
		JOIN {rows} s ON j.id = s.id WHERE s.id IS NULL OR j.id IS NULL OR {diff};
	UPDATE j SET valid_to = TIMESTAMP '2025-02-01' FROM ch WHERE j.rowid = ch.rid;
	INSERT INTO j SELECT id, {cols}, TIMESTAMP '2025-02-01', NULL FROM ch WHERE id IS NOT NULL`

var speedArgs = func() duck.Args {
	a := duck.Args{"columns": duck.Names{"name", "email", "city", "tier", "balance", "score"}}
	return a.With(duck.Args{"cols": duck.SQL("{columns}", a), "img": duck.SQL("row(op_, {columns})", a),
		"diff": duck.SQL("{any j.columns IS DISTINCT FROM s.columns}", a)})
}()

func customersQuery(n int) string {
	return fmt.Sprintf(`SELECT i AS id, 'name_' || ((i * 7919) %% 1000003) AS name, 'user' || i || '@ex' || (i %% 97) || '.com'
		AS email, ['Oslo','Lima','Pune','Kyiv','Rome'][1 + (hash(i) %% 5)::INT] AS city,
		['free','basic','pro','gold'][1 + (hash(i + 1) %% 4)::INT] AS tier, round((hash(i + 2) %% 1000000) / 100, 2) AS balance,
			CASE WHEN hash(i + 3) %% 20 > 0 THEN (hash(i + 4) %% 1000)::INT END AS score,
		TIMESTAMP '2024-01-01' + INTERVAL ((hash(i + 5) %% 25920000)::INT) SECOND AS ts FROM range(1, %d) t(i)`, n+1)
}

// changesQuery takes a tenth of the customers, in random order.
func changesQuery(n int) string {
	return fmt.Sprintf(`FROM (SELECT CASE WHEN k < %[1]d * 85 / 1000 THEN 'U' ELSE 'D' END AS op,
			id, name, CASE WHEN k < %[1]d / 20 AND k %% 2 = 0 THEN 'new_' || email ELSE email END AS email, city, tier, CASE WHEN k <
				%[1]d / 20 AND k %% 2 = 1 THEN balance + 1.5 ELSE balance END AS balance, score, TIMESTAMP '2025-01-01' + INTERVAL (k::INT
					%% 86400) SECOND AS ts
		FROM (SELECT *, (id * 387420489) %% %[1]d AS k FROM (%[2]s)) WHERE k < %[1]d * 9 / 100
		UNION ALL SELECT 'I', * REPLACE (TIMESTAMP '2025-01-01' AS ts) FROM (%[3]s) WHERE id > %[1]d) ORDER BY hash(id)`, n,
		customersQuery(n), customersQuery(n+n/100))
}

// speedBase makes a file with a journal of n customers, or the tables of the hand-written way, and parquet files of the batches.
func speedBase(b *testing.B, dir, declare string, n int) *bench {
	b.Helper()
	x := newBench(b, dir+"/base.duckdb")
	x.exec("SET threads = 2")
	x.exec("COPY (" + customersQuery(n) + ") TO '" + dir + "/first.parquet'")
	x.exec("COPY (" + changesQuery(n) + ") TO '" + dir + "/changes.parquet'")
	x.exec("COPY (SELECT a.id, coalesce(b.name, a.name) AS name, coalesce(b.email, a.email) AS email, a.city, a.tier, " +
		"coalesce(b.balance, a.balance) AS balance, a.score FROM '" + dir + "/first.parquet' a LEFT JOIN " +
		"'" + dir + "/changes.parquet' b USING (id) WHERE b.op IS DISTINCT FROM 'D' ORDER BY id) TO '" + dir + "/second.parquet'")
	if declare != "" {
		x.mustDeclare(declare, "op VARCHAR, id BIGINT, name VARCHAR, email VARCHAR, city VARCHAR, tier VARCHAR, balance DOUBLE, "+
			"score INTEGER, ts TIMESTAMP")
		x.take2(dir+"/first.parquet", "NULL::VARCHAR AS op, *")
		return x
	}
	x.exec("CREATE TABLE ev AS SELECT 'I' AS op, id, ts, name, email, city, tier, balance, score FROM '" + dir + "/first.parquet'")
	x.exec("CREATE TABLE j AS SELECT id, name, email, city, tier, balance, score, ts AS valid_from, NULL::TIMESTAMP AS valid_to FROM ev")
	return x
}

// take2 hands a parquet file to the journal as it is.
func (b *bench) take2(path, columns string) kind.Counts {
	b.t.Helper()
	rows := fmt.Sprintf("(SELECT %s FROM '%s')", columns, path)
	cols := b.describe(rows)
	n, err := b.take(&kind.Accepted{Version: b.version + 1, Columns: cols, Rows: duck.SQL(rows)})
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// eachRound runs f on a fresh copy of the file.
func eachRound(b *testing.B, x *bench, dir string, f func(*bench)) {
	b.Helper()
	x.close()
	version, j := x.version, x.j
	var used time.Duration
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		text, err := os.ReadFile(dir + "/base.duckdb")
		if err != nil {
			b.Fatal(err)
		}
		path := filepath.Join(b.TempDir(), "round.duckdb")
		if err := os.WriteFile(path, text, 0o644); err != nil {
			b.Fatal(err)
		}
		y := &bench{t: b, j: j, version: version}
		before := cpu(b)
		b.StartTimer()
		y.openFile(path)
		y.exec("SET threads = 2")
		f(y)
		y.close()
		used += cpu(b) - before
	}
	b.StopTimer()
	b.ReportMetric(used.Seconds()/float64(b.N), "cpu-s/op")
	x.openFile(dir + "/base.duckdb")
}

// cpu is the processor time that this process has used. Beside a busy machine's clock it is the steadier measure.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const speedFeed = "CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op = 'D' COLUMNS * EXCEPT (op, ts) FROM ev"

func BenchmarkFeed(b *testing.B) {
	for _, way := range []string{"hand", "journal", "stored"} {
		b.Run(way, func(b *testing.B) {
			dir := b.TempDir()
			text := map[string]string{"journal": speedFeed, "stored": strings.Replace(speedFeed, "(op, ts)", "(op)", 1)}[way]
			x := speedBase(b, dir, text, customers)
			eachRound(b, x, dir, func(y *bench) {
				if way == "hand" {
					y.byHand(handFeed, dir+"/changes.parquet")
					return
				}
				if n := y.take2(dir+"/changes.parquet", "*"); n.Added != customers/100 || n.Removed != customers/200 {
					b.Fatal(n)
				}
			})
		})
	}
}

func (b *bench) byHand(text, path string) {
	b.t.Helper()
	ctx := b.t.Context()
	if err := b.c.Update(ctx, func(tx *duck.Tx) error {
		for _, s := range strings.Split(text, ";") {
			if err := tx.Run(ctx, duck.SQL(s, speedArgs, duck.Args{"rows": path})); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.t.Fatal(err)
	}
}

var speedTime = time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)

func BenchmarkSnapshot(b *testing.B) {
	for _, way := range []string{"hand", "journal"} {
		b.Run(way, func(b *testing.B) {
			dir := b.TempDir()
			text := ""
			if way == "journal" {
				text = "CREATE JOURNAL j KEYS (id) SNAPSHOT AT load_date COLUMNS * EXCEPT (op, ts) FROM ev"
				text = strings.Replace(text, "load_date", "TIMESTAMP '2025-01-01'", 1)
			}
			x := speedBase(b, dir, text, customers)
			if x.j != nil {
				x.j.at = nil // the file's time
			}
			eachRound(b, x, dir, func(y *bench) {
				if way == "hand" {
					y.byHand(handSnapshot, dir+"/second.parquet")
					return
				}
				y.t = b
				rows := duck.SQL("(SELECT NULL::VARCHAR AS op, *, NULL::TIMESTAMP AS ts FROM '" + dir + "/second.parquet')")
				n, err := y.take(&kind.Accepted{Version: y.version + 1, Columns: y.describe(rows.String()), Rows: rows,
					Input: &kind.Input{Source: "ev", Snapshot: true, FileTime: speedTime}})
				if err != nil || n.Removed != customers/200 {
					b.Fatal(n, err)
				}
			})
		})
	}
}

// BenchmarkSmall takes 100 changes of random keys into five million rows, transaction by transaction in an open file: changes in
// order, and late ones.
func BenchmarkSmall(b *testing.B) {
	dir := b.TempDir()
	x := speedBase(b, dir, speedFeed, 5*customers)
	x.exec("CHECKPOINT")
	at := 0
	for _, y := range []struct{ name, ts string }{{"ordered", "2026-01-01"}, {"late", "2023-01-01"}} {
		b.Run(y.name, func(b *testing.B) {
			x.t = b
			used := cpu(b)
			for b.Loop() {
				at++
				n := x.mustWrite(fmt.Sprintf("SELECT 'U' AS op, 1 + (hash(i * %[1]d) %% 5000000)::BIGINT AS id, 'x%[1]d' AS name, NULL AS "+
					"email, NULL AS city, NULL AS tier, 1.0::DOUBLE AS balance, 1::INTEGER AS score, TIMESTAMP '%[2]s' + INTERVAL %[1]d "+
					"SECOND AS ts FROM range(100) t(i)", at, y.ts))
				if n.Written != 100 || n.Unchanged > 10 {
					b.Fatal(n)
				}
			}
			b.ReportMetric((cpu(b)-used).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}
