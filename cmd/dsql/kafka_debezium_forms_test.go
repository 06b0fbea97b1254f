package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What connectors write beside change events is skipped and counted, with and without its schema; what looks like it and is none is bad.
func TestDebeziumNoRows(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(with(debeziumScript, "id BIGINT, op VARCHAR"))
	schema := func(payload string) string {
		return `{"schema":{"type":"struct","name":"x","fields":[]},"payload":` + payload + `}`
	}
	for _, v := range []string{
		`{"ts_ms":1767225600000}`,
		`{"status":"BEGIN","id":"571:53195829","ts_ms":1,"event_count":null,"data_collections":null}`,
		`{"status":"END","id":"571:53195832","ts_ms":1,"event_count":2,"data_collections":[{"data_collection":"a","event_count":2}]}`,
		`{"source":{"db":"inventory"},"ts_ms":1,"databaseName":"inventory","schemaName":null,"ddl":"ALTER TABLE c","tableChanges":[]}`,
		`{"source":{"server":"s"},"position":{"file":"f"},"databaseName":"inventory","ddl":"CREATE TABLE c"}`,
		`{"op":"m","ts_ms":1,"source":{"lsn":1},"message":{"prefix":"foo","content":"Ymfy"}}`,
	} {
		k.put(v, schema(v))
	}
	k.put(`{"before":null,"after":{"id":1},"op":"c"}`, `{}`, `{"status":"BEGIN"}`, `{"id":1}`)
	k.runs()
	k.is("SELECT id, op FROM s", "1|c")
	k.is("SELECT rows_in, written, bad, skipped FROM dsql.version_rows WHERE kind = 'source'", "16|1|3|12")
	k.is("SELECT DISTINCT reason FROM dsql.rejects", "bad_record: no Debezium event: it has no op (for plain rows use format json)")
	k.put(`{"ts_ms":1}`)
	k.runs()
	k.is("SELECT max(next_offset) FROM dsql.offsets", "17")
}

// Rows that ExtractNewRecordState has taken out of their envelope.
func TestDebeziumFlattened(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(`
CREATE SOURCE ev (id BIGINT, price DECIMAL(10,2), d DATE, op VARCHAR, ts_ms TIMESTAMP FORMAT epoch_ms,
  lsn BIGINT FROM '$.source.lsn', tx VARCHAR FROM '$.transaction.id',
  __deleted BOOLEAN, note STRUCT(a INTEGER), a INTEGER FROM '$.note.a') FROM KAFKA (brokers '{brokers}', topic '{topic}', format debezium);
CREATE STREAM s FROM ev;
CREATE JOURNAL j KEYS (id) SEQUENCE BY lsn DELETE WHEN op = 'd' COLUMNS (price) AS SELECT * FROM ev WHERE NOT _meta.tombstone;
`)
	decimal := `{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"},"field":"price"}`
	schema := `{"type":"struct","name":"s.public.t.Value","fields":[{"type":"int64","field":"id"},` + decimal +
		`,{"type":"int32","name":"io.debezium.time.Date","field":"d"}]}`
	k.put(`{"id":1,"price":"1.50","d":"2026-01-01","note":{"a":7},"__op":"c","__ts_ms":1767225600000,"__lsn":10,"__transaction_id":"t1","__deleted":"false"}`,
		`{"schema":`+schema+`,"payload":{"id":2,"price":"MDk=","d":0,"__source_lsn":11,"__deleted":"false"}}`,
		`{"schema":`+schema+`,"payload":{"id":3,"price":"MDk=","d":0}}`,
		`{"id":1,"price":"__debezium_unavailable_value","__op":"u","__lsn":12}`,
		`{"id":1,"price":null,"__lsn":13,"__deleted":"true"}`, `{"id":4,"price":"x","__op":"c"}`)
	k.record(&kgo.Record{Key: []byte(`{"id":1}`)})
	k.runs()
	k.is("SELECT * EXCLUDE (_version) FROM s ORDER BY ALL", strings.Join([]string{
		"1|1.50|2026-01-01|c|2026-01-01 00:00:00|10|t1|false|{'a': 7}|7", "1|NULL|NULL|d|NULL|13|NULL|true|NULL|NULL",
		"1|NULL|NULL|u|NULL|12|NULL|NULL|NULL|NULL", "2|123.45|1970-01-01|NULL|NULL|11|NULL|false|NULL|NULL",
		"3|123.45|1970-01-01|NULL|NULL|NULL|NULL|NULL|NULL|NULL", "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL"}, "\n"))
	k.is("SELECT id, price, valid_from, valid_to FROM j_history ORDER BY ALL", "1|1.50|10|13\n2|123.45|11|NULL")
	k.is("SELECT reason FROM dsql.rejects ORDER BY reason", "bad_record: price: \"x\" is no DECIMAL(10,2)\nnull_sequence: lsn is NULL")
}

// An update that MongoDB's connector tells by its fields: what it doesn't name is absent, what it removes is NULL.
func TestDebeziumMongoUpdates(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(`
CREATE SOURCE ev (_id VARCHAR FROM KEY '$.id', name VARCHAR, n BIGINT, address JSON, op VARCHAR, at_ BIGINT FROM '$.source.ord')
  FROM KAFKA (brokers '{brokers}', topic '{topic}', format debezium);
CREATE JOURNAL j KEYS (_id) SEQUENCE BY at_ DELETE WHEN op = 'd' COLUMNS (name, n, address) FROM ev;
`)
	n := 0
	event := func(rest string) {
		n++
		k.record(&kgo.Record{Key: []byte(`{"id":"{\"$oid\": \"65a\"}"}`), Value: []byte(fmt.Sprintf(`{%s,"source":{"ord":%d}}`, rest, n))})
	}
	event(`"op":"c","before":null,` +
		`"after":"{\"_id\": {\"$oid\": \"65a\"}, \"name\": \"Ada\", \"n\": {\"$numberLong\": \"5\"}, \"address\": {\"city\": \"Oslo\"}}"`)
	event(`"op":"u","before":null,"after":null,` +
		`"updateDescription":{"removedFields":null,"updatedFields":"{\"n\": {\"$numberLong\": \"6\"}}","truncatedArrays":null}`)
	event(`"op":"u","after":null,"updateDescription":{"removedFields":["name"],"updatedFields":"{\"other.part\": 1}"}`)
	event(`"op":"u","after":null,"updateDescription":{"updatedFields":"{\"address.city\": \"Rome\"}"}`)
	event(`"op":"u","after":null,"updateDescription":{"updatedFields":"{}","truncatedArrays":[{"field":"address.list","newSize":1}]}`)
	k.runs()
	k.is("SELECT name, n, address, valid_from FROM j_history ORDER BY valid_from",
		`Ada|5|{"city":"Oslo"}|1`+"\n"+`Ada|6|{"city":"Oslo"}|2`+"\n"+`NULL|6|{"city":"Oslo"}|3`)
	k.is("SELECT count(*), min(split_part(reason, 'tells of ', 2)) FROM dsql.rejects",
		"2|address what was changed in it alone: let the connector write "+
			"whole documents (capture.mode change_streams_update_full)")
}
