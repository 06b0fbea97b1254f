package ingest

import (
	"bytes"
	"strings"
)

// object is how the fields of a JSON object find their columns.
type object struct {
	slots  []*slot
	byName map[string]int
	folded map[string]int // by name in lower case, made when it is asked for
	order  []learned      // what came after what in the records before: most name their fields in one order
	budget int            // how many keys may still be learned: records without an order must not cost more
}

type learned struct {
	key  string // with the closing quote, so that one comparison decides
	slot int    // as key gives it
}

// slot is what becomes of one field.
type slot struct {
	col  *column
	more []*column // columns that take the same value
	obj  *object   // paths that go on below: by key, or by index where the value is an array
	mark uint64    // the object that named it last
}

func newObject() *object { return &object{byName: map[string]int{}, budget: 1000} }

// at is the slot of a key, made when it is new.
func (o *object) at(key string) *slot {
	i, ok := o.byName[key]
	if !ok {
		i = len(o.slots)
		o.byName[key] = i
		o.slots = append(o.slots, &slot{})
	}
	return o.slots[i]
}

// anyCase has the slots by their names in lower case, without those that differ in nothing else.
func (o *object) anyCase() map[string]int {
	if o.folded != nil {
		return o.folded
	}
	o.folded = map[string]int{}
	several := map[string]bool{}
	for name, i := range o.byName {
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

// appendLower appends a name in lower case.
func appendLower(to, name []byte) []byte {
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

func (s *slot) take(c *column) {
	if s.col == nil {
		s.col = c
	} else {
		s.more = append(s.more, c)
	}
}

// path makes the slot that a path leads to.
func (s *slot) path(steps []string) *slot {
	for _, step := range steps {
		if s.obj == nil {
			s.obj = newObject()
		}
		s = s.obj.at(step)
	}
	return s
}

// nameSet is the first few distinct ones.
type nameSet struct {
	seen map[string]bool
	list []string
}

const maxNames = 100

func (n *nameSet) add(name []byte) {
	if len(n.list) == maxNames || n.seen[string(name)] {
		return
	}
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	n.seen[string(name)] = true
	n.list = append(n.list, string(name))
}

// Columns are what a decoder of values writes to.
type Columns struct {
	W     *writer
	Root  *slot     // the columns by their paths
	All   []*column // all that Root leads to
	Names *nameSet  // of fields that no column takes
}
