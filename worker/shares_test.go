package worker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/merge"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

// What the files of several shares have together is what a run's file has: rows, histories, rejects, accounts. That is tried with all scripts
// of testdata and docs that can be spread.
func TestSharesOfCorpus(t *testing.T) {
	t.Parallel()
	var sum tally
	some := sample(corpus(t), 8)
	for _, c := range some {
		sum.add(tryShares(t, c))
	}
	t.Logf("of %d: %+v", len(some), sum)
	if sum.scripts < 10 || sum.rows < 40 || sum.rejects < 10 || sum.refused < 8 {
		t.Errorf("too little was compared: %+v", sum)
	}
}

// tryShares compares one, where it can be spread and a run of it goes well.
func tryShares(t *testing.T, c spreadCase) (n tally) {
	t.Helper()
	if left.MatchString(c.script) || !strings.Contains(c.script, "CREATE SOURCE") ||
		!strings.Contains(c.script, "CREATE STREAM") && !strings.Contains(c.script, "CREATE JOURNAL") {
		return n
	}
	ctx, dir := context.Background(), t.TempDir()
	for name, text := range c.files {
		path, before := filepath.Join(dir, name), time.Now().Add(-time.Hour)
		write(t, path, text)
		if err := os.Chtimes(path, before, before); err != nil {
			t.Fatal(err)
		}
	}
	o := program.Options{Language: run.Language, Scripts: []*sql.Source{sql.NewSource("s.sql", c.script)}, Dir: dir, DB: filepath.Join(dir, "run.duckdb")}
	const of = 3
	files := map[string][]*duck.Conn{}
	for k := range int64(of) {
		s := o
		s.DB, s.Share = filepath.Join(dir, fmt.Sprintf("%d.duckdb", k)), &kind.Share{Number: k + 1, Of: of}
		err := run.Run(ctx, s)
		if sql.HasCode(err, code.NotSpread) {
			n.refused++
			return n
		}
		if err != nil {
			if run.Run(ctx, o) == nil {
				t.Errorf("%s: it runs, and a share says: %v", c.name, err)
			}
			return n
		}
		files["shares"] = append(files["shares"], opened(t, s.DB))
	}
	if err := run.Run(ctx, o); err != nil {
		return n
	}
	files["run"] = []*duck.Conn{opened(t, o.DB)}
	one := files["run"][0]
	if len(asked(t, one, duck.SQL("SELECT 1 FROM dsql.rejects WHERE contains(reason, 'as the files before it have')"))) > 0 ||
		len(asked(t, one, duck.SQL("SELECT 1 FROM dsql.versions"))) == 0 {
		return n
	}
	n.scripts = 1
	compareShares(t, c.name, files, &n)
	merged := filepath.Join(dir, "merged.duckdb")
	if _, err := merge.Merge(ctx, merge.Options{Language: run.Language, To: merged,
		Files: []string{filepath.Join(dir, "2.duckdb"), filepath.Join(dir, "0.duckdb"), filepath.Join(dir, "1.duckdb")}}); err != nil {
		if !sql.HasCode(err, code.NotMerged) || len(asked(t, one, duck.SQL("FROM dsql.holds"))) == 0 {
			t.Errorf("%s: %v", c.name, err)
		}
		return n
	}
	compareShares(t, c.name+", merged", map[string][]*duck.Conn{"run": files["run"], "shares": {opened(t, merged)}}, &n)
	return n
}

func opened(t *testing.T, path string) *duck.Conn {
	t.Helper()
	db, err := duck.Open(context.Background(), path, duck.Options{ReadOnly: true, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db.Writer()
}

func compareShares(t *testing.T, name string, files map[string][]*duck.Conn, n *tally) {
	t.Helper()
	one := files["run"][0]
	same := func(what string, q *duck.Query) int {
		var all []string
		for _, c := range files["shares"] {
			all = append(all, asked(t, c, q)...)
		}
		want := asked(t, one, q)
		sameRows(t, name+": "+what, all, want)
		return len(want)
	}
	var whole []string // sources that all shares read
	for _, d := range asked(t, one, duck.SQL("SELECT kind, name FROM dsql.declarations WHERE kind IN ('stream', 'journal')")) {
		if of, table, _ := strings.Cut(d, "|"); of == "stream" {
			n.rows += same("rows of "+table, duck.SQL("SELECT COLUMNS(* EXCLUDE (_version))::VARCHAR FROM {t}", duck.Args{"t": duck.Ident(table)}))
		} else {
			n.versions += same("history of "+table, duck.SQL("SELECT COLUMNS(*)::VARCHAR FROM {t}", duck.Args{"t": duck.Ident(table + "_history")}))
			n.journals++
			whole = append(whole, asked(t, one, duck.SQL(`SELECT DISTINCT source FROM dsql.files WHERE destination = {d}`, duck.Args{"d": table}))...)
		}
	}
	divided := duck.SQL("coalesce(destination, '') <> '' OR source NOT IN (SELECT unnest({w}))", duck.Args{"w": program.Texts(whole)})
	n.rejects += same("rejects", duck.SQL(`SELECT coalesce(destination, ''), source, reason, meta::VARCHAR, payload, data::VARCHAR, original::VARCHAR
		FROM dsql.rejects WHERE {d}`, duck.Args{"d": divided}))
	account := duck.SQL(`SELECT kind, name, coalesce(sum(rows_in), 0)::BIGINT, coalesce(sum(rejected), 0)::BIGINT, coalesce(sum(dropped), 0)::BIGINT,
		coalesce(sum(bad), 0)::BIGINT, coalesce(sum(skipped), 0)::BIGINT FROM dsql.version_rows GROUP BY ALL`)
	sums := map[string][5]int64{}
	for i, c := range files["shares"] {
		for _, r := range asked(t, c, account) {
			f := strings.Split(r, "|")
			if f[0] == "source" && slices.Contains(whole, f[1]) && i > 0 {
				continue
			}
			a := sums[f[0]+"|"+f[1]]
			for i := range a {
				var x int64
				_, _ = fmt.Sscan(f[i+2], &x)
				a[i] += x
			}
			sums[f[0]+"|"+f[1]] = a
		}
	}
	var got []string
	for k, a := range sums {
		got = append(got, k+"|"+strings.ReplaceAll(strings.Trim(fmt.Sprint(a), "[]"), " ", "|"))
	}
	sameRows(t, name+": accounts", got, asked(t, one, account))
}
