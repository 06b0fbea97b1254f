package main

import (
	"fmt"
	"strings"
	"testing"
)

// postgresTypes are the columns of the table types in PostgreSQL.
var postgresTypes = []realType{
	{"b", "BOOLEAN", nil, "true"},
	{"bit1", "BOOLEAN", nil, "true"},
	{"bit10", "INTEGER", forms("plain", "BLOB FORMAT base64 => \\x03\\x02"), "515"},
	{"varbits", "BLOB", forms("plain", "BLOB FORMAT base64"), "\\x16"},
	{"i2", "SMALLINT", nil, "-32768"},
	{"i4", "INTEGER", nil, "2147483647"},
	{"i8", "BIGINT", nil, "-9223372036854775808"},
	{"f4", "FLOAT", nil, "1.5"},
	{"f8", "DOUBLE", nil, "2.25"},
	{"oid_", "BIGINT", nil, "4294967295"},
	{"c", "VARCHAR", nil, "ab  "},
	{"vc", "VARCHAR", nil, "vär"},
	{"t", "VARCHAR", nil, "line\nnext \"q\""},
	{"ci", "VARCHAR", nil, "MixEd"},
	{"num", "DECIMAL(10,2)", forms("plain", "DECIMAL(10,2) FORMAT base64_decimal(2)"), "-26588.24"},
	{"num0", "HUGEINT", forms("plain", "DECIMAL(20,0) FORMAT base64_decimal(0)", "iso", "DOUBLE => 1.2345678901234567e+19"),
		"12345678901234567890"},
	{"big", "DECIMAL(38,10)", forms("plain", "DECIMAL(38,10) FORMAT base64_decimal(10)", "iso", "DOUBLE => 1.2345678901234569e+27"),
		"1234567890123456789012345678.0123456789"},
	{"numv", "DECIMAL(38,4)", forms("plain", "STRUCT(scale INTEGER, value VARCHAR) => {'scale': 2, 'value': 'MDk='}"), "123.4500"},
	{"cash", "DECIMAL(10,2)", forms("plain", "DECIMAL(10,2) FORMAT base64_decimal(2)"), "1234.56"},
	{"dom", "DECIMAL(8,2)", forms("plain", "DECIMAL(8,2) FORMAT base64_decimal(2)"), "99.95"},
	{"ts", "TIMESTAMP", forms("plain", "TIMESTAMP FORMAT epoch_us", "texts", "TIMESTAMP => 2026-01-31 10:00:00.123"),
		"2026-01-31 10:00:00.123456"},
	{"ts0", "TIMESTAMP", forms("plain", "TIMESTAMP FORMAT epoch_ms"), "2026-01-31 10:00:00"},
	{"ts3", "TIMESTAMP", forms("plain", "TIMESTAMP FORMAT epoch_ms"), "2026-01-31 10:00:00.123"},
	{"tstz", "TIMESTAMP", nil, "2026-01-31 10:00:00.123456"},
	{"d", "DATE", forms("plain", "DATE FORMAT epoch_days"), "2026-01-31"},
	{"ti", "TIME", forms("plain", "BIGINT => 37815123456", "texts", "TIME => 10:30:15.123"), "10:30:15.123456"},
	{"ti0", "TIME", forms("plain", "BIGINT => 37815000"), "10:30:15"},
	{"ti3", "TIME", forms("plain", "BIGINT => 37815123"), "10:30:15.123"},
	{"titz", "TIME", nil, "08:30:15.5"},
	{"iv", "BIGINT", forms("texts", "VARCHAR => P1Y2M3DT4H5M6.789S"), "37091106789000"},
	{"raw", "BLOB", forms("plain", "BLOB FORMAT base64", "texts", "BLOB FORMAT base64", "nanos", "BLOB FORMAT base64",
		"iso", "VARCHAR => 00ff10fbff"), "\\x00\\xFF\\x10\\xFB\\xFF"},
	{"js", "JSON", forms("plain", `VARCHAR`), `{"a": [1, 2.50]}`},
	{"jsb", "JSON", forms("plain", `VARCHAR`), `{"a": [1, 2.50], "b": null}`},
	{"x", "VARCHAR", nil, "<a>1</a>"},
	{"u", "UUID", nil, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	{"e", "VARCHAR", nil, "happy"},
	{"hs", "JSON", forms("plain", `VARCHAR`, "texts", "MAP(VARCHAR, VARCHAR) => {a=1, b=NULL}"), `{"a":"1","b":null}`},
	{"lt", "VARCHAR", nil, "top.sub"},
	{"pt", "STRUCT(x DOUBLE, y DOUBLE, wkb VARCHAR)", nil, "{'x': 1.5, 'y': -2.0, 'wkb': AQEAAAAAAAAAAAD4PwAAAAAAAADA}"},
	{"ip", "VARCHAR", nil, "192.168.1.5/24"},
	{"net", "VARCHAR", nil, "10.0.0.0/8"},
	{"mac", "VARCHAR", nil, "08:00:2b:01:02:03"},
	{"mac8", "VARCHAR", nil, "08:00:2b:01:02:03:04:05"},
	{"r4", "VARCHAR", nil, "[1,5)"},
	{"r8", "VARCHAR", nil, "[1,5)"},
	{"rn", "VARCHAR", nil, "[1.5,2.5]"},
	{"rts", "VARCHAR", nil, `["2026-01-01 00:00:00","2026-01-02 00:00:00")`},
	{"rtstz", "VARCHAR", nil, `["2026-01-01 00:00:00+00","2026-01-02 00:00:00+00")`},
	{"rd", "VARCHAR", nil, "[2026-01-01,2026-02-01)"},
	{"tsv", "VARCHAR", nil, "'a' 'cat' 'fat'"},
	{"ai", "INTEGER[]", nil, "[1, NULL, 3]"},
	{"al", "BIGINT[]", nil, "[9007199254740993]"},
	{"at_", "VARCHAR[]", nil, `['a,b', NULL, 'q"x']`},
	{"an", "DECIMAL(10,2)[]", forms("plain", "VARCHAR[] => ['AJY=', '/x8=']"), "[1.50, -2.25]"},
	{"ad", "DATE[]", forms("plain", "INTEGER[] => [20484, -1]"), "[2026-01-31, 1969-12-31]"},
	{"ats", "TIMESTAMP[]", forms("plain", "BIGINT[] => [1769853600123456]", "texts", "TIMESTAMP[] => ['2026-01-31 10:00:00.123']"),
		"['2026-01-31 10:00:00.123456']"},
	{"atz", "TIMESTAMP[]", nil, "['2026-01-31 10:00:00']"},
	{"au", "UUID[]", nil, "[a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11]"},
	{"ab", "BOOLEAN[]", nil, "[true, false, NULL]"},
	{"aj", "JSON[]", forms("plain", `VARCHAR[] => ['{"k": 1}']`), `[{"k": 1}]`},
	{"abin", "BLOB[]", forms("plain", "VARCHAR[] => ['AP8=']", "texts", "VARCHAR[] => ['AP8=']", "nanos", "VARCHAR[] => ['AP8=']",
		"iso", "VARCHAR[] => [00ff]"), "[\\x00\\xFF]"},
	{"ae", "VARCHAR[]", nil, "[sad, ok]"},
}

// Every type of PostgreSQL, in every form that the connector can be set to, from the snapshot and from the log.
func TestKafkaDebeziumPostgresTypes(t *testing.T) {
	for _, form := range []string{"schema", "plain", "flat", "flatplain", "texts", "iso", "nanos", "avro", "flatavro"} {
		t.Run(form, func(t *testing.T) {
			k := newKafka(t, 1, false)
			connection, topic := k.connector("postgres", form, "public.types")
			k.types(form, connection, topic["public.types"], postgresTypes)
			edges := "2\n3|nan|-inf|0.00|-0.01|24:00:00|-2629800000000||[]\n13|nan|-inf|0.00|-0.01|24:00:00|-2629800000000||[]"
			switch form {
			case "plain", "flatplain":
				edges = strings.ReplaceAll(edges, "24:00:00", "86400000000")
			case "texts", "iso", "nanos": // a text NaN for DECIMAL; a number for infinity that is beyond TIMESTAMP
				edges = "2"
				k.is("SELECT count(*) FROM dsql.rejects WHERE data->>'id' IN ('3', '13') AND regexp_matches(reason, '^bad_record: (numv|ts): ')", "2")
			}
			k.is("SELECT concat_ws('|', id, f4, f8, num, cash, ti, iv, t, ai) FROM s WHERE id IN (2, 3, 12, 13) ORDER BY id", edges)
			k.is("SELECT num FROM s WHERE id = 4", map[bool]string{false: "12345678.99"}[form == "iso"]) // a year before 1 as a text is bad
		})
	}
}

// Changes as the connector tells them: a column that wasn't logged keeps its value, a key that changes is a delete and a new row, a
// TRUNCATE ends all keys, tombstones and what stands beside events are no rows.
func TestKafkaDebeziumPostgresChanges(t *testing.T) {
	for _, form := range []string{"schema", "plain", "flat", "flatplain", "avro", "flatavro"} {
		t.Run(form, func(t *testing.T) {
			k := newKafka(t, 1, false)
			tables := []string{"public.large", "public.keyed", "public.whole", "public.emptied", "transaction", "heartbeat", "message"}
			connection, topic := k.connector("postgres", form, tables...)
			flat, blob, days, more := strings.HasPrefix(form, "flat"), "BLOB", "DATE[]", "DECIMAL(6,3)"
			if strings.HasSuffix(form, "plain") {
				blob, days, more = "BLOB FORMAT base64", "INTEGER[]", "DECIMAL(6,3) FORMAT base64_decimal(3)"
			}
			source := func(name, columns, table string) string {
				return "CREATE SOURCE " + name + "_in (" + columns + ", op VARCHAR, lsn BIGINT FROM '$.source.lsn') " +
					"FROM KAFKA (connection c, topic '" + topic[table] + "', format debezium);\n"
			}
			k.script(connection + source("large", "id INTEGER FROM KEY '$.id', n INTEGER, t VARCHAR, raw "+blob+
				", js VARCHAR, at_ VARCHAR[], ai INTEGER[], al BIGINT[], au UUID[], hs VARCHAR, ad "+days, "public.large") +
				source("keyed", "id INTEGER, part VARCHAR, v VARCHAR", "public.keyed") +
				source("whole", "id INTEGER, v VARCHAR", "public.whole") + source("emptied", "id INTEGER, v VARCHAR, more "+more, "public.emptied") +
				source("tx", "id VARCHAR", "transaction") + source("beat", "id VARCHAR", "heartbeat") + source("said", "id VARCHAR", "message") + `
CREATE JOURNAL large KEYS (id) SEQUENCE BY lsn COLUMNS (n, t, raw, js, at_, ai, al, au, hs, ad) FROM large_in;
CREATE JOURNAL keyed KEYS (id, part) SEQUENCE BY lsn DELETE WHEN op = 'd' COLUMNS (v) AS SELECT * FROM keyed_in WHERE NOT _meta.tombstone;
CREATE JOURNAL whole KEYS (id) SEQUENCE BY lsn DELETE WHEN op = 'd' COLUMNS (v) AS SELECT * FROM whole_in WHERE NOT _meta.tombstone;
CREATE JOURNAL emptied KEYS (id) SEQUENCE BY lsn DELETE WHEN op = 'd' COLUMNS (v, more) FROM emptied_in;
CREATE STREAM tx FROM tx_in;
CREATE STREAM beat FROM beat_in;
CREATE STREAM said FROM said_in;
`)
			k.runs()
			k.is("SELECT reason FROM dsql.rejects", "")
			k.is("SELECT n, length(t), octet_length(raw), length(at_[1]), len(ai), len(al), len(au), len(ad), "+
				"length(js) > 2999, length(hs) > 2999, "+
				"valid_to IS NULL FROM large_history ORDER BY n", `1|3000|3000|3000|1000|1000|300|1000|true|true|false
2|3000|3000|3000|1000|1000|300|1000|true|true|false
3|NULL|3000|NULL|1000|1000|300|1000|true|true|true`)
			k.is("SELECT id, part, v, valid_to IS NULL FROM keyed_history ORDER BY ALL",
				"1|a|one|false\n2|b|TWO|false\n2|b|two|false\n10|a|ten|true")
			k.is("SELECT id, v, valid_to IS NULL FROM whole_history ORDER BY ALL", "1|a|false\n1|b|false")
			open := fmt.Sprint(flat) // ExtractNewRecordState takes a TRUNCATE away
			k.is("SELECT id, v, more, valid_to IS NULL FROM emptied_history ORDER BY ALL",
				"1|a|NULL|"+open+"\n2|b|NULL|"+open+"\n3|c|NULL|"+open+"\n4|d|NULL|true\n5|e|2.125|true")
			k.is("SELECT name, sum(written), sum(bad), sum(skipped) > 30 FROM dsql.version_rows "+
				"WHERE name IN ('tx_in', 'beat_in', 'said_in') GROUP BY ALL ORDER BY ALL",
				"beat_in|0|0|false\nsaid_in|0|0|false\ntx_in|0|0|true")
		})
	}
}

// Columns that are added have the types of the connector's schema.
func TestKafkaDebeziumPostgresAdded(t *testing.T) {
	for form, want := range map[string]string{
		"schema": "DECIMAL(10,2)|TIMESTAMP|TIMESTAMP|DATE|TIME|TIME|BLOB|UUID|DECIMAL(10,2)[]|DATE[]|TIMESTAMP[]|BLOB[]",
		"avro":   "DECIMAL(10,2)|TIMESTAMP|TIMESTAMP|DATE|TIME|TIME|BLOB|UUID|DECIMAL(10,2)[]|DATE[]|TIMESTAMP[]|BLOB[]",
		"iso":    "DOUBLE|TIMESTAMP|TIMESTAMP|DATE|TIME|TIME|VARCHAR|UUID|DOUBLE[]|DATE[]|TIMESTAMP[]|VARCHAR[]",
	} {
		t.Run(form, func(t *testing.T) {
			k := newKafka(t, 1, false)
			connection, topic := k.connector("postgres", form, "public.types")
			k.script(connection + "CREATE SOURCE ev (id INTEGER) FROM KAFKA (connection c, topic '" + topic["public.types"] +
				"', format debezium) ON SCHEMA CHANGE ADD COLUMNS;\nCREATE STREAM s FROM ev;")
			k.runs()
			k.is("SELECT typeof(num), typeof(ts), typeof(tstz), typeof(d), typeof(ti), typeof(titz), typeof(raw), typeof(u), "+
				"typeof(an), typeof(ad), typeof(ats), typeof(abin) FROM s WHERE id = 1", want)
			k.is("SELECT ts, ti, titz FROM s WHERE id = 1", "2026-01-31 10:00:00.123456|10:30:15.123456|08:30:15.5")
		})
	}
}
