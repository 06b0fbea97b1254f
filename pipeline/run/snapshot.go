package run

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// snapshot copies the file for readers while a run has it open: DuckDB lets no other process in. The copy is whole and takes the
// old one's place at once, so that a reader sees one or the other. It is due after every interval, and (final) at the end of a run. Taking
// rows in is the run's work: while it follows a copy that can't be written is told, and tried again.
func (r *runner) snapshot(ctx context.Context, final bool) error {
	if r.Options.Snapshot == "" || r.version == r.copied || !final && time.Since(r.copiedAt) < r.Options.SnapshotEvery {
		return nil
	}
	err := r.Conn.Checkpoint(ctx)
	if err != nil && len(r.underWay()) == 0 {
		return err
	}
	if err == nil { // else an errand that waits has a query open
		err = r.copyTo(ctx, r.Options.Snapshot)
	}
	var known *sql.Error
	if err != nil && !errors.As(err, &known) {
		known = sql.Errorf(code.NoSnapshot, "the snapshot %s can't be written: %v", r.Options.Snapshot, err).
			WithHint("check the folder and the space on it").WithCause(err)
	}
	switch {
	case known == nil:
		r.copied, r.uncopied = r.version, false
	case final || !r.Options.Follow || ctx.Err() != nil:
		return known
	case !r.uncopied:
		r.uncopied = true
		w := *known
		w.Hint = "the run goes on, and tries again every " + r.Options.SnapshotEvery.String()
		r.Warn(&w)
	}
	r.copiedAt = time.Now()
	return nil
}

// copyTo replaces a file by a copy of the run's. The run's file stays open until the run has closed it: POSIX takes the locks of a
// process on a file away, DuckDB's too, when the process closes any of its descriptors of that file.
func (r *runner) copyTo(ctx context.Context, name string) (err error) {
	if r.original == nil {
		if r.original, err = os.Open(r.Conn.DB.Path); err != nil {
			return err
		}
	}
	info, err := r.original.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(name); err == nil && (r.copy == nil || !os.SameFile(there, r.copy)) {
		if err := mayReplace(ctx, name, info); err != nil {
			return err
		}
	}
	tmp := snapshotInTheMaking(name)
	out, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp)
		}
	}()
	_, err = io.Copy(out, io.NewSectionReader(r.original, 0, info.Size()))
	if err = errors.Join(err, out.Chmod(0o644), out.Close()); err != nil {
		return err
	}
	if err := r.mark(ctx, tmp); err != nil {
		return err
	}
	if r.copy, err = os.Stat(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

// snapshotInTheMaking is the name that a copy has until it is whole: always the same, so that a run that was killed leaves one at most, and
// the next takes it away.
func snapshotInTheMaking(name string) string {
	return filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".new")
}

// mark writes into a copy that it is one, and of what.
func (r *runner) mark(ctx context.Context, path string) error {
	os.Remove(path + ".wal")
	if err := r.Conn.Run(ctx, duck.SQL("ATTACH {path} AS dsql_snapshot", duck.Args{"path": path})); err != nil {
		return err
	}
	err := r.Conn.Run(ctx, duck.SQL("UPDATE dsql_snapshot.dsql.file SET snapshot_of = {of}", duck.Args{"of": filepath.Base(r.Conn.DB.Path)}))
	if err == nil {
		err = r.Conn.Run(ctx, duck.SQL("CHECKPOINT dsql_snapshot"))
	}
	return errors.Join(err, r.Conn.Run(context.WithoutCancel(ctx), duck.SQL("DETACH dsql_snapshot")))
}

// SnapshotOf is the name of the file that a file is a copy of which --snapshot made; "" when it is none, or can't be read.
func SnapshotOf(ctx context.Context, path string) string {
	db, err := duck.Open(ctx, path, duck.Options{ReadOnly: true})
	if err != nil {
		return ""
	}
	defer db.Close()
	return catalog.SnapshotOf(ctx, db.Writer())
}

// MayBeMeant: a file is one that declares something, and no copy that --snapshot made. One that can't be read, as it is being written, may be.
func MayBeMeant(ctx context.Context, path string) bool {
	db, err := duck.Open(ctx, path, duck.Options{ReadOnly: true})
	if err != nil {
		return true
	}
	defer db.Close()
	c := db.Writer()
	n, err := c.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.declarations"))
	return (err == nil && n > 0 || err != nil && !duck.IsMissing(err)) && catalog.SnapshotOf(ctx, c) == ""
}

// mayReplace refuses to write a snapshot over what is none: the script, an input, another file of dsql's. db is the run's own file, nil
// when it isn't there.
func mayReplace(ctx context.Context, name string, db os.FileInfo) error {
	there, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case db != nil && os.SameFile(there, db):
		return sql.Errorf(code.NotASnapshot, "%s is the file of --db itself: a copy would take its place", name).
			WithHint("name another file")
	case !there.Mode().IsRegular() || SnapshotOf(ctx, name) == "":
		return sql.Errorf(code.NotASnapshot, "%s is there, and is no copy that --snapshot made: it would be lost", name).
			WithHint("name another file, or take this one away")
	}
	return nil
}

// checkSnapshot sees before a run that its snapshot can be written.
func checkSnapshot(ctx context.Context, o program.Options) error {
	if o.Snapshot == "" {
		return nil
	}
	dir := filepath.Dir(o.Snapshot)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return sql.Errorf(code.NoSnapshot, "the snapshot %s can't be written: there is no folder %s", o.Snapshot, dir).
			WithHint("make it, or name another").WithCause(err)
	}
	db, err := os.Stat(o.DB)
	if err != nil {
		db = nil
		if same(o.Snapshot, o.DB) {
			return sql.Errorf(code.NotASnapshot, "%s is the file of --db itself", o.Snapshot).WithHint("name another file")
		}
	}
	os.Remove(snapshotInTheMaking(o.Snapshot))
	return mayReplace(ctx, o.Snapshot, db)
}

// same says whether two names are of one file, which isn't there yet.
func same(a, b string) bool {
	x, err := filepath.Abs(a)
	y, yerr := filepath.Abs(b)
	return err == nil && yerr == nil && x == y
}
