package duck_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/sql"
)

// filled makes chunks of (id BIGINT, name VARCHAR, tags STRUCT(k VARCHAR, n INTEGER[])[]), rows of them in all. Row i has i%5
// tags, each of which has i%3 numbers; every seventh name is NULL.
func filled(t *testing.T, c *duck.Conn, rows int) (*duck.Layout, []*duck.Chunk, *duck.Slab) {
	t.Helper()
	l, err := c.NewLayout([]duck.Column{{Name: "id", Type: "BIGINT"}, {Name: "name", Type: "VARCHAR"},
		{Name: "tags", Type: "STRUCT(k VARCHAR, n INTEGER[])[]"}})
	if err != nil {
		t.Fatal(err)
	}
	slab, err := duck.NewSlab(16 << 20)
	if err != nil {
		t.Fatal(err)
	}
	var chunks []*duck.Chunk
	for from := 0; from < rows; from += duck.ChunkRows {
		chunk := l.NewChunk()
		fill(l, chunk, slab, from, min(rows-from, duck.ChunkRows))
		chunks = append(chunks, chunk)
	}
	t.Cleanup(func() {
		for _, c := range chunks {
			c.Close()
		}
		l.Close()
		slab.Close()
	})
	return l, chunks, slab
}

func fill(l *duck.Layout, c *duck.Chunk, slab *duck.Slab, from, rows int) {
	keep := func(s string) []byte {
		b := slab.Alloc(len(s))
		copy(b, s)
		return b
	}
	id, name, tags := l.Columns[0], l.Columns[1], l.Columns[2]
	tag := tags.Children[0]
	k, n := tag.Children[0], tag.Children[1]
	for r := range rows {
		i := from + r
		duck.Put(&c.Vecs[id.Vec], r, int64(i))
		if i%7 == 0 {
			c.SetNull(name, r)
		} else {
			c.Vecs[name.Vec].PutBytes(r, keep(strings.Repeat("x", i%20)))
		}
		at := 0
		for j := range i % 5 {
			e := c.Append(tags)
			if j == 0 {
				at = e
			}
			c.Vecs[k.Vec].PutBytes(e, keep(fmt.Sprint("key of ", i)))
			start := 0
			for m := range i % 3 {
				x := c.Append(n)
				if m == 0 {
					start = x
				}
				duck.Put(&c.Vecs[n.Children[0].Vec], x, int32(i+m))
			}
			c.Vecs[n.Vec].PutList(e, start, i%3)
		}
		c.Vecs[tags.Vec].PutList(r, at, i%5)
	}
	c.Seal(rows)
}

const filledSQL = `SELECT i AS id, CASE WHEN i % 7 <> 0 THEN repeat('x', (i % 20)::INT) END AS name,
	list_transform(range(i % 5), lambda j: {'k': 'key of ' || i, 'n': list_transform(range(i % 3), lambda m: (i + m)::INTEGER)}) AS tags FROM range(10000) t(i)`

// What Go filled is what DuckDB reads: nested values that outgrow their first allocation, in parallel, as often as wanted, also
// when chunks are used again.
func TestRelation(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	ctx := t.Context()
	l, chunks, slab := filled(t, c, 10000)
	r := l.NewRelation(duck.Output{Name: "tags", At: 2}, duck.Output{Name: "id", At: 0}, duck.Output{Name: "name", At: 1})
	defer r.Close()
	differ := func() int64 {
		t.Helper()
		n, err := c.Int(ctx, duck.SQL("SELECT count(*) FROM ((SELECT id, name, tags FROM {r} "+
			"EXCEPT ALL ("+filledSQL+")) UNION ALL (("+filledSQL+") EXCEPT ALL SELECT id, name, tags FROM {r}))", duck.Args{"r": r.Query()}))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := differ(); n != 10000 {
		t.Errorf("empty before Show: %d rows differ", n)
	}
	for range 2 {
		r.Show(chunks)
		if n := differ(); n != 0 {
			t.Errorf("%d rows differ", n)
		}
		for q, want := range map[string]int64{
			"SELECT count(*) FROM {r}":                                                      10000,
			"SELECT count(name) FROM {r}":                                                   8571,
			"SELECT sum(a.id - b.id + 1) FROM {r} a JOIN {r} b ON a.id = b.id":              10000,
			"SELECT count(*) FROM (SELECT upper(name), tags::VARCHAR FROM {r})":             10000,
			"SELECT count(DISTINCT tags::JSON) FROM {r}":                                    8001,
			"SELECT sum(len(list_transform(tags, lambda x: x.k || x.n::VARCHAR))) FROM {r}": 20000,
		} {
			if n, err := c.Int(ctx, duck.SQL(q, duck.Args{"r": r.Query()})); n != want || err != nil {
				t.Errorf("%s: %d, %v", q, n, err)
			}
		}
		r.Show(nil)
		if n, err := c.Int(ctx, duck.SQL("SELECT count(*) FROM {r}", duck.Args{"r": r.Query()})); n != 0 || err != nil {
			t.Errorf("emptied: %d rows, %v", n, err)
		}
		slab.Reset()
		for i, chunk := range chunks {
			chunk.Reset()
			fill(l, chunk, slab, i*duck.ChunkRows, min(10000-i*duck.ChunkRows, duck.ChunkRows))
		}
	}
}

// All connections see a relation; one that was closed is an error with its reason, not a crash.
func TestRelationIsSeenEverywhereUntilClosed(t *testing.T) {
	t.Parallel()
	db := open(t, "")
	ctx := t.Context()
	l, chunks, _ := filled(t, db.Writer(), 3000)
	r := l.NewRelation(duck.Output{Name: "id", At: 0})
	r.Show(chunks)
	q := duck.SQL("SELECT count(*) FROM {r}", duck.Args{"r": r.Query()})
	other, err := db.Reader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := other.Int(ctx, q); n != 3000 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	r.Close()
	if _, err := other.Int(ctx, q); err == nil || !strings.Contains(err.Error(), "there is no batch") {
		t.Errorf("got %v", err)
	}
}

// Rewind leaves nothing of a row that was given up.
func TestRewind(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	l, chunks, slab := filled(t, c, 1)
	chunk := chunks[0]
	tags := l.Columns[2]
	sizes := chunk.ListSizes(nil)
	for _, n := range l.Columns {
		chunk.SetNull(n, 1)
	}
	for range 5000 { // more than the child's first allocation
		e := chunk.Append(tags)
		chunk.SetNull(tags.Children[0], e)
	}
	chunk.Rewind(1, sizes)
	slab.Reset()
	fill(l, chunk, slab, 0, 9)
	r := l.NewRelation(duck.Output{Name: "id", At: 0}, duck.Output{Name: "name", At: 1}, duck.Output{Name: "tags", At: 2})
	defer r.Close()
	r.Show(chunks)
	var got string
	if _, err := c.Scan(t.Context(),
		duck.SQL("SELECT string_agg(coalesce(name, '-') || tags::VARCHAR, '; ' ORDER BY id) FROM {r}", duck.Args{"r": r.Query()}),
		&got); err != nil {
		t.Fatal(err)
	}
	want := "-[]; x[{'k': key of 1, 'n': [1]}]; xx[{'k': key of 2, 'n': [2, 3]}, {'k': key of 2, 'n': [2, 3]}]"
	if !strings.HasPrefix(got, want) || strings.Count(got, "NULL") != 0 {
		t.Errorf("got %s", got)
	}
}

func TestLayoutRefusesTypes(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	for typ, want := range map[duck.Type]string{
		"INTERVAL":              "column b: a source can't read values of type INTERVAL",
		"STRUCT(a INT, b BIT)":  "column b: a source can't read values of type STRUCT(a INT, b BIT)",
		"UNION(a INT, b BIT)[]": "column b: a source can't read",
		"NONSENSE":              "nonsense",
	} {
		_, err := c.NewLayout([]duck.Column{{Name: "a", Type: "INTEGER"}, {Name: "b", Type: typ}})
		var e *sql.Error
		if !errors.As(err, &e) || e.Column != "b" || !strings.Contains(strings.ToLower(e.Msg), strings.ToLower(want)) {
			t.Errorf("%s: got %v", typ, err)
		}
	}
}

func TestSlab(t *testing.T) {
	t.Parallel()
	s, err := duck.NewSlab(10)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Add(copy(s.Room(4), "abcdef"))
	s.Add(copy(s.Room(100), "efghijklmn"))
	if got := string(s.Bytes()); got != "abcdefghij" || len(s.Room(1)) != 0 {
		t.Errorf("%q, room %d", got, len(s.Room(1)))
	}
	top := s.Top()
	if b := s.Alloc(1 << 20); len(b) != 1<<20 || s.Alloc(1) != nil {
		t.Error("the top holds a mebibyte, and no more")
	}
	if s.Free(top); len(s.Alloc(5)) != 5 || string(s.Bytes()) != "abcdefghij" {
		t.Error("what was freed can be had again")
	}
}
