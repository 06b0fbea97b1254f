package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsql/pipeline/event"
	"dsql/pipeline/look"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

const toyScript = `CREATE TAP numbers_in OF 'numbers.txt';
CREATE BAG kept RULES (CONSTRAINT small EXPECT (n < 100)) METRICS (most = max(n)) CHECKS (CHECK lucky EXPECT (count(*) FILTER (n = 13) = 0) ON FAILURE HOLD)
  RETAIN VERSIONS INTERVAL 0 SECONDS FROM numbers_in;
CREATE JOURNAL newest KEYS (parity) SEQUENCE BY place COLUMNS (n) AS SELECT n % 2 AS parity, n, _meta."offset" AS place FROM numbers_in;
CREATE STREAM copies FROM kept;
CREATE PIPE drain INTO 'out.txt' FROM kept;
`

// toyField is a field whose scripts may use the toys. It keeps what was told.
type toyField struct {
	*field
	told []event.Event
	rows []string // of results
}

func (f *toyField) do(script string, change ...func(*program.Options)) error {
	o := f.options(script)
	o.Language = toys
	o.Events = func(e event.Event) {
		f.told = append(f.told, e)
		if q, ok := e.(event.Queried); ok {
			for q.Result.Next() {
				f.rows = append(f.rows, q.Result.Columns[0].Name)
			}
		}
	}
	for _, c := range change {
		c(&o)
	}
	f.told, f.rows = nil, nil
	return Run(context.Background(), o)
}

func (f *toyField) must(script string, change ...func(*program.Options)) {
	f.t.Helper()
	if err := f.do(script, change...); err != nil {
		f.t.Fatalf("%s\n%s", script, render(err))
	}
}

// refused runs a script that fails with a code.
func (f *toyField) refused(script, code string, change ...func(*program.Options)) {
	f.t.Helper()
	errs := program.Collect(nil, f.do(script, change...))
	if len(errs) == 0 || errs[0].Code.String() != code {
		f.t.Errorf("%s: %v, want %s", script, errs, code)
	}
}

// versions are those that the last run made.
func (f *toyField) versions() (n int) {
	for _, e := range f.told {
		if _, ok := e.(event.BatchCommitted); ok {
			n++
		}
	}
	return n
}

func (f *toyField) lines() int {
	b, err := os.ReadFile(filepath.Join(f.dir, "out.txt"))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}

// otherwise spells all names in another way.
var otherwise = strings.NewReplacer("numbers_in", "NUMBERS_IN", "kept", "KEPT", "newest", "NEWEST", "copies", "COPIES", "drain", "DRAIN")

// What dsql does with sources, destinations, sinks and verbs it does with those that it hasn't heard of.
func TestToys(t *testing.T) {
	t.Parallel()
	f := &toyField{field: newField(t)}
	f.write("numbers.txt", "1\n2\n3\nx\n5\n")
	o := f.options(toyScript)
	o.Language = toys
	changes, err := program.Plan(t.Context(), o)
	if err != nil || len(changes) != 5 || changes[1].Action != "create" || changes[1].Kind != "bag" {
		t.Fatalf("plan: %v %v", changes, err)
	}
	f.must(toyScript)
	f.is("SELECT n FROM kept ORDER BY n", "1 2 3 5")
	f.is("SELECT n FROM copies ORDER BY n", "1 2 3 5")
	f.is("SELECT n FROM newest ORDER BY parity", "2 5")
	f.is("SELECT concat_ws(' ', source, decode(payload), meta.\"offset\") FROM dsql.rejects", "numbers_in x 3")
	f.is("SELECT sum(rows_in) = 4 AND sum(written) = 4 FROM dsql.version_rows WHERE kind = 'bag'", "true")
	if f.lines() != 4 {
		t.Errorf("the pipe has %d lines", f.lines())
	}
	again := otherwise.Replace(toyScript)
	for _, script := range []string{toyScript, again} {
		if f.must(script); f.versions() != 0 || f.lines() != 4 {
			t.Errorf("a run with nothing new makes %d versions: %s", f.versions(), script)
		}
	}
	f.write("numbers.txt", "1\n2\n3\nx\n5\n7\n200\n")
	f.must(again)
	f.is("SELECT n FROM kept ORDER BY n", "1 2 3 5 7")
	f.is("SELECT rule || ' ' || (data->>'n') FROM dsql.rejects WHERE destination = 'kept'", "small 200")
	f.verbs(again)
	f.turnsBack(again)
	f.holds()
	f.looks()
	f.goes()
}

// verbs: those of all kinds, one of kinds of a role, one of a kind alone.
func (f *toyField) verbs(script string) {
	f.t.Helper()
	for verb, rows := range map[string]int{"SHOW TAPS": 1, "SHOW BAGS WHERE name = 'kept'": 1, "SHOW PIPES": 1, "DESCRIBE BAG KEPT": 1,
		"DESCRIBE TAP numbers_in": 1,
		"DESCRIBE PIPE drain":     1, "WEIGH BAG Kept": 1, "WEIGH STREAM copies": 1, "WEIGH JOURNAL newest": 1} {
		if f.must(verb + ";"); len(f.rows) != rows {
			f.t.Errorf("%s gives %d rows", verb, len(f.rows))
		}
		o := f.options("")
		o.Language = toys
		if err := look.Query(f.t.Context(), o, verb); err != nil {
			f.t.Errorf("query %s: %v", verb, err)
		}
	}
	f.must("EXPLAIN BAG kept; EXPLAIN TAP numbers_in; EXPLAIN PIPE drain; SHAKE BAG kept;")
	f.refused("WEIGH BAG kep;", "unknown-name")
	f.refused("WEIGH BAG copies;", "unknown-name")
	f.refused("RESUME PIPE dran;", "unknown-name")
	f.refused("REPLAY REJECTS FROM numbers_in;", "nothing-remembered")
	o := f.options("")
	o.Language = toys
	err := look.Query(f.t.Context(), o, "SHAKE BAG kept")
	var e *sql.Error
	if !errors.As(err, &e) || e.Code != code.QueryWrites {
		f.t.Errorf("query takes SHAKE: %v", err)
	}
	if differs, err := look.Diff(f.t.Context(), o, "Kept", 0, 2, true); err != nil || !differs {
		f.t.Errorf("two versions differ: %v %v", differs, err)
	}
	text, err := program.Explain(f.t.Context(),
		program.Options{Language: toys, Dir: f.dir, DB: o.DB, Scripts: []*sql.Source{sql.NewSource("s.sql", script)}}, "kept")
	if err != nil || !strings.Contains(text, "BAG kept") {
		f.t.Errorf("explain: %s %v", text, err)
	}
}

// turnsBack: ROLLBACK, REBUILD, VACUUM, REPLAY.
func (f *toyField) turnsBack(script string) {
	f.t.Helper()
	f.must("ROLLBACK BAG Kept TO VERSION 1;")
	f.is("SELECT n FROM kept ORDER BY n", "1 2 3")
	f.must("REPLAY REJECTS FROM KEPT; REPLAY TAP numbers_in FROM EARLIEST;")
	f.is("SELECT n FROM kept ORDER BY n", "1 2 3")
	f.is("SELECT n FROM newest ORDER BY parity", "200 7")
	f.refused("REBUILD BAG kept;", "nothing-remembered")
	f.must("REBUILD BAG kept FROM SOURCE;")
	f.is("SELECT n FROM kept ORDER BY n", "1 2 3 5 7")
	f.is("SELECT n FROM copies ORDER BY n", "1 2 3 5 7") // it keeps what it has
	wider := strings.Replace(script, "n < 100", "n < 1000", 1)
	f.must(wider + "REPLAY REJECTS FROM kept;")
	f.is("SELECT n FROM kept ORDER BY n", "1 2 3 5 7 200")
	f.is("SELECT n FROM copies ORDER BY n", "1 2 3 5 7 200")
	f.must(script + "VACUUM BAG kept;")
	f.is("SELECT count(*) FROM kept__all WHERE _until IS NOT NULL", "0")
}

func (f *toyField) holds() {
	f.t.Helper()
	f.write("numbers.txt", "1\n2\n3\nx\n5\n7\n200\n13\n")
	f.must("REFRESH Kept;")
	f.is("SELECT count(*) FROM kept WHERE n = 13", "0")
	f.is("SELECT concat_ws(' ', destination, name, source) FROM dsql.holds", "kept lucky numbers_in")
	f.must("RELEASE HOLD KEPT;")
	f.is("SELECT count(*) FROM kept WHERE n = 13", "1")
	f.is("SELECT count(*) FROM copies WHERE n = 13", "1")
	f.is("SELECT count(*) FROM dsql.holds", "0")
}

// looks: the commands that look into a file, and a copy of it.
func (f *toyField) looks() {
	f.t.Helper()
	ctx, o := f.t.Context(), f.options("")
	o.Language = toys
	titles := map[string]int{}
	o.Events = func(e event.Event) {
		if q, ok := e.(event.Queried); ok {
			for q.Result.Next() {
				titles[q.Title]++
			}
		}
	}
	for _, err := range []error{look.Status(ctx, o), look.Checks(ctx, o, "kept", false), look.Rejects(ctx, o, "Kept", ""),
		look.History(ctx, o, "Newest", []string{"1"})} {
		if err != nil {
			f.t.Error(err)
		}
	}
	if titles["destinations"] != 4 || titles["sinks"] != 1 || titles["verdicts"] != 1 {
		f.t.Errorf("shown: %v", titles)
	}
	if err := look.History(ctx, o, "kept", []string{"1"}); err == nil {
		f.t.Error("a bag has a history of keys")
	}
	copied := filepath.Join(f.dir, "copy.duckdb")
	lines := f.lines()
	f.must("REFRESH;", func(o *program.Options) { o.Snapshot = copied })
	onCopy := func(o *program.Options) { o.DB = copied }
	f.write("numbers.txt", "1\n2\n3\nx\n5\n7\n200\n13\n17\n")
	f.refused("REFRESH;", "restored-copy", onCopy)
	if f.lines() != lines {
		f.t.Errorf("the pipe of a copy wrote %d lines", f.lines()-lines)
	}
	if f.must("RESUME PIPE Drain;", onCopy); f.lines() != lines+1 {
		f.t.Errorf("the pipe that goes on has %d lines more", f.lines()-lines)
	}
}

func (f *toyField) goes() {
	f.t.Helper()
	f.refused("DROP BAG kept;", "in-use")
	f.refused("DROP TABLE kept__all;", "in-use")
	f.must("DROP PIPE drain; DROP STREAM copies; DROP BAG Kept; DROP JOURNAL newest; DROP TAP Numbers_In;")
	f.is("SELECT count(*) FROM dsql.declarations", "0")
	f.is("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'kept%'", "0")
	f.is("SELECT (SELECT count(*) FROM dsql.places) + (SELECT count(*) FROM dsql.offsets)", "0")
	f.must(toyScript)                      // and comes again
	f.is("SELECT count(*) FROM kept", "5") // those of a batch are held
}
