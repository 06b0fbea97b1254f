package run

import (
	"context"
	"errors"
	"io"
	"slices"

	"dsql/engine/kind"
	"dsql/pipeline/program"
)

// growing is the reader of a source that may turn out to have more columns (ON SCHEMA CHANGE ADD COLUMNS): the file is brought in line
// with them, and the source opened again, before the batch that has them.
type growing struct {
	kind.Reader
	r     *runner
	s     *program.Node
	o     kind.ReadOptions
	ended bool // io.EOF was given, which one that follows gives once
	again bool // the reader is another one since
}

func (g *growing) open(ctx context.Context) (err error) {
	src, _ := g.s.Source()
	g.Reader, err = src.Open(ctx, g.r.Conn, g.r.Program.Env, g.s.Cols, g.o)
	return err
}

func (g *growing) Next(ctx context.Context) (*kind.Input, error) {
	for {
		in, err := g.Reader.Next(ctx)
		switch {
		case errors.Is(err, kind.ErrColumns):
			if err := g.grow(ctx); err != nil {
				return nil, err
			}
			g.again = g.ended
		case errors.Is(err, io.EOF) && g.again:
			g.again = false
		default:
			g.ended = g.ended || errors.Is(err, io.EOF)
			return in, err
		}
	}
}

func (g *growing) grow(ctx context.Context) error {
	if err := g.Close(); err != nil {
		return err
	}
	if err := g.r.grow(ctx); err != nil {
		return err
	}
	return g.open(ctx)
}

// Close ends the reader that is open, if one is.
func (g *growing) Close() error {
	rd := g.Reader
	if g.Reader = nil; rd == nil {
		return nil
	}
	return rd.Close()
}

// grow brings the file in line with the columns that its sources have now: all that takes them by * has them then.
func (r *runner) grow(ctx context.Context) error {
	if err := errors.Join(r.finish(ctx), r.closeOutlets()); err != nil {
		return err
	}
	return r.apply(ctx, slices.DeleteFunc(r.Program.Sorted(), func(n *program.Node) bool { return !n.Bound })...)
}
