package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dsql/engine/duck"
)

// Found is what DuckDB's sniffer found of a CSV file, beside its columns. It is kept for the source in dsql.dialects.
type Found struct {
	Header  Header
	Skip    int    // lines above the header or first record
	Delim   string // "": none was needed
	Quote   string
	Escape  string
	Comment string
	NoQuote bool // quotes are text: what DuckDB took the file for, where nothing is read otherwise
}

// apply takes what the user's options leave open.
func (d *Dialect) apply(f *Found) {
	if d.Quote == 0 && f.NoQuote {
		d.NoQuote = true
	}
	if d.Quote == 0 && !d.NoQuote && len(f.Quote) == 1 {
		d.Quote = f.Quote[0]
		if d.Escape == 0 && len(f.Escape) == 1 {
			d.Escape = f.Escape[0]
		}
	}
	if d.Comment == 0 && len(f.Comment) == 1 {
		d.Comment = f.Comment[0]
	}
	if d.Seen == HeaderAuto {
		d.Seen = f.Header
	}
}

// sniff asks DuckDB about a CSV file: as it is first, or lax, passing over what it can't read; then that as well.
func (s *fileSource) sniff(ctx context.Context, c *duck.Conn, f file, lax bool) (cols []duck.Column, found *Found, err error) {
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
		found = &Found{}
		var header bool
		_, err = c.Scan(ctx, duck.SQL(`SELECT Delimiter, replace(Quote, '(empty)', ''), replace(Escape, '(empty)', ''),
				replace(Comment, '(empty)', ''), SkipRows::INTEGER, HasHeader, to_json(Columns)::VARCHAR
			FROM sniff_csv({file}, ignore_errors = {ignore}{options})`, a),
			&found.Delim, &found.Quote, &found.Escape, &found.Comment, &found.Skip, &header, &columns)
		if err != nil {
			continue
		}
		if found.Header = HeaderNo; header {
			found.Header = HeaderYes
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
func (s *fileSource) readable(f file) (name string, options []*duck.Query, done func(), err error) {
	head, encoding, err := s.head(f, sniffBytes)
	if err != nil {
		return "", nil, nil, err
	}
	l := &Landing{dialect: s.dialect}
	if l.dialect.Quote == 0 {
		l.dialect.Quote = '"'
	}
	in := &File{l: l, carry: bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), eof: true}
	c := newCSVDecoder(in)
	if c.newline, err = in.lineEnds(c); err != nil {
		return "", nil, nil, err
	}
	sep, err := in.separator(c)
	if err != nil || sep == "" && encoding == "" {
		return f.full, s.readerOptions(), func() {}, err
	}
	rest := head
	var sepOption []*duck.Query
	if sep != "" {
		size, _, err := in.line(c)
		if err != nil {
			return "", nil, nil, err
		}
		rest = in.carry[size:]
		if s.dialect.Delim == "" {
			sepOption = append(sepOption, duck.SQL(", delim = {d}", duck.Args{"d": sep}))
		}
	}
	if len(head) >= sniffBytes {
		rest = rest[:bytes.LastIndexByte(rest, c.newline)+1]
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
func (s *fileSource) head(f file, n int64) (b []byte, encoding string, err error) {
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
		return nil, "", s.readError(err, f)
	}
	return b, o.encoding, nil
}

// exact finds a type that holds all digits for each column that was inferred as DOUBLE and has a number that it doesn't hold: a whole one
// beyond 2^53, or one that would come out with other digits.
func (s *fileSource) exact(ctx context.Context, c *duck.Conn, files []file, known, proved []duck.Column, d Dialect) error {
	var at []int
	texts := append([]duck.Column{}, proved...)
	for i, col := range proved {
		if col.Type == "DOUBLE" {
			at = append(at, i)
			texts[i].Type = "VARCHAR"
		}
	}
	if len(at) == 0 {
		return nil
	}
	l, err := NewLanding(c, s.decl.Name, s.fields(append(append([]duck.Column{}, known...), texts...)), d,
		Limits{Rows: proofRows, Bytes: 16 << 20})
	if err != nil {
		return s.placed(err)
	}
	defer l.Close()
	wide := make([]digits, len(at))
	for _, f := range files {
		if err := s.digitsOf(ctx, c, l, f, texts, at, wide); err != nil {
			return err
		}
	}
	for k, i := range at {
		proved[i].Type = wide[k].typeOf()
	}
	return nil
}

// digitsOf looks at the numbers of a file's beginning.
func (s *fileSource) digitsOf(ctx context.Context, c *duck.Conn, l *Landing, f file, cols []duck.Column, at []int,
	wide []digits) error {
	in, b, err := s.firstRecords(ctx, l, f)
	if err != nil {
		return err
	}
	defer in.Close()
	defer b.Release()
	long := make([]string, len(at))
	dest := make([]any, len(at))
	for k := range at {
		dest[k] = &long[k]
	}
	each := duck.Each(", ", at, func(i int) *duck.Query {
		return duck.SQL("coalesce(string_agg(DISTINCT {c}, chr(31)) FILTER (length({c}) > 15), '')",
			duck.Args{"c": duck.Ident(cols[i].Name)})
	})
	rows := b.Input().Rows
	if _, err := c.Scan(ctx, duck.SQL("SELECT {each} FROM {rows}", duck.Args{"each": each, "rows": rows}), dest...); err != nil {
		return err
	}
	for k, i := range at {
		for text := range strings.SplitSeq(long[k], "\x1f") {
			wide[k].lost = wide[k].lost || text != "" && !heldByDouble(text, s.dialect.DecimalSeparator, s.dialect.Thousands)
		}
		if !wide[k].lost || wide[k].odd {
			continue
		}
		var whole, scale int
		var plain bool
		if _, err := c.Scan(ctx, duck.SQL(`SELECT coalesce(max(length(ltrim(split_part(v, '.', 1), '+-0'))), 0)::INTEGER,
				coalesce(max(length(split_part(v, '.', 2))), 0)::INTEGER,
				coalesce(bool_and(regexp_full_match(v, '[-+]?[0-9]*[.]?[0-9]*')), true)
			FROM (SELECT trim({c}) AS v FROM {rows})`, duck.Args{"c": duck.Ident(cols[i].Name), "rows": rows}),
			&whole, &scale, &plain); err != nil {
			return err
		}
		w := &wide[k]
		w.whole, w.scale, w.odd = max(w.whole, whole), max(w.scale, scale), w.odd || !plain
	}
	return nil
}
