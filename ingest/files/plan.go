package files

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql/code"
)

// What there is to read: of each file the parts that some destination lacks, put together where they are read alike.

// plan says what there is to read now, and which places count.
func (x *session) plan(ctx context.Context, c *duck.Conn, cols []duck.Column, o kind.ReadOptions) ([]item, []filePlace, error) {
	files, err := x.list(x.env)
	if err != nil {
		return nil, nil, err
	}
	if len(files) == 0 && o.Warn != nil {
		o.Warn(x.noFiles())
	}
	places, err := x.places(ctx, c)
	if err == nil {
		files, err = x.own(x.env, files, places)
	}
	if err != nil {
		return nil, nil, err
	}
	if files, err = x.named(x.env, files, places); err != nil {
		return nil, nil, err
	}
	if files, err = x.knownFiles(ctx, c, files, cols, o.Warn); err != nil {
		return nil, nil, err
	}
	files = x.stillAside(x.quiet(files, places, o), places, o)
	changed, places, err := x.changed(files, places, o.Warn)
	if err != nil {
		return nil, nil, err
	}
	if o.Replay != nil {
		if files, err = x.again(files, places, changed, o.Replay); err != nil {
			return nil, nil, err
		}
		places = nil
	}
	if o.Everything || o.Replay != nil { // whatever others have of them, and whatever is kept of their records: all is read again
		return x.items(files, nil, nil, nil, o.Destinations), places, nil
	}
	work := x.items(files, places, changed, nil, o.Destinations)
	if len(work) == 0 { // no need to look through dsql.rejects
		return nil, places, nil
	}
	rejected, err := x.rejectedFiles(ctx, c)
	if err == nil && len(rejected) > 0 {
		work = x.items(files, places, changed, rejected, o.Destinations)
	}
	return work, places, err
}

// again are the files that REPLAY SOURCE reads: those that were taken before, and are as they were.
func (s *Source) again(files []file, places []filePlace, changed map[string]bool, o *kind.Replay) ([]file, error) {
	if s.snapshot {
		return nil, s.Stmt.Errorf(code.ReplayLoads,
			"the files of %s are loads of a whole table, and a load that isn't newer than the last is rejected", s.Stmt.Name).
			WithHint("REBUILD JOURNAL name FROM SOURCE takes all loads anew")
	}
	read := map[string]bool{}
	for _, p := range places {
		read[p.path] = read[p.path] || p.done
	}
	var out []file
	for _, f := range files {
		if read[f.path] && !changed[f.path] && (o.Since == nil || !f.modified.Before(*o.Since)) {
			out = append(out, f)
		}
	}
	return out, nil
}
