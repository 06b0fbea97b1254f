package watch

import (
	"context"
	"encoding/json"
	"math"
	"slices"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/sql"
)

// The baseline is cut into bins once, and kept: what is measured of all versions is measured with the same bins. Numbers have ten, cut at
// the baseline's deciles (linear interpolation; a bin has its upper end), labels one each, the maxLabels most frequent of them, and one
// for all others.

// maxLabels bounds what is kept of a text's values.
const maxLabels = 1000

// bins are those of a feature.
type bins struct {
	Edges     []float64 `json:"edges,omitempty"` // numbers: the upper ends of all bins but the last
	Low, High float64   // numbers: the least and the greatest of the baseline
	Labels    []string  `json:"labels,omitempty"` // in the order of their bytes
	Counts    []int64   `json:"counts"`           // of the baseline, a number a bin; the last is that of all other labels
	Empty     bool      `json:"empty,omitempty"`  // the baseline has no values
	Usual     float64   `json:"usual,omitempty"`  // the psi that 95 % of the baseline's own versions stay below; 0: it has none
	Since     int64     `json:"since,omitempty"`  // the first version that was measured with these bins
}

// n is how many bins there are.
func (b *bins) n(number bool) int {
	if number {
		return len(b.Edges) + 1
	}
	return len(b.Labels) + 1
}

// stops are the boundaries that DuckDB is to count between: those of the bins, and the baseline's ends.
func (b *bins) stops() []float64 {
	out := append(slices.Clone(b.Edges), math.Nextafter(b.Low, math.Inf(-1)), b.High)
	slices.Sort(out)
	return slices.Compact(out)
}

// tally is what is counted of a feature over some rows.
type tally struct {
	counts  []int64 // a number a bin
	valid   int64   // values that are no NULL and no NaN
	outside int64   // of numbers: below the least or above the greatest of the baseline
}

// tally reads what DuckDB counted: of labels each, of numbers all and those above each stop.
func (b *bins) tally(number bool, counted []int64) tally {
	t := tally{counts: make([]int64, b.n(number))}
	if !number {
		copy(t.counts, counted)
		for _, c := range counted {
			t.valid += c
		}
		return t
	}
	if len(counted) < 2 { // no rows
		return t
	}
	t.valid = counted[0]
	stops := b.stops()
	for i, left := range counted {
		c, end := left, math.Inf(1)
		if i < len(stops) {
			c, end = left-counted[i+1], stops[i]
		}
		if end < b.Low || end > b.High {
			t.outside += c
		}
		bin, _ := slices.BinarySearch(b.Edges, end)
		t.counts[bin] += c
	}
	return t
}

// count is an expression that counts a feature's values, as a text of a list.
func (b *bins) count(f feature) *duck.Query {
	a := duck.Args{"v": f.value}
	if f.number {
		return duck.SQL("CAST(dsql_above({v}, CAST([{stops}] AS DOUBLE[])) AS VARCHAR)", duck.Args{"v": f.plain,
			"stops": duck.Each(", ", b.stops(), func(x float64) *duck.Query { return duck.Lit(x) })})
	}
	a["labels"] = duck.Each(", ", b.Labels, func(l string) *duck.Query { return duck.Lit("v" + l) })
	return duck.SQL("CAST(map_values(histogram_exact({v}, CAST([{labels}] AS VARCHAR[]))) AS VARCHAR)", a)
}

// kept is the baseline as the file has it; nil: it is to be made.
func (s *shape) kept(ctx context.Context, tx *duck.Tx) (map[string]*bins, error) {
	var text string
	ok, err := tx.Scan(ctx, duck.SQL("SELECT CAST(bins AS VARCHAR) FROM dsql.monitor_baselines WHERE monitor = {m} AND declared = {d}",
		duck.Args{"m": s.decl.Name, "d": s.fingerprint()}), &text)
	if err != nil || !ok {
		return nil, err
	}
	out := map[string]*bins{}
	return out, json.Unmarshal([]byte(text), &out)
}

// fingerprint tells what a baseline was made of: another declaration has another.
func (s *shape) fingerprint() string { return sql.Fingerprint(s.decl.Text()) }

// make cuts the baseline into bins and keeps them. rows are those of the first version, where the declaration has no BASELINE.
func (s *shape) make(ctx context.Context, tx *duck.Tx, version int64, rows *duck.Query) (map[string]*bins, error) {
	if q := s.query("BASELINE"); q != nil {
		rows = duck.SQL("({q})", duck.Args{"q": q})
	}
	out := map[string]*bins{}
	for _, f := range s.features() {
		out[f.name] = &bins{Since: version}
	}
	if err := s.cut(ctx, tx, out, rows); err != nil {
		return nil, err
	}
	groups, err := s.scan(ctx, tx, out, rows, nil)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		for name, t := range g.tallies {
			out[name].Counts = t.counts
		}
	}
	if err := s.usual(ctx, tx, out, rows); err != nil {
		return nil, err
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	a := duck.Args{"m": s.decl.Name, "d": s.fingerprint(), "bins": string(text)}
	return out, tx.Run(ctx, duck.SQL("DELETE FROM dsql.monitor_baselines WHERE monitor = {m}", a),
		duck.SQL("INSERT INTO dsql.monitor_baselines VALUES ({m}, {d}, {bins})", a))
}

// usualVersions bounds how many of the baseline's versions, the newest, are measured against the whole of it.
const usualVersions = 200

// usual finds how far the baseline's own versions are from all of it: what holds a day is far from a month each time. Without a column
// _version in the baseline, or with one version alone, nothing is known of that.
func (s *shape) usual(ctx context.Context, tx *duck.Tx, base map[string]*bins, rows *duck.Query) error {
	if s.query("BASELINE") == nil {
		return nil
	}
	cols, err := tx.Describe(ctx, s.query("BASELINE"), s.place("BASELINE"))
	if err != nil || !slices.Contains(duck.ColumnNames(cols), catalog.VersionColumn) {
		return err
	}
	a := duck.Args{"rows": rows, "v": duck.Ident(catalog.VersionColumn), "n": usualVersions}
	if n, err := tx.Int(ctx, duck.SQL("SELECT count(DISTINCT {v}) FROM {rows}", a)); err != nil || n < 2 {
		return err
	}
	own := duck.SQL("(SELECT * FROM {rows} WHERE {v} IN (SELECT DISTINCT {v} FROM {rows} ORDER BY 1 DESC LIMIT {n}))", a)
	groups, err := s.scan(ctx, tx, base, own, duck.SQL("CAST({v} AS VARCHAR)", a))
	if err != nil {
		return err
	}
	for name, b := range base {
		var found []float64
		for _, g := range groups {
			if x := psi(shares(g.tallies[name].counts), shares(b.Counts)); g.suffix != "" && !math.IsNaN(x) {
				found = append(found, x)
			}
		}
		b.Usual = quantile(found, 0.95)
	}
	return nil
}

// quantile by linear interpolation, as numpy has it; 0 of nothing.
func quantile(xs []float64, q float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	slices.Sort(xs)
	at := q * float64(len(xs)-1)
	i := int(at)
	if i == len(xs)-1 {
		return xs[i]
	}
	return xs[i] + (xs[i+1]-xs[i])*(at-float64(i))
}

// heldAtOnce is how many values are held at a time to find deciles.
const heldAtOnce = 16 << 20

// cut finds the bins of all features.
func (s *shape) cut(ctx context.Context, tx *duck.Tx, base map[string]*bins, rows *duck.Query) error {
	var numbers []feature
	for _, f := range s.features() {
		if f.number {
			numbers = append(numbers, f)
			continue
		}
		b := base[f.name]
		labels, err := duck.Select(ctx, tx.Conn,
			duck.SQL("SELECT substr(x, 2) FROM (SELECT {v} AS x FROM {rows}) WHERE x IS NOT NULL GROUP BY x "+
				"ORDER BY count(*) DESC, x LIMIT {max}", duck.Args{"v": f.value, "rows": rows, "max": maxLabels}),
			func(row func(...any) error) (l string, err error) { return l, row(&l) })
		if err != nil {
			return err
		}
		slices.Sort(labels)
		b.Labels, b.Empty = labels, len(labels) == 0
	}
	n, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {rows}", duck.Args{"rows": rows}))
	if err != nil {
		return err
	}
	for some := range slices.Chunk(numbers, int(max(1, heldAtOnce/max(1, n)))) {
		if err := cutNumbers(ctx, tx, some, base, rows); err != nil {
			return err
		}
	}
	return nil
}

// cutNumbers finds the bins of some numbers.
func cutNumbers(ctx context.Context, tx *duck.Tx, features []feature, base map[string]*bins, rows *duck.Query) error {
	found := duck.Each(", ", features, func(f feature) *duck.Query { return duck.SQL("dsql_deciles({v})", duck.Args{"v": f.plain}) })
	if err := compute(ctx, tx, duck.SQL("SELECT CAST(to_json([{found}]) AS VARCHAR) FROM {rows}",
		duck.Args{"found": found, "rows": rows})); err != nil {
		return err
	}
	var at [][]float64
	if err := scanJSON(ctx, tx, computed, &at); err != nil {
		return err
	}
	for i, f := range features {
		b := base[f.name]
		if b.Empty = len(at[i]) < 2; !b.Empty {
			b.deciles(at[i][1:], int64(at[i][0]))
		}
	}
	return nil
}

// scanJSON reads the one value that a query gives.
func scanJSON(ctx context.Context, tx *duck.Tx, q *duck.Query, dest any) error {
	var text string
	if _, err := tx.Scan(ctx, q, &text); err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), dest)
}

// deciles cuts at those of n values; at are the least, the neighbours of each decile, and the greatest.
func (b *bins) deciles(at []float64, n int64) {
	b.Low, b.High = at[0], at[len(at)-1]
	for d := 1; d < 10; d++ {
		below, above, t := at[2*d-1], at[2*d], 0.0
		_, t = math.Modf(float64(n-1) * (float64(d) / 10))
		edge := below + (above-below)*t
		if t >= 0.5 { // as numpy has it: never beyond a neighbour
			edge = above - (above-below)*(1-t)
		}
		b.Edges = append(b.Edges, edge)
	}
	b.Edges = slices.Compact(b.Edges)
}

// forget takes out of the file what only the monitor reads.
func (m *monitor) forget(ctx context.Context, tx *duck.Tx) error {
	a := duck.Args{"m": m.decl.Name}
	return tx.Run(ctx, duck.SQL("DELETE FROM dsql.monitor_baselines WHERE monitor = {m}", a),
		duck.SQL("DELETE FROM dsql.monitor_outcomes WHERE monitor = {m}", a),
		duck.SQL("DELETE FROM dsql.monitor_bins WHERE monitor = {m}", a))
}
