package ingest

import (
	"slices"
	"sync"

	"dsql/engine/duck"
)

// additions are the fields of records with schemas that no column reads. The decoder notes them while the batch before is written.
type additions struct {
	mu   sync.Mutex
	cols []duck.Column
}

// note takes the fields of a message's schema that have no node.
func (a *additions) note(root *schemaNode) {
	if root.t.kind != kindRecord {
		return
	}
	left := maxColumns
	inside := map[*schemaType]bool{root.t: true}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, f := range root.t.fields {
		if root.fields[i] == nil && !containsFold(duck.ColumnNames(a.cols), f.name) {
			a.cols = append(a.cols, duck.Column{Name: f.name, Type: f.t.duckdb(inside, &left)})
		}
	}
}

func (a *additions) columns() []duck.Column {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.cols)
}

// add takes a field, unless one of that name is known.
func (a *additions) add(name, typ string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !containsFold(duck.ColumnNames(a.cols), name) {
		a.cols = append(a.cols, duck.Column{Name: name, Type: typ})
	}
}
