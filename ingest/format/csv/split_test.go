package csv

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// splitDialects are those that the splitter is compared in.
var splitDialects = []struct {
	delim                  string
	newline, quote, escape byte
}{{",", '\n', '"', '"'}, {",", '\r', '"', '"'}, {"::", '\n', '"', '"'}, {" ", '\n', '"', '"'}, {", ", '\n', '"', '\\'}, {";", '\n', 0, 0},
	{"\t", '\n', '\'', '\''}, {" | ", '\r', '"', '"'}}

// slowRecord splits as split does, a byte at a time: the values of the fields, whether the quotes are wrong, and the size.
func slowRecord(b []byte, delim string, newline, quote, escape byte) (fields []string, broken bool, size int) {
	at := func(p int) bool { return strings.HasPrefix(string(b[min(p, len(b)):]), delim) }
	end := func(p int) (int, bool) { // behind the line end at p
		for newline == '\n' && p < len(b) && b[p] == '\r' {
			p++
		}
		return min(p+1, len(b)), p == len(b) || b[p] == newline
	}
	for i := 0; ; {
		k := i
		for k < len(b) && b[k] == ' ' && !at(k) {
			k++
		}
		if quote == 0 || k == len(b) || b[k] != quote {
			for k = i; k < len(b) && b[k] != newline && !at(k); k++ {
			}
			text := string(b[i:k])
			if k < len(b) && b[k] != newline {
				fields, i = append(fields, text), k+len(delim)
				continue
			}
			if newline == '\n' {
				text = strings.TrimRight(text, "\r")
			}
			return append(fields, text), false, min(k+1, len(b))
		}
		var text []byte
		p := k + 1
		for ; p < len(b) && b[p] != quote || p+1 < len(b) && b[p] == escape && (escape != quote || b[p+1] == quote); p++ {
			if b[p] == escape && p+1 < len(b) {
				p++
			} else if b[p] == escape {
				break
			}
			text = append(text, b[p])
		}
		if closed := p < len(b) && b[p] == quote; closed {
			for p++; p < len(b) && b[p] == ' ' && !at(p); p++ {
			}
			if at(p) {
				fields, i = append(fields, string(text)), p+len(delim)
				continue
			}
			if size, ok := end(p); ok {
				return append(fields, string(text)), false, size
			}
		}
		if k = bytes.IndexByte(b, newline); k < 0 {
			k = len(b) - 1
		}
		return nil, true, k + 1
	}
}

// compareSplit holds split against slowRecord over a whole text, and over each beginning of it.
func compareSplit(data []byte, dialect int) error {
	d := splitDialects[dialect]
	c := &decoder{newline: d.newline, quote: d.quote, escape: d.escape, width: 1 << 20}
	c.setDelim(d.delim)
	for rest := data; len(rest) > 0; {
		fields, broken, size := slowRecord(rest, d.delim, d.newline, d.quote, d.escape)
		got := c.split(rest, true)
		texts := c.texts(rest)
		if got != size || (c.broken != "") != broken {
			return fmt.Errorf("%q: size %d, broken %q; want %d, %v", rest, got, c.broken, size, broken)
		}
		if diff := cmp.Diff(fields, texts); !broken && diff != "" {
			return fmt.Errorf("%q: %s", rest, diff)
		}
		for n := range min(len(rest), 40) {
			if k := c.split(rest[:n], false); k >= 0 && (k != size || !broken && fmt.Sprint(c.texts(rest[:n])) != fmt.Sprint(fields)) {
				return fmt.Errorf("%q: its first %d bytes give %d %q, all give %d %q", rest, n, k, c.texts(rest[:n]), size, fields)
			}
		}
		rest = rest[size:]
	}
	return nil
}

func TestSplitIsTheSlowOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]byte("ab,,;:: |'\"\"\"\\\n\n\r\r\t")), 0, 60).Draw(rt, "text")
		if err := compareSplit(text, rapid.IntRange(0, len(splitDialects)-1).Draw(rt, "dialect")); err != nil {
			rt.Fatal(err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	for i, s := range []string{"a,\"b\"\"\",c\r\r\n\"x\ny\", z\n", "a\r\"b\r\"\rc", "a::b:c\n\"d\":: e\n", "a  b \"c d\"\n",
		"a, \"b\\\"\", c\n", "\"a;b\n", "'a'''\t'b\n'\n", "\"a\" | b | \r"} {
		f.Add([]byte(s), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, dialect uint8) {
		if err := compareSplit(data, int(dialect)%len(splitDialects)); err != nil {
			t.Fatal(err)
		}
	})
}
