package program

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"dsql/sql"
	"dsql/sql/code"
)

// InFolder runs a statement of DuckDB's where its script lies: relative paths start there. A file that is attached is opened again by its
// path, later and from the run's folder.
func InFolder(st sql.Stmt, run func() error) (err error) {
	if st.Src.Dir == "" {
		return run()
	}
	toks := sql.Tokens(st.Src, st.Span)
	if Words(st, 1)[0] == "ATTACH" {
		for _, t := range toks {
			if path := strings.Trim(t.Span.Of(st.Src), "'"); t.Kind == sql.String && !filepath.IsAbs(path) && !strings.Contains(path, ":") {
				return st.At(t.Span).Errorf(code.AttachedElsewhere,
					"the scripts of this run lie in several folders, and a file is attached by a path that all of them share").
					WithHint("write the whole path: '" + filepath.Join(st.Src.Dir, path) + "'")
			}
		}
	}
	was, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.Chdir(st.Src.Dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Chdir(was)) }()
	return run()
}
