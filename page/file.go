package page

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// What a page shows of a file, as plain values. Who fills them is no part of this package.

// File is what all views share.
type File struct {
	Name     string
	Versions []Version // all, in order
	Objects  []*Object // in the order of their declaration, tables of the script behind
	Rejected int64     // that wait in dsql.rejects
	Findings []Finding // what needs a look, worst first
	Wrong    []Problem // what could not be read
	index    map[string]*Object
	times    map[int64]time.Time
}

// Version of the file.
type Version struct {
	Number int64
	At     time.Time
}

// Problem stands in the place of a section that could not be read.
type Problem struct {
	What string
	Err  error
}

// Why it could not.
func (p Problem) Why() string { return p.Err.Error() }

// Object is something that is declared.
type Object struct {
	Kind, Name string
	Body       string // the declaration
	Declared   time.Time
	Columns    []Column
	Reads      []string // names of what it reads or calls
	Feeds      []string // names of what reads it
	Counts     []Count  // one a version, in order
	Keys       []string // of a journal
	Info       string   // a second line where there are no rows: "lightgbm · v1 · 7 inputs"
	Tags       []Pair
	Verdict    string // the worst of the newest version of each check: "fail", "held", "warn", or nothing
	Lag        *int64 // records of a topic that wait, where that is known
	Times      []Times
}

// Times are how far event time has come in an input of an object; a time is zero where there is none.
type Times struct {
	Input             string
	Watermark, Closed time.Time
	Partitions        int64
	Behind            string // the one that holds the watermark back
}

// Pair is a name and its value.
type Pair struct{ Name, Value string }

// Column of an object, and the columns that it is made of.
type Column struct {
	Name, Type string
	From       []Ref
}

// Ref is a column of an object.
type Ref struct{ Object, Column string }

// Count is the account of one version.
type Count struct {
	Version                                                                  int64
	In, Written, Added, Changed, Removed, Unchanged, Rejected, Dropped, Lost int64 // Lost: records that can't be read
}

func (c Count) refused() int64 { return c.Rejected + c.Lost }

// Finding is something that needs a look.
type Finding struct {
	Bad    bool   // else it warns
	Kind   string // "check", "hold", "drift", "outcome", "silent", "alert", "sink", "file"
	Object string // whose page tells more
	Reject string // "check" and such: the rejects tell more
	Name   string // what is wrong, as it is called: a check, an input
	Text   string // what is the matter with it
	Value  string // what was measured
	Wants  string // what was expected
	Note   string // since when, and what to do
	Share  float64
	Strip  []Verdict // its past: a check's
	Line   []Point   // a metric's
}

// Point is a measured value. What isn't known is a gap.
type Point struct {
	Version int64
	Value   float64
	Known   bool
}

// Series is a metric over versions, thinned where there are many.
type Series struct {
	Name   string
	Points []Point
}

// Verdict of a check.
type Verdict struct {
	Version int64
	Verdict string // pass, warn, held, fail, unknown, released
	Value   *float64
	Failed  int64
}

// Check over versions.
type Check struct {
	Name, Wants string
	Verdicts    []Verdict
}

// Object is that of a name, in any case where none is spelt so; nil for none.
func (f *File) Object(name string) *Object {
	if f.index == nil {
		f.index = map[string]*Object{}
		for _, o := range f.Objects {
			f.index[strings.ToLower(o.Name)] = o
		}
		for _, o := range f.Objects {
			f.index[o.Name] = o
		}
	}
	if o := f.index[name]; o != nil {
		return o
	}
	return f.index[strings.ToLower(name)]
}

// At is when a version was committed.
func (f *File) At(version int64) time.Time {
	if f.times == nil {
		f.times = make(map[int64]time.Time, len(f.Versions))
		for _, v := range f.Versions {
			f.times[v.Number] = v.At
		}
	}
	return f.times[version]
}

// Ready fills what is looked up: then many may read the file at once.
func (f *File) Ready() *File {
	f.Object("")
	f.At(0)
	for _, o := range f.Objects {
		o.Feeds = nil
	}
	for _, o := range f.Objects {
		for _, r := range o.Reads {
			if from := f.Object(r); from != nil && !slices.Contains(from.Feeds, o.Name) {
				from.Feeds = append(from.Feeds, o.Name)
			}
		}
	}
	return f
}

// Last is the newest version.
func (f *File) Last() (v Version) {
	if n := len(f.Versions); n > 0 {
		v = f.Versions[n-1]
	}
	return v
}

// kinds are those that are listed, in their order; what is none of them comes last.
var kinds = []string{"source", "journal", "stream", "model", "monitor", "experiment", "sink", "endpoint", "table"}

// Of are the objects of a kind, by name.
func (f *File) Of(kind string) (out []*Object) {
	for _, o := range f.Objects {
		if o.Kind == kind {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b *Object) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Total is the sum of all versions.
func (o *Object) Total() (t Count) {
	for _, c := range o.Counts {
		t.Version = c.Version
		t.In, t.Written, t.Rejected = t.In+c.In, t.Written+c.Written, t.Rejected+c.Rejected
		t.Dropped, t.Lost = t.Dropped+c.Dropped, t.Lost+c.Lost
	}
	return t
}

// versions are the numbers of an object's versions.
func (o *Object) versions() (out []int64) {
	for _, c := range o.Counts {
		out = append(out, c.Version)
	}
	return out
}

// near are the objects on the ways to and from one.
func (f *File) near(o *Object) map[*Object]bool {
	on := map[*Object]bool{o: true}
	var walk func(o *Object, next func(*Object) []string, seen map[*Object]bool)
	walk = func(o *Object, next func(*Object) []string, seen map[*Object]bool) {
		for _, name := range next(o) {
			if x := f.Object(name); x != nil && !seen[x] {
				seen[x], on[x] = true, true
				walk(x, next, seen)
			}
		}
	}
	walk(o, func(o *Object) []string { return o.Reads }, map[*Object]bool{})
	walk(o, func(o *Object) []string { return o.Feeds }, map[*Object]bool{})
	return on
}

// lit are the columns that a column is made of, and those that are made of it, however far.
func (f *File) lit(r Ref) map[Ref]bool {
	up, down := map[Ref][]Ref{}, map[Ref][]Ref{}
	for _, o := range f.Objects {
		for _, c := range o.Columns {
			for _, x := range c.From {
				k := Ref{o.Name, c.Name}
				up[k], down[x] = append(up[k], x), append(down[x], k)
			}
		}
	}
	on := map[Ref]bool{r: true}
	for _, next := range []map[Ref][]Ref{up, down} {
		seen := map[Ref]bool{r: true}
		for todo := []Ref{r}; len(todo) > 0; todo = todo[1:] {
			for _, x := range next[todo[0]] {
				if !seen[x] {
					seen[x], on[x] = true, true
					todo = append(todo, x)
				}
			}
		}
	}
	return on
}
