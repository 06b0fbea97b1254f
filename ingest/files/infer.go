package files

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/declare"
	"dsql/ingest/lossless"
	"dsql/ingest/names"
	"dsql/sql"
	"dsql/sql/code"
)

// What a declaration leaves out is found by DuckDB's own readers, and then proved by the decoders: they take no type that guesses
// (a date that is not ISO 8601 without its pattern, say), and such a column is VARCHAR.

// infer finds the columns of the first file that has a record. A file without one would tell names at most, and those as they are
// read where nothing else is there.
func (x *session) infer(ctx context.Context, c *duck.Conn) ([]duck.Column, error) {
	files, err := x.list(x.env)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if f.size == 0 {
			continue
		}
		p, found, err := x.inferFrom(ctx, c, files[i:i+1], false)
		if err != nil && (x.noRecords(err) || x.unreadableFile(err) != nil) {
			continue
		}
		if err == nil && p.records == 0 && found != nil { // all of it was taken for lines above a header
			p, found, err = x.inferFrom(ctx, c, files[i:i+1], true)
		}
		if err != nil {
			return nil, err
		}
		if p.records == 0 {
			continue
		}
		if x.format == "json" { // a field in two cases is one column
			p.cols = slices.DeleteFunc(p.cols, func(c duck.Column) bool { return slices.Contains(p.lost, c.Name) })
		} else if len(p.lost) > 0 {
			return nil, x.notInferred(f,
				fmt.Sprintf("no field is called %s: DuckDB made up the name for one that has none, or whose name stands there twice",
					sql.ShownName(p.lost[0])), nil)
		}
		x.found, x.inferred = found, f.path
		return x.withCaptures(p.cols), nil
	}
	return nil, x.Stmt.At(x.patternAt).Errorf(code.NothingToInfer, "%s has no columns, and no file of %s has a record to infer them from",
		x.Stmt.Name, x.pattern.Text).
		WithHint(x.nameThem())
}

func (x *session) inferFrom(ctx context.Context, c *duck.Conn, files []file, lax bool) (proof, *batch.Found, error) {
	cols, found, err := x.describe(ctx, c, files, false, lax)
	if err != nil {
		return proof{}, nil, err
	}
	d := x.dialect
	d.Found = found
	p, err := x.prove(ctx, c, files, nil, cols, d)
	if err == nil && p.records > 0 && p.good == 0 && found != nil && found.Quote == "" && x.dialect.Quote == 0 {
		found.NoQuote = true
		p, err = x.prove(ctx, c, files, nil, cols, d)
	}
	return p, found, err
}

func (s *Source) nameThem() string {
	return "name the columns: CREATE SOURCE " + s.Stmt.Name + " (id BIGINT, …) FROM FILES (…)"
}

func (s *Source) notInferred(f file, why string, err error) *sql.Error {
	return s.Stmt.At(s.patternAt).Errorf(code.NotInferred, "the columns of %s can't be inferred: %s", f.path, why).
		WithHint(s.nameThem()).
		WithCause(err)
}

// describe asks DuckDB's reader for the columns of files; whole says that it is to look at all records, where that matters, lax that it
// may pass over some.
func (s *Source) describe(ctx context.Context, c *duck.Conn, files []file, whole,
	lax bool) (cols []duck.Column, found *batch.Found, err error) {
	if s.format == "csv" {
		err = c.Apart(ctx, func(c *duck.Conn) (err error) { cols, found, err = s.sniff(ctx, c, files[0], lax); return err })
	} else {
		cols, err = s.described(ctx, c, files, whole, false)
	}
	if err != nil {
		var e *sql.Error
		if errors.As(err, &e) && e.Exit == code.ExitUnreachable {
			return nil, nil, err
		}
		why := err.Error()
		if e != nil {
			why = e.Msg
		}
		why, _, _ = strings.Cut(strings.TrimSpace(strings.ReplaceAll(why, files[0].full, files[0].path)), "\n")
		return nil, nil, s.notInferred(files[0], why, err)
	}
	return s.shaped(cols), found, nil
}

// shaped are columns that DuckDB found in the types that a source gives them.
func (s *Source) shaped(cols []duck.Column) []duck.Column {
	for i, col := range cols {
		switch {
		case lossless.FamilyOf(col.Type) == lossless.Nothing: // no value yet
			cols[i].Type = "VARCHAR"
		case s.OnNew == "ADD COLUMNS" && col.Type.Has(duck.TypeStruct, duck.TypeMap): // has room for fields that come later
			cols[i].Type = "JSON"
		case lossless.FamilyOf(col.Type) == lossless.Zoned && s.format != "parquet": // texts with an offset become UTC
			cols[i].Type = "TIMESTAMP"
		}
	}
	return cols
}

// described asks DuckDB's readers of JSON and Parquet, apart: what is wrong with a file ends no transaction. lines says that each line of
// JSON is a record, or none.
func (s *Source) described(ctx context.Context, c *duck.Conn, files []file, whole, lines bool) (cols []duck.Column, err error) {
	names := duck.Each(", ", files, func(f file) *duck.Query { return duck.Lit(escapeGlob(f.full)) })
	a := duck.Args{"files": names, "options": duck.Join("", s.readerOptions()...)}
	q := duck.SQL("SELECT * FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false{options})", a)
	if s.format == "json" {
		a["sample"], a["lines"] = duck.SQL(""), duck.SQL("")
		if lines {
			a["lines"] = duck.SQL(", format = 'newline_delimited'")
		}
		if _, given := s.option("sample_size"); whole && !given {
			a["sample"] = duck.SQL(", sample_size = -1")
		}
		q = duck.SQL("SELECT * FROM read_json_auto([{files}], union_by_name = true, ignore_errors = true, records = true, "+
			"map_inference_threshold = -1, hive_partitioning = false, maximum_sample_files = 2147483647{sample}{lines}{options})", a)
	}
	err = c.Apart(ctx, func(c *duck.Conn) (err error) { cols, err = c.Describe(ctx, q, sql.Place{}); return err })
	for i := range cols {
		if s.format == "json" && (cols[i].Type == "HUGEINT" || cols[i].Type == "UBIGINT") { // DuckDB's, where numbers have both signs
			cols[i].Type = "BIGINT"
		}
	}
	return cols, err
}

// noRecords says whether DuckDB found nothing in JSON files that could be a record.
func (s *Source) noRecords(err error) bool {
	return s.format == "json" && strings.Contains(err.Error(), "expected records")
}

func (s *Source) option(name string) (sql.Option, bool) {
	i := slices.IndexFunc(s.options, func(o sql.Option) bool { return o.Name == name })
	if i < 0 {
		return sql.Option{}, false
	}
	return s.options[i], true
}

// readerOptions hands the user's options on to DuckDB's reader, but for those named.
func (s *Source) readerOptions(but ...string) []*duck.Query {
	var out []*duck.Query
	for _, o := range s.options {
		opt := optionOf(o.Name)
		if opt == nil || !opt.infer || slices.Contains(but, o.Name) {
			continue
		}
		v := duck.Lit(o.Text)
		switch {
		case o.Kind == sql.OptNone:
			v = duck.Lit(true)
		case o.Kind == sql.OptList, o.Name == "names":
			texts := (&declare.Compiler{Src: s.Stmt.Src}).Texts(o)
			v = duck.SQL("[{texts}]", duck.Args{"texts": duck.Each(", ", texts, func(x string) *duck.Query { return duck.Lit(x) })})
		}
		out = append(out, duck.SQL(", {n} = {v}", duck.Args{"n": duck.Ident(o.Name), "v": v}))
	}
	return out
}

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
		err = s.readError(err, f)
	}
	in.Close()
	return nil, nil, err
}

// madeUp is what DuckDB calls a further column of a name.
var madeUp = regexp.MustCompile(`_[0-9]+$`)

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
		at := madeUp.FindStringIndex(f.Name)
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
