package ingest

// object is how the fields of a JSON object find their columns.
type object struct {
	slots  []*slot
	byName map[string]int
	order  []learned // what came after what in the records before: most name their fields in one order
	budget int       // how many keys may still be learned: records without an order must not cost more
}

type learned struct {
	key  string // with the closing quote, so that one comparison decides
	slot int    // -1 for a field that nobody declared
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
