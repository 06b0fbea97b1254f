package serve

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// How many rows /v1/query gives where the request doesn't say, and at most.
const (
	usualRows = 10_000
	mostRows  = 1_000_000
)

// query answers POST /v1/query.
func (s *server) query(w *recorder, r *http.Request) error {
	form, err := accepts(r)
	if err != nil {
		return err
	}
	if err := isJSON(r); err != nil {
		return err
	}
	body, err := s.body(w, r)
	if err != nil {
		return err
	}
	req := struct {
		SQL    string                     `json:"sql"`
		Params map[string]json.RawMessage `json:"params"`
		Limit  *int                       `json:"limit"`
		Texts  bool                       `json:"texts"`
	}{}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := whole(d, &req, body); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			err = fmt.Errorf("%s is of type %s", cmp.Or(wrong.Field, "it"), wrong.Value)
		}
		return refuse(http.StatusBadRequest, code.BadJSON, `send {"sql": "SELECT …", "params": {…}, "limit": n}`, "the body is no query: %v", err)
	}
	limit := usualRows
	if req.Limit != nil {
		if limit = *req.Limit; limit < 0 || limit > mostRows {
			return refuse(http.StatusBadRequest, code.BadParameter, "leave it out, or ask for less", "limit is %d, and may be 0 to %d", limit,
				mostRows)
		}
	}
	return s.strange(r.Context(), func(ctx context.Context, rd *reader) error {
		return s.ask(ctx, w, rd, sql.NewSource("query", req.SQL), req.Params, limit, form, req.Texts)
	})
}

// whole decodes a body that is one value in JSON, and UTF-8.
func whole(d *json.Decoder, into any, body []byte) error {
	if err := d.Decode(into); err != nil {
		return err
	}
	switch _, err := d.Token(); {
	case !errors.Is(err, io.EOF):
		return errors.New("something stands behind it")
	case !utf8.Valid(body):
		return errors.New("it isn't UTF-8")
	}
	return nil
}

// strange gives a stranger's connection to f, and bounds what it takes.
func (s *server) strange(ctx context.Context, f func(context.Context, *reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Limits.Time)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.use.RLock()
	defer s.use.RUnlock()
	rd, err := s.file.strangers.take(ctx)
	if err != nil {
		return err
	}
	defer s.file.strangers.give(rd)
	return s.file.bounds.run(stop, func() error { return f(ctx, rd) })
}

// grace is how long a stranger's statement, or a part of its rows, runs like others: what is short is over before.
const grace = 5 * time.Millisecond

// behind runs f on a thread of its own, which is put behind all others when that takes longer than a moment: look-ups and the writer aren't
// to wait for the CPU. It says so by late.
func behind(f func() error, late func()) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- &panicked{p}
			}
		}()
		runtime.LockOSThread()
		duck.Strange(true)
		t := &lateThread{id: thread()}
		defer time.AfterFunc(grace, func() {
			if t.put() {
				late()
			}
		}).Stop()
		err := f()
		duck.Strange(false)
		t.over()
		done <- err
	}()
	err := <-done
	var p *panicked
	if errors.As(err, &p) {
		panic(p.what)
	}
	return err
}

// lateThread is a thread that a goroutine has for itself. Once it was put behind it ends with the goroutine; else it goes on to serve others.
type lateThread struct {
	mu          sync.Mutex
	id          int
	done, isPut bool
}

func (t *lateThread) put() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.done {
		t.isPut = true
		putBehind(t.id)
	}
	return t.isPut
}

// over is for the goroutine that has it.
func (t *lateThread) over() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done = true; !t.isPut {
		runtime.UnlockOSThread()
	}
}

// panicked is a panic of another goroutine.
type panicked struct{ what any }

func (*panicked) Error() string { return "a panic" }

// ask runs a stranger's query in a transaction that reads only, and answers it.
func (s *server) ask(ctx context.Context, w *recorder, rd *reader, src *sql.Source, params map[string]json.RawMessage, limit int,
	form media, texts bool) error {
	err := s.file.check(ctx, rd.conn, src)
	if err != nil {
		return err
	}
	if err := rd.begin(ctx); err != nil {
		return err
	}
	defer func() { _ = rd.end() }() // an error has ended it
	version, err := rd.newest(ctx)
	if err != nil {
		return err
	}
	all := sql.Span{End: len(src.Text)}
	st, err := rd.conn.Prepare(duck.User(src, all), sql.Place{Src: src, Span: sql.Span{End: min(1, all.End)}})
	if err != nil {
		return err
	}
	defer st.Close()
	if !st.Reads() {
		return refuse(http.StatusUnprocessableEntity, code.RefusedSQL, "", "only SELECT and EXPLAIN of a SELECT are taken here")
	}
	for name, text := range params {
		v, err := scalar(text)
		if err == nil {
			err = st.BindNamed(name, v)
		}
		if err != nil {
			return refuse(http.StatusBadRequest, code.BadParameter, "parameters are texts, numbers, true, false and null", "params: %s: %v", name,
				err)
		}
	}
	if form == asArrow {
		return s.askArrow(ctx, w, st, version, limit)
	}
	res, err := st.Query(ctx)
	if err != nil {
		return err
	}
	defer res.Close()
	w.stamp(version)
	w.Header().Set("Content-Type", form.name)
	t := newTable(w, res.Columns)
	var truncated bool
	if form == asCSV { // which has no room for it but behind the rows
		w.Header().Set("Trailer", truncatedTrailer)
		t.header(false)
		truncated, err = t.resultLines(res, limit)
		defer func() { w.Header().Set(truncatedTrailer, strconv.FormatBool(truncated)) }()
	} else {
		t.head()
		if truncated, err = t.resultObjects(res, limit, texts); err == nil {
			t.w.WriteString(`],"version":` + strconv.FormatInt(version, 10) + `,"truncated":` + strconv.FormatBool(truncated) + "}\n")
		}
	}
	return t.end(w, err)
}

// askArrow answers in Arrow, which has no room for what was left out either.
func (s *server) askArrow(ctx context.Context, w *recorder, st *duck.Statement, version int64, limit int) error {
	rows, err := st.RunArrow(ctx)
	if err != nil {
		return err
	}
	defer rows.Close()
	w.stamp(version)
	w.Header().Set("Content-Type", asArrow.name)
	w.Header().Set("Trailer", truncatedTrailer)
	t := newTable(w, nil)
	truncated, err := t.arrow.Write(rows, limit)
	if err := t.end(w, err); err != nil {
		return err
	}
	w.Header().Set(truncatedTrailer, strconv.FormatBool(truncated))
	return nil
}

// truncatedTrailer says behind an answer in CSV or Arrow whether there were more rows than the limit.
const truncatedTrailer = "Dsql-Truncated"

// scalar is a value in JSON that a parameter can be.
func scalar(text json.RawMessage) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil, string, bool:
		return v, nil
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i, nil
		}
		return v.Float64()
	}
	return nil, errors.New("an array or object is no value here")
}

func (t *table) resultLines(res *duck.Result, limit int) (more bool, err error) {
	for n := 0; err == nil && res.Next(); n++ {
		if n == limit {
			return true, nil
		}
		for i := range t.columns {
			text, ok := res.Text(i)
			t.field(i > 0, []byte(text), ok)
		}
		err = t.w.WriteByte('\n')
	}
	return false, errors.Join(err, res.Err())
}

// resultObjects writes rows as JSON; with texts each value is the text that DuckDB prints.
func (t *table) resultObjects(res *duck.Result, limit int, texts bool) (more bool, err error) {
	for n := 0; err == nil && res.Next(); n++ {
		if n == limit {
			return true, nil
		}
		if n > 0 {
			t.w.WriteByte(',')
		}
		for i, name := range t.names {
			t.w.WriteByte("{,"[min(i, 1)])
			t.w.Write(name)
			t.w.WriteByte(':')
			value := []byte("null")
			if text, ok := "", false; !texts {
				value = res.JSON(i)
			} else if text, ok = res.Text(i); ok {
				value = jsonText(text)
			}
			t.w.Write(value)
		}
		err = t.w.WriteByte('}')
	}
	return false, errors.Join(err, res.Err())
}
