package ingest

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"dsql/engine"
)

// avroPlan is what becomes of the records of one schema. why says what is wrong with all of them.
type avroPlan struct {
	root  *avroNode
	why   string
	names []string // of fields that no column takes
}

// avroNode is what becomes of one value: columns that take it, and what of it goes on to others.
type avroNode struct {
	t        *avroType
	convs    []*avroConv
	below    bool                 // paths go on below
	fields   []*avroNode          // record: by field, nil where nobody wants it
	branches []*avroNode          // union: nil where no path goes on
	items    map[int]*avroNode    // array
	keys     map[string]*avroNode // map
}

// avroConv converts values of a type for a column, or a part of one.
type avroConv struct {
	t        *avroType
	col      *column
	record   *avroNode   // a STRUCT's fields
	elem     *avroConv   // of a LIST; the values of a MAP
	branches []*avroConv // union
}

// plan compiles a schema against the declared columns, which the slots of JSON paths lead to.
func (d *avroDecoder) plan(t *avroType) *avroPlan {
	p := &avroPlan{root: &avroNode{t: t, below: true}}
	if t.kind != avroRecord && t.kind != avroMap && t.kind != avroUnion {
		p.why = fmt.Sprintf("its schema is %s, not a record", t.what())
	} else {
		p.below(p.root, []*object{d.root.obj})
	}
	return p
}

// node is what slots make of values of a type; nil without slots.
func (p *avroPlan) node(t *avroType, slots []*slot) *avroNode {
	if len(slots) == 0 {
		return nil
	}
	n := &avroNode{t: t}
	var objects []*object
	for _, s := range slots {
		if s.col != nil {
			for _, c := range append([]*column{s.col}, s.more...) {
				n.convs = append(n.convs, p.conv(t, c))
			}
		}
		if s.obj != nil {
			objects = append(objects, s.obj)
		}
	}
	if n.below = len(objects) > 0; n.below {
		p.below(n, objects)
	}
	return n
}

// below follows the slots of objects into values of n's type.
func (p *avroPlan) below(n *avroNode, objects []*object) {
	switch n.t.kind {
	case avroRecord:
		wanted := make([][]*slot, len(n.t.fields))
		for _, o := range objects {
			for key, i := range o.byName {
				if at := n.t.field(key); at >= 0 {
					wanted[at] = append(wanted[at], o.slots[i])
				}
			}
		}
		for i, f := range n.t.fields {
			if n.fields = append(n.fields, p.node(f.t, wanted[i])); len(wanted[i]) == 0 {
				p.names = append(p.names, f.name)
			}
		}
	case avroMap:
		n.keys = map[string]*avroNode{}
		for key, slots := range keyed(objects) {
			n.keys[key] = p.node(n.t.elem, slots)
		}
	case avroArray:
		n.items = map[int]*avroNode{}
		for key, slots := range keyed(objects) {
			if at, err := strconv.Atoi(key); err == nil {
				n.items[at] = p.node(n.t.elem, slots)
			}
		}
	case avroUnion:
		for _, b := range n.t.branches {
			to := &avroNode{t: b, below: true}
			p.below(to, objects)
			n.branches = append(n.branches, to)
		}
	}
}

func keyed(objects []*object) map[string][]*slot {
	m := map[string][]*slot{}
	for _, o := range objects {
		for key, i := range o.byName {
			m[key] = append(m[key], o.slots[i])
		}
	}
	return m
}

// field finds the field of a name, or else one of the name in another case.
func (t *avroType) field(name string) int {
	at := -1
	for i, f := range t.fields {
		if f.name == name {
			return i
		}
		if at < 0 && strings.EqualFold(f.name, name) {
			at = i
		}
	}
	return at
}

// conv compiles the conversion of values of a type for a column. What doesn't fit is found when there is such a value: a union
// may never have one.
func (p *avroPlan) conv(t *avroType, c *column) *avroConv {
	v := &avroConv{t: t, col: c}
	switch {
	case t.kind == avroUnion:
		for _, b := range t.branches {
			v.branches = append(v.branches, p.conv(b, c))
		}
	case (t.kind == avroRecord || t.kind == avroMap) && c.id == engine.TypeStruct:
		v.record = &avroNode{t: t, below: true}
		p.below(v.record, []*object{c.fields})
	case t.kind == avroArray && c.id == engine.TypeList:
		v.elem = p.conv(t.elem, c.children[0])
	case t.kind == avroMap && c.id == engine.TypeMap:
		v.elem = p.conv(t.elem, c.children[1])
	}
	return v
}

// maxColumns is how many columns and fields avroColumns names before it makes JSON of the rest: a short text can define very many.
const maxColumns = 2000

// avroColumns are the DuckDB types of a schema's fields, as a declaration may have them.
func avroColumns(schema string, references map[string]string) ([]engine.Column, error) {
	t, err := parseAvro(schema, references)
	if err != nil {
		return nil, err
	}
	if t.kind == avroUnion && len(t.branches) == 2 && t.branches[0].kind == avroNull {
		t = t.branches[1]
	}
	if t.kind != avroRecord {
		return nil, fmt.Errorf("the schema is %s, not a record", t.what())
	}
	left := maxColumns
	inside := map[*avroType]bool{t: true}
	cols := make([]engine.Column, len(t.fields))
	for i, f := range t.fields {
		cols[i] = engine.Column{Name: f.name, Type: f.t.duckdb(inside, &left)}
	}
	return cols, nil
}

// duckdb is the type that takes all values of t. inside are the records that it stands in.
func (t *avroType) duckdb(inside map[*avroType]bool, left *int) string {
	if *left--; *left < 0 {
		return "JSON"
	}
	switch t.logical {
	case avroDate:
		return "DATE"
	case avroTime:
		return "TIME"
	case avroTimestamp:
		if t.scale == 9 {
			return "TIMESTAMP_NS"
		}
		return "TIMESTAMP"
	case avroUUID:
		return "UUID"
	case avroDecimal:
		if t.precision > 38 {
			return "VARCHAR"
		}
		return fmt.Sprintf("DECIMAL(%d,%d)", t.precision, t.scale)
	case avroDuration:
		return "VARCHAR"
	}
	switch t.kind {
	case avroBoolean:
		return "BOOLEAN"
	case avroInt:
		return "INTEGER"
	case avroLong:
		return "BIGINT"
	case avroFloat:
		return "FLOAT"
	case avroDouble:
		return "DOUBLE"
	case avroBytes, avroFixed:
		return "BLOB"
	case avroArray:
		return t.elem.duckdb(inside, left) + "[]"
	case avroMap:
		return "MAP(VARCHAR, " + t.elem.duckdb(inside, left) + ")"
	case avroUnion:
		return t.common(inside, left)
	case avroRecord:
		if inside[t] || len(t.fields) == 0 {
			return "JSON"
		}
		inside[t] = true
		defer delete(inside, t)
		var parts []string
		for _, f := range t.fields {
			parts = append(parts, engine.Ident(f.name).String()+" "+f.t.duckdb(inside, left))
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	}
	return "VARCHAR"
}

// common is the type that takes the values of all branches of a union.
func (t *avroType) common(inside map[*avroType]bool, left *int) string {
	ranks := map[string]int{"INTEGER": 1, "BIGINT": 2, "FLOAT": 3, "DOUBLE": 4}
	seen := map[string]bool{}
	scalars, numbers := true, true
	for _, b := range t.branches {
		if b.kind == avroNull {
			continue
		}
		s := b.duckdb(inside, left)
		seen[s] = true
		numbers = numbers && ranks[s] > 0
		scalars = scalars && b.kind != avroRecord && b.kind != avroArray && b.kind != avroMap && s != "BLOB"
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
