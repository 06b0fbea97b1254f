// Package schema owns the types of values that are written by a schema, whatever language it is in: what their values become, the plan
// from them to the declared columns, what the decoders of such values have in common. Reading the bytes is a format's business, and
// asking a registry that of ingest/registry.
package schema

import (
	"fmt"
	"sort"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"dsql/engine/duck"
)

type Kind uint8

const (
	KindNull Kind = iota
	KindBoolean
	KindInt
	KindLong
	KindFloat
	KindDouble
	KindBytes
	KindString
	KindRecord
	KindEnum
	KindArray
	KindMap
	KindFixed
	KindUnion
	KindUint   // up to 32 bits without a sign
	KindUlong  // up to 64 bits without a sign
	KindMoment // seconds and nanoseconds
)

var kindNames = [...]string{"null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "enum", "array", "map",
	"fixed", "union", "uint", "ulong", "time"}

func (k Kind) String() string { return kindNames[k] }

// Logical is what a type's values mean. One that the specification doesn't know, or that doesn't fit its type, is none.
type Logical uint8

const (
	LogicalNone Logical = iota
	LogicalDate
	LogicalTime      // since midnight, in units of 10^-scale seconds
	LogicalTimestamp // since 1970-01-01, in UTC or local, in units of 10^-scale seconds
	LogicalDecimal   // big-endian two's complement, times 10^-scale
	LogicalUUID
	LogicalDuration // months, days and milliseconds; KindMoment: how many seconds
)

// Type is a type of a writer's schema, whatever language the schema is written in.
type Type struct {
	Kind             Kind
	Name             string // of a record, enum or fixed, with its namespace
	Connect          string // the name that Kafka Connect has for what the values mean: io.debezium.time.Date
	Logical          Logical
	Precision, Scale int
	Size             int // fixed
	Symbols          [][]byte
	Fields           []Field // record
	Elem             *Type   // array, map
	Branches         []*Type // union
	NoBytes          bool    // Avro: values take no bytes: null, and what is made of it alone; all others take at least one
	Proto            Proto
}

type Field struct {
	Name  string
	Type  *Type
	Proto ProtoField
}

// What is how messages call the type.
func (t *Type) What() string {
	switch t.Kind {
	case KindInt, KindArray, KindEnum, KindUint:
		return "an " + t.Kind.String()
	case KindNull, KindBytes:
		return t.Kind.String()
	}
	return "a " + t.Kind.String()
}

// field finds the field of a name, or else one of the name in another case or in JSON.
func (t *Type) field(name string) int {
	at := -1
	for i, f := range t.Fields {
		if f.Name == name {
			return i
		}
		if at < 0 && (strings.EqualFold(f.Name, name) || strings.EqualFold(f.Proto.JSONName, name)) {
			at = i
		}
	}
	return at
}

// maxColumns is how many columns and fields columns names before it makes JSON of the rest: a short text can define very many.
const maxColumns = 2000

// Compiled are the DuckDB types of a record's fields, as a declaration may have them.
func (t *Type) Columns() ([]duck.Column, error) {
	if t.Kind == KindUnion && len(t.Branches) == 2 && t.Branches[0].Kind == KindNull {
		t = t.Branches[1]
	}
	if t.Kind != KindRecord {
		return nil, fmt.Errorf("the schema is %s, not a record", t.What())
	}
	left := maxColumns
	inside := map[*Type]bool{t: true}
	cols := make([]duck.Column, len(t.Fields))
	for i, f := range t.Fields {
		cols[i] = duck.Column{Name: f.Name, Type: f.Type.Duckdb(inside, &left)}
	}
	return cols, nil
}

// Duckdb is the type that takes all values of t. inside are the records that it stands in.
func (t *Type) Duckdb(inside map[*Type]bool, left *int) duck.Type {
	if *left--; *left < 0 {
		return "JSON"
	}
	switch t.Logical {
	case LogicalDate:
		return "DATE"
	case LogicalTime:
		return "TIME"
	case LogicalTimestamp:
		if t.Scale == 9 {
			return "TIMESTAMP_NS"
		}
		return "TIMESTAMP"
	case LogicalUUID:
		return "UUID"
	case LogicalDecimal:
		if t.Precision > 38 {
			return "VARCHAR"
		}
		return duck.Shape{ID: duck.TypeDecimal, Width: uint8(t.Precision), Scale: uint8(t.Scale)}.Type()
	case LogicalDuration:
		return "VARCHAR"
	}
	switch t.Kind {
	case KindBoolean:
		return "BOOLEAN"
	case KindInt:
		return "INTEGER"
	case KindLong:
		return "BIGINT"
	case KindFloat:
		return "FLOAT"
	case KindDouble:
		return "DOUBLE"
	case KindBytes, KindFixed:
		return "BLOB"
	case KindArray:
		return duck.ListOf(t.Elem.Duckdb(inside, left))
	case KindMap:
		key := duck.Type("VARCHAR")
		if t.Proto.Key != nil {
			key = t.Proto.Key.Duckdb(inside, left)
		}
		return "MAP(" + key + ", " + t.Elem.Duckdb(inside, left) + ")"
	case KindUint:
		return "UINTEGER"
	case KindUlong:
		return "UBIGINT"
	case KindUnion:
		if t.Proto.Dynamic {
			return "JSON"
		}
		return t.common(inside, left)
	case KindRecord:
		if inside[t] || len(t.Fields) == 0 {
			return "JSON"
		}
		inside[t] = true
		defer delete(inside, t)
		var parts []duck.Column
		for _, f := range t.Fields {
			parts = append(parts, duck.Column{Name: f.Name, Type: f.Type.Duckdb(inside, left)})
		}
		return duck.StructOf(parts)
	}
	return "VARCHAR"
}

// common is the type that takes the values of all branches of a union.
func (t *Type) common(inside map[*Type]bool, left *int) duck.Type {
	ranks := map[duck.Type]int{"INTEGER": 1, "BIGINT": 2, "FLOAT": 3, "DOUBLE": 4}
	seen := map[duck.Type]bool{}
	scalars, numbers := true, true
	for _, b := range t.Branches {
		if b.Kind == KindNull {
			continue
		}
		s := b.Duckdb(inside, left)
		seen[s] = true
		numbers = numbers && ranks[s] > 0
		scalars = scalars && b.Kind != KindRecord && b.Kind != KindArray && b.Kind != KindMap && s != "BLOB"
	}
	var types []duck.Type
	for s := range seen {
		types = append(types, s)
	}
	sort.Slice(types, func(i, j int) bool { return ranks[types[i]] < ranks[types[j]] })
	switch {
	case len(types) == 1:
		return types[0]
	case len(types) > 1 && numbers && types[len(types)-1] == "BIGINT":
		return "BIGINT"
	case len(types) > 1 && numbers:
		return "DOUBLE"
	case scalars:
		return "VARCHAR"
	}
	return "JSON"
}

// Proto is what the wire format adds to a type.
type Proto struct {
	Wire    protowire.Type
	Zigzag  bool
	Boxed   *Type            // the value is field 1 of a message, of this type: google.protobuf's wrappers, Struct and ListValue
	Dynamic bool             // google.protobuf.Value: the branch is the field that is there
	Key     *Type            // of a map
	Names   map[int64][]byte // an enum's, by number
	Index   *FieldIndex      // of a message
	Oneofs  int
}

// FieldIndex finds fields by their numbers: which of the message's it is, and 1. Numbers are small nearly always.
type FieldIndex struct {
	low  [64]int32
	high map[protowire.Number]int32
}

func (x *FieldIndex) Put(n protowire.Number, i int) {
	if int(n) < len(x.low) {
		x.low[n] = int32(i) + 1
		return
	}
	if x.high == nil {
		x.high = map[protowire.Number]int32{}
	}
	x.high[n] = int32(i) + 1
}

// Get is -1 for a number that no field has.
func (x *FieldIndex) Get(n protowire.Number) int32 {
	if int(n) < len(x.low) {
		return x.low[n] - 1
	}
	return x.high[n] - 1
}

// ProtoField is what Protocol Buffers add to a field.
type ProtoField struct {
	JSONName string
	Absent   absence
	Oneof    int // 1 and up; 0 for none
}

// absence is what a field that isn't there means.
type absence uint8

const (
	AbsentZero  absence = iota // a field without presence isn't written when it is zero, or without elements
	AbsentNull                 // optional fields, messages, fields of a oneof
	AbsentError                // required
)
