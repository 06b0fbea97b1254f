package watch

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql/code"
)

// What is measured of a version's rows, in one scan: with p the share of a bin's values and q that of the baseline's,
//
//	psi = Σ (p − q) ln(p / q), a share of zero counting as emptyShare: the population stability index
//	js  = √(½ Σ p ln(p / m) + ½ Σ q ln(q / m)), m = (p + q) / 2: the Jensen-Shannon distance, as scipy has it (base e)
//
// missing is the share of the rows whose value is NULL or NaN, outside and unseen those of the values that are beyond the baseline's ends,
// or none of its labels. Where either side has no values, all but missing are NULL.

const (
	emptyShare = 0.0001
	maxGroups  = 200
)

// Open begins to measure for a run.
func (m *monitor) Open(ctx context.Context, c *duck.Conn, cols []duck.Column, keyed bool) (kind.Watch, error) {
	s, err := m.shape(ctx, c, cols, keyed)
	if err != nil {
		return nil, err
	}
	return &session{shape: s}, errors.Join(c.CountAbove(), c.Deciles())
}

// session is a monitor in a run.
type session struct {
	*shape
	base map[string]*bins // nil: not yet read
}

// group is what was counted of a group's rows, or of all.
type group struct {
	suffix  string // of the names of metrics: "", "[aa]"
	rows    int64
	tallies map[string]tally
}

// rowsOf are the scored rows among new rows: of a journal's changes, what is so now.
func (s *shape) rowsOf(rel *duck.Query) *duck.Query {
	if !s.keyed {
		return rel
	}
	return duck.SQL("(SELECT * FROM {rel} WHERE change_type IN ('insert', 'update_after'))", duck.Args{"rel": rel})
}

// Measure takes in what a version brought.
func (s *session) Measure(ctx context.Context, tx *duck.Tx, version int64, rel *duck.Query) error {
	rows := s.rowsOf(rel)
	if err := s.load(ctx, tx); err != nil {
		return err
	}
	if s.base == nil {
		if made, err := s.first(ctx, tx, version, rows); !made || err != nil {
			return err
		}
	}
	groups, err := s.scan(ctx, tx, s.base, rows, s.group)
	if err != nil {
		return err
	}
	var out records
	for _, g := range groups {
		if g.rows > 0 {
			s.compare(&out, version, g)
		}
		if g.rows > 0 && g.suffix == "" {
			if err := s.drift(ctx, tx, &out, version, g); err != nil {
				return err
			}
		}
	}
	return out.write(ctx, tx, s.decl.Name, version, duck.SQL("metric NOT SIMILAR TO {judged}", duck.Args{"judged": judged}))
}

// load reads the baseline, where the file has it.
func (s *session) load(ctx context.Context, tx *duck.Tx) (err error) {
	if s.base == nil {
		s.base, err = s.kept(ctx, tx)
	}
	return err
}

// first makes the baseline: of the query that the declaration has, or of these rows, where there are any.
func (s *session) first(ctx context.Context, tx *duck.Tx, version int64, rows *duck.Query) (made bool, err error) {
	if s.query("BASELINE") == nil {
		some, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM (FROM {rows} LIMIT 1)", duck.Args{"rows": rows}))
		if err != nil || some == 0 {
			return false, err
		}
	}
	s.base, err = s.make(ctx, tx, version, rows)
	return err == nil, err
}

// scan counts the values of all features, of all rows and of each group.
func (s *shape) scan(ctx context.Context, tx *duck.Tx, base map[string]*bins, rows, by *duck.Query) ([]group, error) {
	features := s.features()
	a := duck.Args{"rows": rows, "by": by, "counts": duck.Each(", ", features, func(f feature) *duck.Query { return base[f.name].count(f) })}
	q := duck.SQL("SELECT NULL::VARCHAR, count(*), {counts} FROM {rows}", a)
	if by != nil {
		a["most"] = maxGroups + 1
		q = duck.SQL("SELECT CASE WHEN grouping(_dsql_g) = 0 THEN _dsql_g END, count(*), {counts} FROM (SELECT *, {by} AS _dsql_g FROM {rows}) "+
			"GROUP BY GROUPING SETS ((), (_dsql_g)) ORDER BY grouping(_dsql_g) DESC, _dsql_g LIMIT {most} + 1", a)
	}
	if err := compute(ctx, tx, q); err != nil {
		return nil, err
	}
	found, err := duck.Select(ctx, tx.Conn, computed, func(row func(...any) error) (g group, err error) {
		var name dbsql.NullString
		texts := make([]dbsql.NullString, len(features))
		dest := []any{&name, &g.rows}
		for i := range texts {
			dest = append(dest, &texts[i])
		}
		if err := row(dest...); err != nil {
			return g, err
		}
		if name.Valid {
			g.suffix = "[" + name.String + "]"
		}
		g.tallies = map[string]tally{}
		for i, f := range features {
			var counted []int64
			if texts[i].Valid {
				if err := json.Unmarshal([]byte(texts[i].String), &counted); err != nil {
					return g, err
				}
			}
			g.tallies[f.name] = base[f.name].tally(f.number, counted)
		}
		return g, nil
	})
	if err == nil && len(found) > maxGroups+1 {
		v := s.decl.Arg("BY")
		return nil, s.fail(v.Span, code.MonitorGroups,
			fmt.Sprintf("a version has more than %d groups, and each is measured by itself", maxGroups),
			"name columns with fewer values in BY, or group them in a column of "+s.Input().Text)
	}
	return found, err
}

// computed is what compute left.
var computed = duck.SQL("FROM temp.dsql_computed")

// compute keeps the result of a long query, in its order. A statement that writes sleeps while DuckDB's threads are at work; who reads a result
// asks all the time whether it is there, on a processor of its own.
func compute(ctx context.Context, tx *duck.Tx, q *duck.Query) error {
	return tx.Run(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE dsql_computed AS {q}", duck.Args{"q": q}))
}

// compare notes what a group's rows show against the baseline.
func (s *session) compare(out *records, version int64, g group) {
	for _, f := range s.features() {
		t, b := g.tallies[f.name], s.base[f.name]
		p, q := shares(t.counts), shares(b.Counts)
		out.metric("psi_"+f.name+g.suffix, psi(p, q))
		out.metric("js_"+f.name+g.suffix, js(p, q))
		out.metric("missing_"+f.name+g.suffix, ratio(g.rows-t.valid, g.rows))
		name, beyond := "unseen_", t.counts[len(t.counts)-1]
		if f.number {
			name, beyond = "outside_", t.outside
		}
		share := ratio(beyond, t.valid)
		if b.Empty {
			share = none
		}
		out.metric(name+f.name+g.suffix, share)
		out.bins(version, f, g.suffix, b, t, q)
	}
}

// none is the value of a metric that isn't known.
var none = math.NaN()

func ratio(n, of int64) float64 {
	if of == 0 {
		return none
	}
	return float64(n) / float64(of)
}

// shares of counts, nil where there is nothing.
func shares(counts []int64) []float64 {
	var sum int64
	for _, c := range counts {
		sum += c
	}
	if sum == 0 {
		return nil
	}
	out := make([]float64, len(counts))
	for i, c := range counts {
		out[i] = float64(c) / float64(sum)
	}
	return out
}

func psi(p, q []float64) float64 {
	if p == nil || q == nil {
		return none
	}
	sum := 0.0
	for i := range p {
		a, b := p[i], q[i]
		if a == 0 && b == 0 { // a bin that neither has: other labels, mostly
			continue
		}
		if a == 0 {
			a = emptyShare
		}
		if b == 0 {
			b = emptyShare
		}
		sum += (a - b) * math.Log(a/b)
	}
	return sum
}

func js(p, q []float64) float64 {
	if p == nil || q == nil {
		return none
	}
	part := func(a, m float64) float64 {
		if a == 0 {
			return 0
		}
		return a * math.Log(a/m)
	}
	sum := 0.0
	for i := range p {
		m := (p[i] + q[i]) / 2
		sum += part(p[i], m) + part(q[i], m)
	}
	return math.Sqrt(max(sum, 0) / 2)
}
