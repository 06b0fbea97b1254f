package duck

// The way to DuckDB's raw handles, which duckdb-go keeps private. Everything that depends on the driver's inside stands here;
// TestRaw fails loudly when the driver changes.

/*
#include <stdlib.h>
#include <sched.h>
#include "exec.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// rawConnection is the duckdb_connection of a driver's connection.
func rawConnection(driverConn any) (C.duckdb_connection, error) {
	c, ok := driverConn.(*duckdb.Conn)
	if !ok {
		return nil, fmt.Errorf("the driver's connection is a %T", driverConn)
	}
	f := reflect.ValueOf(c).Elem().FieldByName("conn")
	if !f.IsValid() || f.Kind() != reflect.Struct || !f.FieldByName("Ptr").IsValid() {
		return nil, errors.New("duckdb.Conn has no field conn.Ptr: the driver has changed")
	}
	return C.duckdb_connection(f.FieldByName("Ptr").UnsafePointer()), nil
}

// exec runs one statement on the raw connection; a cancelled context interrupts it.
func (c *Conn) exec(ctx context.Context, text string) (changed int64, err error) {
	defer c.traced(text)(&err)
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	t := C.CString(text)
	defer C.free(unsafe.Pointer(t))
	defer c.watch(ctx)()
	var n C.idx_t
	if e := C.dsql_exec(c.raw, t, &n); e != nil {
		defer C.free(unsafe.Pointer(e))
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, errors.New(C.GoString(e))
	}
	return int64(n), nil
}

// parse returns DuckDB's parser error for a text, nil when it reads it, and the number of its statements.
func (c *Conn) parse(text string) (int, error) {
	t := C.CString(text)
	defer C.free(unsafe.Pointer(t))
	var n C.idx_t
	if e := C.dsql_parse(c.raw, t, &n); e != nil {
		defer C.free(unsafe.Pointer(e))
		return 0, errors.New(C.GoString(e))
	}
	return int(n), nil
}

// yield leaves the processor to another thread that wants it.
func yield() { C.sched_yield() }
