package forest

import (
	"encoding/binary"
	"math/bits"
	"sort"
)

// portable is the kernel without C: it searches planes with eight rows in a word, and leaves larger trees to the walk.
// A column has at most 127 thresholds, so that a byte's highest bit is free to take the carry of a comparison.
type portable struct {
	*tables
	walk *walker
	used int // features
}

const (
	highs = 0x8080808080808080
	ones  = 0x0101010101010101
)

func (q *portable) scratch(s *quickScratch, _ int) {
	s.bins = make([]byte, len(q.columns)*TileRows)
}

func (q *portable) tile(x []float64, rows int, base []float64, s *quickScratch, sums []float64) {
	for i := range q.used {
		q.kind.prepare(x[i*TileRows : i*TileRows+rows])
	}
	for i := range q.rankings {
		r := &q.rankings[i]
		q.rank(r, x[int(r.x)*TileRows:][:rows], s.bins)
	}
	for i := range q.codings {
		c := &q.codings[i]
		q.encode(c, x[int(c.x)*TileRows:][:rows], s.bins)
	}
	start(sums, base, rows)
	var leaf [TileRows]uint8
	for i := range q.trees {
		t := &q.trees[i]
		if t.planes > 0 {
			for from := 0; from < rows; from += 8 {
				q.search(t, s.bins, from, leaf[from:])
			}
			for o := range int(t.width) {
				q.add(q.values[int(t.value)+o*int(t.leaves):], leaf[:rows], sums[(int(t.output)+o)*TileRows:])
			}
			continue
		}
		q.walk.tree(q.walk.roots[i], x, TileRows, rows, sums)
	}
}

// add adds the values of leaves, in the forest's precision.
func (q *portable) add(values []float64, leaf []uint8, sums []float64) {
	sums = sums[:len(leaf)]
	if q.kind == Single {
		for r, l := range leaf {
			sums[r] = float64(float32(sums[r]) + float32(values[l]))
		}
		return
	}
	for r, l := range leaf {
		sums[r] += values[l]
	}
}

// search finds the leaves of eight rows from a multiple of eight on; see planes.h.
func (q *portable) search(t *quickTree, bins []byte, from int, leaf []uint8) {
	var value, base uint64
	entries := q.entries[t.entry:]
	for p := int(t.planes) - 1; p >= 0; p-- {
		count := q.planes[int(t.plane)+p]
		v := ^uint64(0)
		for _, e := range entries[:count.numbers] {
			x := binary.LittleEndian.Uint64(bins[int(e.col)*TileRows+from:])
			above := (x - ones*uint64(uint8(e.than)-127)) & highs // bytes carry the highest bit; than an offset of 128
			v &^= (above<<1 - above>>7) & (ones * uint64(e.mask))
		}
		entries = entries[count.numbers:]
		for _, e := range entries[:count.bits] {
			x := binary.LittleEndian.Uint64(bins[int(e.col)*TileRows+from:]) & (ones * uint64(uint8(e.than)))
			set := (x + ones*127) & highs
			v &^= (set<<1 - set>>7) & (ones * uint64(e.mask))
		}
		entries = entries[count.bits:]
		some := ((v&^highs + ones*127) | v) & highs
		keep := some<<1 - some>>7
		value = v&keep | value&^keep
		base = ones*uint64(p*8)&keep | base&^keep
	}
	leaf = leaf[:8]
	for i := range leaf {
		leaf[i] = uint8(base>>(i*8)) + uint8(bits.TrailingZeros8(uint8(value>>(i*8))))
	}
}

// rank fills in the columns made from one feature's ranks.
func (q *portable) rank(r *ranking, x []float64, bins []byte) {
	thresholds := q.thresholds[r.from : r.from+r.n]
	for i, v := range x {
		missing := v != v || r.zero != 0 && v == 0
		k := 0
		if !missing {
			k = sort.SearchFloat64s(thresholds, v)
		}
		for c := r.col; c < r.col+r.cols; c++ {
			b := min(max(k-int(q.columns[c].low), 0), 127)
			if missing {
				b = int(q.columns[c].missing)
			}
			bins[int(c)*TileRows+i] = uint8(b | 128)
		}
	}
}

// encode fills in the columns of one feature's categories or values; see code in kernel.c.
func (q *portable) encode(k *coding, x []float64, bins []byte) {
	for i, v := range x {
		code := 0
		switch {
		case v != v:
			code = int(k.codes) - 1
		case k.trim != 0:
			c := q.kind.category(v)
			if v = float64(c); c < 0 {
				break
			}
			fallthrough
		default:
			if k.direct == 0 {
				singles := q.singles[k.from : k.from+k.n]
				if at := sort.SearchFloat64s(singles, v); at < len(singles) && singles[at] == v {
					code = at + 1
				}
			} else if v < float64(k.n) {
				code = int(q.codes[int(k.from)+int(v)])
			}
		}
		for c := range k.cols {
			bins[int(k.col+c)*TileRows+i] = q.bits[int(k.table+c*k.codes)+code]
		}
	}
}
