package duck

import (
	"encoding/binary"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"dsql/engine/invariants"
)

// ChunkRows is how many rows a chunk holds: DuckDB's vector size.
const ChunkRows = 2048

// Vector is the values of one node in one chunk.
type Vector struct {
	checked     //lint:ignore U1000 the tag invariants fills it
	data, valid unsafe.Pointer
	handle      bindings.Vector
	n, cap      int  // of a list: elements in the child
	shared      bool // another chunk's: not to be written
}

// Put writes the value of a row. T must be the type that the constant of the node's TypeID names.
func Put[T any](v *Vector, row int, x T) {
	if invariants.Enabled {
		v.mustTake(row, x)
	}
	*(*T)(unsafe.Add(v.data, uintptr(row)*unsafe.Sizeof(x))) = x
}

// PutList writes a list of n elements that begin at the child's row at.
func (v *Vector) PutList(row, at, n int) {
	if invariants.Enabled {
		v.mustSpan(at, n)
	}
	Put(v, row, [2]uint64{uint64(at), uint64(n)})
}

// PutBytes writes a string. One of more than 12 bytes is pointed at: it must lie in a Slab that lives as long as it is scanned.
func (v *Vector) PutBytes(row int, s []byte) {
	if invariants.Enabled {
		v.mustTake(row, s)
	}
	n := len(s)
	p := (*[2]uint64)(unsafe.Add(v.data, row*16))
	if n > 12 {
		*p = [2]uint64{uint64(n) | uint64(binary.LittleEndian.Uint32(s))<<32, uint64(uintptr(unsafe.Pointer(unsafe.SliceData(s))))}
		return
	}
	if cap(s) >= 12 { // nearly always: two loads and a mask instead of a copy. What lies beyond len(s) is masked away.
		t := s[:12]
		lo, hi := binary.LittleEndian.Uint32(t), binary.LittleEndian.Uint64(t[4:])
		if n < 4 {
			lo &= 1<<(8*n) - 1
			hi = 0
		} else {
			hi &= 1<<(8*(n-4)) - 1 // a shift by 64 gives 0, minus 1 keeps all
		}
		*p = [2]uint64{uint64(n) | uint64(lo)<<32, hi}
		return
	}
	var t [16]byte
	copy(t[4:], s)
	*p = [2]uint64{uint64(n) | binary.LittleEndian.Uint64(t[:8]), binary.LittleEndian.Uint64(t[8:])}
}

func (v *Vector) setNull(row int) {
	if invariants.Enabled {
		v.mustHave(row)
	}
	*(*uint64)(unsafe.Add(v.valid, row>>6<<3)) &^= 1 << (row & 63)
}

// Chunk is up to ChunkRows rows that Go fills and DuckDB reads.
type Chunk struct {
	Layout *Layout
	Vecs   []Vector // by Node.Vec
	Rows   int
	dc     bindings.DataChunk
}

// NewChunk makes an empty chunk.
func (l *Layout) NewChunk() *Chunk {
	c := &Chunk{Layout: l, Vecs: make([]Vector, l.vecs), dc: bindings.CreateDataChunk(l.types)}
	for i, n := range l.Columns {
		c.fetch(n, bindings.DataChunkGetVector(c.dc, bindings.IdxT(i)), ChunkRows)
	}
	c.Reset()
	return c
}

// fetch reads the pointers of a node's vector and of all below it. rows is how many the vector can hold.
func (c *Chunk) fetch(n *Node, h bindings.Vector, rows int) {
	v := &c.Vecs[n.Vec]
	if invariants.Enabled {
		v.knows(n, rows)
	}
	bindings.VectorEnsureValidityWritable(h)
	v.handle, v.data, v.valid = h, bindings.VectorGetData(h), bindings.VectorGetValidity(h)
	switch n.ID {
	case TypeStruct:
		for i, ch := range n.Children {
			c.fetch(ch, bindings.StructVectorGetChild(h, bindings.IdxT(i)), rows)
		}
	case TypeList, TypeMap:
		if v.cap == 0 {
			v.cap = ChunkRows
		}
		c.fetch(n.Children[0], bindings.ListVectorGetChild(h), v.cap)
	}
}

// Reset empties the chunk: no rows, every value not NULL, no elements in lists.
func (c *Chunk) Reset() {
	c.Rows = 0
	for _, n := range c.Layout.Columns {
		c.reset(n, ChunkRows)
	}
}

func (c *Chunk) reset(n *Node, rows int) {
	v := &c.Vecs[n.Vec]
	if v.shared {
		return
	}
	w := unsafe.Slice((*uint64)(v.valid), (rows+63)/64)
	for i := range w {
		w[i] = ^uint64(0)
	}
	switch n.ID {
	case TypeStruct:
		for _, ch := range n.Children {
			c.reset(ch, rows)
		}
	case TypeList, TypeMap:
		v.n = 0
		c.reset(n.Children[0], v.cap)
	}
}

// SetNull makes a row NULL, with all that is below it.
func (c *Chunk) SetNull(n *Node, row int) {
	v := &c.Vecs[n.Vec]
	v.setNull(row)
	switch n.ID {
	case TypeStruct:
		for _, ch := range n.Children {
			c.SetNull(ch, row)
		}
	case TypeList, TypeMap:
		v.PutList(row, 0, 0)
	}
}

// Append adds an element to the child of a list or map and returns its row there. The elements of one list follow each other.
func (c *Chunk) Append(list *Node) int {
	v := &c.Vecs[list.Vec]
	if v.n == v.cap {
		c.grow(list)
	}
	v.n++
	return v.n - 1
}

func (c *Chunk) grow(list *Node) {
	v := &c.Vecs[list.Vec]
	old := v.cap
	v.cap *= 2
	bindings.ListVectorReserve(v.handle, bindings.IdxT(v.cap))
	child := list.Children[0]
	c.fetch(child, bindings.ListVectorGetChild(v.handle), v.cap)
	c.revalidate(child, old, v.cap)
}

// Repeat writes the value of row from into the rows up to to (not with it).
func (c *Chunk) Repeat(n *Node, from, to int) {
	v := &c.Vecs[n.Vec]
	if *(*uint64)(unsafe.Add(v.valid, from>>6<<3))>>(from&63)&1 == 0 {
		for r := from + 1; r < to; r++ {
			v.setNull(r)
		}
		return
	}
	data := unsafe.Slice((*byte)(unsafe.Add(v.data, uintptr(from)*n.Size)), uintptr(to-from)*n.Size)
	for done := int(n.Size); done < len(data); done *= 2 {
		copy(data[done:], data[:done])
	}
}

// Share makes a node's vector, with all below it, that of another chunk of the same layout, which must live as long.
func (c *Chunk) Share(n *Node, from *Chunk) {
	bindings.VectorReferenceVector(c.Vecs[n.Vec].handle, from.Vecs[n.Vec].handle)
	c.Vecs[n.Vec].shared = true
}

// ListSizes appends how many elements each list's child has, for Rewind.
func (c *Chunk) ListSizes(to []int) []int {
	for _, n := range c.Layout.lists {
		to = append(to, c.Vecs[n.Vec].n)
	}
	return to
}

// Rewind gives up a row that is half written: its columns are not NULL again, and the elements that were appended since the sizes
// were taken are gone. (DuckDB casts whole child vectors, also elements that no list points at, so none may be left behind.)
func (c *Chunk) Rewind(row int, sizes []int) {
	for _, n := range c.Layout.Columns {
		c.revalidate(n, row, row+1)
	}
	for i, n := range c.Layout.lists {
		v := &c.Vecs[n.Vec]
		c.revalidate(n.Children[0], sizes[i], v.n)
		v.n = sizes[i]
	}
}

// revalidate makes rows not NULL, with what is below them in the same rows.
func (c *Chunk) revalidate(n *Node, from, to int) {
	v := &c.Vecs[n.Vec]
	if v.shared {
		return
	}
	for r := from; r < to; r++ {
		*(*uint64)(unsafe.Add(v.valid, r>>6<<3)) |= 1 << (r & 63)
	}
	if n.ID == TypeStruct {
		for _, ch := range n.Children {
			c.revalidate(ch, from, to)
		}
	}
}

// Seal tells DuckDB how many rows and elements there are.
func (c *Chunk) Seal(rows int) {
	c.Rows = rows
	for _, n := range c.Layout.lists {
		if v := &c.Vecs[n.Vec]; !v.shared {
			bindings.ListVectorSetSize(v.handle, bindings.IdxT(v.n))
		}
	}
	bindings.DataChunkSetSize(c.dc, bindings.IdxT(rows))
}

// Close frees the chunk.
func (c *Chunk) Close() { bindings.DestroyDataChunk(&c.dc) }
