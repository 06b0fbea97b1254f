package catalog

import (
	"fmt"
	"strconv"
	"strings"

	"dsql/engine/duck"
)

// JSON is for people: it has doubles for decimals and one null for two, makes texts of BLOBs that can't be told from texts, and
// forgets which member of a UNION it was. What dsql.rejects gives back must be what was rejected, so the values of such types stand
// in its column exact too: {"column": {"t": type, "v": value}}, where each leaf of the value is a text that DuckDB reads back.

// plainTypes are those whose values json_extract_string gives back as they were, at the top of a row.
var plainTypes = map[string]bool{"BOOLEAN": true, "TINYINT": true, "SMALLINT": true, "INTEGER": true, "BIGINT": true, "UTINYINT": true,
	"USMALLINT": true, "UINTEGER": true, "UBIGINT": true,
	"FLOAT": true, "DOUBLE": true, "VARCHAR": true, "DATE": true, "TIME": true, "TIMESTAMP": true, "UUID": true}

// needsExact says whether JSON alone may not give a value of the type back.
func needsExact(typ string) bool {
	return !plainTypes[typ] && !strings.HasPrefix(typ, "ENUM(") || strings.HasSuffix(typ, "]")
}

// exactType is a type as exact values need to know it.
type exactType struct {
	text  string // with lists for arrays, which DuckDB has no CASE for
	kind  string // "" (a leaf), STRUCT, MAP, UNION or LIST (ARRAY too)
	names []string
	parts []exactType
}

// parseType reads a type as DESCRIBE prints it.
func parseType(text string) exactType {
	t := exactType{text: text}
	if strings.HasSuffix(text, "]") {
		e := parseType(text[:strings.LastIndexByte(text, '[')])
		return exactType{text: e.text + "[]", kind: "LIST", parts: []exactType{e}}
	}
	for _, kind := range []string{"STRUCT", "MAP", "UNION"} {
		inner, ok := strings.CutPrefix(text, kind+"(")
		if !ok {
			continue
		}
		t.kind = kind
		var texts []string
		for _, part := range splitType(inner[:len(inner)-1]) {
			name := ""
			if kind != "MAP" {
				if name, part = typeName(part); name == "" { // STRUCT without names
					return exactType{text: text}
				}
			}
			p := parseType(part)
			t.names, t.parts = append(t.names, name), append(t.parts, p)
			if part = p.text; kind != "MAP" {
				part = duck.Ident(name).String() + " " + part
			}
			texts = append(texts, part)
		}
		t.text = kind + "(" + strings.Join(texts, ", ") + ")"
	}
	return t
}

// splitType cuts at the commas that are in no brackets and quotes.
func splitType(s string) (parts []string) {
	depth, from, quote := 0, 0, byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0 // a doubled one opens again at once
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			parts, from = append(parts, strings.TrimSpace(s[from:i])), i+1
		}
	}
	return append(parts, strings.TrimSpace(s[from:]))
}

// typeName takes the name off a field: "" where there is none.
func typeName(s string) (name, rest string) {
	if !strings.HasPrefix(s, `"`) {
		name, rest, ok := strings.Cut(s, " ")
		if !ok {
			return "", s
		}
		return name, rest
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			i++
			continue
		}
		return strings.ReplaceAll(s[1:i], `""`, `"`), strings.TrimSpace(s[i+1:])
	}
	return "", s
}

// shape is the type of the exact form: texts, their lists, and STRUCTs of them whose fields are numbered.
func (t exactType) shape() string {
	switch t.kind {
	case "":
		return "VARCHAR"
	case "LIST":
		return t.parts[0].shape() + "[]"
	case "UNION":
		return t.numbered("VARCHAR")
	case "MAP":
		return t.numbered() + "[]"
	}
	return t.numbered()
}

func (t exactType) numbered(first ...string) string {
	fields := first
	for _, p := range t.parts {
		fields = append(fields, p.shape())
	}
	for i, f := range fields {
		fields[i] = fmt.Sprintf(`"%d" %s`, i, f)
	}
	return "STRUCT(" + strings.Join(fields, ", ") + ")"
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
	case "LIST":
		a["e"] = t.parts[0].write(lambda(depth), depth+1)
		return duck.SQL("list_transform({v}, lambda {x}: {e})", a)
	case "MAP":
		key, value := duck.SQL("{x}.key", a), duck.SQL("{x}.value", a)
		a["e"] = packNumbered([]*duck.Query{t.parts[0].write(key, depth+1), t.parts[1].write(value, depth+1)})
		return duck.SQL("list_transform(map_entries({v}), lambda {x}: {e})", a)
	case "STRUCT", "UNION":
		var fields []*duck.Query
		extract := "struct_extract({v}, {n})"
		if t.kind == "UNION" {
			extract, fields = "union_extract({v}, {n})", []*duck.Query{duck.SQL("union_tag({v})::VARCHAR", a)}
		}
		for i, p := range t.parts {
			fields = append(fields, p.write(duck.SQL(extract, a, duck.Args{"n": t.names[i]}), depth))
		}
		return duck.SQL("CASE WHEN {v} IS NOT NULL THEN {s} END", a, duck.Args{"s": packNumbered(fields)})
	}
	switch t.text {
	case "BLOB":
		return duck.SQL("hex({v})", a)
	case "INTERVAL": // its text has fractions that don't come back at the ends of its range
		return duck.SQL(`(datepart('year', {v}) * 12 + datepart('month', {v}))::VARCHAR || ' ' || datepart('day', {v}) || ' ' || (datepart('hour', {v}) * 3600000000 + datepart('minute', {v}) * 60000000 + datepart('microsecond', {v}))`, a)
	case "TIMESTAMP WITH TIME ZONE": // its text depends on the session; infinity has no number
		return duck.SQL("coalesce(epoch_us({v})::VARCHAR, {v}::VARCHAR)", a)
	}
	return duck.SQL("{v}::VARCHAR", a)
}

// read is the value that an exact form stands for.
func (t exactType) read(v *duck.Query, depth int) *duck.Query {
	a := duck.Args{"v": v, "x": lambda(depth), "t": duck.Type(t.text)}
	field := func(of *duck.Query, i int) *duck.Query {
		return duck.SQL("struct_extract({of}, {n})", duck.Args{"of": of, "n": strconv.Itoa(i)})
	}
	switch t.kind {
	case "LIST":
		a["e"] = t.parts[0].read(lambda(depth), depth+1)
		return duck.SQL("list_transform({v}, lambda {x}: {e})::{t}", a)
	case "MAP":
		x := lambda(depth)
		a["e"] = pack([]string{"key", "value"}, []*duck.Query{t.parts[0].read(field(x, 0), depth+1), t.parts[1].read(field(x, 1), depth+1)})
		return duck.SQL("map_from_entries(list_transform({v}, lambda {x}: {e}))::{t}", a)
	case "STRUCT":
		var fields []*duck.Query
		for i, p := range t.parts {
			fields = append(fields, p.read(field(v, i), depth))
		}
		return duck.SQL("CASE WHEN {v} IS NOT NULL THEN {s} END::{t}", a, duck.Args{"s": pack(t.names, fields)})
	case "UNION":
		var cases []*duck.Query
		for i, p := range t.parts {
			cases = append(cases, duck.SQL("WHEN {name} THEN union_value({n} := {e})::{t}", a,
				duck.Args{"name": t.names[i], "n": duck.Ident(t.names[i]), "e": p.read(field(v, i+1), depth)}))
		}
		return duck.SQL("CASE {tag} {cases} END", duck.Args{"tag": field(v, 0), "cases": duck.Join(" ", cases...)})
	}
	switch t.text {
	case "BLOB":
		return duck.SQL("unhex({v})", a)
	case "INTERVAL":
		return duck.SQL("(to_months(split_part({v}, ' ', 1)::INTEGER) + to_days(split_part({v}, ' ', 2)::INTEGER) + "+
			"to_microseconds(split_part({v}, ' ', 3)::BIGINT))", a)
	case "TIMESTAMP WITH TIME ZONE":
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
			v := parseType(c.Type).write(of(c), 0)
			names, values = append(names, c.Name), append(values, duck.SQL("struct_pack(t := {t}, v := {v})", duck.Args{"t": c.Type, "v": v}))
		}
	}
	if names == nil {
		return nil
	}
	return duck.SQL("to_json({s})", duck.Args{"s": pack(names, values)})
}

// Listed is a type with lists for its arrays, which DuckDB has no CASE for.
func Listed(typ string) string { return parseType(typ).text }

// FromExact is the value of type typ, but for Listed, that stands under a path (a JSON pointer) in exact.
func FromExact(exact *duck.Query, path, typ string) *duck.Query {
	t := parseType(typ)
	a := duck.Args{"e": exact, "path": path + "/v", "s": duck.Type(t.shape())}
	if t.kind == "" {
		return t.read(duck.SQL("json_extract_string({e}, {path})", a), 0)
	}
	return t.read(duck.SQL("CAST(json_extract({e}, {path}) AS {s})", a), 0)
}
