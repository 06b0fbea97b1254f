package house

import (
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	wide    = 140   // characters, a tab being one
	tooWide = 160   // no line has more
	share   = 0.003 // of lines may be wide: a text or a table that reads worse in two lines
)

// TestWidth: what stands to the right of the screen isn't read.
func TestWidth(t *testing.T) {
	t.Parallel()
	lines, over := 0, 0
	for _, f := range files(t) {
		for i, line := range strings.Split(f.text, "\n") {
			lines++
			n := utf8.RuneCountInString(line)
			if n > tooWide {
				t.Errorf("%s:%d has %d characters", f.path, i+1, n)
			}
			if n > wide {
				over++
			}
		}
	}
	if float64(over) > share*float64(lines) {
		t.Errorf("%d of %d lines have over %d characters: more than %.1f %%", over, lines, wide, 100*share)
	}
}
