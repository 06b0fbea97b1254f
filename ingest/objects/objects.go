// Package objects owns rows that come as JSON objects and are values of a query, not records of a source.
package objects

import (
	"errors"
	"fmt"
	"slices"

	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/format/json"
	"dsql/ingest/jsontext"
)

// Objects turns JSON objects into rows of typed columns by the rules of a source's records: what doesn't convert without loss is an error.
// It is used by one goroutine at a time.
type Objects struct {
	Rows   int // that were decoded
	chunk  *duck.Chunk
	layout *duck.Layout
	slab   *duck.Slab
	w      convert.Writer
	root   convert.Slot
	names  convert.NameSet // of fields that are no column
	json   *json.Decoder
	cols   int
	sizes  []int
}

// objectBytes is how much text the objects of a chunk may have.
const objectBytes = 8 << 20

// Most is how many objects there is room for.
const Most = duck.ChunkRows

// New asks DuckDB for the types. What a column can't be is a *sql.Error with the column.
func New(c *duck.Conn, cols []duck.Column) (*Objects, error) {
	all := append(slices.Clone(cols), duck.Column{Name: "row", Type: "BIGINT"})
	for range cols {
		all = append(all, duck.Column{Name: "given", Type: "BOOLEAN"})
	}
	layout, err := c.NewLayout(all)
	if err != nil {
		return nil, err
	}
	o := &Objects{layout: layout, cols: len(cols)}
	if o.slab, err = duck.NewSlab(objectBytes); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	o.chunk = layout.NewChunk()
	o.w.Use(o.chunk, o.slab)
	o.root.Obj = convert.NewObject()
	o.root.Obj.Budget = 0 // a field that was learned has no name in a message
	var taken []*convert.Column
	for _, n := range layout.Columns[:len(cols)] {
		col := convert.NewColumn(n, n.Name)
		o.root.Path([]string{n.Name}).Take(col)
		taken = append(taken, col)
	}
	o.json = json.NewDecoder(convert.Columns{W: &o.w, Root: &o.root, All: taken, Names: &o.names})
	return o, nil
}

// fewRows are forgotten one by one: most chunks of a server have one.
const fewRows = 16

// Reset forgets all rows.
func (o *Objects) Reset() {
	if o.Rows > fewRows {
		o.chunk.Reset()
	} else {
		o.sizes = append(o.sizes[:0], make([]int, len(o.chunk.ListSizes(o.sizes[:0])))...)
		for row := range o.Rows {
			o.chunk.Rewind(row, o.sizes)
		}
	}
	o.slab.Reset()
	o.Rows = 0
}

// ErrFull says that there is no room for another object.
var ErrFull = errors.New("there is no room for another object")

// Decode takes an object as the next row. An error leaves the rows before as they are; a field that is no column is one, too.
func (o *Objects) Decode(text []byte) (err error) {
	row := o.Rows
	room := o.slab.Room(len(text))
	if row == Most || len(room) < len(text) {
		return ErrFull
	}
	copy(room, text)
	o.slab.Add(len(text))
	o.names = convert.NameSet{}
	o.sizes = o.chunk.ListSizes(o.sizes[:0])
	switch why, _, full := o.json.Whole(room, row, false); {
	case full:
		err = ErrFull
	case why != "":
		err = errors.New(why)
	case o.json.Unknown > 0:
		err = &UnknownField{slices.Concat(o.names.List, []string{"a field"})[0]}
	}
	if err != nil {
		o.chunk.Rewind(row, o.sizes)
		return err
	}
	duck.Put(&o.chunk.Vecs[o.layout.Columns[o.cols].Vec], row, int64(row))
	for i := range o.cols {
		duck.Put(&o.chunk.Vecs[o.layout.Columns[o.cols+1+i].Vec], row, o.Given(i))
	}
	o.Rows++
	return nil
}

// UnknownField is the error of an object with a field that is no column.
type UnknownField struct{ Name string }

func (u *UnknownField) Error() string {
	return fmt.Sprintf("nothing is called %s", jsontext.Excerpt([]byte(u.Name), true))
}

// Given says whether the object that was decoded last names column i.
func (o *Objects) Given(i int) bool {
	return o.root.Obj.Slots[i].Mark == o.json.Scope+1 // the object in the record is the next one counted
}

// Relation makes a relation over the rows: the columns, the number of the row, and for each column whether the row's object names it. It
// must be closed before o is.
func (o *Objects) Relation() *duck.Relation {
	out := make([]duck.Output, len(o.layout.Columns))
	for i := range o.layout.Columns {
		out[i] = duck.Output{Name: fmt.Sprint("c", i), At: i}
	}
	return o.layout.NewRelation(out...)
}

// Show makes the rows those of a relation.
func (o *Objects) Show(r *duck.Relation) {
	o.chunk.Seal(o.Rows)
	r.Show([]*duck.Chunk{o.chunk})
}

// Bind gives a parameter of a statement the value of column i in a row. It is one of a type that Binds.
func (o *Objects) Bind(s *duck.Statement, parameter, i, row int) error {
	return s.BindFrom(parameter, o.chunk, o.layout.Columns[i], row)
}

// Binds says that values of column i can be bound to a parameter.
func (o *Objects) Binds(i int) bool { return duck.Binds(o.layout.Columns[i]) }

// Key is that of some columns of a row; ok is false where one of them is NULL.
func (o *Objects) Key(k *duck.Keys, columns []int, row int) (_ duck.Key, ok bool) {
	nodes := make([]*duck.Node, len(columns))
	for i, c := range columns {
		nodes[i] = o.layout.Columns[c]
	}
	return k.Key(o.chunk, nodes, row)
}

// Doubles is column i, a DOUBLE, with its validity words: valid until Reset.
func (o *Objects) Doubles(i int) (*float64, *uint64) { return o.chunk.Doubles(o.layout.Columns[i]) }

// Text is column i, a VARCHAR, in a row: valid until Reset.
func (o *Objects) Text(i, row int) string { return o.chunk.Text(o.layout.Columns[i], row) }

// Close gives the memory back.
func (o *Objects) Close() (err error) {
	if o.chunk != nil {
		o.chunk.Close()
	}
	if o.slab != nil {
		err = o.slab.Close()
	}
	o.layout.Close()
	return err
}
