package program

import (
	"fmt"
	"strings"
)

// mostLines is how many lines of a difference are shown.
const mostLines = 20

// textDifference are the lines that are in one of two texts alone, in order: -, those of the old, + those of the new. How lines are indented
// doesn't count.
func textDifference(old, now string) (out []string) {
	a, b := lines(old), lines(now)
	common := make([][]int, len(a)+1) // common[i][j]: how many lines a[i:] and b[j:] have in common
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			out, i = append(out, "- "+a[i]), i+1
		default:
			out, j = append(out, "+ "+b[j]), j+1
		}
	}
	if more := len(out) - mostLines; more > 0 {
		out = append(out[:mostLines], fmt.Sprintf("… and %d lines more", more))
	}
	return out
}

// lines are those of a text that have something in them.
func lines(text string) (out []string) {
	for _, l := range strings.Split(strings.TrimRight(strings.TrimSpace(text), ";"), "\n") {
		if l = strings.Join(strings.Fields(l), " "); l != "" {
			out = append(out, l)
		}
	}
	return out
}
