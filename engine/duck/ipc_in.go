package duck

/*
#include <stdlib.h>
#include "arrow.h"
*/
import "C"

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// ArrowReader reads what an ArrowWriter wrote. DuckDB reads the buffers in place, so nothing of them is believed: see sound.
type ArrowReader struct {
	in   *ipc.Reader
	from *ended
}

// NewArrowReader reads the beginning of a stream of Arrow's; io.EOF: there is none any more.
func NewArrowReader(r io.Reader) (*ArrowReader, error) {
	from := &ended{r: r}
	in, err := ipc.NewReader(from, ipc.WithAllocator(bounded{mallocator.NewMallocator()}))
	if err != nil {
		return nil, err
	}
	return &ArrowReader{in, from}, nil
}

// ended notes how what was read ends: a stream that was cut between two batches looks whole otherwise.
type ended struct {
	r    io.Reader
	last [8]byte
}

var endOfStream = [8]byte{0xff, 0xff, 0xff, 0xff}

func (e *ended) Read(to []byte) (int, error) {
	n, err := e.r.Read(to)
	if n >= len(e.last) {
		copy(e.last[:], to[n-len(e.last):n])
	} else {
		copy(e.last[:], e.last[n:])
		copy(e.last[len(e.last)-n:], to[:n])
	}
	return n, err
}

// bounded gives memory that isn't Go's, for DuckDB to read, and no more of it for a batch than one can have: what says that it is longer
// is none. The panic is the reader's error.
type bounded struct{ memory.Allocator }

const mostOfBatch = 1 << 30

func (b bounded) Allocate(size int) []byte {
	if size < 0 || size > mostOfBatch {
		panic(fmt.Errorf("a batch says that it has %d bytes", size))
	}
	return b.Allocator.Allocate(size)
}

func (b bounded) Reallocate(size int, have []byte) []byte {
	if size < 0 || size > mostOfBatch {
		panic(fmt.Errorf("a batch says that it has %d bytes", size))
	}
	return b.Allocator.Reallocate(size, have)
}

// Columns are the names of its columns.
func (r *ArrowReader) Columns() (out []string) {
	for _, f := range r.in.Schema().Fields() {
		out = append(out, f.Name)
	}
	return out
}

// Close gives its memory back.
func (r *ArrowReader) Close() { r.in.Release() }

// Append puts all rows behind those of a temporary table, whose other columns are NULL then. Values are cast to the table's types.
func (r *ArrowReader) Append(ctx context.Context, c *Conn, table string) (rows int64, err error) {
	a := &inArrow{c: (*C.struct_dsql_arrow)(C.calloc(1, C.sizeof_struct_dsql_arrow))}
	defer a.close()
	cdata.ExportArrowSchema(r.in.Schema(), (*cdata.CArrowSchema)(unsafe.Pointer(&a.c.schema)))
	if e := C.dsql_arrow_take(a.c, c.raw); e != nil {
		return 0, arrowError(e)
	}
	var to bindings.Appender
	defer func() {
		bindings.AppenderDestroy(&to)
	}()
	if bindings.AppenderCreateExt(c.bound(), "temp", "main", table, &to) == bindings.StateError {
		return 0, errors.New(plainMessage(errors.New(bindings.AppenderError(to))))
	}
	for _, name := range r.Columns() {
		if bindings.AppenderAddColumn(to, name) == bindings.StateError {
			return 0, errors.New(plainMessage(errors.New(bindings.AppenderError(to))))
		}
	}
	for r.in.Next() {
		batch := r.in.RecordBatch()
		for _, col := range batch.Columns() {
			if err := sound(col.Data(), batch.NumRows()); err != nil {
				return rows, err
			}
		}
		for from := int64(0); from < batch.NumRows(); from += ChunkRows {
			if err := ctx.Err(); err != nil {
				return rows, err
			}
			part := batch.NewSlice(from, min(from+ChunkRows, batch.NumRows()))
			err := a.append(to, part)
			part.Release()
			if err != nil {
				return rows, err
			}
		}
		rows += batch.NumRows()
	}
	if err := r.in.Err(); err != nil && !errors.Is(err, io.EOF) {
		return rows, err
	}
	if r.from.last != endOfStream {
		return rows, io.ErrUnexpectedEOF
	}
	if bindings.AppenderClose(to) == bindings.StateError {
		return rows, errors.New(plainMessage(errors.New(bindings.AppenderError(to))))
	}
	return rows, nil
}

// append adds up to a vector of rows.
func (a *inArrow) append(to bindings.Appender, rows arrow.RecordBatch) error {
	var top C.struct_ArrowArray
	cdata.ExportArrowRecordBatch(rows, (*cdata.CArrowArray)(unsafe.Pointer(&top)), nil)
	var chunk C.duckdb_data_chunk
	e := C.dsql_arrow_to_chunk(a.c, &top, &chunk)
	out := bindings.DataChunk{Ptr: unsafe.Pointer(chunk)}
	defer bindings.DestroyDataChunk(&out)
	if e != nil {
		return arrowError(e)
	}
	if bindings.AppendDataChunk(to, out) == bindings.StateError {
		return errors.New(plainMessage(errors.New(bindings.AppenderError(to))))
	}
	return nil
}

// sound sees that the buffers of some columns hold as many values as they say: nothing that comes over a pipe may make DuckDB read beyond
// them.
func sound(d arrow.ArrayData, rows int64) error {
	wrong := fmt.Errorf("a column of type %s has other values than it says", d.DataType())
	n := int64(d.Offset()) + int64(d.Len())
	if int64(d.Len()) < rows || d.Offset() < 0 {
		return wrong
	}
	size := func(i int) int64 {
		if i >= len(d.Buffers()) || d.Buffers()[i] == nil {
			return 0
		}
		return int64(d.Buffers()[i].Len())
	}
	if d.NullN() != 0 && len(d.Buffers()) > 0 && d.Buffers()[0] != nil && size(0) < (n+7)/8 {
		return wrong
	}
	below := func(need int64) error {
		for _, c := range d.Children() {
			if err := sound(c, need); err != nil {
				return err
			}
		}
		return nil
	}
	ends := func(width int64) (int64, bool) { // the last of the offsets, where they go up
		if n == 0 {
			return 0, true
		}
		if size(1) < (n+1)*width {
			return 0, false
		}
		b, last := d.Buffers()[1].Bytes(), int64(0)
		for i := range n + 1 {
			at := int64(binary.LittleEndian.Uint64(append(b[i*width:(i+1)*width:(i+1)*width], make([]byte, 8-width)...)))
			if at < last {
				return 0, false
			}
			last = at
		}
		return last, true
	}
	switch t := d.DataType().(type) {
	case *arrow.StringType, *arrow.BinaryType:
		if last, ok := ends(4); !ok || last > size(2) {
			return wrong
		}
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		if last, ok := ends(8); !ok || last > size(2) {
			return wrong
		}
	case *arrow.ListType, *arrow.MapType:
		last, ok := ends(4)
		if !ok {
			return wrong
		}
		return below(last)
	case *arrow.FixedSizeListType:
		return below(n * int64(t.Len()))
	case *arrow.StructType:
		return below(n)
	case *arrow.DictionaryType:
		return soundIndices(d, t, wrong)
	case *arrow.BooleanType:
		if size(1) < (n+7)/8 {
			return wrong
		}
	case *arrow.NullType:
	case arrow.FixedWidthDataType:
		if size(1) < n*int64(t.BitWidth()/8) {
			return wrong
		}
	default:
		return fmt.Errorf("a column of type %s can't be taken", d.DataType())
	}
	return nil
}

// soundIndices are those of an ENUM.
func soundIndices(d arrow.ArrayData, t *arrow.DictionaryType, wrong error) error {
	labels := d.Dictionary()
	if err := sound(labels, 0); err != nil {
		return err
	}
	indices := array.NewData(t.IndexType, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())
	defer indices.Release()
	if err := sound(indices, int64(d.Len())); err != nil {
		return err
	}
	of := array.NewDictionaryArray(t, array.MakeFromData(indices), array.MakeFromData(labels))
	defer of.Release()
	for i := range d.Len() {
		if !of.IsNull(i) && (of.GetValueIndex(i) < 0 || of.GetValueIndex(i) >= labels.Len()) {
			return wrong
		}
	}
	return nil
}
