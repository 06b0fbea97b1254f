package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// Columns are the declared ones, and those that the path's captures add. Where none are declared they are what DuckDB's reader
// finds in the first file, or those pinned when that was first done.
func (s *source) Columns(ctx context.Context, c *engine.Conn, env *engine.Env, pinned []engine.Column) ([]engine.Column, error) {
	if s.columns == nil {
		if len(pinned) > 0 {
			return pinned, nil
		}
		return s.infer(ctx, c, env)
	}
	var cols []engine.Column
	var errs sql.List
	for _, col := range s.columns {
		found, err := c.Describe(ctx, engine.SQL("SELECT NULL::{t} AS c", engine.Args{"t": engine.User(s.decl.Src, col.At)}), engine.Place{Src: s.decl.Src, Span: col.At})
		if err != nil {
			errs = append(errs, &sql.Error{Src: s.decl.Src, Span: col.At, Code: "unknown-type", Msg: "there is no type " + col.Type, Hint: typeHint(col.Type), Err: err})
			continue
		}
		cols = append(cols, engine.Column{Name: col.Name.Text, Type: found[0].Type})
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return s.withCaptures(cols), nil
}

func typeHint(t string) string {
	if near := sql.Nearest(t, []string{"BIGINT", "INTEGER", "VARCHAR", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE", "DECIMAL", "FLOAT", "SMALLINT", "JSON", "UUID", "TIME"}); near != "" {
		return "did you mean " + near + "?"
	}
	return "types are DuckDB's: BIGINT, VARCHAR, DOUBLE, TIMESTAMP, STRUCT(…), …"
}

// withCaptures adds the captures that no column declares, as VARCHAR.
func (s *source) withCaptures(cols []engine.Column) []engine.Column {
	for _, name := range s.pattern.captures {
		if !slices.ContainsFunc(cols, func(c engine.Column) bool { return strings.EqualFold(c.Name, name) }) {
			cols = append(cols, engine.Column{Name: name, Type: "VARCHAR"})
		}
	}
	return cols
}

// infer asks DuckDB's own readers about the first file.
func (s *source) infer(ctx context.Context, c *engine.Conn, env *engine.Env) ([]engine.Column, error) {
	files, err := s.list(env)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, &sql.Error{Src: s.decl.Src, Span: s.patternAt, Code: "nothing-to-infer", Msg: fmt.Sprintf("%s has no columns, and no file of %s is there to infer them from", s.decl.Name, s.pattern.text),
			Hint: "name the columns: CREATE SOURCE " + s.decl.Name + " (id BIGINT, …) FROM FILES (…)"}
	}
	reader := map[string]string{"csv": "read_csv", "json": "read_json_auto", "parquet": "read_parquet"}[s.format]
	args := []*engine.Query{engine.Lit(files[0].full)}
	if s.format == "csv" {
		args = append(args, s.readerOptions()...)
	}
	cols, err := c.Describe(ctx, engine.SQL("SELECT * FROM {reader}({args})", engine.Args{"reader": engine.Ident(reader), "args": engine.Join(", ", args...)}), engine.Place{Src: s.decl.Src, Span: s.patternAt})
	if err != nil {
		return nil, err
	}
	for i, col := range cols { // what has no values yet: DuckDB says NULL or SQLNULL
		if strings.Contains(col.Type, "NULL") {
			cols[i].Type = "VARCHAR"
		}
	}
	return s.withCaptures(cols), nil
}

// readerOptions hands the user's CSV options to DuckDB's reader.
func (s *source) readerOptions() []*engine.Query {
	var out []*engine.Query
	for _, o := range s.options.Options {
		switch o.Name {
		case "header", "delim", "sep", "quote", "escape", "nullstr", "skip", "comment", "decimal_separator", "dateformat", "timestampformat", "null_padding", "allow_quoted_nulls":
			v := engine.Lit(o.Text)
			if o.Kind == sql.OptList {
				v = engine.User(s.decl.Src, o.Value)
			}
			out = append(out, engine.SQL("{n} = {v}", engine.Args{"n": engine.Ident(o.Name), "v": v}))
		}
	}
	return out
}

// fields are the columns as the decoders see them.
func (s *source) fields(cols []engine.Column) []Field {
	var out []Field
	for _, c := range cols {
		f := Field{Name: c.Name, Type: c.Type}
		for _, d := range s.columns {
			if !strings.EqualFold(d.Name.Text, c.Name) {
				continue
			}
			if v := d.Args["FROM"]; v != nil {
				f.Path, _ = jsonPath(v.Text) // compile has seen to it
			}
			if v := d.Args["FORMAT"]; v != nil {
				f.Format = formatText(s.decl.Src, v)
			}
		}
		if i := slices.IndexFunc(s.pattern.captures, func(n string) bool { return strings.EqualFold(n, c.Name) }); i >= 0 {
			f.Capture = s.pattern.captures[i]
		}
		out = append(out, f)
	}
	return out
}

// formatText is a FORMAT: a word or a string.
func formatText(src *sql.Source, v *sql.Value) string {
	text := v.Exprs[0].Of(src)
	if s, err := sql.Unquote(text); err == nil {
		return s
	}
	return strings.ToLower(text)
}
