package duck

import (
	"context"
	"errors"
	"time"
	"unsafe"

	"dsql/sql"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Result is the rows of a statement of the user, as they come: DuckDB computes little more than what is read, so a result may be
// larger than memory. Values come as DuckDB itself prints them; no Go type stands for DuckDB's.
//
// Columns is empty where a statement gives no rows: SET, BEGIN, CREATE TABLE, INSERT without RETURNING.
type Result struct {
	Columns []Column
	conn    *Conn
	ctx     context.Context
	locate  func(error) error
	unwatch func()
	st      bindings.PreparedStatement // that gives the rows
	own     bindings.PreparedStatement // the same, where it ends with the result
	res     bindings.Result
	numbers []bool // by column
	print   *printer
	chunk   bindings.DataChunk
	row     int // of chunk
	rows    int // in chunk
	views   []View
	viewed  bool // of chunk
	err     error
	closed  bool
}

// Query runs a statement that may return rows, until it has the first of them; an error that DuckDB finds later is Err's. Nothing
// else may run on the connection before the result is read to its end or closed. To close it early ends the statement.
func (c *Conn) Query(ctx context.Context, q *Query, at sql.Place) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := c.result(ctx, q, at)
	if c == c.DB.writer { // it may have written
		defer c.DB.user()()
	}
	if err := r.start(q.Text); err != nil {
		return nil, r.fail(err)
	}
	if r.read(); r.err != nil {
		return nil, r.err
	}
	if r.rows == 0 && len(r.Columns) == 1 && r.Columns[0] == (Column{"Success", "BOOLEAN"}) { // CHECKPOINT and such
		r.Columns = nil
	}
	return r, nil
}

func (c *Conn) result(ctx context.Context, q *Query, at sql.Place) *Result {
	return &Result{conn: c, ctx: ctx, locate: func(err error) error { return q.locate(err, at) }, unwatch: c.watch(ctx)}
}

// start runs the statement until it has rows.
func (r *Result) start(text string) (err error) {
	if err = r.execute(text); err != nil {
		return err
	}
	return r.printed()
}

// printed makes what prints the rows, where there are any.
func (r *Result) printed() (err error) {
	if bindings.ResultReturnType(r.res) != bindings.ResultTypeQueryResult {
		return nil
	}
	if r.print, err = r.conn.newPrinter(r.ctx, &r.res); err != nil {
		return err
	}
	r.Columns = r.print.columns
	for _, t := range r.print.types {
		r.numbers = append(r.numbers, typesByRaw[bindings.GetTypeId(t)].Number())
	}
	return nil
}

// execute runs the statement. DuckDB makes several of some (PIVOT): the last one's rows count.
func (r *Result) execute(text string) (err error) {
	defer r.conn.traced(text)(&err)
	var stmts bindings.ExtractedStatements
	n := bindings.ExtractStatements(r.conn.bound(), text, &stmts)
	defer bindings.DestroyExtracted(&stmts)
	if n == 0 {
		return errors.New(bindings.ExtractStatementsError(stmts))
	}
	for i := range n {
		bindings.DestroyResult(&r.res)
		if err := r.run(stmts, i); err != nil {
			return err
		}
	}
	return nil
}

// run sleeps while other threads have all the work, as dsql_exec does.
func (r *Result) run(stmts bindings.ExtractedStatements, i bindings.IdxT) error {
	bindings.DestroyPrepare(&r.own)
	if bindings.PrepareExtractedStatement(r.conn.bound(), stmts, i, &r.own) == bindings.StateError {
		return errors.New(bindings.PrepareError(r.own))
	}
	return r.pending(r.own)
}

func (r *Result) pending(st bindings.PreparedStatement) error {
	r.st = st
	return stream(st, &r.res)
}

// How long to sleep while other threads have all the work, longer the longer that lasts: as in exec.c.
const (
	shortestNap = 50 * time.Microsecond
	longestNap  = 2 * time.Millisecond
	// mostYields is how often the processor is first left to the thread that has the work: of a short statement it is done before a nap ends.
	mostYields = 32
)

// stream runs a statement until its rows can be fetched.
func stream(st bindings.PreparedStatement, res *bindings.Result) error {
	var p bindings.PendingResult
	defer bindings.DestroyPending(&p)
	if bindings.PendingPreparedStreaming(st, &p) == bindings.StateError {
		return errors.New(bindings.PendingError(p))
	}
	for nap, yields := shortestNap, 0; ; {
		s := bindings.PendingExecuteTask(p)
		if bindings.PendingExecutionIsFinished(s) {
			break
		}
		switch {
		case s != bindings.PendingStateNoTasksAvailable:
			nap, yields = shortestNap, 0
		case yields < mostYields:
			yields++
			yield()
		default:
			time.Sleep(nap)
			nap = min(nap*9/8, longestNap)
		}
	}
	if bindings.ExecutePending(p, res) == bindings.StateError {
		return errors.New(bindings.ResultError(res))
	}
	return nil
}

// read fetches the next chunk that has rows. After the last one, or an error, the result is closed.
func (r *Result) read() {
	r.row, r.rows, r.viewed = -1, 0, false
	if r.print == nil {
		_ = r.Close()
		return
	}
	r.print.forget()
	bindings.DestroyDataChunk(&r.chunk)
	var err error
	if r.chunk, r.rows, err = fetch(r.ctx, r.st, &r.res); err != nil {
		r.err = r.fail(err)
	}
	if r.rows == 0 {
		_ = r.Close()
	}
}

// Next goes on to the next row; false at the end or at an error (Err).
func (r *Result) Next() bool {
	if r.row+1 == r.rows && !r.closed {
		r.read()
	}
	r.row++
	return !r.closed
}

// Text is column i of the row as CAST(… AS VARCHAR) prints it; ok is false for NULL.
func (r *Result) Text(i int) (text string, ok bool) { return r.value(&r.print.text, i) }

// JSON is column i of the row as DuckDB's to_json gives it, but always valid and exact: NaN and infinities are strings, a FLOAT has
// the digits that Text shows, and a value of type JSON keeps all digits of its numbers.
func (r *Result) JSON(i int) []byte {
	text, ok := r.value(&r.print.json, i)
	if !ok {
		return []byte("null")
	}
	return r.print.validJSON(i, text)
}

func (r *Result) value(f *form, i int) (string, bool) {
	if r.closed {
		return "", false
	}
	text, ok, err := f.value(r.print, r.chunk, i, r.row)
	if err != nil {
		r.err = r.fail(err)
	}
	return text, ok
}

// Views are the columns of the chunk that the row is in, read in place, and which of its rows it is. They are good until Next.
func (r *Result) Views() ([]View, int) {
	if r.views == nil {
		l := Layout{} // numbers the vectors, and owns nothing
		r.views = make([]View, len(r.print.types))
		for i, t := range r.print.types {
			r.views[i].of(l.node(r.Columns[i].Name, t))
		}
	}
	if !r.viewed {
		for i := range r.views {
			r.views[i].fetch(bindings.DataChunkGetVector(r.chunk, bindings.IdxT(i)), r.rows)
		}
		r.viewed = true
	}
	return r.views, r.row
}

// Number says whether column i holds numbers: those stand right in a table.
func (r *Result) Number(i int) bool { return r.numbers[i] }

// Err is what ended the rows early.
func (r *Result) Err() error { return r.err }

// fail closes the result and says what went wrong.
func (r *Result) fail(err error) error {
	_ = r.Close()
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	return r.locate(err)
}

// Close ends the result; what was not read is thrown away. Closing twice is fine.
func (r *Result) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.unwatch()
	bindings.DestroyDataChunk(&r.chunk)
	bindings.DestroyResult(&r.res)
	bindings.DestroyPrepare(&r.own)
	if r.print != nil {
		r.print.close()
	}
	return nil
}

// watch interrupts what runs on the connection when ctx is cancelled, until stop is called. After stop nothing touches it any more:
// the connection may be closed.
func (c *Conn) watch(ctx context.Context) (stop func()) {
	c.ctx.Store(&ctx)
	done := make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		bindings.Interrupt(c.bound())
		close(done)
	})
	return func() {
		if !unwatch() {
			<-done
		}
	}
}

// bound is the connection as the driver's bindings take it.
func (c *Conn) bound() bindings.Connection { return bindings.Connection{Ptr: unsafe.Pointer(c.raw)} }
