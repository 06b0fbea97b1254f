package models

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"dsql/engine/duck"
	"dsql/models/model"
	"dsql/models/stored"
	"dsql/pyfunc"
)

// version is one row of dsql.models.
type version struct {
	Name    string
	Version int
	Format  string
	Hash    string
	Options options
	Inputs  []input // of the function
	InUse   bool
}

// options are kept with a version.
type options struct {
	stored.Options
	Trees int `json:"trees,omitempty"`
	// Reasons: the model's macros have NAME_reasons among them, which older files' haven't.
	Reasons bool `json:"reasons,omitempty"`
	// Classes: it tells classes, so that what came of its rows is a class too.
	Classes bool            `json:"classes,omitempty"`
	Python  *pyfunc.Options `json:"python,omitempty"` // how the workers run that score it
	// Way is what EXPLAIN MODEL says of how it is scored: what it is; of one that Python scores, why dsql doesn't.
	Way string `json:"way,omitempty"`
}

// run is how a model is run, which makes no version.
func (o options) run() any {
	if o.Python != nil {
		return *o.Python
	}
	return o.Library
}

// same says whether a function is this version: of the same file, with the same asked of it.
func (v version) same(fn function, o options) bool {
	return v.Hash == fn.hash && v.Format == fn.format && v.Options.Output == o.Output && v.Options.SameMissing(o.Options) &&
		slices.Equal(v.Options.Inputs, o.Inputs) &&
		slices.Equal(v.Inputs, fn.sig.Inputs)
}

type input = stored.Input

func (m *declared) wanted(r stored.Library, loaded *model.Model) options {
	return options{Options: stored.Options{Output: m.output.String(), Inputs: m.inputs(), Missing: m.missing, Library: r},
		Trees: loaded.Trees(), Reasons: true,
		Classes: loaded.LabelType() != model.None}
}

// inputs are those of INPUT as it has them.
func (m *declared) inputs() (out []input) {
	if in := m.decl.Arg("INPUT"); in != nil {
		for _, c := range in.Columns {
			out = append(out, input{Name: c.Name.Text, Type: c.Type})
		}
	}
	return out
}

func versions(ctx context.Context, c *duck.Conn, name string) ([]version, error) {
	return duck.Select(ctx, c, duck.SQL("SELECT name, version, format, hash, options, inputs, in_use FROM dsql.models WHERE lower(name) = "+
		"lower({n}) ORDER BY version", duck.Args{"n": name}),
		func(row func(...any) error) (v version, err error) {
			var opt, inputs string
			if err := row(&v.Name, &v.Version, &v.Format, &v.Hash, &opt, &inputs, &v.InUse); err != nil {
				return v, err
			}
			return v, errors.Join(json.Unmarshal([]byte(opt), &v.Options), json.Unmarshal([]byte(inputs), &v.Inputs))
		})
}
