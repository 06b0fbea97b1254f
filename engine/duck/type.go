package duck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Type is a type by a name of it. Those of columns are as DuckDB writes them (DESCRIBE, typeof), so that == tells whether two are the
// same; what it is made of is read off any spelling that DuckDB takes. In the Args of a query it stands for itself.
//
// What Go does with types asks here: a type that comes new to DuckDB is one line in types (and its TypeID).
type Type string

// Shape is what a type is made of.
type Shape struct {
	ID           TypeID   // 0: none that is known here
	Width, Scale uint8    // DECIMAL
	Length       int      // ARRAY
	Labels       []string // ENUM
	// Parts are the fields of a STRUCT, which may have no names, and the members of a UNION; of a LIST or ARRAY it is the element, of a MAP
	// the key and the value, without names.
	Parts []Column
}

// ID is which of DuckDB's types it is, 0 where it is none that is known here.
func (t Type) ID() TypeID { return t.Shape().ID }

// Shape reads the type. Most are names alone: for those it costs no more than to look one up.
func (t Type) Shape() Shape {
	if id, ok := typesByName[string(t)]; ok && !id.parametric() {
		return Shape{ID: id}
	}
	return parseType(string(t))
}

// Type is the type of the shape. Names of fields are quoted, which DuckDB's own text leaves out where it can.
func (s Shape) Type() Type {
	name := types[s.ID].name
	var parts []string
	for _, p := range s.Parts {
		text := string(p.Type)
		if p.Name != "" {
			text = Ident(p.Name).Text + " " + text
		}
		parts = append(parts, text)
	}
	switch s.ID {
	case TypeDecimal:
		return Type(fmt.Sprintf("%s(%d,%d)", name, s.Width, s.Scale))
	case TypeList:
		return s.Parts[0].Type + "[]"
	case TypeArray:
		return s.Parts[0].Type + Type("["+strconv.Itoa(s.Length)+"]")
	case TypeEnum:
		for _, l := range s.Labels {
			parts = append(parts, quote(l))
		}
	}
	if parts == nil {
		return Type(name)
	}
	return Type(name + "(" + strings.Join(parts, ", ") + ")")
}

// SQL is the type where a Query is wanted: Args take it as it is.
func (t Type) SQL() *Query { return Text(string(t)) }

// ListOf is the type of lists of t.
func ListOf(t Type) Type { return t + "[]" }

// StructOf is the STRUCT of fields.
func StructOf(fields []Column) Type { return Shape{ID: TypeStruct, Parts: fields}.Type() }

// Any says whether it holds for the type or for one inside it.
func (t Type) Any(is func(Type) bool) bool {
	return is(t) || slices.ContainsFunc(t.Shape().Parts, func(p Column) bool { return p.Type.Any(is) })
}

// Has says whether the type, or one inside it, is of a kind.
func (t Type) Has(ids ...TypeID) bool {
	return t.Any(func(t Type) bool { return slices.Contains(ids, t.ID()) })
}

// Map is the type that f makes of its shape, the parts of which f has made too. What isn't known here stays as it is.
func (t Type) Map(f func(Shape) Shape) Type {
	s := t.Shape()
	if s.ID == 0 {
		return t
	}
	s.Parts = slices.Clone(s.Parts)
	for i := range s.Parts {
		s.Parts[i].Type = s.Parts[i].Type.Map(f)
	}
	if of := f(s).Type(); of != t.Shape().Type() {
		return of
	}
	return t // with its own spelling
}

// Decimal is the width and scale of a DECIMAL.
func (t Type) Decimal() (width, scale int, ok bool) {
	s := t.Shape()
	return int(s.Width), int(s.Scale), s.ID == TypeDecimal
}

// Widens says that to holds every value of t without loss, and compares and orders them alike. VARCHAR holds all as text but orders
// them otherwise, so it is none.
func (t Type) Widens(to Type) bool {
	if t == to {
		return true
	}
	from, wide := t.Shape(), to.Shape()
	a, b := types[from.ID], types[wide.ID]
	switch {
	case a.class == integer && b.class == integer:
		return a.bits <= b.bits && (a.unsigned() || !b.unsigned())
	case b.class == float:
		return (a.class == integer || a.class == float) && a.bits <= b.bits
	case wide.ID == TypeDecimal && a.class == integer:
		return a.digits <= int(wide.Width)-int(wide.Scale)
	case wide.ID == TypeDecimal && from.ID == TypeDecimal:
		return from.Scale <= wide.Scale && int(from.Width)-int(from.Scale) <= int(wide.Width)-int(wide.Scale)
	}
	return slices.Contains(times, from.ID) && slices.Index(times, from.ID) <= slices.Index(times, wide.ID)
}

// times from coarse to fine, as far as each holds all of the one before it.
var times = []TypeID{TypeDate, TypeTimestampS, TypeTimestampMS, TypeTimestamp}
