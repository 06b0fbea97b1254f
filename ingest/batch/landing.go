// Package batch owns the batches: a Landing decodes the records of one source into Buffers that DuckDB scans in place, good ones and bad
// ones with why they are. Files and records of topics come to it from a carrier (ingest/files, ingest/kafka); how they are cut and
// decoded it asks their Format. Where rows go, and what was taken already, is none of its business.
package batch

import (
	"errors"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/schema"
	"dsql/sql"
	"dsql/sql/code"
)

// Field is a declared column as the decoders see it.
type Field struct {
	Name    string
	Type    duck.Type
	Path    []string // FROM '$.a.b': the steps (an array's elements by index), for CSV one, the header's name; nil: the column's name
	Format  string   // "": by type; a word of epochs, or a strptime pattern
	Capture string   // not "": the value of the path capture of that name, the same for a whole file
	Key     bool     // FROM KEY: from the record's key, which files don't have: NULL
}

// UsualRows is how many records a batch has at most by default: two row groups, which DuckDB writes past its WAL.
const UsualRows = 245_760

// Limits of a batch; 0 is the default.
type Limits struct {
	Rows  int   // UsualRows
	Bytes int64 // 96 MiB of records, and as many again for values that don't stand in them as they are; a larger record is bad
}

// Pos is the start of a record in a file, from which reading can go on: the byte, and the line counted from 1.
type Pos struct{ Byte, Line int64 }

// FileInfo is what a file's records share.
type FileInfo struct {
	Path     string            // for _meta.file
	Captures map[string]string // by name
	Refused  string            // why none of its records is good
	Growing  bool              // it may still be being written: what it ends in is no record unless it has its end
}

// Landing decodes the records of one source into batches that DuckDB scans in place. It owns two buffers which take turns, so
// that one is filled while the other is written. One goroutine at a time may open files and fill buffers.
type Landing struct {
	Fields   []Field
	Dialect  Dialect
	Limits   Limits
	Compiled []*convert.Column // by field
	Values   []int             // the fields that a record has values for: no captures, no keys
	layout   *duck.Layout
	meta     metaNodes
	consts   *duck.Chunk // what is the same in every row
	strings  *duck.Slab
	buffers  []*Buffer
	free     chan *Buffer
	open     Opener        // of files; nil: topics
	records  *topicRecords // of topics; nil: files

	Writer convert.Writer
	root   convert.Slot      // the columns by their paths; those of keys and captures are not among them
	leaves []*convert.Column // all that root leads to
	Names  convert.NameSet   // of fields that no column takes
}

// metaNodes are what a landing fills beside the declared columns.
type metaNodes struct {
	file, line, offset, payload, reason, any *duck.Node
}

// Columns of the layout behind the declared ones.
const (
	outMeta = iota
	outPayload
	outReason
	outAny
)

// NewLanding checks the fields and the dialect: what can't be decoded strictly is a *sql.Error here, without a place; its message
// names the column. c is used during the call only, to ask DuckDB for the types.
func NewLanding(c *duck.Conn, source string, fields []Field, d Dialect, o Limits) (*Landing, error) {
	l := &Landing{Fields: fields, Dialect: d, Limits: o}
	if o.Rows <= 0 {
		l.Limits.Rows = UsualRows
	}
	if o.Bytes <= 0 {
		l.Limits.Bytes = 96 << 20
	}
	cols := make([]duck.Column, len(fields), len(fields)+4)
	for i, f := range fields {
		cols[i] = duck.Column{Name: f.Name, Type: f.Type}
	}
	cols = append(cols, duck.Column{Name: catalog.MetaColumn, Type: catalog.MetaType}, duck.Column{Name: "_payload", Type: "BLOB"},
		duck.Column{Name: "reason", Type: "VARCHAR"}, duck.Column{Name: "any", Type: "BOOLEAN"})
	var err error
	if l.layout, err = c.NewLayout(cols); err != nil {
		return nil, err
	}
	if err = l.compile(); err == nil {
		err = l.allocate(source)
	}
	if err == nil {
		err = l.decoders(c)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Landing) compile() error {
	l.root.Obj = convert.NewObject()
	for i, f := range l.Fields {
		col, err := l.column(f, l.layout.Columns[i])
		if err != nil {
			e := sql.Errorf(code.SourceColumn, "column %s: %s", f.Name, err).InColumn(f.Name)
			var known *sql.Error
			if errors.As(err, &known) {
				e.Hint = known.Hint
			}
			return e
		}
		l.Compiled = append(l.Compiled, col)
		if f.Capture != "" || f.Key {
			continue
		}
		l.Values = append(l.Values, i)
		l.root.Path(f.Steps()).Take(col)
		l.leaves = append(l.leaves, col)
	}
	return nil
}

// decoders asks the format for what opens files, or decodes values.
func (l *Landing) decoders(c *duck.Conn) (err error) {
	f := l.Dialect.Format
	switch {
	case l.Dialect.Topics != nil && f.Values != nil:
		l.records.values, err = f.Values(l)
	case l.Dialect.Topics == nil && f.Files != nil:
		l.open, err = f.Files(c, l)
	default:
		err = errors.New("ingest: no decoder for format " + f.Name)
	}
	return err
}

// column compiles a declared column.
func (l *Landing) column(f Field, n *duck.Node) (*convert.Column, error) {
	format := f.Format
	isTime := n.ID >= duck.TypeDate && n.ID <= duck.TypeTimestampTZ
	switch {
	case schema.Base64(format) != nil:
		c := convert.NewColumn(n, f.Name)
		c.Format = schema.Base64(format)
		if c.Wire = c.Format; n.ID >= duck.TypeStruct || isTime || n.ID == duck.TypeBoolean ||
			(n.ID == duck.TypeBlob) != (format == "base64") {
			return nil, sql.Errorf(code.SourceColumn, "FORMAT %s gives no %s", format, f.Type).
				WithHint("base64 is for BLOB, base64_decimal(scale) for DECIMAL and other numbers")
		}
		return c, nil
	case format != "" && !isTime:
		return nil, sql.Errorf(code.SourceColumn, "FORMAT says how a time is written, and %s is none", f.Type).
			WithHint("take FORMAT away, or declare a TIMESTAMP, DATE or TIME")
	case format == "" && n.ID == duck.TypeDate:
		format = l.Dialect.DateFormat
	case format == "" && isTime && n.ID != duck.TypeTime:
		format = l.Dialect.TimestampFormat
	}
	if f.Capture != "" && n.ID >= duck.TypeStruct {
		return nil, sql.Errorf(code.SourceColumn, "a part of the path can't be a %s", f.Type).
			WithHint("declare it VARCHAR, a number or a time")
	}
	if l.Dialect.Format.Flat && len(f.Path) > 1 {
		return nil, sql.Errorf(code.SourceColumn, "a column of a %s file has no path", strings.ToUpper(l.Dialect.Format.Name)).
			WithHint("name the file's column: FROM '$.name'")
	}
	c := convert.NewColumn(n, f.Name)
	if l.Dialect.DecimalSeparator != '.' && (n.ID == duck.TypeFloat || n.ID == duck.TypeDouble || n.ID == duck.TypeDecimal) {
		c.Point = l.Dialect.DecimalSeparator
	}
	if l.Dialect.Thousands != 0 && n.ID < duck.TypeStruct {
		c.Thousands = l.Dialect.Thousands
	}
	if format == "" {
		return c, nil
	}
	if c.Epoch = convert.Epochs[format]; c.Epoch == convert.NoEpoch {
		if strings.HasPrefix(format, "epoch") {
			return nil, sql.Errorf(code.SourceColumn, "there is no FORMAT %s", format).
				WithHint("a number counts by " + convert.EpochWords)
		}
		p, err := convert.CompilePattern(format)
		if err != nil {
			return nil, sql.Errorf(code.SourceColumn, "%s", err).
				WithHint("declare the column VARCHAR and use strptime in the SELECT")
		}
		if c.Pattern = p; !p.Day && n.ID != duck.TypeTime {
			return nil, sql.Errorf(code.SourceColumn, "the pattern '%s' gives no year for a %s", format, f.Type).
				WithHint("add %Y, or declare the column TIME")
		}
	}
	if n.ID == duck.TypeTime && (c.Epoch != convert.NoEpoch || c.Pattern.Day) {
		return nil, sql.Errorf(code.SourceColumn, "FORMAT %s gives a day, which TIME would lose", format).
			WithHint("declare a TIMESTAMP and cast it in the SELECT")
	}
	return c, nil
}

// allocate makes the buffers and what they share.
func (l *Landing) allocate(source string) error {
	cols := l.layout.Columns[len(l.Fields):]
	meta := map[string]*duck.Node{}
	for _, n := range cols[outMeta].Children {
		meta[n.Name] = n
	}
	l.meta = metaNodes{meta["file"], meta["line"], meta["offset"], cols[outPayload], cols[outReason], cols[outAny]}
	var err error
	if l.strings, err = duck.NewSlab(len(source)); err != nil {
		return err
	}
	l.consts = l.layout.NewChunk()
	for _, n := range cols[outMeta].Children {
		if n.Name == "source" {
			name := l.strings.Alloc(len(source))
			copy(name, source)
			l.consts.Vecs[n.Vec].PutBytes(0, name)
		} else {
			l.consts.SetNull(n, 0)
		}
		l.consts.Repeat(n, 0, duck.ChunkRows)
	}
	if l.Dialect.Topics != nil {
		l.newRecords(meta)
	}
	l.free = make(chan *Buffer, 2)
	for range cap(l.free) {
		b, err := newBuffer(l)
		if err != nil {
			return err
		}
		l.buffers = append(l.buffers, b)
		l.free <- b
	}
	return nil
}

// newChunk makes a chunk that shares what is the same in every row.
func (l *Landing) newChunk() *duck.Chunk {
	c := l.layout.NewChunk()
	for _, n := range l.layout.Columns[len(l.Fields)+outMeta].Children {
		if !l.varies(n) {
			c.Share(n, l.consts)
		}
	}
	return c
}

// varies says whether a part of _meta differs from record to record.
func (l *Landing) varies(n *duck.Node) bool {
	if l.records != nil {
		return n != l.meta.file && n != l.meta.line && n.Name != "source"
	}
	return n == l.meta.file || n == l.meta.line || n == l.meta.offset && l.Dialect.Format.Offsets
}

// Close gives all memory back. No batch may be in use any more.
func (l *Landing) Close() {
	for _, b := range l.buffers {
		b.close()
	}
	if l.consts != nil {
		l.consts.Close()
	}
	if l.strings != nil {
		l.strings.Close()
	}
	l.layout.Close()
	*l = Landing{layout: &duck.Layout{}}
}

// Columns are those that records give values, with the writer that takes them.
func (l *Landing) Columns() convert.Columns {
	return convert.Columns{W: &l.Writer, Root: &l.root, All: l.leaves, Names: &l.Names}
}

// UnknownNames are fields that no column takes, as far as the records have shown any.
func (l *Landing) UnknownNames() []string { return l.Names.List }

// Seen says whether any record had a field for a column, whatever its value.
func (l *Landing) Seen(f Field) bool { return l.root.Path(f.Steps()).Mark > 0 }

// Steps lead to a field's value in a record.
func (f Field) Steps() []string {
	if f.Path != nil {
		return f.Path
	}
	return []string{f.Name}
}

// SourceName is what the field is called in a record.
func (f Field) SourceName() string {
	if len(f.Path) > 0 {
		return strings.Join(f.Path, ".")
	}
	return f.Name
}
