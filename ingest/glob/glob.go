// Package glob owns the patterns of paths and what they capture. Listing what is on disk is the business of ingest/files.
package glob

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"dsql/ingest/jsontext"
	"dsql/ingest/names"
	"dsql/internal/lazy"
)

// Pattern is a glob over paths, as DuckDB's, with captures. *, ? and [abc] stay within a part of the path, ** stands for any
// number of folders, {name} for one or more characters of a part, as many as it can have. \ takes the meaning from the next
// character.
type Pattern struct {
	Text     string
	Root     string // the folder to start at: the parts before the first that isn't plain
	Parts    []Part
	Captures []string
}

// Part is what stands between two slashes.
type Part struct {
	Plain string         // the name itself, "" for the others
	Deep  bool           // **
	match *regexp.Regexp // with a group for each capture
	Names []string
	dot   bool // it begins with a dot, so it matches names that do
	hive  bool // name={name}: the value of a partition, encoded
}

var (
	capture = lazy.Regexp(`^\{([A-Za-z_][A-Za-z0-9_]*)\}`)
	hive    = lazy.Regexp(`^([^={}*?\[\]\\]+)=\{[A-Za-z_][A-Za-z0-9_]*\}$`)
	scheme  = lazy.Regexp(`^[A-Za-z][A-Za-z0-9+.-]+://`)
)

func Parse(text string) (Pattern, error) {
	p := Pattern{Text: text}
	switch {
	case text == "":
		return p, errors.New("the pattern is empty")
	case scheme().MatchString(text):
		return p, fmt.Errorf("%s is no path: dsql reads files of this machine", text)
	case strings.HasSuffix(text, "/"):
		return p, fmt.Errorf("%s is a folder: add what its files are called, %s*.csv say", text, text)
	case strings.IndexByte(text, 0) >= 0:
		return p, errors.New("the pattern holds a NUL byte")
	}
	if strings.HasPrefix(text, "/") {
		p.Root = "/"
	}
	steps := strings.Split(text, "/")
	for i, s := range steps {
		switch s {
		case "", ".":
			continue
		case "**":
			p.Parts = append(p.Parts, Part{Deep: true})
			continue
		}
		x, err := parsePart(s, i < len(steps)-1)
		if err != nil {
			return p, err
		}
		for _, n := range x.Names {
			if names.Has(p.Captures, n) {
				return p, fmt.Errorf("{%s} stands twice in the pattern", n)
			}
			p.Captures = append(p.Captures, n)
		}
		if x.Plain != "" && len(p.Parts) == 0 {
			p.Root = path.Join(p.Root, x.Plain)
			continue
		}
		p.Parts = append(p.Parts, x)
	}
	if n := len(p.Parts); n > 0 && p.Parts[n-1].Deep { // a/** is all files below a
		p.Parts = append(p.Parts, Part{match: regexp.MustCompile("")})
	}
	return p, nil
}

// parsePart compiles a part to a regular expression.
func parsePart(s string, folder bool) (Part, error) {
	x := Part{dot: s[0] == '.', hive: folder && hive().MatchString(s)}
	some := "([^/]+)"
	if x.hive {
		some = "([^/]*)"
	}
	var re, plain strings.Builder
	wild, captured := false, false
	for rest := s; rest != ""; {
		size, after := 1, false
		switch rest[0] {
		case '*':
			re.WriteString("[^/]*")
		case '?':
			re.WriteString("[^/]")
		case '[':
			class, n := charClass(rest)
			if n == 0 {
				return x, fmt.Errorf("the [ in %s is not closed", s)
			}
			re.WriteString(class)
			size = n
		case '{':
			m := capture().FindStringSubmatch(rest)
			if m == nil {
				return x, fmt.Errorf("the { in %s begins no {name}", s)
			}
			if captured {
				return x, fmt.Errorf("nothing stands between {%s} and {%s}, so where one ends can't be told", x.Names[len(x.Names)-1], m[1])
			}
			re.WriteString(some)
			x.Names = append(x.Names, m[1])
			size, after = len(m[0]), true
		default:
			if rest[0] == '\\' && len(rest) > 1 {
				rest = rest[1:]
			}
			_, size = utf8.DecodeRuneInString(rest)
			re.WriteString(regexp.QuoteMeta(rest[:size]))
			plain.WriteString(rest[:size])
			captured, rest = false, rest[size:]
			continue
		}
		wild, captured, rest = true, after, rest[size:]
	}
	if !wild {
		x.Plain = plain.String()
		return x, nil
	}
	var err error
	if x.match, err = regexp.Compile("^(?s:" + re.String() + ")$"); err != nil {
		return x, fmt.Errorf("a range in %s goes backwards", s)
	}
	return x, nil
}

// charClass reads [abc], [a-z] and [!abc] at the start of s and says how long it is, 0 when it doesn't end. ] as the first
// character is one of the class.
func charClass(s string) (re string, size int) {
	i := 1
	var b strings.Builder
	b.WriteByte('[')
	if i < len(s) && s[i] == '!' {
		b.WriteString("^/")
		i++
	}
	for first := i; i < len(s); {
		if s[i] == ']' && i > first {
			b.WriteByte(']')
			return b.String(), i + 1
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		switch c := s[i : i+n]; {
		case c == "-" && i > first && i+1 < len(s) && s[i+1] != ']':
			b.WriteByte('-')
		case c == "-":
			b.WriteString(`\-`)
		default:
			b.WriteString(strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "^", `\^`, "&", `\&`, "~", `\~`).Replace(c))
		}
		i += n
	}
	return "", 0
}

// Find matches a name of a folder's listing and gives what its captures are. A name that begins with a dot is hidden from
// wildcards.
func (x *Part) Find(name string) (captures []string, ok bool) {
	if strings.HasPrefix(name, ".") && !x.dot {
		return nil, false
	}
	if x.Plain != "" {
		return nil, name == x.Plain
	}
	m := x.match.FindStringSubmatch(name)
	if m == nil {
		return nil, false
	}
	if x.hive {
		return []string{partition(m[1])}, true
	}
	return m[1:], true
}

// Null stands for NULL among captures: no text of a path that is kept is it.
const Null = "\xff"

// partition is the value that a folder name=… of a partitioned data set has: NULL has a word of its own, and what can't stand in a
// name is written as %3A.
func partition(text string) string {
	if text == "__HIVE_DEFAULT_PARTITION__" {
		return Null
	}
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			hi, ok1 := jsontext.HexDigit(text[i+1])
			lo, ok2 := jsontext.HexDigit(text[i+2])
			if ok1 && ok2 {
				out = append(out, hi<<4|lo)
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	if !utf8.Valid(out) {
		return text
	}
	return string(out)
}

// Captured are the captures of a path, as it was listed, where the pattern matches it.
func (p *Pattern) Captured(name string) (map[string]string, bool) {
	if len(p.Parts) == 0 { // a file
		return map[string]string{}, name == p.Root
	}
	folder := p.Root
	if folder != "" && folder != "/" {
		folder += "/"
	}
	rest, below := strings.CutPrefix(name, folder)
	out := map[string]string{}
	return out, below && matchParts(strings.Split(rest, "/"), p.Parts, out)
}

// matchParts matches the names in a path, and notes what they capture.
func matchParts(names []string, parts []Part, out map[string]string) bool {
	switch {
	case len(parts) == 0:
		return len(names) == 0
	case parts[0].Deep:
		return matchParts(names, parts[1:], out) || len(names) > 0 && matchParts(names[1:], parts, out)
	case len(names) == 0:
		return false
	}
	values, ok := parts[0].Find(names[0])
	if !ok || !matchParts(names[1:], parts[1:], out) {
		return false
	}
	for i, n := range parts[0].Names {
		out[n] = values[i]
	}
	return true
}
