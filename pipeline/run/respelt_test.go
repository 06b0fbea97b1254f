package run

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
)

// A life of a file with all that keeps names, in steps: what is new in the folder, and what the script has behind its declarations.
const respeltDeclarations = `
CREATE SOURCE events (id INTEGER, op VARCHAR, v INTEGER, seq INTEGER) FROM FILES ('in/e*.csv');
CREATE RULES house (CONSTRAINT has_id EXPECT (id IS NOT NULL), SET v = v * 1);
CREATE CHECKS gates (CHECK some_rows EXPECT (count(*) > 0) ON FAILURE WARN);
CREATE STREAM kept RULES (APPLY house, SET op = lower(op), CONSTRAINT small EXPECT (v < 100)) METRICS (mean_v = avg(v))
  CHECKS (APPLY gates, CHECK sane EXPECT (mean_v < 90) ON FAILURE HOLD, CHECK ids EXPECT (is_unique(id)) OVER TABLE ON FAILURE WARN) FROM events;
CREATE STREAM second AS SELECT id, v, op FROM STREAM kept WHERE v > 0;
CREATE JOURNAL state KEYS (id) SEQUENCE BY seq DELETE WHEN op = 'd' COLUMNS * EXCEPT (op) TRACK (v) FROM events;
CREATE STREAM moves AS SELECT id, v, change_type AS kind FROM STREAM(state);
CREATE STREAM joined AS SELECT k.id, s.v FROM STREAM kept k LEFT JOIN state s ON s.id = k.id;
CREATE SINK lake INTO FILES ('lake', format csv) FROM kept;
`

var respeltSteps = []struct{ file, verbs string }{
	{"1,i,5,1\n2,i,7,1\n,i,1,1\n3,i,500,1\n", ""},
	{"1,u,6,2\n2,d,7,2\n", ""},
	{"4,i,99,1\n5,i,98,1\n", "REFRESH;"},
	{"", "RELEASE HOLD kept;"},
	{"", "REPLAY REJECTS FROM kept WHERE rule = 'small';"},
	{"6,i,1,1\n", "REFRESH kept, state; ROLLBACK JOURNAL state TO VERSION 2;"},
	{"", "REBUILD STREAM kept FROM SOURCE; REBUILD JOURNAL state FROM SOURCE;"},
	{"", "REPLAY SOURCE events FROM EARLIEST;"},
	{"7,i,1,1\n", "DROP STREAM second;"},
	{"8,i,2,1\n", ""},
}

// Names know no case: a script that spells them otherwise in each run is the same script.
func TestRespelt(t *testing.T) {
	t.Parallel()
	lives := 1
	if os.Getenv("DSQL_LONG") != "" {
		lives = 100
	}
	want := respeltLife(t, func(text string) string { return text })
	for seed := range lives {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			got := respeltLife(t, func(text string) string { return respell(r, text) })
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("spelt otherwise (-plain +respelt):\n%s", d)
			}
		})
	}
}

// respell draws another case for each word, but in a source's columns: those are also names of fields.
func respell(r *rand.Rand, text string) string {
	src := sql.NewSource("", text)
	var b strings.Builder
	at, columns := 0, false
	for _, tok := range sql.Tokens(src, sql.Span{Start: 0, End: len(text)}) {
		w := tok.Span.Of(src)
		columns = (columns || b.Len() > 0 && sql.Same(w, "SOURCE") &&
			strings.HasSuffix(strings.ToUpper(strings.TrimSpace(b.String())), "CREATE")) && !sql.Same(w, "FILES")
		b.WriteString(text[at:tok.Span.Start])
		at = tok.Span.End
		if tok.Kind == sql.Word && (!columns || sql.Same(w, "events")) {
			switch r.IntN(3) {
			case 0:
				w = strings.ToUpper(w)
			case 1:
				w = strings.ToUpper(w[:1]) + w[1:]
			}
		}
		b.WriteString(w)
	}
	return b.String() + text[at:]
}

func respeltLife(t *testing.T, spelt func(string) string) (out []string) {
	t.Helper()
	dir, ctx := t.TempDir(), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s", render(err))
		}
	}
	must(os.MkdirAll(filepath.Join(dir, "in"), 0o755))
	for i, step := range respeltSteps {
		if step.file != "" {
			must(os.WriteFile(filepath.Join(dir, "in", fmt.Sprintf("e%02d.csv", i)), []byte("id,op,v,seq\n"+step.file), 0o644))
		}
		o := program.Options{Language: Language, Dir: dir, DB: filepath.Join(dir, "x.duckdb"), Events: drain}
		declared := respeltDeclarations
		if anew := i == 0 || strings.HasPrefix(respeltSteps[i-1].verbs, "DROP"); !anew { // the first spelling counts
			declared = spelt(declared)
		}
		o.Scripts = []*sql.Source{sql.NewSource("s.sql", declared)}
		if changes, err := program.Plan(ctx, o); err != nil ||
			i > 0 && slices.ContainsFunc(changes, func(c event.Change) bool { return c.Action == "change" }) {
			t.Fatalf("step %d: the plan has %+v, %v", i, changes, err)
		}
		o.Scripts = append(o.Scripts, sql.NewSource("verbs.sql", spelt(step.verbs)))
		must(Run(ctx, o))
		db, err := duck.Open(ctx, o.DB, duck.Options{ReadOnly: true})
		must(err)
		for _, q := range []string{"FROM kept", "FROM second", "FROM state_history", "FROM moves", "FROM joined", "FROM kept_at(1)",
			"FROM state_changes(0, 3)",
			"FROM dsql.places", "FROM dsql.version_rows", "SELECT source, destination, path, done, version FROM dsql.files",
			"SELECT id, destination, source, rule, lower(reason), meta, payload, data, version, replayed_at IS NULL, original FROM dsql.rejects",
			"SELECT destination, metric, version, value FROM dsql.metrics", "SELECT * EXCLUDE (checked_at) FROM dsql.checks",
			"SELECT * EXCLUDE (checked_at) FROM dsql.check_rows",
			"SELECT kind, name FROM dsql.declarations", "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"} {
			if strings.HasPrefix(step.verbs, "DROP") && q == "FROM second" {
				continue
			}
			var rows string
			_, err := db.Writer().Scan(ctx,
				duck.SQL("SELECT coalesce(string_agg(x::VARCHAR, chr(10) ORDER BY x::VARCHAR), '') FROM ({q}) x", duck.Args{"q": duck.Text(q)}), &rows)
			must(err)
			out = append(out, fmt.Sprintf("step %d: %s\n%s", i, q, rows))
		}
		must(db.Close())
	}
	lake, err := filepath.Glob(filepath.Join(dir, "lake", "*"))
	must(err)
	for _, f := range lake {
		text, err := os.ReadFile(f)
		must(err)
		out = append(out, filepath.Base(f)+"\n"+string(text))
	}
	return out
}
