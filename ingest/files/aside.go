package files

import (
	"context"
	"errors"
	"slices"

	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/sql"
	"dsql/sql/code"
)

// A file that can't be read is set aside (ON BAD FILE SKIP): dsql.files has it with its error, those behind it are taken, and it is
// tried again when it has changed. What was taken of it before stays taken.

// asideFile is a file that was found unreadable, and what had been taken of it.
type asideFile struct {
	file
	hash         string
	pos          batch.Pos
	destinations []string
	why          *sql.Error
}

// unreadableFile is the error when it says that a file can't be read, nil where it says something else. The folder or pattern itself is
// no such file, nor is a script that asks for what no file has.
func (s *Source) unreadableFile(err error) *sql.Error {
	if s.onBadFile == "FAIL" {
		return nil
	}
	return fileFault(err)
}

// fileFault is the error when it is one of a single file.
func fileFault(err error) *sql.Error {
	var e *sql.Error
	if !errors.As(err, &e) || errors.Is(err, context.Canceled) {
		return nil
	}
	switch e.Code {
	case code.Unreadable, code.NoRights, code.NoFile, code.SourceCapture, code.SourceHeader:
		return e
	}
	return nil
}

// stillAside takes away the files that were set aside and are as they were then, and says so. Of a snapshot the whole load goes with
// one: a part of it is no load.
func (s *Source) stillAside(files []file, places []filePlace, o kind.ReadOptions) []file {
	byPath := map[string]*file{}
	for i := range files {
		byPath[files[i].path] = &files[i]
	}
	out := map[string]bool{}
	for _, p := range places {
		f := byPath[p.path]
		if p.why == "" || f == nil || !p.same(f) || out[p.path] || !slices.Contains(o.Destinations, p.destination) {
			continue
		}
		out[p.path] = true
		if s.snapshot && len(s.pattern.Captures) > 0 {
			for _, g := range files {
				if s.loadOf(g) == s.loadOf(*f) {
					out[g.path] = true
				}
			}
		}
		if o.Aside != nil {
			o.Aside(s.Stmt.At(s.patternAt).Errorf(code.FileAside, "%s (set aside in an earlier run)", p.why).
				WithHint("mend the file or take it away: it is tried again when it has changed"))
		}
	}
	return slices.DeleteFunc(slices.Clone(files), func(f file) bool { return out[f.path] })
}

// aside is the item's file i as one that can't be read.
func (it *item) aside(i int, why *sql.Error) *asideFile {
	a := &asideFile{file: it.files[i], destinations: it.destinations, why: why}
	if i == 0 {
		a.hash, a.pos = it.hash, it.from
	}
	return a
}
