package kafka

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/names"
	"dsql/sql/code"
)

// Columns are the declared ones. The connection has to be declared too; it isn't made yet.
func (s *Source) Columns(ctx context.Context, c *duck.Conn, env *kind.Env, pinned []duck.Column) ([]duck.Column, error) {
	conn, err := s.dial(env)
	switch {
	case err != nil:
		return nil, err
	case s.format.Registered != nil && !conn.HasRegistry():
		return nil, s.Stmt.At(s.at).Errorf(code.NoRegistry, "%s needs a schema registry, and the connection %s names none", s.format.Name,
			s.connection.Text).
			WithHint("add schema_registry 'http://host:8081' to it")
	}
	cols, err := s.Types(ctx, c)
	if err != nil || s.OnNew != "ADD COLUMNS" {
		return cols, err
	}
	return s.grown(cols, slices.Concat(pinned, s.found(env).cols)), nil
}

// found are the columns that a run has found, which may be in the file already.
type found struct{ cols []duck.Column }

func (s *Source) found(env *kind.Env) *found {
	return kind.Known(env, s, func() *found { return &found{} })
}

// grown are the columns and those that ON SCHEMA CHANGE ADD COLUMNS has added.
func (s *Source) grown(cols, added []duck.Column) []duck.Column {
	declared := s.fields(cols)
	for _, c := range added {
		read := slices.ContainsFunc(declared, func(f batch.Field) bool { return !f.Key && strings.EqualFold(f.Steps()[0], c.Name) })
		if !read && !names.Has(duck.ColumnNames(cols), c.Name) {
			cols = append(cols, c)
		}
	}
	return cols
}

// Added are those of the columns that the source had which ON SCHEMA CHANGE ADD COLUMNS had added. A declaration that takes its place
// has them too: the records that brought them aren't read again.
func (s *Source) Added(had []duck.Column) []duck.Column {
	if s.OnNew != "ADD COLUMNS" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(had), func(c duck.Column) bool { return s.Column(c.Name) != nil })
}
