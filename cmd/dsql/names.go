package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
)

// declaration is a name that is declared, and as what.
type declaration struct{ name, kind string }

// Bounds on what is read for a completion: who presses Tab waits for it.
const (
	mostScripts   = 50
	largestScript = 1 << 20
	longestLook   = 300 * time.Millisecond
)

// declaredNames are the names of declarations of some kinds ("": of all that can be read), for a command line: those of the scripts on it, or
// else of those in the working folder and of its file, if that can be opened now.
func (s *streams) declaredNames(words []string, kinds []string) []declaration {
	var out []declaration
	add := func(name, kind string) {
		named := slices.Contains(kinds, kind) || kinds[0] == "" && kind != "parameter" && kind != "test"
		if d := (declaration{name, kind}); named && name != "" && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	scripts := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !strings.HasSuffix(w, ".sql") })
	if len(scripts) == 0 {
		scripts, _ = filepath.Glob("*.sql")
		s.storedNames(words, add)
	}
	for i, name := range scripts {
		info, err := os.Stat(name)
		if err != nil || i == mostScripts || info.Size() > largestScript {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		stmts, _ := sql.Parse(sql.NewSource(name, string(text)), run.Language.Forms) // what can be read of one that is being written
		for _, st := range stmts {
			if st.Decl != nil && st.Decl.Syntax.Verb == "" {
				add(st.Decl.Name, strings.ToLower(st.Decl.Syntax.Keyword))
			}
		}
	}
	slices.SortFunc(out, func(a, b declaration) int { return strings.Compare(a.name+"\t"+a.kind, b.name+"\t"+b.kind) })
	return out
}

// storedNames are those of the file that the command would take.
func (s *streams) storedNames(words []string, add func(name, kind string)) {
	value := func(name string) (found string) {
		for i, w := range words {
			if v, is := strings.CutPrefix(w, name+"="); is {
				found = v
			} else if w == name && i+1 < len(words) {
				found = words[i+1]
			}
		}
		return found
	}
	ctx, done := context.WithTimeout(context.Background(), longestLook)
	defer done()
	a := fileArgs{DB: value("--db")}
	s.cli.Profile = value("--profile")
	if err := a.choose(ctx, s); err != nil || program.Existing(a.DB) == "" {
		return // there is none
	}
	file, err := duck.Open(ctx, a.DB, duck.Options{ReadOnly: true, Threads: 1})
	if err != nil {
		return // another process has it
	}
	defer file.Close()
	_, _ = duck.Select(ctx, file.Writer(), duck.SQL("SELECT name, kind FROM dsql.declarations"), // one that isn't dsql's has none
		func(row func(...any) error) (d declaration, err error) {
			if err = row(&d.name, &d.kind); err == nil {
				add(d.name, d.kind)
			}
			return d, err
		})
}
