package serve

import (
	"context"
	"errors"

	"dsql/ingest/objects"
)

// decoders is how many decoders a version keeps: they are used while a row is decoded, not while it is scored.
const decoders = 8

// decoder is one that nobody uses, until it is given back.
func (x *versionAt) decoder(ctx context.Context, f *file) (*objects.Objects, error) {
	select {
	case o := <-x.free:
		return o, nil
	default:
	}
	rd, err := f.readers.take(ctx)
	if err != nil {
		return nil, err
	}
	defer f.readers.give(rd)
	return objects.New(rd.conn, x.Inputs)
}

// give keeps a decoder for who comes next. nil was given already.
func (x *versionAt) give(o *objects.Objects) {
	if o == nil {
		return
	}
	select {
	case x.free <- o:
	default:
		_ = o.Close() // memory that can't be given back harms nobody
	}
}

// decode takes as many rows as there is room for, from the from-th on.
func (x *versionAt) decode(o *objects.Objects, rows [][]byte, from int) (n int, err error) {
	o.Reset()
	for ; from+n < len(rows); n++ {
		err := o.Decode(rows[from+n])
		if errors.Is(err, objects.ErrFull) && n > 0 {
			break
		}
		if err != nil {
			return n, x.wrong(err, from+n)
		}
	}
	return n, nil
}
