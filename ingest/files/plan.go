package files

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/sql"
	"dsql/sql/code"
)

// What there is to read: of each file the parts that some destination lacks, put together where they are read alike.

// plan says what there is to read now, and which places count.
func (x *session) plan(ctx context.Context, c *duck.Conn, cols []duck.Column, o kind.ReadOptions) ([]item, []filePlace, error) {
	files, err := x.list(x.env)
	if err != nil {
		return nil, nil, err
	}
	if len(files) == 0 && o.Warn != nil {
		o.Warn(x.noFiles())
	}
	places, err := x.places(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if files, err = x.named(x.env, files, places); err != nil {
		return nil, nil, err
	}
	if files, err = x.knownFiles(ctx, c, files, cols, o.Warn); err != nil {
		return nil, nil, err
	}
	files = x.stillAside(x.quiet(files, places, o), places, o)
	changed, places, err := x.changed(files, places, o.Warn)
	if err != nil {
		return nil, nil, err
	}
	if o.Replay != nil {
		if files, err = x.again(files, places, changed, o.Replay); err != nil {
			return nil, nil, err
		}
		places = nil
	}
	if o.Everything || o.Replay != nil { // whatever others have of them, and whatever is kept of their records: all is read again
		return x.items(files, nil, nil, nil, o.Destinations), places, nil
	}
	work := x.items(files, places, changed, nil, o.Destinations)
	if len(work) == 0 { // no need to look through dsql.rejects
		return nil, places, nil
	}
	rejected, err := x.rejectedFiles(ctx, c)
	if err == nil && len(rejected) > 0 {
		work = x.items(files, places, changed, rejected, o.Destinations)
	}
	return work, places, err
}

// item is work for the reader: files, or a part of one, for the destinations that stand at its start.
type item struct {
	files        []file
	from         batch.Pos  // in the first file
	to           *filePlace // where to stop in the only file, nil: at its end
	hash         string     // of the first file, when a part of it was taken before
	destinations []string
}

// with is the same work for other files, all of them from their start.
func (it *item) with(files []file) item {
	return item{files: files, destinations: it.destinations}
}

// aside is the item's file i as one that can't be read.
func (it *item) aside(i int, why *sql.Error) *asideFile {
	a := &asideFile{file: it.files[i], destinations: it.destinations, why: why}
	if i == 0 {
		a.hash, a.pos = it.hash, it.from
	}
	return a
}

// whole says that all of its files is to be read.
func (it *item) whole() bool { return it.from == (batch.Pos{}) && it.to == nil }

// weight is how many bytes of progress a file of an item stands for.
func (s *Source) weight(it *item, i int) int64 {
	f := it.files[i]
	if i > 0 || it.whole() {
		return f.size
	}
	if s.format == "parquet" || s.compressionOf(f.path) != "none" || s.dialect.Encoding != "" { // places don't count the file's bytes
		if it.to != nil {
			return 0
		}
		return f.size
	}
	end := f.size
	if it.to != nil {
		end = it.to.pos.Byte
	}
	return max(end-it.from.Byte, 0)
}

// items says what there is to read: of each file, by name, the parts that some destination lacks. Destinations at the same place
// share a batch; one that was added later first takes what the others have, then goes on in step with them. Files in changed are
// not what was taken under their name; of those in rejected bad records are kept.
func (s *Source) items(files []file, places []filePlace, changed, rejected map[string]bool, destinations []string) []item {
	byPath := map[string][]filePlace{}
	for _, p := range places {
		byPath[p.path] = append(byPath[p.path], p)
	}
	var out []item
	loads := map[string]int{}
	for _, f := range files {
		for _, it := range parts(f, byPath[f.path], changed[f.path], rejected[f.path], destinations) {
			if i := s.group(out, &it, loads); i >= 0 {
				out[i].files = append(out[i].files, it.files...)
				continue
			}
			loads[s.load(&it)] = len(out)
			out = append(out, it)
		}
	}
	return out
}

// load tells which files make a load: those with the same captures.
func (s *Source) load(it *item) string {
	return s.loadOf(it.files[0])
}

func (s *Source) loadOf(f file) string {
	var b strings.Builder
	for _, n := range s.pattern.Captures {
		b.WriteString(f.captures[n] + "\x00")
	}
	return b.String()
}

// group is the item that a file goes into as well, -1 for none.
func (s *Source) group(items []item, it *item, loads map[string]int) int {
	i := len(items) - 1
	n := s.batchFiles
	if s.snapshot && len(s.pattern.Captures) > 0 {
		at, ok := loads[s.load(it)]
		if !ok {
			return -1
		}
		i, n = at, len(items[at].files)+1
	}
	if i < 0 || len(items[i].files) >= n || !it.whole() || !items[i].whole() ||
		!slices.Equal(items[i].destinations, it.destinations) {
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
		f.again = again || i+1 < len(ends)
		it := item{files: []file{f}, from: from.pos, hash: from.hash}
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
func (s *Source) again(files []file, places []filePlace, changed map[string]bool, o *kind.Replay) ([]file, error) {
	if s.snapshot {
		return nil, s.Stmt.Errorf(code.ReplayLoads,
			"the files of %s are loads of a whole table, and a load that isn't newer than the last is rejected", s.Stmt.Name).
			WithHint("REBUILD JOURNAL name FROM SOURCE takes all loads anew")
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

// Continues says whether a source reads the files that another one reads.
func (s *Source) Continues(other kind.Object) bool {
	o, ok := other.(*Source)
	return ok && s.pattern.Text == o.pattern.Text && s.snapshot == o.snapshot
}
