package schema

import (
	"slices"
	"sync"

	"dsql/engine/duck"
	"dsql/ingest/names"
)

// Additions are the fields of records with schemas that no column reads. The decoder notes them while the batch before is written.
type Additions struct {
	mu   sync.Mutex
	cols []duck.Column
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

func (a *Additions) Columns() []duck.Column {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.cols)
}

// Add takes a field, unless one of that name is known.
func (a *Additions) Add(name string, typ duck.Type) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !names.Has(duck.ColumnNames(a.cols), name) {
		a.cols = append(a.cols, duck.Column{Name: name, Type: typ})
	}
}
