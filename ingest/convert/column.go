package convert

import (
	"fmt"

	"dsql/engine/duck"
	"dsql/ingest/jsontext"
)

// Column is a declared column, or a part of a nested one, with all that its conversion needs.
type Column struct {
	Node         *duck.Node
	ID           duck.TypeID
	Name         string // in reasons: address.city
	Vec          int
	Epoch        epoch        // with FORMAT epoch_…
	Pattern      *timePattern // with a strptime pattern
	width, Scale int          // DECIMAL
	Point        byte         // decimal separator of CSV, 0 for a dot
	Thousands    byte         // between the thousands of CSV, 0 for nothing
	Format       Meaning      // with FORMAT base64…
	Wire         Meaning      // by the schema of the message in hand, else format; nil: values mean what they say
	Children     []*Column    // STRUCT: its fields; LIST: the element; MAP: key and value
	Fields       *Object      // STRUCT: the children by name
	labels       map[string]uint32
	Mark         uint64 // the object that gave it a value last
}

// NewColumn compiles a node with all below it.
func NewColumn(n *duck.Node, name string) *Column {
	c := &Column{Node: n, ID: n.ID, Name: name, Vec: n.Vec, width: int(n.Width), Scale: int(n.Scale)}
	switch n.ID {
	case duck.TypeEnum:
		c.labels = make(map[string]uint32, len(n.Labels))
		for i, s := range n.Labels {
			c.labels[s] = uint32(i)
		}
	case duck.TypeStruct:
		c.Fields = NewObject()
		for _, ch := range n.Children {
			f := NewColumn(ch, name+"."+ch.Name)
			c.Fields.at(ch.Name).Take(f)
			c.Children = append(c.Children, f)
		}
	case duck.TypeList:
		c.Children = []*Column{NewColumn(n.Children[0], name+"[]")}
	case duck.TypeMap:
		for _, ch := range n.Children[0].Children {
			c.Children = append(c.Children, NewColumn(ch, name+"."+ch.Name))
		}
	}
	return c
}

// Meaning is what values mean that don't say it themselves: a number that counts days, bytes as base64.
type Meaning interface {
	// Takes says whether that matters to a column.
	Matters(c *Column, from Origin) bool
	// Put converts a token of a column that it matters to.
	Put(w *Writer, c *Column, row int, tok []byte, stable bool) Fault
}

// Writer converts values into the vectors of one chunk.
type Writer struct {
	Chunk *duck.Chunk
	Vecs  []duck.Vector
	Slab  *duck.Slab
	Buf   []byte // scratch
}

// Use has the writer write into a chunk, and keep strings in a slab.
func (w *Writer) Use(c *duck.Chunk, s *duck.Slab) { w.Chunk, w.Vecs, w.Slab = c, c.Vecs, s }

// Keep copies a string that isn't in the slab to where DuckDB can point at it.
func (w *Writer) Keep(s []byte) ([]byte, bool) {
	if len(s) <= 12 {
		return s, true
	}
	k := w.Slab.Alloc(len(s))
	copy(k, s)
	return k, k != nil
}

// Reason says in a reject why a value is none of its column.
func (f Fault) Reason(c *Column, tok []byte, quote bool) string {
	x := jsontext.Excerpt(tok, quote)
	t := c.Node.Word()
	switch f {
	case OutOfRange:
		return fmt.Sprintf("%s: %s is out of range for %s", c.Name, x, t)
	case Losing:
		return fmt.Sprintf("%s: %s has digits that %s would lose", c.Name, x, t)
	case aNumber:
		return fmt.Sprintf("%s: the number %s is no %s without FORMAT %s", c.Name, x, t, EpochWords)
	case notMidnight:
		return fmt.Sprintf("%s: %s has a time of day, which %s would lose", c.Name, x, t)
	case Twice:
		return fmt.Sprintf("%s is named twice", c.Name)
	}
	if c.Pattern != nil {
		return fmt.Sprintf("%s: %s is not of FORMAT '%s'", c.Name, x, c.Pattern.text)
	}
	return fmt.Sprintf("%s: %s is no %s", c.Name, x, t)
}

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
