package page

import (
	"fmt"
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"

	"dsql/internal/lazy"
)

// Texts of others are shown so that nothing in them is markup, turns what stands around it, or can't be seen: control characters, marks
// of direction and bytes that are no UTF-8 are boxes.

// hidden: a character that isn't seen, or turns others round.
func hidden(r rune) bool {
	return r < 32 && r != '\n' && r != '\t' || r >= 127 && r < 160 || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029
}

// Seen is a text as HTML.
func Seen(s string) template.HTML {
	var b strings.Builder
	run := 0 // that needs nothing done
	flush := func(i int) {
		b.WriteString(template.HTMLEscapeString(s[run:i]))
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			flush(i)
			fmt.Fprintf(&b, `<b class="ctl" title="no UTF-8">%02X</b>`, s[i])
			run = i + n
		case hidden(r):
			flush(i)
			fmt.Fprintf(&b, `<b class="ctl">%04X</b>`, r)
			run = i + n
		}
		i += n
	}
	flush(len(s))
	return template.HTML(b.String())
}

// plain is a text where no markup can stand: an attribute, a title, a text of SVG.
func plain(s string) string { return template.HTMLEscapeString(visible(s)) }

// visible is a text with what can't be seen spelt out.
func visible(s string) string {
	if strings.ContainsFunc(s, hidden) || !utf8.ValidString(s) {
		var b strings.Builder
		for _, r := range s {
			switch {
			case r == utf8.RuneError:
				b.WriteRune('�')
			case hidden(r):
				fmt.Fprintf(&b, "⟨%04X⟩", r)
			default:
				b.WriteRune(r)
			}
		}
		s = b.String()
	}
	return s
}

// dump shows bytes that are no text.
func dump(b []byte) template.HTML {
	var s strings.Builder
	for i := 0; i < len(b) && i < 512; i += 8 {
		row := b[i:min(i+8, len(b))]
		fmt.Fprintf(&s, "%04x  %-24s ", i, fmt.Sprintf("% x", row))
		for _, c := range row {
			if c < 32 || c > 126 {
				c = '.'
			}
			s.WriteByte(c)
		}
		s.WriteByte('\n')
	}
	return Seen(s.String())
}

// isText: most of the bytes are characters that can be read. The last one may be cut off.
func isText(b []byte) bool {
	readable := 0
	for _, c := range b {
		if c >= 32 || c == '\n' || c == '\t' || c == '\r' {
			readable++
		}
	}
	return utf8.Valid(b[:max(0, len(b)-3)]) && readable*20 >= len(b)*19
}

// token is a part of a text of SQL, enough to colour it. kind: k keyword, s string, n number, c comment, p mark, i name, w white space.
type token struct{ kind, text string }

var lexer = lazy.Regexp(`(?s)^(?:(--[^\n]*|/\*.*?\*/)|('(?:[^']|'')*'|\$\$.*?\$\$)|(\d+(?:\.\d+)?)|` +
	`("(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)|(\s+)|(.))`)

var keywords = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`ACTUALS ALERT ALL AND APPLY AS ASC AUTO BASELINE BETWEEN
		BIGINT BLOB BOOLEAN BY CASE CAST CHECK CHECKS COLUMNS
		COMPARE CONNECTION CONSTRAINT CREATE DATE DECIMAL DELETE DESC DISCARD DISTINCT DOUBLE DROP ELSE END ENDPOINT EXCEPT EXCLUDE EXPECT EXPERIMENT EXPOSURES
		FAIL FAILURE FALSE FILES FILTER FLOAT FOLLOW FOR FORMAT FROM FUNCTION GROUP HAVING HOLD IF IN INNER INPUT INTEGER INTERVAL INTO IS
		JOIN JOURNAL JSON KAFKA KEY KEYS LANGUAGE LATENESS LEFT LIKE LIMIT LOG METRIC METRICS MODEL MONITOR NO NOT NULL ON OPTIONS OR ORDER
		OUTPUT OVER PREDICTION REJECT REJECTS RELEASE REPLACE REPLAY RETAIN RIGHT RULES SALT SEQUENCE SELECT SET SINK SMALLINT SOURCE STREAM
		TABLE TAGS THEN THRESHOLD TIMESTAMP TO TRACK TRUE TRUNCATE UNION UNMATCHED USING VARCHAR VARIANTS VERSIONS VIOLATION WARN WEBHOOK WHEN WHERE
		WITH`) {
		m[w] = true
	}
	return m
}()

func lex(s string) (out []token) {
	kinds := []string{"c", "s", "n", "i", "w", "p"}
	for s != "" {
		m := lexer().FindStringSubmatch(s)
		if m == nil { // a byte that is no character
			out, s = append(out, token{"p", s[:1]}), s[1:]
			continue
		}
		t := token{text: m[0]}
		for i, k := range kinds {
			if m[i+1] != "" {
				t.kind = k
			}
		}
		if t.kind == "i" && keywords[strings.ToUpper(t.text)] {
			t.kind = "k"
		}
		out, s = append(out, t), s[len(m[0]):]
	}
	return out
}

// code is SQL with its colours; href (or nil) is where a name leads that something is read from.
func code(s string, href func(name string) string) template.HTML {
	var b strings.Builder
	var last token
	for _, t := range lex(s) {
		reads := last.kind == "k" && (last.is("FROM", "JOIN", "STREAM", "MODEL")) || last.text == "," // a name elsewhere may be a column's
		if t.kind != "w" && t.kind != "c" {
			last = t
		}
		switch {
		case t.kind == "i" && reads && href != nil && href(t.text) != "":
			b.WriteString(`<a href="` + template.HTMLEscapeString(href(t.text)) + `">` + string(Seen(t.text)) + `</a>`)
		case t.kind == "w" || t.kind == "p" || t.kind == "i":
			b.WriteString(string(Seen(t.text)))
		default:
			b.WriteString(`<i class="t` + t.kind + `">` + string(Seen(t.text)) + `</i>`)
		}
	}
	return template.HTML(b.String())
}

func (t token) is(words ...string) bool {
	for _, w := range words {
		if strings.EqualFold(t.text, w) {
			return true
		}
	}
	return false
}
