package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// A field that nobody declared becomes a column before the first record that has it is taken: nothing of it is lost, whichever batch
// it comes in, and nothing is taken twice.
func TestKafkaAddsColumns(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script("CREATE SOURCE s (id BIGINT, city VARCHAR FROM '$.address.city', o STRUCT(a INTEGER)) FROM KAFKA (brokers '" + k.brokers +
		"', topic '" + k.topic + "', batch_rows 2) ON SCHEMA CHANGE ADD COLUMNS;\n" +
		"CREATE STREAM d FROM s;\nCREATE STREAM few AS SELECT id FROM STREAM d;\n" +
		"CREATE JOURNAL j KEYS (id) SEQUENCE BY _meta.offset FROM s;\nCREATE SINK files INTO FILES ('out', format json) FROM d;")
	k.put(`{"id": 1, "address": {"city": "Oslo", "zip": 5}}`, `{"id": 2, "o": {"a": 1, "b": 2}}`, `{"id": 3}`, `{"id": 4, "price": 1.5}`,
		`{"id": 5, "price": 2, "since": "2024-01-02 10:00:00"}`,
		`{"id": 6, "price": "none"}`, `not json`, `{"id": 8, "tags": ["x"], "point": {"x": 1, "y": null}}`)
	k.runs()
	if !strings.Contains(k.lastErrOutput, "2 bad") ||
		!strings.Contains(k.lastErrOutput, "2 values of undeclared fields left out of s: b, zip") {
		t.Error(k.lastErrOutput)
	}
	const rows = "1|Oslo|NULL|NULL|NULL|NULL\n2|NULL|NULL|NULL|NULL|NULL\n3|NULL|NULL|NULL|NULL|NULL\n4|NULL|1.5|NULL|NULL|NULL\n" +
		"5|NULL|2.0|2024-01-02 10:00:00|NULL|NULL\n8|NULL|NULL|NULL|[x]|{'x': 1, 'y': NULL}"
	k.is("SELECT id, city, price, since, tags, point FROM d ORDER BY id", rows)
	k.is("SELECT id, city, price, since, tags, point FROM j ORDER BY id", rows)
	k.is("SELECT count(*) FROM few", "6")
	k.is("SELECT reason FROM dsql.rejects WHERE meta.\"offset\" = 5", `bad_record: price: "none" is no DOUBLE`)
	k.is("SELECT count(*), count(point) FROM read_json('"+k.dir+"/out/**/*.json', union_by_name = true)", "6|1")
	k.is("SELECT count(*) FROM dsql.version_rows WHERE rows_in <> written + coalesce(rejected, 0) + coalesce(dropped, 0) + coalesce(bad, "+
		"0) + coalesce(skipped, 0)", "0")
	k.put(`{"id": 9, "price": 3, "colour": "red"}`) // the next run knows the columns, and finds one more
	k.runs()
	k.is("SELECT id, price, colour FROM d WHERE id > 6 ORDER BY id", "8|NULL|NULL\n9|3.0|red")

	k.put(`{"id": 10, "_version": 7}`) // a field that no table can have stops the run, and loses nothing
	k.fails(2, "_version")
	k.is("SELECT count(*) FROM d", "7")
}

// A changed declaration keeps the columns that were added: what takes them by * goes on with them, and a record without such a field
// says NULL.
func TestKafkaKeepsAddedColumns(t *testing.T) {
	k := newKafka(t, 1, false)
	declare := func(columns, more string) {
		k.script("CREATE SOURCE s (id BIGINT, t BIGINT" + columns + ") FROM KAFKA (brokers '" + k.brokers + "', topic '" + k.topic +
			"') ON SCHEMA CHANGE ADD COLUMNS;\n" +
			"CREATE STREAM d FROM s;\nCREATE JOURNAL j KEYS (id) SEQUENCE BY t FROM s;\n" + more)
	}
	declare("", "")
	k.put(`{"id": 1, "t": 1, "city": "Oslo", "price": 1.5}`)
	k.runs()
	k.put(`{"id": 1, "t": 2, "rating": 5}`)
	declare(", rating INTEGER", "CREATE STREAM few FROM d;\nCREATE SINK files INTO FILES ('out', format json) FROM d;")
	k.runs()
	k.is("SELECT id, city, price, rating FROM j", "1|NULL|NULL|5")
	k.is("SELECT id, city, price, rating FROM few ORDER BY t", "1|Oslo|1.5|NULL\n1|NULL|NULL|5")
	k.is("SELECT count(city) FROM read_json('"+k.dir+"/out/**/*.json', union_by_name = true)", "1")
	declare(", rating INTEGER, town VARCHAR FROM '$.city'", "") // that reads the field now
	k.put(`{"id": 1, "t": 3, "city": "Bergen"}`)
	k.runs()
	k.is("SELECT town, city, price FROM j", "Bergen|NULL|NULL")
}

// With schemas the types are the schema's. A run that follows goes on with the new columns.
func TestKafkaAddsColumnsOfSchemas(t *testing.T) {
	k := newKafka(t, 1, false)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message Order { int64 id = 1; }`})
	reg.SeedSchema("v", 2, 2, sr.Schema{Type: sr.TypeProtobuf,
		Schema: `syntax = "proto3"; message Order { int64 id = 1; optional string city = 2; map<string, int32> counts = 3; }`})
	k.script("CREATE CONNECTION c TO KAFKA (brokers '" + k.brokers + "', schema_registry '" + reg.URL() + "');\n" +
		"CREATE SOURCE s (id BIGINT) FROM KAFKA (connection c, topic '" + k.topic +
		"', format protobuf) ON SCHEMA CHANGE ADD COLUMNS;\nCREATE STREAM d FROM s;")
	f := k.follow()
	k.put("\x00\x00\x00\x00\x01\x00\x08\x01")
	f.sees(`"event":"version"`, 1)
	k.put("\x00\x00\x00\x00\x02\x00\x08\x02\x12\x04Oslo\x1a\x05\x0a\x01a\x10\x07")
	f.sees(`"event":"version"`, 2)
	k.put("\x00\x00\x00\x00\x01\x00\x08\x03", "\x00\x00\x00\x00\x02\x00\x08\x04")
	f.sees(`"event":"version"`, 3)
	f.ends(syscall.SIGTERM)
	k.is("SELECT id, city, counts FROM d ORDER BY id", "1|NULL|NULL\n2|Oslo|{a=7}\n3|NULL|NULL\n4|NULL|{}")
	k.runs()
	k.is("SELECT count(*) FROM d", "4")
	if text, code := k.dsql("query", "--db", "s.duckdb", "DESCRIBE SOURCE s"); code != 0 || !strings.Contains(text, "MAP(VARCHAR, INTEGER)") {
		t.Error(code, text)
	}
}

// Whole numbers of both signs are BIGINT, beyond it DECIMAL: types that a sink into Parquet takes, in nested ones too.
func TestKafkaAddsWholeNumbers(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script("CREATE SOURCE s (n BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', batch_time '20ms') ON SCHEMA CHANGE ADD " +
		"COLUMNS;\nCREATE STREAM d FROM s;\nCREATE SINK lake INTO FILES ('lake') FROM d;")
	k.put(`{"n":1}`)
	f := k.follow()
	f.sees(`"event":"version"`, 1)
	k.put(`{"n":2,"delta":5,"o":{"a":1},"l":[1,-1],"large":18446744073709551615,"all":9223372036854775808}`)
	k.put(`{"n":3,"delta":-5,"o":{"a":-1},"l":[],"large":18446744073709551615,"all":-1}`)
	f.sees(`"event":"sink"`, 2)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	k.is("SELECT count(*) FROM d", "3")
	k.is("SELECT count(*), count(delta) FROM read_parquet('"+k.dir+"/lake/*.parquet', union_by_name = true)", "3|2")
	k.args = []string{"--db", "again.duckdb"} // all in one batch
	k.script("CREATE SOURCE s (n BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}') ON SCHEMA CHANGE ADD COLUMNS;\nCREATE STREAM d " +
		"FROM s;\nCREATE SINK lake INTO FILES ('lake2') FROM d;")
	k.runs()
	k.is("SELECT typeof(delta), typeof(o), typeof(l), typeof(\"all\") FROM d LIMIT 1", "BIGINT|STRUCT(a BIGINT)|BIGINT[]|DECIMAL(38,0)")
	k.is("SELECT delta, \"all\" FROM d WHERE n > 1 ORDER BY n", "5|9223372036854775808\n-5|-1")
}

// Columns of Debezium's rows have the types that the message's schema gives them; MongoDB's documents are looked into.
func TestDebeziumAddsColumns(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script("CREATE SOURCE s (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', format debezium) ON SCHEMA CHANGE ADD " +
		"COLUMNS;\nCREATE STREAM d FROM s;")
	long := connectField{"id", `{"type":"int64"}`, "1"}
	day, price := connectField{"born", `{"type":"int32","name":"io.debezium.time.Date"}`, "20454"},
		connectField{"price", `{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2","connect.decimal.precision":"10"}}`, `"MDk="`}
	k.put(connectEvent("c", long), connectEvent("c", long, day, price),
		`{"after":"{\"id\": {\"$numberLong\": \"7\"}, \"name\": \"Ada\"}","op":"c"}`)
	k.runs()
	k.is("SELECT id, born, price, name FROM d ORDER BY ALL", "1|2026-01-01|123.45|NULL\n1|NULL|NULL|NULL\n7|NULL|NULL|Ada")
	text, code := k.dsql("inspect", "kafka://"+k.brokers+"/"+k.topic)
	if code != 0 || !strings.Contains(text, "op VARCHAR") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	k.put(connectEvent("c", long, day, price))
	if text, _ := k.dsql("inspect", "kafka://"+k.brokers+"/"+k.topic); !strings.Contains(text, "born DATE") ||
		!strings.Contains(text, "price DECIMAL(10,2)") {
		t.Error(text)
	}
}

// What a sink is writing when a source gets a column is written to its end, as it was, and not given up and written again with the column.
func TestKafkaGrowthWaitsForSinks(t *testing.T) {
	k := newKafka(t, 1, true)
	k.create(k.topic+".out", 1)
	k.script(`CREATE SOURCE ev (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', batch_time '10ms') ON SCHEMA CHANGE ADD COLUMNS;
CREATE STREAM s FROM ev;
CREATE SINK o INTO KAFKA (brokers '{brokers}', topic '{topic}.out') FROM s;`)
	f := k.follow()
	f.sees("waiting", 1)
	release := make(chan struct{})
	to := k.fake.TopicInfo(k.topic + ".out").TopicID
	k.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		if req.(*kmsg.ProduceRequest).Topics[0].TopicID == to {
			k.fake.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	k.put(`{"id":3}`)
	f.sees(`"event":"version"`, 1)
	k.put(`{"id":4,"more":5}`)
	time.AfterFunc(500*time.Millisecond, func() { close(release) }) // by then the field has been found
	f.sees(`"sink":"o"`, 2)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	var got []string
	for _, r := range k.sent(k.topic + ".out")[0] {
		got = append(got, string(r.Value))
	}
	if diff := cmp.Diff([]string{`{"id":3}`, `{"id":4,"more":5}`}, got); diff != "" {
		t.Error(diff)
	}
}
