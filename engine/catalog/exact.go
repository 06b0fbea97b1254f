package catalog

import (
	"fmt"
	"slices"
	"strconv"

	"dsql/engine/duck"
)

// JSON is for people: it has doubles for decimals and one null for two, makes texts of BLOBs that can't be told from texts, and
// forgets which member of a UNION it was. What dsql.rejects gives back must be what was rejected, so the values of such types stand
// in its column exact too: {"column": {"t": type, "v": value}}, where each leaf of the value is a text that DuckDB reads back.

// plain are the types whose values json_extract_string gives back as they were, at the top of a row.
var plain = []duck.TypeID{duck.TypeBoolean, duck.TypeTinyInt, duck.TypeSmallInt, duck.TypeInteger, duck.TypeBigInt, duck.TypeUTinyInt,
	duck.TypeUSmallInt, duck.TypeUInteger, duck.TypeUBigInt, duck.TypeFloat, duck.TypeDouble, duck.TypeVarchar, duck.TypeDate, duck.TypeTime,
	duck.TypeTimestamp, duck.TypeUUID, duck.TypeEnum}

// needsExact says whether JSON alone may not give a value of the type back.
func needsExact(t duck.Type) bool { return !slices.Contains(plain, t.ID()) }

// exactType is a type as exact values need to know it.
type exactType struct {
	duck.Type             // with lists for arrays, which DuckDB has no CASE for
	kind      duck.TypeID // STRUCT, MAP, UNION, LIST; of a leaf its own
	names     []string
	parts     []exactType
}

// exactly is a type of the catalog's, or of the user's rows.
func exactly(of duck.Type) exactType {
	t := exactType{Type: Listed(of)}
	s := t.Shape()
	t.kind = s.ID
	if s.ID == duck.TypeStruct && s.Parts[0].Name == "" { // its text comes back
		t.kind = 0
		return t
	}
	for _, p := range s.Parts {
		t.names, t.parts = append(t.names, p.Name), append(t.parts, exactly(p.Type))
	}
	return t
}

// shape is the type of the exact form: texts, their lists, and STRUCTs of them whose fields are numbered.
func (t exactType) shape() duck.Type {
	switch t.kind {
	case duck.TypeList:
		return duck.ListOf(t.parts[0].shape())
	case duck.TypeUnion:
		return t.numbered(duck.Column{Type: "VARCHAR"})
	case duck.TypeMap:
		return duck.ListOf(t.numbered())
	case duck.TypeStruct:
		return t.numbered()
	}
	return "VARCHAR"
}

func (t exactType) numbered(fields ...duck.Column) duck.Type {
	for _, p := range t.parts {
		fields = append(fields, duck.Column{Type: p.shape()})
	}
	for i := range fields {
		fields[i].Name = strconv.Itoa(i)
	}
	return duck.StructOf(fields)
}

// pack makes a STRUCT of values under names.
func pack(names []string, values []*duck.Query) *duck.Query {
	i := -1
	return duck.SQL("struct_pack({fields})", duck.Args{"fields": duck.Each(", ", values, func(v *duck.Query) *duck.Query {
		i++
		return duck.SQL("{n} := {v}", duck.Args{"n": duck.Ident(names[i]), "v": v})
	})})
}

func packNumbered(values []*duck.Query) *duck.Query {
	names := make([]string, len(values))
	for i := range values {
		names[i] = strconv.Itoa(i)
	}
	return pack(names, values)
}

// lambda is a variable of a list_transform at a depth.
func lambda(depth int) *duck.Query { return duck.Ident(fmt.Sprintf("_x%d", depth)) }

// write is the exact form of v, a value of the type.
func (t exactType) write(v *duck.Query, depth int) *duck.Query {
	a := duck.Args{"v": v, "x": lambda(depth)}
	switch t.kind {
	case duck.TypeList:
		a["e"] = t.parts[0].write(lambda(depth), depth+1)
		return duck.SQL("list_transform({v}, lambda {x}: {e})", a)
	case duck.TypeMap:
		key, value := duck.SQL("{x}.key", a), duck.SQL("{x}.value", a)
		a["e"] = packNumbered([]*duck.Query{t.parts[0].write(key, depth+1), t.parts[1].write(value, depth+1)})
		return duck.SQL("list_transform(map_entries({v}), lambda {x}: {e})", a)
	case duck.TypeStruct, duck.TypeUnion:
		var fields []*duck.Query
		extract := "struct_extract({v}, {n})"
		if t.kind == duck.TypeUnion {
			extract, fields = "union_extract({v}, {n})", []*duck.Query{duck.SQL("union_tag({v})::VARCHAR", a)}
		}
		for i, p := range t.parts {
			fields = append(fields, p.write(duck.SQL(extract, a, duck.Args{"n": t.names[i]}), depth))
		}
		return duck.SQL("CASE WHEN {v} IS NOT NULL THEN {s} END", a, duck.Args{"s": packNumbered(fields)})
	case duck.TypeBlob:
		return duck.SQL("hex({v})", a)
	case duck.TypeInterval: // its text has fractions that don't come back at the ends of its range
		return duck.SQL(`(datepart('year', {v}) * 12 + datepart('month', {v}))::VARCHAR || ' ' || datepart('day', {v}) || ' '
			|| (datepart('hour', {v}) * 3600000000 + datepart('minute', {v}) * 60000000 + datepart('microsecond', {v}))`, a)
	case duck.TypeTimestampTZ: // its text depends on the session; infinity has no number
		return duck.SQL("coalesce(epoch_us({v})::VARCHAR, {v}::VARCHAR)", a)
	}
	return duck.SQL("{v}::VARCHAR", a)
}

// read is the value that an exact form stands for.
func (t exactType) read(v *duck.Query, depth int) *duck.Query {
	a := duck.Args{"v": v, "x": lambda(depth), "t": t.Type}
	field := func(of *duck.Query, i int) *duck.Query {
		return duck.SQL("struct_extract({of}, {n})", duck.Args{"of": of, "n": strconv.Itoa(i)})
	}
	switch t.kind {
	case duck.TypeList:
		a["e"] = t.parts[0].read(lambda(depth), depth+1)
		return duck.SQL("list_transform({v}, lambda {x}: {e})::{t}", a)
	case duck.TypeMap:
		x := lambda(depth)
		a["e"] = pack([]string{"key", "value"}, []*duck.Query{t.parts[0].read(field(x, 0), depth+1), t.parts[1].read(field(x, 1), depth+1)})
		return duck.SQL("map_from_entries(list_transform({v}, lambda {x}: {e}))::{t}", a)
	case duck.TypeStruct:
		var fields []*duck.Query
		for i, p := range t.parts {
			fields = append(fields, p.read(field(v, i), depth))
		}
		return duck.SQL("CASE WHEN {v} IS NOT NULL THEN {s} END::{t}", a, duck.Args{"s": pack(t.names, fields)})
	case duck.TypeUnion:
		var cases []*duck.Query
		for i, p := range t.parts {
			cases = append(cases, duck.SQL("WHEN {name} THEN union_value({n} := {e})::{t}", a,
				duck.Args{"name": t.names[i], "n": duck.Ident(t.names[i]), "e": p.read(field(v, i+1), depth)}))
		}
		return duck.SQL("CASE {tag} {cases} END", duck.Args{"tag": field(v, 0), "cases": duck.Join(" ", cases...)})
	case duck.TypeBlob:
		return duck.SQL("unhex({v})", a)
	case duck.TypeInterval:
		return duck.SQL("(to_months(split_part({v}, ' ', 1)::INTEGER) + to_days(split_part({v}, ' ', 2)::INTEGER) + "+
			"to_microseconds(split_part({v}, ' ', 3)::BIGINT))", a)
	case duck.TypeTimestampTZ:
		return duck.SQL("coalesce(make_timestamptz(TRY_CAST({v} AS BIGINT)), {v}::{t})", a)
	}
	return duck.SQL("{v}::{t}", a)
}

// exactJSON is an expression giving what stands in exact of a row's columns; of gives a column's value. nil: JSON holds them all.
func exactJSON(cols []duck.Column, of func(duck.Column) *duck.Query) *duck.Query {
	var names []string
	var values []*duck.Query
	for _, c := range cols {
		if needsExact(c.Type) {
			v := exactly(c.Type).write(of(c), 0)
			names, values = append(names, c.Name), append(values, duck.SQL("struct_pack(t := {t}, v := {v})", duck.Args{"t": string(c.Type), "v": v}))
		}
	}
	if names == nil {
		return nil
	}
	return duck.SQL("to_json({s})", duck.Args{"s": pack(names, values)})
}

// Listed is a type with lists for its arrays, which DuckDB has no CASE for.
func Listed(t duck.Type) duck.Type {
	return t.Map(func(s duck.Shape) duck.Shape {
		if s.ID == duck.TypeArray {
			s.ID = duck.TypeList
		}
		return s
	})
}

// FromExact is the value of type typ, but for Listed, that stands under a path (a JSON pointer) in exact.
func FromExact(exact *duck.Query, path string, typ duck.Type) *duck.Query {
	t := exactly(typ)
	a := duck.Args{"e": exact, "path": path + "/v", "s": t.shape()}
	if t.parts == nil {
		return t.read(duck.SQL("json_extract_string({e}, {path})", a), 0)
	}
	return t.read(duck.SQL("CAST(json_extract({e}, {path}) AS {s})", a), 0)
}
