package run

import (
	"fmt"

	"dsql/engine/kind"
	"dsql/sql/code"
)

// limits stops the run when more rows were rejected than a declaration allows.
func (r *runner) limits(tx *transaction) error {
	for _, n := range r.Program.Nodes {
		limit := int64(-1)
		switch o := n.Obj.(type) {
		case kind.Destination:
			limit = o.Chain().Limit
		case kind.RejectLimiter:
			limit = o.RejectLimit()
		}
		total := tx.rejected[n]
		if limit < 0 || total == r.rejected[n] || total <= limit {
			continue
		}
		d, what := n.Obj.Decl(), fmt.Sprintf("%d of the rows of %s were rejected", total, n.Name)
		if _, ok := n.Source(); ok {
			what = fmt.Sprintf("%d of the records of %s were bad", total, n.Name)
		}
		return d.Errorf(code.RejectLimit, "%s in this run and its limit is %d; the batch that crossed it was rolled back", what, limit).
			WithHint("look at what came in, mend the declaration or the data, and run again; what was committed before stays")
	}
	return nil
}
