package journal

import (
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// Changed says what becomes of the stored history when this declaration takes the place of old, line by line, and which statement
// brings the history in line with it. was and now are the columns of the rows, without _meta. anew says that the stored shape
// can't follow and is made anew, empty (see Reshape).
func (j *Journal) Changed(old kind.Object, was, now []duck.Column) (what []string, anew bool) {
	o, ok := old.(*Journal)
	if !ok {
		return nil, false
	}
	have, err := o.resolve(was)
	if err != nil {
		return nil, false
	}
	want, err := j.resolve(now)
	if err != nil {
		return nil, false
	}
	if err := j.compatible(have, want); err != nil {
		return []string{"its shape is another: the stored history and its versions go; REBUILD JOURNAL " + j.decl.Name +
			" FROM SOURCE, in this script, fills it from what its inputs still have"}, true
	}
	c := consequences{j: j, old: o}
	stored := slices.Concat(have.Keys, have.Columns)
	var added, gone []string
	for _, x := range want.Columns {
		if index(stored, x.Name) < 0 {
			added = append(added, x.Name)
		}
	}
	for _, x := range have.Columns {
		if index(want.Columns, x.Name) < 0 {
			gone = append(gone, x.Name)
		}
	}
	if len(added) > 0 {
		c.say(fromSource, "the history has NULL in "+strings.Join(added, ", ")+", up to the first rows that bring it")
	}
	if len(gone) > 0 {
		c.say(nothing, strings.Join(gone, ", ")+" stays in the history; keys keep their last value")
	}

	held, by := "it holds for events from now on and for keys that late ones touch; the rest of the history stays as it is", remembered
	if !j.feed() {
		held = "it holds for loads from now on; the history stays as it is"
	}
	if !j.feed() || j.scd == 1 {
		by = fromSource
	}
	before, after := o.layout(have), j.layout(want)
	if slices.ContainsFunc(before.cols, func(x string) bool { // a column that is new or gone stands above
		return slices.Contains(after.cols, x) && slices.Contains(before.tracked, x) != slices.Contains(after.tracked, x)
	}) {
		c.say(by, "another TRACK: "+held)
	}
	if c.differ("IGNORE NULL UPDATES", "IGNORE NULL UPDATES ON") {
		c.say(by, "another IGNORE NULL UPDATES: "+held)
	}
	for _, x := range []struct {
		what    string
		clauses []string
	}{{"other RULES", []string{"RULES"}}, {"another DELETE WHEN", []string{"DELETE WHEN"}},
		{"another SNAPSHOT AT", []string{"SNAPSHOT AT", "SNAPSHOT"}}, {"another query", []string{"AS", "FROM"}}} {
		if c.differ(x.clauses...) {
			c.say(fromSource, x.what+": for rows from now on; the history stays as it is")
		}
	}
	if c.differ("LATENESS") || c.differ("ON MISSING", "IF REMOVED") {
		c.say(nothing, "what is taken in from now on is judged by the new text; the history stays as it is")
	}
	if len(c.lines) == 0 {
		c.say(nothing, "the history stays as it is")
	}
	return append(c.lines, c.remedies()...), false
}

// remedy is how a history is brought in line with a declaration.
type remedy int

const (
	nothing remedy = iota
	remembered
	fromSource
)

// consequences collects the lines of Changed.
type consequences struct {
	j, old *Journal
	lines  []string
	by     [fromSource + 1]bool
}

func (c *consequences) say(by remedy, line string) {
	c.lines = append(c.lines, line)
	c.by[by] = true
}

// remedies are the statements that the lines ask for. All that is remembered comes from the source too.
func (c *consequences) remedies() []string {
	switch {
	case c.by[fromSource]:
		return []string{"REBUILD JOURNAL " + c.j.decl.Name + " FROM SOURCE takes all that its inputs still have through the new declaration"}
	case c.by[remembered]:
		return []string{fmt.Sprintf("REBUILD JOURNAL %s recomputes all of the history from the events that it remembers", c.j.decl.Name)}
	}
	return nil
}

// differ says that some of the clauses are written otherwise than they were.
func (c *consequences) differ(clauses ...string) bool {
	return slices.ContainsFunc(clauses, func(clause string) bool {
		return written(c.j.decl, clause) != written(c.old.decl, clause)
	})
}

// written is a clause without what doesn't count, "" where it isn't given. One without an argument is its name.
func written(d *sql.Decl, clause string) string {
	v := d.Arg(clause)
	if v == nil {
		return ""
	}
	return clause + " " + sql.Fingerprint(v.Span.Of(d.Src))
}

// Reshaped is the journal where the script fills the journal again from its inputs (REBUILD JOURNAL … FROM SOURCE). A declaration that stored
// data can't follow then replaces what is stored, versions and all, where it would be refused otherwise.
func (j *Journal) Reshaped() kind.Object {
	out := *j
	out.reshape = true
	return &out
}
