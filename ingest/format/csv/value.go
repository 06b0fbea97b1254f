package csv

import (
	"cmp"

	"dsql/ingest/batch"
	"dsql/ingest/convert"
)

// value decodes values that are one line of CSV; its fields are the declared columns, in order.
type value struct{ c *decoder }

func (v *value) Unknown() int64 { return v.c.unknown }

func (v *value) Decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
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
	if f == convert.Fine {
		return "", len(c.targets), false
	}
	return c.reason(at, f, rec), 0, f == convert.NoRoom
}

func newValue(l *batch.Landing) *value {
	c := newDecoder(l, nestedJSON(l))
	c.width = len(l.Values)
	c.setDelim(cmp.Or(l.Dialect.Delim, ","))
	for at, i := range l.Values {
		c.targets = append(c.targets, c.target(at, i))
	}
	return &value{c}
}
