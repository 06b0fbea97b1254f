package quality

import (
	"context"
	dbsql "database/sql"
	"math"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// A check that looks back learns its limits: abs(zscore(m, 30)) < 3 says that m lies in a band, which is another one in each version. The
// condition may be any, and nowhere in it stands what the band is; so it is found by asking: with all else as it was, the condition is
// computed for many values at once, and for many more where it begins to hold and where it ends.

// Band is where a metric, or what a check measures itself, may lie for the check to pass; not valid: as low, or as high, as it likes.
type Band struct {
	Check, Of string
	Value     dbsql.NullFloat64 // that was judged
	Low, High dbsql.NullFloat64
}

// Judged is a verdict whose band is asked for.
type Judged struct {
	Check   string
	Version int64       // of a batch that failed: the one behind the last
	At      *duck.Query // when it was judged
	Value   dbsql.NullFloat64
}

// Bands are those of verdicts. Division by zero is to be NULL on the connection, as where checks are judged. A check that learns nothing
// has none, and neither has one while nothing is known to learn from.
func (p *Program) Bands(ctx context.Context, c *duck.Conn, destination string, born int64, verdicts []Judged) (out []Band, err error) {
	for _, v := range verdicts {
		i := slices.IndexFunc(p.items, func(it item) bool { return it.check && sql.Same(it.name(), v.Check) })
		if i < 0 || p.items[i].apart() {
			continue
		}
		b := search{c: c, p: p, i: i, env: &env{history: map[past]*duck.Query{}, at: v.At,
			batch: Batch{Destination: destination, Version: v.Version, Born: born}}}
		if !b.varies() {
			continue
		}
		band, ok, err := b.find(ctx, v)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil: // it can't be computed for some values, as a cast can't: what it lets through isn't told
		case ok:
			out = append(out, band)
		}
	}
	return out, nil
}

// search is that for a check's band.
type search struct {
	c       *duck.Conn
	p       *Program
	i       int
	env     *env
	metric  int         // whose past is looked at
	own     bool        // its value of now varies; else the one aggregate that is compared with its past
	column  string      // what varies, as the condition has it
	metrics *duck.Query // the others, as they were
}

// varies finds what of the condition varies: the metric that is looked back on, where it stands there as it is now; else the one metric, or
// aggregate, that is compared with a past or with a metric that looks back itself. Where that is more than one thing it says no.
func (b *search) varies() bool {
	it := &b.p.items[b.i]
	b.metric = -1
	back := -1 // a metric that is looked back on
	var pasts []int
	now := map[int]bool{} // metrics as they are now
	for _, e := range it.read.events {
		if !lookingBack(e) {
			continue
		}
		arg := it.read.extent(e.at).args[0]
		m, ok := b.p.metric(sql.NameOf(arg.Of(it.read.src)))
		if !ok || back >= 0 && m != back {
			return false
		}
		if back, pasts = m, append(pasts, arg.Start); e.name == "zscore" {
			now[m] = true
		}
	}
	for _, e := range it.read.events {
		m, ok := b.p.metric(e.name)
		switch {
		case !ok || e.kind != column || e.more || slices.Contains(pasts, e.at):
		case b.p.learns(m):
			b.metric = m
		default:
			now[m] = true
		}
	}
	if back < 0 && b.metric < 0 {
		return false
	}
	if back >= 0 {
		b.metric = back
	}
	aggregates := 0
	for scan, of := range b.p.expandOne(b.i).aggs {
		if aggregates += len(of); len(of) > 0 {
			b.column = aggName(scan, 0)
		}
	}
	if b.own = len(now) > 0; !b.own {
		return aggregates == 1
	}
	if !now[back] {
		if len(now) > 1 {
			return false
		}
		for m := range now {
			b.metric = m
		}
	}
	b.column = b.p.items[b.metric].name()
	return aggregates == 0 && isNumber(b.p.metricType(b.metric))
}

// lookingBack: the event is a call of a helper that gives a value of the past.
func lookingBack(e event) bool {
	h, helper := helpers[e.name]
	return e.kind == call && helper && !h.aggregates
}

// learns: metric i is made of what was before.
func (p *Program) learns(i int) bool {
	return slices.ContainsFunc(p.items[i].read.events, func(e event) bool {
		m, ok := p.metric(e.name)
		return lookingBack(e) || ok && m < i && e.kind == column && !e.more && p.learns(m)
	})
}

// of is what varies, in the user's words.
func (b *search) of() string {
	r := b.p.items[b.i].read
	for _, e := range r.events {
		if !b.own && b.p.aggregating(e) {
			return strings.Join(strings.Fields(r.extent(e.at).span.Of(r.src)), " ")
		}
	}
	return b.column
}

// Where is looked: at the values of the past and their mean, and around that, each step a fifth further away; then at so many between two
// of these, until they are as near as twelve digits tell.
const (
	remembered = 200
	widen      = 1.2
	finest     = -40
	widest     = 120
	within     = 1000
	digits     = 12
)

// find searches from what was before to both sides.
func (b *search) find(ctx context.Context, v Judged) (out Band, ok bool, err error) {
	out = Band{Check: b.p.items[b.i].name(), Of: b.of(), Value: v.Value}
	was, now, err := b.was(ctx)
	if err != nil || len(was) == 0 {
		return out, false, err
	}
	// of a batch that failed the verdict alone is kept
	if it := &b.p.items[b.i]; b.own && (now.Valid || !sql.Same(it.value.Of(it.read.src), b.column)) {
		out.Value = now
	}
	back := 1
	for _, h := range b.p.expandOne(b.i).needs.history {
		back = max(back, h.n)
		if b.env.history[h], err = history(ctx, b.c, b.env.batch, h); err != nil {
			return out, false, err
		}
	}
	xs := around(was, back)
	if b.metrics, err = b.recorded(ctx); err != nil {
		return out, false, err
	}
	holds, err := b.hold(ctx, duck.SQL("SELECT unnest([{xs}]::DOUBLE[]) AS {x}",
		duck.Args{"x": duck.Ident(b.column), "xs": duck.Each(", ", xs, func(x float64) *duck.Query { return duck.Lit(x) })}), len(xs))
	if err != nil {
		return out, false, err
	}
	from := was[0]
	if out.Value.Valid && b.own {
		from = out.Value.Float64
	}
	low := -1
	for i, x := range xs {
		if holds[i] && (low < 0 || math.Abs(x-from) < math.Abs(xs[low]-from)) {
			low = i
		}
	}
	if low < 0 {
		return out, false, nil
	}
	high := low
	for ; low > 0 && holds[low-1]; low-- {
	}
	for ; high < len(xs)-1 && holds[high+1]; high++ {
	}
	if low > 0 {
		if out.Low, err = b.edge(ctx, xs[low], xs[low-1]); err != nil {
			return out, false, err
		}
	}
	if high < len(xs)-1 {
		if out.High, err = b.edge(ctx, xs[high], xs[high+1]); err != nil {
			return out, false, err
		}
	}
	return out, out.Low.Valid || out.High.Valid, nil
}

// around are values to try, in order: those of the past, the newest first, and such as lie nearer to and further from the mean of the last.
func around(was []float64, back int) []float64 {
	last := was[:min(back, len(was))]
	mean, spread := 0.0, 0.0
	for _, x := range last {
		mean += x / float64(len(last))
	}
	for _, x := range was {
		spread = max(spread, math.Abs(x-mean))
	}
	xs := append(slices.Clone(was), mean)
	scale := max(spread, math.Abs(mean)/100, 1e-9)
	for k := finest; k <= widest; k++ {
		step := scale * math.Pow(widen, float64(k))
		xs = append(xs, mean-step, mean+step)
	}
	slices.Sort(xs)
	return slices.Compact(xs)
}

// edge is where the condition ends to hold between two values: in holds, out doesn't.
func (b *search) edge(ctx context.Context, in, out float64) (dbsql.NullFloat64, error) {
	for math.Abs(in-out) > math.Pow10(-digits-1)*max(math.Abs(in), math.Abs(out)) {
		x := func(i int) float64 { return in + (out-in)*float64(i)/within }
		holds, err := b.hold(ctx, duck.SQL("SELECT {in}::DOUBLE + ({out}::DOUBLE - {in}::DOUBLE) * i / {n}::DOUBLE AS {x} FROM range(1, {n}) t(i)",
			duck.Args{"in": in, "out": out, "n": within, "x": duck.Ident(b.column)}), within-1)
		if err != nil {
			return dbsql.NullFloat64{}, err
		}
		from, to := x(within-1), out
		if i := slices.Index(holds, false); i >= 0 {
			from, to = x(i), x(i+1)
		}
		if from == in && to == out { // no number lies between
			break
		}
		in, out = from, to
	}
	v, err := strconv.ParseFloat(strconv.FormatFloat(in, 'g', digits, 64), 64)
	return dbsql.NullFloat64{Float64: v, Valid: true}, err
}

// hold says for which of n values, the column of a query, the condition is TRUE.
func (b *search) hold(ctx context.Context, values *duck.Query, n int) ([]bool, error) {
	x := b.p.newExpansion(b.env, duck.Empty(b.p.stored))
	x.item(b.i)
	var text string
	_, err := b.c.Scan(ctx, duck.SQL(`SELECT string_agg(CASE WHEN {e} THEN '1' ELSE '0' END, '' ORDER BY place)
		FROM (SELECT *, row_number() OVER () AS place FROM ({values})), (SELECT {metrics})`,
		duck.Args{"e": x.parts[b.i].expr, "metrics": b.metrics, "values": values}), &text)
	holds := make([]bool, n)
	for i := range min(len(text), n) {
		holds[i] = text[i] == '1'
	}
	return holds, err
}

// recorded are the other metrics as this version has them, as columns of their names.
func (b *search) recorded(ctx context.Context) (*duck.Query, error) {
	out, cols := []*duck.Query{duck.SQL("1 AS one")}, []*duck.Query{duck.SQL("1")}
	var of []int
	for j := range b.p.items[:b.i] {
		if it := &b.p.items[j]; !it.check && !(b.own && j == b.metric) {
			of = append(of, j)
			cols = append(cols, b.p.earlier(j))
		}
	}
	var one int
	values := make([]dbsql.NullString, len(of))
	dest := []any{&one}
	for i := range values {
		dest = append(dest, &values[i])
	}
	if _, err := b.c.Scan(ctx, duck.SQL("SELECT columns(*)::VARCHAR FROM (SELECT {cols} FROM (SELECT {d} AS destination, {v} AS version) AS m)",
		duck.Args{"cols": duck.Join(", ", cols...), "d": b.env.batch.Destination, "v": b.env.batch.Version}), dest...); err != nil {
		return nil, err
	}
	for i, j := range of {
		v := duck.Lit(nil)
		if values[i].Valid {
			v = duck.Lit(values[i].String)
		}
		out = append(out, duck.SQL("CAST({v} AS {t}) AS {n}",
			duck.Args{"v": v, "t": b.p.metricType(j), "n": duck.Ident(b.p.items[j].name())}))
	}
	return duck.Join(", ", out...), nil
}

// was are the metric's values before this version, the newest first, and that in it.
func (b *search) was(ctx context.Context) (was []float64, now dbsql.NullFloat64, err error) {
	a := duck.Args{"d": b.env.batch.Destination, "m": b.p.items[b.metric].name(), "v": b.env.batch.Version, "born": b.env.batch.Born,
		"n": remembered}
	a["of"] = duck.SQL("FROM dsql.metrics WHERE lower(destination) = lower({d}) AND lower(metric) = lower({m}) AND isfinite(value)", a)
	was, err = duck.Select(ctx, b.c,
		duck.SQL("SELECT value {of} AND version < {v} AND version > {born} ORDER BY version DESC, rowid DESC LIMIT {n}", a),
		func(row func(...any) error) (x float64, err error) { return x, row(&x) })
	if err == nil {
		_, err = b.c.Scan(ctx, duck.SQL("SELECT last(value ORDER BY rowid) {of} AND version = {v}", a), &now)
	}
	return was, now, err
}

// LooksBack: a text may have a check that learns.
func LooksBack(text string) bool {
	text = strings.ToLower(text)
	for name, h := range helpers {
		if !h.aggregates && strings.Contains(text, name) {
			return true
		}
	}
	return false
}
