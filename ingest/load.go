package ingest

import (
	"context"
	"io"

	"dsql/engine"
)

// A snapshot's load is the whole table: it is one batch however large it is. One that doesn't fit a buffer goes, part by part,
// into temporary tables, and is still one transaction of the pipeline's.

// nextLoad reads one item whole, in the caller's goroutine: temporary tables belong to the writer's connection.
func (r *reader) nextLoad(ctx context.Context) (*engine.Input, error) {
	if len(r.work) == 0 {
		return nil, io.EOF
	}
	it := r.work[0]
	r.work = r.work[1:]
	var parts int
	var sum engine.Input
	var result batch
	var failed error
	tables := engine.Args{"rows": engine.Ident("_dsql_load_rows"), "raw": engine.Ident("_dsql_load_raw"), "bad": engine.Ident("_dsql_load_bad")}
	ok := r.readItem(ctx, it, func(b batch) bool {
		if b.err != nil {
			failed = b.err
			return false
		}
		last := b.files[len(b.files)-1]
		if parts == 0 && last.done { // it fits
			result = b
			return true
		}
		failed = r.stage(ctx, tables, parts, b, &sum)
		parts++
		b.buf.Release()
		result = batch{item: it, files: append(result.files, b.files...), absent: b.absent}
		return failed == nil
	})
	switch {
	case failed != nil:
		return nil, failed
	case !ok:
		return nil, ctx.Err()
	case parts == 0:
		return r.input(ctx, result, result.buf.Input())
	}
	var whole []taken // a file's parts are one
	for _, f := range result.files {
		if n := len(whole); n > 0 && whole[n-1].path == f.path {
			whole[n-1] = f
			continue
		}
		whole = append(whole, f)
	}
	result.files = whole
	sum.Rows, sum.Raw, sum.Release = tables["rows"].(*engine.Query), tables["raw"].(*engine.Query), func() {}
	if sum.BadCount > 0 {
		sum.Bad = tables["bad"].(*engine.Query)
	}
	return r.input(ctx, result, &sum)
}

// stage adds a part to the temporary tables and its counts to sum.
func (r *reader) stage(ctx context.Context, tables engine.Args, part int, b batch, sum *engine.Input) error {
	in := b.buf.Input()
	fill := "INSERT INTO {t} SELECT * FROM {from}"
	if part == 0 {
		fill = "CREATE OR REPLACE TEMP TABLE {t} AS SELECT * FROM {from}"
	}
	from := map[string]*engine.Query{"rows": in.Rows, "raw": in.Raw}
	if in.Bad != nil && in.BadCount > 0 {
		if sum.BadCount == 0 {
			if _, err := r.conn.Exec(ctx, engine.SQL("CREATE OR REPLACE TEMP TABLE {t} AS SELECT * FROM {from}", engine.Args{"t": tables["bad"], "from": in.Bad})); err != nil {
				return err
			}
		} else if _, err := r.conn.Exec(ctx, engine.SQL("INSERT INTO {t} SELECT * FROM {from}", engine.Args{"t": tables["bad"], "from": in.Bad})); err != nil {
			return err
		}
	}
	for name, q := range from {
		if _, err := r.conn.Exec(ctx, engine.SQL(fill, engine.Args{"t": tables[name], "from": q})); err != nil {
			return err
		}
	}
	sum.RowID = in.RowID
	sum.Records += in.Records
	sum.Good += in.Good
	sum.BadCount += in.BadCount
	sum.Skipped += in.Skipped
	sum.Unknown += in.Unknown
	return nil
}
