package duck

import (
	"context"
	"errors"
	"fmt"

	"dsql/sql"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Form is how the values of a query's columns become texts.
type Form int

const (
	AsText  Form = iota // as CAST(… AS VARCHAR) prints them
	AsJSON              // as Result.JSON gives them
	AsArrow             // for an ArrowWriter: not as texts, but where Arrow has no such values
)

// Texts is a query whose columns are those of q as texts, which DuckDB makes in the same statement: where the same query runs over and over
// that is less work than a printer. The order of rows stays.
func Texts(q *Query, cols []Column, f Form) *Query {
	if f == AsArrow {
		return forArrow(q, cols)
	}
	names := make(Names, len(cols))
	exprs := make([]*Query, len(cols))
	for i, c := range cols {
		names[i] = fmt.Sprint("_c", i)
		exprs[i] = f.of(c.Type, Ident(names[i]))
	}
	return SQL("SELECT {exprs} FROM ({q}) AS _answer({names})", Args{"exprs": exprs, "q": q, "names": names})
}

// forArrow has texts in the place of values that DuckDB doesn't hand to Arrow without loss.
func forArrow(q *Query, cols []Column) *Query {
	names := make(Names, len(cols))
	exprs := make([]*Query, len(cols))
	for i, c := range cols {
		names[i] = fmt.Sprint("_c", i)
		exprs[i] = Ident(names[i])
		if c.Type.Has(TypeUHugeInt, TypeTimeTZ, TypeBit, TypeBigNum, TypeVariant, TypeGeometry, TypeTimeNS, 0) {
			exprs[i] = SQL("CAST({c} AS VARCHAR)", Args{"c": exprs[i]})
		}
		exprs[i] = SQL("{e} AS {n}", Args{"e": exprs[i], "n": Ident(c.Name)})
	}
	return SQL("SELECT {exprs} FROM ({q}) AS _answer({names})", Args{"exprs": exprs, "q": q, "names": names})
}

// of is a column of a type as such a text.
func (f Form) of(typ Type, col *Query) *Query {
	a := Args{"c": col}
	switch {
	case f == AsText, typ == "JSON":
		return SQL("CAST({c} AS VARCHAR)", a)
	case typ == "FLOAT": // to_json writes the digits of the DOUBLE of the same value
		return SQL("CAST(to_json(CAST(CAST({c} AS VARCHAR) AS DOUBLE)) AS VARCHAR)", a)
	}
	return SQL("CAST(to_json({c}) AS VARCHAR)", a)
}

// Statement is a query with parameters ($1, $2 …) that is bound once on its connection and run as often as wanted. Where what it reads is
// declared anew DuckDB binds it again. It is used by one goroutine at a time.
type Statement struct {
	conn  *Conn
	query *Query
	at    sql.Place
	st    bindings.PreparedStatement
	nulls map[bindings.IdxT]bindings.Value // by parameter, of its type
}

// Prepare binds a query. It must be one statement.
func (c *Conn) Prepare(q *Query, at sql.Place) (*Statement, error) {
	s := &Statement{conn: c, query: q, at: at}
	if bindings.Prepare(c.bound(), q.Text, &s.st) == bindings.StateError {
		err := q.locate(errors.New(bindings.PrepareError(s.st)), at)
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close forgets the statement.
func (s *Statement) Close() {
	for _, v := range s.nulls {
		bindings.DestroyValue(&v)
	}
	s.nulls = nil
	bindings.DestroyPrepare(&s.st)
}

// Reads says that the statement is a SELECT or an EXPLAIN, whatever its text begins with.
func (s *Statement) Reads() bool {
	t := bindings.PreparedStatementType(s.st)
	return t == bindings.StatementTypeSelect || t == bindings.StatementTypeExplain
}

// Bind gives parameter i, counted from 1, a value: nil, bool, int64, uint64, float64, string or []byte.
func (s *Statement) Bind(i int, v any) error {
	n := bindings.IdxT(i)
	state := bindings.StateError
	switch v := v.(type) {
	case nil:
		state = s.bindNull(n)
	case bool:
		state = bindings.BindBoolean(s.st, n, v)
	case int64:
		state = bindings.BindInt64(s.st, n, v)
	case uint64:
		state = bindings.BindUInt64(s.st, n, v)
	case float64:
		state = bindings.BindDouble(s.st, n, v)
	case string:
		state = bindings.BindVarcharLength(s.st, n, v, bindings.IdxT(len(v)))
	case []byte:
		state = bindings.BindBlob(s.st, n, v)
	}
	if state == bindings.StateError {
		return errors.New("DuckDB did not take a parameter: " + bindings.PrepareError(s.st))
	}
	return nil
}

// bindNull gives a NULL of the parameter's own type. For one of none DuckDB would plan the statement anew each time that it runs. The C API has
// no other way to such a value than out of a list of them.
func (s *Statement) bindNull(n bindings.IdxT) bindings.State {
	v, known := s.nulls[n]
	if !known {
		t := bindings.ParamLogicalType(s.st, n)
		defer bindings.DestroyLogicalType(&t)
		none := bindings.CreateNullValue()
		defer bindings.DestroyValue(&none)
		if t.Ptr != nil {
			list := bindings.CreateListValue(t, []bindings.Value{none})
			defer bindings.DestroyValue(&list)
			if list.Ptr != nil {
				v = bindings.GetListChild(list, 0)
			}
		}
		if s.nulls == nil {
			s.nulls = map[bindings.IdxT]bindings.Value{}
		}
		s.nulls[n] = v
	}
	if v.Ptr == nil { // DuckDB doesn't know its type before it has a value
		return bindings.BindNull(s.st, n)
	}
	return bindings.BindValue(s.st, n, v)
}

// BindNamed is Bind of the parameter $name; there is none where it is an error.
func (s *Statement) BindNamed(name string, v any) error {
	var i bindings.IdxT
	if bindings.BindParameterIndex(s.st, &i, name) == bindings.StateError {
		return fmt.Errorf("the statement has no parameter $%s", name)
	}
	return s.Bind(int(i), v)
}

// BeginReading begins a transaction that only reads. What a statement of it sees first all of them see.
func (c *Conn) BeginReading(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.beginBy(func() error { return c.again("BEGIN TRANSACTION READ ONLY") })
}

// EndReading ends it; an error where something has ended it already.
func (c *Conn) EndReading() error { return c.again("ROLLBACK") }

// again runs a statement that is prepared once, which takes a third of the time.
func (c *Conn) again(text string) (err error) {
	defer c.traced(text)(&err)
	st, err := c.keep(text)
	if err != nil {
		return err
	}
	var res bindings.Result
	defer bindings.DestroyResult(&res)
	if bindings.ExecutePrepared(st.st, &res) == bindings.StateError {
		return st.query.locate(errors.New(bindings.ResultError(&res)), sql.Place{})
	}
	return nil
}

// keep is the statement of a text, which stays prepared as long as the connection is open.
func (c *Conn) keep(text string) (*Statement, error) {
	if st := c.kept[text]; st != nil {
		return st, nil
	}
	st, err := c.Prepare(&Query{Text: text}, sql.Place{})
	if err != nil {
		return nil, err
	}
	if c.kept == nil {
		c.kept = map[string]*Statement{}
	}
	c.kept[text] = st
	return st, nil
}

// Serialized is a query as DuckDB's parser reads it, as JSON, or what it has against it (json_serialize_sql). A script has one a declaration.
func (c *Conn) Serialized(ctx context.Context, query string) (string, error) {
	st, err := c.keep("SELECT json_serialize_sql($1::VARCHAR)::VARCHAR")
	if err != nil {
		return "", err
	}
	if err := st.Bind(1, query); err != nil {
		return "", err
	}
	rows, err := st.Run(ctx)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var text []byte
	if rows.Next() {
		text, _ = rows.Text(0)
	}
	return string(text), rows.Err()
}

// Query runs the statement, whose columns are what they are, until it has the first rows.
func (s *Statement) Query(ctx context.Context) (_ *Result, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer s.conn.traced(s.query.Text)(&err)
	r := s.conn.result(ctx, s.query, s.at)
	if err := r.pending(s.st); err != nil {
		return nil, r.fail(err)
	}
	if err := r.printed(); err != nil {
		return nil, r.fail(err)
	}
	if r.read(); r.err != nil {
		return nil, r.err
	}
	return r, nil
}

// Rows are those of a statement of Texts, as they come. They are closed before the statement runs again.
type Rows struct {
	st      *Statement
	ctx     context.Context
	unwatch func()
	res     bindings.Result
	chunk   bindings.DataChunk
	cells   []printed
	row, n  int
	err     error
	closed  bool
	arrow   *inArrow // of RunArrow
	taken   int      // rows of the chunk that an ArrowWriter has written
}

// Run runs the statement until its first rows are there.
func (s *Statement) Run(ctx context.Context) (*Rows, error) {
	return s.run(ctx, func(*Rows) error { return nil })
}

// run has began called when the statement has, and its columns are known.
func (s *Statement) run(ctx context.Context, began func(*Rows) error) (_ *Rows, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer s.conn.traced(s.query.Text)(&err)
	r := &Rows{st: s, ctx: ctx, unwatch: s.conn.watch(ctx)}
	if err = stream(s.st, &r.res); err == nil {
		err = began(r)
	}
	if err != nil {
		return nil, r.fail(err)
	}
	if r.read(); r.err != nil {
		return nil, r.err
	}
	return r, nil
}

// read fetches the next chunk that has rows; at the end the rows are closed.
func (r *Rows) read() {
	r.row, r.n, r.taken, r.cells = -1, 0, 0, r.cells[:0]
	bindings.DestroyDataChunk(&r.chunk)
	var err error
	if r.chunk, r.n, err = fetch(r.ctx, r.st.st, &r.res); err != nil {
		r.err = r.fail(err)
	}
	if r.n == 0 {
		r.Close()
		return
	}
	for i := range bindings.DataChunkGetColumnCount(r.chunk) {
		v := bindings.DataChunkGetVector(r.chunk, i)
		r.cells = append(r.cells, printed{bindings.VectorGetData(v), bindings.VectorGetValidity(v)})
	}
}

// Next goes on to the next row; false at the end or at an error (Err).
func (r *Rows) Next() bool {
	if r.row+1 == r.n && !r.closed {
		r.read()
	}
	r.row++
	return !r.closed
}

// Text is column i of the row; ok is false for NULL. It is valid until Next.
func (r *Rows) Text(i int) (text []byte, ok bool) { return r.cells[i].text(r.row) }

// Err is what ended the rows early.
func (r *Rows) Err() error { return r.err }

func (r *Rows) fail(err error) error {
	r.Close()
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	return r.st.query.locate(err, r.st.at)
}

// Close ends the rows; what was not read is thrown away. Closing twice is fine.
func (r *Rows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.unwatch()
	bindings.DestroyDataChunk(&r.chunk)
	bindings.DestroyResult(&r.res)
	if r.arrow != nil {
		r.arrow.close()
	}
}
