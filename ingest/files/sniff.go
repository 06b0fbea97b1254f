package files

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/format/csv"
)

// sniff asks DuckDB about a CSV file: as it is first, or lax, passing over what it can't read; then that as well.
func (s *Source) sniff(ctx context.Context, c *duck.Conn, f file, lax bool) (cols []duck.Column, found *batch.Found, err error) {
	name, options, done, err := s.readable(f)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	for _, ignore := range []bool{false, true} {
		if lax && !ignore {
			continue
		}
		a := duck.Args{"file": escapeGlob(name), "options": duck.Join("", options...), "ignore": ignore}
		var columns string
		found = &batch.Found{}
		var header bool
		_, err = c.Scan(ctx, duck.SQL(`SELECT Delimiter, replace(Quote, '(empty)', ''), replace(Escape, '(empty)', ''),
				replace(Comment, '(empty)', ''), SkipRows::INTEGER, HasHeader, to_json(Columns)::VARCHAR
			FROM sniff_csv({file}, ignore_errors = {ignore}{options})`, a),
			&found.Delim, &found.Quote, &found.Escape, &found.Comment, &found.Skip, &header, &columns)
		if err != nil {
			continue
		}
		if found.Header = batch.HeaderNo; header {
			found.Header = batch.HeaderYes
		}
		if found.Delim == "(empty)" {
			found.Delim = ""
		}
		err = json.Unmarshal([]byte(columns), &cols)
		return cols, found, err
	}
	return nil, nil, err
}

// sniffBytes is how much of a file is written anew for DuckDB to look at.
const sniffBytes = 8 << 20

// readable is a file, and options, that DuckDB's reader takes: one whose encoding it doesn't know is written in UTF-8, and without
// Excel's line sep=. done removes what was written.
func (s *Source) readable(f file) (name string, options []*duck.Query, done func(), err error) {
	head, encoding, err := s.head(f, sniffBytes)
	if err != nil {
		return "", nil, nil, err
	}
	sep, rest, newline, err := csv.Sep(s.dialect, head)
	if err != nil || sep == "" && encoding == "" {
		return f.full, s.readerOptions(), func() {}, err
	}
	var sepOption []*duck.Query
	if sep != "" && s.dialect.Delim == "" {
		sepOption = append(sepOption, duck.SQL(", delim = {d}", duck.Args{"d": sep}))
	}
	if len(head) >= sniffBytes {
		rest = rest[:bytes.LastIndexByte(rest, newline)+1]
	}
	dir, err := os.MkdirTemp("", "dsql")
	if err != nil {
		return "", nil, nil, err
	}
	name = filepath.Join(dir, "sample.csv")
	return name, slices.Concat(s.readerOptions("compression"), sepOption), func() { os.RemoveAll(dir) },
		os.WriteFile(name, bytes.ToValidUTF8(rest, []byte("\uFFFD")), 0o600)
}

// head is the beginning of a file as its decoder sees it, and what it was decoded from.
func (s *Source) head(f file, n int64) (b []byte, encoding string, err error) {
	o, err := s.openRaw(f)
	if err != nil {
		return nil, "", err
	}
	defer o.Close()
	data, err := o.data()
	if err == nil {
		if o.encoding == "" { // only its first line matters
			n = 64 << 10
		}
		b, err = io.ReadAll(io.LimitReader(data, n))
	}
	if err != nil {
		return nil, "", s.readError(err, f.path)
	}
	return b, o.encoding, nil
}
