package files

import (
	"bytes"
	"context"
	"io"
	"os"
	"time"

	"github.com/cespare/xxhash/v2"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/format/csv"
	"dsql/sql"
	"dsql/sql/code"
)

// Pieces of files that others hand over. A piece is read as a file that goes on from a place, so all that its beginning tells is told by
// the beginning that comes with it.

// Undivided: whole tables can't be taken in pieces, nor what may be read by this process alone.
func (s *Source) Undivided() *sql.Error {
	at := s.Stmt.Place()
	switch {
	case s.snapshot:
		return at.Errorf(code.NotSpread, "%s gives whole tables, and a piece of one is none", s.Stmt.Name).
			WithHint("load them on one machine, with dsql run")
	case s.OnNew == "ADD COLUMNS":
		return at.Errorf(code.NotSpread, "the columns of %s grow with what its files hold, and no process sees all of them", s.Stmt.Name).
			WithHint("declare the columns and leave ON SCHEMA CHANGE ADD COLUMNS out")
	case s.format == "csv" && s.Defs == nil:
		return at.Errorf(code.NotSpread, "the columns of %s are found by its first file, which not every process sees", s.Stmt.Name).
			WithHint("declare its columns: dsql inspect prints them")
	}
	return nil
}

// Piece decodes a piece of a file.
func (s *Source) Piece(ctx context.Context, c *duck.Conn, env *kind.Env, cols []duck.Column, p kind.Piece) (kind.Reader, error) {
	captures, ok := s.pattern.Captured(p.Path)
	if !ok {
		return nil, s.Stmt.At(s.patternAt).Errorf(code.BadTask, "the path %s is none of %s", sql.ShownName(p.Path), s.Stmt.Name).
			WithHint("hand over files that its pattern leads to")
	}
	x := s.in(env)
	if s.format == "parquet" {
		return x.parquetPiece(ctx, c, cols, p, captures)
	}
	if err := x.knownDialect(ctx, c); err != nil {
		return nil, err
	}
	data, err := s.pieceData(&p)
	if err != nil {
		return nil, err
	}
	l, err := batch.NewLanding(c, s.Stmt.Name, s.fields(cols), x.effective(), s.limits)
	if err != nil {
		return nil, s.Placed(err, s.patternAt)
	}
	r := &pieceReader{s: x, conn: c, landing: l, piece: p,
		o: &opened{s: s, at: file{path: p.Path, size: -1, modified: p.Time, captures: captures}}}
	if err = r.open(data); err != nil {
		_ = r.Close()
		return nil, s.readError(err, p.Path)
	}
	return r, nil
}

// parquetPiece reads rows of a file where it is.
func (x *session) parquetPiece(ctx context.Context, c *duck.Conn, cols []duck.Column, p kind.Piece, captures map[string]string) (kind.Reader, error) {
	if p.At == "" {
		return nil, x.Stmt.At(x.patternAt).Errorf(code.BadTask, "%s is Parquet, which is read where it is, and not by its bytes", sql.ShownName(p.Path)).
			WithHint("say with path where the file is, and with byte and end which rows of it are meant")
	}
	info, err := os.Stat(p.At)
	if err != nil {
		return nil, x.unreadable(err, p.Path)
	}
	it := item{files: []file{{path: p.Path, full: p.At, size: info.Size(), modified: info.ModTime().UTC().Truncate(time.Microsecond), captures: captures}},
		from: batch.Pos{Byte: p.Byte}}
	if p.End > 0 {
		it.to = &filePlace{pos: batch.Pos{Byte: p.End}}
	}
	r, err := openParquet(ctx, newReader(x, c, cols, kind.ReadOptions{Warn: p.Warn}), []item{it})
	if err != nil {
		return nil, err
	}
	return &rowsOfPiece{r, p.Time}, nil
}

// rowsOfPiece are rows of a file at a time that is said of it.
type rowsOfPiece struct {
	*parquetReader
	at time.Time
}

func (r *rowsOfPiece) Next(ctx context.Context) (*kind.Input, error) {
	in, err := r.parquetReader.Next(ctx)
	if err == nil {
		in.FileTime = r.at
		in.Commit = func(context.Context, *duck.Tx, int64) error { return nil }
	}
	return in, err
}

// pieceData are the bytes of a piece, behind the file's beginning. What is packed, or in another encoding than UTF-8, is taken whole.
func (s *Source) pieceData(p *kind.Piece) (*pieceBytes, error) {
	if p.Byte == 0 {
		p.Head, p.Line = nil, 1
		return &pieceBytes{data: p.Data, more: p.More}, nil
	}
	cut := ""
	switch head := p.Head[:min(len(p.Head), 256)]; {
	case s.compressionOf(p.Path) != "none":
		cut = "is compressed"
	case s.format == "csv" && (s.dialect.Encoding != "" || csv.EncodingSeen(head) != ""):
		cut = "isn't in UTF-8"
	}
	if cut != "" {
		return nil, s.Stmt.At(s.patternAt).Errorf(code.BadTask, "%s %s, and a piece of it says nothing", sql.ShownName(p.Path), cut).
			WithHint("hand such files over whole")
	}
	p.Head = p.Head[:min(int64(len(p.Head)), p.Byte)]
	return &pieceBytes{head: bytes.NewReader(p.Head), data: p.Data, gap: int64(len(p.Head)) < p.Byte, more: p.More}, nil
}

// pieceBytes is a file of which only the beginning and the piece are there.
type pieceBytes struct {
	head *bytes.Reader // nil: the piece begins the file
	data io.Reader
	gap  bool // what is between the two isn't there
	more bool
	tail string // what a text needs to be whole where it is cut
}

func (b *pieceBytes) Read(to []byte) (n int, err error) {
	switch {
	case b.head != nil && b.head.Len() > 0:
		return b.head.Read(to)
	case b.gap:
		return 0, io.EOF
	case b.data != nil:
		if n, err = b.data.Read(to); err != io.EOF {
			return n, err
		}
		if b.data = nil; n > 0 {
			return n, nil
		}
	}
	if b.more && b.tail != "" {
		n = copy(to, b.tail)
		b.tail = b.tail[n:]
		return n, nil
	}
	return 0, io.EOF
}

// Seek goes to the piece, wherever else it is told to: a file is opened at its place.
func (b *pieceBytes) Seek(to int64, _ int) (int64, error) {
	b.head, b.gap = nil, false
	return to, nil
}

// pieceReader gives the batches of a piece.
type pieceReader struct {
	s       *session
	conn    *duck.Conn
	landing *batch.Landing
	piece   kind.Piece
	o       *opened
	absent  []string
	given   bool // a batch: the others have records
	done    bool
}

// open begins the piece at its place.
func (r *pieceReader) open(data *pieceBytes) error {
	o, p := r.o, &r.piece
	var from io.Reader = data
	if p.Byte == 0 {
		o.raw = countedReader{r: data, hash: xxhash.New()}
		var err error
		if from, err = o.data(); err != nil {
			return err
		}
	}
	var err error
	o.file, err = r.landing.Open(from, batch.Pos{Byte: p.Byte, Line: p.Line}, batch.FileInfo{Path: p.Path, Captures: o.at.captures})
	if err != nil {
		return err
	}
	data.tail, r.absent = o.file.Tail, o.file.Absent()
	warnings, fail := o.oddities(r.absent)
	for _, w := range warnings {
		if p.Warn != nil {
			p.Warn(w.Error)
		}
	}
	if fail != nil {
		return fail
	}
	return nil
}

// Next is a batch; of a piece without records one that has none.
func (r *pieceReader) Next(ctx context.Context) (*kind.Input, error) {
	if r.done {
		return nil, io.EOF
	}
	b, err := r.landing.Take(ctx)
	if err != nil {
		return nil, err
	}
	more, err := b.Fill(ctx, r.o.file)
	if err == nil && r.s.OnNew == "FAIL" && len(b.UnknownNames()) > 0 {
		err = r.s.NewFields(r.piece.Path, b.UnknownNames())
	}
	if err != nil {
		b.Release()
		return nil, r.s.readError(err, r.piece.Path)
	}
	if r.done = !more; r.done && r.given && b.Records() == 0 {
		b.Release()
		return nil, io.EOF
	}
	r.given = true
	in := b.Input()
	in.Source, in.Absent, in.Origin, in.FileTime = r.s.Stmt.Name, r.absent, r.piece.Path, r.piece.Time
	in.Captures = shared([]taken{{file: r.o.at}})
	in.Commit = func(context.Context, *duck.Tx, int64) error { return nil }
	if err := r.s.BadRecords(ctx, r.conn, in); err != nil {
		in.Release()
		return nil, err
	}
	return in, nil
}

func (r *pieceReader) Close() error {
	if r.o.unzip != nil {
		_ = r.o.unzip.Close()
	}
	r.landing.Close()
	return nil
}
