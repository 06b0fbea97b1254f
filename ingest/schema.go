package ingest

import (
	"fmt"
	"sort"
	"strings"

	"dsql/engine/duck"
)

type schemaKind uint8

const (
	kindNull schemaKind = iota
	kindBoolean
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindBytes
	kindString
	kindRecord
	kindEnum
	kindArray
	kindMap
	kindFixed
	kindUnion
	kindUint   // up to 32 bits without a sign
	kindUlong  // up to 64 bits without a sign
	kindMoment // seconds and nanoseconds
)

var kindNames = [...]string{"null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "enum", "array", "map",
	"fixed", "union", "uint", "ulong", "time"}

func (k schemaKind) String() string { return kindNames[k] }

// logicalType is what a type's values mean. One that the specification doesn't know, or that doesn't fit its type, is none.
type logicalType uint8

const (
	logicalNone logicalType = iota
	logicalDate
	logicalTime      // since midnight, in units of 10^-scale seconds
	logicalTimestamp // since 1970-01-01, in UTC or local, in units of 10^-scale seconds
	logicalDecimal   // big-endian two's complement, times 10^-scale
	logicalUUID
	logicalDuration // months, days and milliseconds; kindMoment: how many seconds
)

// schemaType is a type of a writer's schema, whatever language the schema is written in.
type schemaType struct {
	kind             schemaKind
	name             string // of a record, enum or fixed, with its namespace
	logical          logicalType
	precision, scale int
	size             int // fixed
	symbols          [][]byte
	fields           []schemaField // record
	elem             *schemaType   // array, map
	branches         []*schemaType // union
	noBytes          bool          // Avro: values take no bytes: null, and what is made of it alone; all others take at least one
	proto            protoType
}

type schemaField struct {
	name  string
	t     *schemaType
	proto protoField
}

// what is how messages call the type.
func (t *schemaType) what() string {
	switch t.kind {
	case kindInt, kindArray, kindEnum, kindUint:
		return "an " + t.kind.String()
	case kindNull, kindBytes:
		return t.kind.String()
	}
	return "a " + t.kind.String()
}

// field finds the field of a name, or else one of the name in another case or in JSON.
func (t *schemaType) field(name string) int {
	at := -1
	for i, f := range t.fields {
		if f.name == name {
			return i
		}
		if at < 0 && (strings.EqualFold(f.name, name) || strings.EqualFold(f.proto.jsonName, name)) {
			at = i
		}
	}
	return at
}

// maxColumns is how many columns and fields columns names before it makes JSON of the rest: a short text can define very many.
const maxColumns = 2000

// columns are the DuckDB types of a record's fields, as a declaration may have them.
func (t *schemaType) columns() ([]duck.Column, error) {
	if t.kind == kindUnion && len(t.branches) == 2 && t.branches[0].kind == kindNull {
		t = t.branches[1]
	}
	if t.kind != kindRecord {
		return nil, fmt.Errorf("the schema is %s, not a record", t.what())
	}
	left := maxColumns
	inside := map[*schemaType]bool{t: true}
	cols := make([]duck.Column, len(t.fields))
	for i, f := range t.fields {
		cols[i] = duck.Column{Name: f.name, Type: f.t.duckdb(inside, &left)}
	}
	return cols, nil
}

// duckdb is the type that takes all values of t. inside are the records that it stands in.
func (t *schemaType) duckdb(inside map[*schemaType]bool, left *int) string {
	if *left--; *left < 0 {
		return "JSON"
	}
	switch t.logical {
	case logicalDate:
		return "DATE"
	case logicalTime:
		return "TIME"
	case logicalTimestamp:
		if t.scale == 9 {
			return "TIMESTAMP_NS"
		}
		return "TIMESTAMP"
	case logicalUUID:
		return "UUID"
	case logicalDecimal:
		if t.precision > 38 {
			return "VARCHAR"
		}
		return fmt.Sprintf("DECIMAL(%d,%d)", t.precision, t.scale)
	case logicalDuration:
		return "VARCHAR"
	}
	switch t.kind {
	case kindBoolean:
		return "BOOLEAN"
	case kindInt:
		return "INTEGER"
	case kindLong:
		return "BIGINT"
	case kindFloat:
		return "FLOAT"
	case kindDouble:
		return "DOUBLE"
	case kindBytes, kindFixed:
		return "BLOB"
	case kindArray:
		return t.elem.duckdb(inside, left) + "[]"
	case kindMap:
		key := "VARCHAR"
		if t.proto.key != nil {
			key = t.proto.key.duckdb(inside, left)
		}
		return "MAP(" + key + ", " + t.elem.duckdb(inside, left) + ")"
	case kindUint:
		return "UINTEGER"
	case kindUlong:
		return "UBIGINT"
	case kindUnion:
		if t.proto.dynamic {
			return "JSON"
		}
		return t.common(inside, left)
	case kindRecord:
		if inside[t] || len(t.fields) == 0 {
			return "JSON"
		}
		inside[t] = true
		defer delete(inside, t)
		var parts []string
		for _, f := range t.fields {
			parts = append(parts, duck.Ident(f.name).String()+" "+f.t.duckdb(inside, left))
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	}
	return "VARCHAR"
}

// common is the type that takes the values of all branches of a union.
func (t *schemaType) common(inside map[*schemaType]bool, left *int) string {
	ranks := map[string]int{"INTEGER": 1, "BIGINT": 2, "FLOAT": 3, "DOUBLE": 4}
	seen := map[string]bool{}
	scalars, numbers := true, true
	for _, b := range t.branches {
		if b.kind == kindNull {
			continue
		}
		s := b.duckdb(inside, left)
		seen[s] = true
		numbers = numbers && ranks[s] > 0
		scalars = scalars && b.kind != kindRecord && b.kind != kindArray && b.kind != kindMap && s != "BLOB"
	}
	var types []string
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
