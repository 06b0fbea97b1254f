package models

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/models/model"
	"dsql/models/stored"
	"dsql/sql/code"
)

var _ kind.Describer = (*declared)(nil)

// Describe has the arguments of the version in use in their order, what they were in training and are in the file, and what it gives.
func (m *declared) Describe(ctx context.Context, c *duck.Conn, fed kind.Fed) (*duck.Query, error) {
	fns, err := versionsIn(ctx, c, m.decl.Name)
	if err != nil {
		return nil, err
	}
	vs, err := versions(ctx, c, m.decl.Name)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(vs, func(v version) bool { return v.InUse })
	if at < 0 || at >= len(fns) {
		return nil, m.decl.Errorf(code.UnknownVersion, "no version of %s is in use", m.decl.Name).
			WithHint("ALTER MODEL " + m.decl.Name + " USE VERSION n")
	}
	f := fns[at]
	seen := f.seen()
	given, err := f.given(ctx, c, fed, seen)
	if err != nil {
		return nil, err
	}
	rows := make([]*duck.Query, 0, len(f.sig.Inputs)+1)
	for i, in := range f.sig.Inputs {
		rows = append(rows, duck.SQL("({n}, {t}, {role}, {seen}, {given}, {warning})",
			duck.Args{"n": in.Name, "t": in.Type, "role": fmt.Sprintf("argument %d", i+1), "seen": orNull(seen[i].Seen),
				"given": orNull(given[i].text), "warning": orNull(given[i].warning)}))
	}
	rows = append(rows, duck.SQL("({n}, {t}, 'result', NULL, NULL, NULL)", duck.Args{"n": f.sig.Output.String(), "t": string(f.sig.Returns)}))
	return duck.SQL("FROM (VALUES {rows}) t(column_name, column_type, role, trained_on, given, warning)",
		duck.Args{"rows": duck.Join(", ", rows...)}), nil
}

func orNull(text string) *duck.Query {
	if text == "" {
		return duck.SQL("NULL::VARCHAR")
	}
	return duck.Lit(text)
}

// seen are the inputs with what their values were in training, where the file tells that.
func (f function) seen() []model.Input {
	out := make([]model.Input, len(f.sig.Inputs))
	if f.how != nil {
		return out
	}
	if m, err := f.load(); err == nil { // else its library isn't here: what it takes is known all the same
		copy(out, m.Inputs())
	}
	return out
}

// values are those of the columns that an input is given: their ranges, and what of them lies outside of the training's.
type values struct{ text, warning string }

// given looks at the columns of the file whose values the inputs are given. What training knows no range of isn't compared, nor read.
func (f function) given(ctx context.Context, c *duck.Conn, fed kind.Fed, seen []model.Input) ([]values, error) {
	out := make([]values, len(seen))
	if !slices.ContainsFunc(seen, func(in model.Input) bool { return in.Ranged }) {
		return out, nil
	}
	names := make([]string, len(seen))
	for i, in := range f.sig.Inputs {
		names[i] = in.Name
	}
	held, err := fed(ctx, []string{f.name, f.versionName(), stored.ReasonsName(f.name)}, names) // other versions were trained on something else
	if err != nil {
		return nil, err
	}
	for i, in := range seen {
		if !in.Ranged || i >= len(held) {
			continue
		}
		var texts, warnings []string
		for _, h := range held[i] {
			text, warning, err := f.outside(ctx, c, h, in)
			if err != nil {
				return nil, err
			}
			texts = append(texts, text)
			if warning != "" {
				warnings = append(warnings, warning)
			}
		}
		out[i] = values{strings.Join(texts, "; "), strings.Join(warnings, "; ")}
	}
	return out, nil
}

// outside compares a column with the range of the training. Missing values aren't in it, nor outside.
func (f function) outside(ctx context.Context, c *duck.Conn, h kind.Held, in model.Input) (text, warning string, err error) {
	missing := math.NaN()
	if f.missing != nil {
		missing = *f.missing
	}
	var n, below, above int64
	var low, high float64
	_, err = c.Scan(ctx, duck.SQL(`SELECT count(*), count(*) FILTER (v < {low}), count(*) FILTER (v > {high}), coalesce(min(v), 0), coalesce(max(v), 0)
		FROM (SELECT TRY_CAST({col} AS DOUBLE) AS v FROM {table}) WHERE NOT isnan(v) AND v <> {missing}`,
		duck.Args{"low": in.Low, "high": in.High, "missing": missing, "col": duck.Ident(h.Column), "table": duck.Ident(h.Table)}),
		&n, &below, &above, &low, &high)
	name := h.Table + "." + h.Column
	if err != nil || n == 0 {
		return name + ": no values", "", err
	}
	var told []string
	of := fmt.Sprintf(" of %d", n)
	if below > 0 {
		told, of = append(told, fmt.Sprintf("%d%s below %s", below, of, plain(in.Low))), ""
	}
	if above > 0 {
		told = append(told, fmt.Sprintf("%d%s above %s", above, of, plain(in.High)))
	}
	if told != nil {
		warning = name + ": " + strings.Join(told, ", ")
	}
	return fmt.Sprintf("%s: %s to %s", name, plain(low), plain(high)), warning, nil
}

// plain is a number as one writes it.
func plain(x float64) string {
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e15) {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}
