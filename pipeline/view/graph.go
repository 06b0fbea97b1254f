package view

import (
	"slices"

	"dsql/page"
	"dsql/pipeline/program"
)

// Graph is a flow as a picture: a line for two columns of which one is made of the other, where they are shown, else for their declarations.
func Graph(f *program.Flow) string {
	g, at := page.Graph{}, map[string]int{}
	for i, n := range f.Nodes {
		at[n.Name] = i
		g.Nodes = append(g.Nodes, page.GraphNode(n))
	}
	column := func(r program.ColumnRef) int { return slices.Index(f.Nodes[at[r.Of]].Columns, r.Column) }
	joined := map[program.FlowEdge]bool{}
	for _, m := range f.Columns {
		joined[program.FlowEdge{From: m.From.Of, To: m.To.Of}] = true
		g.Edges = append(g.Edges, page.GraphEdge{From: at[m.From.Of], To: at[m.To.Of], FromColumn: column(m.From), ToColumn: column(m.To)})
	}
	for _, e := range f.Edges {
		if !joined[e] {
			g.Edges = append(g.Edges, page.GraphEdge{From: at[e.From], To: at[e.To], FromColumn: -1, ToColumn: -1})
		}
	}
	return g.Draw()
}
