package files

import (
	"encoding/hex"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"

	"dsql/sql"
	"dsql/sql/code"
)

// Files are known by the hash of their bytes: one that has another size or time is looked at again.

// changed reports files that differ from what was taken of them, and returns their paths, and the places that still count. What was only
// touched has the hash that it had. A file of which a part was taken may have grown behind what it was then; else it must not have
// changed. Nothing was taken of one that was empty or set aside: it is a new one.
func (s *Source) changed(files []file, places []filePlace, warn func(*sql.Error)) (map[string]bool, []filePlace, error) {
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
				warn(s.Stmt.At(s.patternAt).Errorf(code.FileChanged, "%s has changed since it was read; it is not read again", p.path).
					WithHint("give the new content a new name"))
			}
		}
		count = append(count, p)
	}
	return out, count, nil
}

// grown says whether a file of which a part was taken begins with all that it was then.
func (s *Source) grown(f *file, p *filePlace) (bool, error) {
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
func (s *Source) halfRead(path string) *sql.Error {
	return s.Stmt.At(s.patternAt).Errorf(code.FileChanged, "%s has changed after a part of it was read", path).
		WithHint("put the file back as it was and run again; or take it away, and give what is new in it another name")
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
