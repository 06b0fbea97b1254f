package duck

import (
	"errors"
	"slices"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"dsql/sql"
	"dsql/sql/code"
)

// Int128 is a whole number of 16 bytes in two's complement.
type Int128 struct {
	Lo uint64
	Hi int64
}

// Node is a column of a layout, or a part of a nested one.
type Node struct {
	Column                // the part's name ("" in a list) and its type
	ID           TypeID   //
	Width, Scale uint8    // DECIMAL
	Length       int      // ARRAY
	Labels       []string // ENUM
	// Children are the fields of a STRUCT; of a LIST or ARRAY the element, of a MAP the STRUCT of an entry; of a UNION the tag, which has no
	// name, and the members; of a VARIANT the parts that it is made of.
	Children []*Node
	Size     uintptr // bytes of an element in the vector's data
	Vec      int     // index into Chunk.Vecs
}

// Word is the type in messages: of nested ones and ENUMs the name alone.
func (n *Node) Word() string {
	if n.ID.Nested() || n.ID == TypeEnum {
		return n.ID.String()
	}
	return string(n.Type)
}

// Layout is what chunks of a kind of batch hold.
type Layout struct {
	Columns []*Node
	types   []bindings.LogicalType
	lists   []*Node
	vecs    int
}

// NewLayout asks DuckDB for the types. A type that it doesn't know, or that a chunk can't hold, is a *sql.Error with the
// column.
func (c *Conn) NewLayout(cols []Column) (*Layout, error) {
	l := &Layout{}
	for _, col := range cols {
		t, err := c.logicalType(col.Type)
		if err != nil {
			l.Close()
			if e, ok := errors.AsType[*sql.Error](err); ok {
				e.InColumn(col.Name)
			}
			return nil, err
		}
		l.types = append(l.types, t)
		n := l.node(col.Name, t)
		if !n.held() {
			l.Close()
			return nil, sql.Errorf(code.SourceType, "column %s: a source can't read values of type %s", col.Name, col.Type).
				WithHint("declare it VARCHAR and cast it in the SELECT").InColumn(col.Name)
		}
		l.Columns = append(l.Columns, n)
	}
	return l, nil
}

func (c *Conn) logicalType(t Type) (bindings.LogicalType, error) {
	q := SQL("SELECT NULL::{t} LIMIT 0", Args{"t": t})
	var r bindings.Result
	defer bindings.DestroyResult(&r)
	if bindings.Query(bindings.Connection{Ptr: unsafe.Pointer(c.raw)}, q.Text, &r) == bindings.StateError {
		return bindings.LogicalType{}, q.locate(errors.New(bindings.ResultError(&r)), sql.Place{})
	}
	return bindings.ColumnLogicalType(&r, 0), nil
}

// held says that chunks hold the node's values, to write.
func (n *Node) held() bool {
	return n.ID != 0 && types[n.ID].size >= 0 && !slices.ContainsFunc(n.Children, func(c *Node) bool { return !c.held() })
}

// node numbers the vectors depth first. The ID of what isn't known here is 0.
func (l *Layout) node(name string, t bindings.LogicalType) *Node {
	k := types[typesByRaw[bindings.GetTypeId(t)]]
	n := l.add(&Node{Column: Column{Name: name}, ID: k.id, Size: uintptr(max(k.size, -k.size))})
	switch k.id {
	case TypeVarchar:
		if isJSON(t) {
			n.ID = TypeJSON
		}
	case TypeDecimal:
		n.Width, n.Scale = bindings.DecimalWidth(t), bindings.DecimalScale(t)
		n.Size = sizeOf(bindings.DecimalInternalType(t))
	case TypeEnum:
		for i := range bindings.EnumDictionarySize(t) {
			n.Labels = append(n.Labels, bindings.EnumDictionaryValue(t, bindings.IdxT(i)))
		}
		n.Size = sizeOf(bindings.EnumInternalType(t))
	case TypeStruct:
		for i := range bindings.StructTypeChildCount(t) {
			l.child(n, bindings.StructTypeChildName(t, i), bindings.StructTypeChildType(t, i))
		}
	case TypeUnion:
		n.Children = []*Node{l.plain("", TypeUTinyInt)}
		for i := range bindings.UnionTypeMemberCount(t) {
			l.child(n, bindings.UnionTypeMemberName(t, i), bindings.UnionTypeMemberType(t, i))
		}
	case TypeList:
		l.lists = append(l.lists, n)
		l.child(n, "", bindings.ListTypeChildType(t))
	case TypeArray:
		n.Length = int(bindings.ArrayTypeArraySize(t))
		l.child(n, "", bindings.ArrayTypeChildType(t))
	case TypeMap:
		l.lists = append(l.lists, n)
		e := l.add(&Node{ID: TypeStruct})
		n.Children = []*Node{e}
		l.child(e, "key", bindings.MapTypeKeyType(t))
		l.child(e, "value", bindings.MapTypeValueType(t))
		e.Type = e.shape().Type()
	case TypeVariant:
		n.Children = l.variant()
	}
	n.Type = n.shape().Type()
	return n
}

// add gives a node its vector.
func (l *Layout) add(n *Node) *Node {
	n.Vec = l.vecs
	l.vecs++
	return n
}

// plain is a node that has a type by name.
func (l *Layout) plain(name string, id TypeID) *Node {
	return l.add(&Node{Column: Column{name, Type(id.String())}, ID: id, Size: uintptr(max(0, types[id].size))})
}

// variant are the parts of a VARIANT: the C API has no names for them.
func (l *Layout) variant() []*Node {
	list := func(name string, of ...*Node) *Node {
		e := of[0]
		if len(of) > 1 {
			e = l.add(&Node{ID: TypeStruct, Children: of})
			e.Type = e.shape().Type()
		}
		n := l.add(&Node{Column: Column{Name: name}, ID: TypeList, Size: 16, Children: []*Node{e}})
		n.Type = n.shape().Type()
		return n
	}
	return []*Node{list("keys", l.plain("", TypeVarchar)),
		list("children", l.plain("keys_index", TypeUInteger), l.plain("values_index", TypeUInteger)),
		list("values", l.plain("type_id", TypeUTinyInt), l.plain("byte_offset", TypeUInteger)), l.plain("data", TypeBlob)}
}

// sizeOf a type that stands for another one in memory.
func sizeOf(t bindings.Type) uintptr { return uintptr(types[typesByRaw[t]].size) }

// child adds a part to a nested node.
func (l *Layout) child(to *Node, name string, t bindings.LogicalType) {
	defer bindings.DestroyLogicalType(&t)
	to.Children = append(to.Children, l.node(name, t))
}

// shape of what the node is made of.
func (n *Node) shape() Shape {
	s := Shape{ID: n.ID, Width: n.Width, Scale: n.Scale, Length: n.Length, Labels: n.Labels}
	of := n.Children
	switch n.ID {
	case TypeMap: // its entry
		of = of[0].Children
	case TypeUnion:
		of = of[1:]
	case TypeVariant:
		of = nil
	}
	for _, c := range of {
		s.Parts = append(s.Parts, c.Column)
		if n.ID == TypeMap {
			s.Parts[len(s.Parts)-1].Name = ""
		}
	}
	return s
}

// Close frees the types. Chunks and relations of the layout are closed before.
func (l *Layout) Close() {
	for i := range l.types {
		bindings.DestroyLogicalType(&l.types[i])
	}
	l.types = nil
}
