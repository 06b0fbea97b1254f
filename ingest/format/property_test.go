package format

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	csvformat "dsql/ingest/format/csv"
	"dsql/ingest/format/formattest"
	jsonformat "dsql/ingest/format/json"
)

// A file is the same records however it is cut into batches, however its reader hands it out, and wherever reading stopped and
// began anew.
func TestCutsChangeNothing(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	pieces := map[string][]string{
		"csv": {"1", "22", "x", "1.5", ",", ",", "\n", "\n", "\r\n", "\"", "\"\"", "\"a\nb\"", " ", "ü", "a long piece of text"},
		"lines": {`{"a":1}`, `{"a":1,"b":"x"}`, `{"a":"x"}`, "\n", "\n", "\r\n", "\r", " ", "{", `"`, `{"b":"ü and more than that"}`, "[1]",
			`{"a":1,`, `{"a":"x",`, `"b":"y"}`, `{"z":[`, "]}", ","},
		"array": {`{"a":1}`, `{"a":1,"b":"x"}`, `{"a":"x"}`, ",", ",", ",\n", " ", "{", `"`, `{"b":"ü and more than that"}`, "[1]", "]", "1"},
	}
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]string{"csv", "lines", "array"}).Draw(rt, "kind")
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces[kind]), 0, 60).Draw(rt, "pieces"), "")
		d := batch.Dialect{Format: &jsonformat.Format}
		switch kind {
		case "csv":
			d = batch.Dialect{Format: &csvformat.Format,
				Header: rapid.SampledFrom([]batch.Header{batch.HeaderAuto, batch.HeaderNo}).Draw(rt, "header"), Delim: ","}
			if d.Header == batch.HeaderAuto {
				text = rapid.SampledFrom([]string{"a,b\n", "b\n", "\nb,z,a\r\n"}).Draw(rt, "first") + text
			}
		case "array":
			text = "[" + text
		}
		want := records(rt, c, d, batch.Limits{}, text, false, false)
		lim := batch.Limits{Rows: rapid.IntRange(1, 5).Draw(rt, "rows")}
		got := records(rt, c, d, lim, text, rapid.Bool().Draw(rt, "bytewise"), rapid.Bool().Draw(rt, "anew"))
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%q: %s", text, diff)
		}
	})
}

// records lands a text and lists what became of it. anew opens the file again after every batch.
func records(t *rapid.T, c *duck.Conn, d batch.Dialect, lim batch.Limits, text string, bytewise, anew bool) (out []string) {
	ctx := context.Background()
	l, err := batch.NewLanding(c, "s", formattest.Ab, d, lim)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pos, more := batch.Pos{}, true
	var f *batch.File
	for batches := 0; more; batches++ {
		if f == nil || anew {
			var r interface{ Read([]byte) (int, error) } = strings.NewReader(text)
			if bytewise {
				r = iotest.OneByteReader(r)
			}
			if f, err = l.Open(r, pos, batch.FileInfo{Path: "f"}); err != nil {
				t.Fatal(err)
			}
		}
		b, err := l.Take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if more, err = b.Fill(ctx, f); err != nil {
			t.Fatal(err)
		}
		pos = f.Pos()
		in := b.Input()
		if in.Records == 0 && batches > 0 {
			t.Fatalf("%q: batch %d is empty", text, batches)
		}
		if lim.Rows > 0 && in.Records > int64(lim.Rows) || in.Good+in.BadCount != in.Records {
			t.Fatalf("%d records = %d + %d of %d", in.Records, in.Good, in.BadCount, lim.Rows)
		}
		bad := duck.SQL("SELECT NULL, NULL, NULL, NULL, NULL WHERE false")
		if in.Bad != nil {
			bad = duck.SQL("SELECT {id}, _meta.line, reason, coalesce(TRY(decode(_payload)), _payload::VARCHAR), data::VARCHAR FROM {bad}",
				duck.Args{"id": in.RowID, "bad": in.Bad})
		}
		list, err := duck.Select(ctx, c,
			duck.SQL("SELECT concat_ws(' ', line, x, y, z) FROM (SELECT {id} AS id, _meta.line AS line, a::VARCHAR AS x, b AS y, NULL AS z FROM "+
				"{rows} UNION ALL {bad}) ORDER BY id",
				duck.Args{"id": in.RowID, "rows": in.Rows, "bad": bad}), func(row func(...any) error) (s string, err error) { return s, row(&s) })
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, list...)
		b.Release()
	}
	if pos.Byte != int64(len(text)) {
		t.Fatalf("%q: ended at byte %d of %d", text, pos.Byte, len(text))
	}
	return out
}

// What encoding/csv writes is what DuckDB's reader reads, and what landing reads.
func TestCSVAgreesWithDuckDB(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	fields := []batch.Field{{Name: "i", Type: "BIGINT"}, {Name: "s", Type: "VARCHAR"}, {Name: "f", Type: "DOUBLE"},
		{Name: "t", Type: "TIMESTAMP"}, {Name: "d", Type: "DATE"}, {Name: "b", Type: "BOOLEAN"}, {Name: "n", Type: "DECIMAL(20,4)"}}
	file := filepath.Join(t.TempDir(), "x.csv")
	rapid.Check(t, func(rt *rapid.T) {
		var text strings.Builder
		w := csv.NewWriter(&text)
		w.UseCRLF = rapid.Bool().Draw(rt, "crlf")
		w.Write([]string{"i", "s", "f", "t", "d", "b", "n"})
		n := rapid.IntRange(1, 30).Draw(rt, "n")
		for range n {
			at := time.UnixMicro(rapid.Int64Range(-6e16, 2e17).Draw(rt, "t")).UTC()
			rec := []string{fmt.Sprint(rapid.Int64().Draw(rt, "i")), rapid.StringOf(rapid.SampledFrom([]rune("ab,\"\n ü🦆'\\"))).Draw(rt, "s"),
				strconv.FormatFloat(rapid.Float64().Draw(rt, "f"), 'g', -1, 64),
				at.Format("2006-01-02 15:04:05.000000"), at.Format("2006-01-02"), fmt.Sprint(rapid.Bool().Draw(rt, "b")),
				fmt.Sprintf("%d.%04d", rapid.Int64Range(-1e15, 1e15).Draw(rt, "n1"), rapid.IntRange(0, 9999).Draw(rt, "n2"))}
			for i := range rec {
				if rapid.IntRange(0, 9).Draw(rt, "null") == 0 {
					rec[i] = ""
				}
			}
			w.Write(rec)
		}
		w.Flush()
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			rt.Fatal(err)
		}
		same(rt, c, fields, batch.Dialect{Format: &csvformat.Format, Header: batch.HeaderYes}, text.String(), n, duck.SQL(`SELECT * FROM `+
			`read_csv({f}, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', new_line = {nl},
			columns = {'i': 'BIGINT', 's': 'VARCHAR', 'f': 'DOUBLE', 't': 'TIMESTAMP', 'd': 'DATE', 'b': 'BOOLEAN', `+
			`'n': 'DECIMAL(20,4)'})`, duck.Args{"f": file, "nl": map[bool]string{false: `\n`, true: `\r\n`}[w.UseCRLF]}))
	})
}

// What encoding/json writes is what DuckDB reads, and what landing reads. (Numbers are kept within what both hold exactly.)
func TestJSONAgreesWithDuckDB(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	fields := []batch.Field{{Name: "i", Type: "BIGINT"}, {Name: "s", Type: "VARCHAR"}, {Name: "f", Type: "DOUBLE"},
		{Name: "t", Type: "TIMESTAMP"}, {Name: "b", Type: "BOOLEAN"}, {Name: "o", Type: "STRUCT(x INTEGER, y VARCHAR[])"}}
	file := filepath.Join(t.TempDir(), "x.json")
	rapid.Check(t, func(rt *rapid.T) {
		var text strings.Builder
		n := rapid.IntRange(1, 30).Draw(rt, "n")
		str := rapid.StringOf(rapid.SampledFrom([]rune("ab,\"\n\t ü🦆'\\\u0001<\u2028")))
		for range n {
			rec := map[string]any{}
			for _, k := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"i", "s", "f", "t", "b", "o", "z"}), rapid.ID).Draw(rt, "keys") {
				switch k {
				case "i":
					rec[k] = rapid.Int64().Draw(rt, k)
				case "s", "z":
					rec[k] = str.Draw(rt, k)
				case "f":
					rec[k] = rapid.Float64().Draw(rt, k)
				case "t":
					rec[k] = time.UnixMicro(rapid.Int64Range(-6e16, 2e17).Draw(rt, k)).UTC().Format("2006-01-02T15:04:05.000000")
				case "b":
					rec[k] = rapid.Bool().Draw(rt, k)
				case "o":
					rec[k] = map[string]any{"x": rapid.Int32().Draw(rt, k), "y": rapid.SliceOfN(str, 0, 4).Draw(rt, k)}
				}
				if rapid.IntRange(0, 9).Draw(rt, "null") == 0 {
					rec[k] = nil
				}
			}
			line, err := json.Marshal(rec)
			if err != nil {
				rt.Fatal(err)
			}
			text.Write(line)
			text.WriteByte('\n')
		}
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			rt.Fatal(err)
		}
		same(rt, c, fields, batch.Dialect{Format: &jsonformat.Format}, text.String(), n, duck.SQL(`SELECT * FROM read_json({f}, format = 'newline_delimited',
			columns = {'i': 'BIGINT', 's': 'VARCHAR', 'f': 'DOUBLE', 't': 'TIMESTAMP', 'b': 'BOOLEAN', 'o': 'STRUCT(x INTEGER, y VARCHAR[])'})`, duck.Args{"f": file}))
	})
}

// same lands a text without bad records and compares the rows, in order, with those of a query.
func same(rt *rapid.T, c *duck.Conn, fields []batch.Field, d batch.Dialect, text string, n int, oracle *duck.Query) {
	ctx := context.Background()
	l, err := batch.NewLanding(c, "s", fields, d, batch.Limits{})
	if err != nil {
		rt.Fatal(err)
	}
	defer l.Close()
	f, err := l.Open(strings.NewReader(text), batch.Pos{}, batch.FileInfo{})
	if err != nil {
		rt.Fatal(err)
	}
	b, err := l.Take(ctx)
	if err != nil {
		rt.Fatal(err)
	}
	defer b.Release()
	if _, err := b.Fill(ctx, f); err != nil {
		rt.Fatal(err)
	}
	in := b.Input()
	if in.Good != int64(n) {
		rt.Fatalf("%d good of %d, %q", in.Good, n, text)
	}
	a := duck.Args{"rows": in.Rows, "oracle": oracle}
	diff, err := duck.Select(ctx, c, duck.SQL(`WITH g AS (SELECT row_number() OVER () AS r, `+
		`x FROM (SELECT * EXCLUDE (_meta) FROM {rows}) x), w AS (SELECT row_number() OVER () AS r, y FROM ({oracle}) y)
		SELECT 'got ' || x::VARCHAR || ', DuckDB has ' || `+
		`y::VARCHAR FROM g FULL JOIN w USING (r) WHERE x IS DISTINCT FROM y`, a), func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err != nil || len(diff) > 0 {
		rt.Fatal(err, diff)
	}
}

// A text that is taken has the value that DuckDB's cast gives it. {v} is the text; the cast is NULL where DuckDB doesn't take the
// text, which is no fault of ours only for the forms that convert.go adds.
func TestConversionsAgreeWithDuckDB(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	number := rapid.Custom(func(t *rapid.T) string {
		s := rapid.SampledFrom([]string{"", "-", "+"}).Draw(t, "sign") + rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), 0, 25, -1).Draw(t,
			"int")
		if rapid.Bool().Draw(t, "point") {
			s += "." + rapid.StringOfN(rapid.RuneFrom([]rune("0001234569")), 0, 25, -1).Draw(t, "frac")
		}
		if rapid.IntRange(0, 3).Draw(t, "exp") == 0 {
			s += rapid.SampledFrom([]string{"e", "E"}).Draw(t, "e") + rapid.SampledFrom([]string{"", "-", "+"}).Draw(t, "esign") +
				strconv.Itoa(rapid.IntRange(0, 40).Draw(t, "exponent"))
		}
		return s
	})
	double := rapid.OneOf(number,
		rapid.Map(rapid.Uint64(), func(x uint64) string { return strconv.FormatFloat(math.Float64frombits(x), 'e', -1, 64) }))
	clock := rapid.Custom(func(t *rapid.T) string {
		s := fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 25).Draw(t, "h"), rapid.IntRange(0, 61).Draw(t, "m"))
		if rapid.Bool().Draw(t, "seconds") {
			s += fmt.Sprintf(":%02d", rapid.IntRange(0, 60).Draw(t, "s"))
			if rapid.Bool().Draw(t, "fraction") {
				s += "." + rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), 1, 7, -1).Draw(t, "fraction")
			}
		}
		return s
	})
	day := rapid.Custom(func(t *rapid.T) string {
		sep := rapid.SampledFrom([]string{"-", "/", " ", "-"}).Draw(t, "sep")
		s := fmt.Sprintf("%04d%s%02d%s%02d",
			rapid.OneOf(rapid.IntRange(1, 9999), rapid.IntRange(1900, 2100), rapid.IntRange(10000, 300000)).Draw(t, "y"), sep,
			rapid.IntRange(0, 13).Draw(t, "m"), sep, rapid.IntRange(0, 32).Draw(t, "d"))
		return s + rapid.SampledFrom([]string{"", "", "", " (BC)"}).Draw(t, "era")
	})
	instants := rapid.Custom(func(t *rapid.T) string {
		s := day.Draw(t, "day")
		if rapid.IntRange(0, 4).Draw(t, "clock") > 0 {
			s += rapid.SampledFrom([]string{" ", "T", " "}).Draw(t, "T") + clock.Draw(t, "clock") +
				rapid.SampledFrom([]string{"", "", "Z", "+02", "-05:30", "+0200", " UTC", "-00:00:30"}).Draw(t, "zone")
		}
		return s
	})
	for _, k := range []struct {
		typ, cast string
		gen       *rapid.Generator[string]
		least     float64 // share of texts that must be taken, so that the test tests something
	}{
		{"INTEGER", "TRY_CAST(v AS INTEGER)", number, 0.02},
		{"BIGINT", "TRY_CAST(v AS BIGINT)", number, 0.05},
		{"UBIGINT", "TRY_CAST(v AS UBIGINT)", number, 0.05},
		{"HUGEINT", "TRY_CAST(v AS HUGEINT)", number, 0.1},
		{"DECIMAL(9,2)", "TRY_CAST(v AS DECIMAL(9,2))", number, 0.02},
		{"DECIMAL(18,6)", "TRY_CAST(v AS DECIMAL(18,6))", number, 0.02},
		{"DECIMAL(38,12)", "TRY_CAST(v AS DECIMAL(38,12))", number, 0.1},
		{"DOUBLE", "TRY_CAST(v AS DOUBLE)", double, 0.5},
		{"FLOAT", "TRY_CAST(v AS FLOAT)", double, 0.2},
		{"DATE", "TRY_CAST(v AS DATE)", day, 0.3},
		{"TIME", "TRY_CAST(v AS TIME)", clock, 0.3},
		// ICU's way over TIMESTAMPTZ minds offsets, and loses milliseconds of years with six digits: it is asked only where there is an offset
		{"TIMESTAMP", `CASE WHEN v SIMILAR TO '\d+[-/ \\]\d+[-/ \\]\d+( \(BC\))?[T ]\d+:\d+:\d+(\.\d+)?' THEN TRY_CAST(v AS TIMESTAMP) ELSE ` +
			`TRY_CAST(v AS TIMESTAMPTZ)::TIMESTAMP END`, instants, 0.2},
		{"TIMESTAMP_NS", "TRY_CAST(v AS TIMESTAMP_NS)", instants, 0.05},
		// The day of a time with an offset is that of UTC; DuckDB's own cast leaves the offset out.
		{"DATE", `CASE WHEN v SIMILAR TO '.*:.*(Z|UTC|[+-]).*' THEN CAST(TRY_CAST(v AS TIMESTAMPTZ)::TIMESTAMP AS DATE) ELSE TRY_CAST(v AS DATE) END`,
			instants, 0.05},
	} {
		l, err := batch.NewLanding(c, "s", []batch.Field{{Name: "v", Type: "VARCHAR"}, {Name: "x", Type: duck.Type(k.typ), Path: []string{"v"}}},
			batch.Dialect{Format: &jsonformat.Format}, batch.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		taken, total := int64(0), int64(0)
		rapid.Check(t, func(rt *rapid.T) {
			var text strings.Builder
			for _, s := range rapid.SliceOfN(k.gen, 50, 50).Draw(rt, "texts") {
				fmt.Fprintf(&text, "{\"v\":%q}\n", s)
			}
			f, err := l.Open(strings.NewReader(text.String()), batch.Pos{}, batch.FileInfo{})
			if err != nil {
				rt.Fatal(err)
			}
			b, _ := l.Take(context.Background())
			defer b.Release()
			if _, err := b.Fill(context.Background(), f); err != nil {
				rt.Fatal(err)
			}
			in := b.Input()
			taken, total = taken+in.Good, total+in.Records
			added := "(v LIKE '-%' AND x = 0 OR v ILIKE '%e%') AND want IS NULL" // -0 in an unsigned type; digits that an exponent takes away
			if strings.HasPrefix(k.typ, "T") || k.typ == "DATE" {                // an offset behind hours and minutes
				added = `v SIMILAR TO '.*[T ]\d\d:\d\d(Z|UTC|[ +-]).*' AND want IS NULL`
			}
			switch { // where DuckDB is no measure
			case strings.HasPrefix(k.typ, "DECIMAL"): // .0000000001e8 is 0.00 there
				added += " OR v ILIKE '%e%'"
			case strings.HasPrefix(k.typ, "TIMESTAMP"): // 286561-01-31 (BC) 05:25:16.793Z loses a millisecond, 287397-01-01 00:00:00.001Z too
				added += ` OR v LIKE '2_____%(BC)%' OR v SIMILAR TO '2\d{5}[-/ \\].*:.*(Z|UTC|[ +-]).*'`
			}
			diff, err := duck.Select(context.Background(), c,
				duck.SQL("SELECT concat_ws(' ', v, 'is', x, 'not', want) FROM (SELECT v, x, {cast} AS want FROM {rows}) WHERE x IS DISTINCT FROM "+
					"want AND NOT ({added})",
					duck.Args{"cast": duck.Text(k.cast), "rows": in.Rows, "added": duck.Text(added)}),
				func(row func(...any) error) (s string, err error) { return s, row(&s) })
			if err != nil || len(diff) > 0 {
				rt.Fatal(k.typ, err, strings.Join(diff, "\n"))
			}
		})
		if float64(taken) < k.least*float64(total) {
			t.Errorf("%s: only %d of %d texts were taken", k.typ, taken, total)
		}
		l.Close()
	}
}
