package files

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"dsql/sql/code"

	"github.com/cespare/xxhash/v2"

	"dsql/ingest/batch"
	"dsql/ingest/format/csv"
)

// opened is a file in reading, with the hash of its bytes as they are on disk.
type opened struct {
	s     *Source
	it    *item
	at    file
	f     *os.File
	raw   countedReader
	unzip io.Closer
	file  *batch.File
	known string // the file's hash, once it is needed

	encoding string // of CSV: "": UTF-8
}

// countedReader reads through a hash.
type countedReader struct {
	r    io.Reader
	hash *xxhash.Digest
	n    int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	_, _ = c.hash.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// open begins an item's file i, for reading by the landing.
func (s *Source) open(l *batch.Landing, it *item, i int) (*opened, error) {
	f := it.files[i]
	o, err := s.openRaw(f)
	if err != nil {
		return nil, err
	}
	o.it = it
	var pos batch.Pos
	if i == 0 {
		pos, o.known = it.from, it.hash
	}
	data, err := o.data()
	if err == nil {
		stop := &stopReader{r: data, left: -1}
		if o.file, err = l.Open(stop, pos, batch.FileInfo{Path: f.path, Captures: f.captures, Growing: o.growing()}); err == nil && it.to != nil {
			stop.left = o.file.EndAt(it.to.pos.Byte) // what a file is, is seen by its beginning whole
		}
		if err == nil && o.file.Tail != "" {
			stop.tail = o.file.Tail
		}
	}
	if err != nil {
		o.Close()
		return nil, s.readError(err, f.path)
	}
	return o, nil
}

// openRaw opens a file for its bytes.
func (s *Source) openRaw(f file) (*opened, error) {
	fd, err := os.Open(f.full)
	if err != nil {
		return nil, s.unreadable(err, f.path)
	}
	return &opened{s: s, at: f, f: fd, raw: countedReader{r: fd, hash: xxhash.New()}}, nil
}

// data are the file's bytes, decompressed and in UTF-8. CSV that begins in UTF-16 or UTF-32 is read as that.
func (o *opened) data() (io.Reader, error) {
	data, err := o.unpacked()
	if err != nil || o.s.format != "csv" {
		return data, err
	}
	if o.encoding = o.s.dialect.Encoding; o.encoding == "" {
		ahead := bufio.NewReaderSize(data, batch.ReadBytes)
		head, _ := ahead.Peek(256) // an error comes again when the file is read
		if o.encoding = csv.EncodingSeen(head); o.encoding == "" {
			return ahead, nil
		}
		data = ahead
	}
	return csv.Decoded(data, o.encoding)
}

func (o *opened) unpacked() (data io.Reader, err error) {
	compression := o.s.compressionOf(o.at.path)
	if o.at.size == 0 { // an empty file is one without records, however it is called
		compression = "none"
	}
	data, o.unzip, err = unpack(&o.raw, compression)
	return data, err
}

// stopReader ends a file at the place where another destination stands: the end of a record. tail is what a text needs to be
// whole there.
type stopReader struct {
	r    io.Reader
	left int64 // -1: no end but the file's
	tail string
}

func (s *stopReader) Read(p []byte) (int, error) {
	switch {
	case s.left < 0:
		return s.r.Read(p)
	case s.left > 0:
		n, err := s.r.Read(p[:min(int64(len(p)), s.left)])
		s.left -= int64(n)
		return n, err
	case s.tail != "":
		n := copy(p, s.tail)
		s.tail = s.tail[n:]
		return n, nil
	}
	return 0, io.EOF
}

// consumed is how much of the file's weight was read.
func (o *opened) consumed() int64 {
	if o.unzip != nil || o.encoding != "" {
		return o.raw.n
	}
	return o.file.Pos().Byte - o.it.from.Byte
}

// taken is the place behind what was read. A file that is taken in parts must stay as it was at the first: its hash is computed
// ahead then, and compared at its end.
func (o *opened) taken(more bool) (taken, error) {
	t := taken{file: o.at, pos: o.file.Pos(), absent: o.file.Absent()}
	var err error
	switch {
	case more && o.s.snapshot: // one load, recorded at its end
	case more:
		if o.known == "" {
			if o.known, err = o.proved(); err != nil {
				return t, o.s.unreadable(err, o.at.path)
			}
		}
	case o.it.to != nil:
		t.pos = o.it.to.pos
	case o.file.Unfinished:
		t.open = true
		if t.hash, err = hashFile(o.at.full, t.pos.Byte); err != nil {
			return t, o.s.unreadable(err, o.at.path)
		}
		return t, nil
	default:
		if _, err = io.Copy(io.Discard, &o.raw); err != nil { // what a decompressor left unread
			return t, o.s.unreadable(err, o.at.path)
		}
		sum := hexSum(o.raw.hash)
		if o.known != "" && o.known != sum {
			return t, o.s.halfRead(o.at.path)
		}
		o.known, t.done = sum, true
	}
	t.hash = o.known
	return t, nil
}

// growing says whether the file may still be being written, and places in it are places on disk.
func (o *opened) growing() bool {
	return o.it.to == nil && o.unzip == nil && o.encoding == "" && o.at.young()
}

// proved is the file's hash; a packed file is read to its end for it, so that no part of one is taken that ends too early.
func (o *opened) proved() (string, error) {
	if o.unzip == nil {
		return hashFile(o.at.full, -1)
	}
	f, err := os.Open(o.at.full)
	if err != nil {
		return "", err
	}
	defer f.Close()
	raw := countedReader{r: f, hash: xxhash.New()}
	data, unzip, err := unpack(&raw, o.s.compressionOf(o.at.path))
	if err != nil {
		return "", err
	}
	defer unzip.Close()
	for _, r := range []io.Reader{data, &raw} {
		if _, err := io.Copy(io.Discard, r); err != nil {
			return "", err
		}
	}
	return hexSum(raw.hash), nil
}

func (o *opened) Close() {
	if o.unzip != nil {
		_ = o.unzip.Close()
	}
	_ = o.f.Close()
}

// oddities are what is to be told of a file when it is begun. fail: what the declaration says must not be.
func (o *opened) oddities(absent []string) (out []warning, fail error) {
	s, f := o.s, o.file
	warn, stop := s.Missing(o.at.path, absent, f.Fresh)
	if stop != nil {
		return nil, stop
	}
	if warn != nil {
		out = append(out, warning{warn, o.at.path})
	}
	if o.encoding != s.dialect.Encoding {
		f.Warn(code.SourceEncoding, fmt.Sprintf("%s is no UTF-8; it is read as %s", o.at.path, strings.ToUpper(o.encoding)),
			"write encoding '"+o.encoding+"' to say so")
	}
	for _, e := range f.Warnings {
		e.Src, e.Span = s.Stmt.Src, s.patternAt
		out = append(out, warning{e, o.at.path})
	}
	return out, nil
}
