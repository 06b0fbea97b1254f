package journal

import (
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// definition is what the journal's tables were made for, as kept in name__state.
type definition struct {
	Feed     bool          `json:"feed"`
	SCD      int           `json:"scd"`
	Keys     []duck.Column `json:"keys"`
	Columns  []duck.Column `json:"columns"`  // beside the keys, in the order in which they came; one that is no longer given stays
	Sequence []order       `json:"sequence"` // a snapshot has one, the load's time
	Sparse   []string      `json:"sparse"`   // columns of which some event may say nothing: see said and since
	Nulls    []string      `json:"nulls"`    // columns that are or were ignored where an event says NULL: see nulled
	Words    []int         `json:"words"`    // the first column of each word of bits; older tables have one each wordBits columns
	Raw      bool          `json:"raw"`      // rows have _raw: 1 where the row shows the image of the event that opened it
	Layout   int           `json:"layout"`   // see layoutNow
}

// order is one of the expressions that order events.
type order struct {
	Name string    `json:"name"` // valid_from_<name> where there are several
	Type duck.Type `json:"type"`
	Text string    `json:"text"` // the expression without what doesn't count, "" for a file's time
}

// layout is a definition with the names and roles of columns that follow from it and from the declaration.
type layout struct {
	*definition
	name       string
	keys, cols []string
	seq        []string // of events: _s0, _s1 …
	from, to   []string // of rows: valid_from…, valid_to…
	tracked    []string // columns whose change makes a version
	untracked  []string
	own        map[string]int  // untracked columns that repeat a part of the sequence: which
	ignored    map[string]bool // columns of IGNORE NULL UPDATES
	words      duck.Args       // see words.go
}

const (
	changeType = "change_type"
	wordBits   = 62 // of a BIGINT that holds bits, one for each column (see starts)
)

// resolve applies the declaration to the columns of its rows. Types of the sequence are not known yet: see bind.
func (j *Journal) resolve(in []duck.Column) (*definition, error) {
	d := &definition{Feed: j.feed(), SCD: j.scd}
	var errs sql.List
	unknown := func(n sql.Name, clause string) {
		names := duck.ColumnNames(in)
		errs = append(errs, j.decl.At(n.Span).Errorf(code.UnknownColumn, "%s names %s, and the rows of journal %s have no such column",
			clause, n.Text, j.decl.Name).WithHint(sql.DidYouMean(n.Text, names, sql.Listed("they have: ", names, ""))))
	}
	check := func(v *sql.Value, clause string) {
		if v == nil {
			return
		}
		for _, n := range v.Names {
			if index(in, n.Text) < 0 {
				unknown(n, clause)
			}
		}
	}
	for _, k := range j.keys {
		if i := index(in, k.Text); i >= 0 {
			d.Keys = append(d.Keys, in[i])
		} else {
			unknown(k, "KEYS")
		}
	}
	check(j.columns, "COLUMNS")
	check(j.track, "TRACK")
	check(&sql.Value{Names: j.ignoreOn}, "IGNORE NULL UPDATES")
	for _, c := range in {
		if index(d.Keys, c.Name) < 0 && chosen(j.columns, c.Name) {
			d.Columns = append(d.Columns, c)
		}
	}
	if j.track != nil && !j.track.Star {
		errs = append(errs, j.unstored(d, in, j.track.Names, "TRACK")...)
	}
	errs = append(errs, j.unstored(d, in, j.ignoreOn, "IGNORE NULL UPDATES ON")...)
	d.Sequence = j.orders()
	return d, errs.Err()
}

// orders are the expressions that order the journal, without their types.
func (j *Journal) orders() (out []order) {
	for i, sp := range j.order() {
		name, _ := lastName(j.decl.Src, sp)
		if name == "" || slices.ContainsFunc(out, func(o order) bool { return strings.EqualFold(o.Name, name) }) {
			name = fmt.Sprint(i + 1)
		}
		out = append(out, order{Name: name, Text: sql.Fingerprint(sp.Of(j.decl.Src))})
	}
	if len(out) == 0 {
		out = []order{{Name: "time", Type: "TIMESTAMP"}}
	}
	return out
}

// unstored refuses names whose values the journal doesn't keep, or which can't change: the clause would do nothing.
func (j *Journal) unstored(d *definition, in []duck.Column, names []sql.Name, clause string) sql.List {
	var errs sql.List
	for _, n := range names {
		at := j.decl.At(n.Span)
		switch {
		case index(in, n.Text) < 0 || index(d.Columns, n.Text) >= 0:
			continue
		case index(d.Keys, n.Text) >= 0:
			errs = append(errs, at.Errorf(code.ColumnNotStored, "%s names %s, which is a key: it is the same in all events of its key",
				clause, n.Text).WithHint("remove it"))
		default:
			errs = append(errs, at.Errorf(code.ColumnNotStored, "%s names %s, which COLUMNS leaves out", clause, n.Text).
				WithHint("let COLUMNS take it, or remove it here"))
		}
	}
	return errs
}

// chosen says whether *, * EXCEPT (…) or (…) takes a column.
func chosen(v *sql.Value, column string) bool {
	return v == nil || v.Star != slices.ContainsFunc(v.Names, func(n sql.Name) bool { return strings.EqualFold(n.Text, column) })
}

// layout joins a definition with the declaration.
func (j *Journal) layout(d *definition) *layout {
	l := &layout{definition: d, name: j.decl.Name, keys: duck.ColumnNames(d.Keys), cols: duck.ColumnNames(d.Columns),
		seq: numbered("_s", len(d.Sequence)), own: map[string]int{}, ignored: map[string]bool{}}
	for _, s := range d.Sequence {
		suffix := ""
		if len(d.Sequence) > 1 {
			suffix = "_" + s.Name
		}
		l.from, l.to = append(l.from, "valid_from"+suffix), append(l.to, "valid_to"+suffix)
	}
	var ordering []string
	for _, sp := range j.order() {
		ordering = append(ordering, mentions(j.decl.Src, sp)...)
	}
	for _, c := range l.cols {
		tracked := chosen(j.track, c)
		if j.track == nil {
			tracked = !containsFold(ordering, c)
		}
		if tracked {
			l.tracked = append(l.tracked, c)
		} else {
			l.untracked = append(l.untracked, c)
		}
		l.ignored[c] = j.ignore && (j.ignoreOn == nil || slices.ContainsFunc(j.ignoreOn, func(n sql.Name) bool {
			return strings.EqualFold(n.Text, c)
		}))
	}
	for i, sp := range j.sequence {
		name, bare := lastName(j.decl.Src, sp)
		for _, c := range l.untracked {
			if bare && strings.EqualFold(c, name) {
				l.own[c] = i
			}
		}
	}
	l.words = l.vocabulary(j.words())
	return l
}

// moving says that untracked columns can change inside a row by values of their own.
func (l *layout) moving() bool { return l.Feed && l.SCD == 2 && len(l.untracked) > len(l.own) }

// starts are the first columns of the words of bits. Columns that are added later begin a word of their own: the events before it
// have 0 there, as they say nothing of these columns.
func (d *definition) starts() []int {
	if d.Words != nil {
		return d.Words
	}
	var out []int
	for i := 0; i < len(d.Columns); i += wordBits {
		out = append(out, i)
	}
	return out
}

// said is a column of bits: 0 in an event that says nothing of a column. They are in the tables of a feed from the start, all 1,
// as a table can't be altered in a transaction that has written to it; queries use them as soon as some column is sparse.
func said(word int) string { return fmt.Sprintf("_said%d", word) }

// nulled is a column of bits: 1 in an event that says NULL where the row may show the value before it, by IGNORE NULL UPDATES. What
// the event said stays known so, whatever the clause is later. It is there once the clause has been.
func nulled(word int) string { return fmt.Sprintf("_null%d", word) }

// since is the column that has, in SCD type 1, the sequence of the event that a sparse column's value is from.
func since(i int) string { return fmt.Sprintf("_w%d", i) }

// marks are the columns of a row, beside its versions, that tell what its events said.
func (l *layout) marks() []string {
	if l.SCD == 1 {
		return numbered("_w", len(l.Sparse))
	}
	out := l.bits()
	if l.Raw {
		out = append(out, "_raw")
	}
	return out
}

func (l *layout) saids() []string {
	if l.SCD == 1 || len(l.Sparse) == 0 {
		return nil
	}
	return numbered("_said", len(l.starts()))
}

func (l *layout) nulls() []string {
	if l.SCD == 1 || len(l.Nulls) == 0 {
		return nil
	}
	return numbered("_null", len(l.starts()))
}

// bits are the columns that tell what an event said.
func (l *layout) bits() []string { return append(l.saids(), l.nulls()...) }

// allSaid are the bits of an event that says something of all columns.
func (l *layout) allSaid() []*duck.Query {
	return slices.Concat(slices.Repeat([]*duck.Query{duck.SQL("-1")}, len(l.saids())),
		slices.Repeat([]*duck.Query{duck.SQL("0")}, len(l.nulls())))
}

// bit is a column's bit and the word that has it.
func (l *layout) bit(column string) (word int, bit int64) {
	i, starts := slices.Index(l.cols, column), l.starts()
	for word+1 < len(starts) && starts[word+1] <= i {
		word++
	}
	return word, 1 << (i - starts[word])
}

// shown is a condition on a relation with the bits of an event: its own value of the column can be read off the row that it opened.
// Otherwise it is NULL. Nil where that holds for every event.
func (l *layout) shown(alias, column string) *duck.Query {
	if l.SCD == 1 {
		return nil
	}
	var all []*duck.Query
	word, bit := l.bit(column)
	if slices.Contains(l.Sparse, column) {
		all = append(all, duck.SQL("{said} & {bit} <> 0", duck.Args{"said": duck.Ident(alias, said(word)), "bit": bit}))
	}
	if slices.Contains(l.Nulls, column) {
		all = append(all, duck.SQL("{null} & {bit} = 0", duck.Args{"null": duck.Ident(alias, nulled(word)), "bit": bit}))
	}
	if all == nil {
		return nil
	}
	return duck.Join(" AND ", all...)
}

// gaps are the columns whose value after an event may be one from before it.
func (l *layout) gaps() []string {
	var out []string
	for _, c := range l.cols {
		if l.ignored[c] || slices.Contains(l.Sparse, c) {
			out = append(out, c)
		}
	}
	return out
}

func index(cols []duck.Column, name string) int {
	return slices.IndexFunc(cols, func(c duck.Column) bool { return strings.EqualFold(c.Name, name) })
}

func containsFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}
