package quality

import (
	"context"

	"dsql/engine/duck"
)

// Told is METRICS and CHECKS as values, for those who read programs.
type Told struct {
	Metrics []ToldItem `json:"metrics,omitempty"`
	Checks  []ToldItem `json:"checks,omitempty"`
	// Aggregates are the columns of the scans, SQL the statement over them: a row with "type i", the value of item i (metrics first), and
	// "condition i" of a check.
	Aggregates []ToldAggregate `json:"aggregates,omitempty"`
	SQL        string          `json:"sql"`
	// Merged is the same over "the partials" of all parts of a batch; "" where something is known over the rows alone.
	Merged string `json:"merged,omitempty"`
}

// ToldItem is a metric or a check.
type ToldItem struct {
	Name      string   `json:"name"`
	SQL       string   `json:"sql"`  // as it was written
	Type      string   `json:"type"` // of the metric, or of what the check measures
	Over      string   `json:"over"` // batch, table
	By        []string `json:"by,omitempty"`
	OnRows    bool     `json:"on_rows,omitempty"` // the condition is one on each row
	OnFailure string   `json:"on_failure,omitempty"`
	OnUnknown string   `json:"on_unknown,omitempty"`
}

// ToldAggregate is a column of a scan.
type ToldAggregate struct {
	Name string `json:"name"`
	Over string `json:"over"` // batch, table, groups
	SQL  string `json:"sql"`
	// Of the batch, where it can be made of parts: what each measures, and what all of that comes to.
	Partials []ToldPartial `json:"partials,omitempty"`
	Merge    string        `json:"merge,omitempty"`
}

// Told is what is measured; nil where there is nothing.
func (p *Program) Told(ctx context.Context, c *duck.Conn) *Told {
	if p.Empty() {
		return nil
	}
	out := &Told{}
	for i := range p.items {
		it := &p.items[i]
		t := ToldItem{Name: it.name(), SQL: it.read.span.Of(it.read.src), Type: string(it.typ), Over: overs[ofBatch], By: it.keys, OnRows: it.rows,
			OnFailure: it.action, OnUnknown: it.unknown}
		if it.table {
			t.Over = overs[ofTable]
		}
		if it.check {
			out.Checks = append(out.Checks, t)
		} else {
			out.Metrics = append(out.Metrics, t)
		}
	}
	x := p.expandOver(nil, duck.Ident("the table"))
	out.SQL = p.statement(x, duck.Ident("the batch"), duck.Ident("the table")).String()
	merges := true
	for s, aggs := range x.aggs {
		for n, a := range aggs {
			t := ToldAggregate{Name: aggName(s, n), Over: overs[min(s, grouped)], SQL: a.String()}
			if s == ofBatch {
				if t.Partials, t.Merge = p.partial(ctx, c, t.Name, a); t.Merge != "" {
					aggs[n] = whole(t.Merge)
				}
			}
			merges = merges && t.Merge != ""
			out.Aggregates = append(out.Aggregates, t)
		}
	}
	if merges && len(out.Aggregates) > 0 {
		out.Merged = p.statement(x, duck.Ident("the partials"), duck.Ident("the table")).String()
	}
	return out
}

// overs are what scans are over.
var overs = []string{"batch", "table", "groups"}
