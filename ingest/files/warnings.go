package files

import (
	"fmt"
	"strings"

	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Warnings about files: of a kind once, however many files it is true of.

// warning is what the user should know of a file. It is told when its batch is, and of the first of several files alike.
type warning struct {
	*sql.Error
	path string
}

// teller tells of the files of a source, and knows what it has told.
type teller struct {
	source  *Source
	opts    *kind.ReadOptions
	warned  map[string]bool
	counts  map[string][2]int // records and bad ones of files
	content map[string]string // files that were taken, by their hash
}

func (t *teller) tell(ws []warning) {
	for _, w := range ws {
		if w.Code == code.FileUnfinished {
			t.opts.Left()
		}
		if kind := w.Code.String() + strings.ReplaceAll(w.Msg, w.path, ""); t.opts.Warn != nil && !t.warned[kind] {
			t.warned[kind] = true
			t.opts.Warn(w.Error)
		}
	}
}

// allBad tells of files of which no record is good; ON BAD FILE FAIL stops there.
func (t *teller) allBad(files []taken, in *kind.Input) error {
	for _, f := range files {
		sum := t.counts[f.path]
		sum = [2]int{sum[0] + f.records, sum[1] + f.bad}
		if t.counts[f.path] = sum; !f.done || sum[0] == 0 || sum[1] < sum[0] || f.again || in.Replayed {
			continue
		}
		e := t.source.Stmt.At(t.source.patternAt).Errorf(code.AllBad, "all %d records of %s are bad", sum[0], f.path).
			WithHint("dsql.rejects says why; mend the declaration and give REPLAY REJECTS FROM " + t.source.Stmt.Name)
		if sum[0] == 1 {
			e.Msg = "the only record of " + f.path + " is bad"
		}
		if t.source.onBadFile == "FAIL" {
			return e
		}
		if t.opts.Warn != nil {
			t.opts.Warn(e)
		}
	}
	return nil
}

// copies tells of files with the content of others that were taken: renamed ones, and copies.
func (t *teller) copies(files []taken, in *kind.Input) {
	for _, f := range files {
		if !f.done || f.size == 0 {
			continue
		}
		other, known := t.content[f.hash]
		if t.content[f.hash] = f.path; known && other != f.path && !f.again && !in.Replayed && !t.source.snapshot && in.Records > 0 &&
			t.opts.Warn != nil {
			t.opts.Warn(t.source.Stmt.At(t.source.patternAt).Errorf(code.FileCopied,
				"%s has the content of %s, which was taken before: its records are taken again", f.path, other).
				WithHint("a file is known by its path: leave files where they were, or take them out of the pattern's reach"))
		}
	}
}

// noRecord: a file isn't empty and yet has no record.
func (s *Source) noRecord(path string) *sql.Error {
	return s.Stmt.At(s.patternAt).Errorf(code.NoRecord,
		"%s is not empty and has no record: all its lines are taken for a header, comments, or lines to skip", path).
		WithHint("see whether the header has a quote that closes late, and what skip and comment say")
}

// unfinished tells that the last line of a file isn't taken yet.
func (s *Source) unfinished(f file) *sql.Error {
	return s.Stmt.At(s.patternAt).Errorf(code.FileUnfinished, "%s was changed a moment ago, and what it ends in has no end yet: that waits",
		f.path).
		WithHint(fmt.Sprintf("run again when its end has come; from %s on, if it doesn't change before, its last line is taken as it is. "+
			"What writes it should give it its name (a rename) when it is whole", kind.Clock(f.modified.Add(youngTime))))
}

// noFiles tells that a pattern matches nothing.
func (s *Source) noFiles() *sql.Error {
	return s.Stmt.At(s.patternAt).Errorf(code.NoFiles, "no file matches %s", s.pattern.Text).
		WithHint("relative paths start at the script's folder; files that come later are read when they are there, or by the next run")
}
