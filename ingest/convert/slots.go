package convert

import (
	"bytes"
	"strings"
)

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
