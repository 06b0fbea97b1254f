package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// REPLAY REJECTS FROM a sink writes what it refused, once it takes it: under the ids that the rows have, each once.
func TestSinkReplaysRejects(t *testing.T) {
	for _, option := range []string{"false", "true"} {
		t.Run("transactional "+option, func(t *testing.T) {
			k := newKafka(t, 1, false)
			limit := func(n string) {
				_, err := k.adm.AlterTopicConfigs(k.ctx(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &n}}, k.topic)
				k.must(err)
			}
			limit("20000")
			k.script(`
CREATE SOURCE ev (id BIGINT, n BIGINT) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s AS SELECT id, repeat('x', n) AS v, encode('é') AS raw FROM ev;
CREATE SINK Out INTO KAFKA (brokers '{brokers}', topic '{topic}', key raw, transactional ` + option + `) ON ROW ERROR REJECT FROM s;
`)
			put(t, filepath.Join(k.dir, "in", "1.csv"), "id,n\n1,10\n2,50000\n3,10\n4,60000\n5,900000\n")
			k.runs()
			replay := func(where string) {
				t.Helper()
				if _, code := k.dsql("exec", "--db", "s.duckdb", "REPLAY REJECTS FROM out"+where); code != 0 {
					t.Fatalf("exit code %d\n%s", code, k.lastErrOutput)
				}
			}
			replay("")
			k.is("SELECT count(*), count(replayed_at) FROM dsql.rejects", "3|0")
			limit("100000")
			replay(" WHERE data->>'id' <> '4'")
			k.is("SELECT data->>'id', replayed_at IS NOT NULL FROM dsql.rejects ORDER BY id", "2|true\n4|false\n5|false")
			limit("2000000")
			replay("")
			replay("")
			k.is("SELECT count(*), count(replayed_at) FROM dsql.rejects", "3|3")
			var ids []string
			for _, r := range k.readCommitted(k.topic, 5) {
				if ids = append(ids, id(r)); string(r.Key) != "é" {
					t.Errorf("the key is %q", r.Key)
				}
			}
			if got, want := strings.Join(ids, " "), "Out/1/1 Out/1/3 Out/1/2 Out/1/4 Out/1/5"; got != want {
				t.Errorf("ids %s, want %s", got, want)
			}
			k.is("SELECT max(version) FROM dsql.versions", "1")
		})
	}
}

// Rows that had no place in a folder get files of their own; a journal's are its changes.
func TestSinkReplaysRejectsOfFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := `
CREATE SOURCE ev (id BIGINT, k VARCHAR, n BIGINT) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s FROM ev;
CREATE JOURNAL j KEYS (id) SEQUENCE BY n COLUMNS (k) FROM ev;
CREATE SINK a INTO FILES ('a', format csv, partition_by (k), roll (rows 100), write_partition_columns) ON ROW ERROR REJECT FROM s;
CREATE SINK b INTO FILES ('b', format csv, write_partition_columns, partition_by (k)) ON ROW ERROR REJECT FROM j;
`
	put(t, filepath.Join(dir, "s.sql"), script)
	long := strings.Repeat("x", 300)
	put(t, filepath.Join(dir, "in", "1.csv"), "id,k,n\n1,a,1\n2,"+long+",1\n")
	put(t, filepath.Join(dir, "in", "2.csv"), "id,k,n\n1,"+long+",2\n3,c,2\n")
	runs(t, dir)
	put(t, filepath.Join(dir, "s.sql"), strings.NewReplacer("(k), roll", "(n), roll", "partition_by (k)) ON", "partition_by (change_type)) ON").Replace(script)+
		"REFRESH; REPLAY REJECTS FROM A; REPLAY REJECTS FROM b; "+
		"COPY (SELECT count(*) AS n FROM dsql.rejects WHERE replayed_at IS NULL) TO 'open.csv';")
	runs(t, dir)
	ask := asking(t, dir)
	if got := ask("SELECT n FROM 'open.csv'"); got != "0" {
		t.Errorf("%s rejects are open", got)
	}
	if got := ask("SELECT string_agg(id || left(k, 1), ' ' ORDER BY id, n) FROM read_csv('a/*/*.csv', hive_partitioning = false)"); got !=
		"1a 1x 2x 3c" {
		t.Errorf("a has %s", got)
	}
	if got := ask("SELECT string_agg(change_type || id || left(k, 1), ' ' ORDER BY id, change_type) FROM read_csv('b/*/*.csv', hive_partitioning = false)"); got !=
		"insert1a update_after1x update_before1a insert2x insert3c" {
		t.Errorf("b has %s", got)
	}
}
