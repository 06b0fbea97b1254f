package look

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// OfFiles: these names are of data files and of tables of other databases, for which no file of dsql's is needed.
func OfFiles(names ...string) bool {
	return !slices.ContainsFunc(names, func(text string) bool { return !isData(text) && !ofDatabase(text) })
}

// isData: the name is one of a file that DuckDB reads as a table.
func isData(text string) bool {
	return slices.Contains([]string{".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson"},
		filepath.Ext(strings.TrimSuffix(strings.ToLower(text), ".gz")))
}

// ofDatabase: the name is one of a table of another database, x.duckdb:t.
func ofDatabase(text string) bool {
	file, _, other := strings.Cut(text, ":")
	return other && slices.Contains([]string{".duckdb", ".db", ".ddb"}, strings.ToLower(filepath.Ext(file)))
}

// relation is what a name on the command line means: a FROM-item of the file, a data file, or a table of another database, which is
// attached as alias. Its columns come without _version.
func (v *Viewer) relation(ctx context.Context, text, alias string) (*duck.Query, []duck.Column, error) {
	from := duck.User(sql.NewSource(text, text), sql.Span{End: len(text)})
	switch {
	case ofDatabase(text):
		file, table, _ := strings.Cut(text, ":")
		if err := v.Conn.Run(ctx, duck.SQL("ATTACH {file} AS {name} (READ_ONLY)",
			duck.Args{"file": file, "name": duck.Ident(alias)})); err != nil {
			return nil, nil, err
		}
		from = duck.Ident(append([]string{alias}, strings.Split(table, ".")...)...)
	case isData(text):
		from = duck.SQL("{file}", duck.Args{"file": text})
	}
	cols, err := v.Conn.Describe(ctx, duck.SQL("SELECT * FROM {from}", duck.Args{"from": from}), sql.Place{})
	if duck.IsMissing(err) {
		err = sql.Errorf(code.UnknownName, "there is no %s", text).WithCause(err).
			WithHint("name a table, view or macro of the file, a csv, json or parquet file, or other.duckdb:table")
	}
	cols = slices.DeleteFunc(cols, func(x duck.Column) bool { return x.Name == catalog.VersionColumn })
	return from, cols, err
}
