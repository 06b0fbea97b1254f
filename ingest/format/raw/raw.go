// Package raw is the format raw: a value as it is.
package raw

import (
	"dsql/ingest/batch"
	"dsql/ingest/convert"
)

// Format takes a value as it is.
var Format = batch.Format{
	Name: "raw", Doc: "the value as it is, into the one column that there is", Flat: true, Single: true,
	Values: func(l *batch.Landing) (batch.ValueDecoder, error) { return &value{l}, nil },
}

// value gives the value as it is to the one column that there is.
type value struct{ l *batch.Landing }

func (*value) Unknown() int64 { return 0 }

func (r *value) Decode(value []byte, row int, _ bool) (why string, set int, full bool) {
	for _, i := range r.l.Values {
		c := r.l.Compiled[i]
		f := r.l.Writer.Bytes(c, row, value)
		switch {
		case f == convert.NoRoom:
			return "", 0, true
		case f != convert.Fine:
			r.l.Writer.Chunk.SetNull(c.Node, row)
			return f.Reason(c, value, true), 0, false
		}
		set++
	}
	return "", set, false
}
