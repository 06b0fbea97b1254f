package run

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a session may set, with values that change what queries give, how they are read, or whether they are.
var randomSettings = []string{
	"SET default_collation = 'NOCASE'", "SET default_collation = 'NOCASE.NOACCENT'", "SET default_order = 'DESC'",
	"SET default_null_order = 'NULLS FIRST'",
	"SET integer_division = true", "SET ieee_floating_point_ops = false", "SET max_expression_depth = 20", "SET errors_as_json = false",
	"SET preserve_insertion_order = false", "SET old_implicit_casting = true", "SET order_by_non_integer_literal = true",
	"SET scalar_subquery_error_on_multiple_rows = false", "SET preserve_identifier_case = false",
	"SET disabled_optimizers = 'join_order,filter_pushdown'",
	"SET TimeZone = 'Pacific/Kiritimati'", "SET threads = 1", "SET perfect_ht_threshold = 0", "SET nested_loop_join_threshold = 0",
	"SET merge_join_threshold = 0", "SET prefer_range_joins = true", "SET ordered_aggregate_threshold = 1",
	"SET dynamic_or_filter_threshold = 0",
	"SET force_compression = 'uncompressed'", "SET debug_window_mode = 'separate'", "SET lambda_syntax = 'DISABLE_SINGLE_ARROW'",
	"SET pivot_limit = 1",
	"PRAGMA enable_verification", "PRAGMA disable_progress_bar", "SET SESSION default_order = 'DESC'",
	"SET GLOBAL default_null_order = 'nulls_first'",
	"SET lock_configuration = true", "SET streaming_buffer_size = '1KB'", "SET explain_output = 'all'",
}

// What a script sets is its own statements' concern: whatever it is, dsql's come out the same.
func TestRandomSettings(t *testing.T) {
	t.Parallel()
	lives := 2
	if os.Getenv("DSQL_LONG") != "" {
		lives = 200
	}
	want := respeltLife(t, func(text string) string { return text })
	for seed := range lives {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 2))
			var all []string
			got := respeltLife(t, func(text string) string {
				if !strings.Contains(text, "CREATE") { // the verbs of the same run
					return text
				}
				set := ""
				for range 1 + r.IntN(6) {
					if !strings.Contains(set, "lock_configuration") { // nothing is set behind it
						set += randomSettings[r.IntN(len(randomSettings))] + ";\n"
					}
				}
				all = append(all, set)
				return set + text
			})
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s(-plain +set)\n%s", strings.Join(all, "--\n"), d)
			}
		})
	}
}

// A statement sees what was set before it, and only that; a lock is the script's.
func TestSettingsOfTheUser(t *testing.T) {
	t.Parallel()
	f := newField(t)
	f.run("SET default_collation = 'NOCASE'; SET integer_division = true; CREATE TABLE a AS SELECT 'A' = 'a' AS same, 7 / 2 AS half; " +
		"CREATE SOURCE s (id INTEGER) FROM FILES ('in/*.csv'); REFRESH; CREATE TABLE b AS SELECT 'A' = 'a' AS same, 7 / 2 AS half; " +
		"RESET default_collation; CREATE TABLE c AS SELECT 'A' = 'a' AS same, 7 / 2 AS half;")
	f.is("SELECT string_agg(same || ' ' || half, ', ' ORDER BY n) FROM (SELECT 1 AS n, * FROM a UNION ALL SELECT 2, * FROM b UNION ALL "+
		"SELECT 3, * FROM c)", "true 3, true 3, false 3")
	if e := f.fails("SET lock_configuration = true; SELECT 1; SET threads = 1;"); !strings.Contains(e.Msg, "locked") {
		t.Error(e.Msg)
	}
	f.run("SET VARIABLE x = 1; SET lock_configuration = true; CREATE OR REPLACE TABLE d AS SELECT getvariable('x') AS x; SET VARIABLE x = 2;")
	f.is("SELECT x FROM d", "1")
}
