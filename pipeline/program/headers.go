package program

import (
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
)

// Headers are conditions of the input's query that a record's headers alone decide: dsql.header(_meta, 'type') = 'order', or IN ('a', 'b'),
// among what WHERE joins by AND. A record that doesn't meet them gives no row, whatever it holds.
func (in *Input) Headers() (out []kind.HeaderTest) {
	if in.body == nil || in.body.tree == nil || len(in.body.reads) != 1 || len(in.body.tree.Queries) != 1 {
		return nil
	}
	s, ok := in.body.tree.Queries[0].(*tree.Select)
	if _, simple := s.From.(*tree.Table); !ok || !simple {
		return nil
	}
	text := in.body.span.Of(in.body.src)
	var collect func(n tree.Node)
	collect = func(n tree.Node) {
		o, ok := n.(*tree.Other)
		switch {
		case !ok:
		case o.Type == "CONJUNCTION_AND":
			for _, p := range o.Parts() {
				collect(p)
			}
		case o.Type == "COMPARE_EQUAL" || o.Type == "COMPARE_IN":
			if t := headerTest(text, o); t != nil {
				out = append(out, *t)
			}
		}
	}
	collect(s.Where)
	return out
}

// headerTest is a comparison as a condition on a header, nil where it is another.
func headerTest(text string, o *tree.Other) *kind.HeaderTest {
	parts := slices.Clone(o.Parts())
	if len(parts) == 2 && o.Type == "COMPARE_EQUAL" {
		if _, constant := parts[0].(*tree.Constant); constant {
			slices.Reverse(parts)
		}
	}
	if len(parts) < 2 {
		return nil
	}
	call, ok := parts[0].(*tree.Call)
	if !ok || call.Name != "header" || len(call.Args) != 2 || call.At < 0 || call.At >= len(text) ||
		!strings.HasPrefix(strings.ToLower(text[call.At:]), "dsql.") {
		return nil
	}
	meta, ok := call.Args[0].(*tree.ColumnRef)
	name, named := call.Args[1].(*tree.Constant)
	if !ok || !strings.EqualFold(meta.Name(), catalog.MetaColumn) || !named || !name.IsText {
		return nil
	}
	t := &kind.HeaderTest{Name: name.Text}
	for _, p := range parts[1:] {
		c, ok := p.(*tree.Constant)
		if !ok || !c.IsText {
			return nil
		}
		t.Values = append(t.Values, c.Text)
	}
	return t
}
