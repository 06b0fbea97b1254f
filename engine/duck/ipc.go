package duck

/*
#include <stdlib.h>
#include "arrow.h"
*/
import "C"

import (
	"context"
	"errors"
	"io"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// inArrow is what the rows of a statement look like in Arrow.
type inArrow struct {
	c      *C.struct_dsql_arrow
	schema *arrow.Schema
}

func (a *inArrow) close() {
	C.dsql_arrow_close(a.c)
	C.free(unsafe.Pointer(a.c))
}

// RunArrow is Run for an ArrowWriter.
func (s *Statement) RunArrow(ctx context.Context) (*Rows, error) {
	return s.run(ctx, func(r *Rows) error {
		r.arrow = &inArrow{c: (*C.struct_dsql_arrow)(C.calloc(1, C.sizeof_struct_dsql_arrow))}
		return r.arrow.open(s.conn, &r.res)
	})
}

// ArrowWriter writes rows as a stream of Arrow's. Values are as DuckDB hands them to Arrow: a HUGEINT is a decimal, a UUID a text.
type ArrowWriter struct {
	w   io.Writer
	out *ipc.Writer // nil: no rows have come yet
}

// NewArrowWriter writes to w.
func NewArrowWriter(w io.Writer) *ArrowWriter { return &ArrowWriter{w: w} }

// Write adds all rows of a RunArrow that were not written yet, or up to limit of them (-1: all); more says that there are others. All are of
// the same columns.
func (w *ArrowWriter) Write(r *Rows, limit int) (more bool, err error) {
	if w.out == nil {
		w.out = ipc.NewWriter(w.w, ipc.WithSchema(r.arrow.schema))
	}
	for left := limit; err == nil && !r.closed; {
		n := r.n - r.taken
		if limit >= 0 && n > left {
			n, more = left, true
		}
		if left -= n; n > 0 {
			err = r.arrow.batch(r.chunk, w.out, int64(r.taken), int64(r.taken+n))
		}
		if r.taken += n; more {
			break
		}
		r.read()
	}
	return more, errors.Join(err, r.err)
}

// Close ends the stream.
func (w *ArrowWriter) Close() error {
	if w.out == nil {
		return nil
	}
	return w.out.Close()
}

// open finds out what the rows look like in Arrow.
func (a *inArrow) open(conn *Conn, res *bindings.Result) (err error) {
	n := int(bindings.ColumnCount(res))
	types := (*C.duckdb_logical_type)(C.malloc(C.size_t(8 * (n + 1))))
	names := (**C.char)(C.malloc(C.size_t(8 * (n + 1))))
	defer C.free(unsafe.Pointer(types))
	defer C.free(unsafe.Pointer(names))
	for i := range n {
		t := bindings.ColumnLogicalType(res, bindings.IdxT(i))
		defer bindings.DestroyLogicalType(&t)
		unsafe.Slice(types, n)[i] = C.duckdb_logical_type(t.Ptr)
		name := C.CString(bindings.ColumnName(res, bindings.IdxT(i)))
		defer C.free(unsafe.Pointer(name))
		unsafe.Slice(names, n)[i] = name
	}
	conn.DB.arrow.Lock() // a setting of the database's is read
	e := C.dsql_arrow_open(a.c, conn.raw, types, names, C.idx_t(n))
	conn.DB.arrow.Unlock()
	if e != nil {
		return arrowError(e)
	}
	a.schema, err = cdata.ImportCArrowSchema((*cdata.CArrowSchema)(unsafe.Pointer(&a.c.schema)))
	return err
}

// batch writes rows of a chunk: from one on, up to another.
func (a *inArrow) batch(chunk bindings.DataChunk, out *ipc.Writer, from, to int64) error {
	var top C.struct_ArrowArray
	if e := C.dsql_arrow_from_chunk(a.c, C.duckdb_data_chunk(chunk.Ptr), &top); e != nil {
		return arrowError(e)
	}
	batch, err := cdata.ImportCRecordBatchWithSchema((*cdata.CArrowArray)(unsafe.Pointer(&top)), a.schema)
	if err != nil {
		return err
	}
	defer batch.Release()
	part := batch.NewSlice(from, to)
	defer part.Release()
	return out.Write(part)
}
