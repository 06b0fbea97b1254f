package catalog

import (
	"context"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dsql/engine/duck"
)

// leaves are values of each type that are at its ends, or that some way through text gets wrong.
var leaves = map[string][]string{
	"BOOLEAN": {"true", "false"}, "TINYINT": {"-128", "127"}, "BIGINT": {"-9223372036854775808", "9223372036854775807"},
	"UBIGINT": {"18446744073709551615"},
	"HUGEINT": {"-170141183460469231731687303715884105728", "9007199254740993"}, "UHUGEINT": {"340282366920938463463374607431768211455"},
	"BIGNUM":       {"-12345678901234567890123456789012345678901234567890", "0"},
	"DECIMAL(4,1)": {"-999.9", "0.0"}, "DECIMAL(18,2)": {"9007199254740993.27", "-0.01"},
	"DECIMAL(38,9)": {"12345678901234567890123456789.123456789"},
	"FLOAT":         {"nan", "inf", "-0.0", "1e-45", "0.1"}, "DOUBLE": {"nan", "-inf", "-0.0", "5e-324", "1.7976931348623157e308", "0.1"},
	"VARCHAR": {"", "NULL", "null", " a, 'b' [c] {d: \"e\"} \\x41\\ ", "🦆\u0001\n"},
	"JSON":    {"null", `{ "a" : [1, 2.50, null] }`, `"x"`, "1e400", "[ ]"}, "BLOB": {`\xFF\x00\x22`, `\x5CxFF`, ""},
	"DATE": {"infinity", "0044-03-15 (BC)", "2020-02-29"}, "TIME": {"24:00:00", "12:00:00.000001"},
	"TIME WITH TIME ZONE": {"23:59:59.999999-15:59:59", "00:00:00+05:30:15"}, "TIME_NS": {"12:00:00.123456789"},
	"TIMESTAMP": {"-infinity", "294247-01-10 04:00:54.775806"}, "TIMESTAMP_S": {"2020-01-01 00:00:01"},
	"TIMESTAMP_MS": {"2020-01-01 00:00:00.001"}, "TIMESTAMP_NS": {"2020-01-01 00:00:00.000000001"},
	"TIMESTAMP WITH TIME ZONE": {"infinity", "-infinity", "0044-03-15 (BC) 10:00:00.000001+00", "290000-01-01 00:00:00.000001+00",
		"2020-03-29 01:30:00+00"},
	"INTERVAL": {"-14 months 3 days -00:00:00.5", "2147483647 days", "-1 microseconds", "9223372036854775807 microseconds"},
	"BIT":      {"0101010", "1"}, "UUID": {"ffffffff-ffff-ffff-ffff-ffffffffffff"}, "ENUM('a', 'b''(c', '[]')": {"b'(c", "[]"},
	"GEOMETRY": {"POINT (0.1 -2)"},
}

var leafTypes = func() (out []string) {
	for t := range leaves {
		out = append(out, t)
	}
	return out
}()

// fieldNames are awkward ones.
var fieldNames = []string{"a", "B c", `q"uote`, "0", "key", "select", "ünïcode", "x,y(z", "t", "v"}

// genType draws a type as DESCRIBE prints it, and an expression of a value of it.
func genType(t *rapid.T, depth int) string {
	kind := "LEAF"
	if depth > 0 {
		kind = rapid.SampledFrom([]string{"LEAF", "LIST", "ARRAY", "STRUCT", "MAP", "UNION"}).Draw(t, "kind")
	}
	fields := func() string {
		text := ""
		for i, n := range rapid.Permutation(fieldNames).Draw(t, "names")[:rapid.IntRange(1, 3).Draw(t, "fields")] {
			if i > 0 {
				text += ", "
			}
			text += duck.Ident(n).Text + " " + genType(t, depth-1)
		}
		return text
	}
	switch kind {
	case "LIST":
		return genType(t, depth-1) + "[]"
	case "ARRAY":
		return genType(t, depth-1) + "[2]"
	case "STRUCT", "UNION":
		return kind + "(" + fields() + ")"
	case "MAP":
		return "MAP(" + rapid.SampledFrom([]string{"VARCHAR", "BLOB", "DECIMAL(18,2)", "INTEGER[]"}).Draw(t, "key") + ", " + genType(t, depth-1) +
			")"
	}
	return rapid.SampledFrom(leafTypes).Draw(t, "leaf")
}

// genValue draws an expression of a value of the type. Where there are arrays all lists have two elements.
func genValue(t *rapid.T, typ string) *duck.Query {
	return genPart(t, exactly(duck.Type(typ)), true, strings.Contains(typ, "[2]"))
}

func genPart(t *rapid.T, x exactType, nulls, arrays bool) *duck.Query {
	a := duck.Args{"t": x.Type}
	if nulls && rapid.IntRange(0, 5).Draw(t, "null") == 0 {
		return duck.SQL("NULL::{t}", a)
	}
	list := func(n int, f func(i int) *duck.Query) *duck.Query {
		var parts []*duck.Query
		for i := range n {
			parts = append(parts, f(i))
		}
		return duck.SQL("[{e}]", duck.Args{"e": duck.Join(", ", parts...)})
	}
	switch x.kind {
	case duck.TypeList:
		n := 2
		if !arrays {
			n = rapid.IntRange(0, 3).Draw(t, "elements")
		}
		a["e"] = list(n, func(int) *duck.Query { return genPart(t, x.parts[0], true, arrays) })
		return duck.SQL("{e}::{t}", a)
	case duck.TypeMap:
		a["e"] = list(rapid.IntRange(0, 1).Draw(t, "entries"), func(int) *duck.Query {
			return duck.SQL("{'key': {k}, 'value': {v}}",
				duck.Args{"k": genPart(t, x.parts[0], false, arrays), "v": genPart(t, x.parts[1], true, arrays)})
		})
		return duck.SQL("CASE WHEN len({e}) = 0 THEN MAP {} ELSE map_from_entries({e}) END::{t}", a)
	case duck.TypeStruct:
		var fields []*duck.Query
		for _, p := range x.parts {
			fields = append(fields, genPart(t, p, true, arrays))
		}
		return duck.SQL("{s}::{t}", a, duck.Args{"s": pack(x.names, fields)})
	case duck.TypeUnion:
		i := rapid.IntRange(0, len(x.parts)-1).Draw(t, "member")
		return duck.SQL("union_value({n} := {v})::{t}", a, duck.Args{"n": duck.Ident(x.names[i]), "v": genPart(t, x.parts[i], true, arrays)})
	}
	if x.Type == "INTEGER" {
		return duck.SQL("7::INTEGER")
	}
	return duck.SQL("{v}::{t}", a, duck.Args{"v": rapid.SampledFrom(leaves[string(x.Type)]).Draw(t, "value")})
}

// Whatever a column's type, what exact has of a value reads back as that value, in a session of another time zone as well.
func TestExactGivesBackEveryValue(t *testing.T) {
	db, err := duck.Open(context.Background(), "", duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, c := context.Background(), db.Writer()
	rapid.Check(t, func(t *rapid.T) {
		typ := duck.Type(genType(t, 2))
		v := duck.SQL("{v}::{t}", duck.Args{"v": genValue(t, string(typ)), "t": typ})
		if err := c.Run(ctx, duck.SQL("SET TimeZone = 'America/New_York'"),
			duck.SQL("CREATE OR REPLACE TEMP TABLE was AS SELECT {v} AS v", duck.Args{"v": v})); err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		cols, err := c.Table(ctx, "was")
		if err != nil {
			t.Fatal(err)
		}
		typ = cols[0].Type
		e := exactly(typ).write(duck.Ident("v"), 0)
		if err := c.Run(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE kept AS SELECT to_json(struct_pack(\"a/~b\" := struct_pack(t := {t}, v := "+
			"{e})))::VARCHAR AS exact FROM was", duck.Args{"t": string(typ), "e": e}), duck.SQL("SET TimeZone = 'Asia/Kathmandu'")); err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		var same bool
		var shown string
		read := duck.SQL("({v}::{t})", duck.Args{"v": FromExact(duck.SQL("exact::JSON"), "/a~1~0b", typ), "t": typ})
		if _, err := c.Scan(ctx, duck.SQL("SELECT typeof(v) = typeof({r}) AND v IS NOT DISTINCT FROM {r} AND v::VARCHAR IS NOT DISTINCT FROM "+
			"{r}::VARCHAR AND (v IS NULL) = ({r} IS NULL), exact || ' gives ' || coalesce({r}::VARCHAR, 'NULL') || ', not ' || "+
			"coalesce(v::VARCHAR, 'NULL') FROM was, kept",
			duck.Args{"r": read}), &same, &shown); err != nil {
			t.Fatalf("%s: %v\n%s", typ, err, read)
		}
		if !same {
			t.Fatalf("%s: %s", typ, shown)
		}
	})
}
