package scripttest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// Difference is how the rows of a query differ from those expected.
type Difference struct {
	Columns             []string
	Missing, Unexpected []Row
	Reordered           bool // the same rows, in another order: Missing has them as they are expected, Unexpected as they came
}

// Row is a row as text; nil is NULL.
type Row []*string

// None: there is no difference.
func (d *Difference) None() bool { return len(d.Missing)+len(d.Unexpected) == 0 }

// bind finds the columns of the query and of the rows.
func (e *Expect) bind(ctx context.Context, c *duck.Conn, src *sql.Source) error {
	at := sql.Place{Src: src, Span: e.Query}
	have, err := c.Describe(ctx, duck.SQL("SELECT * FROM ({q})", duck.Args{"q": duck.User(src, e.Query)}), at)
	if err != nil {
		return err
	}
	at.Span = e.Rows
	want, err := c.Describe(ctx, duck.SQL("SELECT * FROM ({q})", duck.Args{"q": duck.User(src, e.Rows)}), at)
	if err != nil {
		return err
	}
	if len(have) != len(want) {
		return at.Errorf(code.BadTest, "the query gives %s (%s), and these rows have %d", columns(len(have)),
			strings.Join(duck.ColumnNames(have), ", "), len(want)).WithHint("give a value for each column of the query, in its order")
	}
	e.have, e.want = have, want
	return nil
}

func columns(n int) string {
	if n == 1 {
		return "one column"
	}
	return fmt.Sprintf("%d columns", n)
}

// Compare holds the rows of the query against those expected: equal as DuckDB compares them, NULL equal to NULL. grown: something has other
// columns than when the test was checked.
func (e *Expect) Compare(ctx context.Context, c *duck.Conn, src *sql.Source, grown bool) (*Difference, error) {
	if grown {
		if err := e.bind(ctx, c, src); err != nil {
			return nil, err
		}
	}
	have, want := e.have, e.want
	var cols, same []*duck.Query
	for i := range have {
		n := duck.Ident(string(rune('a'+i%26)) + strings.Repeat("_", i/26))
		cols, same = append(cols, n), append(same, n)
		if want[i].Type == "VARCHAR" && have[i].Type != "VARCHAR" { // a text is a value of the query's type, as in a comparison
			same[i] = duck.SQL("CAST({n} AS {t}) AS {n}", duck.Args{"n": n, "t": have[i].Type})
		}
	}
	a := duck.Args{"cols": cols, "same": same, "q": duck.User(src, e.Query), "w": duck.User(src, e.Rows), "row": duck.SQL(""), "order": cols}
	if e.Ordered {
		a["row"], a["order"] = duck.SQL("row_number() OVER () AS _row, "), duck.SQL("_row")
	}
	d, at := &Difference{Columns: duck.ColumnNames(have)}, sql.Place{Src: src, Span: e.Query}
	if equal, err := equal(ctx, c, a, at); err != nil || equal {
		return d, err
	}
	if err := d.find(ctx, c, a, at, cols); err != nil || !e.Ordered || d.None() {
		return d, err
	}
	plain := &Difference{Columns: d.Columns}
	a["row"], a["order"] = duck.SQL(""), cols
	if err := plain.find(ctx, c, a, at, cols); err != nil {
		return nil, err
	}
	if plain.None() {
		d.Reordered = true
		return d, nil
	}
	return plain, nil
}

// equal says whether there is no difference: in one grouping of both sides, for less than half of what find takes. Most tests hold.
func equal(ctx context.Context, c *duck.Conn, a duck.Args, at sql.Place) (bool, error) {
	r, err := c.Query(ctx, duck.SQL(`SELECT * EXCLUDE (_side) FROM (SELECT 1 AS _side, {row}{cols} FROM ({q}) _q({cols})
		UNION ALL SELECT -1, {row}{same} FROM ({w}) _w({cols})) GROUP BY ALL HAVING sum(_side) <> 0 LIMIT 1`, a), at)
	if err != nil {
		return false, err
	}
	differs := r.Next()
	return !differs, errors.Join(r.Err(), r.Close())
}

// find reads the difference.
func (d *Difference) find(ctx context.Context, c *duck.Conn, a duck.Args, at sql.Place, cols []*duck.Query) error {
	a["text"] = duck.Each(", ", cols, func(c *duck.Query) *duck.Query {
		return duck.SQL("{c}::VARCHAR", duck.Args{"c": c})
	})
	r, err := c.Query(ctx, duck.SQL(`WITH _dsql_have AS MATERIALIZED (SELECT {row}{cols} FROM ({q}) _q({cols})),
		_dsql_want AS MATERIALIZED (SELECT {row}{same} FROM ({w}) _w({cols}))
		SELECT _more, {text} FROM (SELECT false AS _more, * FROM (FROM _dsql_want EXCEPT ALL FROM _dsql_have) UNION ALL
			SELECT true, * FROM (FROM _dsql_have EXCEPT ALL FROM _dsql_want)) ORDER BY _more, {order}`, a), at)
	if err != nil {
		return err
	}
	for r.Next() {
		row := make(Row, len(cols))
		for i := range row {
			if text, ok := r.Text(i + 1); ok {
				text = strings.Clone(text)
				row[i] = &text
			}
		}
		if more, _ := r.Text(0); more == "true" {
			d.Unexpected = append(d.Unexpected, row)
		} else {
			d.Missing = append(d.Missing, row)
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	return r.Close()
}

// String is a row as a line: values with commas between, texts as they are.
func (r Row) String() string {
	texts := make([]string, len(r))
	for i, t := range r {
		if texts[i] = "NULL"; t != nil {
			texts[i] = *t
		}
	}
	return "(" + strings.Join(texts, ", ") + ")"
}
