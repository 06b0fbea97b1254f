package files

import (
	"context"
	"io"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/lossless"
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
	r := &reader{s: x, conn: c, cols: cols, o: o, work: work, passed: map[string]bool{}, counts: map[string][2]int{},
		content: map[string]string{}, cast: lossless.Converter{Conn: c}}
	for _, p := range places {
		if p.done {
			r.content[p.hash] = p.path
		}
	}
	for _, it := range r.work {
		for i := range it.files {
			r.total += s.weight(&it, i)
		}
	}
	if len(r.work) == 0 {
		return r, nil
	}
	if s.format == "parquet" {
		if err := r.checkColumns(ctx); err != nil {
			return nil, err
		}
		return r, r.sweepViews(ctx)
	}
	if r.landing, err = batch.NewLanding(c, s.Stmt.Name, s.fields(cols), x.effective(), s.limits); err != nil {
		return nil, s.Placed(err, s.patternAt)
	}
	ctx, r.cancel = context.WithCancel(ctx)
	r.ahead = make(chan filled)
	go r.readAhead(ctx)
	return r, nil
}

// reader hands out a source's batches. For text a goroutine fills the next one while the last is written: it alone touches the
// landing between Open and Close. Parquet is read by DuckDB as the batch is scanned.
type reader struct {
	s       *session
	conn    *duck.Conn
	cols    []duck.Column
	o       kind.ReadOptions
	work    []item
	landing *batch.Landing
	cancel  context.CancelFunc
	ahead   chan filled
	end     error // why ahead is closed: io.EOF when all was read
	staged  bool  // temporary tables of a load are there
	warned  map[string]bool

	passed  map[string]bool   // files that changed while they were read
	counts  map[string][2]int // records and bad ones of files
	content map[string]string // files that were taken, by their hash

	total, done int64
	parquet     *parquetCut
	cast        lossless.Converter
	rawTexts    map[string]bool // files with a text that is no UTF-8
	views       []string        // copies of files of Parquet
}

func (r *reader) Close() error {
	r.dropViews()
	if r.cancel != nil {
		r.cancel()
		for b := range r.ahead { // the goroutine ends and closes the channel
			b.release()
		}
	}
	if r.landing != nil {
		r.landing.Close()
	}
	return r.unstage(context.Background())
}

func (r *reader) Next(ctx context.Context) (*kind.Input, error) {
	switch {
	case r.s.format == "parquet":
		for {
			in, err := r.nextParquet(ctx)
			if err != errBlamed {
				return in, err
			}
		}
	case r.ahead == nil:
		return nil, io.EOF
	case r.s.snapshot:
		return r.nextLoad(ctx)
	}
	b, err := r.receive(ctx)
	if err != nil {
		return nil, err
	}
	return r.input(ctx, b, b.buf.Input())
}

// receive waits for the next batch. Of a load that can't be read to its end it gives one without a buffer, or nothing when none of it
// was given.
func (r *reader) receive(ctx context.Context) (filled, error) {
	for {
		var b filled
		var ok bool
		select {
		case b, ok = <-r.ahead:
		case <-ctx.Done():
			return filled{}, ctx.Err()
		}
		if !ok {
			return filled{}, r.end
		}
		if b.buf == nil {
			r.tell(b.warnings)
		}
		if b.aside != nil {
			if err := r.setAside(ctx, b.aside); err != nil {
				return filled{}, err
			}
		}
		switch {
		case b.buf != nil && !r.changedBefore(b.files):
			return b, nil
		case b.buf == nil && r.staged:
			return b, nil
		}
		b.release()
	}
}

// changedBefore says whether a batch has more of a file of which a part was rolled back.
func (r *reader) changedBefore(files []taken) bool {
	return slices.ContainsFunc(files, func(f taken) bool { return r.passed[f.path] })
}
