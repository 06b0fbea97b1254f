package models

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/testkit"
	"dsql/sql"
)

// database is an empty database in memory with dsql's catalog; define runs a CREATE MODEL or ALTER MODEL on it.
func database(t *testing.T) (db *duck.DB, dir string, run func(text string) error) {
	t.Helper()
	dir = t.TempDir()
	db = testkit.Open(t, 4, Register)
	forms := []*sql.Syntax{Kind.Syntax, Kind.Verbs[0].Syntax}
	return db, dir, func(text string) error {
		stmts, err := sql.Parse(sql.NewSource("test", text), forms)
		if err != nil {
			return err
		}
		for _, st := range stmts {
			if err := db.Writer().Update(t.Context(), func(tx *duck.Tx) error {
				if st.Decl.Syntax.Verb != "" {
					return Kind.Verbs[0].Run(t.Context(), tx, st.Decl)
				}
				obj, err := Kind.Compile(st.Decl)
				if err != nil {
					return err
				}
				return obj.(kind.Definition).Define(t.Context(), tx, &kind.Env{Dir: dir})
			}); err != nil {
				return err
			}
		}
		return nil
	}
}

// Eight queries score with the same model at once while its file is replaced and its name moved back: each query's result is
// wholly one version's, and versions called by their own name never change.
func TestReplacedWhileRunning(t *testing.T) {
	t.Parallel()
	db, dir, run := database(t)
	files := []string{"lgb_binary/model.txt", "lgb_dart/model.txt", "lgb_sigmoid/model.txt"}
	replace := func(i int) {
		t.Helper()
		data, err := os.ReadFile("../testdata/models/" + files[i])
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "m.txt"), data, 0o600)
		}
		if err == nil {
			err = run("CREATE MODEL m FROM 'm.txt'")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	replace(0)
	const rows = "FROM (SELECT (range % 71) / 7 - 5 AS x, CASE WHEN range % 5 > 0 THEN range % 13 END AS y FROM range(20000))"
	sum := func(c *duck.Conn, name string) (s float64) {
		t.Helper()
		if _, err := c.Scan(t.Context(),
			duck.SQL("SELECT sum({f}(x, y, 0, y, x, 1)::DECIMAL(38, 12))::DOUBLE "+rows, duck.Args{"f": duck.Ident(name)}), &s); err != nil {
			t.Error(err)
		}
		return s
	}
	first := sum(db.Writer(), "m")
	var g sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		c, err := db.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		g.Go(func() {
			defer c.Close()
			seen := map[float64]bool{}
			for i := 0; ; i++ {
				seen[sum(c, "m")] = true
				if got := sum(c, "m_v1"); got != first {
					t.Errorf("m_v1 gave %v, first %v", got, first)
				}
				select {
				case <-stop:
					if len(seen) > len(files) {
						t.Errorf("%d different results of %d versions", len(seen), len(files))
					}
					return
				default:
				}
			}
		})
	}
	for i := 1; i < len(files); i++ {
		replace(i)
		if got := sum(db.Writer(), fmt.Sprintf("m_v%d", i+1)); got == first {
			t.Errorf("version %d gives what version 1 gave: %v", i+1, got)
		}
	}
	for _, v := range []int{1, 3, 2} {
		if err := run(fmt.Sprintf("ALTER MODEL m USE VERSION %d", v)); err != nil {
			t.Error(err)
		}
		if m, want := sum(db.Writer(), "m"), sum(db.Writer(), fmt.Sprintf("m_v%d", v)); m != want {
			t.Errorf("version %d in use: m gave %v, its own name %v", v, m, want)
		}
	}
	close(stop)
	g.Wait()
}
