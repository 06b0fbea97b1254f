package rollup

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// Explain says by what its rows are told apart, and which of them a batch computes anew.
func (r *Rollup) Explain(context.Context, *duck.Conn, kind.Stored) (string, error) {
	q := r.query
	if q == nil {
		return "", nil
	}
	groups := "none: one row over all"
	if len(q.keys) > 0 {
		groups = strings.Join(q.keyNames(), ", ")
	}
	out := fmt.Sprintf("  groups   %s\n", groups)
	if !q.merges() {
		out += "  " + q.anew() + "\n"
		if q.folding.why != q.whole {
			out += "  merges no rows into groups: " + q.folding.why + "\n"
		}
		return out, nil
	}
	out += "  merges the rows that a batch brings into their groups, without reading what is stored\n"
	if len(q.folding.exact) > 0 {
		out += fmt.Sprintf("  an average is merged while rows times units of its last digit are below %d; else its group is computed anew\n",
			exactCount)
	}
	if len(q.keys) == 0 {
		return out + "  where rows go, it computes its row anew, from all that is stored\n", nil
	}
	return out + "  where rows go, it " + q.anew() + "\n", nil
}

// anew says what is computed where rows aren't merged.
func (q *query) anew() string {
	if q.whole != "" {
		return "computes all groups anew at each version: " + q.whole
	}
	var told, windows []string
	for _, k := range q.told() {
		told = append(told, q.items[k].column)
		if q.named(q.items[k].expr) != nil {
			windows = append(windows, q.items[k].column)
		}
	}
	out := "computes anew the groups that a batch touches, by " + strings.Join(told, ", ")
	if len(windows) > 0 {
		return out + "; of what is stored it reads the rows from the first to the last of these by " + strings.Join(windows, ", ")
	}
	return out + "; to find their rows each version reads these columns of all that is stored"
}
