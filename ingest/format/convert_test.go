package format

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/format/csv"
	"dsql/ingest/format/formattest"
)

// One value of each line goes through CSV and, as a JSON string, through JSON; a value that begins with = is a JSON token that only
// JSON has. What stands behind -> is DuckDB's text of the result, or ! and a part of the reason.
var conversions = map[string]string{
	"BOOLEAN": `
		true -> true
		FALSE -> false
		t -> true
		0 -> false
		yes -> true
		No -> false
		on -> !"on" is no BOOLEAN
		2 -> !is no BOOLEAN
		=true -> true
		=false -> false
		=1 -> true
		=0 -> false
		=1.0 -> true
		=2 -> !v: 2 is no BOOLEAN
		=[true] -> ![true] is no BOOLEAN`,
	"TINYINT": "-128 -> -128\n127 -> 127\n128 -> !\"128\" is out of range for TINYINT\n-129 -> !out of range\n1.27e2 -> 127\n1.28e2 -> " +
		"!out of range",
	"SMALLINT": "-32768 -> -32768\n32768 -> !out of range\n=32767 -> 32767",
	"INTEGER": `
		12 -> 12
		-12 -> -12
		+12 -> 12
		007 -> 7
		12.0 -> 12
		12. -> 12
		1e1 -> 10
		1200e-2 -> 12
		120e-2 -> !"120e-2" has digits that INTEGER would lose
		1.7 -> !has digits that INTEGER would lose
		-0 -> 0
		-0.0 -> 0
		0e999999999999 -> 0
		1e999999999999 -> !out of range
		1e-999999999999 -> !lose
		abc -> !"abc" is no INTEGER
		1_000 -> !is no INTEGER
		0x1F -> !is no INTEGER
		1,5 -> !is no INTEGER
		- -> !is no INTEGER
		. -> !is no INTEGER
		1e -> !is no INTEGER
		1e1.0 -> !is no INTEGER
		2147483647 -> 2147483647
		2147483648 -> !out of range
		=12.0 -> 12
		=1e1 -> 10
		=1.7 -> !1.7 has digits that INTEGER would lose
		=true -> !true is no INTEGER
		={"a":1} -> !is no INTEGER
		=" 12 " -> 12
		="" -> !"" is no INTEGER
		=null -> NULL`,
	"BIGINT": "9223372036854775807 -> 9223372036854775807\n-9223372036854775808 -> -9223372036854775808\n9223372036854775808 -> !out of " +
		"range\n9007199254740993 -> 9007199254740993\n=9007199254740993 -> 9007199254740993\n=1e18 -> 1000000000000000000\n=1e19 -> !out of range",
	"HUGEINT": "170141183460469231731687303715884105727 -> " +
		"170141183460469231731687303715884105727\n170141183460469231731687303715884105728 -> !out of " +
		"range\n-170141183460469231731687303715884105728 -> -170141183460469231731687303715884105728\n-5 -> -5\n1e38 -> " +
		"100000000000000000000000000000000000000\n-18446744073709551616 -> -18446744073709551616",
	"UTINYINT":  "255 -> 255\n256 -> !out of range\n-1 -> !out of range\n-0 -> 0",
	"USMALLINT": "65535 -> 65535\n65536 -> !out of range",
	"UINTEGER":  "4294967295 -> 4294967295\n4294967296 -> !out of range",
	"UBIGINT":   "18446744073709551615 -> 18446744073709551615\n18446744073709551616 -> !out of range\n-1 -> !out of range",
	"UHUGEINT": "340282366920938463463374607431768211455 -> " +
		"340282366920938463463374607431768211455\n340282366920938463463374607431768211456 -> !out of range\n-1 -> !out of range",
	"DOUBLE": `
		1.5 -> 1.5
		-0.0 -> -0.0
		.5 -> 0.5
		5. -> 5.0
		+1 -> 1.0
		1E+5 -> 100000.0
		0.1 -> 0.1
		123456789012345678 -> 1.2345678901234568e+17
		9007199254740993 -> 9007199254740992.0
		1e308 -> 1e+308
		1e400 -> !"1e400" is out of range for DOUBLE
		-1e400 -> !out of range
		1e-400 -> 0.0
		nan -> nan
		-Infinity -> -inf
		inf -> inf
		infinit -> !is no DOUBLE
		0x10 -> !is no DOUBLE
		1d -> !is no DOUBLE
		1_0 -> !is no DOUBLE
		abc -> !v: "abc" is no DOUBLE
		1.2.3 -> !is no DOUBLE
		=1e400 -> !1e400 is out of range for DOUBLE
		=12 -> 12.0
		=true -> !true is no DOUBLE
		=[1] -> !is no DOUBLE`,
	"FLOAT": "1.5 -> 1.5\n0.1 -> 0.1\n16777217 -> 16777216.0\n3.4028235e38 -> 3.4028235e+38\n1e39 -> !out of range for " +
		"FLOAT\n1e-50 -> 0.0\nx -> !is no FLOAT",
	"DECIMAL(4,2)": "1 -> 1.00\n1.25 -> 1.25\n-1.250 -> -1.25\n1.255 -> !has digits that DECIMAL(4,2) would lose\n99.99 -> 99.99\n100 -> " +
		"!out of range\n1e1 -> 10.00\n.5 -> 0.50\n5. -> 5.00\n1e-2 -> 0.01\n1e-3 -> !lose\n+1 -> 1.00\n\"\" -> !is no\nx -> !is no " +
		"DECIMAL(4,2)\n=1.2500 -> 1.25",
	"DECIMAL(9,3)":  "123456.789 -> 123456.789\n999999.999 -> 999999.999\n1000000 -> !out of range",
	"DECIMAL(18,0)": "999999999999999999 -> 999999999999999999\n1000000000000000000 -> !out of range\n1.0 -> 1",
	"DECIMAL(38,10)": "1234567890123456789012345678.0123456789 -> 1234567890123456789012345678.0123456789\n-1e27 -> " +
		"-1000000000000000000000000000.0000000000\n1e28 -> !out of range\n0.00000000001 -> !lose",
	"VARCHAR": `
		abc -> abc
		ünï 🦆 -> ünï 🦆
		exactly12byt -> exactly12byt
		thirteen byte -> thirteen byte
		=12.50 -> 12.50
		=true -> true
		={"a": [1, 2]} -> {"a": [1, 2]}
		="a\u00e4\n\"b\" \ud83e\udd86 and more" -> aä` + "\v" + `"b" 🦆 and more
		="\ud800" -> !not JSON: a wrong escape at byte 6
		="\udc00x" -> !a wrong escape
		="\ud800\u0041" -> !a wrong escape
		="\u00g0" -> !a wrong escape
		=null -> NULL`,
	"JSON": `
		{"a": 1} -> {"a": 1}
		[1,  2] -> [1,  2]
		x -> !is no JSON
		={"a": 1} -> {"a": 1}
		="a" -> "a"
		=1.50 -> 1.50
		=null -> NULL`,
	"BLOB": "abc -> abc\n\\xAA\\x00b -> \\xAA\\x00b\n\\x4 -> !is no BLOB\na\\b -> !is no BLOB\nä -> !is no BLOB\nlonger than twelve \\xff " +
		"-> longer than twelve \\xFF\n=12 -> !is no BLOB",
	"DATE": `
		2024-01-31 -> 2024-01-31
		2024-1-3 -> 2024-01-03
		2024/01/31 -> 2024-01-31
		2024-02-30 -> !"2024-02-30" is no DATE
		2023-02-29 -> !is no DATE
		2000-02-29 -> 2000-02-29
		24-01-02 -> !is no DATE
		20240102 -> !is no DATE
		2024-01-31 00:00:00 -> 2024-01-31
		2024-01-31T00:00:00Z -> 2024-01-31
		2024-01-31 12:00:00 -> !has a time of day, which DATE would lose
		2024-01-31T00:00:00+02:00 -> !has a time of day
		2024-01-31T02:00:00+02:00 -> 2024-01-31
		2024-01-31 24:00:00 -> !has a time of day
		0044-03-15 (BC) -> 0044-03-15 (BC)
		10000-01-01 -> 10000-01-01
		5881580-07-10 -> 5881580-07-10
		5881580-07-11 -> !out of range
		infinity -> infinity
		-infinity -> -infinity
		epoch -> 1970-01-01
		2024-01-31x -> !is no DATE
		=20240131 -> !without FORMAT
		=true -> !is no DATE`,
	"TIME": `
		10:11:12 -> 10:11:12
		10:11 -> 10:11:00
		1:2:3.5 -> 01:02:03.5
		10:00:00.123456 -> 10:00:00.123456
		10:00:00.1234560 -> 10:00:00.123456
		10:00:00.1234567 -> !has digits that TIME would lose
		24:00:00 -> 24:00:00
		24:00:01 -> !is no TIME
		25:00:00 -> !is no TIME
		10:60:00 -> !is no TIME
		10:00:60 -> !is no TIME
		10:00:00Z -> 10:00:00
		10:00:00+02 -> !is no TIME
		10 -> !is no TIME`,
	"TIMESTAMP": `
		2024-01-02 -> 2024-01-02 00:00:00
		2024-01-02 10:11:12 -> 2024-01-02 10:11:12
		2024-01-02T10:11:12.5 -> 2024-01-02 10:11:12.5
		2024-01-02T10:11:12.123456 -> 2024-01-02 10:11:12.123456
		2024-01-02T10:11:12.123456000 -> 2024-01-02 10:11:12.123456
		2024-01-02T10:11:12.1234567 -> !has digits that TIMESTAMP would lose
		2024-01-02T10:11:12.0000000001 -> !lose
		2024-01-02T10:11 -> 2024-01-02 10:11:00
		2024-01-02T10:11Z -> 2024-01-02 10:11:00
		2024-01-02 10 -> !is no TIMESTAMP
		2024-01-02T10:11:12Z -> 2024-01-02 10:11:12
		2024-01-02T10:11:12+02:00 -> 2024-01-02 08:11:12
		2024-01-02T10:11:12.25-0230 -> 2024-01-02 12:41:12.25
		2024-01-02 10:11:12 +02 -> 2024-01-02 08:11:12
		2024-01-02 10:11:12 UTC -> 2024-01-02 10:11:12
		2024-01-02 10:11:12+02:00:30 -> 2024-01-02 08:10:42
		2024-01-02 10:11:12+16 -> !is no TIMESTAMP
		2024-01-02 10:11:12 Europe/Berlin -> !is no TIMESTAMP
		2024-01-02T10:11:12. -> !is no TIMESTAMP
		2024-01-02 24:00:00 -> 2024-01-03 00:00:00
		2024-01-02 23:59:60 -> !is no TIMESTAMP
		2024-13-02 00:00:00 -> !is no TIMESTAMP
		2024-1-2 3:4:5 -> 2024-01-02 03:04:05
		1969-12-31 23:59:59.5 -> 1969-12-31 23:59:59.5
		0001-01-01 00:00:00 -> 0001-01-01 00:00:00
		294247-01-10 04:00:54.775806 -> 294247-01-10 04:00:54.775806
		294247-01-10 04:00:54.775807 -> !out of range
		290309-12-22 (BC) 00:00:00 -> 290309-12-22 (BC) 00:00:00
		290309-12-21 (BC) 00:00:00 -> !out of range
		infinity -> infinity
		1700000000 -> !is no TIMESTAMP
		=1700000000 -> !the number 1700000000 is no TIMESTAMP without FORMAT
		=true -> !is no TIMESTAMP`,
	"TIMESTAMP_S": "2024-01-02T10:11:12 -> 2024-01-02 10:11:12\n2024-01-02T10:11:12.000 -> 2024-01-02 " +
		"10:11:12\n2024-01-02T10:11:12.5 -> !lose",
	"TIMESTAMP_MS": "2024-01-02T10:11:12.123 -> 2024-01-02 10:11:12.123\n2024-01-02T10:11:12.1234 -> !lose\n1969-12-31 " +
		"23:59:59.001 -> 1969-12-31 23:59:59.001",
	"TIMESTAMP_NS": "2024-01-02T10:11:12.123456789 -> 2024-01-02 10:11:12.123456789\n2024-01-02T10:11:12.1234567891 -> " +
		"!lose\n2300-01-01 -> !out of range\n2262-04-11 23:47:16.854775806 -> 2262-04-11 23:47:16.854775806\n2262-04-11 23:47:16.854775807 -> " +
		"!out of range",
	"TIMESTAMP WITH TIME ZONE": "2024-01-02T10:11:12+02:00 -> 2024-01-02 08:11:12+00\n2024-01-02 10:11:12 -> 2024-01-02 10:11:12+00",
	"UUID": "00112233-4455-6677-8899-aabbccddeeff -> " +
		"00112233-4455-6677-8899-aabbccddeeff\nF0112233445566778899AABBCCDDEEFF -> " +
		"f0112233-4455-6677-8899-aabbccddeeff\n{00112233-4455-6677-8899-aabbccddeeff} -> " +
		"00112233-4455-6677-8899-aabbccddeeff\n00112233-4455-6677-8899-aabbccddeef -> !is no UUID\n00112233-4455-6677-8899_aabbccddeeff -> " +
		"!is no UUID\ng0112233445566778899AABBCCDDEEFF -> !is no UUID",
	"ENUM('a', 'b c')": "a -> a\nb c -> b c\nA -> !is no ENUM\n=1 -> !is no ENUM",
	"STRUCT(a INTEGER, b STRUCT(c VARCHAR))": `
		{"a": 1, "b": {"c": "x"}} -> {'a': 1, 'b': {'c': x}}
		{"b": {"c": "longer than twelve \u00e4"}} -> {'a': NULL, 'b': {'c': longer than twelve ä}}
		{} -> {'a': NULL, 'b': NULL}
		{"b": null, "z": [1]} -> {'a': NULL, 'b': NULL}
		={"a": 1.5} -> !v.a: 1.5 has digits that INTEGER would lose
		={"a": 1, "a": 1} -> !v.a is named twice
		={"b": {"c": 1, "c": 2}} -> !v.b.c is named twice
		=5 -> !v: 5 is no STRUCT
		=[1] -> !is no STRUCT`,
	"INTEGER[]": "[1, 2, null] -> [1, 2, NULL]\n[] -> []\n[1, x] -> !\n[1,] -> !\n=[1.5] -> !v[]: 1.5 has digits\n={} -> !is no " +
		"LIST\n=[[1]] -> !is no INTEGER",
	"VARCHAR[][]": "[[\"a\"], [], null, [\"longer than twelve\", null]] -> [[a], [], NULL, [longer than twelve, NULL]]\n=[\"a\"] -> " +
		"!is no LIST",
	"STRUCT(a DECIMAL(9,1), t TIMESTAMP[])[]": `[{"a": 1.5, "t": ["2024-01-02T00:00:00Z"]}, null, {"t": []}, {"a": 2}] -> [{'a': 1.5, ` +
		`'t': ['2024-01-02 00:00:00']}, NULL, {'a': NULL, 't': []}, {'a': 2.0, 't': NULL}]`,
	"MAP(VARCHAR, INTEGER)": "{\"a\": 1, \"b\\u0041\": null} -> {a=1, bA=NULL}\n{} -> {}\n={\"a\": \"x\"} -> !v.value: " +
		"\"x\" is no INTEGER\n={\"a\": 1, \"a\": 2} -> !a is named twice\n=[1] -> !is no MAP",
	"MAP(DATE, VARCHAR[])": "{\"2024-01-02\": [\"a\"]} -> {2024-01-02=[a]}\n={\"x\": []} -> !v.key: \"x\" is no DATE",
}

func TestConversions(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	for typ, lines := range conversions {
		var text, js strings.Builder
		var wantCSV, wantJSON []string
		for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
			in, want, ok := strings.Cut(strings.TrimSpace(line), " -> ")
			if !ok {
				t.Fatal(line)
			}
			want = strings.ReplaceAll(want, "\v", "\n")
			if token, only := strings.CutPrefix(in, "="); only {
				fmt.Fprintf(&js, "{\"v\":%s}\n", token)
				wantJSON = append(wantJSON, in+" -> "+want)
				continue
			}
			fmt.Fprintf(&text, "\"%s\"\n", strings.ReplaceAll(in, `"`, `""`))
			wantCSV = append(wantCSV, in+" -> "+want)
			if strings.HasPrefix(typ, "STRUCT") || strings.HasPrefix(typ, "MAP") || strings.HasSuffix(typ, "]") {
				fmt.Fprintf(&js, "{\"v\":%s}\n", in) // a nested value in CSV is JSON text
			} else if typ == "JSON" {
				continue // as a token it is another value
			} else {
				q, _ := json.Marshal(in)
				fmt.Fprintf(&js, "{\"v\":%s}\n", q)
			}
			wantJSON = append(wantJSON, in+" -> "+want)
		}
		fields := []batch.Field{{Name: "v", Type: duck.Type(typ)}}
		formattest.Compare(t, typ+" csv", wantCSV,
			formattest.Land(t, c, fields, batch.Dialect{Format: &csv.Format, Header: batch.HeaderNo}, batch.Limits{}, batch.FileInfo{},
				text.String()))
		formattest.Compare(t, typ+" json", wantJSON,
			formattest.Land(t, c, fields, batch.Dialect{Format: Named("json")}, batch.Limits{}, batch.FileInfo{}, js.String()))
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	for _, k := range []struct{ typ, format, lines string }{
		{"TIMESTAMP", "epoch_s", "1700000000 -> 2023-11-14 22:13:20\n=1700000000 -> 2023-11-14 22:13:20\n=1.7e9 -> 2023-11-14 " +
			"22:13:20\n=1700000000.25 -> 2023-11-14 22:13:20.25\n=-0.000001 -> 1969-12-31 23:59:59.999999\n=0.0000001 -> !lose\n=1e300 -> !out " +
			"of range\n=9223372036855 -> !out of range\n2024-01-01 -> !is no TIMESTAMP\n=true -> !is no"},
		{"TIMESTAMP", "epoch_ms", "=1700000000123 -> 2023-11-14 22:13:20.123\n=-1 -> 1969-12-31 23:59:59.999"},
		{"TIMESTAMP", "epoch_us", "=1700000000123456 -> 2023-11-14 22:13:20.123456\n=0.5 -> !lose\n=9223372036854775806 -> 294247-01-10 " +
			"04:00:54.775806\n=9223372036854775807 -> !out of range"},
		{"TIMESTAMP_S", "epoch_ms", "=1700000000000 -> 2023-11-14 22:13:20\n=1700000000001 -> !lose"},
		{"TIMESTAMP_NS", "epoch_s", "=1.000000001 -> 1970-01-01 00:00:01.000000001\n=1e10 -> !out of range"},
		{"DATE", "epoch_s", "=86400 -> 1970-01-02\n=86401 -> !time of day\n=-86400 -> 1969-12-31"},
		{"DATE", "%d/%m/%Y", "31/01/2024 -> 2024-01-31\n1/2/2024 -> 2024-02-01\n2024-01-31 -> !is not of FORMAT '%d/%m/%Y'\n31/01/24 -> !not " +
			"of FORMAT\n30/02/2024 -> !not of FORMAT\n=5 -> !without FORMAT"},
		{"DATE", "%Y%m%d", "20240131 -> 2024-01-31\n2024131 -> !not of FORMAT"},
		{"DATE", "%d %b %y", "3 jan 68 -> 2068-01-03\n03 Dec 69 -> 1969-12-03\n3 foo 70 -> !not of"},
		{"DATE", "%A, %d %B %Y", "Tuesday, 2 January 2024 -> 2024-01-02\nMonday, 2 January 2024 -> !not of"},
		{"DATE", "%Y-%j", "2024-366 -> 2024-12-31\n2023-366 -> !not of\n2024-000 -> !not of"},
		{"DATE", "%Y-%m-%d %H", "2024-01-02 00 -> 2024-01-02\n2024-01-02 01 -> !time of day"},
		{"TIMESTAMP", "%m/%d/%Y %I:%M:%S %p",
			"01/02/2024 12:00:01 AM -> 2024-01-02 00:00:01\n01/02/2024 12:00:01 pm -> 2024-01-02 12:00:01\n01/02/2024 13:00:01 PM -> !not of"},
		{"TIMESTAMP", "%c.%f%z", "2024-01-02 03:04:05.5+0200 -> 2024-01-02 01:04:05.5\n2024-01-02 03:04:05.123456Z -> 2024-01-02 " +
			"03:04:05.123456\n2024-01-02 03:04:05.1234567Z -> !not of"},
		{"TIMESTAMP", "%xT%X.%n", "2024-01-02T03:04:05.123456000 -> 2024-01-02 03:04:05.123456\n2024-01-02T03:04:05.123456001 -> !lose"},
		{"TIMESTAMP", "100%% %Y", "100% 2024 -> 2024-01-01 00:00:00"},
		{"TIME", "%H.%M", "10.11 -> 10:11:00\n24.00 -> !not of"},
	} {
		for _, format := range []string{"json", "csv"} {
			var text strings.Builder
			var want []string
			for _, line := range strings.Split(k.lines, "\n") {
				in, _, _ := strings.Cut(line, " -> ")
				token, only := strings.CutPrefix(in, "=")
				switch {
				case format == "csv" && !only:
					fmt.Fprintln(&text, `"`+in+`"`)
				case format == "csv":
					continue
				case only:
					fmt.Fprintf(&text, "{\"v\":%s}\n", token)
				default:
					fmt.Fprintf(&text, "{\"v\":%q}\n", in)
				}
				want = append(want, line)
			}
			formattest.Compare(t, k.typ+" "+k.format, want,
				formattest.Land(t, c, []batch.Field{{Name: "v", Type: duck.Type(k.typ), Format: k.format}},
					batch.Dialect{Format: Named(format), Header: batch.HeaderNo}, batch.Limits{}, batch.FileInfo{}, text.String()))
		}
	}
}
