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

func (r *reader) tell(ws []warning) {
	for _, w := range ws {
		if w.Code == code.FileUnfinished {
			r.o.Left()
		}
		kind := w.Code.String() + strings.ReplaceAll(w.Msg, w.path, "")
		if r.o.Warn == nil || r.warned[kind] {
			continue
		}
		if r.warned == nil {
			r.warned = map[string]bool{}
		}
		r.warned[kind] = true
		r.o.Warn(w.Error)
	}
}

// oddities are what is to be told of a file when it is begun. fail: what the declaration says must not be.
func (o *opened) oddities(absent []string) (out []warning, fail error) {
	s, f := o.s, o.file
	warn, stop := s.Missing(o.at.path, absent, f.Fresh)
	if stop != nil {
		return nil, stop
	}
	if warn != nil {
		out = append(out, warning{warn, o.at.path})
	}
	if o.encoding != s.dialect.Encoding {
		f.Warn(code.SourceEncoding, fmt.Sprintf("%s is no UTF-8; it is read as %s", o.at.path, strings.ToUpper(o.encoding)),
			"write encoding '"+o.encoding+"' to say so")
	}
	for _, e := range f.Warnings {
		e.Src, e.Span = s.Stmt.Src, s.patternAt
		out = append(out, warning{e, o.at.path})
	}
	return out, nil
}

// allBad tells of files of which no record is good; ON BAD FILE FAIL stops there.
func (r *reader) allBad(files []taken, in *kind.Input) error {
	for _, f := range files {
		sum := r.counts[f.path]
		sum = [2]int{sum[0] + f.records, sum[1] + f.bad}
		if r.counts[f.path] = sum; !f.done || sum[0] == 0 || sum[1] < sum[0] || f.again || in.Replayed {
			continue
		}
		e := r.s.Stmt.At(r.s.patternAt).Errorf(code.AllBad, "all %d records of %s are bad", sum[0], f.path).
			WithHint("dsql.rejects says why; mend the declaration and give REPLAY REJECTS FROM " + r.s.Stmt.Name)
		if sum[0] == 1 {
			e.Msg = "the only record of " + f.path + " is bad"
		}
		if r.s.onBadFile == "FAIL" {
			return e
		}
		if r.o.Warn != nil {
			r.o.Warn(e)
		}
	}
	return nil
}

// copies tells of files with the content of others that were taken: renamed ones, and copies.
func (r *reader) copies(files []taken, in *kind.Input) {
	for _, f := range files {
		if !f.done || f.size == 0 {
			continue
		}
		other, known := r.content[f.hash]
		if r.content[f.hash] = f.path; known && other != f.path && !f.again && !in.Replayed && !r.s.snapshot && in.Records > 0 &&
			r.o.Warn != nil {
			r.o.Warn(r.s.Stmt.At(r.s.patternAt).Errorf(code.FileCopied,
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
