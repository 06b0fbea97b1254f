package schema

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
)

// Decoder is what the decoders of values with a schema have in common: what has become of the value in hand. Like the JSON
// decoder they follow its bytes along the declared columns and keep nothing in between; all three agree on what converts.
type Decoder struct {
	W       *convert.Writer
	root    *convert.Slot // the columns by their paths
	columns []*convert.Column
	names   *convert.NameSet
	more    *Additions // fields that no column reads
	limit   int        // bytes of a text that is made of a value
	format  string     // for reasons

	lenient bool
	set     int    // columns of the record or STRUCT in hand that have a value
	serial  uint64 // counts records and STRUCTs
	scope   uint64 // the one in hand
	Found   int64  // fields that no column takes

	Last Name   // of the schema in hand
	Head int    // how many bytes of the value that was prepared name it
	Why  string // what is wrong with its name, or with its schema

	broken string        // what is wrong with the bytes; nothing behind it can be read
	fault  convert.Fault // the first value that doesn't convert
	col    *convert.Column
	said   []byte // that value, for the reason
	quote  bool
	Text   []byte // JSON in the making
}

// NewDecoder makes one; limit is how long a text may be that is made of a value, format what reasons call them.
func NewDecoder(to convert.Columns, limit int64, format string) Decoder {
	return Decoder{more: &Additions{}, W: to.W, root: to.Root, columns: to.All, names: to.Names, limit: int(limit), format: format}
}

func (d *Decoder) Unknown() int64 { return d.Found }

func (d *Decoder) Additions() ([]duck.Column, bool) { return d.more.Columns(), true }

func (d *Decoder) Begin(lenient bool) {
	d.lenient, d.Found, d.set = lenient, 0, 0
	d.broken, d.fault = "", convert.Fine
	d.serial++
	d.scope = d.serial
}

// End is the answer of decode.
func (d *Decoder) End(ok bool, row int) (why string, set int, full bool) {
	if (ok || d.lenient) && d.set < len(d.columns) {
		d.nullRest(d.columns, row)
	}
	switch {
	case ok || d.lenient:
		return "", d.set, false
	case d.broken != "":
		return d.broken, 0, false
	case d.fault == convert.NoRoom:
		return "", 0, true
	}
	return d.fault.Reason(d.col, d.said, d.quote), 0, false
}

// Inside calls fields for the columns of a STRUCT; those that got no value are NULL then.
func (d *Decoder) Inside(children []*convert.Column, row int, fields func() bool) bool {
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

func (d *Decoder) nullRest(cols []*convert.Column, row int) {
	for _, c := range cols {
		if c.Mark != d.scope {
			d.W.Chunk.SetNull(c.Node, row)
		}
	}
}

// Took notes that a column of the record or STRUCT in hand has a value.
func (d *Decoder) Took(c *convert.Column) {
	if c.Mark != d.scope { // a key of a map may stand there twice
		c.Mark = d.scope
		d.set++
	}
}

// Broken notes what is wrong with the bytes: nothing behind it can be read.
func (d *Decoder) Broken(format string, args ...any) bool {
	if d.broken == "" {
		d.broken = "no " + d.format + " of its schema: " + fmt.Sprintf(format, args...)
	}
	return false
}

// Fail notes the first value that doesn't convert.
func (d *Decoder) Fail(f convert.Fault, c *convert.Column, said []byte, quote bool) convert.Outcome {
	if d.fault == convert.Fine {
		d.fault, d.col, d.quote = f, c, quote
		d.said = append(d.said[:0], said[:min(len(said), 2*jsontext.ExcerptBytes)]...)
	}
	return convert.Failed
}

// MayPass says whether to go on behind a value that did not convert.
func (d *Decoder) MayPass() bool { return d.lenient && d.broken == "" && d.fault != convert.NoRoom }

// KeepText gives the JSON that was made to a column.
func (d *Decoder) KeepText(c *convert.Column, row int) convert.Outcome {
	text, room := d.W.Keep(d.Text)
	if !room {
		return d.Fail(convert.NoRoom, c, nil, false)
	}
	d.W.Vecs[c.Vec].PutBytes(row, text)
	return convert.IsSet
}

// MayRender bounds the JSON that is made of a value.
func (d *Decoder) MayRender(depth int) bool {
	if depth > jsontext.MaxDepth {
		return d.Broken("more than %d levels", jsontext.MaxDepth)
	}
	if len(d.Text) > d.limit {
		d.Fail(convert.NoRoom, nil, nil, false)
		return false
	}
	return true
}

// Abandon makes the elements of a list that was not finished NULL: DuckDB casts whole child vectors, also what no list points at.
func (d *Decoder) Abandon(c *convert.Column, at, n int) bool {
	for r := at; r < at+n; r++ {
		d.W.Chunk.SetNull(c.Node.Children[0], r)
	}
	return false
}

// Cache has what was made of schemas, by their names; each is asked of the registry once.
type Cache[T any] struct {
	fetch   Source
	want    *sr.SchemaType // nil: any
	compile func(ctx context.Context, s *Text) (T, error)
	known   map[Name]*Compiled[T]
	unheard map[Name]unheard[T]
	Now     func() time.Time
}

// Compiled is what was made of a schema; why says what is wrong with it, and so with all its records.
type Compiled[T any] struct {
	T   T
	Why string
}

// unheard is a name that the registry didn't know when it was asked.
type unheard[T any] struct {
	s     *Compiled[T]
	until time.Time // when it is asked again
}

const (
	AskAgain   = 10 * time.Second
	maxUnheard = 1000
)

func NewCache[T any](fetch Source, want sr.SchemaType,
	compile func(ctx context.Context, s *Text) (T, error)) Cache[T] {
	return Cache[T]{fetch, &want, compile, map[Name]*Compiled[T]{}, map[Name]unheard[T]{}, time.Now}
}

// Kinds is a cache of what kinds schemas are of.
func Kinds(fetch Source) *Cache[sr.SchemaType] {
	c := NewCache(fetch, sr.TypeAvro, func(_ context.Context, s *Text) (sr.SchemaType, error) { return s.Kind, nil })
	c.want = nil
	return &c
}

// Get gives what is wrong with a schema as the why of what was made of it, also that there is no such schema. An error is the registry's.
func (c *Cache[T]) Get(ctx context.Context, name Name) (*Compiled[T], error) {
	if s := c.known[name]; s != nil {
		return s, nil
	}
	u, asked := c.unheard[name]
	if asked && c.Now().Before(u.until) {
		return u.s, nil
	}
	text, err := c.fetch(ctx, name)
	var none NoSchema
	switch {
	case errors.As(err, &none):
		if len(c.unheard) == maxUnheard {
			clear(c.unheard)
		}
		u = unheard[T]{&Compiled[T]{Why: string(none)}, c.Now().Add(AskAgain)}
		c.unheard[name] = u
		return u.s, nil
	case err != nil:
		return nil, err
	}
	s := &Compiled[T]{}
	if c.want != nil && text.Kind != *c.want {
		s.Why = fmt.Sprintf("schema %s is of %s, not of %s", name, text.Kind, *c.want)
	} else if s.T, err = c.compile(ctx, text); err != nil {
		s.Why = fmt.Sprintf("schema %s: %v", name, err)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	delete(c.unheard, name)
	c.known[name] = s
	return s, nil
}

// Named finds the schema of a value: in its record's header, where that has one, else in front of it. rest is what stands behind the name.
// It is false where there is none: why says so then.
func (d *Decoder) Named(value, header []byte) (n Name, rest []byte, ok bool) {
	d.Head, d.Why = 0, ""
	if header != nil {
		if n, rest, ok = IDOfHeader(header); !ok {
			d.Nameless(fmt.Sprintf("the header for it has the %d bytes %x", len(header), header[:min(len(header), jsontext.ExcerptBytes)]))
		}
		return n, rest, ok
	}
	id, ok := ID(value)
	switch {
	case ok:
		d.Head = 5
		return Name{ID: id}, value[5:], true
	case len(value) < 5:
		d.Nameless(fmt.Sprintf("%d bytes", len(value)))
	default:
		d.Nameless("it begins with " + jsontext.Excerpt(value[:5], true) + ", not with a zero byte")
	}
	return n, nil, false
}

// Surplus is why for what follows the name of a schema in a header.
func (d *Decoder) Surplus(rest []byte) {
	if len(rest) > 0 && d.Why == "" {
		d.Nameless(fmt.Sprintf("%d bytes follow it in its header", len(rest)))
	}
}

func (d *Decoder) Nameless(why string) { d.Why = "no " + d.format + " with a schema id: " + why }
