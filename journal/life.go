package journal

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// Life is a query of the versions of one key, the earliest first: their times, what changed from the one before, the columns, and
// which version of the file brought the event that opened each. key has a text for each of KEYS, in order, or name=text.
//
// An event is known from its first row or remembrance on, without a gap: where a later version rewrote the row, the event isn't that
// version's. (After a rollback that forgot it there is a gap, and what brought it again counts.) VACUUM may take the first.
func (j *Journal) Life(ctx context.Context, c *duck.Conn, key []string) (*duck.Query, error) {
	d, _, err := j.stored(ctx, &duck.Tx{Conn: c})
	if err != nil {
		return nil, err
	}
	l := j.layout(d)
	where, err := l.isKey(ctx, c, key)
	if err != nil {
		return nil, err
	}
	back := duck.Join(" OR ", each(l.from, func(from string) *duck.Query {
		to := l.to[slices.Index(l.from, from)]
		return duck.SQL("lag({to}) OVER w IS DISTINCT FROM {from}", duck.Args{"from": duck.Ident(from), "to": duck.Ident(to)})
	})...)
	return duck.SQL(string(read.Life), l.words, duck.Args{"is_key": where, "back": back, "col_names": texts(l.cols)}), nil
}

func texts(s []string) []*duck.Query {
	return each(s, func(s string) *duck.Query { return duck.Lit(s) })
}

// isKey is the condition of one key. Its values are of the types of KEYS, as SQL compares them.
func (l *layout) isKey(ctx context.Context, c *duck.Conn, key []string) (*duck.Query, error) {
	names := strings.Join(l.keys, "=… --key ") + "=…"
	if len(key) != len(l.keys) {
		return nil, sql.Errorf(code.BadKey, "%s has %d key columns, and %d values are given", l.name, len(l.keys), len(key)).
			WithHint("write --key " + names)
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
			return nil, sql.Errorf(code.BadKey, "the key column %s is given twice", l.keys[i]).WithHint("write --key " + names)
		}
		values[i] = &value
	}
	parts := make([]*duck.Query, len(l.keys))
	for i := range l.keys {
		if values[i] == nil {
			values[i], unnamed = &unnamed[0], unnamed[1:]
		}
		a := duck.Args{"c": duck.Ident(l.keys[i]), "v": *values[i], "t": l.Keys[i].Type}
		var none bool
		if _, err := c.Scan(ctx, duck.SQL("SELECT TRY_CAST({v} AS {t}) IS NULL", a), &none); err != nil {
			return nil, err
		}
		if none {
			return nil, sql.Errorf(code.BadKey, "the key column %s of %s is %s, and %q is none", l.keys[i], l.name, l.Keys[i].Type, *values[i]).
				WithHint("write --key " + names)
		}
		parts[i] = duck.SQL("{c} = {v}::{t}", a)
	}
	return duck.Join(" AND ", parts...), nil
}

// Summary is a query that counts, in one scan, the rows of a difference by kind, and by column the values of changed rows: added where
// there was NULL, removed where NULL is now.
func (j *Journal) Summary(ctx context.Context, c *duck.Conn, diff *duck.Query) (*duck.Query, error) {
	d, _, err := j.stored(ctx, &duck.Tx{Conn: c})
	if err != nil {
		return nil, err
	}
	l := j.layout(d)
	labels := append([]string{"rows"}, l.cols...)
	for i := range l.cols {
		labels[i+1] = "column " + l.cols[i]
	}
	return duck.SQL(string(read.Summary), l.words, duck.Args{"labels": texts(labels), "diff": diff}), nil
}
