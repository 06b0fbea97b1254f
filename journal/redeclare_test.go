package journal

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// clausePairs are the TRACK, IGNORE NULL UPDATES and COLUMNS that a declaration may change between.
var (
	trackClauses  = []string{"", "TRACK *", "TRACK (v)", "TRACK * EXCEPT (w)"}
	ignoreClauses = []string{"", "IGNORE NULL UPDATES", "IGNORE NULL UPDATES ON (w)"}
	columnClauses = []string{"COLUMNS (v, w)", "COLUMNS (v, w, ts)", "COLUMNS (v, w, x)"}
)

func clauses() (out []string) {
	for _, c := range columnClauses {
		for _, t := range trackClauses {
			for _, i := range ignoreClauses {
				out = append(out, c+" "+t+" "+i)
			}
		}
	}
	return out
}

// From every declaration to every other: events in order, late ones, and a rebuild give what a file gives that took all events by the
// last declaration.
func TestEveryPairOfDeclarations(t *testing.T) {
	t.Parallel()
	all := clauses()
	const cols = "id INTEGER, v VARCHAR, w VARCHAR, x VARCHAR, op VARCHAR, ts INTEGER"
	declare := func(b *bench, c string) {
		b.mustDeclare("CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op = 'd' "+c+" FROM ev", cols)
	}
	rows := func(lines ...string) string {
		return "SELECT id::INTEGER AS id, v::VARCHAR AS v, w::VARCHAR AS w, x::VARCHAR AS x, op::VARCHAR AS op, ts::INTEGER AS ts " +
			"FROM (VALUES " + strings.Join(lines, ", ") + ") e(id, v, w, x, op, ts)"
	}
	first := []string{"(1, 'a', 'p', 'm', 'u', 1)", "(2, 'a', NULL, NULL, 'u', 1)", "(2, NULL, 'q', NULL, 'u', 5)",
		"(3, 'a', 'p', NULL, 'u', 2)", "(3, NULL, NULL, NULL, 'd', 4)", "(4, 'a', 'p', 'm', 'u', 3)", "(4, 'a', NULL, NULL, 'u', 6)"}
	inOrder := []string{"(1, 'a', 'r', 'm', 'u', 8)", "(2, NULL, 'q', 'n', 'u', 8)", "(3, 'b', NULL, NULL, 'u', 8)",
		"(4, 'c', NULL, 'm', 'u', 8)"}
	late := []string{"(1, 'b', NULL, NULL, 'u', 4)", "(2, 'a', 'z', NULL, 'u', 3)", "(3, NULL, 'y', NULL, 'u', 3)",
		"(4, NULL, NULL, NULL, 'd', 5)"}
	want := map[string][]string{}
	history := func(b *bench) []string { return b.rows("SELECT id, v, w, valid_from, valid_to FROM j_history") }
	for _, now := range all {
		b := newBench(t, "")
		declare(b, now)
		b.mustWrite(rows(slices.Concat(first, inOrder, late)...))
		want[now] = history(b)
	}
	for i, old := range all {
		b := newBench(t, "")
		for k, now := range all {
			if testing.Short() && (7*i+k)%23 != 0 || otherColumns(old, now) {
				continue
			}
			declare(b, old)
			b.mustWrite(rows(first...))
			declare(b, now)
			b.mustWrite(rows(inOrder...)) // the fast path
			b.mustWrite(rows(late...))    // folds every key, so that no REBUILD is needed
			if got := history(b); !slices.Equal(got, want[now]) {
				t.Errorf("from %s to %s:\ngot  %v\nwant %v", old, now, got, want[now])
			}
			b.mustWrite(rows(slices.Concat(first, inOrder, late)...)) // repeats, all of them
			if _, err := b.step(b.j.Rebuild); err != nil {
				t.Errorf("from %s to %s: %v", old, now, err)
			}
			if got := history(b); !slices.Equal(got, want[now]) {
				t.Errorf("from %s to %s, rebuilt:\ngot  %v\nwant %v", old, now, got, want[now])
			}
			if err := b.c.Update(t.Context(), func(tx *duck.Tx) error { return b.j.Drop(t.Context(), tx) }); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// otherColumns: a tracked column is new, which what was stored before says nothing of, or is no longer given, which that does.
func otherColumns(old, now string) bool {
	differs := func(column string) bool {
		return strings.Contains(now, ", "+column+")") != strings.Contains(old, ", "+column+")")
	}
	star := strings.Contains(now, "TRACK *")
	return differs("ts") && star || differs("x") && (star || !strings.Contains(now, "TRACK"))
}

// What name_bitemporal has is what name_history_at has at each version.
func (b *bench) bitemporal(v int64) {
	b.t.Helper()
	for _, x := range []string{"%[1]s EXCEPT ALL %[2]s", "%[2]s EXCEPT ALL %[1]s"} {
		known := fmt.Sprintf("SELECT * EXCLUDE (known_from, known_to) FROM j_bitemporal WHERE known_from <= %d AND (known_to IS NULL "+
			"OR known_to > %[1]d)", v)
		if n := b.count("SELECT count(*) FROM (" + fmt.Sprintf(x, "("+known+")", fmt.Sprintf("(SELECT * FROM j_history_at(%d))",
			v)) + ")"); n != "0" {
			b.t.Errorf("version %d: j_bitemporal and j_history_at differ by %s rows", v, n)
		}
	}
}
