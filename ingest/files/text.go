package files

import (
	"context"
	"slices"

	"dsql/engine/kind"
	"dsql/ingest/batch"
)

// textReader hands out a source's batches of text. A goroutine fills the next one while the last is written: it alone touches the landing
// between the opening and Close.
type textReader struct {
	*reader
	ahead  *ahead
	cancel context.CancelFunc
}

func openText(ctx context.Context, r *reader, l *batch.Landing, work []item) *textReader {
	ctx, cancel := context.WithCancel(ctx)
	t := &textReader{reader: r, cancel: cancel, ahead: &ahead{s: r.s, landing: l, work: work, filled: make(chan filled)}}
	go t.ahead.read(ctx)
	return t
}

func (r *textReader) Close() error {
	r.cancel()
	for b := range r.ahead.filled { // the goroutine ends and closes the channel
		b.release()
	}
	r.ahead.landing.Close()
	r.captures.close()
	return nil
}

func (r *textReader) Next(ctx context.Context) (*kind.Input, error) {
	b, err := r.receive(ctx, false)
	if err != nil {
		return nil, err
	}
	return r.input(ctx, b, b.buf.Input())
}

// receive waits for the next batch. Of a load that can't be read to its end it gives one without a buffer, where a part of it was given.
func (r *textReader) receive(ctx context.Context, part bool) (filled, error) {
	for {
		var b filled
		var ok bool
		select {
		case b, ok = <-r.ahead.filled:
		case <-ctx.Done():
			return filled{}, ctx.Err()
		}
		if !ok {
			return filled{}, r.ahead.end
		}
		if b.buf == nil {
			r.tell(b.warnings)
		}
		if b.aside != nil {
			if err := r.setAside(ctx, b.aside); err != nil {
				return filled{}, err
			}
		}
		switch {
		case b.buf != nil && !r.changedBefore(b.files):
			return b, nil
		case b.buf == nil && part:
			return b, nil
		}
		b.release()
	}
}

// changedBefore says whether a batch has more of a file of which a part was rolled back.
func (r *textReader) changedBefore(files []taken) bool {
	return slices.ContainsFunc(files, func(f taken) bool { return r.passed[f.path] })
}
