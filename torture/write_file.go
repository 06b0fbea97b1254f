package torture

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"dsql/engine/duck"
)

// Files that the bench writes.

// copied goes on with a copy of the file.
func (b *Bench) copied(to string) error {
	for _, ext := range []string{"", ".wal"} {
		from, err := os.Open(filepath.Join(b.dir, b.db+ext))
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		out, err := os.Create(filepath.Join(b.dir, to+ext))
		if err == nil {
			_, err = io.Copy(out, from)
			err = errors.Join(err, out.Close())
		}
		if err = errors.Join(err, from.Close()); err != nil {
			return err
		}
	}
	b.db = to
	return nil
}

// file writes a file of a source.
func (b *Bench) file(ctx context.Context, src *Decl, f File) error {
	if src.Partitions > 0 {
		if err := b.needBroker(); err != nil {
			return err
		}
		return b.broker.produce(ctx, src, f)
	}
	path := filepath.Join(b.dir, "in", f.Path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	var err error
	if f.Broken {
		err = os.WriteFile(path, []byte("no Parquet"), 0o644)
	} else if src.Format == "parquet" {
		err = writeParquet(ctx, src, f, path)
	} else {
		err = os.WriteFile(path, []byte(contents(src, f)), 0o644)
	}
	then := time.Now().Add(-time.Hour) // of what was changed a moment ago the last record may wait
	return errors.Join(err, os.Chtimes(path, then, then))
}

// writeParquet lets DuckDB write a file.
func writeParquet(ctx context.Context, src *Decl, f File, path string) (err error) {
	db, err := duck.Open(ctx, "", duck.Options{Threads: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	cols := filter(src.fields(), func(c Column) bool { return has(f.Cols, c.Name) && c.Name != "day" })
	value := func(r Record) *duck.Query {
		return duck.Each(", ", cols, func(c Column) *duck.Query {
			return duck.SQL("{v}::{t} AS {n}", duck.Args{"v": duck.Lit(r.Values[c.Name]), "t": duck.Type(c.Type), "n": duck.Ident(c.Name)})
		})
	}
	rows := duck.SQL("SELECT {values} LIMIT 0", duck.Args{"values": value(Record{})})
	if len(f.Rows) > 0 {
		rows = duck.Each(" UNION ALL ", f.Rows, func(r Record) *duck.Query { return duck.SQL("SELECT {values}", duck.Args{"values": value(r)}) })
	}
	return db.Writer().Run(ctx, duck.SQL("COPY ({rows}) TO {path} (FORMAT parquet)", duck.Args{"rows": rows, "path": path}))
}
