// Package watch is CREATE MONITOR: it measures each version of the rows that a model scored, once it is committed, against a baseline and,
// as they become known, against the outcomes. What it finds stands in dsql.metrics under the monitor's name, and by bin in
// dsql.monitor_bins. CREATE ALERT and CREATE EXPERIMENT stand here too. It owns the formulas and those tables; which versions are due, and
// when outcomes are looked at, is the pipeline's.
package watch

import (
	"context"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Kind is CREATE MONITOR.
var Kind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "MONITOR", Plural: "MONITORS",
		Clauses: []sql.Clause{
			{Keyword: "ON MODEL", Arg: sql.ArgName, Required: true, Doc: "the model; its inputs are the columns of their names"},
			{Keyword: "FROM", Arg: sql.ArgName, Required: true, Doc: "the stream or journal of the scored rows"},
			{Keyword: "PREDICTION", Arg: sql.ArgExpr, Required: true, Doc: "the column, or an expression of columns, that has the score"},
			{Keyword: "BY", Arg: sql.ArgNames, Doc: "(columns): all is measured of each group too, as auc[aa]"},
			{Keyword: "ACTUALS", Arg: sql.ArgParen, Doc: "(query): the ON columns and what came of them, one row each"},
			{Keyword: "ON", Arg: sql.ArgNames, Doc: "(columns): what a scored row and its outcome have in common"},
			{Keyword: "BASELINE", Arg: sql.ArgParen,
				Doc: "(query): rows as they should be, with the columns of the scored rows; without it the first version that is measured"},
			{Keyword: "THRESHOLD", Arg: sql.ArgExpr, Doc: "from which score on a row is told to be of the class; 0.5 by default"},
			{Keyword: "COMPARE", Arg: sql.ArgNames,
				Doc: "(late_risk_v1, late_risk_v2): versions of the model that are measured beside it, on the same rows"},
		},
		Doc: "Measures each version of what a model scored: how scores and inputs are distributed against a baseline, and how right the " +
			"scores are, once outcomes are known.",
		Example: `CREATE MODEL late_risk FROM 'models/late.txt';
CREATE SOURCE flights_in (id INTEGER, dep_delay DOUBLE, distance DOUBLE, late BOOLEAN) FROM FILES ('flights/*.csv', format csv, header true);
CREATE STREAM scores AS SELECT id, dep_delay, distance, late_risk(dep_delay, distance) AS risk FROM flights_in;
CREATE STREAM outcomes AS SELECT id, late FROM flights_in;
CREATE MONITOR health ON MODEL late_risk FROM scores PREDICTION risk ACTUALS (SELECT id, late FROM outcomes) ON (id)`,
	},
	Compile: compile,
}

// monitor is a compiled CREATE MONITOR.
type monitor struct {
	decl *sql.Decl
}

// compile sees that clauses that need each other are there.
func compile(d *sql.Decl) (kind.Object, error) {
	m := &monitor{decl: d}
	var errs sql.List
	for _, pair := range [][2]string{{"ACTUALS", "ON"}, {"ON", "ACTUALS"}, {"THRESHOLD", "ACTUALS"}} {
		if v := d.Arg(pair[0]); v != nil && d.Arg(pair[1]) == nil {
			errs = append(errs, m.fail(v.Keyword, code.MissingClause, pair[0]+" of a monitor needs "+pair[1],
				"write ACTUALS (SELECT id, late FROM outcomes) ON (id)"))
		}
	}
	return m, errs.Err()
}

func (m *monitor) fail(at sql.Span, c code.Code, msg, hint string) *sql.Error {
	return m.decl.At(at).Errorf(c, "%s", msg).WithHint(hint)
}

func (m *monitor) Decl() *sql.Decl { return m.decl }

// Input is what it watches.
func (m *monitor) Input() sql.Name { return m.decl.Arg("FROM").Names[0] }

// Calls are the model and what it is compared with: see kind.Caller.
func (m *monitor) Calls() (names []string) {
	for _, n := range append([]sql.Name{m.model()}, m.names("COMPARE")...) {
		names = append(names, n.Text)
	}
	return names
}

func (m *monitor) model() sql.Name { return m.decl.Arg("ON MODEL").Names[0] }

func (m *monitor) names(clause string) []sql.Name {
	if v := m.decl.Arg(clause); v != nil {
		return v.Names
	}
	return nil
}

// query is the user's in a clause, nil where it isn't there.
func (m *monitor) query(clause string) *duck.Query {
	v := m.decl.Arg(clause)
	if v == nil {
		return nil
	}
	return duck.User(m.decl.Src, v.Exprs[0])
}

func (m *monitor) place(clause string) sql.Place {
	return m.decl.At(m.decl.Arg(clause).Exprs[0])
}

// Explain says what is measured.
func (m *monitor) Explain(context.Context, *duck.Conn, kind.Stored) (string, error) {
	var b strings.Builder
	b.WriteString("behind each version of " + m.Input().Text + ", over what it brought:\n")
	b.WriteString("  psi_, js_, missing_ of the score and of each input of " + m.model().Text + "; outside_ of numbers, unseen_ of labels\n")
	if m.decl.Arg("ACTUALS") != nil {
		b.WriteString("behind new rows of what ACTUALS reads, of each version whose outcomes are others than before:\n")
		b.WriteString("  of classes auc, log_loss, brier, calibration_0 … calibration_9, precision, recall; of values mae, rmse, r2, bias\n")
	}
	return b.String(), nil
}

// Drop takes the baseline out of the file, and the counts by bin. The metrics stay: they are history.
func (m *monitor) Drop(ctx context.Context, tx *duck.Tx) error {
	return m.forget(ctx, tx)
}
