package pyfunc

import (
	"testing"
	"time"
)

// TestPatience: another worker is started where it pays for what it costs.
func TestPatience(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, c := range []struct{ cpu, idle, cost, want time.Duration }{
		{0, 0, 0, 5 * s},
		{s / 4, s / 4, s / 10, 5 * s},
		{s, 0, s / 10, 0},        // it computed for long
		{s, 0, s, 5 * s},         // not for as long as an import of a large library takes a few times
		{5 * s, 0, s, 0},         // but then
		{0, 6 * s, s / 10, 0},    // it waited for something else
		{0, 6 * s, 2 * s, 8 * s}, // so does an import
		{7 * s, 7 * s, 2 * s, 8 * s},
		{9 * s, 0, 2 * s, 0},
	} {
		p := newPool(Options{Workers: 2}, nil)
		p.used(c.cpu, c.idle, c.cost)
		if p.patience() == 0 {
			t.Error("nothing waited, and another worker is started")
		}
		p = newPool(Options{Workers: 2}, nil)
		p.waiting = 1
		p.used(c.cpu, c.idle, c.cost)
		if got := p.patience(); got != c.want {
			t.Errorf("CPU %s, idle %s, a worker costs %s: a call waits %s, want %s", c.cpu, c.idle, c.cost, got, c.want)
		}
	}
}
