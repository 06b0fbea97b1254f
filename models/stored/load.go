package stored

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"dsql/models/graph"
	"dsql/models/load"
	"dsql/models/model"
)

// Large files are never held beside what is made of them.
func Large(size int) bool { return size > 8<<20 }

// Sparing loads a model. Of a large file the arrays of each tree are garbage at once, which must not pile up to twice of all.
func Sparing(data []byte, opt model.Options) (*model.Model, error) {
	if Large(len(data)) {
		defer debug.SetGCPercent(debug.SetGCPercent(20))
	}
	return load.Load(data, opt)
}

// Again loads a version from its file's bytes for an output. It was checked when it was declared.
func (f *Function) Again(data []byte, o Options, out model.Output) (*model.Model, error) {
	m, err := Load(data, model.Options{Features: len(o.Inputs), Categories: Marked(o.Inputs), Output: out, Runtime: o.For(out),
		Missing: o.Missing})
	if err != nil {
		return nil, fmt.Errorf("the model %s: %w", f.Name, err)
	}
	for i, in := range m.Inputs() {
		if i >= len(f.Inputs) || in.Type.String() != f.Inputs[i].Type {
			return nil, fmt.Errorf("the model %s was declared by an older dsql that took the argument %s for another type: declare it again "+
				"from its file", f.Name, in.Name)
		}
	}
	return m, nil
}

// Load loads a model whose library, which ran it when it was declared, may not be here.
func Load(data []byte, opt model.Options) (*model.Model, error) {
	m, err := Sparing(data, opt)
	var gone *graph.RuntimeError
	if path := os.Getenv(RuntimeVariable); errors.As(err, &gone) && path != "" && path != opt.Runtime {
		opt.Runtime = path
		m, err = Sparing(data, opt)
	}
	if !errors.As(err, &gone) {
		return m, err
	}
	opt.Runtime = ""
	m, own := Sparing(data, opt)
	if own != nil {
		return nil, fmt.Errorf("%w; set %s to its path (without it: %w)", err, RuntimeVariable, own)
	}
	return m, nil
}
