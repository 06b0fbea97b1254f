// Package lazy makes at its first use what a package would else make whenever the command starts. All may import it; it knows nothing.
package lazy

import (
	"regexp"
	"strings"
	"sync"
)

// Regexp is a regular expression that is compiled when it is first asked for.
func Regexp(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// Words is the set of a text's words, made when it is first asked for.
func Words(text string) func() map[string]bool {
	return sync.OnceValue(func() map[string]bool {
		out := map[string]bool{}
		for _, word := range strings.Fields(text) {
			out[word] = true
		}
		return out
	})
}
