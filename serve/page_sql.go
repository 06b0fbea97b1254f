package serve

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/page"
	pageview "dsql/pipeline/view"
	"dsql/sql"
	"dsql/sql/code"
)

// sqlPage runs a stranger's query as /v1/query does, and shows the first of its rows.
func (s *server) sqlPage(w *recorder, r *http.Request) error {
	st := &page.Statement{Text: r.URL.Query().Get("q")}
	if strings.TrimSpace(st.Text) != "" {
		st.Asked = true
		began := time.Now()
		err := s.strange(r.Context(), func(ctx context.Context, rd *reader) (err error) {
			st.Grid, err = s.askGrid(ctx, rd, sql.NewSource("query", st.Text))
			return err
		})
		if err != nil {
			st.Wrong = rendered(err, refusalOf(r.Context(), err).err.Msg)
		}
		st.Took = fmt.Sprintf("%d ms", time.Since(began).Milliseconds())
	}
	return s.show(w, r, func(context.Context, *pageview.Reader, *page.File) (drawn, error) {
		return drawn{"sql", "SQL", st}, nil
	})
}

// askGrid is ask with the rows as a table of a page.
func (s *server) askGrid(ctx context.Context, rd *reader, src *sql.Source) (*page.Grid, error) {
	if err := checkStranger(ctx, rd.conn, src); err != nil {
		return nil, err
	}
	if err := rd.begin(ctx); err != nil {
		return nil, err
	}
	defer func() { _ = rd.end() }() // an error has ended it
	all := sql.Span{End: len(src.Text)}
	st, err := rd.conn.Prepare(duck.User(src, all), sql.Place{Src: src, Span: sql.Span{End: min(1, all.End)}})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	if !st.Reads() {
		return nil, refuse(http.StatusUnprocessableEntity, code.RefusedSQL, "", "only SELECT and EXPLAIN of a SELECT are taken here")
	}
	res, err := st.Query(ctx)
	if err != nil {
		return nil, err
	}
	defer res.Close()
	g := &page.Grid{}
	for _, c := range res.Columns {
		g.Columns = append(g.Columns, page.GridColumn{Name: c.Name, Type: string(c.Type), Number: c.Type.ID().Number()})
	}
	for res.Next() {
		if len(g.Rows) == pageRows {
			g.More = true
			break
		}
		row := make([]page.Cell, len(g.Columns))
		for i := range row {
			text, ok := res.Text(i)
			row[i] = page.Cell{Text: strings.Clone(text), Null: !ok}
		}
		g.Rows = append(g.Rows, row)
	}
	return g, res.Err()
}

// events tells of each new state of the file, as server-sent events.
func (s *server) events(w *recorder, r *http.Request) error {
	if s.pages.watchers.Add(1) > mostWatchers {
		s.pages.watchers.Add(-1)
		return refuse(http.StatusServiceUnavailable, code.QueueFull, "reload by hand", "too many pages are told of versions already")
	}
	defer s.pages.watchers.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // nothing is to come
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last, told := s.epoch(), time.Time{}
	_, was := s.lags.last()
	due := int64(0)
	for {
		epoch := s.epoch()
		_, turn := s.lags.last()
		over := s.pages.overdue()
		text := ""
		switch {
		case epoch%2 == 0 && epoch != last || turn != was || over != due && over != 0 || told.IsZero():
			if text = fmt.Sprintf("event: version\nid: %d\ndata: %d\n\n", epoch, epoch); told.IsZero() {
				text = "retry: 2000\n\n"
			}
			last, was, due = epoch, turn, over
		case time.Since(told) > stillHere:
			text = ": here\n\n"
		}
		if text != "" {
			_ = out.SetWriteDeadline(time.Now().Add(s.o.Limits.Slow))
			if _, err := w.Write([]byte(text)); err != nil || out.Flush() != nil {
				return nil // the client went away
			}
			told = time.Now()
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return nil
		case <-s.halt:
			return nil
		}
	}
}

// epoch is that of the file as it is now.
func (s *server) epoch() uint64 {
	s.use.RLock()
	defer s.use.RUnlock()
	return s.file.db.Epoch()
}
