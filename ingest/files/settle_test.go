package files

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// A file that was changed a moment ago is taken up to the last record that has an end; the rest when it has come, or when the file is
// as it was for a while.
func TestUnfinishedFile(t *testing.T) {
	t.Parallel()

	for _, k := range []struct{ name, options, one, two, first, rest string }{
		{"a line", "", "id,name\n1,Ada\n2,Gra", "id,name\n1,Ada\n2,Grace\n3,Edsger\n", "1 Ada", "2 Grace|3 Edsger"},
		{"inside quotes", "", "id,name\n1,Ada\n2,\"Gra\nx,y\n", "id,name\n1,Ada\n2,\"Gra\nx,y\n\"\n", "1 Ada", "2 Gra\nx,y\n"},
		{"a header", "", "id,na", "id,name\n1,Ada\n", "", "1 Ada"},
		{"a first line", "header false", "1,A", "1,Ada\n2,Grace\n", "", "1 Ada|2 Grace"},
		{"a number", "batch_rows 1", "id,name\n1,Ada\n2,Grace\n3", "id,name\n1,Ada\n2,Grace\n33,Edsger\n", "1 Ada|2 Grace", "33 Edsger"},
		{"a JSON line", "format json", "{\"id\":1,\"name\":\"Ada\"}\n{\"id\":2,\"na",
			"{\"id\":1,\"name\":\"Ada\"}\n{\"id\":2,\"name\":\"Grace\"}", "1 Ada", "2 Grace"},
		{"a JSON array", "format json", "[{\"id\":1,\"name\":\"Ada\"},\n{\"id\":2,\"na",
			"[{\"id\":1,\"name\":\"Ada\"},\n{\"id\":2,\"name\":\"Grace\"}]", "1 Ada", "2 Grace"},
		{"nothing", "", "", "id,name\n1,Ada\n", "", "1 Ada"},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]string{"in/a.csv": k.one, "in/b.csv": ""})
			s := "CREATE SOURCE s (id BIGINT, name VARCHAR) FROM FILES ('in/a.csv'"
			if k.options != "" {
				s += ", " + k.options
			}
			s += ")"
			rows := func(want string) {
				t.Helper()
				equalLines(t, l.show("SELECT coalesce(string_agg(id || ' ' || name, '|' ORDER BY rowid), '') FROM d"), want)
			}
			l.sql("CREATE TABLE IF NOT EXISTS d (id BIGINT, name VARCHAR, file VARCHAR, line BIGINT)")
			for range 2 { // nothing new: nothing twice
				if r := l.run(s, "d"); r.err != nil {
					t.Fatal(r.err)
				}
				rows(k.first)
			}
			l.put("in/a.csv", k.two)
			if r := l.run(s, "d"); r.err != nil {
				t.Fatal(r.err)
			}
			all := k.rest
			if k.first != "" {
				all = k.first + "|" + k.rest
			}
			rows(all)
			l.run(s, "d").is(t, "")
			rows(all)
			l.run(s, "e")
			equalLines(t, l.show("SELECT string_agg(id || ' ' || name, '|' ORDER BY rowid) FROM e"), all)
		})
	}
	l := newLab(t, map[string]string{"in/a.csv": "id\n1\n2", "in/s.csv": "id\n1\n2"})
	const s = "CREATE SOURCE s (id BIGINT) FROM FILES ('in/a.csv', header)"
	l.run(s, "d").is(t, "warning: in/a.csv was changed a moment ago, and what it ends in has no end yet: that waits "+
		"[file-unfinished]\nin/a.csv → d: 1")
	l.touch("in/a.csv")
	l.run(s, "d").is(t, "in/a.csv lines 3–3 → d: 1")
	l.run("CREATE SOURCE u (id BIGINT) FROM FILES ('in/s.csv', mode snapshot)", "u").is(t,
		"warning: in/s.csv was changed a moment ago, and what it ends in has no end yet: that waits [file-unfinished]")
	l.touch("in/s.csv")
	l.run("CREATE SOURCE u (id BIGINT) FROM FILES ('in/s.csv', mode snapshot)", "u").is(t, "in/s.csv → u: 2")
}

// A batch of a file that is no more what was listed is rolled back, and comes again.
func TestFileChangesInReading(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	l := newLab(t, map[string]string{"in/a.csv": "id\n1\n2\n3\n"})
	l.parquet("in/a.parquet", "SELECT 1 AS id")
	for _, name := range []string{"in/a.csv", "in/a.parquet"} {
		s := l.source("CREATE SOURCE s (id BIGINT) FROM FILES ('" + name + "', batch_rows 2)")
		rd, err := s.Open(ctx, l.c, l.env, []duck.Column{{Name: "id", Type: "BIGINT"}}, kind.ReadOptions{Destinations: []string{"d"}})
		if err != nil {
			t.Fatal(err)
		}
		in, err := rd.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		l.touch(name)
		err = l.c.Update(ctx, func(tx *duck.Tx) error { return in.Commit(ctx, tx, 1) })
		in.Release()
		if !errors.Is(err, kind.ErrAgain) {
			t.Errorf("%s: %v", name, err)
		}
		if in, err = rd.Next(ctx); err == nil {
			t.Errorf("%s: there is more of a file that changed: %s", name, in.Origin)
		}
		if err := rd.Close(); err != nil {
			t.Error(err)
		}
	}
	equalLines(t, l.show("SELECT count(*) FROM dsql.files"), "0")
	l.run("CREATE SOURCE s (id BIGINT) FROM FILES ('in/a.csv', batch_rows 2)", "d").is(t,
		"in/a.csv lines 2–3 → d: 2\nin/a.csv lines 4–4 → d: 1")
}

// Following leaves a file alone until it was listed twice as it is, a second apart; min_age does so in any run.
func TestQuietFiles(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/a.csv": "id\n1\n", "in/b.csv": "id\n2\n"})
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(l.dir, "in/b.csv"), old, old); err != nil {
		t.Fatal(err)
	}
	look := func(s *Source, o kind.ReadOptions) (out []string) {
		files, err := s.list(l.env)
		if err != nil {
			t.Fatal(err)
		}
		return paths(s.in(l.env).quiet(files, nil, o))
	}
	is := func(got []string, want ...string) {
		t.Helper()
		if len(got) != len(want) || len(got) > 0 && got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%q, want %q", got, want)
		}
	}
	s := l.source("CREATE SOURCE s (id BIGINT) FROM FILES ('in/*.csv')")
	is(look(s, kind.ReadOptions{Follow: true}), "in/b.csv")
	is(look(s, kind.ReadOptions{Follow: true}), "in/b.csv")
	earlier := func() {
		for name, x := range s.in(l.env).looks {
			x.since = x.since.Add(-time.Second)
			s.in(l.env).looks[name] = x
		}
	}
	earlier()
	l.put("in/a.csv", "id\n1\n2\n")
	is(look(s, kind.ReadOptions{Follow: true}), "in/b.csv")
	earlier()
	is(look(s, kind.ReadOptions{Follow: true}), "in/a.csv", "in/b.csv")
	s = l.source("CREATE SOURCE s (id BIGINT) FROM FILES ('in/*.csv', mode snapshot)") // in order: what is behind waits as well
	is(look(s, kind.ReadOptions{Follow: true}))
	s = l.source("CREATE SOURCE s (id BIGINT) FROM FILES ('in/*.csv', min_age '1 minute')")
	is(look(s, kind.ReadOptions{}), "in/b.csv")
	is(look(s, kind.ReadOptions{Everything: true}), "in/a.csv", "in/b.csv")
	told, left := 0, 0
	o := kind.ReadOptions{Follow: true, Waits: func() { left++ }, Warn: func(*sql.Error) { told++ }}
	s = l.source("CREATE SOURCE s (id BIGINT) FROM FILES ('in/*.csv', min_age '1 minute')")
	is(look(s, o), "in/b.csv")
	l.put("in/a.csv", "id\n1\n3\n")
	is(look(s, o), "in/b.csv")
	if told != 1 || left != 2 {
		t.Errorf("told %d times, left %d", told, left)
	}
	later := time.Now().Add(time.Hour) // by the clock of who wrote it
	if err := os.Chtimes(filepath.Join(l.dir, "in/a.csv"), later, later); err != nil {
		t.Fatal(err)
	}
	s = l.source("CREATE SOURCE s (id BIGINT) FROM FILES ('in/*.csv')")
	is(look(s, o), "in/b.csv")
	earlier()
	is(look(s, o), "in/a.csv", "in/b.csv")
}

// Files of one content.
func TestCopiedFile(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/a.csv": "id\n1\n", "in/empty1.csv": "id\n", "in/empty2.csv": "id\n"})
	const s = "CREATE SOURCE s (id BIGINT) FROM FILES ('in/*.csv', header)"
	l.run(s, "d").is(t, "in/a.csv → d: 1\nin/empty1.csv → d: 0\nin/empty2.csv → d: 0")
	if err := os.Rename(filepath.Join(l.dir, "in/a.csv"), filepath.Join(l.dir, "in/b.csv")); err != nil {
		t.Fatal(err)
	}
	l.put("in/c.csv", "id\n1\n")
	l.run(s, "d").is(t, "warning: in/b.csv has the content of in/a.csv, which was taken before: its records are taken again "+
		"[file-copied]\nin/b.csv → d: 1\n"+
		"warning: in/c.csv has the content of in/b.csv, which was taken before: its records are taken again [file-copied]\nin/c.csv → d: 1")
	l.run(s, "e").is(t, "in/b.csv → e: 1 again\nin/c.csv → e: 1 again\nin/empty1.csv → e: 0 again\nin/empty2.csv → e: 0 again")
}
