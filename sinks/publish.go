package sinks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/internal/lazy"
	"dsql/sql"
	"dsql/sql/code"
)

// fileOutlet writes versions into a folder, its target:
//
//	v00000012-0.parquet, day=2026-01-31/v00000012-0.parquet   what readers see
//	.dsql-<sink>/data/…                                       a version that is being written
//	.dsql-<sink>/version.json                                 its names in the target, from before the first of them is there until the
//	                                                          version is recorded
//
// Files are whole and on disk before they get their names. A version that comes again gets the same names; what another attempt
// left under names that are no longer needed is removed.
type fileOutlet struct {
	s       *files
	c       *duck.Conn
	o       kind.SinkOptions
	target  string
	staging string
	share   *kind.Share // not nil: those of the other shares write into the target, too

	rejected []kind.RefusedRow
	resumed  bool    // what a run had begun before was looked for
	perRow   float64 // bytes in the files that were written last; 0: not known
	mark     string  // in the names of files with rows that come again
}

// note is version.json.
type note struct {
	Version int64    `json:"version"`
	Files   []string `json:"files"` // relative to the target
}

// Open does nothing yet: a folder is made when there is something to write.
func (s *files) Open(_ context.Context, c *duck.Conn, env *kind.Env, o kind.SinkOptions) (kind.Outlet, error) {
	target, err := s.folder(env)
	if err != nil {
		return nil, err
	}
	f := &fileOutlet{s: s, c: c, o: o, target: target, share: env.Share}
	f.staging = filepath.Join(target, ".dsql-"+strings.ToLower(s.decl.Name))
	if f.share != nil {
		f.staging += "-" + f.share.String()
	}
	return f, nil
}

// Write writes the rows of a version beside the target's files, and then gives them their names.
func (f *fileOutlet) Write(ctx context.Context, version int64, rows *duck.Query) (int64, error) {
	n, err := f.write(ctx, version, rows)
	if err != nil && ctx.Err() == nil {
		err = f.told(err)
	}
	return n, interrupted(ctx, err)
}

// told is an error of the folder's as users see it.
func (f *fileOutlet) told(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	var e *sql.Error
	switch {
	case duck.IsIO(err) && errors.As(err, &e):
		e.Exit = code.ExitUnreachable
		if strings.Contains(e.Msg, syscall.ENAMETOOLONG.Error()) || strings.Contains(e.Msg, "File name too long") {
			e.Code, e.Hint = code.UnwritableFolder, longName
		}
	case errors.As(err, &p):
		return f.unwritable(p.Path, p.Err)
	case errors.As(err, &l):
		return f.unwritable(l.New, l.Err)
	}
	return err
}

func (f *fileOutlet) unwritable(path string, err error) *sql.Error {
	hint := "check the folder, its rights and its disk; what is committed stays, and the next run goes on from here"
	if errors.Is(err, syscall.ENAMETOOLONG) {
		hint = longName
	}
	return f.s.decl.At(f.s.given[""].Value).Errorf(code.UnwritableFolder, "%s can't be written: %v", path, err).WithHint(hint).WithCause(err)
}

func (f *fileOutlet) write(ctx context.Context, version int64, rows *duck.Query) (int64, error) {
	before, err := f.read()
	if err != nil {
		return 0, err
	}
	if f.o.First && before == nil {
		if err := f.foreign(); err != nil {
			return 0, err
		}
	}
	if rows, err = f.writable(ctx, rows); err != nil {
		return 0, err
	}
	data := filepath.Join(f.staging, "data")
	if err := errors.Join(os.RemoveAll(data), os.MkdirAll(data, 0o755)); err != nil {
		return 0, err
	}
	to := data
	if len(f.s.partition) == 0 {
		to = filepath.Join(data, "0.part")
	}
	n, err := f.c.ExecAt(ctx, f.s.copy(rows, f.o.Columns, to), f.s.decl.At(f.s.at))
	if err != nil || n == 0 {
		return 0, errors.Join(err, os.RemoveAll(f.staging))
	}
	if err := fault.Fault(ctx, "sink-staged"); err != nil {
		return 0, err
	}
	staged, now, size, err := f.names(data, version)
	if err != nil {
		return 0, err
	}
	if err := f.keep(now); err != nil {
		return 0, err
	}
	if err := f.publish(ctx, staged, now.Files); err != nil {
		return 0, err
	}
	if before != nil && before.Version == version {
		for _, old := range before.Files {
			if !slices.Contains(now.Files, old) {
				if err := os.Remove(filepath.Join(f.target, old)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return 0, err
				}
			}
		}
	}
	f.o.First = false
	f.perRow = float64(size) / float64(n)
	return n, nil
}

// Rewrite is Rewriter's: the rows have files of their own, and a staging folder, as a version that was being written may stand in the other.
func (f *fileOutlet) Rewrite(ctx context.Context, version int64, rows *duck.Query, _ []int64, mark int64) (int64, error) {
	staging := f.staging
	f.mark = fmt.Sprintf("r%d-", mark)
	f.staging = fmt.Sprintf("%s-r%d", staging, mark)
	defer func() { f.mark, f.staging = "", staging }()
	n, err := f.Write(ctx, version, rows)
	if err == nil {
		err = f.Recorded(version)
	}
	return n, err
}

// names says which name in the target each staged file gets; all are on disk when it returns.
func (f *fileOutlet) names(data string, version int64) (staged []string, now note, size int64, err error) {
	now.Version = version
	count := map[string]int{}
	err = filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		dir, err := filepath.Rel(data, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir = strings.ReplaceAll(dir, "="+url.QueryEscape(likeNull), "=%5F"+hiveNull[1:])
		staged = append(staged, path)
		now.Files = append(now.Files, filepath.Join(dir, fmt.Sprintf("v%08d-%s%s%d%s", version, f.tag(), f.mark, count[dir], f.s.ending())))
		count[dir]++
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return sync(path)
	})
	return staged, now, size, err
}

// publish moves the staged files to their names in the target.
func (f *fileOutlet) publish(ctx context.Context, staged, names []string) error {
	touched := map[string]bool{}
	for i, name := range names {
		path := filepath.Join(f.target, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.Rename(staged[i], path); err != nil {
			return err
		}
		for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
			if touched[dir] = true; dir == f.target {
				break
			}
		}
		if err := fault.Fault(ctx, "sink-renamed"); err != nil {
			return err
		}
	}
	touched[filepath.Dir(f.target)] = true
	for dir := range touched {
		if err := sync(dir); err != nil {
			return err
		}
	}
	return nil
}

// sync waits until a file, or the names in a folder, are on disk.
func sync(path string) error {
	x, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(x.Sync(), x.Close())
}

func (f *fileOutlet) read() (*note, error) {
	text, err := os.ReadFile(filepath.Join(f.staging, "version.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var n note
	if json.Unmarshal(text, &n) != nil { // a crash while it was written: nothing was renamed
		return nil, nil
	}
	return &n, nil
}

// keep writes version.json.
func (f *fileOutlet) keep(n note) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	path := filepath.Join(f.staging, "version.json")
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return err
	}
	if err := sync(path + ".new"); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return sync(f.staging)
}

var ofVersion = lazy.Regexp(`^v\d{8,}-(?:[0-9a-f]{8}-|(\d+-of-\d+)-)?(r\d+-)?\d+\.`)

// tag stands in the names of files that a copy of another file writes, or a share: versions of both have the same numbers.
func (f *fileOutlet) tag() string {
	switch {
	case f.o.Copied:
		return f.o.File[:8] + "-"
	case f.share != nil:
		return f.share.String() + "-"
	}
	return ""
}

const longName = "a partition's value is too long for the name of a folder: partition by something shorter, or add ON ROW ERROR REJECT"

// maxName is how many bytes the name of a folder may have.
const maxName = 255

// writable are the rows that have a place in the folder; with ON ROW ERROR REJECT the others are noted. (A value that is too long for the
// name of its partition's folder is what there is of that kind.)
func (f *fileOutlet) writable(ctx context.Context, rows *duck.Query) (*duck.Query, error) {
	f.rejected = nil
	if !f.s.rejects || len(f.s.partition) == 0 {
		return rows, nil
	}
	long := duck.Each(" OR ", f.s.partition, func(p sql.Name) *duck.Query {
		return duck.SQL("coalesce(octet_length(encode(url_encode({name}))) + 1 + octet_length(encode(url_encode({c}::VARCHAR))) > {max}, false)",
			duck.Args{"name": p.Text, "c": duck.Ident(p.Text), "max": int64(maxName)})
	})
	a := duck.Args{"rows": rows, "long": long}
	var err error
	a["fields"] = duck.Each(", ", f.o.Columns, func(c duck.Column) *duck.Query {
		return duck.SQL("{c} := {c}", duck.Args{"c": duck.Ident(c.Name)})
	})
	a["n"] = duck.Ident(duck.FreeName("_n", f.o.Columns))
	f.rejected, err = duck.Select(ctx, f.c, duck.SQL("SELECT to_json(struct_pack({fields}))::VARCHAR, {n} "+
		"FROM (SELECT *, row_number() OVER () AS {n} FROM ({rows})) WHERE {long} ORDER BY {n}", a),
		func(row func(...any) error) (r kind.RefusedRow, err error) {
			r.Reason = fmt.Sprintf("a partition's value is too long for the name of a folder (%d bytes)", maxName)
			return r, row(&r.Data, &r.Number)
		})
	if err != nil || len(f.rejected) == 0 {
		return rows, err
	}
	return duck.SQL("SELECT * FROM ({rows}) WHERE NOT ({long})", a), nil
}

func (f *fileOutlet) Rejected() []kind.RefusedRow { return f.rejected }

// foreign refuses a folder that holds files of versions when this sink has never written one: they would be taken for its own, and
// some be replaced.
func (f *fileOutlet) foreign() error {
	err := filepath.WalkDir(f.target, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := ofVersion().FindStringSubmatch(d.Name())
		if name == nil || f.share != nil && f.share.Other(name[1]) {
			return nil
		}
		return f.s.decl.At(f.s.given[""].Value).Errorf(code.FolderInUse, "%s is there already, and was not written by this sink", path).
			WithHint("it is another file's or another sink's, or of one that was dropped: name another folder, or empty this one")
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Recorded removes what was kept for a repeat.
func (f *fileOutlet) Recorded(int64) error { return os.RemoveAll(f.staging) }

// Close leaves version.json where a version is not recorded.
func (f *fileOutlet) Close() error { return nil }
