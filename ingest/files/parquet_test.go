package files

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/sql/code"
)

// A column of Parquet whose type is not the declared one: what of it becomes a value, and what is bad.
func TestParquetTypes(t *testing.T) {
	t.Parallel()
	for i, k := range []struct{ values, declared, want string }{
		{"1::TINYINT, 2, NULL", "BIGINT", "1|2|NULL"},
		{"1.0, 1.5, NULL, 12.0", "INTEGER", "1|bad 1.5|NULL|12"}, // DECIMAL
		{"1.0::DOUBLE, 1.5, 'nan', 'inf', 1e300, -0.0", "INTEGER", "1|bad 1.5|bad nan|bad inf|bad 1e+300|0"},
		{"300, -1, 255", "UTINYINT", "bad 300|bad -1|255"},
		{"9007199254740993", "DOUBLE", "9007199254740992.0"},
		{"1e300::DOUBLE, 'inf', 0.1", "FLOAT", "bad 1e+300|inf|0.1"},
		{"1.239::DOUBLE, 1.25, 0.1", "DECIMAL(4,2)", "bad 1.239|1.25|0.10"},
		{"1234.5", "DECIMAL(4,2)", "bad 1234.5"},
		{"1, 0, 2, NULL", "BOOLEAN", "true|false|bad 2|NULL"},
		{"0.0::DOUBLE, 0.5", "BOOLEAN", "false|bad 0.5"},
		{"TIME_NS '12:34:56.123456', TIME_NS '12:34:56.123456789'", "TIME", "12:34:56.123456|bad 12:34:56.123456789"},
		{"{'a': 1, 'b': 2}, {'a': 1.5, 'b': 2}", "STRUCT(a INTEGER, c VARCHAR)", "{'a': 1, 'c': NULL}|bad {'a': 1.5, 'b': 2}"},
		{"[{'a': 1, 'b': 2}], [], NULL", "STRUCT(a BIGINT)[]", "[{'a': 1}]|[]|NULL"},
		{"[1, 2], [1.5, 2]", "INTEGER[]", "[1, 2]|bad [1.5, 2.0]"},
		{"true, false", "INTEGER", "1|0"},
		{"1, 2", "VARCHAR", "1|2"},
		{"'\\xC3\\xA9'::BLOB, '\\xFF'", "VARCHAR", "é|bad \\xFF"},
		{"{'a': 1, 'b': [true]}", "VARCHAR", `{"a":1,"b":[true]}`},
		{"{'a': 1}", "JSON", `{"a":1}`},
		{"'{\"a\":  1}', '{'", "JSON", `{"a":  1}|bad {`},
		{"DATE '2025-01-02'", "TIMESTAMP", "2025-01-02 00:00:00"},
		{"TIMESTAMP '2025-01-02 00:00:00', '2025-01-02 12:00:00'", "DATE", "2025-01-02|bad 2025-01-02 12:00:00"},
		{"TIMESTAMP_NS '2025-01-02 00:00:00.123456', '2025-01-02 00:00:00.123456789'", "TIMESTAMP",
			"2025-01-02 00:00:00.123456|bad 2025-01-02 00:00:00.123456789"},
		{"TIMESTAMPTZ '2025-01-02 02:00:00+02'", "TIMESTAMP", "2025-01-02 00:00:00"},
		{"TIMESTAMPTZ '2025-01-02 02:00:00+02', '2025-01-02 02:00:00+00'", "DATE", "2025-01-02|bad 2025-01-02 02:00:00+00"},
		{"TIMESTAMPTZ '2025-01-02 02:00:00+02'", "VARCHAR", "2025-01-02 00:00:00+00"},
		{"TIMESTAMP '2025-01-02 02:00:00'", "TIMESTAMPTZ", "2025-01-02 02:00:00+00"},
		{"1735725600", "TIMESTAMP", "bad 1735725600"},
		{"1735725600, NULL", "TIMESTAMP FORMAT epoch_s", "2025-01-01 10:00:00|NULL"},
		{"1735725600.5::DOUBLE, 1735725600.1234567", "TIMESTAMP FORMAT epoch_s", "2025-01-01 10:00:00.5|bad 1735725600.1234567"},
		{"1735725600123, 9223372036854775807", "TIMESTAMP FORMAT epoch_ms", "2025-01-01 10:00:00.123|bad 9223372036854775807"},
		{"1735725600123456000, 1735725600123456789, -1000", "TIMESTAMP FORMAT epoch_ns",
			"2025-01-01 10:00:00.123456|bad 1735725600123456789|1969-12-31 23:59:59.999999"},
		{"1735725600123456789::UBIGINT, NULL, 9223372036854775808::UBIGINT", "TIMESTAMP_NS FORMAT epoch_ns",
			"2025-01-01 10:00:00.123456789|NULL|bad 9223372036854775808"},
		{"'1735725600123456789', '1.5', 'x'", "TIMESTAMP_NS FORMAT epoch_ns", "2025-01-01 10:00:00.123456789|bad 1.5|bad x"},
		{"20089, -1, NULL, 99999999999", "DATE FORMAT epoch_days", "2025-01-01|1969-12-31|NULL|bad 99999999999"},
		{"20089.0::DOUBLE, 20089.5", "TIMESTAMP FORMAT epoch_days", "2025-01-01 00:00:00|bad 20089.5"},
		{"1735725600.000000001", "TIMESTAMP_NS FORMAT epoch_s", "2025-01-01 10:00:00.000000001"},
		{"'w6k=', '!', NULL", "BLOB FORMAT base64", "\\xC3\\xA9|bad !|NULL"},
		{"1735725600, 1735689600", "DATE FORMAT epoch_s", "bad 1735725600|2025-01-01"},
		{"'31.12.2024', '2024-12-31'", "DATE FORMAT '%d.%m.%Y'", "2024-12-31|bad 2024-12-31"},
		{"'10h5', 'x'", "TIME FORMAT '%Hh%M'", "10:05:00|bad x"},
		{"TIME '10:00:00', '10:00:00.5'", "TIMESTAMP", "bad 10:00:00|bad 10:00:00.5"},
		{"[1, 2]", "INTEGER[]", "[1, 2]"},
		{"[1.0::DOUBLE, 2.5], [1, NULL], NULL", "INTEGER[]", "bad [1.0, 2.5]|[1, NULL]|NULL"},
		{"{'a': 1}, {'a': 2}", "STRUCT(a BIGINT, b VARCHAR)", "{'a': 1, 'b': NULL}|{'a': 2, 'b': NULL}"},
		{"{'a': 1.5}, {'a': 2.0}", "STRUCT(a BIGINT)", "bad {'a': 1.5}|{'a': 2}"},
		{"[1]", "STRUCT(a BIGINT)", "bad [1]"},
		{"1, 2", "STRUCT(a BIGINT)", "bad 1|bad 2"},
		{"'a', 'x'", "ENUM('a', 'b')", "a|bad x"},
		{"'7d9c3a6e-7a35-4a61-9d4f-6a0ac7c7bd37', 'x'", "UUID", "7d9c3a6e-7a35-4a61-9d4f-6a0ac7c7bd37|bad x"},
		{"NULL", "DATE", "NULL"},
		{"'é', '\\x41'", "BLOB", "\\xC3\\xA9|\\x5Cx41"}, // text is its bytes
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			t.Log(k.values, "as", k.declared)
			l := newLab(t, nil)
			l.sql("SET TimeZone = 'America/New_York'") // which must not matter
			l.parquet("a.parquet", "SELECT unnest(["+k.values+"]) AS c")
			typ, format, _ := strings.Cut(k.declared, " FORMAT ")
			if format != "" {
				typ += " FORMAT " + format
			}
			r := l.run("CREATE SOURCE s (c "+typ+") FROM FILES ('a.parquet')", "d")
			if r.err != nil {
				t.Fatal(r.err)
			}
			l.sql("SET TimeZone = 'UTC'")
			l.sql("CREATE TABLE IF NOT EXISTS bad (reason VARCHAR, line BIGINT)")
			got := l.show("SELECT c::VARCHAR FROM (SELECT line, c::VARCHAR AS c FROM d UNION ALL SELECT line, 'bad ' || regexp_extract(reason, " +
				"'\"(.*)\" is no ', 1) FROM bad) ORDER BY line")
			equalLines(t, strings.ReplaceAll(got, "\n", "|"), k.want)
		})
	}
}

// Text in a column of Parquet is read at least as strictly as text in JSON: what becomes a value becomes the same one there.
func TestParquetTextIsStrict(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	number := rapid.StringMatching(`[ +-]?[0-9]{1,3}([._][0-9]{0,3})?0?([eE][+-]?[0-9]{1,3})?[ ]?`)
	clock := rapid.StringMatching(`[012]?[0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,8}0{0,3})?)?`)
	date := rapid.StringMatching(`20[0-3][0-9][-/][01]?[0-9][-/][0-3]?[0-9]`)
	moment := rapid.Custom(func(t *rapid.T) string {
		return date.Draw(t, "date") + rapid.SampledFrom([]string{" ", "T", "  ", ""}).Draw(t, "between") + clock.Draw(t, "clock") +
			rapid.SampledFrom([]string{"", "", "Z", "+02", "+02:00", " -0330", "+2", " UTC", " Europe/Oslo", "x"}).Draw(t, "zone")
	})
	texts := []string{"", " ", "0x1F", "1_000", "1e400", "-1e-400", "nan", "inf", "-Infinity", "true", "No", "y", "1", "0", ".5", "5.", "12.0",
		"1e1", "1.7", "999999999999999999999", "9007199254740993e0", "1.00000000000000001e0",
		"\\x41", "é", "{}", "epoch", "infinity", "2024-02-30", "2024-01-01 (BC)", "24:00:00", "7d9c3a6e7a354a619d4f6a0ac7c7bd37", "2024-01-01",
		"2024-01-01 00:00:00+00", "1 day"}
	anything := rapid.OneOf(number, number, clock, date, moment)
	for seed := range 1500 {
		texts = append(texts, anything.Example(seed))
	}
	var values []*duck.Query
	var lines strings.Builder
	for _, s := range texts {
		values = append(values, duck.Lit(s))
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "{\"c\": %s}\n", b)
	}
	l.parquet("a.parquet", duck.SQL("SELECT unnest([{v}]) AS c", duck.Args{"v": duck.Join(", ", values...)}).String())
	l.put("a.jsonl", lines.String())
	for i, k := range []struct {
		declared string
		fewest   int // texts that become values
	}{{"BIGINT", 300}, {"UTINYINT", 100}, {"HUGEINT", 300}, {"DECIMAL(6,2)", 300}, {"DOUBLE", 500}, {"FLOAT", 500}, {"BOOLEAN", 5},
		{"DATE", 50}, {"TIME", 100}, {"TIMESTAMP", 80}, {"TIMESTAMPTZ", 80}, {"TIMESTAMP_MS", 50},
		{"TIMESTAMP_S", 50}, {"UUID", 1}, {"TIMESTAMP FORMAT epoch_s", 100}, {"TIMESTAMP FORMAT epoch_us", 50}, {"TIMESTAMP FORMAT epoch_ns", 20},
		{"TIMESTAMP_NS FORMAT epoch_ns", 50}, {"DATE FORMAT epoch_days", 20}, {"TIMESTAMP FORMAT '%Y-%m-%d %H:%M'", 1}} {
		for _, format := range []string{"parquet", "jsonl"} {
			l.pinned = nil
			if r := l.run(fmt.Sprintf("CREATE SOURCE %s%d (c %s) FROM FILES ('a.%[1]s') ON BAD RECORD SKIP", format, i, k.declared),
				fmt.Sprint(format, i)); r.err != nil {
				t.Fatal(k.declared, r.err)
			}
		}
		differ := l.show(fmt.Sprintf("SELECT p.line, p.c, coalesce(j.c::VARCHAR, 'bad') FROM parquet%d p LEFT JOIN jsonl%[1]d j USING (line) "+
			"WHERE j.line IS NULL OR p.c::VARCHAR IS DISTINCT FROM j.c::VARCHAR", i))
		for _, d := range strings.Split(differ, "\n") {
			var line int
			if fmt.Sscanf(d, "%d|", &line); line > 0 {
				t.Errorf("%q as %s: %s", texts[line-1], k.declared, d)
			}
		}
		var kept int
		if fmt.Sscan(l.show(fmt.Sprintf("SELECT count(*) FROM parquet%d", i)), &kept); kept < k.fewest {
			t.Errorf("%d texts became a %s", kept, k.declared)
		}
	}
}

func TestParquetFiles(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.parquet("in/day=1/a[1]*.parquet", "SELECT range AS id, 'x' || range AS x, true AS extra FROM range(5)")
	l.parquet("in/day=2/b.parquet", "SELECT 7 AS \"ID\"")
	l.parquet("in/day=3/c.parquet", "SELECT 8 AS id WHERE false")
	l.parquet("in/day=3/d.parquet", "SELECT 9 AS id, 'y' AS x, {'b': [10]} AS a")
	l.parquet("in/day=3/e.parquet", "SELECT 10 AS id, 'z' AS x, {'b': [11]} AS a")
	const s = "CREATE SOURCE s (id INTEGER, x VARCHAR, deep INTEGER[] FROM '$.a.b', day INTEGER) FROM FILES ('in/day={day}/*.parquet', " +
		"batch_rows 2, batch_files 3)"
	l.run(s, "d").is(t, "warning: in/day=1/a[1]*.parquet has no column deep [missing-column]\nin/day=1/a[1]*.parquet rows 1–2 → d: 2 "+
		"unknown 2 without deep\nin/day=1/a[1]*.parquet rows 3–4 → d: 2 unknown 2 without deep\nin/day=1/a[1]*.parquet rows 5–5 → d: 1 "+
		"unknown 1 without deep\n"+
		"warning: in/day=2/b.parquet has no columns x, deep [missing-column]\nin/day=2/b.parquet, in/day=3/c.parquet → d: 1 without "+
		"x,deep\nin/day=3/d.parquet, in/day=3/e.parquet → d: 2")
	equalLines(t, l.show("SELECT id, x, deep, day, line FROM d ORDER BY id"),
		"0|x0|NULL|1|1\n1|x1|NULL|1|2\n2|x2|NULL|1|3\n3|x3|NULL|1|4\n4|x4|NULL|1|5\n7|NULL|NULL|2|1\n9|y|[10]|3|1\n10|z|[11]|3|1")
	l.run(s, "d").is(t, "")
	l.run("CREATE SOURCE w (id INTEGER, day INTEGER) FROM FILES ('in/day={day}/*.parquet', batch_rows 2, mode snapshot)", "w").is(t,
		"in/day=1/a[1]*.parquet → w: 5 unknown 10\nin/day=2/b.parquet → w: 1\nin/day=3/c.parquet, in/day=3/d.parquet, in/day=3/e.parquet → w: "+
			"2 unknown 4")
	equalLines(t, l.show("SELECT day, count(*) FROM w GROUP BY day ORDER BY day"), "1|5\n2|1\n3|2")
	l.run("CREATE SOURCE u (c INTEGER FROM '$.a.none') FROM FILES ('in/day=3/d.parquet')", "u").fails(t, "source-column", "has no a.none",
		code.ExitFailed)
	l.run("CREATE SOURCE v (id INTEGER FORMAT epoch_s) FROM FILES ('in/day=3/d.parquet')", "v").fails(t, "source-column",
		"column id: FORMAT says how a time is written", code.ExitScript)
}

// A column that a file doesn't have, and a field inside a column that isn't declared.
func TestParquetColumns(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.parquet("in/1.parquet", "SELECT 1 AS id, {'x': 1, 'new': [{'a': 1, 'b': 2}]} AS s FROM range(3)")
	l.parquet("in/2.parquet", "SELECT 1 AS i_d, {'x': 1} AS s FROM range(3)")
	const s = "CREATE SOURCE s (id INTEGER, s STRUCT(x INTEGER)) FROM FILES ('in/*.parquet', batch_rows 2) "
	const first = "in/1.parquet rows 1–2 → a: 2 unknown 2\nin/1.parquet rows 3–3 → a: 1 unknown 1\n"
	l.run(s, "a").is(t, first+"warning: in/2.parquet has no column id (did it become i_d?) [missing-column]\nin/2.parquet rows 1–2 → a: 2 "+
		"unknown 2 without id\nin/2.parquet rows 3–3 → a: 1 unknown 1 without id")
	l.run(s+"ON MISSING COLUMN NULL", "b").is(t,
		"in/1.parquet rows 1–2 → b: 2 unknown 2 again\nin/1.parquet rows 3–3 → b: 1 unknown 1 again\nin/2.parquet rows 1–2 → b: 2 unknown 2 "+
			"again without id\nin/2.parquet rows 3–3 → b: 1 unknown 1 again without id")
	l.run(s+"ON MISSING COLUMN FAIL", "c").fails(t, "missing-column", "in/2.parquet has no column id", code.ExitFailed)
	l.run(s+"ON SCHEMA CHANGE FAIL", "d").fails(t, "schema-change", "in/1.parquet has a field new", code.ExitFailed)
	l.run("CREATE SOURCE t (s STRUCT(x INTEGER, new STRUCT(a INTEGER)[])) FROM FILES ('in/1.parquet') ON SCHEMA CHANGE FAIL", "e").fails(t,
		"schema-change", "in/1.parquet has fields id, b", code.ExitFailed)
}
