package serve

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"dsql/endpoint"
	"dsql/engine/duck"
)

// lookup is a look-up of an endpoint that is served.
type lookup struct {
	*endpoint.Lookup
	index *index
}

// found are the rows that the look-ups of a request are to read in the state of a view.
type found struct {
	rows  [][]int64
	moves uint64
	known bool // moves is
}

// find gives the rows for the request that was decoded last. Where there is nothing to find it is errWhole, as where they can't be found.
func (b *bound) find(ctx context.Context, v *view) (*found, error) {
	switch {
	case len(b.at.lookups) == 0 || b.wide:
		return nil, errWhole
	case v.epoch%2 == 1:
		return nil, errPassed
	}
	f := &found{}
	for i, l := range b.at.lookups {
		for _, p := range l.Params {
			if !b.objects.Given(p) {
				return nil, errWhole
			}
		}
		k, ok := b.objects.Key(b.keys[i], l.Params, 0)
		if !ok { // NULL equals nothing
			f.rows = append(f.rows, nil)
			continue
		}
		rows, moves, err := l.index.rows(ctx, v, k)
		if err != nil {
			return nil, err
		}
		if f.known && f.moves != moves {
			return nil, errPassed
		}
		f.rows, f.moves, f.known = append(f.rows, rows), moves, true
	}
	return f, nil
}

// asking is the statement for the row of parameters that was decoded last. Where patient it is errPassed rather than one that reads a table
// whole, if a look at the newest state is all that it takes.
func (b *bound) asking(ctx context.Context, v *view, form duck.Form, patient bool) (a asking, err error) {
	a.form, a.patient = form, patient
	a.wide = func() (*duck.Statement, error) { return b.one(form, nil) }
	if a.rows, err = b.find(ctx, v); patient && errors.Is(err, errPassed) {
		return a, err
	}
	if a.rows != nil {
		if a.st, err = b.one(form, a.rows); err == nil {
			return a, nil
		}
		b.wide, a.rows = true, nil // the query says something of the relation that only the relation itself has
	}
	a.st, err = a.wide()
	return a, err
}

// turn is a request's to read tables while their indexes are made: one request at a time does, others wait without a connection, which
// those need that read something else.
type turn struct {
	of     *index // is being made until made is closed
	made   chan struct{}
	over   func() // gives the turn back; nil: it has none
	waited bool
	passed int // how often the state that it looked at was over before its rows were read
}

// A request waits for a commit in the midst of which it can't know where its rows are: a table of a million keys takes longer to read than most
// commits last.
const (
	mostPassed = 4
	commitTime = 200 * time.Millisecond
)

// settle waits for the commit that is in the way.
func (t *turn) settle(ctx context.Context, db *duck.DB) {
	if t.passed++; !db.Settled(ctx, commitTime) {
		t.passed = mostPassed
	}
}

// errTurn: somebody else's turn it is.
var errTurn = errors.New("an index is being made")

// begin takes the turn, or says that it is somebody else's: then it is waited for, once.
func (t *turn) begin(lookups []*lookup) error {
	if t.waited || t.over != nil {
		return nil
	}
	for _, l := range lookups {
		if t.of, t.made = l.index, l.index.making(); t.made == nil {
			continue
		}
		select {
		case t.of.scan <- struct{}{}:
			t.over = func() { <-t.of.scan }
			return nil
		default:
			return errTurn
		}
	}
	return nil
}

// wait waits for the index or for the turn.
func (t *turn) wait(ctx context.Context) {
	t.waited = true
	select {
	case t.of.scan <- struct{}{}:
		t.over = func() { <-t.of.scan }
	case <-t.made:
	case <-ctx.Done():
	}
}

func (t *turn) end() {
	if t.over != nil {
		t.over()
	}
}

// inTurn is asking; what has to go through a table because an index is being made needs its turn for that.
func (b *bound) inTurn(ctx context.Context, v *view, form duck.Form, t *turn) (a asking, err error) {
	a, err = b.asking(ctx, v, form, t.passed < mostPassed)
	if err == nil && a.rows == nil && !b.wide {
		err = t.begin(b.at.lookups)
	}
	return a, err
}

// collated says that the table has a column that compares texts in another way than by their bytes. DuckDB tells it in the statement that
// makes the table alone.
func collated(ctx context.Context, c *duck.Conn, l *endpoint.Lookup) (bool, error) {
	table, _ := l.Of.Located()
	var text string
	_, err := c.Scan(ctx, duck.SQL(`SELECT sql FROM duckdb_tables()
		WHERE database_name = current_database() AND schema_name = 'main' AND table_name = {t}`, duck.Args{"t": table}), &text)
	return strings.Contains(text, " COLLATE "), err
}

// rowids are the relations to read in the places of look-ups, by parameters behind those of the values.
func (b *bound) rowids(f *found) (relation func(lookup int) *duck.Query, counts []byte) {
	if f == nil {
		return func(int) *duck.Query { return nil }, nil
	}
	n := b.place(len(b.at.params) - 1)
	var at [][]*duck.Query
	for _, rows := range f.rows {
		var each []*duck.Query
		for range slots(rows) {
			n++
			each = append(each, duck.Text("$"+strconv.Itoa(n)))
		}
		at = append(at, each)
		counts = append(counts, byte('a'+len(each)))
	}
	return func(i int) *duck.Query { return b.at.lookups[i].Read(at[i]) }, counts
}

// slots is for how many rows of a look-up a statement is made: there are few such.
func slots(rows []int64) int {
	for n := 1; ; n *= 2 {
		if len(rows) <= n {
			return n
		}
	}
}

// giveRows binds the rows that were found.
func (b *bound) giveRows(st *duck.Statement, f *found) error {
	n := b.place(len(b.at.params) - 1)
	for _, rows := range f.rows {
		for i := range slots(rows) {
			rowid := int64(-1) // no row
			if i < len(rows) {
				rowid = rows[i]
			}
			n++
			if err := st.Bind(n, rowid); err != nil {
				return err
			}
		}
	}
	return nil
}

// asked are the look-ups as the endpoint has them.
func (b *bound) asked() []*endpoint.Lookup {
	out := make([]*endpoint.Lookup, len(b.at.lookups))
	for i, l := range b.at.lookups {
		out[i] = l.Lookup
	}
	return out
}
