package torture

import (
	"slices"

	"dsql/sql/code"
)

// A destination's chain: rules, metrics and checks, the write, the account.

// way is how rows come to a chain.
type way int

const (
	fresh    way = iota // from a source or a stored table
	replayed            // from dsql.rejects, by REPLAY REJECTS: checks over the table alone judge them
	released            // from a hold
)

// batch is rows on their way through one destination.
type batch struct {
	m       *Model
	n       string
	x       *Dest
	version int
	source  string // where the rows come from, "" for a stored table or rejects
	way     way
	day     Value // the time of a load
	account Account
	held    string // the check that holds the batch back
	hold    *Hold  // that was released
	stopped error  // why there is no table as it will be: a guard
}

// through takes rows of the destination's query through its chain.
func (b *batch) through(in []Rec) error {
	b.x = b.m.dests[b.n]
	b.account = Account{Version: b.version, Kind: b.x.decl.Kind, Name: b.n, In: len(in)}
	rows, warned, err := b.rules(in)
	if err != nil {
		return err
	}
	if b.decided() && b.m.discards {
		b.account.Dropped += len(rows)
		for name := range warned { // none is kept in the end
			b.m.verdicts = append(b.m.verdicts, Verdict{Dest: b.n, Name: name, Version: b.version, Value: 0.0, Failed: int64(0), Verdict: "pass"})
		}
		b.unkept()
		b.m.accounts = append(b.m.accounts, b.account)
		b.m.unguard(b.n, b.source)
		b.x.wrote(b.version)
		return nil
	}
	rows = b.leave(rows)
	if err := b.gates(rows, warned); err != nil {
		return err
	}
	before := b.x.open()
	if b.held != "" {
		for _, r := range rows {
			b.reject(r, b.held, "check")
		}
		b.keepHold(rows)
	} else if err := b.write(b.x, rows); err != nil {
		return err
	}
	if b.way == fresh {
		if b.decided() && b.held == "" {
			b.m.verdicts = append(b.m.verdicts, Verdict{Dest: b.n, Name: guardName, Version: b.version, Verdict: "released"})
		}
		b.m.unguard(b.n, b.source)
	}
	b.changed(before, rows)
	b.unkept()
	b.m.accounts = append(b.m.accounts, b.account)
	b.x.wrote(b.version)
	return nil
}

// changed notes what the batch did to the table.
func (b *batch) changed(before map[string]span, rows []Rec) {
	a := &b.account
	if !b.x.journal() {
		if a.Added = a.Written; b.held == "" {
			for _, r := range rows {
				b.x.changes[b.version] = append(b.x.changes[b.version], Change{Type: "insert", Row: r.Row})
			}
		}
		return
	}
	ch := b.x.since(before)
	a.count(ch)
	b.x.changes[b.version] = append(b.x.changes[b.version], ch...)
}

// count counts changes by what they are.
func (a *Account) count(ch []Change) {
	for _, c := range ch {
		switch c.Type {
		case "insert":
			a.Added++
		case "update_after":
			a.Changed++
		case "delete":
			a.Removed++
		}
	}
}

// since are the changes of a journal since a state, a delete with its time.
func (d *Dest) since(before map[string]span) []Change {
	ch := difference(before, d.open(), d.names())
	for i, c := range ch {
		key, _ := d.key(c.Row)
		switch h := d.hist[key]; {
		case c.Type != "delete":
		case d.decl.Now && len(d.decl.Seq) > 0:
			ch[i].End = d.deletes[key].seq
		case d.decl.Now:
			ch[i].End = []Value{d.load}
		case len(h) > 0:
			ch[i].End = h[len(h)-1].to
		}
	}
	return ch
}

// difference is what makes one state of a journal from another.
func difference(from, to map[string]span, cols []string) []Change {
	var out []Change
	for k, s := range to {
		switch old, had := from[k]; {
		case !had:
			out = append(out, Change{Type: "insert", Row: s.row})
		case old.row.line(cols) != s.row.line(cols):
			out = append(out, Change{Type: "update_before", Row: old.row}, Change{Type: "update_after", Row: s.row})
		}
	}
	for k, s := range from {
		if _, still := to[k]; !still {
			out = append(out, Change{Type: "delete", Row: s.row})
		}
	}
	return out
}

func (b *batch) reject(r Rec, rule, code string) {
	raw := r
	if r.Raw != nil {
		raw = *r.Raw
	}
	if code != "check" {
		raw.Absent = nil // what comes back has NULL there
	}
	b.account.Rejected++
	b.m.rejects = append(b.m.rejects,
		Reject{Dest: b.n, Source: b.source, Rule: rule, Code: code, At: r.At, Version: b.version, Rec: raw, Data: r.Row, From: r.From})
}

// rules runs RULES: what is left, and how many rows each WARN counted.
func (b *batch) rules(in []Rec) (out []Rec, warned map[string]int, err error) {
	warned = map[string]int{}
	for _, r := range b.x.decl.Rules {
		if r.Break == "WARN" {
			warned[r.Name] = 0
		}
	}
	for _, r := range in {
		raw := r
		r.Raw = &raw
		kept, warns, err := b.rule(&r)
		if err != nil {
			return nil, nil, err
		}
		if !kept {
			continue
		}
		for _, w := range warns {
			warned[w]++
		}
		out = append(out, r)
	}
	return out, warned, nil
}

func (b *batch) rule(r *Rec) (kept bool, warns []string, err error) {
	for _, rule := range b.x.decl.Rules {
		if rule.Set != "" {
			s := sets[rule.Set]
			v := s.of(r.Row)
			r.Row = r.Row.with(s.col, v)
			r.Absent = filter(r.Absent, func(c string) bool { return c != s.col }) // what a SET makes of it is said, NULL too
			continue
		}
		if rule.Python != "" {
			if kept, err := b.python(r, rule.Python); !kept || err != nil {
				return false, nil, err
			}
			continue
		}
		if b.m.satisfies(rule, r.Row) != false {
			continue
		}
		switch rule.Break {
		case "WARN":
			warns = append(warns, rule.Name)
			continue
		case "FAIL":
			return false, nil, &exit{code: code.ExitGate, why: "constraint " + rule.Name}
		case "DROP":
			b.account.Dropped++
		default:
			b.reject(*r, rule.Name, "constraint")
		}
		return false, nil, nil
	}
	return true, warns, nil
}

// satisfies is a CONSTRAINT's predicate.
func (m *Model) satisfies(rule Rule, r Row) Value {
	if rule.In == "" {
		return conds[rule.Expect].of(r)
	}
	return m.stands(rule.In, r["id"])
}

// stands says whether an id stands in a journal, as IN does.
func (m *Model) stands(journal string, id Value) Value {
	open := m.dests[low(journal)].open()
	if id == nil && len(open) > 0 {
		return nil
	}
	for _, s := range open {
		if s.row["id"] == id {
			return true
		}
	}
	return false
}

// judge is a check over rows: its value, whether it holds, and the rows that break a check on rows.
func (b *batch) judge(c Check, rows []Row) (value, ok, failed Value) {
	switch {
	case c.Orphans != "":
		n := len(filter(rows, func(r Row) bool { return r["id"] != nil && b.m.stands(c.Orphans, r["id"]) == false }))
		return float64(n), n == 0, nil
	case checks[c.Expect].past != nil:
		value, ok, failed = checks[c.Expect].judgePast(b.value(), b.history())
		if ok == nil && c.Unknown == "FAIL" {
			ok = false
		}
		return value, ok, failed
	case c.By != "":
		return checks[c.Expect].judgeBy(rows, c.By, c.Unknown)
	}
	return checks[c.Expect].judge(rows, c.Unknown)
}

// value is that of the metric m0 in this batch.
func (b *batch) value() Value { return b.m.metrics[len(b.m.metrics)-len(b.x.decl.Metrics)].Value }

// history are the values of the metric m0 in earlier versions, the last one first: those that are not NULL, of batches that weren't held.
func (b *batch) history() []float64 {
	held := map[int]bool{}
	for _, v := range b.m.verdicts {
		held[v.Version] = held[v.Version] || v.Dest == b.n && v.Verdict == "held"
	}
	var out []float64
	for _, x := range slices.Backward(b.m.metrics) {
		if f, ok := x.Value.(float64); ok && x.Dest == b.n && x.Name == "m0" && x.Version < b.version && x.Version > b.x.born &&
			!held[x.Version] {
			out = append(out, f)
		}
	}
	return out
}

// gates runs METRICS and CHECKS.
func (b *batch) gates(rows []Rec, warned map[string]int) error {
	var verdicts []Verdict
	for name, n := range warned {
		verdicts = append(verdicts, Verdict{Dest: b.n, Name: name, Version: b.version, Value: float64(n), Failed: int64(n),
			Verdict: either(n > 0, "warn", "pass")})
	}
	if measured := len(b.m.metrics); b.way == replayed { // it is measured for the checks over the table alone
		defer func() { b.m.metrics = b.m.metrics[:measured] }()
	}
	here := make([]Row, len(rows))
	for i, r := range rows {
		here[i] = r.Row
	}
	over := func(table bool) []Row {
		if table {
			return b.after(rows, here)
		}
		return here
	}
	for _, x := range b.x.decl.Metrics {
		b.m.metrics = append(b.m.metrics, Measured{b.n, x.Name, b.version, asDouble(aggs[x.Agg].of(over(x.Over)))})
	}
	var failed []Verdict
	fails, known := false, b.hold == nil
	for _, c := range b.x.decl.Checks {
		if b.way == replayed && !c.Over {
			continue
		}
		value, ok, n := b.judge(c, over(c.Over))
		v := Verdict{Dest: b.n, Name: c.Name, Version: b.version, Value: asDouble(value), Failed: n}
		switch {
		case ok == nil:
			v.Verdict = either(c.Unknown == "WARN", "warn", "unknown")
		case ok == true:
			v.Verdict = "pass"
		case b.way == released && c.Fail != "WARN":
			v.Verdict = "released"
		default:
			v.Verdict = map[string]string{"FAIL": "fail", "HOLD": "held", "WARN": "warn"}[c.Fail]
			if fails = fails || c.Fail == "FAIL"; c.Fail == "HOLD" && b.held == "" {
				b.held = c.Name
			}
		}
		if b.hold != nil && b.hold.name == c.Name {
			v.Verdict, known = "released", true
		}
		verdicts = append(verdicts, v)
		v.Version = 0
		failed = append(failed, v)
	}
	if !known { // the check that held it isn't declared any more
		verdicts = append(verdicts, Verdict{Dest: b.n, Name: b.hold.name, Version: b.version, Verdict: "released"})
	}
	if b.stopped != nil {
		return b.stopped
	}
	if fails {
		return &exit{code: code.ExitGate, why: "check", verdicts: failed}
	}
	b.m.verdicts = append(b.m.verdicts, verdicts...)
	return nil
}

// after is the table as it will be.
func (b *batch) after(rows []Rec, here []Row) []Row {
	if !b.x.journal() {
		var out []Row
		for _, s := range b.x.rows {
			out = append(out, s.row)
		}
		return append(out, here...)
	}
	x, dry := b.x.clone(), *b
	dry.m = &Model{Tally: Tally{}, decision: b.m.decision, file: b.m.file} // its rejects are nobody's
	if b.stopped = dry.write(x, slices.Clone(rows)); b.stopped != nil {
		return nil
	}
	var out []Row
	for _, s := range x.open() {
		out = append(out, s.row)
	}
	return out
}

// write stores rows.
func (b *batch) write(x *Dest, rows []Rec) error {
	switch {
	case !x.journal():
		for _, r := range rows {
			x.rows = append(x.rows, stored{r.Row, b.version})
		}
		b.account.Written += len(rows)
		return nil
	case len(x.decl.Seq) > 0 && x.decl.Now:
		b.feedNow(x, rows)
		return nil
	case len(x.decl.Seq) > 0:
		b.feed(x, rows)
		return nil
	}
	return b.take(x, rows)
}

func either[T any](yes bool, a, b T) T {
	if yes {
		return a
	}
	return b
}
