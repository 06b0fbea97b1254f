package files

import (
	"context"
	"errors"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
)

// A snapshot's load is the whole table: it is one batch however large it is. One that doesn't fit a buffer goes, part by part,
// into temporary tables, and is still one transaction of the pipeline's.

// The temporary tables of a load.
var (
	loadRows = duck.Ident("temp", "_dsql_load_rows")
	loadRaw  = duck.Ident("temp", "_dsql_load_raw")
	loadBad  = duck.Ident("temp", "_dsql_load_bad")
)

// loadReader hands out a snapshot's loads.
type loadReader struct {
	*textReader
	staged bool // temporary tables of a load are there
}

func (r *loadReader) Close() error {
	return errors.Join(r.textReader.Close(), r.unstage(context.Background()))
}

// Next is the next load, in place where a buffer holds it.
func (r *loadReader) Next(ctx context.Context) (*kind.Input, error) {
	if err := r.unstage(ctx); err != nil {
		return nil, err
	}
	b, err := r.receive(ctx, false)
	if err != nil || b.last {
		if err != nil {
			return nil, err
		}
		return r.input(ctx, b, b.buf.Input())
	}
	sum := &kind.Input{Rows: loadRows, Raw: loadRaw, RowID: batch.RowID(r.s.dialect.Format, paths(b.item.files)), Release: func() {}}
	whole := filled{item: b.item}
	for {
		if b.buf == nil { // it can't be read to its end
			return r.Next(ctx)
		}
		err := r.stage(ctx, b.buf.Input(), sum)
		b.buf.Release()
		if err != nil {
			return nil, err
		}
		for _, f := range b.files {
			if n := len(whole.files); n > 0 && whole.files[n-1].path == f.path { // a further part of it
				whole.files = whole.files[:n-1]
			}
			whole.files = append(whole.files, f)
		}
		whole.absent, whole.done, whole.header = b.absent, b.done, b.header
		whole.warnings = append(whole.warnings, b.warnings...)
		if b.last {
			return r.input(ctx, whole, sum)
		}
		if b, err = r.receive(ctx, true); err != nil {
			return nil, err
		}
	}
}

// stage adds a part to the temporary tables and its counts to sum.
func (r *loadReader) stage(ctx context.Context, in, sum *kind.Input) error {
	first := !r.staged
	r.staged = true
	fill := func(t, from *duck.Query, first bool) error {
		text := "INSERT INTO {t} SELECT * FROM {from}"
		if first {
			text = "CREATE OR REPLACE TEMP TABLE {t} AS SELECT * FROM {from}"
		}
		return r.conn.Run(ctx, duck.SQL(text, duck.Args{"t": t, "from": from}))
	}
	if err := fill(loadRows, in.Rows, first); err != nil {
		return err
	}
	if err := fill(loadRaw, in.Raw, first); err != nil {
		return err
	}
	if in.BadCount > 0 {
		if err := fill(loadBad, in.Bad, sum.BadCount == 0); err != nil {
			return err
		}
		sum.Bad = loadBad
	}
	sum.Records += in.Records
	sum.Good += in.Good
	sum.BadCount += in.BadCount
	sum.Unknown += in.Unknown
	sum.UnknownNames = in.UnknownNames // of all that the source has shown so far
	return nil
}

// unstage drops what the load before left.
func (r *loadReader) unstage(ctx context.Context) error {
	if !r.staged {
		return nil
	}
	r.staged = false
	for _, t := range []*duck.Query{loadRows, loadRaw, loadBad} {
		if err := r.conn.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {t}", duck.Args{"t": t})); err != nil {
			return err
		}
	}
	return nil
}

// paths are what files are called.
func paths(files []file) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.path
	}
	return out
}
