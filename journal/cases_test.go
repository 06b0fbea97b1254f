package journal

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// TestCases runs the cases of testdata/cases/journal: feeds with a batch for each file, with all files in one, and with the files
// the other way round; snapshots a batch a file.
func TestCases(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("../testdata/cases/journal/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no cases", err)
	}
	for _, dir := range dirs {
		c := readCase(t, dir)
		for _, deliver := range c.deliveries() {
			t.Run(filepath.Base(dir)+"/"+deliver, func(t *testing.T) {
				t.Parallel()
				c.run(t, deliver)
			})
		}
	}
}

type journalCase struct {
	dir       string
	Mode      string
	Keys      []string
	Sequence  []string
	Columns   []string
	Types     map[string]string
	LoadTimes []*string `json:"load_times"`
	Options   struct {
		Tracked     []string
		IgnoreNulls bool `json:"ignore_nulls"`
	}
}

func readCase(t *testing.T, dir string) *journalCase {
	t.Helper()
	text, err := os.ReadFile(dir + "/case.json")
	if err != nil {
		t.Fatal(err)
	}
	c := &journalCase{dir: dir}
	if err := json.Unmarshal(text, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *journalCase) deliveries() []string {
	switch {
	case c.Mode != "feed":
		return []string{"each"}
	case strings.Contains(c.dir, "conflict"): // which of two stays depends on the order of arrival
		return []string{"each", "all"}
	}
	return []string{"each", "all", "reversed"}
}

func table(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func quoted(names []string) string { return duck.Idents("", names...).String() }

// read is a query of a case's file, with types for its columns and NULL for those of all that it lacks.
func (c *journalCase) read(t *testing.T, path string, all []string) string {
	head := table(t, path)[0]
	var cols, out []string
	for _, h := range head {
		typ := c.Types[h]
		if typ == "" {
			typ = "VARCHAR"
		}
		cols = append(cols, fmt.Sprintf("'%s': '%s'", h, typ))
	}
	for _, a := range all {
		if !slices.Contains(head, a) {
			typ := c.Types[a]
			out = append(out, fmt.Sprintf(`NULL::%s AS "%s"`, typ, a))
			continue
		}
		out = append(out, `"`+a+`"`)
	}
	return fmt.Sprintf(`SELECT %s FROM read_csv('%s', header=true, nullstr='\N', auto_detect=false, delim=',', quote='"',
		escape='"', columns={%s})`, strings.Join(out, ", "), path, strings.Join(cols, ", "))
}

func (c *journalCase) run(t *testing.T, deliver string) {
	b := newBench(t, "")
	loads, err := filepath.Glob(c.dir + "/load*.csv")
	if err != nil || len(loads) != len(c.LoadTimes) {
		t.Fatal(len(loads), err)
	}
	for i := range loads {
		loads[i] = fmt.Sprintf("%s/load%d.csv", c.dir, i+1)
	}
	var all []string
	for _, l := range loads {
		for _, h := range table(t, l)[0] {
			if !slices.Contains(all, h) {
				all = append(all, h)
			}
		}
	}
	var decl []string
	for _, h := range all {
		typ := c.Types[h]
		if typ == "" {
			typ = "VARCHAR"
		}
		decl = append(decl, fmt.Sprintf("%q %s", h, typ))
	}
	absent := func(l string) func(*kind.Accepted) {
		return func(a *kind.Accepted) {
			head := table(t, l)[0]
			for _, h := range all {
				if !slices.Contains(head, h) {
					a.Absent = append(a.Absent, h)
				}
			}
		}
	}
	sequence := c.Sequence
	if c.Mode == "feed" {
		text := fmt.Sprintf("CREATE JOURNAL j KEYS (%s) SEQUENCE BY (%s) DELETE WHEN op = 'D' COLUMNS * EXCEPT (op)", quoted(c.Keys),
			quoted(c.Sequence))
		tracked := c.Options.Tracked
		if tracked == nil {
			tracked = c.Columns
		}
		text += fmt.Sprintf(" TRACK (%s)", quoted(tracked))
		if c.Options.IgnoreNulls {
			text += fmt.Sprintf(" IGNORE NULL UPDATES ON (%s)", quoted(c.Columns))
		}
		b.mustDeclare(text+" FROM ev", strings.Join(decl, ", "))
		switch deliver {
		case "all":
			var q []string
			for _, l := range loads {
				q = append(q, c.read(t, l, all))
			}
			b.mustWrite(strings.Join(q, " UNION ALL "))
		default:
			if deliver == "reversed" {
				slices.Reverse(loads)
			}
			for _, l := range loads {
				b.mustWrite(c.read(t, l, all), absent(l))
			}
		}
	} else {
		sequence = []string{"load_date"}
		c.Types["load_date"] = "TIMESTAMP"
		b.mustDeclare(fmt.Sprintf("CREATE JOURNAL j KEYS (%s) SNAPSHOT AT load_date ON MISSING CLOSE IF REMOVED < 101 PERCENT "+
			"COLUMNS * EXCEPT (load_date) FROM ev", quoted(c.Keys)), strings.Join(decl, ", ")+", load_date TIMESTAMP")
		for i, l := range loads {
			at := *c.LoadTimes[i]
			b.mustWrite(fmt.Sprintf("SELECT *, TIMESTAMP '%s' AS load_date FROM (%s)", at, c.read(t, l, all)), absent(l), func(a *kind.Accepted) {
				a.Input = &kind.Input{Source: "ev", Snapshot: true, Captures: map[string]string{"load_date": at}}
			})
		}
	}
	span := []string{"valid_from", "valid_to"}
	if len(sequence) > 1 {
		span = nil
		for _, p := range []string{"valid_from_", "valid_to_"} {
			for _, s := range sequence {
				span = append(span, p+s)
			}
		}
	}
	for i, s := range span {
		c.Types[s] = c.Types[sequence[i%len(sequence)]]
	}
	head := table(t, c.dir+"/expected.csv")[0]
	b.same(fmt.Sprintf("SELECT %s FROM j_history", quoted(head)), c.read(t, c.dir+"/expected.csv", head))
	if deliver != "reversed" {
		var want []string
		for _, r := range table(t, c.dir+"/rejects.csv")[1:] {
			want = append(want, r[1])
		}
		slices.Sort(want)
		if got := b.rows("SELECT split_part(reason, ':', 1) FROM dsql.rejects"); !slices.Equal(got, want) {
			t.Errorf("rejects %v, want %v", got, want)
		}
	}
	values := quoted(append(c.Keys, c.Columns...))
	b.same("SELECT "+values+" FROM j", fmt.Sprintf("SELECT %s FROM j_history WHERE %q IS NULL", values, span[len(span)-1]))
}

// same compares two queries.
func (b *bench) same(got, want string) {
	b.t.Helper()
	g, w := b.rows(got), b.rows(want)
	missing := slices.DeleteFunc(slices.Clone(w), func(r string) bool { return slices.Contains(g, r) })
	extra := slices.DeleteFunc(slices.Clone(g), func(r string) bool { return slices.Contains(w, r) })
	if !slices.Equal(g, w) {
		b.t.Errorf("%s: %d rows, want %d\nmissing: %v\nextra: %v", got, len(g), len(w), missing, extra)
	}
}
