package catboost

import (
	"encoding/binary"
	"math/bits"
)

// A category is known by the lower half of the CityHash64 of its text, of the hash's first version (by Geoff Pike and Jyrki Alakuijala).

// Primes between 2^63 and 2^64.
const (
	cityA = 0xc3a5c85c97cb3127
	cityB = 0xb492b66fbe98f273
	cityC = 0x9ae16a3b2f90404f
	cityD = 0xc949d7c7509e6557
)

// category is what the files have of a text.
func category(text string) int32 { return int32(uint32(city([]byte(text)))) }

func city(s []byte) uint64 {
	n := uint64(len(s))
	switch {
	case n == 0:
		return cityC
	case n < 4:
		y := uint32(s[0]) + uint32(s[n/2])<<8
		z := uint32(n) + uint32(s[n-1])<<2
		return folded(uint64(y)*cityC^uint64(z)*cityD) * cityC
	case n <= 8:
		low, high := binary.LittleEndian.Uint32(s), binary.LittleEndian.Uint32(s[n-4:])
		return joined(n+uint64(low)<<3, uint64(high))
	case n <= 16:
		low, high := word(s, 0), word(s, n-8)
		return joined(low, turned(high+n, int(n))) ^ high
	case n <= 32:
		a, b, c, d := word(s, 0)*cityB, word(s, 8), word(s, n-8)*cityC, word(s, n-16)*cityA
		return joined(turned(a-b, 43)+turned(c, 30)+d, a+turned(b^cityD, 20)-c+n)
	case n <= 64:
		return cityMiddle(s, n)
	}
	return cityLong(s, n)
}

// cityMiddle is that of 33 to 64 bytes.
func cityMiddle(s []byte, n uint64) uint64 {
	half := func(first, second, third, z uint64) (uint64, uint64) {
		b, c := turned(first+z, 52), turned(first, 37)
		a := first + second
		c += turned(a, 7)
		a += third
		return a + z, b + turned(a, 31) + c
	}
	v, w := half(word(s, 0)+(n+word(s, n-16))*cityA, word(s, 8), word(s, 16), word(s, 24))
	x, y := half(word(s, 16)+word(s, n-32), word(s, n-24), word(s, n-16), word(s, n-8))
	r := folded((v+y)*cityC + (x+w)*cityA)
	return folded(r*cityA+w) * cityC
}

// cityLong is that of more than 64 bytes: the last 64 first, then all, 64 at a time.
func cityLong(s []byte, n uint64) uint64 {
	x, y, z := word(s, 0), word(s, n-16)^cityB, word(s, n-56)^cityA
	v, w := cityWeak(s[n-64:], n, y), cityWeak(s[n-32:], n*cityB, cityA)
	z += folded(v[1]) * cityB
	x = turned(z+x, 39) * cityB
	y = turned(y, 33) * cityB
	for left := (n - 1) / 64; ; left-- {
		x = turned(x+y+v[0]+word(s, 16), 37) * cityB
		y = turned(y+v[1]+word(s, 48), 42) * cityB
		x ^= w[1]
		y ^= v[0]
		z = turned(z^w[0], 33)
		v = cityWeak(s, v[1]*cityB, x+w[0])
		w = cityWeak(s[32:], z+w[1], y)
		x, z = z, x
		if left <= 1 {
			break
		}
		s = s[64:]
	}
	return joined(joined(v[0], w[0])+folded(y)*cityB+z, joined(v[1], w[1])+x)
}

// cityWeak mixes 32 bytes into two seeds.
func cityWeak(s []byte, a, b uint64) [2]uint64 {
	last := word(s, 24)
	a += word(s, 0)
	b = turned(b+a+last, 21)
	c := a
	a += word(s, 8) + word(s, 16)
	return [2]uint64{a + last, b + turned(a, 44) + c}
}

func word(s []byte, at uint64) uint64 { return binary.LittleEndian.Uint64(s[at:]) }

func turned(x uint64, by int) uint64 { return bits.RotateLeft64(x, -by) }

func folded(x uint64) uint64 { return x ^ x>>47 }

// joined makes one number of two.
func joined(low, high uint64) uint64 {
	const m = 0x9ddfea08eb382d69
	return folded((high^folded((low^high)*m))*m) * m
}
