package files

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/lossless"
	"dsql/sql"
	"dsql/sql/code"
)

// parquetOpener opens files of Parquet: it finds what of them its columns are.
type parquetOpener struct{ storedReader }

// apart runs f on the reader's connection; in a rebuild on one of its own, as what is wrong with a file would end the transaction.
func (r *parquetOpener) apart(ctx context.Context, f func(*duck.Conn) error) error {
	if r.o.Everything {
		return r.conn.Apart(ctx, f)
	}
	return f(r.conn)
}

// group opens an item's first file and, as far as they fit a batch with it, those that follow. With an error it gives those before
// the file that it is of.
func (r *parquetOpener) group(ctx context.Context, it *item) ([]*parquetFile, error) {
	var group []*parquetFile
	rows := int64(0)
	for i, f := range it.files {
		p, err := r.open(ctx, f)
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

func (r *parquetOpener) open(ctx context.Context, f file) (*parquetFile, error) {
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
		value, bad, err := r.column(ctx, p, fields[i], captures)
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

// column gives a column's value, and why it is bad where it may be.
func (r *parquetOpener) column(ctx context.Context, p *parquetFile, f batch.Field,
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
