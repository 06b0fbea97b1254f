package look

import (
	"context"
	dbsql "database/sql"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/sql"
)

// What is proposed of a column: a list of its values where they are few, and each stands often; a range, widened by a share of its width.
const (
	fewValues  = 12
	manyRows   = 100
	margin     = 0.1
	warn       = " ON FAILURE WARN"
	uniqueFrom = 0.9 // of the rows: how many values a column seems to have that are then counted exactly
)

// Profile shows how the values of a table are distributed, and writes the CREATE CHECKS that hold of it today, each with its reason: two
// scans, DuckDB's SUMMARIZE and one that counts exactly what that estimates.
func Profile(ctx context.Context, o program.Options, name string, checks io.Writer) error {
	return beside(ctx, o, func(v *Viewer) error {
		from, cols, err := v.relation(ctx, name, "_profiled")
		if err != nil {
			return err
		}
		rel := duck.SQL("(SELECT {cols} FROM {from})", duck.Args{"cols": duck.Names(duck.ColumnNames(cols)), "from": from})
		if err := v.Conn.Run(ctx, duck.SQL("CREATE TEMP TABLE _summary AS SELECT row_number() OVER () AS place, * FROM (SUMMARIZE FROM {rel})",
			duck.Args{"rel": rel})); err != nil {
			return err
		}
		if err := v.titled(ctx, "columns", duck.SQL(`SELECT column_name AS "column", column_type AS type, approx_unique AS "values (about)",
			null_percentage::DOUBLE AS "% NULL", min, q25, q50 AS median, q75, max, avg AS mean FROM temp._summary ORDER BY place`)); err != nil {
			return err
		}
		if checks == nil {
			return nil
		}
		p := &profile{name: name, cols: cols}
		if err := p.measure(ctx, v.Conn, rel); err != nil {
			return err
		}
		if err := p.find(ctx, v, rel); err != nil {
			return err
		}
		_, err = io.WriteString(checks, p.checks())
		return err
	})
}

type profile struct {
	name  string
	cols  []duck.Column
	rows  int64
	of    []facts    // by column
	usual []proposal // over versions
	found []proposal // between columns and tables
}

// facts are what is known of a column exactly.
type facts struct {
	low, high dbsql.NullString
	about     int64            // how many values there seem to be
	there     int64            // rows that are not NULL
	distinct  dbsql.NullInt64  // where there are few values, or each row seems to have its own
	values    dbsql.NullString // of a text with few: a list in SQL
	q25, q75  dbsql.NullString
	outliers  dbsql.NullInt64   // of a column of numbers
	format    int               // which of formats most seem to have; -1: none
	formed    dbsql.NullInt64   // how many have it
	nulls     dbsql.NullFloat64 // the greatest share of NULLs in a version, where there are versions enough
}

// find looks for what holds over versions, and between columns and tables.
func (p *profile) find(ctx context.Context, v *Viewer, rel *duck.Query) (err error) {
	if p.rows == 0 {
		return nil
	}
	if n := v.Program.Relation(p.name); n != nil && n.Kind == "stream" {
		if p.usual, err = p.usualRows(ctx, v.Conn, n.Name); err != nil {
			return err
		}
	}
	if p.found, err = p.between(ctx, v.Conn, rel); err != nil {
		return err
	}
	others, err := p.foreign(ctx, v.Conn, rel)
	p.found = append(p.found, others...)
	return err
}

func (p *profile) measure(ctx context.Context, c *duck.Conn, rel *duck.Query) (err error) {
	if p.of, err = duck.Select(ctx, c, duck.SQL("SELECT min, max, approx_unique, q25, q75 FROM temp._summary ORDER BY place"),
		func(row func(...any) error) (f facts, err error) {
			f.format = -1
			return f, row(&f.low, &f.high, &f.about, &f.q25, &f.q75)
		}); err != nil {
		return err
	}
	if p.rows, err = c.Int(ctx, duck.SQL("SELECT coalesce(max(count), 0)::BIGINT FROM temp._summary")); err != nil {
		return err
	}
	if err := p.sample(ctx, c, rel); err != nil {
		return err
	}
	if err := p.guess(ctx, c); err != nil {
		return err
	}
	parts, dest := []*duck.Query{duck.SQL("count(*)")}, []any{&p.rows}
	for i, col := range p.cols {
		f, a := &p.of[i], duck.Args{"c": duck.Ident(col.Name), "n": fewValues}
		parts, dest = append(parts, duck.SQL("count({c})", a)), append(dest, &f.there)
		few := col.Type == "VARCHAR" && f.about <= fewValues && p.rows >= manyRows
		if few || float64(f.about) >= uniqueFrom*float64(p.rows) && !col.Type.ID().Float() {
			parts, dest = append(parts, duck.SQL("count(DISTINCT {c})", a)), append(dest, &f.distinct)
		}
		if low, high, ok := p.bounds(col, *f); ok {
			parts = append(parts, duck.SQL("count(*) FILTER ({c} < {low} OR {c} > {high})", a, duck.Args{"low": low, "high": high}))
			dest = append(dest, &f.outliers)
		}
		if f.format >= 0 {
			parts = append(parts, duck.SQL("count(*) FILTER (regexp_full_match({c}, {like}))", a, duck.Args{"like": formats[f.format].like}))
			dest = append(dest, &f.formed)
		}
		if few {
			parts, dest = append(parts, duck.SQL("CASE WHEN count(DISTINCT {c}) <= {n} THEN array_to_string(list_transform(list_sort("+
				"list(DISTINCT {c}) FILTER ({c} IS NOT NULL)), lambda v: '''' || replace(v, '''', '''''') || ''''), ', ') END", a)),
				append(dest, &f.values)
		}
	}
	_, err = c.Scan(ctx, duck.SQL("SELECT {parts} FROM {rel}", duck.Args{"parts": duck.Join(", ", parts...), "rel": rel}), dest...)
	return err
}

// proposal is a check with its reason.
type proposal struct{ name, expect, action, why string }

func (p *profile) checks() string {
	if p.rows == 0 {
		return "-- no rows: nothing to go by\n"
	}
	all := []proposal{{"some_rows", "count(*) > 0", "", fmt.Sprintf("%d rows", p.rows)}}
	all = append(all, p.usual...)
	for i, col := range p.cols {
		all = append(all, p.column(col, p.of[i])...)
	}
	all = append(all, p.found...)
	base := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, p.name)
	var b strings.Builder
	fmt.Fprintf(&b, "\nCREATE CHECKS %s (\n", sql.ShownName(base+"_checks"))
	for i, c := range all {
		comma := ","
		if i == len(all)-1 {
			comma = ""
		}
		fmt.Fprintf(&b, "  CHECK %s EXPECT (%s)%s%s  -- %s\n", sql.ShownName(c.name), c.expect, c.action, comma, c.why)
	}
	b.WriteString(");\n")
	return b.String()
}

// column are the checks that hold of a column.
func (p *profile) column(col duck.Column, f facts) (out []proposal) {
	name := sql.ShownName(col.Name)
	switch nulls := p.rows - f.there; {
	case nulls == 0:
		out = append(out, proposal{col.Name + "_there", "null_ratio(" + name + ") = 0", "", "never NULL"})
	case f.there > 0:
		ratio := max(float64(nulls)/float64(p.rows), f.nulls.Float64)
		most := math.Ceil(min(1, ratio+max(margin*ratio, 0.01))*1000) / 1000
		out = append(out, proposal{col.Name + "_there", fmt.Sprintf("null_ratio(%s) <= %v", name, most), warn, fmt.Sprintf("%d are NULL", nulls)})
	}
	if f.unique() {
		out = append(out, proposal{col.Name + "_unique", "is_unique(" + name + ")", "", fmt.Sprintf("%d values, none twice", f.there)})
	}
	if f.values.Valid && f.there > 0 {
		out = append(out, proposal{col.Name + "_known", name + " IN (" + f.values.String + ")", warn, plural(f.distinct.Int64, "value")})
	}
	if low, high, ok := p.span(col, f); ok {
		out = append(out, proposal{col.Name + "_sane", fmt.Sprintf("%s BETWEEN %s AND %s", name, low, high), warn,
			fmt.Sprintf("between %s and %s, and %v%% more", f.low.String, f.high.String, 100*margin) + f.outlying()})
	}
	return append(out, p.fits(col, f)...)
}

// span is the range of a column of numbers with its margin: what is never negative stays so. An identifier has none: it grows.
func (p *profile) span(col duck.Column, f facts) (low, high string, ok bool) {
	lo, err1 := strconv.ParseFloat(f.low.String, 64)
	hi, err2 := strconv.ParseFloat(f.high.String, 64)
	unique := f.distinct.Valid && f.distinct.Int64 == f.there
	if !numeric(col.Type) || err1 != nil || err2 != nil || math.IsInf(lo, 0) || math.IsInf(hi, 0) || math.IsNaN(lo) || math.IsNaN(hi) ||
		unique && col.Type.ID().Integer() {
		return "", "", false
	}
	more := margin * (hi - lo)
	if lo, hi = lo-more, hi+more; lo < 0 && lo+more >= 0 {
		lo = 0
	}
	if hi > 0 && hi-more <= 0 {
		hi = 0
	}
	digits := -1
	if col.Type.ID().Integer() {
		lo, hi, digits = math.Floor(lo), math.Ceil(hi), 0
	}
	return decimal(lo, digits), decimal(hi, digits), true
}

// decimal is a bound without what doubles leave behind: the margin is wide enough.
func decimal(x float64, digits int) string {
	if short, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 10, 64), 64); err == nil && digits < 0 {
		x = short
	}
	return strconv.FormatFloat(x, 'f', digits, 64)
}

func plural(n int64, of string) string {
	if n == 1 {
		return "one " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
