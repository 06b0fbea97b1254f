package torture

import (
	"maps"
	"reflect"
	"slices"
)

// Model says what a file has to hold after each statement: plain rows, no SQL. It is written from the contract, not from the code that it
// judges, and it shares nothing with it.
type Model struct {
	Tally // what is counted beside the state
	state
	files    map[string][]File // of a source, by path
	order    []string          // names of all declarations, in the order in which they came
	sources  map[string]*Decl
	sinks    map[string]*Sink
	rollups  map[string]*Rollup
	topics   map[string][][]Record // of a source, by partition
	hints    map[int]hint          // what the file says of its versions
	day      Value                 // the time of the load in hand
	file     string                // and its file
	decision *Hold                 // the load that RELEASE HOLD or DISCARD HOLD is about
	discards bool
	single   bool                // one batch of a source is enough
	skips    []*Sink             // that a rebuild of a stream gives nothing
	learned  map[string][]string // columns that a source was given by ON SCHEMA CHANGE ADD COLUMNS
	anew     map[string]bool     // sources whose declaration has changed: all of their files are looked at once more
	aside    bool                // a file was set aside
	users    map[string]User     // what the user made beside
	stop     int                 // not 0: a killed run came to this version, and no further
}

// state is what a batch changes, and what it takes back when it fails.
type state struct {
	version  int
	dests    map[string]*Dest
	rejects  []Reject
	accounts []Account
	metrics  []Measured
	verdicts []Verdict
	holds    []Hold
	lastHold int
	erased   map[string]map[string]bool // keys by journal
}

// Dest is a stream or a journal.
type Dest struct {
	decl    *Decl
	cols    []string // that are stored, without a journal's keys; those that a declaration took away stay
	stores  []string // of cols, those that the declaration names
	rows    []stored
	hist    map[string][]span      // a journal's versions by key, in order of time
	events  map[string][]event     // a feed's, by key, in order of the sequence
	deletes map[string]event       // of a feed in SCD type 1 the latest of each key
	clashes []event                // events that were rejected for their sequence
	newest  []Value                // the newest sequence accepted
	load    Value                  // the time of the newest load
	taken   map[string]bool        // units of sources (see work.go) that it has
	offs    map[string]map[int]int // how far it has read a topic, by source and partition
	place   map[string]int         // the version up to which it has read a stored input
	latest  int                    // the version that wrote it last
	born    int                    // the version that the file had when it was declared: what has its name before is another's
	changes map[int][]Change
	past    map[int]*Dest // as it was when a version wrote it
	unsure  []gap         // versions that ROLLBACK or REBUILD took out of a stream
	horizon int           // VACUUM may have given up what was before
}

// gap is what lies between the version that a stream went back to and the one that did so.
type gap struct{ from, to int }

type stored struct {
	row     Row
	version int
}

// span is a version of a key: half open, and without an end while it is open.
type span struct {
	row      Row
	from, to []Value
}

// event is an accepted event of a feed.
type event struct {
	key    string
	seq    []Value
	del    bool
	row    Row
	absent []string
}

// Change is what a version did to a row of a destination.
type Change struct {
	Type string // insert, update_before, update_after, delete
	Row  Row
	End  []Value // of a delete: its time
}

// Rec is a row on its way.
type Rec struct {
	Row    Row
	At     Place
	From   string   // the source that At is of
	Absent []string // columns that its file doesn't have
	Raw    *Rec     // as it was before the rules
}

// Place is where a record stands; the zero value is a row that doesn't know.
type Place struct {
	File string
	Line int
}

// Reject is a row of dsql.rejects.
type Reject struct {
	Dest, Source, Rule, Code string
	At                       Place
	Version                  int
	Settled                  bool
	Hold                     int    // of a hold, by its id
	From                     string // the source whose record it was, through all replays
	Rec                      Rec    // what the query gave: what a replay sends through the rules again
	Data                     Row    // the row after the SETs that ran
}

// Account is a row of dsql.version_rows, in the columns that the contract speaks of.
type Account struct {
	Version                        int
	Kind, Name                     string
	In, Written, Rejected, Dropped int // of a source: records, rows, bad, skipped
	Added, Changed, Removed        int
}

// Measured is a value of a metric.
type Measured struct {
	Dest, Name string
	Version    int
	Value      Value
}

// Verdict is a verdict of a check or of a WARN constraint. Version 0 is NULL: of a batch that failed.
type Verdict struct {
	Dest, Name    string
	Version       int
	Value, Failed Value
	Verdict       string
}

// Sink is a sink of files: what each version wrote.
type Sink struct {
	decl  *Decl
	files map[int][]Row
	place int
}

// Tally counts what a run passed over, so that a report says what was not compared.
type Tally map[string]int

// exit is why a run ends: with which exit code.
type exit struct {
	code     int
	why      string
	verdicts []Verdict // that stay, of a batch that failed
	guard    *Hold
}

func (e *exit) Error() string { return e.why }

// errStop ends the model's run where a killed one was.
var errStop = &exit{code: -1, why: "the killed run came no further"}

// errSkip is a statement without a meaning: a plan that was cut down has some.
var errSkip = &exit{code: -2, why: "there is nothing to do it to"}

// errOver ends a plan: the command ran a statement of which the model can't say what it does.
var errOver = &exit{code: -3, why: "the model doesn't know what comes of it"}

// NewModel is of a file that isn't there yet.
func NewModel() *Model {
	return &Model{Tally: Tally{}, state: state{dests: map[string]*Dest{}, erased: map[string]map[string]bool{}},
		files: map[string][]File{}, topics: map[string][][]Record{},
		sources: map[string]*Decl{}, sinks: map[string]*Sink{}, rollups: map[string]*Rollup{}, learned: map[string][]string{}, anew: map[string]bool{},
		users: map[string]User{}}
}

func (s state) clone() state {
	c := s
	c.dests = map[string]*Dest{}
	for n, d := range s.dests {
		c.dests[n] = d.clone()
	}
	c.rejects, c.accounts, c.holds = slices.Clone(s.rejects), slices.Clip(s.accounts), slices.Clone(s.holds)
	c.metrics, c.verdicts = slices.Clip(s.metrics), slices.Clip(s.verdicts)
	c.erased = map[string]map[string]bool{}
	for n, keys := range s.erased {
		c.erased[n] = maps.Clone(keys)
	}
	return c
}

func (d *Dest) clone() *Dest {
	c := *d
	c.rows, c.cols, c.unsure = slices.Clip(d.rows), slices.Clip(d.cols), slices.Clip(d.unsure)
	c.hist, c.events, c.deletes = map[string][]span{}, map[string][]event{}, maps.Clone(d.deletes)
	for k, h := range d.hist {
		c.hist[k] = slices.Clone(h)
	}
	for k, e := range d.events {
		c.events[k] = slices.Clone(e)
	}
	c.clashes, c.taken, c.offs, c.place, c.changes, c.past = slices.Clip(d.clashes), maps.Clone(d.taken), maps.Clone(d.offs),
		maps.Clone(d.place), maps.Clone(d.changes), maps.Clone(d.past)
	return &c
}

func newDest(d *Decl) *Dest {
	return &Dest{decl: d, hist: map[string][]span{}, events: map[string][]event{}, deletes: map[string]event{}, taken: map[string]bool{},
		offs: map[string]map[int]int{}, place: map[string]int{}, changes: map[int][]Change{}, past: map[int]*Dest{}}
}

func (d *Dest) journal() bool { return d.decl.Kind == "journal" }

// wrote keeps the destination as a version left it.
func (d *Dest) wrote(v int) {
	c := d.clone()
	c.past = nil
	d.past[v], d.latest = c, v
}

// at is the destination as it was at a version.
func (d *Dest) at(v int) *Dest {
	for ; v > 0; v-- {
		if p := d.past[v]; p != nil {
			return p
		}
	}
	return newDest(d.decl)
}

// open are a journal's rows of now, by key.
func (d *Dest) open() map[string]span {
	out := map[string]span{}
	for k, h := range d.hist {
		if n := len(h); n > 0 && h[n-1].to == nil {
			out[k] = h[n-1]
		}
	}
	return out
}

// names are the columns of a journal's rows: keys and columns.
func (d *Dest) names() []string {
	if !d.journal() {
		return d.cols
	}
	return append(slices.Clone(d.decl.Keys), d.cols...)
}

// declare takes a declaration, new or changed.
func (m *Model) declare(d *Decl) {
	n := low(d.Name)
	if !has(m.order, n) {
		m.order = append(m.order, n)
	}
	switch d.Kind {
	case "source":
		m.anew[n] = m.anew[n] || m.sources[n] == nil || !reflect.DeepEqual(m.sources[n], d)
		if m.sources[n] = d; d.Partitions > 0 && d.Change != addColumns { // what brought them isn't read again
			delete(m.learned, n)
		}
	case "sink":
		if m.sinks[n] == nil {
			m.sinks[n] = &Sink{files: map[int][]Row{}}
		}
		m.sinks[n].decl = d
	case "rollup":
		if m.rollups[n] == nil {
			m.rollups[n] = &Rollup{}
		}
		r := m.rollups[n]
		if r.begun && r.decl.Form != d.Form {
			r.begun, r.anew = false, true
		}
		r.decl = d
	default:
		if m.dests[n] == nil {
			m.dests[n] = newDest(d)
			m.dests[n].born = m.version
		}
		m.dests[n].decl = d
	}
	m.spread()
}

// decl is a declaration by name, nil when there is none.
func (m *Model) decl(name string) *Decl {
	n := low(name)
	switch {
	case m.sources[n] != nil:
		return m.sources[n]
	case m.dests[n] != nil:
		return m.dests[n].decl
	case m.sinks[n] != nil:
		return m.sinks[n].decl
	case m.rollups[n] != nil:
		return m.rollups[n].decl
	}
	return nil
}

// readers are the declarations that read a name.
func (m *Model) readers(name string) []*Decl {
	var out []*Decl
	for _, n := range m.order {
		d := m.decl(n)
		if has(d.whole(), low(name)) || slices.ContainsFunc(d.From, func(f string) bool { return low(f) == low(name) }) {
			out = append(out, d)
		}
	}
	return out
}

// below are those that read a name, at once or through others, each before what it reads.
func (m *Model) below(name string) []string {
	var out []string
	for _, d := range m.readers(name) {
		for _, n := range append(m.below(d.Name), low(d.Name)) {
			if !has(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// drop takes a declaration away. Its rejects and holds are settled with it.
func (m *Model) drop(name string) {
	n := low(name)
	m.order = filter(m.order, func(x string) bool { return x != n })
	delete(m.dests, n)
	delete(m.sinks, n)
	delete(m.rollups, n)
	delete(m.sources, n)
	m.settle(n)
}

// settle settles what is open of a destination: it goes, or is made anew.
func (m *Model) settle(n string) {
	for i := range m.rejects {
		if m.rejects[i].Dest == n {
			m.rejects[i].Settled = true
		}
	}
	m.holds = filter(m.holds, func(h Hold) bool { return h.dest != n })
}

// columns are those of the new rows of what a name stands for.
func (m *Model) columns(name string) []string {
	d := m.decl(name)
	if d.Kind == "source" {
		return m.given(d)
	}
	x := m.dests[low(name)]
	if x.journal() {
		return slices.Concat([]string{"change_type"}, x.decl.Keys, x.stores)
	}
	return x.stores
}

// kept are the columns that a declaration stores, without a journal's keys.
func (m *Model) kept(d *Decl) []string {
	cols := forms[d.Form].cols(m.columns(d.From[0]))
	if d.Kind == "journal" {
		if !d.Columns.none() {
			cols = d.Columns.of(cols)
		}
		cols = filter(cols, func(c string) bool { return !has(d.Keys, c) })
	}
	return cols
}

// tracked are the columns whose changes make a version.
func (d *Dest) tracked(cols []string) []string {
	if d.decl.Track.none() {
		return filter(cols, func(c string) bool { return !has(d.decl.sequence(), c) })
	}
	return d.decl.Track.of(cols)
}

// sorted are the destinations, each behind what it reads.
func (m *Model) sorted() []string {
	var out []string
	var visit func(n string)
	visit = func(n string) {
		if has(out, n) || m.dests[n] == nil {
			return
		}
		d := m.dests[n].decl
		for _, f := range append(lowered(d.From), d.whole()...) {
			visit(f)
		}
		out = append(out, n)
	}
	for _, n := range m.order {
		visit(n)
	}
	return out
}
