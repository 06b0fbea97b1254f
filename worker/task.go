package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/journal"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

// header is what a task says of itself.
type header struct {
	Task     string `json:"task"`     // its name: answers have it
	Source   string `json:"source"`   // whose records come
	File     string `json:"file"`     // of which file, as the source's pattern leads to it
	Path     string `json:"path"`     // read it from here, as it is; "": its bytes come behind the header
	Byte     int64  `json:"byte"`     // where the piece begins
	Line     int64  `json:"line"`     // which line that is, from 1
	End      int64  `json:"end"`      // with path: where it ends; 0: with the file
	More     bool   `json:"more"`     // the file goes on behind the bytes that come
	Head     []byte `json:"head"`     // the file's beginning (base64), where the bytes that come aren't that
	Modified string `json:"modified"` // when the file was last changed
	Now      string `json:"now"`      // what now() gives; "": the time as it goes
	Buckets  int64  `json:"buckets"`  // events of journals are handed out by bucket, of so many; 0: they aren't

	// Of a task of a bucket; its events come behind the header.
	Journal string `json:"journal"`
	From    string `json:"from"`    // the bucket's file as it is; "": there is none
	To      string `json:"to"`      // the file that it makes
	Version int64  `json:"version"` // the version that it makes in it; 0: the next

	source   *program.Node
	journal  *program.Node
	events   *events
	modified time.Time
}

// answer is the header of what comes back.
type answer struct {
	Task     string    `json:"task"`
	Kind     string    `json:"kind"` // rows, partials, rejects, account, end, error
	Name     string    `json:"name,omitempty"`
	Keys     []string  `json:"keys,omitempty"`   // these rows are events of a journal with these keys
	Bucket   *int64    `json:"bucket,omitempty"` // all of them of this bucket
	Batches  int       `json:"batches,omitempty"`
	Version  int64     `json:"version,omitempty"` // of a bucket's file now
	Warnings []message `json:"warnings,omitempty"`
	Errors   []message `json:"errors,omitempty"`
}

// message is an error or a warning.
type message struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

func messageOf(e *sql.Error) message {
	m := message{Code: e.Code.String(), Message: e.Msg, Hint: e.Hint}
	if e.Src != nil {
		at := e.Src.Position(e.Span.Start)
		m.File, m.Line, m.Column = at.File, at.Line, at.Col
	}
	return m
}

// read understands a header.
func (w *Worker) read(head []byte) (*header, error) {
	t := &header{}
	d := json.NewDecoder(bytes.NewReader(head))
	d.DisallowUnknownFields()
	if err := d.Decode(t); err != nil {
		return t, sql.Errorf(code.BadTask, "the header of a task can't be read: %s", err).WithHint("docs/worker.md has its fields").WithCause(err)
	}
	fail := func(format string, args ...any) (*header, error) {
		return t, sql.Errorf(code.BadTask, format, args...).WithHint("docs/worker.md has the fields of a task")
	}
	if t.Journal != "" {
		return t, w.readBucket(t)
	}
	if t.source = w.trial.Program.SourceOf(t.Source); t.source == nil {
		var names []string
		for _, n := range w.trial.Program.Nodes {
			if _, ok := n.Source(); ok {
				names = append(names, n.Name)
			}
		}
		return t, sql.Errorf(code.BadTask, "the plan has no source %s", sql.ShownName(t.Source)).
			WithHint(sql.DidYouMean(t.Source, names, sql.Listed("it has: ", names, "")))
	}
	switch {
	case t.From != "", t.To != "", t.Version != 0:
		return fail("a task of a source has from, to or version, which are of a journal's bucket")
	case t.File == "":
		return fail("a task names no file")
	case t.Byte < 0, t.End < 0, t.Line < 0, t.End > 0 && t.End < t.Byte:
		return fail("the piece begins at byte %d, line %d, and ends at byte %d", t.Byte, t.Line, t.End)
	case t.Byte > 0 && t.Line == 0:
		return fail("the piece begins at byte %d, and the header doesn't say which line that is", t.Byte)
	case t.Buckets < 0, t.Buckets > journal.Buckets:
		return fail("the keys of a journal are put into %d buckets, and there are up to %d", t.Buckets, journal.Buckets)
	case t.Byte > 0 && t.Path == "" && len(t.Head) == 0:
		return fail("the piece begins at byte %d, and the beginning of the file isn't there", t.Byte)
	}
	var err error
	if t.modified, err = timeOf("modified", t.Modified); err != nil {
		return t, err
	}
	_, err = timeOf("now", t.Now)
	return t, err
}

// mostHead is how much of a file's beginning is read to tell what it is.
const mostHead = 256 << 10

// piece is what the task has to read. done is called behind it.
func (w *Worker) piece(t *header, data io.Reader) (p kind.Piece, done func(), err error) {
	p = kind.Piece{Path: t.File, Time: t.modified, Byte: t.Byte, Line: t.Line, Head: t.Head, Data: data, More: t.More,
		Warn: func(e *sql.Error) { w.told = append(w.told, e) }}
	if t.Path == "" {
		return p, func() {}, nil
	}
	p.At, p.End = w.path(t.Path), t.End
	f, err := os.Open(p.At)
	if err != nil {
		return p, nil, unreadable(t.Path, err)
	}
	done = func() { _ = f.Close() }
	info, err := f.Stat()
	if err == nil {
		p.Head = make([]byte, min(mostHead, t.Byte, info.Size()))
		_, err = f.ReadAt(p.Head, 0)
	}
	if err != nil {
		done()
		return p, nil, unreadable(t.Path, err)
	}
	if t.Modified == "" {
		p.Time = info.ModTime().UTC().Truncate(time.Microsecond)
	}
	end := info.Size()
	if t.End > 0 && t.End < end {
		end, p.More = t.End, true
	}
	p.Data = io.NewSectionReader(f, t.Byte, max(end-t.Byte, 0))
	return p, done, nil
}

func unreadable(path string, err error) error {
	return sql.Errorf(code.Unreadable, "%s can't be read: %s", path, err).WithHint("a task's path must lead to the file here, too").WithCause(err)
}

// do does a task.
func (w *Worker) do(ctx context.Context, t *header, data io.Reader, out *answers) (err error) {
	w.told = nil
	of := t.source.Obj.(*run.Tried).Source.(kind.Pieced)
	p, done, err := w.piece(t, data)
	if err != nil {
		return err
	}
	defer done()
	if err := w.setTime(ctx, t.Now); err != nil {
		return err
	}
	r, err := of.Piece(ctx, w.trial.Conn, w.trial.Program.Env, t.source.Cols, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	end := answer{Task: t.Task, Kind: "end"}
	for {
		in, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if end.Batches > 0 {
			if err := w.setTime(ctx, t.Now); err != nil {
				in.Release()
				return err
			}
		}
		if err := w.batch(ctx, t, in, out); err != nil {
			return err
		}
		end.Batches++
	}
	for _, e := range w.told {
		end.Warnings = append(end.Warnings, messageOf(e))
	}
	return put(out, end, nil)
}

// batch takes a batch of a task through the program, and hands on what came of it.
func (w *Worker) batch(ctx context.Context, t *header, in *kind.Input, out *answers) error {
	if err := w.trial.Step(ctx, map[*program.Node]*kind.Input{t.source: in}); err != nil {
		return err
	}
	for _, n := range w.trial.Program.Sorted() {
		d, ok := n.Destination()
		if !ok || !program.Reaches(n, t.source) {
			continue
		}
		var err error
		if e, ok := n.Obj.(*events); ok {
			err = w.events(ctx, t, n, e, in, out)
		} else {
			err = send(ctx, w.trial.Conn, out, []part{{answer{Task: t.Task, Kind: "rows", Name: n.Name}, -1}}, d.InOrder(0, 1<<62, n.Cols), n.Cols)
		}
		if err != nil {
			return err
		}
		if err := w.partials(ctx, out, t.Task, n); err != nil {
			return err
		}
	}
	return w.tell(ctx, w.trial.Conn, t.Task, out, 0)
}

// tell answers with what a file has of rejects and accounts behind a version.
func (w *Worker) tell(ctx context.Context, c *duck.Conn, task string, out *answers, after int64) error {
	for _, of := range []struct {
		kind string
		q    *duck.Query
	}{{"rejects", rejects(after)}, {"account", accounts(after)}} {
		cols, err := c.Describe(ctx, of.q, sql.Place{})
		if err != nil {
			return err
		}
		if err := send(ctx, c, out, []part{{answer{Task: task, Kind: of.kind}, -1}}, of.q, cols); err != nil {
			return err
		}
	}
	return nil
}

// partials answers with what is measured of a destination's rows, as far as that of all pieces can be put together.
func (w *Worker) partials(ctx context.Context, out *answers, task string, n *program.Node) error {
	var cols []*duck.Query
	for _, a := range w.plan.measured(n) {
		for _, p := range a.Partials {
			src := sql.NewSource(n.Name+": "+p.Name, p.SQL)
			cols = append(cols, duck.SQL("{e} AS {n}", duck.Args{"e": duck.User(src, sql.Span{End: len(p.SQL)}), "n": duck.Ident(p.Name)}))
		}
	}
	if len(cols) == 0 {
		return nil
	}
	q := duck.SQL("SELECT {cols} FROM (SELECT {names} FROM {t})", duck.Args{"cols": cols, "names": duck.Names(duck.ColumnNames(n.Cols)),
		"t": duck.Ident(n.Name)})
	of, err := w.trial.Conn.Describe(ctx, q, sql.Place{})
	if err != nil {
		return err
	}
	return send(ctx, w.trial.Conn, out, []part{{answer{Task: task, Kind: "partials", Name: n.Name}, -1}}, q, of)
}

func rejects(after int64) *duck.Query {
	return duck.SQL(`SELECT destination, source, rule, reason, meta::`+catalog.MetaType+` AS meta, payload, data::VARCHAR AS data,
		original::VARCHAR AS original, exact::VARCHAR AS exact FROM dsql.rejects WHERE version > {v} ORDER BY id`, duck.Args{"v": after})
}

func accounts(after int64) *duck.Query {
	return duck.SQL(`SELECT kind, name, rows_in, written, rejected, dropped, bad, skipped FROM dsql.version_rows WHERE version > {v}
		ORDER BY rowid`, duck.Args{"v": after})
}

// part is an answer with some of the rows of a query: with the next so many, -1: with all that are left.
type part struct {
	answer
	rows int
}

// send answers with the rows of a query, some after others.
func send(ctx context.Context, c *duck.Conn, out *answers, parts []part, q *duck.Query, cols []duck.Column) error {
	st, err := c.Prepare(duck.Texts(q, cols, duck.AsArrow), sql.Place{})
	if err != nil {
		return err
	}
	defer st.Close()
	rows, err := st.RunArrow(ctx)
	if err != nil {
		return err
	}
	defer rows.Close()
	for _, p := range parts {
		if err := put(out, p.answer, func(to io.Writer) error {
			arrow := duck.NewArrowWriter(to)
			_, err := arrow.Write(rows, p.rows)
			return errors.Join(err, arrow.Close())
		}); err != nil {
			return err
		}
	}
	return nil
}

// put answers; what goes wrong is the pipe's.
func put(out *answers, a answer, body func(io.Writer) error) error {
	if err := out.put(a, body); err != nil {
		return brokenPipe{err}
	}
	return nil
}
