package page

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 1: "1", -1234: "−1,234", 0.1234: "0.123", 0.0001234: "0.000123", 12.345: "12.3",
		1234.5: "1,235",
		123456: "123" + thin + "k", 1.23e6: "1.23" + thin + "M", 4e9: "4" + thin + "G", 1e-9: "1.0e−9", 1e15: "1.0e+15"} {
		if have := Decimal(v); have != want {
			t.Errorf("%v is %q, want %q", v, have, want)
		}
	}
	for v, want := range map[float64]string{math.NaN(): "–", math.Inf(1): "∞", math.Inf(-1): "−∞"} {
		if have := Decimal(v); have != want {
			t.Errorf("%v is %q, want %q", v, have, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "−1,234,567",
		math.MinInt64: "−9,223,372,036,854,775,808"} {
		if have := whole(n); have != want {
			t.Errorf("%d is %q, want %q", n, have, want)
		}
	}
	for d, want := range map[time.Duration]string{-time.Hour: "0 s", 45 * time.Second: "45 s", 12 * time.Minute: "12 min",
		30 * time.Hour:  "30 h",
		192 * time.Hour: "8 d"} {
		if have := strings.ReplaceAll(Lasted(d), thin, " "); have != want {
			t.Errorf("%v is %q, want %q", d, have, want)
		}
	}
	for _, v := range []float64{0.3, 0.6, 0.1 + 0.2} {
		if have := onAxis(v, []float64{0, .2, .4}); len(have) != 3 {
			t.Errorf("%v on an axis is %q", v, have)
		}
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for range 2000 {
		lo := (rand.Float64() - .5) * math.Pow(10, float64(rand.IntN(30)-15))
		hi := lo + rand.Float64()*math.Pow(10, float64(rand.IntN(30)-15))
		ts := ticks(lo, hi, 3)
		if len(ts) > 12 {
			t.Fatalf("%d ticks from %v to %v", len(ts), lo, hi)
		}
		if !slices.IsSorted(ts) {
			t.Fatalf("ticks from %v to %v: %v", lo, hi, ts)
		}
	}
	for _, x := range [][2]float64{{1, 1}, {2, 1}, {math.NaN(), 1}, {0, math.Inf(1)}, {-math.MaxFloat64, math.MaxFloat64}} {
		if n := len(ticks(x[0], x[1], 3)); n > 12 {
			t.Errorf("%v: %d ticks", x, n)
		}
	}
}

// What is thinned keeps the least and the greatest, in order.
func TestThin(t *testing.T) {
	t.Parallel()
	for range 300 {
		ps := make([]Point, 1+rand.IntN(3000))
		for i := range ps {
			ps[i] = Point{int64(i), rand.NormFloat64(), rand.IntN(5) > 0}
		}
		n := 2 + rand.IntN(400)
		out := Thin(ps, n)
		if len(out) > max(n, 1) && len(ps) > n {
			t.Fatalf("%d points of %d, at most %d are wanted", len(out), len(ps), n)
		}
		a, b := tell(ps), tell(out)
		if a.known > 0 && (a.least.Value != b.least.Value || a.most.Value != b.most.Value) {
			t.Fatalf("%d points thinned to %d: %v and %v became %v and %v", len(ps), n, a.least, a.most, b.least, b.most)
		}
		if !slices.IsSortedFunc(out, func(a, b Point) int { return int(a.Version - b.Version) }) {
			t.Fatal("out of order")
		}
	}
}

// Charts of whatever numbers there are: a coordinate is always a number.
func TestChartsOfOddNumbers(t *testing.T) {
	t.Parallel()
	f := sample("flights")
	versions := f.Objects[2].versions()
	odd := []float64{0, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 1e-300, 5}
	for _, a := range odd {
		for _, b := range odd {
			ps := []Point{{1, a, true}, {2, b, true}, {3, a, false}}
			c := line{name: "x", points: ps, versions: versions, file: f, w: 300, h: 96, numbers: true,
				band: func(p Point) (float64, float64) { return p.Value - 1, p.Value + 1 }}
			out := string(c.draw()) + string(sparkline(ps, &axis{f, versions, 1, 99}, 100, 20, "x")) +
				string(histogram("x", []Bin{{Now: math.Abs(a), Base: math.Abs(b)}, {Now: 1}}, 100, 50))
			for _, bad := range []string{"NaN,", ",NaN", "Inf ", "d=\"MNaN"} {
				if strings.Contains(out, bad) {
					t.Errorf("%v, %v: %s", a, b, bad)
				}
			}
		}
	}
	if !strings.Contains(string(line{name: "x", file: f}.draw()), "no value yet") {
		t.Error("a metric without values has no words for it")
	}
}

func TestIntervals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ have, want [2]float64 }{ // statsmodels proportion_confint(…, method='wilson') and a hand computation
		{pairOf(wilson(5, 10)), [2]float64{0.236593, 0.763407}},
		{pairOf(wilson(0, 10)), [2]float64{0, 0.277533}},
		{pairOf(hanleyMcNeil(.9, 50, 60)), [2]float64{0.837956, 0.962044}},
	} {
		for i := range 2 {
			if math.Abs(c.have[i]-c.want[i]) > 2e-4 {
				t.Errorf("%v, want %v", c.have, c.want)
			}
		}
	}
}

func pairOf(a, b float64) [2]float64 { return [2]float64{a, b} }

// graph makes a random one of n boxes.
func graph(n int, r *rand.Rand) *layout {
	l := &layout{gapX: 42, gapY: 20}
	for i := range n {
		l.boxes = append(l.boxes, &box{w: boxW, h: boxH + float64(r.IntN(3))*rowH, first: i < n/8})
		for range r.IntN(3) {
			if i > 0 {
				from := l.boxes[max(0, i-1-r.IntN(min(i, 20)))]
				if from != l.boxes[i] && !l.boxes[i].first {
					l.links = append(l.links, &link{from: from, to: l.boxes[i], fromPort: float64(r.IntN(20) - 10)})
				}
			}
		}
	}
	return l
}

// No boxes overlap, every way goes to the right and ends where it should, and the same graph has the same picture.
func TestLayout(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		n := 1 + int(seed)*2
		l, again := graph(n, rand.New(rand.NewPCG(seed, 1))), graph(n, rand.New(rand.NewPCG(seed, 1)))
		l.run()
		again.run()
		for i, a := range l.boxes {
			if b := again.boxes[i]; a.x != b.x || a.y != b.y {
				t.Fatalf("seed %d: two pictures of one graph", seed)
			}
			if a.x < 0 || a.y < -.001 || a.x+a.w > l.w+.001 || a.y+a.h > l.h+.001 {
				t.Fatalf("seed %d: a box is outside", seed)
			}
			for _, b := range l.boxes[:i] {
				if a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h-.001 && b.y < a.y+a.h-.001 {
					t.Fatalf("seed %d: two boxes overlap", seed)
				}
			}
		}
		for _, e := range l.links {
			if e.from.rank >= e.to.rank {
				t.Fatalf("seed %d: a line goes back", seed)
			}
			first, last := e.way[0], e.way[len(e.way)-1]
			if first[0] != e.from.x+e.from.w || last[0] != e.to.x {
				t.Fatalf("seed %d: a line doesn't end at its boxes", seed)
			}
		}
	}
}

// A ring, which no program has, must not keep the layout from ending.
func TestLayoutOfARing(t *testing.T) {
	t.Parallel()
	a, b := &box{w: 1, h: 1}, &box{w: 1, h: 1}
	(&layout{boxes: []*box{a, b}, links: []*link{{from: a, to: b}, {from: b, to: a}}}).run()
}

func BenchmarkLayout(b *testing.B) {
	for _, n := range []int{12, 100, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				graph(n, rand.New(rand.NewPCG(1, 1))).run()
			}
		})
	}
}
