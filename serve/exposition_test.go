package serve

import (
	"testing"
	"time"
)

func TestExposition(t *testing.T) {
	t.Parallel()
	var e exposition
	e.sample("a", 1.5, "b", "x\"y\\z\nw", "c", "") // what stands in a label can't end it
	e.sample("n", 1e21)
	h := &histogram{}
	for _, d := range []time.Duration{0, 500 * time.Microsecond, 501 * time.Microsecond, 30 * time.Second, time.Minute} {
		h.observe(d)
	}
	for i, want := range map[int]int64{0: 2, 1: 1, 14: 1, 15: 1} {
		if h.parts[i] != want {
			t.Errorf("part %d has %d", i, h.parts[i])
		}
	}
	if got, want := e.String(), "a{b=\"x\\\"y\\\\z\\nw\",c=\"\"} 1.5\nn 1e+21\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
