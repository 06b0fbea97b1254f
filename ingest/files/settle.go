package files

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Files that are still being written. With --follow a file is left alone until two listings a second apart agree on its size and time;
// in any case a batch is rolled back when a file of it is no more what was listed. The last line of a file that was changed a moment
// ago is only taken when it has an end: the rest of it may still come.

const (
	settleTime = 900 * time.Millisecond // between two listings, which are a second apart
	settledAge = time.Minute            // a file that old needs no second listing
	// youngTime is how long ago the last change of a file may be for a line without an end to be one that is still being written.
	youngTime = 10 * time.Second
)

// quiet takes away the files that may still be being written. Loads of a snapshot keep their order: with one all behind it wait.
func (x *session) quiet(files []file, places []filePlace, o kind.ReadOptions) []file {
	if !o.Follow && x.minAge == 0 || o.Everything || o.Replay != nil {
		return files
	}
	done := map[string]bool{}
	for _, p := range places {
		done[p.path] = done[p.path] || p.done
	}
	now := cmp.Or(o.Look, time.Now())
	seen := map[string]look{}
	var out, young []file
	waits := false
	for _, f := range files {
		l, ok := x.looks[f.path]
		if !ok || l.size != f.size || !l.modified.Equal(f.modified) {
			l = look{f.size, f.modified, now, l.told}
		}
		age := now.Sub(f.modified)
		ready := !x.tooYoung(age) && (!o.Follow || now.Sub(l.since) >= settleTime || age >= settledAge)
		if ready = ready || done[f.path]; ready && (!waits || !x.snapshot || done[f.path]) {
			out = append(out, f)
		} else if waits = true; x.tooYoung(age) && !l.told {
			l.told, young = true, append(young, f)
		}
		seen[f.path] = l
	}
	x.looks = seen
	if waits {
		o.Left()
	}
	if len(young) > 0 && o.Warn != nil {
		o.Warn(x.held(young))
	}
	return out
}

// tooYoung says whether min_age keeps a file of that age back. Without one the clock of who wrote it doesn't matter.
func (s *Source) tooYoung(age time.Duration) bool { return s.minAge > 0 && age < s.minAge }

// held tells which files min_age keeps back, and until when.
func (s *Source) held(files []file) *sql.Error {
	last := files[0].modified
	for _, f := range files {
		if f.modified.After(last) {
			last = f.modified
		}
	}
	until := kind.Clock(last.Add(s.minAge))
	e := s.Stmt.At(s.patternAt).Errorf(code.FileYoung, "%s changed less than min_age ago: it waits until %s", files[0].path, until).
		WithHint("run again then")
	if more := len(files) - 1; more > 0 {
		e.Msg = fmt.Sprintf("%s and %d more changed less than min_age ago: they wait, the last until %s", files[0].path, more, until)
	}
	return e
}

// young says whether the file was changed a moment ago.
func (f *file) young() bool {
	age := time.Since(f.modified)
	return age < youngTime && age > -youngTime
}

// moved is the error for a file of a batch that is no more what was listed. One that was taken away since was read as it was.
func (s *Source) moved(files []taken) *sql.Error {
	for _, f := range files {
		if f.open { // what has an end of it stays
			continue
		}
		info, err := os.Stat(f.full)
		if err != nil || info.Size() == f.size && info.ModTime().UTC().Truncate(time.Microsecond).Equal(f.modified) {
			continue
		}
		return s.Stmt.At(s.patternAt).Errorf(code.FileGrowing, "%s changed while it was read: it is taken when it is whole", f.path).
			WithHint("let what writes it give it its name (a rename) when it is whole; run again").
			WithCause(kind.ErrAgain)
	}
	return nil
}
