package files

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/declare"
	"dsql/ingest/format"
	"dsql/ingest/names"
	"dsql/internal/lazy"
	"dsql/internal/plural"
	"dsql/sql"
	"dsql/sql/code"
)

// maxUnlike is how many files of a pattern are compared with the one that columns come from.
const maxUnlike = 50

// Inspect prints the CREATE SOURCE of files: with the options that its text needs, the FORMAT of its times, and in comments what is
// odd.
func Inspect(ctx context.Context, c *duck.Conn, env *kind.Env, target string) (string, error) {
	pattern, err := ofFolder(env.Dir, target)
	if err != nil {
		return "", err
	}
	var options []string
	if format.ByEnding(pattern) == nil {
		format, err := formatBySight(env, pattern)
		if err != nil {
			return "", err
		}
		options = append(options, "format "+format)
	}
	s, cols, err := inferredSource(ctx, c, env, pattern, options...)
	if sql.HasCode(err, code.NothingToInfer) {
		return "", sql.Errorf(code.NothingToInfer, "no file of %s has a record to look at", target).
			WithHint("name files, a pattern in quotes, or a folder: dsql inspect 'in/*.csv'")
	}
	if err != nil {
		return "", err
	}
	files, err := s.list(env)
	if err != nil {
		return "", err
	}
	files = slices.DeleteFunc(files, func(f file) bool { return f.size == 0 })
	first, notes := files[0], map[string]string{}
	if s.format == "csv" {
		if s.inferred != "" {
			first = files[slices.IndexFunc(files, func(f file) bool { return f.path == s.inferred })]
		}
		if options, s, cols, err = withNulls(ctx, c, env, pattern, options, s, cols, first); err != nil {
			return "", err
		}
		options = append(options, optionsOf(s.found)...)
		if err := s.timeFormats(ctx, c, first, cols, notes); err != nil {
			return "", err
		}
		for i, col := range cols {
			if madeUpName(col.Name) && s.found.Header == batch.HeaderYes && notes[col.Name] == "" {
				notes[col.Name] = "no name in the header"
				if i == 0 {
					notes[col.Name] += ": an index, as pandas and R write it?"
				}
			}
		}
	}
	text, err := declare.Create(ctx, c, declare.SourceName(nameOfFiles(target)), cols, notes,
		"FROM FILES ("+strings.Join(append([]string{declare.Quote(pattern)}, options...), ", ")+")")
	if err != nil {
		return "", err
	}
	return s.unlike(ctx, c, files, first, cols) + text, nil
}

// ofFolder makes the pattern of all files of a folder, which are of one format.
func ofFolder(dir, target string) (string, error) {
	full := target
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, full)
	}
	info, err := os.Stat(full)
	if err != nil || !info.IsDir() {
		return target, nil
	}
	entries, err := os.ReadDir(full)
	if err != nil {
		return "", err
	}
	endings := map[string]bool{}
	for _, e := range entries {
		if name := e.Name(); e.Type().IsRegular() && format.ByEnding(name) != nil {
			unpacked := strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
			endings[name[len(unpacked)-len(path.Ext(unpacked)):]] = true
		}
	}
	if len(endings) != 1 {
		return "", sql.Errorf(code.BadTarget, "%s is a folder with files of %s", target, plural.Of(len(endings), "ending")).
			WithHint("say which: dsql inspect '" + strings.TrimSuffix(target, "/") + "/*.csv'")
	}
	for e := range endings {
		target = strings.TrimSuffix(target, "/") + "/*" + e
	}
	return target, nil
}

// formatBySight tells the format of a file by its first bytes, where its name doesn't.
func formatBySight(env *kind.Env, pattern string) (string, error) {
	s, err := sourceOf(declare.Quote(pattern) + ", format csv")
	if err != nil {
		return "", err
	}
	files, err := s.list(env)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		b, _, err := s.head(f, 1<<10)
		if err != nil {
			return "", err
		}
		switch b = bytes.TrimSpace(b); {
		case len(b) == 0:
			continue
		case bytes.HasPrefix(b, []byte("PAR1")):
			return "parquet", nil
		case b[0] == '{' || b[0] == '[':
			return "json", nil
		}
		break
	}
	return "csv", nil
}

// optionsOf are those that a declaration needs to read the same.
func optionsOf(f *batch.Found) (out []string) {
	if f == nil {
		return nil
	}
	if f.Header == batch.HeaderNo {
		out = append(out, "header false")
	}
	if f.Skip > 0 {
		out = append(out, fmt.Sprintf("skip %d", f.Skip))
	}
	if f.Delim != "" && f.Delim != "," {
		out = append(out, "delim "+declare.Quote(strings.ReplaceAll(f.Delim, "\t", `\t`)))
	}
	if f.NoQuote {
		out = append(out, "quote ''")
	} else if f.Quote != "" && f.Quote != `"` {
		out = append(out, "quote "+declare.Quote(f.Quote))
	}
	if f.Escape != "" && f.Escape != f.Quote {
		out = append(out, "escape "+declare.Quote(f.Escape))
	}
	if f.Comment != "" {
		out = append(out, "comment "+declare.Quote(f.Comment))
	}
	return out
}

// withNulls asks again with nullstr, where such a text is all that keeps a column from another type.
func withNulls(ctx context.Context, c *duck.Conn, env *kind.Env, pattern string, options []string, s *session, cols []duck.Column,
	f file) ([]string, *session, []duck.Column, error) {
	texts, err := s.textsOf(ctx, c, f, cols)
	if err != nil {
		return nil, nil, nil, err
	}
	defer texts.done()
	found, err := texts.nulls(ctx, c)
	if err != nil || len(found) == 0 {
		return options, s, cols, err
	}
	for i := range found {
		found[i] = declare.Quote(found[i])
	}
	more := append(slices.Clone(options), "nullstr ('', "+strings.Join(found, ", ")+")")
	s2, cols2, err := inferredSource(ctx, c, env, pattern, more...)
	if err != nil || len(cols2) != len(cols) {
		return options, s, cols, nil //nolint:nilerr // the first answer stands
	}
	if text := func(cols []duck.Column) (n int) {
		for _, x := range cols {
			if x.Type == "VARCHAR" {
				n++
			}
		}
		return n
	}; text(cols2) < text(cols) {
		return more, s2, cols2, nil
	}
	return options, s, cols, nil
}

// madeUpName says whether DuckDB gave a column its name.
func madeUpName(name string) bool {
	rest, ok := strings.CutPrefix(name, "column")
	return ok && rest != "" && strings.Trim(rest, "0123456789") == ""
}

// unlike are comments on files that have other columns than the first.
func (s *Source) unlike(ctx context.Context, c *duck.Conn, files []file, first file, cols []duck.Column) string {
	var b strings.Builder
	ours := map[string]bool{}
	for _, x := range cols {
		if !names.Has(s.pattern.Captures, x.Name) {
			ours[names.Key(x.Name)] = true
		}
	}
	for _, f := range files[:min(len(files), maxUnlike)] {
		if f.path == first.path {
			continue
		}
		theirs, _, err := s.describe(ctx, c, []file{f}, false, false)
		if err != nil {
			fmt.Fprintf(&b, "-- %s can't be read as %s is\n", f.path, first.path)
			continue
		}
		var more []string
		has := map[string]bool{}
		for _, x := range theirs {
			if has[names.Key(x.Name)] = true; !ours[names.Key(x.Name)] {
				more = append(more, x.Name)
			}
		}
		var less []string
		for _, x := range cols {
			if ours[names.Key(x.Name)] && !has[names.Key(x.Name)] {
				less = append(less, x.Name)
			}
		}
		if len(more) > 0 {
			fmt.Fprintf(&b, "-- %s has %s beside: %s\n", f.path, plural.Of(len(more), "column"), names.Shown(more))
		}
		if len(less) > 0 {
			fmt.Fprintf(&b, "-- %s lacks %s: %s\n", f.path, plural.Of(len(less), "column"), names.Shown(less))
		}
	}
	return b.String()
}

// nameOfFiles is what files are about: their name without its ending, or their folder's where that is a date or *.
func nameOfFiles(target string) string {
	name := strings.TrimSuffix(filepath.Base(target), filepath.Ext(target))
	if folder := filepath.Base(filepath.Dir(target)); !hasLetter().MatchString(name) && hasLetter().MatchString(folder) {
		return folder
	}
	return name
}

var hasLetter = lazy.Regexp(`[A-Za-z]`)

// sourceOf is the source of a pattern with options, as they stand in FROM FILES.
func sourceOf(options string) (*Source, error) {
	d, err := declare.Parsed("CREATE SOURCE s FROM FILES ("+options+")", Clause)
	if err != nil {
		return nil, err
	}
	c := &declare.Compiler{Src: d.Src}
	s := Compile(c, c.Declaration(d), d.Arg("FROM FILES"))
	return s, c.Errs.Err()
}

// inferredSource is the source of files, and their columns.
func inferredSource(ctx context.Context, c *duck.Conn, env *kind.Env, pattern string,
	options ...string) (*session, []duck.Column, error) {
	s, err := sourceOf(strings.Join(append([]string{declare.Quote(pattern)}, options...), ", "))
	if err != nil {
		return nil, nil, err
	}
	cols, err := s.Columns(ctx, c, env, nil)
	return s.in(env), cols, err
}
