package journal

import "dsql/engine"

// InOrder are the changes that a version made, by key: what was before what is.
func (j *Journal) InOrder(version int64, cols []engine.Column) *engine.Query {
	var keys []string
	for _, k := range j.decl.Arg("KEYS").Names {
		keys = append(keys, k.Text)
	}
	return engine.SQL("SELECT {cols} FROM {changes}({from}, {to}) ORDER BY {keys}, {type} = 'update_after'", engine.Args{"cols": engine.Names(engine.ColumnNames(cols)), "changes": j.table("__changes"),
		"from": version - 1, "to": version, "keys": engine.Names(keys), "type": engine.Ident(changeType)})
}
