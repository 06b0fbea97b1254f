package sql

import "strings"

// Kind of a token.
type Kind uint8

const (
	EOF     Kind = iota // no more tokens
	Word                // keyword or plain identifier
	Quoted              // "identifier"
	String              // 'x', E'x', $$x$$, $tag$x$tag$
	Number              // 1_000, 1e5, .5, 0xFF
	Op                  // any other single character
	Semi                // ;
	Illegal             // a string, quoted identifier or comment that is never closed: it takes the rest of the text
)

// Token is a lexical unit. White space and comments are none.
type Token struct {
	Kind Kind
	Span Span
}

// Tokens are the tokens of a part of a source, which must not start or end inside one.
func Tokens(src *Source, sp Span) []Token {
	toks, _ := tokens(src.Text, sp, int(^uint(0)>>1))
	return toks
}

// Comments are those of a part of a source that has no tokens.
func Comments(src *Source, sp Span) []Span {
	var out []Span
	text := src.Text[:sp.End]
	for at := sp.Start; at < sp.End; {
		l := lexer{text: text, pos: at}
		switch {
		case strings.HasPrefix(text[at:], "--"):
			l.line()
		case strings.HasPrefix(text[at:], "/*"):
			l.comment()
		default:
			at++
			continue
		}
		out = append(out, Span{at, l.pos})
		at = l.pos
	}
	return out
}

// tokens gives up after limit tokens and reports false.
func tokens(text string, sp Span, limit int) ([]Token, bool) {
	out := make([]Token, 0, min(limit, (sp.End-sp.Start)/5+2))
	l := lexer{text: text[:sp.End], pos: sp.Start}
	for t := l.next(); t.Kind != EOF; t = l.next() {
		if len(out) == limit {
			return out, false
		}
		out = append(out, t)
	}
	return out, true
}

// The lexical rules are those of DuckDB's scanner (scan.l of libpg_query): bytes from 0x80 up belong to identifiers, but for the
// Unicode spaces that DuckDB replaces by blanks before it parses.
const (
	isSpace = 1 << iota
	isDigit
	isStart // of a word
	isCont  // of a word, after its start
)

var class = func() (c [256]uint8) {
	for _, b := range " \t\n\r\f" {
		c[b] = isSpace
	}
	for b := range c {
		switch {
		case b >= '0' && b <= '9':
			c[b] = isDigit | isCont
		case b == '_', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= 0x80:
			c[b] = isStart | isCont
		case b == '$':
			c[b] = isCont
		}
	}
	return c
}()

// lexer hands out tokens one by one; it never fails and keeps nothing.
type lexer struct {
	text string
	pos  int
}

func (l *lexer) at(i int) byte {
	if i < len(l.text) {
		return l.text[i]
	}
	return 0
}

func (l *lexer) next() Token {
	for l.pos < len(l.text) {
		start := l.pos
		b := l.text[start]
		switch {
		case class[b]&isSpace != 0:
			l.pos++
		case b >= 0x80 && spaceLen(l.text[start:]) > 0:
			l.pos += spaceLen(l.text[start:])
		case b == '-' && l.at(start+1) == '-':
			l.line()
		case b == '/' && l.at(start+1) == '*':
			if !l.comment() {
				return l.token(Illegal, start)
			}
		default:
			return l.token(l.scan(b), start)
		}
	}
	return l.token(EOF, l.pos)
}

func (l *lexer) token(k Kind, start int) Token { return Token{k, Span{start, l.pos}} }

// scan moves behind the token that starts here with b.
func (l *lexer) scan(b byte) Kind {
	switch {
	case (b == 'e' || b == 'E') && l.at(l.pos+1) == '\'':
		l.pos += 2
		return l.escaped()
	case class[b]&isStart != 0:
		l.word()
		return Word
	case b == '\'':
		return l.quoted('\'', String)
	case b == '"':
		return l.quoted('"', Quoted)
	case class[b]&isDigit != 0, b == '.' && class[l.at(l.pos+1)]&isDigit != 0:
		l.number()
		return Number
	case b == '$':
		return l.dollar()
	case b == ';':
		l.pos++
		return Semi
	}
	l.pos++
	return Op
}

func (l *lexer) word() {
	for l.pos < len(l.text) && class[l.text[l.pos]]&isCont != 0 {
		if l.text[l.pos] >= 0x80 && spaceLen(l.text[l.pos:]) > 0 {
			return
		}
		l.pos++
	}
}

// quoted reads to the closing quote; a doubled one is part of the text.
func (l *lexer) quoted(q byte, k Kind) Kind {
	l.pos++
	for {
		n := strings.IndexByte(l.text[l.pos:], q)
		if n < 0 {
			l.pos = len(l.text)
			return Illegal
		}
		l.pos += n + 1
		if l.at(l.pos) != q {
			return k
		}
		l.pos++
	}
}

// escaped reads the rest of an E'…' string, in which a backslash takes the meaning of the next byte.
func (l *lexer) escaped() Kind {
	for l.pos < len(l.text) {
		switch l.text[l.pos] {
		case '\\':
			l.pos++
		case '\'':
			if l.at(l.pos+1) != '\'' {
				l.pos++
				return String
			}
			l.pos++
		}
		l.pos++
	}
	l.pos = len(l.text)
	return Illegal
}

// dollar reads $$…$$ or $tag$…$tag$; else the $ is an operator ($1, $name).
func (l *lexer) dollar() Kind {
	i := l.pos + 1
	if class[l.at(i)]&isStart != 0 {
		for i < len(l.text) && class[l.text[i]]&isCont != 0 && l.text[i] != '$' {
			i++
		}
	}
	if l.at(i) != '$' {
		l.pos++
		return Op
	}
	tag := l.text[l.pos : i+1]
	n := strings.Index(l.text[i+1:], tag)
	if n < 0 {
		l.pos = len(l.text)
		return Illegal
	}
	l.pos = i + 1 + n + len(tag)
	return String
}

// line reads a -- comment.
func (l *lexer) line() {
	n := strings.IndexAny(l.text[l.pos:], "\n\r")
	if n < 0 {
		n = len(l.text) - l.pos
	}
	l.pos += n
}

// comment reads a /* comment */, in which others may stand, and reports whether it is closed.
func (l *lexer) comment() bool {
	depth := 0
	for l.pos < len(l.text) {
		switch {
		case l.text[l.pos] == '/' && l.at(l.pos+1) == '*':
			depth++
			l.pos += 2
		case l.text[l.pos] == '*' && l.at(l.pos+1) == '/':
			depth--
			l.pos += 2
			if depth == 0 {
				return true
			}
		default:
			l.pos++
		}
	}
	return false
}

// number reads digits with underscores between them, a fraction, an exponent; or 0x…. What follows it at once is another token.
func (l *lexer) number() {
	if l.text[l.pos] == '0' && (l.at(l.pos+1)|0x20) == 'x' && isHex(l.at(l.pos+2)) {
		l.pos += 2
		for isHex(l.at(l.pos)) || l.at(l.pos) == '_' && isHex(l.at(l.pos+1)) {
			l.pos++
		}
		return
	}
	l.digits()
	if l.at(l.pos) == '.' && l.at(l.pos+1) != '.' {
		l.pos++
		l.digits()
	}
	if l.at(l.pos)|0x20 == 'e' {
		i := l.pos + 1
		if l.at(i) == '+' || l.at(i) == '-' {
			i++
		}
		if class[l.at(i)]&isDigit != 0 {
			l.pos = i
			l.digits()
		}
	}
}

func (l *lexer) digits() {
	for class[l.at(l.pos)]&isDigit != 0 || l.at(l.pos) == '_' && class[l.at(l.pos+1)]&isDigit != 0 {
		l.pos++
	}
}

func isHex(b byte) bool {
	return class[b]&isDigit != 0 || b|0x20 >= 'a' && b|0x20 <= 'f'
}

// spaceLen is the length of the Unicode space that s starts with, 0 when it starts with none: the list of DuckDB's
// Parser::StripUnicodeSpaces.
func spaceLen(s string) int {
	switch {
	case s[0] == 0xC2:
		if len(s) > 1 && s[1] == 0xA0 { // no-break space
			return 2
		}
	case s[0] < 0xE2 || len(s) < 3:
	case s[0] == 0xE2 && s[1] == 0x80 && (s[2] >= 0x80 && s[2] <= 0x8D || s[2] == 0xAF), // U+2000…U+200D, U+202F
		s[0] == 0xE2 && s[1] == 0x81 && (s[2] == 0x9F || s[2] == 0xA0), // U+205F, U+2060
		s[0] == 0xE3 && s[1] == 0x80 && s[2] == 0x80,                   // U+3000
		s[0] == 0xEF && s[1] == 0xBB && s[2] == 0xBF:                   // U+FEFF
		return 3
	}
	return 0
}
