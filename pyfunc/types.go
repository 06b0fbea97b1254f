package pyfunc

import (
	"dsql/engine/duck"
)

// Type is a type of DuckDB's as a worker is told of it.
type Type struct {
	Kind   string   `json:"kind"` // DECIMAL, LIST, INTEGER …
	SQL    string   `json:"sql"`  // as DuckDB writes it
	Names  []string `json:"names,omitempty"`
	Size   int      `json:"size,omitempty"`   // of an ARRAY
	Values any      `json:"values,omitempty"` // of an ENUM: its values; of a DECIMAL: digits, and those behind the point
	Of     []*Type  `json:"of,omitempty"`
}

// told is what a worker is told of a type.
func told(t duck.Type) *Type {
	s := t.Shape()
	out := &Type{Kind: s.ID.String(), SQL: string(t), Size: s.Length}
	switch s.ID {
	case duck.TypeDecimal:
		out.Values = []int{int(s.Width), int(s.Scale)}
	case duck.TypeEnum:
		out.Values = s.Labels
	}
	for _, p := range s.Parts {
		if s.ID == duck.TypeStruct {
			out.Names = append(out.Names, p.Name)
		}
		out.Of = append(out.Of, told(p.Type))
	}
	return out
}

// carried is the type that DuckDB hands over in its place: an ENUM goes as text, since Arrow's way back has none.
func carried(t duck.Type) duck.Type {
	return t.Map(func(s duck.Shape) duck.Shape {
		if s.ID == duck.TypeEnum || s.ID == duck.TypeJSON {
			return duck.Shape{ID: duck.TypeVarchar}
		}
		return s
	})
}

// foreign is a type in it that no value of goes there and back; "": there is none.
func foreign(t duck.Type) (found duck.Type) {
	t.Any(func(t duck.Type) bool {
		s := t.Shape()
		bad := s.ID == 0 || s.ID == duck.TypeUnion || s.ID == duck.TypeVariant || s.ID == duck.TypeNull
		for _, p := range s.Parts {
			bad = bad || s.ID == duck.TypeStruct && p.Name == ""
		}
		if bad {
			found = t
		}
		return bad
	})
	return found
}
