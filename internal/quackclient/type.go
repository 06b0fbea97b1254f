package quackclient

import "fmt"

// maxDepth of types in types.
const maxDepth = 100

// Type is a type as it is told.
type Type struct {
	ID           uint64
	Alias        string
	Width, Scale int
	Length       int
	Labels       []string
	Names        []string // of the parts
	Children     []*Type
}

// String tells types apart.
func (t *Type) String() string {
	return fmt.Sprintf("%d%q%d,%d,%d%q%q%v", t.ID, t.Alias, t.Width, t.Scale, t.Length, t.Labels, t.Names, t.Children)
}

// size is that of a value, 0 where it has none of its own.
func (t *Type) size() int {
	switch {
	case t.ID == 104 && len(t.Labels) <= 0xFF:
		return 1
	case t.ID == 104 && len(t.Labels) <= 0xFFFF:
		return 2
	case t.ID == 104:
		return 4
	case t.ID == 21:
		for width, size := range map[int]int{4: 2, 9: 4, 18: 8, 38: 16} {
			if t.Width <= width && t.Width > map[int]int{4: 0, 9: 4, 18: 9, 38: 18}[width] {
				return size
			}
		}
	}
	return sizes[t.ID]
}

func (d *decoder) typ() *Type {
	t := &Type{}
	if d.depth++; d.depth > maxDepth {
		d.fail("%w", errDepth)
		return t
	}
	defer func() { d.depth-- }()
	d.object(map[uint16]func(){100: func() { t.ID = d.Uint() }, 101: func() {
		if !d.Bool() {
			return
		}
		var kind uint64
		number := func(n *int) {
			v := d.Uint()
			if v > 1<<30 {
				d.fail("%d is too much", v)
			}
			*n = int(v)
		}
		labels := 0
		d.object(map[uint16]func(){100: func() { kind = d.Uint() }, 101: func() { t.Alias = d.Text() }, 200: func() {
			switch kind {
			case 2:
				number(&t.Width)
			case 3:
				d.Text()
			case 4, 9:
				t.Children = []*Type{d.typ()}
			case 5:
				d.list(func() {
					var name string
					var of *Type
					d.object(map[uint16]func(){0: func() { name = d.Text() }, 1: func() { of = d.typ() }})
					if of == nil {
						d.fail("a part has no type")
						return
					}
					t.Names, t.Children = append(t.Names, name), append(t.Children, of)
				})
			case 6:
				number(&labels)
			default:
				d.fail("types have no kind %d", kind)
			}
		}, 201: func() {
			switch kind {
			case 2:
				number(&t.Scale)
			case 6:
				if n := d.list(func() { t.Labels = append(t.Labels, d.Text()) }); n != labels {
					d.fail("%d labels are %d", labels, n)
				}
			case 9:
				number(&t.Length)
			default:
				d.fail("types have no kind %d", kind)
			}
		}})
	}})
	if nested := map[uint64]bool{100: true, 101: true, 102: true, 107: true, 108: true, 109: true}[t.ID]; nested != (len(t.Children) > 0) {
		d.fail("type %d has %d parts", t.ID, len(t.Children))
	}
	return t
}
