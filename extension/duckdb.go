package main

/*
#include "capi.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime/cgo"
	"strings"
	"unsafe"

	"dsql/models/stored"
)

// function is one of a name.
type function struct {
	params  []string // nil: it takes anything
	returns string
	call    func(stored.Call) error
	throws  bool // it fails for some values: DuckDB would call it for values of no row too
}

// connection is one that DuckDB gave.
type connection struct{ raw unsafe.Pointer }

// reopen is what a connection is made of after LOAD, by functions that a query of the database calls. DuckDB's handle ends with LOAD, and a
// connection that stayed would keep the file open when the last of the user's is closed. The handle is read as a shared pointer: the database, and
// the count of its owners. A copy that is not counted owns nothing, and who calls a function of the database owns it then.
type reopen [2]unsafe.Pointer

// reopenOf is nil where a handle isn't what reopen says: a database knows itself by the same two words.
func reopenOf(handle unsafe.Pointer) *reopen {
	again := *(*reopen)(handle)
	if again[0] == nil || *(*reopen)(again[0]) != again {
		return nil
	}
	return &again
}

func (r *reopen) connect() (c connection, err error) {
	if !C.api_connect(unsafe.Pointer(r), &c.raw) {
		return c, errors.New("DuckDB gave no connection")
	}
	return c, nil
}

func (c connection) close() { C.api_disconnect(&c.raw) }

// register makes functions of one name callable in the whole process's database, as long as that is open.
func (c connection) register(name string, fs ...function) error {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	set := C.api_set(n)
	defer C.api_destroy_set(set)
	for _, f := range fs {
		sf := C.api_function(n)
		defer C.api_destroy_function(sf)
		for _, p := range f.params {
			C.api_param(sf, typeOf(p))
		}
		if f.params == nil {
			C.api_varargs(sf, C.api_type(C.TYPE_ANY))
		}
		if f.throws {
			C.api_volatile(sf)
		}
		C.api_returns(sf, typeOf(f.returns))
		C.api_calls(sf, C.uintptr_t(cgo.NewHandle(f.call)))
		if !C.api_add(set, sf) {
			return fmt.Errorf("DuckDB did not take the function %s", name)
		}
	}
	if !C.api_register(c.raw, set) {
		return fmt.Errorf("DuckDB did not take the function %s", name)
	}
	return nil
}

// typeOf is DuckDB's own type of a name, as models have them. Others come of Python and are never filled.
func typeOf(name string) unsafe.Pointer {
	if of, list := strings.CutSuffix(name, "[]"); list {
		return C.api_list_of(typeOf(of))
	}
	switch name {
	case "reasons":
		return C.api_pairs()
	case "DOUBLE":
		return C.api_type(C.TYPE_DOUBLE)
	case "BIGINT":
		return C.api_type(C.TYPE_BIGINT)
	case "INTEGER":
		return C.api_type(C.TYPE_INTEGER)
	case "BOOLEAN":
		return C.api_type(C.TYPE_BOOLEAN)
	}
	return C.api_type(C.TYPE_VARCHAR)
}

// row is one of a query's result, whose columns are texts or bytes without NULLs.
type row struct {
	chunk unsafe.Pointer
	at    int
}

func (r row) text(column int) string {
	data := (*text)(C.api_data(C.api_vector(r.chunk, C.uint64_t(column))))
	return strings.Clone((*text)(unsafe.Add(unsafe.Pointer(data), r.at*int(unsafe.Sizeof(text{})))).String())
}

// query hands over each row.
func (c connection) query(sql string, each func(row) error) error {
	q := C.CString(sql)
	defer C.free(unsafe.Pointer(q))
	var res C.result
	defer C.api_destroy_result(&res)
	if !C.api_query(c.raw, q, &res) {
		return errors.New(C.GoString(C.api_error(&res)))
	}
	for chunk := C.api_fetch(&res); chunk != nil; chunk = C.api_fetch(&res) {
		err := func() error {
			defer C.api_destroy_chunk(chunk)
			for i := range int(C.api_size(chunk)) {
				if err := each(row{chunk, i}); err != nil {
					return err
				}
			}
			return nil
		}()
		if err != nil {
			return err
		}
	}
	return nil
}

// registerTable makes a function of a path callable as a table of one row with one number.
func (c connection) registerTable(name string, of func(path string) (int, error)) error {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	if !C.api_register_table(c.raw, n, C.uintptr_t(cgo.NewHandle(of))) {
		return fmt.Errorf("DuckDB did not take the function %s", name)
	}
	return nil
}
