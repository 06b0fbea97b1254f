package program

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"dsql/engine/duck"
)

// Flow is what is declared and who reads whom.
type Flow struct {
	Nodes   []FlowNode `json:"nodes"`
	Edges   []FlowEdge `json:"edges"`
	Columns []FlowMade `json:"columns,omitempty"` // where they were asked for
}

// FlowNode is a declaration.
type FlowNode struct {
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	Columns []string `json:"columns,omitempty"`
}

// FlowEdge: to reads from.
type FlowEdge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// FlowMade is a column and one that it is made of.
type FlowMade struct {
	From ColumnRef `json:"from"`
	To   ColumnRef `json:"to"`
}

// Graph is the flow of a script and its file: of what is selected, with columns where they are asked for.
func Graph(ctx context.Context, o Options, columns bool) (*Flow, error) {
	stmts, err := o.Statements(ctx)
	if err != nil {
		return nil, err
	}
	db, err := duck.Open(ctx, Existing(o.DB), duck.Options{SearchPath: o.Dir})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var inputs Columns
	p, err := rehearse(ctx, db.Writer(), o, stmts, Opened{Fresh: Existing(o.DB) == ""}, func(_ *Program, tx *duck.Tx) (err error) {
		inputs, err = modelInputs(ctx, tx.Conn)
		return err
	})
	if err != nil {
		return nil, err
	}
	selected, err := p.Selected(o.Select)
	if err != nil {
		return nil, err
	}
	f := &Flow{Nodes: []FlowNode{}, Edges: []FlowEdge{}}
	shown, cols := map[string]bool{}, Columns{}
	for _, n := range p.Sorted() {
		cols[n.Name] = duck.ColumnNames(n.Cols)
		if n.Kind == "model" {
			cols[n.Name] = inputs[n.Name]
		}
		if selected != nil && !selected[n] {
			continue
		}
		shown[n.Name] = true
		node := FlowNode{Kind: n.Kind, Name: n.Name}
		if columns {
			if node.Columns = cols[n.Name]; n.Kind == "model" {
				node.Columns = append(slices.Clone(node.Columns), Result)
			}
		}
		f.Nodes = append(f.Nodes, node)
		for _, m := range append(n.feeds(), n.beside...) {
			if e := (FlowEdge{m.Name, n.Name}); (selected == nil || selected[m]) && m != n && !slices.Contains(f.Edges, e) {
				f.Edges = append(f.Edges, e)
			}
		}
	}
	if !columns {
		return f, nil
	}
	made, err := p.Origins(ctx, db.Writer(), cols)
	if err != nil {
		return nil, err
	}
	for to, all := range made {
		for _, from := range all {
			if shown[to.Of] && shown[from.Of] {
				f.Columns = append(f.Columns, FlowMade{from, to})
			}
		}
	}
	slices.SortFunc(f.Columns, func(a, b FlowMade) int {
		return cmp.Or(cmp.Compare(a.To.Of, b.To.Of), cmp.Compare(a.To.Column, b.To.Column), cmp.Compare(a.From.Of, b.From.Of),
			cmp.Compare(a.From.Column, b.From.Column))
	})
	return f, nil
}

// modelInputs are the arguments of the models, of each in the version that its name means.
func modelInputs(ctx context.Context, c *duck.Conn) (Columns, error) {
	all, err := duck.Select(ctx, c, duck.SQL("SELECT name, inputs FROM dsql.models WHERE in_use"), ScanPair)
	if err != nil {
		return nil, err
	}
	out := Columns{}
	for _, m := range all {
		var inputs []struct{ Name string }
		if err := json.Unmarshal([]byte(m[1]), &inputs); err != nil {
			return nil, err
		}
		for _, in := range inputs {
			out[m[0]] = append(out[m[0]], in.Name)
		}
	}
	return out, nil
}
