package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// A stream whose first batch is large decides then how its texts are packed, which replaces its table while it is empty: the rows, the
// views and a killed run must not notice.
func TestStreamPacked(t *testing.T) {
	t.Parallel()
	const script = `CREATE SOURCE s (id VARCHAR, "st""ate" VARCHAR, mostly VARCHAR, n INTEGER) FROM FILES ('in/*.csv', format csv);
CREATE STREAM t RULES (SET "st""ate" = upper("st""ate"), CONSTRAINT few EXPECT (n % 1000 <> 7), CONSTRAINT none EXPECT (n > 10) ON VIOLATION DROP) FROM s;
CREATE OR REPLACE VIEW theirs AS SELECT * FROM t WHERE n = 11;`
	folder := func(t *testing.T) string {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
			t.Fatal(err)
		}
		for file, from := range map[string]int{"in/1.csv": 0, "in/2.csv": 30000} {
			var b strings.Builder
			b.WriteString("id,\"st\"\"ate\",mostly,n\n")
			for i := from; i < from+30000; i++ {
				mostly := ""
				if i%4 > 0 {
					mostly = fmt.Sprintf("text %d of some length", i)
				}
				fmt.Fprintf(&b, "order-%d,%s,%s,%d\n", i, []string{"new", "paid", "sent"}[i%3], mostly, i)
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "j.sql"), []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dir := folder(t)
	if err := runJournal(t, dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "j.duckdb")
	want := contents(t, path)
	db, err := duck.Open(t.Context(), path, duck.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"SELECT array_to_string(list_sort(list(DISTINCT column_name || ' ' || compression)), ', ') FROM pragma_storage_info('t') WHERE " +
			"segment_type = 'VARCHAR'": `id FSST, mostly FSST, st"ate Dictionary`,
		`SELECT count(*) || ' ' || count(DISTINCT id) || ' ' || count(mostly) || ' ' || sum(n) || ' ' || min("st""ate") || ' ' || ` +
			`max(_version) FROM t`: "59930 59930 44933 1798199532 NEW 2",
		"SELECT (SELECT count(*) FROM t_at(1)) || ' ' || (SELECT count(*) FROM t_changes(1, 2)) || ' ' || (SELECT id FROM theirs)": "29960 29970 order-11",
		"SELECT string_agg(rows_in || '=' || written || '+' || rejected || '+' || dropped, ' ' ORDER BY version) FROM dsql.version_rows WHERE " +
			"name = 't'": "30000=29960+30+10 30000=29970+30+0",
	} {
		var got string
		if _, err := db.Writer().Scan(context.Background(), duck.SQL("{q}", duck.Args{"q": duck.Text(query)}), &got); err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", query, got, err, want)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, point := range []string{"stream-before-insert:1", "stream-after-insert:1", "before-places:1", "stream-after-insert:2"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			if err := runJournal(t, dir, "DSQL_FAULT=kill:"+point); err == nil {
				t.Fatal("the run was not killed")
			}
			if err := runJournal(t, dir); err != nil {
				t.Fatalf("after the crash: %v", err)
			}
			sameContents(t, want, filepath.Join(dir, "j.duckdb"))
		})
	}
}
