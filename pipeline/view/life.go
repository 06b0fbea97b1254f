package view

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/page"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

const mostBeliefs = 5000

// Life is the view of a key of a journal: as it was known in a version (0: now), with a column's belief by both times ("": the first one).
func (r *Reader) Life(ctx context.Context, f *page.File, o *page.Object, key []string, seen int64, column string) *page.Life {
	v := &page.Life{Object: o, Key: key, Seen: seen, Column: column, Origins: map[int64]string{}}
	sections(&v.Wrong,
		part{"The life of the key", func() error { return r.beliefs(ctx, v) }},
		part{"Origins", func() error { return r.lifeOrigins(ctx, v) }})
	if v.Seen > f.Last().Number {
		v.Seen = 0
	}
	return v
}

// beliefs are all rows that the journal ever had of the key.
func (r *Reader) beliefs(ctx context.Context, v *page.Life) error {
	n := r.Program.Relation(v.Object.Name)
	if n == nil {
		return nil
	}
	k, ok := n.Obj.(kind.Keyed)
	if !ok || len(v.Key) != len(k.KeyNames()) {
		given := fmt.Sprintf("%d values are", len(v.Key))
		if len(v.Key) == 1 {
			given = "one value is"
		}
		return sql.Errorf(code.Usage, "the key of %s is (%s), and %s given", v.Object.Name, strings.Join(v.Object.Keys, ", "), given).
			WithHint("give one value for each column, in this order").WithExit(code.ExitUsage)
	}
	view := v.Object.Name + "_bitemporal"
	cols, err := r.Conn.Table(ctx, view)
	if err != nil || cols == nil {
		return err
	}
	var values []duck.Column
	var from, to *duck.Column
	for i, c := range cols {
		switch {
		case sql.Same(c.Name, "valid_from"):
			from = &cols[i]
		case sql.Same(c.Name, "valid_to"):
			to = &cols[i]
		case !sql.Same(c.Name, "known_from") && !sql.Same(c.Name, "known_to") && !slices.ContainsFunc(k.KeyNames(),
			func(name string) bool { return sql.Same(name, c.Name) }):
			values = append(values, c)
		}
	}
	v.Names = duck.ColumnNames(values)
	v.Tracked = r.tracked(n.Obj.Decl(), v.Names)
	where := make([]*duck.Query, len(v.Key))
	for i, name := range k.KeyNames() {
		at := slices.IndexFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, name) })
		where[i] = duck.SQL("{c} = TRY_CAST({v} AS {t})", duck.Args{"c": duck.Ident(name), "v": v.Key[i], "t": cols[max(at, 0)].Type})
	}
	v.Axis = axisOf(from, to)
	a := duck.Args{"view": duck.Ident(view), "where": duck.Join(" AND ", where...), "values": duck.Names(v.Names), "n": mostBeliefs,
		"from": endOf(from, v.Axis), "to": endOf(to, v.Axis), "from_text": textOf(from), "to_text": textOf(to)}
	g, err := r.grid(ctx, duck.SQL(`SELECT known_from, known_to, {from} AS f, {to} AS t, {from_text} AS ft, {to_text} AS tt, {values}
		FROM {view} WHERE {where} ORDER BY f, known_from LIMIT {n}`, a), mostBeliefs)
	if err != nil {
		return err
	}
	for _, row := range g.Rows {
		b := page.Belief{From: number(row[2], math.Inf(-1)), To: number(row[3], math.Inf(1)), FromText: row[4].Text, ToText: row[5].Text,
			Since: int64(number(row[0], 0)), Until: int64(number(row[1], 0)), Values: row[6:]}
		v.Beliefs = append(v.Beliefs, b)
	}
	v.Query = query(v, k.KeyNames())
	if !slices.Contains(v.Names, v.Column) {
		v.Column = liveliest(v)
	}
	return r.opened(ctx, v, n, k.KeyNames())
}

// liveliest is the tracked column with the most values.
func liveliest(v *page.Life) (name string) {
	most := 0
	for j, n := range v.Names {
		values := map[page.Cell]bool{}
		for _, b := range v.Beliefs {
			values[b.Values[j]] = true
		}
		if v.Tracked[j] && len(values) > most {
			name, most = n, len(values)
		}
	}
	return name
}

// opened finds which version brought the event that opened each row: one that changed nothing that is tracked opened none then.
func (r *Reader) opened(ctx context.Context, v *page.Life, n *program.Node, keys []string) error {
	b, ok := n.Obj.(kind.Biographer)
	if !ok || v.Axis == "" {
		return nil
	}
	named := make([]string, len(keys))
	for i, k := range keys {
		named[i] = k + "=" + v.Key[i]
	}
	life, err := b.Life(ctx, r.Conn, named)
	if err != nil {
		return err
	}
	all, err := rows(ctx, r.Conn,
		duck.SQL("SELECT CAST(valid_from AS VARCHAR), CAST(version AS VARCHAR) FROM ({life}) WHERE version IS NOT NULL",
			duck.Args{"life": life}), pair)
	v.Opened = map[string]int64{}
	for _, x := range all {
		for _, version := range numbers(x[1]) {
			v.Opened[x[0]] = version[0]
		}
	}
	return err
}

func number(c page.Cell, none float64) float64 {
	x, err := strconv.ParseFloat(c.Text, 64)
	if c.Null || err != nil {
		return none
	}
	return x
}

// axisOf says how what orders the events can be drawn.
func axisOf(from, to *duck.Column) string {
	switch {
	case from == nil || to == nil:
		return ""
	case strings.HasPrefix(string(from.Type), "TIMESTAMP") || from.Type == "DATE":
		return "time"
	case from.Type.ID().Number():
		return "number"
	}
	return ""
}

// endOf is an end of a row's validity as a number, textOf as it is read.
func endOf(c *duck.Column, axis string) *duck.Query {
	switch {
	case c == nil || axis == "":
		return duck.SQL("NULL::DOUBLE")
	case axis == "time":
		return duck.SQL("epoch_us(CAST({c} AS TIMESTAMP))", duck.Args{"c": duck.Ident(c.Name)})
	}
	return duck.SQL("CAST({c} AS DOUBLE)", duck.Args{"c": duck.Ident(c.Name)})
}

func textOf(c *duck.Column) *duck.Query {
	if c == nil {
		return duck.SQL("NULL::VARCHAR")
	}
	return duck.SQL("CAST({c} AS VARCHAR)", duck.Args{"c": duck.Ident(c.Name)})
}

// tracked are the columns whose changes make versions: all, or what TRACK says.
func (r *Reader) tracked(d *sql.Decl, names []string) []bool {
	out := make([]bool, len(names))
	t := d.Arg("TRACK")
	for i, n := range names {
		out[i] = true
		if t != nil {
			listed := slices.ContainsFunc(t.Names, func(x sql.Name) bool { return sql.Same(x.Text, n) })
			out[i] = listed != t.Star
		}
	}
	return out
}

// query is the same in SQL.
func query(v *page.Life, keys []string) string {
	conditions := make([]string, len(keys))
	for i, k := range keys {
		conditions[i] = fmt.Sprintf("%s = %s", spelt(k), duck.Lit(v.Key[i]))
	}
	from := spelt(v.Object.Name + "_history")
	if v.Seen > 0 {
		from = fmt.Sprintf("%s(%d)", spelt(v.Object.Name+"_history_at"), v.Seen)
	}
	return fmt.Sprintf("FROM %s WHERE %s ORDER BY valid_from;", from, strings.Join(conditions, " AND "))
}

// bringers are the versions that brought something.
func bringers(v *page.Life) (out []int64) {
	for _, b := range v.Beliefs {
		out = append(out, b.Since)
	}
	for _, n := range v.Opened {
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lifeOrigins are what brought the versions.
func (r *Reader) lifeOrigins(ctx context.Context, v *page.Life) error {
	if len(v.Beliefs) == 0 {
		return nil
	}
	all, err := rows(ctx, r.Conn,
		duck.SQL("SELECT version::VARCHAR, left(coalesce(origin, ''), 400) FROM dsql.version_rows WHERE name = {of} AND version IN ({vs})",
			duck.Args{"of": v.Object.Name, "vs": duck.Each(", ", bringers(v), func(n int64) *duck.Query { return duck.Lit(n) })}), pair)
	for _, x := range all {
		for _, n := range numbers(x[0]) {
			v.Origins[n[0]] = x[1]
		}
	}
	return err
}
