package run

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
)

// Handed is what gives the batches of a source in the place of what the source would read.
type Handed struct {
	Columns []duck.Column
	Next    func(context.Context, *duck.Conn) (*kind.Input, error) // io.EOF behind the last
}

// Handing is the language with sources whose batches are handed over.
func Handing(l *program.Language, batches *Handed) *program.Language {
	return l.With(func(k kind.Kind) kind.Kind {
		if k.Role != kind.Reads {
			return k
		}
		compile := k.Compile
		k.Compile = func(d *sql.Decl) (kind.Object, error) {
			obj, err := compile(d)
			if src, ok := obj.(kind.Source); ok && err == nil {
				return &handedSource{src, batches}, nil
			}
			return obj, err
		}
		return k
	})
}

// handedSource has no other ability of its source.
type handedSource struct {
	kind.Source
	from *Handed
}

// Columns are those of what is handed over.
func (s *handedSource) Columns(context.Context, *duck.Conn, *kind.Env, []duck.Column) ([]duck.Column, error) {
	return s.from.Columns, nil
}

// Open begins with the first batch.
func (s *handedSource) Open(_ context.Context, c *duck.Conn, _ *kind.Env, _ []duck.Column, o kind.ReadOptions) (kind.Reader, error) {
	return &handedReader{s, c, o.Destinations}, nil
}

type handedReader struct {
	s  *handedSource
	c  *duck.Conn
	to []string
}

func (r *handedReader) Next(ctx context.Context) (*kind.Input, error) {
	in, err := r.s.from.Next(ctx, r.c)
	if err == nil {
		in.Source, in.Destinations = r.s.Decl().Name, r.to
	}
	return in, err
}

func (*handedReader) Close() error { return nil }
