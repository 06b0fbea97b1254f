// Package quality is the METRICS and CHECKS of a destination: aggregates of a batch after its rules, conditions on them, their
// history in dsql.metrics and dsql.checks, and what a failed check does. All of a destination's are computed in one scan of the
// batch (those OVER TABLE in one of the table) wherever SQL allows. It owns conditions on many rows; those on one are the rules
// package's.
package quality

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/rules"
	"dsql/sql"
	"dsql/sql/code"
)

// Program is the compiled METRICS and CHECKS of a destination.
type Program struct {
	items      []item          // metrics first, in their order, then checks
	name       string          // the destination's
	cols       []duck.Column   // of the batch
	stored     []duck.Column   // of the table
	whole      bool            // see Whole
	aggregates map[string]bool // functions by name, in lower case, that aggregate
	needs      needs
	compared   map[drift]duck.Type // the types of what psi and ks compare
	others     map[differing]*other
}

// item is a metric or a check.
type item struct {
	decl  *sql.Decl
	note  []sql.Note
	read  *reading
	table bool // OVER TABLE

	check    bool
	action   string   // ON FAILURE
	unknown  string   // ON UNKNOWN
	by       *reading // what stands in BY; nil: one verdict of all rows
	keys     []string // the names of its columns
	baseline *duck.Query
	rows     bool     // a condition on each row rather than on aggregates
	value    sql.Span // what a check measures; empty: the condition itself

	typ duck.Type // of the metric, or of what the check measures
}

// What ON FAILURE says.
const (
	fail = "FAIL"
	hold = "HOLD"
	warn = "WARN"
	pass = "PASS" // of ON UNKNOWN
)

func (it *item) name() string { return it.decl.Name }

func (it *item) at() sql.Place { return sql.Place{Src: it.read.src, Span: it.read.span} }

func (it *item) errorf(at sql.Span, c code.Code, format string, args ...any) *sql.Error {
	return it.decl.At(at).Errorf(c, format, args...).WithNotes(it.note)
}

// Compile reads METRICS and CHECKS items against the columns of a batch and those that are stored. All errors of all items come back in one
// list. d is
// the place of the destination's name.
func Compile(ctx context.Context, c *duck.Conn, d sql.Place, metrics, checks []*sql.Decl, cols, stored []duck.Column,
	lists rules.Lists) (*Program, error) {
	p := &Program{name: strings.Trim(d.Span.Of(d.Src), `"`), cols: cols, stored: stored, compared: map[drift]duck.Type{},
		others: map[differing]*other{}}
	if len(metrics)+len(checks) == 0 {
		return p, nil
	}
	b := &compiler{ctx: ctx, c: c, p: p}
	b.metrics(metrics)
	all, errs := rules.Expand("checks", checks, lists)
	b.errs = append(b.errs, errs...)
	b.checks(all)
	if err := b.functions(); err != nil {
		return nil, err
	}
	b.others()
	b.bind()
	for i := range p.items {
		if it := &p.items[i]; it.check {
			c.DB.Witness().Expect(p.condition(it))
		}
	}
	return p, b.errs.Err()
}

// condition is a check for who watches which ways it goes.
func (p *Program) condition(it *item) duck.Condition {
	return duck.Condition{Of: p.name, Kind: duck.Check, Name: it.name(), At: it.decl.Place()}
}

// Empty: there is nothing to measure.
func (p *Program) Empty() bool { return len(p.items) == 0 }

// Whole: something is measured of the table as it will be.
func (p *Program) Whole() bool { return p.whole }

// Holds: there is a check that may put the batch into dsql.rejects.
func (p *Program) Holds() bool {
	return slices.ContainsFunc(p.items, func(it item) bool { return it.check && it.action == hold })
}

// metric finds a metric by name; its place in items.
func (p *Program) metric(name string) (int, bool) {
	i := slices.IndexFunc(p.items, func(it item) bool { return !it.check && strings.EqualFold(it.name(), name) })
	return i, i >= 0
}

func (p *Program) metricNames() []string {
	var out []string
	for _, it := range p.items {
		if !it.check {
			out = append(out, it.name())
		}
	}
	return out
}

func (p *Program) column(name string) bool {
	return slices.ContainsFunc(p.cols, func(c duck.Column) bool { return strings.EqualFold(c.Name, name) })
}

// Explain lists what is measured and the SQL of the scan. "" when there is nothing.
func (p *Program) Explain() string {
	if p.Empty() {
		return ""
	}
	var b strings.Builder
	for i := range p.items {
		it := &p.items[i]
		over := "the batch"
		if it.table {
			over = "the table"
		}
		if it.check {
			fmt.Fprintf(&b, "CHECK %s EXPECT (%s)%s%s ON FAILURE %s", duck.Ident(it.name()), it.read.span.Of(it.read.src), it.byText(),
				it.unknownText(), it.action)
		} else {
			fmt.Fprintf(&b, "METRIC %s = %s", duck.Ident(it.name()), it.read.span.Of(it.read.src))
		}
		how := "in one scan of " + over
		switch {
		case it.grouped() && p.usesMetrics(i):
			how = "by group, in a scan of its own over " + over + ", once the metrics are known"
		case it.grouped():
			how = "by group, in a scan of " + over + " for all checks with this BY"
		case it.rows && p.usesMetrics(i):
			how = "in a scan of its own over " + over + ", once the metrics are known"
		case it.rows:
			how += ", row by row"
		}
		fmt.Fprintf(&b, "  -- %s%s\n", how, p.needs.explain(i))
	}
	x := p.expandOver(nil, duck.Ident("the table"))
	fmt.Fprintf(&b, "%s", p.statement(x, duck.Ident("the batch"), duck.Ident("the table")))
	return b.String()
}

// compiler makes a Program.
type compiler struct {
	ctx  context.Context
	c    *duck.Conn
	p    *Program
	errs sql.List
}

// add reads an item's expression.
func (b *compiler) add(it item, sp sql.Span) {
	var err error
	if it.read, err = read(b.ctx, b.c, it.decl.Src, sp); err != nil {
		b.refuse(&it, err)
		return
	}
	b.p.items = append(b.p.items, it)
}

func (b *compiler) metrics(items []*sql.Decl) {
	for _, d := range items {
		if i, ok := b.p.metric(d.Name); ok {
			b.errs = append(b.errs, d.Errorf(code.DuplicateName, "the metric %s stands twice", d.Name).
				WithHint("give each a name of its own: its values are kept by that").
				WithNote(d.At(b.p.items[i].decl.NameAt), "the first one"))
			continue
		}
		b.add(item{decl: d, table: d.Arg("OVER TABLE") != nil}, d.Arg("=").Exprs[0])
	}
}

func (b *compiler) checks(items []rules.Item) {
	for _, x := range items {
		d := x.Decl
		it := item{decl: d, note: x.Note, check: true, action: fail, unknown: pass, table: d.Arg("OVER TABLE") != nil}
		if v := d.Arg("ON FAILURE"); v != nil {
			it.action = v.Text
		}
		if v := d.Arg("ON UNKNOWN"); v != nil {
			it.unknown = v.Text
		}
		if v := d.Arg("BY"); v != nil {
			if err := b.by(&it, v.Exprs[0]); err != nil {
				b.refuse(&it, err)
				continue
			}
		}
		if v := d.Arg("BASELINE"); v != nil {
			it.baseline = duck.User(d.Src, v.Exprs[0])
		}
		b.add(it, d.Arg("EXPECT").Exprs[0])
	}
}

// functions finds which of the functions that are called aggregate, and with that what each check is about.
func (b *compiler) functions() error {
	var texts []string
	for i := range b.p.items {
		for _, e := range b.p.items[i].events() {
			if _, ours := helpers[e.name]; e.kind == call && !ours {
				texts = append(texts, e.name+"()")
			}
		}
	}
	known, err := b.c.Routines(b.ctx, texts...)
	if err != nil {
		return err
	}
	b.p.aggregates = map[string]bool{"count_star": true}
	for name := range known {
		if known.Any(name, func(r duck.Routine) bool { return r.Type == "aggregate" }) {
			b.p.aggregates[name] = true
		}
	}
	for i := range b.p.items {
		it := &b.p.items[i]
		columns := slices.ContainsFunc(it.read.events, func(e event) bool { return b.p.refersTo(e) })
		it.rows = it.check && columns && !slices.ContainsFunc(it.read.events, func(e event) bool { return b.p.aggregating(e) })
		if sp, ok := it.read.measured(b.p.aboutRows); ok && !it.rows {
			it.value = sp
		}
		if it.grouped() {
			b.ungrouped(it)
		}
	}
	return nil
}

// refersTo: the event is one of the destination's columns.
func (p *Program) refersTo(e event) bool {
	if e.kind != column {
		return false
	}
	_, metric := p.metric(e.name)
	return p.column(e.name) && (!metric || e.more)
}

// aggregating: the event is the call of an aggregate or of a helper that is one.
func (p *Program) aggregating(e event) bool {
	h, ok := helpers[e.name]
	return e.kind == call && (p.aggregates[e.name] || ok && h.aggregates)
}

// aboutRows: the event is an aggregate or a metric, rather than a value of their history.
func (p *Program) aboutRows(e event) bool {
	_, metric := p.metric(e.name)
	return p.aggregating(e) || e.kind == column && metric && !e.more
}

// apart: the item is judged where the metrics of the same statement are out of reach.
func (it *item) apart() bool { return it.rows || it.grouped() }

// events are those of all that the item says.
func (it *item) events() []event {
	if it.grouped() {
		return append(slices.Clone(it.read.events), it.by.events...)
	}
	return it.read.events
}

// usesMetrics: item i names a metric.
func (p *Program) usesMetrics(i int) bool {
	r := p.items[i].read
	for _, e := range r.events {
		if _, ok := p.metric(e.name); ok && e.kind == column && !e.more {
			return true
		}
	}
	return false
}

// bind lets DuckDB judge all items: in one query where all are right, else one by one.
func (b *compiler) bind() {
	x := b.p.expand(nil)
	b.p.needs = x.needs
	if len(x.errs) > 0 || len(b.errs) > 0 {
		b.errs = append(b.errs, x.errs...)
		b.bindEach(x)
		return
	}
	b.drifts()
	empty := b.c.Empty(b.p.cols)
	cols, errs := b.c.DescribeEach(b.ctx, []duck.Bound{{Query: b.p.statement(x, empty, b.c.Empty(b.p.stored)), At: b.p.items[0].at()}})
	if errs[0] != nil {
		b.bindEach(x)
		return
	}
	types := map[string]duck.Type{}
	for _, c := range cols[0] {
		types[c.Name] = c.Type
	}
	for i := range b.p.items {
		b.judge(i, types[typeName(i)], types[conditionName(i)])
	}
	b.retype(x)
}

// retype binds again when previous() gives something else than the DOUBLE that it was taken for.
func (b *compiler) retype(x *expansion) {
	for _, h := range x.needs.history {
		if i, ok := b.p.metric(h.metric); ok && pastType(b.p.items[i].typ) != "DOUBLE" {
			b.bindEach(b.p.expand(nil))
			return
		}
	}
}

// bindEach binds the items one by one, each beside the metrics before it.
func (b *compiler) bindEach(x *expansion) {
	for i := range b.p.items {
		it := &b.p.items[i]
		if x.failed[i] {
			continue
		}
		one := b.p.expandOne(i)
		q := duck.Bound{Query: b.p.statementOf(one, i), At: it.at()}
		cols, errs := b.c.DescribeEach(b.ctx, []duck.Bound{q})
		if errs[0] != nil {
			for _, err := range b.c.Wrongs(b.ctx, q, errs[0]) {
				b.refuse(it, err)
			}
			continue
		}
		types := map[string]duck.Type{}
		for _, c := range cols[0] {
			types[c.Name] = c.Type
		}
		b.judge(i, types[typeName(i)], types[conditionName(i)])
	}
}

// judge takes the types that DuckDB found.
func (b *compiler) judge(i int, typ, condition duck.Type) {
	it := &b.p.items[i]
	it.typ = typ
	if it.check && condition != "BOOLEAN" {
		b.errs = append(b.errs, it.errorf(it.read.span, code.TypeMismatch, "a check expects a condition (BOOLEAN), and this is %s", condition).
			WithHint("compare it with something: … > 0, … IS NOT NULL"))
	}
}

// refuse says in the words of METRICS and CHECKS what DuckDB refused.
func (b *compiler) refuse(it *item, err error) {
	var e *sql.Error
	if !errors.As(err, &e) {
		e = it.decl.Errorf(code.Failed, "%s", err).WithCause(err)
	}
	if name := e.Column; name != "" {
		if _, ok := b.p.metric(name); ok {
			e = e.Place().Errorf(code.UnknownMetric, "the metric %s is not known here yet", name).WithHint("put it before this one")
		} else {
			e = e.Place().Errorf(code.UnknownColumn, "there is no column %s, and no metric of that name before it", name).
				WithHint(sql.DidYouMean(name, append(b.p.metricNames(), duck.ColumnNames(b.p.cols)...),
					"metrics may use those named before them, and checks all of them"))
		}
	}
	if strings.Contains(e.Msg, `"`+orphansAlias+`"`) {
		i := slices.IndexFunc(it.read.events, func(e event) bool { return e.kind == call && e.name == "orphans" })
		e.Span = it.read.extent(it.read.events[i].at).args[1]
		e = e.Place().Errorf(code.UnknownColumn, "there is no column %s", e.Place().Text()).WithHint(e.Hint)
	}
	if duck.IsInvalidInput(e) {
		if sp, ok := rules.BadRegex(it.decl.Src, it.read.span); ok {
			e = it.decl.At(sp).Errorf(code.BadRegex, "this regular expression doesn't compile: %s", e.Msg).
				WithHint("DuckDB's regular expressions are RE2's")
		}
	}
	b.errs = append(b.errs, e.WithNotes(it.note))
}
