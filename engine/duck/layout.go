package duck

import (
	"errors"
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
	Labels       []string // ENUM
	Children     []*Node  // STRUCT: its fields; LIST: the element; MAP: the STRUCT of an entry
	Size         uintptr  // bytes of an element in the vector's data
	Vec          int      // index into Chunk.Vecs
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
		n, err := l.node(col.Name, t)
		if err != nil {
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

var errNoVector = errors.New("no vector holds this type")

// node numbers the vectors depth first.
func (l *Layout) node(name string, t bindings.LogicalType) (*Node, error) {
	k := types[typesByRaw[bindings.GetTypeId(t)]]
	if k.id == 0 || k.size == noVector {
		return nil, errNoVector
	}
	n := &Node{Column: Column{Name: name}, ID: k.id, Size: uintptr(k.size), Vec: l.vecs}
	l.vecs++
	var err error
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
			err = errors.Join(err, l.child(n, bindings.StructTypeChildName(t, i), bindings.StructTypeChildType(t, i)))
		}
	case TypeList:
		l.lists = append(l.lists, n)
		err = l.child(n, "", bindings.ListTypeChildType(t))
	case TypeMap:
		l.lists = append(l.lists, n)
		e := &Node{ID: TypeStruct, Vec: l.vecs}
		l.vecs++
		n.Children = []*Node{e}
		err = errors.Join(l.child(e, "key", bindings.MapTypeKeyType(t)), l.child(e, "value", bindings.MapTypeValueType(t)))
		e.Type = e.shape().Type()
	}
	if err != nil {
		return nil, err
	}
	n.Type = n.shape().Type()
	return n, nil
}

// sizeOf a type that stands for another one in memory.
func sizeOf(t bindings.Type) uintptr { return uintptr(types[typesByRaw[t]].size) }

// child adds a part to a nested node.
func (l *Layout) child(to *Node, name string, t bindings.LogicalType) error {
	defer bindings.DestroyLogicalType(&t)
	c, err := l.node(name, t)
	if err == nil {
		to.Children = append(to.Children, c)
	}
	return err
}

// shape of what the node is made of.
func (n *Node) shape() Shape {
	s := Shape{ID: n.ID, Width: n.Width, Scale: n.Scale, Labels: n.Labels}
	of := n.Children
	if n.ID == TypeMap && len(of) == 1 { // its entry
		of = of[0].Children
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
