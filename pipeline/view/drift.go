package view

import (
	"context"
	"math"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/page"
)

// A PSI of 0.2 is a lot, and a version that holds one day has 8 for the day of the week, each time, and nothing is wrong. So an input
// drifts
// when its PSI lies above 0.2 and above what it was in the first versions.

const (
	muchDrift = 0.2
	margin    = 1.25
	enough    = 4    // values, before anything is said
	muchWorse = 0.02 // of an AUC
)

// judged is a metric's newest values against its first.
type judged struct {
	now   float64
	first []float64 // NaN, or what the first third of the versions had
	since int64     // where what is now began
	some  bool      // there are enough
}

// judge compares the median of the newest values with the first third. is says whether a median is of what is unusual.
func judge(ps []page.Point, is func(now float64, first []float64) bool) (j judged) {
	var known []page.Point
	for _, p := range ps {
		if p.Known {
			known = append(known, p)
		}
	}
	n := len(known)
	if n == 0 {
		return judged{now: math.NaN()}
	}
	window := 1
	switch {
	case n >= 20:
		window = 5
	case n >= 10:
		window = 3
	}
	middle := func(ps []page.Point) float64 {
		var v []float64
		for _, p := range ps {
			v = append(v, p.Value)
		}
		return page.Quantile(v, .5)
	}
	j.now, j.some = middle(known[n-window:]), n >= enough
	for _, p := range known[:max(1, n/3, min(n-window, 3))] {
		j.first = append(j.first, p.Value)
	}
	for i := n; i >= window && j.some && is(middle(known[i-window:i]), j.first); i-- {
		j.since = known[i-window+window/2].Version // the half of the window that tips the median
	}
	return j
}

// limitOf is where a PSI begins to be unusual.
func limitOf(first []float64) float64 { return max(muchDrift, margin*page.Quantile(first, .95)) }

func drifts(now float64, first []float64) bool { return now > limitOf(first) }

// ranksWorse: of an AUC; isMoreWrong: of what is the better the smaller it is.
func ranksWorse(now float64, first []float64) bool {
	return now < page.Quantile(first, .05)-muchWorse
}

func isMoreWrong(now float64, first []float64) bool {
	return now > margin*page.Quantile(first, .95)
}

// series are metrics of a destination or monitor, whole or thinned to the least and greatest of each of n/2 buckets (0: whole). One text a
// metric: rows are what costs on the way to Go.
func (r *Reader) series(ctx context.Context, of string, n int64, only *duck.Query) (map[string][]page.Point, error) {
	a := duck.Args{"of": of, "n": n, "only": only}
	if n == 0 {
		a["n"] = int64(math.MaxInt32)
	}
	all, err := rows(ctx, r.Conn, duck.SQL(`WITH v AS (SELECT version, row_number() OVER (ORDER BY version) - 1 AS i, count(*) OVER
			() AS n
			FROM (SELECT DISTINCT version FROM dsql.metrics WHERE destination = {of} AND version IS NOT NULL)),
		m AS (SELECT metric, m.version, value, CASE WHEN n <= {n} THEN i ELSE i * ({n} // 2) // n END AS bucket
			FROM dsql.metrics m JOIN v USING (version) WHERE destination = {of} AND {only}),
		b AS (SELECT metric, bucket, coalesce(arg_min(version, value), any_value(version)) AS v1, min(value) AS lo, arg_max(version,
			value) AS v2,
			max(value) AS hi FROM m GROUP BY metric, bucket)
		SELECT metric, string_agg(concat_ws(' ', v1, lo, v2, hi), ';' ORDER BY bucket) FROM b GROUP BY metric ORDER BY metric`, a), pair)
	out := map[string][]page.Point{}
	for _, m := range all {
		out[m[0]] = points(m[1])
	}
	return out, err
}

// fewRows of a version tell nothing: among ten bins some are empty by chance, and each empty one is drift.
const fewRows = 100

// scored is how many rows each version has that a monitor sees.
func (r *Reader) scored(ctx context.Context, monitor string) (map[int64]int64, error) {
	n := r.Program.Find("monitor", monitor)
	if n == nil || len(n.Inputs) == 0 {
		return nil, nil
	}
	var text string
	_, err := r.Conn.Scan(ctx,
		duck.SQL(`SELECT coalesce(string_agg(version || ' ' || coalesce(written, 0), ';'), '') FROM dsql.version_rows WHERE name = {of}`,
			duck.Args{"of": n.Inputs[0].Of.Name}), &text)
	out := map[int64]int64{}
	for _, x := range numbers(text) {
		out[x[0]] = x[1]
	}
	return out, err
}

// tellable are the points of versions with rows enough; all of them where too few have.
func tellable(ps []page.Point, scored map[int64]int64) []page.Point {
	var out []page.Point
	known := 0
	for _, p := range ps {
		if scored[p.Version] >= fewRows {
			if out = append(out, p); p.Known {
				known++
			}
		}
	}
	if known < enough {
		return ps
	}
	return out
}

// monitors are those of the file.
func (r *Reader) monitors() (names []string) {
	for _, n := range r.Program.Nodes {
		if n.Kind == "monitor" {
			names = append(names, n.Name)
		}
	}
	return names
}

// watched are the inputs that drift, and models that are less right than they were.
func (r *Reader) watched(ctx context.Context, out *[]page.Finding) error {
	at := map[int64]string{}
	if len(r.monitors()) == 0 {
		return nil
	}
	times, err := rows(ctx, r.Conn, duck.SQL("SELECT version::VARCHAR, epoch_us(committed_at)::VARCHAR FROM dsql.versions"), pair)
	if err != nil {
		return err
	}
	for _, t := range times {
		for _, n := range numbers(t[0]) {
			at[n[0]] = t[1]
		}
	}
	for _, m := range r.monitors() {
		scored, err := r.scored(ctx, m)
		if err != nil {
			return err
		}
		all, err := r.series(ctx, m, 0,
			duck.SQL("(starts_with(metric, 'psi_') AND NOT contains(metric, '[') OR metric IN ('auc', 'rmse', 'accuracy'))"))
		if err != nil {
			return err
		}
		names := make([]string, 0, len(all))
		for name := range all {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if f := finding(m, name, tellable(all[name], scored), at); f.Text != "" {
				f.Line = page.Thin(all[name], 150)
				*out = append(*out, f)
			}
		}
	}
	return nil
}

// finding is what a metric of a monitor tells, without a text where it tells nothing.
func finding(monitor, metric string, ps []page.Point, at map[int64]string) page.Finding {
	f := page.Finding{Object: monitor, Name: metric}
	input, psi := strings.CutPrefix(metric, "psi_")
	switch {
	case psi:
		if j := judge(ps, drifts); j.since > 0 {
			f.Kind, f.Name, f.Text, f.Value = "drift", input, "drifts: PSI", page.Decimal(j.now)
			f.Note = "usually below " + page.Decimal(limitOf(j.first)) + " · since " + sayWhen(j.since, at[j.since])
		}
	case metric == "rmse":
		if j := judge(ps, isMoreWrong); j.since > 0 {
			f.Bad, f.Kind, f.Text, f.Value = true, "outcome", "is more wrong than it was", page.Decimal(j.now)
			f.Note = "usually below " + page.Decimal(page.Quantile(j.first, .95)) + " · since " + sayWhen(j.since, at[j.since])
		}
	default:
		if j := judge(ps, ranksWorse); j.since > 0 {
			f.Bad, f.Kind, f.Text, f.Value = true, "outcome", "is worse than it was", page.Decimal(j.now)
			f.Note = "usually above " + page.Decimal(page.Quantile(j.first, .05)) + " · since " + sayWhen(j.since, at[j.since])
		}
	}
	return f
}
