package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// Open lists what there is to read now and starts reading it. Files that appear later belong to the next run.
func (s *fileSource) Open(ctx context.Context, c *engine.Conn, env *engine.Env, cols []engine.Column, o engine.ReadOptions) (engine.Reader, error) {
	if err := s.knownDialect(ctx, c); err != nil {
		return nil, err
	}
	files, err := s.list(env)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 && o.Warn != nil {
		o.Warn(&sql.Error{Src: s.decl.Src, Span: s.patternAt, Code: "no-files", Msg: "no file matches " + s.pattern.text, Hint: "relative paths start at the script's folder; files that come later are read when they are there, or by the next run"})
	}
	places, err := s.places(ctx, c)
	if err != nil {
		return nil, err
	}
	if files, err = s.named(env, files, places); err != nil {
		return nil, err
	}
	if files, err = s.knownFiles(ctx, c, files, cols, o.Warn); err != nil {
		return nil, err
	}
	files = s.stillAside(s.quiet(files, places, o), places, o)
	changed, places, err := s.changed(files, places, o.Warn)
	if err != nil {
		return nil, err
	}
	if o.Replay != nil {
		if files, err = s.again(files, places, changed, o.Replay); err != nil {
			return nil, err
		}
		places = nil
	}
	rejected, err := s.rejectedFiles(ctx, c)
	if err != nil {
		return nil, err
	}
	work := s.items(files, places, changed, rejected, o.Destinations)
	if o.Everything { // whatever others have of them, and whatever is kept of their records
		work = s.items(files, nil, nil, nil, o.Destinations)
	}
	r := &reader{s: s, conn: c, cols: cols, o: o, work: work, passed: map[string]bool{}, counts: map[string][2]int{}, content: map[string]string{}}
	for _, p := range places {
		if p.done {
			r.content[p.hash] = p.path
		}
	}
	for _, it := range r.work {
		for i := range it.files {
			r.total += s.weight(&it, i)
		}
	}
	if len(r.work) == 0 {
		return r, nil
	}
	if s.format == "parquet" {
		if err := r.checkColumns(ctx); err != nil {
			return nil, err
		}
		return r, r.sweepViews(ctx)
	}
	if r.landing, err = NewLanding(c, s.decl.Name, s.fields(cols), s.dialect, s.limits); err != nil {
		return nil, s.placed(err)
	}
	ctx, r.cancel = context.WithCancel(ctx)
	r.ahead = make(chan batch)
	go r.readAhead(ctx)
	return r, nil
}

// placed gives an error of the decoders its place in the script: the column that it names, or the files.
func (s *fileSource) placed(err error) error {
	var e *sql.Error
	if !errors.As(err, &e) || e.Src != nil {
		return err
	}
	c := *e
	c.Src, c.Span = s.decl.Src, s.patternAt
	for _, d := range s.columns {
		if strings.HasPrefix(e.Msg, "column "+d.Name.Text+":") {
			c.Span = d.At
		}
	}
	return &c
}

// weight is how many bytes of progress a file of an item stands for.
func (s *fileSource) weight(it *item, i int) int64 {
	f := it.files[i]
	if i > 0 || it.whole() {
		return f.size
	}
	if s.format == "parquet" || s.compressionOf(f.path) != "none" || s.dialect.Encoding != "" { // places don't count the file's bytes
		if it.to != nil {
			return 0
		}
		return f.size
	}
	end := f.size
	if it.to != nil {
		end = it.to.pos.Byte
	}
	return max(end-it.from.Byte, 0)
}

// reader hands out a source's batches. For text a goroutine fills the next one while the last is written: it alone touches the
// landing between Open and Close. Parquet is read by DuckDB as the batch is scanned.
type reader struct {
	s       *fileSource
	conn    *engine.Conn
	cols    []engine.Column
	o       engine.ReadOptions
	work    []item
	landing *Landing
	cancel  context.CancelFunc
	ahead   chan batch
	end     error // why ahead is closed: io.EOF when all was read
	staged  bool  // temporary tables of a load are there
	warned  map[string]bool

	passed  map[string]bool   // files that changed while they were read
	counts  map[string][2]int // records and bad ones of files
	content map[string]string // files that were taken, by their hash

	total, done int64
	parquet     *parquetCut
	lambdas     int             // of SQL that was made: each has a name of its own
	undeclared  []string        // fields inside the columns of a file of Parquet
	rawTexts    map[string]bool // files with a text that is no UTF-8
	views       []string        // copies of files of Parquet
}

// batch is a filled buffer and what it holds.
type batch struct {
	item   *item
	buf    *Buffer
	files  []taken
	absent []string
	lines  string // of a file that was cut: which
	last   bool   // the item's last: a load is complete
	done   int64  // progress behind it
	header Header // what the files were found to have, where that wasn't known

	warnings []warning
	aside    *asideFile
}

// warning is what the user should know of a file. It is told when its batch is, and of the first of several files alike.
type warning struct {
	*sql.Error
	path string
}

func (r *reader) tell(ws []warning) {
	for _, w := range ws {
		kind := w.Code + strings.ReplaceAll(w.Msg, w.path, "")
		if r.o.Warn == nil || r.warned[kind] {
			continue
		}
		if r.warned == nil {
			r.warned = map[string]bool{}
		}
		r.warned[kind] = true
		r.o.Warn(w.Error)
	}
}

func (r *reader) Close() error {
	r.dropViews()
	if r.cancel != nil {
		r.cancel()
		for b := range r.ahead { // the goroutine ends and closes the channel
			b.release()
		}
	}
	if r.landing != nil {
		r.landing.Close()
	}
	return r.unstage(context.Background())
}

func (r *reader) Next(ctx context.Context) (*engine.Input, error) {
	switch {
	case r.s.format == "parquet":
		for {
			in, err := r.nextParquet(ctx)
			if err != errBlamed {
				return in, err
			}
		}
	case r.ahead == nil:
		return nil, io.EOF
	case r.s.snapshot:
		return r.nextLoad(ctx)
	}
	b, err := r.receive(ctx)
	if err != nil {
		return nil, err
	}
	return r.input(ctx, b, b.buf.Input())
}

func (b *batch) release() {
	if b.buf != nil {
		b.buf.Release()
	}
}

// receive waits for the next batch. Of a load that can't be read to its end it gives one without a buffer, or nothing when none of it
// was given.
func (r *reader) receive(ctx context.Context) (batch, error) {
	for {
		var b batch
		var ok bool
		select {
		case b, ok = <-r.ahead:
		case <-ctx.Done():
			return batch{}, ctx.Err()
		}
		if !ok {
			return batch{}, r.end
		}
		if b.buf == nil {
			r.tell(b.warnings)
		}
		if b.aside != nil {
			if err := r.setAside(ctx, b.aside); err != nil {
				return batch{}, err
			}
		}
		switch {
		case b.buf != nil && !r.changedBefore(b.files):
			return b, nil
		case b.buf == nil && r.staged:
			return b, nil
		}
		b.release()
	}
}

// changedBefore says whether a batch has more of a file of which a part was rolled back.
func (r *reader) changedBefore(files []taken) bool {
	return slices.ContainsFunc(files, func(f taken) bool { return r.passed[f.path] })
}

// input completes a batch with what only the source knows. Where that fails the batch is given back.
func (r *reader) input(ctx context.Context, b batch, in *engine.Input) (*engine.Input, error) {
	s := r.s
	in.Source, in.Destinations, in.Again, in.Snapshot = s.decl.Name, b.item.destinations, b.item.again, s.snapshot
	in.Absent, in.Captures = b.absent, shared(b.files)
	for _, f := range b.files {
		if f.modified.After(in.FileTime) {
			in.FileTime = f.modified
		}
	}
	if s.snapshot {
		var err error
		if in.AbsentIn = absentIn(b); in.Good == 0 {
			if in.Captures, err = r.ofEmpty(ctx, b.files[0].file, in.Captures); err != nil {
				in.Release()
				return nil, err
			}
		}
	}
	in.Origin = originOf(b.files) + b.lines
	in.Replayed = r.o.Replay != nil
	in.Again = in.Again || in.Replayed
	r.tell(b.warnings)
	in.Commit = func(ctx context.Context, tx *engine.Tx, v int64) error {
		if e := s.moved(b.files); e != nil {
			for _, f := range b.files {
				r.passed[f.path] = true
			}
			if !r.o.Follow && !r.o.Everything && r.o.Warn != nil {
				r.o.Warn(e)
			}
			return e
		}
		if r.o.Replay != nil {
			return nil
		}
		if err := s.keepDialect(ctx, tx, b.header); err != nil {
			return err
		}
		return s.record(ctx, tx, b.files, b.item.destinations, v)
	}
	in.Committed = func(context.Context) {
		if s.recorded != nil {
			s.known, s.recorded = s.recorded, nil
		}
	}
	r.copies(b.files, in)
	if err := r.allBad(b.files, in); err != nil {
		in.Release()
		return nil, err
	}
	if err := s.badRecords(ctx, r.conn, in); err != nil {
		in.Release()
		return nil, err
	}
	r.done = max(r.done, min(b.done, r.total))
	if r.o.Progress != nil {
		r.o.Progress(engine.Progress{Source: s.decl.Name, Item: b.files[len(b.files)-1].path, Done: r.done, Total: r.total})
	}
	return in, nil
}

// absentIn are the columns that some files of a load don't have, by file, beside those that none has.
func absentIn(b batch) map[string][]string {
	out := map[string][]string{}
	for _, f := range b.files {
		if some := slices.DeleteFunc(slices.Clone(f.absent), func(c string) bool { return slices.Contains(b.absent, c) }); len(some) > 0 {
			out[f.path] = some
		}
	}
	return out
}

// allBad tells of files of which no record is good; ON BAD FILE FAIL stops there.
func (r *reader) allBad(files []taken, in *engine.Input) error {
	for _, f := range files {
		sum := r.counts[f.path]
		sum = [2]int{sum[0] + f.records, sum[1] + f.bad}
		if r.counts[f.path] = sum; !f.done || sum[0] == 0 || sum[1] < sum[0] || in.Again {
			continue
		}
		e := &sql.Error{Src: r.s.decl.Src, Span: r.s.patternAt, Code: "all-bad", Exit: sql.ExitGate, Msg: fmt.Sprintf("all %d records of %s are bad", sum[0], f.path),
			Hint: "dsql.rejects says why; mend the declaration and give REPLAY REJECTS FROM " + r.s.decl.Name}
		if sum[0] == 1 {
			e.Msg = "the only record of " + f.path + " is bad"
		}
		if r.s.onBadFile == "FAIL" {
			return e
		}
		if r.o.Warn != nil {
			r.o.Warn(e)
		}
	}
	return nil
}

// copies tells of files with the content of others that were taken: renamed ones, and copies.
func (r *reader) copies(files []taken, in *engine.Input) {
	for _, f := range files {
		if !f.done || f.size == 0 {
			continue
		}
		other, known := r.content[f.hash]
		if r.content[f.hash] = f.path; known && other != f.path && !in.Again && !r.s.snapshot && in.Records > 0 && r.o.Warn != nil {
			r.o.Warn(&sql.Error{Src: r.s.decl.Src, Span: r.s.patternAt, Code: "file-copied", Msg: fmt.Sprintf("%s has the content of %s, which was taken before: its records are taken again", f.path, other),
				Hint: "a file is known by its path: leave files where they were, or take them out of the pattern's reach"})
		}
	}
}

func originOf(files []taken) string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.path
	}
	if len(names) > 3 {
		return fmt.Sprintf("%s, %s and %d more", names[0], names[1], len(names)-2)
	}
	return strings.Join(names, ", ")
}

// readAhead fills buffers until the work or ctx ends.
func (r *reader) readAhead(ctx context.Context) {
	r.end = io.EOF
	defer close(r.ahead)
	var done int64
	for _, rest := range r.work {
		for len(rest.files) > 0 {
			it := rest // which batches keep
			n, err := r.read(ctx, &it, &done)
			if errors.Is(err, errWaits) {
				return
			}
			if err != nil {
				r.end = err
				return
			}
			rest = item{files: it.files[n:], destinations: it.destinations, again: it.again}
		}
	}
}

// read reads an item's files into one batch, or a single large file or a load into several, and says how many files it took: the
// rest goes into a batch of its own where it doesn't fit, or has other columns.
func (r *reader) read(ctx context.Context, it *item, done *int64) (n int, err error) {
	w := &filling{reader: r, item: it, batch: batch{item: it}, done: *done}
	defer w.release()
	for i := range it.files {
		fits, err := w.file(ctx, i)
		if bad := r.s.unreadableFile(err); bad != nil {
			return w.leave(ctx, i, bad, done)
		}
		if err != nil {
			return 0, err
		}
		switch fits {
		case otherColumns:
			w.batch.last, *done = true, w.done
			return i, w.send(ctx)
		case alone:
			*done = w.done
			return i + 1, nil
		case tooMuch: // what is before it is read again, so that no file is cut that fits a batch
			w.release()
			return r.read(ctx, &item{files: it.files[:i], destinations: it.destinations, again: it.again}, done)
		}
	}
	*done = w.done
	if len(w.batch.files) > 0 { // nothing of the last one has an end
		w.batch.last = true
		return len(it.files), w.send(ctx)
	}
	if told := w.batch.warnings; len(told) > 0 {
		w.release()
		return len(it.files), w.put(ctx, batch{item: it, warnings: told})
	}
	return len(it.files), nil
}

// leave hands over what was read before the item's file i, which can't be read, and that it can't. Of a snapshot nothing of the load is
// taken.
func (w *filling) leave(ctx context.Context, i int, why *sql.Error, done *int64) (n int, err error) {
	w.release()
	if n = len(w.item.files); !w.s.snapshot {
		if i > 0 {
			if n, err = w.read(ctx, &item{files: w.item.files[:i], destinations: w.item.destinations, again: w.item.again}, done); err != nil || n < i {
				return n, err
			}
		}
		n = i + 1
	}
	a := &asideFile{file: w.item.files[i], destinations: w.item.destinations, why: why}
	if i == 0 {
		a.hash, a.pos = w.item.hash, w.item.from
	}
	if w.part.path == a.path {
		a.hash, a.pos = w.part.hash, w.part.pos
	}
	return n, w.put(ctx, batch{item: w.item, aside: a})
}

// put hands a batch over.
func (r *reader) put(ctx context.Context, b batch) error {
	select {
	case r.ahead <- b:
		return nil
	case <-ctx.Done():
		b.release()
		return ctx.Err()
	}
}

// errBlamed: the file of a batch was set aside before there was a batch.
var errBlamed = errors.New("its file is set aside")

// errWaits ends reading before a load that may still be being written.
var errWaits = errors.New("a load waits")

// filling is a batch that is being filled from an item.
type filling struct {
	*reader
	item  *item
	batch batch
	done  int64 // progress behind the files that were read
	part  taken // the last part of a file that was handed over, while there is more of it
}

// fits says whether a file went into the batch.
type fits uint8

const (
	taking       fits = iota
	otherColumns      // its header lacks other columns than those of the files before it
	tooMuch           // the files before it leave too little room
	alone             // it was cut, and its end is a batch of its own
)

func (w *filling) release() {
	if w.batch.buf != nil {
		w.batch.buf.Release()
		w.batch.buf = nil
	}
}

// send hands the batch over and begins the next one of the item.
func (w *filling) send(ctx context.Context) error {
	b := w.batch
	w.batch = batch{item: w.item, absent: b.absent, header: b.header}
	return w.put(ctx, b)
}

// file reads the item's file i.
func (w *filling) file(ctx context.Context, i int) (fits, error) {
	s, f, b := w.s, w.item.files[i], &w.batch
	in, err := s.open(w.landing, w.item, i)
	if err != nil {
		return taking, err
	}
	defer in.Close()
	absent := in.file.Absent()
	switch {
	case i == 0:
		b.absent = absent
	case !s.snapshot && !slices.Equal(absent, b.absent):
		return otherColumns, nil
	default: // a column that some file of a load has is not absent
		b.absent = slices.DeleteFunc(slices.Clone(b.absent), func(c string) bool { return !slices.Contains(absent, c) })
	}
	first := in.file.Pos().Line <= 1 || i > 0 || w.item.from.Byte == 0
	if first {
		warn, fail := s.missing(f.path, absent, in.file.fresh)
		if fail != nil {
			return taking, fail
		}
		if warn != nil {
			b.warnings = append(b.warnings, warning{warn, f.path})
		}
		if in.encoding != s.dialect.Encoding {
			in.file.warn("source-encoding", fmt.Sprintf("%s is no UTF-8; it is read as %s", f.path, strings.ToUpper(in.encoding)), "write encoding '"+in.encoding+"' to say so")
		}
		for _, e := range in.file.warnings {
			e.Src, e.Span = s.decl.Src, s.patternAt
			b.warnings = append(b.warnings, warning{e, f.path})
		}
	}
	if in.file.header != HeaderAuto {
		b.header = in.file.header
	}
	records := 0
	cut, weight := !w.item.whole(), s.weight(w.item, i)
	for more := true; more; {
		if b.buf == nil {
			if b.buf, err = w.landing.Take(ctx); err != nil {
				return taking, err
			}
		}
		start, had, bad := in.file.Pos(), b.buf.Records(), b.buf.bad.total
		line := max(start.Line, 1)
		records -= had
		if more, err = b.buf.Fill(ctx, in.file); err != nil {
			if ctx.Err() != nil {
				return taking, ctx.Err()
			}
			return taking, s.readError(err, f)
		}
		if records += b.buf.Records(); !more && first && records == 0 && in.file.passed > 0 && !in.file.open {
			b.warnings = append(b.warnings, warning{s.noRecord(f.path), f.path})
		}
		if s.onNew == "FAIL" {
			if names := b.buf.UnknownNames(); len(names) > 0 {
				return taking, s.newFields(f.path, names)
			}
		}
		if more && i > 0 && !s.snapshot {
			return tooMuch, nil
		}
		t, err := in.taken(more)
		if err != nil {
			return taking, err
		}
		if t.open {
			if b.warnings = append(b.warnings, warning{s.waits(f), f.path}); s.snapshot {
				w.release()
				return taking, errors.Join(w.put(ctx, batch{item: w.item, warnings: b.warnings}), errWaits)
			}
			if t.pos.Byte == start.Byte || b.buf.Records() == had {
				return taking, nil
			}
		}
		t.records, t.bad = b.buf.Records()-had, b.buf.bad.total-bad
		w.part = t
		b.files = append(b.files, t)
		if cut = cut || more && !s.snapshot; cut {
			b.lines = fmt.Sprintf(" lines %d–%d", line, t.pos.Line-1)
		}
		if b.done = w.done + min(in.consumed(), weight); !more {
			w.done += weight
			b.done = w.done
		}
		if b.last = !more && (cut || i == len(w.item.files)-1); more || b.last {
			if err := w.send(ctx); err != nil {
				return taking, err
			}
		}
	}
	if cut {
		return alone, nil
	}
	return taking, nil
}

// noRecord: a file isn't empty and yet has no record.
func (s *fileSource) noRecord(path string) *sql.Error {
	return &sql.Error{Src: s.decl.Src, Span: s.patternAt, Code: "no-record", Msg: path + " is not empty and has no record: all its lines are taken for a header, comments, or lines to skip",
		Hint: "see whether the header has a quote that closes late, and what skip and comment say"}
}

// waits tells that the last line of a file isn't taken yet.
func (s *fileSource) waits(f file) *sql.Error {
	return &sql.Error{Src: s.decl.Src, Span: s.patternAt, Code: "file-unfinished", Msg: f.path + " was changed a moment ago, and what it ends in has no end yet: that waits",
		Hint: fmt.Sprintf("what writes it should give it its name (a rename) when it is whole; when it hasn't changed for %v its last line is taken as it is", youngTime)}
}

// readError is the error for a file that could not be read to its end.
func (s *fileSource) readError(err error, f file) error {
	var e *sql.Error
	if errors.As(err, &e) {
		return s.placed(err)
	}
	if inner := errors.Unwrap(err); inner != nil { // without the name of the file, which is said anyway
		err = inner
	}
	return s.unreadable(err, f.path)
}
