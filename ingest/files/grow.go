package files

import (
	"context"
	"errors"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/names"
	"dsql/sql"
	"dsql/sql/code"
)

// ON SCHEMA CHANGE ADD COLUMNS for files: the fields that no column reads become columns, of the types that they are inferred to have.

func sameFile(a, b file) bool {
	return a.path == b.path && a.size == b.size && a.modified.Equal(b.modified)
}

// grow adds the columns that were added before, and those that files have which no destination has begun (all files, when
// nothing is pinned).
func (x *session) grow(ctx context.Context, c *duck.Conn, cols, pinned []duck.Column) ([]duck.Column, error) {
	for _, p := range pinned {
		if !names.Has(duck.ColumnNames(cols), p.Name) {
			cols = append(cols, p)
		}
	}
	files, err := x.list(x.env)
	if err != nil {
		return nil, err
	}
	fresh := files
	if len(pinned) > 0 {
		places, err := x.places(ctx, c)
		if err != nil {
			return nil, err
		}
		if files, err = x.named(x.env, files, places); err != nil {
			return nil, err
		}
		begun := map[string]bool{}
		for _, p := range places {
			begun[p.path] = begun[p.path] || p.why == "" || p.pos.Byte > 0 // one that was set aside whole is begun when it is mended
		}
		fresh = slices.DeleteFunc(slices.Clone(files), func(f file) bool { return begun[f.path] })
	}
	if x.scanned != nil && slices.EqualFunc(x.scanned.fresh, fresh, sameFile) && slices.EqualFunc(x.scanned.files, files, sameFile) {
		return x.scanned.cols, nil
	}
	added, err := x.additions(ctx, c, fresh, cols)
	if err != nil {
		return nil, err
	}
	x.scanned = &scan{files, fresh, append(cols, added...)}
	return x.scanned.cols, nil
}

// additions are the fields of files that no column reads, as columns. What is wrong with a file the run says when it comes to it; here
// it has what could be read of it.
func (x *session) additions(ctx context.Context, c *duck.Conn, files []file, cols []duck.Column) ([]duck.Column, error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f file) bool { return f.size == 0 })
	if len(files) == 0 {
		return nil, nil
	}
	of := x.readerAdditions
	if x.format == "csv" {
		of = x.csvAdditions
	}
	added, err := of(ctx, c, files, cols)
	switch {
	case err == nil || fileFault(err) == nil && !x.noRecords(err):
		return added, err
	case len(files) > 1:
		return x.additionsEach(ctx, c, files, cols)
	}
	return nil, nil
}

// readerAdditions asks DuckDB's readers of JSON and Parquet. DuckDB passes over lines that are no JSON, but a file that begins with one it
// doesn't take for lines: it is asked once more then, and the fields that it doesn't get to are what the decoder finds at the beginning.
func (x *session) readerAdditions(ctx context.Context, c *duck.Conn, files []file, cols []duck.Column) ([]duck.Column, error) {
	found, err := x.described(ctx, c, files, true, false)
	broken := err != nil
	switch {
	case ctx.Err() != nil || err != nil && x.noRecords(err):
		return nil, err
	case broken && (x.format != "json" || len(files) > 1):
		return nil, x.unreadable(err, files[0].path)
	case broken:
		if found, err = x.described(ctx, c, files, true, true); err != nil {
			found = nil
		}
	}
	read := func(name string) bool {
		return x.names(cols, name) || names.Has(duck.ColumnNames(cols), name) || strings.EqualFold(name, catalog.MetaColumn)
	}
	found = slices.DeleteFunc(x.shaped(found), func(f duck.Column) bool { return read(f.Name) })
	if len(found) == 0 && !broken {
		return nil, nil
	}
	p, err := x.prove(ctx, c, files, cols, found, x.effective())
	if err != nil {
		return nil, err
	}
	more := slices.DeleteFunc(p.unknown, func(n string) bool { return read(n) || names.Has(duck.ColumnNames(p.cols), n) })
	if broken && len(more) > 0 {
		for _, n := range more {
			if !names.Has(duck.ColumnNames(p.cols), n) {
				p.cols = append(p.cols, duck.Column{Name: n, Type: "VARCHAR"})
			}
		}
		if p, err = x.prove(ctx, c, files, cols, p.cols, x.effective()); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(p.cols, func(f duck.Column) bool {
		return slices.Contains(p.lost, f.Name) || slices.Contains(more, f.Name) && slices.Contains(p.empty, f.Name)
	}), nil
}

// csvAdditions asks about each file: what its header names beside the columns. A file without header has nothing new.
func (x *session) csvAdditions(ctx context.Context, c *duck.Conn, files []file,
	cols []duck.Column) (added []duck.Column, err error) {
	if x.dialect.Header == batch.HeaderNo {
		return nil, nil
	}
	for i := range files {
		known := slices.Concat(cols, added)
		fresh, err := x.freshNames(c, files[i], known)
		if err != nil || len(fresh) == 0 {
			if err != nil {
				return nil, err
			}
			continue
		}
		found, _, err := x.describe(ctx, c, files[i:i+1], true, false)
		if e := (*sql.Error)(nil); err != nil && !(errors.As(err, &e) && e.Code == code.NotInferred) {
			return nil, err
		}
		var these []duck.Column
		for _, name := range fresh {
			col := duck.Column{Name: name, Type: "VARCHAR"}
			if k := slices.IndexFunc(found, func(f duck.Column) bool { return names.Key(f.Name) == names.Key(name) }); k >= 0 {
				col = found[k]
			}
			these = append(these, col)
		}
		p, err := x.prove(ctx, c, files[i:i+1], known, these, x.effective())
		if err != nil {
			return nil, err
		}
		added = append(added, slices.DeleteFunc(p.cols, func(f duck.Column) bool { return slices.Contains(p.lost, f.Name) })...)
	}
	return added, nil
}

// freshNames are what a file's header names and no column reads.
func (x *session) freshNames(c *duck.Conn, f file, cols []duck.Column) ([]string, error) {
	l, err := batch.NewLanding(c, x.Stmt.Name, x.fields(cols), x.effective(), batch.Limits{Rows: 1, Bytes: 1 << 10})
	if err != nil {
		return nil, x.Placed(err, x.patternAt)
	}
	defer l.Close()
	in, err := x.open(l, &item{files: []file{f}}, 0)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return in.file.Fresh, nil
}

// knownFiles takes away the files that came after the columns were found and have others: a destination could not store these now.
func (x *session) knownFiles(ctx context.Context, c *duck.Conn, files []file, cols []duck.Column,
	warn func(*sql.Error)) ([]file, error) {
	if x.OnNew != "ADD COLUMNS" || x.scanned == nil {
		return files, nil
	}
	seen := map[string]file{}
	for _, f := range x.scanned.files {
		seen[f.path] = f
	}
	for i, f := range files {
		if k, ok := seen[f.path]; ok && sameFile(k, f) {
			continue
		}
		added, err := x.additions(ctx, c, []file{f}, cols)
		if err != nil {
			return nil, err
		}
		if len(added) == 0 {
			continue
		}
		if warn != nil {
			warn(x.Stmt.At(x.patternAt).Errorf(code.ColumnsLater,
				"%s came while this was running, and has a new column %s: it and the files behind it wait for the next run", f.path, added[0].Name).
				WithHint("run again"))
		}
		return files[:i], nil
	}
	return files, nil
}

// additionsEach looks at files one by one, where one that can't be read or has no records spoils it for the others.
func (x *session) additionsEach(ctx context.Context, c *duck.Conn, files []file,
	cols []duck.Column) (added []duck.Column, err error) {
	for i := range files {
		more, err := x.additions(ctx, c, files[i:i+1], slices.Concat(cols, added))
		if err != nil {
			return nil, err
		}
		added = append(added, more...)
	}
	return added, nil
}
