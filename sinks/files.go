package sinks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

var fileOptions = []option{
	{name: "format", doc: "parquet (default), csv or json (an object a line)"},
	{name: "partition_by", doc: "(a, b): columns whose values become folders, a=1/b=2; NULL is __HIVE_DEFAULT_PARTITION__"},
	{name: "write_partition_columns", doc: "whether these columns stand in the files too (default false)"},
	{name: "compression", doc: "parquet: snappy (default), zstd, gzip, brotli, lz4 or uncompressed; csv, json: none (default), gzip or zstd",
		copy: true},
	{name: "compression_level", format: "parquet", doc: "of zstd, 1 to 22 (default 3)", copy: true},
	{name: "row_group_size", format: "parquet", doc: "rows of a row group (default 122880)", copy: true},
	{name: "parquet_version", format: "parquet", doc: "v1 (default) or v2", copy: true},
	{name: "header", format: "csv", doc: "whether the first line has the columns' names (default true)", copy: true},
	{name: "delim", format: "csv", doc: "what stands between fields (default ,)", copy: true},
	{name: "quote", format: "csv", doc: "the quote", copy: true},
	{name: "escape", format: "csv", doc: "what stands before a quote inside quotes (default: another quote)", copy: true},
	{name: "force_quote", format: "csv", doc: "(a, b): columns that are always quoted", copy: true},
	{name: "nullstr", format: "csv", doc: "how NULL is written (default: nothing)", copy: true},
	{name: "dateformat", format: "csv", doc: "strftime pattern of dates", copy: true},
	{name: "timestampformat", format: "csv", doc: "strftime pattern of times", copy: true},
	{name: "roll", list: true, doc: "(rows n, bytes n, interval '10 minutes'): versions wait until together they have as many rows or " +
		"bytes, or the " +
		"oldest has waited for so long; then they are one file. A run writes what waits when it ends"},
	{name: "array", format: "json", doc: "whether a file is one array (default false)"},
}

// files is a compiled CREATE SINK … INTO FILES.
type files struct {
	declared
	kind      string // the format
	partition []sql.Name
	inside    bool // the partition columns stand in the files
	array     bool
	copied    []sql.Option // DuckDB's COPY takes them as they are
	roll      *roll        // nil: each version has files of its own
}

func compileFiles(d declared, options []sql.Option) (kind.Object, error) {
	s := &files{declared: d}
	var errs sql.List
	fail := func(e *sql.Error) { errs = append(errs, e) }
	var bad *sql.Error
	if s.kind, bad = d.format("parquet", "csv", "json"); bad != nil {
		errs = append(errs, bad)
	}
	for _, o := range options {
		i := slices.IndexFunc(fileOptions, func(x option) bool { return x.name == o.Name })
		switch {
		case o.Name == "":
			if strings.Contains(o.Text, "://") {
				fail(d.decl.At(o.Value).Errorf(code.BadFolder, "%s is no folder of this machine", o.Text).
					WithHint("name a folder; a path relative to the script's, or one that begins with /"))
			}
		case o.Kind == sql.OptEnv:
			fail(d.decl.At(o.Value).Errorf(code.NoEnv, "only the folder may be read from the environment").
				WithHint("write the value itself"))
		case o.Name == "partition_by":
			if s.partition = names(o); s.partition == nil {
				fail(d.decl.At(o.Value).Errorf(code.ExpectedName, "partition_by is a list of columns").
					WithHint("write partition_by (day)"))
			}
		case o.Name == "roll":
			s.roll = d.rolling(o, &errs)
		case o.Name == "write_partition_columns":
			s.inside = d.yes(o, &errs)
		case o.Name == "array":
			s.array = d.yes(o, &errs)
		case i >= 0 && fileOptions[i].copy:
			s.copied = append(s.copied, o)
		}
	}
	if _, ok := d.given[""]; !ok {
		fail(d.decl.At(d.at).Errorf(code.MissingFolder, "INTO FILES names no folder").
			WithHint("write INTO FILES ('lake/" + d.decl.Name + "', …)"))
	}
	errs = append(errs, d.contradictions(fileOptions, options, s.kind)...)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// yes is a BOOLEAN; the name alone is true, as in DuckDB.
func (d *declared) yes(o sql.Option, errs *sql.List) bool {
	switch strings.ToLower(o.Text) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	if o.Kind != sql.OptNone {
		*errs = append(*errs, d.decl.At(o.Value).Errorf(code.BadChoice, "%s is true or false", o.Name).
			WithHint("write "+o.Name+" true"))
	}
	return true
}

// Bind finds the partition's columns, and lets DuckDB judge the options of its COPY, each at its place.
func (s *files) Bind(ctx context.Context, c *duck.Conn, _ *kind.Env, cols []duck.Column, _ []string) error {
	var errs sql.List
	for _, p := range s.partition {
		var e *sql.Error
		if _, err := s.column(p, "partition by", cols); errors.As(err, &e) {
			errs = append(errs, e)
		}
	}
	if len(s.partition) >= len(cols) && len(errs) == 0 && !s.inside {
		errs = append(errs, s.decl.At(s.given["partition_by"].Value).Errorf(code.NoColumns,
			"all columns are partitions: none is left to be written").
			WithHint("leave one out, or add write_partition_columns"))
	}
	for _, col := range cols {
		if s.kind == "parquet" && col.Type.Has(duck.TypeHugeInt, duck.TypeUHugeInt) { // DuckDB would write doubles, which lose digits
			errs = append(errs, s.decl.At(s.Input().Span).Errorf(code.NoParquetType, "%s.%s is %s, and Parquet has no whole numbers of 128 bits",
				s.Input().Text, col.Name, col.Type).
				WithHint("cast it to BIGINT, DECIMAL(38, 0) or VARCHAR there"))
		}
	}
	if err := errs.Err(); err != nil {
		return err
	}
	probe, err := c.DB.Reader(ctx) // an error of DuckDB's may end a transaction
	if err != nil {
		return err
	}
	defer probe.Close()
	for _, o := range s.copied {
		one := *s
		one.copied = []sql.Option{o}
		q := duck.Cat(duck.SQL("EXPLAIN "), one.copy(duck.Cat(duck.SQL("SELECT * FROM "), duck.Empty(cols)), cols, "x"))
		var e *sql.Error
		if _, err := probe.ExecAt(ctx, q, s.decl.At(o.Value)); errors.As(err, &e) {
			if !duck.IsMissing(err) { // a type that only this transaction knows
				errs = append(errs, e.WithExit(code.ExitScript))
			}
		} else if err != nil {
			return err
		}
	}
	return errs.Err()
}

// copy is DuckDB's statement that writes rows: to a file, or with partitions to a folder. In either the rows are in order: a window
// without parts makes DuckDB hand rows on one after the other, where several threads would each write what they have.
func (s *files) copy(rows *duck.Query, cols []duck.Column, to string) *duck.Query {
	parts := make([]string, len(s.partition))
	for i, p := range s.partition {
		c, _ := s.column(p, "", cols)
		parts[i] = c.Name
	}
	if !s.inside { // NULL has a folder of its own, and a text that is that folder's name another
		rows = s.apart(rows, parts, cols)
	}
	isPart := func(c duck.Column) bool { return slices.Contains(parts, c.Name) }
	a := duck.Args{"rows": rows, "to": to, "n": duck.Ident(duck.FreeName("_n", cols)), "parts": duck.Names(parts)}
	opts := []*duck.Query{duck.SQL("FORMAT {f}", duck.Args{"f": duck.Text(s.kind)})}
	if len(parts) > 0 {
		a["rows"] = duck.SQL("SELECT * EXCLUDE ({n}) FROM (SELECT *, row_number() OVER () AS {n} FROM ({rows})) WHERE {n} > 0", a)
		opts = append(opts, duck.SQL("PARTITION_BY ({parts}), FILE_EXTENSION 'part'", a))
		if s.inside { // NULL and the text that is its folder's name are two files in it
			opts = append(opts, duck.SQL("FILENAME_PATTERN {p}", duck.Args{"p": "data_{uuid}"}))
		}
	} else {
		opts = append(opts, duck.SQL("USE_TMP_FILE false"))
	}
	if s.kind == "json" { // DuckDB's own writer of JSON knows no partitions; it writes CSV of one column as well
		text := cols
		if !s.inside {
			text = slices.DeleteFunc(slices.Clone(cols), isPart)
		}
		a["fields"] = duck.Each(", ", text, func(c duck.Column) *duck.Query {
			return duck.SQL("{c} := {c}", duck.Args{"c": duck.Ident(c.Name)})
		})
		a["json"] = duck.Ident(duck.FreeName("json", cols))
		a["rest"] = duck.Each("", parts, func(p string) *duck.Query { return duck.SQL(", {c}", duck.Args{"c": duck.Ident(p)}) })
		a["rows"] = duck.SQL("SELECT to_json(struct_pack({fields}))::VARCHAR AS {json}{rest} FROM ({rows})", a)
		opts[0] = duck.SQL("FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIM ''")
		if s.array {
			opts = append(opts, duck.SQL("PREFIX {p}, NEW_LINE {n}, SUFFIX {s}", duck.Args{"p": "[\n\t", "n": ",\n\t", "s": "\n]\n"}))
		}
	} else if s.inside {
		opts = append(opts, duck.SQL("WRITE_PARTITION_COLUMNS true"))
	}
	for _, o := range s.copied {
		opts = append(opts, duck.User(s.decl.Src, o.At.To(o.Value)))
	}
	a["options"] = duck.Join(", ", opts...)
	return duck.SQL("COPY ({rows}) TO {to} ({options})", a)
}

// hiveNull is the partition of NULL in Hive's layout. likeNull stands for a text that is the same while DuckDB writes, which would put both
// into one file; its folder is called %5F_HIVE_DEFAULT_PARTITION__ then, which readers decode.
const (
	hiveNull = "__HIVE_DEFAULT_PARTITION__"
	likeNull = "dsql\x01null"
)

// apart gives texts that are hiveNull another name.
func (s *files) apart(rows *duck.Query, parts []string, cols []duck.Column) *duck.Query {
	var texts []*duck.Query
	for _, c := range cols {
		if slices.Contains(parts, c.Name) && c.Type == "VARCHAR" {
			texts = append(texts, duck.SQL("CASE WHEN {c} = {null} THEN {like} ELSE {c} END AS {c}",
				duck.Args{"c": duck.Ident(c.Name), "null": hiveNull, "like": likeNull}))
		}
	}
	if texts == nil {
		return rows
	}
	return duck.SQL("SELECT * REPLACE ({texts}) FROM ({rows})", duck.Args{"texts": duck.Join(", ", texts...), "rows": rows})
}

// ending is what the files' names end in.
func (s *files) ending() string {
	e := "." + s.kind
	if o, ok := s.given["compression"]; ok && s.kind != "parquet" {
		switch strings.ToLower(o.Text) {
		case "gzip":
			e += ".gz"
		case "zstd":
			e += ".zst"
		}
	}
	return e
}

// folder is the target's path.
func (s *files) folder(env *kind.Env) (string, error) {
	o := s.given[""]
	path := o.Text
	if o.Kind == sql.OptEnv {
		if path = os.Getenv(o.Text); path == "" {
			return "", s.decl.At(o.Value).Errorf(code.NoEnv, "the environment has no %s, which the folder is read from", o.Text).
				WithHint("set it: export " + o.Text + "=…").WithExit(code.ExitUnreachable)
		}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.DirOf(s.decl), path)
	}
	return filepath.Abs(path)
}

// Explain is what EXPLAIN SINK shows.
func (s *files) Explain(cols []duck.Column) string {
	rows := duck.SQL("SELECT * FROM {v} ORDER BY {o}", duck.Args{"v": duck.Ident("a version of " + s.Input().Text), "o": duck.Text("…")})
	what := "each version of " + s.Input().Text + ", once it is committed,"
	if s.roll != nil {
		what = "versions of " + s.Input().Text + ", once they are committed and " + s.roll.String() + ","
	}
	return fmt.Sprintf("1. %s into a hidden folder\n     %s\n2. flush to disk, rename to "+
		"v<version>-<n>%s\n3. the place in dsql.places: a transaction of its own\n",
		what, s.copy(rows, cols, s.given[""].Text), s.ending())
}
