package models

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"dsql/engine/duck"
	"dsql/models/model"
)

// version is one row of dsql.models.
type version struct {
	Name    string
	Version int
	Hash    string
	Options options
	Inputs  []input // of the function
	InUse   bool
}

// options are kept with a version. Output and Inputs make it, beside the file: the same file with another output is another version.
type options struct {
	Output string  `json:"output"`
	Inputs []input `json:"inputs,omitempty"`
	Trees  int     `json:"trees,omitempty"`
	// Reasons: the model's macros have NAME_reasons among them, which older files' haven't.
	Reasons bool `json:"reasons,omitempty"`
	library
}

// same says whether two versions of the same file are one.
func (o options) same(p options) bool {
	return o.Output == p.Output && slices.Equal(o.Inputs, p.Inputs)
}

type input struct {
	Name string    `json:"name"`
	Type duck.Type `json:"type"`
}

// marked are the arguments that INPUT called categories.
func (o options) marked() []bool {
	var types []string
	for _, in := range o.Inputs {
		types = append(types, string(in.Type))
	}
	return marked(types)
}

func (m *declared) wanted(r library, model *model.Model) options {
	o := options{Output: m.output.String(), Trees: model.Trees(), Reasons: true, library: r}
	if in := m.decl.Arg("INPUT"); in != nil {
		for _, c := range in.Columns {
			o.Inputs = append(o.Inputs, input{c.Name.Text, duck.Type(c.Type)})
		}
	}
	return o
}

func versions(ctx context.Context, c *duck.Conn, name string) ([]version, error) {
	return duck.Select(ctx, c, duck.SQL("SELECT name, version, hash, options, inputs, in_use FROM dsql.models WHERE lower(name) = "+
		"lower({n}) ORDER BY version", duck.Args{"n": name}),
		func(row func(...any) error) (v version, err error) {
			var opt, inputs string
			if err := row(&v.Name, &v.Version, &v.Hash, &opt, &inputs, &v.InUse); err != nil {
				return v, err
			}
			return v, errors.Join(json.Unmarshal([]byte(opt), &v.Options), json.Unmarshal([]byte(inputs), &v.Inputs))
		})
}
