package forest

import (
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
	"slices"
)

// Set is a set of categories. It takes space in proportion to its members or, given as bits, to those bits.
type Set struct {
	bits []uint32 // bit c%32 of word c/32 - from
	from int32    // first word that bits holds
	list []int32  // instead of bits, ascending: few members far apart
}

// SetOfBits is the set of all c with bit c%32 of word c/32 set. It keeps bits.
func SetOfBits(bits []uint32) Set { return Set{bits: bits} }

// SetOf is the set of the given categories, none negative. It keeps and sorts the slice.
func SetOf(categories []int32) Set {
	if len(categories) == 0 {
		return Set{}
	}
	slices.Sort(categories)
	categories = slices.Compact(categories)
	from, to := categories[0]>>5, categories[len(categories)-1]>>5
	if int(to-from) > 2*len(categories) {
		return Set{list: categories}
	}
	s := Set{bits: make([]uint32, to-from+1), from: from}
	for _, c := range categories {
		s.bits[c>>5-from] |= 1 << (c & 31)
	}
	return s
}

// Has says whether a category is in the set. Negative numbers are in none.
func (s *Set) Has(c int32) bool {
	if s.list != nil {
		_, ok := slices.BinarySearch(s.list, c)
		return ok
	}
	w := c>>5 - s.from
	return c >= 0 && w >= 0 && int(w) < len(s.bits) && s.bits[w]>>(c&31)&1 != 0
}

// All are the categories of the set, ascending. Bits beyond the largest int32 stand for none.
func (s *Set) All() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for _, c := range s.list {
			if !yield(c) {
				return
			}
		}
		for i, w := range s.bits {
			for ; w != 0; w &= w - 1 {
				c := (int64(s.from)+int64(i))<<5 + int64(bits.TrailingZeros32(w))
				if c > math.MaxInt32 || !yield(int32(c)) {
					return
				}
			}
		}
	}
}

// key is the same for equal sets.
func (s *Set) key() string {
	var b []byte
	for c := range s.All() {
		b = binary.LittleEndian.AppendUint32(b, uint32(c))
	}
	return string(b)
}

func floatKey(x float64) []byte {
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))
}
