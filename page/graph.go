package page

import (
	"fmt"
	"html/template"
	"unicode/utf8"
)

// A graph alone, as a picture that stands in a file of its own: it is laid out as the flow is, and has its look with it. What shows such a
// file may know no more than SVG 1.1.

// Graph is what is joined by lines.
type Graph struct {
	Nodes []GraphNode
	Edges []GraphEdge
}

// GraphNode is a declaration, with columns where they are shown.
type GraphNode struct {
	Kind, Name string
	Columns    []string
}

// GraphEdge joins two nodes by their numbers, or (from 0 on) two of their columns; -1: none.
type GraphEdge struct{ From, To, FromColumn, ToColumn int }

// graphStyle is that of the flow on paper.
const graphStyle = `text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;fill:#1b1d20}
.s{font-size:11px;fill:#5a6068}
.c{font-size:12px}
rect{fill:#fff;stroke:#c9cac6}
path{fill:none;stroke:#8a9097;stroke-width:1.4}
.col{stroke-dasharray:4 3}
.edge{fill:#5a6068;stroke:none}
.k-source .edge{fill:#1f7384}.k-stream .edge{fill:#1c5cb0}.k-journal .edge,.k-experiment .edge{fill:#6c45a5}
.k-model .edge,.k-monitor .edge{fill:#8f5410}.k-sink .edge,.k-endpoint .edge{fill:#56642a}`

// headH is how high a box without columns is; charW about how wide a letter.
const headH, charW = 44.0, 7.6

// Draw is the graph as SVG.
func (g Graph) Draw() string {
	l := &layout{gapX: 56, gapY: 18}
	width := boxW / 1.4 // all are as wide as the longest text needs
	for _, n := range g.Nodes {
		for _, text := range append([]string{n.Name}, n.Columns...) {
			width = max(width, float64(utf8.RuneCountInString(visible(text)))*charW+30)
		}
	}
	for _, n := range g.Nodes {
		h := headH
		if len(n.Columns) > 0 {
			h += float64(len(n.Columns))*rowH + 6
		}
		l.boxes = append(l.boxes, &box{w: width, h: h, first: n.Kind == "source"})
	}
	port := func(node, column int) float64 {
		if column < 0 {
			return headH/2 - l.boxes[node].h/2
		}
		return headH + (float64(column)+.5)*rowH - l.boxes[node].h/2
	}
	for _, e := range g.Edges {
		l.links = append(l.links, &link{from: l.boxes[e.From], to: l.boxes[e.To], fromPort: port(e.From, e.FromColumn), toPort: port(e.To, e.ToColumn)})
	}
	l.run()
	out := &svg{}
	out.f(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 %v %v" width="%v" height="%v"><style>%v</style>`+"\n", l.w+8, l.h+8, l.w+8, l.h+8,
		template.HTML(graphStyle))
	for i, e := range g.Edges {
		class := "e"
		if e.FromColumn >= 0 {
			class = "col"
		}
		out.f(`<path class="%v" d="%v"/>`+"\n", class, curve(l.links[i].way))
	}
	for i, n := range g.Nodes {
		b := l.boxes[i]
		out.f(`<g class="k-%v" transform="translate(%v %v)"><title>%v %v</title><rect width="%v" height="%v" rx="4"/>`, kindOf(n.Kind), b.x, b.y,
			n.Kind, n.Name, b.w, b.h)
		out.f(`<path class="edge" d="M0 4a4 4 0 0 1 4-4V%va4 4 0 0 1-4-4z"/><text x="13" y="19">%v</text><text class="s" x="13" y="35">%v</text>`,
			b.h, n.Name, n.Kind)
		for j, c := range n.Columns {
			out.f(`<text class="c" x="13" y="%v">%v</text>`, headH+float64(j)*rowH+12, c)
		}
		out.f("</g>\n")
	}
	return fmt.Sprint(out.html(), "</svg>\n")
}
