package rules

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/testkit"
	"dsql/sql"
	"dsql/sql/code"
)

func TestWarn(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, `CREATE TABLE p AS SELECT * FROM range(10) v(id)`)
	p, err := compile(t, c, `CREATE STREAM s RULES (CONSTRAINT low EXPECT (id < 6) ON VIOLATION WARN, CONSTRAINT even EXPECT (id % 2 = 0), SET id = id * 10,
		CONSTRAINT all_right EXPECT (id < 100) ON VIOLATION WARN, CONSTRAINT high EXPECT (id < 40) ON VIOLATION WARN) FROM p`)
	if err != nil {
		t.Fatal(testkit.Rendered(err))
	}
	for _, mode := range modes {
		err = c.Scratch(t.Context(), func(tx *duck.Tx) error {
			out, err := p.Run(t.Context(), tx,
				Batch{Destination: "s", Version: 3, Rel: duck.Ident("p"), Columns: testkit.Columns(t, c, "p"), Stage: mode == "stage",
					Once: mode == "once"})
			if err != nil {
				return err
			}
			rows := text(t, c, duck.SQL("FROM {rel}", duck.Args{"rel": out.Rows}))
			if err := out.Settle(t.Context(), tx); err != nil {
				return err
			}
			var said []string
			for _, w := range out.Warned {
				said = append(said, w.Error())
			}
			want := []any{"0\n20\n40\n60\n80", "low|3|2|warn|2\nall_right|3|0|pass|0\nhigh|3|3|warn|3",
				[]string{"test.sql:1:35: 2 rows of s broke low and were kept", "test.sql:2:72: 3 rows of s broke high and were kept"}}
			if d := cmp.Diff(want, []any{rows,
				text(t, c, duck.SQL("SELECT name, version, value, verdict, failed_rows FROM dsql.checks")), said}); d != "" {
				t.Error(d)
			}
			return nil
		})
		if err != nil {
			t.Fatal(testkit.Rendered(err))
		}
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, `CREATE TABLE p AS SELECT * FROM range(10) v(id)`)
	for _, mode := range modes {
		_, _, _, err := run(t, c, "p", "SET id = id + 1, CONSTRAINT low EXPECT (id < 7) ON VIOLATION FAIL", mode)
		var e *sql.Error
		if !errors.As(err, &e) || e.ExitCode() != code.ExitGate {
			t.Fatal(err)
		}
		want := `test.sql:1:52: error: 4 rows of s broke low, which is ON VIOLATION FAIL; nothing of the batch was written [constraint]
   1 | CREATE STREAM s RULES (SET id = id + 1, CONSTRAINT low EXPECT (id < 7) ON VIOLATION FAIL) FROM p
     |                                                    ^^^
  hint: mend the data or the rule, or let the rule REJECT such rows and go on; they are like
        {"id":7}
        {"id":8}
        {"id":9}
`
		if d := cmp.Diff(want, testkit.Rendered(err)); d != "" {
			t.Error(d)
		}
	}
}

// A rejected row of a source is kept with its coordinates and bytes, and _row goes on with those that stay.
func TestInput(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, `CREATE TABLE raw AS SELECT i, 'line ' || i AS text, {'file': 'a.csv', 'line': i + 1} AS m FROM range(4) t(i)`)
	meta := "struct_pack(" + "source := 'src', topic := NULL::VARCHAR, \"partition\" := NULL::INTEGER, \"offset\" := NULL::BIGINT, " +
		"\"timestamp\" := NULL::TIMESTAMP, \"key\" := NULL::BLOB, headers := NULL::STRUCT(\"key\" VARCHAR, \"value\" BLOB)[], tombstone := " +
		"false, file := 'a.csv', line := i)"
	in := &kind.Input{RowID: duck.SQL("_meta.line"), Raw: duck.Text("(SELECT " + meta + " AS _meta, encode(text) AS _payload FROM raw)")}
	rel := duck.Text("(SELECT i, _meta, _meta.line AS _row FROM (SELECT i, " + meta + " AS _meta FROM raw))")
	stmts, err := sql.Parse(sql.NewSource("test.sql", "CREATE STREAM s RULES (CONSTRAINT c EXPECT (_meta.line <> 2)) FROM p"), forms)
	if err != nil {
		t.Fatal(err)
	}
	cols := []duck.Column{{Name: "i", Type: "BIGINT"}}
	p, err := Compile(t.Context(), c, kind.CompileChain(stmts[0].Decl).Rules,
		append(cols, duck.Column{Name: catalog.MetaColumn, Type: catalog.MetaType}), nil)
	if err != nil {
		t.Fatal(testkit.Rendered(err))
	}
	for _, keep := range []bool{false, true} {
		for _, mode := range modes {
			err = c.Scratch(t.Context(), func(tx *duck.Tx) error {
				out, err := p.Run(t.Context(), tx,
					Batch{Destination: "s", Source: "src", Version: 3, Rel: rel, Columns: cols, HasRow: true, Input: in,
						Keep: map[bool][]string{true: {catalog.MetaColumn}}[keep], Stage: mode == "stage", Once: mode == "once"})
				if err != nil {
					return err
				}
				rows := text(t, c, duck.SQL("SELECT i, _row FROM {rel}", duck.Args{"rel": out.Rows}))
				if err := out.Settle(t.Context(), tx); err != nil {
					return err
				}
				want := []string{"0|0\n1|1\n3|3", "src|c|a.csv|2|line 2"}
				if got := []string{rows, text(t, c,
					duck.SQL("SELECT source, rule, meta.file, meta.line, decode(payload) FROM dsql.rejects"))}; !cmp.Equal(got, want) {
					t.Error(cmp.Diff(want, got))
				}
				have, err := c.Describe(t.Context(), duck.SQL("FROM {rel}", duck.Args{"rel": out.Rows}), sql.Place{})
				if n := len(have); n != 2 && !keep || n != 3 && keep {
					t.Errorf("columns %v", have)
				}
				return err
			})
			if err != nil {
				t.Fatal(testkit.Rendered(err))
			}
		}
	}
}

// Whatever the rules: every row of the batch goes on, or is in dsql.rejects, or was counted; and a row's fate is that of a walk
// through the rules one row at a time.
func TestAccounts(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, `CREATE TABLE p AS SELECT i AS a, CASE WHEN i % 7 <> 0 THEN i % 5 END AS b, i % 3 AS c FROM range(200) t(i)`)
	actions := []string{reject, drop, warn, "", reject}
	rapid.Check(t, func(t *rapid.T) {
		type rule struct {
			set, action string
			add, mod    int
			of          string
		}
		var rules []rule
		var script []string
		for i := range rapid.IntRange(0, 8).Draw(t, "rules") {
			r := rule{of: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "of"), add: rapid.IntRange(-3, 3).Draw(t, "add"),
				mod: rapid.IntRange(2, 9).Draw(t, "mod")}
			if rapid.Bool().Draw(t, "set") {
				r.set = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "column")
				script = append(script, fmt.Sprintf("SET %s = (%s + %d) %% 11", r.set, r.of, r.add))
			} else {
				r.action = rapid.SampledFrom(actions).Draw(t, "action")
				s := fmt.Sprintf("CONSTRAINT c%d EXPECT (%s %% %d <> 0)", i, r.of, r.mod)
				if r.action == "" {
					r.action = reject
				} else {
					s += " ON VIOLATION " + r.action
				}
				script = append(script, s)
			}
			rules = append(rules, r)
		}
		// The walk.
		var kept, rejected []string
		dropped, warned := 0, 0
		for i := range 200 {
			row := map[string]*int{"a": new(int), "b": new(int), "c": new(int)}
			*row["a"], *row["b"], *row["c"] = i, i%5, i%3
			if i%7 == 0 {
				row["b"] = nil
			}
			fate, warns, by := "kept", 0, 0
			for j, r := range rules {
				v := row[r.of]
				switch {
				case r.set != "" && v == nil:
					row[r.set] = nil
				case r.set != "":
					n := (*v + r.add) % 11
					row[r.set] = &n
				case v != nil && *v%r.mod == 0 && r.action == warn:
					warns++
				case v != nil && *v%r.mod == 0:
					fate, by = r.action, j
				}
				if fate != "kept" {
					break
				}
			}
			show := func(c string) string {
				if row[c] == nil {
					return "NULL"
				}
				return fmt.Sprint(*row[c])
			}
			line := show("a") + "|" + show("b") + "|" + show("c")
			switch fate {
			case "kept":
				kept, warned = append(kept, line), warned+warns
			case reject:
				rejected = append(rejected, fmt.Sprintf("c%d|%s", by, line))
			case drop:
				dropped++
			}
		}
		p, err := compile(t, c, "CREATE STREAM s RULES ("+strings.Join(script, ", ")+") FROM p")
		if len(script) == 0 {
			p, err = &Program{}, nil
		}
		if err != nil {
			t.Fatal(testkit.Rendered(err))
		}
		mode := rapid.SampledFrom(modes).Draw(t, "mode")
		err = c.Scratch(t.Context(), func(tx *duck.Tx) error {
			out, err := p.Run(t.Context(), tx,
				Batch{Destination: "s", Version: 1, Rel: duck.Ident("p"),
					Columns: []duck.Column{{Name: "a", Type: "BIGINT"}, {Name: "b", Type: "BIGINT"}, {Name: "c", Type: "BIGINT"}}, Stage: mode == "stage",
					Once: mode == "once"})
			if err != nil {
				return err
			}
			rows := lines(text(t, c, duck.SQL("FROM {rel}", duck.Args{"rel": out.Rows})))
			if err := out.Settle(t.Context(), tx); err != nil {
				return err
			}
			got := []any{rows,
				lines(text(t, c, duck.SQL("SELECT rule, data->>'a', data->>'b', data->>'c' FROM dsql.rejects"))),
				text(t, c, duck.SQL("SELECT coalesce(sum(failed_rows), 0)::INTEGER FROM dsql.checks")), out.Dropped, out.Rejected}
			want := []any{lines(strings.Join(kept, "\n")), lines(strings.Join(rejected, "\n")), fmt.Sprint(warned), int64(dropped),
				int64(len(rejected))}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s\n%s", strings.Join(script, ", "), d)
			}
			if out.In >= 0 && out.In != int64(len(kept))+out.Rejected+out.Dropped {
				t.Errorf("%d rows in", out.In)
			}
			return nil
		})
		if err != nil {
			t.Fatal(testkit.Rendered(err))
		}
	})
}

func lines(s string) []string {
	l := strings.Split(s, "\n")
	slices.Sort(l)
	return l
}

func TestCases(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("../testdata/cases/cleanse/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no cases", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var e struct {
				Rules []struct {
					Set, To, Name, Expect string
					On                    string `json:"on_violation"`
				}
			}
			data, err := os.ReadFile(dir + "/rules.json")
			if err != nil || json.Unmarshal(data, &e) != nil {
				t.Fatal(err)
			}
			var rules []string
			for _, r := range e.Rules {
				if r.Set != "" {
					rules = append(rules, fmt.Sprintf("SET %q = %s", r.Set, r.To))
				} else {
					rules = append(rules, fmt.Sprintf("CONSTRAINT %q EXPECT (%s) ON VIOLATION %s", r.Name, r.Expect, strings.ToUpper(r.On)))
				}
			}
			c := bench(t)
			testkit.Exec(t, c, "CREATE TABLE p AS FROM read_csv('"+dir+"/in.csv', header = true, nullstr = '\\N')")
			for _, mode := range modes {
				_, kept, rejected, err := run(t, c, "p", strings.Join(rules, ", "), mode)
				if err != nil {
					t.Fatal(testkit.Rendered(err))
				}
				if d := cmp.Diff(csvFile(t, dir+"/expected.csv", false), kept); d != "" {
					t.Error(d)
				}
				var got []string
				for _, l := range strings.Split(rejected, "\n") {
					rule, _, _ := strings.Cut(l, "|")
					got = append(got, rule)
				}
				if d := cmp.Diff(csvFile(t, dir+"/rejects.csv", true), strings.Join(got, "\n")); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// csvFile is a CSV file's rows as text, or their last column.
func csvFile(t *testing.T, name string, last bool) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rows[1:] {
		if last {
			r = r[len(r)-1:]
		}
		out = append(out, strings.ReplaceAll(strings.Join(r, "|"), `\N`, "NULL"))
	}
	return strings.Join(out, "\n")
}
