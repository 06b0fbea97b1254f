package pyfunc

import (
	"os"
	"path/filepath"
	"strings"

	"dsql/internal/lazy"
	"dsql/sql"
)

// Code is the text of a function and of the modules that it needs from the script's folder.
type Code struct {
	Entry   string            `json:"entry"`             // the function's name in Python
	Text    string            `json:"text,omitempty"`    // inline
	Module  string            `json:"module,omitempty"`  // that has it, where it stands in a file
	Modules map[string]module `json:"modules,omitempty"` // by name
}

type module struct {
	Path    string `json:"path"`
	Text    string `json:"text"`
	Package bool   `json:"package,omitempty"`
}

// Place is where the text of a function stands.
type Place struct {
	Src     *sql.Source
	Name    sql.Span // of the declaration's name
	Returns sql.Span
	Text    sql.Span // of the inline text's literal
}

// file is what Python calls the inline text's file.
func (p Place) file() string {
	if p.Src == nil {
		return "function"
	}
	return p.Src.Name
}

// line is the first one of the inline text, from 1 on.
func (p Place) line() int {
	if p.Src == nil {
		return 1
	}
	return 1 + strings.Count(p.Src.Text[:p.Text.Start], "\n")
}

func stemOf(path string) string {
	base := filepath.Base(path)
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	return "dsql_" + strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, stem)
}

// folders stand first where Python looks for modules: those of its own file and of the script.
func (c Code) folders(dir string) []string {
	var out []string
	if m, ok := c.Modules[c.Module]; ok && c.Module != "" {
		out = append(out, filepath.Dir(m.Path))
	}
	if dir != "" && (len(out) == 0 || out[0] != dir) {
		out = append(out, dir)
	}
	return out
}

// imports finds the modules that a text may import. It may find more than Python does, in a string say, which does no harm.
var imports = lazy.Regexp(`(?m)^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+\(?([^#\n]*)|import[ \t]+([^#\n]+))`)

// gather adds the modules that a text imports and that stand in one of the folders, and those that they import.
func (c *Code) gather(text, within string, folders []string) error {
	for _, m := range imports().FindAllStringSubmatch(text, -1) {
		var names []string
		switch {
		case m[3] != "":
			for _, part := range strings.Split(m[3], ",") {
				names = append(names, strings.Fields(part + " -")[0])
			}
		case strings.HasPrefix(m[1], "."):
			base := within
			rest := strings.TrimLeft(m[1], ".")
			for range len(m[1]) - len(rest) - 1 {
				base = base[:max(0, strings.LastIndexByte(base, '.'))]
			}
			if rest != "" {
				base = strings.TrimPrefix(base+"."+rest, ".")
			}
			names = append([]string{base}, below(base, m[2])...)
		default:
			names = append([]string{m[1]}, below(m[1], m[2])...)
		}
		for _, n := range names {
			if err := c.add(n, folders); err != nil {
				return err
			}
		}
	}
	return nil
}

// below are the names behind import as modules of a package.
func below(base, list string) (out []string) {
	for _, part := range strings.Split(strings.Trim(list, "()"), ",") {
		if f := strings.Fields(part); len(f) > 0 && f[0] != "*" {
			out = append(out, strings.TrimPrefix(base+"."+f[0], "."))
		}
	}
	return out
}

// add takes in a module, and the packages around it, where one of the folders has it.
func (c *Code) add(name string, folders []string) error {
	if c.Modules[name].Path != "" || name == "" || name == "-" {
		return nil
	}
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		if err := c.add(name[:i], folders); err != nil {
			return err
		}
	}
	path := filepath.Join(strings.Split(name, ".")...)
	for _, dir := range folders {
		for _, m := range []module{{Path: filepath.Join(dir, path, "__init__.py"), Package: true}, {Path: filepath.Join(dir, path+".py")}} {
			text, err := os.ReadFile(m.Path)
			if err != nil {
				continue
			}
			m.Text = string(text)
			if c.Modules == nil {
				c.Modules = map[string]module{}
			}
			c.Modules[name] = m
			within := name
			if !m.Package {
				within = name[:max(0, strings.LastIndexByte(name, '.'))]
			}
			return c.gather(m.Text, within, folders)
		}
	}
	return nil
}
