package duck

// Rows as Arrow's buffers, in a form that goes through a pipe. The conversions are DuckDB's own; what it makes, and what it is given, is
// laid out here: for each array, depth first, the words length, NULLs, offset, number of buffers, and for each buffer where it starts in
// the body and its bytes (-1: there is none).

/*
#include <stdlib.h>
#include "arrow.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Arrow is how columns of some types look in Arrow. It is safe for use by several goroutines at once.
type Arrow struct {
	c     *C.struct_dsql_arrow
	types []bindings.LogicalType
}

// Frame is one batch of columns.
type Frame struct {
	Words []int64
	Body  []byte
}

// Arrow needs the connection for as long as it is used.
func (c *Conn) Arrow(ctx context.Context, types []Type) (a *Arrow, err error) {
	// Only then are HUGEINT, UUID, BIT and TIMETZ themselves. The setting is the database's, and is read when the options are made.
	c.DB.arrow.Lock()
	defer c.DB.arrow.Unlock()
	if err := c.Run(ctx, SQL("SET arrow_lossless_conversion = true")); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Run(ctx, SQL("RESET arrow_lossless_conversion"))) }()
	a = &Arrow{c: (*C.struct_dsql_arrow)(C.calloc(1, C.sizeof_struct_dsql_arrow))}
	n := len(types)
	raw := (*C.duckdb_logical_type)(C.malloc(C.size_t(8 * (n + 1))))
	names := (**C.char)(C.malloc(C.size_t(8 * (n + 1))))
	defer C.free(unsafe.Pointer(raw))
	defer C.free(unsafe.Pointer(names))
	for i, t := range types {
		lt, err := c.logicalType(t)
		if err != nil {
			a.Close()
			return nil, err
		}
		a.types = append(a.types, lt)
		unsafe.Slice(raw, n)[i] = C.duckdb_logical_type(lt.Ptr)
		name := C.CString("c" + strconv.Itoa(i))
		defer C.free(unsafe.Pointer(name))
		unsafe.Slice(names, n)[i] = name
	}
	if e := C.dsql_arrow_open(a.c, c.raw, raw, names, C.idx_t(n)); e != nil {
		a.Close()
		return nil, arrowError(e)
	}
	return a, nil
}

// Close lets go of it; nothing may use it any more.
func (a *Arrow) Close() {
	for i := range a.types {
		bindings.DestroyLogicalType(&a.types[i])
	}
	C.dsql_arrow_close(a.c)
	C.free(unsafe.Pointer(a.c))
}

func arrowError(e *C.char) error {
	defer C.free(unsafe.Pointer(e))
	return errors.New(plainMessage(errors.New(C.GoString(e))))
}

// Arguments are the call's from the first-th on, behind what f has.
func (call *Call) Arguments(a *Arrow, f *Frame, first int) error {
	var top C.struct_ArrowArray
	if e := C.dsql_arrow_from_chunk(a.c, C.duckdb_data_chunk(call.chunk.Ptr), &top); e != nil {
		return arrowError(e)
	}
	defer C.dsql_arrow_release(&top)
	for i, child := range unsafe.Slice(top.children, int(top.n_children)) {
		if i < first {
			continue
		}
		if err := f.add(unsafe.Slice(a.c.schema.children, int(a.c.schema.n_children))[i], child); err != nil {
			return err
		}
	}
	return nil
}

// add writes an array of DuckDB's, which starts at its first value.
func (f *Frame) add(s *C.struct_ArrowSchema, a *C.struct_ArrowArray) error {
	l, err := layoutOf(s)
	if err != nil {
		return err
	}
	n := int(a.length)
	f.Words = append(f.Words, int64(n), int64(a.null_count), 0, int64(a.n_buffers))
	buffers := unsafe.Slice(a.buffers, int(a.n_buffers))
	for i, p := range buffers {
		if p == nil {
			f.Words = append(f.Words, 0, -1)
			continue
		}
		size := l.size(i, n, buffers)
		f.Words = append(f.Words, int64(len(f.Body)), int64(size))
		f.Body = append(f.Body, unsafe.Slice((*byte)(p), size)...)
		if i == 1 && l.bits >= 8 && a.null_count > 0 && buffers[0] != nil {
			blank(f.Body[len(f.Body)-size:], l.bits/8, unsafe.Slice((*byte)(buffers[0]), (n+7)/8), n)
		}
		f.Body = append(f.Body, padding[:-size&63]...)
	}
	for i, child := range unsafe.Slice(a.children, int(a.n_children)) {
		if err := f.add(unsafe.Slice(s.children, int(s.n_children))[i], child); err != nil {
			return err
		}
	}
	return nil
}

var padding [64]byte

// blank makes zeros of what stands where a value is NULL: equal arguments are equal bytes.
func blank(values []byte, width int, valid []byte, n int) {
	for row := range n {
		if valid[row>>3]>>(row&7)&1 == 0 {
			clear(values[row*width : (row+1)*width])
		}
	}
}

// layout is what the buffers of an array hold behind its validity: values of so many bits, or offsets into what follows.
type layout struct {
	buffers int
	bits    int  // of a value, where it has a size
	offset  int  // bytes of an offset, where there are some
	text    bool // bytes follow the offsets
}

func layoutOf(s *C.struct_ArrowSchema) (layout, error) {
	f := C.GoString(s.format)
	bits := map[string]int{"b": 1, "c": 8, "C": 8, "s": 16, "S": 16, "i": 32, "I": 32, "f": 32, "l": 64, "L": 64, "g": 64, "tdD": 32,
		"tdm": 64, "ttu": 64, "ttn": 64, "tts": 32, "ttm": 32, "tin": 128}
	fixed, isFixed := strings.CutPrefix(f, "w:")
	switch {
	case bits[f] > 0:
		return layout{buffers: 2, bits: bits[f]}, nil
	case isFixed:
		n, err := strconv.Atoi(fixed)
		return layout{buffers: 2, bits: 8 * n}, err
	case strings.HasPrefix(f, "d:") && (strings.Count(f, ",") == 1 || strings.HasSuffix(f, ",128")):
		return layout{buffers: 2, bits: 128}, nil
	case strings.HasPrefix(f, "ts"), strings.HasPrefix(f, "tD"):
		return layout{buffers: 2, bits: 64}, nil
	case f == "u", f == "z":
		return layout{buffers: 3, offset: 4, text: true}, nil
	case f == "U", f == "Z":
		return layout{buffers: 3, offset: 8, text: true}, nil
	case f == "+l", f == "+m":
		return layout{buffers: 2, offset: 4}, nil
	case f == "+L":
		return layout{buffers: 2, offset: 8}, nil
	case f == "+s", strings.HasPrefix(f, "+w:"):
		return layout{buffers: 1}, nil
	}
	return layout{}, fmt.Errorf("values in the form %s of Arrow can't be handed over", f)
}

// size is that of buffer i of n values.
func (l layout) size(i, n int, buffers []unsafe.Pointer) int {
	switch {
	case i == 0:
		return (n + 7) / 8
	case i == 2 && l.offset == 4:
		return int(unsafe.Slice((*int32)(buffers[1]), n+1)[n])
	case i == 2:
		return int(unsafe.Slice((*int64)(buffers[1]), n+1)[n])
	case l.offset > 0:
		return l.offset * (n + 1)
	}
	return (l.bits*n + 7) / 8
}

// Block is memory of C's, which a result stands in.
type Block struct {
	p unsafe.Pointer
	n int
}

// NewBlock has n bytes.
func NewBlock(n int) *Block { return &Block{C.malloc(C.size_t(n + 64)), n} }

// Bytes are the block's.
func (b *Block) Bytes() []byte { return unsafe.Slice((*byte)(b.p), b.n) }

// Part is a copy of some of its bytes.
func (b *Block) Part(from, to int) *Block {
	part := NewBlock(to - from)
	copy(part.Bytes(), b.Bytes()[from:to])
	return part
}

// Free is for a block that was not handed on.
func (b *Block) Free() { C.free(b.p); b.p = nil }

// Result makes the call's result of a frame whose body is the block, which it takes over.
func (call *Call) Result(a *Arrow, words []int64, b *Block) error {
	r := checker{words: words, body: b.Bytes()}
	if err := r.array(*a.c.schema.children, call.N, true); err != nil || len(r.words) > 0 {
		b.Free()
		return errors.Join(errors.New("the answer is no frame of Arrow's"), err)
	}
	p := b.p
	b.p = nil
	if e := C.dsql_arrow_to_vector(a.c, (*C.int64_t)(unsafe.SliceData(words)), p, C.duckdb_vector(call.out.Ptr)); e != nil {
		return arrowError(e)
	}
	return nil
}

// checker sees that a frame is right: nothing that a worker says may make DuckDB read beyond it.
type checker struct {
	words []int64
	body  []byte
}

var errFrame = errors.New("its parts don't fit")

func (r *checker) next() (w int64, err error) {
	if len(r.words) == 0 {
		return 0, errFrame
	}
	w, r.words = r.words[0], r.words[1:]
	return w, nil
}

// array is of at least n values, or of n where it says exactly.
func (r *checker) array(s *C.struct_ArrowSchema, n int, exactly bool) error {
	l, err := layoutOf(s)
	if err != nil {
		return err
	}
	var head [4]int64
	for i := range head {
		if head[i], err = r.next(); err != nil {
			return err
		}
	}
	length := int(head[0])
	if length < n || exactly && length != n || length > 1<<40 || head[2] != 0 || head[3] != int64(l.buffers) {
		return errFrame
	}
	buffers := make([]unsafe.Pointer, l.buffers)
	for i := range buffers {
		at, _ := r.next()
		size, err := r.next()
		if err != nil {
			return err
		}
		switch {
		case size < 0 && (i == 0 && head[1] == 0 || i > 0 && length == 0 || i == 2):
			continue
		case size < 0, at < 0, at&7 != 0, at+size > int64(len(r.body)):
			return errFrame
		}
		buffers[i] = unsafe.Pointer(unsafe.SliceData(r.body[at:]))
		if i == 2 && buffers[1] == nil {
			return errFrame
		}
		if int64(l.size(i, length, buffers)) > size {
			return errFrame
		}
	}
	children := unsafe.Slice(s.children, int(s.n_children))
	need := length
	if l.offset > 0 && !l.text && length > 0 {
		need = l.size(2, length, buffers)
	} else if f := C.GoString(s.format); strings.HasPrefix(f, "+w:") {
		each, err := strconv.Atoi(f[3:])
		if err != nil {
			return err
		}
		need = length * each
	} else if l.offset > 0 {
		need = 0
	}
	for _, child := range children {
		if err := r.array(child, need, false); err != nil {
			return err
		}
	}
	return nil
}
