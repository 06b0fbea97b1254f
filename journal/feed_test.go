package journal

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

const planes = "CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op = 'd' COLUMNS * EXCEPT (op, ts) FROM ev"

const planeColumns = "id BIGINT, op VARCHAR, name VARCHAR, seats INTEGER, ts INTEGER"

// ev is a query of events, one a line: id op name seats ts, NULL for null.
func ev(lines string) string {
	var rows []string
	for i, l := range strings.Split(strings.TrimSpace(lines), "\n") {
		f := strings.Fields(l)
		for j, v := range f {
			if v != "NULL" {
				f[j] = "'" + v + "'"
			}
		}
		rows = append(rows, fmt.Sprintf("(%d, %s)", i, strings.Join(f, ", ")))
	}
	return "SELECT id::BIGINT AS id, op::VARCHAR AS op, name::VARCHAR AS name, seats::INTEGER AS seats, ts::INTEGER AS ts FROM " +
		"(VALUES " + strings.Join(rows, ", ") + ") x(_i, id, op, name, seats, ts) ORDER BY _i"
}

// Counts say what a batch did to the state, and which of its events changed nothing.
func TestCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(planes, planeColumns)
	for _, x := range []struct {
		events string
		want   kind.Counts
	}{
		{"1 i a 1 1\n2 i b 2 1\n3 i c 3 1", kind.Counts{Written: 3, Added: 3}},
		// changed, the same, deleted, deleted though unknown, new, no key
		{"1 u a 2 2\n2 u b 2 2\n3 d NULL NULL 2\n9 d NULL NULL 2\n4 i d 4 2\nNULL i x 1 1", kind.Counts{Written: 5, Rejected: 1, Added: 1,
			Changed: 1, Removed: 1, Unchanged: 2}},
		// late: a version before the one now, and a repeat; a conflict, twice
		{"1 i a 0 0\n1 u a 2 2\n4 i other 4 2\n4 i other 4 2", kind.Counts{Written: 3, Rejected: 1, Unchanged: 2}},
		// the conflict delivered again is ignored
		{"4 i other 4 2", kind.Counts{Written: 1, Unchanged: 1}},
		// a key that comes and goes in one batch
		{"5 i e 5 1\n5 d NULL NULL 2", kind.Counts{Written: 2}},
		{"NULL i x 1 1", kind.Counts{Rejected: 1}},
	} {
		if got := b.mustWrite(ev(x.events)); got != x.want {
			t.Errorf("%s\ngot  %+v\nwant %+v", x.events, got, x.want)
		}
	}
	b.expect("SELECT * FROM j_history", `
		1|a|0|0|1
		1|a|1|1|2
		1|a|2|2|\N
		2|b|2|1|\N
		3|c|3|1|2
		4|d|4|2|\N
		5|e|5|1|2`)
	b.expect("SELECT reason, version FROM dsql.rejects", `
		null_key: id is NULL|2
		sequence_conflict: its key has an event with other values at 2|3
		null_key: id is NULL|6`)
}

// A rejected row keeps its record's coordinates and bytes, and all of its columns.
func TestRejectsCarryTheirRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(planes, planeColumns)
	meta := "(SELECT struct_pack(file := 'f.csv', line := l)::" + catalog.MetaType + " AS _meta, ('raw ' || l)::BLOB AS _payload " +
		"FROM range(1, 9) t(l))"
	b.exec("CREATE TEMP TABLE raw AS SELECT * FROM " + meta)
	in := &kind.Input{Source: "ev", Raw: duck.SQL("raw"), RowID: duck.SQL("_meta.line")}
	withRows := func(a *kind.Accepted) { a.Input, a.HasRow = in, true }
	b.mustWrite("SELECT *, 9 - row_number() OVER () AS _row FROM ("+ev("1 u second 1 5\n1 u first 1 5\n2 u x 1 NULL")+")", withRows)
	b.expect("SELECT split_part(reason, ':', 1), source, meta.line, payload, data FROM dsql.rejects", `
		null_sequence|ev|6|raw 6|{"id":2,"op":"u","name":"x","seats":1,"ts":null}
		sequence_conflict|ev|8|raw 8|{"id":1,"op":"u","name":"second","seats":1,"ts":5}`)
	b.expect("SELECT name FROM j", "first")
}

func TestLateness(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(strings.Replace(planes, "FROM", "LATENESS 10 FROM", 1), planeColumns)
	b.mustWrite(ev("1 i a 1 100\n2 i b 1 95\n3 i c 1 90\n4 i d 1 89"))
	b.expect("SELECT split_part(reason, ':', 1), data->>'$.id' FROM dsql.rejects", "too_late|4")
	b.expect("SELECT reason FROM dsql.rejects", "too_late: 89 is older by more than 10 than the newest event before it")
	// A repeat of what was accepted isn't too late, nor is one that came before a newer event in the batch.
	b.mustWrite(ev("5 i e 1 92\n1 u a 2 200\n3 i c 1 90\n5 i e 1 92\n6 i f 1 150"))
	b.expect("SELECT version, split_part(reason, ':', 1), data->>'$.id' FROM dsql.rejects", "1|too_late|4\n2|too_late|6")
	b.expect("SELECT id FROM j", "1\n2\n3\n5")
}

// A batch of several inputs is written in several parts of one version: rows that begin and end inside it were never seen.
func TestSeveralWritesInOneVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(planes, planeColumns)
	b.mustWrite(ev("1 i a 1 1\n2 i x 1 1"))
	ctx := t.Context()
	if err := b.c.Update(ctx, func(tx *duck.Tx) error {
		for _, lines := range []string{"1 u b 2 2\n2 d NULL NULL 5\n3 i n 1 1", "1 u c 3 3\n2 u y 1 3\n3 d NULL NULL 2",
			"1 d NULL NULL 2\n1 u z 9 9", "1 u between 1 4"} {
			b.exec("CREATE OR REPLACE TEMP TABLE part AS " + ev(lines))
			if _, err := b.j.Write(ctx, tx, &kind.Accepted{Version: 2, Columns: b.describe("part"),
				Rows: duck.SQL("(SELECT * FROM part)")}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.expect("SELECT * FROM j_history", `
		1|a|1|1|2
		1|b|2|2|3
		1|c|3|3|4
		1|between|1|4|9
		1|z|9|9|\N
		2|x|1|1|3
		2|y|1|3|5
		3|n|1|1|2`)
	b.expect("SELECT * FROM j_changes(1, 2)", "update_before|2|1|a|1\nupdate_after|2|1|z|9\ndelete|2|2|x|1")
	b.expect("SELECT split_part(reason, ':', 1), data->>'$.op' FROM dsql.rejects", "sequence_conflict|d")
	b.expect("SELECT * FROM j_diff(0, 2)", "insert|2|1|z|9")
	b.expect("SELECT * FROM j_history_at(1)", "1|a|1|1|\\N\n2|x|1|1|\\N")
}

// A journal that is read as new rows gives its changes.
func TestNewRows(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(planes, planeColumns)
	b.mustWrite(ev("1 i a 1 1\n2 i x 1 1"))
	b.mustWrite(ev("1 u b 1 2\n2 d NULL NULL 2"))
	got := b.j.New(1, 2)
	b.expect("SELECT * FROM "+got.String(), "update_before|2|1|a|1\nupdate_after|2|1|b|1\ndelete|2|2|x|1")
	cols, err := b.c.Describe(t.Context(), duck.SQL("SELECT * FROM {n}", duck.Args{"n": got}), sql.Place{})
	if err != nil {
		t.Fatal(err)
	}
	// _version is what * hands on, and nothing stores.
	want := slices.Insert(b.j.NewColumns(b.columns(planeColumns)), 1, duck.Column{Name: catalog.VersionColumn, Type: "BIGINT"})
	if fmt.Sprint(cols) != fmt.Sprint(want) {
		t.Errorf("New has %v, NewColumns says %v", cols, want)
	}
}

// More columns than a word of bits has.
func TestIgnoreNullUpdatesOfManyColumns(t *testing.T) {
	t.Parallel()
	const n = 150
	for _, scd := range []int{1, 2} {
		b := newBench(t, "")
		var decl, nulls []string
		for i := range n {
			decl, nulls = append(decl, fmt.Sprintf("c%d INTEGER", i)), append(nulls, "NULL::INTEGER")
		}
		b.mustDeclare(fmt.Sprintf("CREATE JOURNAL j KEYS (id) SEQUENCE BY ts COLUMNS * EXCEPT (ts) IGNORE NULL UPDATES STORED AS SCD "+
			"TYPE %d FROM ev", scd), "id INTEGER, ts INTEGER, "+strings.Join(decl, ", "))
		event := func(ts, column int, value string) string {
			v := append([]string(nil), nulls...)
			if column >= 0 {
				v[column] = value
			}
			for i := range v {
				v[i] += fmt.Sprintf(" AS c%d", i)
			}
			return fmt.Sprintf("SELECT 1 AS id, %d AS ts, %s", ts, strings.Join(v, ", "))
		}
		for i, at := range []int{0, 61, 62, 123, 124, 149} {
			b.mustWrite(event(10+i, at, fmt.Sprint(at)))
		}
		b.mustWrite(event(5, 149, "7"))  // late, and nobody's value
		b.mustWrite(event(12, 62, "62")) // a repeat
		b.expect("SELECT c0, c61, c62, c63, c123, c124, c149 FROM j", `0|61|62|\N|123|124|149`)
		if scd == 2 {
			b.expect("SELECT c0, c62, c149, valid_from, valid_to FROM j_history WHERE valid_from < 13",
				"\\N|\\N|7|5|10\n0|\\N|7|10|11\n0|\\N|7|11|12\n0|62|7|12|13")
		}
		if got := b.count("SELECT count(*) FROM dsql.rejects"); got != "0" {
			t.Errorf("%s rejects", got)
		}
	}
}

// In SCD type 1 a conflict is found with the latest event of its key, and older events of a deleted key don't bring it back.
func TestStateNow(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(strings.Replace(planes, "FROM", "STORED AS SCD TYPE 1 FROM", 1), planeColumns)
	for _, x := range []struct {
		events string
		want   kind.Counts
	}{
		{"1 i a 1 5\n2 i b 1 5\n3 i c 1 5", kind.Counts{Written: 3, Added: 3}},
		{"1 u a 2 5\n1 i a 1 5\n2 d NULL NULL 6\n3 u c 1 6\n1 u old 1 2", kind.Counts{Written: 4, Rejected: 1, Removed: 1, Unchanged: 3}},
		{"1 u a 2 5\n2 u b 1 4\n2 d NULL NULL 6\n3 u other 1 6", kind.Counts{Written: 3, Rejected: 1, Unchanged: 3}},
		{"2 u again 1 7\n3 d NULL NULL 6", kind.Counts{Written: 1, Rejected: 1, Added: 1}},
	} {
		if got := b.mustWrite(ev(x.events)); got != x.want {
			t.Errorf("%s\ngot  %+v\nwant %+v", x.events, got, x.want)
		}
	}
	b.expect("SELECT * FROM j", "1|a|1|5\n2|again|1|7\n3|c|1|6")
	b.expect("SELECT * FROM j_history", "1|a|1|5|\\N\n2|again|1|7|\\N\n3|c|1|6|\\N")
	b.expect("SELECT * FROM j_at(1)", "1|a|1|5\n2|b|1|5\n3|c|1|5")
	b.expect("SELECT * FROM j_as_of((SELECT committed_at FROM dsql.versions WHERE version = 2))", "1|a|1|5\n3|c|1|6")
	b.expect("SELECT change_type, _version, id FROM j_changes(0, 4)", "insert|1|1\ninsert|1|2\ninsert|1|3\ndelete|2|2\ninsert|4|2")
}

// Names of columns may be any, also those that the generated SQL uses for its relations.
func TestAnyColumnNames(t *testing.T) {
	t.Parallel()
	names := []string{"b", "o", "x", "k", "h", "e", "n", "d", "f", "w", "s", "j", "g", "r", "t", "y", "c", "l", "m", "u", "v", "_a",
		"_c", "at_version", "at_time", "from_version", "to_version", "version", "offset", "at", "row", "select", "ä b", `q"t`, "batch",
		"old", "new",
		"_id", "_old", "_time", "_newer", "_image", "_repeat", "_isa", "_b0", "_n0", "known"}
	var decl, first, second []string
	for i, n := range names {
		q := duck.Ident(n).String()
		decl = append(decl, q+" VARCHAR")
		first = append(first, fmt.Sprintf("'%d' AS %s", i, q))
		second = append(second, fmt.Sprintf("'x%d' AS %s", i, q))
	}
	for scd, want := range map[int]string{1: "0|32|7|\\N\nx0|x32|6|\\N", 2: "0|32|5|\\N\nx0|x32|3|6\nx0|x32|6|\\N"} {
		b := newBench(t, "")
		b.mustDeclare(fmt.Sprintf(`CREATE JOURNAL "j ""1" KEYS (b, "ä b") SEQUENCE BY (z, "offset") DELETE WHEN v = 'gone' IGNORE
			NULL UPDATES TRACK * EXCEPT ("row", z) LATENESS 100 STORED AS SCD TYPE %d FROM ev`, scd), strings.Join(decl, ", ")+", z BIGINT")
		for i, z := range []int{5, 6, 7, 3} {
			cols := append([]string(nil), [][]string{first, second}[i%2]...)
			if z == 3 {
				cols[len(cols)-1] = `NULL::VARCHAR AS "known"`
			}
			b.mustWrite(fmt.Sprintf("SELECT %s, %d::BIGINT AS z", strings.Join(cols, ", "), z))
		}
		b.expect(`SELECT b, "ä b", valid_from_z, valid_to_z FROM "j ""1_history"`, want)
		b.expect(`SELECT count(*) FROM "j ""1_at"(2)`, "2")
		b.expect(`SELECT change_type, at_version FROM "j ""1_changes"(1, 2)`, "insert|x23")
		b.expect(`SELECT change_type, at_version FROM "j ""1_diff"(2, 0)`, "delete|23\ndelete|x23")
	}
}

// A column that a batch's file doesn't have, or none of them any more, keeps its last value, also where that is found out in the
// middle of a version.
func TestAbsentColumns(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(planes, planeColumns)
	absent := func(a *kind.Accepted) { a.Absent = []string{"NAME"} }
	b.mustWrite(ev("1 i a 1 1\n2 i b 2 1"))
	ctx := t.Context()
	if err := b.c.Update(ctx, func(tx *duck.Tx) error {
		for i, lines := range []string{"1 u aa 1 2", "1 u NULL 2 3\n3 i NULL 3 3"} {
			b.exec("CREATE OR REPLACE TEMP TABLE part AS " + ev(lines))
			acc := &kind.Accepted{Version: 2, Columns: b.describe("part"), Rows: duck.SQL("(SELECT * FROM part)")}
			if i == 1 {
				absent(acc)
			}
			if _, err := b.j.Write(ctx, tx, acc); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.version = 2
	b.mustWrite(ev("2 d NULL NULL 2\n2 u NULL 5 4"), absent)
	b.mustWrite(ev("1 u NULL 2 5")) // NULL, and said so
	b.mustWrite(ev("1 u NULL 7 4\n1 u NULL 2 3"), absent)
	b.expect("SELECT * FROM j_history", `
		1|a|1|1|2
		1|aa|1|2|3
		1|aa|2|3|4
		1|aa|7|4|5
		1|\N|2|5|\N
		2|b|2|1|2
		2|\N|5|4|\N
		3|\N|3|3|\N`)
	b.expect("SELECT split_part(reason, ':', 1) FROM dsql.rejects", "")

	b = newBench(t, "")
	b.mustDeclare(strings.Replace(planes, "FROM", "STORED AS SCD TYPE 1 FROM", 1), planeColumns)
	b.mustWrite(ev("1 i a 1 1\n2 i b 2 1"))
	b.mustWrite(ev("1 u NULL 2 2\n2 d NULL NULL 2\n2 u NULL 5 3"), absent)
	b.expect("SELECT * FROM j", "1|a|2|2\n2|\\N|5|3")
}
