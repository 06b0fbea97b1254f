package ingest

import "cmp"

// csvValue decodes values that are one line of CSV; its fields are the declared columns, in order.
type csvValue struct{ c *csvDecoder }

func newCSVValue(l *Landing) *csvValue {
	c := newCSVDecoder(l, nestedJSON(l))
	c.width = len(l.values)
	c.setDelim(cmp.Or(l.dialect.Delim, ","))
	for at, i := range l.values {
		c.targets = append(c.targets, c.target(at, i))
	}
	return &csvValue{c}
}

func (v *csvValue) unknown() int64 { return v.c.unknown }

func (v *csvValue) decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	c := v.c
	size := c.split(value, true)
	rec := value[:c.end]
	switch {
	case lenient && (c.broken != "" || size < len(value)):
		return "", 0, false
	case lenient:
		return "", c.salvage(rec, row), false
	case c.broken != "":
		return c.broken, 0, false
	case size < len(value):
		return "more than one line", 0, false
	}
	if why = c.check(rec); why != "" {
		return why, 0, false
	}
	at, f := c.convert(rec, row)
	if f == fine {
		return "", len(c.targets), false
	}
	return c.reason(at, f, rec), 0, f == noRoom
}
