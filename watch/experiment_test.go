package watch

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/internal/testkit"
)

// assigned declares an experiment and gives the variants of units 0 … n-1.
func assigned(t *rapid.T, c *duck.Conn, run func(string) error, weights []int, salt string, n int) []string {
	var v []string
	for i, w := range weights {
		v = append(v, fmt.Sprintf("v%d %d", i, w))
	}
	if err := run(fmt.Sprintf("CREATE EXPERIMENT e VARIANTS (%s) SALT '%s'", strings.Join(v, ", "), salt)); err != nil {
		t.Fatal(err)
	}
	got, err := duck.Select(t.Context(), c, duck.SQL("SELECT e(range) FROM range({n}) ORDER BY range", duck.Args{"n": n}),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// counted is how often each of k variants was given.
func counted(got []string, k int) []int {
	n := make([]int, k)
	for _, v := range got {
		var i int
		_, _ = fmt.Sscanf(v, "v%d", &i)
		n[i]++
	}
	return n
}

// near says whether a count of n draws is what a probability gives, within 6 standard deviations and a few (small probabilities have
// long tails).
func near(count, n int, p float64) bool {
	return math.Abs(float64(count)-float64(n)*p) <= 6*math.Sqrt(float64(n)*p*(1-p))+4
}

// An experiment is a function of salt, weights and unit alone; shares are as the weights say; raising a weight moves units to
// that variant only, and no more of them than its share grew; another salt is independent.
func TestExperimentProperties(t *testing.T) {
	t.Parallel()
	c := testkit.Open(t, 4).Writer()
	run := func(text string) error {
		e := compiledExperiment(t, text)
		return c.Update(t.Context(), func(tx *duck.Tx) error { return e.Define(t.Context(), tx, nil) })
	}
	rapid.Check(t, func(t *rapid.T) {
		const n = 1200
		weights := rapid.SliceOfN(rapid.IntRange(0, 90), 2, 5).Filter(func(w []int) bool { return sumOf(w) > 0 }).Draw(t, "weights")
		salt := rapid.StringMatching("[a-z0-9 ]{0,8}").Draw(t, "salt")
		got := assigned(t, c, run, weights, salt, n)
		total := float64(sumOf(weights))
		for i, k := range counted(got, len(weights)) {
			if !near(k, n, float64(weights[i])/total) {
				t.Errorf("v%d of weights %v: %d of %d", i, weights, k, n)
			}
		}
		same := make([]int, len(weights))
		for i, w := range weights {
			same[i] = w * 3 // in proportion
		}
		for u, v := range assigned(t, c, run, same, salt, n) {
			if v != got[u] {
				t.Fatalf("unit %d: %s, and %s by weights in the same proportion", u, got[u], v)
			}
		}

		raised := rapid.IntRange(0, len(weights)-1).Draw(t, "raised")
		more := append([]int(nil), weights...)
		more[raised] += rapid.IntRange(1, 60).Draw(t, "by")
		moved := 0
		for u, v := range assigned(t, c, run, more, salt, n) {
			if v == got[u] {
				continue
			}
			if moved++; v != fmt.Sprintf("v%d", raised) {
				t.Fatalf("unit %d went from %s to %s, and v%d was raised from %v to %v", u, got[u], v, raised, weights, more)
			}
		}
		if grown := float64(more[raised])/float64(sumOf(more)) - float64(weights[raised])/total; !near(moved, n, grown) {
			t.Errorf("%d of %d units moved where the share grew by %v (%v to %v)", moved, n, grown, weights, more)
		}

		other := assigned(t, c, run, weights, salt+"!", n)
		agree, p := 0, 0.0
		for u := range got {
			if got[u] == other[u] {
				agree++
			}
		}
		for _, w := range weights {
			p += float64(w) / total * float64(w) / total
		}
		if !near(agree, n, p) {
			t.Errorf("%d of %d units have the same variant under another salt, by chance it would be %.0f", agree, n, p*n)
		}
	})
}

func sumOf(w []int) (n int) {
	for _, x := range w {
		n += x
	}
	return n
}
