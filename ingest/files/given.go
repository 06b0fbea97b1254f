package files

import (
	"context"
	"maps"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/glob"
	"dsql/sql/code"
)

// What a test gives in the place of files.

// givenPath is where records are that a test gives no path for.
const givenPath = "given"

// Topic: files have none.
func (s *Source) Topic() string { return "" }

// Loads: each batch is a whole table.
func (s *Source) Loads() bool { return s.snapshot }

// Captures are the parts of a path, and whether the pattern leads to it.
func (s *Source) Captures(path string) (map[string]string, bool) {
	out, ok := s.pattern.Captured(path)
	out = maps.Clone(out)
	maps.DeleteFunc(out, func(_, v string) bool { return v == glob.Null })
	return out, ok
}

// Given decodes a text as the one file of a batch.
func (s *Source) Given(ctx context.Context, c *duck.Conn, _ *kind.Env, cols []duck.Column, text, path string, _ int64) (
	in *kind.Input, done func(), err error) {
	if s.format == "parquet" {
		return nil, nil, s.Stmt.Errorf(code.BadTest, "%s reads Parquet, which has no text", s.Stmt.Name).
			WithHint("give rows: AS (VALUES …) or AS (SELECT …)")
	}
	info := batch.FileInfo{Path: givenPath, Captures: map[string]string{}}
	for _, name := range s.pattern.Captures {
		info.Captures[name] = glob.Null
	}
	captured := map[string]string{}
	if path != "" {
		info.Path = path
		captured, _ = s.Captures(path)
		maps.Copy(info.Captures, captured)
	}
	fields := s.fields(cols)
	d := s.dialect
	d.Skip, d.Header = 0, batch.HeaderNo
	if s.format == "csv" && named(text, d.Delim, fields) {
		d.Header = batch.HeaderYes
	}
	l, err := batch.NewLanding(c, s.Stmt.Name, fields, d, batch.Limits{Rows: max(2048, strings.Count(text, "\n")+1),
		Bytes: max(1<<20, 2*int64(len(text)))})
	if err != nil {
		return nil, nil, s.Placed(err, s.patternAt)
	}
	in, err = s.given(ctx, l, text, info)
	if err == nil {
		in.Captures, in.Snapshot = captured, s.snapshot
		if s.snapshot && in.Good == 0 && path != "" {
			of := &captures{source: s, db: c, columns: cols}
			in.Captures, err = of.ofEmpty(ctx, file{path: path, captures: info.Captures}, captured)
		}
	}
	if err == nil {
		err = s.BadRecords(ctx, c, in)
	}
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	return in, l.Close, nil
}

// given fills a batch with a text.
func (s *Source) given(ctx context.Context, l *batch.Landing, text string, info batch.FileInfo) (*kind.Input, error) {
	b, err := l.Take(ctx)
	if err != nil {
		return nil, err
	}
	f, err := l.Open(strings.NewReader(text), batch.Pos{}, info)
	if err != nil {
		return nil, s.Placed(err, s.patternAt)
	}
	more, err := b.Fill(ctx, f)
	if err != nil {
		return nil, err
	}
	if more {
		return nil, s.Stmt.Errorf(code.BadTest, "this is too much for one batch of %s", s.Stmt.Name).WithHint("give a part of it")
	}
	in := b.Input()
	in.Source, in.Absent, in.RowID = s.Stmt.Name, f.Absent(), batch.RowID(s.dialect.Format, []string{info.Path})
	return in, nil
}

// named: the first record of a CSV text has names of declared columns alone.
func named(text, delim string, fields []batch.Field) bool {
	first, _, _ := strings.Cut(text, "\n")
	if delim == "" {
		delim = ","
		for _, d := range []string{";", "\t", "|"} {
			if strings.Count(first, d) > strings.Count(first, delim) {
				delim = d
			}
		}
	}
	for _, cell := range strings.Split(strings.TrimSuffix(first, "\r"), delim) {
		name := strings.Trim(strings.TrimSpace(cell), `"`)
		if !slices.ContainsFunc(fields, func(f batch.Field) bool {
			return f.Capture == "" && (strings.EqualFold(f.Name, name) || strings.EqualFold(f.Steps()[0], name))
		}) {
			return false
		}
	}
	return true
}
