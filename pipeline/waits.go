package pipeline

import (
	"context"
	"encoding/json"
	"errors"

	"dsql/engine"
	"dsql/sql"
)

// A user sees which files wait, why, and until when: in `dsql status`, and at the end of a run that left some.

// keeping is a source of which something may wait: it says what, as it is now.
type keeping interface {
	Waits(ctx context.Context, c *engine.Conn, env *engine.Env, destinations []string) ([]engine.WaitingFile, error)
}

// waits are the files of a source that wait. What a guard holds back, and what is behind it, waits for a decision.
func (r *runner) waits(ctx context.Context, n *node) ([]engine.WaitingFile, error) {
	s, ok := n.obj.(keeping)
	readers := r.readers(n.name)
	if !ok || len(readers) == 0 {
		return nil, nil
	}
	files, err := s.Waits(ctx, r.conn, r.p.env, readers)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	guards, err := engine.Select(ctx, r.conn, engine.SQL("SELECT destination, coalesce(origin, '') FROM dsql.holds WHERE version IS NULL AND source = {s} ORDER BY ALL LIMIT 1", engine.Args{"s": n.name}), scanPair)
	for i := range files {
		if f := &files[i]; len(guards) > 0 && f.Until == engine.NextRun {
			d := guards[0][0]
			f.Why, f.Until = "the guard of "+d+" holds "+guards[0][1]+" back", "RELEASE HOLD "+d+" or DISCARD HOLD "+d
		}
	}
	return files, err
}

// left are the files that a run leaves: of sources that said so, of all where it was stopped. What can't be looked at was told when
// it was to be read.
func (r *runner) left(ctx context.Context, stopped bool) (out []engine.WaitingFile) {
	for _, n := range r.p.nodes {
		if n.bound && (stopped || r.leaves[n]) {
			files, _ := r.waits(ctx, n)
			out = append(out, files...)
		}
	}
	return out
}

// showWaiting lists the files that wait.
func (r *runner) showWaiting(ctx context.Context) error {
	var all []engine.WaitingFile
	for _, n := range r.p.nodes {
		files, err := r.waits(ctx, n)
		var why *sql.Error
		switch {
		case errors.As(err, &why):
			r.warn(why)
		case err != nil:
			return err
		}
		all = append(all, files...)
	}
	if len(all) == 0 {
		return nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return r.titled(ctx, "files_waiting", engine.SQL(`SELECT source, path, array_to_string(destinations, ', ') AS destinations, why, until
		FROM (SELECT unnest(from_json({files}, '[{"source":"VARCHAR","path":"VARCHAR","destinations":["VARCHAR"],"why":"VARCHAR","until":"VARCHAR"}]'), recursive := true))`, engine.Args{"files": string(text)}))
}
