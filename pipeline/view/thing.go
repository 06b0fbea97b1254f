package view

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/page"
	"dsql/sql"
)

// sections runs what reads parts of a view: one that fails is told in its place, the others are drawn.
func sections(wrong *[]page.Problem, parts ...part) {
	for _, p := range parts {
		if err := p.read(); err != nil {
			*wrong = append(*wrong, page.Problem{What: p.what, Err: err})
		}
	}
}

type part struct {
	what string
	read func() error
}

// Thing is the page of an object. metrics is what the names of those that are shown contain.
func (r *Reader) Thing(ctx context.Context, o *page.Object, metrics string) *page.Thing {
	v := &page.Thing{Object: o, Filter: metrics}
	sections(&v.Wrong,
		part{"Metrics", func() error { return r.metrics(ctx, v) }},
		part{"Checks", func() error { return r.verdicts(ctx, v) }},
		part{"Rejected rows", func() error { return r.broken(ctx, v) }},
		part{"Origins", func() error { return r.brought(ctx, v) }},
		part{"Rows", func() error { return r.sample(ctx, v) }})
	return v
}

// Changed is the page with what a version changed.
func (r *Reader) Changed(ctx context.Context, of *page.Thing, version int64) *page.Thing {
	v := *of
	v.Of, v.Wrong = version, slices.Clone(of.Wrong)
	sections(&v.Wrong, part{"Changes", func() error { return r.changed(ctx, &v) }})
	return &v
}

// metrics are the first of those that the filter leaves, in the order of the declaration.
func (r *Reader) metrics(ctx context.Context, v *page.Thing) error {
	names, err := rows(ctx, r.Conn, duck.SQL("SELECT DISTINCT metric, '' FROM dsql.metrics WHERE destination = {of} ORDER BY metric",
		duck.Args{"of": v.Object.Name}), pair)
	if err != nil || len(names) == 0 {
		return err
	}
	for _, n := range names {
		v.Names = append(v.Names, n[0])
	}
	slices.SortStableFunc(v.Names, func(a, b string) int { return inText(v.Object.Body, a) - inText(v.Object.Body, b) })
	shown := slices.DeleteFunc(slices.Clone(v.Names), func(n string) bool {
		return !strings.Contains(strings.ToLower(n), strings.ToLower(v.Filter))
	})
	shown = shown[:min(len(shown), page.Most)]
	if len(shown) == 0 {
		return nil
	}
	all, err := r.series(ctx, v.Object.Name, 200, duck.SQL("metric IN ({names})",
		duck.Args{"names": duck.Each(", ", shown, func(n string) *duck.Query { return duck.Lit(n) })}))
	for _, n := range shown {
		v.Metrics = append(v.Metrics, page.Series{Name: n, Points: all[n]})
	}
	return err
}

// inText is where a name stands in a declaration; behind it where it doesn't.
func inText(text, name string) int {
	if i := strings.Index(text, name+" "); i >= 0 {
		return i
	}
	return len(text)
}

// verdictOf are verdicts by their first letters, which are all different: they are many.
var verdictOf = map[byte]string{'p': "pass", 'w': "warn", 'h': "held", 'f': "fail", 'u': "unknown", 'r': "released", 'd': "discarded"}

// verdicts are the checks of all versions, one text a check, and what the newest measured.
func (r *Reader) verdicts(ctx context.Context, v *page.Thing) error {
	type past struct{ name, text, value string }
	of := duck.Args{"of": v.Object.Name}
	all, err := rows(ctx, r.Conn, duck.SQL(`SELECT name, string_agg(version || left(verdict, 1), ';'),
			coalesce(arg_max(value, rowid)::VARCHAR, '')
		FROM dsql.checks WHERE destination = {of} AND version IS NOT NULL GROUP BY name ORDER BY name`, of),
		func(row func(...any) error) (p past, err error) { return p, row(&p.name, &p.text, &p.value) })
	for _, x := range all {
		c := page.Check{Name: x.name}
		c.Wants, _ = r.wants(v.Object.Name, c.Name)
		var twice bool
		if c.Verdicts, twice = verdicts(x.text); twice { // which of them is the last?
			if c.Verdicts, err = r.newestVerdicts(ctx, of.With(duck.Args{"name": x.name})); err != nil {
				return err
			}
		}
		if value, err := strconv.ParseFloat(x.value, 64); err == nil && len(c.Verdicts) > 0 {
			c.Verdicts[len(c.Verdicts)-1].Value = &value
		}
		v.Checks = append(v.Checks, c)
	}
	slices.SortStableFunc(v.Checks, func(a, b page.Check) int { return inText(v.Object.Body, a.Name) - inText(v.Object.Body, b.Name) })
	return err
}

// verdicts reads "12p;13w", in any order. twice: a version has two that differ.
func verdicts(text string) (out []page.Verdict, twice bool) {
	for part := range strings.SplitSeq(text, ";") {
		version, err := strconv.ParseInt(part[:max(0, len(part)-1)], 10, 64)
		if err == nil {
			out = append(out, page.Verdict{Version: version, Verdict: verdictOf[part[len(part)-1]]})
		}
	}
	slices.SortStableFunc(out, func(a, b page.Verdict) int { return cmp.Compare(a.Version, b.Version) })
	for i := 1; i < len(out); i++ {
		twice = twice || out[i].Version == out[i-1].Version && out[i].Verdict != out[i-1].Verdict
	}
	return slices.CompactFunc(out, func(a, b page.Verdict) bool { return a.Version == b.Version }), twice
}

// newestVerdicts are a check's, of each version the last.
func (r *Reader) newestVerdicts(ctx context.Context, of duck.Args) ([]page.Verdict, error) {
	return rows(ctx, r.Conn, duck.SQL(`SELECT version, arg_max(verdict, rowid) FROM dsql.checks
		WHERE destination = {of} AND name = {name} AND version IS NOT NULL GROUP BY version ORDER BY version`, of),
		func(row func(...any) error) (v page.Verdict, err error) { return v, row(&v.Version, &v.Verdict) })
}

// broken are the rows that rules refused, by version.
func (r *Reader) broken(ctx context.Context, v *page.Thing) error {
	all, err := rows(ctx, r.Conn, duck.SQL(`SELECT rule, string_agg(version || ' ' || n, ';' ORDER BY version) FROM (SELECT rule,
			version, count(*) AS n
		FROM dsql.rejects WHERE destination = {of} AND rule IS NOT NULL AND version IS NOT NULL GROUP BY rule, version) GROUP BY rule`,
		duck.Args{"of": v.Object.Name}), pair)
	v.Broken = map[string][]page.Count{}
	for _, x := range all {
		for _, n := range numbers(x[1]) {
			v.Broken[x[0]] = append(v.Broken[x[0]], page.Count{Version: n[0], Rejected: n[1]})
		}
	}
	return err
}

// brought is what brought the newest versions.
func (r *Reader) brought(ctx context.Context, v *page.Thing) error {
	all, err := rows(ctx, r.Conn,
		duck.SQL("SELECT version::VARCHAR, left(coalesce(origin, ''), 400) FROM dsql.version_rows WHERE name = {of} "+
			"ORDER BY version DESC LIMIT 12", duck.Args{"of": v.Object.Name}), pair)
	v.Brought = map[int64]string{}
	for _, x := range all {
		for _, n := range numbers(x[0]) {
			v.Brought[n[0]] = x[1]
		}
	}
	return err
}

const mostChanges = 40

// changed is what a version did to rows: the images before and after an update set against each other.
func (r *Reader) changed(ctx context.Context, v *page.Thing) error {
	n := r.Program.Relation(v.Object.Name)
	if v.Of == 0 || n == nil {
		return nil
	}
	d, ok := n.Obj.(kind.Differ)
	if !ok {
		return nil
	}
	g, err := r.grid(ctx, duck.SQL("SELECT * FROM {d} ORDER BY ALL LIMIT 2000", duck.Args{"d": d.Diff(v.Of-1, v.Of)}), 2000)
	if err != nil {
		return err
	}
	at := func(name string) int {
		return slices.IndexFunc(g.Columns, func(c page.GridColumn) bool { return sql.Same(c.Name, name) })
	}
	var keys []int
	for _, k := range v.Object.Keys {
		keys = append(keys, at(k))
	}
	what := at("change_type")
	if what < 0 || slices.Contains(keys, -1) {
		return nil
	}
	before := map[string][]page.Cell{}
	idOf := func(i int, row []page.Cell) string {
		if len(keys) == 0 {
			return fmt.Sprint(i)
		}
		var id strings.Builder
		for _, k := range keys {
			fmt.Fprintf(&id, "%q ", row[k].Text)
		}
		return id.String()
	}
	for i, row := range g.Rows {
		if row[what].Text == "update_before" {
			before[idOf(i, row)] = row
		}
	}
	for i, row := range g.Rows {
		if row[what].Text == "update_before" {
			continue
		}
		c := page.Changed{What: strings.TrimSuffix(row[what].Text, "_after")}
		for _, k := range keys {
			c.Key = append(c.Key, row[k].Text)
		}
		c.Diffs = diffs(g, before[idOf(i, row)], row, append(slices.Clone(keys), what, at("_version"), at("valid_from")))
		v.Changed = append(v.Changed, c)
	}
	if len(v.Changed) > mostChanges {
		v.Changed, v.More = v.Changed[:mostChanges], true
	}
	return nil
}

// diffs are the values of a row that aren't those of before; all where it wasn't there.
func diffs(g *page.Grid, before, row []page.Cell, but []int) (out []page.Diff) {
	for i, c := range g.Columns {
		switch {
		case slices.Contains(but, i) || before == nil && row[i].Null || len(out) > 30:
		case before == nil:
			out = append(out, page.Diff{Name: c.Name, Is: short(row[i])})
		case before[i] != row[i]:
			out = append(out, page.Diff{Name: c.Name, Was: short(before[i]), Is: short(row[i])})
		}
	}
	return out
}

func short(c page.Cell) string {
	if c.Null {
		return "–"
	}
	if r := []rune(c.Text); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return c.Text
}

// sample are some rows.
func (r *Reader) sample(ctx context.Context, v *page.Thing) (err error) {
	a := duck.Args{"t": duck.Ident(v.Object.Name)}
	switch v.Object.Kind {
	case "stream":
		v.Rows, err = r.grid(ctx, duck.SQL("SELECT * FROM {t} WHERE _version = (SELECT max(_version) FROM {t}) LIMIT 6", a), 6)
	case "journal", "table", "rollup":
		v.Rows, err = r.grid(ctx, duck.SQL("FROM {t} LIMIT 6", a), 6)
	}
	if duck.IsMissing(err) {
		return nil
	}
	return err
}

// mostBytes of a value are read: more is never shown.
const mostBytes = 500

// grid is a query's result as texts, its first rows.
func (r *Reader) grid(ctx context.Context, q *duck.Query, most int) (*page.Grid, error) {
	cols, err := r.Conn.Describe(ctx, q, sql.Place{})
	if err != nil {
		return nil, err
	}
	cut := duck.Each(", ", cols, func(c duck.Column) *duck.Query {
		return duck.SQL("left(CAST({c} AS VARCHAR), {n}) AS {c}", duck.Args{"c": duck.Ident(c.Name), "n": mostBytes})
	})
	res, err := r.Conn.Query(ctx, duck.SQL("SELECT {cut} FROM ({q}) AS _rows", duck.Args{"cut": cut, "q": q}), sql.Place{})
	if err != nil {
		return nil, err
	}
	defer res.Close()
	g := &page.Grid{}
	for _, c := range cols {
		g.Columns = append(g.Columns, page.GridColumn{Name: c.Name, Type: string(c.Type), Number: c.Type.ID().Number()})
	}
	for res.Next() {
		if len(g.Rows) == most {
			g.More = true
			break
		}
		row := make([]page.Cell, len(cols))
		for i := range cols {
			text, ok := res.Text(i)
			row[i] = page.Cell{Text: strings.Clone(text), Null: !ok}
		}
		g.Rows = append(g.Rows, row)
	}
	return g, res.Err()
}
