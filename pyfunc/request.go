package pyfunc

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"dsql/engine/duck"
)

// A request has the arguments of one or several chunks of DuckDB's, and its answer has as many pieces.

// args are the arguments of a chunk of rows.
type args struct {
	rows  int
	frame *duck.Frame
}

// frames are those that nothing needs any more: a batch is made of hundreds, half a megabyte each.
var frames = sync.Pool{New: func() any { return &duck.Frame{} }}

func newArgs(rows int) args {
	f, ok := frames.Get().(*duck.Frame)
	if !ok {
		f = &duck.Frame{}
	}
	f.Words, f.Body = f.Words[:0], f.Body[:0]
	return args{rows, f}
}

func (a args) done() { frames.Put(a.frame) }

// piece is what a function gave for the rows of a chunk.
type piece struct {
	words  []int64
	block  *duck.Block
	failed []failedRow
}

// ask has a worker compute what the function gives for some chunks. With skip rows that fail are NULL, and told.
func (f *Function) ask(ctx context.Context, chunks []args, skip bool) ([]piece, error) {
	p, err := f.host.pool(f)
	if err != nil {
		return nil, err
	}
	rows := 0
	for _, c := range chunks {
		rows += c.rows
	}
	a, err := p.call(ctx, f, request(f.id, chunks, rows, skip), rows)
	if err != nil {
		return nil, err
	}
	defer func() { a.block.Free() }()
	if a.rows != rows {
		return nil, errFrame
	}
	out, err := a.pieces(chunks)
	if err != nil {
		for _, p := range out {
			p.block.Free()
		}
		return nil, err
	}
	return out, nil
}

// request is a call's header, then the words of each chunk behind where its bytes begin, then the bytes of all.
func request(id int64, chunks []args, rows int, skip bool) [][]byte {
	var words []int64
	size := 0
	for _, c := range chunks {
		words = append(append(words, int64(size)), c.frame.Words...)
		size += len(c.frame.Body)
	}
	var flags int64
	if skip {
		flags = flagSkip
	}
	parts := [][]byte{message(header{opCall, id, int64(rows), int64(len(chunks)), int64(len(words)), int64(size), 0, flags}, bytesOf(words))}
	for _, c := range chunks {
		parts = append(parts, c.frame.Body)
	}
	return parts
}

// message is a header with what follows it.
func message(h header, body []byte) []byte {
	b := make([]byte, 0, 8*len(h)+len(body))
	for _, w := range h {
		b = binary.NativeEndian.AppendUint64(b, uint64(w))
	}
	return append(b, body...)
}

// pieces takes an answer apart: three words a piece, its number of words and where its bytes begin and end; then the words of each.
func (a *answer) pieces(chunks []args) ([]piece, error) {
	n := len(chunks)
	if len(a.words) < 3*n {
		return nil, errFrame
	}
	heads, words := a.words[:3*n], a.words[3*n:]
	out := make([]piece, 0, n)
	for i := range n {
		count, from, to := heads[3*i], heads[3*i+1], heads[3*i+2]
		if count < 0 || count > int64(len(words)) || from < 0 || from > to || to > int64(len(a.block.Bytes())) {
			return out, errFrame
		}
		p := piece{words: words[:count:count]}
		if n == 1 && from == 0 {
			p.block, a.block = a.block, duck.NewBlock(0)
		} else {
			p.block = a.block.Part(int(from), int(to))
		}
		out, words = append(out, p), words[count:]
	}
	first := 0
	failed := slices.Clone(a.failed)
	for i, c := range chunks {
		for len(failed) > 0 && failed[0].Row >= first && failed[0].Row < first+c.rows {
			out[i].failed = append(out[i].failed, failedRow{failed[0].Row - first, failed[0].Text})
			failed = failed[1:]
		}
		first += c.rows
	}
	if len(failed) > 0 {
		return out, errFrame
	}
	return out, nil
}
