package files

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// zstdWindow is how far back a zstd frame may refer: as far as `zstd --long=28` does.
const zstdWindow = 1 << 28

// unpack reads what a file holds. close is nil where there is nothing to be given back.
func unpack(r io.Reader, compression string) (data io.Reader, close io.Closer, err error) {
	switch compression {
	case "gzip":
		z := &gzipReader{in: bufio.NewReaderSize(r, 64<<10)}
		head, err := z.in.Peek(2)
		if len(head) == 2 && (head[0] != 0x1f || head[1] != 0x8b) {
			return nil, nil, errNoGzip
		}
		if err != nil {
			return nil, nil, errCutOff
		}
		if z.member, err = gzip.NewReader(z.in); err != nil {
			return nil, nil, packed(err)
		}
		z.member.Multistream(false)
		return z, z.member, nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, nil, packed(err)
		}
		return &zstdReader{z}, z.IOReadCloser(), nil
	}
	return r, nil, nil
}

var (
	errNoGzip = errors.New("it is no gzip file: give it the ending of what it is, or write compression none")
	errNoZstd = errors.New("it is no zstd file: give it the ending of what it is, or write compression none")
	errCutOff = errors.New("it ends too early: it was cut off, or is still being written")
	errWindow = errors.New("its zstd window is larger than 256 MiB: pack it without --long, or with --long=28 at most")
)

// packed says what is wrong with a packed file.
func packed(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errCutOff
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrWindowSizeTooSmall):
		return errWindow
	case errors.Is(err, zstd.ErrMagicMismatch):
		return errNoZstd
	}
	return err
}

type zstdReader struct{ z *zstd.Decoder }

func (r *zstdReader) Read(p []byte) (int, error) {
	n, err := r.z.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = packed(err)
	}
	return n, err
}

// gzipReader reads the members of a gzip file one behind the other. Zero bytes behind the last one are padding, as tapes and blocks of
// a store leave it.
type gzipReader struct {
	in     *bufio.Reader
	member *gzip.Reader
}

func (r *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := r.member.Read(p)
		if err == nil || n > 0 {
			return n, nil
		}
		if !errors.Is(err, io.EOF) {
			return 0, packed(err)
		}
		if err := r.padding(); err != nil {
			return 0, err
		}
		if err := r.member.Reset(r.in); err != nil {
			return 0, packed(err)
		}
		r.member.Multistream(false)
	}
}

// padding steps over zero bytes, which only the end of the file may follow: then it is io.EOF.
func (r *gzipReader) padding() error {
	zeros := false
	for {
		c, err := r.in.ReadByte()
		switch {
		case err != nil:
			return err
		case c == 0:
			zeros = true
		case zeros || c != 0x1f:
			return errors.New("bytes stand behind the end of its gzip data")
		default:
			return r.in.UnreadByte()
		}
	}
}
