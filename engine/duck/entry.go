package duck

/*
#include <stdlib.h>
#include "exec.h"
*/
import "C"

import (
	"context"
	"unsafe"
)

// Entry is what DuckDB's catalog has by a name that tables and views share.
type Entry int

const (
	Nothing Entry = 0
	ATable  Entry = C.DUCKDB_CATALOG_ENTRY_TYPE_TABLE
	AView   Entry = C.DUCKDB_CATALOG_ENTRY_TYPE_VIEW
)

// Entry looks a name up as this transaction sees it, in the file, in temporary tables and in what DuckDB brings. It takes a microsecond,
// where a query of a name that isn't there is compared with all that are; outside of a transaction two statements. Before the name may
// stand that of its schema or database, and before that the database's.
func (c *Conn) Entry(ctx context.Context, name string, before ...string) (e Entry, err error) {
	look := func() error { e = c.lookUp(name, before); return nil }
	if c.InTransaction() {
		err = look()
	} else {
		err = c.ReadOnly(ctx, look)
	}
	return e, err
}

// InTransaction: one is open, and no error has ended it.
func (c *Conn) InTransaction() bool { return c.first("", "system", "main") >= 0 }

func (c *Conn) lookUp(name string, before []string) Entry {
	switch len(before) {
	case 0:
		return c.first(name, "temp", "main", c.DB.name, "main", "system", "main", "system", "pg_catalog")
	case 1:
		return c.first(name, c.DB.name, before[0], before[0], "main")
	}
	return c.first(name, before[len(before)-2], before[len(before)-1])
}

// first is what the first has of some databases and schemas, given in turn.
func (c *Conn) first(name string, places ...string) Entry {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	for i := 0; i < len(places); i += 2 {
		db, schema := C.CString(places[i]), C.CString(places[i+1])
		e := Entry(C.dsql_entry(c.raw, db, schema, n))
		C.free(unsafe.Pointer(db))
		C.free(unsafe.Pointer(schema))
		if e != Nothing {
			return e
		}
	}
	return Nothing
}
