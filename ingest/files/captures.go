package files

import (
	"context"
	dbsql "database/sql"
	"maps"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/format/json"
)

// Captures come from a file's path, and are converted as its fields are: those of a record without fields.

// captures converts what a path has captured.
type captures struct {
	source  *Source
	db      *duck.Conn
	columns []duck.Column
	formats *batch.Landing // of the columns that come from a path or have a FORMAT; nil: there are none, or nobody has asked
}

func (r *captures) close() {
	if r.formats != nil {
		r.formats.Close()
	}
}

// converted are the fields of a landing, in text, as a record without fields of the file has them.
func (r *captures) converted(ctx context.Context, l *batch.Landing, f file) (map[string]string, error) {
	in, err := l.Open(strings.NewReader("{}"), batch.Pos{}, batch.FileInfo{Path: f.path, Captures: f.captures})
	if err != nil {
		return nil, r.source.Placed(err, r.source.patternAt)
	}
	b, err := l.Take(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	if _, err := b.Fill(ctx, in); err != nil {
		return nil, err
	}
	texts, dest := make([]dbsql.NullString, len(l.Fields)), make([]any, len(l.Fields))
	for i := range texts {
		dest[i] = &texts[i]
	}
	each := duck.Each(", ", l.Fields, func(f batch.Field) *duck.Query {
		return duck.SQL("{c}::VARCHAR", duck.Args{"c": duck.Ident(f.Name)})
	})
	_, err = r.db.Scan(ctx, duck.SQL("SELECT {each} FROM {rows}", duck.Args{"each": each, "rows": b.Input().Rows}), dest...)
	out := map[string]string{}
	for i, t := range texts {
		if t.Valid { // else it is NULL
			out[l.Fields[i].Name] = t.String
		}
	}
	return out, err
}

// ofEmpty are the captures of a load without rows: in the text of what their columns would hold, whatever its FORMAT.
func (r *captures) ofEmpty(ctx context.Context, f file, captures map[string]string) (map[string]string, error) {
	var fields []batch.Field
	for _, fd := range r.source.fields(r.columns) {
		if fd.Capture != "" {
			fields = append(fields, fd)
		}
	}
	if len(fields) == 0 {
		return captures, nil
	}
	l, err := batch.NewLanding(r.db, r.source.Stmt.Name, fields, batch.Dialect{Format: &json.Format}, batch.Limits{Rows: 1, Bytes: 1 << 16})
	if err != nil {
		return nil, r.source.Placed(err, r.source.patternAt)
	}
	defer l.Close()
	texts, err := r.converted(ctx, l, f)
	out := maps.Clone(captures)
	for _, fd := range fields {
		out[fd.Capture] = texts[fd.Name]
	}
	return out, err
}

// checkColumns sees to it that formats and captures are ones that the decoders take, and keeps those to convert captures by.
func (r *captures) checkColumns() (err error) {
	var fields []batch.Field
	for _, f := range r.source.fields(r.columns) {
		if f.Format != "" || f.Capture != "" {
			fields = append(fields, f)
		}
	}
	if len(fields) > 0 {
		r.formats, err = batch.NewLanding(r.db, r.source.Stmt.Name, fields, batch.Dialect{Format: &json.Format},
			batch.Limits{Rows: 1, Bytes: 1 << 16})
	}
	return r.source.Placed(err, r.source.patternAt)
}

// capturesOf are the values of the columns that come from a file's path.
func (r *captures) capturesOf(ctx context.Context, f file) (map[string]*duck.Query, error) {
	if r.formats == nil {
		return nil, nil
	}
	texts, err := r.converted(ctx, r.formats, f)
	out := map[string]*duck.Query{}
	for _, c := range r.formats.Fields {
		a := duck.Args{"t": c.Type, "text": duck.SQL("NULL")}
		if text, ok := texts[c.Name]; ok {
			a["text"] = text
		}
		out[c.Name] = duck.SQL("CAST({text} AS {t})", a)
	}
	return out, err
}
