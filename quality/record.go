package quality

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/plural"
	"dsql/sql"
	"dsql/sql/code"
)

// text is the condition or expression as the user wrote it, on one line.
func (it *item) text() string {
	return strings.Join(strings.Fields(it.read.span.Of(it.read.src)), " ") + it.byText()
}

// byText is BY as the user wrote it, behind a space; "" without.
func (it *item) byText() string {
	if !it.grouped() {
		return ""
	}
	return " BY (" + strings.Join(strings.Fields(it.by.span.Of(it.by.src)), " ") + ")"
}

func (it *item) unknownText() string {
	if it.unknown == pass {
		return ""
	}
	return " ON UNKNOWN " + it.unknown
}

// measured is the value in words.
func (o *outcome) measured() string {
	switch {
	case o.groups.Valid && o.groups.Int64 == 0:
		return "no groups"
	case o.groups.Valid && o.null:
		return fmt.Sprintf("none fails of %s, and some are NULL", plural.Of(o.groups.Int64, "group"))
	case o.groups.Valid:
		return fmt.Sprintf("%d of %s", o.broken.Int64, plural.Of(o.groups.Int64, "group"))
	case o.broken.Valid && o.null:
		return "NULL for some rows"
	case o.broken.Valid:
		return plural.Of(o.broken.Int64, "row")
	case o.text.Valid:
		return o.text.String
	case !o.value.Valid:
		return "NULL"
	case o.item.typ == "BOOLEAN":
		return strconv.FormatBool(o.value.Float64 != 0)
	case isExact(o.item.typ):
		return strconv.FormatFloat(o.value.Float64, 'f', -1, 64)
	}
	return strconv.FormatFloat(o.value.Float64, 'g', 12, 64) // what a sum of decimals leaves behind that is noise
}

// record writes metrics, verdicts and the rows of failed checks on rows. version is NULL for a batch that was rolled back.
func record(ctx context.Context, tx *duck.Tx, destination string, version *duck.Query, out []outcome) error {
	var metrics, checks, rows []*duck.Query
	for i := range out {
		o := &out[i]
		a := duck.Args{"now": duck.Now, "d": destination, "name": o.item.name(), "v": version, "num": duck.Lit(nil), "text": duck.Lit(nil),
			"n": duck.Lit(nil), "verdict": o.verdict}
		if o.value.Valid {
			a["num"] = o.value.Float64
		}
		if o.text.Valid {
			a["text"] = o.text.String
		}
		if o.broken.Valid {
			a["n"] = o.broken.Int64
		}
		if !o.item.check {
			metrics = append(metrics, duck.SQL("({d}, {name}, {v}, {now}, {num}, {text})", a))
			continue
		}
		checks = append(checks, duck.SQL("({d}, {name}, {v}, {now}, {num}, {text}, {verdict}, {n})", a))
		if o.item.apart() || o.kept {
			for _, r := range o.rows {
				rows = append(rows, duck.SQL("({d}, {name}, {v}, {now}, {row})", a.With(duck.Args{"row": r})))
			}
		}
	}
	for _, t := range []struct {
		into string
		rows []*duck.Query
	}{
		{"dsql.metrics (destination, metric, version, recorded_at, value, value_text)", metrics},
		{"dsql.checks (destination, name, version, checked_at, value, value_text, verdict, failed_rows)", checks},
		{"dsql.check_rows (destination, name, version, checked_at, data)", rows},
	} {
		if len(t.rows) == 0 {
			continue
		}
		if err := tx.Run(ctx, duck.SQL("INSERT INTO {t} VALUES {rows}",
			duck.Args{"t": duck.Text(t.into), "rows": duck.Join(", ", t.rows...)})); err != nil {
			return err
		}
	}
	return nil
}

// Released writes the verdict of what held a batch back, where nothing measures that any more: a guard, or a check that is no longer
// declared.
func Released(ctx context.Context, tx *duck.Tx, destination, name string, version int64) error {
	return tx.Run(ctx, duck.SQL("INSERT INTO dsql.checks (destination, name, version, checked_at, verdict) VALUES ({d}, {name}, {v}, "+
		"{now}, {verdict})",
		duck.Args{"now": duck.Now, "d": destination, "name": name, "v": version, "verdict": freed}))
}

// Failure is the error of a batch that a check ON FAILURE FAIL stopped. It keeps what was measured.
type Failure struct {
	err         *sql.Error
	destination string
	out         []outcome
}

func (f *Failure) Error() string { return f.err.Error() }

// Unwrap is the error as users see it, a *sql.Error.
func (f *Failure) Unwrap() error { return f.err }

// Record writes what was measured, with version NULL, in a transaction of its own: after the batch was rolled back.
func (f *Failure) Record(ctx context.Context, c *duck.Conn) error {
	return c.Update(ctx, func(tx *duck.Tx) error { return record(ctx, tx, f.destination, duck.Lit(nil), f.out) })
}

// newFailure is nil when no check ON FAILURE FAIL failed.
func newFailure(b Batch, out []outcome) *Failure {
	var first *outcome
	var names []string
	for i := range out {
		if o := &out[i]; o.verdict == failed {
			if first == nil {
				first = o
			}
			names = append(names, o.item.name())
		}
	}
	if first == nil {
		return nil
	}
	what := fmt.Sprintf("the check %s of %s failed: %s, expected %s", first.item.name(), b.Destination, first.measured(), first.item.text())
	if len(names) > 1 {
		what = fmt.Sprintf("%d checks of %s failed (%s)", len(names), b.Destination, strings.Join(names, ", "))
	}
	return &Failure{destination: b.Destination, out: out,
		err: first.item.decl.Errorf(code.Check, "%s; nothing of the batch was published%s", what, kind.Whence(b.Origin, 0)).
			WithHint("mend the data or the check and run again; look further with: dsql checks " + b.Destination + "\n" + table(out)).
			WithNotes(first.item.note)}
}

// table shows the checks that did not pass: what was measured against what was expected, and rows that show why.
func table(out []outcome) string {
	lines := [][]string{{"check", "verdict", "measured", "expected"}}
	var examples strings.Builder
	for i := range out {
		o := &out[i]
		if !o.item.check || o.verdict == passed || o.verdict == unknown {
			continue
		}
		lines = append(lines, []string{o.item.name(), o.verdict, o.measured(), o.item.text()})
		if len(o.rows) == 0 {
			continue
		}
		fmt.Fprintf(&examples, "\n    rows for %s:", o.item.name())
		for _, r := range o.rows[:min(showRows, len(o.rows))] {
			examples.WriteString("\n      " + r)
		}
	}
	width := make([]int, len(lines[0]))
	for _, l := range lines {
		for j, cell := range l {
			width[j] = max(width[j], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString("    ")
		for j, cell := range l {
			if j > 0 {
				b.WriteString("  ")
			}
			b.WriteString(cell)
			if j < len(l)-1 {
				b.WriteString(strings.Repeat(" ", width[j]-utf8.RuneCountInString(cell)))
			}
		}
	}
	return b.String() + examples.String()
}
