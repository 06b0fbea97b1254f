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
		if d, ok := l.records.values.(skipping); ok {
			l.records.skipped = d.Skipped
		}
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

// Close gives all memory back. No batch may be in use any more.
func (l *Landing) Close() {
	for _, b := range l.buffers {
		b.close()
	}
	if l.consts != nil {
		l.consts.Close()
	}
	if l.strings != nil {
		_ = l.strings.Close()
	}
	l.layout.Close()
	*l = Landing{layout: &duck.Layout{}}
}
