package models

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"dsql/engine/kind"
	"dsql/models/graph"
	"dsql/models/load"
	"dsql/models/model"
	"dsql/sql"
	"dsql/sql/code"
)

// RuntimeVariable names onnxruntime's shared library for all ONNX models whose declaration doesn't name one.
const RuntimeVariable = "DSQL_ONNXRUNTIME"

// library is where a declaration says that onnxruntime is found. The zero value: nowhere.
type library struct {
	Path     string `json:"onnxruntime,omitempty"`
	Variable string `json:"onnxruntime_env,omitempty"` // what env('NAME') reads is not stored
}

// path is what to hand to Load, "" for dsql's own way. onnxruntime gives a graph's outputs and no scores before them, so that raw
// ones need a path that is asked for to be refused.
func (r library) path(o model.Output) string {
	switch {
	case r.Variable != "":
		return os.Getenv(r.Variable)
	case r.Path != "":
		return r.Path
	case o == model.Raw || o == model.Contrib || o == model.Leaf:
		return ""
	}
	return os.Getenv(RuntimeVariable)
}

// library reads FORMAT's options.
func (m *declared) library(env *kind.Env) (r library, at sql.Span, err error) {
	v := m.decl.Arg("")
	if v == nil {
		return library{}, m.decl.Arg("FROM").Span, nil
	}
	for _, o := range v.Options { // there is one kind of it
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

// loadStored loads a model of the file. It was checked when it was declared; the library that ran it then may not be here.
func loadStored(data []byte, opt model.Options) (*model.Model, error) {
	m, err := load.Load(data, opt)
	var gone *graph.RuntimeError
	if path := os.Getenv(RuntimeVariable); errors.As(err, &gone) && path != "" && path != opt.Runtime {
		opt.Runtime = path
		m, err = load.Load(data, opt)
	}
	if !errors.As(err, &gone) {
		return m, err
	}
	opt.Runtime = ""
	m, own := load.Load(data, opt)
	if own != nil {
		return nil, fmt.Errorf("%w; set %s to its path (without it: %w)", err, RuntimeVariable, own)
	}
	return m, nil
}
