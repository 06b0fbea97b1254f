package files

import (
	"context"
	dbsql "database/sql"
	"time"

	"dsql/engine/duck"
	"dsql/ingest/batch"
)

// dsql.files has one row a source, destination and file: how far the destination has taken the file. size, modified_at and hash
// are the file's when it was begun; hash is xxhash64 of all its bytes as they are on disk. next_byte counts what is left of the
// file after decompression, next_line from 1; of Parquet, next_byte is the number of rows taken. error says why a file was set aside. Of
// a file whose last line had no end yet, size and hash are those of what stands before it, and next_byte is that size.

var fileColumns = duck.SQL("source, destination, path, size, modified_at, hash, next_byte, next_line, done, version, error")

// filePlace is such a row.
type filePlace struct {
	path, destination string
	size              int64
	modified          time.Time
	hash              string
	pos               batch.Pos
	done              bool
	why               string // it was set aside
}

// same says whether the file is as it was when the place was written.
func (p *filePlace) same(f *file) bool { return f.size == p.size && f.modified.Equal(p.modified) }

// places are those of all destinations of the source.
func (s *Source) places(ctx context.Context, c *duck.Conn) ([]filePlace, error) {
	return duck.Select(ctx, c,
		duck.SQL("SELECT path, destination, size, modified_at, hash, next_byte, next_line, done, coalesce(error, '') FROM dsql.files "+
			"WHERE source = {s}", duck.Args{"s": s.Stmt.Name}),
		func(row func(...any) error) (p filePlace, err error) {
			var hash dbsql.NullString
			err = row(&p.path, &p.destination, &p.size, &p.modified, &hash, &p.pos.Byte, &p.pos.Line, &p.done, &p.why)
			p.modified, p.hash = p.modified.UTC(), hash.String
			return p, err
		})
}

// rejectedFiles are those that have bad records in dsql.rejects: they were read before, even if no destination has a place in them any
// more.
func (s *Source) rejectedFiles(ctx context.Context, c *duck.Conn) (map[string]bool, error) {
	paths, err := duck.Select(ctx, c,
		duck.SQL("SELECT DISTINCT meta.file FROM dsql.rejects WHERE destination IS NULL AND source = {s} AND meta.file IS NOT NULL",
			duck.Args{"s": s.Stmt.Name}),
		func(row func(...any) error) (p string, err error) { return p, row(&p) })
	out := map[string]bool{}
	for _, p := range paths {
		out[p] = true
	}
	return out, err
}

// taken is what a batch took of one file.
type taken struct {
	file
	hash         string
	pos          batch.Pos // where to go on; the end when done
	done         bool
	records, bad int  // of this part
	open         bool // its last line has no end yet: size and hash are those of what is before it

	absent []string // declared columns that it doesn't have
}

// record writes the places of a batch for its destinations.
func (s *Source) record(ctx context.Context, tx *duck.Tx, files []taken, destinations []string, version int64) error {
	places := make([]filePlace, len(files))
	for i, f := range files {
		places[i] = filePlace{path: f.path, size: f.recorded(), modified: f.modified, hash: f.hash, pos: f.pos, done: f.done}
	}
	return s.write(ctx, tx.Conn, places, destinations, duck.Lit(version))
}

// write puts the places in files for the destinations where those are that were not done, or empty.
func (s *Source) write(ctx context.Context, c *duck.Conn, places []filePlace, destinations []string, version *duck.Query) error {
	var rows []*duck.Query
	var paths []string
	for _, p := range places {
		paths = append(paths, p.path)
		for _, d := range destinations {
			a := duck.Args{"s": s.Stmt.Name, "d": d, "path": p.path, "size": p.size, "mtime": p.modified.UnixMicro(), "hash": p.hash,
				"byte": p.pos.Byte, "line": p.pos.Line, "done": p.done, "v": version, "why": p.why}
			rows = append(rows, duck.SQL(`({s}, {d}, {path}, {size}, make_timestamp({mtime}), {hash}, {byte}, {line}, {done}, {v},
				nullif({why}, ''))`, a))
		}
	}
	return c.Run(ctx, s.forget(paths, destinations),
		duck.SQL("INSERT INTO dsql.files ({columns}) VALUES {rows}", duck.Args{"columns": fileColumns, "rows": duck.Join(", ", rows...)}))
}

// forget takes away the places of files that were not done, or empty.
func (s *Source) forget(paths, destinations []string) *duck.Query {
	lit := func(x string) *duck.Query { return duck.Lit(x) }
	return duck.SQL("DELETE FROM dsql.files WHERE source = {s} AND (NOT done OR size = 0) AND path IN ({paths}) AND destination IN ({ds})",
		duck.Args{"s": s.Stmt.Name, "paths": duck.Each(", ", paths, lit), "ds": duck.Each(", ", destinations, lit)})
}

// recorded is the size that a place has.
func (t *taken) recorded() int64 {
	if t.open {
		return t.pos.Byte
	}
	return t.size
}
