package program

import (
	"strings"

	"dsql/sql"
)

// LeavesFile says what a statement of DuckDB's is that writes outside of the file, or reads another database: tests leave it out. "": it
// does neither.
func LeavesFile(st sql.Stmt) string {
	w := Words(st, 3)
	switch w[0] {
	case "EXPORT", "INSTALL":
		return w[0]
	case "ATTACH":
		for _, t := range sql.Tokens(st.Src, st.Span) {
			if t.Kind == sql.String && strings.HasPrefix(t.Span.Of(st.Src), "':memory:") {
				return ""
			}
		}
		return "ATTACH"
	case "COPY":
		depth := 0
		for _, t := range sql.Tokens(st.Src, st.Span) {
			switch word := t.Span.Of(st.Src); {
			case word == "(":
				depth++
			case word == ")":
				depth--
			case depth == 0 && t.Kind == sql.Word && sql.Same(word, "TO"):
				return "COPY … TO"
			}
		}
	}
	return ""
}

// Shows: a statement of DuckDB's is a query, and nothing comes of it but rows to look at.
func Shows(st sql.Stmt) bool {
	switch Opening(st) {
	case "SELECT", "FROM", "VALUES", "TABLE", "PIVOT", "UNPIVOT", "DESCRIBE", "SHOW", "SUMMARIZE", "EXPLAIN":
		return true
	}
	return false
}
