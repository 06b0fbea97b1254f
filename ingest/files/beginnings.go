package files

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/sql/code"
)

// What a bad record of a file can't be read without, and doesn't have in its own bytes: how its file began, and what the path captured.
// Where that doesn't stand beside the record the file is asked, if it is still there.

// beginnings tell that of bad records. What a file was asked is asked once.
type beginnings struct {
	s        *session
	c        *duck.Conn
	cols     []duck.Column
	files    map[string]file           // that are there, by the names that they were taken under; nil: nobody has asked yet
	openings map[string]*batch.Opening // of those that were looked at
}

// of says how the file of a record began, nil where that doesn't matter, and what its path captured.
func (b *beginnings) of(ctx context.Context, rec *kind.BadRecord) (began *batch.Opening, captures map[string]string, err error) {
	if b.s.format == "csv" {
		if began, err = b.opening(ctx, rec); err != nil {
			return nil, nil, err
		}
	}
	captures, err = b.captures(ctx, rec)
	return began, captures, err
}

// opening stands beside the record, but for rejects of older dsqls, whose file must still be there.
func (b *beginnings) opening(ctx context.Context, rec *kind.BadRecord) (*batch.Opening, error) {
	o := &batch.Opening{}
	if rec.Opening != "" && json.Unmarshal([]byte(rec.Opening), o) == nil && o.Delim != "" {
		return o, nil
	}
	if o := b.openings[rec.File]; o != nil {
		return o, nil
	}
	f, err := b.file(ctx, rec, "which columns its fields are")
	if err != nil {
		return nil, err
	}
	l, err := batch.NewLanding(b.c, b.s.Stmt.Name, b.s.fields(b.cols), b.s.effective(), b.s.limits)
	if err != nil {
		return nil, b.s.Placed(err, b.s.patternAt)
	}
	defer l.Close()
	in, err := b.s.open(l, &item{files: []file{f}}, 0)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b.openings[rec.File] = in.file.Opening
	return in.file.Opening, nil
}

// captures are those of the record's path, or of the one by which the pattern leads to its file now.
func (b *beginnings) captures(ctx context.Context, rec *kind.BadRecord) (map[string]string, error) {
	p := &b.s.pattern
	if len(p.Captures) == 0 {
		return nil, nil
	}
	if out, ok := p.Captured(rec.File); ok {
		return out, nil
	}
	f, err := b.file(ctx, rec, "what {"+p.Captures[0]+"} was in its path")
	return f.captures, err
}

// file is the record's file as it is there now. what it is asked for is said where it isn't.
func (b *beginnings) file(ctx context.Context, rec *kind.BadRecord, what string) (file, error) {
	s := b.s
	if b.files == nil {
		listed, err := s.list(s.env)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return file{}, err
		}
		places, err := s.places(ctx, b.c)
		if err != nil {
			return file{}, err
		}
		if listed, err = s.named(s.env, listed, places); err != nil {
			return file{}, err
		}
		b.files = map[string]file{}
		for _, f := range listed {
			b.files[f.path] = f
		}
	}
	f, ok := b.files[rec.File]
	if !ok {
		return file{}, s.Stmt.Errorf(code.ReplayBytes, "reject %d: %s is no longer among the source's files, and nothing tells %s", rec.ID,
			rec.File, what).
			WithHint("put the file back where the pattern matches it, or leave such rejects out: WHERE meta.file <> '" + rec.File + "'")
	}
	return f, nil
}
