package sql

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	kinds := map[Kind]string{Word: "w", Quoted: "q", String: "s", Number: "n", Op: "o", Semi: ";", Illegal: "!"}
	for _, c := range []struct{ text, want string }{
		{"SELECT _a$1, é日本x FROM \"t t\"", "w:SELECT w:_a$1 o:, w:é日本x w:FROM q:\"t t\""},
		{`"a""b" 'it''s' '' ""`, `q:"a""b" s:'it''s' s:'' q:""`},
		{`E'a\'b' e'\\' E'a''b' fe'x' x'AB' 1e'\''`, `s:E'a\'b' s:e'\\' s:E'a''b' w:fe s:'x' w:x s:'AB' n:1 s:e'\''`},
		{"$$a'b$$ $t$ $$ $a$ $t$ $1 $name a$$b $é$x$é$", "s:$$a'b$$ s:$t$ $$ $a$ $t$ o:$ n:1 o:$ w:name w:a$$b s:$é$x$é$"},
		{"1_000 1.5 .5 1. 1e5 1E-5 1e 0xFF 0x 1abc 12__3 a.5 1..2 1_",
			"n:1_000 n:1.5 n:.5 n:1. n:1e5 n:1E-5 n:1 w:e n:0xFF n:0 w:x n:1 w:abc n:12 w:__3 w:a n:.5 n:1 o:. n:.2 n:1 w:_"},
		{"a--b;'\nc -- d", "w:a w:c"},
		{"a--b\rc", "w:a w:c"},
		{"a/* ; /* ' */ \" */b /**/ /***/ /* a */*/", "w:a w:b o:* o:/"},
		{"a-b->c=>d ; ::", "w:a o:- w:b o:- o:> w:c o:= o:> w:d ;:; o:: o::"},
		{"a\u00a0b\u2003c\u3000d\ufeff\u200be", "w:a w:b w:c w:d w:e"},
		{"'a", "!:'a"},
		{"x \"a;b", "w:x !:\"a;b"},
		{"$$ a $", "!:$$ a $"},
		{"/* a /* b */", "!:/* a /* b */"},
		{`E'a\'`, `!:E'a\'`},
		{`E'a\`, `!:E'a\`},
		{"🦆 @ # ? ! ~", "w:🦆 o:@ o:# o:? o:! o:~"},
	} {
		src := NewSource("", c.text)
		var got []string
		for _, tok := range Tokens(src, Span{0, len(c.text)}) {
			got = append(got, kinds[tok.Kind]+":"+tok.Span.Of(src))
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%q:\ngot  %s\nwant %s", c.text, g, c.want)
		}
	}
	src := NewSource("", "SELECT a; SELECT 'b' FROM c")
	toks := Tokens(src, Span{10, 20})
	if len(toks) != 2 || toks[1].Span.Of(src) != "'b'" {
		t.Errorf("tokens of a part: %v", toks)
	}
}

type failer interface{ Fatalf(string, ...any) }

// checkTokens: spans are in order and in bounds, and only white space and comments lie between.
func checkTokens(t failer, text string) {
	src := NewSource("", text)
	last := 0
	gap := func(to int) {
		for s := text[last:to]; s != ""; {
			switch {
			case class[s[0]]&isSpace != 0:
				s = s[1:]
			case spaceLen(s) > 0:
				s = s[spaceLen(s):]
			case strings.HasPrefix(s, "--"):
				s = s[max(0, strings.IndexAny(s+"\n", "\n\r")):]
			case strings.HasPrefix(s, "/*") && strings.HasSuffix(s, "*/") || strings.HasPrefix(s, "/*") && strings.Contains(s, "*/"):
				l := lexer{text: s}
				if !l.comment() {
					t.Fatalf("%q lies between tokens of %q", s, text)
				}
				s = s[l.pos:]
			default:
				t.Fatalf("%q lies between tokens of %q", s, text)
			}
		}
	}
	for _, tok := range Tokens(src, Span{0, len(text)}) {
		if tok.Span.Start < last || tok.Span.End <= tok.Span.Start || tok.Span.End > len(text) || tok.Kind == EOF {
			t.Fatalf("token %v after %d in %q", tok, last, text)
		}
		gap(tok.Span.Start)
		last = tok.Span.End
		switch s := tok.Span.Of(src); tok.Kind {
		case String, Quoted:
			if _, err := Unquote(s); err != nil && s[0]|0x20 != 'e' {
				t.Fatalf("%q: %v", s, err)
			}
		case Illegal:
			if last != len(text) {
				t.Fatalf("%q doesn't take the rest of %q", s, text)
			}
		}
	}
	gap(len(text))
}

// Pieces of which scripts are made, with what the lexer has to get right.
var pieces = []string{"SELECT 1", "SELECT 'a;b'", `SELECT "c;d"`, "SELECT $$;'$$", "SELECT $t$ ; $$ $t$", "SELECT /* ; /* ; */ ' */ 2",
	`SELECT e'\';'`,
	"FROM t -- ;'\n WHERE x", "SELECT 1e'\\';'", "SELECT a$$b", "SELECT $1", "CREATE STREAM s FROM a", "REFRESH", "x\u00a0y",
	"SELECT '' '', \"\"\"\""}

// Splitting what was joined gives back the pieces.
func TestSplitJoin(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom(pieces)
	sep := rapid.SampledFrom([]string{";", " ;\n", ";;", "; -- c;\n", ";/*;*/", "\n;\ufeff"})
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(piece, 1, 8).Draw(t, "pieces")
		var b strings.Builder
		for i, p := range want {
			b.WriteString(p)
			if i < len(want)-1 || rapid.Bool().Draw(t, "last") {
				b.WriteString(sep.Draw(t, "sep"))
			}
		}
		stmts, err := Parse(NewSource("", b.String()), testForms)
		if err != nil {
			t.Fatalf("%v in %q", err, b.String())
		}
		var got []string
		for _, s := range stmts {
			got = append(got, s.Text())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
		checkTokens(t, b.String())
	})
}

// White space and comments between tokens, and the case of words, don't change a fingerprint; anything else does.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	a := Fingerprint("CREATE Stream s -- c\n AS select 'A  b', \"C\" , É>=1 ; ")
	if want := `create stream s as select 'A  b' , "c" , É > = 1`; a != want {
		t.Errorf("%q, want %q", a, want)
	}
	for _, other := range []string{`create stream s as select 'a  b', "C", É>=1`, `create stream s as select 'A  b', "C", é>=1`} {
		if Fingerprint(other) == a {
			t.Errorf("%q has the fingerprint of another statement", other)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(pieces).Draw(t, "text")
		src := NewSource("", text)
		var b strings.Builder
		for _, tok := range Tokens(src, Span{0, len(text)}) {
			b.WriteString(rapid.SampledFrom([]string{" ", "\n", "/* ; */", " -- ; '\n", "\t \r\n"}).Draw(t, "gap"))
			s := tok.Span.Of(src)
			if tok.Kind == Word && rapid.Bool().Draw(t, "upper") {
				s = strings.ToUpper(s)
			}
			b.WriteString(s)
		}
		if got, want := Fingerprint(b.String()), Fingerprint(text); got != want {
			t.Fatalf("%q and %q: %q, %q", text, b.String(), want, got)
		}
	})
}

func TestUnquote(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ token, want, err string }{
		{`'it''s'`, `it's`, ""},
		{`'\n'`, `\n`, ""},
		{`''`, ``, ""},
		{`"a""b"`, `a"b`, ""},
		{`E'a\tb\\c\'d''e\n\r\b\f\q'`, "a\tb\\c'd'e\n\r\b\fq", ""},
		{`e'\101\x41\x4gé\7'`, "AA\x04gé\a", ""},
		{`E'plain''s'`, "plain's", ""},
		{`E'\xzz'`, "xzz", ""},
		{`$$a'b$$`, `a'b`, ""},
		{`$$$$`, ``, ""},
		{`$t$ $$ $t$`, ` $$ `, ""},
		{`E'\u00e9'`, "", `DuckDB doesn't read the escape \u`},
		{`E'\é'`, "", "DuckDB doesn't read a backslash before a character that isn't ASCII"},
		{`E'\0'`, "", "the escape of the byte 0 (base 8) gives no ASCII character"},
		{`E'\777'`, "", "the escape of the byte 777 (base 8) gives no ASCII character"},
		{`E'\xff'`, "", "the escape of the byte ff (base 16) gives no ASCII character"},
		{`abc`, "", "not a string or quoted identifier: abc"},
		{`'`, "", "not a string or quoted identifier: '"},
		{`$a$x$b$`, "", "not a string or quoted identifier: $a$x$b$"},
		{``, "", "not a string or quoted identifier: "},
	} {
		got, err := Unquote(c.token)
		msg := ""
		if err != nil {
			msg = err.Error()
		}
		if got != c.want || msg != c.err {
			t.Errorf("%s: %q %q, want %q %q", c.token, got, msg, c.want, c.err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		for _, q := range []string{"'", `"`} {
			if got, err := Unquote(q + strings.ReplaceAll(s, q, q+q) + q); err != nil || got != s {
				t.Fatalf("%q: %q %v", s, got, err)
			}
		}
	})
}

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"KEYS", "SEQUENCE BY", "TRACK", "FROM", "COLUMNS", "AS", "ON MISSING"}
	for s, want := range map[string]string{
		"KEY": "KEYS", "keyz": "KEYS", "SEQUENCE": "SEQUENCE BY", "sequence_by": "SEQUENCE BY", "FORM": "FROM", "TRAK": "TRACK",
		"COLUMN": "COLUMNS",
		"IS":     "", "A": "", "": "", "WHERE": "", "KEYS": "", "X": "", "ON": "ON MISSING", strings.Repeat("KEYS", 100): "",
	} {
		if got := Nearest(s, words); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringN(0, 20, maxWord).Draw(t, "a"), rapid.StringN(0, 20, maxWord).Draw(t, "b")
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) {
			t.Fatalf("distance(%q, %q) = %d", a, b, d)
		}
	})
}

// Position and Line agree with counting by hand, whatever the index.
func TestPosition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"\n", "é", "日本", "a", "\r\n", strings.Repeat("x", block-1), strings.Repeat("\n", 300),
			strings.Repeat("ab\n", block)}), 0, 12).Draw(t, "parts")
		text := strings.Join(parts, "")
		s := NewSource("f", text)
		off := rapid.IntRange(0, len(text)).Draw(t, "off")
		p := s.Position(off)
		start := strings.LastIndex(text[:off], "\n") + 1
		if line, col := strings.Count(text[:off], "\n")+1, utf8.RuneCountInString(text[start:off])+1; p.Line != line || p.Col != col {
			t.Fatalf("offset %d: %v, want %d:%d", off, p, line, col)
		}
		lines := strings.Split(text, "\n")
		if got, want := s.Line(p.Line), strings.TrimSuffix(lines[p.Line-1], "\r"); got != want {
			t.Fatalf("line %d: %q, want %q", p.Line, got, want)
		}
		if s.Line(0) != "" || s.Line(len(lines)+1) != "" {
			t.Fatalf("lines outside the text are not empty")
		}
	})
	s := NewSource("f", "ab\nc")
	if got := s.Position(-5).String() + " " + s.Position(99).String(); got != "f:1:1 f:2:2" {
		t.Error(got)
	}
}
