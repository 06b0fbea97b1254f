package ingest

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// csvHeader is a header: what its fields are called, and how a column finds its own.
type csvHeader struct {
	names []string       // as DuckDB's reader calls them: none is empty, none stands there twice
	exact map[string]int // by nameKey of what stands there; the first of several
	made  map[string]int // by nameKey of names
	made1 bool           // names come before what stands there: columns were inferred by them
}

// newHeader names the fields of a header as DuckDB does: without blanks around, column2 where there is nothing, a_1 for a further a.
func (c *csvDecoder) newHeader(cells []string) *csvHeader {
	l := c.l
	h := &csvHeader{exact: map[string]int{}, made: map[string]int{}, made1: l.dialect.Found != nil}
	times := map[string]int{}
	digits := len(strconv.Itoa(max(len(cells)-1, 0)))
	for i, cell := range cells {
		name := tidyName(cell)
		if i < len(l.dialect.Names) {
			name = l.dialect.Names[i]
			cell = name
		}
		switch {
		case i < len(l.dialect.Names):
		case name == "":
			name = fmt.Sprintf("column%0*d", digits, i)
		case l.dialect.Normalize:
			name = c.normalName(name)
		}
		if key := nameKey(cell); key != "" {
			if _, twice := h.exact[key]; !twice {
				h.exact[key] = i
			}
		}
		for fold := strings.ToLower(name); ; fold = strings.ToLower(name) {
			if _, taken := times[fold]; !taken {
				times[fold] = 0
				break
			}
			times[fold]++
			name += "_" + strconv.Itoa(times[fold])
		}
		h.names = append(h.names, name)
		if _, twice := h.made[nameKey(name)]; !twice {
			h.made[nameKey(name)] = i
		}
	}
	return h
}

// find is the field of a name, -1 for none.
func (h *csvHeader) find(name string) int {
	key := nameKey(name)
	for _, m := range []map[string]int{h.exact, h.made} {
		if h.made1 {
			m = h.made
		}
		if i, ok := m[key]; ok {
			return i
		}
	}
	return -1
}

// normalName is what DuckDB's normalize_names makes of a name.
func (c *csvDecoder) normalName(s string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == ' ' || r >= '\t' && r <= '\r':
			return ' '
		}
		return -1
	}, norm.NFKD.String(s))
	s = strings.Join(strings.Fields(kept), "_")
	switch {
	case s == "":
		return "_"
	case s[0] >= '0' && s[0] <= '9' || c.keywords[s]:
		return "_" + s
	}
	return s
}
