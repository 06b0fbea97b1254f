package rules

import (
	"fmt"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// The types of expr-lang as far as SQL has them. Integers are 64 bits wide, numbers with a fraction DOUBLE.
type kind int

const (
	kNil kind = iota
	kBool
	kInt
	kFloat
	kString
	kTime     // TIMESTAMP
	kDuration // BIGINT, nanoseconds
	kMonth    // BIGINT; the VM's time.Month, which equals no number
	kWeekday  // BIGINT; the VM's time.Weekday
	kZone     // a time zone, known when the expression is compiled
	kList
	kMap // MAP(VARCHAR, …)
	kStruct
)

var kindNames = map[kind]string{kNil: "nil", kBool: "bool", kInt: "int", kFloat: "float", kString: "string", kTime: "time", kDuration: "duration", kMonth: "month", kWeekday: "weekday", kZone: "time zone", kList: "array", kMap: "map", kStruct: "map"}

type typ struct {
	kind    kind
	elem    *typ // list, map
	nilElem bool // an element may be nil
	fields  []field
	zone    string // of a time
}

type field struct {
	name string
	t    *typ
}

func (t *typ) String() string {
	switch t.kind {
	case kList:
		return "array of " + t.elem.String()
	case kMap:
		return "map of " + t.elem.String()
	}
	return kindNames[t.kind]
}

func (t *typ) number() bool { return t.kind == kInt || t.kind == kFloat }

// same: values of the two types can stand in one column.
func (t *typ) same(u *typ) bool {
	if t.kind != u.kind || t.zone != u.zone || len(t.fields) != len(u.fields) {
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
func (t *typ) sql() string {
	switch t.kind {
	case kBool:
		return "BOOLEAN"
	case kFloat:
		return "DOUBLE"
	case kString:
		return "VARCHAR"
	case kTime:
		return "TIMESTAMP"
	case kList:
		return t.elem.sql() + "[]"
	case kMap:
		return "MAP(VARCHAR, " + t.elem.sql() + ")"
	case kStruct:
		var fs []string
		for _, f := range t.fields {
			fs = append(fs, engine.Ident(f.name).String()+" "+f.t.sql())
		}
		return "STRUCT(" + strings.Join(fs, ", ") + ")"
	}
	return "BIGINT"
}

// bounds of the whole numbers of DuckDB types narrower than BIGINT.
var bounds = map[string][2]int64{"TINYINT": {-128, 127}, "SMALLINT": {-1 << 15, 1<<15 - 1}, "INTEGER": {-1 << 31, 1<<31 - 1}, "UTINYINT": {0, 255}, "USMALLINT": {0, 1<<16 - 1}, "UINTEGER": {0, 1<<32 - 1}}

// typeOf reads a DuckDB type, as DESCRIBE writes it. The error says why expr has none for it.
func typeOf(name string) (*typ, error) {
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

func (p *typeParser) parse() (*typ, error) {
	t, err := p.base()
	if err != nil {
		return nil, err
	}
	for p.word() == "[" {
		p.skip()
		t = &typ{kind: kList, elem: t, nilElem: true}
	}
	return t, nil
}

func (p *typeParser) base() (*typ, error) {
	name := p.next()
	switch strings.ToUpper(name) {
	case "BOOLEAN":
		return &typ{kind: kBool}, nil
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER":
		return &typ{kind: kInt}, nil
	case "UBIGINT", "HUGEINT", "UHUGEINT", "BIGNUM":
		return nil, fmt.Errorf("%s may be wider than expr's 64-bit int; CAST it to BIGINT, DOUBLE or VARCHAR in the query", name)
	case "FLOAT", "DOUBLE":
		return &typ{kind: kFloat}, nil
	case "DECIMAL":
		if p.word() == "(" {
			p.skip()
		}
		return &typ{kind: kFloat}, nil
	case "VARCHAR", "UUID":
		return &typ{kind: kString}, nil
	case "ENUM":
		p.skip()
		return &typ{kind: kString}, nil
	case "DATE", "TIMESTAMP_S", "TIMESTAMP_MS":
		return &typ{kind: kTime, zone: "UTC"}, nil
	case "TIMESTAMP":
		for p.word() == "WITH" || p.word() == "TIME" || p.word() == "ZONE" {
			p.i++
		}
		return &typ{kind: kTime, zone: "UTC"}, nil
	case "MAP":
		return p.mapType()
	case "STRUCT":
		return p.structType()
	}
	return nil, fmt.Errorf("%s is a type that expr has no values for; CAST it in the query", name)
}

func (p *typeParser) mapType() (*typ, error) {
	p.i++ // (
	key, err := p.parse()
	if err != nil {
		return nil, err
	}
	if key.kind != kString {
		return nil, fmt.Errorf("expr reads maps whose keys are VARCHAR only")
	}
	p.i++ // ,
	elem, err := p.parse()
	p.i++ // )
	return &typ{kind: kMap, elem: elem, nilElem: true}, err
}

func (p *typeParser) structType() (*typ, error) {
	t := &typ{kind: kStruct}
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

func (t *typ) field(name string) (*typ, bool) {
	for _, f := range t.fields {
		if f.name == name {
			return f.t, true
		}
	}
	return nil, false
}
