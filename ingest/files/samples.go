package files

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/declare"
)

// Samples are what files tell of JSON.
var Samples = &declare.Samples{Infer: inferJSON, Prove: proveJSON}

func inferJSON(ctx context.Context, c *duck.Conn, file string) ([]duck.Column, error) {
	_, cols, err := inferredSource(ctx, c, &kind.Env{Dir: filepath.Dir(file)}, filepath.Base(file), "format json")
	return cols, err
}

func proveJSON(ctx context.Context, c *duck.Conn, lines [][]byte, wanted func([]duck.Column) []duck.Column) (found, proved []duck.Column,
	lost []string, err error) {
	dir, err := declare.SampleFile(lines)
	if err != nil {
		return nil, nil, nil, err
	}
	defer os.RemoveAll(dir)
	s, err := sourceOf(declare.Quote(declare.SampleName) + ", format json")
	if err != nil {
		return nil, nil, nil, err
	}
	files, err := s.list(&kind.Env{Dir: dir})
	if err != nil {
		return nil, nil, nil, err
	}
	found, _, err = s.describe(ctx, c, files, true, false)
	if found = wanted(found); err != nil || len(found) == 0 {
		return nil, nil, nil, err
	}
	p, err := s.prove(ctx, c, files, nil, slices.Clone(found), s.dialect)
	return found, p.cols, p.lost, err
}
