package page

import (
	"strings"

	"dsql/internal/lazy"
)

// What templates ask a Site for beside addresses.

// Asset is the address of the style or the script.
func (s *Site) Asset(name string) string { return s.address("assets/" + name) }

// Download is a statement's result as a file: csv, parquet or arrow.
func (s *Site) Download(ending, text string) string { return s.address("sql."+ending, "q", text) }

// AllRejects is the view of all of them.
func (s *Site) AllRejects() string { return s.Rejects(Filter{}) }

// Ago is how old the newest version is.
func (s *Site) Ago() string { return s.since(s.File.Last().At) }

// When is a version and its time.
func (s *Site) When(version int64) string { return s.when(version) }

// State is how an object is: "bad", "warn" or "".
func (s *Site) State(o *Object) string {
	state, _ := s.File.state(o)
	return state
}

// Kind is an object's, of those that have a look of their own.
func (s *Site) Kind(o *Object) string { return kindOf(o.Kind) }

var unsafe = lazy.Regexp(`[^A-Za-z0-9_-]+`)

// ID is what the ids of a view's sections begin with: letters and figures alone.
func (s *Site) ID(name string) string {
	if s.Report {
		if s.File.Object(name) != nil {
			return s.anchor(name)
		}
		return unsafe().ReplaceAllString(name, "")
	}
	return "v-" + unsafe().ReplaceAllString(name, "")
}

// Select is a statement that reads an object.
func (s *Site) Select(name string) string {
	return `FROM "` + strings.ReplaceAll(name, `"`, `""`) + `" LIMIT 100`
}

// Lines of a model's declaration.
func (v *Model) Lines() (out []Line) {
	if v.Object.Body == "" {
		return nil
	}
	for i, text := range strings.Split(v.Object.Body, "\n") {
		out = append(out, Line{N: i + 1, Code: code(text, nil)})
	}
	return out
}
