package duck

import (
	"fmt"
	"syscall"
)

// Slab is memory outside Go's heap for the bytes of a batch: DuckDB keeps pointers to long strings while it scans, which cgo
// forbids for Go memory. The records' own bytes grow from its bottom, strings that are derived of them from its top. Only what is
// touched takes memory; Reset keeps it for the next batch.
type Slab struct {
	mem      []byte
	n, limit int // bottom: used and allowed
	top      int
}

// NewSlab reserves room for limit bytes at the bottom and as many (1 MiB at least) at the top.
func NewSlab(limit int) (*Slab, error) {
	mem, err := syscall.Mmap(-1, 0, limit+max(limit, 1<<20), syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("no memory for a batch of %d bytes: %w", limit, err)
	}
	return &Slab{mem: mem, limit: limit, top: len(mem)}, nil
}

// Bytes are the bytes at the bottom.
func (s *Slab) Bytes() []byte { return s.mem[:s.n:s.top] }

// Room is where the next bytes at the bottom can be read into, max at most; empty when the slab is full.
func (s *Slab) Room(max int) []byte {
	end := min(s.n+max, s.limit)
	return s.mem[s.n:end:end]
}

// Add takes the first n bytes of Room.
func (s *Slab) Add(n int) { s.n += n }

// Cut forgets the bytes at the bottom from n on.
func (s *Slab) Cut(n int) { s.n = n }

// Alloc gives n bytes at the top, nil when there is no room.
func (s *Slab) Alloc(n int) []byte {
	if n > s.top-s.limit {
		return nil
	}
	s.top -= n
	return s.mem[s.top : s.top+n]
}

// Top is where the next Alloc goes; Free forgets what was allocated since Top was asked for.
func (s *Slab) Top() int     { return s.top }
func (s *Slab) Free(top int) { s.top = top }

// Reset forgets everything.
func (s *Slab) Reset() { s.n, s.top = 0, len(s.mem) }

// Close gives the memory back.
func (s *Slab) Close() error {
	mem := s.mem
	*s = Slab{}
	if mem == nil {
		return nil
	}
	return syscall.Munmap(mem)
}
