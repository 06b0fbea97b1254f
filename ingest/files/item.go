package files

import (
	"slices"
	"strings"

	"dsql/ingest/batch"
)

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
