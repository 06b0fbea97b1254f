package duck

/*
#include <stdlib.h>
#include "scan.h"
*/
import "C"

import (
	"errors"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Relation is filled chunks under a name that SQL can scan, in place, as often as wanted and on every connection. It has rows
// between Show and the next Show only.
type Relation struct {
	id int64
	c  *C.dsql_relation
}

// Output is a column of a relation: a layout's column under a name.
type Output struct {
	Name string
	At   int
}

// NewRelation makes an empty relation over chunks of this layout. It must be closed before the layout is.
func (l *Layout) NewRelation(cols ...Output) *Relation {
	return newRelation(cols, func(i int) bindings.LogicalType { return l.types[cols[i].At] })
}

// newRelation makes an empty relation of columns whose types stay until it is closed.
func newRelation(cols []Output, typ func(i int) bindings.LogicalType) *Relation {
	var id C.int64_t
	r := &Relation{c: C.dsql_relation_new(C.idx_t(len(cols)), &id)}
	r.id = int64(id)
	for i, o := range cols {
		name := C.CString(o.Name)
		C.dsql_relation_col(r.c, C.idx_t(i), name, C.duckdb_logical_type(typ(i).Ptr), C.idx_t(o.At))
		C.free(unsafe.Pointer(name))
	}
	return r
}

// Show makes the relation's rows those of sealed chunks, which stay as they are until it is shown something else; no statement may
// be scanning it. Chunks of another layout are fine where the outputs' columns are the same.
func (r *Relation) Show(chunks []*Chunk) {
	ptrs := make([]C.duckdb_data_chunk, len(chunks)+1)
	rows := 0
	for i, c := range chunks {
		ptrs[i] = C.duckdb_data_chunk(c.dc.Ptr)
		rows += c.Rows
	}
	C.dsql_relation_show(r.c, &ptrs[0], C.idx_t(len(chunks)), C.idx_t(rows))
}

// Query is the relation as a FROM-item without alias.
func (r *Relation) Query() *Query { return SQL("dsql_batch({id})", Args{"id": r.id}) }

// Close forgets the relation; a statement that names it is an error from then on.
func (r *Relation) Close() { C.dsql_relation_free(r.c) }

// registerBatch makes dsql_batch known to the database.
func (c *Conn) registerBatch() error {
	if !C.dsql_batch_register(c.raw) {
		return errors.New("DuckDB did not take the table function dsql_batch")
	}
	return nil
}
