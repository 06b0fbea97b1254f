package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Everything that is there is read once, whatever the partitions; a second run finds nothing new and changes nothing.
func TestKafkaReadsOnce(t *testing.T) {
	k := newKafka(t, 4, false)
	k.script(eventsScript)
	k.events(0, 1000, 4)
	k.runs()
	k.is("SELECT count(*), count(DISTINCT id), min(o), max(o) FROM s", "1000|1000|0|249")
	k.runs()
	k.is("SELECT max(version) FROM dsql.versions", "1")
	k.events(1000, 10, 4)
	k.runs()
	k.is("SELECT count(*), count(DISTINCT id) FROM s", "1010|1010")
	k.is("SELECT partition, next_offset FROM dsql.offsets ORDER BY ALL", "0|253\n1|253\n2|252\n3|252")
}

// _meta has what the broker has, for rows and for rejects.
func TestKafkaMeta(t *testing.T) {
	k := newKafka(t, 2, false)
	k.script(`CREATE SOURCE ev (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}');
CREATE STREAM s AS SELECT id, _meta.source AS src, _meta.partition AS p, _meta.offset AS o, _meta."timestamp" AS sent, ` +
		`decode(_meta.key) AS key, _meta.headers AS h, _meta.tombstone AS gone, _meta.file AS f FROM ev;`)
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	h := []kgo.RecordHeader{{Key: "trace", Value: []byte("a header that is longer than twelve bytes")}, {Key: "none"}}
	k.record(&kgo.Record{Partition: 1, Key: []byte("a key of some length"), Value: []byte(`{"id":1}`), Headers: h, Timestamp: at})
	k.record(&kgo.Record{Partition: 1, Key: []byte("k2"), Value: []byte(`{"id":"x"}`), Headers: h, Timestamp: at})
	k.runs()
	k.is("SELECT src, p, o, sent, key, h[1].key, decode(h[1].value), h[2].value IS NULL, len(h), gone, f IS NULL FROM s",
		"ev|1|0|2026-01-02 03:04:05.678|a key of some length|trace|a header that is longer than twelve bytes|true|2|false|true")
	k.is("SELECT meta.topic, meta.partition, meta.offset, decode(meta.key), decode(meta.headers[1].value), decode(payload), reason, data "+
		"FROM dsql.rejects",
		k.topic+`|1|1|k2|a header that is longer than twelve bytes|{"id":"x"}|bad_record: id: "x" is no BIGINT|NULL`)
}

// Keys, whole and by a path; tombstones keep them; a key that doesn't convert makes the record bad.
func TestKafkaKeysAndTombstones(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(`CREATE SOURCE ev (k VARCHAR FROM KEY, id BIGINT FROM KEY '$.id', v VARCHAR) FROM KAFKA (brokers '{brokers}', topic '{topic}');
CREATE JOURNAL j KEYS (id) SEQUENCE BY o DELETE WHEN gone COLUMNS (v) AS SELECT id, v, _meta.tombstone AS gone, _meta.offset AS o FROM ev;
CREATE STREAM s AS SELECT k, id, v, _meta.tombstone AS gone FROM ev;`)
	k.record(&kgo.Record{Key: []byte(`{"id":1}`), Value: []byte(`{"v":"a"}`)})
	k.record(&kgo.Record{Key: []byte(`{"id":2}`), Value: []byte(`{"v":"b"}`)})
	k.record(&kgo.Record{Key: []byte(`{"id":1}`)})
	k.record(&kgo.Record{Key: []byte(`{"id":"one"}`), Value: []byte(`{"v":"c"}`)})
	k.record(&kgo.Record{Value: []byte(`{"v":"no key"}`)})
	k.runs()
	k.is("SELECT k, id, v, gone FROM s", "{\"id\":1}|1|a|false\n{\"id\":2}|2|b|false\n{\"id\":1}|1|NULL|true\nNULL|NULL|no key|false")
	k.is("SELECT id, v FROM j", "2|b")
	k.is("SELECT reason FROM dsql.rejects ORDER BY id", "bad_record: the key: id: \"one\" is no BIGINT\nnull_key: id is NULL")
}

// Every record lands or is a reject with its bytes and coordinates: a poison record holds nothing back.
func TestKafkaBadRecords(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(eventsScript)
	bad := []string{`{"id":1.5}`, `{"id":1`, `[1]`, ``, `{"id":99999999999999999999}`, "{\"v\":\"\xff\"}", `{"v":"\ud800"}`,
		"\x00\x00\x00\x00\x01", `{"id":1,"id":2}`}
	for i, b := range bad {
		k.put(fmt.Sprintf(`{"id":%d}`, i), b)
	}
	k.runs()
	k.is("SELECT count(*), max(o) FROM s", fmt.Sprintf("%d|%d", len(bad), 2*len(bad)-2))
	k.is("SELECT count(*), count(DISTINCT meta.offset), count(*) FILTER (meta.offset % 2 = 1) FROM dsql.rejects",
		fmt.Sprintf("%d|%d|%d", len(bad), len(bad), len(bad)))
	k.is("SELECT records = rows_ AND rows_ = 9 FROM (SELECT sum(rows_in) - sum(bad) AS records, sum(written) AS rows_ FROM "+
		"dsql.version_rows WHERE kind = 'source')", "true")
	k.is("SELECT decode(payload) FROM dsql.rejects WHERE meta.offset = 1", `{"id":1.5}`)
}

func TestKafkaSkipFailAndLimits(t *testing.T) {
	k := newKafka(t, 1, false)
	k.put(`{"id":1}`, `x`, `y`, `{"id":2}`)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}') ON BAD RECORD FAIL", 1))
	k.fails(1, "offset 1")
	k.is("SELECT count(*) FROM s", "0")
	k.is("SELECT count(*) FROM dsql.offsets", "0")
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', reject_limit 1)", 1))
	k.fails(3, "reject-limit")
	k.is("SELECT count(*) FROM s", "0")
	k.is("SELECT count(*) FROM dsql.rejects", "0")
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}') ON BAD RECORD SKIP", 1))
	k.runs()
	k.is("SELECT rows_in, written, bad, skipped FROM dsql.version_rows WHERE kind = 'source'", "4|2|0|2")
}

// Batches end by rows and bytes; a record larger than a batch is a reject that keeps its beginning.
func TestKafkaBatchLimits(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', batch_rows 10, batch_bytes 20000)", 1))
	k.events(0, 25, 1)
	k.put(`{"id":100,"v":"` + strings.Repeat("x", 30000) + `"}`)
	k.put(`{"id":101,"v":"` + strings.Repeat("y", 15000) + `"}`)
	k.put(`{"id":102,"v":"` + strings.Repeat("z", 15000) + `"}`)
	k.runs()
	k.is("SELECT count(*), sum(length(v)) > 30000 FROM s", "27|true")
	k.is("SELECT max(rows_in) <= 10, count(*) >= 5 FROM dsql.version_rows WHERE kind = 'source'", "true|true")
	k.is("SELECT split_part(reason, ':', 2), octet_length(payload) > 5000, meta.offset FROM dsql.rejects", " record_too_large|true|25")
}

func TestKafkaFormats(t *testing.T) {
	for _, x := range []struct{ name, source, put, query, want string }{
		{"csv", "(id BIGINT, name VARCHAR, day DATE) FROM KAFKA (brokers '{brokers}', topic '{topic}', format csv, delim ';')",
			"1;\"a;b\";2026-01-02|2;;|3;x|4;x;soon|\"5;x;2026-01-01|6;x;2026-01-01\n7;y;2026-01-01",
			"SELECT id, name, day FROM s", "1|a;b|2026-01-02\n2|NULL|NULL"},
		{"raw", "(line VARCHAR) FROM KAFKA (brokers '{brokers}', topic '{topic}', format raw)", "hello|\xff", "SELECT line FROM s", "hello"},
		{"blob", "(line BLOB) FROM KAFKA (brokers '{brokers}', topic '{topic}', format raw)", "a\\x|\xff", "SELECT hex(line) FROM s",
			"615C78\nFF"},
		{"paths", "(city VARCHAR FROM '$.address.city', seen TIMESTAMP FROM '$.at' FORMAT epoch_ms, n BIGINT FROM '$.list[1]') FROM KAFKA " +
			"(brokers '{brokers}', topic '{topic}')", `{"address":{"city":"Oslo"},"at":1767323045678,"list":[1,2]}`,
			"SELECT city, seen, n FROM s", "Oslo|2026-01-02 03:04:05.678|2"},
		{"epoch", "(at TIMESTAMP) FROM KAFKA (brokers '{brokers}', topic '{topic}')", `{"at":1767323045678}`, "SELECT reason FROM dsql.rejects",
			"bad_record: at: the number 1767323045678 is no TIMESTAMP without FORMAT epoch_s, epoch_ms, epoch_us, epoch_ns or epoch_days"},
		{"registry json", "(id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}')", "\x00\x00\x00\x00\x07{\"id\":3}", "SELECT id FROM s",
			"3"},
		{"debezium", "(id BIGINT, name VARCHAR, op VARCHAR, ts_ms BIGINT, was VARCHAR FROM '$.before.name', db VARCHAR FROM '$.source.db') " +
			"FROM KAFKA (brokers '{brokers}', topic '{topic}', format debezium)",
			`{"before":null,"after":{"id":1,"name":"a"},"source":{"db":"shop"},"op":"c","ts_ms":5}|{"schema":{"x":1},` +
				`"payload":{"before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"},"source":{"db":"shop"},"op":"u","ts_ms":6}}|{"before":{"id":1,` +
				`"name":"b"},"after":null,"source":{"db":"shop"},"op":"d","ts_ms":7}|{"id":1}|nonsense`,
			"SELECT id, name, op, ts_ms, was, db FROM s", "1|a|c|5|NULL|shop\n1|b|u|6|a|shop\n1|b|d|7|b|shop"},
	} {
		t.Run(x.name, func(t *testing.T) {
			k := newKafka(t, 1, false)
			k.script("CREATE SOURCE ev " + x.source + "; CREATE STREAM s FROM ev;")
			k.put(strings.Split(x.put, "|")...)
			k.runs()
			k.is(x.query, x.want)
			k.is("SELECT sum(rows_in) FROM dsql.version_rows WHERE kind = 'source'", fmt.Sprint(strings.Count(x.put, "|")+1))
		})
	}
}

// Order within a partition is order in the table; the history of a journal follows it.
func TestKafkaOrder(t *testing.T) {
	k := newKafka(t, 3, false)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', batch_rows 50)", 1))
	k.events(0, 500, 3)
	k.runs()
	k.is("SELECT count(*) FROM (SELECT o - lag(o) OVER (PARTITION BY p ORDER BY rowid) AS step FROM s) WHERE step <> 1", "0")
}

// Transactions: what was aborted isn't there, and the run comes to its end over their markers.
func TestKafkaTransactions(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(eventsScript)
	plain := k.cl
	k.connect(kgo.TransactionalID(k.topic))
	tx := k.cl
	for i, keep := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		k.must(tx.BeginTransaction())
		k.put(fmt.Sprintf(`{"id":%d}`, i))
		k.must(tx.EndTransaction(k.ctx(), keep))
	}
	k.runs()
	k.is("SELECT id, o FROM s ORDER BY id", "0|0\n2|4")
	k.cl = plain
	k.put(`{"id":9}`)
	k.runs()
	k.is("SELECT id, o FROM s ORDER BY id", "0|0\n2|4\n9|8")
}

// ON SCHEMA CHANGE.
func TestKafkaNewFields(t *testing.T) {
	k := newKafka(t, 1, false)
	k.put(`{"id":1,"extra":1}`)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}') ON SCHEMA CHANGE FAIL", 1))
	k.fails(1, "schema-change")
	k.script(eventsScript)
	k.runs()
	k.is("SELECT id FROM s", "1")
}

// Several topics by a regular expression, and one that comes later.
func TestKafkaTopicsByPattern(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(`CREATE SOURCE ev (id BIGINT) FROM KAFKA (brokers '{brokers}', topics '{topic}-[a-z]');
CREATE STREAM s AS SELECT id, _meta.topic AS topic, _meta.offset AS o FROM ev;`)
	k.fails(4, "unknown-topic")
	for i, name := range []string{"-a", "-b", "-1"} {
		k.create(k.topic+name, 1)
		k.record(&kgo.Record{Topic: k.topic + name, Value: fmt.Appendf(nil, `{"id":%d}`, i)})
	}
	k.record(&kgo.Record{Topic: k.topic + "-b", Value: []byte(`{"id":"bad"}`)})
	k.runs()
	k.is("SELECT id, right(topic, 2) FROM s ORDER BY id", "0|-a\n1|-b")
	k.is("SELECT right(meta.topic, 2), meta.offset, decode(payload) FROM dsql.rejects", `-b|1|{"id":"bad"}`)
	k.create(k.topic+"-c", 1)
	k.record(&kgo.Record{Topic: k.topic + "-c", Value: []byte(`{"id":7}`)})
	k.runs()
	k.is("SELECT id FROM s ORDER BY id", "0\n1\n7")
}

// New partitions are read from their first record.
func TestKafkaNewPartitions(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', start latest)", 1))
	k.put(`{"id":1}`)
	k.runs() // begins at the end
	k.put(`{"id":2}`)
	k.runs()
	k.is("SELECT id FROM s", "2")
	res, err := k.adm.CreatePartitions(k.ctx(), 1, k.topic)
	k.must(err)
	k.must(res.Error())
	k.connect() // with the new metadata
	k.record(&kgo.Record{Partition: 1, Value: []byte(`{"id":3}`)})
	k.runs()
	k.is("SELECT id FROM s ORDER BY id", "2\n3")
}

// start timestamp.
func TestKafkaStartAtTime(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', start timestamp '2026-01-02 00:00:00')", 1))
	for i := range 3 {
		k.record(&kgo.Record{Value: fmt.Appendf(nil, `{"id":%d}`, i), Timestamp: time.Date(2026, 1, 1+i, 12, 0, 0, 0, time.UTC)})
	}
	k.runs()
	k.is("SELECT id FROM s ORDER BY id", "1\n2")
}

// A destination that comes later takes what the topic still has, then goes on in step; bad records stand in dsql.rejects once.
func TestKafkaLaterDestination(t *testing.T) {
	k := newKafka(t, 2, false)
	k.script(eventsScript)
	k.events(0, 10, 2)
	k.put(`bad`)
	k.runs()
	k.script(eventsScript + "CREATE STREAM later AS SELECT id FROM ev;")
	k.events(10, 10, 2)
	k.runs()
	k.is("SELECT count(*), count(DISTINCT id) FROM s", "20|20")
	k.is("SELECT count(*), count(DISTINCT id) FROM later", "20|20")
	k.is("SELECT count(*) FROM dsql.rejects", "1")
	k.is("SELECT destination, sum(next_offset) FROM dsql.offsets GROUP BY ALL ORDER BY ALL", "later|21\ns|21")
}

// A record of a topic that is bad when it is read again stands in dsql.rejects once, and is settled where it is good by now.
func TestKafkaBadWhenReadAgain(t *testing.T) {
	k := newKafka(t, 2, false)
	text := eventsScript + "CREATE JOURNAL j KEYS (id) SEQUENCE BY o COLUMNS (w) AS SELECT id, v::VARCHAR AS w, _meta.offset AS o FROM ev;\n"
	number := strings.Replace(strings.Replace(text, "v VARCHAR", "v INTEGER", 1), "SELECT *, _meta",
		"SELECT * REPLACE (v::VARCHAR AS v), _meta", 1)
	k.script(text)
	k.put(`{"id":1,"v":"10"}`, `{"id":2,"v":"abc"}`, `bad`)
	k.runs()
	k.script(number + "REBUILD STREAM s FROM SOURCE;\nREFRESH;\nREPLAY SOURCE ev FROM EARLIEST;\nREBUILD STREAM s FROM SOURCE;\nCREATE " +
		"STREAM later AS SELECT id FROM ev;\nREFRESH;\n")
	k.runs()
	bad := "SELECT meta.topic IS NOT NULL, payload::VARCHAR, count(*), count(*) FILTER (replayed_at IS NULL) FROM dsql.rejects GROUP BY " +
		"ALL ORDER BY ALL"
	both := `true|bad|1|1` + "\n" + `true|{\x22id\x22:2,\x22v\x22:\x22abc\x22}|1|1`
	k.is(bad, both)
	k.is("SELECT count(*) FROM s", "1")
	k.is("SELECT count(*) FROM later", "1")
	k.script(number + "DROP STREAM s;\nDROP JOURNAL j;\nDROP STREAM later;\n" + strings.Split(number, ";")[1] + ";\nREFRESH;\n")
	k.runs()
	k.is(bad, both)
	k.script(text + "REBUILD STREAM s FROM SOURCE;\nREBUILD JOURNAL j FROM SOURCE;\n")
	k.runs()
	k.is(bad, strings.Replace(both, "|1|1", "|1|1", 1)[:len(both)-1]+"0")
	k.is("SELECT count(*) FROM s", "2")
}

// REPLAY REJECTS FROM a topic: its bad records are decoded anew with their keys, headers and times, once for all that lack them.
func TestKafkaReplayRejects(t *testing.T) {
	k := newKafka(t, 2, false)
	script := "CREATE SOURCE ev (id BIGINT FROM KEY, v INTEGER) FROM KAFKA (brokers '{brokers}', topic '{topic}');\n" +
		"CREATE STREAM s AS SELECT *, _meta.partition AS p, _meta.offset AS o, _meta.timestamp AS sent, decode(_meta.headers[1].value) AS h " +
		"FROM ev;\nCREATE JOURNAL j KEYS (id) SEQUENCE BY o COLUMNS (w) AS SELECT *, _meta.offset AS o, v::VARCHAR AS w FROM ev;\n"
	k.script(script)
	for i, v := range []string{`{"v":1}`, `{"v":2.5}`, `{"v":"x"}`, `{`} {
		k.record(&kgo.Record{Topic: k.topic, Partition: int32(i % 2), Key: fmt.Append(nil, i), Value: []byte(v),
			Timestamp: time.UnixMilli(1700000000000 + int64(i)), Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(v)}}})
	}
	k.runs()
	k.is("SELECT count(*) FROM s", "1")
	k.script(strings.Replace(strings.Replace(script, "v INTEGER", "v VARCHAR", 1), "SELECT *, _meta.partition",
		"SELECT * REPLACE (length(v)::INTEGER AS v), _meta.partition", 1) + "REPLAY REJECTS FROM ev;\n")
	k.runs()
	k.is("SELECT id, v, epoch_ms(sent), h, p FROM s ORDER BY id",
		`0|1|1700000000000|{"v":1}|0`+"\n"+`1|3|1700000000001|{"v":2.5}|1`+"\n"+`2|1|1700000000002|{"v":"x"}|0`)
	k.is("SELECT id, w FROM j ORDER BY id", "0|1\n1|2.5\n2|x")
	k.is("SELECT meta.offset, replayed_at IS NULL FROM dsql.rejects ORDER BY ALL", "0|false\n1|false\n1|true")
	k.runs()
	k.is("SELECT count(*) FROM s", "3")
}

// REPLAY SOURCE: journals absorb it, streams take nothing twice. REBUILD … FROM SOURCE begins with the first record.
func TestKafkaReplay(t *testing.T) {
	k := newKafka(t, 2, false)
	script := eventsScript + "CREATE JOURNAL j KEYS (id) SEQUENCE BY o COLUMNS (v) AS SELECT id, v, _meta.offset AS o FROM ev;\n"
	k.script(script)
	k.events(0, 20, 2)
	k.put(`bad`)
	k.runs()
	history := k.all("SELECT * FROM j_history ORDER BY ALL")
	k.script(script + "REPLAY SOURCE ev FROM EARLIEST;\n")
	k.runs()
	k.is("SELECT count(*), count(DISTINCT id) FROM s", "20|20")
	k.is("SELECT * FROM j_history ORDER BY ALL", history)
	k.is("SELECT count(*) FROM dsql.rejects", "1")
	k.is("SELECT name, rows_in, unchanged FROM dsql.version_rows WHERE version = 2 AND kind = 'journal'", "j|20|20")
	k.script(script + "ROLLBACK JOURNAL j TO VERSION 1;\nREPLAY SOURCE ev FROM TIMESTAMP '2020-01-01';\nREBUILD STREAM s FROM SOURCE;\n")
	k.runs()
	k.is("SELECT * FROM j_history ORDER BY ALL", history)
	k.is("SELECT count(*), count(DISTINCT id) FROM s", "20|20")
	k.script(script + "REPLAY SOURCE evv FROM EARLIEST;\n")
	k.fails(2, "did you mean ev?")
}

// dsql inspect prints a declaration that reads the topic.
func TestKafkaInspect(t *testing.T) {
	k := newKafka(t, 2, false)
	if _, code := k.dsql("inspect", "kafka://"+k.brokers+"/"+k.topic); code != 1 || !strings.Contains(k.lastErrOutput, "[nothing-to-infer]") {
		t.Errorf("exit code %d\n%s", code, k.lastErrOutput)
	}
	k.record(&kgo.Record{Key: []byte("7"),
		Value: []byte(`{"id":1,"at":"2026-01-02T03:04:05Z","ms":1767323045678,"order":true,"address":{"city":"Oslo","no":3}}`)})
	k.record(&kgo.Record{Partition: 1, Value: []byte(`{"id":2.5,"at":null,"ms":1767323045679,"tags":["a"]}`)})
	text, code := k.dsql("inspect", "kafka://"+k.brokers+"/"+k.topic)
	want := `-- The records have keys: "7". A column takes it by FROM KEY.
CREATE SOURCE ` + strings.ReplaceAll(k.topic, "-", "_") + `_in (
  id DOUBLE,
  "at" TIMESTAMP,
  ms BIGINT,  -- a time? TIMESTAMP FORMAT epoch_ms
  "order" BOOLEAN,
  address STRUCT(city VARCHAR, "no" BIGINT),
  tags VARCHAR[]
) FROM KAFKA (brokers '` + k.brokers + `', topic '` + k.topic + `', format json);
`
	if code != 0 || text != want {
		t.Errorf("exit code %d\n%s\nwant\n%s\n%s", code, text, want, k.lastErrOutput)
	}
	k.script(text + "CREATE STREAM s FROM " + strings.ReplaceAll(k.topic, "-", "_") + "_in;")
	k.runs()
	k.is("SELECT id, ms, tags FROM s ORDER BY id", "1.0|1767323045678|NULL\n2.5|1767323045679|[a]")
	k.create(k.topic+"d", 1)
	k.record(&kgo.Record{Topic: k.topic + "d", Value: []byte(`{"before":null,"after":{"id":1,"name":"a"},"op":"c","ts_ms":5}`)})
	if text, _ = k.dsql("inspect", "kafka://"+k.brokers+"/"+k.topic+"d"); !strings.Contains(text,
		"  id BIGINT,\n  name VARCHAR,\n  op VARCHAR,\n  ts_ms BIGINT\n) FROM KAFKA") || !strings.Contains(text, "format debezium") {
		t.Error(text)
	}
	k.create(k.topic+"r", 1)
	k.record(&kgo.Record{Topic: k.topic + "r", Value: []byte("plain text")})
	if text, _ = k.dsql("inspect", "kafka://"+k.brokers+"/"+k.topic+"r"); !strings.Contains(text, "  value VARCHAR\n) FROM KAFKA") ||
		!strings.Contains(text, "format raw") {
		t.Error(text)
	}
}
