package duck

import (
	"context"
	"fmt"
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// shapes are relations without rows, by their columns, for as long as a rehearsal binds. To bind an expression against one takes a quarter
// of what it takes with a SELECT of NULLs in its place: DuckDB reads and resolves none of the types anew, that of _meta the longest.
type shapes struct {
	made  map[string]*Relation
	types map[Type]bindings.LogicalType
	probe *Conn // what binds apart from the transaction, without an optimizer either
}

// Empty is Empty's FROM-item, cheaper to bind while Unoptimized runs: for queries that are described then, and kept no longer.
func (c *Conn) Empty(cols []Column) *Query {
	s := c.shapes
	if s == nil || len(cols) == 0 {
		return Empty(cols)
	}
	var key strings.Builder
	seen := map[string]bool{}
	for _, col := range cols {
		lower := strings.ToLower(col.Name)
		// A type of the user's own may be another one by the same name a statement later.
		if _, known := s.types[col.Type]; !known && col.Type.Has(0) || seen[lower] {
			return Empty(cols)
		}
		seen[lower] = true
		fmt.Fprintf(&key, "%q %s,", col.Name, col.Type)
	}
	if r := s.made[key.String()]; r != nil {
		return r.Query()
	}
	for _, col := range cols {
		if _, ok := s.types[col.Type]; !ok {
			t, err := c.logicalType(col.Type)
			if err != nil { // is told by what binds the query
				return Empty(cols)
			}
			s.types[col.Type] = t
		}
	}
	out := make([]Output, len(cols))
	for i, col := range cols {
		out[i] = Output{col.Name, i}
	}
	r := newRelation(out, func(i int) bindings.LogicalType { return s.types[cols[i].Type] })
	s.made[key.String()] = r
	return r.Query()
}

// close forgets the relations and their types, and gives the probe back as it was.
func (s *shapes) close(ctx context.Context) (err error) {
	for _, r := range s.made {
		r.Close()
	}
	for _, t := range s.types {
		bindings.DestroyLogicalType(&t)
	}
	if s.probe != nil {
		_, err = s.probe.exec(ctx, optimizer)
		s.probe.DB.release(s.probe)
	}
	return err
}
