package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
)

// schemaDecoder is what the decoders of values with a schema have in common: what has become of the value in hand. Like the JSON
// decoder they follow its bytes along the declared columns and keep nothing in between; all three agree on what converts.
type schemaDecoder struct {
	w       *writer
	root    *slot // the columns by their paths
	columns []*column
	names   *nameSet
	more    *additions // fields that no column reads
	limit   int        // bytes of a text that is made of a value
	format  string     // for reasons

	lenient bool
	set     int    // columns of the record or STRUCT in hand that have a value
	serial  uint64 // counts records and STRUCTs
	scope   uint64 // the one in hand
	found   int64  // fields that no column takes

	last schemaName // of the schema in hand
	head int        // how many bytes of the value that was prepared name it
	why  string     // what is wrong with its name, or with its schema

	broken string // what is wrong with the bytes; nothing behind it can be read
	fault  fault  // the first value that doesn't convert
	col    *column
	said   []byte // that value, for the reason
	quote  bool
	text   []byte // JSON in the making
}

// newSchemaDecoder makes one; limit is how long a text may be that is made of a value, format what reasons call them.
func newSchemaDecoder(to Columns, limit int64, format string) schemaDecoder {
	return schemaDecoder{more: &additions{}, w: to.W, root: to.Root, columns: to.All, names: to.Names, limit: int(limit), format: format}
}

func (d *schemaDecoder) unknown() int64 { return d.found }

func (d *schemaDecoder) additions() ([]duck.Column, bool) { return d.more.columns(), true }

func (d *schemaDecoder) begin(lenient bool) {
	d.lenient, d.found, d.set = lenient, 0, 0
	d.broken, d.fault = "", fine
	d.serial++
	d.scope = d.serial
}

// end is the answer of decode.
func (d *schemaDecoder) end(ok bool, row int) (why string, set int, full bool) {
	if (ok || d.lenient) && d.set < len(d.columns) {
		d.nullRest(d.columns, row)
	}
	switch {
	case ok || d.lenient:
		return "", d.set, false
	case d.broken != "":
		return d.broken, 0, false
	case d.fault == noRoom:
		return "", 0, true
	}
	return d.fault.reason(d.col, d.said, d.quote), 0, false
}

// inside calls fields for the columns of a STRUCT; those that got no value are NULL then.
func (d *schemaDecoder) inside(children []*column, row int, fields func() bool) bool {
	scope, set := d.scope, d.set
	d.serial++
	d.scope, d.set = d.serial, 0
	ok := fields()
	if ok && d.set < len(children) {
		d.nullRest(children, row)
	}
	d.scope, d.set = scope, set
	return ok
}

func (d *schemaDecoder) nullRest(cols []*column, row int) {
	for _, c := range cols {
		if c.mark != d.scope {
			d.w.chunk.SetNull(c.node, row)
		}
	}
}

// took notes that a column of the record or STRUCT in hand has a value.
func (d *schemaDecoder) took(c *column) {
	if c.mark != d.scope { // a key of a map may stand there twice
		c.mark = d.scope
		d.set++
	}
}

// bad notes what is wrong with the bytes: nothing behind it can be read.
func (d *schemaDecoder) bad(format string, args ...any) bool {
	if d.broken == "" {
		d.broken = "no " + d.format + " of its schema: " + fmt.Sprintf(format, args...)
	}
	return false
}

// fail notes the first value that doesn't convert.
func (d *schemaDecoder) fail(f fault, c *column, said []byte, quote bool) outcome {
	if d.fault == fine {
		d.fault, d.col, d.quote = f, c, quote
		d.said = append(d.said[:0], said[:min(len(said), 2*excerptBytes)]...)
	}
	return failed
}

// mayPass says whether to go on behind a value that did not convert.
func (d *schemaDecoder) mayPass() bool { return d.lenient && d.broken == "" && d.fault != noRoom }

// keepText gives the JSON that was made to a column.
func (d *schemaDecoder) keepText(c *column, row int) outcome {
	text, room := d.w.keep(d.text)
	if !room {
		return d.fail(noRoom, c, nil, false)
	}
	d.w.vecs[c.vec].PutBytes(row, text)
	return isSet
}

// mayRender bounds the JSON that is made of a value.
func (d *schemaDecoder) mayRender(depth int) bool {
	if depth > maxDepth {
		return d.bad("more than %d levels", maxDepth)
	}
	if len(d.text) > d.limit {
		d.fail(noRoom, nil, nil, false)
		return false
	}
	return true
}

// abandon makes the elements of a list that was not finished NULL: DuckDB casts whole child vectors, also what no list points at.
func (d *schemaDecoder) abandon(c *column, at, n int) bool {
	for r := at; r < at+n; r++ {
		d.w.chunk.SetNull(c.node.Children[0], r)
	}
	return false
}

// schemaCache has what was made of schemas, by their names; each is asked of the registry once.
type schemaCache[T any] struct {
	fetch   schemaSource
	want    sr.SchemaType
	compile func(ctx context.Context, s *schemaText) (T, error)
	known   map[schemaName]*compiledSchema[T]
	unheard map[schemaName]unheard[T]
}

// compiledSchema is what was made of a schema; why says what is wrong with it, and so with all its records.
type compiledSchema[T any] struct {
	t   T
	why string
}

// unheard is a name that the registry didn't know when it was asked.
type unheard[T any] struct {
	s     *compiledSchema[T]
	until time.Time // when it is asked again
}

const (
	askAgain   = 10 * time.Second
	maxUnheard = 1000
)

func newSchemaCache[T any](fetch schemaSource, want sr.SchemaType,
	compile func(ctx context.Context, s *schemaText) (T, error)) schemaCache[T] {
	return schemaCache[T]{fetch, want, compile, map[schemaName]*compiledSchema[T]{}, map[schemaName]unheard[T]{}}
}

// get gives what is wrong with a schema as the why of what was made of it, also that there is no such schema. An error is the registry's.
func (c *schemaCache[T]) get(ctx context.Context, name schemaName) (*compiledSchema[T], error) {
	if s := c.known[name]; s != nil {
		return s, nil
	}
	u, asked := c.unheard[name]
	if asked && time.Now().Before(u.until) {
		return u.s, nil
	}
	text, err := c.fetch(ctx, name)
	var none noSchema
	switch {
	case errors.As(err, &none):
		if len(c.unheard) == maxUnheard {
			clear(c.unheard)
		}
		u = unheard[T]{&compiledSchema[T]{why: string(none)}, time.Now().Add(askAgain)}
		c.unheard[name] = u
		return u.s, nil
	case err != nil:
		return nil, err
	}
	s := &compiledSchema[T]{}
	if text.kind != c.want {
		s.why = fmt.Sprintf("schema %s is of %s, not of %s", name, text.kind, c.want)
	} else if s.t, err = c.compile(ctx, text); err != nil {
		s.why = fmt.Sprintf("schema %s: %v", name, err)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	delete(c.unheard, name)
	c.known[name] = s
	return s, nil
}
