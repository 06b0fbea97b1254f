package files

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// remean gives columns of a file of Parquet another meaning.
func remean(t *testing.T, name string, change func([]thriftField) []thriftField) {
	t.Helper()
	from, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(name + ".new")
	if err != nil {
		t.Fatal(err)
	}
	if err := copyParquet(to, from, change); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// Other meanings of what DuckDB writes: TIME_NS and TIMESTAMP_NS get a zone; INTERVAL, twelve bytes, becomes INT96; BLOB is called text.
func withZone(e []thriftField) []thriftField {
	for _, id := range []int{7, 8} {
		if of := fieldOf(e, elementLogical).inside(id); of.inside(2).inside(3) != nil {
			logical := nanosWithoutZone(id)
			logical[1] = 1<<4 | wireTrue
			return meaning(e, typeInt64, 0, logical)
		}
	}
	return e
}

func asInt96(e []thriftField) []thriftField {
	if fieldOf(e, elementType).number() == typeFixed {
		return meaning(e, typeInt96, 0, nil)
	}
	return e
}

func asText(converted byte) func(e []thriftField) []thriftField {
	return func(e []thriftField) []thriftField {
		if fieldOf(e, elementType).number() == typeBytes {
			return append(meaning(e, typeBytes, 0, nil), thriftField{elementConverted, wireI32, []byte{converted << 1}})
		}
		return e
	}
}

// stamp96Of is the SQL of an INTERVAL with the bytes of an INT96: of the nanosecond of a day since 1970.
func stamp96Of(day, nanos int64) string {
	return fmt.Sprintf("to_months(%d::INTEGER) + to_days(%d::INTEGER) + to_milliseconds(%d)", int32(nanos), int32(nanos>>32), day+2440588)
}

// What DuckDB cuts or refuses: a value whose digits don't fit is bad, and all others are as they would be.
func TestParquetRaw(t *testing.T) {
	t.Parallel()
	const noon = int64(12 * 3600 * 1e9)
	stamps := stamp96Of(20089, noon+123456000) + ", " + stamp96Of(20089, noon+123456789) + ", NULL, " + stamp96Of(-719162, 0) + ", " +
		stamp96Of(2932896, 1000)
	zoned := "TIMESTAMP_NS '2025-01-01 12:00:00.123456', '2025-01-01 12:00:00.123456789', NULL, '1960-01-01 00:00:00.000001'"
	for i, k := range []struct {
		values, declared, want string
		change                 func([]thriftField) []thriftField
	}{
		{zoned, "TIMESTAMP", "2025-01-01 12:00:00.123456|bad 2025-01-01 12:00:00.123456789+00|NULL|1960-01-01 00:00:00.000001", withZone},
		{zoned, "TIMESTAMPTZ", "2025-01-01 12:00:00.123456+00|bad 2025-01-01 12:00:00.123456789+00|NULL|1960-01-01 00:00:00.000001+00", withZone},
		{zoned, "TIMESTAMP_NS", "2025-01-01 12:00:00.123456|2025-01-01 12:00:00.123456789|NULL|1960-01-01 00:00:00.000001", withZone},
		{zoned, "VARCHAR", "2025-01-01 12:00:00.123456+00|2025-01-01 12:00:00.123456789+00|NULL|1960-01-01 00:00:00.000001+00", withZone},
		{zoned, "TIMESTAMP_S", "bad 2025-01-01 12:00:00.123456+00|bad 2025-01-01 12:00:00.123456789+00|NULL|bad 1960-01-01 00:00:00.000001+00",
			withZone},
		{"TIMESTAMP_NS '2025-01-01', '2025-01-01 00:00:00.000000001'", "DATE", "2025-01-01|bad 2025-01-01 00:00:00.000000001+00", withZone},
		{"{'a': TIMESTAMP_NS '2025-01-01 12:00:00'}, {'a': TIMESTAMP_NS '2025-01-01 12:00:00.000000001'}", "STRUCT(a TIMESTAMP)",
			"{'a': '2025-01-01 12:00:00'}|bad {'a': '2025-01-01 12:00:00.000000001'}", withZone},
		{"[TIMESTAMP_NS '2025-01-01 12:00:00'], [TIMESTAMP_NS '2025-01-01 12:00:00.000000001'], []", "TIMESTAMP_NS[]",
			"['2025-01-01 12:00:00']|['2025-01-01 12:00:00.000000001']|[]", withZone},
		{"TIME_NS '12:00:00.000001', '12:00:00.000000001'", "TIMETZ", "12:00:00.000001+00|bad 12:00:00.000000001", withZone},
		{stamps, "TIMESTAMP", "2025-01-01 12:00:00.123456|bad 2025-01-01 12:00:00.123456789|NULL|0001-01-01 00:00:00|9999-12-31 00:00:00.000001",
			asInt96},
		{stamps, "TIMESTAMPTZ", "2025-01-01 12:00:00.123456+00|bad 2025-01-01 12:00:00.123456789|NULL|0001-01-01 00:00:00+00|9999-12-31 " +
			"00:00:00.000001+00", asInt96},
		{stamps, "TIMESTAMP_NS", "2025-01-01 12:00:00.123456|2025-01-01 12:00:00.123456789|NULL|bad 0001-01-01 00:00:00.000000000|bad " +
			"9999-12-31 00:00:00.000001000", asInt96},
		{stamps, "VARCHAR", "2025-01-01 12:00:00.123456|2025-01-01 12:00:00.123456789|NULL|0001-01-01 00:00:00|9999-12-31 00:00:00.000001",
			asInt96},
		{stamp96Of(20089, 0) + ", " + stamp96Of(20089, 1), "DATE", "2025-01-01|bad 2025-01-01 00:00:00.000000001", asInt96},
		{"[" + stamp96Of(20089, 0) + "], [" + stamp96Of(20089, 1) + "]", "TIMESTAMP[]",
			`['2025-01-01 00:00:00']|bad [\x01\x00\x00\x00\x00\x00\x00\x00\x05\x8`, asInt96},
		{`'\xC3\xA9'::BLOB, 'a\xFFb', NULL, ''`, "VARCHAR", `é|bad a\xFFb|NULL|`, asText(0)},
		{`'\xC3\xA9'::BLOB, 'a\xFFb', NULL, ''`, "BLOB", `\xC3\xA9|a\xFFb|NULL|`, asText(0)},
		{`'12'::BLOB, '1\xFF'`, "INTEGER", `12|bad 1\xFF`, asText(0)},
		{`'{"a": 1}'::BLOB, '{"a": "\xFF"}'`, "JSON", `{"a": 1}|bad {\x22a\x22: \x22\xFF\x22}`, asText(19)},
		{`{'a': 'x'::BLOB, 'b': 1}, {'a': '\xFF'::BLOB, 'b': 2}`, "STRUCT(a VARCHAR, b INTEGER)", `{'a': x, 'b': 1}|bad {'a': \xFF, 'b': 2}`,
			asText(0)},
		{`['x'::BLOB, NULL], ['\xFF'::BLOB], NULL`, "VARCHAR[]", `[x, NULL]|bad [\xFF]|NULL`, asText(0)},
		{`MAP {'x'::BLOB: 'y'::BLOB}, MAP {'z'::BLOB: '\xFF'::BLOB}`, "MAP(VARCHAR, VARCHAR)", `{x=y}|bad {z=\xFF}`, asText(0)},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			t.Log(k.values, "as", k.declared)
			l := newLab(t, nil)
			l.sql("SET TimeZone = 'America/New_York'") // which must not matter
			l.parquet("a.parquet", "SELECT unnest(["+k.values+"]) AS c, 'é' AS other")
			remean(t, filepath.Join(l.dir, "a.parquet"), k.change)
			if r := l.run("CREATE SOURCE s (c "+k.declared+", other VARCHAR) FROM FILES ('a.parquet')", "d"); r.err != nil {
				t.Fatal(r.err)
			}
			l.sql("SET TimeZone = 'UTC'")
			l.sql("CREATE TABLE IF NOT EXISTS bad (reason VARCHAR, line BIGINT)")
			got := l.show("SELECT c::VARCHAR FROM (SELECT line, c::VARCHAR AS c FROM d UNION ALL SELECT line, 'bad ' || regexp_extract(reason, " +
				"'\"(.*)\" is no ', 1) FROM bad) ORDER BY line")
			equalLines(t, strings.ReplaceAll(got, "\n", "|"), k.want)
			if left, _ := filepath.Glob(filepath.Join(l.dir, "*", "dsql_parquet_*")); len(left) > 0 {
				t.Error("a copy is left", left)
			}
		})
	}
}

// A text that is no UTF-8 is met in the middle of a file that is cut, in a group of files, and in a load: what was taken before stays, and
// each record comes once. What a crash has left of copies is swept.
func TestParquetRawParts(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	for i, name := range []string{"in/1.parquet", "in/2.parquet", "in/3.parquet"} {
		l.parquet(name, fmt.Sprintf(`SELECT range + %d AS id, CASE WHEN range = 3 AND %[1]d = 10 THEN '\xFF'::BLOB ELSE 'x'::BLOB END AS c FROM range(5)`, 10*i))
		remean(t, filepath.Join(l.dir, name), asText(0))
	}
	l.run("CREATE SOURCE s (id INTEGER, c VARCHAR) FROM FILES ('in/*.parquet', batch_rows 2)", "cut").is(t,
		"in/1.parquet rows 1–2 → cut: 2\nin/1.parquet rows 3–4 → cut: 2\nin/1.parquet rows 5–5 → cut: 1\n"+
			"in/2.parquet rows 1–2 → cut: 2\nin/2.parquet rows 3–4 → cut: 1 bad 1\nin/2.parquet rows 5–5 → cut: 1\nin/3.parquet rows 1–2 → cut: "+
			"2\nin/3.parquet rows 3–4 → cut: 2\nin/3.parquet rows 5–5 → cut: 1")
	l.run("CREATE SOURCE g (id INTEGER, c VARCHAR) FROM FILES ('in/*.parquet', batch_files 3) ON BAD RECORD SKIP", "together").is(t,
		"in/1.parquet, in/2.parquet, in/3.parquet → together: 14 skipped 1")
	l.run("CREATE SOURCE w (id INTEGER, c BLOB) FROM FILES ('in/*.parquet', mode snapshot, batch_files 3)", "load").is(t,
		"in/1.parquet, in/2.parquet, in/3.parquet → load: 15")
	l.run("CREATE SOURCE n (id INTEGER) FROM FILES ('in/*.parquet', batch_files 3)", "other").is(t,
		"in/1.parquet, in/2.parquet, in/3.parquet → other: 15 unknown 15")
	equalLines(t, l.show("SELECT count(*), sum(id), (SELECT count(*) FROM together), (SELECT c::VARCHAR FROM load WHERE id = 13) FROM cut"),
		`14|167|14|\xFF`)
	equalLines(t, l.show("SELECT file, line, data FROM bad"), `in/2.parquet|4|{"id":13,"c":"\\xFF"}`)

	copies := func() int {
		names, err := filepath.Glob(filepath.Join(l.dir, "lab.duckdb.tmp", "dsql_parquet_*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	r := &storedReader{reader: &reader{s: l.source("CREATE SOURCE z (id INTEGER) FROM FILES ('in/*.parquet')").in(l.env), conn: l.c}}
	name, err := r.view(t.Context(), filepath.Join(l.dir, "in/1.parquet"), rawKinds{texts: true})
	if err != nil || copies() != 1 {
		t.Fatal(name, err, copies())
	}
	if err := r.sweepViews(t.Context()); err != nil || copies() != 1 { // another source of this process reads it
		t.Fatal(err, copies())
	}
	views.Lock()
	delete(views.live, name) // as if its process were gone
	views.Unlock()
	if err := r.sweepViews(t.Context()); err != nil || copies() != 0 {
		t.Fatal(err, copies())
	}
}

// A footer that isn't one is an error, whatever stands there.
func FuzzParquetFooter(f *testing.F) {
	f.Add([]byte{0x15, 0x02, 0x19, 0x2c, 0x48, 0x01, 'r', 0x15, 0x02, 0x00, 0x15, 0x0c, 0x25, 0x02, 0x18, 0x01, 's', 0x25, 0x00, 0x00, 0x16,
		0x04, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := rewriteSchema(data, rawKinds{times: true, texts: true}.raw)
		if err == nil && len(out) == 0 {
			t.Error("no footer")
		}
	})
}
