package sql

import "strings"

// DidYouMean is the hint for a name that nothing has: the candidate that it is likely a slip of, or what to say otherwise.
func DidYouMean(s string, candidates []string, otherwise string) string {
	if near := Nearest(s, candidates); near != "" {
		return "did you mean " + near + "?"
	}
	return otherwise
}

// Listed is a hint that tells the names that there are, or what to say where there are none.
func Listed(intro string, names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return intro + strings.Join(names, ", ")
}

// Nearest is the candidate that s is likely a slip of: it begins one that goes on with another word, or it takes few edits
// (one for each three letters, three at most). "" if none is near; the first of equals.
func Nearest(s string, candidates []string) string {
	s = lower(s)
	best, limit := "", min(len(s)/3, 3)
	if s == "" || len(s) > maxWord {
		return ""
	}
	for _, c := range candidates {
		l := lower(c)
		if len(l) > len(s) && l[:len(s)] == s && l[len(s)] == ' ' {
			return c
		}
		if l == s || len(l) > len(s)+limit || len(l)+limit < len(s) || len(l) > maxWord {
			continue
		}
		if d := distance(s, l); d <= limit {
			best, limit = c, d-1
		}
	}
	return best
}

// maxWord bounds what is compared, in bytes.
const maxWord = 63

// distance counts edits: a letter put in, left out or replaced, or two neighbours swapped (optimal string alignment). Both words
// have maxWord bytes at most.
func distance(a, b string) int {
	var rows [3][maxWord + 1]uint8
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = uint8(j)
	}
	for i := 1; i <= len(a); i++ {
		row[0] = uint8(i)
		for j := 1; j <= len(b); j++ {
			d := last[j-1]
			if a[i-1] != b[j-1] {
				d++
			}
			d = min(d, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
		}
		before, last, row = last, row, before
	}
	return int(last[len(b)])
}
