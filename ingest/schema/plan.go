package schema

import (
	"fmt"
	"strconv"

	"dsql/ingest/names"

	"dsql/engine/duck"
	"dsql/ingest/convert"
)

// Plan is what becomes of the records of one schema.
type Plan struct {
	Root  *Node
	names []string // of fields that no column takes
}

// Node is what becomes of one value: columns that take it, and what of it goes on to others.
type Node struct {
	Type     *Type
	Convs    []*Conv
	Below    bool             // paths go on below
	Fields   []*Node          // record: by field, nil where nobody wants it
	Branches []*Node          // union: nil where no path goes on
	Items    map[int]*Node    // array
	Keys     map[string]*Node // map
}

// Conv converts values of a type for a column, or a part of one.
type Conv struct {
	Type     *Type
	Column   *convert.Column
	Record   *Node   // a STRUCT's fields
	Elem     *Conv   // of a LIST; the values of a MAP
	Branches []*Conv // union
}

// Plan compiles a schema against the declared columns, which the slots of JSON paths lead to.
func (d *Decoder) Plan(t *Type) (*Plan, error) {
	if t.Kind != KindRecord && t.Kind != KindMap && t.Kind != KindUnion {
		return nil, fmt.Errorf("it is %s, not a record", t.What())
	}
	p := &Plan{Root: &Node{Type: t, Below: true}}
	p.below(p.Root, []*convert.Object{d.root.Obj})
	d.more.note(p.Root)
	for _, n := range p.names {
		d.names.Add([]byte(n))
	}
	return p, nil
}

// Node is what slots make of values of a type; nil without slots.
func (p *Plan) Node(t *Type, slots []*convert.Slot) *Node {
	if len(slots) == 0 {
		return nil
	}
	n := &Node{Type: t}
	var objects []*convert.Object
	for _, s := range slots {
		if s.Col != nil {
			for _, c := range append([]*convert.Column{s.Col}, s.More...) {
				n.Convs = append(n.Convs, p.conv(t, c))
			}
		}
		if s.Obj != nil {
			objects = append(objects, s.Obj)
		}
	}
	if n.Below = len(objects) > 0; n.Below {
		p.below(n, objects)
	}
	return n
}

// below follows the slots of objects into values of n's type.
func (p *Plan) below(n *Node, objects []*convert.Object) {
	switch n.Type.Kind {
	case KindRecord:
		wanted := make([][]*convert.Slot, len(n.Type.Fields))
		for _, o := range objects {
			for key, i := range o.ByName {
				if at := n.Type.field(key); at >= 0 {
					wanted[at] = append(wanted[at], o.Slots[i])
				}
			}
		}
		for i, f := range n.Type.Fields {
			if n.Fields = append(n.Fields, p.Node(f.Type, wanted[i])); len(wanted[i]) == 0 {
				p.names = append(p.names, f.Name)
			}
		}
	case KindMap:
		n.Keys = map[string]*Node{}
		for key, slots := range keyed(objects) {
			n.Keys[key] = p.Node(n.Type.Elem, slots)
		}
	case KindArray:
		n.Items = map[int]*Node{}
		for key, slots := range keyed(objects) {
			if at, err := strconv.Atoi(key); err == nil {
				n.Items[at] = p.Node(n.Type.Elem, slots)
			}
		}
	case KindUnion:
		for _, b := range n.Type.Branches {
			to := &Node{Type: b, Below: true}
			p.below(to, objects)
			n.Branches = append(n.Branches, to)
		}
	}
}

func keyed(objects []*convert.Object) map[string][]*convert.Slot {
	m := map[string][]*convert.Slot{}
	for _, o := range objects {
		for key, i := range o.ByName {
			m[key] = append(m[key], o.Slots[i])
		}
	}
	return m
}

// conv compiles the conversion of values of a type for a column. What doesn't fit is found when there is such a value: a union
// may never have one.
func (p *Plan) conv(t *Type, c *convert.Column) *Conv {
	v := &Conv{Type: t, Column: c}
	switch {
	case t.Kind == KindUnion:
		for _, b := range t.Branches {
			v.Branches = append(v.Branches, p.conv(b, c))
		}
	case (t.Kind == KindRecord || t.Kind == KindMap) && c.ID == duck.TypeStruct:
		v.Record = &Node{Type: t, Below: true}
		p.below(v.Record, []*convert.Object{c.Fields})
	case t.Kind == KindArray && c.ID == duck.TypeList:
		v.Elem = p.conv(t.Elem, c.Children[0])
	case t.Kind == KindMap && c.ID == duck.TypeMap:
		v.Elem = p.conv(t.Elem, c.Children[1])
	}
	return v
}

// note takes the fields of a message's schema that have no node.
func (a *Additions) note(root *Node) {
	if root.Type.Kind != KindRecord {
		return
	}
	left := maxColumns
	inside := map[*Type]bool{root.Type: true}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, f := range root.Type.Fields {
		if root.Fields[i] == nil && !names.Has(duck.ColumnNames(a.cols), f.Name) {
			a.cols = append(a.cols, duck.Column{Name: f.Name, Type: f.Type.Duckdb(inside, &left)})
		}
	}
}
