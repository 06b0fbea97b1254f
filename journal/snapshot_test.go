package journal

import (
	"strings"
	"testing"
	"time"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
)

const customersDecl = "CREATE JOURNAL c KEYS (id) SNAPSHOT AT day COLUMNS * EXCEPT (day) FROM full"

const customersColumns = "id INTEGER, name VARCHAR, day DATE"

// loaded marks a batch as the load of a day.
func loaded(day string) func(*kind.Accepted) {
	return func(a *kind.Accepted) {
		a.Input = &kind.Input{Source: "full", Snapshot: true, Captures: map[string]string{"DAY": day},
			FileTime: time.Date(2025, 3, 1, 12, 0, 0, 123456000, time.UTC)}
	}
}

func load(day, rows string) string {
	return "SELECT id::INTEGER AS id, name::VARCHAR AS name, DATE '" + day + "' AS day FROM (VALUES " + rows + ") t(id, name)"
}

func TestGuard(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(customersDecl, customersColumns)
	b.mustWrite(load("2025-01-01", "(1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')"), loaded("2025-01-01"))
	// Half of the keys is too many, by default; keys that are rejected aren't missing.
	_, err := b.write(load("2025-01-02", "(1, 'a'), (2, 'x')"), loaded("2025-01-02"))
	if got := errorText(err); err == nil || !strings.Contains(got, "test.sql:1:16: error: the load of 2025-01-02 is held back: 2 "+
		"of the 4 open keys of journal c are missing in it (50.0 %, and IF REMOVED allows less than 50); nothing of it was taken in "+
		"[load-held]") || !strings.Contains(got, "RELEASE HOLD c") {
		t.Errorf("got %v", got)
	}
	b.expect("SELECT count(*) FROM c__now", "4")
	b.mustWrite(load("2025-01-02", "(1, 'a'), (2, 'x'), (3, 'c'), (3, 'd')"), loaded("2025-01-02"))
	b.expect("SELECT id, name FROM c", "1|a\n2|x\n3|c")
	// Released, it is taken.
	b.mustWrite(load("2025-01-03", "(NULL, 'a')"), loaded("2025-01-03"), func(a *kind.Accepted) { a.Force = true })
	b.expect("SELECT id FROM c", "")
	b.expect("SELECT split_part(reason, ':', 1), version FROM dsql.rejects", "duplicate_key|2\nduplicate_key|2\nnull_key|3")
	// With no key open nothing can be missing.
	b.mustWrite(load("2025-01-04", "(7, 'z')"), loaded("2025-01-04"))
	b.expect("SELECT * FROM c_history WHERE id IN (1, 4, 7)", "1|a|2025-01-01|2025-01-03\n4|d|2025-01-01|2025-01-02\n7|z|2025-01-04|\\N")
}

func TestGuardOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(strings.Replace(customersDecl, "FROM", "IF REMOVED < 101 PERCENT FROM", 1), customersColumns)
	b.mustWrite(load("2025-01-01", "(1, 'a'), (2, 'b')"), loaded("2025-01-01"))
	// An empty load has the time of its path.
	if n := b.mustWrite(load("2025-01-01", "(1, 'a')")+" WHERE false", loaded("2025-01-02")); n != (kind.Counts{Removed: 2}) {
		t.Errorf("got %+v", n)
	}
	b.expect("SELECT * FROM c_history", "1|a|2025-01-01|2025-01-02\n2|b|2025-01-01|2025-01-02")
}

// A load that isn't newer than the last is rejected whole, whatever it changed; the time of an empty load counts.
func TestOldLoads(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare(strings.Replace(customersDecl, "FROM", "ON MISSING KEEP FROM", 1), customersColumns)
	b.mustWrite(load("2025-01-02", "(1, 'a')"), loaded("2025-01-02"))
	for _, day := range []string{"2025-01-02", "2025-01-01"} {
		if n := b.mustWrite(load(day, "(1, 'b'), (2, 'b')"), loaded(day)); n != (kind.Counts{Rejected: 2}) {
			t.Errorf("%s: %+v", day, n)
		}
	}
	b.mustWrite(load("2025-01-05", "(1, 'a')"), loaded("2025-01-05"))
	b.mustWrite(load("2025-01-06", "(1, 'a')")+" WHERE false", loaded("2025-01-06"))
	b.mustWrite(load("2025-01-06", "(1, 'c')"), loaded("2025-01-06"))
	b.expect("SELECT DISTINCT version, reason FROM dsql.rejects", `
		2|too_late: this load, of 2025-01-02, is not newer than the last one, of 2025-01-02
		3|too_late: this load, of 2025-01-01, is not newer than the last one, of 2025-01-02
		6|too_late: this load, of 2025-01-06, is not newer than the last one, of 2025-01-06`)
	b.expect("SELECT * FROM c_history", "1|a|2025-01-02|\\N")
}

func TestTimeOfLoad(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.mustDeclare("CREATE JOURNAL c KEYS (id) SNAPSHOT COLUMNS * EXCEPT (day) FROM full", customersColumns)
	b.mustWrite(load("2025-01-02", "(1, 'a')"), loaded(""))
	b.expect("SELECT * FROM c", "1|a|2025-03-01 12:00:00.123456")

	b = newBench(t, "")
	b.mustDeclare("CREATE JOURNAL c KEYS (id) SNAPSHOT AT _meta.\"timestamp\"::DATE COLUMNS * EXCEPT (day) FROM full", customersColumns)
	if !b.j.Needs(catalog.MetaColumn) {
		t.Error("SNAPSHOT AT uses _meta")
	}
	b.exec("CREATE TEMP TABLE incoming AS SELECT *, struct_pack(\"timestamp\" := " +
		"TIMESTAMP '2025-02-01 01:00:00')::" + catalog.MetaType + " AS _meta FROM (" + load("2025-01-02", "(1, 'a')") + ")")
	acc := &kind.Accepted{Version: 1, Columns: b.columns(customersColumns), Rows: duck.SQL("(SELECT * FROM incoming)")}
	if _, err := b.take(acc); err != nil {
		t.Fatal(err)
	}
	// Of an empty load _meta has the file's time.
	acc = &kind.Accepted{Version: 2, Columns: acc.Columns, Rows: duck.SQL("(SELECT * FROM incoming WHERE false)"), Force: true}
	loaded("")(acc)
	if _, err := b.take(acc); err != nil {
		t.Fatal(err)
	}
	b.expect("SELECT * FROM c_history", "1|a|2025-02-01|2025-03-01")

	b = newBench(t, "")
	b.mustDeclare(customersDecl, customersColumns)
	for _, x := range []struct{ query, day, want string }{
		{load("2025-01-02", "(1, 'a')") + " UNION ALL " + load("2025-01-03", "(2, 'a')"), "2025-01-02",
			"the rows of one load have several times: 2025-01-02, 2025-01-03 [load-time]"},
		{"SELECT 1 AS id, 'a' AS name, NULL::DATE AS day", "", "the load has no time: SNAPSHOT AT gives NULL [load-time]"},
		{load("2025-01-02", "(1, 'a')") + " WHERE false", "no day", "could not"},
	} {
		_, err := b.write(x.query, loaded(x.day))
		if got := errorText(err); err == nil || !strings.Contains(got, x.want) && !strings.Contains(got, "duckdb-conversion") {
			t.Errorf("%s\ngot  %v\nwant %s", x.query, err, x.want)
		}
	}
	_, err := b.write(load("2025-01-02", "(1, 'a')"), loaded("2025-01-02"), func(a *kind.Accepted) { a.Input.Snapshot = false })
	const batches = "journal c takes whole tables, and full hands out its rows in batches [journal-mode]"
	if err == nil || !strings.Contains(errorText(err), batches) {
		t.Errorf("got %v", err)
	}
	// No file and no row is no load.
	if n := b.mustWrite(load("2025-01-02", "(1, 'a')") + " WHERE false"); n != (kind.Counts{}) {
		t.Errorf("got %+v", n)
	}
}

// DiffCases compares two loads as name_changes and name_diff give them, one row a changed value.
func TestDiffCases(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"basic", "nulls"} {
		dir := "../testdata/cases/diff/" + name
		head := table(t, dir+"/old.csv")[0]
		key := head[:1]
		b := newBench(t, "")
		var decl []string
		for _, h := range head {
			decl = append(decl, h+" VARCHAR")
		}
		b.mustDeclare("CREATE JOURNAL j KEYS ("+key[0]+") SNAPSHOT AT day COLUMNS * EXCEPT (day) IF REMOVED < 101 PERCENT FROM full",
			strings.Join(decl, ", ")+", day DATE")
		c := &journalCase{Types: map[string]string{}}
		for i, f := range []string{"old", "new"} {
			b.mustWrite("SELECT *, DATE '2025-01-01' + "+string(rune('0'+i))+" AS day FROM ("+c.read(t, dir+"/"+f+".csv", head)+")",
				loaded("2025-01-01"))
		}
		for _, changes := range []string{"j_changes(1, 2)", "j_diff(1, 2)"} {
			parts := []string{
				"SELECT " + key[0] + ", 'removed' AS change, '' AS \"column\", '' AS old, '' AS new FROM " + changes + " WHERE change_type = 'delete'",
				"SELECT " + key[0] + ", 'added', '', '', '' FROM " + changes + " WHERE change_type = 'insert'",
			}
			for _, h := range head[1:] {
				parts = append(parts, "SELECT "+key[0]+", 'changed', '"+h+"', b."+h+", a."+h+" FROM (FROM "+changes+" WHERE change_type = "+
					"'update_before') b JOIN (FROM "+changes+" WHERE change_type = 'update_after') a USING ("+key[0]+") WHERE a."+h+" IS "+
					"DISTINCT FROM b."+h)
			}
			b.same("SELECT "+quoted(table(t, dir+"/expected.csv")[0])+" FROM ("+strings.Join(parts, " UNION ALL ")+")",
				c.read(t, dir+"/expected.csv", table(t, dir+"/expected.csv")[0]))
		}
	}
}
