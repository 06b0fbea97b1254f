package files

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/sql"
	"dsql/sql/code"
)

// What a declaration leaves out is found by DuckDB's own readers, and then proved by the decoders: they take no type that guesses
// (a date that is not ISO 8601 without its pattern, say), and such a column is VARCHAR.

// infer finds the columns of the first file that has a record. A file without one would tell names at most, and those as they are
// read where nothing else is there.
func (x *session) infer(ctx context.Context, c *duck.Conn) ([]duck.Column, error) {
	files, err := x.list(x.env)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if f.size == 0 {
			continue
		}
		p, found, err := x.inferFrom(ctx, c, files[i:i+1], false)
		if err != nil && (x.noRecords(err) || x.unreadableFile(err) != nil) {
			continue
		}
		if err == nil && p.records == 0 && found != nil { // all of it was taken for lines above a header
			p, found, err = x.inferFrom(ctx, c, files[i:i+1], true)
		}
		if err != nil {
			return nil, err
		}
		if p.records == 0 {
			continue
		}
		if x.format == "json" { // a field in two cases is one column
			p.cols = slices.DeleteFunc(p.cols, func(c duck.Column) bool { return slices.Contains(p.lost, c.Name) })
		} else if len(p.lost) > 0 {
			return nil, x.notInferred(f,
				fmt.Sprintf("no field is called %s: DuckDB made up the name for one that has none, or whose name stands there twice",
					sql.ShownName(p.lost[0])), nil)
		}
		x.found, x.inferred = found, f.path
		return x.withCaptures(p.cols), nil
	}
	return nil, x.Stmt.At(x.patternAt).Errorf(code.NothingToInfer, "%s has no columns, and no file of %s has a record to infer them from",
		x.Stmt.Name, x.pattern.Text).
		WithHint(x.nameThem())
}

func (x *session) inferFrom(ctx context.Context, c *duck.Conn, files []file, lax bool) (proof, *batch.Found, error) {
	cols, found, err := x.describe(ctx, c, files, false, lax)
	if err != nil {
		return proof{}, nil, err
	}
	d := x.dialect
	d.Found = found
	p, err := x.prove(ctx, c, files, nil, cols, d)
	if err == nil && p.records > 0 && p.good == 0 && found != nil && found.Quote == "" && x.dialect.Quote == 0 {
		found.NoQuote = true
		p, err = x.prove(ctx, c, files, nil, cols, d)
	}
	return p, found, err
}

func (s *Source) notInferred(f file, why string, err error) *sql.Error {
	return s.Stmt.At(s.patternAt).Errorf(code.NotInferred, "the columns of %s can't be inferred: %s", f.path, why).
		WithHint(s.nameThem()).
		WithCause(err)
}

// describe asks DuckDB's reader for the columns of files; whole says that it is to look at all records, where that matters, lax that it
// may pass over some.
func (s *Source) describe(ctx context.Context, c *duck.Conn, files []file, whole,
	lax bool) (cols []duck.Column, found *batch.Found, err error) {
	if s.format == "csv" {
		err = c.Apart(ctx, func(c *duck.Conn) (err error) { cols, found, err = s.sniff(ctx, c, files[0], lax); return err })
	} else {
		cols, err = s.described(ctx, c, files, whole, false)
	}
	if err != nil {
		var e *sql.Error
		if errors.As(err, &e) && e.Exit == code.ExitUnreachable {
			return nil, nil, err
		}
		why := err.Error()
		if e != nil {
			why = e.Msg
		}
		why, _, _ = strings.Cut(strings.TrimSpace(strings.ReplaceAll(why, files[0].full, files[0].path)), "\n")
		return nil, nil, s.notInferred(files[0], why, err)
	}
	return s.shaped(cols), found, nil
}
