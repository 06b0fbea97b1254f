package files

import (
	"path"
	"strings"

	"dsql/engine/kind"
	"dsql/sql/code"
)

// own are the files of a share. A file's goes by its path below the folder that the pattern begins with, so that it is the same however that
// folder is spelt, and wherever it is mounted. Where the pattern has changed so that a file that was taken here is another's now, all of
// them might be taken twice, or never.
func (s *Source) own(env *kind.Env, files []file, places []filePlace) ([]file, error) {
	if env.Share == nil {
		return files, nil
	}
	taken := map[string]bool{}
	for _, p := range places {
		taken[p.path] = true
	}
	out := files[:0:0]
	for _, f := range files {
		switch {
		case env.Share.Owns(s.Stmt.Name, s.below(f.path), 0):
			out = append(out, f)
		case taken[f.path]:
			return nil, s.Stmt.At(s.patternAt).Errorf(code.WrongShare, "%s was taken here, and by its path below %s it is another share's now",
				f.path, path.Clean(s.pattern.Root)).
				WithHint("keep the folder that the pattern begins with; or merge the files, or begin with new ones")
		}
	}
	return out, nil
}

// below is a path below the folder that the pattern begins with.
func (s *Source) below(name string) string {
	if len(s.pattern.Parts) == 0 {
		return path.Base(name)
	}
	return strings.TrimPrefix(strings.TrimPrefix(name, s.pattern.Root), "/")
}
