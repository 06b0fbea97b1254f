// Package encode owns how rows become records of Avro, Protobuf and JSON Schema: the schema that is made of columns, and the bytes of a
// row behind the five that name the schema in a registry. It reads DuckDB's vectors in place. Where schemas are registered, and which
// records are sent, is the sinks'.
package encode

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
	"dsql/internal/lazy"
)

// Encoder writes the values of one schema.
type Encoder struct {
	Schema sr.Schema
	Casts  []duck.Type // what DuckDB makes of each column before it is written; "": nothing

	index []byte // the numbers of the message, of Protobuf
	body  body   // nil: JSON, which others make
}

// body appends a row of views.
type body func(b []byte, views []*duck.View, row int) ([]byte, error)

// put appends a value that is not NULL.
type put func(b []byte, v *duck.View, row int) ([]byte, error)

// Form is a format with schemas.
type Form struct {
	Type sr.SchemaType
	// Row is the encoder of columns as a record of that name. prior is the schema before it, nil for none.
	Row func(name string, cols []duck.Column, prior *sr.Schema) (*Encoder, error)
	// One is that of a column's values alone, as keys have them.
	One func(name string, col duck.Column, prior *sr.Schema) (*Encoder, error)
}

// Forms by the words of the option format.
var Forms = map[string]Form{
	"avro":     {sr.TypeAvro, avroRow, avroOne},
	"protobuf": {sr.TypeProtobuf, protoRow, protoOne},
	"json_schema": {sr.TypeJSON, jsonRow, func(_ string, col duck.Column, _ *sr.Schema) (*Encoder, error) {
		return jsonEncoder(jsonOf(col.Type)), nil
	}},
}

// Head begins a record: a zero byte, the schema's number, and which message it is.
func (e *Encoder) Head(b []byte, id uint32) []byte {
	return append(binary.BigEndian.AppendUint32(append(b, 0), id), e.index...)
}

// Row appends a row's bytes. The error says which value has no form, and why. Columns are in the schema's order.
func (e *Encoder) Row(b []byte, views []*duck.View, row int) ([]byte, error) {
	return e.body(b, views, row)
}

// IsJSON says that the value is the JSON of the row.
func (e *Encoder) IsJSON() bool { return e.body == nil }

// Unfit is a value that the format can't hold.
type Unfit struct{ Column, Why string }

func (u *Unfit) Error() string { return u.Column + ": " + u.Why }

// Wrong is a column that no schema can have.
type Wrong struct{ Why, Hint string }

func (w *Wrong) Error() string { return w.Why }

// Name makes a name that every format takes.
func Name(text string) string {
	name := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, text)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	return name
}

var plainName = lazy.Regexp(`^[A-Za-z_][A-Za-z0-9_]*$`)

// IsFullName says whether a text is a name, maybe with a namespace before it.
func IsFullName(text string) bool {
	for part := range strings.SplitSeq(text, ".") {
		if !plainName().MatchString(part) {
			return false
		}
	}
	return true
}

// split is a full name in its parts.
func split(full string) (namespace, name string) {
	i := strings.LastIndexByte(full, '.')
	return full[:max(i, 0)], full[i+1:]
}

// fieldName checks that a column, or a field of a STRUCT, can be a field.
func fieldName(name, path, format string) error {
	if plainName().MatchString(name) {
		return nil
	}
	if name == "" {
		return &Wrong{fmt.Sprintf("%s is a STRUCT without names, and %s knows no such", path, format), "give its fields names in the stream"}
	}
	return &Wrong{fmt.Sprintf("%q is no name in %s: letters, digits and _ alone", name, format), "give the column another name in the stream"}
}

// castOf is what a type is cast to: what has no form of its own becomes its text, keys of maps are texts, an ARRAY is a LIST. also are
// those that this format has no form of.
func castOf(t duck.Type, also ...duck.TypeID) duck.Type {
	to := t.Map(func(s duck.Shape) duck.Shape {
		switch s.ID {
		case duck.TypeBigNum, duck.TypeInterval, duck.TypeBit, duck.TypeTimeNS, duck.TypeTimeTZ, duck.TypeGeometry, duck.TypeVariant, duck.TypeUnion,
			duck.TypeEnum, duck.TypeUUID, duck.TypeNull:
			return duck.Shape{ID: duck.TypeVarchar}
		case duck.TypeArray:
			return duck.Shape{ID: duck.TypeList, Parts: s.Parts}
		case duck.TypeMap:
			s.Parts[0].Type = "VARCHAR"
		}
		for _, id := range also {
			if s.ID == id {
				return duck.Shape{ID: duck.TypeVarchar}
			}
		}
		return s
	})
	if to == t {
		return ""
	}
	return to
}
