package files

import (
	"errors"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

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

// rawView is such a copy.
type rawView struct {
	name string
	have map[string]duck.Type // the types of its columns, by their names in lower case
}

// scanParquet is DuckDB's reader of one file: nothing in its name is a pattern, and its folders are no columns.
func (s *Source) scanParquet(full string) *duck.Query {
	return duck.SQL("read_parquet({f}, hive_partitioning = false, binary_as_string = {s})",
		duck.Args{"f": escapeGlob(full), "s": s.asString})
}

func findColumn(cols []duck.Column, name string) *duck.Column {
	for i := range cols {
		if strings.EqualFold(cols[i].Name, name) {
			return &cols[i]
		}
	}
	return nil
}

func (s *Source) noParquet(err error, f file) *sql.Error {
	why := err.Error()
	if e := (*sql.Error)(nil); errors.As(err, &e) {
		why = e.Msg
	}
	return s.Stmt.At(s.patternAt).Errorf(code.Unreadable, "%s can't be read as Parquet: %s", s.shown(f.path),
		strings.TrimSpace(strings.ReplaceAll(why, f.full, f.path))).WithHint(mend).WithCause(err)
}
