// Package declare owns the text of CREATE SOURCE: its clauses, the values of its options, the columns, and what all sources share
// wherever their rows come from. What the options of a carrier mean is that carrier's business.
package declare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/names"
	"dsql/sql"
	"dsql/sql/code"
)

// Declaration is what all sources share, wherever their rows come from.
type Declaration struct {
	Stmt    *sql.Decl
	Defs    []sql.ColumnDef // nil: inferred
	onBad   string          // REJECT, SKIP, FAIL
	OnNew   string          // IGNORE, ADD COLUMNS, FAIL
	Rejects int64           // reject_limit, -1 none

	onMissing string // WARN, NULL, FAIL: files
}

func (s *Declaration) Decl() *sql.Decl { return s.Stmt }

// RejectLimit is how many bad records a run may bring, -1 for any number.
func (s *Declaration) RejectLimit() int64 { return s.Rejects }

// Types are the declared columns with their types as DuckDB writes them.
func (s *Declaration) Types(ctx context.Context, c *duck.Conn) ([]duck.Column, error) {
	var cols []duck.Column
	var errs sql.List
	all, err := c.Describe(ctx, duck.SQL("SELECT {types}",
		duck.Args{"types": duck.Each(", ", s.Defs, func(col sql.ColumnDef) *duck.Query {
			return duck.SQL("NULL::{t} AS c", duck.Args{"t": duck.User(s.Stmt.Src, col.At)})
		})}), sql.Place{})
	if err == nil && len(all) == len(s.Defs) {
		for i, col := range s.Defs {
			cols = append(cols, duck.Column{Name: col.Name.Text, Type: all[i].Type})
		}
		return cols, nil
	}
	for _, col := range s.Defs { // which one is wrong
		found, err := c.Describe(ctx, duck.SQL("SELECT NULL::{t} AS c", duck.Args{"t": duck.User(s.Stmt.Src, col.At)}),
			s.Stmt.At(col.At))
		if duck.IsAborted(err) {
			return nil, err
		}
		if err != nil {
			errs = append(errs, s.Stmt.At(col.At).Errorf(code.UnknownType, "there is no type %s", col.Type).
				WithHint(typeHint(col.Type)).WithCause(err))
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

// Fields are the columns as the decoders see them.
func (s *Declaration) Fields(cols []duck.Column) []batch.Field {
	out := make([]batch.Field, len(cols))
	for i, c := range cols {
		out[i] = batch.Field{Name: c.Name, Type: c.Type}
		d := s.Column(c.Name)
		if d == nil {
			continue
		}
		if v := d.Args["FROM"]; v != nil {
			out[i].Path, _ = Path(v.Text) // compile has seen to it
		}
		if v := d.Args["FORMAT"]; v != nil {
			out[i].Format = v.Text
		}
		out[i].Key = d.Args["FROM KEY"] != nil
	}
	return out
}

// Column is the declaration of a column, nil when there is none.
func (s *Declaration) Column(name string) *sql.ColumnDef {
	i := slices.IndexFunc(s.Defs, func(d sql.ColumnDef) bool { return strings.EqualFold(d.Name.Text, name) })
	if i < 0 {
		return nil
	}
	return &s.Defs[i]
}

// BadRecords applies ON BAD RECORD to a batch.
func (s *Declaration) BadRecords(ctx context.Context, c *duck.Conn, in *kind.Input) error {
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
	return s.Stmt.Errorf(code.BadRecord, "%s: %s", where, reason).
		WithHint("mend the record, or let ON BAD RECORD REJECT keep such ones in dsql.rejects")
}

// NewFields is the error of ON SCHEMA CHANGE FAIL.
func (s *Declaration) NewFields(file string, fields []string) *sql.Error {
	what := "a field " + sql.ShownName(fields[0])
	if len(fields) > 1 {
		what = "fields " + names.Shown(fields[:min(len(fields), 10)])
	}
	return s.Stmt.Errorf(code.SchemaChange, "%s has %s, which %s does not declare", file, what, s.Stmt.Name).
		WithHint("declare what is new, or write ON SCHEMA CHANGE IGNORE or ADD COLUMNS")
}

// Path reads '$.a.b[0]."odd name"' into steps; an array's elements are steps by number.
func Path(text string) ([]string, error) {
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

// Placed gives an error of the decoders its place in the script: the column that it names, or where the rows come from.
func (s *Declaration) Placed(err error, otherwise sql.Span) error {
	var e *sql.Error
	if !errors.As(err, &e) || e.Src != nil {
		return err
	}
	c := *e
	c.Src, c.Span = s.Stmt.Src, otherwise
	for _, d := range s.Defs {
		if e.Column == d.Name.Text {
			c.Span = d.At
		}
	}
	return &c
}
