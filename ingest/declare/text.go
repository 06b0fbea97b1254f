package declare

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/internal/lazy"
)

// Text of a declaration, as `dsql inspect` prints it.

// Create is a CREATE SOURCE. notes are comments behind columns, by name.
func Create(ctx context.Context, c *duck.Conn, name string, cols []duck.Column, notes map[string]string,
	from string) (string, error) {
	words, err := duck.Keywords(ctx, c, duck.SQL("WHERE keyword_category <> 'unreserved'"))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE SOURCE %s (\n", name)
	for i, col := range cols {
		comma := ","
		if i == len(cols)-1 {
			comma = ""
		}
		ident := duck.Ident(col.Name).String()
		if plainName().MatchString(col.Name) && !words[strings.ToLower(col.Name)] {
			ident = col.Name
		}
		fmt.Fprintf(&b, "  %s %s%s", ident, col.Type, comma)
		if n := notes[col.Name]; n != "" {
			b.WriteString("  -- " + n)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, ") %s;\n", from)
	return b.String(), nil
}

var plainName = lazy.Regexp(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Quote is a text of SQL.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

var notInNames = lazy.Regexp(`[^A-Za-z0-9]+`)

// SourceName makes a name of a topic's, or of a file's without its ending.
func SourceName(s string) string {
	s = strings.Trim(notInNames().ReplaceAllString(s, "_"), "_")
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "s" + s
	}
	return strings.ToLower(s) + "_in"
}
