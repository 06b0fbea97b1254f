package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// debeziumAvro is a table's envelope as Debezium's connector for PostgreSQL registers it with Confluent's converter.
const debeziumAvro = `{"type":"record","name":"Envelope","namespace":"shop.public.orders","fields":[
{"name":"before","type":["null",{"type":"record","name":"Value","fields":[
 {"name":"id","type":"int"},
 {"name":"amount","type":["null",{"type":"bytes","scale":2,"precision":10,"connect.version":1,"connect.parameters":{"scale":"2",
  "connect.decimal.precision":"10"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}],"default":null},
 {"name":"day","type":{"type":"int","connect.version":1,"connect.name":"io.debezium.time.Date"}},
 {"name":"at","type":["null",{"type":"long","connect.version":1,"connect.name":"io.debezium.time.MicroTimestamp"}]},
 {"name":"until","type":{"type":"long","connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}},
 {"name":"daily","type":{"type":"long","connect.name":"io.debezium.time.MicroTime"}},
 {"name":"zoned","type":{"type":"string","connect.name":"io.debezium.time.ZonedTimestamp"}},
 {"name":"raw","type":"bytes"},
 {"name":"flags","type":{"type":"bytes","connect.parameters":{"length":"9"},"connect.name":"io.debezium.data.Bits"}},
 {"name":"uid","type":{"type":"string","connect.name":"io.debezium.data.Uuid"}},
 {"name":"doc","type":{"type":"string","connect.name":"io.debezium.data.Json"}},
 {"name":"any","type":{"type":"record","name":"VariableScaleDecimal","namespace":"io.debezium.data","fields":[{"name":"scale","type":"int"},
  {"name":"value","type":"bytes"}],"connect.name":"io.debezium.data.VariableScaleDecimal"}},
 {"name":"tags","type":{"type":"array","items":["null","string"]}},
 {"name":"note","type":["null","string"]}],"connect.name":"shop.public.orders.Value"}]},
{"name":"after","type":["null","Value"]},
{"name":"source","type":{"type":"record","name":"Source","namespace":"io.debezium.connector.postgresql","fields":[
 {"name":"table","type":"string"},{"name":"lsn","type":["null","long"]}],"connect.name":"io.debezium.connector.postgresql.Source"}},
{"name":"op","type":"string"},{"name":"ts_ms","type":["null","long"]}],"connect.name":"shop.public.orders.Envelope"}`

// avroOf writes values as Avro has them: numbers zigzag, texts behind their lengths.
func avroOf(values ...any) string {
	var b []byte
	for _, v := range values {
		switch v := v.(type) {
		case int:
			b = binary.AppendVarint(b, int64(v))
		case string:
			b = append(binary.AppendVarint(b, int64(len(v))), v...)
		}
	}
	return string(b)
}

// Envelopes in Avro, and in Protobuf as far as that says it, give what the same connector's JSON gives: by the names that Kafka Connect has for
// their types, in columns of the row and of the envelope, whole or flattened. What isn't there is absent, a delete has the row before it.
// Rejects come again from their bytes.
func TestKafkaDebeziumAvro(t *testing.T) {
	k := newKafka(t, 1, true)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeAvro, Schema: debeziumAvro})
	reg.SeedSchema("k", 1, 2, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"Key","fields":[{"name":"id","type":"int"}]}`})
	reg.SeedSchema("f", 1, 3, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"Value","fields":[{"name":"id","type":"int"},
		{"name":"day","type":{"type":"int","connect.name":"io.debezium.time.Date"}},{"name":"__op","type":"string"},{"name":"__source_lsn","type":"long"}]}`})
	reg.SeedSchema("j", 1, 4, sr.Schema{Type: sr.TypeJSON, Schema: `{}`})
	reg.SeedSchema("p", 1, 5, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; import "google/protobuf/timestamp.proto";
		import "confluent/type/decimal.proto"; message Envelope { Value before = 1; Value after = 2; Source source = 3; string op = 4;
		message Value { int32 id = 1; confluent.type.Decimal amount = 2; google.protobuf.Timestamp until = 3; bytes raw = 4; optional string note = 5; }
		message Source { int64 lsn = 1; } }`})
	source := func(amount string) {
		k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.URL() + `');
CREATE SOURCE ev (key_ INTEGER FROM KEY '$.id', id INTEGER, amount ` + amount + `, day DATE, at_ TIMESTAMP FROM '$.after.at', "at" TIMESTAMP,
  until TIMESTAMP, daily TIME, zoned TIMESTAMP, raw BLOB, flags INTEGER, uid UUID, doc JSON, "any" DECIMAL(12,4), tags VARCHAR[], note VARCHAR,
  op VARCHAR, lsn BIGINT FROM '$.source.lsn')
  FROM KAFKA (connection c, topic '{topic}', format debezium);
CREATE JOURNAL j KEYS (id) SEQUENCE BY lsn DELETE WHEN op = 'd' COLUMNS (amount, day, note) FROM ev;
CREATE STREAM s FROM ev;`)
	}
	source("DECIMAL(10,2)")
	row := func(amount, note string) string {
		return avroOf(7, 1, amount, 20454, 1, 1767225600123456, 1767225600000, 3600000001, "2026-01-01T01:00:00+01:00", "\x00\xff", "\x05\x00",
			"00000000-0000-0000-0000-000000000001", `{"a": 1}`, 3, "\x30\x39", 2, 1, "x", 0, 0, 1, note)
	}
	event := func(before, after, op string, lsn int) string {
		image := func(s string) string {
			if s == "" {
				return "\x00"
			}
			return "\x02" + s
		}
		return "\x00\x00\x00\x00\x01" + image(before) + image(after) + avroOf("orders", 1, lsn, op, 1, 1767225600000)
	}
	put := func(value string) {
		k.record(&kgo.Record{Key: []byte("\x00\x00\x00\x00\x02\x0e"), Value: []byte(value)})
	}
	put(event("", row("\x30\x39", "one"), "c", 1))                                            // 123.45
	put(event("", row("\x00\x98\x96\x80", "__debezium_unavailable_value"), "u", 2))           // 100000.00
	put(event(row("\x01", "x"), "", "d", 3))                                                  // as it was
	put("\x00\x00\x00\x00\x03" + avroOf(8, 20455, "c", 4))                                    // flattened
	put("\x00\x00\x00\x00\x04" + `{"after":{"id":9,"amount":1},"op":"c","source":{"lsn":5}}`) // JSON that is registered
	put(`{"after":{"id":10,"amount":2},"op":"c","source":{"lsn":6}}`)                         // and that isn't
	put("\x00\x00\x00\x00\x05\x00\x12\x17\x08\x0b\x12\x08\x0a\x02\x30\x39\x10\x0a" +
		"\x18\x02\x1a\x06\x08\x80\xf2\xd6\xca\x06\x22\x01\xff\x1a\x02\x08\x07\x22\x01c")
	put("\x00\x00\x00\x00\x05\x00\x08")
	put("\x00\x00\x00\x00\x06" + avroOf(12, 20455, "c", 9)) // of a schema that comes later
	put(event("", row("\x30\x39", "cut"), "c", 7)[:40])
	k.record(headed("\x00\x00\x00\x00\x02\x0e", event("", row("\x30\x39", "by header"), "u", 8)[5:], "__value_schema_id", "\x00\x00\x00\x00\x01"))
	k.runs()
	const rest = "|2026-01-01 00:00:00.123456|2026-01-01 00:00:00.123456|2026-01-01 00:00:00|01:00:00.000001|2026-01-01 00:00:00|\\x00\\xFF|5|" +
		"00000000-0000-0000-0000-000000000001|{\"a\": 1}|12.3450|[x, NULL]|"
	k.is(`SELECT key_, id, amount, day, * EXCLUDE (key_, id, amount, day, _version) FROM s ORDER BY lsn`, strings.Join([]string{
		"7|7|123.45|2026-01-01" + rest + "one|c|1",
		"7|7|100000.00|2026-01-01" + rest + "NULL|u|2",
		"7|7|0.01|2026-01-01|NULL" + rest[27:] + "x|d|3",
		"7|8|NULL|2026-01-02" + strings.Repeat("|NULL", 12) + "|c|4",
		"7|9|1.00|NULL" + strings.Repeat("|NULL", 12) + "|c|5",
		"7|10|2.00|NULL" + strings.Repeat("|NULL", 12) + "|c|6",
		"7|11|123.45|NULL|NULL|NULL|2026-01-01 00:00:00|NULL|NULL|\\xFF" + strings.Repeat("|NULL", 6) + "|c|7",
		"7|7|123.45|2026-01-01" + rest + "by header|u|8",
	}, "\n"))
	k.is("SELECT amount, note, valid_from, valid_to FROM j_history WHERE id = 7 ORDER BY valid_from",
		"123.45|one|1|2\n100000.00|one|2|3\n123.45|by header|8|NULL")
	k.is("SELECT reason FROM dsql.rejects ORDER BY id", `bad_record: no Protobuf of its schema: Envelope ends in its field 1
bad_record: no Debezium event: unknown schema id 6
bad_record: no Avro of its schema: it ends in a string, at byte 40`)

	text, _ := reg.GetSchema("f", 1)
	reg.SeedSchema("f", 2, 6, text.Schema)
	script, err := os.ReadFile(k.dir + "/s.sql")
	k.must(err)
	k.script(string(script) + "\nREPLAY REJECTS FROM ev WHERE reason LIKE '%schema id 6';")
	k.runs()
	k.is("SELECT id, day, op FROM s WHERE lsn = 9", "12|2026-01-02|c")
	k.is("SELECT count(*) FROM dsql.rejects WHERE replayed_at IS NULL", "2")
}

// A short schema that names records in records has very many fields when each is written out: its records are bad, others are read.
func TestKafkaDebeziumHostileSchema(t *testing.T) {
	k := newKafka(t, 1, true)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	twice := func(n int) string {
		of := `{"type":"record","name":"R0","fields":[{"name":"x","type":"int"}]}`
		for i := range n {
			of = fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":%s},{"name":"b","type":"R%d"}]}`, i+1, of, i)
		}
		return `{"type":"record","name":"E","fields":[{"name":"after","type":["null",` + of + `]},{"name":"op","type":"string"}]}`
	}
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeAvro, Schema: twice(60)})
	reg.SeedSchema("v", 2, 2, sr.Schema{Type: sr.TypeAvro, Schema: twice(1)})
	k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.URL() + "');\n" +
		"CREATE SOURCE s (a STRUCT(x INTEGER)) FROM KAFKA (connection c, topic '{topic}', format debezium);\nCREATE STREAM d FROM s;")
	for range 2 {
		k.record(&kgo.Record{Value: []byte("\x00\x00\x00\x00\x01" + avroOf(1, 7))})
	}
	k.record(&kgo.Record{Value: []byte("\x00\x00\x00\x00\x02" + avroOf(1, 7, 8, "c"))})
	k.runs()
	k.is("SELECT a.x FROM d", "7")
	k.is("SELECT DISTINCT reason FROM dsql.rejects", "bad_record: no Debezium event: its schema has more than 20000 fields, with those inside of others")
}
