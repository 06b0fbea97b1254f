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
)

// Parquet is read by DuckDB itself, which does that better than any decoder here could: the batch's relation is its reader, with
// strict conversion in SQL where a column's declared type is not the file's (lossless.go).

// parquetCut is a file that is read in ranges of rows.
type parquetCut struct {
	*parquetFile
	item             *item
	start, next, end int64
	done             int64 // progress before it
}

// parquetReader hands out a source's batches of Parquet, which DuckDB reads as they are scanned.
type parquetReader struct {
	parquetOpener
	work []item
	cut  *parquetCut // in hand; nil: none
}

func openParquet(ctx context.Context, r *reader, work []item) (*parquetReader, error) {
	p := &parquetReader{work: work, parquetOpener: parquetOpener{storedReader{reader: r, cast: lossless.Converter{Conn: r.conn}}}}
	if err := r.checkColumns(); err != nil {
		return nil, err
	}
	if err := p.sweepViews(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (r *parquetReader) Close() error {
	r.dropViews()
	r.captures.close()
	return nil
}

func (r *parquetReader) Next(ctx context.Context) (*kind.Input, error) {
	for {
		in, err := r.next(ctx)
		if !errors.Is(err, errBlamed) {
			return in, err
		}
	}
}

func (r *parquetReader) next(ctx context.Context) (*kind.Input, error) {
	if r.cut != nil && r.passed[r.cut.path] {
		r.cut = nil
	}
	for r.cut == nil {
		r.dropViews()
		if len(r.work) == 0 {
			return nil, io.EOF
		}
		it := r.work[0]
		r.work = r.work[1:]
		group, err := r.group(ctx, &it)
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
		start := min(it.from.Byte, first.rows)
		r.cut = &parquetCut{parquetFile: first, item: &it, start: start, next: start, end: first.rows, done: r.done}
		if it.to != nil {
			r.cut.end = min(r.cut.end, it.to.pos.Byte)
		}
	}
	c := r.cut
	from, to := c.next, min(c.end, c.next+int64(r.s.limits.Rows))
	c.next = to
	t := taken{file: c.file, hash: c.hash, pos: batch.Pos{Byte: to, Line: to + 1}, done: to == c.rows}
	b := filled{item: c.item, absent: c.absent, files: []taken{t}, lines: fmt.Sprintf(" rows %d–%d", from+1, to)}
	b.done = c.done + int64(float64(r.s.weight(c.item, 0))*float64(to-c.start)/float64(max(c.end-c.start, 1)))
	if from == 0 {
		b.warnings = c.told
	}
	if to == c.end {
		r.cut = nil
	}
	return r.parquetInput(ctx, b, []parquetPart{{c.parquetFile, from, to}})
}

// wholeParquet is a batch of whole files.
func (r *parquetReader) wholeParquet(ctx context.Context, it *item, group []*parquetFile) (*kind.Input, error) {
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
func (r *parquetReader) leaveParquet(ctx context.Context, it *item, i int, why *sql.Error) error {
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

// blame finds out whether a batch failed because its file can't be read, and sets that aside.
func (r *parquetReader) blame(ctx context.Context, b filled, parts []parquetPart) (bool, error) {
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

// parquetInput is the relation of ranges of files.
func (r *parquetReader) parquetInput(ctx context.Context, b filled, parts []parquetPart) (*kind.Input, error) {
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

// textsAsStored puts the work of a batch back, to read the texts of a file as bytes from now on, when that is what reading has failed on.
func (r *parquetReader) textsAsStored(err error, b filled, p parquetPart) bool {
	bad := strings.Contains(err.Error(), "nvalid string encoding found in Parquet file") ||
		strings.Contains(err.Error(), "nvalid JSON found in Parquet file")
	if !bad || r.rawTexts[p.path] {
		return false
	}
	if r.rawTexts == nil {
		r.rawTexts = map[string]bool{}
	}
	r.rawTexts[p.path] = true
	it := *b.item
	if b.lines != "" { // a part of a file
		it.from, it.hash = batch.Pos{Byte: p.from, Line: p.from + 1}, p.hash
		r.cut = nil
	}
	r.work = slices.Insert(r.work, 0, it)
	return true
}
