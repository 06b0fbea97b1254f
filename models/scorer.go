package models

import (
	"context"
	"fmt"
	"math"

	"dsql/engine/duck"
	"dsql/models/model"
)

// Scorer is a version of a model for who asks it without SQL. It gives what the SQL function gives. It is safe from many goroutines.
type Scorer struct {
	Name    string
	Version int
	InUse   bool // the model's name means this version
	Format  string
	Inputs  []duck.Column // in the model's order
	Output  string        // prediction, raw, label …
	Returns duck.Type
	f       function
}

// Key tells what is scored apart: two of the same key give the same.
func (s *Scorer) Key() string { return s.f.native() }

// Scorers are all versions of all models in a file, by name and version. A model is read when it is first asked.
func Scorers(ctx context.Context, c *duck.Conn) ([]*Scorer, error) {
	fns, err := versionsIn(ctx, c, "")
	if err != nil {
		return nil, err
	}
	var out []*Scorer
	for _, f := range fns {
		s := &Scorer{Name: f.name, Version: f.version, Output: f.sig.Output.String(), Returns: f.sig.Returns, f: f}
		for _, in := range f.sig.Inputs {
			s.Inputs = append(s.Inputs, duck.Column{Name: in.Name, Type: duck.Type(in.Type)})
		}
		out = append(out, s)
	}
	type use struct {
		name, format string
		version      int
		inUse        bool
	}
	uses, err := duck.Select(ctx, c, duck.SQL("SELECT name, version, format, in_use FROM dsql.models ORDER BY name, version"),
		func(row func(...any) error) (u use, err error) {
			return u, row(&u.name, &u.version, &u.format, &u.inUse)
		})
	if err != nil {
		return nil, err
	}
	if len(uses) != len(out) {
		return nil, fmt.Errorf("%d versions of models, and %d", len(uses), len(out))
	}
	for i, u := range uses { // in the same order
		out[i].InUse, out[i].Format = u.inUse, u.format
	}
	return out, nil
}

// Scores are what a model gives for some rows: one of Floats, Ints and Bools with Width values a row, or Texts.
type Scores struct {
	Width  int
	Floats []float64
	Ints   []int64
	Bools  []bool
	Leaves []int32
	Texts  []string
	None   []bool // the model gives the row nothing
}

// otherwise makes classes of their own type of integers.
func (s *Scores) otherwise(t duck.Type) {
	ints := s.Ints
	switch t {
	case "BOOLEAN":
		s.Bools, s.Ints = make([]bool, len(ints)), nil
		for r, x := range ints {
			s.Bools[r] = x != 0
		}
	case "DOUBLE":
		s.Floats, s.Ints = make([]float64, len(ints)), nil
		for r, x := range ints {
			s.Floats[r] = math.Float64frombits(uint64(x))
		}
	}
}

// InPython: Python scores it, behind Call alone.
func (s *Scorer) InPython() bool { return s.f.how != nil }

// Call is a call of its SQL function.
func (s *Scorer) Call(args []*duck.Query) *duck.Query {
	return duck.SQL("{f}({args})", duck.Args{"f": duck.Ident(s.f.native()), "args": duck.Join(", ", args...)})
}

// Score scores n rows, where Python doesn't. cols are in the order of Inputs.
func (s *Scorer) Score(cols []model.Column, n int) (*Scores, error) {
	m, err := s.f.load()
	if err != nil {
		return nil, err
	}
	out := &Scores{Width: 1, None: make([]bool, n)}
	o := s.f.sig.Output
	switch {
	case o == model.Label && s.Returns == "VARCHAR":
		out.Texts = make([]string, n)
		err = m.LabelsOrNone(cols, n, nil, out.Texts, out.None)
	case o == model.Label:
		out.Ints = make([]int64, n)
		err = m.LabelsOrNone(cols, n, out.Ints, nil, out.None)
		out.otherwise(s.Returns)
	case o == model.Leaf:
		out.Width = m.Outputs(o)
		out.Leaves = make([]int32, n*out.Width)
		err = m.Leaves(cols, n, out.Leaves, out.None)
	default:
		out.Width = m.Outputs(o)
		out.Floats = make([]float64, n*out.Width)
		err = m.ScoreOrNone(o, cols, n, out.Floats, out.None)
	}
	return out, s.f.refused(err)
}

// List says that the rows are lists, also where they have one value.
func (s *Scorer) List() bool { return len(s.Returns) > 1 && s.Returns[len(s.Returns)-1] == ']' }
