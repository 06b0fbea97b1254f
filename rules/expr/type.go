package expr

import (
	"fmt"

	"dsql/engine/duck"
)

// The types of expr-lang as far as SQL has them. Integers are 64 bits wide, numbers with a fraction DOUBLE.
type Kind int

const (
	Nil Kind = iota
	Bool
	Int
	Float
	String
	Time     // TIMESTAMP
	Duration // BIGINT, nanoseconds
	Month    // BIGINT; the VM's time.Month, which equals no number
	Weekday  // BIGINT; the VM's time.Weekday
	Zone     // a time zone, known when the expression is compiled
	List
	Map // MAP(VARCHAR, …)
	Struct
)

var kindNames = map[Kind]string{Nil: "nil", Bool: "bool", Int: "int", Float: "float", String: "string", Time: "time", Duration: "duration",
	Month: "month", Weekday: "weekday", Zone: "time zone", List: "array", Map: "map", Struct: "map"}

type Type struct {
	Kind    Kind
	elem    *Type // list, map
	nilElem bool  // an element may be nil
	fields  []field
	zone    string // of a time
}

type field struct {
	name string
	t    *Type
}

func (t *Type) String() string {
	switch t.Kind {
	case List:
		return "array of " + t.elem.String()
	case Map:
		return "map of " + t.elem.String()
	}
	return kindNames[t.Kind]
}

func (t *Type) number() bool { return t.Kind == Int || t.Kind == Float }

// same: values of the two types can stand in one column.
func (t *Type) same(u *Type) bool {
	if t.Kind != u.Kind || t.zone != u.zone || len(t.fields) != len(u.fields) {
		return false
	}
	for i, f := range t.fields {
		if f.name != u.fields[i].name || !f.t.same(u.fields[i].t) {
			return false
		}
	}
	return t.elem == nil || t.elem.same(u.elem)
}

// SQL is the DuckDB type of the values.
func (t *Type) SQL() duck.Type {
	switch t.Kind {
	case Bool:
		return "BOOLEAN"
	case Float:
		return "DOUBLE"
	case String:
		return "VARCHAR"
	case Time:
		return "TIMESTAMP"
	case List:
		return duck.ListOf(t.elem.SQL())
	case Map:
		return "MAP(VARCHAR, " + t.elem.SQL() + ")"
	case Struct:
		var fs []duck.Column
		for _, f := range t.fields {
			fs = append(fs, duck.Column{Name: f.name, Type: f.t.SQL()})
		}
		return duck.StructOf(fs)
	}
	return "BIGINT"
}

// typeOf is a DuckDB type. The error says why expr has none for it.
func typeOf(t duck.Type) (*Type, error) {
	s := t.Shape()
	switch s.ID {
	case duck.TypeBoolean:
		return &Type{Kind: Bool}, nil
	case duck.TypeFloat, duck.TypeDouble, duck.TypeDecimal:
		return &Type{Kind: Float}, nil
	case duck.TypeVarchar, duck.TypeUUID, duck.TypeEnum:
		return &Type{Kind: String}, nil
	case duck.TypeDate, duck.TypeTimestamp, duck.TypeTimestampS, duck.TypeTimestampMS, duck.TypeTimestampTZ:
		return &Type{Kind: Time, zone: "UTC"}, nil
	case duck.TypeList, duck.TypeArray:
		elem, err := typeOf(s.Parts[0].Type)
		return &Type{Kind: List, elem: elem, nilElem: true}, err
	case duck.TypeMap:
		return mapType(s)
	case duck.TypeStruct:
		if s.Parts[0].Name != "" {
			return structType(s)
		}
	}
	switch {
	case s.ID.Integer() && t.Widens("BIGINT"):
		return &Type{Kind: Int}, nil
	case s.ID.Number():
		return nil, fmt.Errorf("%s may be wider than expr's 64-bit int; CAST it to BIGINT, DOUBLE or VARCHAR in the query", t)
	}
	return nil, fmt.Errorf("%s is a type that expr has no values for; CAST it in the query", t)
}

func mapType(s duck.Shape) (*Type, error) {
	key, err := typeOf(s.Parts[0].Type)
	if err != nil {
		return nil, err
	}
	if key.Kind != String {
		return nil, fmt.Errorf("expr reads maps whose keys are VARCHAR only")
	}
	elem, err := typeOf(s.Parts[1].Type)
	return &Type{Kind: Map, elem: elem, nilElem: true}, err
}

func structType(s duck.Shape) (*Type, error) {
	t := &Type{Kind: Struct}
	for _, p := range s.Parts {
		ft, err := typeOf(p.Type)
		if err != nil {
			return nil, err
		}
		t.fields = append(t.fields, field{p.Name, ft})
	}
	return t, nil
}

func (t *Type) field(name string) (*Type, bool) {
	for _, f := range t.fields {
		if f.name == name {
			return f.t, true
		}
	}
	return nil, false
}
