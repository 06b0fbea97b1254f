package main

import (
	"context"
	"fmt"
	"strings"

	"dsql/pipeline/program"
	"dsql/pipeline/view"
)

type graphCmd struct {
	scriptArgs
	Columns bool `help:"With columns, and which each is made of."`
}

func (c *graphCmd) Run(ctx context.Context, s *streams) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	f, err := program.Graph(ctx, o, c.Columns)
	if err != nil {
		return err
	}
	var text string
	switch s.cli.Output {
	case "json":
		text = string(jsonText(f)) + "\n"
	case "dot":
		text = dot(f)
	case "svg":
		text = view.Graph(f)
	default:
		text = mermaid(f)
	}
	_, err = fmt.Fprint(s.out, text)
	return err
}

// mermaid is a flow chart as GitHub and editors draw it. Names stand in labels: ids are numbers.
func mermaid(f *program.Flow) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	ids := map[string]string{}
	text := strings.NewReplacer(`"`, "#quot;", "<", "#lt;", ">", "#gt;").Replace
	for i, n := range f.Nodes {
		ids[n.Name] = fmt.Sprintf("n%d", i)
		label := n.Kind + "<br>" + text(n.Name)
		for _, c := range n.Columns {
			label += "<br>" + text(c)
		}
		fmt.Fprintf(&b, "  n%d[\"%s\"]\n", i, label)
	}
	for _, e := range f.Edges {
		fmt.Fprintf(&b, "  %s --> %s\n", ids[e.From], ids[e.To])
	}
	for _, m := range f.Columns {
		fmt.Fprintf(&b, "  %s -. \"%s → %s\" .-> %s\n", ids[m.From.Of], text(m.From.Column), text(m.To.Column), ids[m.To.Of])
	}
	return b.String()
}

// dot is Graphviz's; of columns each is a port.
func dot(f *program.Flow) string {
	var b strings.Builder
	b.WriteString("digraph dsql {\n  rankdir=LR;\n  node [shape=record];\n")
	quote := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
	field := func(s string) string {
		return strings.NewReplacer("{", `\{`, "}", `\}`, "|", `\|`, "<", `\<`, ">", `\>`, " ", `\ `).Replace(s)
	}
	ports := map[program.ColumnRef]string{}
	for _, n := range f.Nodes {
		label := field(n.Kind + " " + n.Name)
		for i, c := range n.Columns {
			ports[program.ColumnRef{Of: n.Name, Column: c}] = fmt.Sprintf(":c%d", i)
			label += fmt.Sprintf("|<c%d> %s", i, field(c))
		}
		fmt.Fprintf(&b, "  %s [label=\"%s\"];\n", quote(n.Name), strings.ReplaceAll(label, `"`, `\"`))
	}
	for _, e := range f.Edges {
		fmt.Fprintf(&b, "  %s -> %s;\n", quote(e.From), quote(e.To))
	}
	for _, m := range f.Columns {
		fmt.Fprintf(&b, "  %s%s -> %s%s [style=dashed];\n", quote(m.From.Of), ports[m.From], quote(m.To.Of), ports[m.To])
	}
	b.WriteString("}\n")
	return b.String()
}
