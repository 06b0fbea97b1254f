package batch

import (
	"context"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/schema"
)

// Format is how records are written: what its package gives to the table of formats, beside a name that declarations know it by.
type Format struct {
	Name    string
	Doc     string   // what is to be said behind the name
	Endings []string // of the names of files that are of it

	// Files makes what opens the files of a landing. nil: files aren't written in it, or DuckDB reads them.
	Files func(c *duck.Conn, l *Landing) (Opener, error)
	// Values makes the decoder of the values of a topic's records. nil: they aren't written in it.
	Values func(l *Landing) (ValueDecoder, error)
	// Keys makes the decoder of keys that a registry's serialisers wrote, for the columns that take the whole key or parts of it. nil: keys
	// are texts.
	Keys func(l *Landing, to convert.Columns) KeyDecoder
	// Registered: the schemas of values are in a registry. nil: they need none.
	Registered *Registered

	Registry bool // values may have schemas in a registry, and may have none

	// Object is the JSON object in a value whose fields may become columns, on one line; nil where there is none. A nil Object: values
	// don't name their fields.
	Object func(value []byte) []byte

	Inferred bool   // DuckDB finds the columns of its files
	Flat     bool   // a record is its fields in their order: no paths lead into it
	Single   bool   // a value is one column
	Offsets  bool   // a line may hold several records, so that the byte of a record is kept beside its line
	KeyBelow string // a field that the fields of a key may stand in
}

// Registered is a format whose schemas are in a registry.
type Registered struct {
	Type sr.SchemaType
	// Record is the type of a value; rest is what stands behind the name of its schema.
	Record func(ctx context.Context, s *schema.Text, rest []byte) (*schema.Type, error)
}

// Opener begins a file: it reads what stands above the records, and says what cuts them. Reading goes on at from, or behind what the
// opener took where that is further.
type Opener func(f *File, from Pos) (Cutter, error)

// Cutter cuts a file's bytes into records and decodes them.
type Cutter interface {
	// Run decodes records from the start of region on and says how many bytes it took. It stops before a record that is not
	// complete (at eof there is none such) or, full, when the buffer takes no more.
	Run(b *Buffer, region []byte, eof bool) (n int, full bool)
	// Giant rejects a record that begins a region and does not end in it, where there will be no more room. It says how many
	// bytes it took, and how many of them the reject needs; the rest of the record is skipped by run.
	Giant(b *Buffer, region []byte) (n, keep int)
	// More says whether what is left has a record in it, as far as it was read.
	More(rest []byte, eof bool) bool
	// Unfinished says whether rest, which a file ends in, may be the beginning of a record.
	Unfinished(rest []byte) bool
}

// ValueDecoder turns the value of a record into a row of the chunk that the landing's writer has in use.
type ValueDecoder interface {
	// Decode writes each column of l.values; one that the value doesn't have is NULL. why says what is wrong with the value, "" for
	// nothing: then the row is half written. full says that there was no room for it. A lenient decode goes on behind what does not
	// convert, with NULL there. set is how many columns got a value.
	Decode(value []byte, row int, lenient bool) (why string, set int, full bool)
	// Unknown is how many fields of the value decoded last nobody declared.
	Unknown() int64
}

// preparer is a decoder that needs something from outside before it can decode a value: its schema, which is named in front of it or in a
// header (nil: the record has none). What is wrong with the value decode says; an error is one of what is outside.
type preparer interface {
	Prepare(ctx context.Context, value, header []byte) error
}

// KeyDecoder is a decoder of keys with a schema.
type KeyDecoder interface {
	ValueDecoder
	preparer
}

// marking is a decoder whose records have marks.
type marking interface{ Marked() Marks }

// skipping is a decoder some of whose records say nothing of rows: heartbeats, say.
type skipping interface{ Skipped() bool }

// Marks are what a record says of the batch that it is in: its batch has but records that say the same.
type Marks struct {
	Absent   string // columns that it says nothing of, each behind a zero
	Truncate bool   // all rows are gone
}

// Adding is a decoder whose records come with schemas.
type Adding interface {
	// Additions are the fields of the records so far that no column reads, as their schemas have them. all says that there are no others.
	Additions() (cols []duck.Column, all bool)
}

// Topics is what decoding the records of topics needs beside.
type Topics struct {
	Values, Keys schema.Source // nil: there is no registry
	Formats      []*Format     // those that keys in a registry may be of
	// JSON makes the decoder of keys that are JSON.
	JSON func(to convert.Columns) ValueDecoder
	Many bool // a pattern takes the topics, and maybe some that nobody meant
}
