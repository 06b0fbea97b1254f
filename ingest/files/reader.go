package files

import (
	"context"
	"io"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
)

// Open lists what there is to read now and starts reading it. Files that appear later belong to the next run.
func (s *Source) Open(ctx context.Context, c *duck.Conn, env *kind.Env, cols []duck.Column,
	o kind.ReadOptions) (kind.Reader, error) {
	x := s.in(env)
	if err := x.knownDialect(ctx, c); err != nil {
		return nil, err
	}
	work, places, err := x.plan(ctx, c, cols, o)
	if err != nil {
		return nil, err
	}
	if len(work) == 0 {
		return nothing{}, nil
	}
	r := newReader(x, c, cols, o)
	for _, p := range places {
		if p.done {
			r.content[p.hash] = p.path
		}
	}
	for _, it := range work {
		for i := range it.files {
			r.total += s.weight(&it, i)
		}
	}
	if s.format == "parquet" {
		return openParquet(ctx, r, work)
	}
	l, err := batch.NewLanding(c, s.Stmt.Name, s.fields(cols), x.effective(), s.limits)
	if err != nil {
		return nil, s.Placed(err, s.patternAt)
	}
	text := openText(ctx, r, l, work)
	if s.snapshot {
		return &loadReader{textReader: text}, nil
	}
	return text, nil
}

// nothing is the reader of a source that has nothing new.
type nothing struct{}

func (nothing) Next(context.Context) (*kind.Input, error) { return nil, io.EOF }
func (nothing) Close() error                              { return nil }
