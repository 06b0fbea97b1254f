package csv

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/format/formattest"
)

// Each case: what the file holds, and what becomes of it: a line a good record ("line: a|b"), a line a bad one ("line! reason").
func TestCSV(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	header := batch.Dialect{Header: batch.HeaderYes}
	for _, k := range []struct {
		name, text string
		d          batch.Dialect
		fields     []batch.Field
		want       string
	}{
		{"plain", "a,b\n1,x\n2,y", header, formattest.Ab, "2: 1|x\n3: 2|y"},
		{"header in another order and case, an unknown column", "z,B,A\n9,x,1\n", header, formattest.Ab, "2: 1|x"},
		{"a header that is found out", "a,b\n1,x\n", batch.Dialect{}, formattest.Ab, "2: 1|x"},
		{"no header that is found out", "1,x\n2,y\n", batch.Dialect{}, formattest.Ab, "1: 1|x\n2: 2|y"},
		{"no header", "1,a\n2,b\n", batch.Dialect{Header: batch.HeaderNo}, formattest.Ab, "1: 1|a\n2: 2|b"},
		{"a column that the file does not have", "b\nx\n", header, formattest.Ab, "2: NULL|x"},
		{"a column under another name", "n,b\n1,x\n", header, []batch.Field{{Name: "a", Type: "INTEGER", Path: []string{"N"}}, formattest.Ab[1]},
			"2: 1|x"},
		{"two columns of one field", "a\n1\n", header, []batch.Field{formattest.Ab[0], {Name: "b", Type: "VARCHAR", Path: []string{"a"}}},
			"2: 1|1"},
		{"a name twice: the first", "a,a,b\n1,2,x\n", header, formattest.Ab, "2: 1|x"},
		{"windows line ends", "a,b\r\n1,x\r\n2,\"y\"\r\n", header, formattest.Ab, "2: 1|x\n3: 2|y"},
		{"mixed line ends", "a,b\n1,x\r\n2,y\n", header, formattest.Ab, "2: 1|x\n3: 2|y"},
		{"old mac line ends", "a,b\r1,x\r2,\"y\rz\"\r3,w", header, formattest.Ab, "2: 1|x\n3: 2|y\rz\n5: 3|w"},
		{"byte order mark", "\xef\xbb\xbfa,b\n1,x\n", header, formattest.Ab, "2: 1|x"},
		{"blank lines", "\n\na,b\n\n1,x\n\r\n2,y\n\n\n", header, formattest.Ab, "5: 1|x\n7: 2|y"},
		{"a blank line of one column is NULL, as in DuckDB", "b\n\nx\n", header, formattest.Ab[1:], "2: NULL\n3: x"},
		{"also the first", "\nx\n", batch.Dialect{Header: batch.HeaderNo}, formattest.Ab[1:], "1: NULL\n2: x"},
		{"quotes", "a,b\n1,\"x,\"\"y\"\"\"\n2,\"\"\"\"\n3,x\"\"y\n4,x\"y\n", header, formattest.Ab,
			"2: 1|x,\"y\"\n3: 2|\"\n4: 3|x\"\"y\n5: 4|x\"y"},
		{"a line end inside quotes", "a,b\n1,\"x\ny\r\nz\"\n2,w\n", header, formattest.Ab, "2: 1|x\ny\r\nz\n5: 2|w"},
		{"blanks around quotes", "a,b\n1,  \"x\"  \n 2 , y \n", header, formattest.Ab, "2: 1|x\n3: 2| y "},
		{"a quote in the header", "\"a\",\"b\n,\"\n1,x\n", header, []batch.Field{formattest.Ab[0], {Name: "b\n,", Type: "VARCHAR"}}, "3: 1|x"},
		{"a quote that is not closed", "a,b\n1,\"x\n2,y\n3,z\n", header, formattest.Ab, "2! a quote is not closed\n3: 2|y\n4: 3|z"},
		{"a quote that is not closed, at the end", "a,b\n1,x\n2,\"y", header, formattest.Ab, "2: 1|x\n3! a quote is not closed"},
		{"text behind a quote", "a,b\n1,\"x\"y\n2,z\n", header, formattest.Ab, "2! \"y\" stands behind a closing quote\n3: 2|z"},
		{"a quote that the next line closes", "a,b\n1,\"x\n2,\"y\"\n3,z\n", header, formattest.Ab,
			"2! stands behind a closing quote\n3: 2|y\n4: 3|z"},
		{"too few and too many fields", "a,b\n1\n2,x,y\n3,z\n", header, formattest.Ab,
			"2! 1 fields where there should be 2\n3! 3 fields where there should be 2\n4: 3|z"},
		{"a delimiter at the line's end", "a,b\n1,x,\n2,y,\"\"\n3,z\n", header, formattest.Ab, "2! 3 fields\n3! 3 fields\n4: 3|z"},
		{"null padding", "a,b\n1\n2,x\n", batch.Dialect{Header: batch.HeaderYes, NullPadding: true}, formattest.Ab, "2: 1|NULL\n3: 2|x"},
		{"empty is NULL, quoted too", "a,b\n,\n\"\",\"\"\n", header, formattest.Ab, "2: NULL|NULL\n3: NULL|NULL"},
		{"quoted is not NULL", "b,a\n\"\",1\n,\"\"\n", batch.Dialect{Header: batch.HeaderYes, NoQuotedNull: true}, formattest.Ab,
			"2: 1|\n3! a: \"\" is no INTEGER"},
		{"nullstr", "a,b\nNA,NA\n1,\n,x\n\"NA\",\"NA\"\n", batch.Dialect{Header: batch.HeaderYes, NullStr: []string{"NA"}, NullSet: true},
			formattest.Ab, "2: NULL|NULL\n3: 1|\n4! a: \"\" is no INTEGER\n5: NULL|NULL"},
		{"several nullstr", "a,b\nnull,-\n1,\n", batch.Dialect{Header: batch.HeaderYes, NullStr: []string{"null", "-", ""}, NullSet: true},
			formattest.Ab, "2: NULL|NULL\n3: 1|NULL"},
		{"other dialect", "# a,b\n a;b\n1;'x;#''y'\n\n  # no record\n2;z # said\n",
			batch.Dialect{Header: batch.HeaderNo, Skip: 2, Delim: ";", Quote: '\'', Comment: '#'}, formattest.Ab, "3: 1|x;#'y\n6: 2|z "},
		{"backslash escapes", "a,b\n1,\"x\\\"y\\\\\"\n2,\"z\\n\"\n3,w\\n\n", batch.Dialect{Header: batch.HeaderYes, Escape: '\\'}, formattest.Ab,
			"2: 1|x\"y\\\n3: 2|zn\n4: 3|w\\n"},
		{"no quotes", "a,b\n1,\"x\n2,\"y\"\n", batch.Dialect{Header: batch.HeaderYes, NoQuote: true}, formattest.Ab, "2: 1|\"x\n3: 2|\"y\""},
		{"semicolons found out", "a;b\n1;x,y\n", header, formattest.Ab, "2: 1|x,y"},
		{"tabs found out", "1\tx, y\n2\tz\n", batch.Dialect{Header: batch.HeaderNo}, formattest.Ab, "1: 1|x, y\n2: 2|z"},
		{"a blank as delimiter", "a b\n1 \"x y\"\n", batch.Dialect{Header: batch.HeaderYes, Delim: " "}, formattest.Ab, "2: 1|x y"},
		{"decimal comma", "a;b\n1,5;x\n1.5;y\n1;z\n1,5,0;w\n", batch.Dialect{Header: batch.HeaderYes, Delim: ";", DecimalSeparator: ','},
			[]batch.Field{{Name: "a", Type: "DECIMAL(9,2)"}, formattest.Ab[1]},
			"2: 1.50|x\n3! \"1.5\" is no DECIMAL(9,2)\n4: 1.00|z\n5! \"1,5,0\" is no"},
		{"formats of the dialect", "a,b\n31.01.2024,01/02/2024 03\n",
			batch.Dialect{Header: batch.HeaderYes, DateFormat: "%d.%m.%Y", TimestampFormat: "%d/%m/%Y %H"},
			[]batch.Field{{Name: "a", Type: "DATE"}, {Name: "b", Type: "TIMESTAMP"}}, "2: 2024-01-31|2024-02-01 03:00:00"},
		{"not UTF-8", "a,b\n1,ä\xff\n2,ü\n3,\"\xff\"\n\"\xff\",4\n", header, formattest.Ab,
			"2! field 2 is not UTF-8\n3: 2|ü\n4! field 2 is not UTF-8\n5! field 1 is not UTF-8"},
		{"a NUL byte", "a,b\n1,x\x00y\n", header, formattest.Ab, "2: 1|x\x00y"},
		{"nested values", "a;b\n\"{\"\"x\"\": [1, 2]}\";1\n{'x': 1};2\n[1] 2;3\n;4\nnull;5\n", batch.Dialect{Header: batch.HeaderYes, Delim: ";"},
			[]batch.Field{{Name: "a", Type: "STRUCT(x INTEGER[])"}, formattest.Ab[1]},
			"2: {'x': [1, 2]}|1\n3! is no STRUCT\n4! is no STRUCT\n5: NULL|4\n6: NULL|5"},
		{"a first record that is bad", "1,\"x\n2,y\n", batch.Dialect{}, formattest.Ab, "1! a quote is not closed\n2: 2|y"},
		{"only a header", "a,b\n", header, formattest.Ab, ""},
		{"CR CR LF is one line end", "a,b\r\r\n1,x\r\r\n\r\r\n2,\"y\"\r\r\n", header, formattest.Ab, "2: 1|x\n4: 2|y"},
		{"a CR in a quoted header", "a,\"b\rc\"\n1,x\n", header, []batch.Field{formattest.Ab[0], {Name: "b\rc", Type: "VARCHAR"}}, "2: 1|x"},
		{"a CR in the first record", "1,\"x\ry\"\n2,z\n", batch.Dialect{Header: batch.HeaderNo}, formattest.Ab, "1: 1|x\ry\n2: 2|z"},
		{"a LF in quotes, lines end in CR", "a,b\r1,\"x\ny\"\r2,z\r", header, formattest.Ab, "2: 1|x\ny\n3: 2|z"},
		{"skip counts lines that end in CR", "T\rU\ra,b\r1,x\r", batch.Dialect{Header: batch.HeaderYes, Skip: 2}, formattest.Ab, "4: 1|x"},
		{"skip goes to the end of a quoted text", "\"T\nU\"\na,b\n1,x\n", batch.Dialect{Header: batch.HeaderYes, Skip: 1}, formattest.Ab,
			"4: 1|x"},
		{"skip of the lines of a quoted text", "\"T\nU\"\na,b\n1,x\n", batch.Dialect{Header: batch.HeaderYes, Skip: 2}, formattest.Ab, "4: 1|x"},
		{"a title in quotes with a CR", "\"T\rU\"\na,b\n1,x\n", batch.Dialect{Header: batch.HeaderYes, Skip: 1}, formattest.Ab, "3: 1|x"},
		{"Excel's sep=", "sep=;\r\na;b\r\n1;x,y\r\n", batch.Dialect{}, formattest.Ab, "3: 1|x,y"},
		{"Excel's sep= in quotes, of a pipe", "\"sep=|\"\na|b\n1|x\n", batch.Dialect{}, formattest.Ab, "3: 1|x"},
		{"Excel's sep= and skip", "sep=;\nT\na;b\n1;x\n", batch.Dialect{Skip: 2}, formattest.Ab, "4: 1|x"},
		{"names with blanks, of no width, composed or not", "\ufeff A ,\u00a0cafe\u0301\u200b\n1,x\n", header,
			[]batch.Field{formattest.Ab[0], {Name: "Caf\u00e9", Type: "VARCHAR"}}, "2: 1|x"},
		{"names that DuckDB makes up", "a,,a\n1,x,3\n", header,
			[]batch.Field{formattest.Ab[0], {Name: "column1", Type: "VARCHAR"}, {Name: "a_1", Type: "INTEGER"}}, "2: 1|x|3"},
		{"a name that stands there comes before one that is made up", "a,a,a_1\n1,2,3\n", header,
			[]batch.Field{formattest.Ab[0], {Name: "a_1", Type: "INTEGER"}}, "2: 1|3"},
		{"names given", "p,q\n1,x\n", batch.Dialect{Header: batch.HeaderYes, Names: []string{"b", "a"}},
			[]batch.Field{{Name: "b", Type: "INTEGER"}, {Name: "a", Type: "VARCHAR"}}, "2: 1|x"},
		{"names given to fields without header", "x,1\n", batch.Dialect{Header: batch.HeaderNo, Names: []string{"b", "a"}}, formattest.Ab,
			"1: 1|x"},
		{"names of headers made plain", "\u00c9tat civil,No.\n1,x\n", batch.Dialect{Header: batch.HeaderYes, Normalize: true},
			[]batch.Field{{Name: "etat_civil", Type: "INTEGER"}, {Name: "_no", Type: "VARCHAR"}}, "2: 1|x"},
		{"no NULL by force", "a,b\n,\n", batch.Dialect{Header: batch.HeaderYes, NotNull: []string{"B"}}, formattest.Ab, "2: NULL|"},
		{"a delimiter of several bytes", "a::b\n1::x:y\n2:: \"z::w\" \n3::v::\n", batch.Dialect{Header: batch.HeaderYes, Delim: "::"},
			formattest.Ab, "2: 1|x:y\n3: 2|z::w\n4! 3 fields"},
		{"a delimiter that is no ASCII", "a\u00acb\n1\u00acx\n", batch.Dialect{Header: batch.HeaderYes, Delim: "\u00ac"}, formattest.Ab,
			"2: 1|x"},
		{"thousands", "a;b\n1,234,567;x\n-12,34,567;y\n1,5;z\n1234;v\n,123;w\n",
			batch.Dialect{Header: batch.HeaderYes, Delim: ";", Thousands: ','}, formattest.Ab,
			"2: 1234567|x\n3: -1234567|y\n4! \"1,5\" is no INTEGER\n5: 1234|v\n6! \",123\" is no"},
		{"thousands and a decimal comma", "a;b\n1.234,50;x\n1,234.5;y\n",
			batch.Dialect{Header: batch.HeaderYes, Delim: ";", Thousands: '.', DecimalSeparator: ','},
			[]batch.Field{{Name: "a", Type: "DOUBLE"}, formattest.Ab[1]}, "2: 1234.5|x\n3! \"1,234.5\" is no DOUBLE"},
		{"all records end in a delimiter", "a,b\n1,x,\n2,,\n3\n4,z,,\n\n", header, formattest.Ab, "2: 1|x\n3: 2|NULL\n4! 1 fields\n5! 4 fields"},
		{"so do they and the header", "a,b,\n1,x,\n2,y\n", header, formattest.Ab, "2: 1|x\n3! 2 fields"},
		{"a text that is cut at its delimiter", "b,a\nx,1\n\"p, q\",2\nMain St, 3,\n", header, formattest.Ab, "2: 1|x\n3: 2|p, q\n4! 3 fields"},
		{"a quoted text that is cut", "a,b,c\n1,x\"p, q\"\n2,5\",6\"\n3,5\"x\"6,7\n", header,
			[]batch.Field{formattest.Ab[0], formattest.Ab[1], {Name: "c", Type: "VARCHAR"}},
			"2! a quote opens within field 2\n3: 2|5\"|6\"\n4: 3|5\"x\"6|7"},
		{"a header that lacks a delimiter", "ab,c\n1,x,\n", header, []batch.Field{formattest.Ab[0], {Name: "c", Type: "VARCHAR"}}, "2! 3 fields"},
		{"a record with a column's name is no header", "1,a\n2,b\n", batch.Dialect{}, formattest.Ab, "1: 1|a\n2: 2|b"},
		{"nothing", "", header, formattest.Ab, ""},
		{"nothing but blank lines", "\n\r\n\n", batch.Dialect{}, formattest.Ab, ""},
		{"nothing but a header without line end", "a,b", header, formattest.Ab, ""},
	} {
		t.Run(k.name, func(t *testing.T) {
			k.d.Format = &Format
			got := formattest.Landed{}
			for _, l := range formattest.Land(t, c, k.fields, k.d, batch.Limits{}, batch.FileInfo{Path: "dir/a.csv"}, k.text) {
				got = l
			}
			formattest.CheckRecords(t, k.want, got)
		})
	}
}

// What the beginning of a file has shown doesn't hold for all of it: such records are bad.
func TestCSVBehindTheBeginning(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	for _, k := range []struct{ text, reason string }{
		{"a,b\r" + strings.Repeat("1,"+strings.Repeat("x", 97)+"\r", 60_000) + "2,y\nz\r", "a line feed stands outside of quotes"},
		{"a,b\n" + strings.Repeat("1,x,\n", 30_000) + "2,y\n", "the delimiter at the end is missing"},
	} {
		var reasons []string
		for _, l := range formattest.Land(t, c, formattest.Ab, batch.Dialect{Format: &Format}, batch.Limits{}, batch.FileInfo{}, k.text) {
			reasons = append(reasons, l.Reasons...)
		}
		if len(reasons) != 1 || !strings.Contains(reasons[0], k.reason) {
			t.Errorf("%q, want %s", reasons, k.reason)
		}
	}
}

// CheckRecords compares a batch with "line: row" and "line! reason" lines.
func TestCSVUnknownAndAbsent(t *testing.T) {
	t.Parallel()
	l, err := batch.NewLanding(formattest.Memory(t), "s", formattest.Ab, batch.Dialect{Format: &Format, Header: batch.HeaderYes},
		batch.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.Open(strings.NewReader("b,z,y\nx,1,2\n"), batch.Pos{}, batch.FileInfo{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Fill(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"a"}, {"y", "z"}}, [][]string{f.Absent(), b.UnknownNames()}); diff != "" || b.Input().Unknown != 2 {
		t.Error(diff, b.Input().Unknown)
	}
	b.Release()
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	day := batch.Field{Name: "day", Type: "DATE", Capture: "d"}
	for _, k := range []struct {
		fields     []batch.Field
		text, want string
	}{
		{formattest.Ab, "x,y,z\n1,2,3\n", "f.csv: its header names none of the declared columns; it has x, y, z"},
		{formattest.Ab, "a,\"b\nx,y\n", "f.csv: the header can't be read"},
		{append([]batch.Field{day}, formattest.Ab...), "a,b\n", `the path f.csv: day: "Monday" is no DATE`},
	} {
		l, err := batch.NewLanding(c, "s", k.fields, batch.Dialect{Format: &Format, Header: batch.HeaderYes}, batch.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Open(strings.NewReader(k.text), batch.Pos{}, batch.FileInfo{Path: "f.csv", Captures: map[string]string{"d": "Monday"}})
		if err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("got %v, want %s", err, k.want)
		}
		l.Close()
	}
}

func TestNewLandingErrors(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	for _, k := range []struct {
		f    batch.Field
		want string
	}{
		{batch.Field{Name: "c", Type: "INTERVAL"}, "column c: a source can't read values of type INTERVAL"},
		{batch.Field{Name: "c", Type: "INTEGER", Format: "epoch_s"}, "column c: FORMAT says how a time is written"},
		{batch.Field{Name: "c", Type: "TIMESTAMP", Format: "%Y-%q"}, "%q"},
		{batch.Field{Name: "c", Type: "TIMESTAMP", Format: "%H:%M"}, "gives no year"},
		{batch.Field{Name: "c", Type: "TIME", Format: "epoch_s"}, "gives a day"},
		{batch.Field{Name: "c", Type: "DATE", Format: "100%"}, "ends in %"},
		{batch.Field{Name: "c", Type: "INTEGER[]", Capture: "c"}, "column c: a part of the path can't be a INTEGER[]"},
		{batch.Field{Name: "c", Type: "INTEGER", Path: []string{"a", "b"}}, "column c: a column of a CSV file has no path"},
	} {
		if _, err := batch.NewLanding(c, "s", []batch.Field{formattest.Ab[0], k.f}, batch.Dialect{Format: &Format}, batch.Limits{}); err == nil ||
			!strings.Contains(err.Error(), k.want) {
			t.Errorf("%+v: got %v, want %s", k.f, err, k.want)
		}
	}
}

// Captures and _meta of a batch of several files; the row ids tell the records apart.
func TestSeveralFilesInABatch(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	fields := append([]batch.Field{{Name: "day", Type: "DATE", Capture: "d"}, {Name: "k", Type: "VARCHAR", Key: true}}, formattest.Ab...)
	l, err := batch.NewLanding(c, "a source with a long name", fields, batch.Dialect{Format: &Format}, batch.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := l.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"2024-01-01", "2024-01-02", "2024-01-03"} {
		text := "a,b\n1," + d + "\nx,y\n2,z\n" + strings.Repeat("3,w\n", 1500)
		if d == "2024-01-02" {
			text = "b\n\"multi\nline\"\n"
		}
		f, err := l.Open(strings.NewReader(text), batch.Pos{}, batch.FileInfo{Path: "in/" + d + ".csv", Captures: map[string]string{"d": d}})
		if err != nil {
			t.Fatal(err)
		}
		if more, err := b.Fill(t.Context(), f); more || err != nil {
			t.Fatal(more, err)
		}
	}
	in := b.Input()
	var got string
	if _, err := c.Scan(t.Context(), duck.SQL(`SELECT string_agg(concat_ws(' ', day, a, b, _meta.file, _meta.line), ', `+
		`' ORDER BY {id}) || '; ' || count(DISTINCT {id}) || ' ' || count(_meta.topic) || count(_meta."offset") || count(k) || ' ' || `+
		`min(_meta.source) || max(_meta.source)
		FROM {rows} WHERE b <> 'w' OR _meta.line = 1504`, duck.Args{"rows": in.Rows, "id": in.RowID}), &got); err != nil {
		t.Fatal(err)
	}
	want := "2024-01-01 1 2024-01-01 in/2024-01-01.csv 2, 2024-01-01 2 z in/2024-01-01.csv 4, 2024-01-01 3 w in/2024-01-01.csv 1504, " +
		"2024-01-02 multi\nline in/2024-01-02.csv 2, " +
		"2024-01-03 1 2024-01-03 in/2024-01-03.csv 2, 2024-01-03 2 z in/2024-01-03.csv 4, 2024-01-03 3 w in/2024-01-03.csv 1504; 7 000 a " +
		"source with a long namea source with a long name"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Scan(t.Context(),
		duck.SQL(`SELECT string_agg(concat_ws(' ', data, _meta.file, _meta.line, _payload::VARCHAR), ', ' ORDER BY {id}) || (SELECT ' ' || `+
			`count(*) || ' ' || count(DISTINCT {id}) FROM {raw}) FROM {bad}`,
			duck.Args{"bad": in.Bad, "id": in.RowID, "raw": in.Raw}), &got); err != nil {
		t.Fatal(err)
	}
	want = `{"day":"2024-01-01","k":null,"a":null,"b":"y"} in/2024-01-01.csv 3 x,y, {"day":"2024-01-03","k":null,"a":null,"b":"y"} ` +
		`in/2024-01-03.csv 3 x,y 3007 3007`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.Release()
}
