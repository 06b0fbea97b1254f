package run

import (
	"context"
	"fmt"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// What goes outside is named by the file's id and by versions. A copy that --snapshot made goes on from the same version as the file that
// it is a copy of, so the first run on it makes it a file of its own: it gets an id, and its sinks stop until RESUME SINK, because what
// they would write may stand out there already, or not, and only the user knows.

// identity is a row of dsql.file.
type identity struct {
	id       string
	restored bool // it was a copy
	halted   map[string]bool
}

const freshID = "left(replace(uuid()::VARCHAR, '-', ''), 16)"

// identify reads who the file is.
func (r *runner) identify(ctx context.Context) error {
	var of *string
	if _, err := r.Conn.Scan(ctx, duck.SQL("SELECT id, snapshot_of, restored FROM dsql.file"), &r.file.id, &of, &r.file.restored); err != nil {
		return err
	}
	if of != nil {
		if err := r.becomeOwn(ctx, *of); err != nil {
			return err
		}
	}
	if s := r.Options.Share; s != nil {
		if err := r.Conn.Run(ctx, duck.SQL("UPDATE dsql.file SET share = {n}, shares = {of} WHERE share IS NULL",
			duck.Args{"n": s.Number, "of": s.Of})); err != nil {
			return err
		}
	}
	names, err := duck.Select(ctx, r.Conn, duck.SQL("SELECT sink FROM dsql.stopped_sinks"),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	r.file.halted = map[string]bool{}
	for _, n := range names {
		r.file.halted[n] = true
	}
	return err
}

func (r *runner) becomeOwn(ctx context.Context, of string) error {
	err := r.Conn.Update(ctx, func(tx *duck.Tx) error {
		if err := tx.Run(ctx,
			duck.SQL("UPDATE dsql.file SET id = {id}, snapshot_of = NULL, restored = true", duck.Args{"id": duck.SQL(freshID)}),
			duck.SQL("DELETE FROM dsql.stopped_sinks")); err != nil {
			return err
		}
		for _, n := range r.Program.Nodes {
			if _, ok := n.Sink(); !ok || n.Stored == nil {
				continue
			}
			if err := tx.Run(ctx, duck.SQL("INSERT INTO dsql.stopped_sinks VALUES ({name})", duck.Args{"name": n.Name})); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.Warn(sql.Errorf(code.RestoredCopy, "this file is a copy that --snapshot made of %s; from now on it is a file of its own", of).
		WithHint("its sinks stop until RESUME SINK name; all else goes on").WithExit(code.ExitScript))
	r.file.restored = true
	_, err = r.Conn.Scan(ctx, duck.SQL("SELECT id FROM dsql.file"), &r.file.id)
	return err
}

// halt is the error of a sink that stops because the file is a copy.
func (r *runner) halt(n *program.Node, last int64) *sql.Error {
	d := n.Obj.Decl()
	return d.Errorf(code.RestoredCopy,
		"sink %s stops: the file is a copy that --snapshot made, and what stands out there was written by another file", n.Name).
		WithHint(fmt.Sprintf("see to it that nothing stands out there beyond version %d, or that it does no harm, and run RESUME SINK %s", last,
			n.Name))
}

var resumeVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "RESUME", Example: "RESUME SINK lake",
		Doc: "Lets a sink go on that stopped because the file is a copy which --snapshot made: it writes the versions behind the last that it " +
			"has noted."},
	On:    program.OnSinks,
	Check: program.Declared,
	Run:   action((*runner).resume),
}

// resume is RESUME SINK.
func (r *runner) resume(ctx context.Context, d *sql.Decl) error {
	n, err := r.Program.Declared(d)
	if err != nil {
		return err
	}
	if err := r.resumed(ctx, n); err != nil {
		return err
	}
	delete(r.broken, n)
	return r.sink(ctx, n)
}

// resumed takes a sink off the list of those that stop.
func (r *runner) resumed(ctx context.Context, n *program.Node) error {
	if !r.file.halted[n.Name] {
		return nil
	}
	if err := r.Conn.Update(ctx, func(tx *duck.Tx) error {
		return tx.Run(ctx, duck.SQL("DELETE FROM dsql.stopped_sinks WHERE sink = {name}", duck.Args{"name": n.Name}))
	}); err != nil {
		return err
	}
	delete(r.file.halted, n.Name)
	return nil
}
