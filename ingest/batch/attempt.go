package batch

import "dsql/engine/duck"

// An attempt at a record is the same in every format: a row is begun among the good ones, and the landing's writer writes it; then it is
// kept, or it is undone, and the record is a bad one, with what of it can be read.

// Begin begins the row of a record. f is nil for one of a topic.
func (b *Buffer) Begin(f *File) (row int) {
	b.top = b.slab.Top()
	chunk, row := b.next(&b.good, f)
	b.l.Writer.Use(chunk, b.slab)
	b.sizes = chunk.ListSizes(b.sizes[:0])
	return row
}

// Undo takes back the row that was begun.
func (b *Buffer) Undo() {
	r := &b.good
	r.chunks[r.used-1].Rewind(r.row, b.sizes)
	b.slab.Free(b.top)
}

// Coords are where a record of a file stands, and its bytes. The offset is for formats that don't end a record with its line.
type Coords struct {
	Line, Offset int64
	Payload      []byte
}

// Keep takes the row that was begun.
func (b *Buffer) Keep(p Coords) {
	b.stands(b.good.chunks[b.good.used-1], b.good.row, p)
	b.took(&b.good)
}

// took counts the row that was written at next.
func (b *Buffer) took(r *rowSet) {
	r.row++
	r.total++
}

// stands writes where a record of a file stands.
func (b *Buffer) stands(c *duck.Chunk, row int, p Coords) {
	v, m := c.Vecs, &b.l.meta
	duck.Put(&v[m.line.Vec], row, p.Line)
	if b.l.Dialect.Format.Offsets {
		duck.Put(&v[m.offset.Vec], row, p.Offset)
	}
	v[m.payload.Vec].PutBytes(row, p.Payload)
}

// Refuse adds a record whose row was undone as a bad one. full says that there was no room for the row: such a record waits for the next
// batch, and is too large where it has one for itself. read writes what of it can be read into a row, and says how many columns that is;
// nil: nothing can. It is false when there is no room.
func (b *Buffer) Refuse(f *File, p Coords, why string, full bool, read func(row int) (set int)) bool {
	if full {
		return b.Records() == 0 && b.Reject(f, p, b.l.TooLarge(), nil)
	}
	return b.Reject(f, p, why, read)
}

// Reject adds a bad record.
func (b *Buffer) Reject(f *File, p Coords, why string, read func(row int) (set int)) bool {
	return b.refuse(f, why, read, func(c *duck.Chunk, row int) bool {
		b.stands(c, row, p)
		return true
	})
}

// refuse adds a bad record; stands writes where it stands, and is false when there is no room for that.
func (b *Buffer) refuse(f *File, why string, read func(row int) (set int), stands func(c *duck.Chunk, row int) bool) bool {
	const code = "bad_record: "
	said := b.slab.Alloc(len(code) + len(why))
	if said == nil {
		return false
	}
	copy(said[copy(said, code):], why)
	c, row := b.next(&b.bad, f)
	b.l.Writer.Use(c, b.slab)
	b.sizes = c.ListSizes(b.sizes[:0])
	set := 0
	if read != nil {
		set = read(row)
	}
	if set == 0 {
		b.l.nullValues(c, row)
	}
	if !stands(c, row) {
		c.Rewind(row, b.sizes)
		return false
	}
	c.Vecs[b.l.meta.reason.Vec].PutBytes(row, said)
	duck.Put(&c.Vecs[b.l.meta.any.Vec], row, set > 0)
	b.took(&b.bad)
	b.note(f)
	return true
}

// nullValues writes a row without values.
func (l *Landing) nullValues(c *duck.Chunk, row int) {
	for _, i := range l.Values {
		c.SetNull(l.Compiled[i].Node, row)
	}
}
