package files

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"dsql/engine/kind"
)

// A file is taken once, whatever way a pattern leads to it: by a relative path or an absolute one, over . and .., or over links. It keeps
// the name that it was first taken under.

// resolver finds the real paths of files. Folders are asked about once.
type resolver struct {
	dir     string // that relative paths start at
	folders map[string]string
}

// real is a path without links, . and .., and whether the file itself is no link. What isn't there is only cleaned.
func (r *resolver) real(path string) (real string, plain bool) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, filepath.FromSlash(path))
	}
	path = filepath.Clean(path)
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if to, err := filepath.EvalSymlinks(path); err == nil {
			return to, false
		}
	}
	folder, ok := r.folders[filepath.Dir(path)]
	if !ok {
		var err error
		if folder, err = filepath.EvalSymlinks(filepath.Dir(path)); err != nil {
			folder = filepath.Dir(path)
		}
		r.folders[filepath.Dir(path)] = folder
	}
	return filepath.Join(folder, filepath.Base(path)), true
}

// named gives listed files the names that they were taken under, and leaves out those that are listed already under another name, with
// the same captures. What a link has led to is known by its size and time only: it may lead elsewhere by now.
func (s *Source) named(env *kind.Env, files []file, places []filePlace) ([]file, error) {
	dir, err := filepath.Abs(env.DirOf(s.Stmt))
	if err != nil {
		return nil, s.unreadable(err, "")
	}
	r := &resolver{dir: dir, folders: map[string]string{}}
	listed := make(map[string]bool, len(files))
	for _, f := range files {
		listed[f.path] = true
	}
	taken := map[string]bool{}
	before := map[string]filePlace{} // by real path: under names that the pattern doesn't give
	for _, p := range places {
		if taken[p.path] = true; !listed[p.path] {
			real, plain := r.real(p.path)
			if _, known := before[real]; !known || plain {
				before[real] = p
			}
		}
	}
	first := map[string]int{}
	reals := make([]string, len(files))
	out := files[:0:0]
	for i, f := range files { // one that was taken under its own name comes before its other names
		reals[i], _ = r.real(f.path)
		if j, ok := first[reals[i]]; !ok || taken[f.path] && !taken[files[j].path] {
			first[reals[i]] = i
		}
	}
	for i, f := range files {
		if j := first[reals[i]]; j != i && maps.Equal(f.captures, files[j].captures) && !taken[f.path] {
			continue
		}
		if p, ok := before[reals[i]]; ok && !taken[f.path] && first[reals[i]] == i {
			if _, plain := r.real(p.path); plain || p.same(&f) {
				f.path = p.path
			}
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, byPath)
	return out, nil
}
