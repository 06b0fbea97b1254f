package view

import (
	"cmp"
	"context"
	dbsql "database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/page"
	"dsql/pipeline/program"
)

// Model is the view of a model.
func (r *Reader) Model(ctx context.Context, f *page.File, o *page.Object) *page.Model {
	v := &page.Model{Object: o, Body: o.Body}
	for _, name := range o.Feeds {
		x := f.Object(name)
		switch {
		case x == nil:
		case x.Kind == "monitor" && v.Monitor == nil && r.watches(name, o.Name):
			v.Monitor = x
		case v.Scores == nil && (x.Kind == "stream" || x.Kind == "journal" || x.Kind == "rollup"):
			v.Scores = x
		}
	}
	if v.Scores != nil {
		for _, c := range v.Scores.Columns {
			if slices.Contains(c.From, page.Ref{Object: o.Name, Column: program.Result}) {
				v.Column = c.Name
			}
		}
	}
	sections(&v.Wrong,
		part{"Versions", func() (err error) {
			v.Versions, err = r.grid(ctx, duck.SQL(`SELECT version, in_use, format, created, left(hash, 12) AS hash, tags FROM dsql.models
				WHERE name = {m} ORDER BY version DESC LIMIT 50`, duck.Args{"m": o.Name}), 50)
			return err
		}},
		part{"What its monitor measured", func() error { return r.measured(ctx, f, v) }})
	return v
}

// watches: the monitor is on the model.
func (r *Reader) watches(monitor, model string) bool {
	n := r.Program.Find("monitor", monitor)
	if n == nil {
		return false
	}
	a := n.Obj.Decl().Arg("ON MODEL")
	return a != nil && len(a.Names) == 1 && strings.EqualFold(a.Names[0].Text, model)
}

// outcomes are measures of how right a model is, what is looked at first.
var outcomes = []string{"auc", "rmse", "accuracy", "brier", "log_loss", "mae", "bias", "precision", "recall"}

// measured is what the monitor put into dsql.metrics.
func (r *Reader) measured(ctx context.Context, f *page.File, v *page.Model) error {
	if v.Monitor == nil {
		return nil
	}
	all, err := r.series(ctx, v.Monitor.Name, 0, duck.SQL("NOT contains(metric, '[')"))
	if err != nil {
		return err
	}
	scored, err := r.scored(ctx, v.Monitor.Name)
	if err != nil {
		return err
	}
	usual, err := r.usual(ctx, v.Monitor.Name)
	if err != nil {
		return err
	}
	seen := map[int64]bool{}
	for name, ps := range all {
		for _, p := range ps {
			seen[p.Version] = true
		}
		input, ok := strings.CutPrefix(name, "psi_")
		if !ok {
			continue
		}
		j, limit := drifted(ps, all["drift_"+input], usual[input], scored)
		d := page.Drift{Input: input, Points: page.Thin(ps, 240), Now: j.now, Usual: limit, Drifts: j.since > 0,
			Missing: lastKnown(all["missing_"+input]), Outside: lastKnown(all["outside_"+input])}
		if math.IsNaN(d.Outside) {
			d.Outside = lastKnown(all["unseen_"+input])
		}
		if input == "score" {
			v.Score = &d
		} else {
			v.Drifts = append(v.Drifts, d)
		}
	}
	slices.SortFunc(v.Drifts, func(a, b page.Drift) int {
		return cmp.Or(cmp.Compare(unusual(b), unusual(a)), cmp.Compare(a.Input, b.Input))
	})
	for version := range seen {
		v.Measured = append(v.Measured, version)
	}
	for _, name := range outcomes {
		if ps := all[name]; len(ps) > 0 {
			is := isMoreWrong
			if name == "auc" || name == "accuracy" || name == "precision" || name == "recall" {
				is = ranksWorse
			}
			v.Outcomes = append(v.Outcomes, page.Outcome{Series: page.Series{Name: name, Points: page.Thin(ps, 480)},
				Worse: name != "bias" && judge(tellable(ps, scored), is).since > 0})
		}
	}
	if err := r.beside(ctx, v); err != nil {
		return err
	}
	slices.Sort(v.Measured)
	if newest := newestOf(v.Measured, scored); len(newest) > 0 {
		first, last := newest[len(newest)-1], newest[0]
		if v.Window = fmt.Sprintf("v%d, %s", last, f.At(last).Format("Jan 2 15:04")); first != last {
			v.Window = fmt.Sprintf("v%d to v%d, %s to %s", first, last, f.At(first).Format("Jan 2 15:04"), f.At(last).Format("Jan 2 15:04"))
		}
		return r.bins(ctx, v, newest)
	}
	return nil
}

// beside adds what the monitor measured of the versions of the model that it compares.
func (r *Reader) beside(ctx context.Context, v *page.Model) error {
	n := r.Program.Find("monitor", v.Monitor.Name)
	if n == nil || n.Obj.Decl().Arg("COMPARE") == nil || len(v.Outcomes) == 0 {
		return nil
	}
	var names []*duck.Query
	versions := n.Obj.Decl().Arg("COMPARE").Names
	for _, o := range v.Outcomes {
		for _, of := range versions {
			names = append(names, duck.Lit(o.Name+"["+of.Text+"]"))
		}
	}
	all, err := r.series(ctx, v.Monitor.Name, 0, duck.SQL("metric IN ({names})", duck.Args{"names": duck.Join(", ", names...)}))
	if err != nil {
		return err
	}
	for i, o := range v.Outcomes {
		for _, of := range versions {
			if ps := all[o.Name+"["+of.Text+"]"]; len(ps) > 0 {
				v.Outcomes[i].Beside = append(v.Outcomes[i].Beside, page.Series{Name: of.Text, Points: page.Thin(ps, 480)})
			}
		}
	}
	return nil
}

// unusual is by how much a drift is.
func unusual(d page.Drift) float64 {
	if math.IsNaN(d.Usual) || math.IsNaN(d.Now) {
		return 0
	}
	return d.Now / d.Usual
}

func lastKnown(ps []page.Point) float64 {
	for _, p := range slices.Backward(ps) {
		if p.Known {
			return p.Value
		}
	}
	return math.NaN()
}

// These many rows are enough for a distribution, and no more versions than these are taken for it.
const (
	manyRows     = 500
	manyVersions = 30
)

// newestOf are the newest versions that have rows enough together, the newest first.
func newestOf(versions []int64, rows map[int64]int64) (out []int64) {
	n := int64(0)
	for _, v := range slices.Backward(versions) {
		if out, n = append(out, v), n+rows[v]; n >= manyRows || len(out) == manyVersions {
			break
		}
	}
	return out
}

// bin is a row of dsql.monitor_bins.
type bin struct {
	version, bin, n    int64
	input              string
	low, high          dbsql.NullFloat64
	label              string
	expected, outcomes float64
}

func scanBin(row func(...any) error) (b bin, err error) {
	return b, row(&b.version, &b.input, &b.bin, &b.low, &b.high, &b.label, &b.n, &b.expected, &b.outcomes)
}

// bins are the distributions of the newest versions, and calibration: of the newest versions whose outcomes are known, and of the first.
func (r *Reader) bins(ctx context.Context, v *page.Model, newest []int64) error {
	a := duck.Args{"m": v.Monitor.Name, "newest": duck.Each(", ", newest, func(n int64) *duck.Query { return duck.Lit(n) })}
	all, err := rows(ctx, r.Conn, duck.SQL(`SELECT max(version), input, bin::BIGINT, any_value(low), any_value(high),
			coalesce(any_value(label), ''), sum(n)::BIGINT AS n, coalesce(sum(expected), 0) AS expected, 0::DOUBLE
		FROM dsql.monitor_bins WHERE monitor = {m} AND version IN ({newest}) AND input <> 'calibration'
		GROUP BY input, bin HAVING any_value(label) IS NULL OR sum(n) > 0 OR sum(expected) > 0 ORDER BY input, bin`, a), scanBin)
	if err != nil {
		return err
	}
	byInput := map[string][]page.Bin{}
	for _, b := range all {
		x := page.Bin{Label: b.label, Now: float64(b.n), Base: b.expected}
		if b.low.Valid {
			x.Low = &b.low.Float64
		}
		if b.high.Valid {
			x.High = &b.high.Float64
		}
		byInput[b.input] = append(byInput[b.input], x)
	}
	for i := range v.Drifts {
		v.Drifts[i].Bins = few(byInput[v.Drifts[i].Input])
	}
	if v.Score != nil {
		v.Score.Bins = few(byInput["score"])
	}
	calibrated, err := rows(ctx, r.Conn, duck.SQL(`SELECT version, input, bin::BIGINT, low, high, '', n, coalesce(expected, 0),
			coalesce(outcomes, 0)::DOUBLE
		FROM dsql.monitor_bins WHERE monitor = {m} AND input = 'calibration' ORDER BY version, bin`, a), scanBin)
	calibrate(v, calibrated)
	return err
}

// few are at most twenty bins: of many labels the greatest, and the rest as one.
func few(bins []page.Bin) []page.Bin {
	const most = 20
	if len(bins) <= most {
		return bins
	}
	bins = slices.Clone(bins)
	slices.SortStableFunc(bins, func(a, b page.Bin) int { return cmp.Compare(b.Now+b.Base, a.Now+a.Base) })
	rest := page.Bin{Label: "others"}
	for _, b := range bins[most-1:] {
		rest.Now, rest.Base = rest.Now+b.Now, rest.Base+b.Base
	}
	return append(bins[:most-1], rest)
}

// calibrate sums the bins of the newest versions that have outcomes enough together, and of the first that have.
func calibrate(v *page.Model, bins []bin) {
	var versions []int64
	classes := map[int64][2]float64{}
	for _, b := range bins {
		if n := len(versions); n == 0 || versions[n-1] != b.version {
			versions = append(versions, b.version)
		}
		c := classes[b.version]
		classes[b.version] = [2]float64{c[0] + b.outcomes, c[1] + float64(b.n) - b.outcomes}
	}
	if len(versions) == 0 {
		return
	}
	known := map[int64]int64{}
	for _, b := range bins {
		known[b.version] += b.n
	}
	newest := newestOf(versions, known)
	slices.Reverse(versions)
	first := newestOf(versions, known)
	sum := func(versions []int64) []page.Calibrated {
		out := make([]page.Calibrated, 10)
		for _, b := range bins {
			if slices.Contains(versions, b.version) && b.bin >= 0 && b.bin < 10 {
				c := &out[b.bin]
				c.All, c.Came, c.Sum = c.All+b.n, c.Came+int64(b.outcomes), c.Sum+b.expected
			}
		}
		return out
	}
	v.Now, v.Base = sum(newest), sum(first)
	for i := range v.Outcomes {
		if v.Outcomes[i].Name == "auc" {
			v.Outcomes[i].Classes = classes
		}
	}
}
