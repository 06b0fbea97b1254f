// Package main is an extension of DuckDB's, built as a shared library: LOAD makes callable, in any DuckDB client, the models of the dsql
// files that are open. It owns how DuckDB is spoken to from inside; what a model's function does is models/stored's.
package main

/*
#include "capi.h"
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"unsafe"

	"dsql/models/stored"
)

func main() {} // never called: DuckDB begins at dsql_init_c_api, in entry.c

// dsqlLoad registers the models of all databases that are attached, and dsql_load. It gives what went wrong, nil for nothing.
//
//export dsqlLoad
func dsqlLoad(db, con unsafe.Pointer) (failed *C.char) {
	defer func() { // a panic must not unwind through C
		if r := recover(); r != nil {
			failed = C.CString(fmt.Sprint("dsql: ", r))
		}
	}()
	if err := load(connection{con}, reopenOf(db)); err != nil {
		return C.CString("dsql: " + err.Error())
	}
	return nil
}

// dsqlCall calls a function on a vector of rows.
//
//export dsqlCall
func dsqlCall(info unsafe.Pointer, handle C.uintptr_t, chunk, out unsafe.Pointer) {
	fail := func(v any) {
		s := C.CString(fmt.Sprint(v))
		C.api_fail(info, s)
		C.free(unsafe.Pointer(s))
	}
	defer func() {
		if r := recover(); r != nil {
			fail(r)
		}
	}()
	f, ok := cgo.Handle(handle).Value().(func(stored.Call) error)
	if !ok {
		fail("the function is gone")
		return
	}
	if err := f(&call{rows: int(C.api_size(chunk)), chunk: chunk, out: out}); err != nil {
		fail(err)
	}
}

// dsqlTable calls a function of a path, which gives a number or what went wrong.
//
//export dsqlTable
func dsqlTable(handle C.uintptr_t, path *C.char, number *C.int64_t) (failed *C.char) {
	defer func() {
		if r := recover(); r != nil {
			failed = C.CString(fmt.Sprint("dsql: ", r))
		}
	}()
	f, ok := cgo.Handle(handle).Value().(func(string) (int, error))
	if !ok {
		return C.CString("the function is gone")
	}
	n, err := f(C.GoString(path))
	if err != nil {
		return C.CString(err.Error())
	}
	*number = C.int64_t(n)
	return nil
}

// dsqlForget gives up a function of a database that was closed.
//
//export dsqlForget
func dsqlForget(handle C.uintptr_t) { cgo.Handle(handle).Delete() }
