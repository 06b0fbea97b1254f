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
	if q.whole != "" {
		return out + "  computes all groups anew at each version: " + q.whole + "\n", nil
	}
	var told, windows []string
	for _, k := range q.told() {
		told = append(told, q.items[k].column)
		if q.named(q.items[k].expr) != nil {
			windows = append(windows, q.items[k].column)
		}
	}
	out += "  computes anew the groups that a batch touches, by " + strings.Join(told, ", ")
	if len(windows) > 0 {
		return out + "; of what is stored it reads the rows from the first to the last of these by " + strings.Join(windows, ", ") + "\n", nil
	}
	return out + "; to find their rows each version reads these columns of all that is stored\n", nil
}
