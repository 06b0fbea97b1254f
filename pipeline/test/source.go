package test

import (
	"context"
	"io"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
)

// tried is a source that nothing is read of: what it would read is given.
type tried struct {
	kind.Source
	cols []duck.Column // of a source that declares none, and that rows are given of; nil: its own
}

// Columns are the source's own, or what is given.
func (s *tried) Columns(ctx context.Context, c *duck.Conn, env *kind.Env, pinned []duck.Column) ([]duck.Column, error) {
	if s.cols != nil {
		return s.cols, nil
	}
	return s.Source.Columns(ctx, c, env, pinned)
}

// Open gives what has no rows.
func (s *tried) Open(context.Context, *duck.Conn, *kind.Env, []duck.Column, kind.ReadOptions) (kind.Reader, error) {
	return nothing{}, nil
}

// RejectLimit is the source's.
func (s *tried) RejectLimit() int64 {
	if l, ok := s.Source.(kind.RejectLimiter); ok {
		return l.RejectLimit()
	}
	return -1
}

type nothing struct{}

func (nothing) Next(context.Context) (*kind.Input, error) { return nil, io.EOF }
func (nothing) Close() error                              { return nil }

// trying is the language with sources that are tried; columns are those of sources that declare none, by name.
func trying(l *program.Language, columns map[sql.Key][]duck.Column) *program.Language {
	return l.With(func(k kind.Kind) kind.Kind {
		compile := k.Compile
		if k.Role == kind.Reads {
			k.Compile = func(d *sql.Decl) (kind.Object, error) {
				obj, err := compile(d)
				if src, ok := obj.(kind.Source); ok && err == nil {
					return &tried{src, columns[sql.KeyOf(d.Name)]}, nil
				}
				return obj, err
			}
		}
		return k
	})
}
