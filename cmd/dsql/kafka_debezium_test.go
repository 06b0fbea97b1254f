package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// connectField is a field of a row with its schema as Kafka Connect's JsonConverter writes it, and a value.
type connectField struct {
	name, schema, value string
}

// event is a change event with its schema.
func connectEvent(op string, fields ...connectField) string {
	var types, values []string
	for _, f := range fields {
		types = append(types, strings.Replace(f.schema, "{", `{"optional":true,"field":"`+f.name+`",`, 1))
		values = append(values, fmt.Sprintf("%q:%s", f.name, f.value))
	}
	row := func(name string) string {
		return `{"type":"struct","optional":true,"name":"s.Value","field":"` + name + `","fields":[` + strings.Join(types, ",") + `]}`
	}
	return `{"schema":{"type":"struct","optional":false,"name":"s.Envelope","fields":[` + row("before") + "," + row("after") +
		`,{"type":"string","field":"op"}]},"payload":{"before":null,"after":{` + strings.Join(values, ",") + `},"op":"` + op + `","ts_ms":1}}`
}

const debeziumScript = "CREATE SOURCE ev (@options@) FROM KAFKA (brokers '{brokers}', topic '{topic}', format debezium);\nCREATE STREAM " +
	"s FROM ev;\n"

// Every type of Debezium's and Kafka Connect's whose JSON doesn't say what it means, read by the message's schema.
func TestDebeziumTypes(t *testing.T) {
	k := newKafka(t, 1, true)
	var columns, want []string
	var fields []connectField
	add := func(column, schema, value, is string) {
		name := fmt.Sprintf("c%d", len(fields))
		columns = append(columns, name+" "+column)
		fields = append(fields, connectField{name, schema, value})
		want = append(want, name+": "+is)
	}
	named := func(typ, name string) string { return fmt.Sprintf(`{"type":%q,"name":%q}`, typ, name) }
	decimal := `{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2","connect.decimal.precision":"10"}}`
	add("DECIMAL(10,2)", decimal, `"MDk="`, "123.45")
	add("DECIMAL(12,4)", decimal, `"/w=="`, "-0.0100")
	add("DOUBLE", decimal, `"1234"`, "-26588.24") // digits that are base64 too
	add("VARCHAR", decimal, `"MDk="`, "123.45")
	add("BIGINT", strings.Replace(decimal, `"scale":"2"`, `"scale":"0"`, 1), `"MDk="`, "12345")
	add("DECIMAL(10,2)", `{"type":"struct","name":"io.debezium.data.VariableScaleDecimal","fields":[{"type":"int32","field":"scale"},`+
		`{"type":"bytes","field":"value"}]}`, `{"scale":1,"value":"MDk="}`, "1234.50")
	add("BLOB", `{"type":"bytes"}`, `"AP8="`, `\x00\xFF`)
	add("BLOB", `{"type":"bytes"}`, `"AP8"`, `\x00\xFF`)
	add("BLOB", named("bytes", "io.debezium.data.Bits"), `"AQI="`, `\x01\x02`)
	add("INTEGER", named("bytes", "io.debezium.data.Bits"), `"AQI="`, "513")
	add("DATE", named("int32", "io.debezium.time.Date"), "20454", "2026-01-01")
	add("DATE", named("int32", "org.apache.kafka.connect.data.Date"), "-1", "1969-12-31")
	add("INTEGER", named("int32", "io.debezium.time.Date"), "20454", "20454")
	add("TIME", named("int32", "io.debezium.time.Time"), "37815123", "10:30:15.123")
	add("TIME", named("int64", "io.debezium.time.MicroTime"), "37815123456", "10:30:15.123456")
	add("TIME", named("int64", "io.debezium.time.NanoTime"), "37815123456000", "10:30:15.123456")
	// as before there was TIME
	add("TIMESTAMP FORMAT epoch_us", named("int64", "io.debezium.time.MicroTime"), "3661000001", "1970-01-01 01:01:01.000001")
	add("TIMESTAMP", named("int64", "io.debezium.time.Timestamp"), "1767225600123", "2026-01-01 00:00:00.123")
	add("TIMESTAMP", named("int64", "io.debezium.time.MicroTimestamp"), "1767225600123456", "2026-01-01 00:00:00.123456")
	add("TIMESTAMP_NS", named("int64", "io.debezium.time.NanoTimestamp"), "1767225600123456789", "2026-01-01 00:00:00.123456789")
	add("TIMESTAMP", named("int64", "org.apache.kafka.connect.data.Timestamp"), "-1", "1969-12-31 23:59:59.999")
	add("TIMESTAMP", named("string", "io.debezium.time.ZonedTimestamp"), `"2026-01-01T01:00:00+01:00"`, "2026-01-01 00:00:00")
	add("TIME", named("string", "io.debezium.time.ZonedTime"), `"10:15:30Z"`, "10:15:30")
	add("DATE", named("string", "io.debezium.time.IsoDate"), `"2026-01-01Z"`, "2026-01-01")
	add("UUID", named("string", "io.debezium.data.Uuid"), `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
	add("JSON", named("string", "io.debezium.data.Json"), `"{\"a\": [1]}"`, `{"a": [1]}`)
	add("DATE[]", `{"type":"array","items":`+named("int32", "io.debezium.time.Date")+`}`, "[0,1,null]", "[1970-01-01, 1970-01-02, NULL]")
	add("STRUCT(wkb BLOB, srid INTEGER)",
		`{"type":"struct","name":"io.debezium.data.geometry.Geometry","fields":[{"type":"bytes","field":"wkb"},{"type":"int32","field":"srid"}]}`,
		`{"wkb":"AP8=","srid":4326}`, `{'wkb': \x00\xFF, 'srid': 4326}`)
	add("MAP(VARCHAR, DECIMAL(10,2))", `{"type":"map","keys":{"type":"string"},"values":`+decimal+`}`, `{"a":"MDk="}`, "{a=123.45}")
	add("VARCHAR", `{"type":"bytes"}`, `"AP8="`, "AP8=")
	k.script(with(debeziumScript, strings.Join(columns, ", ")))
	k.put(connectEvent("c", fields...))
	k.runs()
	if r := k.all("SELECT reason FROM dsql.rejects"); r != "" {
		t.Fatal(r)
	}
	var got []string
	for i := range columns {
		got = append(got, fmt.Sprintf("c%d: %s", i, k.all(fmt.Sprintf("SELECT c%d FROM s", i))))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// What doesn't convert without loss is a reject; a message without the schema of the one before is read without it.
func TestDebeziumTypesRefused(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(with(debeziumScript, "a DECIMAL(10,1), d DATE, t TIME, b BLOB"))
	decimal := `{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}`
	day := `{"type":"int32","name":"io.debezium.time.Date"}`
	k.put(connectEvent("c", connectField{"a", decimal, `"MDk="`}), connectEvent("c", connectField{"a", decimal, `"MDk"`}),
		connectEvent("c", connectField{"a", decimal, `"!"`}),
		connectEvent("c", connectField{"d", day, "1.5"}),
		connectEvent("c", connectField{"t", `{"type":"int64","name":"io.debezium.time.NanoTime"}`, "1"}),
		connectEvent("c", connectField{"b", `{"type":"bytes"}`, `"AP8="`}), `{"before":null,"after":{"b":"AP8=","d":"2026-01-02"},"op":"c"}`,
		connectEvent("c", connectField{"d", day, "0"}))
	k.runs()
	k.is("SELECT a, d, t, hex(b) FROM s ORDER BY ALL", "NULL|1970-01-01|NULL|NULL\nNULL|2026-01-02|NULL|4150383D\nNULL|NULL|NULL|00FF")
	k.is(`SELECT reason FROM dsql.rejects ORDER BY meta."offset"`, `bad_record: a: "MDk=" has digits that DECIMAL(10,1) would lose
bad_record: a: "MDk" has digits that DECIMAL(10,1) would lose
bad_record: a: "!" is no DECIMAL(10,1)
bad_record: d: 1.5 is no DATE
bad_record: t: 1 has digits that TIME would lose`)
}

// Without a schema FORMAT says what values mean, in topics and in files.
func TestBase64Formats(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(with(debeziumScript,
		"a DECIMAL(10,2) FORMAT base64_decimal(2), b BLOB FORMAT base64, c BIGINT FORMAT base64_decimal(0), d DATE FORMAT epoch_days") +
		"CREATE SOURCE f (a DECIMAL(10,2) FORMAT base64_decimal(2), b BLOB FORMAT base64) FROM FILES ('in/*.csv', format csv);\nCREATE STREAM " +
		"fs FROM f;\n")
	put(t, k.dir+"/in/1.csv", "a,b\nMDk=,AP8=\n")
	k.put(`{"after":{"a":"MDk=","b":"AP8=","c":"MDk=","d":20454},"op":"c"}`, connectEvent("c", connectField{"a", `{"type":"double"}`, "1.25"}))
	k.runs()
	k.is("SELECT a, hex(b), c, d FROM s ORDER BY a", "1.25|NULL|NULL|NULL\n123.45|00FF|12345|2026-01-01")
	k.is("SELECT a, hex(b) FROM fs", "123.45|00FF")
	k.script(with(debeziumScript, "a DATE FORMAT base64"))
	k.args = []string{"--db", "other.duckdb"}
	k.fails(2, "FORMAT base64 gives no DATE")
}

// A row that is no object is no row, but for MongoDB's text of one.
func TestDebeziumRows(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(with(debeziumScript,
		`_id VARCHAR, name VARCHAR, n BIGINT, price DECIMAL(10,2), at_ TIMESTAMP FROM '$.none', at TIMESTAMP, pic BLOB, tags VARCHAR[], op VARCHAR`))
	text := func(doc string) string {
		b, err := json.Marshal(doc)
		k.must(err)
		return string(b)
	}
	k.put(`{"after":`+text(`{"_id": {"$oid": "65a"}, "name": "Ada \"é\"", "n": {"$numberLong": "5"}, "price": {"$numberDecimal": "1.50"}, `+
		`"at": {"$date": 1767225600000}, "pic": {"$binary": "AP8=", "$type": "00"}, "tags": ["a", {"$oid": "b"}]}`)+`,"op":"c"}`,
		`{"after":`+text(`{"_id": {"a": {"$numberLong": "1"}}, "at": {"$date": {"$numberLong": "1767225600000"}}, `+
			`"pic": {"$binary": {"base64": "AP8=", "subType": "00"}}}`)+`,"op":"r"}`,
		`{"after":["1"],"op":"c"}`, `{"after":5,"op":"c"}`, `{"after":true,"op":"c"}`, `{"before":"x","after":null,"op":"d"}`,
		`{"after":"[1]","op":"c"}`, `{"after":null,"before":null,"op":"u"}`, `{"op":"c"}`,
		`{"before":null,"after":null,"op":"d"}`, `{"op":"t"}`)
	k.runs()
	k.is("SELECT * EXCLUDE (_version, at_) FROM s WHERE op <> 'd' ORDER BY name",
		"65a|Ada \"é\"|5|1.50|2026-01-01 00:00:00|\\x00\\xFF|[a, b]|c\n{\"a\":1}|NULL|NULL|NULL|2026-01-01 00:00:00|\\x00\\xFF|NULL|r")
	k.is("SELECT count(*) FROM s", "3") // nothing of the TRUNCATE
	k.is(`SELECT reason FROM dsql.rejects ORDER BY meta."offset"`, `bad_record: no Debezium event: the row is no object: ["1"]
bad_record: no Debezium event: the row is no object: 5
bad_record: no Debezium event: the row is no object: true
bad_record: no Debezium event: the row is no object: "x"
bad_record: no Debezium event: the row is no object: "[1]"
bad_record: no Debezium event: op u without a row after it
bad_record: no Debezium event: op c without a row after it`)
}

// A value that the database didn't log is absent: a journal keeps what it has, whatever the column's type; the other columns change.
func TestDebeziumUnavailable(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(with("CREATE SOURCE ev (@options@, lsn BIGINT FROM '$.source.lsn') FROM KAFKA (brokers '{brokers}', topic '{topic}', format "+
		"debezium);\n"+
		"CREATE JOURNAL j KEYS (id) SEQUENCE BY lsn DELETE WHEN op = 'd' COLUMNS * EXCEPT (op, lsn) FROM ev;\nCREATE STREAM s FROM ev;\n",
		"id BIGINT, n BIGINT, body VARCHAR, pic BLOB, nums INTEGER[], words VARCHAR[], attrs MAP(VARCHAR, VARCHAR), doc JSON, op VARCHAR"))
	ph := "__debezium_unavailable_value"
	var bytes []string
	for _, c := range []byte(ph) {
		bytes = append(bytes, fmt.Sprint(c))
	}
	full := `"body":"long","pic":"p","nums":[1],"words":["w"],"attrs":{"a":"b"},"doc":{"x":1}`
	gone := fmt.Sprintf(`"body":%q,"pic":%q,"nums":[%s],"words":[%q],"attrs":{%q:%q},"doc":%q`, ph,
		base64.StdEncoding.EncodeToString([]byte(ph)), strings.Join(bytes, ", "), ph, ph, ph, ph)
	event := func(op string, lsn, id, n int, rest string) string {
		return fmt.Sprintf(`{"after":{"id":%d,"n":%d,%s},"source":{"lsn":%d},"op":%q}`, id, n, rest, lsn, op)
	}
	k.put(event("c", 1, 1, 1, full), event("u", 2, 1, 2, gone),
		event("u", 3, 1, 3, `"body":null,"pic":null,"nums":null,"words":null,"attrs":null,"doc":null`), event("u", 4, 1, 4, gone),
		event("c", 5, 2, 1, full), event("u", 6, 2, 5, strings.Replace(gone, `"body":"`+ph+`"`, `"body":"short"`, 1)))
	k.runs()
	k.is("SELECT count(*) FROM dsql.rejects", "0")
	k.is("SELECT * EXCLUDE (valid_from) FROM j ORDER BY id", "1|4|NULL|NULL|NULL|NULL|NULL|NULL\n2|5|short|p|[1]|[w]|{a=b}|{\"x\":1}")
	k.is("SELECT n, body, pic FROM j_history WHERE id = 1 ORDER BY valid_from", "1|long|p\n2|long|p\n3|NULL|NULL\n4|NULL|NULL")
	k.is("SELECT count(*) FROM s WHERE concat_ws('', body, decode(pic), nums, words, attrs, doc) LIKE '%debezium%'", "0")
	k.is("SELECT count(*) FROM s", "6")
}

// A TRUNCATE ends all keys that have an event before it, in whatever order the events come, and in the state now too.
func TestDebeziumTruncate(t *testing.T) {
	k := newKafka(t, 1, true)
	const script = `CREATE RULES strict (CONSTRAINT id_there EXPECT (id IS NOT NULL) ON VIOLATION FAIL);
CREATE SOURCE ev (id BIGINT, n INTEGER, op VARCHAR, lsn BIGINT FROM '$.source.lsn')
  FROM KAFKA (brokers '{brokers}', topic '{topic}', format debezium);
CREATE JOURNAL j KEYS (id) SEQUENCE BY lsn DELETE WHEN op = 'd' COLUMNS (n) RULES (APPLY strict) FROM ev;
CREATE JOURNAL now KEYS (id) SEQUENCE BY lsn DELETE WHEN op = 'd' COLUMNS (n) STORED AS SCD TYPE 1 FROM ev;
CREATE JOURNAL by_n KEYS (id) SEQUENCE BY n COLUMNS (op) FROM ev;
CREATE STREAM s FROM ev;
`
	k.script(script)
	event := func(id, lsn int) string {
		return fmt.Sprintf(`{"before":null,"after":{"id":%d,"n":%d},"source":{"lsn":%d},"op":"c"}`, id, lsn, lsn)
	}
	truncate := func(lsn int) string {
		return fmt.Sprintf(`{"before":null,"after":null,"source":{"lsn":%d},"op":"t"}`, lsn)
	}
	k.put(event(1, 10), event(2, 11), truncate(12), event(3, 13))
	k.runs()
	k.is("SELECT id, n FROM j", "3|13")
	k.is("SELECT id, n FROM now", "3|13")
	k.is("SELECT count(*) FROM s", "3")
	k.is("SELECT destination, reason FROM dsql.rejects",
		"by_n|null_sequence: TRUNCATE, which ends all keys: n is NULL (it can be made of what the event has beside the row: source, ts_ms, _meta)")
	k.put(event(4, 9), event(1, 14), truncate(12), event(3, 20), truncate(17))
	k.runs()
	history := "1|10|10|12\n1|14|14|17\n2|11|11|12\n3|13|13|17\n3|20|20|NULL\n4|9|9|12"
	k.is("SELECT * FROM j_history ORDER BY ALL", history)
	k.is("SELECT id, n FROM now", "3|20")
	k.script(script + "REBUILD JOURNAL j FROM SOURCE;\n")
	k.runs()
	k.is("SELECT * FROM j_history ORDER BY ALL", history)
}
