package torture

import (
	"fmt"
	"slices"
	"strings"
)

// Plan is what a seed does: a list of steps, each one run of the command. It is plain data, so that it can be cut down, kept and played
// again when the generator makes other plans of its seed.
type Plan struct {
	Seed  uint64
	Steps []Step
}

// Step is what happens before a run of the command, and its script.
type Step struct {
	Files  []File   `json:",omitempty"` // new in the folder
	Drops  []Verb   `json:",omitempty"` // before the declarations
	Prune  bool     `json:",omitempty"` // what Drops has isn't dropped by statements: it left the script, and the run prunes
	Decls  []Decl   `json:",omitempty"` // new ones, and new texts of old ones
	Later  []File   `json:",omitempty"` // what comes while a second run of the script follows its sources
	Set    []string `json:",omitempty"` // settings of the script's session, which are nothing to what is declared
	User   []User   `json:",omitempty"` // statements of the user's, behind the declarations
	Verbs  []Verb   `json:",omitempty"` // behind those
	Part   bool     `json:",omitempty"` // the script has Decls and Verbs alone; else all that is declared
	Spell  int      `json:",omitempty"` // not 0: names in another case, as its bits say
	Kill   int      `json:",omitempty"` // SIGKILL at this pass of the fault points, then the same run again
	Broker string   `json:",omitempty"` // what it goes through: away, stumbles
	Copied bool     `json:",omitempty"` // the file is copied first, and the copy goes on
	Look   []int    `json:",omitempty"` // at which versions and times it is looked at, in parts of looks, in turn
}

// looks are the parts in which Look says where between the first and the last.
const looks = 1000

// GoString is the step in a log of rapid's, where the whole of it stands further down.
func (s Step) GoString() string {
	var out []string
	for _, f := range s.Files {
		out = append(out, fmt.Sprintf("%s with %d records", f.Path, len(f.Rows)))
	}
	for _, d := range s.Decls {
		out = append(out, d.Kind+" "+d.Name)
	}
	for _, v := range slices.Concat(s.Drops, s.Verbs) {
		out = append(out, v.Do+" "+v.Name)
	}
	return strings.Join(out, ", ")
}

// Decl is a declaration of any kind; what a kind doesn't have is empty.
type Decl struct {
	Kind string // source, stream, journal, rollup, sink
	Name string

	// A source.
	Format     string   `json:",omitempty"` // csv, json, parquet
	Snapshot   bool     `json:",omitempty"`
	Cols       []Column `json:",omitempty"`
	BatchFiles int      `json:",omitempty"`
	BatchRows  int      `json:",omitempty"`
	Bad        string   `json:",omitempty"` // SKIP; REJECT is the default
	Change     string   `json:",omitempty"` // ADD COLUMNS, FAIL; IGNORE is the default
	BadFile    string   `json:",omitempty"` // FAIL; SKIP is the default
	Partitions int      `json:",omitempty"` // of a topic; 0: files

	// A destination or a sink.
	From    []string `json:",omitempty"`
	Form    string   `json:",omitempty"` // of its query, of forms; of a rollup of rolls
	Dim     string   `json:",omitempty"` // what its query reads whole
	Rules   []Rule   `json:",omitempty"`
	Metrics []Metric `json:",omitempty"`
	Checks  []Check  `json:",omitempty"`
	Retain  string   `json:",omitempty"`
	Folder  string   `json:",omitempty"` // of a sink of files
	Topic   string   `json:",omitempty"` // of a sink into Kafka
	Key     string   `json:",omitempty"` // the column that is its key
	Append  bool     `json:",omitempty"` // mode append

	// A journal.
	Keys       []string `json:",omitempty"`
	Seq        []string `json:",omitempty"` // empty: of loads
	Delete     bool     `json:",omitempty"`
	Columns    List     `json:",omitzero"`
	Track      List     `json:",omitzero"`
	IgnoreNull []string `json:",omitempty"` // * is all
	Late       int      `json:",omitempty"`
	Keep       bool     `json:",omitempty"` // ON MISSING KEEP
	Guard      int      `json:",omitempty"`
	Now        bool     `json:",omitempty"` // STORED AS SCD TYPE 1
}

// sequence are the columns that order a journal's history: of loads their time.
func (d *Decl) sequence() []string {
	if len(d.Seq) == 0 {
		return []string{"day"}
	}
	return d.Seq
}

// Column is a column of a source.
type Column struct{ Name, Type string }

// List is *, * EXCEPT (names) or (names); the zero value is no list.
type List struct {
	Star  bool
	Names []string
}

// of are the columns of cols that the list has.
func (l List) of(cols []string) []string {
	if !l.Star {
		return filter(l.Names, func(c string) bool { return has(cols, c) })
	}
	return filter(cols, func(c string) bool { return !has(l.Names, c) })
}

func (l List) none() bool { return !l.Star && len(l.Names) == 0 }

// Rule is a SET or a CONSTRAINT.
type Rule struct {
	Set                 string `json:",omitempty"` // of sets
	Name, Expect, Break string `json:",omitempty"` // Expect: of conds
	In                  string `json:",omitempty"` // in place of Expect: the id must stand in that journal
	Python              string `json:",omitempty"` // of a SET by a function in Python, what ON ERROR says
}

// Metric is an item of METRICS.
type Metric struct {
	Name, Agg string
	Over      bool `json:",omitempty"`
}

// Check is an item of CHECKS.
type Check struct {
	Name, Expect, Fail string
	Over               bool   `json:",omitempty"`
	Orphans            string `json:",omitempty"` // in place of Expect: the journal that must have all ids
	By                 string `json:",omitempty"` // the column whose groups are judged
	Unknown            string `json:",omitempty"` // ON UNKNOWN
}

// whole are what a declaration reads whole.
func (d *Decl) whole() []string {
	out := []string{d.Dim}
	for _, r := range d.Rules {
		out = append(out, r.In)
	}
	for _, c := range d.Checks {
		out = append(out, c.Orphans)
	}
	return filter(lowered(out), func(n string) bool { return n != "" })
}

// Verb is a statement that does something, of verbs.
type Verb struct {
	Do    string
	Name  string   `json:",omitempty"`
	Names []string `json:",omitempty"`
	Rule  string   `json:",omitempty"` // REPLAY REJECTS … WHERE rule = …
	To    int      `json:",omitempty"` // a version
	Key   []string `json:",omitempty"` // the texts of a key's values
}

// User is what a user makes beside: a view over a column of a destination, or (where Of is empty) a table.
type User struct{ Name, Of, Col string }

// File is a file of a source.
type File struct {
	Source string
	Path   string // without the folder in/
	Cols   []string
	Day    string `json:",omitempty"` // the capture of a load
	Broken bool   `json:",omitempty"` // it can't be read, until a later step brings it whole
	Rows   []Record
}

// Record is a record of a file or topic.
type Record struct {
	Values    Row
	Bad       string `json:",omitempty"` // how it is spoilt: type, fraction, short
	Tombstone bool   `json:",omitempty"`
}

func low(s string) string { return strings.ToLower(s) }

func has[T comparable](list []T, x T) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

func filter[T any](list []T, keep func(T) bool) []T {
	var out []T
	for _, x := range list {
		if keep(x) {
			out = append(out, x)
		}
	}
	return out
}

func names(cols []Column) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.Name
	}
	return out
}
