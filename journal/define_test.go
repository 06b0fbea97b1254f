package journal

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// errorText is what a user sees of an error.
func errorText(err error) string {
	var list sql.List
	var one *sql.Error
	var b strings.Builder
	switch {
	case errors.As(err, &list):
		for _, e := range list {
			e.Render(&b)
		}
	case errors.As(err, &one):
		one.Render(&b)
	default:
		return "no script error: " + err.Error()
	}
	return b.String()
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const cols = "id BIGINT, op VARCHAR, name VARCHAR, ts TIMESTAMP"
	for _, x := range []struct{ script, cols, want string }{
		{"CREATE JOURNAL j KEYS (id) FROM ev", cols, "doesn't say how its rows are ordered in time [journal-mode]"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY ts SNAPSHOT FROM ev", cols, "has both SEQUENCE BY and SNAPSHOT [journal-mode]"},
		{"CREATE JOURNAL j KEYS (id) SNAPSHOT AT ts DELETE WHEN true FROM ev", cols, "1:43: error: DELETE WHEN has no meaning for a " +
			"snapshot journal [journal-mode]"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY ts ON MISSING KEEP FROM ev", cols, "ON MISSING has no meaning for a feed [journal-mode]"},
		{"CREATE JOURNAL j KEYS (id) SNAPSHOT ON MISSING KEEP IF REMOVED < 5 PERCENT FROM ev", cols, "IF REMOVED guards nothing [journal-mode]"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY ts STORED AS SCD TYPE 3 FROM ev", cols, "there is no SCD type 3 here [bad-choice]"},
		{"CREATE JOURNAL j KEYS (id, ID) SEQUENCE BY ts FROM ev", cols, "1:28: error: ID is named twice in KEYS [duplicate-name]"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY ts IGNORE NULL UPDATES IGNORE NULL UPDATES ON (name) FROM ev", cols,
			"for all columns and for some [duplicate-clause]"},
		{"CREATE JOURNAL j KEYS (idd) SEQUENCE BY ts FROM ev", cols, "1:24: error: KEYS names idd, and the rows of journal j have no " +
			"such column [unknown-column]"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY ts COLUMNS * EXCEPT (nme) FROM ev", cols, "hint: did you mean name?"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY ts TRACK (nothing) FROM ev", cols, "hint: they have: id, op, name, ts"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY tss FROM ev", cols,
			`1:40: error: referenced column "tss" not found in FROM clause [duckdb-binder]`},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY max(ts) FROM ev", cols, "WHERE clause cannot contain aggregates [duckdb-binder]"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op FROM ev", cols, "1:55: error: DELETE WHEN needs a condition " +
			"(BOOLEAN), and this is VARCHAR [type-mismatch]"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY name LATENESS INTERVAL 3 DAYS FROM ev", cols,
			"LATENESS can't be taken from the sequence, which is VARCHAR [type-mismatch]"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY ts FROM ev", cols + ", _v_from INTEGER",
			"have a column _v_from, a name that journals use themselves [reserved-column]"},
		{"CREATE JOURNAL j KEYS (id) SEQUENCE BY ts FROM ev", cols + ", Valid_From INTEGER",
			"have a column Valid_From, a name that journals use themselves [reserved-column]"},
	} {
		err := newBench(t, "").declare(x.script, x.cols)
		if err == nil {
			t.Errorf("%s: no error", x.script)
		} else if text := errorText(err); !strings.Contains(text, x.want) {
			t.Errorf("%s\ngot  %s\nwant %s", x.script, text, x.want)
		}
	}
	// A name that the journal doesn't store may be one of its own.
	newBench(t, "").mustDeclare("CREATE JOURNAL j KEYS (id) SEQUENCE BY valid_from COLUMNS * EXCEPT (valid_from) FROM ev",
		"id BIGINT, valid_from TIMESTAMP")
}

func TestRedefinition(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	const text = "CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op = 'd' COLUMNS * EXCEPT (op, ts) FROM ev"
	b.mustDeclare(text, "id INTEGER, op VARCHAR, a SMALLINT, b VARCHAR, ts DATE")
	b.mustWrite("SELECT * FROM (VALUES (1::INTEGER, 'i', 1::SMALLINT, 'x', DATE '2025-01-01'), (2, 'i', 2, 'y', " +
		"DATE '2025-01-01'), (2, 'u', 2, 'y', DATE '2025-01-05')) t(id, op, a, b, ts)")
	// Wider types are taken over, a new column comes, one that is gone keeps its last value.
	b.mustDeclare(text, "id BIGINT, op VARCHAR, a INTEGER, c DOUBLE, ts TIMESTAMP")
	b.mustWrite("SELECT * FROM (VALUES (1::BIGINT, 'u', 100000::INTEGER, 0.5::DOUBLE, TIMESTAMP '2025-01-02 12:00:00'), (2, 'u', " +
		"2, NULL, TIMESTAMP '2025-01-06 00:00:00'), (2, 'u', 2, 7, TIMESTAMP '2025-01-02 00:00:00'), (3, 'i', 3, NULL, TIMESTAMP " +
		"'2025-01-02 00:00:00')) t(id, op, a, c, ts)")
	b.expect("SELECT * FROM j_history", `
		1|1|x|\N|2025-01-01 00:00:00|2025-01-02 12:00:00
		1|100000|x|0.5|2025-01-02 12:00:00|\N
		2|2|y|\N|2025-01-01 00:00:00|2025-01-02 00:00:00
		2|2|y|7.0|2025-01-02 00:00:00|2025-01-06 00:00:00
		2|2|y|\N|2025-01-06 00:00:00|\N
		3|3|\N|\N|2025-01-02 00:00:00|\N`)
	b.expect("SELECT column_name, column_type FROM (DESCRIBE j)", "id|BIGINT\na|INTEGER\nb|VARCHAR\nc|DOUBLE\nvalid_from|TIMESTAMP")
	// A narrower type fits as it is; the column that was gone is back.
	b.mustDeclare(text, "id SMALLINT, op VARCHAR, a TINYINT, b VARCHAR, c FLOAT, ts DATE")
	b.mustWrite("SELECT 3::SMALLINT AS id, 'u' AS op, 3::TINYINT AS a, 'z' AS b, 1::FLOAT AS c, DATE '2025-01-03' AS ts")
	b.expect("SELECT * FROM j WHERE id = 3", "3|3|z|1.0|2025-01-03 00:00:00")
	b.expect("SELECT column_type FROM (DESCRIBE j)", "BIGINT\nDOUBLE\nINTEGER\nTIMESTAMP\nVARCHAR")

	for _, x := range []struct{ script, cols, want string }{
		{strings.Replace(text, "(id)", "(id, b)", 1), "id INTEGER, op VARCHAR, a INTEGER, b VARCHAR, ts DATE",
			"the keys of journal j are (id), and would be (id, b) now: what it stores is by key [journal-rebuild-needed]"},
		{strings.Replace(text, "BY ts", "BY (ts, a)", 1), "id INTEGER, op VARCHAR, a INTEGER, b VARCHAR, ts DATE",
			"journal j orders its events by (ts), and would by (ts, a) now: what it stores is in the old order [journal-rebuild-needed]"},
		{"CREATE JOURNAL j KEYS (id) SNAPSHOT AT ts FROM ev", "id INTEGER, ts DATE", "was made from a feed (SEQUENCE BY), and would " +
			"be from loads of the whole table (SNAPSHOT) now [journal-rebuild-needed]"},
		{strings.Replace(text, "FROM", "STORED AS SCD TYPE 1 FROM", 1), "id INTEGER, op VARCHAR, ts DATE",
			"is stored as SCD type 2, and would be as type 1 now [journal-rebuild-needed]"},
		{text, "id INTEGER, op VARCHAR, a VARCHAR, ts DATE", "a is stored as INTEGER in journal j, and would be VARCHAR now, which " +
			"doesn't hold all of it, in its order [journal-rebuild-needed]"},
		{text, "id INTEGER, op VARCHAR, a INTEGER, ts BIGINT", "REBUILD JOURNAL j FROM SOURCE"},
	} {
		err := b.declare(x.script, x.cols)
		if err == nil || !strings.Contains(errorText(err), x.want) {
			t.Errorf("%s\ngot  %v\nwant %s", x.script, err, x.want)
		}
	}
	b.expect("SELECT count(*) FROM j_history", "7")
}

// What is stored by an older TRACK stays; a late event takes its key to the new one, REBUILD all of them.
func TestNewTrack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	const text = "CREATE JOURNAL j KEYS (id) SEQUENCE BY ts COLUMNS (a, v) TRACK (a, v) FROM ev"
	const cols = "id INTEGER, a VARCHAR, v INTEGER, ts INTEGER"
	b.mustDeclare(text, cols)
	b.mustWrite("SELECT * FROM (VALUES (1, 'A', 1, 1), (1, 'A', 1, 3), (1, 'A', 2, 5), (2, 'A', 1, 1), (2, 'A', 1, 3), (2, 'A', " +
		"2, 5)) t(id, a, v, ts)")
	b.mustDeclare(strings.Replace(text, "TRACK (a, v)", "TRACK (a)", 1), cols)
	b.expect("SELECT * FROM j_history", "1|A|1|1|5\n1|A|2|5|\\N\n2|A|1|1|5\n2|A|2|5|\\N")
	// In order: only the untracked column moves. Then late, between events that are remembered, and repeats of all.
	b.mustWrite("SELECT 1 AS id, 'A' AS a, 9 AS v, 7 AS ts")
	b.mustWrite("SELECT 1 AS id, 'B' AS a, 5 AS v, 2 AS ts")
	b.expect("SELECT * FROM j_history WHERE id = 1", "1|A|1|1|2\n1|B|5|2|3\n1|A|9|3|\\N")
	b.mustWrite("SELECT * FROM (VALUES (1, 'A', 1, 1), (1, 'A', 1, 3), (1, 'A', 2, 5), (2, 'A', 1, 1), (2, 'A', 1, 3), (2, 'A', " +
		"2, 5), (1, 'A', 9, 7), (1, 'B', 5, 2)) t(id, a, v, ts)")
	b.expect("SELECT count(*) FROM dsql.rejects", "0")
	b.rebuild()
	b.expect("SELECT * FROM j_history", "1|A|1|1|2\n1|A|9|3|\\N\n1|B|5|2|3\n2|A|2|1|\\N")
	// And back.
	b.mustDeclare(text, cols)
	b.rebuild()
	b.expect("SELECT * FROM j_history", "1|A|1|1|2\n1|A|1|3|5\n1|A|2|5|7\n1|A|9|7|\\N\n1|B|5|2|3\n2|A|1|1|5\n2|A|2|5|\\N")
	b.expect("SELECT * FROM j_history_at(1)", "1|A|1|1|5\n1|A|2|5|\\N\n2|A|1|1|5\n2|A|2|5|\\N")
}

func (b *bench) rebuild() {
	b.t.Helper()
	if _, err := b.step(b.j.Rebuild); err != nil {
		b.t.Fatal(err)
	}
}

// IGNORE NULL UPDATES that comes later reads the NULLs of events that are there already as saying nothing.
func TestNewIgnoreNullUpdates(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	const text = "CREATE JOURNAL j KEYS (id) SEQUENCE BY ts COLUMNS (a, v) FROM ev"
	const cols = "id INTEGER, a VARCHAR, v INTEGER, ts INTEGER"
	const all = "SELECT * FROM (VALUES (1, 'A', 1, 1), (1, NULL, 1, 3), (1, NULL, 1, 4), (1, NULL, 2, 5)) t(id, a, v, ts)"
	b.mustDeclare(text, cols)
	b.mustWrite(all)
	b.expect("SELECT * FROM j_history", "1|A|1|1|3\n1|\\N|1|3|5\n1|\\N|2|5|\\N")
	b.mustDeclare(strings.Replace(text, "FROM", "IGNORE NULL UPDATES FROM", 1), cols)
	b.expect("SELECT count(*) FROM j_history", "3")
	b.rebuild()
	b.expect("SELECT * FROM j_history", "1|A|1|1|5\n1|A|2|5|\\N")
	b.mustWrite(all)
	b.mustWrite("SELECT 1 AS id, 'B' AS a, NULL::INTEGER AS v, 2 AS ts")
	b.mustWrite(all)
	b.expect("SELECT * FROM j_history", "1|A|1|1|2\n1|B|1|2|5\n1|B|2|5|\\N")
	b.expect("SELECT count(*) FROM dsql.rejects", "0")
}

// The file's views work where it is attached, its macros where it is used.
func TestAttached(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/j.duckdb"
	b := newBench(t, path)
	b.mustDeclare(planes, planeColumns)
	b.mustWrite(ev("1 i a 1 1"))
	b.mustWrite(ev("1 u b 1 2"))
	b.close()
	b.openFile("")
	b.exec("ATTACH '" + path + "' AS other (READ_ONLY)")
	b.expect("SELECT * FROM other.j", "1|b|1|2")
	b.expect("SELECT * FROM other.j_history", "1|a|1|1|2\n1|b|1|2|\\N")
	b.exec("USE other")
	b.expect("SELECT * FROM j_at(1)", "1|a|1|1")
	b.expect("SELECT * FROM j_as_of(1)", "1|a|1|1")
	b.expect("SELECT * FROM j_history_at(1)", "1|a|1|1|\\N")
	b.expect("SELECT change_type, name FROM j_changes(0, 2)", "insert|a\nupdate_before|a\nupdate_after|b")
	b.expect("SELECT change_type, name FROM j_diff(2, 0)", "delete|b")
}

// Files of before have the definition in the table of the state.
func TestDefinitionMoves(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(planes, planeColumns)
	b.mustWrite(ev("1 i a 1 1"))
	for _, s := range []string{"ALTER TABLE j__state ADD COLUMN definition VARCHAR", "UPDATE j__state SET definition = j__definition()",
		"DROP MACRO j__definition"} {
		b.exec(s)
	}
	stale := func() (what string) {
		if err := b.c.Update(t.Context(), func(tx *duck.Tx) (err error) {
			what, err = b.j.Stale(t.Context(), tx,
				&kind.Env{})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return what
	}
	if stale() == "" {
		t.Error("an unchanged declaration would not be declared anew")
	}
	b.mustDeclare(planes, planeColumns)
	if what := stale(); what != "" {
		t.Error(what)
	}
	b.mustWrite(ev("1 u b 1 2"))
	b.mustWrite(ev("1 u c 1 3"))
	b.expect("SELECT * FROM j_history", "1|a|1|1|2\n1|b|1|2|3\n1|c|1|3|\\N")
	b.expect("SELECT count(*) FROM duckdb_columns() WHERE table_name = 'j__state' AND column_name = 'definition'", "0")
}

func TestDrop(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	left := "SELECT count(*) FROM (SELECT 1 FROM duckdb_tables() WHERE table_name LIKE 'j%' AND schema_name = 'main' AND NOT " +
		"temporary UNION ALL SELECT 1 FROM duckdb_views() WHERE view_name LIKE 'j%' AND NOT internal UNION ALL SELECT 1 FROM " +
		"duckdb_functions() WHERE function_name LIKE 'j\\_%' ESCAPE '\\' AND NOT internal)"
	for range 2 {
		b.mustDeclare(planes, planeColumns)
		b.mustWrite(ev("1 i a 1 1"))
		b.expect(left, "14")
		ctx := t.Context()
		if err := b.c.Update(ctx, func(tx *duck.Tx) error { return b.j.Drop(ctx, tx) }); err != nil {
			t.Fatal(err)
		}
		b.expect(left, "0")
	}
}

// By default the columns that order the events aren't tracked; a part of _meta of some column's name doesn't count.
func TestTrackedByDefault(t *testing.T) {
	t.Parallel()
	const cols = "id INTEGER, a VARCHAR, ts TIMESTAMP, \"offset\" BIGINT, date_trunc VARCHAR"
	for _, x := range []struct{ clauses, tracked, own string }{
		{"SEQUENCE BY ts", "[a offset date_trunc]", "map[ts:0]"},
		{"SEQUENCE BY (ts, _meta.offset)", "[a offset date_trunc]", "map[ts:0]"},
		{"SEQUENCE BY (\"offset\", TS)", "[a date_trunc]", "map[offset:0 ts:1]"},
		{"SEQUENCE BY date_trunc('day', ts)", "[a offset date_trunc]", "map[]"},
		{"SEQUENCE BY ts TRACK *", "[a ts offset date_trunc]", "map[]"},
		{"SEQUENCE BY ts TRACK * EXCEPT (ts, a)", "[offset date_trunc]", "map[ts:0]"},
		{"SEQUENCE BY ts COLUMNS (id, a, ts) TRACK (a)", "[a]", "map[ts:0]"},
		{"SNAPSHOT AT ts", "[a offset date_trunc]", "map[]"},
		{"SNAPSHOT", "[a ts offset date_trunc]", "map[]"},
	} {
		b := newBench(t, "")
		b.mustDeclare("CREATE JOURNAL j KEYS (id) "+x.clauses+" FROM ev", cols)
		d, err := b.j.resolve(b.columns(cols))
		if err != nil {
			t.Fatal(err)
		}
		if l := b.j.layout(d); fmt.Sprint(l.tracked) != x.tracked || fmt.Sprint(l.own) != x.own {
			t.Errorf("%s: %v %v", x.clauses, l.tracked, l.own)
		}
	}
}
