package quack

import (
	"strings"

	"dsql/engine/duck"
)

// A client that attaches asks for schemas, and then for tables and views: of tables it takes the CREATE TABLE as it is, and it can't attach
// at all where one of them fails, as a DEFAULT of a sequence does. So it is given them without defaults and constraints, and without those
// that a journal is kept in. A table is asked for by its name alone, so of two schemas it is given the one that has that name first.
var tables = duck.SQL(`WITH stored AS (SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() AND
		NOT internal AND NOT temporary AND schema_name IN ('main', 'dsql')),
	shown AS (SELECT schema_name, table_name FROM stored AS s WHERE (schema_name = 'main' OR NOT EXISTS (FROM stored AS o
			WHERE o.schema_name = 'main' AND lower(o.table_name) = lower(s.table_name)))
		AND NOT (regexp_matches(table_name, '__(mem|now|past|state)$') AND EXISTS (FROM stored AS o WHERE o.schema_name = s.schema_name AND
			o.table_name = regexp_replace(s.table_name, '__(mem|now|past|state)$', '__state'))))
	SELECT schema_name, 'CREATE TABLE "' || replace(table_name, '"', '""') || '"(' || string_agg('"' || replace(column_name, '"', '""') || '" ' ||
		data_type, ', ' ORDER BY column_index) || ');' AS sql, 'table'
	FROM duckdb_columns() JOIN shown USING (schema_name, table_name) WHERE database_name = current_database() GROUP BY schema_name, table_name
	UNION ALL SELECT schema_name, view_name, 'view' FROM duckdb_views() WHERE database_name = current_database() AND NOT internal AND NOT temporary`)

// The texts by which DuckDB's own client asks for tables and views, and for schemata.
var (
	asksTables = oneSpaced("SELECT schema_name, sql, 'table' FROM duckdb_tables() UNION ALL SELECT schema_name, view_name, 'view' FROM " +
		"duckdb_views()")
	asksSchema = oneSpaced("SELECT catalog_name, schema_name FROM information_schema.schemata WHERE catalog_name NOT IN ('system', 'temp') " +
		"ORDER BY ALL")
)

// oneSpaced is a text with its white space made one.
func oneSpaced(text string) string { return strings.Join(strings.Fields(text), " ") }

// ofCatalog: a client asks for what there is.
func ofCatalog(text string) bool {
	if len(text) > 300 {
		return false
	}
	text = oneSpaced(text)
	return text == asksTables || text == asksSchema
}

// catalog is what a client's query for tables is answered by; nil: it is another query.
func catalog(text string) *duck.Query {
	if !ofCatalog(text) || oneSpaced(text) != asksTables {
		return nil
	}
	return tables
}
