package files

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/declare"
	"dsql/ingest/lossless"
	"dsql/sql"
)

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
