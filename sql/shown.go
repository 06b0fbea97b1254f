package sql

import (
	"strconv"
	"unicode"
)

// ShownName is a name in a message: in quotes where it is more than a word, so that blanks around it are seen.
func ShownName(s string) string {
	for _, r := range s {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return strconv.Quote(s)
		}
	}
	if s == "" {
		return `""`
	}
	return s
}
