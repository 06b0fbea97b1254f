package files

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// Columns are the declared ones, and those that the path's captures add. Where none are declared they are what DuckDB's reader
// finds in the first file that isn't empty, or those pinned when that was first done. ON SCHEMA CHANGE ADD COLUMNS adds to
// either what files that no destination has taken yet have beside them.
func (s *Source) Columns(ctx context.Context, c *duck.Conn, env *kind.Env,
	pinned []duck.Column) (cols []duck.Column, err error) {
	switch {
	case s.Defs != nil:
		if cols, err = s.Types(ctx, c); err == nil {
			cols = s.withCaptures(cols)
		}
	case len(pinned) > 0:
		cols = pinned
	default:
		cols, err = s.in(env).infer(ctx, c)
	}
	if err != nil || s.OnNew != "ADD COLUMNS" {
		return cols, err
	}
	return s.in(env).grow(ctx, c, cols, pinned)
}
