package encode

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"dsql/engine/duck"
)

// What is read of vectors, whatever the format.

// word is a value of up to eight bytes.
func word(v *duck.View, row int) uint64 {
	b := v.Bytes()[row*int(v.Node.Size):]
	switch v.Node.Size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// signed is a whole number with a sign.
func signed(v *duck.View, row int) int64 {
	shift := 64 - 8*v.Node.Size
	return int64(word(v, row)<<shift) >> shift
}

func text(v *duck.View, row int) []byte { return v.Texts()[row].Bytes() }

// int128 is a HUGEINT, or a DECIMAL without its point.
func int128(v *duck.View, row int) (hi, lo uint64) {
	if v.Node.Size == 16 {
		b := v.Bytes()[row*16:]
		return binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b)
	}
	n := signed(v, row)
	return uint64(n >> 63), uint64(n)
}

// hugeDigits is how many digits whole numbers of 128 bits may have: what decimals elsewhere have.
const hugeDigits = 38

// limit is 10 to the power of hugeDigits.
const limitHi, limitLo = 0x4B3B4CA85A86C47A, 0x098A224000000000

// fits says whether a whole number of 128 bits has no more digits than decimals have.
func fits(id duck.TypeID, hi, lo uint64) bool {
	if id == duck.TypeHugeInt && int64(hi) < 0 {
		var carry uint64
		lo, carry = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, carry)
	}
	return hi < limitHi || hi == limitHi && lo < limitLo
}

// twos appends the shortest two's complement of a number, its highest byte first.
func twos(b []byte, hi, lo uint64) []byte {
	var all [16]byte
	binary.BigEndian.PutUint64(all[:], hi)
	binary.BigEndian.PutUint64(all[8:], lo)
	i := 0
	for i < 15 && (all[i] == 0 && all[i+1] < 0x80 || all[i] == 0xff && all[i+1] >= 0x80) {
		i++
	}
	return append(b, all[i:]...)
}

// number appends the two's complement of a value that is a decimal elsewhere: DECIMAL, UBIGINT and whole numbers of 128 bits.
func number(b []byte, v *duck.View, row int, path string) ([]byte, error) {
	if v.Node.ID == duck.TypeUBigInt {
		return twos(b, 0, word(v, row)), nil
	}
	hi, lo := int128(v, row)
	if v.Node.ID != duck.TypeDecimal && !fits(v.Node.ID, hi, lo) {
		return b, &Unfit{path, fmt.Sprintf("a whole number of more than %d digits", hugeDigits)}
	}
	return twos(b, hi, lo), nil
}

// digits are the precision and scale of what number writes.
func digits(s duck.Shape) (precision, scale int) {
	switch s.ID {
	case duck.TypeDecimal:
		return int(s.Width), int(s.Scale)
	case duck.TypeUBigInt:
		return 20, 0
	}
	return hugeDigits, 0
}

// unitsOf is how many parts of a second a TIMESTAMP counts.
func unitsOf(id duck.TypeID) int64 {
	switch id {
	case duck.TypeTimestampS:
		return 1
	case duck.TypeTimestampMS:
		return 1e3
	case duck.TypeTimestampNS:
		return 1e9
	}
	return 1e6
}

// finite is a time that is none of DuckDB's infinities.
func finite(v *duck.View, row int, path string) (int64, error) {
	n := signed(v, row)
	if n == math.MaxInt64 || n == -math.MaxInt64 || v.Node.Size == 4 && (n == math.MaxInt32 || n == -math.MaxInt32) {
		return 0, &Unfit{path, "a time that is infinite"}
	}
	return n, nil
}

// span are the elements of a list or map.
func span(v *duck.View, row int) (from, to int) {
	s := v.Spans()[row]
	return int(s[0]), int(s[0] + s[1])
}
