package files

import (
	"path"
	"path/filepath"
	"strings"

	"dsql/engine/kind"
	"dsql/sql/code"
)

// own are the files of a share. A file's goes by its path below the folder that the pattern begins with, so that it is the same however that
// folder is spelt, and wherever it is mounted; and by that of the file itself where a link leads to it, so that one process finds all names of
// a file. Where the pattern has changed so that a file that was taken here is another's now, all of them might be taken twice, or never.
func (s *Source) own(env *kind.Env, files []file, places []filePlace) ([]file, error) {
	if env.Share == nil {
		return files, nil
	}
	dir, err := filepath.Abs(env.DirOf(s.Stmt))
	if err != nil {
		return nil, s.unreadable(err, "")
	}
	r := &resolver{dir: dir, folders: map[string]string{}}
	root, _ := r.real(filepath.Join(s.pattern.Root, "x"))
	taken := map[string]bool{}
	for _, p := range places {
		taken[p.path] = true
	}
	out := files[:0:0]
	for _, f := range files {
		switch {
		case env.Share.Owns(s.Stmt.Name, below(r, filepath.Dir(root), f.path, len(s.pattern.Parts) > 0), 0):
			out = append(out, f)
		case taken[f.path]:
			return nil, s.Stmt.At(s.patternAt).Errorf(code.WrongShare, "%s was taken here, and by its path below %s it is another share's now",
				f.path, path.Clean(s.pattern.Root)).
				WithHint("keep the folder that the pattern begins with; or merge the files, or begin with new ones")
		}
	}
	return out, nil
}

// below is a path below the folder that a pattern begins with; the name alone of what lies elsewhere, or isn't searched for in folders.
func below(r *resolver, root, name string, searched bool) string {
	real, _ := r.real(name)
	rel, err := filepath.Rel(root, real)
	if err != nil || !searched || strings.HasPrefix(rel, "..") {
		return filepath.Base(real)
	}
	return filepath.ToSlash(rel)
}
