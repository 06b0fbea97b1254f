package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// declaration is what all sources share, wherever their rows come from.
type declaration struct {
	decl    *sql.Decl
	columns []sql.ColumnDef // nil: inferred
	onBad   string          // REJECT, SKIP, FAIL
	onNew   string          // IGNORE, ADD COLUMNS, FAIL
	rejects int64           // reject_limit, -1 none

	onMissing string // WARN, NULL, FAIL: files
}

func (s *declaration) Decl() *sql.Decl { return s.decl }

// RejectLimit is how many bad records a run may bring, -1 for any number.
func (s *declaration) RejectLimit() int64 { return s.rejects }

// types are the declared columns with their types as DuckDB writes them.
func (s *declaration) types(ctx context.Context, c *duck.Conn) ([]duck.Column, error) {
	var cols []duck.Column
	var errs sql.List
	all, err := c.Describe(ctx, duck.SQL("SELECT {types}",
		duck.Args{"types": duck.Each(", ", s.columns, func(col sql.ColumnDef) *duck.Query {
			return duck.SQL("NULL::{t} AS c", duck.Args{"t": duck.User(s.decl.Src, col.At)})
		})}), duck.Place{})
	if err == nil && len(all) == len(s.columns) {
		for i, col := range s.columns {
			cols = append(cols, duck.Column{Name: col.Name.Text, Type: all[i].Type})
		}
		return cols, nil
	}
	for _, col := range s.columns { // which one is wrong
		found, err := c.Describe(ctx, duck.SQL("SELECT NULL::{t} AS c", duck.Args{"t": duck.User(s.decl.Src, col.At)}),
			duck.Place{Src: s.decl.Src, Span: col.At})
		if duck.Echo(err) {
			return nil, err
		}
		if err != nil {
			errs = append(errs, &sql.Error{Src: s.decl.Src, Span: col.At, Code: "unknown-type", Msg: "there is no type " + col.Type,
				Hint: typeHint(col.Type), Err: err})
			continue
		}
		cols = append(cols, duck.Column{Name: col.Name.Text, Type: found[0].Type})
	}
	return cols, errs.Err()
}

func typeHint(t string) string {
	if near := sql.Nearest(t, []string{"BIGINT", "INTEGER", "VARCHAR", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE", "DECIMAL", "FLOAT",
		"SMALLINT", "JSON", "UUID", "TIME"}); near != "" {
		return "did you mean " + near + "?"
	}
	return "types are DuckDB's: BIGINT, VARCHAR, DOUBLE, TIMESTAMP, STRUCT(…), …"
}

// fields are the columns as the decoders see them.
func (s *declaration) fields(cols []duck.Column) []Field {
	out := make([]Field, len(cols))
	for i, c := range cols {
		out[i] = Field{Name: c.Name, Type: c.Type}
		d := s.column(c.Name)
		if d == nil {
			continue
		}
		if v := d.Args["FROM"]; v != nil {
			out[i].Path, _ = jsonPath(v.Text) // compile has seen to it
		}
		if v := d.Args["FORMAT"]; v != nil {
			out[i].Format = v.Text
		}
		out[i].Key = d.Args["FROM KEY"] != nil
	}
	return out
}

// column is the declaration of a column, nil when there is none.
func (s *declaration) column(name string) *sql.ColumnDef {
	i := slices.IndexFunc(s.columns, func(d sql.ColumnDef) bool { return strings.EqualFold(d.Name.Text, name) })
	if i < 0 {
		return nil
	}
	return &s.columns[i]
}

// badRecords applies ON BAD RECORD to a batch.
func (s *declaration) badRecords(ctx context.Context, c *duck.Conn, in *kind.Input) error {
	switch {
	case in.BadCount == 0 || s.onBad == "REJECT":
		return nil
	case s.onBad == "SKIP":
		in.Skipped, in.BadCount, in.Bad = in.Skipped+in.BadCount, 0, nil
		return nil
	}
	var reason, where string
	if _, err := c.Scan(ctx, duck.SQL(`SELECT reason, coalesce(_meta.file || ' line ' || _meta.line,
			_meta.topic || '[' || _meta."partition" || '] offset ' || _meta."offset")
		FROM {bad} ORDER BY {id} LIMIT 1`, duck.Args{"bad": in.Bad, "id": in.RowID}), &reason, &where); err != nil {
		return err
	}
	return &sql.Error{Src: s.decl.Src, Span: s.decl.NameAt, Code: "bad-record", Exit: sql.ExitFailed, Msg: where + ": " + reason,
		Hint: "mend the record, or let ON BAD RECORD REJECT keep such ones in dsql.rejects"}
}

// newFields is the error of ON SCHEMA CHANGE FAIL.
func (s *declaration) newFields(file string, names []string) *sql.Error {
	what := "a field " + sql.ShownName(names[0])
	if len(names) > 1 {
		what = "fields " + shownNames(names[:min(len(names), 10)])
	}
	return &sql.Error{Src: s.decl.Src, Span: s.decl.NameAt, Code: "schema-change", Exit: sql.ExitFailed,
		Msg:  fmt.Sprintf("%s has %s, which %s does not declare", file, what, s.decl.Name),
		Hint: "declare what is new, or write ON SCHEMA CHANGE IGNORE or ADD COLUMNS"}
}

// jsonPath reads '$.a.b[0]."odd name"' into steps; an array's elements are steps by number.
func jsonPath(text string) ([]string, error) {
	bad := fmt.Errorf("%s is no path that dsql reads", text)
	rest, ok := strings.CutPrefix(text, "$")
	if !ok || rest == "" {
		return nil, bad
	}
	var out []string
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, `."`):
			end := strings.IndexByte(rest[2:], '"')
			if end < 0 {
				return nil, bad
			}
			out, rest = append(out, rest[2:2+end]), rest[3+end:]
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			if end == 1 {
				return nil, bad
			}
			out, rest = append(out, rest[1:end]), rest[end:]
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if end < 2 {
				return nil, bad
			}
			if n, err := strconv.Atoi(rest[1:end]); err != nil || n < 0 {
				return nil, bad
			}
			out, rest = append(out, rest[1:end]), rest[end+1:]
		default:
			return nil, bad
		}
	}
	return out, nil
}

// placed gives an error of the decoders its place in the script: the column that it names, or where the rows come from.
func (s *declaration) placed(err error, otherwise sql.Span) error {
	var e *sql.Error
	if !errors.As(err, &e) || e.Src != nil {
		return err
	}
	c := *e
	c.Src, c.Span = s.decl.Src, otherwise
	for _, d := range s.columns {
		if strings.HasPrefix(e.Msg, "column "+d.Name.Text+":") {
			c.Span = d.At
		}
	}
	return &c
}
