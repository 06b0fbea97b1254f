package page

import (
	"fmt"
	"html/template"
	"math"
)

// Model is the view of a model: what it says, whether it is right, whether it sees what it was trained on.
type Model struct {
	Object   *Object
	Monitor  *Object // nil: nobody watches it
	Scores   *Object // whose rows it scores; nil: nobody's
	Column   string  // of them that has the score
	Versions *Grid   // of the model
	Measured []int64 // versions that the monitor saw
	Score    *Drift  // nil: it isn't measured
	Drifts   []Drift // inputs, the most unusual first
	Outcomes []Outcome
	Now      []Calibrated // of the newest versions
	Base     []Calibrated // of the first
	Window   string       // what now is
	Body     string       // of the object, as it was declared
	Wrong    []Problem
}

// Drift is how far an input is from the baseline.
type Drift struct {
	Input            string
	Points           []Point // PSI by version
	Now, Usual       float64 // of the newest versions; what is unusual begins there
	Drifts           bool
	Missing, Outside float64 // shares; NaN: not known
	Bins             []Bin
}

// Outcome is how right the model is, by one measure.
type Outcome struct {
	Series
	Worse   bool
	Beside  []Series             // of other versions of the model, on the same rows
	Classes map[int64][2]float64 // AUC: how many of either class came, by version
}

// names of measures.
var measures = map[string]string{"auc": "AUC", "brier": "Brier score", "log_loss": "log loss", "mae": "mean absolute error",
	"rmse": "root mean squared error", "r2": "R²", "bias": "bias", "accuracy": "accuracy", "precision": "precision", "recall": "recall"}

func (v *Model) line(s *Site, name string, ps []Point, w, h float64) line {
	return line{name: name, points: ps, versions: v.Measured, file: s.File, w: w, h: h, numbers: true}
}

// PSI is the score's drift.
func (v *Model) PSI(s *Site) template.HTML {
	if v.Score == nil {
		return ""
	}
	c := v.line(s, "Drift of the score (PSI)", v.Score.Points, 480, 120)
	c.zero, c.limit = true, v.Score.limit()
	if v.Score.Drifts {
		c.state = "warn"
	}
	return c.draw()
}

// limit is drawn only where one is known.
func (d Drift) limit() float64 {
	if math.IsNaN(d.Usual) {
		return 0
	}
	return d.Usual
}

// Distribution of the score.
func (v *Model) Distribution() template.HTML {
	if v.Score == nil {
		return ""
	}
	return histogram("the score", v.Score.Bins, 400, 120)
}

// Right draws how right it is, by the first two measures; AlsoRight by the others, small.
func (v *Model) Right(s *Site) (out []template.HTML) {
	for i, o := range v.Outcomes[:min(2, len(v.Outcomes))] {
		out = append(out, v.outcome(s, o, 480, []float64{190, 110}[i]))
	}
	return out
}

// AlsoRight is Right of the other measures.
func (v *Model) AlsoRight(s *Site) (out []template.HTML) {
	for _, o := range v.Outcomes[min(2, len(v.Outcomes)):] {
		out = append(out, v.outcome(s, o, 230, 84))
	}
	return out
}

func (v *Model) outcome(s *Site, o Outcome, w, h float64) template.HTML {
	name := measures[o.Name]
	if name == "" {
		name = o.Name
	}
	c := v.line(s, name, o.Points, w, h)
	c.beside = o.Beside
	if o.Worse {
		c.state = "bad"
	}
	if c.zero = o.Name != "auc" && o.Name != "bias"; o.Classes != nil && len(o.Beside) == 0 { // several lines have no room for a band
		c.band = func(p Point) (float64, float64) {
			n := o.Classes[p.Version]
			return hanleyMcNeil(p.Value, n[0], n[1])
		}
	}
	return c.draw()
}

// Outcome says that some outcomes are known.
func (v *Model) Outcome() bool {
	for _, o := range v.Outcomes {
		if tell(o.Points).known > 0 {
			return true
		}
	}
	return false
}

// Calibration is the plot of it, where classes are scored.
func (v *Model) Calibration() template.HTML {
	if v.Known() == 0 {
		return ""
	}
	return calibration(v.Now, v.Base, 400, 330)
}

// Known is how many outcomes are known of the newest versions; KnownBefore of the first.
func (v *Model) Known() int64 { return count(v.Now) }

// KnownBefore is Known of the versions that it is compared with.
func (v *Model) KnownBefore() int64 { return count(v.Base) }

func count(cs []Calibrated) (n int64) {
	for _, c := range cs {
		n += c.All
	}
	return n
}

// CalibrationRow is a bin as a row of a table.
type CalibrationRow struct {
	Bin                  string
	Predicted, Came      string
	All                  int64
	PredictedBase, CameB string
	AllBase              int64
}

// CalibrationRows are the plot's numbers.
func (v *Model) CalibrationRows() (out []CalibrationRow) {
	at := func(cs []Calibrated, i int) (c Calibrated) {
		if i < len(cs) {
			c = cs[i]
		}
		return c
	}
	for i := range max(len(v.Now), len(v.Base)) {
		n, b := at(v.Now, i), at(v.Base, i)
		out = append(out, CalibrationRow{fmt.Sprintf("%d–%d%s%%", i*10, i*10+10, thin), percent(n.predicted()), percent(n.rate()), n.All,
			percent(b.predicted()), percent(b.rate()), b.All})
	}
	return out
}

// DriftFigure is an input: its PSI, and its distribution.
type DriftFigure struct {
	Drift
	State       string
	Chart, Hist template.HTML
}

// Inputs are the figures of all inputs.
func (v *Model) Inputs(s *Site) (out []DriftFigure) {
	for _, d := range v.Drifts {
		f := DriftFigure{Drift: d}
		c := v.line(s, d.Input, d.Points, 230, 84)
		c.numbers, c.zero, c.limit, c.most = false, true, d.limit(), max(1, 3*d.limit())
		if d.Drifts {
			f.State, c.state = "warn", "warn"
		}
		f.Chart, f.Hist = c.draw(), histogram(d.Input, d.Bins, 150, 84)
		out = append(out, f)
	}
	return out
}

// Advice is the statement that would watch the model.
func (v *Model) Advice() string {
	scores, column := "scores", "score"
	if v.Scores != nil {
		scores = v.Scores.Name
	}
	if v.Column != "" {
		column = v.Column
	}
	return fmt.Sprintf("CREATE MONITOR %s_health ON MODEL %s FROM %s PREDICTION %s\n  ACTUALS (SELECT id, came_true FROM outcomes) ON (id);",
		v.Object.Name, v.Object.Name, scores, column)
}

// Facts are the model's, in a line.
func (v *Model) Facts(s *Site) (out []Fact) {
	if v.Object.Info != "" {
		out = append(out, Fact{Name: "format", Value: v.Object.Info})
	}
	for _, t := range v.Object.Tags {
		out = append(out, Fact{Name: t.Name, Value: cut(t.Value, 60)})
	}
	if v.Scores != nil {
		out = append(out, Fact{Name: "scores", Value: v.Scores.Name, Href: s.Object(v.Scores.Name)})
	}
	if v.Monitor != nil {
		out = append(out, Fact{Name: "watched by", Value: v.Monitor.Name, Href: s.Object(v.Monitor.Name)})
	}
	return out
}
