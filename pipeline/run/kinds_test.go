package run

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// Each kind's example is a script that parses, plans and runs, twice; and each required clause is missed when it is left out.
func TestKinds(t *testing.T) {
	t.Parallel()
	for _, k := range program.Kinds {
		t.Run(k.Syntax.Keyword, func(t *testing.T) {
			t.Parallel()
			dir := exampleDir(t)
			o := program.Options{Language: Language, Scripts: []*sql.Source{sql.NewSource("example.sql", k.Syntax.Example)}, Dir: dir,
				DB: filepath.Join(dir, "x.duckdb"), Events: drain}
			changes, err := program.Plan(t.Context(), o)
			if err != nil {
				t.Fatalf("plan: %s", render(err))
			}
			if len(changes) == 0 || changes[0].Action != "create" {
				t.Errorf("the plan creates nothing: %v", changes)
			}
			for range 2 {
				if err := Run(t.Context(), o); err != nil {
					t.Fatalf("run: %s", render(err))
				}
			}
			if changes, err = program.Plan(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				if c.Action != "none" {
					t.Errorf("after a run the plan still has: %+v", c)
				}
			}
			leaveOut(t, k)
		})
	}
}

func leaveOut(t *testing.T, k kind.Kind) {
	stmts, err := sql.Parse(sql.NewSource("example.sql", k.Syntax.Example), Language.Forms)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range stmts {
		if st.Decl == nil || st.Decl.Syntax != k.Syntax {
			continue
		}
		for _, c := range k.Syntax.Clauses {
			v := st.Decl.Arg(c.Keyword)
			if !c.Required || v == nil {
				continue
			}
			text := k.Syntax.Example[:v.Keyword.Start] + k.Syntax.Example[v.Span.End:]
			_, err := sql.Parse(sql.NewSource("example.sql", text), Language.Forms)
			var e *sql.Error
			if !errors.As(err, &e) || e.Code != code.MissingClause || !strings.Contains(e.Msg, c.Keyword) || e.Hint == "" {
				t.Errorf("without %s: %v", c.Keyword, err)
			}
		}
	}
}

// exampleDir is a folder with the files that examples name.
func exampleDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"in", "models"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	model, err := os.ReadFile("../../testdata/models/example.txt")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "models", "late.txt"), model, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func drain(e event.Event) {
	if q, ok := e.(event.Queried); ok {
		for q.Result.Next() {
		}
	}
}

func render(err error) string {
	var b strings.Builder
	for _, e := range program.Collect(nil, err) {
		e.Render(&b)
	}
	return b.String()
}
