package duck

import (
	"context"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Chunks are the rows of a statement as DuckDB has them, chunk by chunk: vectors that are read in place. DuckDB computes little more than
// what is read.
type Chunks struct {
	Columns []*Node
	Rows    int    // of the chunk in hand
	Views   []View // its columns, until Next

	st      *Statement
	ctx     context.Context
	unwatch func()
	res     bindings.Result
	chunk   bindings.DataChunk
	err     error
	closed  bool
}

// View is a vector of a chunk: so many values, those of Parts below them.
type View struct {
	Node  *Node
	N     int
	Parts []View

	valid *uint64
	data  unsafe.Pointer
}

// Chunks runs the statement until its first rows can be fetched. A cancelled ctx ends it, also between two chunks.
func (s *Statement) Chunks(ctx context.Context) (_ *Chunks, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer s.conn.traced(s.query.Text)(&err)
	c := &Chunks{st: s, ctx: ctx, unwatch: s.conn.watch(ctx)}
	if err := stream(s.st, &c.res); err != nil {
		return nil, c.fail(err)
	}
	l := Layout{} // numbers the vectors, and owns nothing
	for i := range bindings.ColumnCount(&c.res) {
		t := bindings.ColumnLogicalType(&c.res, i)
		c.Columns = append(c.Columns, l.node(bindings.ColumnName(&c.res, i), t))
		bindings.DestroyLogicalType(&t)
	}
	c.Views = make([]View, len(c.Columns))
	for i, n := range c.Columns {
		c.Views[i].of(n)
	}
	return c, nil
}

// Next goes on to the next chunk that has rows; false at the end or at an error (Err).
func (c *Chunks) Next() bool {
	if c.Rows = 0; c.closed {
		return false
	}
	bindings.DestroyDataChunk(&c.chunk)
	var err error
	if c.chunk, c.Rows, err = fetch(c.ctx, c.st.st, &c.res); err != nil {
		c.err = c.fail(err)
	}
	if c.Rows == 0 {
		c.Close()
		return false
	}
	for i := range c.Views {
		c.Views[i].fetch(bindings.DataChunkGetVector(c.chunk, bindings.IdxT(i)), c.Rows)
	}
	return true
}

// Err is what ended the rows early.
func (c *Chunks) Err() error { return c.err }

func (c *Chunks) fail(err error) error {
	c.Close()
	if c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	return c.st.query.locate(err, c.st.at)
}

// Close ends the statement; what was not read is thrown away. Closing twice is fine.
func (c *Chunks) Close() {
	if c.closed {
		return
	}
	c.closed = true
	c.unwatch()
	bindings.DestroyDataChunk(&c.chunk)
	bindings.DestroyResult(&c.res)
}

func (v *View) of(n *Node) {
	v.Node, v.Parts = n, make([]View, len(n.Children))
	for i, child := range n.Children {
		v.Parts[i].of(child)
	}
}

// fetch finds the values of a vector and of all below it.
func (v *View) fetch(h bindings.Vector, rows int) {
	v.N, v.valid, v.data = rows, (*uint64)(bindings.VectorGetValidity(h)), bindings.VectorGetData(h)
	switch v.Node.ID {
	case TypeStruct, TypeUnion, TypeVariant:
		for i := range v.Parts {
			v.Parts[i].fetch(bindings.StructVectorGetChild(h, bindings.IdxT(i)), rows)
		}
	case TypeList, TypeMap:
		v.Parts[0].fetch(bindings.ListVectorGetChild(h), int(bindings.ListVectorGetSize(h)))
	case TypeArray:
		v.Parts[0].fetch(bindings.ArrayVectorGetChild(h), rows*v.Node.Length)
	}
}

// Validity are the bits of the values that are not NULL; nil: none is.
func (v *View) Validity() []uint64 {
	if v.valid == nil || v.N == 0 {
		return nil
	}
	return unsafe.Slice(v.valid, (v.N+63)/64)
}

// Null says whether a value is NULL.
func (v *View) Null(row int) bool {
	return v.valid != nil && *(*uint64)(unsafe.Add(unsafe.Pointer(v.valid), row>>6<<3))>>(row&63)&1 == 0
}

// Bytes are the values themselves, where each has Node.Size bytes of its own.
func (v *View) Bytes() []byte { return unsafe.Slice((*byte)(v.data), v.N*int(v.Node.Size)) }

// Int64s are the values of a type that is kept as a whole number of eight bytes.
func (v *View) Int64s() []int64 { return unsafe.Slice((*int64)(v.data), v.N) }

// Texts are the values of a VARCHAR or of another type that is kept as one; those that are NULL point nowhere.
func (v *View) Texts() []Text128 { return unsafe.Slice((*Text128)(v.data), v.N) }

// Spans are where the elements of a list or map begin in Parts[0], and how many they are; those that are NULL say nothing.
func (v *View) Spans() [][2]uint64 { return unsafe.Slice((*[2]uint64)(v.data), v.N) }

// Text128 is a text as vectors have it: its length and up to 12 bytes, or its first four and where all of them are.
type Text128 [2]uint64

// Bytes are the text's, in DuckDB's memory.
func (t *Text128) Bytes() []byte {
	n := uint32(t[0])
	if n > 12 {
		return unsafe.Slice(*(**byte)(unsafe.Pointer(&t[1])), n)
	}
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(t), 4)), n)
}
