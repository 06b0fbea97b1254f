package look

import (
	"context"
	"encoding/json"
	"errors"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
)

// A user sees which files wait, why, and until when: in `dsql status`, and at the end of a run that left some.

// Waits are the files of a source that wait. What a guard holds back, and what is behind it, waits for a decision.
func (v *Viewer) Waits(ctx context.Context, n *program.Node) ([]kind.WaitingFile, error) {
	s, ok := n.Obj.(kind.Waiter)
	readers := v.Readers(n.Name)
	if !ok || len(readers) == 0 {
		return nil, nil
	}
	files, err := s.Waits(ctx, v.Conn, v.Program.Env, readers)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	guards, err := duck.Select(ctx, v.Conn,
		duck.SQL("SELECT destination, coalesce(origin, '') FROM dsql.holds WHERE version IS NULL AND source = {s} ORDER BY ALL LIMIT 1",
			duck.Args{"s": n.Name}), program.ScanPair)
	for i := range files {
		if f := &files[i]; len(guards) > 0 && f.Until == kind.NextRun {
			d := guards[0][0]
			f.Why, f.Until = "the guard of "+d+" holds "+guards[0][1]+" back", "RELEASE HOLD "+d+" or DISCARD HOLD "+d
		}
	}
	return files, err
}

// showWaiting lists the files that wait.
func (v *Viewer) showWaiting(ctx context.Context) error {
	var all []kind.WaitingFile
	for _, n := range v.Program.Nodes {
		files, err := v.Waits(ctx, n)
		var why *sql.Error
		switch {
		case errors.As(err, &why):
			v.Warn(why)
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
	return v.titled(ctx, "files_waiting", duck.SQL(`SELECT source, path, array_to_string(destinations, ', ') AS destinations, why, until
		FROM (SELECT unnest(from_json({files},
			'[{"source":"VARCHAR","path":"VARCHAR","destinations":["VARCHAR"],"why":"VARCHAR","until":"VARCHAR"}]'),
			recursive := true))`, duck.Args{"files": string(text)}))
}

// Readers are the destinations that take a source's new rows.
func (v *Viewer) Readers(source string) (names []string) {
	for _, n := range v.Program.Sorted() {
		for _, in := range n.Inputs {
			if _, ok := n.Destination(); ok && in.Of.Name == source {
				names = append(names, n.Name)
			}
		}
	}
	return names
}
