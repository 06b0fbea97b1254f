package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// feature is one thing that is measured of each row: an input of the model, or the score.
type feature struct {
	name   string // in the names of metrics
	value  *duck.Query
	plain  *duck.Query // of a number: the value where NaN may stand for itself
	number bool        // its values lie on a line; else each is a label
}

// shape is what a monitor finds of the rows that it watches, for one run.
type shape struct {
	*monitor
	score    feature
	inputs   []feature
	compared []comparison
	class    bool // outcomes are of a class; else they are values
	labels   bool // the score is a label itself
	whole    bool // the score is a whole number
	classes  bool // the model tells classes
	coded    bool // outcomes are numbers, and of a class: 0 and 1, or labels
	actual   string
	group    *duck.Query // the text of a row's group; nil: there are none
	keyed    bool        // the rows are changes of a journal
}

// comparison is another version of the model, beside the one that scored.
type comparison struct {
	name  string
	value *duck.Query
}

const scored = "score" // the name of the prediction in metrics

// Bind checks the declaration against the columns of what it watches.
func (m *monitor) Bind(ctx context.Context, c *duck.Conn, cols []duck.Column, keyed bool) error {
	_, err := m.shape(ctx, c, cols, keyed)
	return err
}

func (m *monitor) shape(ctx context.Context, c *duck.Conn, cols []duck.Column, keyed bool) (*shape, error) {
	s := &shape{monitor: m, keyed: keyed}
	var errs sql.List
	errs = add(errs, s.bindScore(ctx, c, cols))
	errs = add(errs, s.bindInputs(ctx, c, cols))
	errs = add(errs, s.bindGroup(cols))
	errs = add(errs, s.bindBaseline(ctx, c, cols))
	errs = add(errs, s.bindActuals(ctx, c, cols))
	return s, errs.Err()
}

// add puts the script errors of err into a list.
func add(errs sql.List, err error) sql.List {
	var list sql.List
	var one *sql.Error
	switch {
	case err == nil:
	case errors.As(err, &list):
		errs = append(errs, list...)
	case errors.As(err, &one):
		errs = append(errs, one)
	default:
		errs = append(errs, sql.Errorf(code.Failed, "%s", err).WithCause(err))
	}
	return errs
}

// numeric: values of the type lie on a line. A model's inputs are numbers, BOOLEAN and texts.
func numeric(t duck.Type) bool { return t.ID().Number() && t.ID() != duck.TypeBigNum }

// newFeature is a feature over an expression of a type. NaN is missing, as NULL is.
func newFeature(name string, value *duck.Query, typ duck.Type) feature {
	f := feature{name: name, number: numeric(typ)}
	a := duck.Args{"v": value}
	if f.number {
		f.plain = duck.SQL("CAST({v} AS DOUBLE)", a)
	}
	switch {
	case typ.ID().Float():
		f.value = duck.SQL("CASE WHEN NOT isnan({v}) THEN CAST({v} AS DOUBLE) END", a)
	case f.number:
		f.value = duck.SQL("CAST({v} AS DOUBLE)", a)
	default: // 'v' before it: what is none of the labels that are asked for is counted under ''
		f.value = duck.SQL("'v' || CAST({v} AS VARCHAR)", a)
	}
	return f
}

func (s *shape) bindScore(ctx context.Context, c *duck.Conn, cols []duck.Column) error {
	q := duck.SQL("({p})", duck.Args{"p": s.query("PREDICTION")})
	typ, err := c.Describe(ctx, duck.SQL("SELECT {p} FROM {rel}", duck.Args{"p": q, "rel": c.Empty(cols)}), s.place("PREDICTION"))
	if err != nil {
		return err
	}
	s.score = newFeature(scored, q, typ[0].Type)
	s.labels, s.whole = !s.score.number, typ[0].Type.ID().Integer()
	return nil
}

// bindInputs finds the columns that have the model's inputs.
func (s *shape) bindInputs(ctx context.Context, c *duck.Conn, cols []duck.Column) error {
	name := s.model()
	var text, options string
	ok, err := c.Scan(ctx, duck.SQL("SELECT inputs, options FROM dsql.models WHERE lower(name) = lower({name}) AND in_use",
		duck.Args{"name": name.Text}), &text, &options)
	if err != nil {
		return err
	}
	if !ok {
		return s.unknownModel(ctx, c, name)
	}
	var inputs []struct{ Name string }
	var of struct{ Classes bool }
	if err := errors.Join(json.Unmarshal([]byte(text), &inputs), json.Unmarshal([]byte(options), &of)); err != nil {
		return fmt.Errorf("what the file has of model %s can't be read: %w", name.Text, err)
	}
	s.classes = of.Classes
	var missing, args []string
	for _, in := range inputs {
		i := slices.IndexFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, in.Name) })
		if i < 0 {
			missing = append(missing, in.Name)
			continue
		}
		args = append(args, cols[i].Name)
		s.inputs = append(s.inputs, newFeature(in.Name, duck.Ident(cols[i].Name), cols[i].Type))
	}
	if len(missing) > 0 {
		return s.fail(s.Input().Span, code.UnknownColumn,
			fmt.Sprintf("%s has no column of the name of an input of %s: %s", s.Input().Text, name.Text, strings.Join(missing, ", ")),
			fmt.Sprintf("select it in %s, AS %s; its columns are %s", s.Input().Text, missing[0], strings.Join(duck.ColumnNames(cols), ", ")))
	}
	return s.bindCompared(ctx, c, cols, args)
}

func (s *shape) unknownModel(ctx context.Context, c *duck.Conn, name sql.Name) error {
	names, err := duck.Select(ctx, c, duck.SQL("SELECT DISTINCT name FROM dsql.models ORDER BY name"),
		func(row func(...any) error) (n string, err error) { return n, row(&n) })
	if err != nil {
		return err
	}
	hint := "declare it first: CREATE MODEL " + name.Text + " FROM 'file'"
	if near := sql.Nearest(name.Text, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return s.fail(name.Span, code.UnknownName, "there is no model "+name.Text, hint)
}

// bindCompared makes the calls of other versions of the model.
func (s *shape) bindCompared(ctx context.Context, c *duck.Conn, cols []duck.Column, args []string) error {
	var errs sql.List
	for _, n := range s.names("COMPARE") {
		call := duck.SQL("{f}({args})", duck.Args{"f": duck.User(s.decl.Src, n.Span), "args": duck.Names(args)})
		_, err := c.Describe(ctx, duck.SQL("SELECT {call} FROM {rel}", duck.Args{"call": call, "rel": c.Empty(cols)}),
			s.decl.At(n.Span))
		errs = add(errs, err)
		s.compared = append(s.compared, comparison{n.Text, call})
	}
	return errs.Err()
}

func (s *shape) bindGroup(cols []duck.Column) error {
	var errs sql.List
	var parts []*duck.Query
	for _, n := range s.names("BY") {
		e := s.known(n, cols, s.Input().Text)
		if e != nil {
			errs = append(errs, e)
			continue
		}
		parts = append(parts, duck.SQL("coalesce(CAST({c} AS VARCHAR), 'NULL')", duck.Args{"c": duck.Ident(n.Text)}))
	}
	if len(parts) > 0 {
		s.group = duck.SQL("concat_ws(', ', {parts})", duck.Args{"parts": duck.Join(", ", parts...)})
	}
	return errs.Err()
}

// known is the error of a name that isn't among columns.
func (s *shape) known(n sql.Name, cols []duck.Column, of string) *sql.Error {
	if slices.ContainsFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, n.Text) }) {
		return nil
	}
	names := duck.ColumnNames(cols)
	hint := "its columns are " + strings.Join(names, ", ")
	if near := sql.Nearest(n.Text, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return s.fail(n.Span, code.UnknownColumn, fmt.Sprintf("%s has no column %s", of, n.Text), hint)
}

// bindBaseline sees that the baseline has what is compared with it.
func (s *shape) bindBaseline(ctx context.Context, c *duck.Conn, cols []duck.Column) error {
	q := s.query("BASELINE")
	if q == nil {
		return nil
	}
	at := s.place("BASELINE")
	have, err := c.Describe(ctx, q, at)
	if err != nil {
		return err
	}
	for _, f := range s.features() {
		if _, err := c.Describe(ctx, duck.SQL("SELECT {v} FROM {rel}", duck.Args{"v": f.value, "rel": c.Empty(have)}), at); err != nil {
			return s.fail(at.Span, code.UnknownColumn, "the BASELINE has not all that is compared with it: "+f.name+" can't be computed of its rows",
				"select the columns of "+s.Input().Text+": "+strings.Join(duck.ColumnNames(cols), ", "))
		}
	}
	return nil
}

// features are the inputs, and the score behind them.
func (s *shape) features() []feature { return append(slices.Clone(s.inputs), s.score) }

// bindActuals finds the outcome among the columns of ACTUALS, and what it is.
func (s *shape) bindActuals(ctx context.Context, c *duck.Conn, cols []duck.Column) error {
	q := s.query("ACTUALS")
	if q == nil {
		return nil
	}
	at := s.place("ACTUALS")
	have, err := c.Describe(ctx, q, at)
	if err != nil {
		return err
	}
	var errs sql.List
	on := s.names("ON")
	for _, n := range on {
		for _, e := range []*sql.Error{s.known(n, cols, s.Input().Text), s.known(n, have, "what ACTUALS gives")} {
			if e != nil {
				errs = append(errs, e)
			}
		}
	}
	rest := slices.DeleteFunc(have, func(c duck.Column) bool {
		return slices.ContainsFunc(on, func(n sql.Name) bool { return sql.Same(n.Text, c.Name) })
	})
	if len(rest) != 1 {
		return append(errs, s.fail(at.Span, code.TypeMismatch,
			fmt.Sprintf("ACTUALS gives %d columns beside those of ON, and the outcome is one", len(rest)),
			"write ACTUALS (SELECT id, arr_delay > 15 AS actual FROM flights) ON (id)"))
	}
	s.actual = rest[0].Name
	s.class = !numeric(rest[0].Type) || s.classes
	if s.coded = s.class && numeric(rest[0].Type); s.coded {
		s.labels = s.whole
		return errs.Err()
	}
	if text := s.class && rest[0].Type != "BOOLEAN"; text != s.labels && len(errs) == 0 {
		return s.fail(at.Span, code.TypeMismatch,
			fmt.Sprintf("the outcome %s is %s, and the prediction is a %s", s.actual, rest[0].Type,
				map[bool]string{true: "label", false: "number"}[s.labels]),
			"a label is compared with a label, a number with a number or a BOOLEAN: (SELECT id, status = 'late' AS actual FROM …)")
	}
	return errs.Err()
}
