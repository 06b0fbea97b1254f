package ingest

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"dsql/engine"
)

// filePlace says how far a destination has taken a file.
type filePlace struct {
	path, destination string
	size              int64
	modified          time.Time
	hash              string
	pos               Pos
	done              bool
}

// places are those of all destinations of the source.
func (s *source) places(ctx context.Context, c *engine.Conn) ([]filePlace, error) {
	return engine.Select(ctx, c, engine.SQL("SELECT path, destination, size, modified_at, hash, next_byte, next_line, done FROM dsql.files WHERE lower(source) = lower({s})", engine.Args{"s": s.decl.Name}),
		func(row func(...any) error) (p filePlace, err error) {
			var hash sql.NullString
			err = row(&p.path, &p.destination, &p.size, &p.modified, &hash, &p.pos.Byte, &p.pos.Line, &p.done)
			p.modified, p.hash = p.modified.UTC(), hash.String
			return p, err
		})
}

// taken is what a batch took of one file.
type taken struct {
	file
	hash string // when done
	pos  Pos
	done bool
}

// record writes the places of a batch for its destinations.
func (s *source) record(ctx context.Context, tx *engine.Tx, files []taken, destinations []string, version int64) error {
	var rows []*engine.Query
	for _, f := range files {
		for _, d := range destinations {
			hash := engine.SQL("NULL")
			if f.done {
				hash = engine.Lit(f.hash)
			}
			rows = append(rows, engine.SQL("({s}, {d}, {path}, {size}, make_timestamp({mtime}), {hash}, {byte}, {line}, {done}, {v})", engine.Args{"s": s.decl.Name, "d": d, "path": f.path,
				"size": f.size, "mtime": f.modified.UnixMicro(), "hash": hash, "byte": f.pos.Byte, "line": f.pos.Line, "done": f.done, "v": version}))
		}
	}
	lit := func(x string) *engine.Query { return engine.Lit(x) }
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.path
	}
	return tx.Run(ctx,
		engine.SQL("DELETE FROM dsql.files WHERE source = {s} AND NOT done AND path IN ({paths}) AND destination IN ({ds})", engine.Args{"s": s.decl.Name, "paths": engine.Each(", ", paths, lit), "ds": engine.Each(", ", destinations, lit)}),
		engine.SQL("INSERT INTO dsql.files VALUES {rows}", engine.Args{"rows": engine.Join(", ", rows...)}))
}

// item is work for the reader: files to read from a place, for the destinations that stand there.
type item struct {
	files        []file
	pos          Pos // in the first file
	destinations []string
	again        bool // another destination has taken this part before
}

// items says what there is to read: for each file, by name, the destinations that lack it. Destinations at the same place share a
// batch; one that was added later first takes what the others have, then goes on in step with them.
func items(files []file, places []filePlace, destinations []string, batchFiles int) []item {
	type key struct{ path, destination string }
	at := map[key]filePlace{}
	for _, p := range places {
		at[key{p.path, strings.ToLower(p.destination)}] = p
	}
	var out []item
	for _, f := range files {
		groups := map[Pos][]string{}
		var starts []Pos
		for _, d := range destinations {
			p := at[key{f.path, strings.ToLower(d)}]
			if p.done {
				continue
			}
			if groups[p.pos] == nil {
				starts = append(starts, p.pos)
			}
			groups[p.pos] = append(groups[p.pos], d)
		}
		slices.SortFunc(starts, func(a, b Pos) int { return int(b.Byte - a.Byte) })
		for _, pos := range starts {
			it := item{files: []file{f}, pos: pos, destinations: groups[pos]}
			for _, p := range places {
				if p.path == f.path && (p.done || p.pos.Byte > pos.Byte) {
					it.again = true
				}
			}
			if last := len(out) - 1; last >= 0 && len(out[last].files) < batchFiles && pos == (Pos{}) && out[last].pos == (Pos{}) && out[last].again == it.again && slices.Equal(out[last].destinations, it.destinations) {
				out[last].files = append(out[last].files, f)
				continue
			}
			out = append(out, it)
		}
	}
	return out
}
