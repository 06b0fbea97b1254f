package run

import (
	"context"
	"io"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// Tried is a source of a Trial: nothing is read of it, what it would read is given.
type Tried struct {
	kind.Source
	cols []duck.Column // of a source that declares none, and that rows are given of; nil: its own
}

// Columns are the source's own, or what is given.
func (s *Tried) Columns(ctx context.Context, c *duck.Conn, env *kind.Env, pinned []duck.Column) ([]duck.Column, error) {
	if s.cols != nil {
		return s.cols, nil
	}
	return s.Source.Columns(ctx, c, env, pinned)
}

// Open gives what has no rows.
func (s *Tried) Open(context.Context, *duck.Conn, *kind.Env, []duck.Column, kind.ReadOptions) (kind.Reader, error) {
	return nothing{}, nil
}

// RejectLimit is the source's.
func (s *Tried) RejectLimit() int64 {
	if l, ok := s.Source.(kind.RejectLimiter); ok {
		return l.RejectLimit()
	}
	return -1
}

// Undivided is the source's; one that can't be handed over in pieces says so.
func (s *Tried) Undivided() *sql.Error {
	if u, ok := s.Source.(kind.Undivided); ok {
		return u.Undivided()
	}
	d := s.Decl()
	return d.Errorf(code.NotSpread, "what %s reads can't be handed over in pieces", d.Name).WithHint("read it on one machine, with dsql run")
}

type nothing struct{}

func (nothing) Next(context.Context) (*kind.Input, error) { return nil, io.EOF }
func (nothing) Close() error                              { return nil }

// Trying is the language with sources that are tried; columns are those of sources that declare none, by name.
func Trying(l *program.Language, columns map[sql.Key][]duck.Column) *program.Language {
	return l.With(func(k kind.Kind) kind.Kind {
		compile := k.Compile
		if k.Role == kind.Reads {
			k.Compile = func(d *sql.Decl) (kind.Object, error) {
				obj, err := compile(d)
				if src, ok := obj.(kind.Source); ok && err == nil {
					return &Tried{src, columns[sql.KeyOf(d.Name)]}, nil
				}
				return obj, err
			}
		}
		return k
	})
}
