package journal

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// Life is a query of the versions of one key, the earliest first: their times, what changed from the one before, the columns, and
// which version of the file brought the event that opened each. key has a text for each of KEYS, in order, or name=text.
//
// An event is known from its first row or remembrance on, without a gap: where a later version rewrote the row, the event isn't that
// version's. (After a rollback that forgot it there is a gap, and what brought it again counts.) VACUUM may take the first.
func (j *Journal) Life(ctx context.Context, c *engine.Conn, key []string) (*engine.Query, error) {
	d, _, err := j.stored(ctx, &engine.Tx{Conn: c})
	if err != nil {
		return nil, err
	}
	l := j.layout(d)
	where, err := l.isKey(ctx, c, key)
	if err != nil {
		return nil, err
	}
	back := pairs(" OR ", "lag({y}) OVER w IS DISTINCT FROM {x}", l.from, l.to)
	diffs := prefixed(engine.Each(", ", l.cols, func(c string) *engine.Query {
		return engine.SQL("CASE WHEN _n > 1 AND {c} IS DISTINCT FROM lag({c}) OVER w THEN {name} || ': ' || coalesce(lag({c}) OVER w::VARCHAR, 'NULL') || ' → ' || coalesce({c}::VARCHAR, 'NULL') END",
			engine.Args{"c": engine.Ident(c), "name": c})
	}))
	return engine.SQL(lifeQuery, l.tables, engine.Args{"where": where, "from": list("", l.from), "to": list("", l.to), "cols": prefixed(list("", l.cols)), "seq": list("", l.seq), "back": back, "diffs": diffs,
		"at": pairs(" AND ", "o.{x} = r.{y}", l.seq, l.from), "place": list("r", l.from)}), nil
}

const lifeQuery = `WITH r AS (SELECT {from}, {to} {cols}, _v_from, _v_to FROM {now} WHERE {where} UNION ALL SELECT {from}, {to} {cols}, _v_from, _v_to FROM {past} WHERE {where}),
	e AS (SELECT {seq}, _v_from AS _low, CASE WHEN _v_to = 0 THEN 9223372036854775807 ELSE _v_to END AS _high
		FROM (SELECT {from}, _v_from, _v_to FROM r UNION ALL SELECT {seq}, _v_from, _v_to FROM {mem} WHERE {where} AND _kind IN ('N', 'E')) x({seq}, _v_from, _v_to)),
	o AS (SELECT {seq}, max(_low) FILTER (WHERE _first) AS _opened FROM (
		SELECT *, coalesce(max(_high) OVER (PARTITION BY {seq} ORDER BY _low, _high ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) < _low, true) AS _first FROM e) GROUP BY {seq}),
	b AS (SELECT r.*, _opened, row_number() OVER (ORDER BY {place}) AS _n FROM r JOIN o ON {at} WHERE _v_to = 0)
	SELECT {from}, {to}, CASE WHEN _n = 1 THEN 'first seen' ELSE array_to_string(list_filter([CASE WHEN {back} THEN 'came back' END {diffs}]::VARCHAR[], lambda x: x IS NOT NULL), ', ') END AS what
		{cols}, _opened AS version FROM b WINDOW w AS (ORDER BY _n) ORDER BY _n`

// isKey is the condition of one key. Its values are of the types of KEYS, as SQL compares them.
func (l *layout) isKey(ctx context.Context, c *engine.Conn, key []string) (*engine.Query, error) {
	names := strings.Join(l.keys, "=… --key ") + "=…"
	if len(key) != len(l.keys) {
		return nil, &sql.Error{Code: "bad-key", Exit: sql.ExitUsage, Msg: fmt.Sprintf("%s has %d key columns, and %d values are given", l.name, len(l.keys), len(key)), Hint: "write --key " + names}
	}
	values := make([]*string, len(l.keys))
	var unnamed []string
	for _, k := range key {
		name, value, _ := strings.Cut(k, "=")
		i := index(l.Keys, name)
		if !strings.Contains(k, "=") || i < 0 {
			unnamed = append(unnamed, k)
			continue
		}
		if values[i] != nil {
			return nil, &sql.Error{Code: "bad-key", Exit: sql.ExitUsage, Msg: fmt.Sprintf("the key column %s is given twice", l.keys[i]), Hint: "write --key " + names}
		}
		values[i] = &value
	}
	parts := make([]*engine.Query, len(l.keys))
	for i := range l.keys {
		if values[i] == nil {
			values[i], unnamed = &unnamed[0], unnamed[1:]
		}
		a := engine.Args{"c": engine.Ident(l.keys[i]), "v": *values[i], "t": engine.Type(l.Keys[i].Type)}
		var none bool
		if _, err := c.Scan(ctx, engine.SQL("SELECT TRY_CAST({v} AS {t}) IS NULL", a), &none); err != nil {
			return nil, err
		}
		if none {
			return nil, &sql.Error{Code: "bad-key", Exit: sql.ExitUsage, Msg: fmt.Sprintf("the key column %s of %s is %s, and %q is none", l.keys[i], l.name, l.Keys[i].Type, *values[i]), Hint: "write --key " + names}
		}
		parts[i] = engine.SQL("{c} = {v}::{t}", a)
	}
	return engine.Join(" AND ", parts...), nil
}

// Summary is a query that counts, in one scan, the rows of a difference by kind, and by column the values of changed rows: added where
// there was NULL, removed where NULL is now.
func (j *Journal) Summary(ctx context.Context, c *engine.Conn, diff *engine.Query) (*engine.Query, error) {
	d, _, err := j.stored(ctx, &engine.Tx{Conn: c})
	if err != nil {
		return nil, err
	}
	l := j.layout(d)
	labels := append([]string{"rows"}, l.cols...)
	for i := range l.cols {
		labels[i+1] = "column " + l.cols[i]
	}
	states := each(", ", "CASE WHEN change_type <> 'update_after' OR {c} IS NOT DISTINCT FROM _j0.{c} THEN 0 WHEN _j0.{c} IS NULL THEN 1 WHEN {c} IS NULL THEN 2 ELSE 3 END", l.cols)
	return engine.SQL(summaryQuery, engine.Args{"labels": engine.Each(", ", labels, func(s string) *engine.Query { return engine.Lit(s) }), "states": prefixed(states), "diff": diff, "keys": list("", l.keys)}), nil
}

// The two states of a changed row are neighbours: _j0 is the row before, as a struct.
const summaryQuery = `SELECT [{labels}][_n] AS what, count(*) FILTER (_k = 1) AS added, count(*) FILTER (_k = 2) AS removed, count(*) FILTER (_k = 3) AS changed FROM (
		SELECT unnest(_k) AS _k, generate_subscripts(_k, 1) AS _n FROM (
			SELECT [CASE change_type WHEN 'insert' THEN 1 WHEN 'delete' THEN 2 WHEN 'update_after' THEN 3 ELSE 0 END {states}] AS _k
			FROM (SELECT *, lag(_s0) OVER (PARTITION BY {keys} ORDER BY change_type DESC) AS _j0 FROM {diff} AS _s0))
		UNION ALL SELECT 0, 1)
	GROUP BY _n HAVING _n = 1 OR count(*) FILTER (_k > 0) > 0 ORDER BY _n`
