package expr

import (
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
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

// sql is the DuckDB type of the values.
func (t *Type) SQL() string {
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
		return t.elem.SQL() + "[]"
	case Map:
		return "MAP(VARCHAR, " + t.elem.SQL() + ")"
	case Struct:
		var fs []string
		for _, f := range t.fields {
			fs = append(fs, duck.Ident(f.name).String()+" "+f.t.SQL())
		}
		return "STRUCT(" + strings.Join(fs, ", ") + ")"
	}
	return "BIGINT"
}

// bounds of the whole numbers of DuckDB types narrower than BIGINT.
var bounds = map[string][2]int64{"TINYINT": {-128, 127}, "SMALLINT": {-1 << 15, 1<<15 - 1}, "INTEGER": {-1 << 31, 1<<31 - 1},
	"UTINYINT": {0, 255}, "USMALLINT": {0, 1<<16 - 1}, "UINTEGER": {0, 1<<32 - 1}}

// typeOf reads a DuckDB type, as DESCRIBE writes it. The error says why expr has none for it.
func typeOf(name string) (*Type, error) {
	src := sql.NewSource("", name)
	p := typeParser{src: src, toks: sql.Tokens(src, sql.Span{End: len(name)})}
	t, err := p.parse()
	if err == nil && p.i < len(p.toks) {
		err = fmt.Errorf("%s is a type that expr has no values for", name)
	}
	return t, err
}

type typeParser struct {
	src  *sql.Source
	toks []sql.Token
	i    int
}

func (p *typeParser) word() string {
	if p.i < len(p.toks) {
		return p.toks[p.i].Span.Of(p.src)
	}
	return ""
}

func (p *typeParser) next() string { w := p.word(); p.i++; return w }

// skip passes over a bracket and what is in it.
func (p *typeParser) skip() {
	for depth := 0; p.i < len(p.toks); {
		switch p.next() {
		case "(", "[":
			depth++
		case ")", "]":
			if depth--; depth == 0 {
				return
			}
		}
	}
}

func (p *typeParser) parse() (*Type, error) {
	t, err := p.base()
	if err != nil {
		return nil, err
	}
	for p.word() == "[" {
		p.skip()
		t = &Type{Kind: List, elem: t, nilElem: true}
	}
	return t, nil
}

func (p *typeParser) base() (*Type, error) {
	name := p.next()
	switch strings.ToUpper(name) {
	case "BOOLEAN":
		return &Type{Kind: Bool}, nil
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER":
		return &Type{Kind: Int}, nil
	case "UBIGINT", "HUGEINT", "UHUGEINT", "BIGNUM":
		return nil, fmt.Errorf("%s may be wider than expr's 64-bit int; CAST it to BIGINT, DOUBLE or VARCHAR in the query", name)
	case "FLOAT", "DOUBLE":
		return &Type{Kind: Float}, nil
	case "DECIMAL":
		if p.word() == "(" {
			p.skip()
		}
		return &Type{Kind: Float}, nil
	case "VARCHAR", "UUID":
		return &Type{Kind: String}, nil
	case "ENUM":
		p.skip()
		return &Type{Kind: String}, nil
	case "DATE", "TIMESTAMP_S", "TIMESTAMP_MS":
		return &Type{Kind: Time, zone: "UTC"}, nil
	case "TIMESTAMP":
		for p.word() == "WITH" || p.word() == "TIME" || p.word() == "ZONE" {
			p.i++
		}
		return &Type{Kind: Time, zone: "UTC"}, nil
	case "MAP":
		return p.mapType()
	case "STRUCT":
		return p.structType()
	}
	return nil, fmt.Errorf("%s is a type that expr has no values for; CAST it in the query", name)
}

func (p *typeParser) mapType() (*Type, error) {
	p.i++ // (
	key, err := p.parse()
	if err != nil {
		return nil, err
	}
	if key.Kind != String {
		return nil, fmt.Errorf("expr reads maps whose keys are VARCHAR only")
	}
	p.i++ // ,
	elem, err := p.parse()
	p.i++ // )
	return &Type{Kind: Map, elem: elem, nilElem: true}, err
}

func (p *typeParser) structType() (*Type, error) {
	t := &Type{Kind: Struct}
	for p.next(); p.i < len(p.toks); p.i++ { // ( or ,
		name := p.next()
		if text, err := sql.Unquote(name); err == nil {
			name = text
		}
		ft, err := p.parse()
		if err != nil {
			return nil, err
		}
		t.fields = append(t.fields, field{name, ft})
		if p.word() == ")" {
			p.i++
			return t, nil
		}
	}
	return nil, fmt.Errorf("the type of a field can't be read")
}

func (t *Type) field(name string) (*Type, bool) {
	for _, f := range t.fields {
		if f.name == name {
			return f.t, true
		}
	}
	return nil, false
}
