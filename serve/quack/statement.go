package quack

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"maps"
	"strings"
	"sync"

	"dsql/engine/duck"
	"dsql/serve/quack/wire"
	"dsql/sql"
	"dsql/sql/code"
)

// words are the statements by which a client begins and ends a transaction.
var words = func() map[string]bool {
	out := map[string]bool{}
	for _, w := range []string{"BEGIN", "BEGIN TRANSACTION", "BEGIN WORK", "START TRANSACTION"} {
		out[w], out[w+" READ ONLY"] = true, true
	}
	for _, w := range []string{"COMMIT", "END", "ROLLBACK", "ABORT"} {
		out[w], out[w+" TRANSACTION"], out[w+" WORK"] = false, false, false
	}
	return out
}()

// prepare runs a statement, and answers its columns with the first rows.
func (s *Server) prepare(ctx context.Context, h Host, w *wire.Writer, ses *session, text string) (after func(), err error) {
	if begins, ok := words[strings.ToUpper(strings.Join(strings.Fields(strings.TrimRight(text, "; \t\r\n")), " "))]; ok {
		if err := s.transaction(ctx, ses, begins); err != nil {
			return nil, err
		}
		columns := []*duck.Node{{Column: duck.Column{Name: "Success", Type: "BOOLEAN"}, ID: duck.TypeBoolean}}
		prepared(w, columns, encoded(columns), &chunks{}, false, newID())
		return nil, nil
	}
	t := s.seat(ses)
	if !t.explicit {
		if w.B = append(w.B, h.Kept(ctx, text)...); len(w.B) > 0 {
			s.leave(t, errDone)
			return nil, nil
		}
	}
	if err := t.lock(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if after == nil {
			t.unlock()
		}
	}()
	run, unlink := t.link(ctx)
	defer unlink()
	err = h.Work(ctx, func() error { return s.begin(run, h, w, t, text) })
	if err == nil && !t.explicit && t.result == nil { // nearly always: all of it is there
		return func() {
			h.Keep(ctx, t.conn, text, w.B, ofCatalog(text))
			s.leave(t, errDone)
			t.unlock()
		}, nil
	}
	return nil, s.after(ctx, t, err)
}

// fetch answers the next rows of a result; none when there are no more.
func (s *Server) fetch(ctx context.Context, h Host, w *wire.Writer, ses *session, id wire.Huge) error {
	s.mu.Lock()
	t := ses.results[id]
	s.mu.Unlock()
	if t == nil {
		return errUnknown
	}
	if err := t.lock(ctx); err != nil {
		return err
	}
	defer t.unlock()
	switch {
	case t.finished == id:
		fetched(w, &chunks{}, none)
		return nil
	case t.ended != nil:
		return t.ended
	case t.result == nil || t.result.id != id:
		return errNext
	}
	if stop := t.stop.Load(); stop != nil {
		defer context.AfterFunc(ctx, *stop)()
	}
	h.Stamp(t.version)
	rows := room()
	defer rows.free()
	err := h.Work(ctx, func() error { return t.fill(rows, s.limits.Batch) })
	if err == nil {
		t.batch++
		fetched(w, rows, t.batch)
	}
	return s.after(ctx, t, err)
}

// transaction begins one, or ends it. It takes a connection when something is asked in it.
func (s *Server) transaction(ctx context.Context, ses *session, begins bool) error {
	s.mu.Lock()
	t := ses.tx
	switch {
	case begins && t == nil:
		ses.tx = ses.sit(true)
	case !begins:
		ses.tx = nil
	}
	s.mu.Unlock()
	switch {
	case begins && t != nil:
		return sql.Errorf(code.BadTransaction, "a transaction goes on already").WithHint("COMMIT or ROLLBACK ends it")
	case !begins && t == nil:
		return sql.Errorf(code.BadTransaction, "no transaction goes on").WithHint("BEGIN begins one")
	case !begins:
		if err := t.lock(ctx); err != nil {
			return err
		}
		defer t.unlock()
		s.leave(t, errDone)
	}
	return nil
}

// begin runs a statement on a locked seat.
func (s *Server) begin(ctx context.Context, h Host, w *wire.Writer, t *seat, text string) (err error) {
	if t.ended != nil && t.explicit {
		return errAborted
	} else if t.ended != nil {
		return t.ended
	}
	s.next(t)
	if t.conn == nil {
		if t.conn, t.release, err = h.Open(ctx); err != nil {
			return err
		}
		if err := t.conn.BeginReading(ctx); err != nil {
			return err
		}
	}
	src := sql.NewSource("query", text)
	query := catalog(text)
	if query == nil {
		if err := h.Check(ctx, t.conn, src); err != nil {
			return err
		}
		query = duck.User(src, sql.Span{End: len(text)})
	}
	st, err := t.conn.Prepare(query, sql.Place{Src: src, Span: sql.Span{End: min(1, len(text))}})
	if err != nil {
		return err
	}
	if !st.Reads() {
		st.Close()
		return sql.Errorf(code.RefusedSQL, "only SELECT and EXPLAIN of a SELECT are taken here")
	}
	if t.version < 0 { // by now the transaction sees what it is going to see
		if t.version, err = h.Version(ctx, t.conn); err != nil {
			st.Close()
			return err
		}
	}
	h.Stamp(t.version)
	rows, err := st.Chunks(ctx)
	if err != nil {
		st.Close()
		return err
	}
	t.result = &result{id: newID(), st: st, rows: rows, types: encoded(rows.Columns)}
	for _, c := range rows.Columns {
		if unknown := wire.Unknown(c); unknown != "" {
			return sql.Errorf(code.RefusedSQL, "column %s: values of type %s can't be sent", c.Name, unknown).WithHint("cast them to VARCHAR")
		}
	}
	first := room()
	defer first.free()
	id, types := t.result.id, t.result.types
	if err := t.fill(first, s.limits.Batch/firstPart); err != nil {
		return err
	}
	if t.result != nil {
		s.mu.Lock()
		t.of.results[id] = t
		s.mu.Unlock()
	}
	prepared(w, rows.Columns, types, first, t.result != nil, id)
	return nil
}

// fill reads rows, as many as an answer takes. Behind the last there is no result.
func (t *seat) fill(c *chunks, limit int) error {
	for r := t.result; len(c.B) < limit; {
		if !r.rows.Next() {
			err := r.rows.Err()
			if t.forget(); err == nil {
				t.finished = r.id
			}
			return err
		}
		c.Chunk(r.rows.Rows, r.types, r.rows.Views)
		c.n++
	}
	return nil
}

// next makes room for another result. Those that came before it aren't found any more.
func (s *Server) next(t *seat) {
	t.forget()
	t.finished, t.batch = wire.Huge{}, 0
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(t.of.results, func(_ wire.Huge, other *seat) bool { return other == t })
}

// after is what becomes of a locked seat after a statement, or a part of its rows.
func (s *Server) after(ctx context.Context, t *seat, err error) error {
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		err = errCancelled
	}
	if err == nil && t.result != nil {
		err = ctx.Err() // its time was over just behind the last row: what is left can't be read any more
	}
	if err == nil && (t.explicit || t.result != nil) {
		if err = s.keep(t); err == nil {
			return nil
		}
	}
	switch {
	case err == nil:
		s.leave(t, errDone)
	case t.explicit && t.conn != nil && ctx.Err() == nil && t.alive(): // it was no error that ends a transaction
		t.forget()
	case !t.explicit || t.conn != nil:
		s.leave(t, err)
	}
	return err
}

// encoded are types of columns.
func encoded(columns []*duck.Node) []byte {
	var w wire.Writer
	w.Types(columns)
	return w.B
}

// newID names a result.
func newID() wire.Huge {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return wire.Huge{Upper: int64(binary.LittleEndian.Uint64(b[:])), Lower: binary.LittleEndian.Uint64(b[8:])}
}

// buffers are for rows of answers.
var buffers = sync.Pool{New: func() any { return &chunks{} }}

// firstPart of an answer's rows come with the columns: a client may want no more.
const firstPart = 2

// mostKept is how long a buffer may be that is used again.
const mostKept = 8 << 20

func room() *chunks {
	c, ok := buffers.Get().(*chunks)
	if !ok {
		panic("quack: a buffer of another kind")
	}
	c.n, c.B = 0, c.B[:0]
	return c
}

func (c *chunks) free() {
	if cap(c.B) <= mostKept {
		buffers.Put(c)
	}
}
