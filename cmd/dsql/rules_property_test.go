package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// Random rules over random rows, in batches with bad records, with rules that change, replays, and kills at fault points: every
// account closes, each row of the source is in one place of each destination, and it got there by one pass of the SETs.
func TestRulesKeepEveryRow(t *testing.T) {
	t.Parallel()
	n := 8
	if testing.Short() {
		n = 3
	}
	for seed := range n {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := &story{T: t, Rand: rand.New(rand.NewPCG(uint64(seed), 11)), dir: t.TempDir()}
			s.play()
		})
	}
}

// story is one random life of a file.
type story struct {
	*testing.T
	*rand.Rand
	dir   string
	files int
	good  int // rows that could be read
	bad   int // records that couldn't
}

var faults = []string{"after-rules", "before-places"}

func (s *story) play() {
	s.file()
	s.script()
	for range 5 {
		switch s.IntN(4) {
		case 0:
			s.script() // other rules
		default:
			s.file()
		}
		if s.IntN(2) == 0 {
			s.run("run.sql", fmt.Sprintf("DSQL_FAULT=kill:%s:%d", faults[s.IntN(len(faults))], 1+s.IntN(3)))
		}
		s.settle()
		if s.IntN(2) == 0 {
			where := []string{"", " WHERE rule = 'c1'", " WHERE id % 2 = 0"}[s.IntN(3)]
			s.write("replay.sql", fmt.Sprintf("REPLAY REJECTS FROM t%s;\nREPLAY REJECTS FROM j%s;\n", where, where))
			if s.IntN(3) == 0 {
				s.run("replay.sql", fmt.Sprintf("DSQL_FAULT=kill:%s:1", faults[s.IntN(len(faults))]))
			}
			s.run("replay.sql")
		}
		s.check()
	}
}

// file is one more batch: rows with ids of their own, and perhaps bad records.
func (s *story) file() {
	var b strings.Builder
	b.WriteString("id,a,b\n")
	for range s.IntN(12) {
		if s.IntN(8) == 0 {
			b.WriteString("x,1,bad\n")
			s.bad++
			continue
		}
		s.good++
		a := fmt.Sprint(s.IntN(9))
		if s.IntN(6) == 0 {
			a = ""
		}
		fmt.Fprintf(&b, "%d,%s,%s\n", s.good, a, []string{"", "é", "long enough", "z"}[s.IntN(4)])
	}
	s.files++
	s.write(fmt.Sprintf("in/%03d.csv", s.files), b.String())
}

// script declares a stream and a journal with random rules: the SETs of a add up, so that a second pass would show.
func (s *story) script() {
	rules := func() string {
		var items []string
		for i := range 1 + s.IntN(5) {
			switch s.IntN(3) {
			case 0:
				items = append(items, []string{"SET a = a + 100", "SET b = b || '!'", "SET a = EXPR 'a == nil ? nil : a + 100'",
					"SET COLUMNS('^b$') = upper(_ || '!')"}[s.IntN(4)])
			default:
				items = append(items, fmt.Sprintf("CONSTRAINT c%d EXPECT (%s) ON VIOLATION %s", i,
					[]string{"a % 3 <> 1", "b LIKE '%e%'", "a % 100 < 6", "EXPR 'b != \"z\"'"}[s.IntN(4)],
					[]string{"REJECT", "REJECT", "DROP", "WARN", "FAIL"}[s.IntN(5)]))
			}
		}
		return strings.Join(items, ", ")
	}
	hold := ""
	if s.IntN(2) == 0 {
		hold = " CHECKS (CHECK few EXPECT (count(*) < 5) ON FAILURE HOLD)"
	}
	s.write("run.sql", fmt.Sprintf(`CREATE SOURCE s (id BIGINT, a INTEGER, b VARCHAR) FROM FILES ('in/*.csv', format csv);
CREATE STREAM t RULES (%s)%s FROM s;
CREATE JOURNAL j KEYS (id) SEQUENCE BY id RULES (%s) FROM s;
`, rules(), hold, rules()))
}

func (s *story) write(name, text string) {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
		s.Fatal(err)
	}
}

// run gives the exit code of a run: -1 when it was killed.
func (s *story) run(script string, env ...string) int {
	s.Helper()
	c := asCommand(s.T, s.dir, "run", "-q", "--db", "f.duckdb", script)
	c.Env = append(c.Env, env...)
	out, err := c.CombinedOutput()
	var e *exec.ExitError
	if err != nil && !errors.As(err, &e) {
		s.Fatal(err)
	}
	if code := c.ProcessState.ExitCode(); code > 0 && code != 3 {
		s.Fatalf("%s: exit code %d\n%s", script, code, out)
	}
	return c.ProcessState.ExitCode()
}

// settle runs until all is taken: a FAIL that was broken becomes a REJECT, as a user would mend it.
func (s *story) settle() {
	s.Helper()
	if s.run("run.sql") == 0 {
		return
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "run.sql"))
	if err != nil {
		s.Fatal(err)
	}
	s.write("run.sql", strings.ReplaceAll(string(text), "ON VIOLATION FAIL", "ON VIOLATION REJECT"))
	if code := s.run("run.sql"); code != 0 {
		s.Fatalf("the mended rules stop with exit code %d", code)
	}
}

// check looks at the file as any client may.
func (s *story) check() {
	s.Helper()
	db, err := duck.Open(s.Context(), filepath.Join(s.dir, "f.duckdb"), duck.Options{ReadOnly: true})
	if err != nil {
		s.Fatal(err)
	}
	defer db.Close()
	want := func(what string, want int, query string) {
		s.Helper()
		got, err := db.Writer().Int(s.Context(), duck.Text(query))
		if err != nil {
			s.Fatal(err)
		}
		if int(got) != want {
			text, _ := os.ReadFile(filepath.Join(s.dir, "run.sql"))
			s.Errorf("%s: %d, want %d, after\n%s", what, got, want, text)
		}
	}
	want("accounts of destinations that don't close", 0,
		"SELECT count(*) FROM dsql.version_rows WHERE kind <> 'source' AND rows_in <> written + rejected + dropped")
	want("accounts of the source that don't close", 0,
		"SELECT count(*) FROM dsql.version_rows WHERE kind = 'source' AND rows_in <> written + bad + skipped")
	want("records", s.good+s.bad, "SELECT coalesce(sum(rows_in), 0)::BIGINT FROM dsql.version_rows WHERE kind = 'source'")
	want("bad records", s.bad, "SELECT count(*) FROM dsql.rejects WHERE source = 's' AND destination IS NULL")
	for _, d := range []string{"t", "j"} {
		places := fmt.Sprintf("(SELECT id FROM %[1]s UNION ALL SELECT (data->>'id')::BIGINT FROM dsql.rejects WHERE destination = '%[1]s' AND "+
			"replayed_at IS NULL)", d)
		want(d+": rows in two places", 0, fmt.Sprintf("SELECT count(*) - count(DISTINCT id) FROM %s", places))
		want(d+": rows in no place", s.good,
			fmt.Sprintf("SELECT count(*) + (SELECT coalesce(sum(dropped), 0) FROM dsql.version_rows WHERE name = '%s')::BIGINT FROM %s", d, places))
		want(d+": rows in", s.good, fmt.Sprintf("SELECT (sum(rows_in) - (SELECT count(*) FROM dsql.rejects WHERE destination = '%[1]s' AND "+
			"replayed_at IS NOT NULL))::BIGINT FROM dsql.version_rows WHERE name = '%[1]s'", d))
		want(d+": rows that don't stand as written", 0,
			fmt.Sprintf("SELECT (SELECT count(*) FROM %[1]s) - sum(written)::BIGINT FROM dsql.version_rows WHERE name = '%[1]s'", d))
		// At most five SETs, each once: a below 600, and five marks on b.
		want(d+": rows with SETs applied again", 0,
			fmt.Sprintf("SELECT count(*) FROM %s WHERE a >= 600 OR length(b) - length(replace(b, '!', '')) > 5", d))
	}
}
