package ingest

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// Inspect prints the CREATE SOURCE of files or of a topic (kafka://broker:port/topic), with the columns and types that a sample
// shows; of a topic in Avro or Protobuf those of the newest record's schema, which registry (a URL) has.
func Inspect(ctx context.Context, c *duck.Conn, env *kind.Env, target, registry string) (string, error) {
	rest, ok := strings.CutPrefix(target, "kafka://")
	if !ok {
		return inspectFiles(ctx, c, env, target)
	}
	brokers, topic, ok := strings.Cut(rest, "/")
	if !ok || brokers == "" || topic == "" {
		return "", &sql.Error{Code: "bad-target", Exit: sql.ExitUsage, Msg: target + " names no topic",
			Hint: "write kafka://localhost:9092/topic"}
	}
	return inspectTopic(ctx, c, env, brokers, topic, registry)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// sourceName makes a name of a topic's, or of a file's without its ending.
func sourceName(s string) string {
	s = strings.Trim(notInNames.ReplaceAllString(s, "_"), "_")
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "s" + s
	}
	return strings.ToLower(s) + "_in"
}

// nameOfFiles is what files are about: their name without its ending, or their folder's where that is a date or *.
func nameOfFiles(target string) string {
	name := strings.TrimSuffix(filepath.Base(target), filepath.Ext(target))
	if folder := filepath.Base(filepath.Dir(target)); !hasLetter.MatchString(name) && hasLetter.MatchString(folder) {
		return folder
	}
	return name
}

var hasLetter = regexp.MustCompile(`[A-Za-z]`)

// compiled is the source that a text declares.
func compiled(text string) (kind.Source, error) {
	stmts, err := sql.Parse(sql.NewSource("inspect", text), []*sql.Syntax{Kind.Syntax})
	if err != nil {
		return nil, err
	}
	o, err := Kind.Compile(stmts[0].Decl)
	if err != nil {
		return nil, err
	}
	return o.(kind.Source), nil
}

// inferred are the columns of files.
func inferred(ctx context.Context, c *duck.Conn, env *kind.Env, pattern string, options ...string) ([]duck.Column, error) {
	_, cols, err := inferredSource(ctx, c, env, pattern, options...)
	return cols, err
}

func inferredSource(ctx context.Context, c *duck.Conn, env *kind.Env, pattern string,
	options ...string) (*fileSource, []duck.Column, error) {
	s, err := compiled("CREATE SOURCE s FROM FILES (" + strings.Join(append([]string{quote(pattern)}, options...), ", ") + ")")
	if err != nil {
		return nil, nil, err
	}
	cols, err := s.Columns(ctx, c, env, nil)
	return s.(*fileSource), cols, err
}

// declarationText is a CREATE SOURCE. notes are comments behind columns, by name.
func declarationText(ctx context.Context, c *duck.Conn, name string, cols []duck.Column, notes map[string]string,
	from string) (string, error) {
	words, err := keywords(ctx, c, duck.SQL("WHERE keyword_category <> 'unreserved'"))
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
		if plainName.MatchString(col.Name) && !words[strings.ToLower(col.Name)] {
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

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
