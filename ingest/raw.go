package ingest

// rawFormat takes a value as it is.
var rawFormat = Format{
	Name: "raw", Doc: "the value as it is, into the one column that there is", Flat: true, Single: true,
	Values: func(l *Landing) (valueDecoder, error) { return &rawValue{l}, nil },
}

// rawValue gives the value as it is to the one column that there is.
type rawValue struct{ l *Landing }

func (*rawValue) unknown() int64 { return 0 }

func (r *rawValue) decode(value []byte, row int, _ bool) (why string, set int, full bool) {
	for _, i := range r.l.values {
		c := r.l.columns[i]
		f := r.l.w.bytes(c, row, value)
		switch {
		case f == noRoom:
			return "", 0, true
		case f != fine:
			r.l.w.chunk.SetNull(c.node, row)
			return f.reason(c, value, true), 0, false
		}
		set++
	}
	return "", set, false
}
