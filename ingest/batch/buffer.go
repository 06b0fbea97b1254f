package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/convert"
	"dsql/ingest/glob"
)

func newBuffer(l *Landing) (*Buffer, error) {
	slab, err := duck.NewSlab(int(l.Limits.Bytes))
	if err != nil {
		return nil, err
	}
	b := &Buffer{l: l, slab: slab}
	n := len(l.Fields)
	meta, payload := duck.Output{Name: catalog.MetaColumn, At: n + outMeta}, duck.Output{Name: "_payload", At: n + outPayload}
	var declared []duck.Output
	rejects := []duck.Output{{Name: "reason", At: n + outReason}, meta, payload, {Name: "_any", At: n + outAny}}
	for i, f := range l.Fields {
		declared = append(declared, duck.Output{Name: f.Name, At: i})
		rejects = append(rejects, duck.Output{Name: fmt.Sprintf("_%d", i), At: i})
	}
	b.rows = l.layout.NewRelation(append(declared, meta)...)
	b.raw = l.layout.NewRelation(meta, payload)
	b.rejects = l.layout.NewRelation(rejects...)
	return b, nil
}

func (b *Buffer) close() {
	b.out = false
	for _, r := range []*duck.Relation{b.rows, b.raw, b.rejects} {
		r.Close()
	}
	for _, c := range append(b.good.chunks, b.bad.chunks...) {
		c.Close()
	}
	_ = b.slab.Close()
}

// Take waits for a free buffer, and empties it.
func (l *Landing) Take(ctx context.Context) (*Buffer, error) {
	select {
	case b := <-l.free:
		b.slab.Reset()
		b.at, b.Unknown, b.files, b.Runs, b.out = 0, 0, b.files[:0], nil, true
		b.noted = b.noted[:0]
		b.marks, b.skipped = Marks{}, 0
		b.good = rowSet{chunks: b.good.chunks}
		b.bad = rowSet{chunks: b.bad.chunks}
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ReadBytes is how much is read at a time: little enough to stay in the processor's cache.
const ReadBytes = 256 << 10

// Fill appends records of f until the buffer is full (rows or bytes; more is true) or the file has ended (more is false). An
// error of reading or of ctx leaves the batch unusable but for Release.
func (b *Buffer) Fill(ctx context.Context, f *File) (more bool, err error) {
	if f.done {
		return false, nil
	}
	if !b.begin(f) {
		return true, nil
	}
	defer b.end(f)
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		from := b.at
		region := b.slab.Bytes()[from:]
		n, full := f.dec.Run(b, region, f.EOF)
		b.at += n
		f.At.Byte += int64(n)
		if full {
			f.unread(b)
			return f.more()
		}
		if f.EOF && b.at == from+len(region) {
			f.done = true
			return false, nil
		}
		if f.Skipping { // nobody needs what was skipped
			b.slab.Cut(from)
			b.at = from
		}
		if b.Records() == 0 && b.at > 0 { // nor blank lines and such
			rest := b.slab.Bytes()[b.at:]
			copy(b.slab.Bytes(), rest)
			b.slab.Cut(len(rest))
			b.at = 0
		}
		room := b.slab.Room(max(ReadBytes, len(region)-n))
		if len(room) == 0 {
			if b.Records() > 0 {
				f.unread(b)
				return true, nil
			}
			n, keep := f.dec.Giant(b, b.slab.Bytes()) // one record fills it all
			f.At.Byte += int64(n)
			if f.Skipping = n > keep; f.Skipping {
				b.slab.Cut(keep)
			}
			b.at = keep
			continue
		}
		n, err = f.read(room)
		b.slab.Add(n)
		if f.EOF = errors.Is(err, io.EOF); err != nil && !f.EOF {
			return false, fmt.Errorf("reading %s: %w", f.Info.Path, err)
		}
		if f.EOF = f.EOF && n == 0; f.EOF && f.Info.Growing && !f.Skipping && f.dec.Unfinished(b.slab.Bytes()[b.at:]) {
			b.slab.Cut(b.at)
			f.done, f.Unfinished = true, true
			return false, nil
		}
	}
}

// begin prepares what all rows of the file share; false when there is no room for it.
func (b *Buffer) begin(f *File) bool {
	b.path = b.slab.Alloc(len(f.Info.Path))
	copy(b.path, f.Info.Path)
	ok := b.path != nil || f.Info.Path == ""
	b.capture = b.capture[:0]
	for _, fd := range b.l.Fields {
		var s []byte
		if v := f.Info.Captures[fd.Capture]; fd.Capture != "" && v != glob.Null {
			if s = b.slab.Alloc(len(v)); s == nil && v == "" {
				s = []byte{}
			}
			copy(s, v)
			ok = ok && s != nil
		}
		b.capture = append(b.capture, s)
	}
	b.good.run, b.bad.run = b.good.row, b.bad.row
	if n := len(b.files); n == 0 || b.files[n-1] != f.Info.Path {
		b.files = append(b.files, f.Info.Path)
	}
	return ok
}

func (b *Buffer) end(f *File) {
	b.Names = b.l.Names.List // which is only ever appended to
	b.endRun(&b.good, f)
	b.endRun(&b.bad, f)
}

// endRun fills what all rows of a file share, in those that were added to the last chunk.
func (b *Buffer) endRun(r *rowSet, f *File) {
	if f == nil || r.used == 0 || r.run == r.row {
		return
	}
	c := r.chunks[r.used-1]
	c.Vecs[b.l.meta.file.Vec].PutBytes(r.run, b.path)
	c.Repeat(b.l.meta.file, r.run, r.row)
	for i, fd := range b.l.Fields {
		n := b.l.layout.Columns[i]
		switch {
		case fd.Capture != "" && b.capture[i] == nil:
			c.SetNull(n, r.run)
			c.Repeat(n, r.run, r.row)
		case fd.Capture != "":
			b.l.Writer.Use(c, b.slab)
			b.l.Writer.Scalar(b.l.Compiled[i], r.run, b.capture[i], convert.FromText, true) // Open has seen that it converts
			c.Repeat(n, r.run, r.row)
		case fd.Key || f.missing(i):
			for row := r.run; row < r.row; row++ {
				c.SetNull(n, row)
			}
		}
	}
	r.run = r.row
}

// next is where the next record goes.
func (b *Buffer) next(r *rowSet, f *File) (*duck.Chunk, int) {
	if r.used == 0 || r.row == duck.ChunkRows {
		if r.used > 0 {
			b.endRun(r, f)
			r.chunks[r.used-1].Seal(r.row)
		}
		if r.used == len(r.chunks) {
			r.chunks = append(r.chunks, b.l.newChunk())
		} else {
			r.chunks[r.used].Reset()
		}
		r.used++
		r.row, r.run = 0, 0
	}
	return r.chunks[r.used-1], r.row
}

// Records is how many records the buffer holds, bad ones and skipped ones among them.
func (b *Buffer) Records() int { return b.good.total + b.bad.total + b.skipped }

// UnknownNames are fields that the declaration doesn't name, as far as the source has shown any: the first hundred, sorted.
func (b *Buffer) UnknownNames() []string { return slices.Sorted(slices.Values(b.Names)) }

// Full: of topics a bad record counts twice. It becomes a row of dsql.rejects with its bytes and what was understood, so that a flood
// of them would take twice the memory; half a batch of them is a row group still.
func (b *Buffer) Full() bool {
	if b.l.records != nil {
		return b.Records()+b.bad.total >= b.l.Limits.Rows
	}
	return b.Records() >= b.l.Limits.Rows
}

// Input is the batch as relations, with its counts: Rows, RowID, Raw, Bad, Records, Good, BadCount and Unknown. What the
// destinations and places are, the caller adds. Its Release is b.Release.
func (b *Buffer) Input() *kind.Input {
	var all []*duck.Chunk
	for _, r := range []*rowSet{&b.good, &b.bad} {
		if r.used > 0 {
			r.chunks[r.used-1].Seal(r.row)
		}
		all = append(all, r.chunks[:r.used]...)
	}
	good, bad := all[:b.good.used], all[b.good.used:]
	b.rows.Show(good)
	b.raw.Show(all)
	b.rejects.Show(bad)
	id := RowID(b.l.Dialect.Format, b.files)
	if b.l.records != nil {
		id = RecordID(b.Runs)
	}
	in := &kind.Input{Rows: b.rows.Query(), RowID: id, Raw: b.raw.Query(), Records: int64(b.Records()), Good: int64(b.good.total),
		BadCount: int64(b.bad.total), Skipped: int64(b.skipped), Unknown: b.Unknown, UnknownNames: b.UnknownNames(), Release: b.Release}
	if in.Truncate = b.marks.Truncate; b.marks.Absent != "" {
		in.Absent = strings.Split(b.marks.Absent[1:], "\x00")
	}
	if b.bad.total > 0 {
		data := duck.SQL("'{}'::JSON")
		if len(b.l.Fields) > 0 {
			i := -1
			data = duck.SQL("to_json(struct_pack({fields}))", duck.Args{"fields": duck.Each(", ", b.l.Fields, func(f Field) *duck.Query {
				i++
				return duck.SQL("{name} := {value}", duck.Args{"name": duck.Ident(f.Name), "value": duck.Ident(fmt.Sprintf("_%d", i))})
			})})
		}
		in.Bad = duck.SQL("(SELECT reason, _meta, _payload, CASE WHEN _any THEN {data} END AS data, {opening} AS opening FROM {rel})",
			duck.Args{"opening": b.openings(), "data": data, "rel": b.rejects.Query()})
	}
	return in
}

// RowID tells the records of files apart, in order: by line, or byte where lines may hold several records; behind the file's number
// where there are several.
func RowID(format *Format, files []string) *duck.Query {
	id := duck.SQL("_meta.line")
	if format.Offsets {
		id = duck.SQL(`coalesce(_meta."offset", _meta.line)`)
	}
	if len(files) < 2 {
		return id
	}
	return duck.SQL("(list_position([{files}], _meta.file)::BIGINT * 1099511627776 + {id})", duck.Args{"id": id,
		"files": duck.Each(", ", files, func(s string) *duck.Query { return duck.Lit(s) })})
}

// Release empties the batch's relations and lets the buffer be taken again. After the transaction that reads them has ended. A
// second Release does nothing.
func (b *Buffer) Release() {
	if !b.out {
		return
	}
	b.out = false
	for _, r := range []*duck.Relation{b.rows, b.raw, b.rejects} {
		r.Show(nil)
	}
	b.l.free <- b
}

// openings is an expression giving, as JSON, how the files of a batch's bad records began; NULL where that says nothing.
func (b *Buffer) openings() *duck.Query {
	var cases []*duck.Query
	for _, f := range b.noted {
		text, _ := json.Marshal(f.Opening)
		cases = append(cases, duck.SQL("WHEN {file} THEN {text}", duck.Args{"file": f.Info.Path, "text": string(text)}))
	}
	if len(cases) == 0 {
		return duck.SQL("NULL::JSON")
	}
	return duck.SQL("(CASE _meta.file {cases} END)::JSON", duck.Args{"cases": duck.Join(" ", cases...)})
}

// note remembers a file that has a bad record in the batch.
func (b *Buffer) note(f *File) {
	if f != nil && f.Opening != nil && (len(b.noted) == 0 || b.noted[len(b.noted)-1].Info.Path != f.Info.Path) {
		b.noted = append(b.noted, f)
	}
}

// Good is how many good records the buffer holds, Bad how many bad ones.
func (b *Buffer) Good() int { return b.good.total }
func (b *Buffer) Bad() int  { return b.bad.total }

// newChunk makes a chunk that shares what is the same in every row.
func (l *Landing) newChunk() *duck.Chunk {
	c := l.layout.NewChunk()
	for _, n := range l.layout.Columns[len(l.Fields)+outMeta].Children {
		if !l.varies(n) {
			c.Share(n, l.consts)
		}
	}
	return c
}

// varies says whether a part of _meta differs from record to record.
func (l *Landing) varies(n *duck.Node) bool {
	if l.records != nil {
		return n != l.meta.file && n != l.meta.line && n.Name != "source"
	}
	return n == l.meta.file || n == l.meta.line || n == l.meta.offset && l.Dialect.Format.Offsets
}
