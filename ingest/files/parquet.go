package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/format/parquet"
	"dsql/ingest/lossless"
	"dsql/sql"
	"dsql/sql/code"
)

// Parquet is read by DuckDB itself, which does that better than any decoder here could: the batch's relation is its reader, with
// strict conversion in SQL where a column's declared type is not the file's (lossless.go).

// parquetFile is a file whose schema was read.
type parquetFile struct {
	file
	rows   int64
	hash   string
	have   []duck.Column
	values []*duck.Query // of the source's columns, over _f
	bad    []*duck.Query // why a value isn't its column's, or NULL
	absent []string
	new    []string // columns, and fields in them, that the declaration doesn't name
	told   []warning

	tooWide map[string]bool // columns, in lower case, of a DECIMAL that DuckDB doesn't hold
	raw     *rawView        // that its rows are read from; nil: it is read itself
}

// parquetPart is a range of a file's rows, counted from 0.
type parquetPart struct {
	*parquetFile
	from, to int64
}

// parquetCut is a file that is read in ranges of rows.
type parquetCut struct {
	*parquetFile
	item             *item
	start, next, end int64
	done             int64 // progress before it
}

func (r *reader) nextParquet(ctx context.Context) (*kind.Input, error) {
	if r.parquet != nil && r.passed[r.parquet.path] {
		r.parquet = nil
	}
	for r.parquet == nil {
		r.dropViews()
		if len(r.work) == 0 {
			return nil, io.EOF
		}
		it := r.work[0]
		r.work = r.work[1:]
		group, err := r.parquetGroup(ctx, &it)
		if why := r.s.unreadableFile(err); why != nil {
			if err := r.leaveParquet(ctx, &it, len(group), why); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(group) < len(it.files) { // the others go into a batch of their own
			r.work = slices.Insert(r.work, 0, it.with(it.files[len(group):]))
			it.files = it.files[:len(group)]
		}
		first := group[0]
		if it.whole() && (r.s.snapshot || len(group) > 1 || first.rows <= int64(r.s.limits.Rows)) {
			return r.wholeParquet(ctx, &it, group)
		}
		r.parquet = &parquetCut{parquetFile: first, item: &it, start: it.from.Byte, next: it.from.Byte, end: first.rows, done: r.done}
		if it.to != nil {
			r.parquet.end = it.to.pos.Byte
		}
	}
	c := r.parquet
	from, to := c.next, min(c.end, c.next+int64(r.s.limits.Rows))
	c.next = to
	t := taken{file: c.file, hash: c.hash, pos: batch.Pos{Byte: to, Line: to + 1}, done: to == c.rows}
	b := filled{item: c.item, absent: c.absent, files: []taken{t}, lines: fmt.Sprintf(" rows %d–%d", from+1, to)}
	b.done = c.done + int64(float64(r.s.weight(c.item, 0))*float64(to-c.start)/float64(max(c.end-c.start, 1)))
	if from == 0 {
		b.warnings = c.told
	}
	if to == c.end {
		r.parquet = nil
	}
	return r.parquetInput(ctx, b, []parquetPart{{c.parquetFile, from, to}})
}

// wholeParquet is a batch of whole files.
func (r *reader) wholeParquet(ctx context.Context, it *item, group []*parquetFile) (*kind.Input, error) {
	b := filled{item: it, absent: group[0].absent, done: r.done}
	var parts []parquetPart
	for i, f := range group {
		parts = append(parts, parquetPart{f, 0, f.rows})
		b.files = append(b.files, taken{file: f.file, hash: f.hash, pos: batch.Pos{Byte: f.rows, Line: f.rows + 1}, done: true, absent: f.absent})
		b.done += r.s.weight(it, i)
		b.warnings = append(b.warnings, f.told...)
		b.absent = slices.DeleteFunc(slices.Clone(b.absent), func(c string) bool { return !slices.Contains(f.absent, c) })
	}
	return r.parquetInput(ctx, b, parts)
}

// leaveParquet sets an item's file i aside; those before it and behind it are taken. Of a snapshot nothing of the load is.
func (r *reader) leaveParquet(ctx context.Context, it *item, i int, why *sql.Error) error {
	if !r.s.snapshot {
		var rest []item
		for _, files := range [][]file{it.files[:i], it.files[i+1:]} {
			if len(files) > 0 {
				rest = append(rest, it.with(files))
			}
		}
		r.work = append(rest, r.work...)
	}
	return r.setAside(ctx, it.aside(i, why))
}

// apart runs f on the reader's connection; in a rebuild on one of its own, as what is wrong with a file would end the transaction.
func (r *reader) apart(ctx context.Context, f func(*duck.Conn) error) error {
	if r.o.Everything {
		return r.conn.Apart(ctx, f)
	}
	return f(r.conn)
}

// blame finds out whether a batch failed because its file can't be read, and sets that aside.
func (r *reader) blame(ctx context.Context, b filled, parts []parquetPart) (bool, error) {
	for i, p := range parts {
		a := duck.Args{"f": r.scanned(p.parquetFile), "from": p.from, "to": p.to,
			"columns": duck.Each(", ", p.have, func(c duck.Column) *duck.Query { return duck.Ident(c.Name) })}
		of := duck.SQL("SELECT count(hash({columns})) FROM {f} WHERE file_row_number >= {from} AND file_row_number < {to}", a)
		err := r.apart(ctx, func(c *duck.Conn) error { _, err := c.Int(ctx, of); return err })
		if err == nil {
			continue
		}
		if r.textsAsStored(err, b, p) {
			return true, nil
		}
		why := r.s.unreadableFile(r.s.noParquet(err, p.file))
		if why == nil || ctx.Err() != nil {
			return false, nil
		}
		aside := asideFile{file: p.file, destinations: b.item.destinations, why: why}
		if p.from > 0 {
			aside.hash, aside.pos = p.hash, batch.Pos{Byte: p.from, Line: p.from + 1}
		}
		if len(parts) == 1 || r.s.snapshot {
			r.passed[p.path] = true
			return true, r.setAside(ctx, &aside)
		}
		return true, r.leaveParquet(ctx, b.item, i, why)
	}
	return false, nil
}

// parquetGroup opens an item's first file and, as far as they fit a batch with it, those that follow. With an error it gives those before
// the file that it is of.
func (r *reader) parquetGroup(ctx context.Context, it *item) ([]*parquetFile, error) {
	var group []*parquetFile
	rows := int64(0)
	for i, f := range it.files {
		p, err := r.openParquet(ctx, f)
		if err != nil {
			return group, err
		}
		if i == 0 && it.hash != "" && it.hash != p.hash {
			return nil, r.s.halfRead(f.path)
		}
		rows += p.rows
		if i > 0 && !r.s.snapshot && (rows > int64(r.s.limits.Rows) || !slices.Equal(p.absent, group[0].absent)) {
			break
		}
		group = append(group, p)
	}
	return group, nil
}

// scanParquet is DuckDB's reader of one file: nothing in its name is a pattern, and its folders are no columns.
func (s *Source) scanParquet(full string) *duck.Query {
	return duck.SQL("read_parquet({f}, hive_partitioning = false, binary_as_string = {s})",
		duck.Args{"f": escapeGlob(full), "s": s.asString})
}

func escapeGlob(name string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(name)
}

func (r *reader) openParquet(ctx context.Context, f file) (*parquetFile, error) {
	s := r.s
	p := &parquetFile{file: f}
	var err error
	if p.hash, err = hashFile(f.full, -1); err != nil {
		return nil, s.unreadable(err, f.path)
	}
	err = r.apart(ctx, func(c *duck.Conn) (err error) {
		p.have, err = c.Describe(ctx, duck.SQL("SELECT * FROM {f}", duck.Args{"f": s.scanParquet(f.full)}), sql.Place{})
		return err
	})
	if err != nil {
		return nil, s.noParquet(err, f)
	}
	if err = r.storedAs(ctx, p); err != nil {
		return nil, err
	}
	if findColumn(p.have, "file_row_number") != nil {
		return nil, s.unreadable(fmt.Errorf("it has a column file_row_number, which DuckDB's reader uses itself"), f.path)
	}
	if p.rows, err = r.conn.Int(ctx, duck.SQL("SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata({f})",
		duck.Args{"f": escapeGlob(f.full)})); err != nil {
		return nil, s.noParquet(err, f)
	}
	captures, err := r.capturesOf(ctx, f)
	if err != nil {
		return nil, err
	}
	fields := s.fields(r.cols)
	r.cast.Undeclared = nil
	for i, c := range r.cols {
		value, bad, err := r.parquetColumn(ctx, p, fields[i], captures)
		if err != nil {
			return nil, err
		}
		p.values = append(p.values, duck.SQL("{v} AS {n}", duck.Args{"v": value, "n": duck.Ident(c.Name)}))
		if bad != nil {
			p.bad = append(p.bad, bad)
		}
	}
	for _, h := range p.have {
		if !s.names(r.cols, h.Name) {
			p.new = append(p.new, h.Name)
		}
	}
	warn, fail := s.Missing(f.path, p.absent, p.new)
	if fail != nil {
		return nil, fail
	}
	if warn != nil {
		p.told = []warning{{warn, f.path}}
	}
	p.new = append(p.new, r.cast.Undeclared...)
	if s.OnNew == "FAIL" && len(p.new) > 0 {
		return nil, s.NewFields(f.path, p.new)
	}
	return p, nil
}

func findColumn(cols []duck.Column, name string) *duck.Column {
	for i := range cols {
		if strings.EqualFold(cols[i].Name, name) {
			return &cols[i]
		}
	}
	return nil
}

// names says whether a field of the files is one that a column reads.
func (s *Source) names(cols []duck.Column, field string) bool {
	return slices.ContainsFunc(s.fields(cols), func(f batch.Field) bool { return f.Capture == "" && strings.EqualFold(f.Steps()[0], field) })
}

// parquetColumn gives a column's value, and why it is bad where it may be.
func (r *reader) parquetColumn(ctx context.Context, p *parquetFile, f batch.Field,
	captures map[string]*duck.Query) (value, bad *duck.Query, err error) {
	a := duck.Args{"t": f.Type}
	if f.Capture != "" {
		return captures[f.Name], nil, nil
	}
	steps := f.Steps()
	have := findColumn(p.have, steps[0])
	if have == nil {
		p.absent = append(p.absent, f.Name)
		return duck.SQL("NULL::{t}", a), nil, nil
	}
	v := duck.Ident(append([]string{"_f", have.Name}, steps[1:]...)...)
	from := have.Type
	if len(steps) > 1 {
		cols, err := r.conn.Describe(ctx, duck.SQL("SELECT {v} AS v FROM {f} _f", duck.Args{"v": v, "f": r.s.scanParquet(p.full)}),
			sql.Place{})
		if err != nil {
			d := r.s.Column(f.Name)
			return nil, nil, r.s.Stmt.At(d.Args["FROM"].Span).Errorf(code.SourceColumn, "column %s: %s has no %s in its column %s, which is %s",
				f.Name, p.path, strings.Join(steps, "."), have.Name, have.Type).
				WithHint("a path leads through the fields of a STRUCT").
				WithCause(err).
				WithExit(code.ExitFailed)
		}
		from = cols[0].Type
	}
	value, wrong, raw, err := r.fromStored(ctx, p, v, from, f)
	if err != nil {
		return nil, nil, err
	}
	if p.tooWide[strings.ToLower(have.Name)] { // DuckDB gives another number
		return duck.SQL("NULL::{t}", a), duck.SQL(`WHEN {v} IS NOT NULL THEN {why}`,
			duck.Args{"v": v, "why": "bad_record: " + f.Name + ": the file's DECIMAL has more than the 38 digits that DuckDB reads"}), nil
	}
	if wrong == nil {
		return value, nil, nil
	}
	shown := duck.SQL("{v}::VARCHAR", duck.Args{"v": v})
	switch {
	case raw != nil:
		shown = raw
	case lossless.FamilyOf(from) == lossless.Zoned:
		shown, _ = r.cast.Convert(ctx, v, from, batch.Field{Type: "VARCHAR"})
	}
	return value, duck.SQL(`WHEN {wrong} THEN {before} || left({shown}, 40) || {after}`, duck.Args{"wrong": wrong, "shown": shown,
		"before": "bad_record: " + f.Name + `: "`, "after": `" is no ` + string(f.Type)}), nil
}

// parquetInput is the relation of ranges of files.
func (r *reader) parquetInput(ctx context.Context, b filled, parts []parquetPart) (*kind.Input, error) {
	if r.o.Everything { // once its rows are read in the transaction it is too late
		if blamed, err := r.blame(ctx, b, parts); err != nil || blamed {
			return nil, cmp.Or(err, errBlamed)
		}
	}
	var rows, raw, bad []*duck.Query
	in := &kind.Input{RowID: batch.RowID(&parquet.Format, paths(b.item.files)), Release: func() {}}
	for _, p := range parts {
		a := duck.Args{"from": p.from, "to": p.to, "values": duck.Join(", ", p.values...), "range": duck.SQL("true"),
			"why":  duck.SQL("NULL"),
			"file": duck.SQL("(SELECT *, file_row_number FROM {f}) _f", duck.Args{"f": r.scanned(p.parquetFile)}),
			"meta": duck.SQL(`struct_pack(source := {s}, file := {path}, line := _f.file_row_number + 1)::{type}`,
				duck.Args{"s": r.s.Stmt.Name, "path": p.path, "type": duck.Type(catalog.MetaType)})}
		if p.from > 0 || p.to < p.rows {
			a["range"] = duck.SQL("_f.file_row_number >= {from} AND _f.file_row_number < {to}", a)
		}
		good := duck.SQL("")
		if len(p.bad) > 0 {
			a["why"], a["data"] = duck.SQL("CASE {tests} END", duck.Args{"tests": duck.Join(" ", p.bad...)}), r.dataOf(ctx, p.parquetFile)
			good = duck.SQL(" AND {why} IS NULL", a)
			bad = append(bad, duck.SQL("SELECT {why} AS reason, {meta} AS _meta, NULL::BLOB AS _payload, {data} AS data, NULL::JSON AS opening "+
				"FROM {file} WHERE {range} AND {why} IS NOT NULL", a))
		}
		rows = append(rows, duck.SQL("SELECT {values}, {meta} AS _meta FROM {file} WHERE {range}{good}", a, duck.Args{"good": good}))
		raw = append(raw, duck.SQL("SELECT {meta} AS _meta, NULL::BLOB AS _payload FROM {file} WHERE {range}", a))
		in.Records += p.to - p.from
		in.Unknown += int64(len(p.new)) * (p.to - p.from)
		in.UnknownNames = append(in.UnknownNames, p.new...)
	}
	in.Rows, in.Raw = union(rows), union(raw)
	if len(bad) > 0 {
		n, err := r.conn.Int(ctx, duck.SQL("SELECT count(*) FROM {bad}", duck.Args{"bad": union(bad)}))
		if err != nil {
			if blamed, failed := r.blame(ctx, b, parts); failed != nil {
				return nil, failed
			} else if blamed {
				return nil, errBlamed
			}
			return nil, r.s.noParquet(err, parts[0].file)
		}
		if in.BadCount = n; n > 0 {
			in.Bad = union(bad)
		}
	}
	in.Good = in.Records - in.BadCount
	for i := range b.files {
		if p := parts[i]; len(parts) == 1 {
			b.files[i].records, b.files[i].bad = int(p.to-p.from), int(in.BadCount)
		}
	}
	in.Blame = func(ctx context.Context) (bool, error) { return r.blame(ctx, b, parts) }
	return r.input(ctx, b, in)
}

func union(qs []*duck.Query) *duck.Query {
	return duck.SQL("({q})", duck.Args{"q": duck.Join(" UNION ALL ", qs...)})
}

// errBlamed: the file of a batch was set aside before there was a batch.
var errBlamed = errors.New("its file is set aside")
