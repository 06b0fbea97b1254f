package kind

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
)

// Share is a part of what a program reads, where several files have it among them, each written by a process of its own that knows nothing
// of the others. nil: all of it. Which share has what goes by MD5, as buckets of keys do, so that all processes agree.
type Share struct {
	Number, Of int64 // from 1
	// Whole: every share reads all of a source, and of its rows takes those with keys of its own.
	Whole func(source string) bool
}

// Owns says whether a part of a source is this share's, by its name and a number: that of a partition.
func (s *Share) Owns(source, name string, number int64) bool {
	if s == nil || s.Whole(source) {
		return true
	}
	sum := md5.Sum([]byte(name))
	return (int64(binary.BigEndian.Uint32(sum[:])>>4)+number)%s.Of == s.Number-1
}

// String is a share in the names of files: 2-of-4.
func (s *Share) String() string { return fmt.Sprintf("%d-of-%d", s.Number, s.Of) }

// Other says whether that is the name of another share of the same sources.
func (s *Share) Other(name string) bool {
	o := &Share{}
	_, err := fmt.Sscanf(name, "%d-of-%d", &o.Number, &o.Of)
	return err == nil && o.Of == s.Of && o.Number != s.Number
}

// Same: they are one.
func (s *Share) Same(o *Share) bool { return s.Number == o.Number && s.Of == o.Of }
