package journal

import (
	"fmt"

	"dsql/engine/duck"
)

// numbered are n names with a prefix.
func numbered(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return out
}

// ofColumn fills a text over one column, {c}.
func ofColumn(text, column string) *duck.Query {
	return duck.SQL(text, duck.Args{"c": duck.Ident(column)})
}

// pointType is the type of a point.
func (l *layout) pointType() duck.Type {
	if len(l.Sequence) == 1 {
		return l.Sequence[0].Type
	}
	var parts []duck.Column
	for i, o := range l.Sequence {
		parts = append(parts, duck.Column{Name: fmt.Sprint("_", i), Type: o.Type})
	}
	return duck.StructOf(parts)
}

// parts takes a point apart.
func (l *layout) parts(p *duck.Query) []*duck.Query {
	if len(l.Sequence) == 1 {
		return []*duck.Query{p}
	}
	out := make([]*duck.Query, len(l.Sequence))
	for i := range out {
		out[i] = duck.SQL("({p}).{part}", duck.Args{"p": p, "part": duck.Ident(fmt.Sprintf("_%d", i))})
	}
	return out
}
