package ingest

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"dsql/engine"
	"dsql/sql"
)

// Open lists what there is to read now and starts reading it. Files that appear later belong to the next run.
func (s *source) Open(ctx context.Context, c *engine.Conn, env *engine.Env, cols []engine.Column, o engine.ReadOptions) (engine.Reader, error) {
	files, err := s.list(env)
	if err != nil {
		return nil, err
	}
	places, err := s.places(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := s.changed(files, places, o.Warn); err != nil {
		return nil, err
	}
	work := items(files, places, o.Destinations, s.batchFiles)
	r := &reader{s: s, conn: c, cols: cols, o: o, work: work}
	for _, it := range work {
		for i, f := range it.files {
			r.total += f.size
			if i == 0 {
				r.total -= min(it.pos.Byte, f.size)
			}
		}
	}
	if len(work) == 0 || s.format == "parquet" {
		return r, nil
	}
	if r.landing, err = NewLanding(c, s.decl.Name, s.fields(cols), s.dialect, s.limits); err != nil {
		return nil, s.placed(err)
	}
	if !s.snapshot {
		ctx, r.cancel = context.WithCancel(ctx)
		r.ahead = make(chan batch, 1)
		go r.readAhead(ctx)
	}
	return r, nil
}

// placed gives an error of the landing its place in the script: the column it names, or the files.
func (s *source) placed(err error) error {
	var e *sql.Error
	if !errors.As(err, &e) {
		return s.unreachable(err)
	}
	if e.Src != nil {
		return err
	}
	c := *e
	c.Src, c.Span = s.decl.Src, s.patternAt
	for _, d := range s.columns {
		if strings.Contains(e.Msg, d.Name.Text) {
			c.Span = d.At
			break
		}
	}
	return &c
}

// changed reports files that differ from what was taken; a file half of which was taken must not have changed at all.
func (s *source) changed(files []file, places []filePlace, warn func(*sql.Error)) error {
	byPath := map[string]file{}
	for _, f := range files {
		byPath[f.path] = f
	}
	said := map[string]bool{}
	for _, p := range places {
		f, ok := byPath[p.path]
		if !ok || said[p.path] || f.size == p.size && f.modified.Equal(p.modified) {
			continue
		}
		said[p.path] = true
		e := &sql.Error{Src: s.decl.Src, Span: s.patternAt, Code: "file-changed", Msg: p.path + " has changed since it was read; it is not read again", Hint: "give the new content a new name"}
		if !p.done {
			e.Exit, e.Msg = sql.ExitFailed, fmt.Sprintf("%s has changed after its first %d bytes were read", p.path, p.pos.Byte)
			e.Hint = "put the file back as it was, or give the new content a new name and take this one away"
			return e
		}
		sum, err := hashFile(f.full)
		if err != nil {
			return s.unreachable(err)
		}
		if sum != p.hash && warn != nil {
			warn(e)
		}
	}
	return nil
}

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := xxhash.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// reader hands out a source's batches. In append mode a goroutine fills the next one while the last is written.
type reader struct {
	s       *source
	conn    *engine.Conn
	cols    []engine.Column
	o       engine.ReadOptions
	work    []item
	landing *Landing
	cancel  context.CancelFunc
	ahead   chan batch

	total, done int64
	parquet     *parquetFile
}

// batch is a filled buffer and what it holds, or why there is none.
type batch struct {
	buf    *Buffer
	item   item
	files  []taken
	absent []string
	lines  string // of a file that was cut: which
	err    error
}

func (r *reader) Close() error {
	if r.cancel != nil {
		r.cancel()
		for b := range r.ahead { // the goroutine ends and closes the channel
			if b.buf != nil {
				b.buf.Release()
			}
		}
	}
	if r.landing != nil {
		r.landing.Close()
	}
	return nil
}

func (r *reader) Next(ctx context.Context) (*engine.Input, error) {
	switch {
	case r.s.format == "parquet":
		return r.nextParquet(ctx)
	case r.s.snapshot:
		return r.nextLoad(ctx)
	case r.ahead == nil:
		return nil, io.EOF
	}
	b, ok := <-r.ahead
	if !ok {
		return nil, errors.Join(ctx.Err(), io.EOF)
	}
	if b.err != nil {
		return nil, b.err
	}
	return r.input(ctx, b, b.buf.Input())
}

// input completes a batch with what only the source knows.
func (r *reader) input(ctx context.Context, b batch, in *engine.Input) (*engine.Input, error) {
	s := r.s
	in.Source, in.Destinations, in.Again, in.Snapshot = s.decl.Name, b.item.destinations, b.item.again, s.snapshot
	in.Absent = b.absent
	last := b.files[len(b.files)-1]
	in.Captures, in.FileTime = last.captures, last.modified
	var names []string
	for _, f := range b.files {
		names = append(names, f.path)
		r.done += f.size
	}
	if b.lines != "" || !last.done {
		r.done += last.pos.Byte - last.size
	}
	in.Origin = strings.Join(names, ", ")
	if len(names) > 3 {
		in.Origin = fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), len(names)-2)
	}
	in.Origin += b.lines
	in.Commit = func(ctx context.Context, tx *engine.Tx, v int64) error {
		return s.record(ctx, tx, b.files, b.item.destinations, v)
	}
	if r.o.Progress != nil {
		r.o.Progress(engine.Progress{Source: s.decl.Name, Item: last.path, Done: min(r.done, r.total), Total: r.total})
	}
	return in, s.strict(ctx, r.conn, in)
}

// strict applies ON BAD RECORD and ON SCHEMA CHANGE.
func (s *source) strict(ctx context.Context, c *engine.Conn, in *engine.Input) error {
	if s.failOnNew && in.Unknown > 0 {
		return &sql.Error{Src: s.decl.Src, Span: s.decl.NameAt, Code: "schema-change", Exit: sql.ExitFailed, Msg: fmt.Sprintf("%s has %d fields that %s does not declare", in.Origin, in.Unknown, s.decl.Name),
			Hint: "declare them, or ON SCHEMA CHANGE IGNORE"}
	}
	if in.BadCount == 0 || s.onBad == "REJECT" {
		return nil
	}
	if s.onBad == "SKIP" {
		in.Skipped, in.BadCount, in.Bad = in.Skipped+in.BadCount, 0, nil
		return nil
	}
	var reason string
	var line int64
	if _, err := c.Scan(ctx, engine.SQL("SELECT reason, coalesce(_meta.line, 0) FROM {bad} ORDER BY _meta.line LIMIT 1", engine.Args{"bad": in.Bad}), &reason, &line); err != nil {
		return err
	}
	return &sql.Error{Src: s.decl.Src, Span: s.decl.NameAt, Code: "bad-record", Exit: sql.ExitFailed, Msg: fmt.Sprintf("%s line %d: %s", in.Origin, line, reason),
		Hint: "mend the record, or let ON BAD RECORD REJECT keep such ones in dsql.rejects"}
}

// readAhead fills buffers until the work or ctx ends.
func (r *reader) readAhead(ctx context.Context) {
	defer close(r.ahead)
	send := func(b batch) bool {
		select {
		case r.ahead <- b:
			return b.err == nil
		case <-ctx.Done():
			if b.buf != nil {
				b.buf.Release()
			}
			return false
		}
	}
	for _, it := range r.work {
		if !r.readItem(ctx, it, send) {
			return
		}
	}
}

// readItem reads an item's files into one batch, or a single large file into several.
func (r *reader) readItem(ctx context.Context, it item, send func(batch) bool) bool {
	b := batch{item: it}
	for i, f := range it.files {
		pos := Pos{}
		if i == 0 {
			pos = it.pos
		}
		whole := pos == (Pos{})
		in, err := r.open(f, pos)
		if err != nil {
			return send(batch{err: err})
		}
		for more := true; more; {
			if b.buf == nil {
				if b.buf, err = r.landing.Take(ctx); err != nil {
					in.Close()
					return false
				}
			}
			before := in.file.Pos()
			if more, err = b.buf.Fill(ctx, in.file); err != nil {
				in.Close()
				b.buf.Release()
				return send(batch{err: r.s.placed(err)})
			}
			t := taken{file: f, pos: in.file.Pos(), done: !more}
			if !more {
				if t.hash, err = in.sum(); err != nil {
					in.Close()
					b.buf.Release()
					return send(batch{err: r.s.unreachable(err)})
				}
			}
			b.files = append(b.files, t)
			b.absent = in.file.Absent()
			if whole = whole && !more; !whole {
				b.lines = fmt.Sprintf(" lines %d–%d", max(before.Line, 1), t.pos.Line-1)
			}
			if more { // the buffer is full: this batch goes, the file goes on in the next
				if !send(b) {
					in.Close()
					return false
				}
				b = batch{item: it}
			}
		}
		in.Close()
	}
	return send(b)
}

// opened is a file in reading, with the hash of its bytes as they are on disk.
type opened struct {
	f    *os.File
	raw  io.Reader
	hash *xxhash.Digest
	unz  io.Closer
	file *File
}

func (r *reader) open(f file, pos Pos) (*opened, error) {
	fd, err := os.Open(f.full)
	if err != nil {
		return nil, r.s.unreachable(err)
	}
	o := &opened{f: fd, hash: xxhash.New()}
	o.raw = io.TeeReader(fd, o.hash)
	data := o.raw
	switch {
	case strings.HasSuffix(strings.ToLower(f.path), ".gz"):
		z, zerr := gzip.NewReader(o.raw)
		if err = zerr; zerr == nil {
			data, o.unz = z, z
		}
	case strings.HasSuffix(strings.ToLower(f.path), ".zst"):
		z, zerr := zstd.NewReader(o.raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<28))
		if err = zerr; zerr == nil {
			data, o.unz = z, z.IOReadCloser()
		}
	}
	if err == nil {
		o.file, err = r.landing.Open(data, pos, FileInfo{Path: f.path, Captures: f.captures})
	}
	if err != nil {
		o.Close()
		return nil, r.s.placed(err)
	}
	return o, nil
}

// sum is the hash of the whole file; what a decompressor left unread is read first.
func (o *opened) sum() (string, error) {
	if _, err := io.Copy(io.Discard, o.raw); err != nil {
		return "", err
	}
	return hex.EncodeToString(o.hash.Sum(nil)), nil
}

func (o *opened) Close() {
	if o.unz != nil {
		o.unz.Close()
	}
	o.f.Close()
}
