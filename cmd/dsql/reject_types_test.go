package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// awkward are values of all types, at their ends and at depth.
var awkward = []string{
	"true", "(-128)::TINYINT", "'-9223372036854775808'::BIGINT", "18446744073709551615::UBIGINT", "(-9007199254740993)::HUGEINT",
	"340282366920938463463374607431768211455::UHUGEINT", "123456789012345678901234567890::BIGNUM",
	"9007199254740993.27::DECIMAL(18,2)", "12345678901234567890123456789.123456789::DECIMAL(38,9)", "'nan'::DOUBLE", "'-0.0'::DOUBLE",
	"'-inf'::FLOAT", "5e-324::DOUBLE", "'1e-45'::FLOAT",
	"''", "'null'", "'a'||chr(0)||'b \"q\" \\x41'", "'null'::JSON", "NULL::JSON", `'{ "a" : [1, 2.50] }'::JSON`, `'\xFF\x00\x22'::BLOB`,
	"''::BLOB",
	"'infinity'::DATE", "'0044-03-15 (BC)'::DATE", "'24:00:00'::TIME", "'23:59:59.999999-15:59:59'::TIMETZ", "'-infinity'::TIMESTAMP",
	"'2020-01-01 00:00:00.123456789'::TIMESTAMP_NS", "'2020-01-01'::TIMESTAMP_S",
	"'2020-03-29 01:30:00+00'::TIMESTAMPTZ", "'infinity'::TIMESTAMPTZ", "INTERVAL '-14 months 3 days -0.5 seconds'", "'0101'::BIT", "uuid()",
	"'b'::ENUM('a', 'b')", "'b'::ENUM('a', 'b')",
	"union_value(n := 1.50)", "union_value(n := NULL::BLOB)", "[1.10, NULL, 9007199254740993.27]", "[]::DECIMAL(4,1)[]",
	`['\xFF'::BLOB, NULL]`, `[['null'::JSON, NULL], NULL]`, "[1.5, 2.5]::DECIMAL(18,1)[2]",
	`{'d': 9007199254740993.27, 'j': '{ }'::JSON, "q""o": ['\x00'::BLOB], 'n': NULL::INTEGER}`, "NULL::STRUCT(a INTEGER)",
	`MAP {'\xFE'::BLOB: 1.25, '\x20'::BLOB: NULL}`, "MAP {}::MAP(INTEGER, JSON)",
	"[union_value(a := 1), NULL]", "{'u': union_value(x := ['\\x01'::BLOB])}", "NULL::DECIMAL(18,2)", "[NULL::STRUCT(a DECIMAL(18,2))]",
}

// What waits in dsql.rejects comes back as it was: through RELEASE HOLD and REPLAY REJECTS, in streams and journals, with and without a
// SET of the column. taken gets the same rows without waiting.
func TestRejectsGiveBackEveryValue(t *testing.T) {
	t.Parallel()
	var cols, sets, names []string
	for i, v := range awkward {
		if v == "uuid()" {
			v = "'ffffffff-ffff-ffff-ffff-fffffffffffe'::UUID"
		}
		cols, names = append(cols, fmt.Sprintf("%s AS c%d", v, i)), append(names, fmt.Sprintf("c%d", i))
		sets = append(sets, fmt.Sprintf("SET c%d = NULL", i))
	}
	query := "SELECT *, " + strings.Join(cols, ", ") + " FROM s"
	hold, reject := "CHECKS (CHECK one EXPECT (count(*) < %d) ON FAILURE HOLD)", "CONSTRAINT small EXPECT (id < %d) ON VIOLATION REJECT"
	script := func(limit int, verbs string) string {
		h, c := fmt.Sprintf(hold, limit), fmt.Sprintf(reject, limit)
		set := strings.Join(sets, ", ")
		if limit > 1 { // the SETs of now leave the columns alone
			set = "SET id = id"
		}
		return "CREATE SOURCE s (id INTEGER) FROM FILES ('in.csv', format csv);\nCREATE STREAM taken AS " + query + ";\n" +
			"CREATE STREAM held " + h + " AS " + query + ";\nCREATE STREAM held_set RULES (" + set + ") " + h + " AS " + query + ";\n" +
			"CREATE STREAM rejected RULES (" + c + ") AS " + query + ";\nCREATE STREAM rejected_set RULES (" + set + ", " + c + ") AS " + query +
			";\n" +
			"CREATE JOURNAL held_j KEYS (id) SEQUENCE BY id " + h + " AS " + query +
			";\nCREATE JOURNAL rejected_j KEYS (id) SEQUENCE BY id RULES (" + c + ") AS " + query + ";\n" +
			"CREATE JOURNAL null_j KEYS (id) SEQUENCE BY id RULES (SET id = " + map[bool]string{true: "id", false: "NULL"}[limit > 1] + ") AS " +
			query + ";\n" + verbs
	}
	tables := map[string]string{"held": "RELEASE HOLD", "held_set": "RELEASE HOLD", "held_j": "RELEASE HOLD",
		"rejected": "REPLAY REJECTS FROM", "rejected_set": "REPLAY REJECTS FROM", "rejected_j": "REPLAY REJECTS FROM",
		"null_j": "REPLAY REJECTS FROM"}
	verbs := ""
	for table, verb := range tables {
		verbs += verb + " " + table + ";\n"
	}
	dir := t.TempDir()
	db := filepath.Join(dir, "x.duckdb")
	put(t, filepath.Join(dir, "in.csv"), "id\n1\n")
	run := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		put(t, path, text)
		var out, errs bytes.Buffer
		if code := Main([]string{"run", path, "--db", db}, strings.NewReader(""), &out, &errs); code != 0 {
			t.Fatalf("%s: exit code %d: %s", name, code, errs.String())
		}
	}
	run("first.sql", script(1, ""))
	if got := answers(t, db, []string{"SELECT count(*) AS n FROM dsql.rejects"})[0]; !strings.Contains(got, fmt.Sprint(len(tables))) {
		t.Fatal(got)
	}
	run("second.sql", "SET TimeZone = 'Asia/Kathmandu';\n"+script(100, verbs))
	for table := range tables {
		same := []string{}
		for _, c := range names {
			same = append(same, fmt.Sprintf("t.%[1]s IS NOT DISTINCT FROM x.%[1]s AND t.%[1]s::VARCHAR IS NOT DISTINCT FROM x.%[1]s::VARCHAR AND "+
				"(t.%[1]s IS NULL) = (x.%[1]s IS NULL)", c))
		}
		got := answers(t, db, []string{"SELECT list_position([" + strings.Join(same, ", ") + "], false) AS at FROM taken t, " + table + " x",
			"FROM " + table, "SELECT exact FROM dsql.rejects WHERE destination = '" + table + "'"})
		if got[0] != "{'at': NULL}" {
			t.Errorf("%s: %s: it has %s\nof %s", table, got[0], got[1], got[2])
		}
	}
}
