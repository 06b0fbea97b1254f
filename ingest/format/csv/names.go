package csv

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"dsql/ingest/names"
)

// header is a header: what its fields are called, and how a column finds its own.
type header struct {
	names []string       // as DuckDB's reader calls them: none is empty, none stands there twice
	exact map[string]int // by Key of what stands there; the first of several
	made  map[string]int // by Key of names
	made1 bool           // names come before what stands there: columns were inferred by them
}

// newHeader names the fields of a header as DuckDB does: without blanks around, column2 where there is nothing, a_1 for a further a.
func (c *decoder) newHeader(cells []string) *header {
	l := c.l
	h := &header{exact: map[string]int{}, made: map[string]int{}, made1: l.Dialect.Found != nil}
	times := map[string]int{}
	digits := len(strconv.Itoa(max(len(cells)-1, 0)))
	for i, cell := range cells {
		name := names.Tidy(cell)
		if i < len(l.Dialect.Names) {
			name = l.Dialect.Names[i]
			cell = name
		}
		switch {
		case i < len(l.Dialect.Names):
		case name == "":
			name = fmt.Sprintf("column%0*d", digits, i)
		case l.Dialect.Normalize:
			name = c.normalName(name)
		}
		if key := names.Key(cell); key != "" {
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
		if _, twice := h.made[names.Key(name)]; !twice {
			h.made[names.Key(name)] = i
		}
	}
	return h
}

// find is the field of a name, -1 for none.
func (h *header) find(name string) int {
	key := names.Key(name)
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
func (c *decoder) normalName(s string) string {
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
