// Package page draws what is known of a file as HTML and SVG, out of plain values: the page of a server and the file of a report are the
// same drawing. It owns looks, layout, charts, addresses and how texts of others are shown; it knows no SQL, no file, and nothing else of
// the project. All of it reads without scripts.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"html/template"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"dsql/internal/lazy"
)

//go:embed views/*.html page.css page.js
var files embed.FS

// Style and Script are what a page asks for beside itself. Both never change while a program runs.
var (
	Style  = sync.OnceValue(func() string { return minify(asset("page.css")) + hoverRules(60) })
	Script = sync.OnceValue(func() string { return asset("page.js") })
)

func asset(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded: it can't be missing
	}
	return string(b)
}

var (
	comments = lazy.Regexp(`(?s)/\*.*?\*/`)
	spaces   = lazy.Regexp(`\s*\n\s*`)
)

func minify(css string) string {
	return spaces().ReplaceAllString(comments().ReplaceAllString(css, ""), "")
}

// Policy is the Content-Security-Policy of a served page.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// Site is where a view stands: the file, and how addresses are written.
type Site struct {
	File   *File
	Report bool // one file: links are anchors, and nothing is asked of a server
	Now    time.Time
	View   string // flow, object, rejects, life, model, experiment, sql, or nothing
	Title  string
	Base   string            // what stands before each address: "/" of a server
	Token  string            // allows the button of a view of rejects; "": there is none
	Sent   *Sent             // what came of it
	lives  map[string]string // of a report: the anchors of the lives in it
	there  map[string]bool   // of a report: the objects in it
	// noRejects: a report has none in it.
	noRejects bool
}

// address is a path with a query; pairs with an empty value are left out.
func (s *Site) address(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Add(pairs[i], pairs[i+1])
		}
	}
	base := s.Base
	if base == "" {
		base = "/"
	}
	if len(q) > 0 {
		return base + path + "?" + q.Encode()
	}
	return base + path
}

// anchor is where an object stands in a report: by number, as a name may be anything.
func (s *Site) anchor(name string) string {
	for i, o := range s.File.Objects {
		if o.Name == name && (s.there == nil || s.there[name]) {
			return "o" + strconv.Itoa(i)
		}
	}
	return "flow"
}

// Flow is the address of the front page.
func (s *Site) Flow() string {
	if s.Report {
		return "#flow"
	}
	return s.address("")
}

// Pick is the front page with an object, or a column of it, picked.
func (s *Site) Pick(object, column string) string {
	if s.Report {
		return s.Object(object)
	}
	return s.address("", "o", object, "c", column)
}

// Object is an object's own page; of a model its.
func (s *Site) Object(name string) string {
	o := s.File.Object(name)
	switch {
	case o == nil:
		return ""
	case s.Report:
		return "#" + s.anchor(o.Name)
	case o.Kind == "model":
		return s.address("m/" + url.PathEscape(o.Name))
	}
	return s.address("o/" + url.PathEscape(o.Name))
}

// At is an object's page with what a version changed.
func (s *Site) At(name string, version int64) string {
	if s.Report {
		return ""
	}
	return s.address("o/"+url.PathEscape(name), "v", strconv.FormatInt(version, 10))
}

// Rejects is the view of those that a filter leaves.
func (s *Site) Rejects(f Filter) string {
	if s.Report && s.noRejects {
		return "#flow"
	} else if s.Report {
		return "#rejects"
	}
	return s.address("rejects", f.pairs()...)
}

// Life is the view of a key: as it was known in a version (0: now), of a column ("": the first).
func (s *Site) Life(journal string, key []string, seen int64, column string) string {
	if s.Report {
		if a := s.lives[journal+"\x00"+strings.Join(key, "\x00")]; a != "" {
			return "#" + a
		}
		return ""
	}
	var pairs []string
	for _, k := range key {
		pairs = append(pairs, "key", k)
	}
	if seen > 0 {
		pairs = append(pairs, "seen", strconv.FormatInt(seen, 10))
	}
	return s.address("k/"+url.PathEscape(journal), append(pairs, "col", column)...)
}

// SQL is the page of a statement.
func (s *Site) SQL(text string) string { return s.address("sql", "q", text) }

// since is how long ago something was; a report, which grows old, has the time.
func (s *Site) since(t time.Time) string {
	switch {
	case t.IsZero():
		return unknown
	case s.Report:
		return inList(t)
	}
	return Lasted(s.Now.Sub(t)) + " ago"
}

// when is a version and its time.
func (s *Site) when(version int64) string {
	return fmt.Sprintf("v%d, %s", version, inList(s.File.At(version)))
}

// views are the templates, parsed when the first page is drawn: other commands don't wait for them.
var views = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(funcs).ParseFS(files, "views/*.html"))
})

var funcs = template.FuncMap{
	"seen": Seen, "whole": whole, "some": some, "short": short, "decimal": Decimal, "percent": percent, "plural": plural, "icon": icon,
	"when": inTitle, "list": inList, "code": func(s string) template.HTML { return code(s, nil) }, "size": size, "cut": cut,
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"kinds": func() []string { return kinds }, "int": func(n int) int64 { return int64(n) },
	"join":  func(s []string) string { return strings.Join(s, ", ") },
	"plain": func(s string) template.HTML { return template.HTML(plain(s)) },
	"data":  func(s *Site, view any) shown { return shown{s, view} },
}

// shown is what a template gets: the site, and the view's own.
type shown struct {
	S *Site
	V any
}

// Write draws a whole page: view is a *Front, *Thing, *Rejects, *Life, *Model, *Trial, *Statement, or nil for what there isn't.
func (s *Site) Write(w io.Writer, view any) error {
	return views().ExecuteTemplate(w, "page", shown{s, view})
}

// A section is redrawn on its own. Sections aren't nested.
var sectionBegins, sectionEnds = []byte(`<section id="`), []byte("</section>")

// Live marks each section of a page with a hash of what is in it. have are the hashes that a client has, by id: where it has some, only the
// sections come that are others.
func Live(html []byte, have map[string]string) []byte {
	out := make([]byte, 0, len(html)+len(html)/50)
	for {
		before, rest, found := bytes.Cut(html, sectionBegins)
		if have == nil {
			out = append(out, before...)
		}
		if !found {
			return out
		}
		var section []byte
		section, html, _ = bytes.Cut(rest, sectionEnds)
		h := fnv.New64a()
		_, _ = h.Write(section) // a hash takes anything
		sum := strconv.FormatUint(h.Sum64(), 36)
		id, _, _ := bytes.Cut(section, []byte{'"'})
		if have[string(id)] == sum {
			continue
		}
		tag, inner, _ := bytes.Cut(section, []byte{'>'})
		out = fmt.Appendf(out, `%s%s data-h="%s">%s%s`, sectionBegins, tag, sum, inner, sectionEnds)
	}
}

// Report is all views of a file as one.
type Report struct {
	Site    *Site
	Front   *Front
	Models  []*Model
	Trials  []*Trial
	Lives   []*Life
	Rejects *Rejects
	Things  []*Thing
	Only    bool // of what was selected, not of all
}

// Hash allows the style of a report in its policy.
func (r *Report) Hash() template.HTMLAttr {
	sum := sha256.Sum256([]byte(Style()))
	return template.HTMLAttr("content=\"default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'\"")
}

// CSS is the style of a report.
func (r *Report) CSS() template.CSS { return template.CSS(Style()) }

// Anchor is where a view stands in the report.
func (r *Report) Anchor(name string) string { return r.Site.anchor(name) }

// Write draws a report. It asks nothing of a network, and runs no script.
func (r *Report) Write(w io.Writer) error {
	r.Site.noRejects = r.Rejects == nil
	r.Site.Report, r.Site.lives, r.Site.there = true, map[string]string{}, map[string]bool{}
	for _, m := range r.Models {
		r.Site.there[m.Object.Name] = true
	}
	for _, t := range r.Trials {
		r.Site.there[t.Object.Name] = true
	}
	for _, t := range r.Things {
		r.Site.there[t.Object.Name] = true
	}
	for i, l := range r.Lives {
		l.Anchor = "k" + strconv.Itoa(i)
		r.Site.lives[l.Object.Name+"\x00"+strings.Join(l.Key, "\x00")] = l.Anchor
	}
	return views().ExecuteTemplate(w, "report", r)
}
