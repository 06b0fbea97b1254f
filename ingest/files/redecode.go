package files

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/sql/code"
)

// Bad records are decoded anew from the bytes that dsql.rejects has of them, by the declaration of now.

// Redecode decodes records of files: as many as a batch has room for, and those that began alike. It says how many it took.
func (s *Source) Redecode(ctx context.Context, c *duck.Conn, env *kind.Env, cols []duck.Column,
	records []kind.BadRecord) (*kind.Redecoded, error) {
	if s.format == "parquet" {
		return nil, s.Stmt.Errorf(code.ReplayBytes, "rows of Parquet have no bytes of their own to be read again").
			WithHint("REBUILD … FROM SOURCE reads their files again")
	}
	x := s.in(env)
	if err := x.knownDialect(ctx, c); err != nil {
		return nil, err
	}
	out := &kind.Redecoded{ID: duck.SQL("_meta.file::BIGINT")}
	files := &beginnings{s: x, c: c, cols: cols, openings: map[string]*batch.Opening{}}
	began, captures, err := files.of(ctx, &records[0])
	if err != nil {
		return nil, err
	}
	d := x.effective()
	d.Skip, d.Began = 0, began
	lead := ""
	if began != nil {
		d.Delim, d.Header = began.Delim, batch.HeaderNo
		if began.Header != nil {
			d.Header, lead = batch.HeaderYes, *began.Header+"\n"
		}
	}
	l, err := batch.NewLanding(c, s.Stmt.Name, s.fields(cols), d, s.limits)
	if err != nil {
		return nil, s.Placed(err, s.patternAt)
	}
	out.Close = l.Close
	b, err := l.Take(ctx)
	if err != nil {
		l.Close()
		return nil, err
	}
	absent := []string(nil)
	var paths []string
	for i := range records {
		rec := &records[i]
		if i > 0 {
			var again *batch.Opening
			if again, captures, err = files.of(ctx, rec); err != nil || !again.Equal(began) {
				break // into a batch of its own
			}
		}
		text := bytes.Join([][]byte{[]byte(lead), rec.Payload, []byte("\n")}, nil)
		info := batch.FileInfo{Path: fmt.Sprint(rec.ID), Captures: captures}
		if began != nil && began.Refused && string(rec.Payload) == *began.Header {
			info.Refused = "it is the header of its file"
		}
		f, err := l.Open(bytes.NewReader(text), batch.Pos{}, info)
		if err != nil {
			l.Close()
			return nil, s.Placed(err, s.patternAt)
		}
		more, err := b.Fill(ctx, f)
		if err != nil {
			l.Close()
			return nil, err
		}
		if more && out.Took == 0 { // it has room nowhere, and nothing of it is taken
			b.Release()
			if b, err = l.Take(ctx); err != nil {
				l.Close()
				return nil, err
			}
		}
		if more {
			break
		}
		absent = f.Absent()
		paths = append(paths, rec.File)
		out.Took++
	}
	slices.Sort(paths)
	in := b.Input()
	in.Source, in.Absent, in.RowID = s.Stmt.Name, absent, batch.RowID(s.dialect.Format, slices.Compact(paths))
	out.Input = in
	return out, nil
}
