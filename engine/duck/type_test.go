package duck_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dsql/engine/duck"
)

// spellings are types as users write them.
var spellings = []duck.Type{"int8", "Text", "DEC", "DEC(5)", "NUMERIC(5, 1)", "DECIMAL", "VARCHAR(10)", "CHARACTER VARYING",
	"DOUBLE PRECISION",
	"FLOAT(10)", "FLOAT(30)", "INTEGER ARRAY", "INTEGER ARRAY[3]", "INTEGER[3][]", "INTEGER[][3]", "TIMESTAMP(0)", "TIMESTAMP(3)",
	"TIMESTAMP(9)",
	"TIMESTAMP WITH TIME ZONE[]", "TIMESTAMP WITHOUT TIME ZONE", "TIME WITHOUT TIME ZONE", "time with time zone", `"integer"`, "BIT(3)",
	"ENUM('a', 'b''c', 'd,e(', '[]')", "ROW(a INTEGER)", `STRUCT(a INTEGER, "b C" DECIMAL(4,1)[], "q""x" JSON, "struct" STRUCT("a,(b" TEXT))`,
	"STRUCT(é INTEGER, t TIMETZ, n TIMESTAMP WITH TIME ZONE, m MAP(INT, MAP(TEXT, UUID))[2])", "UNION(a INTEGER, \"B\" VARCHAR[3][])",
	"MAP(VARCHAR, DECIMAL)", "MAP(STRUCT(a INTEGER), INTEGER[])[]", "/* a */ INTEGER"}

// throughout is a type whose parts, too, are spelt as Shape spells them.
func throughout(s duck.Shape) duck.Type {
	s.Parts = slices.Clone(s.Parts)
	for i := range s.Parts {
		s.Parts[i].Type = throughout(s.Parts[i].Type.Shape())
	}
	return s.Type()
}

// What DuckDB knows is known here, by all its names, and what is read of a type is what DuckDB reads.
func TestTypesAreDuckDBs(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	all := slices.Clone(spellings)
	names, err := duck.Select(t.Context(), c, duck.SQL(`SELECT type_name FROM duckdb_types() WHERE internal
		AND logical_type NOT IN ('STRUCT', 'LIST', 'MAP', 'ARRAY', 'UNION', 'ENUM', 'NULL', 'TYPE')`),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err != nil || len(names) < 50 {
		t.Fatal(names, err)
	}
	for _, n := range names {
		all = append(all, duck.Type(n))
	}
	for _, typ := range all {
		s := typ.Shape()
		if s.ID == 0 {
			t.Errorf("%s is not known", typ)
			continue
		}
		var written, back duck.Type
		if _, err := c.Scan(t.Context(), duck.SQL("SELECT typeof(NULL::{t}), typeof(NULL::{s})", duck.Args{"t": typ, "s": s.Type()}), &written,
			&back); err != nil {
			t.Errorf("%s, read as %s: %v", typ, s.Type(), err)
		}
		if back != written {
			t.Errorf("%s is %s and was read as %s", typ, written, back)
		}
		if a, b := throughout(s), throughout(written.Shape()); a != b {
			t.Errorf("%s is read as %s, and what DuckDB writes as %s", typ, a, b)
		}
	}
}

// A STRUCT without names and the type of NULL have no way of writing them in a cast.
func TestTypesThatAreNeverWritten(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	var row, none duck.Type
	if _, err := c.Scan(t.Context(), duck.SQL("SELECT typeof(row(1, 2.50::DECIMAL(4,2), [now()], (1, 'a'))), typeof([NULL])"), &row,
		&none); err != nil {
		t.Fatal(err)
	}
	want := duck.Shape{ID: duck.TypeStruct,
		Parts: []duck.Column{{Type: "INTEGER"}, {Type: "DECIMAL(4,2)"}, {Type: "TIMESTAMP WITH TIME ZONE[]"},
			{Type: "STRUCT(INTEGER, VARCHAR)"}}}
	if d := cmp.Diff(want, row.Shape()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(duck.Shape{ID: duck.TypeList, Parts: []duck.Column{{Type: `"NULL"`}}}, none.Shape()); d != "" ||
		!none.Has(duck.TypeNull) {
		t.Error(none, d)
	}
}

func TestTypesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, typ := range []duck.Type{"", "NONSENSE", "mood", "main.mood", "STRUCT", "STRUCT()", "STRUCT(", "STRUCT(a INTEGER",
		"STRUCT(a INTEGER))", "STRUCT(5 INTEGER)",
		"MAP", "MAP(INTEGER)", "MAP(INTEGER, INTEGER, INTEGER)", "ENUM", "ENUM(a)", "LIST", "ARRAY", "LIST(INTEGER)", "INTEGER[", "INTEGER[x]",
		"INTEGER]", "INTEGER[-1]",
		"DECIMAL(39,0)", "DECIMAL(3,4)", "DECIMAL(1,2,3)", "DECIMAL(0)", "INTEGER INTEGER", "INTEGER FORMAT 'x'", "TIMESTAMP WITH", "'INTEGER'",
		`"INTEGER`,
		duck.Type(strings.Repeat("STRUCT(a ", 100_000))} {
		if id := typ.ID(); id != 0 {
			t.Errorf("%.50s is read as %s", typ, id)
		}
	}
}

var leaves = []duck.TypeID{duck.TypeBoolean, duck.TypeTinyInt, duck.TypeUHugeInt, duck.TypeBigNum, duck.TypeFloat, duck.TypeVarchar,
	duck.TypeJSON, duck.TypeBlob,
	duck.TypeDate, duck.TypeTime, duck.TypeTimeNS, duck.TypeTimeTZ, duck.TypeTimestamp, duck.TypeTimestampS, duck.TypeTimestampNS,
	duck.TypeTimestampTZ,
	duck.TypeInterval, duck.TypeUUID, duck.TypeBit, duck.TypeGeometry, duck.TypeVariant, duck.TypeDecimal, duck.TypeEnum}

func drawShape(t *rapid.T, depth int) duck.Shape {
	ids := leaves
	if depth > 0 {
		ids = append(slices.Clone(leaves[:5]), duck.TypeStruct, duck.TypeList, duck.TypeMap, duck.TypeArray, duck.TypeUnion)
	}
	s := duck.Shape{ID: rapid.SampledFrom(ids).Draw(t, "id")}
	name := rapid.OneOf(rapid.SampledFrom([]string{"a", "B c", `q"uote`, "select", "with", "array", "x,y(z", "]", "é", "INTEGER", "'"}),
		rapid.StringMatching(`[^\x00]{1,8}`))
	part := func(named bool) {
		p := duck.Column{Type: drawShape(t, depth-1).Type()}
		if named {
			p.Name = name.Draw(t, "name")
		}
		s.Parts = append(s.Parts, p)
	}
	switch s.ID {
	case duck.TypeDecimal:
		s.Width = rapid.Uint8Range(1, 38).Draw(t, "width")
		s.Scale = rapid.Uint8Range(0, s.Width).Draw(t, "scale")
	case duck.TypeEnum:
		s.Labels = rapid.SliceOfN(rapid.StringMatching(`[^\x00]{0,8}`), 1, 4).Draw(t, "labels")
	case duck.TypeArray:
		s.Length = rapid.IntRange(1, 100_000).Draw(t, "length")
		part(false)
	case duck.TypeList:
		part(false)
	case duck.TypeMap:
		part(false)
		part(false)
	case duck.TypeStruct, duck.TypeUnion:
		for range rapid.IntRange(1, 3).Draw(t, "parts") {
			part(s.ID == duck.TypeUnion || depth%2 == 1)
		}
	}
	return s
}

// A shape is what its type is read as.
func TestTypeAndShapeAreOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t, 3)
		if d := cmp.Diff(s, s.Type().Shape()); d != "" {
			t.Fatalf("%s: %s", s.Type(), d)
		}
		same := func(s duck.Shape) duck.Shape { return s }
		if typ := s.Type(); typ.Map(same) != typ {
			t.Fatalf("%s becomes %s", typ, typ.Map(same))
		}
	})
}

func FuzzType(f *testing.F) {
	for _, s := range spellings {
		f.Add(string(s))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := duck.Type(text).Shape()
		if s.ID == 0 {
			return
		}
		if d := cmp.Diff(s, s.Type().Shape()); d != "" {
			t.Errorf("%q is read as %s: %s", text, s.Type(), d)
		}
	})
}

func TestMap(t *testing.T) {
	t.Parallel()
	lists := func(s duck.Shape) duck.Shape {
		if s.ID == duck.TypeArray {
			s.ID = duck.TypeList
		}
		return s
	}
	for typ, want := range map[duck.Type]duck.Type{
		"INTEGER[3][]": "INTEGER[][]", "STRUCT(a INTEGER[2], b TEXT)": `STRUCT("a" INTEGER[], "b" TEXT)`,
		"MAP(VARCHAR, INTEGER[3])": "MAP(VARCHAR, INTEGER[])",
		"STRUCT(a INTEGER)":        "STRUCT(a INTEGER)", "int8": "int8", "mood": "mood", "mood[2]": "mood[2]",
	} {
		if got := typ.Map(lists); got != want {
			t.Errorf("%s becomes %s", typ, got)
		}
	}
}

// extremes of a type, and what stands beside them.
func extremes(typ duck.Type) (out []string) {
	bits := map[duck.Type]uint{"TINYINT": 7, "SMALLINT": 15, "INTEGER": 31, "BIGINT": 63, "HUGEINT": 127, "UTINYINT": 8, "USMALLINT": 16,
		"UINTEGER": 32, "UBIGINT": 64,
		"UHUGEINT": 128, "FLOAT": 24, "DOUBLE": 53}
	if w, s, ok := typ.Decimal(); ok {
		return []string{"-" + strings.Repeat("9", w-s) + "." + strings.Repeat("9", s), strings.Repeat("9", w-s) + "." + strings.Repeat("9", s)}
	}
	n := new(big.Int).Lsh(big.NewInt(1), bits[typ])
	n.Sub(n, big.NewInt(1))
	out = append(out, n.String(), "0")
	if typ[0] != 'U' {
		out = append(out, "-"+n.String())
	}
	if typ == "FLOAT" || typ == "DOUBLE" { // a fraction too
		out = append(out, "0.5", "1e-30")
	}
	return out
}

// Of numbers Widens says what DuckDB's casts there and back do to the widest values.
func TestWidensIsWhatCastsDo(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	numbers := []duck.Type{"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
		"FLOAT", "DOUBLE",
		"DECIMAL(3,0)", "DECIMAL(4,1)", "DECIMAL(5,0)", "DECIMAL(10,0)", "DECIMAL(18,2)", "DECIMAL(19,0)", "DECIMAL(20,0)", "DECIMAL(38,0)",
		"DECIMAL(38,10)"}
	for _, from := range numbers {
		for _, to := range numbers {
			if from.ID() == duck.TypeDecimal && to.ID() != duck.TypeDecimal && from != to {
				if from.Widens(to) {
					t.Errorf("%s in %s", from, to)
				}
				continue // some fit, and none is said to
			}
			holds := true
			for _, v := range extremes(from) {
				var same bool
				if _, err := c.Scan(t.Context(), duck.SQL("SELECT coalesce(TRY_CAST(TRY_CAST({v}::{from} AS {to}) AS {from}) = {v}::{from}, false)",
					duck.Args{"v": v, "from": from, "to": to}), &same); err != nil {
					t.Fatal(err)
				}
				holds = holds && same
			}
			if from.Widens(to) != holds {
				t.Errorf("%s in %s: %v, and casts say %v", from, to, from.Widens(to), holds)
			}
		}
	}
}

func TestWidens(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		from, to duck.Type
		want     bool
	}{
		{"DATE", "TIMESTAMP", true}, {"TIMESTAMP", "DATE", false}, {"TIMESTAMP_S", "TIMESTAMP", true},
		{"TIMESTAMP", "TIMESTAMP WITH TIME ZONE", false},
		{"TIMESTAMP", "TIMESTAMP_NS", false}, {"TIME", "TIMESTAMP", false}, {"INTEGER", "VARCHAR", false}, {"VARCHAR", "VARCHAR", true},
		{"STRUCT(a INTEGER)", "STRUCT(a INTEGER)", true}, {"STRUCT(a INTEGER)", "STRUCT(a BIGINT)", false}, {"INTEGER[]", "BIGINT[]", false},
		{"mood", "mood", true}, {"mood", "INTEGER", false},
	} {
		if got := x.from.Widens(x.to); got != x.want {
			t.Errorf("%s in %s: %v", x.from, x.to, got)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	got := ""
	for _, typ := range []duck.Type{"TINYINT", "UTINYINT", "INTEGER", "UINTEGER", "BIGINT", "DOUBLE"} {
		lo, hi, ok := typ.ID().Bounds()
		got += fmt.Sprintln(typ, lo, hi, ok)
	}
	want := "TINYINT -128 127 true\nUTINYINT 0 255 true\nINTEGER -2147483648 2147483647 true\nUINTEGER 0 4294967295 true\nBIGINT 0 0 " +
		"false\nDOUBLE 0 0 false\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
