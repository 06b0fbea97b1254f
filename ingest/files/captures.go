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

// converted are the fields of a landing, in text, as a record without fields of the file has them.
func (r *reader) converted(ctx context.Context, l *batch.Landing, f file) (map[string]string, error) {
	in, err := l.Open(strings.NewReader("{}"), batch.Pos{}, batch.FileInfo{Path: f.path, Captures: f.captures})
	if err != nil {
		return nil, r.s.Placed(err, r.s.patternAt)
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
	_, err = r.conn.Scan(ctx, duck.SQL("SELECT {each} FROM {rows}", duck.Args{"each": each, "rows": b.Input().Rows}), dest...)
	out := map[string]string{}
	for i, t := range texts {
		if t.Valid { // else it is NULL
			out[l.Fields[i].Name] = t.String
		}
	}
	return out, err
}

// ofEmpty are the captures of a load without rows: in the text of what their columns would hold, whatever its FORMAT.
func (r *reader) ofEmpty(ctx context.Context, f file, captures map[string]string) (map[string]string, error) {
	var fields []batch.Field
	for _, fd := range r.s.fields(r.cols) {
		if fd.Capture != "" {
			fields = append(fields, fd)
		}
	}
	if len(fields) == 0 {
		return captures, nil
	}
	l, err := batch.NewLanding(r.conn, r.s.Stmt.Name, fields, batch.Dialect{Format: &json.Format}, batch.Limits{Rows: 1, Bytes: 1 << 16})
	if err != nil {
		return nil, r.s.Placed(err, r.s.patternAt)
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
func (r *reader) checkColumns(ctx context.Context) (err error) {
	var fields []batch.Field
	for _, f := range r.s.fields(r.cols) {
		if f.Format != "" || f.Capture != "" {
			fields = append(fields, f)
		}
	}
	if len(fields) > 0 {
		r.landing, err = batch.NewLanding(r.conn, r.s.Stmt.Name, fields, batch.Dialect{Format: &json.Format},
			batch.Limits{Rows: 1, Bytes: 1 << 16})
	}
	return r.s.Placed(err, r.s.patternAt)
}

// capturesOf are the values of the columns that come from a file's path.
func (r *reader) capturesOf(ctx context.Context, f file) (map[string]*duck.Query, error) {
	if r.landing == nil {
		return nil, nil
	}
	texts, err := r.converted(ctx, r.landing, f)
	out := map[string]*duck.Query{}
	for _, c := range r.landing.Fields {
		a := duck.Args{"t": c.Type, "text": duck.SQL("NULL")}
		if text, ok := texts[c.Name]; ok {
			a["text"] = text
		}
		out[c.Name] = duck.SQL("CAST({text} AS {t})", a)
	}
	return out, err
}
