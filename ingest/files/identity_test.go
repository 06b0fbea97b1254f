package files

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// A file that was taken is not taken again under another name, nor the rest of one that was taken in part from its start.
func TestFileIdentity(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"in/*.csv", "{dir}/in/*.csv", "link/*.csv", "one.csv"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]string{"in/a.csv": "id\n1\n2\n3\n"})
			for link, to := range map[string]string{"link": "in", "one.csv": "in/a.csv"} {
				if err := os.Symlink(to, filepath.Join(l.dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			read := func(pattern, d string) ran {
				if pattern[0] == '{' {
					pattern = l.dir + pattern[5:]
				}
				return l.run(fmt.Sprintf("CREATE SOURCE s (id INTEGER) FROM FILES ('%s', batch_rows 2)", pattern), d)
			}
			l.fail = 2
			if r := read(first, "d"); r.err == nil { // a part of it
				t.Fatal("nothing failed")
			}
			l.fail = 0
			for i, other := range []string{"{dir}/link/../in//a.csv", "in/*.csv", "./in/*.csv", "in//*.csv", "in/../in/*.csv", "link/*.csv",
				"**/*.csv", "one.csv", "{dir}/one.csv"} {
				r := read(other, "d")
				if r.err != nil {
					t.Fatal(other, r.err)
				}
				if want := map[bool]int{true: 1}[i == 0]; len(r.log) != want {
					t.Error(other, "took it again:", r.log)
				}
			}
			equalLines(t, l.show("SELECT count(*), sum(id), count(DISTINCT file) FROM d"), "3|6|1")
			l.put("in/b.csv", "id\n4\n")
			r := read("**/*.csv", "d") // by two names in one listing
			r.is(t, "in/b.csv → d: 1")
			if err := os.Remove(filepath.Join(l.dir, "one.csv")); err != nil {
				t.Fatal(err)
			}
			l.put("other/c.csv", "id\n5\n")
			if err := os.Symlink("other/c.csv", filepath.Join(l.dir, "one.csv")); err != nil { // what a link leads to now is another file
				t.Fatal(err)
			}
			read("other/*.csv", "d").is(t, "other/c.csv → d: 1")
		})
	}
}
