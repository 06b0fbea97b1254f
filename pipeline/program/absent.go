package program

import (
	"slices"

	"dsql/engine/kind"
	"dsql/sql"
)

// Columns that files don't have, and loads without rows, as destinations see them.

// Absent are the columns that a batch says nothing of: they copy a column that its files don't have, and no rule sets them.
func (n *Node) Absent(in *Input, batch *kind.Input, missing []string) (out []string) {
	if in.Of == nil { // what was held back: rows as the query gave them
		if i := slices.IndexFunc(n.Inputs, func(x *Input) bool { return sql.Same(x.Of.Name, batch.Source) }); i >= 0 {
			in = n.Inputs[i]
		}
	}
	if len(missing) == 0 || in.Of == nil {
		return nil
	}
	copies, set := in.copies(), n.Rules.Sets()
	same := func(name string) func(string) bool { return func(s string) bool { return sql.Same(s, name) } }
	for _, c := range n.Cols {
		if from := copies[sql.KeyOf(c.Name)]; from != "" && slices.ContainsFunc(missing, same(from)) && !slices.ContainsFunc(set, same(c.Name)) {
			out = append(out, c.Name)
		}
	}
	return out
}

// AbsentIn are the same of some files of a load: which.
func (n *Node) AbsentIn(in *Input, batch *kind.Input) map[string][]string {
	out := map[string][]string{}
	if !in.Meta { // nothing says which file a row is from
		return nil
	}
	for file, missing := range batch.AbsentIn {
		for _, c := range n.Absent(in, batch, missing) {
			out[c] = append(out[c], file)
		}
	}
	return out
}
