package models

import (
	"os"
	"path/filepath"

	"dsql/engine/kind"
	"dsql/models/stored"
	"dsql/sql"
	"dsql/sql/code"
)

// library reads FORMAT's options.
func (m *declared) library(env *kind.Env) (r stored.Library, at sql.Span, err error) {
	v := m.decl.Arg("")
	at = m.decl.Arg("FROM").Span
	if v == nil || m.pythonFormat() != "" {
		return stored.Library{}, at, nil
	}
	for _, o := range v.Options {
		if o.Name == missingOption {
			continue
		}
		at = o.Value
		switch {
		case o.Kind == sql.OptEnv:
			r.Variable = o.Text
			if os.Getenv(o.Text) == "" {
				return r, at, m.decl.At(at).Errorf(code.NoEnv, "the environment has no %s, which onnxruntime's path is read from", o.Text).
					WithHint("set it: export " + o.Text + "=…").WithExit(code.ExitUnreachable)
			}
		case o.Kind != sql.OptString || o.Text == "":
			return r, at, m.decl.At(at).Errorf(code.MissingValue, "onnxruntime is not the path of a library").
				WithHint("write onnxruntime '/path/libonnxruntime.so', or env('NAME')")
		default:
			if r.Path = o.Text; !filepath.IsAbs(r.Path) { // the loader would search for a name without a folder
				if r.Path, err = filepath.Abs(filepath.Join(env.DirOf(m.decl), r.Path)); err != nil {
					return r, at, err
				}
			}
		}
	}
	return r, at, nil
}
