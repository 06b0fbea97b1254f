package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"dsql/engine"
	"dsql/sql"
)

// snapshot copies the file for readers while a run has it open: DuckDB lets no other process in. The copy is whole and takes the
// old one's place at once, so that a reader sees one or the other. It is due after every interval, and (final) at the end of a run.
func (r *runner) snapshot(ctx context.Context, final bool) error {
	if r.o.Snapshot == "" || r.version == r.copied || !final && time.Since(r.copiedAt) < r.o.SnapshotEvery {
		return nil
	}
	if err := r.conn.Run(ctx, engine.SQL("CHECKPOINT")); err != nil {
		return err
	}
	if err := r.copyTo(r.o.Snapshot); err != nil {
		return &sql.Error{Code: "no-snapshot", Exit: sql.ExitUnreachable, Msg: fmt.Sprintf("the snapshot %s can't be written: %v", r.o.Snapshot, err), Hint: "check the folder and the space on it", Err: err}
	}
	r.copied, r.copiedAt = r.version, time.Now()
	return nil
}

// copyTo replaces a file by a copy of the run's. The run's file stays open until the run has closed it: POSIX takes the locks of a
// process on a file away, DuckDB's too, when the process closes any of its descriptors of that file.
func (r *runner) copyTo(name string) (err error) {
	if r.original == nil {
		if r.original, err = os.Open(r.conn.DB.Path); err != nil {
			return err
		}
	}
	info, err := r.original.Stat()
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(out.Name())
		}
	}()
	_, err = io.Copy(out, io.NewSectionReader(r.original, 0, info.Size()))
	if err = errors.Join(err, out.Chmod(0o644), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), name)
}
