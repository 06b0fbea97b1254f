package ingest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// What a declaration leaves out is found by DuckDB's own readers, and then proved by the decoders: they take no type that guesses
// (a date that is not ISO 8601 without its pattern, say), and such a column is VARCHAR.

// infer finds the columns of the first file that isn't empty.
func (s *fileSource) infer(ctx context.Context, c *engine.Conn, env *engine.Env) ([]engine.Column, error) {
	files, err := s.list(env)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(files, func(f file) bool { return f.size > 0 })
	if i < 0 {
		return nil, &sql.Error{Src: s.decl.Src, Span: s.patternAt, Code: "nothing-to-infer", Msg: fmt.Sprintf("%s has no columns, and no file of %s is there to infer them from", s.decl.Name, s.pattern.text), Hint: s.nameThem()}
	}
	cols, err := s.describe(ctx, c, files[i:i+1], false)
	if err != nil {
		return nil, err
	}
	cols, lost, err := s.prove(ctx, c, files[i:i+1], nil, cols)
	if err == nil && len(lost) > 0 {
		err = s.notInferred(files[i], fmt.Sprintf("no field is called %s: DuckDB made up the name for one that has none, or whose name stands there twice", lost[0]), nil)
	}
	return s.withCaptures(cols), err
}

func (s *fileSource) nameThem() string {
	return "name the columns: CREATE SOURCE " + s.decl.Name + " (id BIGINT, …) FROM FILES (…)"
}

func (s *fileSource) notInferred(f file, why string, err error) *sql.Error {
	return &sql.Error{Src: s.decl.Src, Span: s.patternAt, Code: "not-inferred", Exit: sql.ExitFailed, Msg: fmt.Sprintf("the columns of %s can't be inferred: %s", f.path, why), Hint: s.nameThem(), Err: err}
}

// describe asks DuckDB's reader for the columns of files; whole says that it is to look at all records, where that matters.
func (s *fileSource) describe(ctx context.Context, c *engine.Conn, files []file, whole bool) ([]engine.Column, error) {
	names := engine.Each(", ", files, func(f file) *engine.Query { return engine.Lit(escapeGlob(f.full)) })
	a := engine.Args{"files": names, "options": engine.Join("", s.readerOptions()...)}
	q := engine.SQL("SELECT * FROM read_csv([{files}], union_by_name = true, ignore_errors = true, hive_partitioning = false{options})", a)
	switch {
	case s.format == "parquet":
		q = engine.SQL("SELECT * FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false{options})", a)
	case s.format == "json":
		a["sample"] = engine.SQL("")
		if _, given := s.option("sample_size"); whole && !given {
			a["sample"] = engine.SQL(", sample_size = -1")
		}
		q = engine.SQL("SELECT * FROM read_json_auto([{files}], union_by_name = true, ignore_errors = true, hive_partitioning = false, maximum_sample_files = 2147483647{sample}{options})", a)
	}
	cols, err := c.Describe(ctx, q, engine.Place{})
	if err != nil {
		why := err.Error()
		var e *sql.Error
		if errors.As(err, &e) {
			why = e.Msg
		}
		why, _, _ = strings.Cut(strings.TrimSpace(strings.ReplaceAll(why, files[0].full, files[0].path)), "\n")
		return nil, s.notInferred(files[0], why, err)
	}
	for i, col := range cols {
		switch {
		case familyOf(col.Type) == nothing: // no value yet
			cols[i].Type = "VARCHAR"
		case familyOf(col.Type) == zoned && s.format != "parquet": // texts with an offset become UTC
			cols[i].Type = "TIMESTAMP"
		}
	}
	return cols, nil
}

func (s *fileSource) option(name string) (sql.Option, bool) {
	i := slices.IndexFunc(s.options, func(o sql.Option) bool { return o.Name == name })
	if i < 0 {
		return sql.Option{}, false
	}
	return s.options[i], true
}

// readerOptions hands the user's options on to DuckDB's reader.
func (s *fileSource) readerOptions() []*engine.Query {
	var out []*engine.Query
	for _, o := range s.options {
		opt := fileOptionOf(o.Name)
		if opt == nil || !opt.infer {
			continue
		}
		v := engine.Lit(o.Text)
		switch o.Kind {
		case sql.OptNone:
			v = engine.Lit(true)
		case sql.OptList: // of nullstr
			v = engine.SQL("[{texts}]", engine.Args{"texts": engine.Each(", ", s.dialect.NullStr, func(x string) *engine.Query { return engine.Lit(x) })})
		}
		out = append(out, engine.SQL(", {n} = {v}", engine.Args{"n": engine.Ident(o.Name), "v": v}))
	}
	return out
}

// proofRows is how many records of a file are decoded to prove inferred types: as many as DuckDB's CSV reader looks at.
const proofRows = 20_480

// prove decodes the beginning of files by the inferred columns, behind those that are known. A type that some value doesn't have
// becomes VARCHAR, a nested one JSON. lost are inferred columns that no file has under that name.
func (s *fileSource) prove(ctx context.Context, c *engine.Conn, files []file, known, inferred []engine.Column) (proved []engine.Column, lost []string, err error) {
	if s.format == "parquet" {
		return inferred, nil, nil
	}
	proved = slices.Clone(inferred)
	for again := true; again; {
		again = false
		l, err := NewLanding(c, s.decl.Name, s.fields(slices.Concat(known, proved)), s.dialect, Limits{Rows: proofRows, Bytes: 16 << 20})
		if err != nil {
			return nil, nil, s.placed(err)
		}
		lost = engine.ColumnNames(proved)
		for _, f := range files {
			absent, reasons, err := s.sample(ctx, c, l, f)
			if err != nil {
				l.Close()
				return nil, nil, err
			}
			lost = slices.DeleteFunc(lost, func(n string) bool { return !slices.Contains(absent, n) })
			for i := range proved {
				again = s.loosen(&proved[i], reasons) || again
			}
		}
		l.Close()
	}
	return proved, lost, nil
}

// loosen makes an inferred column VARCHAR, or JSON, where a reason says that a value was not of its type.
func (s *fileSource) loosen(c *engine.Column, reasons []string) bool {
	to := "VARCHAR"
	if s.format == "json" && familyOf(c.Type) == nested {
		to = "JSON"
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

// madeUp is what DuckDB calls a further column of a name.
var madeUp = regexp.MustCompile(`_[0-9]+$`)

// sample decodes the beginning of a file: which columns its header lacks, or no record has by that name, and what was wrong with
// records.
func (s *fileSource) sample(ctx context.Context, c *engine.Conn, l *Landing, f file) (absent, reasons []string, err error) {
	in, err := s.open(l, &item{files: []file{f}}, 0)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	b, err := l.Take(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer b.Release()
	if _, err := b.Fill(ctx, in.file); err != nil {
		return nil, nil, s.readError(err, f)
	}
	if batch := b.Input(); batch.Bad != nil {
		reasons, err = engine.Select(ctx, c, engine.SQL("SELECT DISTINCT reason FROM {bad}", engine.Args{"bad": batch.Bad}), func(row func(...any) error) (s string, err error) { return s, row(&s) })
	}
	absent = in.file.Absent()
	for _, f := range l.fields { // JSON's a and A are one name in SQL
		if at := madeUp.FindStringIndex(f.Name); s.format == "json" && at != nil && containsFold(b.UnknownNames(), f.Name[:at[0]]) {
			absent = append(absent, f.Name)
		}
	}
	return absent, reasons, err
}

// scan is what ON SCHEMA CHANGE ADD COLUMNS has seen: files as they were, and the columns that came of them.
type scan struct {
	files []file // all of the listing
	fresh []file // those that were looked at
	cols  []engine.Column
}

func sameFiles(a, b []file) bool {
	return slices.EqualFunc(a, b, func(a, b file) bool { return a.path == b.path && a.size == b.size && a.modified.Equal(b.modified) })
}

// grow adds the columns that were added before, and those that files have which no destination has begun (all files, when
// nothing is pinned).
func (s *fileSource) grow(ctx context.Context, c *engine.Conn, env *engine.Env, cols, pinned []engine.Column) ([]engine.Column, error) {
	for _, p := range pinned {
		if !containsFold(engine.ColumnNames(cols), p.Name) {
			cols = append(cols, p)
		}
	}
	files, err := s.list(env)
	if err != nil {
		return nil, err
	}
	fresh := files
	if len(pinned) > 0 {
		places, err := s.places(ctx, c)
		if err != nil {
			return nil, err
		}
		begun := map[string]bool{}
		for _, p := range places {
			begun[p.path] = true
		}
		fresh = slices.DeleteFunc(slices.Clone(files), func(f file) bool { return begun[f.path] })
	}
	if s.scanned != nil && sameFiles(s.scanned.fresh, fresh) && sameFiles(s.scanned.files, files) {
		return s.scanned.cols, nil
	}
	added, err := s.additions(ctx, c, fresh, cols)
	if err != nil {
		return nil, err
	}
	s.scanned = &scan{files, fresh, append(cols, added...)}
	return s.scanned.cols, nil
}

// additions are the fields of files that no column reads, as columns.
func (s *fileSource) additions(ctx context.Context, c *engine.Conn, files []file, cols []engine.Column) ([]engine.Column, error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f file) bool { return f.size == 0 })
	if len(files) == 0 {
		return nil, nil
	}
	found, err := s.describe(ctx, c, files, true)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(f engine.Column) bool {
		return s.names(cols, f.Name) || containsFold(engine.ColumnNames(cols), f.Name) || strings.EqualFold(f.Name, engine.MetaColumn)
	})
	if len(found) == 0 {
		return nil, nil
	}
	found, lost, err := s.prove(ctx, c, files, cols, found)
	return slices.DeleteFunc(found, func(f engine.Column) bool { return slices.Contains(lost, f.Name) }), err
}

// known takes away the files that came after the columns were found and have others: a destination could not store these now.
func (s *fileSource) known(ctx context.Context, c *engine.Conn, files []file, cols []engine.Column, warn func(*sql.Error)) ([]file, error) {
	if s.onNew != "ADD COLUMNS" || s.scanned == nil {
		return files, nil
	}
	for i, f := range files {
		if slices.ContainsFunc(s.scanned.files, func(k file) bool { return sameFiles([]file{k}, []file{f}) }) {
			continue
		}
		added, err := s.additions(ctx, c, []file{f}, cols)
		if err != nil {
			return nil, err
		}
		if len(added) == 0 {
			continue
		}
		if warn != nil {
			warn(&sql.Error{Src: s.decl.Src, Span: s.patternAt, Code: "columns-later", Msg: fmt.Sprintf("%s came while this was running, and has a new column %s: it and the files behind it wait for the next run", f.path, added[0].Name), Hint: "run again"})
		}
		return files[:i], nil
	}
	return files, nil
}
