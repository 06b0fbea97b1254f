package csv

import (
	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/format/json"
)

// decoder reads delimited text as DuckDB's reader does in its strict mode: fields in quotes may hold delimiters and line ends,
// a quote inside such a field is doubled (or escaped), blanks around a quoted field don't belong to it, a quote that doesn't begin
// a field is a character like others. Stricter than DuckDB: see the package convert; looser: lines may end in \n, \r\n and \r\r\n by turns.
//
// A record whose quotes are wrong ends with its first line, so that one stray quote doesn't take the rest of the file with it.
type decoder struct {
	l       *batch.Landing
	f       *batch.File   // nil: values of topics
	json    *json.Decoder // of nested columns
	delim   byte
	rest    []byte // what follows it in a delimiter of several bytes
	newline byte   // \n, or \r where no \n stands outside quotes
	quote   byte   // 0: none
	escape  byte
	comment byte // 0: none

	width      int      // fields of a record
	surplus    bool     // behind the last field of each record stands one more delimiter, which the header doesn't have
	targets    []target // the columns that the file has
	unknown    int64    // fields of a record that nobody declared
	nullStr    [][]byte // nil: the empty field
	quotedNull bool

	// the record in hand, from split
	spans  []span
	fields int // all of them, also those that spans has no room for
	end    int // of the record without its line end
	lines  int
	high   bool   // bytes that are not ASCII may be there
	broken string // what is wrong with the quotes

	refused string // why no record of the file is good

	keywords map[string]bool // with Normalize: SQL's
}

// span is a field.
type span struct {
	from, to        int
	quoted, escaped bool
}

type target struct {
	at      int // the file's field
	col     *convert.Column
	notNull bool // the texts that are NULL are values of it: force_not_null
}

// newDecoder makes a decoder of what the dialect says.
func newDecoder(l *batch.Landing, nested *json.Decoder) *decoder {
	d := &l.Dialect
	c := &decoder{l: l, json: nested, newline: '\n', quote: d.Quote, escape: d.Escape, comment: d.Comment, quotedNull: !d.NoQuotedNull}
	if d.NullSet {
		c.nullStr = [][]byte{}
		for _, s := range d.NullStr {
			c.nullStr = append(c.nullStr, []byte(s))
		}
	}
	return c
}

func (c *decoder) setDelim(s string) { c.delim, c.rest = s[0], []byte(s[1:]) }

// nestedJSON makes the decoder of the nested columns of a landing's records.
func nestedJSON(l *batch.Landing) *json.Decoder {
	return json.NewDecoder(convert.Columns{W: &l.Writer, Root: &convert.Slot{Obj: convert.NewObject()}, Names: &l.Names})
}

const (
	maxHeader = 1 << 16 // fields of a header
	maxFirst  = 1 << 20 // bytes of it
)
