package page

import (
	"cmp"
	"math"
	"slices"
)

// A layered layout from left to right: ranks, dummies on long edges, order by barycentres, heights by isotonic regression. Edges leave and
// enter at ports (how far from a box's middle), so that columns inside of boxes can be joined. The same graph gives the same picture.

// box is a rectangle that is placed: x, y is its upper left corner.
type box struct {
	x, y, w, h float64
	rank       int
	dummy      bool
	first      bool // stays in the first rank
	in, out    []*link
	want       float64
}

func (b *box) middle() float64 { return b.y + b.h/2 }

// link joins two boxes.
type link struct {
	from, to         *box
	fromPort, toPort float64
	way              [][2]float64 // from the right of one to the left of the other, through dummies
	parts            []*link
}

type layout struct {
	boxes      []*box
	links      []*link
	w, h       float64
	gapX, gapY float64
}

// run places all boxes and finds the ways of the links.
func (l *layout) run() {
	for _, e := range l.links {
		e.from.out, e.to.in = append(e.from.out, e), append(e.to.in, e)
	}
	l.ranks()
	layers := l.layers()
	order(layers)
	l.place(layers)
	for _, e := range l.links {
		e.way = [][2]float64{{e.from.x + e.from.w, e.from.middle() + e.fromPort}}
		for _, p := range e.parts {
			if p.to.dummy {
				e.way = append(e.way, [2]float64{p.to.x, p.to.middle()}, [2]float64{p.to.x + p.to.w, p.to.middle()})
			} else {
				e.way = append(e.way, [2]float64{p.to.x, p.to.middle() + p.toPort})
			}
		}
	}
}

// ranks gives each box the longest way from a start; starts are then moved near to those who read them. A ring ends where it would go on
// for ever.
func (l *layout) ranks() {
	for again, n := true, 0; again && n < len(l.boxes); n++ {
		again = false
		for _, b := range l.boxes {
			for _, e := range b.in {
				if r := e.from.rank + 1; r > b.rank && r < len(l.boxes) {
					b.rank, again = r, true
				}
			}
		}
	}
	for _, b := range slices.Backward(l.boxes) {
		if len(b.in) > 0 || len(b.out) == 0 || b.first {
			continue
		}
		b.rank = math.MaxInt
		for _, e := range b.out {
			b.rank = max(0, min(b.rank, e.to.rank-1))
		}
	}
}

// layers puts boxes into their ranks, and dummies on edges that pass one.
func (l *layout) layers() [][]*box {
	var layers [][]*box
	add := func(b *box) {
		for len(layers) <= b.rank {
			layers = append(layers, nil)
		}
		layers[b.rank] = append(layers[b.rank], b)
	}
	for _, b := range l.boxes {
		b.in, b.out = nil, nil
		add(b)
	}
	for _, e := range l.links {
		from, port := e.from, e.fromPort
		e.parts = nil
		join := func(to *box, toPort float64) {
			p := &link{from: from, to: to, fromPort: port, toPort: toPort}
			from.out, to.in, e.parts = append(from.out, p), append(to.in, p), append(e.parts, p)
			from, port = to, 0
		}
		for r := e.from.rank + 1; r < e.to.rank; r++ {
			d := &box{rank: r, dummy: true, h: 2}
			add(d)
			join(d, 0)
		}
		join(e.to, e.toPort)
	}
	return slices.DeleteFunc(layers, func(layer []*box) bool { return len(layer) == 0 })
}

// order sweeps to and fro, sorts each layer by the middle of its neighbours, and keeps the order with the fewest crossings.
func order(layers [][]*box) {
	best, least := copied(layers), crossings(layers)
	for sweep := 0; sweep < 24 && least > 0; sweep++ {
		back := sweep%2 == 1
		for k := range layers {
			i := k
			if back {
				i = len(layers) - 1 - k
			}
			sortByNeighbours(layers, i, back)
		}
		if c := crossings(layers); c < least {
			best, least = copied(layers), c
		}
	}
	copy(layers, best)
}

func sortByNeighbours(layers [][]*box, i int, back bool) {
	at := map[*box]float64{}
	for _, layer := range layers {
		for j, b := range layer {
			at[b] = float64(j)
		}
	}
	for j, b := range layers[i] {
		sum, n := 0.0, 0.0
		if back {
			for _, e := range b.out {
				sum, n = sum+at[e.to]+e.toPort/1000, n+1
			}
		} else {
			for _, e := range b.in {
				sum, n = sum+at[e.from]+e.fromPort/1000, n+1
			}
		}
		if b.want = float64(j); n > 0 {
			b.want = sum / n
		}
	}
	slices.SortStableFunc(layers[i], func(a, b *box) int { return cmp.Compare(a.want, b.want) })
}

func copied(layers [][]*box) [][]*box {
	out := make([][]*box, len(layers))
	for i, l := range layers {
		out[i] = slices.Clone(l)
	}
	return out
}

// crossings counts the edges that cross between neighbouring layers: sorted by one end, the inversions of the other.
func crossings(layers [][]*box) (n int) {
	for i := 0; i+1 < len(layers); i++ {
		at := map[*box]float64{}
		for j, b := range layers[i+1] {
			at[b] = float64(j)
		}
		var ends [][2]float64
		for j, b := range layers[i] {
			for _, e := range b.out {
				ends = append(ends, [2]float64{float64(j) + e.fromPort/1000, at[e.to] + e.toPort/1000})
			}
		}
		slices.SortFunc(ends, func(a, b [2]float64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
		var seen []float64 // right ends so far, sorted
		for _, e := range ends {
			k, _ := slices.BinarySearch(seen, e[1]+1e-9)
			n += len(seen) - k
			seen = slices.Insert(seen, k, e[1])
		}
	}
	return n
}

// place gives each layer the heights that are nearest to what its neighbours want, in its order and without overlap.
func (l *layout) place(layers [][]*box) {
	x := 0.0
	for _, layer := range layers {
		w, y := 0.0, 0.0
		for _, b := range layer {
			w = max(w, b.w)
		}
		for _, b := range layer {
			b.x, b.y = x, y
			if b.dummy {
				b.w = w
			}
			y += b.h + l.gapY
		}
		x += w + l.gapX
	}
	l.w = max(0, x-l.gapX)
	for sweep := range 16 {
		for k := range layers {
			if sweep%2 == 1 {
				k = len(layers) - 1 - k
			}
			l.settle(layers[k])
		}
	}
	top, bottom := math.Inf(1), math.Inf(-1)
	for _, layer := range layers {
		for _, b := range layer {
			top, bottom = min(top, b.y), max(bottom, b.y+b.h)
		}
	}
	for _, layer := range layers {
		for _, b := range layer {
			b.y -= top
		}
	}
	l.h = max(0, bottom-top)
}

// settle moves the boxes of a layer: least squares under an order is isotonic regression (pool adjacent violators). Dummies weigh more, so
// that long edges run straight.
func (l *layout) settle(layer []*box) {
	type block struct {
		sum, weight float64
		n           int
	}
	var blocks []block
	offset := make([]float64, len(layer))
	for i, b := range layer {
		if i > 0 {
			gap := l.gapY
			if b.dummy || layer[i-1].dummy {
				gap *= 0.7
			}
			offset[i] = offset[i-1] + layer[i-1].h + gap
		}
		sum, weight := 0.0, 0.0
		for _, e := range b.in {
			k := e.weight()
			sum, weight = sum+k*(e.from.middle()+e.fromPort-e.toPort), weight+k
		}
		for _, e := range b.out {
			k := e.weight()
			sum, weight = sum+k*(e.to.middle()+e.toPort-e.fromPort), weight+k
		}
		want := b.y
		if weight > 0 {
			want = sum/weight - b.h/2
		} else {
			weight = 0.1
		}
		blocks = append(blocks, block{(want - offset[i]) * weight, weight, 1})
		for n := len(blocks); n > 1 && blocks[n-2].sum/blocks[n-2].weight > blocks[n-1].sum/blocks[n-1].weight; n = len(blocks) {
			a, c := blocks[n-2], blocks[n-1]
			blocks = append(blocks[:n-2], block{a.sum + c.sum, a.weight + c.weight, a.n + c.n})
		}
	}
	i := 0
	for _, k := range blocks {
		for range k.n {
			layer[i].y = k.sum/k.weight + offset[i]
			i++
		}
	}
}

func (e *link) weight() float64 {
	switch {
	case e.from.dummy && e.to.dummy:
		return 8
	case e.from.dummy || e.to.dummy:
		return 2
	}
	return 1
}
