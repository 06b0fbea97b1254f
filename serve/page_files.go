package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// The result of a query as a file: all of it up to the most that /v1/query gives.

// sqlFile answers in a form of /v1/query.
func (s *server) sqlFile(ending string, form media) action {
	return func(w *recorder, r *http.Request) error {
		return s.strange(r.Context(), func(ctx context.Context, rd *reader) error {
			w.Header().Set("Content-Disposition", `attachment; filename="result.`+ending+`"`)
			return s.ask(ctx, w, rd, sql.NewSource("query", r.URL.Query().Get("q")), nil, mostRows, form, false)
		})
	}
}

// sqlParquet has DuckDB write a file for the answer, which is gone with it: Parquet ends with what tells where its parts are.
func (s *server) sqlParquet(w *recorder, r *http.Request) (err error) {
	dir, err := os.MkdirTemp("", "dsql-*") // a COPY that is stopped leaves a file of another name
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "result.parquet")
	src := sql.NewSource("query", r.URL.Query().Get("q"))
	var version int64
	if err := s.strange(r.Context(), func(ctx context.Context, rd *reader) (err error) {
		version, err = writeParquet(ctx, rd, src, file)
		return err
	}); err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	w.stamp(version)
	h := w.Header()
	h.Set("Content-Type", "application/vnd.apache.parquet")
	h.Set("Content-Disposition", `attachment; filename="result.parquet"`)
	h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	w.WriteHeader(http.StatusOK)
	_, _ = io.Copy(w, from) // a client that went away
	return nil
}

// writeParquet writes the rows of a stranger's query.
func writeParquet(ctx context.Context, rd *reader, src *sql.Source, to string) (version int64, err error) {
	if err := checkStranger(ctx, rd.conn, src); err != nil {
		return 0, err
	}
	if err := rd.begin(ctx); err != nil {
		return 0, err
	}
	defer func() { _ = rd.end() }() // an error has ended it
	if version, err = rd.newest(ctx); err != nil {
		return 0, err
	}
	query := sql.Span{}
	for i, t := range sql.Tokens(src, sql.Span{End: len(src.Text)}) { // without the semicolon behind it
		if text := t.Span.Of(src); text == ";" {
			break
		} else if i == 0 && sql.Same(text, "explain") {
			return 0, refuse(http.StatusUnprocessableEntity, code.RefusedSQL, "ask for CSV", "what EXPLAIN gives is no table of a file")
		}
		query.End = t.Span.End
	}
	return version, rd.conn.Run(ctx, duck.SQL("COPY (SELECT * FROM (\n{q}\n) LIMIT {n}) TO {file} (FORMAT parquet)",
		duck.Args{"q": duck.User(src, query), "n": mostRows, "file": to}))
}
