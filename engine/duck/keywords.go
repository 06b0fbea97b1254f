package duck

import "context"

// Keywords are SQL's words, or those of them that a WHERE clause tells.
func Keywords(ctx context.Context, c *Conn, where *Query) (map[string]bool, error) {
	words, err := Select(ctx, c, SQL("SELECT keyword_name FROM duckdb_keywords() {where}", Args{"where": where}),
		func(row func(...any) error) (w string, err error) { return w, row(&w) })
	out := map[string]bool{}
	for _, w := range words {
		out[w] = true
	}
	return out, err
}
