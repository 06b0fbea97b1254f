package files

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/lossless"
	"dsql/ingest/names"
	"dsql/internal/lazy"
)

// proofRows is how many records of a file are decoded to prove inferred types: as many as DuckDB's CSV reader looks at.
const proofRows = 20_480

// proof is what decoding the beginning of files by inferred columns has shown.
type proof struct {
	cols    []duck.Column
	lost    []string // inferred columns that no file has under that name
	unknown []string // names of fields of JSON, also inside objects, that no column reads
	empty   []string // columns of which no record of JSON had a value
	records int
	good    int64
}

// prove decodes the beginning of files by the inferred columns, behind those that are known. A type that some value doesn't have
// becomes VARCHAR, a nested one JSON, and DOUBLE what holds all digits.
func (s *Source) prove(ctx context.Context, c *duck.Conn, files []file, known, inferred []duck.Column,
	d batch.Dialect) (p proof, err error) {
	if s.format == "parquet" {
		return proof{cols: inferred, records: 1}, nil
	}
	p.cols = slices.Clone(inferred)
	for pass := 0; pass < 2; pass++ { // a type that holds all digits is tried as well
		for again := true; again; {
			if again, err = s.tryTypes(ctx, c, files, known, &p, d); err != nil {
				return p, err
			}
		}
		if pass == 0 {
			if err := s.exact(ctx, c, files, known, p.cols, d); err != nil {
				return p, err
			}
			if slices.Equal(p.cols, inferred) {
				break
			}
		}
	}
	return p, nil
}

// tryTypes decodes once, and says whether a type had to give way.
func (s *Source) tryTypes(ctx context.Context, c *duck.Conn, files []file, known []duck.Column, p *proof,
	d batch.Dialect) (again bool, err error) {
	l, err := batch.NewLanding(c, s.Stmt.Name, s.fields(slices.Concat(known, p.cols)), d, batch.Limits{Rows: proofRows, Bytes: 16 << 20})
	if err != nil {
		return false, s.Placed(err, s.patternAt)
	}
	defer l.Close()
	p.lost, p.records, p.good, p.unknown = duck.ColumnNames(p.cols), 0, 0, nil
	for _, f := range files {
		x, err := s.sample(ctx, c, l, f)
		if err != nil {
			return false, err
		}
		p.records, p.good, p.unknown, p.empty = p.records+x.records, p.good+x.good, append(p.unknown, x.unknown...), x.empty
		p.lost = slices.DeleteFunc(p.lost, func(n string) bool { return !slices.Contains(x.absent, n) })
		for i := range p.cols {
			again = s.loosen(&p.cols[i], x.reasons) || again
		}
	}
	return again, nil
}

// loosen makes an inferred column VARCHAR, or JSON, where a reason says that a value was not of its type.
func (s *Source) loosen(c *duck.Column, reasons []string) bool {
	to := duck.Type("VARCHAR")
	switch {
	case s.format == "json" && lossless.FamilyOf(c.Type) == lossless.Nested:
		to = "JSON"
	case s.format == "json" && c.Type == "BIGINT":
		to = "HUGEINT"
	}
	if c.Type == to || c.Type == "VARCHAR" || c.Type == "JSON" {
		return false
	}
	named := slices.ContainsFunc(reasons, func(r string) bool {
		rest, ok := strings.CutPrefix(r, "bad_record: "+c.Name)
		return ok && rest != "" && strings.Contains(":.[", rest[:1])
	})
	if named {
		c.Type = to
	}
	return named
}

// firstRecords decodes the beginning of a file, as much as a batch holds. Both are to be given back.
func (s *Source) firstRecords(ctx context.Context, l *batch.Landing, f file) (in *opened, b *batch.Buffer, err error) {
	if in, err = s.open(l, &item{files: []file{f}}, 0); err != nil {
		return nil, nil, err
	}
	if b, err = l.Take(ctx); err == nil {
		if _, err = b.Fill(ctx, in.file); err == nil {
			return in, b, nil
		}
		b.Release()
		err = s.readError(err, f.path)
	}
	in.Close()
	return nil, nil, err
}

// madeUp is what DuckDB calls a further column of a name.
var madeUp = lazy.Regexp(`_[0-9]+$`)

// sampled is what the beginning of a file shows.
type sampled struct {
	absent         []string // columns that its header lacks, or no record has by that name
	reasons        []string // what was wrong with records
	unknown, empty []string // see proof
	records        int
	good           int64
}

// sample decodes the beginning of a file.
func (s *Source) sample(ctx context.Context, c *duck.Conn, l *batch.Landing, f file) (x sampled, err error) {
	in, b, err := s.firstRecords(ctx, l, f)
	if err != nil {
		return x, err
	}
	defer in.Close()
	defer b.Release()
	if batch := b.Input(); batch.Bad != nil {
		x.reasons, err = duck.Select(ctx, c, duck.SQL("SELECT DISTINCT reason FROM {bad}", duck.Args{"bad": batch.Bad}),
			func(row func(...any) error) (s string, err error) { return s, row(&s) })
	}
	x.absent, x.unknown, x.records, x.good = in.file.Absent(), b.UnknownNames(), b.Records(), int64(b.Good())
	for _, f := range l.Fields {
		if s.format != "json" || l.Seen(f) {
			continue
		}
		x.empty = append(x.empty, f.Name)
		at := madeUp().FindStringIndex(f.Name)
		if at == nil {
			continue
		}
		base := f.Name[:at[0]] // JSON's a and A are one name in SQL
		if names.Has(x.unknown, base) || slices.ContainsFunc(l.Fields, func(g batch.Field) bool { return strings.EqualFold(g.Name, base) }) {
			x.absent = append(x.absent, f.Name)
		}
	}
	return x, err
}

// exact finds a type that holds all digits for each column that was inferred as DOUBLE and has a number that it doesn't hold: a whole one
// beyond 2^53, or one that would come out with other digits.
func (s *Source) exact(ctx context.Context, c *duck.Conn, files []file, known, proved []duck.Column, d batch.Dialect) error {
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
	l, err := batch.NewLanding(c, s.Stmt.Name, s.fields(append(append([]duck.Column{}, known...), texts...)), d,
		batch.Limits{Rows: proofRows, Bytes: 16 << 20})
	if err != nil {
		return s.Placed(err, s.patternAt)
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
func (s *Source) digitsOf(ctx context.Context, c *duck.Conn, l *batch.Landing, f file, cols []duck.Column, at []int,
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
