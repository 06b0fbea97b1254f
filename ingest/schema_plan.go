package ingest

import (
	"fmt"
	"strconv"

	"dsql/engine/duck"
)

// schemaPlan is what becomes of the records of one schema.
type schemaPlan struct {
	root  *schemaNode
	names []string // of fields that no column takes
}

// schemaNode is what becomes of one value: columns that take it, and what of it goes on to others.
type schemaNode struct {
	t        *schemaType
	convs    []*schemaConv
	below    bool                   // paths go on below
	fields   []*schemaNode          // record: by field, nil where nobody wants it
	branches []*schemaNode          // union: nil where no path goes on
	items    map[int]*schemaNode    // array
	keys     map[string]*schemaNode // map
}

// schemaConv converts values of a type for a column, or a part of one.
type schemaConv struct {
	t        *schemaType
	col      *column
	record   *schemaNode   // a STRUCT's fields
	elem     *schemaConv   // of a LIST; the values of a MAP
	branches []*schemaConv // union
}

// plan compiles a schema against the declared columns, which the slots of JSON paths lead to.
func (d *schemaDecoder) plan(t *schemaType) (*schemaPlan, error) {
	if t.kind != kindRecord && t.kind != kindMap && t.kind != kindUnion {
		return nil, fmt.Errorf("it is %s, not a record", t.what())
	}
	p := &schemaPlan{root: &schemaNode{t: t, below: true}}
	p.below(p.root, []*object{d.root.obj})
	d.more.note(p.root)
	for _, n := range p.names {
		d.names.add([]byte(n))
	}
	return p, nil
}

// node is what slots make of values of a type; nil without slots.
func (p *schemaPlan) node(t *schemaType, slots []*slot) *schemaNode {
	if len(slots) == 0 {
		return nil
	}
	n := &schemaNode{t: t}
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
func (p *schemaPlan) below(n *schemaNode, objects []*object) {
	switch n.t.kind {
	case kindRecord:
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
	case kindMap:
		n.keys = map[string]*schemaNode{}
		for key, slots := range keyed(objects) {
			n.keys[key] = p.node(n.t.elem, slots)
		}
	case kindArray:
		n.items = map[int]*schemaNode{}
		for key, slots := range keyed(objects) {
			if at, err := strconv.Atoi(key); err == nil {
				n.items[at] = p.node(n.t.elem, slots)
			}
		}
	case kindUnion:
		for _, b := range n.t.branches {
			to := &schemaNode{t: b, below: true}
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

// conv compiles the conversion of values of a type for a column. What doesn't fit is found when there is such a value: a union
// may never have one.
func (p *schemaPlan) conv(t *schemaType, c *column) *schemaConv {
	v := &schemaConv{t: t, col: c}
	switch {
	case t.kind == kindUnion:
		for _, b := range t.branches {
			v.branches = append(v.branches, p.conv(b, c))
		}
	case (t.kind == kindRecord || t.kind == kindMap) && c.id == duck.TypeStruct:
		v.record = &schemaNode{t: t, below: true}
		p.below(v.record, []*object{c.fields})
	case t.kind == kindArray && c.id == duck.TypeList:
		v.elem = p.conv(t.elem, c.children[0])
	case t.kind == kindMap && c.id == duck.TypeMap:
		v.elem = p.conv(t.elem, c.children[1])
	}
	return v
}
