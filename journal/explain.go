package journal

import (
	"context"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// Statements are those that take a batch into the journal, in order, each behind what it makes from what: all that a batch may need,
// where most need fewer. in are the columns of its rows. $version is the batch's version, '…' a value that is read before.
func (j *Journal) Statements(ctx context.Context, c *duck.Conn, in []duck.Column) (string, error) {
	d, _, err := j.stored(ctx, &duck.Tx{Conn: c})
	if duck.IsMissing(err) {
		err = c.Scratch(ctx, func(tx *duck.Tx) (err error) {
			d, err = j.likely(ctx, tx, in)
			return err
		})
	}
	if err != nil {
		return "", err
	}
	w := &writer{j: j, known: true, layout: j.layout(d), absent: map[string]bool{}, listing: &listing{seen: map[string]bool{}}}
	w.speak()
	w.words["v"] = duck.SQL("$version")
	if err := w.take(&kind.Accepted{Columns: in, Rows: duck.Ident("accepted rows"), HasRow: true, Force: true}); err != nil {
		return "", err
	}
	if err := w.write(ctx); err != nil {
		return "", err
	}
	return w.listing.text.String(), nil
}

// likely is the definition that tables would be made for.
func (j *Journal) likely(ctx context.Context, tx *duck.Tx, in []duck.Column) (*definition, error) {
	d, err := j.bind(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	l := j.layout(d)
	for _, c := range l.cols {
		switch {
		case !l.ignored[c]:
		case l.SCD == 1:
			l.allow([]string{c})
		default:
			l.Nulls = append(l.Nulls, c)
		}
	}
	l.Raw = l.moving()
	return d, nil
}

// listing is a writer's list of statements where they aren't run: each is written down once, and answered so that all are asked for.
type listing struct {
	text strings.Builder
	seen map[string]bool
}

func (l *listing) add(s statement, q *duck.Query) {
	text := strings.TrimSpace(q.String())
	if l.seen[text] {
		return
	}
	l.seen[text] = true
	l.text.WriteString(comments[s] + text + ";\n")
}

// answer gives each value that a query reads one that leads on.
func (l *listing) answer(dest ...any) {
	some := "…"
	for _, x := range dest {
		switch x := x.(type) {
		case *int64:
			*x = 1
		case *bool:
			*x = true
		case *string:
			*x = some
		case **string:
			*x = &some
		}
	}
}
