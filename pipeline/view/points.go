package view

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/internal/lazy"
	"dsql/page"
)

// points reads what series gives of a metric: "version least version greatest;…", in any order; a version alone has no value.
func points(text string) []page.Point {
	out := make([]page.Point, 0, 1+strings.Count(text, ";"))
	for part := range strings.SplitSeq(text, ";") {
		w := strings.Fields(part)
		if len(w) == 0 {
			continue
		}
		v1, err := strconv.ParseInt(w[0], 10, 64)
		if err != nil {
			continue
		}
		if len(w) < 4 {
			out = append(out, page.Point{Version: v1})
			continue
		}
		a, b := point(w[0], w[1]), point(w[2], w[3])
		switch {
		case a.Version == b.Version:
			out = append(out, a)
		case a.Version < b.Version:
			out = append(out, a, b)
		default:
			out = append(out, b, a)
		}
	}
	slices.SortFunc(out, func(a, b page.Point) int { return cmp.Compare(a.Version, b.Version) })
	return out
}

func point(version, value string) (p page.Point) {
	v, err := strconv.ParseInt(version, 10, 64)
	x, ferr := strconv.ParseFloat(value, 64)
	return page.Point{Version: v, Value: x, Known: err == nil && ferr == nil && !math.IsNaN(x)}
}

// spelt is a name as a statement has it: in quotes where it needs them.
func spelt(name string) string {
	if plain().MatchString(name) && !duck.Reserved(name) {
		return name
	}
	return duck.Ident(name).String()
}

var plain = lazy.Regexp(`^[A-Za-z_][A-Za-z0-9_]*$`)
