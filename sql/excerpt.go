package sql

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Runes of a long line that an excerpt keeps before, in and after the span.
const (
	keepBefore = 100
	keepInside = 60 // and behind it
)

// excerpt draws the span's first line and a caret under it. Long lines are cut around the caret.
func excerpt(w io.Writer, s *Source, sp Span) {
	p := Place{s, sp}.Written()
	s, sp = p.Src, p.Span
	off := min(max(sp.Start, 0), len(s.Text))
	start := s.lineStart(off)
	line, _, _ := strings.Cut(s.Text[start:], "\n")
	line = strings.TrimSuffix(line, "\r")
	from := min(off-start, len(line))
	to := max(from, min(sp.End-start, len(line)))
	pre, hot, post := tidy(keepEnd(line[:from], keepBefore)), tidy(keepStart(line[from:to])), tidy(keepStart(line[to:]))
	num := fmt.Sprintf("%4d", s.lineAt(off))
	fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s | %s%s%s", num, pre, hot, post), " "))
	fmt.Fprintf(w, "%s | %s%s\n", strings.Repeat(" ", len(num)), strings.Repeat(" ", Width(pre)), strings.Repeat("^", max(1, Width(hot))))
}

// keepStart is the first keepInside runes of s, with an ellipsis where it was cut.
func keepStart(s string) string {
	at, n := 0, keepInside
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	if at == len(s) {
		return s
	}
	return s[:at] + "…"
}

// keepEnd is the last n runes of s, with an ellipsis where it was cut.
func keepEnd(s string, n int) string {
	at := len(s)
	for ; n > 0 && at > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	if at == 0 {
		return s
	}
	return "…" + s[at:]
}

// tidy makes text safe to show on a terminal, one cell a rune or as Width says: tabs are four blanks, control characters their
// pictures (␀ ␛), other runes that change how text is shown, and broken UTF-8, are �.
func tidy(s string) string {
	var b strings.Builder
	for _, r := range s { // broken UTF-8 comes as U+FFFD
		switch {
		case r == '\t':
			b.WriteString("    ")
		case r < ' ':
			b.WriteRune('␀' + r)
		case r == 0x7F:
			b.WriteRune('␡')
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029', r == '\uFEFF':
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
