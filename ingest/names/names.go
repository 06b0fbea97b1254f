// Package names compares names of columns and fields, as files write them, and shows them. Names of declarations are sql's.
package names

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"dsql/sql"
)

// Key is what names of columns are compared by: in any case, composed or not (é, e and an accent), without blanks around and
// characters that nobody sees.
func Key(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		ascii = ascii && s[i] < 0x80
	}
	if !ascii {
		s = norm.NFC.String(Tidy(s))
	}
	return strings.ToLower(strings.TrimSpace(s))
}

// Tidy is a name without blanks around it, a no-break space among them, and without characters of no width.
func Tidy(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\u200b' || r == '\u200c' || r == '\u200d' || r == '\u2060' || r == '\ufeff' || r == '\u00ad':
			return -1
		case r != '\n' && r != '\r' && r != '\t' && unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s))
}

// Has says whether a name is among others, in any case.
func Has(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// Nearest is the name that another most likely was meant by or has become: letters and digits alike, a few changed, or one within the
// other. "": none.
func Nearest(name string, names []string) string {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(" _-.", r) {
				return -1
			}
			return r
		}, Key(s))
	}
	want := letters(name)
	for _, n := range names {
		if letters(n) == want {
			return n
		}
	}
	folded := make([]string, len(names))
	for i, n := range names {
		folded[i] = letters(n)
	}
	if near := sql.Nearest(want, folded); near != "" {
		return names[slices.Index(folded, near)]
	}
	for i, n := range folded {
		if min(len(n), len(want)) >= 3 && (strings.Contains(n, want) || strings.Contains(want, n)) {
			return names[i]
		}
	}
	return ""
}

// Shown are names as messages show them.
func Shown(names []string) string {
	var out []string
	for _, n := range names[:min(len(names), 20)] {
		out = append(out, sql.ShownName(n))
	}
	return excerptOf(strings.Join(out, ", "))
}

func excerptOf(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strings.ToValidUTF8(s, "")
}
