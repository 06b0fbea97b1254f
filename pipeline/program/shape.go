package program

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// shape makes in the scratch transaction what a statement of the user would make, without its rows: ran says that there was something
// to run, whole that the statement does no more than was done here, and wrong what DuckDB has against it.
func (p *Program) shape(ctx context.Context, tx *duck.Tx, st sql.Stmt) (ran, whole bool, wrong error) {
	toks := sql.Tokens(st.Src, st.Span)
	word := func(i int) string {
		if i < len(toks) {
			return strings.ToUpper(toks[i].Span.Of(st.Src))
		}
		return ""
	}
	q := duck.User(st.Src, st.Span)
	switch word(0) {
	case "SELECT", "FROM", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE":
		if p.Env.Look {
			wrong = p.bound(ctx, tx, st)
		}
		return wrong != nil, true, wrong
	case "TRUNCATE", "COPY", "EXPLAIN", "DESCRIBE", "SHOW", "SUMMARIZE", "CHECKPOINT", "ANALYZE", "COMMENT", "VACUUM":
		return false, true, nil
	case "SET", "RESET":
		return false, !searches(word(1)), nil
	case "CREATE":
		i := 1
		for word(i) == "OR" || word(i) == "REPLACE" || word(i) == "TEMP" || word(i) == "TEMPORARY" {
			i++
		}
		switch word(i) {
		case "TABLE":
			if as := createdAs(toks, st.Src); as {
				q = duck.SQL("{q} WITH NO DATA", duck.Args{"q": q})
			}
		case "VIEW", "MACRO", "FUNCTION", "TYPE", "SCHEMA", "SEQUENCE", "RECURSIVE":
		default:
			return false, true, nil
		}
	case "ALTER":
	case "DROP":
	default:
		return false, false, nil
	}
	err := InFolder(st, func() error {
		_, err := tx.ExecAt(ctx, q, st.Place())
		return err
	})
	return true, err == nil, err
}

// bound asks DuckDB for the names and types of a statement that reads or changes rows, and runs nothing of it.
func (p *Program) bound(ctx context.Context, tx *duck.Tx, st sql.Stmt) error {
	toks := sql.Tokens(st.Src, st.Span)
	if slices.ContainsFunc(toks, func(t sql.Token) bool { return slices.Contains(unsure, strings.ToLower(t.Span.Of(st.Src))) }) {
		return nil
	}
	q, at := duck.User(st.Src, st.Span), st.Place()
	switch strings.ToUpper(toks[0].Span.Of(st.Src)) {
	case "INSERT", "UPDATE", "DELETE", "MERGE":
		return InFolder(st, func() error {
			prepared, err := tx.Prepare(q, at)
			if err == nil {
				prepared.Close()
			}
			return err
		})
	}
	return InFolder(st, func() error {
		_, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: q, At: at}})
		return errs[0]
	})
}

// grows: a source adds columns as its records have them, so that names may come which no declaration has.
func (p *Program) grows() bool {
	return slices.ContainsFunc(p.Nodes, func(n *Node) bool {
		g, ok := n.Obj.(kind.Grower)
		return ok && len(g.Added([]duck.Column{{Name: "of a record"}})) > 0
	})
}

// searches: the setting says where names are looked up.
func searches(setting string) bool {
	return strings.Contains(setting, "SCHEMA") || strings.Contains(setting, "SEARCH_PATH") || setting == "SESSION" || setting == "GLOBAL" || setting == "LOCAL"
}

// unsure are words of statements that hold names which only a run knows: put together from texts, or made of rows.
var unsure = []string{"query", "query_table", "getvariable", "pivot", "pivot_wider"}

// ofNames: names, or types that don't go together. Anything else may be otherwise when it is run: a file that isn't there yet, a value.
func ofNames(err error) bool { return sql.HasCode(err, code.DuckDBBinder, code.DuckDBCatalog) }

// createdAs: the statement is CREATE TABLE … AS query, and doesn't say WITH [NO] DATA already.
func createdAs(toks []sql.Token, src *sql.Source) bool {
	depth, as := 0, false
	for i, t := range toks {
		switch w := strings.ToUpper(t.Span.Of(src)); {
		case t.Kind == sql.Op && (w == "(" || w == "["):
			depth++
		case t.Kind == sql.Op && (w == ")" || w == "]"):
			depth--
		case w == "AS" && t.Kind == sql.Word && depth == 0:
			as = true
		case w == "DATA" && i == len(toks)-1:
			return false
		}
	}
	return as
}
