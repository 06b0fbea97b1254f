package files

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"dsql/engine/kind"
	"dsql/ingest/glob"
	"dsql/sql/code"
)

// file is one file as it was listed.
type file struct {
	path     string // as the pattern writes it: relative to the script's folder
	full     string
	size     int64
	modified time.Time // UTC, to the microsecond
	captures map[string]string
	again    bool // some of it may have been read before
}

// lister finds the files of a pattern.
type lister struct {
	dir   string // that relative paths start at
	files []file
}

// list finds the files of the pattern as they are now, by name. Symbolic links are followed, ** too, which doesn't go around in
// a ring of them. What is no regular file isn't listed; a link that leads nowhere is none.
func (s *Source) list(env *kind.Env) ([]file, error) {
	dir, err := filepath.Abs(env.DirOf(s.Stmt))
	if err != nil {
		return nil, s.unreadable(err, "")
	}
	l := &lister{dir: dir}
	p := &s.pattern
	if len(p.Parts) == 0 {
		err = l.single(p.Root)
	} else {
		err = l.walk(p.Root, p.Parts, nil, nil)
	}
	if err != nil {
		return nil, s.unreadable(err, "")
	}
	slices.SortFunc(l.files, byPath)
	l.files = slices.CompactFunc(l.files, func(a, b file) bool { return a.path == b.path })
	for _, f := range l.files {
		if !utf8.ValidString(f.path) {
			return nil, s.Stmt.At(s.patternAt).Errorf(code.BadName, "the name of %s is not UTF-8, so it can't be kept in a table",
				strings.ToValidUTF8(f.path, "\uFFFD")).
				WithHint("rename the file")
		}
	}
	return l.files, nil
}

func byPath(a, b file) int { return strings.Compare(a.path, b.path) }

func (l *lister) full(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.dir, filepath.FromSlash(name))
}

// single lists the file of a pattern without wildcards, which must be there.
func (l *lister) single(name string) error {
	info, err := os.Stat(l.full(name))
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("it is no regular file")}
		if info.IsDir() {
			err = &fs.PathError{Op: "read", Path: name, Err: errFolder}
		}
	}
	if err != nil {
		return err
	}
	l.add(name, info, nil)
	return nil
}

var errFolder = errors.New("it is a folder: add what its files are called, /*.csv say")

func (l *lister) add(name string, info fs.FileInfo, captures map[string]string) {
	modified := info.ModTime().UTC().Truncate(time.Microsecond)
	l.files = append(l.files, file{path: name, full: l.full(name), size: info.Size(), modified: modified, captures: captures})
}

// walk matches parts below a folder. above are the folders that a ** has gone through.
func (l *lister) walk(dir string, parts []glob.Part, captures map[string]string, above []fs.FileInfo) error {
	x, rest := &parts[0], parts[1:]
	if x.Deep {
		info, err := os.Stat(l.full(dir))
		if gone(err) || err == nil && slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
			return nil
		}
		if err != nil {
			return err
		}
		above = append(above[:len(above):len(above)], info)
		if err := l.walk(dir, rest, captures, above); err != nil {
			return err
		}
	}
	if x.Plain != "" {
		return l.enter(dir, x.Plain, rest, captures, above)
	}
	entries, err := os.ReadDir(l.full(dir))
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if x.Deep {
			if !strings.HasPrefix(name, ".") && (e.IsDir() || e.Type()&fs.ModeSymlink != 0) {
				if err := l.walk(path.Join(dir, name), parts, captures, above); err != nil {
					return err
				}
			}
			continue
		}
		values, ok := x.Find(name)
		if !ok {
			continue
		}
		more := captures
		if len(x.Names) > 0 {
			if more = maps.Clone(captures); more == nil {
				more = map[string]string{}
			}
			for i, n := range x.Names {
				more[n] = values[i]
			}
		}
		if err := l.enter(dir, name, rest, more, above); err != nil {
			return err
		}
	}
	return nil
}

// enter goes on with what a part matched: a folder where parts are left, else a file.
func (l *lister) enter(dir, name string, rest []glob.Part, captures map[string]string, above []fs.FileInfo) error {
	name = path.Join(dir, name)
	if len(rest) > 0 {
		return l.walk(name, rest, captures, above)
	}
	info, err := os.Stat(l.full(name))
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		l.add(name, info, captures)
	}
	return nil
}

// gone: nothing is there to be listed, or no more.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}

func escapeGlob(name string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(name)
}
