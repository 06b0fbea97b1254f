package files

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

func columnsText(cols []duck.Column) string {
	var out []string
	for _, c := range cols {
		out = append(out, c.Name+" "+string(c.Type))
	}
	return strings.Join(out, ", ")
}

func TestInference(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{
		"0.csv": "", "a.csv": "id,day,at,odd,zoned,none,t\n1,2025-01-02,2025-01-02T10:00:00,31/12/2024,2025-01-02T10:00:00+02:00,,10:00:00\n" +
			"2,2025-01-03,2025-01-02 10:00:00.5,30/12/2024,2025-01-02T10:00:00Z,,10:00:01\n",
		"b.csv.gz": "id;x\n1;2,5\n", "c.csv.zst": "1,a\n2,b\n",
		"d.jsonl": `{"id": 1, "who": {"name": "x", "n": [1, 2.5]}, "at": "2025-01-02T10:00:00Z", "day": "12-31-2024", "mixed": 1}` +
			"\nnot JSON\n" + `{"id": 2, "mixed": "x", "big": 1e3}` + "\n",
		"e.json": `[{"a": 1}, {"a": 2.5, "b": true}]`, "twice.csv": "a,a\n1,2\n", "twice.jsonl": `{"a": 1, "A": 2, "b_2": 3}`,
		"null.csv": "a,b\nNA,1\n5,2\n", "bad.parquet": "x", "x_eu.csv": "id\n1\n",
	})
	l.parquet("f.parquet", "SELECT 1::TINYINT AS id, TIMESTAMPTZ '2025-01-02 10:00:00+00' AS at, {'a': [1.5]} AS s, NULL AS n")
	for _, k := range []struct{ files, want, rows string }{
		{"'[0a].csv'", "id BIGINT, day DATE, at TIMESTAMP, odd VARCHAR, zoned TIMESTAMP, none VARCHAR, t TIME",
			"1|2025-01-02|2025-01-02 10:00:00|31/12/2024|2025-01-02 08:00:00|NULL|10:00:00\n2|2025-01-03|2025-01-02 " +
				"10:00:00.5|30/12/2024|2025-01-02 10:00:00|NULL|10:00:01"},
		{"'a.csv', all_varchar, dateformat '%d/%m/%Y'",
			"id VARCHAR, day VARCHAR, at VARCHAR, odd VARCHAR, zoned VARCHAR, none VARCHAR, t VARCHAR", ""},
		{"'a.csv', dateformat '%d/%m/%Y'", "id BIGINT, day TIMESTAMP, at TIMESTAMP, odd DATE, zoned TIMESTAMP, none VARCHAR, t TIME", ""},
		{"'b.csv.gz', delim ';', decimal_separator ','", "id BIGINT, x DOUBLE", "1|2.5"},
		{"'c.csv.zst', header false", "column0 BIGINT, column1 VARCHAR", "1|a\n2|b"},
		{"'d.jsonl'", "id BIGINT, who STRUCT(\"name\" VARCHAR, n DOUBLE[]), at TIMESTAMP, day VARCHAR, mixed JSON, big DOUBLE",
			"1|{'name': x, 'n': [1.0, 2.5]}|2025-01-02 10:00:00|12-31-2024|1|NULL\n2|NULL|NULL|NULL|\"x\"|1000.0"},
		{"'e.json'", "a DOUBLE, b BOOLEAN", "1.0|NULL\n2.5|true"},
		{"'twice.csv'", "a BIGINT, a_1 BIGINT", "1|2"},
		{"'null.csv', nullstr ('NA', '-')", "a BIGINT, b BIGINT", "NULL|1\n5|2"},
		{"'f.parquet'", "id TINYINT, at TIMESTAMP WITH TIME ZONE, s STRUCT(a DECIMAL(2,1)[]), n INTEGER",
			"1|2025-01-02 10:00:00+00|{'a': [1.5]}|NULL"},
		{"'x_{region}.csv', header", "id BIGINT, region VARCHAR", "1|eu"},
	} {
		l.pinned = nil
		r := l.run("CREATE SOURCE s FROM FILES ("+k.files+")", "d")
		if r.err != nil {
			t.Errorf("%s: %v", k.files, r.err)
			continue
		}
		equalLines(t, columnsText(r.cols), k.want)
		if k.rows != "" {
			equalLines(t, l.show("SELECT * EXCLUDE (file, line) FROM d"), k.rows)
		}
		l.sql("DROP TABLE d")
		l.sql("DELETE FROM dsql.files")
	}
	for _, k := range []struct{ files, code, msg string }{
		{"'none*.csv'", "nothing-to-infer", "no file of none*.csv has a record"},
		{"'0.csv'", "nothing-to-infer", "no file of 0.csv has a record"},
		{"'bad.parquet'", "not-inferred", "the columns of bad.parquet can't be inferred"},
	} {
		l.pinned = nil
		exit := map[string]int{"not-inferred": code.ExitFailed}[k.code]
		if exit == 0 {
			exit = code.ExitScript
		}
		l.run("CREATE SOURCE s FROM FILES ("+k.files+")", "d").fails(t, k.code, k.msg, exit)
	}
}

// What was inferred stays: later files must convert to it.
func TestPinned(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/1.csv": "id,x\n1,2\n"})
	const s = "CREATE SOURCE s FROM FILES ('in/*.csv')"
	l.run(s, "d").is(t, "in/1.csv → d: 1")
	l.put("in/0.csv", "id,x,y\n1.5,a,b\n3,4,5\n")
	l.run(s, "d").is(t, "in/0.csv → d: 1 bad 1 unknown 1")
	equalLines(t, columnsText(l.pinned), "id BIGINT, x BIGINT")
}

func TestSchemaChange(t *testing.T) {
	t.Parallel()
	files := map[string]string{"in/1.csv": "id,x\n1,2\n", "in/2.csv": "id,z,x,y\n3,,4,2025-01-01\n", "in/1.jsonl": `{"id": 1}` + "\n",
		"in/2.jsonl": `{"id": 2, "who": {"city": "x", "age": 3}, "tags": [1]}` + "\nnone\n" + `{"id": 3, "tags": [2.5]}`}
	for _, k := range []struct{ format, first, added, rows, error string }{
		{"csv", "id BIGINT, x BIGINT", "id BIGINT, x BIGINT, z VARCHAR, y DATE", "1|2|NULL|NULL\n3|4|NULL|2025-01-01",
			"in/2.csv has fields y, z, which s does not declare"},
		{"jsonl", "id BIGINT, x BIGINT FROM '$.who.city'", "id BIGINT, x BIGINT, tags DOUBLE[]", "1|NULL|NULL\n3|NULL|[2.5]",
			"in/2.jsonl has fields age, tags, which s does not declare"},
		{"parquet", "id BIGINT, x BIGINT", "id BIGINT, x BIGINT, y DATE, z INTEGER", "1|2|NULL|NULL\n3|4|2025-01-01|NULL",
			"in/2.parquet has fields y, z, which s does not declare"},
	} {
		t.Run(k.format, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, files)
			l.parquet("in/1.parquet", "SELECT 1 AS id, 2 AS x")
			l.parquet("in/2.parquet", "SELECT 3 AS id, 4 AS x, DATE '2025-01-01' AS y, NULL::INTEGER AS z")
			from := " FROM FILES ('in/*." + k.format + "') ON SCHEMA CHANGE "
			s := "CREATE SOURCE s (" + k.first + ")" + from
			r := l.run(s+"FAIL", "fail")
			r.fails(t, "schema-change", k.error, code.ExitFailed)
			if len(r.log) != 1 {
				t.Errorf("the first file was not taken before: %v", r.log)
			}
			l.pinned = nil
			if r := l.run(s+"IGNORE", "ignore"); r.err != nil || len(r.log) != 2 || !strings.Contains(r.log[1], "unknown") {
				t.Error(r)
			}
			l.pinned = nil
			if r = l.run(s+"ADD COLUMNS", "added"); r.err != nil {
				t.Fatal(r.err)
			}
			equalLines(t, columnsText(r.cols), k.added)
			equalLines(t, l.show("SELECT * EXCLUDE (file, line) FROM added"), k.rows)
			// The columns stay, though no new file has them; and without a pin all files are looked at again.
			r = l.run(s+"ADD COLUMNS", "added")
			r.is(t, "")
			equalLines(t, columnsText(r.cols), k.added)
			l.pinned = nil
			equalLines(t, columnsText(l.run(s+"ADD COLUMNS", "added").cols), k.added)
		})
	}
}

// A file with new columns that comes after these were found must wait: the tables of this run can't store them.
func TestColumnsThatComeLater(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/1.csv": "id\n1\n"})
	s := l.source("CREATE SOURCE s FROM FILES ('in/*.csv', header) ON SCHEMA CHANGE ADD COLUMNS")
	if r := l.runOn(s, "d"); r.err != nil {
		t.Fatal(r.err)
	}
	// As if the script went on: the same source, opened again without being bound.
	l.put("in/0.csv", "id\n2\n")
	l.put("in/2.csv", "id,x\n3,4\n")
	l.put("in/3.csv", "id\n5\n")
	var warned []string
	r, err := s.Open(context.Background(), l.c, l.env, l.pinned,
		kind.ReadOptions{Destinations: []string{"d"}, Warn: func(e *sql.Error) { warned = append(warned, e.Msg) }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	in, err := r.Next(context.Background())
	if err != nil || in.Origin != "in/0.csv" {
		t.Fatal(in, err)
	}
	in.Release()
	if _, err := r.Next(context.Background()); err == nil {
		t.Error("a file with unknown columns was read")
	}
	equalLines(t, fmt.Sprint(warned),
		"[in/2.csv came while this was running, and has a new column x: it and the files behind it wait for the next run]")
}

func TestTypesOfColumns(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	r := l.run("CREATE SOURCE s (id BIGNT, name TEXT, tags STRUCT(a INTEGER)[]) FROM FILES ('*.csv')", "d")
	r.fails(t, "unknown-type", "there is no type BIGNT", code.ExitScript)
	var e *sql.Error
	if errors.As(r.err, &e); e.Hint != "did you mean BIGINT?" {
		t.Error(e.Hint)
	}
	r = l.run("CREATE SOURCE s (id INT, name TEXT, at TIMESTAMPTZ) FROM FILES ('{city}/*.csv')", "d")
	equalLines(t, columnsText(r.cols), "id INTEGER, name VARCHAR, at TIMESTAMP WITH TIME ZONE, city VARCHAR")
	l.put("x/a.csv", "id\n1\n")
	r = l.run("CREATE SOURCE s (id INT FORMAT epoch_s) FROM FILES ('*/*.csv')", "d")
	r.fails(t, "source-column", "column id: FORMAT says how a time is written", code.ExitScript)
	if errors.As(r.err, &e); e.Span.Of(e.Src) != "INT" {
		t.Errorf("the caret is under %q", e.Span.Of(e.Src))
	}
}
