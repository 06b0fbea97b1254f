package ingest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// Parquet is read by DuckDB itself, which does that better than any decoder here could: the batch's relation is its reader, with
// strict conversion in SQL where a column's declared type is not the file's.

// parquetFile is a file in reading: batches are ranges of its row numbers.
type parquetFile struct {
	item    item
	file    file
	rows    int64
	next    int64 // row number, from 0
	hash    string
	have    []engine.Column
	unknown int64
}

func (r *reader) nextParquet(ctx context.Context) (*engine.Input, error) {
	if r.parquet == nil {
		if len(r.work) == 0 {
			return nil, io.EOF
		}
		it := r.work[0]
		r.work = r.work[1:]
		p, err := r.openParquet(ctx, it)
		if err != nil {
			return nil, err
		}
		r.parquet = p
		if len(it.files) > 1 { // one file at a time: DuckDB numbers rows within a file
			rest := it
			rest.files, rest.pos = it.files[1:], Pos{}
			r.work = append([]item{rest}, r.work...)
			p.item.files = it.files[:1]
		}
	}
	p := r.parquet
	from, to := p.next, p.rows
	if !r.s.snapshot {
		to = min(to, from+int64(r.s.limits.Rows))
	}
	p.next = to
	b := batch{item: p.item, files: []taken{{file: p.file, hash: p.hash, pos: Pos{Byte: to, Line: to + 1}, done: to == p.rows}}}
	if from > 0 || to < p.rows {
		b.lines = fmt.Sprintf(" rows %d–%d", from+1, to)
	}
	if to == p.rows {
		r.parquet = nil
	}
	in, err := r.parquetInput(ctx, p, from, to)
	if err != nil {
		return nil, err
	}
	for _, c := range r.cols {
		if findColumn(p.have, r.s.parquetName(c.Name)) == nil && !slices.Contains(r.s.pattern.captures, c.Name) {
			b.absent = append(b.absent, c.Name)
		}
	}
	return r.input(ctx, b, in)
}

func (r *reader) openParquet(ctx context.Context, it item) (*parquetFile, error) {
	f := it.files[0]
	p := &parquetFile{item: it, file: f, next: it.pos.Byte}
	place := engine.Place{Src: r.s.decl.Src, Span: r.s.patternAt}
	var err error
	if p.have, err = r.conn.Describe(ctx, engine.SQL("SELECT * FROM read_parquet({f})", engine.Args{"f": f.full}), place); err != nil {
		e := r.s.unreachable(err)
		e.Code, e.Msg, e.Hint = "unreadable", f.path+" can't be read as Parquet: "+plain(err), "mend the file or take it away, then run again"
		return nil, e
	}
	for _, h := range p.have {
		if !slices.ContainsFunc(r.cols, func(c engine.Column) bool { return strings.EqualFold(r.s.parquetName(c.Name), h.Name) }) {
			p.unknown++
		}
	}
	if p.rows, err = r.conn.Int(ctx, engine.SQL("SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata({f})", engine.Args{"f": f.full})); err != nil {
		return nil, err
	}
	if p.hash, err = hashFile(f.full); err != nil {
		return nil, r.s.unreachable(err)
	}
	return p, nil
}

func plain(err error) string {
	if e, ok := err.(*sql.Error); ok {
		return e.Msg
	}
	return err.Error()
}

func findColumn(cols []engine.Column, name string) *engine.Column {
	for i := range cols {
		if strings.EqualFold(cols[i].Name, name) {
			return &cols[i]
		}
	}
	return nil
}

// parquetName is the file's column for a declared one: its FROM path's only step, or its name.
func (s *source) parquetName(name string) string {
	for _, d := range s.columns {
		if v := d.Args["FROM"]; v != nil && strings.EqualFold(d.Name.Text, name) {
			if steps, err := jsonPath(v.Text); err == nil && len(steps) == 1 {
				return steps[0]
			}
		}
	}
	return name
}

// parquetInput is the relation of rows [from, to).
func (r *reader) parquetInput(ctx context.Context, p *parquetFile, from, to int64) (*engine.Input, error) {
	s := r.s
	a := engine.Args{"f": p.file.full, "from": from, "to": to, "meta": engine.SQL(`struct_pack(source := {s}, topic := NULL::VARCHAR, "partition" := NULL::INTEGER, "offset" := NULL::BIGINT, "timestamp" := NULL::TIMESTAMP, "key" := NULL::BLOB, headers := NULL, tombstone := NULL::BOOLEAN, file := {path}, line := file_row_number + 1)::{type}`,
		engine.Args{"s": s.decl.Name, "path": p.file.path, "type": engine.Type(engine.MetaType)})}
	file := engine.SQL("(SELECT * FROM read_parquet({f}, file_row_number = true) WHERE file_row_number >= {from} AND file_row_number < {to})", a)
	var values, tests []*engine.Query
	for _, c := range r.cols {
		v, test := s.convert(c, p)
		values = append(values, engine.SQL("{v} AS {n}", engine.Args{"v": v, "n": engine.Ident(c.Name)}))
		if test != nil {
			tests = append(tests, engine.SQL("WHEN {test} THEN {reason} || coalesce(left({raw}::VARCHAR, 60), 'NULL') || {type}", engine.Args{"test": test, "raw": engine.Ident(s.parquetName(c.Name)),
				"reason": "bad_record: " + c.Name + `: "`, "type": `" is no ` + c.Type}))
		}
	}
	a["file"], a["values"], a["where"] = file, engine.Join(", ", values...), engine.SQL("")
	in := &engine.Input{RowID: engine.SQL("_meta.line"), Records: to - from, Good: to - from, Unknown: p.unknown, Release: func() {}}
	if len(tests) > 0 {
		a["why"] = engine.SQL("CASE {tests} END", engine.Args{"tests": engine.Join(" ", tests...)})
		a["where"] = engine.SQL(" WHERE {why} IS NULL", a)
		a["data"] = engine.DataJSON("_f", engine.ColumnNames(p.have))
		in.Bad = engine.SQL("(SELECT {why} AS reason, {meta} AS _meta, NULL::BLOB AS _payload, {data} AS data FROM {file} _f WHERE {why} IS NOT NULL)", a)
		n, err := r.conn.Int(ctx, engine.SQL("SELECT count(*) FROM {bad}", engine.Args{"bad": in.Bad}))
		if err != nil {
			return nil, s.placed(err)
		}
		in.BadCount, in.Good = n, in.Records-n
	}
	in.Rows = engine.SQL("(SELECT {values}, {meta} AS _meta FROM {file}{where})", a)
	in.Raw = engine.SQL("(SELECT {meta} AS _meta, NULL::BLOB AS _payload FROM {file})", a)
	return in, nil
}

// convert gives a column's value, and a condition for values that do not convert without loss (nil where all do).
func (s *source) convert(c engine.Column, p *parquetFile) (value, bad *engine.Query) {
	a := engine.Args{"t": engine.Type(c.Type), "c": engine.Ident(s.parquetName(c.Name))}
	if i := slices.IndexFunc(s.pattern.captures, func(n string) bool { return strings.EqualFold(n, c.Name) }); i >= 0 {
		a["v"] = p.file.captures[s.pattern.captures[i]]
		return engine.SQL("CAST({v} AS {t})", a), nil
	}
	have := findColumn(p.have, s.parquetName(c.Name))
	switch {
	case have == nil:
		return engine.SQL("NULL::{t}", a), nil
	case have.Type == c.Type:
		return engine.SQL("{c}", a), nil
	case c.Type == "VARCHAR" || c.Type == "JSON":
		return engine.SQL("CAST({c} AS {t})", a), nil
	case isNumber(c.Type) && isNumber(have.Type), c.Type == "DATE" && strings.HasPrefix(have.Type, "TIMESTAMP"):
		// There and back again must give the same: 1.7 is no whole number, noon is no date.
		a["h"] = engine.Type(have.Type)
		test := "{c} IS NOT NULL AND (TRY_CAST({c} AS {t}) IS NULL OR TRY_CAST(TRY_CAST({c} AS {t}) AS {h}) IS DISTINCT FROM {c})"
		if c.Type == "DOUBLE" || c.Type == "FLOAT" { // rounding to the nearest is no loss, infinity is
			test = "{c} IS NOT NULL AND (TRY_CAST({c} AS {t}) IS NULL OR (isinf(TRY_CAST({c} AS DOUBLE)) IS DISTINCT FROM isinf(CAST({c} AS DOUBLE))))"
		}
		return engine.SQL("TRY_CAST({c} AS {t})", a), engine.SQL(test, a)
	case isNumber(c.Type) && have.Type == "VARCHAR" && c.Type != "DOUBLE" && c.Type != "FLOAT":
		// DuckDB rounds '1.7' to 2: the text must be the same number as a wide decimal.
		return engine.SQL("TRY_CAST({c} AS {t})", a), engine.SQL("{c} IS NOT NULL AND (TRY_CAST({c} AS {t}) IS NULL OR TRY_CAST({c} AS DECIMAL(38, 9)) IS DISTINCT FROM TRY_CAST({c} AS {t})::DECIMAL(38, 9))", a)
	}
	return engine.SQL("TRY_CAST({c} AS {t})", a), engine.SQL("{c} IS NOT NULL AND TRY_CAST({c} AS {t}) IS NULL", a)
}

func isNumber(t string) bool {
	if strings.HasPrefix(t, "DECIMAL") {
		return true
	}
	switch t {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE":
		return true
	}
	return false
}
