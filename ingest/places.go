package ingest

import (
	"context"
	dbsql "database/sql"
	"encoding/hex"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"dsql/engine"
	"dsql/sql"
)

// dsql.files has one row a source, destination and file: how far the destination has taken the file. size, modified_at and hash
// are the file's when it was begun; hash is xxhash64 of all its bytes as they are on disk. next_byte counts what is left of the
// file after decompression, next_line from 1; of Parquet, next_byte is the number of rows taken. error says why a file was set aside. Of
// a file whose last line had no end yet, size and hash are those of what stands before it, and next_byte is that size.

var fileColumns = engine.SQL("source, destination, path, size, modified_at, hash, next_byte, next_line, done, version, error")

// filePlace is such a row.
type filePlace struct {
	path, destination string
	size              int64
	modified          time.Time
	hash              string
	pos               Pos
	done              bool
	why               string // it was set aside
}

// same says whether the file is as it was when the place was written.
func (p *filePlace) same(f *file) bool { return f.size == p.size && f.modified.Equal(p.modified) }

// places are those of all destinations of the source.
func (s *fileSource) places(ctx context.Context, c *engine.Conn) ([]filePlace, error) {
	return engine.Select(ctx, c, engine.SQL("SELECT path, destination, size, modified_at, hash, next_byte, next_line, done, coalesce(error, '') FROM dsql.files WHERE source = {s}", engine.Args{"s": s.decl.Name}),
		func(row func(...any) error) (p filePlace, err error) {
			var hash dbsql.NullString
			err = row(&p.path, &p.destination, &p.size, &p.modified, &hash, &p.pos.Byte, &p.pos.Line, &p.done, &p.why)
			p.modified, p.hash = p.modified.UTC(), hash.String
			return p, err
		})
}

// rejectedFiles are those that have bad records in dsql.rejects: they were read before, even if no destination has a place in them any more.
func (s *fileSource) rejectedFiles(ctx context.Context, c *engine.Conn) (map[string]bool, error) {
	paths, err := engine.Select(ctx, c, engine.SQL("SELECT DISTINCT meta.file FROM dsql.rejects WHERE destination IS NULL AND source = {s} AND meta.file IS NOT NULL", engine.Args{"s": s.decl.Name}),
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
	pos          Pos // where to go on; the end when done
	done         bool
	records, bad int  // of this part
	open         bool // its last line has no end yet: size and hash are those of what is before it

	absent []string // declared columns that it doesn't have
}

// record writes the places of a batch for its destinations.
func (s *fileSource) record(ctx context.Context, tx *engine.Tx, files []taken, destinations []string, version int64) error {
	var rows []*engine.Query
	for _, f := range files {
		for _, d := range destinations {
			rows = append(rows, engine.SQL("({s}, {d}, {path}, {size}, make_timestamp({mtime}), {hash}, {byte}, {line}, {done}, {v}, NULL)", engine.Args{"s": s.decl.Name, "d": d, "path": f.path,
				"size": f.recorded(), "mtime": f.modified.UnixMicro(), "hash": f.hash, "byte": f.pos.Byte, "line": f.pos.Line, "done": f.done, "v": version}))
		}
	}
	return tx.Run(ctx, s.forget(takenPaths(files), destinations), engine.SQL("INSERT INTO dsql.files ({columns}) VALUES {rows}", engine.Args{"columns": fileColumns, "rows": engine.Join(", ", rows...)}))
}

// forget takes away the places of files that were not done, or empty.
func (s *fileSource) forget(paths, destinations []string) *engine.Query {
	lit := func(x string) *engine.Query { return engine.Lit(x) }
	return engine.SQL("DELETE FROM dsql.files WHERE source = {s} AND (NOT done OR size = 0) AND path IN ({paths}) AND destination IN ({ds})",
		engine.Args{"s": s.decl.Name, "paths": engine.Each(", ", paths, lit), "ds": engine.Each(", ", destinations, lit)})
}

// recorded is the size that a place has.
func (t *taken) recorded() int64 {
	if t.open {
		return t.pos.Byte
	}
	return t.size
}

func takenPaths(files []taken) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.path
	}
	return out
}

// changed reports files that differ from what was taken of them, and returns their paths, and the places that still count. What was only
// touched has the hash that it had. A file of which a part was taken may have grown behind what it was then; else it must not have
// changed. Nothing was taken of one that was empty or set aside: it is a new one.
func (s *fileSource) changed(files []file, places []filePlace, warn func(*sql.Error)) (map[string]bool, []filePlace, error) {
	byPath := map[string]*file{}
	for i := range files {
		byPath[files[i].path] = &files[i]
	}
	hashes := map[string]string{}
	out := map[string]bool{}
	var count []filePlace
	for _, p := range places {
		f := byPath[p.path]
		if f == nil || p.same(f) {
			count = append(count, p)
			continue
		}
		if p.why != "" && p.pos.Byte == 0 || p.done && p.size == 0 && !s.snapshot {
			continue
		}
		sum := hashes[p.path]
		if sum == "" {
			var err error
			if sum, err = hashFile(f.full, -1); err != nil {
				return nil, nil, s.unreadable(err, f.path)
			}
			hashes[p.path] = sum
		}
		switch {
		case sum == p.hash:
		case !p.done:
			grown, err := s.grown(f, &p)
			if err != nil {
				return nil, nil, err
			}
			if !grown {
				return nil, nil, s.halfRead(p.path)
			}
			p.hash = sum
		case !out[p.path]:
			out[p.path] = true
			if warn != nil {
				warn(&sql.Error{Src: s.decl.Src, Span: s.patternAt, Code: "file-changed", Msg: p.path + " has changed since it was read; it is not read again", Hint: "give the new content a new name"})
			}
		}
		count = append(count, p)
	}
	return out, count, nil
}

// grown says whether a file of which a part was taken begins with all that it was then.
func (s *fileSource) grown(f *file, p *filePlace) (bool, error) {
	if s.format == "parquet" || f.size < p.size {
		return false, nil
	}
	sum, err := hashFile(f.full, p.size)
	if err != nil {
		return false, s.unreadable(err, f.path)
	}
	return sum == p.hash, nil
}

// halfRead is the error for a file that changed after a part of it was taken.
func (s *fileSource) halfRead(path string) *sql.Error {
	return &sql.Error{Src: s.decl.Src, Span: s.patternAt, Code: "file-changed", Exit: sql.ExitFailed, Msg: path + " has changed after a part of it was read",
		Hint: "put the file back as it was and run again; or take it away, and give what is new in it another name"}
}

// hashFile is the hash of a file's first size bytes, of all of them where size is negative.
func hashFile(name string, size int64) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := xxhash.New()
	var r io.Reader = f
	if size >= 0 {
		r = io.LimitReader(f, size)
	}
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hexSum(h), nil
}

func hexSum(h *xxhash.Digest) string { return hex.EncodeToString(h.Sum(nil)) }

// item is work for the reader: files, or a part of one, for the destinations that stand at its start.
type item struct {
	files        []file
	from         Pos        // in the first file
	to           *filePlace // where to stop in the only file, nil: at its end
	hash         string     // of the first file, when a part of it was taken before
	destinations []string
	again        bool // some of this part may have been read before
}

// whole says that all of its files is to be read.
func (it *item) whole() bool { return it.from == (Pos{}) && it.to == nil }

// items says what there is to read: of each file, by name, the parts that some destination lacks. Destinations at the same place
// share a batch; one that was added later first takes what the others have, then goes on in step with them. Files in changed are
// not what was taken under their name; of those in rejected bad records are kept.
func (s *fileSource) items(files []file, places []filePlace, changed, rejected map[string]bool, destinations []string) []item {
	byPath := map[string][]filePlace{}
	for _, p := range places {
		byPath[p.path] = append(byPath[p.path], p)
	}
	var out []item
	loads := map[string]int{}
	for _, f := range files {
		for _, it := range parts(f, byPath[f.path], changed[f.path], rejected[f.path], destinations) {
			if i := s.group(out, &it, loads); i >= 0 {
				out[i].files = append(out[i].files, f)
				continue
			}
			loads[s.load(&it)] = len(out)
			out = append(out, it)
		}
	}
	return out
}

// load tells which files make a load: those with the same captures.
func (s *fileSource) load(it *item) string {
	return s.loadOf(it.files[0])
}

func (s *fileSource) loadOf(f file) string {
	var b strings.Builder
	for _, n := range s.pattern.captures {
		b.WriteString(f.captures[n] + "\x00")
	}
	return b.String()
}

// group is the item that a file goes into as well, -1 for none.
func (s *fileSource) group(items []item, it *item, loads map[string]int) int {
	i := len(items) - 1
	n := s.batchFiles
	if s.snapshot && len(s.pattern.captures) > 0 {
		at, ok := loads[s.load(it)]
		if !ok {
			return -1
		}
		i, n = at, len(items[at].files)+1
	}
	if i < 0 || len(items[i].files) >= n || !it.whole() || !items[i].whole() || items[i].again != it.again || !slices.Equal(items[i].destinations, it.destinations) {
		return -1
	}
	return i
}

// parts cuts a file where destinations stand in it.
func parts(f file, places []filePlace, changed, again bool, destinations []string) []item {
	at := map[string]filePlace{}
	ends := []filePlace{{}} // where destinations stand, and the start
	for _, p := range places {
		at[p.destination] = p
		if p.done {
			again = again || !changed
		} else {
			ends = append(ends, p)
		}
	}
	byPlace := func(a, b filePlace) int { return int(min(max(a.pos.Byte-b.pos.Byte, -1), 1)) }
	slices.SortFunc(ends, byPlace)
	ends = slices.CompactFunc(ends, func(a, b filePlace) bool { return a.pos.Byte == b.pos.Byte })
	var out []item
	for i, from := range ends {
		it := item{files: []file{f}, from: from.pos, hash: from.hash, again: again || i+1 < len(ends)}
		if i+1 < len(ends) {
			it.to = &ends[i+1]
			it.hash = it.to.hash
		}
		for _, d := range destinations {
			if p := at[d]; !p.done && p.pos.Byte <= from.pos.Byte {
				it.destinations = append(it.destinations, d)
			}
		}
		if len(it.destinations) > 0 {
			out = append(out, it)
		}
	}
	return out
}

// again are the files that REPLAY SOURCE reads: those that were taken before, and are as they were.
func (s *fileSource) again(files []file, places []filePlace, changed map[string]bool, o *engine.Replay) ([]file, error) {
	if s.snapshot {
		return nil, &sql.Error{Src: s.decl.Src, Span: s.decl.NameAt, Code: "replay-loads", Exit: sql.ExitFailed, Msg: "the files of " + s.decl.Name + " are loads of a whole table, and a load that isn't newer than the last is rejected",
			Hint: "REBUILD JOURNAL name FROM SOURCE takes all loads anew"}
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
