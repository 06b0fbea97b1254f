package models

import (
	"strings"

	"dsql/engine/duck"
	"dsql/internal/lazy"
	"dsql/models/lightgbm"
	"dsql/models/model"
	"dsql/models/stored"
	"dsql/sql"
	"dsql/sql/code"
)

// signature is what the SQL function takes and gives.
type signature struct {
	Inputs  []input      `json:"inputs"`
	Returns duck.Type    `json:"returns"`
	Output  model.Output `json:"output"`
}

var madeUp = lazy.Regexp(`^((Column_|f|x|float_input_?|X_?)\d*|\d+)$`)

// signature joins what the file says with INPUT and OUTPUT; where they disagree it is an error.
func (m *declared) signature(loaded *model.Model) (signature, error) {
	sig := signature{Output: m.output}
	for _, in := range loaded.Inputs() {
		sig.Inputs = append(sig.Inputs, input{Name: in.Name, Type: in.Type.String()})
	}
	if v := m.decl.Arg("INPUT"); v != nil {
		if len(v.Columns) != len(sig.Inputs) {
			return sig, m.decl.At(v.Span).Errorf(code.ModelInputs, "the number of the model's arguments is %d (%s), and INPUT names %d",
				len(sig.Inputs), inputNames(sig.Inputs), len(v.Columns)).
				WithHint("name them all, in the model's order")
		}
		for i, c := range v.Columns {
			in := &sig.Inputs[i]
			if !madeUp().MatchString(in.Name) && !strings.EqualFold(in.Name, c.Name.Text) {
				return sig, m.decl.At(c.Name.Span).Errorf(code.ModelInputs, "argument %d of the model is %s, not %s", i+1, in.Name, c.Name.Text).
					WithHint("the model's order is: " + inputNames(sig.Inputs))
			}
			if strings.EqualFold(c.Type, lightgbm.Category) && loaded.Format() == "lightgbm" { // of the type that its categories have
				in.Name = c.Name.Text
				continue
			}
			if duck.Type(c.Type).ID() == duck.TypeVarchar != (in.Type == "VARCHAR") {
				return sig, m.decl.At(c.At).Errorf(code.ModelInputs, "argument %d (%s) is %s in the model, not %s", i+1, c.Name.Text, in.Type, c.Type).
					WithHint("declare it as " + in.Type)
			}
			in.Name = c.Name.Text
		}
	}
	if err := loaded.Lacks(m.output); err != nil {
		hint := "use OUTPUT prediction"
		if m.output == model.Contrib && loaded.Explains() == nil {
			hint = stored.ReasonsName(m.decl.Name) + "(row, k) gives the largest of them, whatever the model's output"
		}
		return sig, m.decl.At(m.outputAt()).Errorf(code.ModelOutput, "%s", err).WithHint(hint).WithCause(err)
	}
	switch {
	case m.output == model.Label:
		sig.Returns = duck.Type(loaded.LabelType().String())
	case m.output == model.Contrib:
		sig.Returns = "DOUBLE[]"
	case m.output == model.Leaf:
		sig.Returns = "INTEGER[]"
	case loaded.Outputs(m.output) == 1:
		sig.Returns = "DOUBLE"
	default:
		sig.Returns = "DOUBLE[]"
	}
	return sig, nil
}

func (m *declared) outputAt() sql.Span {
	if o := m.decl.Arg("OUTPUT"); o != nil {
		return o.Span
	}
	return m.decl.Arg("FROM").Span
}

func inputNames(in []input) string {
	names := make([]string, len(in))
	for i, x := range in {
		names[i] = x.Name
	}
	if len(names) > 12 {
		return strings.Join(names[:12], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
