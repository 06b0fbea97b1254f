package main

import (
	"fmt"
	"strings"
	"testing"
)

// mariadbTypes are the columns of the table types in MariaDB.
var mariadbTypes = []realType{
	{"b", "TINYINT", nil, "1"},
	{"bit1", "BOOLEAN", nil, "true"},
	{"bit10", "INTEGER", forms("plain", "BLOB FORMAT base64 => \\x03\\x02"), "515"},
	{"i1", "TINYINT", nil, "-128"},
	{"u1", "UTINYINT", nil, "255"},
	{"i2", "SMALLINT", nil, "-32768"},
	{"u2", "USMALLINT", nil, "65535"},
	{"i3", "INTEGER", nil, "-8388608"},
	{"u3", "UINTEGER", nil, "16777215"},
	{"i4", "INTEGER", nil, "2147483647"},
	{"u4", "UINTEGER", nil, "4294967295"},
	{"zf", "UINTEGER", nil, "42"},
	{"i8", "BIGINT", nil, "-9223372036854775808"},
	{"u8", "BIGINT", forms("texts", "UBIGINT => 9223372036854775807"), "9223372036854775807"},
	{"f4", "FLOAT", nil, "1.5"},
	{"f72", "DOUBLE", nil, "12345.669921875"},
	{"f8", "DOUBLE", nil, "2.25"},
	{"num", "DECIMAL(10,2)", forms("plain", "DECIMAL(10,2) FORMAT base64_decimal(2)"), "-26588.24"},
	{"num0", "HUGEINT", forms("plain", "DECIMAL(20,0) FORMAT base64_decimal(0)", "iso", "DOUBLE => 1.2345678901234567e+19"),
		"12345678901234567890"},
	{"big", "DECIMAL(38,10)", forms("plain", "DECIMAL(38,10) FORMAT base64_decimal(10)", "iso", "DOUBLE => 1.2345678901234569e+27"),
		"1234567890123456789012345678.0123456789"},
	{"numu", "DECIMAL(8,3)", forms("plain", "DECIMAL(8,3) FORMAT base64_decimal(3)"), "12345.678"},
	{"huge", "VARCHAR", forms("plain", "VARCHAR => HgK8HpeFi9xsuVBY80JMFjWLJ/5OyymuOYEV", "iso", "DOUBLE => 1.234567890123457e+34"),
		"12345678901234567890123456789012345.012345678901234567890123456789"},
	{"c", "VARCHAR", nil, "ab"},
	{"vc", "VARCHAR", nil, "vär"},
	{"latin", "VARCHAR", nil, "vär"},
	{"nc", "VARCHAR", nil, "ñ"},
	{"tt", "VARCHAR", nil, "tiny"},
	{"t", "VARCHAR", nil, "line\nnext \"q\""},
	{"mt", "VARCHAR", nil, "medium"},
	{"lt", "VARCHAR", nil, "long"},
	{"bin4", "BLOB", mariadbBytes("00ff0000"), "\\x00\\xFF\\x00\\x00"},
	{"vbin", "BLOB", mariadbBytes("00ff10fbff"), "\\x00\\xFF\\x10\\xFB\\xFF"},
	{"tb", "BLOB", mariadbBytes("01"), "\\x01"},
	{"raw", "BLOB", mariadbBytes("00ff10fbff"), "\\x00\\xFF\\x10\\xFB\\xFF"},
	{"mb", "BLOB", mariadbBytes("02"), "\\x02"},
	{"lb", "BLOB", mariadbBytes("03"), "\\x03"},
	{"ts", "TIMESTAMP", nil, "2026-01-31 10:00:00"},
	{"ts3", "TIMESTAMP", nil, "2026-01-31 10:00:00.123"},
	{"ts6", "TIMESTAMP", nil, "2026-01-31 10:00:00.123456"},
	{"dt", "TIMESTAMP", forms("plain", "TIMESTAMP FORMAT epoch_ms"), "2026-01-31 10:00:00"},
	{"dt3", "TIMESTAMP", forms("plain", "TIMESTAMP FORMAT epoch_ms"), "2026-01-31 10:00:00.123"},
	{"dt6", "TIMESTAMP", forms("plain", "TIMESTAMP FORMAT epoch_us", "texts", "TIMESTAMP => 2026-01-31 10:00:00.123"),
		"2026-01-31 10:00:00.123456"},
	{"d", "DATE", forms("plain", "DATE FORMAT epoch_days"), "2026-01-31"},
	{"ti", "TIME", forms("plain", "BIGINT => 37815000000"), "10:30:15"},
	{"ti3", "TIME", forms("plain", "BIGINT => 37815123000"), "10:30:15.123"},
	{"ti6", "TIME", forms("plain", "BIGINT => 37815123456", "texts", "TIME => 10:30:15.123"), "10:30:15.123456"},
	{"y", "INTEGER", nil, "2026"},
	{"js", "VARCHAR", nil, `{"a": [1, 2.50]}`},
	{"e", "VARCHAR", nil, "happy"},
	{"st", "VARCHAR", nil, "a,c"},
	{"u", "UUID", nil, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	{"pt", "STRUCT(x DOUBLE, y DOUBLE, wkb VARCHAR, srid INTEGER)", nil,
		"{'x': 1.5, 'y': -2.0, 'wkb': AQEAAAAAAAAAAAD4PwAAAAAAAADA, 'srid': NULL}"},
	{"geo", "STRUCT(wkb BLOB, srid INTEGER)", forms("plain", "STRUCT(wkb VARCHAR) => {'wkb': AQEAAAAAAAAAAAD4PwAAAAAAAADA}"),
		`{'wkb': \x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xF8?\x00\x00\x00\x00\x00\x00\x00\xC0, 'srid': NULL}`},
	{"line", "STRUCT(wkb VARCHAR)", nil, "{'wkb': 'AQIAAAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPA/AAAAAAAA8D8='}"},
	{"poly", "STRUCT(srid INTEGER)", nil, "{'srid': NULL}"},
	{"mpt", "STRUCT(srid INTEGER)", nil, "{'srid': NULL}"},
	{"coll", "STRUCT(wkb VARCHAR)", nil, "{'wkb': AQcAAAABAAAAAQEAAAAAAAAAAADwPwAAAAAAAPA/}"},
	{"dz", "DATE", forms("plain", "DATE FORMAT epoch_days"), "2026-01-31"},
	{"dtz", "TIMESTAMP", forms("plain", "TIMESTAMP FORMAT epoch_ms"), "2026-01-31 10:00:00"},
	{"dd", "INTEGER", nil, "8"},
	{"nd", "DECIMAL(5,2)", forms("plain", "DECIMAL(5,2) FORMAT base64_decimal(2)"), "2.50"},
}

func mariadbBytes(hex string) map[string]string {
	const base64 = "BLOB FORMAT base64"
	return forms("plain", base64, "texts", base64, "nanos", base64, "iso", "VARCHAR => "+hex)
}

// Every type of MariaDB, in every form that the connector can be set to, from the snapshot and from the log. The edges are read as texts as
// well: some values are lost before they come here.
func TestKafkaDebeziumMariaDBTypes(t *testing.T) {
	for _, form := range []string{"schema", "plain", "flat", "flatplain", "texts", "iso", "nanos", "avro", "flatavro"} {
		t.Run(form, func(t *testing.T) {
			k := newKafka(t, 1, false)
			connection, topics := k.connector("mariadb", form, "dsql.types")
			topic := topics["dsql.types"]
			k.types(form, connection, topic, mariadbTypes)
			day := "13 ti|14 ti|3 ti|4 ti" // a TIME that isn't one of the day
			bad := map[string]string{"schema": day, "flat": day, "avro": day, "flatavro": day, "nanos": "13 dt6|14 dt|3 dt6|4 dt"}[form]
			k.is("SELECT coalesce(string_agg(concat(data->>'id', split_part(reason, ':', 2)), '|' ORDER BY data->>'id'), '') FROM dsql.rejects", bad)
			const lower, upper = "-3020399000000", "3020399000000"
			row3 := "2|-1|{zero}253402300799999999|" + lower + "|-500000|{year}||||ends  |7\n"
			row4 := "1970-01-01 00:00:01|" + upper + "|1901|sad|7"
			switch form {
			case "texts":
				row3 = "2|18446744073709551615|{zero}253402300799999|{year}||||ends  |7\n"
				row4 = "1970-01-01 00:00:01|1901|sad|7"
			case "iso":
				row3 = "2|-1|{zero}9999-12-31T23:59:59.999999Z|{year}||||ends  |7\n"
				row4 = "1970-01-01 00:00:01|1901|sad|7"
			case "nanos":
				row3 = "2|-1|{zero}-4852116231933723624|" + lower + "000|-500000000|{year}||||ends  |7\n"
				row4 = "1970-01-01 00:00:01|" + upper + "000|1901|sad|7"
			}
			snapshot := strings.NewReplacer("{zero}", "", "{year}", "")
			log := strings.NewReplacer("{zero}", "1970-01-01 00:00:00|", "{year}", "1900|")
			edges := "2|7\n3|" + snapshot.Replace(row3) + "4|" + row4 + "\n13|" + log.Replace(row3) + "14|" + row4
			k.args = []string{"--db", "edges.duckdb"}
			k.script(connection + "CREATE SOURCE ev (id INTEGER, b TINYINT, u8 VARCHAR, ts TIMESTAMP, dt6 VARCHAR, ti VARCHAR, ti6 VARCHAR, " +
				"y INTEGER, t VARCHAR, raw VARCHAR, e VARCHAR, st VARCHAR, vc VARCHAR, dd INTEGER) FROM KAFKA (connection c, topic '" + topic +
				"', format debezium);\nCREATE STREAM s FROM ev;")
			k.runs()
			k.is("SELECT reason FROM dsql.rejects", "")
			k.is("SELECT concat_ws('|', id, b, u8, ts, dt6, ti, ti6, y, t, raw, e, st, vc, dd) FROM s WHERE id NOT IN (1, 11) ORDER BY id", edges)
		})
	}
}

// Changes as the connector tells them: a key that changes is a delete and a new row, a TRUNCATE ends all keys, and tombstones,
// transactions, heartbeats and changes of a table's shape are no rows.
func TestKafkaDebeziumMariaDBChanges(t *testing.T) {
	for _, form := range []string{"schema", "plain", "flat", "flatplain", "avro", "flatavro"} {
		t.Run(form, func(t *testing.T) {
			k := newKafka(t, 1, false)
			connection, topic := k.connector("mariadb", form, "dsql.keyed", "dsql.whole", "dsql.emptied", "transaction", "heartbeat", form)
			flat, more := strings.HasPrefix(form, "flat"), "DECIMAL(6,3)"
			if strings.HasSuffix(form, "plain") {
				more = "DECIMAL(6,3) FORMAT base64_decimal(3)"
			}
			source := func(name, columns, table string) string {
				return "CREATE SOURCE " + name + "_in (" + columns + ", op VARCHAR, file VARCHAR FROM '$.source.file', " +
					"pos BIGINT FROM '$.source.pos') FROM KAFKA (connection c, topic '" + topic[table] + "', format debezium);\n"
			}
			k.script(connection + source("keyed", "id INTEGER, part VARCHAR, v VARCHAR", "dsql.keyed") +
				source("whole", "id INTEGER, v VARCHAR", "dsql.whole") +
				source("emptied", "id INTEGER, v VARCHAR, more "+more, "dsql.emptied") + source("tx", "id VARCHAR", "transaction") +
				source("beat", "id VARCHAR", "heartbeat") + source("ddl", "id VARCHAR", form) + `
CREATE JOURNAL keyed KEYS (id, part) SEQUENCE BY (file, pos) DELETE WHEN op = 'd' COLUMNS (v)
  AS SELECT * FROM keyed_in WHERE NOT _meta.tombstone;
CREATE JOURNAL whole KEYS (id) SEQUENCE BY (file, pos) DELETE WHEN op = 'd' COLUMNS (v) AS SELECT * FROM whole_in WHERE NOT _meta.tombstone;
CREATE JOURNAL emptied KEYS (id) SEQUENCE BY (file, pos) DELETE WHEN op = 'd' COLUMNS (v, more) FROM emptied_in;
CREATE STREAM tx FROM tx_in;
CREATE STREAM beat FROM beat_in;
CREATE STREAM ddl FROM ddl_in;
`)
			k.runs()
			k.is("SELECT reason FROM dsql.rejects", "")
			k.is("SELECT id, part, v, valid_to_pos IS NULL FROM keyed_history ORDER BY ALL",
				"1|a|one|false\n2|b|TWO|false\n2|b|two|false\n10|a|ten|true")
			k.is("SELECT id, v, valid_to_pos IS NULL FROM whole_history ORDER BY ALL", "1|a|false\n1|b|false")
			open := fmt.Sprint(flat) // ExtractNewRecordState takes a TRUNCATE away
			k.is("SELECT id, v, more, valid_to_pos IS NULL FROM emptied_history ORDER BY ALL",
				"1|a|NULL|"+open+"\n2|b|NULL|"+open+"\n3|c|NULL|"+open+"\n4|d|NULL|true\n5|e|2.125|true")
			k.is("SELECT name, sum(written), sum(bad), sum(skipped) FROM dsql.version_rows "+
				"WHERE name IN ('tx_in', 'beat_in', 'ddl_in') GROUP BY ALL ORDER BY ALL", "beat_in|0|0|1\nddl_in|0|0|15\ntx_in|0|0|25")
		})
	}
}

// Columns that are added have the types of the connector's schema.
func TestKafkaDebeziumMariaDBAdded(t *testing.T) {
	for _, form := range []string{"schema", "avro"} {
		t.Run(form, func(t *testing.T) {
			k := newKafka(t, 1, false)
			connection, topic := k.connector("mariadb", form, "dsql.types")
			k.script(connection + "CREATE SOURCE ev (id INTEGER, ti BIGINT, ti6 BIGINT) FROM KAFKA (connection c, topic '" + topic["dsql.types"] +
				"', format debezium) ON SCHEMA CHANGE ADD COLUMNS;\nCREATE STREAM s FROM ev;")
			k.runs()
			k.is("SELECT reason FROM dsql.rejects", "")
			k.is("SELECT typeof(COLUMNS(c -> c IN ("+
				"'bit10', 'u4', 'f72', 'num', 'huge', 'raw', 'ts', 'dt', 'dt6', 'd', 'ti3', 'y', 'e', 'u', 'pt', 'geo'))) FROM s WHERE id = 1",
				"BLOB|BIGINT|DOUBLE|DECIMAL(10,2)|VARCHAR|BLOB|TIMESTAMP|TIMESTAMP|TIMESTAMP|DATE|TIME|INTEGER|VARCHAR|UUID|"+
					"STRUCT(x DOUBLE, y DOUBLE, wkb BLOB, srid INTEGER)|STRUCT(wkb BLOB, srid INTEGER)")
		})
	}
}
