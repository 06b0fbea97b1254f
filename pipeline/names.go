package pipeline

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// Names in the file: those of declarations, those that they make beside them (j_history, j_at), and the user's own. Nothing takes the
// place of another.

// names are what a declaration has in the file, or may be read by.
func (n *node) names() (out []string) {
	if !n.relation() && !n.callable() {
		return nil
	}
	out = []string{n.name}
	if m, ok := n.obj.(engine.Maker); ok {
		out = append(out, m.Makes()...)
	}
	return out
}

// versionOf is the model whose version a name may be: late_risk_v1.
var versionOf = regexp.MustCompile(`(?i)^(.*)_v[0-9]+$`)

// apart refuses declarations of which one makes what has another's name. The later one is at fault.
func (p *program) apart() error {
	var errs sql.List
	owner, models := map[sql.Key]*node{}, map[sql.Key]*node{}
	for _, n := range p.nodes {
		if n.kind == "model" {
			models[sql.KeyOf(n.name)] = n
		}
	}
	for _, stored := range []bool{true, false} { // what the file has was there first
		for _, n := range p.nodes {
			if (n.stmt < 0 || n.stored != nil) != stored {
				continue
			}
			for i, name := range n.names() {
				key := sql.KeyOf(name)
				other := owner[key]
				if m := versionOf.FindStringSubmatch(name); m != nil && n.callable() && other == nil {
					other = models[sql.KeyOf(m[1])]
				}
				if other == nil || other == n {
					owner[key] = n
					continue
				}
				if i == 0 && sql.Same(other.name, name) { // one name of two kinds: see declare
					continue
				}
				errs = append(errs, clash(n, other, name))
			}
		}
	}
	return errs.Err()
}

func clash(n, other *node, name string) *sql.Error {
	d, o := n.obj.Decl(), other.obj.Decl()
	e := &sql.Error{Src: d.Src, Span: d.NameAt, Code: "name-taken", Hint: "choose another name"}
	switch {
	case sql.Same(n.name, name):
		e.Msg = fmt.Sprintf("%s is made by the %s %s", name, other.kind, other.name)
	case sql.Same(other.name, name):
		e.Msg = fmt.Sprintf("%s %s makes %s, which is a %s", n.kind, n.name, name, other.kind)
	default:
		e.Msg = fmt.Sprintf("%s %s makes %s, and so does the %s %s", n.kind, n.name, name, other.kind, other.name)
	}
	if other.stmt >= 0 {
		e.Note = []sql.Note{{Src: o.Src, Span: o.NameAt, Msg: "declared here"}}
	}
	return e
}

// free refuses a declaration that is new to the file where the user has something of a name that it would make.
func (p *program) free(ctx context.Context, tx *engine.Tx, n *node) error {
	names := n.names()
	if _, source := n.source(); source || n.stored != nil || len(names) == 0 {
		return nil
	}
	var kind, name string
	taken, err := tx.Scan(ctx, engine.SQL(`SELECT kind, name FROM (
		SELECT 'table' AS kind, table_name AS name, schema_name AS s, database_name AS d FROM duckdb_tables() WHERE NOT internal
		UNION ALL SELECT 'view', view_name, schema_name, database_name FROM duckdb_views() WHERE NOT internal
		UNION ALL SELECT 'macro', function_name, schema_name, database_name FROM duckdb_functions() WHERE function_type IN ('macro', 'table_macro') AND NOT internal)
		WHERE lower(name) IN ({names}) AND s = current_schema() AND d = current_database() LIMIT 1`,
		engine.Args{"names": engine.Each(", ", names, func(s string) *engine.Query { return engine.Lit(strings.ToLower(s)) })}), &kind, &name)
	if err != nil || !taken {
		return err
	}
	d := n.obj.Decl()
	e := &sql.Error{Src: d.Src, Span: d.NameAt, Code: "name-taken", Msg: fmt.Sprintf("%s %s would make %s, and there is a %s of yours of that name", n.kind, n.name, name, kind),
		Hint: fmt.Sprintf("choose another name, or rename or drop yours first: DROP %s %s", strings.ToUpper(kind), name)}
	if sql.Same(n.name, name) {
		e.Msg = fmt.Sprintf("there is a %s %s of yours", kind, name)
	}
	return e
}
