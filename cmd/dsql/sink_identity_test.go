package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const inOutScript = `
CREATE SOURCE ev (n BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}');
CREATE STREAM s FROM ev;
CREATE SINK out INTO KAFKA (brokers '{brokers}', topic '{topic}-out') FROM s;
CREATE SINK lake INTO FILES ('lake') FROM s;
`

// byIDs are the values of a topic as a consumer sees them that leaves out ids which it has seen.
func (k *kafka) byIDs(topic string) string {
	k.t.Helper()
	seen, values := map[string]bool{}, []string(nil)
	for _, part := range k.sent(topic) {
		for _, r := range part {
			for _, h := range r.Headers {
				if h.Key == "dsql-id" && !seen[string(h.Value)] {
					seen[string(h.Value)] = true
					values = append(values, string(r.Value))
				}
			}
		}
	}
	slices.Sort(values)
	return strings.Join(values, " ")
}

// An id is that of one row of one file: a file made anew has others.
func TestSinkIDsOfFiles(t *testing.T) {
	k := newKafka(t, 1, true)
	k.create(k.topic+"-out", 1)
	k.script(strings.Replace(inOutScript, "CREATE SINK lake INTO FILES ('lake') FROM s;", "CREATE STREAM s2 AS SELECT n + 100 AS n FROM ev;",
		1))
	k.put(`{"n":1}`)
	for _, db := range []string{"a.duckdb", "b.duckdb"} {
		k.args = []string{"--db", db}
		k.runs()
	}
	k.must(os.Remove(filepath.Join(k.dir, "b.duckdb")))
	k.runs()
	n := 0
	for _, part := range k.sent(k.topic + "-out") {
		n += len(part)
	}
	if got := k.byIDs(k.topic + "-out"); n != 3 || got != `{"n":1} {"n":1} {"n":1}` {
		t.Errorf("%d records, by their ids %s", n, got)
	}
	// Another input of the same sink: its first version is no repeat.
	k.script(strings.Replace(strings.Replace(inOutScript, "CREATE SINK lake INTO FILES ('lake') FROM s;",
		"CREATE STREAM s2 AS SELECT n + 100 AS n FROM ev;", 1), "-out') FROM s;", "-out') FROM s2;", 1))
	k.runs()
	if got := k.byIDs(k.topic + "-out"); got != `{"n":101} {"n":1} {"n":1} {"n":1}` {
		t.Error(got)
	}
}

// A copy that --snapshot made is another file: its sinks stop, all else goes on, until RESUME SINK; then its names are its own.
func TestSinksOfRestoredCopy(t *testing.T) {
	k := newKafka(t, 1, true)
	k.create(k.topic+"-out", 1)
	k.script(inOutScript)
	k.put(`{"n":1}`)
	k.runs("--snapshot", "yesterday.duckdb")
	k.put(`{"n":2}`)
	k.runs()
	k.must(os.Rename(filepath.Join(k.dir, "yesterday.duckdb"), filepath.Join(k.dir, "s.duckdb")))
	k.put(`{"n":3}`)
	for range 2 {
		k.fails(1, "[restored-copy]")
		if strings.Count(k.lastErrOutput, "error: sink ") != 2 {
			t.Error(k.lastErrOutput)
		}
	}
	k.is("SELECT n FROM s ORDER BY n", "1\n2\n3")
	if got := k.byIDs(k.topic + "-out"); got != `{"n":1} {"n":2}` {
		t.Error(got)
	}
	k.is("SELECT n FROM read_parquet('"+k.dir+"/lake/*.parquet') ORDER BY n", "1\n2")
	k.script("RESUME SINK lake;")
	k.runs()
	k.script(inOutScript)
	k.fails(1, "sink out stops")
	k.is("SELECT n FROM read_parquet('"+k.dir+"/lake/*.parquet') ORDER BY n", "1\n2\n2\n3") // what the lost file wrote stands there still
	k.script(inOutScript + "RESUME SINK out;")
	k.runs()
	k.runs()
	if got := k.byIDs(k.topic + "-out"); got != `{"n":1} {"n":2} {"n":2} {"n":3}` {
		t.Error(got)
	}
	k.script("RESUME SINK nowhere;")
	k.fails(2, "nowhere")
	k.script(inOutScript)
	f := k.follow() // following too
	f.ends(syscall.SIGTERM)
}

// While a run follows, a copy's sinks stop as well, and all else goes on.
func TestSinksOfCopyFollow(t *testing.T) {
	k := newKafka(t, 1, true)
	k.create(k.topic+"-out", 1)
	k.script(strings.Replace(inOutScript, "'{topic}')", "'{topic}', batch_time '10ms')", 1))
	k.put(`{"n":1}`)
	k.runs("--snapshot", "copy.duckdb")
	k.args = []string{"--db", "copy.duckdb"}
	k.put(`{"n":2}`)
	f := k.follow()
	f.sees("sink lake stops", 1)
	f.sees(`"event":"version"`, 1)
	if code := f.ends(syscall.SIGTERM); code != 1 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	k.is("SELECT n FROM s ORDER BY n", "1\n2")
}

// One row that a sink can't write stops that sink: sources and other sinks go on. ON ROW ERROR REJECT goes over it.
func TestSinkRowErrors(t *testing.T) {
	k := newKafka(t, 1, true)
	k.create(k.topic+"-out", 1)
	script := `
CREATE SOURCE ev (n BIGINT, p VARCHAR, big BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', batch_rows 3);
CREATE STREAM s AS SELECT n, p, repeat('x', big) AS v FROM ev;
CREATE SINK out INTO KAFKA (brokers '{brokers}', topic '{topic}-out', key p) @options@ FROM s;
CREATE SINK parts INTO FILES ('parts', partition_by (p)) @options@ FROM s;
CREATE SINK lake INTO FILES ('lake') FROM s;
`
	script = strings.ReplaceAll(script, "@options@", "@")
	limit := "20000"
	_, err := k.adm.AlterTopicConfigs(k.ctx(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &limit}}, k.topic+"-out")
	k.must(err)
	k.put(`{"n":1,"p":"a","big":1}`, `{"n":2,"p":"b","big":30000}`, `{"n":3,"p":"a","big":1}`,
		fmt.Sprintf(`{"n":4,"p":%q,"big":1}`, strings.Repeat("é", 100)), `{"n":5,"p":"c","big":1}`)
	k.script(strings.ReplaceAll(script, "@", ""))
	for range 2 {
		if code := k.run(); code != 1 || !strings.Contains(k.lastErrOutput, "record-too-large") ||
			!strings.Contains(k.lastErrOutput, "add ON ROW ERROR REJECT") {
			t.Errorf("exit code %d\n%s", code, k.lastErrOutput)
		}
	}
	k.is("SELECT count(*) FROM s", "5")
	k.is("SELECT count(*) FROM read_parquet('"+k.dir+"/lake/*.parquet')", "5")
	k.script(strings.ReplaceAll(script, "@", "ON ROW ERROR REJECT"))
	k.runs()
	k.is("SELECT destination, version, (data->>'n')::INTEGER FROM dsql.rejects ORDER BY ALL", "out|1|2\nparts|2|4")
	k.is("SELECT count(*) FROM dsql.rejects WHERE starts_with(reason, 'sink: ')", "2")
	k.is("SELECT count(*) FROM read_parquet('"+k.dir+"/parts/**/*.parquet')", "4")
	if got := strings.Count(k.byIDs(k.topic+"-out"), `"n"`); got != 4 {
		t.Errorf("%d rows in the topic", got)
	}
	k.runs()
	k.is("SELECT count(*) FROM dsql.rejects", "2")
}

// A journal by its key: the topic, read as a table, is the state.
func TestSinkUpserts(t *testing.T) {
	k := newKafka(t, 1, true)
	k.create(k.topic+"-out", 2)
	k.create(k.topic+"-log", 1)
	k.script(`
CREATE SOURCE ev (id BIGINT FROM KEY, name VARCHAR) FROM KAFKA (brokers '{brokers}', topic '{topic}', batch_rows 2);
CREATE JOURNAL people KEYS (id) SEQUENCE BY nr DELETE WHEN gone COLUMNS (name) AS SELECT id, name, _meta.tombstone AS gone, _meta."offset" AS nr FROM ev;
CREATE SINK state INTO KAFKA (brokers '{brokers}', topic '{topic}-out', key ID) FROM people;
CREATE SINK log INTO KAFKA (brokers '{brokers}', topic '{topic}-log', key id, mode append) FROM people;
`)
	for _, r := range []string{"1=Ada", "2=Bob", "1=", "2=Bobby", "3=Cay", "2=Bobby"} {
		key, name, _ := strings.Cut(r, "=")
		rec := &kgo.Record{Key: []byte(key)}
		if name != "" {
			rec.Value = fmt.Appendf(nil, `{"name":%q}`, name)
		}
		k.record(rec)
	}
	k.runs()
	table := map[string]string{}
	tombstones := 0
	for _, part := range k.sent(k.topic + "-out") {
		for _, r := range part {
			if delete(table, string(r.Key)); r.Value != nil {
				table[string(r.Key)] = string(r.Value)
			} else {
				tombstones++
			}
		}
	}
	if got := fmt.Sprint(table); tombstones != 1 || got != `map[2:{"id":2,"name":"Bobby"} 3:{"id":3,"name":"Cay"}]` {
		t.Errorf("%d tombstones, %s", tombstones, got)
	}
	if got := fmt.Sprint(k.byIDs(k.topic + "-log")); !strings.Contains(got, `"change_type":"delete"`) ||
		!strings.Contains(got, `"change_type":"update_before"`) {
		t.Error(got)
	}
	k.script("CREATE SOURCE f (a BIGINT) FROM FILES ('*.csv'); CREATE STREAM s FROM f; CREATE SINK x INTO KAFKA (brokers '{brokers}', " +
		"topic '{topic}-out', key a, mode upsert) FROM s;")
	k.args = []string{"--db", "other.duckdb"}
	k.fails(2, "no-upsert")
}

// A text that is the name of NULL's folder has a folder of its own.
func TestSinkHiveNull(t *testing.T) {
	k := newKafka(t, 1, true)
	const null = "__HIVE_DEFAULT_PARTITION__"
	script := "CREATE SOURCE ev (p VARCHAR, q VARCHAR, n BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}');\nCREATE STREAM s " +
		"FROM ev;\n"
	for _, format := range []string{"parquet", "csv", "json"} {
		script += fmt.Sprintf("CREATE SINK %s INTO FILES ('%s', format %s, partition_by (p, q)) FROM s;\nCREATE SINK %s_in INTO FILES "+
			"('%s_in', format %s, partition_by (p, q), write_partition_columns true) FROM s;\n", format, format, format, format, format, format)
	}
	k.script(script)
	k.put(`{"p":"`+null+`","q":null,"n":1}`, `{"p":null,"q":null,"n":2}`, `{"p":"`+null+`","q":"`+null+`","n":3}`,
		`{"p":null,"q":"`+null+`","n":4}`, `{"p":"x","q":"y","n":5}`)
	k.runs()
	for _, format := range []string{"parquet", "csv", "json"} {
		k.is(fmt.Sprintf("SELECT p, q, n FROM read_%s('%s/%s/**/*.%s', hive_partitioning = true) ORDER BY n", format, k.dir, format, format),
			null+"|NULL|1\nNULL|NULL|2\n"+null+"|"+null+"|3\nNULL|"+null+"|4\nx|y|5")
		k.is(fmt.Sprintf("SELECT p, q, n FROM read_%s('%s/%s_in/**/*.%s', hive_partitioning = false) ORDER BY n", format, k.dir, format, format),
			null+"|NULL|1\nNULL|NULL|2\n"+null+"|"+null+"|3\nNULL|"+null+"|4\nx|y|5")
	}
}

// The topic is made anew under a run that follows, and the brokers are away when a sink is first needed: it waits, and goes on.
func TestSinkWaits(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(strings.Replace(strings.Replace(inOutScript, "'{topic}')", "'{topic}', batch_time '10ms')", 1),
		"CREATE SINK lake INTO FILES ('lake') FROM s;", "", 1))
	f := k.follow()
	k.put(`{"n":1}`)
	f.sees("unknown-topic", 1)
	k.create(k.topic+"-out", 1)
	f.sees(`"event":"sink"`, 1)
	out := *k
	out.topic += "-out"
	out.recreate(2)
	k.put(`{"n":2}`)
	f.sees(`"event":"sink"`, 2)
	k.put(`{"n":3}`)
	f.sees(`"event":"sink"`, 3)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	k.runs()
	if got := k.byIDs(k.topic + "-out"); got != `{"n":2} {"n":3}` {
		t.Error(got)
	}
}
