package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Filter is what rejects are to be like; what is empty says nothing.
type Filter struct{ Code, Rule, Destination, Source, Text string }

// Rejects is the view of what was refused.
type Rejects struct {
	Filter     Filter
	Kinds      []RejectKind
	Rows       []Reject
	Total, N   int64 // of all, and of those that the filter leaves
	Statements []Replay
	Wrong      []Problem
}

// Replay is a statement that sends rejects through the chain again.
type Replay struct {
	Of, Text string
	Hold     bool // it takes what a check holds back, which is more than to try again
}

// Statement is all of them.
func (v *Rejects) Statement() string {
	var out []string
	for _, r := range v.Statements {
		out = append(out, r.Text)
	}
	return strings.Join(out, "\n")
}

// CanReplay: there is something that a button may do.
func (v *Rejects) CanReplay() bool {
	return slices.ContainsFunc(v.Statements, func(r Replay) bool { return !r.Hold })
}

// RejectKind is a reason, and where it is given.
type RejectKind struct {
	Filter
	N    int64
	Last time.Time
	By   []Point // amounts
}

// Reject is one of them.
type Reject struct {
	ID, Version         int64
	At                  time.Time
	Destination, Source string
	Rule, Reason        string
	Place, Key, Headers string
	Payload             []byte // no more than its beginning
	Length              int64  // of all of it
	Data                string // what was understood, as JSON
}

// On says that the filter is this kind.
func (v *Rejects) On(k RejectKind) bool {
	return v.Filter.Code == k.Code && v.Filter.Rule == k.Rule && v.Filter.Destination == k.Destination && v.Filter.Source == k.Source
}

// KindHref filters by a kind, or no more where it does.
func (v *Rejects) KindHref(s *Site, k RejectKind) string {
	if v.On(k) {
		return s.Rejects(Filter{Text: v.Filter.Text})
	}
	f := k.Filter
	f.Text = v.Filter.Text
	return s.Rejects(f)
}

// Where is the object that refused.
func (f Filter) Where() string {
	if f.Destination != "" {
		return f.Destination
	}
	return f.Source
}

// pairs are the filter in an address.
func (f Filter) pairs() []string {
	return []string{"code", f.Code, "rule", f.Rule, "dest", f.Destination, "src", f.Source, "q", f.Text}
}

// Filtered says that some are left out.
func (v *Rejects) Filtered() bool { return v.Filter != Filter{} }

// Bars are a kind's amounts over the versions of the file.
func (v *Rejects) Bars(s *Site, k RejectKind) template.HTML {
	at, i := map[int64]int64{}, 0
	for _, p := range k.By {
		at[p.Version] = int64(p.Value)
	}
	amounts := make([]int64, len(s.File.Versions))
	for ; i < len(amounts); i++ {
		amounts[i] = at[s.File.Versions[i].Number]
	}
	return spark(amounts, 420, 20, "b2", fmt.Sprintf("%s %s: %s over %s", k.Code, k.Rule, whole(k.N), plural(int64(len(amounts)), "version")))
}

// Axis is that of all bars: places in per cent, so that the text isn't stretched.
func (v *Rejects) Axis(s *Site) template.HTML {
	out := &svg{}
	out.f(`<svg class="spark" aria-hidden="true">`)
	a := &axis{file: s.File, x0: 0, x1: 100}
	for _, x := range s.File.Versions {
		a.versions = append(a.versions, x.Number)
	}
	if len(a.versions) > 0 {
		name, was, end := a.name(), "", -10.0
		for i, x := range a.versions {
			if n := name(x); n != was {
				was = n
				if at := 100 * float64(i) / float64(len(a.versions)); at-end > 9 && at < 95 {
					out.f(`<text class="ax" x="%v%%" y="11">%v</text>`, at, n)
					end = at
				}
			}
		}
	}
	out.f(`</svg>`)
	return out.html()
}

// Kept is the code of a reason, Detail what stands behind it.
func (r Reject) Code() string { c, _, _ := strings.Cut(r.Reason, ": "); return c }

// Detail is the reason behind its code and rule.
func (r Reject) Detail() string {
	_, d, _ := strings.Cut(r.Reason, ": ")
	return strings.TrimPrefix(d, r.Rule+": ")
}

// Where refused it.
func (r Reject) Where() string { return Filter{Destination: r.Destination, Source: r.Source}.Where() }

// Understood is a field as far as it was.
type Understood struct {
	Name  string
	Value template.HTML
	Bad   bool
}

// Fields are those that were understood.
func (r Reject) Fields() (out []Understood) {
	d := json.NewDecoder(strings.NewReader(r.Data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() && len(out) < 200 {
		t, err := d.Token()
		name, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			break
		}
		u := Understood{Name: name, Value: Seen(cut(string(value), 80))}
		if string(value) == "null" {
			u.Value = `<span class="soft">` + unknown + `</span>`
		}
		u.Bad = guilty(r.Detail(), name)
		out = append(out, u)
	}
	return out
}

// guilty: the reason is about the field.
func guilty(detail, name string) bool {
	return name != "" && (strings.HasPrefix(detail, name+":") || strings.HasPrefix(detail, name+" "))
}

// Raw is the payload as it came, with the guilty field marked.
func (r Reject) Raw() template.HTML {
	b := r.Payload
	switch {
	case len(b) == 0:
		return `<span class="soft">no bytes: the row was made by a query</span>`
	case !isText(b):
		return dump(b)
	}
	s := string(b)
	for _, f := range r.Fields() {
		if !f.Bad {
			continue
		}
		field := regexp.MustCompile(`"` + regexp.QuoteMeta(f.Name) + `"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\s]*)`)
		if m := field.FindStringIndex(s); m != nil {
			return code(s[:m[0]], nil) + "<mark>" + code(s[m[0]:m[1]], nil) + "</mark>" + code(s[m[1]:], nil)
		}
	}
	return code(s, nil)
}

// RawKind says how much it is.
func (r Reject) RawKind() string {
	switch {
	case r.Length == 0:
		return ""
	case int64(len(r.Payload)) < r.Length:
		return size(r.Length) + ", the beginning"
	}
	return size(r.Length)
}
