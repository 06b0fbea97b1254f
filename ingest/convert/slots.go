package convert

import (
	"bytes"
	"strings"
)

// Object is how the fields of a JSON object find their columns.
type Object struct {
	Slots  []*Slot
	ByName map[string]int
	folded map[string]int // by name in lower case, made when it is asked for
	Order  []Learned      // what came after what in the records before: most name their fields in one order
	Budget int            // how many keys may still be learned: records without an order must not cost more
}

type Learned struct {
	Key  string // with the closing quote, so that one comparison decides
	Slot int    // as key gives it
}

// Slot is what becomes of one field.
type Slot struct {
	Col  *Column
	More []*Column // columns that take the same value
	Obj  *Object   // paths that go on below: by key, or by index where the value is an array
	Mark uint64    // the object that named it last
}

func NewObject() *Object { return &Object{ByName: map[string]int{}, Budget: 1000} }

// at is the slot of a key, made when it is new.
func (o *Object) at(key string) *Slot {
	i, ok := o.ByName[key]
	if !ok {
		i = len(o.Slots)
		o.ByName[key] = i
		o.Slots = append(o.Slots, &Slot{})
	}
	return o.Slots[i]
}

// AnyCase has the slots by their names in lower case, without those that differ in nothing else.
func (o *Object) AnyCase() map[string]int {
	if o.folded != nil {
		return o.folded
	}
	o.folded = map[string]int{}
	several := map[string]bool{}
	for name, i := range o.ByName {
		name = strings.ToLower(name)
		if _, ok := o.folded[name]; ok {
			several[name] = true
		}
		o.folded[name] = i
	}
	for name := range several {
		delete(o.folded, name)
	}
	return o.folded
}

// AppendLower appends a name in lower case.
func AppendLower(to, name []byte) []byte {
	for _, c := range name {
		if c >= 0x80 {
			return append(to[:0], bytes.ToLower(name)...)
		}
		if c-'A' < 26 {
			c += 'a' - 'A'
		}
		to = append(to, c)
	}
	return to
}

func (s *Slot) Take(c *Column) {
	if s.Col == nil {
		s.Col = c
	} else {
		s.More = append(s.More, c)
	}
}

// Path makes the slot that a path leads to.
func (s *Slot) Path(steps []string) *Slot {
	for _, step := range steps {
		if s.Obj == nil {
			s.Obj = NewObject()
		}
		s = s.Obj.at(step)
	}
	return s
}

// NameSet is the first few distinct ones.
type NameSet struct {
	seen map[string]bool
	List []string
}

const MaxNames = 100

func (n *NameSet) Add(name []byte) {
	if len(n.List) == MaxNames || n.seen[string(name)] {
		return
	}
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	n.seen[string(name)] = true
	n.List = append(n.List, string(name))
}

// Columns are what a decoder of values writes to.
type Columns struct {
	W     *Writer
	Root  *Slot     // the columns by their paths
	All   []*Column // all that Root leads to
	Names *NameSet  // of fields that no column takes
}
