package torture

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// views are all that is compared, in this order. A new thing to look at is a line here.
var views = []func(l *look, afterKill bool) error{
	(*look).versions, (*look).columns, (*look).tables, (*look).past, (*look).rejects, (*look).holds, (*look).accounts, (*look).metrics,
	(*look).verdicts, (*look).sinks, (*look).users, (*look).rollups,
}

func (l *look) compare(afterKill bool) error {
	for _, f := range views {
		if err := f(l, afterKill); err != nil {
			return err
		}
	}
	return nil
}

func (l *look) versions(bool) error {
	got, err := l.newest()
	if err != nil || got == 0 && l.m.version == 0 {
		return err
	}
	want := &table{}
	for v := 1; v <= l.m.version; v++ {
		want.add(v)
	}
	return l.ask("versions", "SELECT version FROM dsql.versions", want)
}

// ends are the names of a journal's columns of time.
func (d *Decl) ends() (from, to []string) {
	if len(d.Seq) < 2 {
		return []string{"valid_from"}, []string{"valid_to"}
	}
	for _, s := range d.Seq {
		from, to = append(from, "valid_from_"+s), append(to, "valid_to_"+s)
	}
	return from, to
}

// columns are those of destinations.
func (l *look) columns(bool) error {
	for _, n := range l.m.sorted() {
		x, want := l.m.dests[n], &table{}
		from, _ := x.decl.ends()
		for _, c := range append(slices.Clone(x.names()), either(x.journal(), from, []string{"_version"})...) {
			want.add(c)
		}
		if err := l.ask("columns", "SELECT column_name FROM (DESCRIBE "+x.decl.Name+")", want); err != nil {
			return err
		}
	}
	return nil
}

// tables are what destinations hold now.
func (l *look) tables(bool) error {
	for _, n := range l.m.sorted() {
		x := l.m.dests[n]
		if !x.journal() {
			if err := l.ask("table", "SELECT "+list(x.cols, "_version")+" FROM "+x.decl.Name, x.rowsOf(x.cols, true)); err != nil {
				return err
			}
			continue
		}
		if err := l.journal(x, x, x.decl.Name, x.decl.Name+"_history"); err != nil {
			return err
		}
	}
	return nil
}

// journal holds the state and the history of x, under the names that they have at the moment, against those of was.
func (l *look) journal(x, was *Dest, state, history string) error {
	from, to := x.decl.ends()
	names := x.names()
	now, all := &table{}, &table{}
	for _, h := range was.hist {
		for _, s := range h {
			row := append(s.row.texts(names), textList(s.from)...)
			if s.to == nil {
				now.rows = append(now.rows, row)
			}
			all.rows = append(all.rows, append(slices.Clip(row), textList(either(s.to == nil, make([]Value, len(from)), s.to))...))
		}
	}
	if err := l.ask("state", "SELECT "+list(names, from...)+" FROM "+state, now); err != nil {
		return err
	}
	return l.ask("history", "SELECT "+list(names, append(slices.Clone(from), to...)...)+" FROM "+history, all)
}

func textList(vs []Value) []string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = textOf(v)
	}
	return out
}

func list(cols []string, more ...string) string {
	return strings.Join(append(slices.Clone(cols), more...), ", ")
}

func (d *Dest) rowsOf(cols []string, version bool) *table {
	t := &table{}
	for _, s := range d.rows {
		row := s.row.texts(cols)
		if version {
			row = append(row, strconv.Itoa(s.version))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// past are name_at, name_history_at, name_diff and name_changes at some versions, and name_as_of at some time.
func (l *look) past(bool) error {
	for _, n := range l.m.sorted() {
		x := l.m.dests[n]
		a, b := l.version(x), l.version(x)
		for _, v := range []int{a, b} {
			if err := l.at(x, v); err != nil {
				return err
			}
		}
		if err := l.between(x, a, b); err != nil {
			return err
		}
		of := either(x.journal() && !x.decl.Now, l.asOf, l.asOfCommit)
		if err := of(x, a); err != nil {
			return err
		}
		if x.journal() {
			if err := l.bitemporal(x, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// version is some version at which a destination can be looked at.
func (l *look) version(x *Dest) int {
	v := l.b.below(l.m.version + 1)
	v = max(v, x.horizon)
	for _, g := range x.unsure {
		if !x.journal() && v < g.to {
			v = g.to // known: of a stream that went back, older versions show what is there
		}
	}
	return v
}

// below is the next number that the step says, from 0 on.
func (b *Bench) below(n int) int {
	if len(b.looks) == 0 {
		return 0
	}
	x := b.looks[0]
	b.looks = append(b.looks[1:len(b.looks):len(b.looks)], x)
	return x * n / looks
}

func (l *look) at(x *Dest, v int) error {
	was := x.at(v)
	name := x.decl.Name
	if x.journal() {
		return l.journal(x, was, fmt.Sprintf("%s_at(%d)", name, v), fmt.Sprintf("%s_history_at(%d)", name, v))
	}
	return l.ask("at", fmt.Sprintf("SELECT %s FROM %s_at(%d)", list(x.cols), name, v), was.rowsOf(x.cols, false))
}

// asOf is a journal's state at a time, as known now.
func (l *look) asOf(x *Dest, _ int) error {
	from, _ := x.decl.ends()
	names := x.names()
	t, then := int64(l.b.below(18)), &table{}
	for _, h := range x.hist {
		for _, s := range h {
			if compare(s.from[0], t) <= 0 && (s.to == nil || compare(s.to[0], t) > 0) {
				then.rows = append(then.rows, append(s.row.texts(names), textList(s.from)...))
			}
		}
	}
	return l.ask("as of", fmt.Sprintf("SELECT %s FROM %s_as_of(%d)", list(names, from...), x.decl.Name, t), then)
}

// bitemporal is all that was ever believed: every history since a version.
func (l *look) bitemporal(x *Dest, since int) error {
	from, to := x.decl.ends()
	names := x.names()
	all := &table{}
	for v := max(since, x.born+1, 1); v <= l.m.version; v++ {
		for _, h := range x.at(v).hist {
			for _, s := range h {
				row := append(append(s.row.texts(names), textList(s.from)...), textList(either(s.to == nil, make([]Value, len(from)), s.to))...)
				all.rows = append(all.rows, append(row, strconv.Itoa(v)))
			}
		}
	}
	cols := list(names, append(slices.Clone(from), to...)...)
	return l.ask("bitemporal", fmt.Sprintf("SELECT * FROM (SELECT %s, unnest(range(known_from, coalesce(known_to, %d))) AS version FROM "+
		"%s_bitemporal) WHERE version >= %d",
		cols, l.m.version+1, x.decl.Name, max(since, x.born+1, 1)), all)
}

// asOfCommit is what was stored at the time at which a version was committed.
func (l *look) asOfCommit(x *Dest, v int) error {
	if v == 0 {
		return nil
	}
	at, err := l.rows(fmt.Sprintf("SELECT committed_at FROM dsql.versions WHERE version = %d", v))
	if err != nil || len(at.rows) != 1 {
		return err
	}
	was, cols := x.at(v).rowsOf(x.cols, false), x.cols
	if x.journal() {
		from, _ := x.decl.ends()
		for _, s := range x.at(v).open() {
			was.rows = append(was.rows, append(s.row.texts(x.names()), textList(s.from)...))
		}
		cols = append(x.names(), from...)
	}
	return l.ask("as of", fmt.Sprintf("SELECT %s FROM %s_as_of('%s')", list(cols), x.decl.Name, at.rows[0][0]), was)
}

func (l *look) between(x *Dest, a, b int) error {
	names := x.names()
	if has(names, "change_type") {
		l.m.Tally["a stream that stores change_type: name_diff has two columns of that name"]++
		return nil
	}
	ask := func(view string, from, to int, version bool, changes *table) error {
		cols := either(version, []string{"change_type", "_version"}, []string{"change_type"})
		return l.ask(view, fmt.Sprintf("SELECT %s FROM %s_%s(%d, %d)", list(cols, names...), x.decl.Name, view, from, to), changes)
	}
	diff, changes := &table{}, &table{}
	for _, c := range x.diff(a, b) {
		diff.rows = append(diff.rows, append([]string{c.Type}, c.Row.texts(names)...))
	}
	if err := ask("diff", a, b, false, diff); err != nil {
		return err
	}
	lo, hi := min(a, b), max(a, b)
	for v := lo + 1; v <= hi; v++ {
		for _, c := range x.changes[v] {
			changes.rows = append(changes.rows, append([]string{c.Type, strconv.Itoa(v)}, c.Row.texts(names)...))
		}
	}
	return ask("changes", lo, hi, true, changes)
}

// diff is the net difference of two versions.
func (d *Dest) diff(a, b int) []Change {
	if d.journal() {
		return difference(d.at(a).open(), d.at(b).open(), d.names())
	}
	var out []Change
	for v := min(a, b) + 1; v <= max(a, b); v++ {
		for _, c := range d.changes[v] {
			out = append(out, Change{Type: either(a <= b, "insert", "delete"), Row: c.Row})
		}
	}
	return out
}

func (l *look) rejects(bool) error {
	if l.m.version == 0 {
		return nil
	}
	want := &table{cols: []string{"destination", "rule", "code", "file", "line", "version", "settled", "payload"}}
	for _, r := range l.m.rejects {
		row := []Value{text(r.Dest), text(r.Rule), r.Code, text(r.At.File), nil, r.Version, r.Settled, nil}
		if r.At.File != "" {
			row[4], row[7] = r.At.Line, l.m.payload(r.At, r.From)
		}
		want.add(row...)
	}
	if err := l.ask("rejects", `SELECT lower(destination) AS destination, rule, split_part(reason, ':', 1) AS code,
		coalesce(meta.file, format('{}[{}]', meta.topic, meta."partition")) AS file, coalesce(meta.line, meta."offset") AS line, version,
		replayed_at IS NOT NULL AS settled, decode(payload) AS payload FROM dsql.rejects`, want); err != nil {
		return err
	}
	return l.rejectedRows()
}

// rejectedRows are the rows that dsql.rejects keeps, in the columns that the model computes with.
func (l *look) rejectedRows() error {
	cols := []string{"id", "op", "a", "b", "t", "day", "b2", "n", "da", "c", "e"}
	want := &table{cols: cols}
	for _, r := range l.m.state.rejects {
		if r.Dest != "" {
			want.rows = append(want.rows, r.Data.texts(cols))
		}
	}
	var fields []string
	for _, c := range cols {
		fields = append(fields, fmt.Sprintf("data->>'$.%s' AS %s", c, c))
	}
	return l.ask("rejected rows", "SELECT "+list(fields)+" FROM dsql.rejects WHERE destination IS NOT NULL", want)
}

// holds: that a guard holds a load back is written down behind the newest version, so a killed run may have come as far or not.
func (l *look) holds(afterKill bool) error {
	want, where := &table{}, ""
	if afterKill {
		where = " WHERE name <> 'guard'"
	}
	for _, h := range l.m.state.holds {
		if h.name != guardName || !afterKill {
			want.add(h.dest, h.name, either[Value](h.name == guardName, nil, h.rows))
		}
	}
	if l.m.version == 0 {
		return nil
	}
	return l.ask("holds", "SELECT lower(destination) AS destination, name, CASE WHEN name <> 'guard' THEN rows END AS rows FROM dsql.holds"+where,
		want)
}

func (l *look) accounts(bool) error {
	if l.m.version == 0 {
		return nil
	}
	sum := map[string]*Account{}
	var order []string
	for _, a := range l.m.accounts {
		k := fmt.Sprint(a.Version, a.Kind, a.Name)
		if sum[k] == nil {
			sum[k] = &Account{Version: a.Version, Kind: a.Kind, Name: a.Name}
			order = append(order, k)
		}
		s := sum[k]
		s.In, s.Written, s.Rejected, s.Dropped = s.In+a.In, s.Written+a.Written, s.Rejected+a.Rejected, s.Dropped+a.Dropped
		s.Added, s.Changed, s.Removed = s.Added+a.Added, s.Changed+a.Changed, s.Removed+a.Removed
	}
	want := &table{}
	for _, k := range order {
		a := sum[k]
		want.add(a.Version, a.Kind, a.Name, a.In, a.Written, a.Rejected, a.Dropped, a.Added, a.Changed, a.Removed)
	}
	return l.ask("accounts", `SELECT version, kind, lower(name) AS name, sum(rows_in) AS rows_in, sum(written) AS written,
		sum(coalesce(bad, rejected)) AS rejected, sum(coalesce(skipped, dropped)) AS dropped,
  sum(coalesce(added, 0)) AS added, sum(coalesce(changed, 0)) AS changed, sum(coalesce(removed, 0)) AS removed FROM dsql.version_rows
		WHERE kind <> 'rollup' GROUP BY ALL`, want)
}

func (l *look) metrics(bool) error {
	if l.m.version == 0 {
		return nil
	}
	want := &table{}
	for _, x := range l.m.state.metrics {
		want.add(x.Dest, x.Name, x.Version, x.Value)
	}
	return l.ask("metrics", "SELECT lower(destination) AS destination, metric, version, value FROM dsql.metrics WHERE version IS NOT NULL",
		want)
}

func (l *look) verdicts(afterKill bool) error {
	if l.m.version == 0 {
		return nil
	}
	want, failed := &table{}, map[string]bool{}
	for _, v := range l.m.state.verdicts {
		if v.Version == 0 {
			failed[v.Dest+" "+v.Name+" "+v.Verdict] = true
			continue
		}
		want.add(v.Dest, v.Name, v.Version, v.Value, v.Verdict, v.Failed)
	}
	if err := l.ask("checks", "SELECT lower(destination) AS destination, name, version, value, verdict, failed_rows FROM dsql.checks WHERE "+
		"version IS NOT NULL", want); err != nil || afterKill {
		return err
	}
	got, err := l.rows("SELECT DISTINCT concat_ws(' ', lower(destination), name, verdict) AS failed FROM dsql.checks WHERE version IS NULL")
	if err != nil {
		return err
	}
	for _, r := range got.rows {
		delete(failed, r[0])
	}
	if len(failed) > 0 {
		return &Difference{Kind: "failed checks", Text: fmt.Sprint("verdicts of failed batches that are missing: ", failed)}
	}
	return nil
}
