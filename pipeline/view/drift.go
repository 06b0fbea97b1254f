package view

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/page"
)

// A PSI of 0.2 is a lot, and a version that holds one day has 8 for the day of the week, each time, and nothing is wrong. So an input
// drifts when its PSI lies above 0.2 and above what it was in the first versions.

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
	all, err := rows(ctx, r.Conn, duck.SQL(`WITH m AS MATERIALIZED (SELECT metric, version, value FROM dsql.metrics
			WHERE destination = {of} AND {only} AND version IS NOT NULL),
		v AS (SELECT version, row_number() OVER (ORDER BY version) - 1 AS i, count(*) OVER () AS n FROM (SELECT DISTINCT version FROM m)),
		b AS (SELECT metric, (CASE WHEN n <= {n} THEN i ELSE i * ({n} // 2) // n END)::INTEGER AS bucket, any_value(version) AS v0,
			arg_min(version, value) AS v1, min(value) AS lo, arg_max(version, value) AS v2, max(value) AS hi
			FROM m JOIN v USING (version) GROUP BY metric, bucket)
		SELECT metric, string_agg(concat_ws(' ', coalesce(v1, v0), lo, v2, hi), ';') FROM b GROUP BY metric`, a), pair)
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

// usual is the PSI that 95 % of the baseline's own versions stay below, by input; of a baseline that is one version nothing.
func (r *Reader) usual(ctx context.Context, monitor string) (map[string]float64, error) {
	all, err := rows(ctx, r.Conn,
		duck.SQL("SELECT bins::VARCHAR, '' FROM dsql.monitor_baselines WHERE monitor = {m}", duck.Args{"m": monitor}), pair)
	out := map[string]float64{}
	for _, x := range all {
		var bins map[string]struct{ Usual float64 }
		if err := json.Unmarshal([]byte(x[0]), &bins); err != nil {
			return nil, err
		}
		for name, b := range bins {
			if b.Usual > 0 {
				out[name] = b.Usual
			}
		}
	}
	return out, err
}

// drifted judges an input: usual is what the baseline shows, 0 where it shows nothing.
func drifted(psi, drift []page.Point, usual float64, scored map[int64]int64) (j judged, limit float64) {
	if usual == 0 || len(drift) == 0 {
		if j = judge(tellable(psi, scored), drifts); !j.some {
			return j, math.NaN()
		}
		return j, limitOf(j.first)
	}
	limit = limitOf([]float64{usual})
	for _, p := range drift {
		if !p.Known {
			continue
		}
		j.now, j.some = p.Value*limit, true // the median of five, as the monitor has it
		if p.Value <= 1 {
			j.since = 0
		} else if j.since == 0 {
			j.since = p.Version
		}
	}
	return j, limit
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
		usual, err := r.usual(ctx, m)
		if err != nil {
			return err
		}
		all, err := r.series(ctx, m, 0, duck.SQL("((starts_with(metric, 'psi_') OR starts_with(metric, 'drift_')) AND NOT contains(metric, '[') "+
			"OR metric IN ('auc', 'rmse', 'accuracy'))"))
		if err != nil {
			return err
		}
		names := make([]string, 0, len(all))
		for name := range all {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			f := page.Finding{Object: m, Name: name}
			if input, ok := strings.CutPrefix(name, "psi_"); ok {
				j, limit := drifted(all[name], all["drift_"+input], usual[input], scored)
				drift(&f, input, j, limit, at)
			} else if !strings.HasPrefix(name, "drift_") {
				outcome(&f, tellable(all[name], scored), at)
			}
			if f.Text != "" {
				f.Line = page.Thin(all[name], 150)
				*out = append(*out, f)
			}
		}
	}
	return nil
}

// drift says that an input drifts, where it does.
func drift(f *page.Finding, input string, j judged, limit float64, at map[int64]string) {
	if j.since > 0 {
		f.Kind, f.Name, f.Text, f.Value = "drift", input, "drifts: PSI", page.Decimal(j.now)
		f.Note = "usually below " + page.Decimal(limit) + " · since " + sayWhen(j.since, at[j.since])
	}
}

// outcome says that a model is less right than it was, by one measure, where it is.
func outcome(f *page.Finding, ps []page.Point, at map[int64]string) {
	is, text, side, q := ranksWorse, "is worse than it was", "above", .05
	if f.Name == "rmse" {
		is, text, side, q = isMoreWrong, "is more wrong than it was", "below", .95
	}
	if j := judge(ps, is); j.since > 0 {
		f.Bad, f.Kind, f.Text, f.Value = true, "outcome", text, page.Decimal(j.now)
		f.Note = "usually " + side + " " + page.Decimal(page.Quantile(j.first, q)) + " · since " + sayWhen(j.since, at[j.since])
	}
}
