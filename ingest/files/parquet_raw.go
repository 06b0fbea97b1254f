package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/lossless"
	"dsql/sql"
)

// DuckDB cuts nanoseconds with a zone and INT96 to microseconds, and refuses a file for one text that is no UTF-8. Such a column is read as
// it is stored, from a copy of the file whose footer gives it another meaning (footer.go), and converted here: to what DuckDB
// takes the column for, and then to the declared type. The copy is made where a column that a source reads needs it, of texts when reading
// has failed on one, and lives as long as the batches of its file.

// parquetElement is a node of a file's schema.
type parquetElement struct {
	name     string
	children int
	wide     bool // a DECIMAL of more than 38 digits: DuckDB reads it as a DOUBLE, and wrong
	nanos    bool // a time that DuckDB cuts
}

// columnsWith are the columns, in lower case, that have at whatever depth such an element.
func columnsWith(schema []parquetElement, is func(parquetElement) bool) map[string]bool {
	out := map[string]bool{}
	for i := 1; i < len(schema); {
		top := strings.ToLower(schema[i].name)
		for open := 1; open > 0 && i < len(schema); i++ { // a column with all below it
			out[top] = out[top] || is(schema[i])
			open += schema[i].children - 1
		}
	}
	return out
}

// storedReader reads columns as they are stored.
type storedReader struct {
	*reader
	cast     lossless.Converter
	rawTexts map[string]bool // files with a text that is no UTF-8
	views    []string        // copies of files
}

// storedAs looks at a file's own schema for what DuckDB's reader doesn't give as it is.
func (r *storedReader) storedAs(ctx context.Context, p *parquetFile) error {
	schema, err := duck.Select(ctx, r.conn, duck.SQL(`SELECT name, coalesce(num_children, 0), coalesce(precision > 38, false),
			coalesce(type = 'INT96', false)
				OR coalesce(contains(logical_type, 'isAdjustedToUTC=1') AND contains(logical_type, 'NANOS=NanoSeconds'), false)
		FROM parquet_schema({f})`, duck.Args{"f": escapeGlob(p.full)}),
		func(row func(...any) error) (e parquetElement, err error) {
			return e, row(&e.name, &e.children, &e.wide, &e.nanos)
		})
	if err != nil {
		return r.s.noParquet(err, p.file)
	}
	p.tooWide = columnsWith(schema, func(e parquetElement) bool { return e.wide })
	nanos := columnsWith(schema, func(e parquetElement) bool { return e.nanos })
	kinds := rawKinds{texts: r.rawTexts[p.path]}
	for _, f := range r.s.fields(r.cols) {
		kinds.times = kinds.times || f.Capture == "" && nanos[strings.ToLower(f.Steps()[0])]
	}
	if kinds == (rawKinds{}) {
		return nil
	}
	p.raw = &rawView{have: map[string]duck.Type{}}
	if p.raw.name, err = r.view(ctx, p.full, kinds); err != nil {
		return r.s.unreadable(err, p.path)
	}
	cols, err := r.conn.Describe(ctx, duck.SQL("SELECT * FROM {f}", duck.Args{"f": r.scanned(p)}), sql.Place{})
	if err != nil {
		return r.s.noParquet(err, p.file)
	}
	for _, c := range cols {
		p.raw.have[strings.ToLower(c.Name)] = c.Type
	}
	return nil
}

// scanned is what a file's rows are read from.
func (r *storedReader) scanned(p *parquetFile) *duck.Query {
	if p.raw != nil {
		return duck.SQL("read_parquet({f}, hive_partitioning = false)", duck.Args{"f": escapeGlob(p.raw.name)})
	}
	return r.s.scanParquet(p.full)
}

// fromStored converts v, which DuckDB takes for the type from, to a field's type: as lossless does, or from what is stored. raw is the text
// of a value that is bad, nil where it is v's.
func (r *storedReader) fromStored(ctx context.Context, p *parquetFile, v *duck.Query, from duck.Type,
	f batch.Field) (value, bad, raw *duck.Query, err error) {
	stored := from
	if p.raw != nil {
		cols, err := r.conn.Describe(ctx, duck.SQL("SELECT {v} AS v FROM {f} _f", duck.Args{"v": v, "f": r.scanned(p)}), sql.Place{})
		if err != nil {
			return nil, nil, nil, r.s.noParquet(err, p.file)
		}
		stored = cols[0].Type
	}
	switch {
	case stored == from:
		value, bad = r.cast.Convert(ctx, v, from, f)
		return value, bad, nil, nil
	case f.Format == "" && f.Type.Has(duck.TypeBlob, duck.TypeTimestampNS): // which hold what is stored
		f.Format = lossless.FormatStored
		value, bad = r.cast.Convert(ctx, v, stored, f)
		return value, bad, lossless.StoredText(v, stored, from), nil
	}
	a := duck.Args{"raw": lossless.StoredText(v, stored, from)}
	taken, lost := r.cast.Convert(ctx, v, stored, batch.Field{Name: f.Name, Type: from, Format: lossless.FormatStored})
	value, bad = r.cast.Convert(ctx, taken, from, f)
	a["taken"], a["value"], a["bad"] = taken, value, duck.SQL("false")
	if bad != nil {
		a["bad"] = bad
	}
	shown := duck.SQL("({taken})::VARCHAR", a)
	if lossless.FamilyOf(from) == lossless.Zoned {
		shown, _ = r.cast.Convert(ctx, taken, from, batch.Field{Type: "VARCHAR"})
	}
	if a["shown"] = shown; lost == nil {
		return value, bad, shown, nil
	}
	if a["lost"] = lost; f.Type == "VARCHAR" && f.Format == "" && lossless.FamilyOf(from) != lossless.Text &&
		lossless.FamilyOf(from) != lossless.Nested { // has room for all digits
		return duck.SQL("CASE WHEN {lost} THEN {raw} ELSE {value} END", a), bad, shown, nil
	}
	return value, duck.SQL("(({lost}) OR ({bad}))", a), duck.SQL("CASE WHEN {lost} THEN {raw} ELSE {shown} END", a), nil
}

// dataOf is a row of a file as it is kept beside why it is bad.
func (r *storedReader) dataOf(ctx context.Context, p *parquetFile) *duck.Query {
	if p.raw == nil {
		return catalog.DataJSON("_f", duck.ColumnNames(p.have))
	}
	return duck.SQL("to_json(struct_pack({fields}))", duck.Args{"fields": duck.Each(", ", p.have, func(c duck.Column) *duck.Query {
		v, stored := duck.Ident("_f", c.Name), p.raw.have[strings.ToLower(c.Name)]
		a := duck.Args{"n": duck.Ident(c.Name), "v": v}
		if stored == c.Type || stored == "" {
			return duck.SQL("{n} := {v}", a)
		}
		taken, lost := r.cast.Convert(ctx, v, stored, batch.Field{Name: c.Name, Type: c.Type, Format: lossless.FormatStored})
		if a["taken"] = taken; lost == nil {
			return duck.SQL("{n} := {taken}", a)
		}
		return duck.SQL("{n} := CASE WHEN {lost} THEN to_json({raw}) ELSE to_json({taken}) END", a,
			duck.Args{"lost": lost, "raw": lossless.StoredText(v, stored, c.Type)})
	})})
}

// views are the copies that are in use in this process: others in a folder were left by one that crashed.
var views struct {
	sync.Mutex
	live map[string]bool
}

// viewFolder is DuckDB's own folder for what it doesn't keep, and what copies are called there: by the database, which no other process
// has open. Of one in memory there is no pattern that is its own.
func (r *storedReader) viewFolder(ctx context.Context) (dir, pattern string, own bool, err error) {
	var path string
	_, err = r.conn.Scan(ctx, duck.SQL("SELECT current_setting('temp_directory'), coalesce(path, '') FROM duckdb_databases() "+
		"WHERE database_name = current_database()"), &dir, &path)
	if dir == "" {
		dir = os.TempDir()
	}
	return dir, fmt.Sprintf("dsql_parquet_%016x_*", xxhash.Sum64String(path)), path != "", err
}

// view makes a copy of a file.
func (r *storedReader) view(ctx context.Context, full string, k rawKinds) (name string, err error) {
	dir, pattern, _, err := r.viewFolder(ctx)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	from, err := os.Open(full)
	if err != nil {
		return "", err
	}
	defer from.Close()
	views.Lock()
	to, err := os.CreateTemp(dir, pattern)
	if err == nil {
		if views.live == nil {
			views.live = map[string]bool{}
		}
		views.live[to.Name()] = true
		r.views = append(r.views, to.Name())
	}
	views.Unlock()
	if err != nil {
		return "", err
	}
	if err := errors.Join(copyParquet(to, from, k.raw), to.Close()); err != nil {
		return "", fmt.Errorf("reading its columns as they are stored: %w", err)
	}
	return to.Name(), nil
}

// dropViews removes the reader's copies: their batches are done.
func (r *storedReader) dropViews() {
	if len(r.views) == 0 {
		return
	}
	views.Lock()
	defer views.Unlock()
	for _, name := range r.views {
		delete(views.live, name)
		os.Remove(name)               // what can't be removed now is by the next run
		os.Remove(filepath.Dir(name)) // where it is empty
	}
	r.views = nil
}

// sweepViews removes copies that a crash has left.
func (r *storedReader) sweepViews(ctx context.Context) error {
	dir, pattern, own, err := r.viewFolder(ctx)
	if err != nil || !own {
		return err
	}
	views.Lock()
	defer views.Unlock()
	left, err := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
	for _, name := range left {
		if !views.live[name] {
			os.Remove(name)
		}
	}
	return err
}
