package rules

// Told is a step of a chain as values, for those who read programs.
type Told struct {
	Set         string `json:"set,omitempty"`        // the column that gets another value
	Constraint  string `json:"constraint,omitempty"` // the name of a condition
	SQL         string `json:"sql"`                  // the value, or the condition
	Type        string `json:"type,omitempty"`       // of the column
	OnViolation string `json:"on_violation,omitempty"`
}

// Told is the ordered chain, lists that were applied written out.
func (p *Program) Told() []Told {
	var out []Told
	for _, s := range p.steps {
		out = append(out, Told{Set: s.column, Constraint: s.name, SQL: s.expr.String(), Type: string(s.typ), OnViolation: s.action})
	}
	return out
}
