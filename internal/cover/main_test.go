package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A statement that one of several binaries ran has been run; a package that is under needs a reason.
func TestReport(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cover.out")
	for _, c := range []struct{ name, lines, want, err string }{
		{"run by one of two", "dsql/sql/a.go:1.2,3.4 17 0\ndsql/sql/a.go:1.2,3.4 17 2\ndsql/sql/b.go:1.2,3.4 3 0\n", "85.0 %  dsql/sql\n", ""},
		{"too few", "dsql/sql/a.go:1.2,3.4 16 1\ndsql/sql/b.go:1.2,3.4 4 0\n", "80.0 %  dsql/sql\n", "without a reason"},
		{"commands run as processes", "dsql/cmd/x/a.go:1.2,3.4 4 0\n", "0.0 %  dsql/cmd/x\n", ""},
		{"with a reason", "dsql/demo/a.go:1.2,3.4 4 0\n", "0.0 %  dsql/demo                        its errors are those of a disk\n", ""},
		{"no profile", "dsql/sql/a.go:1.2,3.4 many 1\n", "", "invalid syntax"},
	} {
		if err := os.WriteFile(file, []byte("mode: set\n"+c.lines), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		err := report(&out, file)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || out.String() != c.want {
			t.Errorf("%s: %q, %v", c.name, out.String(), err)
		}
	}
	if report(&strings.Builder{}, file+"x") == nil || report(&strings.Builder{}) == nil {
		t.Error("no profile is no error")
	}
}
