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
