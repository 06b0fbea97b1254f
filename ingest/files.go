package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"dsql/engine"
	"dsql/sql"
)

// pattern is a glob over paths with captures. *, ? and [abc] stay within a part of the path, ** stands for any number of folders,
// {name} for one or more characters of a part.
type pattern struct {
	text     string
	root     string // the folder to start at: the parts before the first that isn't plain
	parts    []part
	captures []string
}

type part struct {
	plain string         // the name itself, "" for the others
	deep  bool           // **
	match *regexp.Regexp // with a group for each capture
	names []string
}

var capture = regexp.MustCompile(`^\{([A-Za-z_][A-Za-z0-9_]*)\}`)

func parsePattern(text string) (pattern, error) {
	p := pattern{text: text}
	if text == "" {
		return p, errors.New("the pattern is empty")
	}
	for i, s := range strings.Split(text, "/") {
		if i == 0 && s == "" {
			p.root = "/"
			continue
		}
		if s == "" || s == "." {
			continue
		}
		if s == "**" {
			p.parts = append(p.parts, part{deep: true})
			continue
		}
		x, err := parsePart(s)
		if err != nil {
			return p, err
		}
		for _, n := range x.names {
			if slices.Contains(p.captures, n) {
				return p, fmt.Errorf("{%s} stands twice in the pattern", n)
			}
			p.captures = append(p.captures, n)
		}
		if x.plain != "" && len(p.parts) == 0 {
			p.root = path.Join(p.root, x.plain)
			continue
		}
		p.parts = append(p.parts, x)
	}
	return p, nil
}

func parsePart(s string) (part, error) {
	x := part{}
	var re strings.Builder
	re.WriteString("^")
	plain := true
	for rest := s; rest != ""; {
		switch m := capture.FindStringSubmatch(rest); {
		case m != nil:
			plain = false
			re.WriteString("(.+)")
			x.names = append(x.names, m[1])
			rest = rest[len(m[0]):]
		case rest[0] == '*':
			plain = false
			re.WriteString(".*")
			rest = rest[1:]
		case rest[0] == '?':
			plain = false
			re.WriteString(".")
			rest = rest[1:]
		case rest[0] == '[':
			end := strings.IndexByte(rest[1:], ']')
			if end < 1 {
				return x, fmt.Errorf("the [ in %s is not closed", s)
			}
			plain = false
			re.WriteString("[" + strings.Replace(strings.ReplaceAll(rest[1:1+end], `\`, `\\`), "!", "^", 1) + "]")
			rest = rest[end+2:]
		default:
			n := strings.IndexAny(rest[1:], "*?[{") + 1
			if n == 0 {
				n = len(rest)
			}
			re.WriteString(regexp.QuoteMeta(rest[:n]))
			rest = rest[n:]
		}
	}
	if plain {
		x.plain = s
		return x, nil
	}
	var err error
	x.match, err = regexp.Compile("(?s)" + re.String() + "$")
	return x, err
}

// file is one file as it was listed.
type file struct {
	path     string // as the pattern writes it: relative to the script's folder
	full     string
	size     int64
	modified time.Time
	captures map[string]string
}

// list finds the files of a pattern, by name. Symbolic links are followed; names that begin with a dot are not matched by a
// wildcard.
func (s *source) list(env *engine.Env) ([]file, error) {
	var out []file
	var walk func(dir string, parts []part, caps map[string]string) error
	add := func(name string, caps map[string]string) error {
		full := resolve(env, name)
		info, err := os.Stat(full)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a dangling link, or gone since
		}
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			out = append(out, file{name, full, info.Size(), info.ModTime().UTC().Truncate(time.Microsecond), caps})
		}
		return nil
	}
	walk = func(dir string, parts []part, caps map[string]string) error {
		if len(parts) == 0 {
			return add(dir, caps)
		}
		x := parts[0]
		if x.plain != "" {
			return walk(path.Join(dir, x.plain), parts[1:], caps)
		}
		if x.deep {
			if err := walk(dir, parts[1:], caps); err != nil {
				return err
			}
		}
		entries, err := os.ReadDir(resolve(env, dir))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := e.Name()
			if strings.HasPrefix(name, ".") {
				continue
			}
			if x.deep {
				if info, err := os.Stat(filepath.Join(resolve(env, dir), name)); err == nil && info.IsDir() {
					if err := walk(path.Join(dir, name), parts, caps); err != nil {
						return err
					}
				}
				continue
			}
			m := x.match.FindStringSubmatch(name)
			if m == nil {
				continue
			}
			more := caps
			if len(x.names) > 0 {
				more = map[string]string{}
				for k, v := range caps {
					more[k] = v
				}
				for i, n := range x.names {
					more[n] = m[i+1]
				}
			}
			if err := walk(path.Join(dir, name), parts[1:], more); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(s.pattern.root, s.pattern.parts, nil); err != nil {
		return nil, s.unreachable(err)
	}
	if len(out) == 0 && len(s.pattern.parts) == 0 {
		return nil, s.unreachable(fs.ErrNotExist)
	}
	slices.SortFunc(out, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return slices.CompactFunc(out, func(a, b file) bool { return a.path == b.path }), nil
}

func resolve(env *engine.Env, name string) string {
	if name == "" {
		name = "."
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(env.Dir, filepath.FromSlash(name))
}

// unreachable is the error for files that can't be listed or read.
func (s *source) unreachable(err error) *sql.Error {
	e := &sql.Error{Src: s.decl.Src, Span: s.patternAt, Exit: sql.ExitUnreachable, Err: err}
	var p *fs.PathError
	where := s.pattern.text
	if errors.As(err, &p) {
		where = p.Path
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Code, e.Msg, e.Hint = "no-file", "there is no file "+where, "relative paths start at the script's folder"
	case errors.Is(err, fs.ErrPermission):
		e.Code, e.Msg, e.Hint = "no-rights", "no right to read "+where, "check the rights of the file and of the folders above it"
	default:
		e.Code, e.Msg, e.Hint = "unreadable", where+" can't be read: "+err.Error(), "mend the file or take it away, then run again: what was committed before stays"
	}
	return e
}
