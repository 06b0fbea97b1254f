package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"dsql/engine/duck"
)

// Partitions are divided among shares; a topic that feeds a journal is read whole by each, which takes the events of its own keys. What was
// read is not read again, and the merged file goes on where all of them stand.
func TestKafkaShares(t *testing.T) {
	k := newKafka(t, 4, false)
	k.script(`CREATE SOURCE ev (id BIGINT, v VARCHAR) FROM KAFKA (brokers '{brokers}', topic '{topic}');
CREATE STREAM s AS SELECT *, _meta.partition AS p FROM STREAM ev;
CREATE SOURCE changes (id BIGINT, v VARCHAR) FROM KAFKA (brokers '{brokers}', topic '{topic}');
CREATE JOURNAL j KEYS (k) SEQUENCE BY (part, o) COLUMNS (v) AS SELECT id % 7 AS k, v, _meta.partition AS part, _meta.offset AS o FROM STREAM changes;`)
	k.events(0, 400, 4)
	k.to(1, "no record")
	k.runs("--workers=2")
	k.events(400, 100, 4)
	k.runs("--workers=2")
	k.runs("--workers=2")
	union := func(query string) (sum []int64) {
		for i := range 2 {
			db, err := duck.Open(t.Context(), filepath.Join(k.dir, fmt.Sprintf("s.%d-of-2.duckdb", i+1)), duck.Options{ReadOnly: true})
			k.must(err)
			n, err := db.Writer().Int(t.Context(), duck.Text(query))
			k.must(err)
			k.must(db.Close())
			sum = append(sum, n)
		}
		return sum
	}
	for query, want := range map[string]string{
		"SELECT count(DISTINCT p) FROM s":                            "[2 2]",
		"SELECT count(*) FROM s":                                     "[250 250]",
		"SELECT count(*) FROM dsql.offsets WHERE destination = 's'":  "[2 2]",
		"SELECT count(*) FROM dsql.offsets WHERE destination = 'j'":  "[4 4]",
		"SELECT count(*) FROM dsql.rejects WHERE source = 'changes'": "[1 1]",
	} {
		if got := fmt.Sprint(union(query)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if n := union("SELECT count(*) FROM j"); n[0]+n[1] != 7 || n[0] == 0 || n[1] == 0 {
		t.Errorf("the shares have %v keys, of 7", n)
	}
	if n := union("SELECT count(*) FROM dsql.rejects WHERE source = 'ev'"); n[0]+n[1] != 1 {
		t.Errorf("the shares have %v bad records of ev", n)
	}
	if _, code := k.dsql("merge", "s.1-of-2.duckdb", "s.2-of-2.duckdb", "--db=merged.duckdb"); code != 0 {
		t.Fatal(k.lastErrOutput)
	}
	k.runs("--db=alone.duckdb")
	k.events(500, 50, 4)
	for _, db := range []string{"merged.duckdb", "alone.duckdb"} {
		k.runs("--db=" + db)
	}
	k.args = []string{"--db", "alone.duckdb"}
	rows, history := k.all("SELECT * EXCLUDE (_version) FROM s ORDER BY ALL"), k.all("SELECT * FROM j_history ORDER BY ALL")
	k.args = []string{"--db", "merged.duckdb"}
	k.is("SELECT * EXCLUDE (_version) FROM s ORDER BY ALL", rows)
	k.is("SELECT * FROM j_history ORDER BY ALL", history)
	k.is("SELECT count(*), count(DISTINCT id) FROM dsql.rejects", "2|2")
	k.args = nil

	k.script(`CREATE SOURCE ev (id BIGINT, v VARCHAR) FROM KAFKA (brokers '{brokers}', topic '{topic}', group 'g');
CREATE JOURNAL j KEYS (id) SEQUENCE BY v FROM ev;`)
	k.fails(2, "the group of ev gives each process some partitions", "--workers=2", "--db=g.duckdb")
	k.script(`CREATE SOURCE ev (id BIGINT, v VARCHAR) FROM KAFKA (brokers '{brokers}', topic '{topic}', reject_topic 'bad');
CREATE JOURNAL j KEYS (id) SEQUENCE BY v FROM ev;`)
	k.fails(2, "would send what is rejected of it to its reject_topic", "--workers=2", "--db=p.duckdb")
}
